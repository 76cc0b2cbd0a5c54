use std::time::{Duration, Instant, SystemTime};

use lambda_http::http::header::HeaderName;
use tracing::field::Empty;
use tracing::{Instrument, info_span};

use crate::error::ApiError;
use crate::request::ApiRequest;
use crate::response::ApiResponse;
use crate::{Event, EventResponse};

/// What it takes to hand an answer over.
const LAST_MOMENT: Duration = Duration::from_millis(200);

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("trunkline-request-id");

/// What answers the requests of one route.
pub trait Handler: Send + Sync {
    /// Answers `request`.
    ///
    /// # Errors
    /// What the caller is told instead.
    fn handle(&self, request: &ApiRequest) -> impl Future<Output = Result<ApiResponse, ApiError>> + Send;
}

/// Answers an event: gives it a request id, lets `handler` handle it, turns its error into the envelope and logs one
/// line.
pub async fn answer(handler: &impl Handler, event: Event) -> EventResponse {
    let start = Instant::now();
    let request = ApiRequest::new(event);
    let id = request.id;
    let span = info_span!(
        "request",
        request_id = %id,
        http.method = request.method(),
        http.path = request.path(),
        workspace_id = Empty,
        trunk_id = Empty,
        phone_number_id = Empty,
    );
    // The SDKs' futures are large: on the heap, no thread's stack is too small for them.
    let handled = Box::pin(handler.handle(&request));
    let handled = in_time(&request, handled).instrument(span.clone()).await;
    let code = handled.as_ref().err().map(ApiError::code);
    let response = handled.unwrap_or_else(|error| error.into_response(id));
    span.in_scope(|| log(&response, code, start));
    response.with_header(REQUEST_ID, id.to_string()).into_event_response()
}

/// An answer of ours, before the function is frozen and the gateway answers. The use cases end earlier by themselves;
/// what may be broken off here may be broken off anywhere.
async fn in_time(
    request: &ApiRequest,
    handled: impl Future<Output = Result<ApiResponse, ApiError>>,
) -> Result<ApiResponse, ApiError> {
    let Some(left) = request.deadline().map(|deadline| deadline.duration_since(SystemTime::now()).unwrap_or_default())
    else {
        return handled.await;
    };
    tokio::time::timeout(left.saturating_sub(LAST_MOMENT), handled)
        .await
        .unwrap_or_else(|_| Err(ApiError::service_unavailable()))
}

fn log(response: &ApiResponse, error_code: Option<&'static str>, start: Instant) {
    let status = response.status.as_u16();
    let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    if response.status.is_server_error() {
        tracing::error!(http.status = status, error.code = error_code, duration_ms, "request failed");
    } else {
        tracing::info!(http.status = status, error.code = error_code, duration_ms, "request answered");
    }
}
