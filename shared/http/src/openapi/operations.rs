use std::collections::BTreeMap;

use lambda_http::http::header::{ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use trunkline_domain::{Direction, Kind, NewTrunk, TrunkChange, TrunkId};
use trunkline_provisioning::StoredResponse;

use crate::cursor::Cursor;
use crate::error_code::ErrorCode::*;
use crate::handlers::healthz::HealthBody;
use crate::handlers::list_sip_trunks::PageBody;
use crate::idempotency::{IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, MAX_KEY_CHARS};
use crate::openapi::schemas::Schemas;
use crate::openapi::{errors, examples, headers, number_operations};
use crate::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::request::{JSON, MERGE_PATCH};
use crate::routes::{Operation, Route};
use crate::trunk_body::TrunkBody;

/// The operation of `route`, with its parts that others share in `components`.
pub(super) fn describe(route: Route, schemas: &mut Schemas, components: &mut BTreeMap<String, Value>) -> Value {
    match route.operation {
        Operation::CreateSipTrunk => create(schemas, components),
        Operation::ListSipTrunks => list(schemas, components),
        Operation::GetSipTrunk => get(schemas, components),
        Operation::UpdateSipTrunk => update(schemas, components),
        Operation::DeleteSipTrunk => delete(schemas, components),
        Operation::ImportPhoneNumber => number_operations::import(schemas, components),
        Operation::ListPhoneNumbers => number_operations::list(schemas, components),
        Operation::GetPhoneNumber => number_operations::get(schemas, components),
        Operation::UpdatePhoneNumber => number_operations::update(schemas, components),
        Operation::DeletePhoneNumber => number_operations::delete(schemas, components),
        Operation::Healthz => health(route, schemas),
    }
}

fn create(schemas: &mut Schemas, components: &mut BTreeMap<String, Value>) -> Value {
    let mut responses = Map::new();
    let mut created = json_response(
        "The trunk, or the trunk that the first request with this `Idempotency-Key` created.",
        &[LOCATION, IDEMPOTENT_REPLAYED],
        schemas.response::<TrunkBody<'_>>(),
        examples::trunk(),
    );
    created["links"] = json!({
        "GetCreated": link("getSipTrunk", "Show the trunk."),
        "UpdateCreated": link("updateSipTrunk", "Change the trunk."),
        "DeleteCreated": link("deleteSipTrunk", "Delete the trunk."),
    });
    responses.insert("201".to_owned(), created);
    let codes = [
        BadRequest,
        ValidationFailed,
        Unauthorized,
        PaymentRequired,
        InsufficientScope,
        Conflict,
        IdempotencyConflict,
        PayloadTooLarge,
        UnsupportedMediaType,
        InternalError,
        UpstreamFailure,
        ServiceUnavailable,
    ];
    errors::add(&codes, &mut responses, schemas, components);
    json!({
        "operationId": "createSipTrunk",
        "tags": ["SIP trunks"],
        "summary": "Create a trunk",
        "description": "Makes the trunk and its objects in LiveKit: all of it, or nothing.",
        "parameters": [idempotency_key()],
        "requestBody": {
            "required": true,
            "content": {"application/json": {"schema": schemas.request::<NewTrunk>(), "examples": examples::new_trunks()}},
        },
        "responses": responses,
    })
}

fn list(schemas: &mut Schemas, components: &mut BTreeMap<String, Value>) -> Value {
    let mut responses = Map::new();
    let page = schemas.response::<PageBody<'_>>();
    let listed = json_response("A part of the list, newest first.", &[], page, examples::page());
    responses.insert("200".to_owned(), listed);
    let codes = [ValidationFailed, Unauthorized, InternalError, ServiceUnavailable];
    errors::add(&codes, &mut responses, schemas, components);
    json!({
        "operationId": "listSipTrunks",
        "tags": ["SIP trunks"],
        "summary": "List the workspace's trunks",
        "description": "Newest first.",
        "parameters": [
            query("cursor", "The `next_cursor` of the part before, with the same filters.", schemas.request::<Cursor>()),
            limit(),
            query("kind", "Only trunks of this kind.", schemas.request::<Kind>()),
            query("direction", "Only trunks of this direction.", schemas.request::<Direction>()),
        ],
        "responses": responses,
    })
}

fn get(schemas: &mut Schemas, components: &mut BTreeMap<String, Value>) -> Value {
    let mut responses = Map::new();
    let mut shown = json_response("The trunk.", &[ETAG], schemas.response::<TrunkBody<'_>>(), examples::trunk());
    shown["links"] = json!({
        "UpdateShown": link("updateSipTrunk", "Change the trunk."),
        "DeleteShown": link("deleteSipTrunk", "Delete the trunk."),
    });
    responses.insert("200".to_owned(), shown);
    responses.insert("304".to_owned(), empty_response("The version that the client has is the newest.", &[ETAG]));
    let codes = [ValidationFailed, Unauthorized, SipTrunkNotFound, InternalError, ServiceUnavailable];
    errors::add(&codes, &mut responses, schemas, components);
    json!({
        "operationId": "getSipTrunk",
        "tags": ["SIP trunks"],
        "summary": "Show one trunk",
        "description": "A trunk of another workspace is not there.",
        "parameters": [id::<TrunkId>(schemas), {
            "name": headers::written(&IF_NONE_MATCH),
            "in": "header",
            "description": "Answers 304 when the trunk's `ETag` is among these, or for `*` (RFC 9110 §13.1.2).",
            "schema": {"type": "string"},
            "example": "\"1\"",
        }],
        "responses": responses,
    })
}

fn update(schemas: &mut Schemas, components: &mut BTreeMap<String, Value>) -> Value {
    let mut responses = Map::new();
    let changed =
        json_response("The trunk as it is now.", &[ETAG], schemas.response::<TrunkBody<'_>>(), examples::trunk());
    responses.insert("200".to_owned(), changed);
    let codes = [
        BadRequest,
        ValidationFailed,
        Unauthorized,
        InsufficientScope,
        SipTrunkNotFound,
        PreconditionFailed,
        PayloadTooLarge,
        UnsupportedMediaType,
        InternalError,
        ServiceUnavailable,
    ];
    errors::add(&codes, &mut responses, schemas, components);
    errors::add_failed_update(&mut responses, schemas, components);
    let patch = json!({"schema": schemas.request::<TrunkChange>(), "examples": examples::patches()});
    json!({
        "operationId": "updateSipTrunk",
        "tags": ["SIP trunks"],
        "summary": "Change a trunk",
        "description": "A JSON merge patch (RFC 7396). Changes the trunk, its LiveKit objects and its secret: all of it, or \
            nothing. A patch that changes nothing is answered with the trunk as it is. A new `auth_token` of `kind: twilio` is \
            tried at Twilio first. A running call keeps what it was made with.",
        "parameters": [id::<TrunkId>(schemas), {
            "name": headers::written(&IF_MATCH),
            "in": "header",
            "description": "Changes the trunk only when its `ETag` is among these, or for `*`; weak tags match none (RFC 9110 \
                §13.1.1).",
            "schema": {"type": "string"},
            "example": "\"1\"",
        }],
        "requestBody": {"required": true, "content": {MERGE_PATCH: patch, JSON: patch}},
        "responses": responses,
    })
}

fn delete(schemas: &mut Schemas, components: &mut BTreeMap<String, Value>) -> Value {
    let mut responses = Map::new();
    responses.insert("204".to_owned(), empty_response("The trunk is gone, with its LiveKit objects and secret.", &[]));
    let codes =
        [ValidationFailed, Unauthorized, InsufficientScope, SipTrunkNotFound, InternalError, ServiceUnavailable];
    errors::add(&codes, &mut responses, schemas, components);
    errors::add_unfinished_deletion(&mut responses, schemas, components);
    json!({
        "operationId": "deleteSipTrunk",
        "tags": ["SIP trunks"],
        "summary": "Delete a trunk",
        "description": "Deletes the trunk, its LiveKit objects and its secret. May be repeated: for some minutes it answers \
            204 again, afterwards 404.",
        "parameters": [id::<TrunkId>(schemas)],
        "responses": responses,
    })
}

fn health(route: Route, schemas: &mut Schemas) -> Value {
    // The base path is the API's own; the other is where load balancers look.
    let id = if route.path == "/healthz" { "getHealth" } else { "getHealthOfAgents" };
    let body = json!(HealthBody::NOW);
    json!({
        "operationId": id,
        "tags": ["Health"],
        "summary": "Say that the service runs",
        "description": "Asks no other system.",
        "security": [],
        "responses": {"200": json_response("It runs.", &[], schemas.response::<HealthBody>(), body)},
    })
}

pub(super) fn idempotency_key() -> Value {
    json!({
        "name": headers::written(&IDEMPOTENCY_KEY),
        "in": "header",
        "description": format!(
            "Runs the operation once: the first response is replayed for {} hours. A 5xx or a 402 is not kept.",
            StoredResponse::KEPT_FOR.as_hours(),
        ),
        // Space around a header's value is not part of it (RFC 9110 §5.5).
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_KEY_CHARS,
            "pattern": "^[!-~]([ -~]*[!-~])?$",
        },
    })
}

pub(super) fn query(name: &str, description: &str, schema: Value) -> Value {
    json!({"name": name, "in": "query", "description": description, "schema": schema})
}

pub(super) fn limit() -> Value {
    let schema = json!({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT});
    query("limit", "At most how many.", schema)
}

/// What the path names.
pub(super) fn id<T: JsonSchema>(schemas: &mut Schemas) -> Value {
    json!({"name": "id", "in": "path", "required": true, "description": "Which one.", "schema": schemas.request::<T>()})
}

pub(super) fn link(operation: &str, description: &str) -> Value {
    json!({"operationId": operation, "description": description, "parameters": {"id": "$response.body#/id"}})
}

pub(super) fn empty_response(description: &str, names: &[HeaderName]) -> Value {
    json!({"description": description, "headers": headers::references(names)})
}

pub(super) fn json_response(description: &str, names: &[HeaderName], schema: Value, example: Value) -> Value {
    with_json(description, names, json!({"schema": schema, "example": example}))
}

/// With several examples, by name.
pub(super) fn json_response_of_kinds(description: &str, names: &[HeaderName], schema: Value, examples: Value) -> Value {
    with_json(description, names, json!({"schema": schema, "examples": examples}))
}

fn with_json(description: &str, names: &[HeaderName], body: Value) -> Value {
    let mut response = empty_response(description, names);
    response["content"] = json!({"application/json": body});
    response
}
