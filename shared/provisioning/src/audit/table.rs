use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use trunkline_domain::{AccountSid, ApiKeyHash, ApiKeyId, E164, Trunk, TrunkId, WorkspaceId};

use super::difference::{Difference, NumberProblem};
use crate::ports::{Counted, PendingImport, TableRecord, UnsettledUpdate};
use crate::{NumberKey, SecretPrefix, TrunkKey};

/// How long a record may be due before the sweeper is late.
const SWEEPER_IS_LATE: SignedDuration = SignedDuration::from_mins(10);

/// How long the sweeper may fail on a record, which it puts off at each failure, before somebody has to look.
const SWEEPER_IS_STUCK: SignedDuration = SignedDuration::from_hours(1);

struct Counters {
    trunks: u64,
    trunk_limit: u64,
    numbers: u64,
}

struct Number {
    e164: E164,
    trunk_id: Option<TrunkId>,
    is_shown: bool,
}

/// What the table says.
#[derive(Default)]
pub(super) struct Table {
    counters: BTreeMap<WorkspaceId, Counters>,
    records: BTreeMap<(WorkspaceId, Counted), u64>,
    numbers: BTreeMap<NumberKey, Number>,
    number_claims: BTreeMap<E164, NumberKey>,
    /// The trunks that Twilio accounts' numbers share.
    accounts: BTreeMap<(WorkspaceId, AccountSid), TrunkId>,
    /// Numbers that are being imported, by the records of their trunks.
    imports: BTreeSet<NumberKey>,
    /// The idempotency keys of these imports.
    import_keys: BTreeSet<(TrunkKey, String)>,
    /// API keys, and the workspaces' references to them.
    keys: BTreeSet<(WorkspaceId, ApiKeyHash)>,
    key_references: BTreeMap<(WorkspaceId, ApiKeyHash), ApiKeyId>,
    pub(super) live: Vec<(Trunk, Option<String>)>,
    unsettled: BTreeSet<TrunkKey>,
    /// Live trunks of which an update has to be settled: what LiveKit says of them is the sweeper's.
    updated: BTreeSet<TrunkKey>,
    /// Unsettled trunks, updates and tombstones: when they are due, and since when the sweeper fails on them.
    due: Vec<(TrunkKey, Timestamp, Option<Timestamp>)>,
    running: Vec<(TrunkKey, String, Timestamp)>,
    /// Unsettled trunks and tombstones: what they have in the other systems is the sweeper's.
    pending: BTreeSet<TrunkKey>,
    pending_secrets: BTreeSet<String>,
}

impl Table {
    pub(super) fn of(records: Vec<TableRecord>) -> Self {
        let mut table = Self::default();
        for record in records {
            match record {
                TableRecord::Workspace { id, trunk_count, trunk_limit, number_count } => {
                    table.counters.insert(id, Counters { trunks: trunk_count, trunk_limit, numbers: number_count });
                }
                TableRecord::Number { key, e164, trunk_id, is_shown } => {
                    table.count(key.workspace_id, Counted::Numbers);
                    table.numbers.insert(key, Number { e164, trunk_id, is_shown });
                }
                TableRecord::NumberClaim { e164, key } => {
                    table.number_claims.insert(e164, key);
                }
                TableRecord::TwilioAccount { key, account_sid } => {
                    table.accounts.insert((key.workspace_id, account_sid), key.id);
                }
                TableRecord::Live { trunk, secret_name, update, import } => {
                    table.count(trunk.workspace_id, Counted::Trunks);
                    let workspace_id = trunk.workspace_id;
                    if let Some(PendingImport { id, key_hash, .. }) = import {
                        table.imports.insert(NumberKey { workspace_id, id });
                        table.import_keys.extend(key_hash.map(|key_hash| (TrunkKey::from(&*trunk), key_hash)));
                    }
                    if let Some(UnsettledUpdate { secret_names, due_at, failing_since }) = update {
                        let key = TrunkKey::from(&*trunk);
                        table.updated.insert(key);
                        table.due.push((key, due_at, failing_since));
                        table.pending_secrets.extend(secret_names);
                    }
                    table.live.push((*trunk, secret_name));
                }
                TableRecord::Unsettled { key, secret_names, due_at, failing_since } => {
                    table.count(key.workspace_id, Counted::Trunks);
                    table.unsettled.insert(key);
                    table.due.push((key, due_at, failing_since));
                    table.pending.insert(key);
                    table.pending_secrets.extend(secret_names);
                }
                TableRecord::Tombstone { key, secret_names, due_at, failing_since } => {
                    table.due.push((key, due_at, failing_since));
                    table.pending.insert(key);
                    table.pending_secrets.extend(secret_names);
                }
                TableRecord::RunningClaim { key, key_hash, expires_at } => {
                    table.running.push((key, key_hash, expires_at));
                }
                TableRecord::ApiKey { workspace_id, hash } => {
                    table.keys.insert((workspace_id, hash));
                }
                TableRecord::ApiKeyReference { workspace_id, id, hash } => {
                    table.key_references.insert((workspace_id, hash), id);
                }
            }
        }
        table
    }

