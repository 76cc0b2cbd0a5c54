//! One handler for each route.

mod create_sip_trunk;
mod delete_phone_number;
mod delete_sip_trunk;
mod get_phone_number;
mod get_sip_trunk;
pub(crate) mod healthz;
mod import_phone_number;
pub(crate) mod list_phone_numbers;
pub(crate) mod list_sip_trunks;
mod not_found;
mod update_phone_number;
mod update_sip_trunk;

pub use create_sip_trunk::CreateSipTrunk;
pub use delete_phone_number::DeletePhoneNumber;
pub use delete_sip_trunk::DeleteSipTrunk;
pub use get_phone_number::GetPhoneNumber;
pub use get_sip_trunk::GetSipTrunk;
pub use healthz::Healthz;
pub use import_phone_number::ImportPhoneNumber;
pub use list_phone_numbers::ListPhoneNumbers;
pub use list_sip_trunks::ListSipTrunks;
pub use not_found::NotFound;
pub use update_phone_number::UpdatePhoneNumber;
pub use update_sip_trunk::UpdateSipTrunk;

use tracing::Span;
use trunkline_domain::{PhoneNumberId, TrunkId, WorkspaceId};
use trunkline_provisioning::{NumberKey, TrunkKey};

use crate::error::ApiError;
use crate::request::ApiRequest;

/// The trunk that the path names. What is not an id names nothing.
fn trunk_key(request: &ApiRequest, workspace_id: WorkspaceId) -> Result<TrunkKey, ApiError> {
    let id: TrunkId = request.path_parameter("id").parse().map_err(|_| ApiError::sip_trunk_not_found())?;
    Span::current().record("trunk_id", id.to_string());
    Ok(TrunkKey { workspace_id, id })
}

/// The phone number that the path names. What is not an id names nothing.
fn number_key(request: &ApiRequest, workspace_id: WorkspaceId) -> Result<NumberKey, ApiError> {
    let id: PhoneNumberId = request.path_parameter("id").parse().map_err(|_| ApiError::phone_number_not_found())?;
    Span::current().record("phone_number_id", id.to_string());
    Ok(NumberKey { workspace_id, id })
}
