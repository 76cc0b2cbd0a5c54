//! What callers see: live trunks alone, and numbers whose import has ended.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use trunkline_domain::{AccountSid, TrunkId, WorkspaceId};
use trunkline_provisioning::TrunkKey;
use trunkline_provisioning::ports::{Filter, Page, StoreError, TrunkRecord};

use crate::error::classify;
use crate::items::{Item, Record, read_trunk, read_trunk_record, state, text};
use crate::keys::{self, Key, TRUNK_PREFIX};
use crate::store::TrunkTable;

/// Records read at a time when only some of them are asked for: some 250 KiB.
const FILTERED_AT_A_TIME: usize = 500;

/// Which records of a workspace a list shows.
pub(crate) struct Shown {
    expression: String,
    values: HashMap<String, AttributeValue>,
    is_filtered: bool,
}

impl Shown {
    /// Those whose sort key begins with `prefix`, in one of these states.
    pub(crate) fn of(prefix: &str, states: &[&str]) -> Self {
        let names: Vec<_> = states.iter().map(|state| format!(":{state}")).collect();
        let states = names.iter().zip(states).map(|(name, state)| (name.clone(), text(state)));
        Self {
            expression: format!("#state IN ({})", names.join(", ")),
            values: states.chain([(":prefix".to_owned(), text(prefix))]).collect(),
            is_filtered: false,
        }
    }

    /// Only with this value of this attribute, if there is one.
    fn with(&mut self, name: &str, value: Option<impl ToString>) {
        let Some(value) = value else {
            return;
        };
        self.expression.push_str(&format!(" AND {name} = :{name}"));
        self.values.insert(format!(":{name}"), text(value));
        self.is_filtered = true;
    }
}

impl TrunkTable {
    pub(crate) async fn get(&self, key: TrunkKey) -> Result<Option<TrunkRecord>, StoreError> {
        match self.read_item("get", keys::trunk(key)).await? {
            Some(item) => read_trunk_record(&item, key),
            None => Ok(None),
        }
    }

    pub(crate) async fn trunk_of_account(
        &self,
        workspace_id: WorkspaceId,
        account_sid: &AccountSid,
    ) -> Result<Option<TrunkId>, StoreError> {
        let found = self.read_item("trunk_of_account", keys::twilio_account(workspace_id, account_sid)).await?;
        found.map(|item| Record(&item).parsed("trunk_id")).transpose()
    }

    pub(crate) async fn list(
        &self,
        workspace_id: WorkspaceId,
        before: Option<TrunkId>,
        limit: usize,
        filter: Filter,
    ) -> Result<Page, StoreError> {
        let start = before.map(|id| keys::trunk(TrunkKey { workspace_id, id }));
        let mut shown = Shown::of(TRUNK_PREFIX, &state::SHOWN);
        shown.with("kind", filter.kind);
        shown.with("direction", filter.direction);
        let (items, has_more) = self.newest_first(workspace_id, start, limit, shown).await?;
        let mut trunks = Vec::with_capacity(items.len());
        for item in &items {
            let key = TrunkKey { workspace_id, id: Record(item).parsed("trunk_id")? };
            trunks.extend(read_trunk(item, key)?);
        }
        Ok(Page { trunks, has_more })
    }

    /// At most `limit` records of a workspace from `start` on, and whether there are more. Ids sort by time, so the sort
    /// key is the order of a list; the cursor is a place in that order, which stays a place when what stood there is
    /// deleted.
    pub(crate) async fn newest_first(
        &self,
        workspace_id: WorkspaceId,
        mut start: Option<Key>,
        limit: usize,
        shown: Shown,
    ) -> Result<(Vec<Item>, bool), StoreError> {
        // DynamoDB filters what it has read: a filtered list reads more at a time.
        let at_a_time = if shown.is_filtered { FILTERED_AT_A_TIME } else { limit + 1 };
        let mut items = Vec::new();
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.name)
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .filter_expression(&shown.expression)
                .expression_attribute_names("#state", "state")
                .set_expression_attribute_values(Some(shown.values.clone()))
                .expression_attribute_values(":pk", text(keys::partition(workspace_id)))
                .set_exclusive_start_key(start)
                .scan_index_forward(false)
                .consistent_read(true)
                .limit(i32::try_from(at_a_time).unwrap_or(i32::MAX))
                .send()
                .await
                .map_err(|error| classify("list", &error))?;
            items.extend(page.items.unwrap_or_default());
            let has_more = items.len() > limit;
            if has_more || page.last_evaluated_key.is_none() {
                items.truncate(limit);
                return Ok((items, has_more));
            }
            start = page.last_evaluated_key;
        }
    }

    pub(crate) async fn read_item(&self, operation: &'static str, key: Key) -> Result<Option<Item>, StoreError> {
        let read = self.client.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true).send().await;
        read.map(|found| found.item).map_err(|error| classify(operation, &error))
    }
}
