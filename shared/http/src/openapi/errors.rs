use std::collections::BTreeMap;

use lambda_http::http::header::RETRY_AFTER;
use serde_json::{Map, Value, json};
use trunkline_domain::{Direction, RequestId, Violations};
use trunkline_provisioning::ports::TwilioRefusal;
use trunkline_provisioning::{CreateError, DeleteError, KeyUse, NumberError, UpdateError, Upstream};

use crate::error::{ApiError, ErrorBody};
use crate::error_code::ErrorCode;
use crate::openapi::headers;
use crate::openapi::schemas::Schemas;
use crate::request::{JSON, MAX_BODY_BYTES};

/// Adds the responses with these codes to an operation's `responses`, and what they share to `components`.
pub(super) fn add(
    codes: &[ErrorCode],
    responses: &mut Map<String, Value>,
    schemas: &mut Schemas,
    components: &mut BTreeMap<String, Value>,
) {
    let mut by_status: BTreeMap<_, Vec<ErrorCode>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status()).or_default().push(*code);
    }
    for (status, codes) in by_status {
        let name = codes.iter().map(|code| format!("{code:?}")).collect::<Vec<_>>().join("Or");
        responses.insert(status.as_str().to_owned(), json!({"$ref": format!("#/components/responses/{name}")}));
        let outcomes: Vec<_> = codes.into_iter().map(|code| (error(code), meaning(code))).collect();
        components.entry(name).or_insert_with(|| response(&outcomes, schemas));
    }
}

/// Adds the failure of a deletion, which promises something else than that of a creation.
pub(super) fn add_unfinished_deletion(
    responses: &mut Map<String, Value>,
    schemas: &mut Schemas,
    components: &mut BTreeMap<String, Value>,
) {
    let meaning = "LiveKit, Secrets Manager or Twilio refused or failed; `details.upstream` says which. The trunk is no \
        longer shown and will be deleted, with or without a retry.";
    let outcome = (DeleteError::Upstream(Upstream::LiveKit).into(), meaning.to_owned());
    let own = response(&[outcome], schemas);
    add_own("UnfinishedDeletion", ErrorCode::UpstreamFailure, own, responses, components);
}

/// Adds the conflicts and the failure of an update, which promise something else than those of a creation.
pub(super) fn add_failed_update(
    responses: &mut Map<String, Value>,
    schemas: &mut Schemas,
    components: &mut BTreeMap<String, Value>,
) {
    let conflicts = [
        (UpdateError::Conflict.into(), "something in LiveKit stands in the way. Nothing was changed.".to_owned()),
        (
            UpdateError::Twilio(TwilioRefusal::NotAllowed).into(),
            "Twilio does not let the account of a new `auth_token` in. Nothing was changed.".to_owned(),
        ),
        (
            UpdateError::Busy.into(),
            "another request is changing the trunk, or has just done so. Nothing was changed.".to_owned(),
        ),
    ];
    add_own("ConflictingUpdate", ErrorCode::Conflict, response(&conflicts, schemas), responses, components);
    let meaning = "LiveKit, Secrets Manager or Twilio refused or failed; `details.upstream` says which. The trunk is as \
        it was. Safe to retry.";
    let failure = (UpdateError::Upstream(Upstream::LiveKit).into(), meaning.to_owned());
    add_own("FailedUpdate", ErrorCode::UpstreamFailure, response(&[failure], schemas), responses, components);
}

