//! Bodies against serde_json, and what the contract forbids beyond RFC 8259 against a list of their tokens.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

mod oracle;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use oracle::check;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use regex::Regex;
use secrecy::ExposeSecret;
use serde_json::Value;
use trunkline_domain::{CarrierCredentials, JsonObject};

const CANARY: &str = "c4n4ry";

/// The tokens of RFC 8259; what is between them is space.
static TOKEN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""(?:[^"\\]|\\.)*"|[{}\[\],:]|[^{}\[\],:"\x20\t\r\n]+"#).unwrap());

fn tokens(json: &str) -> Vec<&str> {
    TOKEN.find_iter(json).map(|token| token.as_str()).collect()
}

fn is_accepted(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|value| value.is_object())
        && is_strict(std::str::from_utf8(body).unwrap())
}

/// Of JSON: no key twice in one object, no more than 32 levels, no NUL.
fn is_strict(json: &str) -> bool {
    let tokens = tokens(json);
    let mut open: Vec<BTreeSet<String>> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token.as_bytes()[0] {
            b'{' | b'[' => open.push(BTreeSet::new()),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                let text: String = serde_json::from_str(token).unwrap();
                let is_key = tokens.get(index + 1) == Some(&":");
                if text.contains('\0') || (is_key && !open.last_mut().unwrap().insert(text)) {
                    return false;
                }
            }
            _ => {}
        }
        if open.len() > 32 {
            return false;
        }
    }
    true
}

fn any_string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[a-c]".boxed(),
        1 => select(vec!["\\\"", "\\\\", "\\/", "\\n", "{", "]", ",", ":", " ", "é", "😀"]).prop_map(str::to_owned).boxed(),
        1 => select(vec!["\\u0061", "\\u0062", "\\ud83d\\ude00", "\\u00e9"]).prop_map(str::to_owned).boxed(),
    ];
    let rare = prop_oneof![60 => Just(""), 1 => select(vec!["\\u0000", "\\ud800", "\\x", "\n", "\0"])];
    (vec(piece, 0..3), rare).prop_map(|(pieces, rare)| format!("\"{}{rare}\"", pieces.concat()))
}

fn any_value() -> BoxedStrategy<String> {
    let number = prop_oneof![
        4 => "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        1 => select(vec!["1e308", "1e309", "-1e999", "01", "1.", ".5", "+1", "NaN", "-", "1e"]).prop_map(str::to_owned),
    ];
    let word = select(vec!["null", "true", "false"]).prop_map(str::to_owned);
    let leaf = prop_oneof![4 => any_string(), 2 => word, 1 => number];
    let space = || "[ \t\r\n]{0,2}";
    leaf.prop_recursive(5, 24, 4, move |inner| {
        let list =
            (vec(inner.clone(), 0..4), space()).prop_map(|(items, space)| format!("[{}{space}]", items.join(",")));
        let deep = (inner.clone(), 24_usize..40)
            .prop_map(|(inner, levels)| format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels)));
        prop_oneof![6 => any_object(inner), 5 => list, 1 => deep]
    })
    .boxed()
}

fn any_object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member =
        (any_string(), "[ \t\r\n]{0,2}", value).prop_map(|(key, space, value)| format!("{key}{space}:{value}"));
    (vec(member, 0..4), "[ \t\r\n]{0,2}").prop_map(|(members, space)| format!("{{{space}{}}}", members.join(",")))
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let right = prop_oneof![6 => any_object(any_value()), 1 => any_value()].boxed();
    prop_oneof![
        4 => right.clone().prop_map(String::into_bytes),
        3 => mutated(right),
        1 => vec(any::<u8>(), 0..64),
        1 => "[\\[\\]{}\",:0-9a-z\\\\ ]{0,24}".prop_map(String::into_bytes),
    ]
}

/// A text with one byte replaced, put in or taken out, or the rest cut off.
fn mutated(text: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => select(b"{}[]\",:\\0e \0".to_vec()), 1 => any::<u8>()];
    (text, any::<Index>(), byte, 0..4).prop_map(|(text, at, byte, how)| {
        let mut text = text.into_bytes();
        let at = at.index(text.len());
        match how {
            0 => text[at] = byte,
            1 => text.insert(at, byte),
            2 => drop(text.remove(at)),
            _ => text.truncate(at),
        }
        text
    })
}

#[test]
fn a_body_is_taken_when_it_is_an_object_of_json_that_all_readers_take_alike() {
    let (taken, refused) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    check(6, any_body(), |body| {
        let expected = is_accepted(&body);
        let count = if expected { &taken } else { &refused };
        count.set(count.get() + 1);
        prop_assert_eq!(JsonObject::parse(&body).is_ok(), expected, "{}", String::from_utf8_lossy(&body));
        Ok(())
    });
    assert!(taken.get() > 100 && refused.get() > 100, "{} taken, {} refused", taken.get(), refused.get());
}

#[test]
fn no_refusal_shows_a_secret() {
    let body =
        format!(r#"{{"name":"a","auth_password":"{CANARY}","credentials":{{"token":["{CANARY}"],"{CANARY}":1}}}}"#);
    let twice = body.replace("1}", &format!("1,\"{CANARY}\":2}}"));
    let nul = body.replace(CANARY, &format!("{CANARY}\\u0000"));
    check(4, mutated(select(vec![body, twice, nul])), |body| {
        if let Err(error) = JsonObject::parse(&body) {
            let shown = format!("{error} {error:?}");
            prop_assert!(!shown.contains(CANARY), "{}", shown);
        }
        Ok(())
    });
}

#[test]
fn credentials_are_kept_token_by_token() {
    let object = any_object(any_value()).prop_filter("JSON", |text| serde_json::from_str::<Value>(text).is_ok());
    let long = (8_180_usize..8_200).prop_map(|bytes| format!("{{ \"a\" : \"{}\" }}", "x".repeat(bytes - 8)));
    check(4, prop_oneof![8 => object.boxed(), 1 => long.boxed()], |text| {
        let kept = CarrierCredentials::parse(&text).ok().map(|it| it.expose_secret().to_owned());
        let expected = tokens(&text).concat();
        prop_assert_eq!(kept, (expected.len() <= 8_192).then_some(expected));
        Ok(())
    });
}
