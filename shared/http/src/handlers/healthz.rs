use lambda_http::http::StatusCode;
use serde::Serialize;

use crate::endpoint::Handler;
use crate::error::ApiError;
use crate::request::ApiRequest;
use crate::response::ApiResponse;

/// The service runs.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Health"))]
pub(crate) struct HealthBody {
    /// It runs, or there is no answer.
    #[cfg_attr(feature = "openapi", schemars(extend("const" = HealthBody::NOW.status)))]
    status: &'static str,
    /// The version of the build.
    version: &'static str,
}

impl HealthBody {
    pub(crate) const NOW: Self = Self { status: "ok", version: env!("CARGO_PKG_VERSION") };
}

/// `GET /healthz`: the process runs. Asks no other system.
#[derive(Debug, Clone, Copy)]
pub struct Healthz;

impl Handler for Healthz {
    async fn handle(&self, _: &ApiRequest) -> Result<ApiResponse, ApiError> {
        Ok(ApiResponse::json(StatusCode::OK, &HealthBody::NOW))
    }
}
