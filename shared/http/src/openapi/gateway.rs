//! What API Gateway answers by itself, before the service is asked.

use serde_json::{Value, json};

const TOO_MANY_REQUESTS: &str = "TooManyRequests";

/// A reference to the response above the deployment's rate.
pub(super) fn too_many_requests() -> Value {
    json!({"$ref": format!("#/components/responses/{TOO_MANY_REQUESTS}")})
}

/// The responses that an operation may refer to.
pub(super) fn components() -> [(String, Value); 1] {
    let response = json!({
        "description": "The gateway's, for more requests than the deployment takes: no `Error`, and without \
            `Trunkline-Request-Id`. Nothing was done. Safe to retry.",
        "content": {"application/json": {
            "schema": {
                "title": "GatewayError",
                "type": "object",
                "properties": {"message": {"type": "string", "description": "For people."}},
                "required": ["message"],
            },
            "example": {"message": "Too Many Requests"},
        }},
    });
    [(TOO_MANY_REQUESTS.to_owned(), response)]
}
