use lambda_http::http::StatusCode;
use lambda_http::http::header::{ETAG, IF_MATCH};
use trunkline_domain::{JsonObject, SipHost};
use trunkline_provisioning::ports::{ApiKeyStore, SecretStore, SipService, TrunkStore, TwilioService};
use trunkline_provisioning::{LeaseOwner, UpdateRequest, UpdateTrunk};

use crate::authentication::Authenticator;
use crate::endpoint::Handler;
use crate::error::ApiError;
use crate::etag;
use crate::handlers::trunk_key;
use crate::request::{ApiRequest, JSON, MERGE_PATCH};
use crate::response::ApiResponse;
use crate::trunk_body::TrunkBody;

/// `PATCH /v1/agents/sip-trunks/{id}`
#[derive(Debug)]
pub struct UpdateSipTrunk<K, S, V, L, T> {
    /// Who asks.
    pub authenticator: Authenticator<K>,
    /// What is done.
    pub update: UpdateTrunk<S, V, L, T>,
    /// LiveKit's SIP host.
    pub sip_host: SipHost,
}

impl<K: ApiKeyStore, S: TrunkStore, V: SecretStore, L: SipService, T: TwilioService> Handler
    for UpdateSipTrunk<K, S, V, L, T>
{
    async fn handle(&self, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
        let workspace_id = self.authenticator.writer(request).await?;
        request.without_query()?;
        let key = trunk_key(request, workspace_id)?;
        let patch = JsonObject::parse(request.body_of(&[MERGE_PATCH, JSON])?)?;
        let update = UpdateRequest {
            key,
            patch,
            versions: request.header(IF_MATCH).and_then(etag::versions),
            owner: LeaseOwner::new(request.id),
            deadline: request.deadline(),
        };
        let trunk = self.update.update(update).await?;
        let response = ApiResponse::json(StatusCode::OK, &TrunkBody::new(&trunk, &self.sip_host));
        Ok(response.with_header(ETAG, etag::of(&trunk)))
    }
}
