//! What a caller is told when it did not work, in one place: status, code, message.

use std::collections::BTreeMap;

use lambda_http::http::StatusCode;
use lambda_http::http::header::{ALLOW, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;
use trunkline_domain::{InvalidJson, RequestId, Violations};
use trunkline_provisioning::ports::{StoreError, TwilioRefusal};
use trunkline_provisioning::{CreateError, DeleteError, KeyUse, NumberError, StoredResponse, UpdateError, Upstream};

use crate::error_code::ErrorCode;
use crate::response::ApiResponse;

/// An outcome that is not the one asked for.
#[derive(Debug)]
pub struct ApiError {
    code: ErrorCode,
    message: Box<str>,
    fields: Option<Violations>,
    details: Option<Details>,
    header: Option<Header>,
}

/// More about some errors.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(inline))]
#[serde(untagged)]
enum Details {
    /// Of `payment_required`.
    Cap {
        /// How many trunks or phone numbers the workspace may hold.
        limit: u64,
        /// How many it holds.
        used: u64,
    },
    /// Of `upstream_failure`.
    Upstream {
        /// Which system failed.
        #[cfg_attr(
            feature = "openapi",
            schemars(extend("enum" = [Upstream::LiveKit.as_str(), Upstream::SecretsManager.as_str(), Upstream::Twilio.as_str()]))
        )]
        upstream: &'static str,
    },
}

/// The envelope of every error.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Error"))]
pub(crate) struct ErrorBody<'a> {
    error: Problem<'a>,
    /// Names the request, also in each of its log lines. In a replayed response, the first request.
    request_id: RequestId,
}

/// What went wrong.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
struct Problem<'a> {
    /// Stable.
    code: ErrorCode,
    /// For people; may change.
    message: &'a str,
    /// Of `validation_failed`: path to message.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<&'a BTreeMap<String, String>>,
    /// Of `payment_required` and `upstream_failure`.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

/// The header that goes with an outcome.
#[derive(Debug)]
enum Header {
    Allow(String),
    RetryAfterOneSecond,
    WwwAuthenticateBearer,
}

impl Header {
    fn name(&self) -> HeaderName {
        match self {
            Self::Allow(_) => ALLOW,
            Self::RetryAfterOneSecond => RETRY_AFTER,
            Self::WwwAuthenticateBearer => WWW_AUTHENTICATE,
        }
    }

    fn value(&self) -> &str {
        match self {
            Self::Allow(methods) => methods,
            Self::RetryAfterOneSecond => "1",
            Self::WwwAuthenticateBearer => "Bearer",
        }
    }
}

impl ApiError {
    fn new(code: ErrorCode, message: impl Into<Box<str>>) -> Self {
        Self { code, message: message.into(), fields: None, details: None, header: None }
    }

    fn with_header(self, header: Header) -> Self {
        Self { header: Some(header), ..self }
    }

    fn with_details(self, details: Details) -> Self {
        Self { details: Some(details), ..self }
    }

    pub(crate) fn bad_request(message: impl Into<Box<str>>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }

    fn invalid(field: &str, message: impl Into<String>) -> Self {
        let mut violations = Violations::default();
        violations.add(field, message);
        Self::validation_failed(violations)
    }

    pub(crate) fn validation_failed(violations: Violations) -> Self {
        let error = Self::new(ErrorCode::ValidationFailed, violations.to_string());
        Self { fields: Some(violations), ..error }
    }

    /// The same for every kind of invalid key, so that nothing can be learned from it.
    pub(crate) fn unauthorized() -> Self {
        Self::new(ErrorCode::Unauthorized, "a valid API key is required: Authorization: Bearer sk_…")
            .with_header(Header::WwwAuthenticateBearer)
    }

    pub(crate) fn insufficient_scope() -> Self {
        Self::new(ErrorCode::InsufficientScope, "this API key may only read")
    }

    pub(crate) fn sip_trunk_not_found() -> Self {
        Self::new(ErrorCode::SipTrunkNotFound, "this workspace has no such SIP trunk")
    }

    pub(crate) fn phone_number_not_found() -> Self {
        Self::new(ErrorCode::PhoneNumberNotFound, "this workspace has no such phone number")
    }

