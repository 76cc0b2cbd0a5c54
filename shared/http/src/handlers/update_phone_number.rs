use lambda_http::http::StatusCode;
use trunkline_domain::{JsonObject, NumberChange};
use trunkline_provisioning::ports::{ApiKeyStore, NumberStore, SecretStore, SipService, TrunkStore};
use trunkline_provisioning::{LeaseOwner, UpdateNumber, UpdateNumberRequest};

use crate::authentication::Authenticator;
use crate::endpoint::Handler;
use crate::error::ApiError;
use crate::handlers::number_key;
use crate::phone_number_body::PhoneNumberBody;
use crate::request::{ApiRequest, JSON, MERGE_PATCH};
use crate::response::ApiResponse;

/// `PATCH /v1/agents/phone-numbers/{id}`
#[derive(Debug)]
pub struct UpdatePhoneNumber<K, S, V, L> {
    /// Who asks.
    pub authenticator: Authenticator<K>,
    /// What is done.
    pub update: UpdateNumber<S, V, L>,
}

impl<K: ApiKeyStore, S: TrunkStore + NumberStore, V: SecretStore, L: SipService> Handler
    for UpdatePhoneNumber<K, S, V, L>
{
    async fn handle(&self, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
        let workspace_id = self.authenticator.writer(request).await?;
        request.without_query()?;
        let key = number_key(request, workspace_id)?;
        let patch = JsonObject::parse(request.body_of(&[MERGE_PATCH, JSON])?)?;
        let update = UpdateNumberRequest {
            key,
            change: NumberChange::parse(&patch)?,
            owner: LeaseOwner::new(request.id),
            deadline: request.deadline(),
        };
        let number = self.update.update(update).await?;
        Ok(ApiResponse::json(StatusCode::OK, &PhoneNumberBody::new(&number)))
    }
}
