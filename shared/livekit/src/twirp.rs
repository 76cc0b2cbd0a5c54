//! Twirp calls: protobuf over HTTP (<https://twitchtv.github.io/twirp/docs/spec_v7.html>).

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode};
use prost::Message;
use secrecy::ExposeSecret;
use serde::Deserialize;
use trunkline_connector::{BaseUrl, Connector, SendError};
use trunkline_provisioning::ports::Failure;

use crate::access::Token;

/// Why a call has no result: which failure it is, and LiveKit's own word for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TwirpError {
    pub(crate) failure: Failure,
    pub(crate) code: String,
}

impl TwirpError {
    /// LiveKit's own word; a 404 without it is another server's.
    pub(crate) fn is_no_such_object(&self) -> bool {
        self.failure == Failure::NotFound && self.code == "not_found"
    }

    /// A 404 of a server that does not know the service: Go's, a gateway's or Twirp's (`bad_route`).
    pub(crate) fn is_no_such_service(&self) -> bool {
        self.failure == Failure::NotFound && self.code != "not_found"
    }
}

impl From<Failure> for TwirpError {
    /// One that LiveKit has no word for.
    fn from(failure: Failure) -> Self {
        Self { failure, code: String::new() }
    }
}

/// A service of LiveKit's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    /// Its name in the path.
    name: &'static str,
    /// How long one call may take.
    timeout: Duration,
}

impl Service {
    /// LiveKit looks through all trunks of the project on a create, which stays in milliseconds up to many thousands.
    pub(crate) const SIP: Self = Self { name: "livekit.SIP", timeout: Duration::from_secs(4) };

    /// The same, for lists of the whole project: 1.2 s were measured at 6,000 trunks.
    pub(crate) const SIP_INVENTORY: Self = Self { timeout: Duration::from_mins(1), ..Self::SIP };

    /// Behind it a carrier is asked: LiveKit's own SDK waits half a minute for a search (`phonenumberclient.go`).
    pub(crate) const PHONE_NUMBERS: Self =
        Self { name: "livekit.PhoneNumberService", timeout: Duration::from_secs(10) };
}

/// Calls a method of `service` once.
pub(crate) async fn call<Q: Message, A: Message + Default>(
    connector: &Connector,
    base: &BaseUrl,
    token: &Token,
    service: Service,
    method: &str,
    message: &Q,
) -> Result<A, TwirpError> {
    let mut authorization =
        HeaderValue::from_str(&format!("Bearer {}", token.jwt.expose_secret())).map_err(|_| Failure::Invalid)?;
    authorization.set_sensitive(true);
    let request = Request::post(format!("{base}/twirp/{}/{method}", service.name))
        .header(CONTENT_TYPE, "application/protobuf")
        .header(AUTHORIZATION, authorization)
        .body(Bytes::from(message.encode_to_vec()))
        .map_err(|_| Failure::Invalid)?;
    let answer = match tokio::time::timeout(service.timeout, connector.send(request)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(SendError::NotSent(_))) => return Err(Failure::NotConnected.into()),
        Ok(Err(SendError::Tls(_))) => return Err(Failure::TlsFailure.into()),
        Ok(Err(SendError::Unanswered(_))) | Err(_) => return Err(Failure::Unanswered.into()),
    };
    if answer.status() == StatusCode::OK {
        return A::decode(answer.into_body()).map_err(|_| Failure::Unanswered.into());
    }
    Err(refusal(answer.status(), answer.body()))
}

/// Twirp's error body.
#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    code: String,
    #[serde(default)]
    msg: String,
}

fn refusal(status: StatusCode, body: &[u8]) -> TwirpError {
    let ErrorBody { code, msg } = serde_json::from_slice(body).unwrap_or_default();
    // A conflict is told from a bad field by its text alone (livekit/protocol, `SIPInboundTrunkInfo` and
    // `SIPDispatchRuleInfo` matching).
    let failure = match (status.as_u16(), code.as_str()) {
        (401, _) => Failure::ExpiredCredentials,
        (403, _) => Failure::AccessDenied,
        (404, _) => Failure::NotFound,
        (429, _) => Failure::Throttled,
        (400, "invalid_argument") if msg.contains("Conflicting") => Failure::ObjectConflict,
        // The request was given up on its way through LiveKit. A 409 may also be `already_exists`, a refusal.
        (408, _) | (409, "") | (_, "deadline_exceeded" | "canceled" | "aborted") => Failure::Unanswered,
        _ if status.is_client_error() => Failure::Invalid,
        _ => Failure::ServerError,
    };
    TwirpError { failure, code: if code.is_empty() { status.to_string() } else { code } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        for (status, body, failure) in [
            (401, "invalid API key", Failure::ExpiredCredentials),
            (403, r#"{"code":"permission_denied","msg":"x"}"#, Failure::AccessDenied),
            (404, r#"{"code":"not_found","msg":"x"}"#, Failure::NotFound),
            (404, "<html>", Failure::NotFound),
            (400, r#"{"code":"invalid_argument","msg":"no numbers"}"#, Failure::Invalid),
            (
                400,
                r#"{"code":"invalid_argument","msg":"Conflicting inbound SIP Trunks: \"ST_1\""}"#,
                Failure::ObjectConflict,
            ),
            (429, r#"{"code":"resource_exhausted","msg":"x"}"#, Failure::Throttled),
            (500, r#"{"code":"internal","msg":"sip not connected (redis required)"}"#, Failure::ServerError),
            (302, "", Failure::ServerError),
            (408, r#"{"code":"deadline_exceeded","msg":"x"}"#, Failure::Unanswered),
            (409, r#"{"code":"aborted","msg":"x"}"#, Failure::Unanswered),
            (408, "", Failure::Unanswered),
            (409, "", Failure::Unanswered),
            (409, r#"{"code":"already_exists","msg":"x"}"#, Failure::Invalid),
        ] {
            let error = refusal(StatusCode::from_u16(status).unwrap(), body.as_bytes());
            assert_eq!(error.failure, failure, "{status} {body}");
        }
        assert_eq!(refusal(StatusCode::NOT_FOUND, br#"{"code":"not_found"}"#).code, "not_found");
    }
}
