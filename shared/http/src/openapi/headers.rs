use lambda_http::http::header::{ETAG, HeaderName, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use schemars::schema_for;
use serde_json::{Map, Value, json};
use trunkline_domain::RequestId;

use crate::endpoint::REQUEST_ID;
use crate::idempotency::IDEMPOTENT_REPLAYED;

/// Every header that a response may carry.
pub(super) fn components() -> Value {
    let mut request_id = schema_for!(RequestId);
    for keyword in ["$schema", "title"] {
        request_id.remove(keyword);
    }
    let headers = [
        (REQUEST_ID, true, "Names the request, also in each of its log lines.", request_id.to_value()),
        (LOCATION, true, "The path of what was created.", json!({"type": "string", "format": "uri-reference"})),
        (
            ETAG,
            true,
            "The version of the trunk (RFC 9110 §8.8.3).",
            json!({"type": "string", "pattern": "^\"[0-9]+\"$"}),
        ),
        (
            IDEMPOTENT_REPLAYED,
            false,
            "This is the first response to this `Idempotency-Key` again.",
            json!({"type": "string", "const": "true"}),
        ),
        (RETRY_AFTER, true, "In how many seconds to try again.", json!({"type": "integer", "minimum": 0})),
        (WWW_AUTHENTICATE, true, "How to authenticate (RFC 6750 §3).", json!({"type": "string", "const": "Bearer"})),
    ];
    let component = |(name, required, description, schema): (HeaderName, bool, &str, Value)| {
        (written(&name), json!({"description": description, "required": required, "schema": schema}))
    };
    let mut components: Map<_, _> = headers.into_iter().map(component).collect();
    let mut sometimes = components[&written(&RETRY_AFTER)].clone();
    sometimes["required"] = false.into();
    components.insert(RETRY_AFTER_AT_TIMES.to_owned(), sometimes);
    components.into()
}

/// `Retry-After` where one of several outcomes has it.
const RETRY_AFTER_AT_TIMES: &str = "Retry-After-At-Times";

/// A reference to it.
pub(super) fn retry_after_at_times() -> Value {
    reference(RETRY_AFTER_AT_TIMES)
}

fn reference(component: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{component}")})
}

/// References to these headers and the request's id.
pub(super) fn references(names: &[HeaderName]) -> Value {
    let names = [REQUEST_ID].into_iter().chain(names.iter().cloned());
    let named = |name: HeaderName| (written(&name), reference(&written(&name)));
    names.map(named).collect::<Map<_, _>>().into()
}

/// As people write it.
pub(super) fn written(name: &HeaderName) -> String {
    match name.as_str() {
        "etag" => "ETag".to_owned(),
        "www-authenticate" => "WWW-Authenticate".to_owned(),
        name => {
            let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
            name.split('-').map(capital).collect::<Vec<_>>().join("-")
        }
    }
}
