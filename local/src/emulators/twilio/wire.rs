//! What Twilio answers: JSON, dates in two formats, errors by code.

use axum::{
    Json,
    http::{
        StatusCode,
        header::{HeaderValue, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::emulators::journal::JournalError;

/// A success.
pub(super) enum Answer {
    /// What was asked for.
    Found(Value),
    /// What was made.
    Created(Value),
    /// It is gone.
    Deleted,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Found(body) => Json(body).into_response(),
            Self::Created(body) => (StatusCode::CREATED, Json(body)).into_response(),
            Self::Deleted => StatusCode::NO_CONTENT.into_response(),
        }
    }
}

/// A moment as 2010-04-01 writes it (RFC 2822).
pub(super) fn rfc_2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// A moment as v1 writes it.
pub(super) fn iso_8601(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The errors of Twilio's list (<https://www.twilio.com/docs/api/errors>) that are answered here.
#[derive(Clone, Copy)]
pub(super) enum Code {
    MissingParameter = 20001,
    Authenticate = 20003,
    NotFound = 20404,
    Internal = 20500,
    TooManyCredentialLists = 21239,
    CredentialList = 21240,
    CredentialListInUse = 21241,
    Credential = 21243,
    TooManyTrunks = 21244,
    Trunk = 21245,
    TrunkDependencies = 21247,
    DomainTaken = 21248,
}

impl Code {
    fn status(self) -> StatusCode {
        match self {
            Self::Authenticate => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// An error as Twilio writes it.
pub(super) struct TwilioError {
    code: Code,
    message: String,
}

impl TwilioError {
    /// An error of that code. The status follows from it.
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// No such account, or not its token.
    pub(super) fn authenticate() -> Self {
        Self::new(Code::Authenticate, "Authenticate")
    }

    /// Nothing of the account's is there.
    pub(super) fn not_found(path: &str) -> Self {
        Self::new(Code::NotFound, format!("The requested resource {path} was not found"))
    }

    /// A parameter without which v1 does nothing.
    pub(super) fn missing_parameter(name: &str) -> Self {
        Self::new(Code::MissingParameter, format!("Missing required parameter {name} in the post body"))
    }
}

impl From<JournalError> for TwilioError {
    fn from(error: JournalError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the Twilio emulator cannot keep its state");
        Self::new(Code::Internal, "An internal server error has occurred")
    }
}

impl IntoResponse for TwilioError {
    fn into_response(self) -> Response {
        let (code, status) = (self.code as u32, self.code.status());
        let body = Json(json!({
            "code": code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
            "status": status.as_u16(),
        }));
        let mut response = (status, body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"Twilio API\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