/// Adds what an import is refused for, and its failure.
pub(super) fn add_refused_import(
    responses: &mut Map<String, Value>,
    schemas: &mut Schemas,
    components: &mut BTreeMap<String, Value>,
) {
    let at_cap = [
        (
            NumberError::TrunksAtCap { limit: 20, used: 20 }.into(),
            "the number needs a trunk, and the workspace holds as many as it may. Nothing was imported.".to_owned(),
        ),
        (
            NumberError::AtCap { limit: 100, used: 100 }.into(),
            "the workspace holds as many phone numbers as it may. Nothing was imported.".to_owned(),
        ),
    ];
    add_own("NumbersAtCap", ErrorCode::PaymentRequired, response(&at_cap, schemas), responses, components);
    let mut conflicts = number_conflicts();
    conflicts.extend([
        (NumberError::Taken.into(), "a workspace holds the number. Nothing was imported.".to_owned()),
        (NumberError::NotForSale.into(), "LiveKit does not sell the number. Nothing was imported.".to_owned()),
        (
            NumberError::Twilio(TwilioRefusal::LimitReached).into(),
            "Twilio does not let the account do it; the message says why. Nothing was imported.".to_owned(),
        ),
        (
            NumberError::InUseOnAccount.into(),
            "a trunk or a TwiML app on the Twilio account has the number. Nothing was imported.".to_owned(),
        ),
        (error(ErrorCode::IdempotencyConflict), meaning(ErrorCode::IdempotencyConflict)),
    ]);
    add_own("RefusedImport", ErrorCode::Conflict, response(&conflicts, schemas), responses, components);
    add_failed_number(responses, schemas, components);
}

/// Adds the conflicts and the failure of a change of a phone number.
pub(super) fn add_failed_number_change(
    responses: &mut Map<String, Value>,
    schemas: &mut Schemas,
    components: &mut BTreeMap<String, Value>,
) {
    let conflicts = response(&number_conflicts(), schemas);
    add_own("ConflictingNumberChange", ErrorCode::Conflict, conflicts, responses, components);
    add_failed_number(responses, schemas, components);
}

/// Adds the conflicts and the failure of a phone number's deletion, which may stop between.
pub(super) fn add_failed_number_deletion(
    responses: &mut Map<String, Value>,
    schemas: &mut Schemas,
    components: &mut BTreeMap<String, Value>,
) {
    let conflicts = response(&number_conflicts(), schemas);
    add_own("ConflictingNumberChange", ErrorCode::Conflict, conflicts, responses, components);
    let unfinished = "the same, of a number whose trunk goes with it. The number is not given back yet. Safe to retry.";
    let failures = [failed_number(), (NumberError::Unfinished(Upstream::LiveKit).into(), unfinished.to_owned())];
    let failures = response(&failures, schemas);
    add_own("UnfinishedNumberDeletion", ErrorCode::UpstreamFailure, failures, responses, components);
}

fn number_conflicts() -> Vec<(ApiError, String)> {
    vec![
        (
            NumberError::Busy.into(),
            "another request is changing the number or its trunk. Nothing was changed.".to_owned(),
        ),
        (NumberError::Conflict.into(), "something in LiveKit stands in the way. Nothing was changed.".to_owned()),
    ]
}

fn add_failed_number(
    responses: &mut Map<String, Value>,
    schemas: &mut Schemas,
    components: &mut BTreeMap<String, Value>,
) {
    let failure = response(&[failed_number()], schemas);
    add_own("FailedNumberChange", ErrorCode::UpstreamFailure, failure, responses, components);
}

fn failed_number() -> (ApiError, String) {
    let meaning = "LiveKit, Secrets Manager or Twilio refused or failed; `details.upstream` says which. Nothing was \
        changed. Safe to retry.";
    (NumberError::Upstream(Upstream::LiveKit).into(), meaning.to_owned())
}

fn add_own(
    name: &str,
    code: ErrorCode,
    response: Value,
    responses: &mut Map<String, Value>,
    components: &mut BTreeMap<String, Value>,
) {
    let reference = json!({"$ref": format!("#/components/responses/{name}")});
    responses.insert(code.status().as_str().to_owned(), reference);
    components.insert(name.to_owned(), response);
}