    fn count(&mut self, workspace_id: WorkspaceId, counted: Counted) {
        *self.records.entry((workspace_id, counted)).or_default() += 1;
    }

    pub(super) fn live(&self) -> impl Iterator<Item = (&Trunk, Option<&str>)> {
        self.live.iter().map(|(trunk, secret_name)| (trunk, secret_name.as_deref()))
    }

    pub(super) fn find(&self, key: TrunkKey) -> Option<(&Trunk, Option<&str>)> {
        self.live().find(|(trunk, _)| TrunkKey::from(*trunk) == key)
    }

    pub(super) fn is_pending(&self, key: TrunkKey) -> bool {
        self.pending.contains(&key)
    }

    pub(super) fn is_updated(&self, key: TrunkKey) -> bool {
        self.updated.contains(&key)
    }

    pub(super) fn knows(&self, workspace_id: WorkspaceId) -> bool {
        self.counters.contains_key(&workspace_id)
    }

    pub(super) fn is_settled(&self, workspace_id: WorkspaceId) -> bool {
        !self.unsettled.iter().any(|key| key.workspace_id == workspace_id)
            && !self.imports.iter().any(|key| key.workspace_id == workspace_id)
    }

    pub(super) fn wrong_counts(&self) -> Vec<Difference> {
        let owners: BTreeSet<_> =
            self.records.keys().map(|(id, _)| id).chain(self.keys.iter().map(|(id, _)| id)).collect();
        let without_workspace = owners.into_iter().filter(|&&id| !self.knows(id));
        let without_workspace = without_workspace.map(|&workspace_id| Difference::NoWorkspace { workspace_id });
        let counters = self.counters.iter().flat_map(|(&workspace_id, counters)| {
            [(Counted::Trunks, counters.trunks), (Counted::Numbers, counters.numbers)]
                .map(|(counted, counter)| (workspace_id, counted, counter))
        });
        let wrong = counters.filter_map(|(workspace_id, counted, counter)| {
            let records = self.records.get(&(workspace_id, counted)).copied().unwrap_or_default();
            (counter != records).then_some(Difference::WrongCount { workspace_id, counted, counter, records })
        });
        without_workspace.chain(wrong).collect()
    }

    pub(super) fn over_limit(&self) -> impl Iterator<Item = Difference> {
        self.counters.iter().filter(|(_, counters)| counters.trunks > counters.trunk_limit).map(
            |(&workspace_id, counters)| Difference::OverLimit {
                workspace_id,
                counter: counters.trunks,
                limit: counters.trunk_limit,
            },
        )
    }

    /// A number, its claim and its trunk agree. A trunk on its way out lets its numbers go one by one.
    pub(super) fn compare_numbers(&self) -> Vec<Difference> {
        let bound: BTreeMap<NumberKey, (&E164, TrunkId)> = self
            .live()
            .flat_map(|(trunk, _)| {
                let workspace_id = trunk.workspace_id;
                trunk.numbers.iter().map(move |(e164, &id)| (NumberKey { workspace_id, id }, (e164, trunk.id)))
            })
            .collect();
        let mut differences = Vec::new();
        let mut add = |key: NumberKey, e164: &E164, problem| {
            differences.push(Difference::Number { key, e164: e164.clone(), problem });
        };
        for (&key, Number { e164, trunk_id, is_shown }) in &self.numbers {
            if self.number_claims.get(e164) != Some(&key) {
                add(key, e164, NumberProblem::Unclaimed);
            }
            let trunk_id = trunk_id.filter(|_| *is_shown);
            let trunk = trunk_id.map(|id| TrunkKey { workspace_id: key.workspace_id, id });
            if trunk.is_some_and(|trunk| !self.unsettled.contains(&trunk))
                && bound.get(&key) != trunk_id.map(|id| (e164, id)).as_ref()
            {
                add(key, e164, NumberProblem::NotOnTrunk);
            }
            if !is_shown && !self.imports.contains(&key) && self.is_settled(key.workspace_id) {
                add(key, e164, NumberProblem::Stuck);
            }
        }
        for (e164, &key) in &self.number_claims {
            if self.numbers.get(&key).is_none_or(|number| number.e164 != *e164) {
                add(key, e164, NumberProblem::OnlyClaimed);
            }
        }
        for (&key, &(e164, trunk_id)) in &bound {
            let is_bound = |number: &Number| number.is_shown && number.trunk_id == Some(trunk_id);
            if !self.numbers.get(&key).is_some_and(is_bound) {
                add(key, e164, NumberProblem::OnlyOnTrunk);
            }
        }
        differences
    }

