use std::collections::BTreeSet;

use jiff::Timestamp;
use trunkline_domain::E164;

use super::{LeftBehind, PendingImport, StoreError, TrunkRecord, Unsettled};
use crate::{Lease, LeaseOwner, TrunkKey};

/// A record that is due in the sweep index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// A trunk whose lease has ended.
    Trunk(TrunkKey),
    /// A tombstone whose time has come.
    Tombstone(TrunkKey),
}

impl Due {
    /// Whose record it is.
    pub fn key(self) -> TrunkKey {
        let (Self::Trunk(key) | Self::Tombstone(key)) = self;
        key
    }
}

/// A part of the sweep index, as far as one look goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DuePage {
    /// The longest due first. An entry that cannot be read is left out.
    pub records: Vec<Due>,
    /// Whether more may be due.
    pub has_more: bool,
}

/// What taking a record over found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeOver {
    /// It is `undoing`, and ours.
    Undoing(Box<Unsettled>),
    /// It is `deleting`; nothing was written.
    Deleting,
    /// It is live, and an update of it has to be settled; nothing was written.
    Updated,
    /// It has settled meanwhile, or its lease has not ended; nothing was written.
    NotDue,
}

/// A live trunk of which an update has to be settled: it is `reverting`, and ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverting {
    /// The trunk as it shall be: as it was last committed.
    pub record: TrunkRecord,
    /// The names of the secrets that it may have beside its own.
    pub other_secrets: BTreeSet<String>,
    /// The numbers that its Twilio trunk may have, its own among them.
    pub seen_numbers: BTreeSet<E164>,
    /// The import of a number that the update was, to be undone.
    pub import: Option<PendingImport>,
    /// Whether the update ended long ago: whatever it sent has arrived by now.
    pub is_last_look: bool,
}

/// For how long a record could not be swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// How often it was tried.
    pub times: u32,
    /// Since when.
    pub since: Timestamp,
}

/// A tombstone as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// What there may be yet.
    pub left: LeftBehind,
    /// When it came due: later, when something was added since.
    pub due_at: Timestamp,
}

/// The sweep index, and the writes of the sweeper.
pub trait SweepStore: Send + Sync {
    /// How many parts the index has.
    const SHARDS: u8;

    /// At most `limit` records of a part of the index that are due at `now`. The index is eventually consistent: what it
    /// names may have settled.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn due(&self, shard: u8, now: Timestamp, limit: usize) -> impl Future<Output = Result<DuePage, StoreError>> + Send;

    /// Takes a record whose lease has ended at `now`: `provisioning → undoing`, or on with `undoing`.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn take_over(
        &self,
        key: TrunkKey,
        lease: &Lease,
        now: Timestamp,
    ) -> impl Future<Output = Result<TakeOver, StoreError>> + Send;

    /// Takes a record in `deleting` whose lease has ended at `now`; `None` when there is none.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn take_over_deletion(
        &self,
        key: TrunkKey,
        lease: &Lease,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Unsettled>, StoreError>> + Send;

    /// Takes a live trunk whose update has to be settled at `now`: `updating` or `reverting` with a lease that has ended,
    /// or `active` and due. `None` when there is none.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn take_over_update(
        &self,
        key: TrunkKey,
        lease: &Lease,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Reverting>, StoreError>> + Send;

    /// `reverting → active` under `owner`'s lease, out of the sweep index, without the other secrets and the seen numbers.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn end_last_look(
        &self,
        key: TrunkKey,
        owner: &LeaseOwner,
        looked_at: &Reverting,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The tombstone of a trunk, if there is one.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn tombstone(&self, key: TrunkKey) -> impl Future<Output = Result<Option<Tombstone>, StoreError>> + Send;

    /// Lets a tombstone go, unless something was added since it was read.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn drop_tombstone(
        &self,
        key: TrunkKey,
        tombstone: &Tombstone,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Counts a failed sweep of a record; `None` when it has settled meanwhile.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn note_failure(
        &self,
        due: Due,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Failing>, StoreError>> + Send;

    /// Makes a record due no earlier than `until`; a trunk only while `lease` is its own or none holds it.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn put_off(
        &self,
        due: Due,
        lease: &Lease,
        now: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
