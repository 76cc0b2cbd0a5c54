use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Region;
use aws_sdk_dynamodb::types::AttributeValue;
use secrecy::ExposeSecret;
use trunkline_aws::LazyClient;
use trunkline_connector::Connector;
use trunkline_domain::{ApiKey, Scope, WorkspaceId};
use trunkline_dynamodb::TrunkTable;
use trunkline_local::Ready;
use trunkline_provisioning::Workspaces;

/// A record.
pub type Item = HashMap<String, AttributeValue>;

/// An attribute's text; empty where there is none.
pub fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

/// The service's table.
#[derive(Debug, Clone)]
pub struct Table {
    /// The SDK's client.
    pub client: LazyClient<Client>,
    /// The table's name.
    pub name: String,
}

impl Table {
    /// The table of `name` in the DynamoDB of `ready`.
    pub fn new(ready: &Ready, name: &str) -> Self {
        let config = aws_sdk_dynamodb::Config::builder()
            .endpoint_url(&ready.dynamodb_url)
            .region(Region::new(ready.aws_region.clone()))
            .credentials_provider(super::credentials(ready))
            .http_client(Connector::new(None).unwrap())
            .build();
        Self { client: LazyClient::new(|| Client::from_conf(config)), name: name.to_owned() }
    }

    /// The production code over the same table.
    pub fn store(&self) -> TrunkTable {
        TrunkTable::new(self.client.clone(), &self.name, Duration::from_secs(900))
    }

    /// What an operator does to the same table.
    pub fn operator(&self) -> Workspaces<TrunkTable> {
        Workspaces { store: self.store() }
    }

    /// A new workspace with nothing in it.
    pub async fn new_workspace(&self) -> WorkspaceId {
        let workspace_id = WorkspaceId::new();
        self.operator().create(workspace_id, None).await.unwrap();
        workspace_id
    }

    /// A new key of a workspace.
    pub async fn new_key(&self, workspace_id: WorkspaceId, scope: Scope) -> String {
        let key = ApiKey::generate();
        self.operator().add_key(workspace_id, &key, scope).await.unwrap();
        key.expose_secret().to_owned()
    }

    /// Every record.
    pub async fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let scan = self.client.scan().table_name(&self.name).consistent_read(true);
            let page = scan.set_exclusive_start_key(start).send().await.unwrap();
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return items;
            }
        }
    }

    /// The ids of all workspaces.
    pub async fn workspaces(&self) -> Vec<String> {
        let items = self.items().await;
        items.iter().filter(|item| text(item, "sk") == "WS").map(|item| text(item, "workspace_id").to_owned()).collect()
    }

    /// The record of that sort key, in whatever partition.
    pub async fn item(&self, sk: &str) -> Option<Item> {
        self.items().await.into_iter().find(|item| text(item, "sk") == sk)
    }

    /// A trunk's record.
    pub async fn trunk(&self, id: &str) -> Option<Item> {
        self.item(&format!("TRUNK#{id}")).await
    }

    /// How many phone numbers there are: records, claims, and what the workspaces count.
    pub async fn numbers(&self) -> (usize, usize, u64) {
        let items = self.items().await;
        let begin = |key: &str, prefix: &str| items.iter().filter(|item| text(item, key).starts_with(prefix)).count();
        let counted = items.iter().filter(|item| text(item, "sk") == "WS").map(|workspace| {
            let count = workspace.get("number_count").and_then(|count| count.as_n().ok()?.parse::<u64>().ok());
            count.unwrap_or_default()
        });
        (begin("sk", "NUMBER#"), begin("pk", "E164#"), counted.sum())
    }

    /// A workspace's `trunk_count`.
    pub async fn trunk_count(&self, workspace_id: &str) -> u64 {
        let items = self.items().await;
        let record = items.iter().find(|item| text(item, "sk") == "WS" && text(item, "workspace_id") == workspace_id);
        number(record.expect("a workspace record"), "trunk_count")
    }

    /// Sets one attribute of a record by hand.
    pub async fn set(&self, pk: &str, sk: &str, name: &str, value: AttributeValue) {
        self.client
            .update_item()
            .table_name(&self.name)
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(sk.to_owned()))
            .update_expression("SET #name = :value")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":value", value)
            .send()
            .await
            .unwrap();
    }

    /// Revokes a key.
    pub async fn revoke(&self, key: &str) {
        let hash = ApiKey::presented(key).hash().to_string();
        let items = self.items().await;
        let reference = items.iter().find(|item| text(item, "key_hash") == hash).expect("a reference to the key");
        let workspace_id = text(reference, "pk").trim_start_matches("WS#").parse().unwrap();
        self.operator().revoke_key(workspace_id, text(reference, "key_id").parse().unwrap()).await.unwrap();
    }

    /// Gives a workspace a limit of its own.
    pub async fn set_limit(&self, workspace_id: &str, limit: u64) {
        self.operator().set_limit(workspace_id.parse().unwrap(), Some(limit)).await.unwrap();
    }
}

pub(crate) fn number(item: &Item, name: &str) -> u64 {
    let number = item.get(name).and_then(|value| value.as_n().ok());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no number {name}: {item:?}"))
}
