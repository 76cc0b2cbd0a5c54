use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tracing::Instrument;
use trunkline_domain::SweepId;

use crate::change::Settling;
use crate::delete::Deletion;
use crate::ports::{
    Due, Failing, LeftBehind, LiveKit, NumberStore, SecretStore, StoreError, SweepStore, TakeOver, TrunkStore,
    TwilioService,
};
use crate::provision::{Bought, find_dispatch_rules, find_trunks, undo_objects, undo_purchase, undo_secrets};
use crate::twilio::OnTwilio;
use crate::undo::{CreateSideEffect, Stopped, Undoing, Undone, note_left_behind};
use crate::{Budget, Lease, LeaseOwner, Timing, TrunkKey};

/// Finishes what requests left: undoes and deletions that stopped half way, updates that have to be taken back, and the
/// last look at what is gone or was changed.
#[derive(Debug, Clone)]
pub struct Sweep<S, V, L, T> {
    /// Where the records are.
    pub store: S,
    /// Where the passwords are.
    pub secrets: V,
    /// Where the calls are.
    pub sip: L,
    /// Where the customers' numbers are.
    pub twilio: T,
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

/// The pause after the lease of a record that could not be swept for the first time; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// Twice in the period of template.yaml's alarm, which so stays on until the record is swept.
const LONGEST_PAUSE: Duration = Duration::from_secs(1800);

/// How long a record may fail to be swept before an operator has to look.
const OPERATOR_AFTER: Duration = Duration::from_secs(3600);

/// The message of the lines that template.yaml counts in a metric.
pub const SWEEP_STUCK: &str = "sweep is stuck";

impl<S: TrunkStore + NumberStore + SweepStore, V: SecretStore, L: LiveKit, T: TwilioService> Sweep<S, V, L, T> {
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
        for shard in order(S::SHARDS, Timestamp::now()) {
            let due = self.store.due(shard, Timestamp::now(), BATCH).await?;
            swept.unfinished |= due.has_more;
            for record in due.records {
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
                let lease = budget.lease(owner.clone());
                let work = self.sweep(record, &lease, &budget).instrument(span);
                match budget.to_the_end(work).await.unwrap_or(Err(Stopped::Upstream)) {
                    Ok(true) => swept.settled += 1,
                    Ok(false) => {}
                    Err(_) => {
                        swept.postponed += 1;
                        self.postpone(record, &lease).await;
                    }
                }
            }
        }
        Ok(swept)
    }

    /// Whether there was anything to do.
    async fn sweep(&self, record: Due, lease: &Lease, budget: &Budget) -> Result<bool, Stopped> {
        match record {
            Due::Trunk(key) => self.finish(key, lease, budget).await,
            Due::Tombstone(key) => self.look_once_more(key).await,
        }
    }

    async fn finish(&self, key: TrunkKey, lease: &Lease, budget: &Budget) -> Result<bool, Stopped> {
        match self.store.take_over(key, lease, budget.now()).await? {
            TakeOver::NotDue => Ok(false),
            TakeOver::Undoing(record) => {
                let undoing = Undoing {
                    store: &self.store,
                    secrets: &self.secrets,
                    sip: &self.sip,
                    side_effect: &OnTwilio { secrets: &self.secrets, twilio: &self.twilio, account: None },
                    key,
                    owner: &lease.owner,
                };
                let bought = Bought::by(&record);
                match undoing.clean_and_settle(*record, true, &bought).await? {
                    Undone::Clean | Undone::Active => Ok(true),
                    Undone::Left => Err(Stopped::Store),
                }
            }
            TakeOver::Deleting => match self.store.take_over_deletion(key, lease, budget.now()).await? {
                Some(record) => {
                    let deletion = Deletion {
                        store: &self.store,
                        secrets: &self.secrets,
                        sip: &self.sip,
                        twilio: &self.twilio,
                        key,
                    };
                    deletion.finish(&record).await.map(|()| true)
                }
                None => Ok(false),
            },
            TakeOver::Updated => match self.store.take_over_update(key, lease, budget.now()).await? {
                Some(reverting) => {
                    let settling = Settling {
                        store: &self.store,
                        secrets: &self.secrets,
                        sip: &self.sip,
                        twilio: &self.twilio,
                        owner: &lease.owner,
                    };
                    settling.settle(reverting).await.map(|()| true)
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
        let LeftBehind { mut seen, secret_names, number, twilio_account } = tombstone.left.clone();
        let found = find_trunks(&self.sip, key.id, number.as_ref()).await?;
        let is_last = found.trunk_ids.is_subset(&seen.trunk_ids);
        if !is_last {
            let left = LeftBehind { seen: found.clone(), ..tombstone.left.clone() };
            note_left_behind(&self.store, key, &left).await?;
            seen.merge(found);
        }
        seen.merge(find_dispatch_rules(&self.sip, &seen.trunk_ids).await?);
        let side_effect = OnTwilio { secrets: &self.secrets, twilio: &self.twilio, account: None };
        side_effect.take_away(key, &tombstone.left).await?;
        let bought = Bought::of(number.as_ref(), twilio_account.as_ref());
        undo_purchase(&self.sip, &bought, &seen.dispatch_rule_ids).await?;
        undo_objects(&self.sip, &seen).await?;
        // Another look at a Twilio account needs its token.
        if is_last || twilio_account.is_none() {
            undo_secrets(&self.secrets, &secret_names).await?;
        }
        self.store.drop_tombstone(key, &tombstone).await?;
        Ok(true)
    }

    async fn postpone(&self, record: Due, lease: &Lease) {
        let now = Timestamp::now();
        // When the table does not answer it stays due, and the next sweep tries again.
        let Ok(Some(Failing { times, since })) = self.store.note_failure(record, now).await else {
            return;
        };
        let start = match record {
            Due::Trunk(_) => lease.until,
            Due::Tombstone(_) => now,
        };
        let _ = self.store.put_off(record, lease, now, start + pause_after(times)).await;
        let failing_for = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        let key = record.key();
        if failing_for >= OPERATOR_AFTER {
            tracing::error!(
                workspace_id = %key.workspace_id,
                trunk_id = %key.id,
                failing_for_s = failing_for.as_secs(),
                "{SWEEP_STUCK}"
            );
        }
    }
}

/// The parts of the index, each minute from another one on: what one sweep has no time for comes first in a later one.
fn order(shards: u8, now: Timestamp) -> impl Iterator<Item = u8> {
    let minute = now.as_second().div_euclid(60).rem_euclid(i64::from(shards));
    let first = u8::try_from(minute).unwrap_or_default();
    (first..shards).chain(0..first)
}

fn pause_after(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_the_index_is_the_first_one_once() {
        let orders = [0, 60, 120, 180].map(|second| {
            let now = Timestamp::from_second(1_800_000_000 + second).unwrap();
            order(4, now).collect::<Vec<_>>()
        });
        assert_eq!(orders, [[0, 1, 2, 3], [1, 2, 3, 0], [2, 3, 0, 1], [3, 0, 1, 2]]);
    }

    #[test]
    fn pauses_double_up_to_half_an_hour() {
        let pauses = [1, 2, 3, 10, 11, 1000].map(|failures| pause_after(failures).as_secs());
        assert_eq!(pauses, [2, 4, 8, 1024, 1800, 1800]);
    }
}
