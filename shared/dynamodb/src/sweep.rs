//! The sparse index `sweep`: records that are not settled, by when they are due.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure};
use jiff::Timestamp;
use trunkline_domain::E164;
use trunkline_provisioning::ports::{
    Due, DuePage, Failing, LeftBehind, Reverting, StoreError, SweepStore, TakeOver, Tombstone, Unsettled,
};
use trunkline_provisioning::{Lease, LeaseOwner, TrunkKey};

use crate::error::{classify, is_condition, unreadable};
use crate::items::{
    IMPORT_E164, Item, Record, deadline, number, read_secret_names, read_seen, read_unsettled, state, text,
};
use crate::keys::{self, Key, TOMBSTONE_PREFIX, TRUNK_PREFIX};
use crate::store::TrunkTable;

impl SweepStore for TrunkTable {
    const SHARDS: u8 = keys::SWEEP_SHARDS;

    async fn due(&self, shard: u8, now: Timestamp, limit: usize) -> Result<DuePage, StoreError> {
        let page = self
            .client
            .query()
            .table_name(&self.name)
            .index_name("sweep")
            .key_condition_expression("sweep_shard = :shard AND sweep_at <= :now")
            .expression_attribute_values(":shard", text(keys::shard_name(shard)))
            .expression_attribute_values(":now", number(now.as_second()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| classify("due", &error))?;
        // An entry that cannot be read is logged, and holds up no other.
        let has_more = page.last_evaluated_key.is_some();
        let records = page.items.unwrap_or_default().iter().filter_map(|item| read_due(item).ok()).collect();
        Ok(DuePage { records, has_more })
    }

    async fn take_over(&self, key: TrunkKey, lease: &Lease, now: Timestamp) -> Result<TakeOver, StoreError> {
        match self.take(key, lease, now, state::UNDOING, [state::PROVISIONING, state::UNDOING]).await? {
            Taken::Ours(item) => read_unsettled(&item).map(Box::new).map(TakeOver::Undoing),
            Taken::NotOurs(Some(item)) => {
                let state = Record(&item).text("state")?;
                Ok(match state {
                    state::DELETING => TakeOver::Deleting,
                    state if state::SHOWN.contains(&state) && item.contains_key("sweep_at") => TakeOver::Updated,
                    _ => TakeOver::NotDue,
                })
            }
            Taken::NotOurs(None) => Ok(TakeOver::NotDue),
        }
    }

    async fn take_over_deletion(
        &self,
        key: TrunkKey,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<Unsettled>, StoreError> {
        match self.take(key, lease, now, state::DELETING, [state::DELETING; 2]).await? {
            Taken::Ours(item) => read_unsettled(&item).map(Some),
            Taken::NotOurs(_) => Ok(None),
        }
    }

    async fn take_over_update(
        &self,
        key: TrunkKey,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<Reverting>, StoreError> {
        Box::pin(self.take_over_update(key, lease, now)).await
    }

    async fn end_last_look(&self, key: TrunkKey, owner: &LeaseOwner, looked_at: &Reverting) -> Result<(), StoreError> {
        Box::pin(self.end_last_look(key, owner, looked_at)).await
    }

    async fn tombstone(&self, key: TrunkKey) -> Result<Option<Tombstone>, StoreError> {
        let Some(item) = self.read_item("tombstone", keys::tombstone(key)).await? else {
            return Ok(None);
        };
        let record = Record(&item);
        let due_at = Timestamp::from_second(record.number("sweep_at")?).map_err(unreadable)?;
        let left = LeftBehind {
            seen: read_seen(&item),
            secret_names: read_secret_names(&item),
            number: record.maybe(IMPORT_E164).map(E164::from_stored),
            twilio_account: record.twilio_account()?,
        };
        Ok(Some(Tombstone { left, due_at }))
    }

    async fn drop_tombstone(&self, key: TrunkKey, tombstone: &Tombstone) -> Result<(), StoreError> {
        let dropped = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(keys::tombstone(key)))
            .condition_expression("sweep_at = :due_at")
            .expression_attribute_values(":due_at", number(tombstone.due_at.as_second()))
            .send()
            .await;
        match dropped {
            Ok(_) => Ok(()),
            // Gone, or due later by now.
            Err(error)
                if error.as_service_error().is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(classify("drop_tombstone", &error)),
        }
    }

    async fn note_failure(&self, due: Due, now: Timestamp) -> Result<Option<Failing>, StoreError> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(record_key(due)))
            .update_expression(
                "SET sweep_failing_since = if_not_exists(sweep_failing_since, :now) ADD sweep_failures :one",
            )
            .condition_expression("attribute_exists(sweep_at)")
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let failed = match sent {
            Ok(written) => written.attributes.unwrap_or_default(),
            Err(error) if is_condition(error.as_service_error()) => return Ok(None),
            Err(error) => return Err(classify("note_failure", &error)),
        };
        let record = Record(&failed);
        let since = Timestamp::from_second(record.number("sweep_failing_since")?).map_err(unreadable)?;
        Ok(Some(Failing { times: record.number("sweep_failures")?, since }))
    }

