use std::fmt;

use trunkline_domain::{AccountSid, ApiKeyHash, ApiKeyId, E164, WorkspaceId};

use crate::ports::{Counted, SipObjectKind};
use crate::{NumberKey, TrunkKey};

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A counter is not the number of records.
    WrongCount {
        /// Whose.
        workspace_id: WorkspaceId,
        /// Of what.
        counted: Counted,
        /// What it says.
        counter: u64,
        /// How many records there are.
        records: u64,
    },
    /// A workspace counts more trunks than it may have.
    OverLimit {
        /// Whose.
        workspace_id: WorkspaceId,
        /// What its counter says.
        counter: u64,
        /// How many it may have.
        limit: u64,
    },
    /// A phone number and what else is said of it do not agree.
    Number {
        /// Which number.
        key: NumberKey,
        /// The number.
        e164: E164,
        /// How they differ.
        problem: NumberProblem,
    },
    /// The numbers of a Twilio account shall share a trunk that is not there.
    AccountWithoutTrunk {
        /// Which trunk.
        key: TrunkKey,
        /// The account.
        account_sid: AccountSid,
    },
    /// A live trunk is shared by the numbers of a Twilio account, and nothing keeps its next number from another.
    UnsharedAccount {
        /// Which trunk.
        key: TrunkKey,
        /// The account.
        account_sid: AccountSid,
    },
    /// There are records of trunks or phone numbers or API keys, and no workspace record.
    NoWorkspace {
        /// Whose.
        workspace_id: WorkspaceId,
    },
    /// An API key to which its workspace has no reference: no command lists or revokes it.
    UnlistedKey {
        /// Whose.
        workspace_id: WorkspaceId,
        /// Its hash.
        hash: ApiKeyHash,
    },
    /// A workspace's reference to an API key that it does not have.
    DanglingKeyReference {
        /// Whose.
        workspace_id: WorkspaceId,
        /// The id in the reference.
        id: ApiKeyId,
    },
    /// The sweeper should have settled this record.
    Overdue {
        /// Which trunk.
        key: TrunkKey,
    },
    /// An idempotency record waits for a trunk that has no record: until it expires, its client is told to wait too.
    StuckClaim {
        /// Which trunk.
        key: TrunkKey,
        /// Whose record it is.
        key_hash: String,
    },
    /// An object in LiveKit is not as a record says.
    Object {
        /// Which trunk.
        key: TrunkKey,
        /// What it is.
        kind: SipObjectKind,
        /// Its LiveKit id.
        livekit_id: String,
        /// How it differs.
        problem: ObjectProblem,
    },
    /// A live trunk's secret is not there.
    MissingSecret {
        /// Which trunk.
        key: TrunkKey,
        /// Its name.
        name: String,
    },
    /// A secret under our prefix belongs to no trunk.
    OrphanSecret {
        /// Its name.
        name: String,
    },
    /// A secret under our prefix is not named after a trunk of a workspace of this table.
    ForeignSecret {
        /// Its name.
        name: String,
    },
}

/// How a phone number and what else is said of it differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberProblem {
    /// Nothing keeps it from other workspaces.
    Unclaimed,
    /// It is kept from every workspace, and there is no such number.
    OnlyClaimed,
    /// It is bound to a trunk that does not have it.
    NotOnTrunk,
    /// A trunk has it that it is not bound to.
    OnlyOnTrunk,
    /// Its import goes on no more.
    Stuck,
}

/// How an object in LiveKit differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectProblem {
    /// A live trunk has it, LiveKit does not.
    Missing,
    /// It says something else than the record.
    Changed,
    /// It carries our metadata and belongs to no trunk.
    Orphan,
    /// It carries our metadata, and its workspace has no record in this table.
    Foreign,
}

