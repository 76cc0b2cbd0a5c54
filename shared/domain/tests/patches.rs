//! Patches against RFC 7396: what comes of a trunk and a patch is what comes of the trunk's document, merged with the
//! patch by the RFC's own pseudocode, as a new trunk.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use trunkline_domain::{AddressPolicy, JsonObject, NewTrunk, TrunkChange, TrunkSecret};

/// RFC 7396 §2, word by word.
fn merge_patch(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut target = match target {
        Value::Object(target) => target,
        _ => Map::new(),
    };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            let kept = target.remove(name).unwrap_or(Value::Null);
            target.insert(name.clone(), merge_patch(kept, value));
        }
    }
    Value::Object(target)
}

fn created(document: &Value) -> Option<NewTrunk> {
    let body = JsonObject::parse(document.to_string().as_bytes()).unwrap();
    NewTrunk::parse(&body, AddressPolicy::PublicOnly).ok()
}

/// Documents of trunks, with nothing left to a default.
fn documents() -> impl Strategy<Value = Value> {
    let credentials = select(vec![json!({}), json!({"account": "a", "deep": {"x": 1, "y": [1]}})]);
    let parts = (select(vec!["inbound", "outbound", "both"]), any::<bool>(), any::<bool>(), any::<bool>(), credentials);
    parts.prop_map(|(direction, password, digest, other, credentials)| {
        let mut document = json!({
            "name": "Front desk", "kind": "byoc", "direction": direction, "sip_address": "sip.example.com",
            "allowed_addresses": ["198.51.100.0/24"], "transport": "tcp", "media_encryption": "require",
        });
        if password {
            document["auth_username"] = json!("desk");
            document["auth_password"] = json!("correct horse");
        }
        if direction != "outbound" {
            document["inbound_auth"] = json!(if password && digest { "digest" } else { "none" });
        }
        if direction != "inbound" && other {
            document["destination_country"] = json!("DE");
        }
        if other {
            document["credentials"] = credentials;
        }
        document
    })
}

/// What a patch may say, right or wrong, but for `null` where the RFC has a default come back and the contract refuses.
fn patches() -> impl Strategy<Value = Value> {
    let members: Vec<(&str, Vec<Value>)> = vec![
        ("name", vec![json!("Back office"), json!(" padded "), json!(""), json!(1)]),
        ("sip_address", vec![json!("SIP.Example.org:5061"), json!("10.0.0.1"), json!(null)]),
        ("auth_username", vec![json!("other"), json!("a:b"), json!(null)]),
        ("auth_password", vec![json!("new password"), json!(""), json!(null)]),
        ("inbound_auth", vec![json!("digest"), json!("none"), json!("basic")]),
        ("allowed_addresses", vec![json!([]), json!(["203.0.113.7", "203.0.113.7/32"]), json!(["203.0.113.7/24"])]),
        ("destination_country", vec![json!("fr"), json!("UK"), json!(null)]),
        ("transport", vec![json!("tls"), json!("auto"), json!("sctp")]),
        ("media_encryption", vec![json!("disable"), json!(true)]),
        ("credentials", vec![json!({"account": null, "deep": {"x": 2, "y": null}}), json!({}), json!([]), json!(null)]),
    ];
    let member = select(members).prop_flat_map(|(name, values)| (Just(name), select(values)));
    vec(member, 0..5).prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// What the contract has beyond the RFC: `null` for one of the digest credentials clears both.
fn clears_both(document: &mut Value, patch: &Value) {
    let null = |field: &str| patch.get(field).is_some_and(Value::is_null);
    if null("auth_username") || null("auth_password") {
        for field in ["auth_username", "auth_password"] {
            if patch.get(field).is_none_or(Value::is_null) {
                document.as_object_mut().unwrap().remove(field);
            }
        }
    }
}

fn exposed(secret: Option<&TrunkSecret>) -> (Option<String>, Option<Value>) {
    (
        secret.and_then(TrunkSecret::password).map(|password| password.expose_secret().to_owned()),
        secret
            .and_then(TrunkSecret::credentials)
            .map(|credentials| serde_json::from_str(credentials.expose_secret()).unwrap()),
    )
}

proptest! {
    #[test]
    fn a_patched_trunk_is_the_merged_document(document in documents(), patch in patches()) {
        let trunk = created(&document).unwrap();
        let body = JsonObject::parse(patch.to_string().as_bytes()).unwrap();
        let change = TrunkChange::parse(&body, &trunk.settings, AddressPolicy::PublicOnly);
        let mut merged = merge_patch(document, &patch);
        clears_both(&mut merged, &patch);
        match (change, created(&merged)) {
            (Ok(change), Some(expected)) => {
                prop_assert_eq!(&change.settings, &expected.settings);
                let secret = change.secret.apply(trunk.secret.as_ref()).unwrap();
                prop_assert_eq!(exposed(secret.as_ref()), exposed(expected.secret.as_ref()));
                if !change.secret.changes(trunk.secret.is_some()) {
                    prop_assert_eq!(exposed(secret.as_ref()), exposed(trunk.secret.as_ref()));
                }
            }
            (Err(violations), None) => {
                for field in violations.fields().keys() {
                    let field = field.split('[').next().unwrap();
                    let about_a_pair = field.starts_with("auth_") || field == "inbound_auth";
                    prop_assert!(about_a_pair || patch.get(field).is_some(), "{}", field);
                }
            }
            (Ok(_), None) => prop_assert!(false, "{patch} is taken, {merged} is not"),
            (Err(violations), Some(_)) => prop_assert!(false, "{patch} is refused for {violations:?}"),
        }
    }
}
