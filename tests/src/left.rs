use crate::probe::{Item, LiveKit, Secrets, Table, text};

/// How much there is, everywhere, of all workspaces together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// Sum of the counters.
    pub trunk_count: u64,
    /// Records in `provisioning`.
    pub provisioning: usize,
    /// Records in `active`.
    pub active: usize,
    /// Records in `updating`.
    pub updating: usize,
    /// Records in `reverting`.
    pub reverting: usize,
    /// Records in `undoing`.
    pub undoing: usize,
    /// Records in `deleting`.
    pub deleting: usize,
    /// Tombstones.
    pub tombstones: usize,
    /// Idempotency records.
    pub idempotency: usize,
    /// Records in the sweep index: each must have both of its attributes.
    pub in_sweep_index: usize,
    /// Secrets that stay.
    pub secrets: usize,
    /// Secrets that are scheduled for deletion.
    pub secrets_scheduled: usize,
    /// LiveKit inbound trunks.
    pub inbound: usize,
    /// LiveKit outbound trunks.
    pub outbound: usize,
    /// LiveKit dispatch rules.
    pub rules: usize,
}

impl Left {
    /// Nothing at all.
    pub const NOTHING: Self = Self {
        trunk_count: 0,
        provisioning: 0,
        active: 0,
        updating: 0,
        reverting: 0,
        undoing: 0,
        deleting: 0,
        tombstones: 0,
        idempotency: 0,
        in_sweep_index: 0,
        secrets: 0,
        secrets_scheduled: 0,
        inbound: 0,
        outbound: 0,
        rules: 0,
    };

    /// `n` trunks for both directions, each with a secret.
    pub fn both(n: usize) -> Self {
        Self { secrets: n, outbound: n, ..Self::inbound(n) }
    }

    /// `n` inbound trunks without a secret.
    pub fn inbound(n: usize) -> Self {
        Self { trunk_count: n as u64, active: n, inbound: n, rules: n, ..Self::NOTHING }
    }

    /// `n` tombstones, waiting for their last look.
    pub fn tombstones(n: usize) -> Self {
        Self { tombstones: n, in_sweep_index: n, ..Self::NOTHING }
    }

    /// Looks everywhere.
    pub async fn look(table: &Table, secrets: &Secrets, livekit: &LiveKit) -> Self {
        let (items, kept, contents) = tokio::join!(table.items(), secrets.all(), livekit.all());
        let state = |state: &str| {
            items.iter().filter(|item| text(item, "sk").starts_with("TRUNK#") && text(item, "state") == state).count()
        };
        let kind = |prefix: &str| items.iter().filter(|item| text(item, "sk").starts_with(prefix)).count();
        Self {
            trunk_count: items
                .iter()
                .filter(|item| text(item, "sk") == "WS")
                .map(|item| crate::probe::number(item, "trunk_count"))
                .sum(),
            provisioning: state("provisioning"),
            active: state("active"),
            updating: state("updating"),
            reverting: state("reverting"),
            undoing: state("undoing"),
            deleting: state("deleting"),
            tombstones: kind("TOMB#"),
            idempotency: kind("IDEM#"),
            in_sweep_index: items.iter().filter(|item| is_in_sweep_index(item)).count(),
            secrets: kept.iter().filter(|secret| !secret.scheduled).count(),
            secrets_scheduled: kept.iter().filter(|secret| secret.scheduled).count(),
            inbound: contents.inbound.len(),
            outbound: contents.outbound.len(),
            rules: contents.rules.len(),
        }
    }
}

impl std::ops::Add for Left {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            trunk_count: self.trunk_count + other.trunk_count,
            provisioning: self.provisioning + other.provisioning,
            active: self.active + other.active,
            updating: self.updating + other.updating,
            reverting: self.reverting + other.reverting,
            undoing: self.undoing + other.undoing,
            deleting: self.deleting + other.deleting,
            tombstones: self.tombstones + other.tombstones,
            idempotency: self.idempotency + other.idempotency,
            in_sweep_index: self.in_sweep_index + other.in_sweep_index,
            secrets: self.secrets + other.secrets,
            secrets_scheduled: self.secrets_scheduled + other.secrets_scheduled,
            inbound: self.inbound + other.inbound,
            outbound: self.outbound + other.outbound,
            rules: self.rules + other.rules,
        }
    }
}

fn is_in_sweep_index(item: &Item) -> bool {
    let (shard, at) = (item.contains_key("sweep_shard"), item.contains_key("sweep_at"));
    assert_eq!(shard, at, "half in the sweep index: {item:?}");
    shard
}
