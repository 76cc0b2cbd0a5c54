use std::fmt;

use trunkline_domain::{Kind, Violations};

use crate::KeyUse;
use crate::change::ChangeError;
use crate::ports::{StoreError, TwilioError, TwilioRefusal, UpstreamError};
use crate::provision::UpstreamFailure;

/// A system that a trunk is provisioned in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upstream {
    /// LiveKit's SIP service.
    LiveKit,
    /// AWS Secrets Manager.
    SecretsManager,
    /// Twilio's Elastic SIP Trunking.
    Twilio,
}

impl Upstream {
    /// The name that callers see in `details.upstream`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LiveKit => "livekit",
            Self::SecretsManager => "secretsmanager",
            Self::Twilio => "twilio",
        }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why no trunk was created. In every case what had been made is undone, or recorded for the sweeper.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The workspace has all the trunks it may have; nothing was done.
    #[error("the workspace holds {used} of {limit} trunks")]
    AtCap {
        /// How many it may have.
        limit: u64,
        /// How many it has.
        used: u64,
    },
    /// The idempotency key was used before; nothing was done.
    #[error("the idempotency key was used before")]
    KeyUsed(KeyUse),
    /// LiveKit takes no second trunk for these calls.
    #[error("another LiveKit trunk takes the same calls")]
    Conflict,
    /// A system refused or failed.
    #[error("{0} failed")]
    Upstream(Upstream),
    /// Throttled, or the table did not answer in time.
    #[error("the table is not available")]
    Unavailable,
    /// The table refused what it should take: a matter for the operator.
    #[error("the table refused a request")]
    Internal,
}

impl From<UpstreamFailure> for CreateError {
    fn from((upstream, error): UpstreamFailure) -> Self {
        match error {
            UpstreamError::Conflict => Self::Conflict,
            UpstreamError::NotDone | UpstreamError::Unanswered => Self::Upstream(upstream),
        }
    }
}

impl From<StoreError> for CreateError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable | StoreError::Unanswered => Self::Unavailable,
            StoreError::Broken => Self::Internal,
        }
    }
}

/// Why a trunk was not changed. In every case what had been changed is taken back, or recorded for the sweeper.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The workspace has no such trunk.
    #[error("no such trunk")]
    NotFound,
    /// The trunk is of none of the versions that the caller knows; nothing was done.
    #[error("the trunk is of another version")]
    PreconditionFailed,
    /// The patch breaks rules; nothing was done.
    #[error("{0}")]
    Invalid(Violations),
    /// Another request is changing the trunk, or has just done so; nothing was done.
    #[error("another request changes the trunk")]
    Busy,
    /// LiveKit takes no second trunk for these calls.
    #[error("another LiveKit trunk takes the same calls")]
    Conflict,
    /// Twilio refused the new auth token, or the account; nothing was done.
    #[error("Twilio refused: {0}")]
    Twilio(TwilioRefusal),
    /// A system refused or failed.
    #[error("{0} failed")]
    Upstream(Upstream),
    /// Throttled, or the table did not answer in time.
    #[error("the table is not available")]
    Unavailable,
    /// The table refused what it should take: a matter for the operator.
    #[error("the table refused a request")]
    Internal,
}

impl UpdateError {
    /// What a caller is told who named versions of the trunk (`is_conditional`), or did not.
    pub(crate) fn of(error: ChangeError, is_conditional: bool) -> Self {
        match error {
            ChangeError::Changed if is_conditional => Self::PreconditionFailed,
            ChangeError::Absent => Self::NotFound,
            ChangeError::Changed | ChangeError::Busy => Self::Busy,
            ChangeError::Invalid(violations) => Self::Invalid(violations),
            ChangeError::Upstream((_, UpstreamError::Conflict)) => Self::Conflict,
            ChangeError::Upstream((upstream, _)) => Self::Upstream(upstream),
            ChangeError::NoSecret => Self::Upstream(Upstream::SecretsManager),
            ChangeError::NoObject => Self::Upstream(Upstream::LiveKit),
            ChangeError::LeaseLost => Self::Unavailable,
            // Numbers alone are at Twilio.
            ChangeError::Twilio(_) => Self::Internal,
            ChangeError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for UpdateError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable | StoreError::Unanswered => Self::Unavailable,
            StoreError::Broken => Self::Internal,
        }
    }
}

impl From<TwilioError> for UpdateError {
    fn from(error: TwilioError) -> Self {
        match error {
            TwilioError::Refused(refusal) => Self::Twilio(refusal),
            TwilioError::Upstream(_) => Self::Upstream(Upstream::Twilio),
        }
    }
}

impl From<Violations> for UpdateError {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}

