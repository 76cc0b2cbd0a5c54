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
        let (workspace, output) = match self {
            Self::Create(Create { limit, output }) => {
                (workspaces.create(WorkspaceId::new(), limit.own()).await?, output)
            }
            Self::Show(OfWorkspace { id, output }) => (workspaces.show(id).await?, output),
            Self::SetLimit(SetLimit { workspace: OfWorkspace { id, output }, limit }) => {
                (workspaces.set_limit(id, limit.own()).await?, output)
            }
        };
        let keys = workspaces.keys(workspace.id).await?;
        let active_keys = keys.iter().filter(|key| key.state == ApiKeyState::Active).count();
        let json = json!({
            "workspace_id": workspace.id,
            "trunk_count": workspace.trunk_count,
            "trunk_limit": workspace.trunk_limit,
            "has_default_limit": workspace.has_default_limit,
            "active_api_keys": active_keys,
            "created_at": moment(workspace.created_at),
        });
        write(&output, &json, text(&workspace, active_keys))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn text(workspace: &Workspace, active_keys: usize) -> String {
    let &Workspace { id, trunk_count, trunk_limit, has_default_limit, created_at } = workspace;
    let whose = if has_default_limit { "the default limit" } else { "a limit of its own" };
    let mut text = format!(
        "workspace        {id}\n\
         trunks           {trunk_count} of {trunk_limit}, {whose}\n\
         active API keys  {active_keys}\n\
         created          {}",
        moment(created_at)
    );
    if trunk_count > trunk_limit {
        text.push_str("\n\nIt holds more than it may: all of them stay, and none can be created.");
    }
    text
}