    pub(crate) fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "there is nothing at this path")
    }

    pub(crate) fn method_not_allowed(allowed: &[&str]) -> Self {
        let allowed = allowed.join(", ");
        Self::new(ErrorCode::MethodNotAllowed, format!("this path takes {allowed}")).with_header(Header::Allow(allowed))
    }

    pub(crate) fn payload_too_large(max_bytes: usize) -> Self {
        let message = format!("the body must be at most {max_bytes} bytes");
        Self::new(ErrorCode::PayloadTooLarge, message)
    }

    pub(crate) fn unsupported_media_type(media_types: &[&str]) -> Self {
        let message = format!("the body must be sent as Content-Type: {}", media_types.join(" or "));
        Self::new(ErrorCode::UnsupportedMediaType, message)
    }

    fn trunks_at_cap(limit: u64, used: u64) -> Self {
        Self::at_cap(format!("{used} of {limit} SIP trunks: delete one, or ask for a higher limit"), limit, used)
    }

    // This limit is the same for all.
    fn numbers_at_cap(limit: u64, used: u64) -> Self {
        Self::at_cap(format!("{used} of {limit} phone numbers: delete one"), limit, used)
    }

    fn at_cap(held: String, limit: u64, used: u64) -> Self {
        let message = format!("the workspace holds {held}");
        Self::new(ErrorCode::PaymentRequired, message).with_details(Details::Cap { limit, used })
    }

    fn livekit_conflict() -> Self {
        Self::conflict(
            "another inbound trunk of this LiveKit project takes calls to every number: give it numbers of its own, then try again",
        )
    }

    /// Of an auth token that was sent in the field `auth_token`.
    fn twilio_refusal(refusal: TwilioRefusal, auth_token: &str) -> Self {
        match refusal {
            TwilioRefusal::Credentials => Self::invalid(
                auth_token,
                "Twilio does not take it for this account_sid: send the account's current auth token",
            ),
            TwilioRefusal::NotAllowed => Self::conflict(
                "Twilio does not let this account do that: it may be suspended or on trial; mend it there, then try again",
            ),
            TwilioRefusal::LimitReached => Self::conflict(
                "this Twilio account has as many trunks or credential lists as it may have: delete one there, then try again",
            ),
            TwilioRefusal::NoAccount => Self::invalid(
                "twilio.account_sid",
                "Twilio has no such account, or no longer: it may be closed; name another",
            ),
            TwilioRefusal::NotThere => Self::conflict(
                "the trunk of this Twilio account's numbers is not there any more: delete these numbers here, the last one takes the trunk with it; then import them again",
            ),
            TwilioRefusal::Moved => Self::conflict(
                "the number has just been moved on this Twilio account, or has left it: take it off what holds it there, \
                 or buy it there, then try again",
            ),
        }
    }

    fn busy(what: &str) -> Self {
        Self::conflict(&format!("another request is changing {what}, or has just done so: try again"))
            .with_header(Header::RetryAfterOneSecond)
    }

    fn conflict(message: &str) -> Self {
        Self::new(ErrorCode::Conflict, message)
    }

    fn precondition_failed() -> Self {
        let message = "the trunk is of another version than If-Match names: read it again, then decide";
        Self::new(ErrorCode::PreconditionFailed, message)
    }

    fn idempotency_conflict(message: &str) -> Self {
        Self::new(ErrorCode::IdempotencyConflict, message)
    }

    fn upstream_failure(upstream: Upstream, message: String) -> Self {
        Self::new(ErrorCode::UpstreamFailure, message).with_details(Details::Upstream { upstream: upstream.as_str() })
    }

    pub(crate) fn service_unavailable() -> Self {
        let message = "the service is busy or a part of it did not answer in time: try again";
        Self::new(ErrorCode::ServiceUnavailable, message).with_header(Header::RetryAfterOneSecond)
    }

    fn internal_error() -> Self {
        Self::new(ErrorCode::InternalError, "something is wrong on our side")
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code.as_str()
    }

    /// Whether the request itself is at fault, so that it will be refused whenever it is sent.
    pub(crate) fn is_the_requests(&self) -> bool {
        self.code.status() == StatusCode::BAD_REQUEST
    }

    /// The body of the envelope.
    pub(crate) fn body(&self, request_id: RequestId) -> ErrorBody<'_> {
        let error = Problem {
            code: self.code,
            message: &self.message,
            fields: self.fields.as_ref().map(Violations::fields),
            details: self.details,
        };
        ErrorBody { error, request_id }
    }

    /// The header that goes with it, if any.
    #[cfg(feature = "openapi")]
    pub(crate) fn header_name(&self) -> Option<HeaderName> {
        self.header.as_ref().map(Header::name)
    }

    pub(crate) fn to_stored(&self, request_id: RequestId) -> StoredResponse {
        let body = serde_json::to_string(&self.body(request_id)).expect("our bodies have string keys only");
        StoredResponse { status: self.code.status().as_u16(), body, location: None }
    }

    pub(crate) fn into_response(self, request_id: RequestId) -> ApiResponse {
        let response = ApiResponse::json(self.code.status(), &self.body(request_id));
        match self.header {
            Some(header) => response.with_header(header.name(), header.value()),
            None => response,
        }
    }
}

impl From<InvalidJson> for ApiError {
    fn from(error: InvalidJson) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<Violations> for ApiError {
    fn from(violations: Violations) -> Self {
        Self::validation_failed(violations)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable | StoreError::Unanswered => Self::service_unavailable(),
            StoreError::Broken => Self::internal_error(),
        }
    }
}

