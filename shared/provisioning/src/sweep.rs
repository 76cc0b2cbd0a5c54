use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tracing::Instrument;
use trunkline_domain::SweepId;

use crate::delete::finish_deletion;
use crate::ports::{Due, Failing, SecretStore, SipService, StoreError, SweepStore, TakeOver, TrunkStore};
use crate::provision::{find_dispatch_rules, find_trunks, undo_objects, undo_secret};
use crate::undo::{Stopped, Undoing, Undone, note_left_behind};
use crate::{Budget, LeaseOwner, Timing, TrunkKey};

/// Finishes what requests left: undoes and deletions that stopped half way, and the last look at what is gone.
#[derive(Debug, Clone)]
pub struct Sweep<S, V, L> {
    /// Where the records are.
    pub store: S,
    /// Where the passwords are.
    pub secrets: V,
    /// Where the calls are.
    pub sip: L,
    /// How long one record may take.
    pub timing: Timing,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Records that settled, and tombstones let go.
    pub settled: usize,
    /// Records put off to a later sweep.
    pub postponed: usize,
    /// Whether more was due than one sweep takes, or than there was time for.
    pub unfinished: bool,
}

/// How many records of each part of the index one sweep takes.
const BATCH: usize = 100;

/// A record is not begun with less time than this.
const LEAST_TIME: Duration = Duration::from_secs(5);

/// The pause after a record could not be swept for the first time; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// How long a record may fail to be swept before an operator has to look.
const OPERATOR_AFTER: Duration = Duration::from_secs(3600);

impl<S: TrunkStore + SweepStore, V: SecretStore, L: SipService> Sweep<S, V, L> {
    /// Sweeps what is due, until `deadline` is near. One log line, if there was anything.
    ///
    /// A record that cannot be swept is put off, longer each time, so that it holds up no other.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub async fn run(&self, deadline: Option<SystemTime>) -> Result<Swept, StoreError> {
        let owner = LeaseOwner::new(SweepId::new());
        let swept = self.run_as(&owner, deadline).await?;
        if swept != Swept::default() {
            tracing::info!(
                sweep_id = owner.as_str(),
                sweep.settled = swept.settled,
                sweep.postponed = swept.postponed,
                sweep.unfinished = swept.unfinished,
                "swept"
            );
        }
        Ok(swept)
    }

    async fn run_as(&self, owner: &LeaseOwner, deadline: Option<SystemTime>) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        for shard in 0..S::SHARDS {
            let due = self.store.due(shard, Timestamp::now(), BATCH).await?;
            swept.unfinished |= due.len() == BATCH;
            for record in due {
                if deadline.is_some_and(|deadline| deadline < SystemTime::now() + LEAST_TIME) {
                    return Ok(Swept { unfinished: true, ..swept });
                }
                let budget = Budget::start(self.timing, deadline);
                let key = record.key();
                let span = tracing::info_span!(
                    "sweep",
                    sweep_id = owner.as_str(),
                    workspace_id = %key.workspace_id,
                    trunk_id = %key.id,
                );
                let work = self.sweep(record, owner, &budget).instrument(span);
                match budget.to_the_end(work).await.unwrap_or(Err(Stopped::Upstream)) {
                    Ok(true) => swept.settled += 1,
                    Ok(false) => {}
                    Err(_) => {
                        swept.postponed += 1;
                        self.postpone(record).await;
                    }
                }
            }
        }
        Ok(swept)
    }

    /// Whether there was anything to do.
    async fn sweep(&self, record: Due, owner: &LeaseOwner, budget: &Budget) -> Result<bool, Stopped> {
        match record {
            Due::Trunk(key) => self.finish(key, owner, budget).await,
            Due::Tombstone(key) => self.look_once_more(key).await,
        }
    }

    async fn finish(&self, key: TrunkKey, owner: &LeaseOwner, budget: &Budget) -> Result<bool, Stopped> {
        let lease = budget.lease(owner.clone());
        match self.store.take_over(key, &lease, budget.now()).await? {
            TakeOver::NotDue => Ok(false),
            TakeOver::Undoing(record) => {
                let undoing =
                    Undoing { store: &self.store, secrets: &self.secrets, sip: &self.sip, key, owner: &lease.owner };
                match undoing.clean_and_settle(record, true).await? {
                    Undone::Clean | Undone::Active => Ok(true),
                    Undone::Left => Err(Stopped::Store),
                }
            }
            TakeOver::Deleting => match self.store.take_over_deletion(key, &lease, budget.now()).await? {
                Some(record) => {
                    finish_deletion(&self.store, &self.secrets, &self.sip, key, &record).await.map(|()| true)
                }
                None => Ok(false),
            },
        }
    }

    /// What a delayed message made after all is taken away. A trunk that nobody knew of is written down first and
    /// keeps the tombstone for another while.
    async fn look_once_more(&self, key: TrunkKey) -> Result<bool, Stopped> {
        let Some(tombstone) = self.store.tombstone(key).await? else {
            return Ok(false);
        };
        let mut seen = tombstone.seen.clone();
        let found = find_trunks(&self.sip, key.id).await?;
        if !found.trunk_ids.is_subset(&seen.trunk_ids) {
            note_left_behind(&self.store, key, &found).await?;
            seen.merge(found);
        }
        seen.merge(find_dispatch_rules(&self.sip, &seen.trunk_ids).await?);
        undo_objects(&self.sip, &seen).await?;
        undo_secret(&self.secrets, tombstone.secret_name.as_deref()).await?;
        self.store.drop_tombstone(key, &tombstone).await?;
        Ok(true)
    }

    async fn postpone(&self, record: Due) {
        let now = Timestamp::now();
        // When the table does not answer it stays due, and the next sweep tries again.
        let Ok(Some(Failing { times, since })) = self.store.note_failure(record, now).await else {
            return;
        };
        let _ = self.store.put_off(record, now + pause_after(times)).await;
        let failing_for = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        let key = record.key();
        if failing_for >= OPERATOR_AFTER {
            // template.yaml counts these lines in a metric.
            tracing::error!(
                workspace_id = %key.workspace_id,
                trunk_id = %key.id,
                failing_for_s = failing_for.as_secs(),
                "sweep is stuck"
            );
        }
    }
}

fn pause_after(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}
