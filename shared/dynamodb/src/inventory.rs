//! The whole table, for the checker.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use jiff::Timestamp;
use trunkline_domain::{AccountSid, E164, Trunk, WorkspaceId};
use trunkline_provisioning::ports::{Counted, StoreError, TableInventory, TableRecord, TrunkRecord, UnsettledUpdate};
use trunkline_provisioning::{NumberKey, TrunkKey};

use crate::create::DEFAULT_TRUNK_LIMIT;
use crate::error::{classify, is_condition, unreadable};
use crate::idempotency::RUNNING;
use crate::items::{Item, Record, livekit_ids, number, read_import, read_secret_names, read_trunk_record, state, text};
use crate::keys::{
    self, API_KEY_REFERENCE_PREFIX, IDEMPOTENCY_PREFIX, NUMBER_PREFIX, TOMBSTONE_PREFIX, TRUNK_PREFIX,
    TWILIO_ACCOUNT_PREFIX, WORKSPACE_SORT_KEY,
};
use crate::numbers::is_shown;
use crate::store::TrunkTable;

impl TableInventory for TrunkTable {
    async fn records(&self) -> Result<Vec<TableRecord>, StoreError> {
        let mut records = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .client
                .scan()
                .table_name(&self.name)
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .send()
                .await
                .map_err(|error| classify("records", &error))?;
            for item in page.items.as_deref().unwrap_or_default() {
                records.extend(read_record(item)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(records);
            }
        }
    }

    async fn correct_count(
        &self,
        workspace_id: WorkspaceId,
        counted: Counted,
        wrong: u64,
        right: u64,
    ) -> Result<bool, StoreError> {
        let counter = match counted {
            Counted::Trunks => "trunk_count",
            Counted::Numbers => "number_count",
        };
        let sent = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(keys::workspace(workspace_id)))
            .update_expression("SET #counter = :right")
            .condition_expression("#counter = :wrong")
            .expression_attribute_names("#counter", counter)
            .expression_attribute_values(":right", number(right))
            .expression_attribute_values(":wrong", number(wrong))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if is_condition(error.as_service_error()) => Ok(false),
            Err(error) => Err(classify("correct_count", &error)),
        }
    }

    async fn release_running(&self, key: TrunkKey, key_hash: &str) -> Result<bool, StoreError> {
        let sent = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(keys::idempotency(key.workspace_id, key_hash)))
            .condition_expression("#state = :running AND trunk_id = :trunk_id")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":running", text(RUNNING))
            .expression_attribute_values(":trunk_id", text(key.id))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(classify("release_running", &error)),
        }
    }

    async fn relink(&self, trunk: &Trunk) -> Result<bool, StoreError> {
        let ids = livekit_ids(&trunk.livekit);
        let set: String = ids.iter().map(|(name, _)| format!(", {name} = :{name}")).collect();
        let same: String = ids.iter().map(|(name, _)| format!(" AND {name} = :{name}")).collect();
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(keys::trunk(trunk.into())))
            .update_expression(format!("SET version = :next{set}"))
            // Its own work satisfies it too, so that the SDK may repeat it.
            .condition_expression(format!("#state = :active AND (version = :version OR (version = :next{same}))"))
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":active", text(state::ACTIVE))
            .expression_attribute_values(":version", number(trunk.version))
            .expression_attribute_values(":next", number(trunk.version + 1));
        let update = ids
            .into_iter()
            .fold(update, |update, (name, id)| update.expression_attribute_values(format!(":{name}"), id));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_condition(error.as_service_error()) => Ok(false),
            Err(error) => Err(classify("relink", &error)),
        }
    }
}

