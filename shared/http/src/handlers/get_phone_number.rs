use lambda_http::http::StatusCode;
use trunkline_provisioning::ports::{ApiKeyStore, NumberStore};

use crate::authentication::Authenticator;
use crate::endpoint::Handler;
use crate::error::ApiError;
use crate::handlers::number_key;
use crate::phone_number_body::PhoneNumberBody;
use crate::request::ApiRequest;
use crate::response::ApiResponse;

/// `GET /v1/agents/phone-numbers/{id}`
#[derive(Debug)]
pub struct GetPhoneNumber<K, S> {
    /// Who asks.
    pub authenticator: Authenticator<K>,
    /// Where the numbers are.
    pub store: S,
}

impl<K: ApiKeyStore, S: NumberStore> Handler for GetPhoneNumber<K, S> {
    async fn handle(&self, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
        let workspace_id = self.authenticator.reader(request).await?;
        request.without_query()?;
        let key = number_key(request, workspace_id)?;
        let number = self.store.get_number(key).await?.ok_or_else(ApiError::phone_number_not_found)?;
        Ok(ApiResponse::json(StatusCode::OK, &PhoneNumberBody::new(&number)))
    }
}
