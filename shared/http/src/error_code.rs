use lambda_http::http::StatusCode;
use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($name:ident = $word:literal, $status:ident;)+) => {
        /// What a client tells outcomes apart by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum ErrorCode {
            $($name),+
        }

        impl ErrorCode {
            #[cfg(feature = "openapi")]
            pub(crate) const ALL: &[Self] = &[$(Self::$name),+];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }
        }
    };
}

codes! {
    BadRequest = "bad_request", BAD_REQUEST;
    ValidationFailed = "validation_failed", BAD_REQUEST;
    Unauthorized = "unauthorized", UNAUTHORIZED;
    PaymentRequired = "payment_required", PAYMENT_REQUIRED;
    InsufficientScope = "insufficient_scope", FORBIDDEN;
    SipTrunkNotFound = "sip_trunk_not_found", NOT_FOUND;
    PhoneNumberNotFound = "phone_number_not_found", NOT_FOUND;
    NotFound = "not_found", NOT_FOUND;
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED;
    Conflict = "conflict", CONFLICT;
    IdempotencyConflict = "idempotency_conflict", CONFLICT;
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED;
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE;
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE;
    InternalError = "internal_error", INTERNAL_SERVER_ERROR;
    UpstreamFailure = "upstream_failure", BAD_GATEWAY;
    ServiceUnavailable = "service_unavailable", SERVICE_UNAVAILABLE;
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(feature = "openapi")]
impl schemars::JsonSchema for ErrorCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ErrorCode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "enum": Self::ALL})
    }
}
