//! Who may call: LiveKit's access tokens (the server's `pkg/service/auth.go`).

use axum::{
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use livekit_token::{Claims, TokenVerifier};
use secrecy::{ExposeSecret, SecretString};

/// The key pair that tokens are signed with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Names the pair; a token's issuer.
    pub api_key: String,
    /// Signs the tokens.
    pub api_secret: SecretString,
}

/// Checks tokens against one key pair.
pub(super) struct Verifier {
    api_key: String,
    tokens: TokenVerifier,
}

/// What a request may do.
#[derive(Clone, Copy)]
pub(super) struct Grants {
    /// Read and change trunks, dispatch rules and phone numbers.
    pub(super) sip_admin: bool,
}

/// A token that does not stand. Answered as plain text with status 401, before Twirp sees the
/// request, and without the token, which older servers repeat.
pub(super) enum Refusal {
    NoBearer,
    NotAToken,
    UnknownKey,
    NotValid,
}

impl Verifier {
    /// A verifier for one key pair.
    pub(super) fn new(credentials: &Credentials) -> Self {
        Self {
            tokens: TokenVerifier::with_api_key(&credentials.api_key, credentials.api_secret.expose_secret()),
            api_key: credentials.api_key.clone(),
        }
    }

    /// What the request may do. No token at all is not refused here: the method answers it, like
    /// any missing grant.
    pub(super) fn grants(&self, headers: &HeaderMap) -> Result<Grants, Refusal> {
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Ok(Grants { sip_admin: false });
        };
        let token = header.to_str().ok().and_then(|header| header.strip_prefix("Bearer ")).ok_or(Refusal::NoBearer)?;
        let unverified = Claims::from_unverified(token).map_err(|_| Refusal::NotAToken)?;
        if unverified.iss != self.api_key {
            return Err(Refusal::UnknownKey);
        }
        // Signature, expiry and start, with the minute of leeway that the server gives too.
        let claims = self.tokens.verify(token).map_err(|_| Refusal::NotValid)?;
        Ok(Grants { sip_admin: claims.sip.admin })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let reason = match self {
            Self::NoBearer => "invalid authorization header. Must start with Bearer ",
            Self::UnknownKey => "invalid API key",
            Self::NotAToken | Self::NotValid => "invalid authorization token",
        };
        (StatusCode::UNAUTHORIZED, reason).into_response()
    }
}
