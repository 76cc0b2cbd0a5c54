use std::collections::BTreeSet;

use jiff::Timestamp;
use trunkline_domain::{
    AccountSid, BoundNumbers, Direction, E164, Kind, PhoneNumber, Trunk, TrunkId, TrunkSettings, TwilioObjects,
    WorkspaceId,
};

use super::{ImportStart, NumberFate, NumberReservation, NumberWrite, PendingImport, StoreError};
use crate::{IdempotencyClaim, KeyUse, Lease, LeaseOwner, SeenObjects, StoredResponse, TrunkKey};

/// A trunk about to be provisioned.
#[derive(Debug, Clone, Copy)]
pub struct Reservation<'a> {
    /// Which trunk.
    pub key: TrunkKey,
    /// What it shall be.
    pub settings: &'a TrunkSettings,
    /// The name of its secret, if it has one.
    pub secret_name: Option<&'a str>,
    /// Becomes `created_at`.
    pub now: Timestamp,
    /// Who provisions it.
    pub lease: &'a Lease,
    /// The idempotency key it was asked for with.
    pub claim: Option<&'a IdempotencyClaim>,
    /// The number that is imported with it, if one is.
    pub number: Option<&'a PhoneNumber>,
    /// The Twilio account whose numbers are to share it, if there is one.
    pub twilio_account: Option<&'a AccountSid>,
}

/// What became of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveOutcome {
    /// The trunk counts, its record is there, the idempotency key is taken.
    Reserved,
    /// Nothing was written: the workspace is at its cap.
    AtCap {
        /// How many trunks it may have.
        limit: u64,
        /// How many it has.
        used: u64,
    },
    /// Nothing was written: the workspace is at its cap of numbers.
    NumbersAtCap {
        /// How many numbers it may have.
        limit: u64,
        /// How many it has.
        used: u64,
    },
    /// Nothing was written: a workspace, perhaps this one, has the number.
    NumberTaken,
    /// Nothing was written: the Twilio account has a trunk in this workspace.
    AccountTaken,
    /// Nothing was written: the idempotency key was used before.
    KeyUsed(KeyUse),
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// The trunk is live.
    Committed,
    /// The record is no longer ours; nothing was written.
    LeaseLost,
}

/// A record in `undoing` or `deleting`, as it stood after the write that began or noted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// Every LiveKit object seen so far.
    pub seen: SeenObjects,
    /// The names of the secrets that it may have.
    pub secret_names: BTreeSet<String>,
    /// Hash of the idempotency key that its request claimed.
    pub key_hash: Option<String>,
    /// The numbers that are bound to it.
    pub numbers: BoundNumbers,
    /// What becomes of them.
    pub fate: NumberFate,
    /// The import of a number that was under way.
    pub import: Option<PendingImport>,
    /// The Twilio account that it is made on.
    pub twilio_account: Option<AccountSid>,
    /// What it has there, once it was committed.
    pub twilio: Option<TwilioObjects>,
    /// Changes with every write to its state or to what was seen.
    pub version: u64,
}

/// What the last look at a trunk goes by that is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftBehind {
    /// Every LiveKit object seen.
    pub seen: SeenObjects,
    /// The names of the secrets that there may have been.
    pub secret_names: BTreeSet<String>,
    /// The number that was about to be imported with it.
    pub number: Option<E164>,
    /// The Twilio account that it was about to be made on.
    pub twilio_account: Option<AccountSid>,
}

impl From<&Unsettled> for LeftBehind {
    fn from(record: &Unsettled) -> Self {
        Self {
            seen: record.seen.clone(),
            secret_names: record.secret_names.clone(),
            number: record.import.as_ref().map(|import| import.e164.clone()),
            twilio_account: record.twilio_account.clone(),
        }
    }
}

/// What the write that begins an undo found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoStart {
    /// The record is `undoing`, and ours.
    Undoing(Box<Unsettled>),
    /// The commit had been made after all: the trunk stands.
    Active,
    /// There is no record: never reserved, or undone and settled by another.
    Gone,
    /// Another has taken the record over.
    LeaseLost,
}

/// A live trunk with what is not shown of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkRecord {
    /// The trunk.
    pub trunk: Trunk,
    /// The name of its secret, if it has one.
    pub secret_name: Option<String>,
}

