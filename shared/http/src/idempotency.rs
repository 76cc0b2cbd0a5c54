use hmac::{Hmac, KeyInit, Mac};
use lambda_http::http::StatusCode;
use lambda_http::http::header::{HeaderName, LOCATION};
use sha2::{Digest, Sha256};
use trunkline_domain::WorkspaceId;
use trunkline_provisioning::ports::TrunkStore;
use trunkline_provisioning::{Created, IdempotencyClaim, KeyUse, StoredResponse};

use crate::error::ApiError;
use crate::request::ApiRequest;
use crate::response::ApiResponse;

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

pub(crate) const MAX_KEY_CHARS: usize = 255;

/// The claim of a request's `Idempotency-Key`, if it has one.
pub(crate) fn claim(request: &ApiRequest, body: &[u8]) -> Result<Option<IdempotencyClaim>, ApiError> {
    let Some(key) = request.header(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    if !(1..=MAX_KEY_CHARS).contains(&key.len()) || !key.iter().all(printable) {
        return Err(ApiError::bad_request("the Idempotency-Key header must have 1 to 255 printable ASCII characters"));
    }
    let mut fingerprint = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in [request.method().as_bytes(), request.path().as_bytes(), body] {
        // The length keeps the parts apart.
        fingerprint.update(&(part.len() as u64).to_be_bytes());
        fingerprint.update(part);
    }
    Ok(Some(IdempotencyClaim {
        key_hash: hex::encode(Sha256::digest(key)),
        fingerprint: hex::encode(fingerprint.finalize().into_bytes()),
    }))
}

/// The response to a request that succeeded, now or before.
pub(crate) fn answer(created: Created) -> ApiResponse {
    match created {
        Created::Now(response) => first(response),
        Created::Before(response) => replayed(response),
    }
}

/// Keeps a refusal that another attempt would meet too for the request's idempotency key, unless the key was used before:
/// then that decides.
pub(crate) async fn refuse(
    store: &impl TrunkStore,
    request: &ApiRequest,
    workspace_id: WorkspaceId,
    claim: Option<IdempotencyClaim>,
    error: ApiError,
) -> Result<ApiResponse, ApiError> {
    let Some(claim) = claim.filter(|_| error.is_the_requests()) else {
        return Err(error);
    };
    match store.keep_answer(workspace_id, &claim, &error.to_stored(request.id)).await? {
        None => Err(error),
        Some(KeyUse::Answered(response)) => Ok(replayed(response)),
        Some(key_use) => Err(key_use.into()),
    }
}

/// The response as it is, for the first time.
fn first(stored: StoredResponse) -> ApiResponse {
    let status = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let response = ApiResponse::raw_json(status, stored.body);
    match stored.location {
        Some(location) => response.with_header(LOCATION, location),
        None => response,
    }
}

/// The response again.
fn replayed(stored: StoredResponse) -> ApiResponse {
    first(stored).with_header(IDEMPOTENT_REPLAYED, "true")
}
