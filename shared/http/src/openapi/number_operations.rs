use std::collections::BTreeMap;

use lambda_http::http::header::LOCATION;
use serde_json::{Map, Value, json};
use trunkline_domain::{NewNumber, NumberChange, PhoneNumberId};

use crate::error_code::ErrorCode::*;
use crate::handlers::list_phone_numbers::NumberPageBody;
use crate::idempotency::IDEMPOTENT_REPLAYED;
use crate::openapi::operations::{
    empty_response, id, idempotency_key, json_response, json_response_of_kinds, limit, link, query,
};
use crate::openapi::schemas::Schemas;
use crate::openapi::{errors, examples};
use crate::phone_number_body::PhoneNumberBody;
use crate::request::{JSON, MERGE_PATCH};

const TAGS: [&str; 1] = ["Phone numbers"];

pub(super) fn import(schemas: &mut Schemas, components: &mut BTreeMap<String, Value>) -> Value {
    let mut responses = Map::new();
    let mut imported = json_response_of_kinds(
        "The number, or the number that the first request with this `Idempotency-Key` imported.",
        &[LOCATION, IDEMPOTENT_REPLAYED],
        schemas.response::<PhoneNumberBody<'_>>(),
        examples::imported_numbers(),
    );
    imported["links"] = json!({
        "GetImported": link("getPhoneNumber", "Show the number."),
        "UpdateImported": link("updatePhoneNumber", "Change the number."),
        "DeleteImported": link("deletePhoneNumber", "Delete the number."),
    });
    responses.insert("201".to_owned(), imported);
    let codes = [
        BadRequest,
        ValidationFailed,
        Unauthorized,
        InsufficientScope,
        PayloadTooLarge,
        UnsupportedMediaType,
        InternalError,
        ServiceUnavailable,
    ];
    errors::add(&codes, &mut responses, schemas, components);
    errors::add_refused_import(&mut responses, schemas, components);
    json!({
        "operationId": "importPhoneNumber",
        "tags": TAGS,
        "summary": "Import a phone number",
        "description": "Has the number ring on a trunk: in LiveKit too, or not at all. No two workspaces have the same \
            number. A number of `byoc` is bound to a trunk that there is. The first number of a Twilio account makes one, \
            there too, which the account's others share. A number of `livekit` is bought, with a trunk of its own.",
        "parameters": [idempotency_key()],
        "requestBody": {
            "required": true,
            "content": {JSON: {"schema": schemas.request::<NewNumber>(), "examples": examples::new_numbers()}},
        },
        "responses": responses,
    })
}

pub(super) fn list(schemas: &mut Schemas, components: &mut BTreeMap<String, Value>) -> Value {
    let mut responses = Map::new();
    let page = schemas.response::<NumberPageBody<'_>>();
    let listed = json_response("A part of the list, newest first.", &[], page, examples::number_page());
    responses.insert("200".to_owned(), listed);
    let codes = [ValidationFailed, Unauthorized, InternalError, ServiceUnavailable];
    errors::add(&codes, &mut responses, schemas, components);
    json!({
        "operationId": "listPhoneNumbers",
        "tags": TAGS,
        "summary": "List the workspace's phone numbers",
        "description": "Newest first.",
        "parameters": [
            query("cursor", "The `next_cursor` of the part before.", schemas.request::<PhoneNumberId>()),
            limit(),
        ],
        "responses": responses,
    })
}

pub(super) fn get(schemas: &mut Schemas, components: &mut BTreeMap<String, Value>) -> Value {
    let mut responses = Map::new();
    let schema = schemas.response::<PhoneNumberBody<'_>>();
    let mut shown = json_response("The number.", &[], schema, examples::number());
    shown["links"] = json!({
        "UpdateShown": link("updatePhoneNumber", "Change the number."),
        "DeleteShown": link("deletePhoneNumber", "Delete the number."),
    });
    responses.insert("200".to_owned(), shown);
    let codes = [ValidationFailed, Unauthorized, PhoneNumberNotFound, InternalError, ServiceUnavailable];
    errors::add(&codes, &mut responses, schemas, components);
    json!({
        "operationId": "getPhoneNumber",
        "tags": TAGS,
        "summary": "Show one phone number",
        "description": "A number of another workspace is not there.",
        "parameters": [id::<PhoneNumberId>(schemas)],
        "responses": responses,
    })
}

pub(super) fn update(schemas: &mut Schemas, components: &mut BTreeMap<String, Value>) -> Value {
    let mut responses = Map::new();
    let schema = schemas.response::<PhoneNumberBody<'_>>();
    responses.insert("200".to_owned(), json_response("The number as it is now.", &[], schema, examples::number()));
    let codes = [
        BadRequest,
        ValidationFailed,
        Unauthorized,
        InsufficientScope,
        PhoneNumberNotFound,
        PayloadTooLarge,
        UnsupportedMediaType,
        InternalError,
        ServiceUnavailable,
    ];
    errors::add(&codes, &mut responses, schemas, components);
    errors::add_failed_number_change(&mut responses, schemas, components);
    let patch = json!({"schema": schemas.request::<NumberChange>(), "examples": examples::number_patches()});
    json!({
        "operationId": "updatePhoneNumber",
        "tags": TAGS,
        "summary": "Change a phone number",
        "description": "A JSON merge patch (RFC 7396): another label, another trunk, or none.",
        "parameters": [id::<PhoneNumberId>(schemas)],
        "requestBody": {"required": true, "content": {MERGE_PATCH: patch, JSON: patch}},
        "responses": responses,
    })
}

pub(super) fn delete(schemas: &mut Schemas, components: &mut BTreeMap<String, Value>) -> Value {
    let mut responses = Map::new();
    responses.insert("204".to_owned(), empty_response("The number is gone, and rings nowhere.", &[]));
    let codes =
        [ValidationFailed, Unauthorized, InsufficientScope, PhoneNumberNotFound, InternalError, ServiceUnavailable];
    errors::add(&codes, &mut responses, schemas, components);
    errors::add_failed_number_deletion(&mut responses, schemas, components);
    json!({
        "operationId": "deletePhoneNumber",
        "tags": TAGS,
        "summary": "Delete a phone number",
        "description": "Undoes its import: with the last number of a Twilio account, and with one of LiveKit's, its trunk \
            goes too. Any workspace may import the number afterwards.",
        "parameters": [id::<PhoneNumberId>(schemas)],
        "responses": responses,
    })
}
