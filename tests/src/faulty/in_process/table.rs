use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use trunkline_domain::{
    AccountSid, BoundNumbers, E164, Kind, LiveKitObjects, PhoneNumber, PhoneNumberId, Trunk, TrunkId, TrunkSettings,
    TwilioObjects, WorkspaceId,
};
use trunkline_provisioning::ports::{
    CommitOutcome, DeletionStart, Due, DuePage, Failing, Filter, ImportStart, LeftBehind, NumberEdit, NumberFate,
    NumberPage, NumberReservation, NumberStore, NumberWrite, Page, PendingImport, Reservation, ReserveOutcome,
    RevertStart, Reverting, Settled, StoreError, SweepStore, TakeOver, Tombstone, TrunkRecord, TrunkStore, UndoStart,
    Unsettled, UpdateBegin, UpdateStart,
};
use trunkline_provisioning::{
    IdempotencyClaim, KeyUse, Lease, LeaseOwner, NumberKey, SeenObjects, StoredResponse, TrunkKey,
};

use super::InProcess;
use crate::faulty::Clock;

/// The records of one workspace.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) limit: u64,
    count: u64,
    trunks: BTreeMap<TrunkId, Record>,
    number_count: u64,
    numbers: BTreeMap<PhoneNumberId, Number>,
    claims: BTreeMap<E164, PhoneNumberId>,
    accounts: BTreeMap<AccountSid, TrunkId>,
    tombstones: BTreeMap<TrunkId, Stone>,
    keys: BTreeMap<String, KeyRecord>,
}

impl Default for Table {
    fn default() -> Self {
        let (trunks, numbers, claims, accounts, tombstones, keys) = Default::default();
        Self { limit: 20, count: 0, trunks, number_count: 0, numbers, claims, accounts, tombstones, keys }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Provisioning,
    Active,
    Updating,
    Reverting,
    Undoing,
    Deleting,
}

impl State {
    fn is_shown(self) -> bool {
        matches!(self, Self::Active | Self::Updating | Self::Reverting)
    }
}

#[derive(Debug)]
pub(super) struct Record {
    state: State,
    pub(super) livekit: Option<LiveKitObjects>,
    twilio_account: Option<AccountSid>,
    twilio: Option<TwilioObjects>,
    pub(super) secret_name: Option<String>,
    seen_secret_names: BTreeSet<String>,
    seen_numbers: BTreeSet<E164>,
    changed_by: Option<LeaseOwner>,
    reverted_by: Option<LeaseOwner>,
    pub(super) settings: TrunkSettings,
    pub(super) numbers: BoundNumbers,
    fate: NumberFate,
    import: Option<PendingImport>,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    lease: Option<Lease>,
    seen: SeenObjects,
    key_hash: Option<String>,
    sweep: Option<Sweep>,
}

/// A phone number's record.
#[derive(Debug)]
struct Number {
    number: PhoneNumber,
    is_shown: bool,
}

/// A tombstone's record.
#[derive(Debug)]
struct Stone {
    deleted: bool,
    left: LeftBehind,
    sweep: Sweep,
}

/// What a record in the sweep index has.
#[derive(Debug)]
struct Sweep {
    at: Timestamp,
    failing: Option<Failing>,
}

impl Sweep {
    fn at(at: Timestamp) -> Self {
        Self { at, failing: None }
    }
}

#[derive(Debug)]
struct KeyRecord {
    fingerprint: String,
    trunk_id: Option<TrunkId>,
    answer: Option<StoredResponse>,
}

const TOMBSTONE: SignedDuration = SignedDuration::from_secs(900);

const NUMBER_LIMIT: u64 = 100;

impl Record {
    fn unsettled(&self) -> Unsettled {
        let mut seen = self.seen.clone();
        if let Some(objects) = &self.livekit {
            seen.merge(objects.into());
        }
        Unsettled {
            seen,
            secret_names: self.secret_names(),
            key_hash: self.key_hash.clone(),
            numbers: self.numbers.clone(),
            fate: self.fate,
            import: self.import.clone(),
            twilio_account: self.twilio_account.clone(),
            twilio: self.twilio.clone(),
            version: self.version,
        }
    }

    fn secret_names(&self) -> BTreeSet<String> {
        self.seen_secret_names.iter().chain(&self.secret_name).cloned().collect()
    }

    /// Due for a last look.
    fn settle(&mut self) {
        self.state = State::Active;
        self.lease = None;
        self.import = None;
        self.sweep = Some(Sweep::at(Timestamp::now() + TOMBSTONE));
    }

