//! How a call to DynamoDB, Secrets Manager, LiveKit or Twilio fails, and what that means: one table for all of them. Adapters
//! recognise the row; its meaning is read here alone.

use super::{StoreError, UpstreamError};

/// A way of failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// DynamoDB: another writer had the record.
    #[error("transaction conflict")]
    TransactionConflict,
    /// Too many calls, for now.
    #[error("throttled")]
    Throttled,
    /// A 5xx.
    #[error("server error")]
    ServerError,
    /// Timed out, broken off after it was sent, or answered with something that cannot be read.
    #[error("unanswered")]
    Unanswered,
    /// Refused or unreachable: no connection came about. Or there was no token to send.
    #[error("not connected")]
    NotConnected,
    /// The TLS handshake failed: a certificate that is not trusted, or no TLS.
    #[error("TLS failure")]
    TlsFailure,
    /// Credentials or a token that have expired, or are no longer known.
    #[error("expired credentials")]
    ExpiredCredentials,
    /// Credentials that are valid and may not do this.
    #[error("access denied")]
    AccessDenied,
    /// A request that is not taken as it stands.
    #[error("invalid request")]
    Invalid,
    /// What was called or named is not there: no such table, no such path.
    #[error("not found")]
    NotFound,
    /// LiveKit: an object of the caller's is in the way.
    #[error("object conflict")]
    ObjectConflict,
    /// What is stored cannot be read.
    #[error("unreadable")]
    Unreadable,
}

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// Whether the work may have been done, or may be done yet: then it is undone like work that was.
    pub may_be_done: bool,
    /// Whether it is tried again within the same call.
    pub retry: Retry,
    /// Who can mend it, and so what the caller is told.
    pub mended_by: Mender,
}

/// Whether and how a call is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It is not: the answer would be the same.
    Never,
    /// After a short pause: AWS's by the SDK, three attempts; LiveKit's once more, a create never.
    Soon,
    /// A transaction with full jitter for up to 5 s: two that share a workspace's counter meet often. A single write by
    /// the SDK, three attempts: it meets another writer of its own trunk alone, who is done in milliseconds.
    Jittered,
    /// LiveKit's once, creates too, with a token of a key read anew; AWS's never, for a process has but one set of them.
    NewToken,
}

/// Who can mend a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mender {
    /// Time alone: 503 for the table, 502 for another system.
    Time,
    /// The caller: 409.
    Caller,
    /// An operator: 500 for the table, 502 for another system, and a line that raises an alarm.
    Operator,
}

/// The message of the lines that template.yaml counts in a metric.
pub const OPERATOR_NEEDED: &str = "call failed, an operator is needed";

impl Failure {
    /// Every row of the table.
    pub const ALL: [Self; 12] = [
        Self::TransactionConflict,
        Self::Throttled,
        Self::ServerError,
        Self::Unanswered,
        Self::NotConnected,
        Self::TlsFailure,
        Self::ExpiredCredentials,
        Self::AccessDenied,
        Self::Invalid,
        Self::NotFound,
        Self::ObjectConflict,
        Self::Unreadable,
    ];

    /// The table.
    pub const fn meaning(self) -> Meaning {
        use Mender::{Caller, Operator, Time};
        use Retry::{Jittered, Never, NewToken, Soon};
        const NOT_DONE: bool = false;
        const PERHAPS: bool = true;
        let (may_be_done, retry, mended_by) = match self {
            Self::TransactionConflict => (NOT_DONE, Jittered, Time),
            Self::Throttled => (NOT_DONE, Soon, Time),
            // It may have failed after it was done.
            Self::ServerError => (PERHAPS, Soon, Time),
            Self::Unanswered => (PERHAPS, Soon, Time),
            Self::NotConnected => (NOT_DONE, Soon, Time),
            // Nothing is sent before the handshake is over, and a certificate does not change in a second.
            Self::TlsFailure => (NOT_DONE, Never, Operator),
            Self::ExpiredCredentials => (NOT_DONE, NewToken, Operator),
            Self::AccessDenied => (NOT_DONE, Never, Operator),
            // The caller's mistakes are found before: this one is ours.
            Self::Invalid => (NOT_DONE, Never, Operator),
            Self::NotFound => (NOT_DONE, Never, Operator),
            Self::ObjectConflict => (NOT_DONE, Never, Caller),
            Self::Unreadable => (NOT_DONE, Never, Operator),
        };
        Meaning { may_be_done, retry, mended_by }
    }

    /// Logs the failure of a call for good, at the level that the table gives it. `code` is the system's own word for
    /// it; never its message, which may repeat what was sent.
    #[must_use]
    pub fn report(self, system: &'static str, operation: &'static str, code: &str) -> Self {
        match self.meaning().mended_by {
            Mender::Operator => tracing::error!(
                call.system = system,
                call.operation = operation,
                call.code = code,
                failure = %self,
                "{OPERATOR_NEEDED}"
            ),
            Mender::Time | Mender::Caller => tracing::warn!(
                call.system = system,
                call.operation = operation,
                call.code = code,
                failure = %self,
                "call failed"
            ),
        }
        self
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure.meaning() {
            Meaning { may_be_done: true, .. } => Self::Unanswered,
            Meaning { mended_by: Mender::Time, .. } => Self::Unavailable,
            Meaning { mended_by: Mender::Caller | Mender::Operator, .. } => Self::Broken,
        }
    }
}

impl From<Failure> for UpstreamError {
    fn from(failure: Failure) -> Self {
        match failure.meaning() {
            Meaning { may_be_done: true, .. } => Self::Unanswered,
            Meaning { mended_by: Mender::Caller, .. } => Self::Conflict,
            Meaning { mended_by: Mender::Time | Mender::Operator, .. } => Self::NotDone,
        }
    }
}
