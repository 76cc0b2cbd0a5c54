//! What callers see: live trunks alone.

use aws_sdk_dynamodb::types::AttributeValue;
use trunkline_domain::{TrunkId, WorkspaceId};
use trunkline_provisioning::TrunkKey;
use trunkline_provisioning::ports::{Filter, Page, StoreError, TrunkRecord};

use crate::error::sort;
use crate::items::{Item, Record, read_trunk, read_trunk_record, state, text};
use crate::keys::{self, Key, TRUNK_PREFIX};
use crate::store::TrunkTable;

/// Records read at a time when only some of them are asked for: some 250 KiB.
const FILTERED_AT_A_TIME: usize = 500;

impl TrunkTable {
    pub(crate) async fn get(&self, key: TrunkKey) -> Result<Option<TrunkRecord>, StoreError> {
        match self.read_item("get", keys::trunk(key)).await? {
            Some(item) => read_trunk_record(&item, key),
            None => Ok(None),
        }
    }

    /// Trunk ids sort by time, so the sort key is the order of the list; the cursor is a place in that order, which
    /// stays a place when the trunk that stood there is deleted.
    pub(crate) async fn list(
        &self,
        workspace_id: WorkspaceId,
        before: Option<TrunkId>,
        limit: usize,
        filter: Filter,
    ) -> Result<Page, StoreError> {
        // DynamoDB filters what it has read: a filtered list reads more at a time.
        let at_a_time = if filter == Filter::default() { limit + 1 } else { FILTERED_AT_A_TIME };
        let mut trunks = Vec::new();
        let mut start = before.map(|id| keys::trunk(TrunkKey { workspace_id, id }));
        loop {
            let (items, next) = self.query(workspace_id, start, at_a_time, filter).await?;
            for item in &items {
                let key = TrunkKey { workspace_id, id: Record(item).parsed("trunk_id")? };
                trunks.extend(read_trunk(item, key)?);
            }
            let has_more = trunks.len() > limit;
            if has_more || next.is_none() {
                trunks.truncate(limit);
                return Ok(Page { trunks, has_more });
            }
            start = next;
        }
    }

    /// At most `limit` records, filtered afterwards; and where to go on, if there is more.
    async fn query(
        &self,
        workspace_id: WorkspaceId,
        start: Option<Key>,
        limit: usize,
        filter: Filter,
    ) -> Result<(Vec<Item>, Option<Key>), StoreError> {
        let mut shown = "#state IN (:active, :updating, :reverting)".to_owned();
        let mut query = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :trunks)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":pk", text(keys::partition(workspace_id)))
            .expression_attribute_values(":trunks", AttributeValue::S(TRUNK_PREFIX.into()))
            .expression_attribute_values(":active", text(state::ACTIVE))
            .expression_attribute_values(":updating", text(state::UPDATING))
            .expression_attribute_values(":reverting", text(state::REVERTING));
        if let Some(kind) = filter.kind {
            shown.push_str(" AND kind = :kind");
            query = query.expression_attribute_values(":kind", text(kind));
        }
        if let Some(direction) = filter.direction {
            shown.push_str(" AND direction = :direction");
            query = query.expression_attribute_values(":direction", text(direction));
        }
        let page = query
            .filter_expression(shown)
            .set_exclusive_start_key(start)
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| sort("list", &error))?;
        Ok((page.items.unwrap_or_default(), page.last_evaluated_key))
    }

    pub(crate) async fn read_item(&self, operation: &'static str, key: Key) -> Result<Option<Item>, StoreError> {
        let read = self.client.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true).send().await;
        read.map(|found| found.item).map_err(|error| sort(operation, &error))
    }
}
