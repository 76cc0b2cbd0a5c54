//! Bodies of phone numbers against the contract's rules, field by field.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

mod oracle;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use oracle::check;
use proptest::prelude::*;
use proptest::sample::select;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use trunkline_domain::{Change, JsonObject, NewNumber, NumberChange, NumberSpec};

/// In every value that is a secret, and in every one that is wrong.
const CANARY: &str = "c4n4ry";
const TRUNK: &str = "trunk_01kdz0v1ctfpat8r05qs7wk4ed";
const ACCOUNT: &str = "ACdeadbeefdeadbeefdeadbeefdeadbeef";

/// The values of each field: right ones, then wrong ones.
fn values() -> Vec<(&'static str, Vec<Value>, Vec<Value>)> {
    let words = || vec![json!("byoc"), json!("twilio"), json!("livekit")];
    let no_words = || vec![json!("BYOC c4n4ry"), json!(["c4n4ry"])];
    vec![
        ("e164", vec![json!("+12025550123"), json!("+4930123456")], vec![json!("c4n4ry"), json!("+1202"), json!(1)]),
        ("provider", words(), no_words()),
        ("source", words(), no_words()),
        ("label", vec![json!(" Front desk "), json!("é")], vec![json!("c4n4ry\u{7}c"), json!(" "), json!({})]),
        ("trunk_id", vec![json!(TRUNK)], vec![json!("trunk_c4n4ry"), json!(TRUNK.to_uppercase()), json!(7)]),
        (
            "twilio",
            vec![json!({"account_sid": ACCOUNT, "auth_token": "c4n4ry-token"})],
            vec![
                json!("c4n4ry"),
                json!({"account_sid": ACCOUNT}),
                json!({"account_sid": null, "auth_token": "c4n4ry token"}),
                json!({"account_sid": "AC-c4n4ry", "auth_token": "c4n4ry", "sid": "c4n4ry"}),
            ],
        ),
    ]
}

const READ_ONLY: [&str; 6] = ["id", "type", "capabilities", "provider_phone_number_id", "created_at", "updated_at"];
const UNKNOWN: [&str; 4] = ["E164", "labl", "kind", ""];

fn any_body() -> impl Strategy<Value = Map<String, Value>> {
    let fields = values().into_iter().map(|(name, right, wrong)| {
        let seldom = if ["e164", "provider"].contains(&name) { 1 } else { 8 };
        let value = prop_oneof![
            8 => select(right).prop_map(Some),
            1 => select(wrong).prop_map(Some),
            seldom => select(vec![None, Some(Value::Null)]),
        ];
        value.prop_map(move |value| Some((name.to_owned(), value?)))
    });
    let strange = (select([READ_ONLY.as_slice(), &UNKNOWN].concat()), select(vec![Value::Null, json!(CANARY)]));
    let strange = prop_oneof![6 => Just(None), 1 => strange.prop_map(|(name, value)| Some((name.to_owned(), value)))];
    (fields.collect::<Vec<_>>(), strange)
        .prop_map(|(fields, strange)| fields.into_iter().chain([strange]).flatten().collect())
}

/// What is wrong with the fields by themselves, and with those that are none; `null` is a value where it `counts`.
fn wrong_by_themselves(body: &Map<String, Value>, null_counts: bool) -> BTreeSet<String> {
    let mut wrong: BTreeSet<String> = BTreeSet::new();
    for (name, value) in body {
        let of = values().into_iter().find(|(field, ..)| field == name);
        match of {
            Some((_, _, refused)) if refused.contains(value) => wrong.extend(paths(name, value)),
            Some(_) => {}
            None if READ_ONLY.contains(&name.as_str()) && value.is_null() && !null_counts => {}
            None => drop(wrong.insert(name.clone())),
        }
    }
    wrong
}

/// Where a wrong value is wrong.
fn paths(name: &str, value: &Value) -> Vec<String> {
    let Value::Object(account) = value else { return vec![name.to_owned()] };
    if name != "twilio" {
        return vec![name.to_owned()];
    }
    let right = |field: &str| match account.get(field) {
        Some(Value::String(text)) if field == "account_sid" => text == ACCOUNT,
        Some(Value::String(text)) => !text.contains(' '),
        _ => false,
    };
    let missing = ["account_sid", "auth_token"].into_iter().filter(|field| !right(field));
    let unknown = account.keys().map(String::as_str).filter(|field| *field == "sid");
    missing.chain(unknown).map(|field| format!("{name}.{field}")).collect()
}

fn text<'a>(body: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    body.get(field).and_then(Value::as_str)
}