/// Of errors as a client may meet them, and what they mean.
fn response(outcomes: &[(ApiError, String)], schemas: &mut Schemas) -> Value {
    let description: Vec<_> =
        outcomes.iter().map(|(error, meaning)| format!("`{}`: {meaning}", error.code())).collect();
    let mut names: Vec<_> = outcomes.iter().filter_map(|(error, _)| error.header_name()).collect();
    names.dedup();
    let mut headers = headers::references(&names);
    if names.contains(&RETRY_AFTER) && outcomes.iter().any(|(error, _)| error.header_name() != Some(RETRY_AFTER)) {
        headers[headers::written(&RETRY_AFTER)] = headers::retry_after_at_times();
    }
    let id: RequestId = "req_01kdz0v1ctfpat8r05qs7wk4ed".parse().expect("an id");
    let examples: Map<_, _> =
        outcomes.iter().map(|(error, _)| (error.code().to_owned(), json!({"value": error.body(id)}))).collect();
    json!({
        "description": description.join("\n"),
        "headers": headers,
        "content": {"application/json": {"schema": schemas.response::<ErrorBody<'_>>(), "examples": examples}},
    })
}

fn meaning(code: ErrorCode) -> String {
    let meaning = match code {
        ErrorCode::BadRequest => "the request cannot be read.",
        ErrorCode::ValidationFailed => "fields break rules; `fields` says which and how, all at once.",
        ErrorCode::Unauthorized => "the API key is missing, malformed, unknown or revoked.",
        ErrorCode::PaymentRequired => "the workspace holds as many trunks as it may. Nothing was created.",
        ErrorCode::InsufficientScope => "the API key may only read.",
        ErrorCode::SipTrunkNotFound => "the workspace has no such trunk.",
        ErrorCode::PhoneNumberNotFound => "the workspace has no such phone number.",
        ErrorCode::NotFound => "there is nothing at this path.",
        ErrorCode::MethodNotAllowed => "the path does not take this method.",
        ErrorCode::Conflict => "something in LiveKit stands in the way; the message says what. Nothing was created.",
        ErrorCode::IdempotencyConflict => {
            "the `Idempotency-Key` was used with another request, or the first is still running."
        }
        ErrorCode::PreconditionFailed => "the trunk's `ETag` is none that `If-Match` names. Nothing was changed.",
        ErrorCode::PayloadTooLarge => return format!("the body is over {} KiB.", MAX_BODY_BYTES / 1024),
        ErrorCode::UnsupportedMediaType => "the body is not sent as JSON.",
        ErrorCode::InternalError => "something is wrong on our side.",
        ErrorCode::UpstreamFailure => {
            "LiveKit or Secrets Manager refused or failed; `details.upstream` says which. Nothing was created. \
                Safe to retry."
        }
        ErrorCode::ServiceUnavailable => "busy, or a part of the service did not answer in time. Safe to retry.",
    };
    meaning.to_owned()
}

/// An error as a client may meet it.
fn error(code: ErrorCode) -> ApiError {
    match code {
        ErrorCode::BadRequest => ApiError::bad_request("the body must be a JSON object"),
        ErrorCode::ValidationFailed => {
            let mut violations = Violations::default();
            violations.add("direction", "sideways".parse::<Direction>().expect_err("no direction").to_string());
            violations.into()
        }
        ErrorCode::Unauthorized => ApiError::unauthorized(),
        ErrorCode::PaymentRequired => CreateError::AtCap { limit: 20, used: 20 }.into(),
        ErrorCode::InsufficientScope => ApiError::insufficient_scope(),
        ErrorCode::SipTrunkNotFound => ApiError::sip_trunk_not_found(),
        ErrorCode::PhoneNumberNotFound => ApiError::phone_number_not_found(),
        ErrorCode::NotFound => ApiError::not_found(),
        ErrorCode::MethodNotAllowed => ApiError::method_not_allowed(&["GET"]),
        ErrorCode::Conflict => CreateError::Conflict.into(),
        ErrorCode::IdempotencyConflict => KeyUse::Running.into(),
        ErrorCode::PreconditionFailed => UpdateError::PreconditionFailed.into(),
        ErrorCode::PayloadTooLarge => ApiError::payload_too_large(MAX_BODY_BYTES),
        ErrorCode::UnsupportedMediaType => ApiError::unsupported_media_type(&[JSON]),
        ErrorCode::InternalError => CreateError::Internal.into(),
        ErrorCode::UpstreamFailure => CreateError::Upstream(Upstream::LiveKit).into(),
        ErrorCode::ServiceUnavailable => ApiError::service_unavailable(),
    }
}
