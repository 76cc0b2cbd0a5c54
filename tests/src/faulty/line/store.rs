use std::collections::BTreeSet;

use jiff::Timestamp;
use trunkline_domain::{Trunk, TrunkId, WorkspaceId};
use trunkline_provisioning::ports::{
    CommitOutcome, DeletionStart, Due, DuePage, Failing, Filter, Page, Reservation, ReserveOutcome, RevertStart,
    Reverting, Settled, StoreError, SweepStore, TakeOver, Tombstone, TrunkRecord, TrunkStore, UndoStart, Unsettled,
    UpdateStart,
};
use trunkline_provisioning::{IdempotencyClaim, KeyUse, Lease, LeaseOwner, SeenObjects, StoredResponse, TrunkKey};

use super::{Effect, Line};

/// Where records are, at the end of a [`Line`].
#[derive(Clone)]
pub(in crate::faulty) struct LineStore<S> {
    pub(in crate::faulty) table: S,
    pub(in crate::faulty) line: Line,
}

impl<S: TrunkStore + Clone + 'static> TrunkStore for LineStore<S> {
    async fn reserve(&self, reservation: Reservation<'_>) -> Result<ReserveOutcome, StoreError> {
        let Reservation { key, settings, secret_name, now, lease, claim } = reservation;
        let (settings, secret_name) = (settings.clone(), secret_name.map(str::to_owned));
        let (lease, claim) = (lease.clone(), claim.cloned());
        self.line.reserves(key);
        let table = self.table.clone();
        let work = async move {
            let secret_name = secret_name.as_deref();
            let claim = claim.as_ref();
            table.reserve(Reservation { key, settings: &settings, secret_name, now, lease: &lease, claim }).await
        };
        self.line.call("reserve", Effect::Write, work).await
    }

    async fn commit(
        &self,
        trunk: &Trunk,
        owner: &LeaseOwner,
        answer: Option<(&IdempotencyClaim, &StoredResponse)>,
    ) -> Result<CommitOutcome, StoreError> {
        let (table, trunk, owner) = (self.table.clone(), trunk.clone(), owner.clone());
        let answer = answer.map(|(claim, response)| (claim.clone(), response.clone()));
        let work = async move {
            table.commit(&trunk, &owner, answer.as_ref().map(|(claim, response)| (claim, response))).await
        };
        self.line.call("commit", Effect::Write, work).await
    }

    async fn begin_undo(&self, key: TrunkKey, owner: &LeaseOwner, seen: &SeenObjects) -> Result<UndoStart, StoreError> {
        let (table, owner, seen) = (self.table.clone(), owner.clone(), seen.clone());
        self.line.call("begin_undo", Effect::Write, async move { table.begin_undo(key, &owner, &seen).await }).await
    }

    async fn note_on_record(&self, key: TrunkKey, seen: &SeenObjects) -> Result<bool, StoreError> {
        let (table, seen) = (self.table.clone(), seen.clone());
        self.line.call("note_on_record", Effect::Write, async move { table.note_on_record(key, &seen).await }).await
    }

    async fn note_on_tombstone(
        &self,
        key: TrunkKey,
        seen: &SeenObjects,
        secret_names: &BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let (table, seen, secret_names) = (self.table.clone(), seen.clone(), secret_names.clone());
        let work = async move { table.note_on_tombstone(key, &seen, &secret_names).await };
        self.line.call("note_on_tombstone", Effect::Write, work).await
    }

    async fn settle_undo(&self, key: TrunkKey, owner: &LeaseOwner, undone: &Unsettled) -> Result<Settled, StoreError> {
        let (table, owner, undone) = (self.table.clone(), owner.clone(), undone.clone());
        self.line.call("settle_undo", Effect::Write, async move { table.settle_undo(key, &owner, &undone).await }).await
    }

    async fn begin_update(
        &self,
        key: TrunkKey,
        version: u64,
        secret_names: &BTreeSet<String>,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<UpdateStart, StoreError> {
        let (table, secret_names, lease) = (self.table.clone(), secret_names.clone(), lease.clone());
        let work = async move { table.begin_update(key, version, &secret_names, &lease, now).await };
        self.line.call("begin_update", Effect::Write, work).await
    }

    async fn commit_update(&self, record: &TrunkRecord, owner: &LeaseOwner) -> Result<CommitOutcome, StoreError> {
        let (table, record, owner) = (self.table.clone(), record.clone(), owner.clone());
        let work = async move { table.commit_update(&record, &owner).await };
        self.line.call("commit_update", Effect::Write, work).await
    }

    async fn begin_revert(&self, key: TrunkKey, owner: &LeaseOwner) -> Result<RevertStart, StoreError> {
        let (table, owner) = (self.table.clone(), owner.clone());
        self.line.call("begin_revert", Effect::Write, async move { table.begin_revert(key, &owner).await }).await
    }

    async fn end_revert(&self, key: TrunkKey, owner: &LeaseOwner) -> Result<(), StoreError> {
        let (table, owner) = (self.table.clone(), owner.clone());
        self.line.call("end_revert", Effect::Write, async move { table.end_revert(key, &owner).await }).await
    }

    async fn begin_delete(&self, key: TrunkKey, lease: &Lease) -> Result<DeletionStart, StoreError> {
        let (table, lease) = (self.table.clone(), lease.clone());
        self.line.call("begin_delete", Effect::Write, async move { table.begin_delete(key, &lease).await }).await
    }

    async fn was_deleted(&self, key: TrunkKey) -> Result<bool, StoreError> {
        let table = self.table.clone();
        self.line.call("was_deleted", Effect::Read, async move { table.was_deleted(key).await }).await
    }

    async fn settle_delete(&self, key: TrunkKey, deleted: &Unsettled) -> Result<Settled, StoreError> {
        let (table, deleted) = (self.table.clone(), deleted.clone());
        self.line.call("settle_delete", Effect::Write, async move { table.settle_delete(key, &deleted).await }).await
    }

    async fn keep_answer(
        &self,
        workspace_id: WorkspaceId,
        claim: &IdempotencyClaim,
        response: &StoredResponse,
    ) -> Result<Option<KeyUse>, StoreError> {
        let (table, claim, response) = (self.table.clone(), claim.clone(), response.clone());
        let work = async move { table.keep_answer(workspace_id, &claim, &response).await };
        self.line.call("keep_answer", Effect::Write, work).await
    }

    async fn get(&self, key: TrunkKey) -> Result<Option<TrunkRecord>, StoreError> {
        let table = self.table.clone();
        self.line.call("get", Effect::Read, async move { table.get(key).await }).await
    }

    async fn list(
        &self,
        workspace_id: WorkspaceId,
        before: Option<TrunkId>,
        limit: usize,
        filter: Filter,
    ) -> Result<Page, StoreError> {
        let table = self.table.clone();
        let work = async move { table.list(workspace_id, before, limit, filter).await };
        self.line.call("list", Effect::Read, work).await
    }
}

