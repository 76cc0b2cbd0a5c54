use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Region;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use trunkline_connector::Connector;
use trunkline_local::Ready;

/// The service's secrets.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// The SDK's client.
    pub client: Client,
    prefix: String,
}

/// A secret that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Whether it is scheduled for deletion.
    pub scheduled: bool,
}

impl Secrets {
    /// The secrets under `prefix` in the Secrets Manager of `ready`.
    pub fn new(ready: &Ready, prefix: &str) -> Self {
        let config = aws_sdk_secretsmanager::Config::builder()
            .endpoint_url(&ready.secretsmanager_url)
            .region(Region::new(ready.aws_region.clone()))
            .credentials_provider(super::credentials(ready))
            .http_client(Connector::new(None).unwrap())
            .build();
        Self { client: Client::from_conf(config), prefix: prefix.to_owned() }
    }

    /// Every secret under the prefix, those that are scheduled for deletion included.
    pub async fn all(&self) -> Vec<Kept> {
        let prefix = Filter::builder().key(FilterNameStringType::Name).values(&self.prefix).build();
        let list = self.client.list_secrets().filters(prefix).include_planned_deletion(true);
        let mut pages = list.into_paginator().send();
        let mut kept = Vec::new();
        while let Some(page) = pages.try_next().await.unwrap() {
            for secret in page.secret_list.unwrap_or_default() {
                kept.push(Kept { name: secret.name.unwrap_or_default(), scheduled: secret.deleted_date.is_some() });
            }
        }
        kept
    }

    /// What a secret holds, if it is there.
    pub async fn value(&self, name: &str) -> Option<String> {
        self.client.get_secret_value().secret_id(name).send().await.ok()?.secret_string
    }
}
