use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use trunkline_domain::{ApiKeyHash, ApiKeyId, Trunk, WorkspaceId};

use super::difference::Difference;
use crate::ports::{TableRecord, UnsettledUpdate};
use crate::{SecretPrefix, TrunkKey};

/// How long a record may be due before the sweeper is late.
const SWEEPER_IS_LATE: SignedDuration = SignedDuration::from_mins(10);

/// How long the sweeper may fail on a record, which it puts off at each failure, before somebody has to look.
const SWEEPER_IS_STUCK: SignedDuration = SignedDuration::from_hours(1);

struct Counter {
    count: u64,
    limit: u64,
}

/// What the table says.
#[derive(Default)]
pub(super) struct Table {
    counters: BTreeMap<WorkspaceId, Counter>,
    records: BTreeMap<WorkspaceId, u64>,
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
                TableRecord::Workspace { id, trunk_count, trunk_limit } => {
                    table.counters.insert(id, Counter { count: trunk_count, limit: trunk_limit });
                }
                TableRecord::Live { trunk, secret_name, update } => {
                    *table.records.entry(trunk.workspace_id).or_default() += 1;
                    if let Some(UnsettledUpdate { secret_names, due_at, failing_since }) = update {
                        let key = TrunkKey::from(&*trunk);
                        table.updated.insert(key);
                        table.due.push((key, due_at, failing_since));
                        table.pending_secrets.extend(secret_names);
                    }
                    table.live.push((*trunk, secret_name));
                }
                TableRecord::Unsettled { key, secret_names, due_at, failing_since } => {
                    *table.records.entry(key.workspace_id).or_default() += 1;
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
    }

    pub(super) fn wrong_counts(&self) -> Vec<Difference> {
        let owners: BTreeSet<_> = self.records.keys().chain(self.keys.iter().map(|(id, _)| id)).collect();
        let without_workspace = owners.into_iter().filter(|&&id| !self.knows(id));
        let without_workspace = without_workspace.map(|&workspace_id| Difference::NoWorkspace { workspace_id });
        let wrong = self.counters.iter().filter_map(|(&workspace_id, &Counter { count: counter, .. })| {
            let records = self.records.get(&workspace_id).copied().unwrap_or_default();
            (counter != records).then_some(Difference::WrongCount { workspace_id, counter, records })
        });
        without_workspace.chain(wrong).collect()
    }

    pub(super) fn over_limit(&self) -> impl Iterator<Item = Difference> {
        self.counters.iter().filter(|(_, counter)| counter.count > counter.limit).map(|(&workspace_id, counter)| {
            Difference::OverLimit { workspace_id, counter: counter.count, limit: counter.limit }
        })
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
        let live: BTreeSet<_> = self.live().map(|(trunk, _)| TrunkKey::from(trunk)).collect();
        let stuck = self
            .running
            .iter()
            .filter(|(key, _, expires_at)| *expires_at > now && !live.contains(key) && !self.unsettled.contains(key));
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
