//! The description of the API (OpenAPI 3.1), made of the types that read requests and write responses.

mod errors;
mod examples;
mod gateway;
mod headers;
mod number_operations;
mod operations;
mod schemas;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::routes::ROUTES;
use schemas::Schemas;

/// An OpenAPI object, its fields in the order in which people read them.
#[derive(Serialize)]
struct Document {
    openapi: &'static str,
    info: Value,
    servers: Value,
    security: Value,
    tags: Value,
    paths: BTreeMap<&'static str, BTreeMap<String, Value>>,
    components: Components,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Components {
    security_schemes: Value,
    headers: Value,
    responses: BTreeMap<String, Value>,
    schemas: BTreeMap<String, Value>,
}

/// Writes the description anew.
pub const COMMAND: &str = "cargo run -p trunkline-http --features openapi --example openapi > openapi.yaml";

/// The description of the API: `openapi.yaml`.
pub fn openapi() -> String {
    let mut schemas = Schemas::default();
    let mut responses = BTreeMap::new();
    let mut paths: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for route in ROUTES {
        let mut operation = operations::describe(route, &mut schemas, &mut responses);
        operation["responses"]["429"] = gateway::too_many_requests();
        paths.entry(route.path).or_default().insert(route.method.to_lowercase(), operation);
    }
    responses.extend(gateway::components());
    let document = Document {
        openapi: "3.1.0",
        info: json!({
            "title": "Trunkline",
            "version": "v1",
            "description": "SIP trunks for voice agents on LiveKit.\n\nJSON in and out, times in UTC (RFC 3339). Every \
                response carries `Trunkline-Request-Id`; every error is an `Error`. The gateway's own responses are the \
                exception: 429, and a 5xx where the service gives no answer. What no path takes answers 404 \
                `not_found`, a method that a path does not take 405 `method_not_allowed` with `Allow`, a query parameter that \
                an operation does not have, or that is given more than once, 400 `validation_failed`; `healthz` alone \
                takes any.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": env!("CARGO_PKG_LICENSE")},
        }),
        servers: json!([{"url": "/", "description": "Wherever it is deployed."}]),
        security: json!([{"apiKey": []}]),
        tags: json!([
            {"name": "SIP trunks", "description": "A trunk is a customer's carrier account, connected to LiveKit."},
            {"name": "Phone numbers", "description": "A phone number rings on a trunk, and is called from."},
            {"name": "Health", "description": "Whether the service runs."},
        ]),
        paths,
        components: Components {
            security_schemes: json!({"apiKey": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key, `sk_…`. It names the workspace. One of scope `read` may not create, change or delete.",
            }}),
            headers: headers::components(),
            responses,
            schemas: schemas.into_components(),
        },
    };
    let yaml = yaml_serde::to_string(&document).expect("the description has string keys only");
    format!("# Generated from the types, by: {COMMAND}\n{yaml}")
}
