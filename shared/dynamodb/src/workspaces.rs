//! Workspaces and their API keys, for operators.
//!
//! A key is found by its hash, and in its workspace by its id: the reference there says the hash, and all else stands in
//! the key's own record alone.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, ReturnValue, TransactWriteItem};
use jiff::Timestamp;
use trunkline_domain::{ApiKeyHash, ApiKeyId, ApiKeyState, WorkspaceId};
use trunkline_provisioning::ports::{KeyAdded, ListedApiKey, StoreError, Workspace, WorkspaceStore};

use crate::create::DEFAULT_TRUNK_LIMIT;
use crate::error::{classify, is_condition, unreadable};
use crate::items::{Item, Record, number, text, timestamp};
use crate::keys::{self, API_KEY_REFERENCE_PREFIX};
use crate::store::TrunkTable;
use crate::transaction::{Transaction, failed, item};

/// The LiveKit project of a workspace that names no other. LiveKit scans every trunk of a project on each create, so
/// a large deployment will want several.
const DEFAULT_LIVEKIT_PROJECT: &str = "default";

impl WorkspaceStore for TrunkTable {
    async fn add_workspace(
        &self,
        id: WorkspaceId,
        own_limit: Option<u64>,
        now: Timestamp,
    ) -> Result<Option<Workspace>, StoreError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(keys::workspace(id)))
            .item("workspace_id", text(id))
            .item("trunk_count", number(0))
            .item("number_count", number(0))
            .item("livekit_project", text(DEFAULT_LIVEKIT_PROJECT))
            .item("created_at", timestamp(now))
            .condition_expression("attribute_not_exists(pk)");
        let put = own_limit.into_iter().fold(put, |put, limit| put.item("trunk_limit", number(limit)));
        // A transaction of one: its token makes a repeat of the SDK's one write.
        let write = item(put.build(), |write, put| write.put(put))?;
        let added = matches!(self.transact("add_workspace", vec![write]).await?, Transaction::Done);
        Ok(added.then_some(Workspace {
            id,
            trunk_count: 0,
            trunk_limit: own_limit.unwrap_or(DEFAULT_TRUNK_LIMIT),
            has_default_limit: own_limit.is_none(),
            created_at: now,
        }))
    }

    async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        let found = self.read_item("workspace", keys::workspace(id)).await?;
        found.map(|item| read_workspace(&item, id)).transpose()
    }

    async fn set_limit(&self, id: WorkspaceId, own_limit: Option<u64>) -> Result<Option<Workspace>, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(keys::workspace(id)))
            .condition_expression("attribute_exists(pk)")
            .return_values(ReturnValue::AllNew);
        let update = match own_limit {
            Some(limit) => update
                .update_expression("SET trunk_limit = :limit")
                .expression_attribute_values(":limit", number(limit)),
            None => update.update_expression("REMOVE trunk_limit"),
        };
        match update.send().await {
            Ok(updated) => read_workspace(&updated.attributes.unwrap_or_default(), id).map(Some),
            Err(error) if is_condition(error.as_service_error()) => Ok(None),
            Err(error) => Err(classify("set_limit", &error)),
        }
    }

    async fn add_key(
        &self,
        workspace_id: WorkspaceId,
        hash: &ApiKeyHash,
        key: &ListedApiKey,
    ) -> Result<KeyAdded, StoreError> {
        let writes = vec![
            self.is_there(workspace_id)?,
            self.put_key(workspace_id, hash, key)?,
            self.put_key_reference(workspace_id, hash, key.id)?,
        ];
        let reasons = match self.transact("add_key", writes).await? {
            Transaction::Done => return Ok(KeyAdded::Added),
            Transaction::Refused(reasons) => reasons,
        };
        Ok(if reasons.first().is_some_and(failed) { KeyAdded::NoWorkspace } else { KeyAdded::Exists })
    }

    async fn keys(&self, workspace_id: WorkspaceId) -> Result<Vec<ListedApiKey>, StoreError> {
        let mut keys = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.name)
                .key_condition_expression("pk = :pk AND begins_with(sk, :references)")
                .expression_attribute_values(":pk", text(keys::partition(workspace_id)))
                .expression_attribute_values(":references", AttributeValue::S(API_KEY_REFERENCE_PREFIX.into()))
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .send()
                .await
                .map_err(|error| classify("keys", &error))?;
            for reference in page.items.as_deref().unwrap_or_default() {
                let reference = Record(reference);
                let (id, hash) = (reference.parsed("key_id")?, reference.parsed("key_hash")?);
                // A reference to nothing is the checker's to report.
                if let Some(item) = self.read_item("keys", keys::api_key(&hash)).await? {
                    keys.push(read_key(&item, id)?);
                }
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(keys);
            }
        }
    }

    async fn revoke_key(&self, workspace_id: WorkspaceId, id: ApiKeyId) -> Result<bool, StoreError> {
        let Some(reference) = self.read_item("revoke_key", keys::api_key_reference(workspace_id, id)).await? else {
            return Ok(false);
        };
        let sent = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(keys::api_key(&Record(&reference).parsed("key_hash")?)))
            .update_expression("SET #state = :revoked")
            .condition_expression("workspace_id = :workspace_id")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":revoked", text(ApiKeyState::Revoked.as_str()))
            .expression_attribute_values(":workspace_id", text(workspace_id))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if is_condition(error.as_service_error()) => {
                Err(unreadable(format_args!("{id} refers to no key of its workspace")))
            }
            Err(error) => Err(classify("revoke_key", &error)),
        }
    }
}

impl TrunkTable {
    fn is_there(&self, workspace_id: WorkspaceId) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.name)
            .set_key(Some(keys::workspace(workspace_id)))
            .condition_expression("attribute_exists(pk)");
        item(check.build(), |write, check| write.condition_check(check))
    }

    fn put_key(
        &self,
        workspace_id: WorkspaceId,
        hash: &ApiKeyHash,
        key: &ListedApiKey,
    ) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(keys::api_key(hash)))
            .item("workspace_id", text(workspace_id))
            .item("scope", text(key.scope.as_str()))
            .item("state", text(key.state.as_str()))
            .item("created_at", timestamp(key.created_at))
            .condition_expression("attribute_not_exists(pk)");
        item(put.build(), |write, put| write.put(put))
    }

    fn put_key_reference(
        &self,
        workspace_id: WorkspaceId,
        hash: &ApiKeyHash,
        id: ApiKeyId,
    ) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(keys::api_key_reference(workspace_id, id)))
            .item("key_id", text(id))
            .item("key_hash", text(hash))
            .condition_expression("attribute_not_exists(pk)");
        item(put.build(), |write, put| write.put(put))
    }
}

fn read_workspace(item: &Item, id: WorkspaceId) -> Result<Workspace, StoreError> {
    let record = Record(item);
    let own_limit = record.maybe_number("trunk_limit");
    Ok(Workspace {
        id,
        trunk_count: record.number("trunk_count")?,
        trunk_limit: own_limit.unwrap_or(DEFAULT_TRUNK_LIMIT),
        has_default_limit: own_limit.is_none(),
        created_at: record.parsed("created_at")?,
    })
}

fn read_key(item: &Item, id: ApiKeyId) -> Result<ListedApiKey, StoreError> {
    let record = Record(item);
    Ok(ListedApiKey {
        id,
        scope: record.parsed("scope")?,
        state: record.parsed("state")?,
        created_at: record.parsed("created_at")?,
    })
}
