use std::fmt;

use trunkline_domain::{ApiKeyHash, ApiKeyId, WorkspaceId};

use crate::TrunkKey;
use crate::ports::SipObjectKind;

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A counter is not the number of trunk records.
    WrongCount {
        /// Whose.
        workspace_id: WorkspaceId,
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
    /// There are trunk records or API keys, and no workspace record.
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
            Self::NoWorkspace { .. } => "create the workspace record again, or delete its trunks and API keys",
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
            Self::MissingSecret { .. } => "restore the secret within its recovery window, or set the password anew",
            Self::OrphanSecret { .. } => "schedule it for deletion (--repair)",
        }
    }
}

/// Where it is.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongCount { workspace_id, counter, records } => {
                write!(f, "{workspace_id}: counts {counter} trunks, has {records}")
            }
            Self::OverLimit { workspace_id, counter, limit } => {
                write!(f, "{workspace_id}: counts {counter} trunks, may have {limit}")
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
