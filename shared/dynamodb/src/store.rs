use std::time::Duration;

use aws_sdk_dynamodb::Client;
use jiff::Timestamp;
use trunkline_aws::LazyClient;
use trunkline_domain::{AccountSid, BoundNumbers, PhoneNumber, Trunk, TrunkId, WorkspaceId};
use trunkline_provisioning::ports::{
    CommitOutcome, DeletionStart, Filter, ImportStart, LeftBehind, NumberFate, NumberReservation, NumberWrite, Page,
    PendingImport, Reservation, ReserveOutcome, RevertStart, Settled, StoreError, TrunkRecord, TrunkStore, UndoStart,
    Unsettled, UpdateBegin, UpdateStart,
};
use trunkline_provisioning::{IdempotencyClaim, KeyUse, Lease, LeaseOwner, SeenObjects, StoredResponse, TrunkKey};

/// The table. Cheap to clone.
///
/// Every write may be repeated by the SDK: a repeat finds its own work, or adds nothing that matters (a version, a count
/// of failures).
#[derive(Debug, Clone)]
pub struct TrunkTable {
    pub(crate) client: LazyClient<Client>,
    pub(crate) name: String,
    pub(crate) tombstone: Duration,
}

impl TrunkTable {
    /// The table `name`. Tombstones are looked at once more after `tombstone` (`TOMBSTONE_SECONDS`).
    pub fn new(client: LazyClient<Client>, name: impl Into<String>, tombstone: Duration) -> Self {
        Self { client, name: name.into(), tombstone }
    }
}

/// Each method stands in the module of its protocol step, under the same name. The SDK's futures are large: here they go
/// to the heap.
impl TrunkStore for TrunkTable {
    async fn reserve(&self, reservation: Reservation<'_>) -> Result<ReserveOutcome, StoreError> {
        Box::pin(self.reserve(reservation)).await
    }

    async fn commit(
        &self,
        trunk: &Trunk,
        number: Option<&PhoneNumber>,
        owner: &LeaseOwner,
        answer: Option<(&IdempotencyClaim, &StoredResponse)>,
    ) -> Result<CommitOutcome, StoreError> {
        Box::pin(self.commit(trunk, number, owner, answer)).await
    }

    async fn begin_undo(&self, key: TrunkKey, owner: &LeaseOwner, seen: &SeenObjects) -> Result<UndoStart, StoreError> {
        Box::pin(self.begin_undo(key, owner, seen)).await
    }

    async fn note_on_record(&self, key: TrunkKey, seen: &SeenObjects) -> Result<bool, StoreError> {
        Box::pin(self.note_on_record(key, seen)).await
    }

    async fn note_on_tombstone(&self, key: TrunkKey, left: &LeftBehind) -> Result<(), StoreError> {
        Box::pin(self.note_on_tombstone(key, left)).await
    }

    async fn settle_undo(&self, key: TrunkKey, owner: &LeaseOwner, undone: &Unsettled) -> Result<Settled, StoreError> {
        Box::pin(self.settle_undo(key, owner, undone)).await
    }

    async fn begin_update(&self, begin: &UpdateBegin<'_>) -> Result<UpdateStart, StoreError> {
        Box::pin(self.begin_update(begin)).await
    }

    async fn begin_import(
        &self,
        begin: &UpdateBegin<'_>,
        import: &NumberReservation<'_>,
    ) -> Result<ImportStart, StoreError> {
        Box::pin(self.begin_import(begin, import)).await
    }

    async fn commit_update(&self, record: &TrunkRecord, owner: &LeaseOwner) -> Result<CommitOutcome, StoreError> {
        Box::pin(self.commit_update(record, owner)).await
    }

    async fn commit_numbers(
        &self,
        records: &[TrunkRecord],
        owner: &LeaseOwner,
        number: NumberWrite<'_>,
    ) -> Result<CommitOutcome, StoreError> {
        Box::pin(self.commit_numbers(records, owner, number)).await
    }

    async fn begin_revert(&self, key: TrunkKey, owner: &LeaseOwner) -> Result<RevertStart, StoreError> {
        Box::pin(self.begin_revert(key, owner)).await
    }

    async fn end_revert(
        &self,
        key: TrunkKey,
        owner: &LeaseOwner,
        import: Option<&PendingImport>,
    ) -> Result<(), StoreError> {
        Box::pin(self.end_revert(key, owner, import)).await
    }

    async fn begin_delete(
        &self,
        key: TrunkKey,
        lease: &Lease,
        fate: NumberFate,
        version: Option<u64>,
    ) -> Result<DeletionStart, StoreError> {
        Box::pin(self.begin_delete(key, lease, fate, version)).await
    }

    async fn was_deleted(&self, key: TrunkKey) -> Result<bool, StoreError> {
        Box::pin(self.was_deleted(key)).await
    }

    async fn unbind(
        &self,
        key: TrunkKey,
        numbers: &BoundNumbers,
        fate: NumberFate,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Box::pin(self.unbind(key, numbers, fate, now)).await
    }

    async fn settle_delete(&self, key: TrunkKey, deleted: &Unsettled) -> Result<Settled, StoreError> {
        Box::pin(self.settle_delete(key, deleted)).await
    }

    async fn keep_answer(
        &self,
        workspace_id: WorkspaceId,
        claim: &IdempotencyClaim,
        response: &StoredResponse,
    ) -> Result<Option<KeyUse>, StoreError> {
        Box::pin(self.keep_answer(workspace_id, claim, response)).await
    }

    async fn key_use(&self, workspace_id: WorkspaceId, claim: &IdempotencyClaim) -> Result<Option<KeyUse>, StoreError> {
        Box::pin(self.key_use(workspace_id, claim)).await
    }

    async fn trunk_of_account(
        &self,
        workspace_id: WorkspaceId,
        account_sid: &AccountSid,
    ) -> Result<Option<TrunkId>, StoreError> {
        Box::pin(self.trunk_of_account(workspace_id, account_sid)).await
    }

    async fn get(&self, key: TrunkKey) -> Result<Option<TrunkRecord>, StoreError> {
        Box::pin(self.get(key)).await
    }

    async fn list(
        &self,
        workspace_id: WorkspaceId,
        before: Option<TrunkId>,
        limit: usize,
        filter: Filter,
    ) -> Result<Page, StoreError> {
        Box::pin(self.list(workspace_id, before, limit, filter)).await
    }
}
