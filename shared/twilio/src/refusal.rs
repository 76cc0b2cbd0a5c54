use http::StatusCode;
use serde::Deserialize;
use trunkline_provisioning::ports::{Failure, Retry, TwilioError, TwilioRefusal};

/// Why a call has no result, and Twilio's own number for it, or the HTTP status where it gave none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RestError {
    why: Why,
    code: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Refused(TwilioRefusal),
    Failed(Failure),
}

/// Twilio's error body. Its message stays behind, since it may repeat what was sent.
#[derive(Default, Deserialize)]
struct ErrorBody {
    code: Option<u32>,
}

impl RestError {
    /// What an answer that is no success means.
    pub(crate) fn of_answer(status: StatusCode, body: &[u8]) -> Self {
        let ErrorBody { code } = serde_json::from_slice(body).unwrap_or_default();
        let why = match (status.as_u16(), code) {
            (_, Some(20003)) => Why::Refused(TwilioRefusal::Credentials),
            // Not active, on trial, suspended or closed; or a 401 or 403 of Twilio's for another reason.
            (400..500, Some(10001 | 10002 | 20005 | 20403)) | (401 | 403, Some(_)) => {
                Why::Refused(TwilioRefusal::NotAllowed)
            }
            (404, Some(20404)) => Why::Refused(TwilioRefusal::NotThere),
            // Maximum number of credential lists, of trunks.
            (400..500, Some(21239 | 21244)) => Why::Refused(TwilioRefusal::LimitReached),
            // A list of that name; a list that a trunk takes; a user name in a list; a list or domain that a trunk of the
            // account has; a domain of another account's. Some are also said of parameters that break a rule: what is sent
            // keeps them.
            (400..500, Some(21240 | 21241 | 21243 | 21245 | 21248)) => Why::Failed(Failure::ObjectConflict),
            // An answer without Twilio's number is another server's.
            (401 | 403, None) => Why::Failed(Failure::AccessDenied),
            (404, None) => Why::Failed(Failure::NotFound),
            // "Requests that receive 429 responses aren't processed" (<https://www.twilio.com/docs/api/errors/20429>).
            (429, _) => Why::Failed(Failure::Throttled),
            (408, _) | (409, None) => Why::Failed(Failure::Unanswered),
            _ if status.is_client_error() => Why::Failed(Failure::Invalid),
            _ => Why::Failed(Failure::ServerError),
        };
        Self { why, code: code.or(Some(status.as_u16().into())) }
    }

    /// Whether Twilio says that what is named is not there.
    pub(crate) fn is_not_there(self) -> bool {
        self.why == Why::Refused(TwilioRefusal::NotThere)
    }

    /// Of a call that names nothing but the account: then that is what is not there.
    pub(crate) fn of_account(self) -> Self {
        if self.is_not_there() { Self { why: Why::Refused(TwilioRefusal::NoAccount), ..self } } else { self }
    }

    /// Whether the work may have been done, or may be done yet.
    pub(crate) fn may_be_done(self) -> bool {
        matches!(self.why, Why::Failed(failure) if failure.meaning().may_be_done)
    }

    /// Whether the same call may fare better in a moment.
    pub(crate) fn may_pass(self) -> bool {
        matches!(self.why, Why::Failed(failure) if failure.meaning().retry == Retry::Soon)
    }

    /// Logs it, and says what it means to a use case.
    pub(crate) fn classify(self, operation: &'static str) -> TwilioError {
        const SYSTEM: &str = "twilio";
        let code = self.code.map(|code| code.to_string()).unwrap_or_default();
        match self.why {
            Why::Failed(failure) => TwilioError::Upstream(failure.report(SYSTEM, operation, &code).into()),
            Why::Refused(refusal) => {
                tracing::warn!(
                    call.system = SYSTEM,
                    call.operation = operation,
                    call.code = code,
                    failure = %refusal,
                    "call refused"
                );
                TwilioError::Refused(refusal)
            }
        }
    }
}

impl From<Failure> for RestError {
    /// One that Twilio has no number for.
    fn from(failure: Failure) -> Self {
        Self { why: Why::Failed(failure), code: None }
    }
}
