use lambda_http::http::StatusCode;
use lambda_http::http::header::{ETAG, IF_NONE_MATCH};
use trunkline_domain::SipHost;
use trunkline_provisioning::ports::{ApiKeyStore, TrunkRecord, TrunkStore};

use crate::authentication::Authenticator;
use crate::endpoint::Handler;
use crate::error::ApiError;
use crate::etag;
use crate::handlers::trunk_key;
use crate::request::ApiRequest;
use crate::response::ApiResponse;
use crate::trunk_body::TrunkBody;

/// `GET /v1/agents/sip-trunks/{id}`
#[derive(Debug)]
pub struct GetSipTrunk<K, S> {
    /// Who asks.
    pub authenticator: Authenticator<K>,
    /// Where the trunks are.
    pub store: S,
    /// LiveKit's SIP host.
    pub sip_host: SipHost,
}

impl<K: ApiKeyStore, S: TrunkStore> Handler for GetSipTrunk<K, S> {
    async fn handle(&self, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
        let workspace_id = self.authenticator.reader(request).await?;
        request.without_query()?;
        let key = trunk_key(request, workspace_id)?;
        let TrunkRecord { trunk, .. } = self.store.get(key).await?.ok_or_else(ApiError::sip_trunk_not_found)?;
        let etag = etag::of(&trunk);
        let response = match request.header(IF_NONE_MATCH) {
            Some(tags) if etag::matches(tags, &etag) => ApiResponse::empty(StatusCode::NOT_MODIFIED),
            _ => ApiResponse::json(StatusCode::OK, &TrunkBody::new(&trunk, &self.sip_host)),
        };
        Ok(response.with_header(ETAG, etag))
    }
}