/// The first write of an update.
#[derive(Debug, Clone)]
pub struct UpdateBegin<'a> {
    /// Which trunk.
    pub key: TrunkKey,
    /// The version that it must be of.
    pub version: u64,
    /// The names of the secrets that the update may leave.
    pub secret_names: BTreeSet<String>,
    /// The number that the update may leave attached at Twilio.
    pub number: Option<&'a E164>,
    /// Who changes it.
    pub lease: &'a Lease,
    /// An earlier update whose lease has ended by then did not end.
    pub now: Timestamp,
}

/// What the write that begins an update found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateStart {
    /// The record is `updating`, and ours.
    Updating {
        /// Whether it may have been so already, under a lease that had ended: LiveKit may say anything of it.
        was_unsettled: bool,
    },
    /// There is no such trunk, or none that is shown; nothing was written.
    Absent,
    /// Another holds the record; nothing was written.
    Busy,
    /// It is of another version; nothing was written.
    Changed,
}

/// What the write that begins to take an update back found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevertStart {
    /// The record is `reverting`, and ours; with the import of a number that the update was.
    Reverting(Option<PendingImport>),
    /// The update had been committed after all.
    Committed,
    /// There is no such trunk any more, or none that is shown.
    Absent,
    /// The update never began, or another has taken the record over.
    LeaseLost,
}

/// What the write that begins a deletion found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeletionStart {
    /// The record is `deleting`.
    Deleting(Box<Unsettled>),
    /// There is no such trunk, none that is shown, or none of that version; nothing was written.
    Absent,
}

/// What became of the last transaction of an undo or a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// A tombstone stands in the record's place; it no longer counts.
    Settled,
    /// The record is not as it was read; nothing was written.
    Changed,
    /// The idempotency key has expired and belongs to a later request: it is not ours to let go. Nothing was written.
    KeyTaken,
}

/// Which trunks a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this kind only.
    pub kind: Option<Kind>,
    /// Of this direction only.
    pub direction: Option<Direction>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub trunks: Vec<Trunk>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// The records of trunks. Each method is one write (or one read), and its conditions are the protocol of the
/// sagas: with any of them left out, an interleaving exists that leaves something behind.
pub trait TrunkStore: Send + Sync {
    /// One transaction: the counter up by one if below the limit, the trunk in `provisioning`, the idempotency record; a
    /// number that counts, is claimed and not shown yet; the Twilio account's trunk.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn reserve(&self, reservation: Reservation<'_>) -> impl Future<Output = Result<ReserveOutcome, StoreError>> + Send;

