use lambda_http::http::StatusCode;
use trunkline_domain::{AddressPolicy, JsonObject, NewTrunk, SipHost, Trunk};
use trunkline_provisioning::ports::{ApiKeyStore, LiveKit, SecretStore, TrunkStore};
use trunkline_provisioning::{CreateRequest, CreateTrunk, LeaseOwner, StoredResponse};

use crate::authentication::Authenticator;
use crate::endpoint::Handler;
use crate::error::ApiError;
use crate::idempotency;
use crate::request::{ApiRequest, JSON};
use crate::response::ApiResponse;
use crate::trunk_body::TrunkBody;

/// `POST /v1/agents/sip-trunks`
#[derive(Debug)]
pub struct CreateSipTrunk<K, S, V, L> {
    /// Who asks.
    pub authenticator: Authenticator<K>,
    /// What is done.
    pub create: CreateTrunk<S, V, L>,
    /// Which carrier addresses are taken.
    pub address_policy: AddressPolicy,
    /// LiveKit's SIP host.
    pub sip_host: SipHost,
}

impl<K: ApiKeyStore, S: TrunkStore, V: SecretStore, L: LiveKit> Handler for CreateSipTrunk<K, S, V, L> {
    async fn handle(&self, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
        let workspace_id = self.authenticator.writer(request).await?;
        request.without_query()?;
        let body = request.body_of(&[JSON])?;
        let claim = idempotency::claim(request, body)?;
        let trunk = match self.parse(body) {
            Ok(trunk) => trunk,
            Err(error) => {
                return idempotency::refuse(&self.create.store, request, workspace_id, claim, error).await;
            }
        };
        let create = CreateRequest {
            workspace_id,
            trunk,
            claim,
            owner: LeaseOwner::new(request.id),
            deadline: request.deadline(),
        };
        Ok(idempotency::answer(self.create.create(create, |trunk| self.render(trunk)).await?))
    }
}

impl<K: ApiKeyStore, S: TrunkStore, V: SecretStore, L: LiveKit> CreateSipTrunk<K, S, V, L> {
    fn parse(&self, body: &[u8]) -> Result<NewTrunk, ApiError> {
        Ok(NewTrunk::parse(&JsonObject::parse(body)?, self.address_policy)?)
    }

    fn render(&self, trunk: &Trunk) -> StoredResponse {
        let body = serde_json::to_string(&TrunkBody::new(trunk, &self.sip_host));
        StoredResponse {
            status: StatusCode::CREATED.as_u16(),
            body: body.expect("a trunk's body has string keys only"),
            location: Some(format!("/v1/agents/sip-trunks/{}", trunk.id)),
        }
    }
}
