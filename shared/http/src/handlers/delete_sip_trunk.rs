use lambda_http::http::StatusCode;
use trunkline_provisioning::ports::{ApiKeyStore, LiveKit, NumberStore, SecretStore, TrunkStore, TwilioService};
use trunkline_provisioning::{DeleteTrunk, LeaseOwner};

use crate::authentication::Authenticator;
use crate::endpoint::Handler;
use crate::error::ApiError;
use crate::handlers::trunk_key;
use crate::request::ApiRequest;
use crate::response::ApiResponse;

/// `DELETE /v1/agents/sip-trunks/{id}`
#[derive(Debug)]
pub struct DeleteSipTrunk<K, S, V, L, T> {
    /// Who asks.
    pub authenticator: Authenticator<K>,
    /// What is done.
    pub delete: DeleteTrunk<S, V, L, T>,
}

impl<K: ApiKeyStore, S: TrunkStore + NumberStore, V: SecretStore, L: LiveKit, T: TwilioService> Handler
    for DeleteSipTrunk<K, S, V, L, T>
{
    async fn handle(&self, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
        let workspace_id = self.authenticator.writer(request).await?;
        request.without_query()?;
        let key = trunk_key(request, workspace_id)?;
        self.delete.delete(key, LeaseOwner::new(request.id), request.deadline()).await?;
        Ok(ApiResponse::empty(StatusCode::NO_CONTENT))
    }
}