    fn is_owned_by(&self, owner: &LeaseOwner) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.owner == *owner)
    }

    fn lease_ended(&self, now: Timestamp) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.until <= now)
    }

    /// The lease, and its place in the sweep index.
    fn take(&mut self, state: State, lease: &Lease) {
        self.version += 1;
        self.lend(state, lease);
    }

    /// The same of a trunk that is shown, which keeps its version.
    fn lend(&mut self, state: State, lease: &Lease) {
        self.state = state;
        self.lease = Some(lease.clone());
        let failing = self.sweep.take().and_then(|sweep| sweep.failing);
        self.sweep = Some(Sweep { at: lease.until, failing });
    }

    fn trunk(&self, key: TrunkKey) -> Option<Trunk> {
        let livekit = self.livekit.clone().filter(|_| self.state.is_shown())?;
        Some(Trunk {
            id: key.id,
            workspace_id: key.workspace_id,
            settings: self.settings.clone(),
            livekit,
            twilio: self.twilio.clone(),
            numbers: self.numbers.clone(),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

impl Table {
    pub(super) fn live(&self) -> impl Iterator<Item = (TrunkId, &Record)> {
        self.trunks.iter().filter(|(_, record)| record.state.is_shown()).map(|(id, record)| (*id, record))
    }

    /// What should not be at a quiet moment, by the records alone.
    pub(super) fn unsettled(&self) -> Vec<String> {
        let trunks = self.trunks.iter().filter(|(_, record)| record.state != State::Active || record.sweep.is_some());
        let keys = self.keys.values().filter(|key| key.answer.is_none());
        let mut unsettled: Vec<_> = trunks.map(|(id, record)| format!("{id} is {:?}", record.state)).collect();
        unsettled.extend(self.tombstones.keys().map(|id| format!("{id} has a tombstone")));
        unsettled.extend(keys.map(|_| "an idempotency key is left running".to_owned()));
        if self.count != self.trunks.len() as u64 {
            unsettled.push(format!("the counter says {}, there are {} trunks", self.count, self.trunks.len()));
        }
        unsettled.extend(self.wrong_numbers());
        let on_accounts = self.trunks.iter().filter_map(|(id, record)| Some((record.twilio_account.clone()?, *id)));
        if self.accounts != on_accounts.collect() {
            unsettled.push(format!("the accounts' trunks are {:?}", self.accounts));
        }
        unsettled
    }

    fn wrong_numbers(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.number_count != self.numbers.len() as u64 {
            wrong.push(format!("the counter says {}, there are {} numbers", self.number_count, self.numbers.len()));
        }
        let claims = self.numbers.iter().map(|(id, Number { number, .. })| (number.e164.clone(), *id)).collect();
        if self.claims != claims {
            wrong.push(format!("claimed are {:?}, there are {claims:?}", self.claims));
        }
        let bound: BTreeSet<_> = self
            .numbers
            .iter()
            .filter_map(|(id, Number { number, .. })| Some((number.binding?.trunk_id, number.e164.clone(), *id)))
            .collect();
        let on_trunks = self
            .trunks
            .iter()
            .flat_map(|(trunk_id, record)| record.numbers.iter().map(|(e164, id)| (*trunk_id, e164.clone(), *id)));
        let on_trunks: BTreeSet<_> = on_trunks.collect();
        if bound != on_trunks {
            wrong.push(format!("bound are {bound:?}, on trunks {on_trunks:?}"));
        }
        let importing = self.numbers.iter().filter(|(_, number)| !number.is_shown);
        wrong.extend(importing.map(|(id, _)| format!("{id} is importing")));
        wrong
    }

    /// Whether an update may begin; if so it has.
    fn begin(&mut self, begin: &UpdateBegin<'_>, is_import: bool) -> UpdateStart {
        let Some(record) = self.trunks.get_mut(&begin.key.id) else {
            return UpdateStart::Absent;
        };
        let was_unsettled = match record.state {
            State::Active => false,
            State::Updating | State::Reverting
                if !is_import && record.lease_ended(begin.now) && record.import.is_none() =>
            {
                true
            }
            State::Updating | State::Reverting => return UpdateStart::Busy,
            State::Provisioning | State::Undoing | State::Deleting => return UpdateStart::Absent,
        };
        if record.version != begin.version || record.reverted_by.as_ref() == Some(&begin.lease.owner) {
            return UpdateStart::Changed;
        }
        record.lend(State::Updating, begin.lease);
        record.seen_secret_names.extend(begin.secret_names.iter().cloned());
        record.seen_numbers.extend(begin.number.cloned());
        UpdateStart::Updating { was_unsettled }
    }

    /// Whether an update under `owner`'s lease may be committed.
    fn is_updated_by(&self, id: TrunkId, owner: &LeaseOwner) -> bool {
        let ours = |record: &Record| record.state == State::Updating && record.is_owned_by(owner);
        self.trunks.get(&id).is_some_and(ours)
    }

    fn commit_update(&mut self, updated: &TrunkRecord, owner: &LeaseOwner) {
        let TrunkRecord { trunk, secret_name } = updated;
        let record = self.trunks.get_mut(&trunk.id).expect("a record that is ours");
        record.settings = trunk.settings.clone();
        record.numbers = trunk.numbers.clone();
        record.version = trunk.version;
        record.updated_at = trunk.updated_at;
        record.secret_name.clone_from(secret_name);
        record.changed_by = Some(owner.clone());
        record.settle();
    }

    /// Says whether the number was as it must be; if so the edit is made.
    fn edit(&mut self, edit: NumberEdit<'_>) -> bool {
        let is = |id: PhoneNumberId, version: u64| {
            self.numbers.get(&id).is_some_and(|kept| kept.is_shown && kept.number.version == version)
        };
        match edit {
            NumberEdit::Update(number) if is(number.id, number.version - 1) => {
                self.numbers.insert(number.id, Number { number: number.clone(), is_shown: true });
                true
            }
            NumberEdit::Remove(number) if is(number.id, number.version) => {
                self.forget_number(&number.e164, number.id);
                true
            }
            NumberEdit::Update(_) | NumberEdit::Remove(_) => false,
        }
    }

    fn forget_number(&mut self, e164: &E164, id: PhoneNumberId) {
        self.numbers.remove(&id);
        self.claims.remove(e164);
        self.number_count -= 1;
    }

    /// Undoes the import that a trunk's record knew of.
    fn forget_import(&mut self, trunk_id: TrunkId, import: &PendingImport) {
        self.forget_number(&import.e164, import.id);
        let ours = |used: &KeyRecord| used.trunk_id == Some(trunk_id);
        if let Some(hash) = import.key_hash.as_ref().filter(|hash| self.keys.get(*hash).is_some_and(ours)) {
            self.keys.remove(hash);
        }
    }

    /// Those that LiveKit sold.
    pub(super) fn bought(&self) -> impl Iterator<Item = &E164> {
        let bought = self.numbers.values().filter(|number| number.number.provider == Kind::Livekit);
        bought.map(|number| &number.number.e164)
    }

    pub(super) fn put_forward(&mut self, clock: Clock) -> usize {
        let is_due = |record: &&mut Record| clock == Clock::All || record.state != State::Active;
        let trunks = self.trunks.values_mut().filter(is_due).filter_map(|record| {
            let sweep = record.sweep.as_mut()?;
            if let Some(lease) = &mut record.lease {
                lease.until = Timestamp::UNIX_EPOCH;
            }
            Some(sweep)
        });
        let stones = self.tombstones.values_mut().map(|stone| &mut stone.sweep).filter(|_| clock == Clock::All);
        trunks.chain(stones).map(|sweep| sweep.at = Timestamp::UNIX_EPOCH).count()
    }

    /// The record away, the tombstone in its place, the counter down.
    fn bury(&mut self, id: TrunkId, gone: &Unsettled, deleted: bool) {
        self.trunks.remove(&id);
        self.count -= 1;
        if let Some(account_sid) = &gone.twilio_account {
            self.accounts.remove(account_sid);
        }
        let imported = gone.import.as_ref().filter(|_| !deleted);
        let left = LeftBehind {
            seen: gone.seen.clone(),
            secret_names: gone.secret_names.clone(),
            number: imported.map(|import| import.e164.clone()),
            twilio_account: gone.twilio_account.clone().filter(|_| !deleted),
        };
        self.mark(id, &left, deleted);
        if let Some(import) = &gone.import {
            self.forget_import(id, import);
        }
    }

    /// The tombstone, made if need be, with its whole time before it.
    fn mark(&mut self, id: TrunkId, left: &LeftBehind, deleted: bool) {
        let at = Timestamp::now() + TOMBSTONE;
        let stone = self.tombstones.entry(id).or_insert_with(|| Stone {
            deleted,
            left: LeftBehind::default(),
            sweep: Sweep::at(at),
        });
        stone.left.seen.merge(left.seen.clone());
        stone.left.secret_names.extend(left.secret_names.iter().cloned());
        stone.left.number = left.number.clone().or(stone.left.number.take());
        stone.left.twilio_account = left.twilio_account.clone().or(stone.left.twilio_account.take());
        stone.sweep.at = at;
    }

    fn sweep(&mut self, due: Due) -> Option<&mut Sweep> {
        match due {
            Due::Trunk(key) => self.trunks.get_mut(&key.id)?.sweep.as_mut(),
            Due::Tombstone(key) => self.tombstones.get_mut(&key.id).map(|stone| &mut stone.sweep),
        }
    }
}

fn key_use(claim: &IdempotencyClaim, used: &KeyRecord) -> KeyUse {
    match &used.answer {
        _ if used.fingerprint != claim.fingerprint => KeyUse::OtherRequest,
        None => KeyUse::Running,
        Some(answer) => KeyUse::Answered(answer.clone()),
    }
}

impl TrunkStore for InProcess {
    async fn reserve(&self, reservation: Reservation<'_>) -> Result<ReserveOutcome, StoreError> {
        let Reservation { key, settings, secret_name, now, lease, claim, number, twilio_account } = reservation;
        let table = &mut self.contents().table;
        if let Some(used) = claim.and_then(|claim| Some(key_use(claim, table.keys.get(&claim.key_hash)?))) {
            return Ok(ReserveOutcome::KeyUsed(used));
        }
        if number.is_some_and(|number| table.claims.contains_key(&number.e164)) {
            return Ok(ReserveOutcome::NumberTaken);
        }
        if twilio_account.is_some_and(|account_sid| table.accounts.contains_key(account_sid)) {
            return Ok(ReserveOutcome::AccountTaken);
        }
        if number.is_some() && table.number_count >= NUMBER_LIMIT {
            return Ok(ReserveOutcome::NumbersAtCap { limit: NUMBER_LIMIT, used: table.number_count });
        }
        if table.count >= table.limit {
            return Ok(ReserveOutcome::AtCap { limit: table.limit, used: table.count });
        }
        table.count += 1;
        let record = Record {
            state: State::Provisioning,
            livekit: None,
            twilio_account: twilio_account.cloned(),
            twilio: None,
            secret_name: secret_name.map(str::to_owned),
            seen_secret_names: BTreeSet::new(),
            seen_numbers: BTreeSet::new(),
            changed_by: None,
            reverted_by: None,
            settings: settings.clone(),
            numbers: BoundNumbers::new(),
            fate: NumberFate::Stay,
            import: number.map(|number| PendingImport { id: number.id, e164: number.e164.clone(), key_hash: None }),
            version: 0,
            created_at: now,
            updated_at: now,
            lease: Some(lease.clone()),
            seen: SeenObjects::default(),
            key_hash: claim.map(|claim| claim.key_hash.clone()),
            sweep: Some(Sweep::at(lease.until)),
        };
        table.trunks.insert(key.id, record);
        if let Some(number) = number {
            table.number_count += 1;
            table.claims.insert(number.e164.clone(), number.id);
            table.numbers.insert(number.id, Number { number: number.clone(), is_shown: false });
        }
        table.accounts.extend(twilio_account.map(|account_sid| (account_sid.clone(), key.id)));
        if let Some(claim) = claim {
            let record = KeyRecord { fingerprint: claim.fingerprint.clone(), trunk_id: Some(key.id), answer: None };
            table.keys.insert(claim.key_hash.clone(), record);
        }
        Ok(ReserveOutcome::Reserved)
    }

    async fn commit(
        &self,
        trunk: &Trunk,
        number: Option<&PhoneNumber>,
        owner: &LeaseOwner,
        answer: Option<(&IdempotencyClaim, &StoredResponse)>,
    ) -> Result<CommitOutcome, StoreError> {
        let table = &mut self.contents().table;
        let ours = |record: &&mut Record| record.state == State::Provisioning && record.is_owned_by(owner);
        let Some(record) = table.trunks.get_mut(&trunk.id).filter(ours) else {
            return Ok(CommitOutcome::LeaseLost);
        };
        if let Some((claim, response)) = answer {
            match table.keys.get_mut(&claim.key_hash) {
                Some(key) if key.trunk_id == Some(trunk.id) => key.answer = Some(response.clone()),
                _ => return Ok(CommitOutcome::LeaseLost),
            }
        }
        record.state = State::Active;
        record.livekit = Some(trunk.livekit.clone());
        record.twilio.clone_from(&trunk.twilio);
        record.numbers = trunk.numbers.clone();
        record.import = None;
        record.version = trunk.version;
        record.updated_at = trunk.updated_at;
        (record.lease, record.sweep) = (None, None);
        if trunk.twilio.is_some() {
            record.seen_numbers.extend(trunk.numbers.keys().cloned());
            record.sweep = Some(Sweep::at(Timestamp::now() + TOMBSTONE));
        }
        if let Some(number) = number {
            table.numbers.insert(number.id, Number { number: number.clone(), is_shown: true });
        }
        Ok(CommitOutcome::Committed)
    }

    async fn begin_undo(&self, key: TrunkKey, owner: &LeaseOwner, seen: &SeenObjects) -> Result<UndoStart, StoreError> {
        let table = &mut self.contents().table;
        let Some(record) = table.trunks.get_mut(&key.id) else {
            return Ok(UndoStart::Gone);
        };
        Ok(match record.state {
            State::Provisioning | State::Undoing if record.is_owned_by(owner) => {
                record.state = State::Undoing;
                record.version += 1;
                record.seen.merge(seen.clone());
                UndoStart::Undoing(Box::new(record.unsettled()))
            }
            State::Provisioning | State::Undoing => UndoStart::LeaseLost,
            State::Active | State::Updating | State::Reverting | State::Deleting => UndoStart::Active,
        })
    }

    async fn note_on_record(&self, key: TrunkKey, seen: &SeenObjects) -> Result<bool, StoreError> {
        let table = &mut self.contents().table;
        let record = table.trunks.get_mut(&key.id).filter(|record| record.state == State::Undoing);
        Ok(record
            .map(|record| {
                record.version += 1;
                record.seen.merge(seen.clone());
            })
            .is_some())
    }

    async fn note_on_tombstone(&self, key: TrunkKey, left: &LeftBehind) -> Result<(), StoreError> {
        self.contents().table.mark(key.id, left, false);
        Ok(())
    }

    async fn settle_undo(&self, key: TrunkKey, owner: &LeaseOwner, undone: &Unsettled) -> Result<Settled, StoreError> {
        let table = &mut self.contents().table;
        let is_as_read = table.trunks.get(&key.id).is_some_and(|record| {
            record.state == State::Undoing && record.is_owned_by(owner) && record.version == undone.version
        });
        if !is_as_read {
            return Ok(Settled::Changed);
        }
        if let Some(hash) = &undone.key_hash {
            if table.keys.get(hash).is_some_and(|used| used.trunk_id != Some(key.id)) {
                return Ok(Settled::KeyTaken);
            }
            table.keys.remove(hash);
        }
        table.bury(key.id, undone, false);
        Ok(Settled::Settled)
    }

    async fn begin_update(&self, begin: &UpdateBegin<'_>) -> Result<UpdateStart, StoreError> {
        Ok(self.contents().table.begin(begin, false))
    }

    async fn begin_import(
        &self,
        begin: &UpdateBegin<'_>,
        import: &NumberReservation<'_>,
    ) -> Result<ImportStart, StoreError> {
        let NumberReservation { number, claim } = *import;
        let table = &mut self.contents().table;
        if let Some(used) = claim.and_then(|claim| Some(key_use(claim, table.keys.get(&claim.key_hash)?))) {
            return Ok(ImportStart::KeyUsed(used));
        }
        if table.claims.contains_key(&number.e164) {
            return Ok(ImportStart::Taken);
        }
        if table.number_count >= NUMBER_LIMIT {
            return Ok(ImportStart::AtCap { limit: NUMBER_LIMIT, used: table.number_count });
        }
        let start = table.begin(begin, true);
        if !matches!(start, UpdateStart::Updating { .. }) {
            return Ok(ImportStart::Begun(start));
        }
        table.number_count += 1;
        table.claims.insert(number.e164.clone(), number.id);
        table.numbers.insert(number.id, Number { number: number.clone(), is_shown: false });
        let key_hash = claim.map(|claim| claim.key_hash.clone());
        if let Some(claim) = claim {
            let trunk_id = Some(begin.key.id);
            let record = KeyRecord { fingerprint: claim.fingerprint.clone(), trunk_id, answer: None };
            table.keys.insert(claim.key_hash.clone(), record);
        }
        let record = table.trunks.get_mut(&begin.key.id).expect("a record that is ours");
        record.import = Some(PendingImport { id: number.id, e164: number.e164.clone(), key_hash });
        Ok(ImportStart::Begun(start))
    }

    async fn commit_update(&self, record: &TrunkRecord, owner: &LeaseOwner) -> Result<CommitOutcome, StoreError> {
        let table = &mut self.contents().table;
        if !table.is_updated_by(record.trunk.id, owner) {
            return Ok(CommitOutcome::LeaseLost);
        }
        table.commit_update(record, owner);
        Ok(CommitOutcome::Committed)
    }

    async fn commit_numbers(
        &self,
        records: &[TrunkRecord],
        owner: &LeaseOwner,
        number: NumberWrite<'_>,
    ) -> Result<CommitOutcome, StoreError> {
        let table = &mut self.contents().table;
        if !records.iter().all(|record| table.is_updated_by(record.trunk.id, owner)) {
            return Ok(CommitOutcome::LeaseLost);
        }
        match number {
            NumberWrite::Import(number, answer) => {
                let Some(kept) = table.numbers.get_mut(&number.id).filter(|kept| !kept.is_shown) else {
                    return Ok(CommitOutcome::LeaseLost);
                };
                if let Some((claim, response)) = answer {
                    match table.keys.get_mut(&claim.key_hash) {
                        Some(key) if key.trunk_id == number.binding.map(|binding| binding.trunk_id) => {
                            key.answer = Some(response.clone());
                        }
                        _ => return Ok(CommitOutcome::LeaseLost),
                    }
                }
                kept.is_shown = true;
            }
            NumberWrite::Edit(edit) if table.edit(edit) => {}
            NumberWrite::Edit(_) => return Ok(CommitOutcome::LeaseLost),
        }
        for record in records {
            table.commit_update(record, owner);
        }
        Ok(CommitOutcome::Committed)
    }

    async fn begin_revert(&self, key: TrunkKey, owner: &LeaseOwner) -> Result<RevertStart, StoreError> {
        let table = &mut self.contents().table;
        let Some(record) = table.trunks.get_mut(&key.id) else {
            return Ok(RevertStart::Absent);
        };
        Ok(match record.state {
            State::Updating | State::Reverting if record.is_owned_by(owner) => {
                record.state = State::Reverting;
                record.reverted_by = Some(owner.clone());
                RevertStart::Reverting(record.import.clone())
            }
            _ if record.changed_by.as_ref() == Some(owner) => RevertStart::Committed,
            state if state.is_shown() => RevertStart::LeaseLost,
            _ => RevertStart::Absent,
        })
    }

    async fn end_revert(
        &self,
        key: TrunkKey,
        owner: &LeaseOwner,
        import: Option<&PendingImport>,
    ) -> Result<(), StoreError> {
        let table = &mut self.contents().table;
        let ours = |record: &&mut Record| record.state == State::Reverting && record.is_owned_by(owner);
        if let Some(record) = table.trunks.get_mut(&key.id).filter(ours) {
            record.settle();
            if let Some(import) = import {
                table.forget_import(key.id, import);
            }
        }
        Ok(())
    }

    async fn begin_delete(
        &self,
        key: TrunkKey,
        lease: &Lease,
        fate: NumberFate,
        version: Option<u64>,
    ) -> Result<DeletionStart, StoreError> {
        let table = &mut self.contents().table;
        let deletable = |record: &&mut Record| {
            let is_meant = version.is_none_or(|version| version == record.version && record.import.is_none());
            let goes = version.is_none() || record.fate == NumberFate::Go;
            (record.state.is_shown() && is_meant) || (record.state == State::Deleting && goes)
        };
        let Some(record) = table.trunks.get_mut(&key.id).filter(deletable) else {
            return Ok(DeletionStart::Absent);
        };
        record.take(State::Deleting, lease);
        if fate == NumberFate::Go {
            record.fate = fate;
        }
        Ok(DeletionStart::Deleting(Box::new(record.unsettled())))
    }

    async fn was_deleted(&self, key: TrunkKey) -> Result<bool, StoreError> {
        Ok(self.contents().table.tombstones.get(&key.id).is_some_and(|stone| stone.deleted))
    }

    async fn unbind(
        &self,
        key: TrunkKey,
        numbers: &BoundNumbers,
        fate: NumberFate,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let table = &mut self.contents().table;
        let deleting = |record: &&mut Record| record.state == State::Deleting;
        let Some(record) = table.trunks.get_mut(&key.id).filter(deleting) else {
            return Ok(());
        };
        if !numbers.keys().all(|e164| record.numbers.contains_key(e164)) {
            return Ok(());
        }
        for e164 in numbers.keys() {
            record.numbers.remove(e164);
        }
        for (e164, id) in numbers {
            if fate == NumberFate::Go {
                table.forget_number(e164, *id);
                continue;
            }
            let Number { number, .. } = table.numbers.get_mut(id).expect("a number that is bound");
            *number = PhoneNumber { binding: None, version: number.version + 1, updated_at: now, ..number.clone() };
        }
        Ok(())
    }

    async fn settle_delete(&self, key: TrunkKey, deleted: &Unsettled) -> Result<Settled, StoreError> {
        let table = &mut self.contents().table;
        let gone = |record: &Record| record.state == State::Deleting && record.numbers.is_empty();
        if !table.trunks.get(&key.id).is_some_and(gone) {
            return Ok(Settled::Changed);
        }
        table.bury(key.id, deleted, true);
        Ok(Settled::Settled)
    }

    async fn keep_answer(
        &self,
        _: WorkspaceId,
        claim: &IdempotencyClaim,
        response: &StoredResponse,
    ) -> Result<Option<KeyUse>, StoreError> {
        let table = &mut self.contents().table;
        if let Some(used) = table.keys.get(&claim.key_hash) {
            return Ok(Some(key_use(claim, used)));
        }
        let (fingerprint, answer) = (claim.fingerprint.clone(), Some(response.clone()));
        table.keys.insert(claim.key_hash.clone(), KeyRecord { fingerprint, trunk_id: None, answer });
        Ok(None)
    }

    async fn key_use(&self, _: WorkspaceId, claim: &IdempotencyClaim) -> Result<Option<KeyUse>, StoreError> {
        Ok(self.contents().table.keys.get(&claim.key_hash).map(|used| key_use(claim, used)))
    }

    async fn trunk_of_account(&self, _: WorkspaceId, account_sid: &AccountSid) -> Result<Option<TrunkId>, StoreError> {
        Ok(self.contents().table.accounts.get(account_sid).copied())
    }

    async fn get(&self, key: TrunkKey) -> Result<Option<TrunkRecord>, StoreError> {
        let contents = self.contents();
        Ok(contents.table.trunks.get(&key.id).and_then(|record| {
            Some(TrunkRecord { trunk: record.trunk(key)?, secret_name: record.secret_name.clone() })
        }))
    }

    async fn list(
        &self,
        workspace_id: WorkspaceId,
        before: Option<TrunkId>,
        limit: usize,
        filter: Filter,
    ) -> Result<Page, StoreError> {
        let contents = self.contents();
        let older = contents.table.trunks.iter().rev().filter(|(id, _)| before.is_none_or(|before| **id < before));
        let shown = older.filter_map(|(id, record)| record.trunk(TrunkKey { workspace_id, id: *id })).filter(|trunk| {
            filter.kind.is_none_or(|kind| kind == trunk.settings.kind())
                && filter.direction.is_none_or(|direction| direction == trunk.settings.direction())
        });
        let mut trunks: Vec<_> = shown.take(limit + 1).collect();
        let has_more = trunks.len() > limit;
        trunks.truncate(limit);
        Ok(Page { trunks, has_more })
    }
}

impl NumberStore for InProcess {
    async fn get_number(&self, key: NumberKey) -> Result<Option<PhoneNumber>, StoreError> {
        let contents = self.contents();
        let shown = contents.table.numbers.get(&key.id).filter(|kept| kept.is_shown);
        Ok(shown.map(|kept| kept.number.clone()))
    }

    async fn list_numbers(
        &self,
        _: WorkspaceId,
        before: Option<PhoneNumberId>,
        limit: usize,
    ) -> Result<NumberPage, StoreError> {
        let contents = self.contents();
        let older = contents.table.numbers.iter().rev().filter(|(id, _)| before.is_none_or(|before| **id < before));
        let shown = older.filter(|(_, kept)| kept.is_shown).map(|(_, kept)| kept.number.clone());
        let mut numbers: Vec<_> = shown.take(limit + 1).collect();
        let has_more = numbers.len() > limit;
        numbers.truncate(limit);
        Ok(NumberPage { numbers, has_more })
    }

    async fn edit_number(&self, edit: NumberEdit<'_>) -> Result<bool, StoreError> {
        Ok(self.contents().table.edit(edit))
    }
}

impl SweepStore for InProcess {
    const SHARDS: u8 = 1;

    async fn due(&self, _: u8, now: Timestamp, limit: usize) -> Result<DuePage, StoreError> {
        let contents = self.contents();
        let table = &contents.table;
        let key = |id: &TrunkId| TrunkKey { workspace_id: self.workspace_id, id: *id };
        let stones = table.tombstones.iter().map(|(id, stone)| (stone.sweep.at, Due::Tombstone(key(id))));
        let trunks =
            table.trunks.iter().filter_map(|(id, record)| Some((record.sweep.as_ref()?.at, Due::Trunk(key(id)))));
        let mut due: Vec<_> = stones.chain(trunks).filter(|(at, _)| *at <= now).collect();
        due.sort_by_key(|(at, _)| *at);
        let has_more = due.len() >= limit;
        Ok(DuePage { records: due.into_iter().map(|(_, due)| due).take(limit).collect(), has_more })
    }

    async fn take_over(&self, key: TrunkKey, lease: &Lease, now: Timestamp) -> Result<TakeOver, StoreError> {
        let table = &mut self.contents().table;
        let Some(record) = table.trunks.get_mut(&key.id) else {
            return Ok(TakeOver::NotDue);
        };
        Ok(match record.state {
            State::Provisioning | State::Undoing if record.lease_ended(now) => {
                record.take(State::Undoing, lease);
                TakeOver::Undoing(Box::new(record.unsettled()))
            }
            // A repeat of the write that took it, whose answer was lost.
            State::Undoing if record.is_owned_by(&lease.owner) => TakeOver::Undoing(Box::new(record.unsettled())),
            State::Deleting => TakeOver::Deleting,
            State::Active | State::Updating | State::Reverting if record.sweep.is_some() => TakeOver::Updated,
            State::Provisioning | State::Undoing | State::Active | State::Updating | State::Reverting => {
                TakeOver::NotDue
            }
        })
    }

    async fn take_over_deletion(
        &self,
        key: TrunkKey,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<Unsettled>, StoreError> {
        let table = &mut self.contents().table;
        let Some(record) = table.trunks.get_mut(&key.id).filter(|record| record.state == State::Deleting) else {
            return Ok(None);
        };
        if record.lease_ended(now) {
            record.take(State::Deleting, lease);
        } else if !record.is_owned_by(&lease.owner) {
            return Ok(None);
        }
        Ok(Some(record.unsettled()))
    }

    async fn take_over_update(
        &self,
        key: TrunkKey,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<Reverting>, StoreError> {
        let table = &mut self.contents().table;
        let Some(record) = table.trunks.get_mut(&key.id) else {
            return Ok(None);
        };
        let is_last_look = match record.state {
            State::Updating | State::Reverting if record.lease_ended(now) => false,
            // A repeat of the write that took it, whose answer was lost.
            State::Reverting if record.is_owned_by(&lease.owner) => false,
            State::Active if record.sweep.as_ref().is_some_and(|sweep| sweep.at <= now) => true,
            _ => return Ok(None),
        };
        if !record.is_owned_by(&lease.owner) {
            let before = record.lease.take().map(|lease| lease.owner);
            record.reverted_by = Some(before.unwrap_or_else(|| lease.owner.clone()));
            record.lend(State::Reverting, lease);
        }
        let secret_name = record.secret_name.clone();
        let mut other_secrets = record.secret_names();
        other_secrets.retain(|name| Some(name) != secret_name.as_ref());
        let trunk = record.trunk(key).expect("a trunk that is shown");
        let (seen_numbers, import) = (record.seen_numbers.clone(), record.import.clone());
        let record = TrunkRecord { trunk, secret_name };
        Ok(Some(Reverting { record, other_secrets, seen_numbers, import, is_last_look }))
    }

    async fn end_last_look(&self, key: TrunkKey, owner: &LeaseOwner, looked_at: &Reverting) -> Result<(), StoreError> {
        let table = &mut self.contents().table;
        let ours = |record: &&mut Record| record.state == State::Reverting && record.is_owned_by(owner);
        if let Some(record) = table.trunks.get_mut(&key.id).filter(ours) {
            record.state = State::Active;
            (record.lease, record.sweep) = (None, None);
            record.seen_secret_names.retain(|name| !looked_at.other_secrets.contains(name));
            record.seen_numbers.retain(|number| !looked_at.seen_numbers.contains(number));
        }
        Ok(())
    }

    async fn tombstone(&self, key: TrunkKey) -> Result<Option<Tombstone>, StoreError> {
        let contents = self.contents();
        Ok(contents
            .table
            .tombstones
            .get(&key.id)
            .map(|stone| Tombstone { left: stone.left.clone(), due_at: stone.sweep.at }))
    }

    async fn drop_tombstone(&self, key: TrunkKey, tombstone: &Tombstone) -> Result<(), StoreError> {
        let stones = &mut self.contents().table.tombstones;
        if stones.get(&key.id).is_some_and(|stone| stone.sweep.at == tombstone.due_at) {
            stones.remove(&key.id);
        }
        Ok(())
    }

    async fn note_failure(&self, due: Due, now: Timestamp) -> Result<Option<Failing>, StoreError> {
        let table = &mut self.contents().table;
        Ok(table.sweep(due).map(|sweep| {
            let failing = sweep.failing.get_or_insert(Failing { times: 0, since: now });
            failing.times += 1;
            *failing
        }))
    }

    async fn put_off(&self, due: Due, lease: &Lease, now: Timestamp, until: Timestamp) -> Result<(), StoreError> {
        let table = &mut self.contents().table;
        if let Due::Trunk(key) = due
            && !table
                .trunks
                .get(&key.id)
                .is_some_and(|record| record.is_owned_by(&lease.owner) || record.lease_ended(now))
        {
            return Ok(());
        }
        if let Some(sweep) = table.sweep(due).filter(|sweep| sweep.at < until) {
            sweep.at = until;
        }
        Ok(())
    }
}