impl<S: SweepStore + Clone + 'static> SweepStore for LineStore<S> {
    /// The parts of the index are looked at in one call: that one of several looks fails is no case of its own.
    const SHARDS: u8 = 1;

    async fn due(&self, _: u8, now: Timestamp, limit: usize) -> Result<DuePage, StoreError> {
        let table = self.table.clone();
        let work = async move {
            let mut all = DuePage::default();
            for shard in 0..S::SHARDS {
                let DuePage { records, has_more } = table.due(shard, now, limit).await?;
                all.records.extend(records);
                all.has_more |= has_more;
            }
            Ok(all)
        };
        self.line.call("due", Effect::Read, work).await
    }

    async fn take_over(&self, key: TrunkKey, lease: &Lease, now: Timestamp) -> Result<TakeOver, StoreError> {
        let (table, lease) = (self.table.clone(), lease.clone());
        self.line.call("take_over", Effect::Write, async move { table.take_over(key, &lease, now).await }).await
    }

    async fn take_over_deletion(
        &self,
        key: TrunkKey,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<Unsettled>, StoreError> {
        let (table, lease) = (self.table.clone(), lease.clone());
        let work = async move { table.take_over_deletion(key, &lease, now).await };
        self.line.call("take_over_deletion", Effect::Write, work).await
    }

    async fn take_over_update(
        &self,
        key: TrunkKey,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<Reverting>, StoreError> {
        let (table, lease) = (self.table.clone(), lease.clone());
        let work = async move { table.take_over_update(key, &lease, now).await };
        self.line.call("take_over_update", Effect::Write, work).await
    }

    async fn end_last_look(
        &self,
        key: TrunkKey,
        owner: &LeaseOwner,
        gone: &BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let (table, owner, gone) = (self.table.clone(), owner.clone(), gone.clone());
        let work = async move { table.end_last_look(key, &owner, &gone).await };
        self.line.call("end_last_look", Effect::Write, work).await
    }

    async fn tombstone(&self, key: TrunkKey) -> Result<Option<Tombstone>, StoreError> {
        let table = self.table.clone();
        self.line.call("tombstone", Effect::Read, async move { table.tombstone(key).await }).await
    }

    async fn drop_tombstone(&self, key: TrunkKey, tombstone: &Tombstone) -> Result<(), StoreError> {
        let (table, tombstone) = (self.table.clone(), tombstone.clone());
        let work = async move { table.drop_tombstone(key, &tombstone).await };
        self.line.call("drop_tombstone", Effect::Write, work).await
    }

    async fn note_failure(&self, due: Due, now: Timestamp) -> Result<Option<Failing>, StoreError> {
        let table = self.table.clone();
        self.line.call("note_failure", Effect::Write, async move { table.note_failure(due, now).await }).await
    }

    async fn put_off(&self, due: Due, lease: &Lease, now: Timestamp, until: Timestamp) -> Result<(), StoreError> {
        let (table, lease) = (self.table.clone(), lease.clone());
        self.line.call("put_off", Effect::Write, async move { table.put_off(due, &lease, now, until).await }).await
    }
}