    /// One transaction, if the record is still `provisioning` under `owner`'s lease: the trunk `active`, the `number` shown
    /// that is imported with it, the response kept. A trunk at Twilio is due for a last look when the tombstone time is over.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn commit(
        &self,
        trunk: &Trunk,
        number: Option<&PhoneNumber>,
        owner: &LeaseOwner,
        answer: Option<(&IdempotencyClaim, &StoredResponse)>,
    ) -> impl Future<Output = Result<CommitOutcome, StoreError>> + Send;

    /// `provisioning → undoing` under `owner`'s lease, adding `seen`; repeatable.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn begin_undo(
        &self,
        key: TrunkKey,
        owner: &LeaseOwner,
        seen: &SeenObjects,
    ) -> impl Future<Output = Result<UndoStart, StoreError>> + Send;

    /// Adds `seen` to a record in `undoing`, whoever holds it; says whether there is one.
    ///
    /// # Errors
    /// When it may not be noted.
    fn note_on_record(
        &self,
        key: TrunkKey,
        seen: &SeenObjects,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Adds what was `left` to the tombstone, made if need be, and gives it its whole time again.
    ///
    /// # Errors
    /// When it may not be noted.
    fn note_on_tombstone(
        &self,
        key: TrunkKey,
        left: &LeftBehind,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// One transaction, if the record is `undoing` under `owner`'s lease and of `undone`'s version: a tombstone with
    /// what `undone` has seen for the record, its idempotency record gone, the counter down by one; the import of a number
    /// undone, its Twilio account without a trunk.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn settle_undo(
        &self,
        key: TrunkKey,
        owner: &LeaseOwner,
        undone: &Unsettled,
    ) -> impl Future<Output = Result<Settled, StoreError>> + Send;

    /// `active → updating` with a lease and in the sweep index, if the trunk is of that version; also from an update whose
    /// lease has ended, unless that was an import. Never for an owner whose update was taken back.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn begin_update(&self, begin: &UpdateBegin<'_>) -> impl Future<Output = Result<UpdateStart, StoreError>> + Send;

    /// One transaction: the same, but from `active` alone; and a number that counts, is claimed and not shown yet; and the
    /// idempotency record.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn begin_import(
        &self,
        begin: &UpdateBegin<'_>,
        import: &NumberReservation<'_>,
    ) -> impl Future<Output = Result<ImportStart, StoreError>> + Send;

    /// `updating → active` under `owner`'s lease, as `record` says; due for a last look when the tombstone time is over.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn commit_update(
        &self,
        record: &TrunkRecord,
        owner: &LeaseOwner,
    ) -> impl Future<Output = Result<CommitOutcome, StoreError>> + Send;

    /// One transaction, if all the trunks are `updating` under `owner`'s lease: each `updating → active`, as its record
    /// says, and the number.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn commit_numbers(
        &self,
        records: &[TrunkRecord],
        owner: &LeaseOwner,
        number: NumberWrite<'_>,
    ) -> impl Future<Output = Result<CommitOutcome, StoreError>> + Send;

    /// `updating → reverting` under `owner`'s lease: a commit that is still on its way is refused from then on.
    /// Repeatable.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn begin_revert(
        &self,
        key: TrunkKey,
        owner: &LeaseOwner,
    ) -> impl Future<Output = Result<RevertStart, StoreError>> + Send;

    /// `reverting → active` under `owner`'s lease, as the trunk was; due for a last look when the tombstone time is over.
    /// With the `import`, in one transaction: its number no longer counts and is free, its idempotency key goes.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn end_revert(
        &self,
        key: TrunkKey,
        owner: &LeaseOwner,
        import: Option<&PendingImport>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// `active → deleting` with a lease and in the sweep index, also from an update under way, whose writes are refused
    /// from then on; repeatable by anybody. Once its numbers shall go, they go. With a `version`, only from a live trunk of it
    /// without an import under way, or one whose numbers go already.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn begin_delete(
        &self,
        key: TrunkKey,
        lease: &Lease,
        fate: NumberFate,
        version: Option<u64>,
    ) -> impl Future<Output = Result<DeletionStart, StoreError>> + Send;

    /// Whether the trunk was deleted a short while ago: its tombstone says so.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn was_deleted(&self, key: TrunkKey) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// One transaction, if the record is `deleting`: some of its `numbers` without a trunk, or gone. Repeatable.
    ///
    /// # Errors
    /// When it may not be done.
    fn unbind(
        &self,
        key: TrunkKey,
        numbers: &BoundNumbers,
        fate: NumberFate,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// One transaction, if the record is `deleting` and without numbers: a tombstone for the record, the counter down by
    /// one; an import that was under way is undone, its Twilio account has no trunk any more.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn settle_delete(
        &self,
        key: TrunkKey,
        deleted: &Unsettled,
    ) -> impl Future<Output = Result<Settled, StoreError>> + Send;

    /// Keeps the response of a request that changed nothing, if its key was not used before.
    ///
    /// # Errors
    /// When it may not be kept.
    fn keep_answer(
        &self,
        workspace_id: WorkspaceId,
        claim: &IdempotencyClaim,
        response: &StoredResponse,
    ) -> impl Future<Output = Result<Option<KeyUse>, StoreError>> + Send;

    /// Whether an idempotency key was used before.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn key_use(
        &self,
        workspace_id: WorkspaceId,
        claim: &IdempotencyClaim,
    ) -> impl Future<Output = Result<Option<KeyUse>, StoreError>> + Send;

    /// The trunk that the numbers of a Twilio account share in a workspace, live or not.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn trunk_of_account(
        &self,
        workspace_id: WorkspaceId,
        account_sid: &AccountSid,
    ) -> impl Future<Output = Result<Option<TrunkId>, StoreError>> + Send;

    /// A live trunk.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn get(&self, key: TrunkKey) -> impl Future<Output = Result<Option<TrunkRecord>, StoreError>> + Send;

    /// Live trunks older than `before`, newest first, at most `limit`; the page is full while there are more.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn list(
        &self,
        workspace_id: WorkspaceId,
        before: Option<TrunkId>,
        limit: usize,
        filter: Filter,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;
}
