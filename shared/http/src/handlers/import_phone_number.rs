use lambda_http::http::StatusCode;
use trunkline_domain::{JsonObject, NewNumber, PhoneNumber};
use trunkline_provisioning::ports::{ApiKeyStore, LiveKit, SecretStore, TrunkStore, TwilioService};
use trunkline_provisioning::{ImportNumber, ImportRequest, LeaseOwner, NumberError, StoredResponse};

use crate::authentication::Authenticator;
use crate::endpoint::Handler;
use crate::error::ApiError;
use crate::idempotency;
use crate::phone_number_body::PhoneNumberBody;
use crate::request::{ApiRequest, JSON};
use crate::response::ApiResponse;

/// `POST /v1/agents/phone-numbers`
#[derive(Debug)]
pub struct ImportPhoneNumber<K, S, V, L, T> {
    /// Who asks.
    pub authenticator: Authenticator<K>,
    /// What is done.
    pub import: ImportNumber<S, V, L, T>,
}

impl<K: ApiKeyStore, S: TrunkStore, V: SecretStore, L: LiveKit, T: TwilioService> Handler
    for ImportPhoneNumber<K, S, V, L, T>
{
    async fn handle(&self, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
        let workspace_id = self.authenticator.writer(request).await?;
        request.without_query()?;
        let body = request.body_of(&[JSON])?;
        let claim = idempotency::claim(request, body)?;
        let imported = match parse(body) {
            Ok(number) => {
                let import = ImportRequest {
                    workspace_id,
                    number,
                    claim: claim.clone(),
                    owner: LeaseOwner::new(request.id),
                    deadline: request.deadline(),
                };
                match self.import.import(import, render).await {
                    // Of the deployment, and not of the request: not kept for its key.
                    Err(error @ NumberError::NoNumberService) => return Err(error.into()),
                    imported => imported.map_err(ApiError::from),
                }
            }
            Err(error) => Err(error),
        };
        match imported {
            Ok(created) => Ok(idempotency::answer(created)),
            Err(error) => idempotency::refuse(&self.import.store, request, workspace_id, claim, error).await,
        }
    }
}

fn parse(body: &[u8]) -> Result<NewNumber, ApiError> {
    Ok(NewNumber::parse(&JsonObject::parse(body)?)?)
}

fn render(number: &PhoneNumber) -> StoredResponse {
    let body = serde_json::to_string(&PhoneNumberBody::new(number));
    StoredResponse {
        status: StatusCode::CREATED.as_u16(),
        body: body.expect("a number's body has string keys only"),
        location: Some(format!("/v1/agents/phone-numbers/{}", number.id)),
    }
}