    /// An account's record names a trunk that there is, and a trunk on an account is named by its record.
    pub(super) fn compare_accounts(&self) -> Vec<Difference> {
        let mut differences = Vec::new();
        for ((workspace_id, account_sid), &id) in &self.accounts {
            let key = TrunkKey { workspace_id: *workspace_id, id };
            let is_there = self.unsettled.contains(&key) || self.find(key).is_some();
            if !is_there {
                differences.push(Difference::AccountWithoutTrunk { key, account_sid: account_sid.clone() });
            }
        }
        for (trunk, _) in self.live() {
            let Some(account_sid) = trunk.twilio.as_ref().map(|objects| objects.account_sid.clone()) else {
                continue;
            };
            if self.accounts.get(&(trunk.workspace_id, account_sid.clone())) != Some(&trunk.id) {
                differences.push(Difference::UnsharedAccount { key: trunk.into(), account_sid });
            }
        }
        differences
    }

    pub(super) fn unpaired_keys(&self) -> impl Iterator<Item = Difference> {
        let unlisted = self.keys.iter().filter(|&key| !self.key_references.contains_key(key));
        let dangling = self.key_references.iter().filter(|&(key, _)| !self.keys.contains(key));
        let unlisted = unlisted.cloned().map(|(workspace_id, hash)| Difference::UnlistedKey { workspace_id, hash });
        unlisted.chain(dangling.map(|(&(workspace_id, _), &id)| Difference::DanglingKeyReference { workspace_id, id }))
    }

    pub(super) fn overdue(&self, now: Timestamp) -> impl Iterator<Item = Difference> {
        let overdue = self.due.iter().filter(move |(_, due_at, failing_since)| {
            *due_at < now - SWEEPER_IS_LATE || failing_since.is_some_and(|since| since < now - SWEEPER_IS_STUCK)
        });
        overdue.map(|&(key, ..)| Difference::Overdue { key })
    }

    /// A record that has expired holds nobody up, TTL has only not deleted it yet.
    pub(super) fn stuck_claims(&self, now: Timestamp) -> Vec<Difference> {
        let is_awaited = |key: &TrunkKey, key_hash: &String| {
            self.unsettled.contains(key) || self.import_keys.contains(&(*key, key_hash.clone()))
        };
        let stuck =
            self.running.iter().filter(|(key, key_hash, expires_at)| *expires_at > now && !is_awaited(key, key_hash));
        stuck.map(|(key, key_hash, _)| Difference::StuckClaim { key: *key, key_hash: key_hash.clone() }).collect()
    }

    pub(super) fn compare_secrets(&self, prefix: &SecretPrefix, names: Vec<String>) -> Vec<Difference> {
        let mut names = BTreeSet::from_iter(names);
        let mut differences = Vec::new();
        for (trunk, secret_name) in self.live() {
            match secret_name {
                Some(name) if !names.remove(name) => {
                    differences.push(Difference::MissingSecret { key: trunk.into(), name: name.to_owned() });
                }
                _ => {}
            }
        }
        let orphans = names.into_iter().filter(|name| !self.pending_secrets.contains(name));
        differences.extend(orphans.map(|name| match prefix.trunk_of(&name) {
            Some(key) if self.knows(key.workspace_id) => Difference::OrphanSecret { name },
            _ => Difference::ForeignSecret { name },
        }));
        differences
    }
}
