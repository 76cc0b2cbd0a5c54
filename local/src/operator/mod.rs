//! The operators' commands for workspaces and API keys, on AWS or a local service, as the environment says.

mod arguments;
mod key;
mod output;
mod workspace;

use std::process::ExitCode;

use trunkline_bootstrap::{Clients, Environment, StartError};
use trunkline_dynamodb::TrunkTable;
use trunkline_provisioning::Workspaces;

pub(crate) use key::KeyCommand;
pub(crate) use workspace::WorkspaceCommand;

type Ended = Result<ExitCode, Box<dyn std::error::Error>>;

fn workspaces() -> Result<Workspaces<TrunkTable>, StartError> {
    Clients::new(&Environment::of_process())?.workspaces()
}
