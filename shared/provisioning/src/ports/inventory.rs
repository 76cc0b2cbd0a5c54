//! Everything there is, in each system: for the checker. Never on a request's path.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use trunkline_domain::{AccountSid, ApiKeyHash, ApiKeyId, E164, Trunk, TrunkId, WorkspaceId};

use super::{InboundTrunkSpec, OutboundTrunkSpec, PendingImport, SecretStore, StoreError, UpstreamError};
use crate::{NumberKey, TrunkKey};

/// A record of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableRecord {
    /// A workspace, with the trunks and the phone numbers it counts.
    Workspace {
        /// Which one.
        id: WorkspaceId,
        /// Its counter of trunks.
        trunk_count: u64,
        /// How many it may have.
        trunk_limit: u64,
        /// Its counter of phone numbers.
        number_count: u64,
    },
    /// A live trunk.
    Live {
        /// The trunk.
        trunk: Box<Trunk>,
        /// The name of its secret, if it has one.
        secret_name: Option<String>,
        /// What an update has still to settle, if there is one.
        update: Option<UnsettledUpdate>,
        /// The import of a number that is under way.
        import: Option<PendingImport>,
    },
    /// A trunk that is being provisioned or taken away.
    Unsettled {
        /// Which one.
        key: TrunkKey,
        /// The names of the secrets that it may have.
        secret_names: BTreeSet<String>,
        /// When the sweeper takes it: later at each failure.
        due_at: Timestamp,
        /// Since when the sweeper fails on it, if it does.
        failing_since: Option<Timestamp>,
    },
    /// A tombstone.
    Tombstone {
        /// Whose.
        key: TrunkKey,
        /// The names of the secrets that it may have had.
        secret_names: BTreeSet<String>,
        /// When the sweeper takes it: later at each failure.
        due_at: Timestamp,
        /// Since when the sweeper fails on it, if it does.
        failing_since: Option<Timestamp>,
    },
    /// A phone number.
    Number {
        /// Which one.
        key: NumberKey,
        /// The number.
        e164: E164,
        /// The trunk that it is bound to.
        trunk_id: Option<TrunkId>,
        /// Whether it is shown: an import has ended.
        is_shown: bool,
    },
    /// What keeps a phone number from every other workspace.
    NumberClaim {
        /// The number.
        e164: E164,
        /// Whose it is.
        key: NumberKey,
    },
    /// What keeps a second trunk from a Twilio account's numbers.
    TwilioAccount {
        /// The trunk that they share.
        key: TrunkKey,
        /// The account.
        account_sid: AccountSid,
    },
    /// An idempotency record whose request has no answer yet.
    RunningClaim {
        /// The trunk that the request makes.
        key: TrunkKey,
        /// Whose record it is.
        key_hash: String,
        /// Until when it holds the key.
        expires_at: Timestamp,
    },
    /// An API key, revoked or not.
    ApiKey {
        /// Whose.
        workspace_id: WorkspaceId,
        /// Its hash.
        hash: ApiKeyHash,
    },
    /// What a workspace lists and revokes one of its API keys by.
    ApiKeyReference {
        /// Whose.
        workspace_id: WorkspaceId,
        /// The key's id.
        id: ApiKeyId,
        /// The key's hash.
        hash: ApiKeyHash,
    },
}

/// Of a live trunk that is being changed, or was a short while ago: what LiveKit and Twilio say of it is not
/// settled yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsettledUpdate {
    /// The names of the secrets that it may have beside its own.
    pub secret_names: BTreeSet<String>,
    /// When the sweeper takes it: later at each failure.
    pub due_at: Timestamp,
    /// Since when the sweeper fails on it, if it does.
    pub failing_since: Option<Timestamp>,
}

/// What a workspace counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// Trunks.
    Trunks,
    /// Phone numbers.
    Numbers,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trunks => "trunks",
            Self::Numbers => "phone numbers",
        })
    }
}

/// The whole table.
pub trait TableInventory: Send + Sync {
    /// All records of workspaces, API keys, trunks and phone numbers, and the idempotency records of running requests.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn records(&self) -> impl Future<Output = Result<Vec<TableRecord>, StoreError>> + Send;

    /// Sets a workspace's counter to `right` if it is still `wrong`; says whether it was.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn correct_count(
        &self,
        workspace_id: WorkspaceId,
        counted: Counted,
        wrong: u64,
        right: u64,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Deletes an idempotency record if it still waits for this trunk; says whether it did.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn release_running(&self, key: TrunkKey, key_hash: &str) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Gives a live trunk other LiveKit ids, if it has not changed since it was read; says whether it has them.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn relink(&self, trunk: &Trunk) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// All secrets under our prefix.
pub trait SecretInventory: SecretStore {
    /// The names of those that are not scheduled for deletion.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn names(&self, prefix: &str) -> impl Future<Output = Result<Vec<String>, UpstreamError>> + Send;
}

/// What an object in LiveKit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SipObjectKind {
    /// An inbound trunk.
    InboundTrunk,
    /// An outbound trunk.
    OutboundTrunk,
    /// A dispatch rule.
    DispatchRule,
}

impl fmt::Display for SipObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InboundTrunk => "inbound trunk",
            Self::OutboundTrunk => "outbound trunk",
            Self::DispatchRule => "dispatch rule",
        })
    }
}

/// An object in LiveKit that carries our metadata.
pub struct SipObject<C> {
    /// What it is.
    pub kind: SipObjectKind,
    /// Its LiveKit id.
    pub livekit_id: String,
    /// Whose its metadata says it is.
    pub key: TrunkKey,
    /// What else it says.
    pub content: C,
}

/// All objects of a LiveKit project that carry our metadata; and what they should say.
pub trait SipInventory: Send + Sync {
    /// What an object says, in a form to be compared. It may hold a password: not `Debug`.
    type Content: PartialEq + Send + Sync;

    /// Lists everything that is ours.
    ///
    /// # Errors
    /// When LiveKit did not say.
    fn objects(&self) -> impl Future<Output = Result<Vec<SipObject<Self::Content>>, UpstreamError>> + Send;

    /// What this inbound trunk should say.
    fn inbound_trunk(&self, spec: InboundTrunkSpec<'_>) -> Self::Content;

    /// What this outbound trunk should say.
    fn outbound_trunk(&self, spec: OutboundTrunkSpec<'_>) -> Self::Content;

    /// What this dispatch rule should say.
    fn dispatch_rule(&self, key: TrunkKey, livekit_trunk_id: &str) -> Self::Content;

    /// Makes an object say `content`, whatever it says now; says whether it is there.
    ///
    /// # Errors
    /// When it may not have been changed.
    fn replace(
        &self,
        livekit_id: &str,
        content: Self::Content,
    ) -> impl Future<Output = Result<bool, UpstreamError>> + Send;
}
