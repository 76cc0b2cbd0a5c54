//! `provisioning → undoing → tombstone`.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{Delete, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure};
use std::collections::HashMap;
use trunkline_provisioning::ports::{LeftBehind, Settled, StoreError, UndoStart, Unsettled};
use trunkline_provisioning::{LeaseOwner, SeenObjects, TrunkKey};

use crate::error::{classify, is_condition};
use crate::items::{Record, number, read_unsettled, state, text};
use crate::keys;
use crate::store::TrunkTable;
use crate::tombstone::{TombstoneUpdate, add_to_sets, reason, seen_sets};

impl TrunkTable {
    pub(crate) async fn begin_undo(
        &self,
        key: TrunkKey,
        owner: &LeaseOwner,
        seen: &SeenObjects,
    ) -> Result<UndoStart, StoreError> {
        let mut expression = "SET #state = :undoing, version = version + :one".to_owned();
        let mut values = HashMap::from([
            (":undoing".to_owned(), text(state::UNDOING)),
            (":provisioning".to_owned(), text(state::PROVISIONING)),
            (":owner".to_owned(), text(owner.as_str())),
            (":one".to_owned(), number(1)),
        ]);
        add_to_sets(&mut expression, &mut values, &seen_sets(seen));
        let sent = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(keys::trunk(key)))
            .update_expression(expression)
            .condition_expression("#state IN (:provisioning, :undoing) AND lease_owner = :owner")
            .expression_attribute_names("#state", "state")
            .set_expression_attribute_values(Some(values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        let error = match sent {
            Ok(written) => {
                return read_unsettled(&written.attributes.unwrap_or_default()).map(Box::new).map(UndoStart::Undoing);
            }
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(found)) => Ok(match found.item() {
                None => UndoStart::Gone,
                Some(item) => match Record(item).text("state")? {
                    state::PROVISIONING | state::UNDOING => UndoStart::LeaseLost,
                    _ => UndoStart::Active,
                },
            }),
            _ => Err(classify("begin_undo", &error)),
        }
    }

    pub(crate) async fn settle_undo(
        &self,
        key: TrunkKey,
        owner: &LeaseOwner,
        undone: &Unsettled,
    ) -> Result<Settled, StoreError> {
        // The version: ids that a request which lost its lease has added meanwhile must come into the tombstone too.
        let delete = Delete::builder()
            .condition_expression("#state = :undoing AND lease_owner = :owner AND version = :version")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":undoing", text(state::UNDOING))
            .expression_attribute_values(":owner", text(owner.as_str()))
            .expression_attribute_values(":version", number(undone.version));
        let release = undone.key_hash.as_deref().map(|key_hash| self.release_claim(key, key_hash)).transpose()?;
        self.replace_by_tombstone(key, reason::UNDONE, undone, &delete, release).await
    }

    pub(crate) async fn note_on_record(&self, key: TrunkKey, seen: &SeenObjects) -> Result<bool, StoreError> {
        let mut expression = "SET version = version + :one".to_owned();
        let mut values = HashMap::from([(":undoing".to_owned(), text(state::UNDOING)), (":one".to_owned(), number(1))]);
        add_to_sets(&mut expression, &mut values, &seen_sets(seen));
        let sent = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(keys::trunk(key)))
            .update_expression(expression)
            .condition_expression("#state = :undoing")
            .expression_attribute_names("#state", "state")
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if is_condition(error.as_service_error()) => Ok(false),
            Err(error) => Err(classify("note_on_record", &error)),
        }
    }

    pub(crate) async fn note_on_tombstone(&self, key: TrunkKey, left: &LeftBehind) -> Result<(), StoreError> {
        let TombstoneUpdate { expression, values } = self.tombstone_update(key, reason::UNDONE, left);
        self.client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(keys::tombstone(key)))
            .update_expression(expression)
            .set_expression_attribute_values(Some(values))
            .send()
            .await
            .map(drop)
            .map_err(|error| classify("note_on_tombstone", &error))
    }
}
