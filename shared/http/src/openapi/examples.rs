use jiff::Timestamp;
use serde_json::{Value, json};
use trunkline_domain::{
    AddressPolicy, Binding, BoundNumbers, Direction, InboundObjects, JsonObject, LiveKitObjects, NewNumber, NewTrunk,
    OutboundObjects, PhoneNumber, Trunk, TrunkId, WorkspaceId,
};

use crate::handlers::list_phone_numbers::NumberPageBody;
use crate::handlers::list_sip_trunks::PageBody;
use crate::phone_number_body::PhoneNumberBody;
use crate::trunk_body::TrunkBody;

fn both() -> Value {
    json!({
        "name": "Front desk",
        "kind": "byoc",
        "direction": "both",
        "sip_address": "sip.carrier.example.com",
        "auth_username": "acme",
        "auth_password": "correct horse battery staple",
        "allowed_addresses": ["198.51.100.0/24"],
        "transport": "tcp",
    })
}

/// Bodies of `POST /sip-trunks`.
pub(super) fn new_trunks() -> Value {
    json!({
        "both": {"summary": "A carrier's trunk, both ways", "value": both()},
        "inbound": {
            "summary": "A number of LiveKit's own",
            "value": {"name": "Reception", "kind": "livekit", "direction": "inbound"},
        },
    })
}

/// Bodies of `PATCH /sip-trunks/{id}`.
pub(super) fn patches() -> Value {
    json!({
        "password": {
            "summary": "Another password for the same user name",
            "value": {"auth_password": "wrong donkey capacitor clip"},
        },
        "clear": {
            "summary": "No credentials and no country",
            "value": {"auth_username": null, "destination_country": null},
        },
        "auth_token": {
            "summary": "The new auth token of a Twilio account",
            "value": {"credentials": {"auth_token": "your_new_auth_token"}},
        },
    })
}

/// The answer to the first new trunk.
pub(super) fn trunk() -> Value {
    json!(TrunkBody::new(&created(), &"sip.example.com".parse().expect("a host")))
}

/// A list of it alone.
pub(super) fn page() -> Value {
    let trunk = created();
    let trunks = vec![TrunkBody::new(&trunk, &"sip.example.com".parse().expect("a host"))];
    json!(PageBody { trunks, next_cursor: None, has_more: false })
}

fn created() -> Trunk {
    let body = JsonObject::parse(both().to_string().as_bytes()).expect("a JSON object");
    let new = NewTrunk::parse(&body, AddressPolicy::PublicOnly).expect("a valid trunk");
    let livekit = LiveKitObjects::Both(
        InboundObjects { trunk_id: "ST_3KpZ8sXvQm2a".to_owned(), dispatch_rule_id: "SDR_9dTqLw4hYc6e".to_owned() },
        OutboundObjects { trunk_id: "ST_b7RfUj5nGk1x".to_owned() },
    );
    Trunk {
        id: trunk_id(),
        workspace_id: WorkspaceId::new(),
        settings: new.settings,
        livekit,
        twilio: None,
        numbers: BoundNumbers::new(),
        version: Trunk::FIRST_VERSION,
        created_at: moment(),
        updated_at: moment(),
    }
}

fn trunk_id() -> TrunkId {
    "trunk_01kdz0v1ctfpat8r05qs7wk4ed".parse().expect("an id")
}

fn moment() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().expect("a time")
}

fn byoc() -> Value {
    json!({"e164": "+12025550123", "provider": "byoc", "label": "Front desk", "trunk_id": trunk_id()})
}

fn twilio() -> Value {
    json!({
        "e164": "+4930123456",
        "provider": "twilio",
        "twilio": {"account_sid": "AC00000000000000000000000000000000", "auth_token": "your_auth_token"},
    })
}

fn livekits() -> Value {
    json!({"e164": "+12025550124", "provider": "livekit"})
}

/// Bodies of `POST /phone-numbers`.
pub(super) fn new_numbers() -> Value {
    json!({
        "byoc": {"summary": "A number of the customer's carrier, on the trunk to that carrier", "value": byoc()},
        "twilio": {"summary": "A number on the customer's Twilio account", "value": twilio()},
        "livekit": {"summary": "A number of LiveKit's own", "value": livekits()},
    })
}

/// The answers to them.
pub(super) fn imported_numbers() -> Value {
    let twilio = imported(&twilio(), Direction::Both, Some("PN00000000000000000000000000000000"));
    let livekit = imported(&livekits(), Direction::Inbound, Some("PN_PPN_3KpZ8sXvQm2a"));
    json!({
        "byoc": {"summary": "A number of the customer's carrier", "value": number()},
        "twilio": {
            "summary": "A number on the customer's Twilio account, on the trunk that the account's numbers share",
            "value": PhoneNumberBody::new(&twilio),
        },
        "livekit": {
            "summary": "A number of LiveKit's own, on a trunk of its own",
            "value": PhoneNumberBody::new(&livekit),
        },
    })
}

/// Bodies of `PATCH /phone-numbers/{id}`.
pub(super) fn number_patches() -> Value {
    json!({
        "label": {"summary": "Another label", "value": {"label": "Reception"}},
        "unbind": {"summary": "No label and no trunk", "value": {"label": null, "trunk_id": null}},
    })
}

/// The answer to the first new number.
pub(super) fn number() -> Value {
    json!(PhoneNumberBody::new(&carriers()))
}

/// A list of it alone.
pub(super) fn number_page() -> Value {
    let number = carriers();
    json!(NumberPageBody { numbers: vec![PhoneNumberBody::new(&number)], next_cursor: None, has_more: false })
}

fn carriers() -> PhoneNumber {
    imported(&byoc(), Direction::Both, None)
}

/// The number that `body` imports.
fn imported(body: &Value, direction: Direction, provider_phone_number_id: Option<&str>) -> PhoneNumber {
    let body = JsonObject::parse(body.to_string().as_bytes()).expect("a JSON object");
    let new = NewNumber::parse(&body).expect("a valid number");
    PhoneNumber {
        id: "phone_01kdz0v1ctfpat8r05qs7wk4ed".parse().expect("an id"),
        workspace_id: WorkspaceId::new(),
        e164: new.e164,
        provider: new.spec.provider(),
        label: new.label,
        binding: Some(Binding { trunk_id: trunk_id(), direction }),
        provider_phone_number_id: provider_phone_number_id.map(str::to_owned),
        version: PhoneNumber::FIRST_VERSION,
        created_at: moment(),
        updated_at: moment(),
    }
}