/// Why a phone number was not imported, changed or deleted. In every case what had been done is taken back, or recorded
/// for the sweeper.
#[derive(Debug, thiserror::Error)]
pub enum NumberError {
    /// The workspace has no such number.
    #[error("no such number")]
    NotFound,
    /// The workspace has no such trunk; nothing was done.
    #[error("no such trunk")]
    NoSuchTrunk,
    /// Only numbers of a carrier are bound to trunks, and only to its trunks; nothing was done. With the kind of the
    /// number or the trunk that is none.
    #[error("of kind {0}")]
    NotByoc(Kind),
    /// This LiveKit has no numbers of its own; nothing was done.
    #[error("LiveKit has no phone-number service")]
    NoNumberService,
    /// The workspace has all the numbers it may have; nothing was done.
    #[error("the workspace holds {used} of {limit} numbers")]
    AtCap {
        /// How many it may have.
        limit: u64,
        /// How many it has.
        used: u64,
    },
    /// The workspace has all the trunks it may have, and the number needs one; nothing was done.
    #[error("the workspace holds {used} of {limit} trunks")]
    TrunksAtCap {
        /// How many it may have.
        limit: u64,
        /// How many it has.
        used: u64,
    },
    /// LiveKit does not sell the number.
    #[error("LiveKit does not sell the number")]
    NotForSale,
    /// The LiveKit project has the number already, and no workspace; what had been done is undone.
    #[error("the LiveKit project has the number")]
    OwnedInLiveKit,
    /// The Twilio account does not have the number; nothing was done.
    #[error("not on the Twilio account")]
    NotOnAccount,
    /// The Twilio account has given the number to a trunk or an application of its own; nothing was done.
    #[error("in use on the Twilio account")]
    InUseOnAccount,
    /// Twilio refused for a reason that the customer can mend there; what had been done is undone.
    #[error("Twilio refused: {0}")]
    Twilio(TwilioRefusal),
    /// A workspace has the number already; nothing was done.
    #[error("the number is taken")]
    Taken,
    /// The idempotency key was used before; nothing was done.
    #[error("the idempotency key was used before")]
    KeyUsed(KeyUse),
    /// Another request is changing the number or its trunk, or has just done so; nothing was done.
    #[error("another request changes the number or its trunk")]
    Busy,
    /// Another trunk in LiveKit has the number.
    #[error("another LiveKit trunk takes the same calls")]
    Conflict,
    /// A system refused or failed.
    #[error("{0} failed")]
    Upstream(Upstream),
    /// A system refused or failed in a deletion that is not taken back, but can be repeated.
    #[error("{0} failed, the number is not given back yet")]
    Unfinished(Upstream),
    /// Throttled, or the table did not answer in time.
    #[error("the table is not available")]
    Unavailable,
    /// The table refused what it should take: a matter for the operator.
    #[error("the table refused a request")]
    Internal,
}

impl From<StoreError> for NumberError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable | StoreError::Unanswered => Self::Unavailable,
            StoreError::Broken => Self::Internal,
        }
    }
}

impl From<UpstreamFailure> for NumberError {
    fn from((upstream, error): UpstreamFailure) -> Self {
        match (upstream, error) {
            (Upstream::LiveKit, UpstreamError::Conflict) => Self::Conflict,
            _ => Self::Upstream(upstream),
        }
    }
}

impl From<TwilioError> for NumberError {
    fn from(error: TwilioError) -> Self {
        match error {
            TwilioError::Refused(refusal) => Self::Twilio(refusal),
            TwilioError::Upstream(_) => Self::Upstream(Upstream::Twilio),
        }
    }
}

impl From<DeleteError> for NumberError {
    fn from(error: DeleteError) -> Self {
        match error {
            // A trunk that was there a moment ago.
            DeleteError::NotFound => Self::Busy,
            DeleteError::Upstream(upstream) => Self::Unfinished(upstream),
            DeleteError::Unavailable => Self::Unavailable,
            DeleteError::Internal => Self::Internal,
        }
    }
}

impl From<ChangeError> for NumberError {
    fn from(error: ChangeError) -> Self {
        match error {
            // A trunk that was there a moment ago is being deleted.
            ChangeError::Absent | ChangeError::Changed | ChangeError::Busy => Self::Busy,
            ChangeError::Upstream(failure) => failure.into(),
            ChangeError::NoSecret => Self::Upstream(Upstream::SecretsManager),
            ChangeError::NoObject => Self::Upstream(Upstream::LiveKit),
            ChangeError::LeaseLost => Self::Unavailable,
            // What it changes of a secret keeps the rules.
            ChangeError::Invalid(_) => Self::Internal,
            ChangeError::Twilio(error) => error.into(),
            ChangeError::Store(error) => error.into(),
        }
    }
}

/// Why a trunk is not deleted (yet).
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// The workspace has no such trunk.
    #[error("no such trunk")]
    NotFound,
    /// A system refused or failed; the trunk is no longer shown and the sweeper goes on with it.
    #[error("{0} failed")]
    Upstream(Upstream),
    /// Throttled, or the table did not answer in time.
    #[error("the table is not available")]
    Unavailable,
    /// The table refused what it should take: a matter for the operator.
    #[error("the table refused a request")]
    Internal,
}

impl From<StoreError> for DeleteError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable | StoreError::Unanswered => Self::Unavailable,
            StoreError::Broken => Self::Internal,
        }
    }
}