    async fn put_off(&self, due: Due, lease: &Lease, now: Timestamp, until: Timestamp) -> Result<(), StoreError> {
        // Only later: a tombstone that was added to meanwhile has its whole time before it again.
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(record_key(due)))
            .update_expression("SET sweep_at = :until")
            .expression_attribute_values(":until", deadline(until));
        let update = match due {
            // The index alone says when a record is due again: its lease may end before.
            Due::Trunk(_) => update
                .condition_expression("sweep_at < :until AND (lease_owner = :owner OR lease_until <= :now)")
                .expression_attribute_values(":owner", text(lease.owner.as_str()))
                .expression_attribute_values(":now", number(now.as_second())),
            Due::Tombstone(_) => update.condition_expression("sweep_at < :until"),
        };
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_condition(error.as_service_error()) => Ok(()),
            Err(error) => Err(classify("put_off", &error)),
        }
    }
}

fn record_key(due: Due) -> Key {
    match due {
        Due::Trunk(key) => keys::trunk(key),
        Due::Tombstone(key) => keys::tombstone(key),
    }
}

/// Whether a record is in that state under `owner`'s lease.
pub(crate) fn is_held(item: &Item, state: &str, owner: &LeaseOwner) -> bool {
    let record = Record(item);
    record.maybe("state") == Some(state) && record.maybe("lease_owner") == Some(owner.as_str())
}

/// What became of an attempt to take a record.
enum Taken {
    Ours(Item),
    /// It is in another state or gone, or its lease has not ended: nothing was written.
    NotOurs(Option<Item>),
}

impl TrunkTable {
    /// Moves a record of one of the states `from` to `to`, under `lease`, if its own lease has ended.
    async fn take(
        &self,
        key: TrunkKey,
        lease: &Lease,
        now: Timestamp,
        to: &'static str,
        from: [&'static str; 2],
    ) -> Result<Taken, StoreError> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(keys::trunk(key)))
            .update_expression(
                "SET #state = :to, version = version + :one, lease_owner = :owner, lease_until = :until, \
                 sweep_at = :until",
            )
            .condition_expression("#state IN (:from_1, :from_2) AND lease_until <= :now")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":to", text(to))
            .expression_attribute_values(":from_1", text(from[0]))
            .expression_attribute_values(":from_2", text(from[1]))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":owner", text(lease.owner.as_str()))
            .expression_attribute_values(":until", deadline(lease.until))
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        let error = match sent {
            Ok(written) => return Ok(Taken::Ours(written.attributes.unwrap_or_default())),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(found)) => {
                // A repeat of the write that took it, whose answer was lost.
                Ok(match found.item().cloned() {
                    Some(item) if is_held(&item, to, &lease.owner) => Taken::Ours(item),
                    other => Taken::NotOurs(other),
                })
            }
            _ => Err(classify("take_over", &error)),
        }
    }
}

/// Which record an entry of the index stands for: the index holds keys alone.
fn read_due(item: &Item) -> Result<Due, StoreError> {
    let record = Record(item);
    let workspace_id = keys::workspace_of(record.text("pk")?).ok_or_else(|| unreadable("malformed pk"))?;
    let sort_key = record.text("sk")?;
    match (sort_key.strip_prefix(TRUNK_PREFIX), sort_key.strip_prefix(TOMBSTONE_PREFIX)) {
        (Some(id), _) => keys::trunk_key(workspace_id, id).map(Due::Trunk),
        (_, Some(id)) => keys::trunk_key(workspace_id, id).map(Due::Tombstone),
        (None, None) => Err(unreadable("an unknown record in the sweep index")),
    }
}
