//! Bodies of trunks to create, and of phone numbers to import.

use std::hash::{DefaultHasher, Hash, Hasher};

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use trunkline_domain::TwilioAccount;

/// The secret's value of a trunk made of [`both`].
pub const FULL_SECRET: &str = r#"{"auth_password":"correct horse","credentials":{"account":"AC-1","pin":[1,2]}}"#;

/// Every optional field set, both directions.
pub fn both() -> Value {
    json!({
        "name": "Front desk",
        "kind": "byoc",
        "direction": "both",
        "sip_address": "sip.example.com:5061",
        "auth_username": "desk",
        "auth_password": "correct horse",
        "inbound_auth": "none",
        "allowed_addresses": ["198.51.100.7", "203.0.113.0/24"],
        "destination_country": "US",
        "transport": "tcp",
        "media_encryption": "require",
        "credentials": {"account": "AC-1", "pin": [1, 2]},
    })
}

/// The least that a carrier's inbound trunk needs.
pub fn inbound() -> Value {
    json!({ "name": "In", "kind": "byoc", "direction": "inbound", "sip_address": "sip.example.com" })
}

/// The least that an outbound trunk needs.
pub fn outbound() -> Value {
    json!({ "name": "Out", "kind": "byoc", "direction": "outbound", "sip_address": "sip.example.com" })
}

/// A trunk for LiveKit's own number.
pub fn livekit() -> Value {
    json!({ "name": "Number", "kind": "livekit", "direction": "inbound" })
}

/// A carrier's phone number, on that trunk.
pub fn number(e164: &str, trunk_id: &str) -> Value {
    json!({ "e164": e164, "provider": "byoc", "trunk_id": trunk_id })
}

/// A phone number of a Twilio account.
pub fn twilio_number(e164: &str, account: &TwilioAccount) -> Value {
    let TwilioAccount { account_sid, auth_token } = account;
    let account = json!({ "account_sid": account_sid.as_str(), "auth_token": auth_token.expose_secret() });
    json!({ "e164": e164, "provider": "twilio", "twilio": account })
}

/// `body` with the fields of `changes` in place of its own.
pub fn with(mut body: Value, changes: Value) -> Value {
    let (fields, Value::Object(changes)) = (body.as_object_mut().unwrap(), changes) else { panic!("not an object") };
    fields.extend(changes);
    body
}

/// `body` without a field.
pub fn without(mut body: Value, field: &str) -> Value {
    body.as_object_mut().unwrap().remove(field).unwrap();
    body
}

/// A phone number that no other test has: LiveKit is one for all, when it is a real one. `place` is one of a test's own
/// hundred.
pub fn e164(place: usize) -> String {
    assert!(place < 100);
    let mut hasher = DefaultHasher::new();
    (std::process::id(), std::thread::current().name()).hash(&mut hasher);
    format!("+49{:09}{place:02}", hasher.finish() % 1_000_000_000)
}
