//! `Idempotency-Key` records.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    Delete, Put, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};
use jiff::Timestamp;
use trunkline_domain::WorkspaceId;
use trunkline_provisioning::ports::StoreError;
use trunkline_provisioning::{IdempotencyClaim, KeyUse, StoredResponse, TrunkKey};

use crate::error::{classify, unreadable};
use crate::items::{Item, Record, number, text};
use crate::keys;
use crate::store::TrunkTable;
use crate::transaction::item;

/// TTL deletes late, days at times, so an expired record counts as absent by its attribute.
const UNUSED: &str = "attribute_not_exists(pk) OR expires_at <= :now";

pub(crate) const RUNNING: &str = "running";
const ANSWERED: &str = "answered";

impl TrunkTable {
    /// The part of a reservation that takes the key.
    pub(crate) fn claim_key(
        &self,
        key: TrunkKey,
        claim: &IdempotencyClaim,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(keys::idempotency(key.workspace_id, &claim.key_hash)))
            .item("fingerprint", text(&claim.fingerprint))
            .item("state", text(RUNNING))
            .item("trunk_id", text(key.id))
            .item("expires_at", number((now + StoredResponse::KEPT_FOR).as_second()))
            .condition_expression(UNUSED)
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        item(put.build(), |write, put| write.put(put))
    }

    /// The part of a commit that keeps the response.
    pub(crate) fn answer_claim(
        &self,
        key: TrunkKey,
        claim: &IdempotencyClaim,
        response: &StoredResponse,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.name)
            .set_key(Some(keys::idempotency(key.workspace_id, &claim.key_hash)))
            .update_expression("SET #state = :answered, #status = :status, body = :body, #location = :location")
            .condition_expression("trunk_id = :trunk_id")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#location", "location")
            .expression_attribute_values(":answered", text(ANSWERED))
            .expression_attribute_values(":status", number(response.status))
            .expression_attribute_values(":body", text(&response.body))
            .expression_attribute_values(":location", text(response.location.as_deref().unwrap_or_default()))
            .expression_attribute_values(":trunk_id", text(key.id));
        item(update.build(), |write, update| write.update(update))
    }

    /// The part of an undo that lets the key go.
    pub(crate) fn release_claim(&self, key: TrunkKey, key_hash: &str) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(keys::idempotency(key.workspace_id, key_hash)))
            .condition_expression("attribute_not_exists(pk) OR trunk_id = :trunk_id")
            .expression_attribute_values(":trunk_id", text(key.id));
        item(delete.build(), |write, delete| write.delete(delete))
    }

    pub(crate) async fn key_use(
        &self,
        workspace_id: WorkspaceId,
        claim: &IdempotencyClaim,
    ) -> Result<Option<KeyUse>, StoreError> {
        let found = self.read_item("key_use", keys::idempotency(workspace_id, &claim.key_hash)).await?;
        let now = Timestamp::now().as_second();
        let is_kept = |item: &Item| Record(item).number::<i64>("expires_at").is_ok_and(|until| until > now);
        found.filter(is_kept).map(|item| key_use(claim, Some(&item))).transpose()
    }

    pub(crate) async fn keep_answer(
        &self,
        workspace_id: WorkspaceId,
        claim: &IdempotencyClaim,
        response: &StoredResponse,
    ) -> Result<Option<KeyUse>, StoreError> {
        let now = Timestamp::now();
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(keys::idempotency(workspace_id, &claim.key_hash)))
            .item("fingerprint", text(&claim.fingerprint))
            .item("state", text(ANSWERED))
            .item("status", number(response.status))
            .item("body", text(&response.body))
            .item("location", text(response.location.as_deref().unwrap_or_default()))
            .item("expires_at", number((now + StoredResponse::KEPT_FOR).as_second()))
            .condition_expression(UNUSED)
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let Err(error) = put.send().await else {
            return Ok(None);
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(used)) => key_use(claim, used.item()).map(Some),
            _ => Err(classify("keep_answer", &error)),
        }
    }
}

/// What the record that is there says of a request that comes with `claim`.
pub(crate) fn key_use(claim: &IdempotencyClaim, item: Option<&Item>) -> Result<KeyUse, StoreError> {
    let record = Record(item.ok_or_else(|| unreadable("a used idempotency key has no record"))?);
    if record.text("fingerprint")? != claim.fingerprint {
        return Ok(KeyUse::OtherRequest);
    }
    if record.text("state")? == RUNNING {
        return Ok(KeyUse::Running);
    }
    Ok(KeyUse::Answered(StoredResponse {
        status: record.number("status")?,
        body: record.text("body")?.to_owned(),
        location: record.maybe("location").filter(|location| !location.is_empty()).map(str::to_owned),
    }))
}