impl From<KeyUse> for ApiError {
    /// Of a key whose response cannot be replayed.
    fn from(key_use: KeyUse) -> Self {
        match key_use {
            KeyUse::Running => {
                Self::idempotency_conflict("the first request with this Idempotency-Key is still running")
                    .with_header(Header::RetryAfterOneSecond)
            }
            KeyUse::OtherRequest | KeyUse::Answered(_) => {
                Self::idempotency_conflict("this Idempotency-Key was used with another request: use a new one")
            }
        }
    }
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::AtCap { limit, used } => Self::trunks_at_cap(limit, used),
            CreateError::KeyUsed(key_use) => key_use.into(),
            CreateError::Conflict => Self::livekit_conflict(),
            CreateError::Upstream(upstream) => Self::upstream_failure(
                upstream,
                format!("{upstream} refused or failed; no trunk was created: try again"),
            ),
            CreateError::Unavailable => Self::service_unavailable(),
            CreateError::Internal => Self::internal_error(),
        }
    }
}

impl From<UpdateError> for ApiError {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::NotFound => Self::sip_trunk_not_found(),
            UpdateError::PreconditionFailed => Self::precondition_failed(),
            UpdateError::Invalid(violations) => violations.into(),
            UpdateError::Busy => Self::busy("this trunk"),
            UpdateError::Conflict => Self::livekit_conflict(),
            UpdateError::Twilio(TwilioRefusal::NoAccount) => Self::invalid(
                "credentials.auth_token",
                "Twilio has no such account any more, it may be closed: delete this trunk, and import numbers of another",
            ),
            UpdateError::Twilio(refusal) => Self::twilio_refusal(refusal, "credentials.auth_token"),
            UpdateError::Upstream(upstream) => Self::upstream_failure(
                upstream,
                format!("{upstream} refused or failed; the trunk was not changed: try again"),
            ),
            UpdateError::Unavailable => Self::service_unavailable(),
            UpdateError::Internal => Self::internal_error(),
        }
    }
}

impl From<DeleteError> for ApiError {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::NotFound => Self::sip_trunk_not_found(),
            DeleteError::Upstream(upstream) => Self::upstream_failure(
                upstream,
                format!("{upstream} refused or failed; the trunk is no longer shown and will be deleted"),
            ),
            DeleteError::Unavailable => Self::service_unavailable(),
            DeleteError::Internal => Self::internal_error(),
        }
    }
}

impl From<NumberError> for ApiError {
    fn from(error: NumberError) -> Self {
        match error {
            NumberError::NotFound => Self::phone_number_not_found(),
            NumberError::NoSuchTrunk => Self::invalid("trunk_id", "no such trunk in this workspace"),
            NumberError::NotByoc(_) => Self::invalid(
                "trunk_id",
                "only a number of provider=byoc can be bound or unbound, and only to a trunk of kind=byoc: delete one of another provider, and import it again",
            ),
            NumberError::NoNumberService => {
                Self::invalid("provider", "this deployment's LiveKit has no phone numbers: only LiveKit Cloud has")
            }
            NumberError::NotOnAccount => {
                Self::invalid("e164", "this Twilio account has no such number: buy it there, or name its account")
            }
            NumberError::InUseOnAccount => Self::conflict(
                "a trunk or a TwiML app on this Twilio account has the number: take it off there, then try again",
            ),
            NumberError::Twilio(refusal) => Self::twilio_refusal(refusal, "twilio.auth_token"),
            NumberError::AtCap { limit, used } => Self::numbers_at_cap(limit, used),
            NumberError::TrunksAtCap { limit, used } => Self::trunks_at_cap(limit, used),
            NumberError::NotForSale => {
                Self::conflict("LiveKit does not sell this number to this project: choose another from its inventory")
            }
            NumberError::OwnedInLiveKit => Self::conflict(
                "this LiveKit project has the number already, by no import: release it in LiveKit, or choose another",
            ),
            // Not whose.
            NumberError::Taken => {
                Self::conflict("another import holds this number: whoever holds it must delete it first")
            }
            NumberError::KeyUsed(key_use) => key_use.into(),
            NumberError::Busy => Self::busy("this number or its trunk"),
            NumberError::Conflict => Self::conflict(
                "another inbound trunk of this LiveKit project takes calls to this number: take the number off it, then try again",
            ),
            NumberError::Upstream(upstream) => Self::upstream_failure(
                upstream,
                format!("{upstream} refused or failed; nothing was changed: try again"),
            ),
            NumberError::Unfinished(upstream) => Self::upstream_failure(
                upstream,
                format!("{upstream} refused or failed; the number is not given back yet: try again"),
            ),
            NumberError::Unavailable => Self::service_unavailable(),
            NumberError::Internal => Self::internal_error(),
        }
    }
}