/// `None` for records of other kinds.
fn read_record(item: &Item) -> Result<Option<TableRecord>, StoreError> {
    let record = Record(item);
    let partition = record.text("pk")?;
    if let Some(hash) = keys::api_key_of(partition) {
        return Ok(Some(TableRecord::ApiKey { workspace_id: record.parsed("workspace_id")?, hash }));
    }
    if let Some(e164) = keys::claimed_number_of(partition) {
        let key = NumberKey { workspace_id: record.parsed("workspace_id")?, id: record.parsed("number_id")? };
        return Ok(Some(TableRecord::NumberClaim { e164, key }));
    }
    let Some(workspace_id) = keys::workspace_of(partition) else {
        return Ok(None);
    };
    let sort_key = record.text("sk")?;
    if sort_key == WORKSPACE_SORT_KEY {
        return Ok(Some(TableRecord::Workspace {
            id: workspace_id,
            trunk_count: record.number("trunk_count")?,
            trunk_limit: record.maybe_number("trunk_limit").unwrap_or(DEFAULT_TRUNK_LIMIT),
            number_count: record.maybe_number("number_count").unwrap_or_default(),
        }));
    }
    if let Some(id) = sort_key.strip_prefix(TOMBSTONE_PREFIX) {
        return Ok(Some(TableRecord::Tombstone {
            key: keys::trunk_key(workspace_id, id)?,
            secret_names: read_secret_names(item),
            due_at: moment(record.number("sweep_at")?)?,
            failing_since: record.maybe_number("sweep_failing_since").map(moment).transpose()?,
        }));
    }
    if let Some(key_hash) = sort_key.strip_prefix(IDEMPOTENCY_PREFIX) {
        if record.text("state")? != RUNNING {
            return Ok(None);
        }
        return Ok(Some(TableRecord::RunningClaim {
            key: keys::trunk_key(workspace_id, record.text("trunk_id")?)?,
            key_hash: key_hash.to_owned(),
            expires_at: moment(record.number("expires_at")?)?,
        }));
    }
    if let Some(id) = sort_key.strip_prefix(API_KEY_REFERENCE_PREFIX) {
        return Ok(Some(TableRecord::ApiKeyReference {
            workspace_id,
            id: id.parse().map_err(unreadable)?,
            hash: record.parsed("key_hash")?,
        }));
    }
    if let Some(id) = sort_key.strip_prefix(NUMBER_PREFIX) {
        return Ok(Some(TableRecord::Number {
            key: NumberKey { workspace_id, id: id.parse().map_err(unreadable)? },
            e164: E164::from_stored(record.text("e164")?),
            trunk_id: record.maybe("trunk_id").map(str::parse).transpose().map_err(unreadable)?,
            is_shown: is_shown(item),
        }));
    }
    if let Some(account_sid) = sort_key.strip_prefix(TWILIO_ACCOUNT_PREFIX) {
        return Ok(Some(TableRecord::TwilioAccount {
            key: keys::trunk_key(workspace_id, record.text("trunk_id")?)?,
            account_sid: AccountSid::parse(account_sid).map_err(unreadable)?,
        }));
    }
    let Some(id) = sort_key.strip_prefix(TRUNK_PREFIX) else {
        return Ok(None);
    };
    let key = keys::trunk_key(workspace_id, id)?;
    Ok(Some(match read_trunk_record(item, key)? {
        Some(TrunkRecord { trunk, secret_name }) => {
            let (update, import) = (read_update(item)?, read_import(item)?);
            TableRecord::Live { trunk: Box::new(trunk), secret_name, update, import }
        }
        None => TableRecord::Unsettled {
            key,
            secret_names: read_secret_names(item),
            due_at: moment(record.number("sweep_at")?)?,
            failing_since: record.maybe_number("sweep_failing_since").map(moment).transpose()?,
        },
    }))
}

/// A live trunk is in the sweep index while an update of it has to be settled.
fn read_update(item: &Item) -> Result<Option<UnsettledUpdate>, StoreError> {
    let record = Record(item);
    let Some(due_at) = record.maybe_number("sweep_at") else {
        return Ok(None);
    };
    Ok(Some(UnsettledUpdate {
        secret_names: read_secret_names(item),
        due_at: moment(due_at)?,
        failing_since: record.maybe_number("sweep_failing_since").map(moment).transpose()?,
    }))
}

fn moment(seconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_second(seconds).map_err(unreadable)
}
