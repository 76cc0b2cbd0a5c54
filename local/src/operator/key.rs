use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use trunkline_domain::{ApiKey, ApiKeyId, ApiKeyState, Scope};
use trunkline_provisioning::ports::ListedApiKey;

use super::arguments::{Id, OfWorkspace};
use super::output::{moment, write};
use super::{Ended, workspaces};

/// `trunkline key`
#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Make an API key of a workspace, and show it this once
    Create(Create),
    /// List a workspace's API keys, oldest first
    List(OfWorkspace),
    /// Revoke an API key; it works for a minute more at most
    Revoke(Revoke),
}

#[derive(Args)]
pub(crate) struct Create {
    #[command(flatten)]
    workspace: OfWorkspace,
    /// What the key may do
    #[arg(long, default_value = Scope::Full.as_str(), value_parser = scope())]
    scope: Scope,
}

#[derive(Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    workspace: OfWorkspace,
    /// The key's id, key_..., as `trunkline key list` shows it
    #[arg(value_name = "KEY", value_parser = Id::<ApiKeyId>::new("a key's id, key_..., as `trunkline key list` shows it"))]
    key_id: ApiKeyId,
}

fn scope() -> impl TypedValueParser<Value = Scope> {
    let words = [Scope::Full.as_str(), Scope::Read.as_str()];
    PossibleValuesParser::new(words).map(|word| word.parse().expect("one of these words"))
}

impl KeyCommand {
    pub(crate) async fn run(self) -> Ended {
        match self {
            Self::Create(command) => command.run().await,
            Self::List(workspace) => list(workspace).await,
            Self::Revoke(command) => command.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> Ended {
        let Self { workspace: OfWorkspace { id: workspace_id, output }, scope } = self;
        let key = ApiKey::generate();
        let made = workspaces()?.add_key(workspace_id, &key, scope).await?;
        let mut json = described(&made);
        json["workspace_id"] = json!(workspace_id);
        json["api_key"] = json!(key.expose_secret());
        let text = format!(
            "API key    {}\n\
             key id     {}\n\
             workspace  {workspace_id}\n\
             scope      {}\n\n\
             The key is shown this once: only its hash is kept.",
            key.expose_secret(),
            made.id,
            scope.as_str()
        );
        // It works already, and nobody has it.
        write(&output, &json, text)
            .map_err(|error| format!("the key could not be shown ({error}): revoke {} of {workspace_id}", made.id))?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(OfWorkspace { id: workspace_id, output }: OfWorkspace) -> Ended {
    let keys = workspaces()?.keys(workspace_id).await?;
    let json = json!({"workspace_id": workspace_id, "api_keys": keys.iter().map(described).collect::<Vec<_>>()});
    let line = |key: &ListedApiKey| {
        format!("{}  {}  {:7}  {}", key.id, key.scope.as_str(), key.state.as_str(), moment(key.created_at))
    };
    let text = if keys.is_empty() {
        "no API keys: make one with `trunkline key create`".to_owned()
    } else {
        keys.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    write(&output, &json, text)?;
    Ok(ExitCode::SUCCESS)
}

impl Revoke {
    async fn run(self) -> Ended {
        let Self { workspace: OfWorkspace { id: workspace_id, output }, key_id } = self;
        workspaces()?.revoke_key(workspace_id, key_id).await?;
        let json = json!({"workspace_id": workspace_id, "key_id": key_id, "state": ApiKeyState::Revoked.as_str()});
        write(&output, &json, format_args!("revoked {key_id}: it stops working within a minute"))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn described(key: &ListedApiKey) -> Value {
    json!({
        "key_id": key.id,
        "scope": key.scope.as_str(),
        "state": key.state.as_str(),
        "created_at": moment(key.created_at),
    })
}
