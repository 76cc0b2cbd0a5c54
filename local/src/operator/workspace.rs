use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use trunkline_domain::{ApiKeyState, WorkspaceId};
use trunkline_provisioning::ports::Workspace;

use super::arguments::{Limit, OfWorkspace, Output};
use super::output::{moment, write};
use super::{Ended, workspaces};

/// `trunkline workspace`
#[derive(Subcommand)]
pub(crate) enum WorkspaceCommand {
    /// Make a workspace that holds nothing yet
    Create(Create),
    /// Show what a workspace holds, and may hold
    Show(OfWorkspace),
    /// Change how many trunks a workspace may hold; those above the limit stay
    SetLimit(SetLimit),
}

#[derive(Args)]
pub(crate) struct Create {
    /// How many trunks it may hold: a number, or `default`
    #[arg(long, value_name = "TRUNKS", default_value = Limit::DEFAULT)]
    limit: Limit,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(crate) struct SetLimit {
    #[command(flatten)]
    workspace: OfWorkspace,
    /// A number, or `default`
    #[arg(value_name = "TRUNKS")]
    limit: Limit,
}

impl WorkspaceCommand {
    pub(crate) async fn run(self) -> Ended {
        let workspaces = workspaces()?;
        // After a write nothing is read: what was done is told, also when the table stops to answer.
        let (workspace, active_keys, output) = match self {
            Self::Create(Create { limit, output }) => {
                let id = WorkspaceId::new();
                let made = workspaces.create(id, limit.own()).await;
                (made.map_err(|error| format!("{id} may not have been made: {error}"))?, None, output)
            }
            Self::Show(OfWorkspace { id, output }) => {
                let keys = workspaces.keys(id).await?;
                let active = keys.iter().filter(|key| key.state == ApiKeyState::Active).count();
                (workspaces.show(id).await?, Some(active), output)
            }
            Self::SetLimit(SetLimit { workspace: OfWorkspace { id, output }, limit }) => {
                (workspaces.set_limit(id, limit.own()).await?, None, output)
            }
        };
        let mut json = json!({
            "workspace_id": workspace.id,
            "trunk_count": workspace.trunk_count,
            "trunk_limit": workspace.trunk_limit,
            "has_default_limit": workspace.has_default_limit,
            "created_at": moment(workspace.created_at),
        });
        if let Some(active_keys) = active_keys {
            json["active_api_keys"] = json!(active_keys);
        }
        write(&output, &json, text(&workspace, active_keys))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn text(workspace: &Workspace, active_keys: Option<usize>) -> String {
    let &Workspace { id, trunk_count, trunk_limit, has_default_limit, created_at } = workspace;
    let whose = if has_default_limit { "the default limit" } else { "a limit of its own" };
    let mut text = format!(
        "workspace        {id}\n\
         trunks           {trunk_count} of {trunk_limit}, {whose}\n\
         created          {}",
        moment(created_at)
    );
    if let Some(active_keys) = active_keys {
        text.push_str(&format!("\nactive API keys  {active_keys}"));
    }
    if trunk_count > trunk_limit {
        text.push_str("\n\nIt holds more than it may: all of them stay, and none can be created.");
    }
    text
}
