use std::collections::BTreeSet;

use jiff::Timestamp;
use trunkline_domain::{AccountSid, BoundNumbers, E164, PhoneNumber, PhoneNumberId, Trunk, TrunkId, WorkspaceId};
use trunkline_provisioning::ports::{
    CommitOutcome, DeletionStart, Due, DuePage, Failing, Filter, ImportStart, LeftBehind, NumberEdit, NumberFate,
    NumberPage, NumberReservation, NumberStore, NumberWrite, Page, PendingImport, Reservation, ReserveOutcome,
    RevertStart, Reverting, Settled, StoreError, SweepStore, TakeOver, Tombstone, TrunkRecord, TrunkStore, UndoStart,
    Unsettled, UpdateBegin, UpdateStart,
};
use trunkline_provisioning::{
    IdempotencyClaim, KeyUse, Lease, LeaseOwner, NumberKey, SeenObjects, StoredResponse, TrunkKey,
};

use super::{Effect, Line};

/// Where records are, at the end of a [`Line`].
#[derive(Clone)]
pub(in crate::faulty) struct LineStore<S> {
    pub(in crate::faulty) table: S,
    pub(in crate::faulty) line: Line,
}

impl<S: TrunkStore + Clone + 'static> TrunkStore for LineStore<S> {
    async fn reserve(&self, reservation: Reservation<'_>) -> Result<ReserveOutcome, StoreError> {
        let Reservation { key, settings, secret_name, now, lease, claim, number, twilio_account } = reservation;
        let (settings, secret_name) = (settings.clone(), secret_name.map(str::to_owned));
        let (lease, claim, number) = (lease.clone(), claim.cloned(), number.cloned());
        let twilio_account = twilio_account.cloned();
        self.line.reserves(key);
        let table = self.table.clone();
        let work = async move {
            let reservation = Reservation {
                key,
                settings: &settings,
                secret_name: secret_name.as_deref(),
                now,
                lease: &lease,
                claim: claim.as_ref(),
                number: number.as_ref(),
                twilio_account: twilio_account.as_ref(),
            };
            table.reserve(reservation).await
        };
        self.line.call("reserve", Effect::Write, work).await
    }

    async fn commit(
        &self,
        trunk: &Trunk,
        number: Option<&PhoneNumber>,
        owner: &LeaseOwner,
        answer: Option<(&IdempotencyClaim, &StoredResponse)>,
    ) -> Result<CommitOutcome, StoreError> {
        let (table, trunk, number, owner) = (self.table.clone(), trunk.clone(), number.cloned(), owner.clone());
        let answer = answer.map(|(claim, response)| (claim.clone(), response.clone()));
        let work = async move {
            let answer = answer.as_ref().map(|(claim, response)| (claim, response));
            table.commit(&trunk, number.as_ref(), &owner, answer).await
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

    async fn note_on_tombstone(&self, key: TrunkKey, left: &LeftBehind) -> Result<(), StoreError> {
        let (table, left) = (self.table.clone(), left.clone());
        let work = async move { table.note_on_tombstone(key, &left).await };
        self.line.call("note_on_tombstone", Effect::Write, work).await
    }

    async fn settle_undo(&self, key: TrunkKey, owner: &LeaseOwner, undone: &Unsettled) -> Result<Settled, StoreError> {
        let (table, owner, undone) = (self.table.clone(), owner.clone(), undone.clone());
        self.line.call("settle_undo", Effect::Write, async move { table.settle_undo(key, &owner, &undone).await }).await
    }

    async fn begin_update(&self, begin: &UpdateBegin<'_>) -> Result<UpdateStart, StoreError> {
        let (table, begin, lease) = (self.table.clone(), Begin::of(begin), begin.lease.clone());
        let work = async move { table.begin_update(&begin.with(&lease)).await };
        self.line.call("begin_update", Effect::Write, work).await
    }

    async fn begin_import(
        &self,
        begin: &UpdateBegin<'_>,
        import: &NumberReservation<'_>,
    ) -> Result<ImportStart, StoreError> {
        let (table, begin, lease) = (self.table.clone(), Begin::of(begin), begin.lease.clone());
        let (number, claim) = (import.number.clone(), import.claim.cloned());
        let work = async move {
            let import = NumberReservation { number: &number, claim: claim.as_ref() };
            table.begin_import(&begin.with(&lease), &import).await
        };
        self.line.call("begin_import", Effect::Write, work).await
    }

    async fn commit_update(&self, record: &TrunkRecord, owner: &LeaseOwner) -> Result<CommitOutcome, StoreError> {
        let (table, record, owner) = (self.table.clone(), record.clone(), owner.clone());
        let work = async move { table.commit_update(&record, &owner).await };
        self.line.call("commit_update", Effect::Write, work).await
    }

    async fn commit_numbers(
        &self,
        records: &[TrunkRecord],
        owner: &LeaseOwner,
        number: NumberWrite<'_>,
    ) -> Result<CommitOutcome, StoreError> {
        let (table, records, owner) = (self.table.clone(), records.to_vec(), owner.clone());
        let number = Write::of(number);
        let work = async move { table.commit_numbers(&records, &owner, number.borrowed()).await };
        self.line.call("commit_numbers", Effect::Write, work).await
    }

    async fn begin_revert(&self, key: TrunkKey, owner: &LeaseOwner) -> Result<RevertStart, StoreError> {
        let (table, owner) = (self.table.clone(), owner.clone());
        self.line.call("begin_revert", Effect::Write, async move { table.begin_revert(key, &owner).await }).await
    }

    async fn end_revert(
        &self,
        key: TrunkKey,
        owner: &LeaseOwner,
        import: Option<&PendingImport>,
    ) -> Result<(), StoreError> {
        let (table, owner, import) = (self.table.clone(), owner.clone(), import.cloned());
        let work = async move { table.end_revert(key, &owner, import.as_ref()).await };
        self.line.call("end_revert", Effect::Write, work).await
    }

    async fn begin_delete(
        &self,
        key: TrunkKey,
        lease: &Lease,
        fate: NumberFate,
        version: Option<u64>,
    ) -> Result<DeletionStart, StoreError> {
        let (table, lease) = (self.table.clone(), lease.clone());
        let work = async move { table.begin_delete(key, &lease, fate, version).await };
        self.line.call("begin_delete", Effect::Write, work).await
    }

    async fn was_deleted(&self, key: TrunkKey) -> Result<bool, StoreError> {
        let table = self.table.clone();
        self.line.call("was_deleted", Effect::Read, async move { table.was_deleted(key).await }).await
    }

    async fn unbind(
        &self,
        key: TrunkKey,
        numbers: &BoundNumbers,
        fate: NumberFate,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (table, numbers) = (self.table.clone(), numbers.clone());
        self.line.call("unbind", Effect::Write, async move { table.unbind(key, &numbers, fate, now).await }).await
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

    async fn key_use(&self, workspace_id: WorkspaceId, claim: &IdempotencyClaim) -> Result<Option<KeyUse>, StoreError> {
        let (table, claim) = (self.table.clone(), claim.clone());
        self.line.call("key_use", Effect::Read, async move { table.key_use(workspace_id, &claim).await }).await
    }

    async fn trunk_of_account(
        &self,
        workspace_id: WorkspaceId,
        account_sid: &AccountSid,
    ) -> Result<Option<TrunkId>, StoreError> {
        let (table, account_sid) = (self.table.clone(), account_sid.clone());
        let work = async move { table.trunk_of_account(workspace_id, &account_sid).await };
        self.line.call("trunk_of_account", Effect::Read, work).await
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

impl<S: NumberStore + Clone + 'static> NumberStore for LineStore<S> {
    async fn get_number(&self, key: NumberKey) -> Result<Option<PhoneNumber>, StoreError> {
        let table = self.table.clone();
        self.line.call("get_number", Effect::Read, async move { table.get_number(key).await }).await
    }

    async fn list_numbers(
        &self,
        workspace_id: WorkspaceId,
        before: Option<PhoneNumberId>,
        limit: usize,
    ) -> Result<NumberPage, StoreError> {
        let table = self.table.clone();
        let work = async move { table.list_numbers(workspace_id, before, limit).await };
        self.line.call("list_numbers", Effect::Read, work).await
    }

    async fn edit_number(&self, edit: NumberEdit<'_>) -> Result<bool, StoreError> {
        let (table, edit) = (self.table.clone(), Edit::of(edit));
        self.line.call("edit_number", Effect::Write, async move { table.edit_number(edit.borrowed()).await }).await
    }
}

/// [`UpdateBegin`], of its own.
struct Begin {
    key: TrunkKey,
    version: u64,
    secret_names: BTreeSet<String>,
    number: Option<E164>,
    now: Timestamp,
}

impl Begin {
    fn of(begin: &UpdateBegin<'_>) -> Self {
        let UpdateBegin { key, version, ref secret_names, number, now, .. } = *begin;
        Self { key, version, secret_names: secret_names.clone(), number: number.cloned(), now }
    }

    fn with<'a>(&'a self, lease: &'a Lease) -> UpdateBegin<'a> {
        let Self { key, version, ref secret_names, ref number, now } = *self;
        UpdateBegin { key, version, secret_names: secret_names.clone(), number: number.as_ref(), lease, now }
    }
}

/// [`NumberWrite`], of its own.
enum Write {
    Import(Box<PhoneNumber>, Option<(IdempotencyClaim, StoredResponse)>),
    Edit(Edit),
}

impl Write {
    fn of(write: NumberWrite<'_>) -> Self {
        match write {
            NumberWrite::Import(number, answer) => {
                let answer = answer.map(|(claim, response)| (claim.clone(), response.clone()));
                Self::Import(Box::new(number.clone()), answer)
            }
            NumberWrite::Edit(edit) => Self::Edit(Edit::of(edit)),
        }
    }

    fn borrowed(&self) -> NumberWrite<'_> {
        match self {
            Self::Import(number, answer) => {
                NumberWrite::Import(number, answer.as_ref().map(|(claim, response)| (claim, response)))
            }
            Self::Edit(edit) => NumberWrite::Edit(edit.borrowed()),
        }
    }
}

/// [`NumberEdit`], of its own.
enum Edit {
    Update(Box<PhoneNumber>),
    Remove(Box<PhoneNumber>),
}

impl Edit {
    fn of(edit: NumberEdit<'_>) -> Self {
        match edit {
            NumberEdit::Update(number) => Self::Update(Box::new(number.clone())),
            NumberEdit::Remove(number) => Self::Remove(Box::new(number.clone())),
        }
    }

    fn borrowed(&self) -> NumberEdit<'_> {
        match self {
            Self::Update(number) => NumberEdit::Update(number),
            Self::Remove(number) => NumberEdit::Remove(number),
        }
    }
}

impl<S: SweepStore + Clone + 'static> SweepStore for LineStore<S> {
    /// The parts of the index are looked at in one call: that one of several looks fails is no case of its own. What is
    /// due comes in the order of ids, which is the same in each run.
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
            all.records.sort_by_key(|due| due.key());
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

    async fn end_last_look(&self, key: TrunkKey, owner: &LeaseOwner, looked_at: &Reverting) -> Result<(), StoreError> {
        let (table, owner, looked_at) = (self.table.clone(), owner.clone(), looked_at.clone());
        let work = async move { table.end_last_look(key, &owner, &looked_at).await };
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