/// The fields that the contract finds something wrong with.
fn violated(body: &Map<String, Value>) -> BTreeSet<String> {
    let given = |field: &str| body.get(field).is_some_and(|value| !value.is_null());
    let mut wrong = wrong_by_themselves(body, false);
    if given("provider") && given("source") {
        // Read as `provider` alone; it must not say anything else.
        wrong.remove("source");
        if body["provider"] != body["source"] {
            wrong.insert("source".to_owned());
        }
    }
    let provider = text(body, if given("provider") { "provider" } else { "source" });
    let refused: &[&str] = match provider {
        Some("byoc") => &["twilio"],
        Some("twilio") => &["trunk_id"],
        Some("livekit") => &["trunk_id", "twilio"],
        _ => &[],
    };
    for field in refused.iter().filter(|field| given(field)) {
        wrong.retain(|path| path.split('.').next() != Some(field));
        wrong.insert((*field).to_owned());
    }
    let rules = [
        ("e164", !given("e164")),
        ("provider", !given("provider") && !given("source")),
        ("trunk_id", provider == Some("byoc") && !given("trunk_id")),
        ("twilio", provider == Some("twilio") && !given("twilio")),
        ("e164", provider == Some("livekit") && text(body, "e164").is_some_and(|e164| !e164.starts_with("+1"))),
    ];
    wrong.extend(rules.into_iter().filter(|(_, broken)| *broken).map(|(field, _)| field.to_owned()));
    wrong
}

fn kept(number: &NewNumber) -> BTreeMap<&'static str, String> {
    let mut kept =
        BTreeMap::from([("e164", number.e164.to_string()), ("provider", number.spec.provider().to_string())]);
    kept.extend(number.label.as_ref().map(|label| ("label", label.to_string())));
    match &number.spec {
        NumberSpec::Byoc { trunk_id } => drop(kept.insert("trunk_id", trunk_id.to_string())),
        NumberSpec::Twilio(account) => {
            kept.insert("account_sid", account.account_sid.to_string());
            kept.insert("auth_token", account.auth_token.expose_secret().to_owned());
        }
        NumberSpec::Livekit => {}
    }
    kept
}

fn expected(body: &Map<String, Value>) -> BTreeMap<&'static str, String> {
    let account = |field: &str| body.get("twilio").and_then(|account| account.get(field)).and_then(Value::as_str);
    let fields = [
        ("e164", text(body, "e164")),
        ("provider", text(body, "provider").or(text(body, "source"))),
        ("label", text(body, "label").map(str::trim)),
        ("trunk_id", text(body, "trunk_id")),
        ("account_sid", account("account_sid")),
        ("auth_token", account("auth_token")),
    ];
    fields.into_iter().filter_map(|(field, text)| Some((field, text?.to_owned()))).collect()
}

fn parsed(body: &Map<String, Value>) -> JsonObject {
    JsonObject::parse(Value::Object(body.clone()).to_string().as_bytes()).unwrap()
}

#[test]
fn a_number_is_refused_for_exactly_the_rules_it_breaks_and_kept_as_given() {
    let (taken, refused) = (Cell::new(0), Cell::new(0));
    check(8, any_body(), |body| {
        match NewNumber::parse(&parsed(&body)) {
            Ok(number) => {
                taken.set(taken.get() + 1);
                prop_assert_eq!(violated(&body), BTreeSet::new());
                prop_assert_eq!(kept(&number), expected(&body));
                let shown = format!("{number:?}");
                prop_assert!(!shown.contains(CANARY), "{}", shown);
            }
            Err(violations) => {
                refused.set(refused.get() + 1);
                prop_assert_eq!(violations.fields().keys().cloned().collect::<BTreeSet<_>>(), violated(&body));
                let shown = format!("{violations} {violations:?}");
                prop_assert!(!shown.contains(CANARY), "{}", shown);
            }
        }
        Ok(())
    });
    assert!(taken.get() > 50 && refused.get() > 100, "{} taken, {} refused", taken.get(), refused.get());
}

#[test]
fn a_patch_sets_and_clears_what_it_names_alone() {
    check(8, any_body(), |mut patch| {
        // What is fixed is refused whatever it says: seldom enough that others are seen.
        if patch.get("e164") == Some(&json!("+12025550123")) {
            patch.retain(|field, _| !["e164", "provider", "source", "twilio"].contains(&field.as_str()));
        }
        let mut wrong = wrong_by_themselves(&patch, true);
        for fixed in ["e164", "provider", "source", "twilio"].iter().filter(|field| patch.contains_key(**field)) {
            wrong.retain(|path| path.split('.').next() != Some(fixed));
            wrong.insert((*fixed).to_owned());
        }
        match NumberChange::parse(&parsed(&patch)) {
            Ok(change) => {
                prop_assert_eq!(wrong, BTreeSet::new());
                prop_assert_eq!(
                    said(&change.label),
                    patch.get("label").map(|label| label.as_str().map(str::trim)).map(owned)
                );
                prop_assert_eq!(said(&change.trunk_id), patch.get("trunk_id").map(Value::as_str).map(owned));
            }
            Err(violations) => {
                prop_assert_eq!(violations.fields().keys().cloned().collect::<BTreeSet<_>>(), wrong);
                let shown = format!("{violations:?}");
                prop_assert!(!shown.contains(CANARY), "{}", shown);
            }
        }
        Ok(())
    });
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

/// As a patch says it: nothing, `null`, or a text.
fn said<T: ToString>(change: &Change<T>) -> Option<Option<String>> {
    match change {
        Change::Keep => None,
        Change::Clear => Some(None),
        Change::Set(value) => Some(Some(value.to_string())),
    }
}
