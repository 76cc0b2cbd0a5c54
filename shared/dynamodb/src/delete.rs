//! `active → deleting → tombstone`, also from an update under way.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{Delete, ReturnValue};
use trunkline_provisioning::ports::{DeletionStart, NumberFate, Settled, StoreError, Unsettled};
use trunkline_provisioning::{Lease, TrunkKey};

use crate::error::classify;
use crate::items::{NUMBERS_GO, Record, deadline, number, read_unsettled, state, text};
use crate::keys;
use crate::store::TrunkTable;
use crate::tombstone::reason;

impl TrunkTable {
    /// Whoever comes second joins in: a trunk in `deleting` never comes back, and each step may be repeated.
    pub(crate) async fn begin_delete(
        &self,
        key: TrunkKey,
        lease: &Lease,
        fate: NumberFate,
        version: Option<u64>,
    ) -> Result<DeletionStart, StoreError> {
        let fate = match fate {
            NumberFate::Stay => String::new(),
            NumberFate::Go => format!(", {NUMBERS_GO} = :one"),
        };
        const LIVE: &str = "#state IN (:active, :updating, :reverting)";
        let condition = match version {
            None => format!("#state = :deleting OR {LIVE}"),
            Some(_) => format!(
                "(#state = :deleting AND attribute_exists({NUMBERS_GO})) OR \
                 ({LIVE} AND version = :version AND attribute_not_exists(import_number_id))"
            ),
        };
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(keys::trunk(key)))
            .update_expression(format!(
                "SET #state = :deleting, version = version + :one, lease_owner = :owner, lease_until = :until, \
                 sweep_shard = :shard, sweep_at = :until{fate}"
            ))
            .condition_expression(condition)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":active", text(state::ACTIVE))
            .expression_attribute_values(":updating", text(state::UPDATING))
            .expression_attribute_values(":reverting", text(state::REVERTING))
            .expression_attribute_values(":deleting", text(state::DELETING))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":owner", text(lease.owner.as_str()))
            .expression_attribute_values(":until", deadline(lease.until))
            .expression_attribute_values(":shard", text(keys::sweep_shard(key.id)))
            .return_values(ReturnValue::AllNew);
        let update = version
            .into_iter()
            .fold(update, |update, version| update.expression_attribute_values(":version", number(version)));
        let error = match update.send().await {
            Ok(written) => {
                return read_unsettled(&written.attributes.unwrap_or_default())
                    .map(Box::new)
                    .map(DeletionStart::Deleting);
            }
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(DeletionStart::Absent),
            _ => Err(classify("begin_delete", &error)),
        }
    }

    pub(crate) async fn was_deleted(&self, key: TrunkKey) -> Result<bool, StoreError> {
        let tombstone = self.read_item("was_deleted", keys::tombstone(key)).await?;
        Ok(tombstone.is_some_and(|tombstone| Record(&tombstone).maybe("reason") == Some(reason::DELETED)))
    }

    pub(crate) async fn settle_delete(&self, key: TrunkKey, deleted: &Unsettled) -> Result<Settled, StoreError> {
        let delete = Delete::builder()
            .condition_expression("#state = :deleting AND (attribute_not_exists(numbers) OR size(numbers) = :zero)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":deleting", text(state::DELETING))
            .expression_attribute_values(":zero", number(0));
        let release = match &deleted.import {
            Some(import) => self.release_import(key, import)?,
            None => None,
        };
        match self.replace_by_tombstone(key, reason::DELETED, deleted, &delete, release).await? {
            // It has expired and belongs to a later request.
            Settled::KeyTaken => self.replace_by_tombstone(key, reason::DELETED, deleted, &delete, None).await,
            settled => Ok(settled),
        }
    }
}
