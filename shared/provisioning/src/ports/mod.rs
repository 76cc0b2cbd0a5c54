//! What the use cases ask of the systems outside. Every method has a timeout of its own; every error says
//! whether the work may have been done.

mod api_keys;
mod failure;
mod inventory;
mod livekit_numbers;
mod numbers;
mod secrets;
mod sip;
mod sweep;
mod trunks;
mod twilio;
mod workspaces;

pub use api_keys::{ApiKeyRecord, ApiKeyStore};
pub use failure::{Failure, Meaning, Mender, OPERATOR_NEEDED, Retry};
pub use inventory::{
    Counted, SecretInventory, SipInventory, SipObject, SipObjectKind, TableInventory, TableRecord, UnsettledUpdate,
};
pub use livekit_numbers::{LiveKit, LiveKitNumber, LiveKitNumbers, PurchaseError};
pub use numbers::{
    ImportStart, NumberEdit, NumberFate, NumberPage, NumberReservation, NumberStore, NumberWrite, PendingImport,
};
pub use secrets::SecretStore;
pub use sip::{InboundTrunkSpec, OutboundTrunkSpec, SipService};
pub use sweep::{Due, DuePage, Failing, Reverting, SweepStore, TakeOver, Tombstone};
pub use trunks::{
    CommitOutcome, DeletionStart, Filter, LeftBehind, Page, Reservation, ReserveOutcome, RevertStart, Settled,
    TrunkRecord, TrunkStore, UndoStart, Unsettled, UpdateBegin, UpdateStart,
};
pub use twilio::{TwilioError, TwilioNumber, TwilioRefusal, TwilioService};
pub use workspaces::{KeyAdded, ListedApiKey, Workspace, WorkspaceStore};

/// Why a call to LiveKit, Secrets Manager or Twilio did not succeed: what a use case needs of its [`Failure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// Refused because of another object; not done.
    #[error("refused because of a conflict")]
    Conflict,
    /// Refused, or never sent; not done.
    #[error("not done")]
    NotDone,
    /// Failed or timed out on the way: done, not done, or done later.
    #[error("not answered")]
    Unanswered,
}

impl UpstreamError {
    /// Whether the work may have been done, or may be done yet.
    pub fn may_have_happened(self) -> bool {
        self == Self::Unanswered
    }
}

/// Why a call to the table did not succeed: what a use case needs of its [`Failure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Throttled, not connected, or in conflict with other writers for too long; not done.
    #[error("not done, try again later")]
    Unavailable,
    /// Failed or timed out on the way: done, not done, or done later.
    #[error("not answered")]
    Unanswered,
    /// Refused in a way that no retry mends (access denied, no such table, a record that cannot be read).
    #[error("refused")]
    Broken,
}