impl Difference {
    /// A word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::WrongCount { .. } => "wrong_count",
            Self::OverLimit { .. } => "over_limit",
            Self::Number { problem: NumberProblem::Unclaimed, .. } => "unclaimed_number",
            Self::Number { problem: NumberProblem::OnlyClaimed, .. } => "claim_without_number",
            Self::Number { problem: NumberProblem::NotOnTrunk, .. } => "number_not_on_its_trunk",
            Self::Number { problem: NumberProblem::OnlyOnTrunk, .. } => "trunk_with_unbound_number",
            Self::Number { problem: NumberProblem::Stuck, .. } => "stuck_number",
            Self::AccountWithoutTrunk { .. } => "twilio_account_without_trunk",
            Self::UnsharedAccount { .. } => "unshared_twilio_account",
            Self::NoWorkspace { .. } => "no_workspace",
            Self::UnlistedKey { .. } => "unlisted_api_key",
            Self::DanglingKeyReference { .. } => "dangling_api_key_reference",
            Self::Overdue { .. } => "overdue_record",
            Self::StuckClaim { .. } => "stuck_idempotency_record",
            Self::Object { problem: ObjectProblem::Missing, .. } => "missing_livekit_object",
            Self::Object { problem: ObjectProblem::Changed, .. } => "changed_livekit_object",
            Self::Object { problem: ObjectProblem::Orphan, .. } => "orphan_livekit_object",
            Self::Object { problem: ObjectProblem::Foreign, .. } => "foreign_livekit_object",
            Self::MissingSecret { .. } => "missing_secret",
            Self::OrphanSecret { .. } => "orphan_secret",
            Self::ForeignSecret { .. } => "foreign_secret",
        }
    }

    /// What would mend it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::WrongCount { .. } => "set the counter to the number of records (--repair)",
            Self::OverLimit { .. } => "raise the workspace's limit, or delete trunks",
            Self::Number { .. } => "restore the records of the number and its trunk from one point in time",
            Self::AccountWithoutTrunk { .. } => "delete the record: until then no number of the account is imported",
            Self::UnsharedAccount { .. } => "write the record again, with the trunk's id",
            Self::NoWorkspace { .. } => {
                "create the workspace record again, or delete its trunks, phone numbers and API keys"
            }
            Self::UnlistedKey { .. } => "delete the key's record, and make another with `trunkline key create`",
            Self::DanglingKeyReference { .. } => "delete the reference",
            Self::Overdue { .. } => "run `trunkline sweep` and look at what it logs",
            Self::StuckClaim { .. } => "delete the idempotency record (--repair)",
            Self::Object { problem: ObjectProblem::Missing, .. } => "make it again from the record (--repair)",
            Self::Object { problem: ObjectProblem::Changed, .. } => "put it back from the record (--repair)",
            Self::Object { problem: ObjectProblem::Orphan, .. } => "delete it (--repair)",
            Self::Object { problem: ObjectProblem::Foreign, .. } | Self::ForeignSecret { .. } => {
                "of a workspace that this table does not know: another deployment's? delete it by hand if it is nobody's"
            }
            Self::MissingSecret { .. } => {
                "restore the secret within its recovery window; else set the password anew, or of kind=twilio delete the trunk"
            }
            Self::OrphanSecret { .. } => "schedule it for deletion (--repair)",
        }
    }
}

/// Where it is.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongCount { workspace_id, counted, counter, records } => {
                write!(f, "{workspace_id}: counts {counter} {counted}, has {records}")
            }
            Self::OverLimit { workspace_id, counter, limit } => {
                write!(f, "{workspace_id}: counts {counter} trunks, may have {limit}")
            }
            Self::Number { key, e164, .. } => write!(f, "{key}: {e164}"),
            Self::AccountWithoutTrunk { key, account_sid } | Self::UnsharedAccount { key, account_sid } => {
                write!(f, "{key}: TWILIO#{account_sid}")
            }
            Self::NoWorkspace { workspace_id } => write!(f, "{workspace_id}"),
            Self::UnlistedKey { workspace_id, hash } => write!(f, "{workspace_id}: KEY#{hash}"),
            Self::DanglingKeyReference { workspace_id, id } => write!(f, "{workspace_id}: KEYREF#{id}"),
            Self::Overdue { key } => write!(f, "{key}"),
            Self::StuckClaim { key, key_hash } => write!(f, "{key}: IDEM#{key_hash}"),
            Self::Object { key, kind, livekit_id, .. } => write!(f, "{key}: {kind} {livekit_id}"),
            Self::MissingSecret { key, name } => write!(f, "{key}: secret {name}"),
            Self::OrphanSecret { name } | Self::ForeignSecret { name } => write!(f, "secret {name}"),
        }
    }
}
