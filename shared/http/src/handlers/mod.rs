//! One handler for each route.

mod create_sip_trunk;
mod delete_sip_trunk;
mod get_sip_trunk;
pub(crate) mod healthz;
pub(crate) mod list_sip_trunks;
mod not_found;
mod update_sip_trunk;

pub use create_sip_trunk::CreateSipTrunk;
pub use delete_sip_trunk::DeleteSipTrunk;
pub use get_sip_trunk::GetSipTrunk;
pub use healthz::Healthz;
pub use list_sip_trunks::ListSipTrunks;
pub use not_found::NotFound;
pub use update_sip_trunk::UpdateSipTrunk;

use tracing::Span;
use trunkline_domain::{TrunkId, WorkspaceId};
use trunkline_provisioning::TrunkKey;

use crate::error::ApiError;
use crate::request::ApiRequest;

/// The trunk that the path names. What is not an id names nothing.
fn trunk_key(request: &ApiRequest, workspace_id: WorkspaceId) -> Result<TrunkKey, ApiError> {
    let id: TrunkId = request.path_parameter("id").parse().map_err(|_| ApiError::sip_trunk_not_found())?;
    Span::current().record("trunk_id", id.to_string());
    Ok(TrunkKey { workspace_id, id })
}
