//! `active → updating → active`, and `updating → reverting → active`. The record of a trunk that is being changed says
//! what was last committed: nobody but its request knows what it shall be.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure};
use jiff::Timestamp;
use trunkline_provisioning::ports::{CommitOutcome, RevertStart, Reverting, StoreError, TrunkRecord, UpdateStart};
use trunkline_provisioning::{Lease, LeaseOwner, TrunkKey};

use crate::error::{sort, unreadable};
use crate::items::{
    self, Item, Record, SEEN_SECRET_NAMES, deadline, number, read_secret_names, read_trunk_record, state, text,
    timestamp,
};
use crate::keys;
use crate::store::TrunkTable;
use crate::sweep::is_held;
use crate::tombstone::{add_to_sets, strings};

/// Attributes that a change may take away.
const CLEARABLE: [&str; 3] = ["auth_username", "destination_country", "secret_name"];

impl TrunkTable {
    pub(crate) async fn begin_update(
        &self,
        key: TrunkKey,
        version: u64,
        secret_names: &BTreeSet<String>,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<UpdateStart, StoreError> {
        let mut expression = "SET #state = :updating, lease_owner = :owner, lease_until = :until, \
             sweep_shard = :shard, sweep_at = :until"
            .to_owned();
        let mut values = HashMap::from([
            (":updating".to_owned(), text(state::UPDATING)),
            (":reverting".to_owned(), text(state::REVERTING)),
            (":active".to_owned(), text(state::ACTIVE)),
            (":now".to_owned(), number(now.as_second())),
            (":version".to_owned(), number(version)),
            (":owner".to_owned(), text(lease.owner.as_str())),
            (":until".to_owned(), deadline(lease.until)),
            (":shard".to_owned(), text(keys::sweep_shard(key.id))),
        ]);
        add_to_sets(&mut expression, &mut values, &[(SEEN_SECRET_NAMES, secret_names)]);
        let update = self
            .update_trunk(key)
            .update_expression(expression)
            .condition_expression(
                "version = :version AND (#state = :active OR (#state IN (:updating, :reverting) AND lease_until <= :now))",
            )
            .set_expression_attribute_values(Some(values))
            .return_values(ReturnValue::AllOld);
        let item = match write("begin_update", update).await? {
            Written::Done(old) => {
                let was_unsettled = Record(&old).text("state")? != state::ACTIVE;
                return Ok(UpdateStart::Updating { was_unsettled });
            }
            Written::Refused(Some(item)) => item,
            Written::Refused(None) => return Ok(UpdateStart::Absent),
        };
        Ok(match Record(&item).text("state")? {
            // A repeat of the write that began it, whose answer was lost, and with it what it was before.
            _ if is_held(&item, state::UPDATING, &lease.owner) => UpdateStart::Updating { was_unsettled: true },
            state::ACTIVE => UpdateStart::Changed,
            state::UPDATING | state::REVERTING => UpdateStart::Busy,
            _ => UpdateStart::Absent,
        })
    }

    pub(crate) async fn commit_update(
        &self,
        record: &TrunkRecord,
        owner: &LeaseOwner,
    ) -> Result<CommitOutcome, StoreError> {
        let TrunkRecord { trunk, secret_name } = record;
        let mut changed = items::settings(&trunk.settings);
        changed.extend(secret_name.as_ref().map(|name| ("secret_name".to_owned(), text(name))));
        let cleared = CLEARABLE.into_iter().filter(|name| !changed.contains_key(*name));
        let removed: String = cleared.map(|name| format!(", {name}")).collect();
        let set: String = changed.keys().map(|name| format!(", #{name} = :{name}")).collect();
        let mut update = self
            .update_trunk(trunk.into())
            .update_expression(format!(
                "SET #state = :active, version = :version, updated_at = :updated_at, changed_by = :owner, \
                 sweep_at = :last_look{set} REMOVE lease_owner, lease_until, sweep_failures, sweep_failing_since{removed}"
            ))
            .condition_expression("#state = :updating AND lease_owner = :owner")
            .expression_attribute_values(":active", text(state::ACTIVE))
            .expression_attribute_values(":updating", text(state::UPDATING))
            .expression_attribute_values(":version", number(trunk.version))
            .expression_attribute_values(":updated_at", timestamp(trunk.updated_at))
            .expression_attribute_values(":owner", text(owner.as_str()))
            .expression_attribute_values(":last_look", deadline(self.last_look(Timestamp::now())));
        for (name, value) in changed {
            update = update
                .expression_attribute_names(format!("#{name}"), &name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        Ok(match write("commit_update", update).await? {
            Written::Done(_) => CommitOutcome::Committed,
            // A repeat of the write that committed it, whose answer was lost.
            Written::Refused(Some(item)) if is_committed_by(&item, owner) => CommitOutcome::Committed,
            Written::Refused(_) => CommitOutcome::LeaseLost,
        })
    }

    pub(crate) async fn begin_revert(&self, key: TrunkKey, owner: &LeaseOwner) -> Result<RevertStart, StoreError> {
        let update = self
            .update_trunk(key)
            .update_expression("SET #state = :reverting")
            .condition_expression("#state IN (:updating, :reverting) AND lease_owner = :owner")
            .expression_attribute_values(":reverting", text(state::REVERTING))
            .expression_attribute_values(":updating", text(state::UPDATING))
            .expression_attribute_values(":owner", text(owner.as_str()));
        Ok(match write("begin_revert", update).await? {
            Written::Done(_) => RevertStart::Reverting,
            Written::Refused(Some(item)) if is_committed_by(&item, owner) => RevertStart::Committed,
            Written::Refused(Some(item)) if state::SHOWN.contains(&Record(&item).text("state")?) => {
                RevertStart::LeaseLost
            }
            Written::Refused(_) => RevertStart::Absent,
        })
    }

    pub(crate) async fn end_revert(&self, key: TrunkKey, owner: &LeaseOwner) -> Result<(), StoreError> {
        let update = self
            .update_trunk(key)
            .update_expression(
                "SET #state = :active, sweep_at = :last_look \
                 REMOVE lease_owner, lease_until, sweep_failures, sweep_failing_since",
            )
            .expression_attribute_values(":last_look", deadline(self.last_look(Timestamp::now())));
        end("end_revert", update, owner).await
    }

    pub(crate) async fn take_over_update(
        &self,
        key: TrunkKey,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<Reverting>, StoreError> {
        let update = self
            .update_trunk(key)
            .update_expression(
                "SET #state = :reverting, lease_owner = :owner, lease_until = :until, sweep_at = :until",
            )
            .condition_expression(
                "(#state IN (:updating, :reverting) AND lease_until <= :now) OR (#state = :active AND sweep_at <= :now)",
            )
            .expression_attribute_values(":reverting", text(state::REVERTING))
            .expression_attribute_values(":updating", text(state::UPDATING))
            .expression_attribute_values(":active", text(state::ACTIVE))
            .expression_attribute_values(":owner", text(lease.owner.as_str()))
            .expression_attribute_values(":until", deadline(lease.until))
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values(ReturnValue::AllOld);
        let (item, is_last_look) = match write("take_over_update", update).await? {
            Written::Done(item) => {
                let is_last_look = Record(&item).text("state")? == state::ACTIVE;
                (item, is_last_look)
            }
            // A repeat of the write that took it, whose answer was lost, and with it what it was before.
            Written::Refused(Some(item)) if is_held(&item, state::REVERTING, &lease.owner) => (item, false),
            Written::Refused(_) => return Ok(None),
        };
        let record = read_trunk_record(&item, key)?.ok_or_else(|| unreadable("a live trunk is not shown"))?;
        let mut other_secrets = read_secret_names(&item);
        other_secrets.retain(|name| Some(name) != record.secret_name.as_ref());
        Ok(Some(Reverting { record, other_secrets, is_last_look }))
    }

    pub(crate) async fn end_last_look(
        &self,
        key: TrunkKey,
        owner: &LeaseOwner,
        gone: &BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let mut expression = "SET #state = :active REMOVE lease_owner, lease_until, sweep_shard, sweep_at, \
             sweep_failures, sweep_failing_since"
            .to_owned();
        let mut update = self.update_trunk(key);
        if !gone.is_empty() {
            expression.push_str(&format!(" DELETE {SEEN_SECRET_NAMES} :gone"));
            update = update.expression_attribute_values(":gone", strings(gone));
        }
        end("end_last_look", update.update_expression(expression), owner).await
    }

    fn update_trunk(&self, key: TrunkKey) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(keys::trunk(key)))
            .expression_attribute_names("#state", "state")
            .return_values_on_condition_check_failure(OnFailure::AllOld)
    }
}

/// What became of a write.
enum Written {
    /// With the attributes that it asked for.
    Done(Item),
    /// Its condition failed: the record, if there is one.
    Refused(Option<Item>),
}

async fn write(operation: &'static str, update: UpdateItemFluentBuilder) -> Result<Written, StoreError> {
    match update.send().await {
        Ok(written) => Ok(Written::Done(written.attributes.unwrap_or_default())),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(found)) => {
                Ok(Written::Refused(found.item().cloned()))
            }
            _ => Err(sort(operation, &error)),
        },
    }
}

/// `reverting → active` under `owner`'s lease. If it is not that, another goes on with it, or this is a repeat.
async fn end(operation: &'static str, update: UpdateItemFluentBuilder, owner: &LeaseOwner) -> Result<(), StoreError> {
    let update = update
        .condition_expression("#state = :reverting AND lease_owner = :owner")
        .expression_attribute_values(":active", text(state::ACTIVE))
        .expression_attribute_values(":reverting", text(state::REVERTING))
        .expression_attribute_values(":owner", text(owner.as_str()));
    write(operation, update).await.map(drop)
}

/// Whether the last change that was committed is `owner`'s.
fn is_committed_by(item: &Item, owner: &LeaseOwner) -> bool {
    Record(item).maybe("changed_by") == Some(owner.as_str())
}
