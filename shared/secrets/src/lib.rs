//! SIP passwords and carrier credentials in AWS Secrets Manager, one secret for each trunk that has either.

use std::borrow::Cow;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::delete_secret::DeleteSecretError;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use trunkline_aws::{LazyClient, failure};
use trunkline_domain::{AuthPassword, CarrierCredentials, TrunkSecret};
use trunkline_provisioning::ports::{Failure, SecretInventory, SecretStore, UpstreamError};

/// This system, in a log line.
const SYSTEM: &str = "secretsmanager";

/// Days between the deletion of a secret and its end, in which an operator can restore it (7 to 30,
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html>). The name stays taken for
/// as long, so a create that arrives late is refused.
const RECOVERY_WINDOW_DAYS: i64 = 7;

/// Secrets Manager. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TrunkSecrets {
    client: LazyClient<Client>,
}

impl TrunkSecrets {
    /// Over `client`.
    pub fn new(client: LazyClient<Client>) -> Self {
        Self { client }
    }
}

impl SecretStore for TrunkSecrets {
    async fn create(&self, name: &str, token: &str, secret: &TrunkSecret) -> Result<(), UpstreamError> {
        let value = serialised(secret)?;
        self.client
            .create_secret()
            .name(name)
            .client_request_token(token)
            .secret_string(value.expose_secret())
            .send()
            .await
            .map(drop)
            .map_err(|error| classify("CreateSecret", &error))
    }

    async fn read(&self, name: &str) -> Result<Option<TrunkSecret>, UpstreamError> {
        match self.client.get_secret_value().secret_id(name).send().await {
            Ok(read) => parsed(read.secret_string().unwrap_or_default()).map(Some),
            Err(error)
                if error.as_service_error().is_some_and(|error| {
                    error.is_resource_not_found_exception() || error.is_invalid_request_exception()
                }) =>
            {
                Ok(None)
            }
            Err(error) => Err(classify("GetSecretValue", &error)),
        }
    }

    async fn schedule_deletion(&self, name: &str) -> Result<(), UpstreamError> {
        let deleted =
            self.client.delete_secret().secret_id(name).recovery_window_in_days(RECOVERY_WINDOW_DAYS).send().await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(is_gone) => Ok(()),
            Err(error) => Err(classify("DeleteSecret", &error)),
        }
    }
}

impl SecretInventory for TrunkSecrets {
    async fn names(&self, prefix: &str) -> Result<Vec<String>, UpstreamError> {
        let by_name = Filter::builder().key(FilterNameStringType::Name).values(prefix).build();
        let mut pages = self.client.list_secrets().filters(by_name).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify("ListSecrets", &error))?;
            let listed = page.secret_list.unwrap_or_default().into_iter().filter_map(|secret| secret.name);
            // The filter matches words of the name, in any case (Secrets Manager's API reference, `Filter`).
            names.extend(listed.filter(|name| name.starts_with(prefix)));
        }
        Ok(names)
    }
}

/// Never there, or scheduled already: an `InvalidRequestException` like others, told by its text alone ("because it was
/// marked for deletion", "that's currently marked deleted").
fn is_gone(error: &DeleteSecretError) -> bool {
    let scheduled = |message: &str| message.contains("deletion") || message.contains("marked deleted");
    error.is_resource_not_found_exception()
        || (error.is_invalid_request_exception() && error.message().is_some_and(scheduled))
}

/// A secret's value: `{"auth_password": …, "credentials": {…}}`, each where there is one.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    auth_password: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    credentials: Option<&'a RawValue>,
}

fn serialised(secret: &TrunkSecret) -> Result<SecretString, UpstreamError> {
    let credentials = secret.credentials().map(|credentials| serde_json::from_str(credentials.expose_secret()));
    let stored = Stored {
        auth_password: secret.password().map(|password| password.expose_secret().into()),
        credentials: credentials.transpose().map_err(|_| Failure::Invalid)?,
    };
    serde_json::to_string(&stored).map(SecretString::from).map_err(|_| Failure::Invalid.into())
}

fn parsed(value: &str) -> Result<TrunkSecret, UpstreamError> {
    let unreadable = || UpstreamError::from(unreadable("a trunk's secret"));
    let stored: Stored<'_> = serde_json::from_str(value).map_err(|_| unreadable())?;
    let password = stored.auth_password.map(|password| AuthPassword::parse(&password));
    let credentials = stored.credentials.map(|object| CarrierCredentials::parse(object.get()));
    TrunkSecret::of(password.transpose().map_err(|_| unreadable())?, credentials.transpose().map_err(|_| unreadable())?)
        .ok_or_else(unreadable)
}

/// Says which failure a failed call is. The message stays behind, since it may repeat what was sent.
pub fn report<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Failure {
    failure(error).report(SYSTEM, operation, error.code().unwrap_or_default())
}

/// A value that is not what it should be.
pub fn unreadable(what: &'static str) -> Failure {
    Failure::Unreadable.report(SYSTEM, "GetSecretValue", what)
}

fn classify<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> UpstreamError {
    report(operation, error).into()
}
