//! Ids against the TypeID specification as arithmetic: a number of 128 bits in 26 digits of base 32.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

mod oracle;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;
use std::time::SystemTime;

use oracle::{check, ip::damaged};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde::Serialize;
use serde::de::DeserializeOwned;
use trunkline_domain::{PhoneNumberId, RequestId, SweepId, TrunkId, WorkspaceId};

const DIGITS: &str = "0123456789abcdefghjkmnpqrstvwxyz";

fn encode(prefix: &str, mut number: u128) -> String {
    let mut digits = Vec::new();
    for _ in 0..26 {
        digits.push(char::from(DIGITS.as_bytes()[(number % 32) as usize]));
        number /= 32;
    }
    format!("{prefix}_{}", digits.iter().rev().collect::<String>())
}

fn decode(prefix: &str, text: &str) -> Option<u128> {
    let digits = text.strip_prefix(prefix)?.strip_prefix('_')?;
    if digits.len() != 26 {
        return None;
    }
    digits.chars().try_fold(0_u128, |number, digit| {
        number.checked_mul(32)?.checked_add(u128::try_from(DIGITS.find(digit)?).unwrap())
    })
}

/// A UUIDv7 of that millisecond (RFC 9562 §5.7).
fn uuid_v7(millisecond: u64, random: u128) -> u128 {
    let fixed = u128::from(millisecond) << 80 | 7 << 76 | 2 << 62;
    fixed | random & ((0xfff << 64) | ((1 << 62) - 1))
}

fn any_number() -> impl Strategy<Value = u128> {
    let v7 = (0..1_u64 << 48, any::<u128>()).prop_map(|(millisecond, random)| uuid_v7(millisecond, random));
    prop_oneof![2 => v7, 1 => any::<u128>(), 1 => prop::sample::select(vec![0, 1, u128::MAX])]
}

fn any_text() -> impl Strategy<Value = String> {
    let prefix = prop_oneof![
        8 => prop::sample::select(vec!["trunk", "phone", "ws", "req", "sweep"]).prop_map(str::to_owned),
        1 => "[a-z_]{0,8}",
        1 => prop::sample::select(vec!["TRUNK", "Trunk", " trunk", "trunk_", "_trunk", "trunk_ws"]).prop_map(str::to_owned),
    ];
    let right = (prefix, any_number()).prop_map(|(prefix, number)| encode(&prefix, number)).boxed();
    prop_oneof![
        3 => right.clone(),
        3 => damaged(right.clone(), "0789aAilouzZ_- \0é"),
        1 => right.clone().prop_map(|text| text.to_uppercase()),
        1 => right.prop_map(|text| text.split('_').next_back().unwrap().to_owned()),
        2 => "(trunk|phone|ws|req|sweep)_[0-9a-hjkmnp-tv-z]{26}",
        1 => "trunk_[0-9a-z]{25,27}",
        1 => "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        1 => any::<String>(),
    ]
}

fn reads_as_specified<T>(prefix: &str, text: &str) -> TestCaseResult
where
    T: FromStr + Display + Serialize + DeserializeOwned,
{
    let expected = decode(prefix, text).map(|number| encode(prefix, number));
    prop_assert_eq!(text.parse::<T>().ok().map(|id| id.to_string()), expected.clone());
    let json = serde_json::to_string(text).unwrap();
    let read = serde_json::from_str::<T>(&json).ok();
    prop_assert_eq!(read.as_ref().map(T::to_string), expected.clone());
    prop_assert_eq!(read.map(|id| serde_json::to_string(&id).unwrap()), expected.map(|_| json));
    Ok(())
}

#[test]
fn an_id_is_read_as_the_specification_says_and_no_other_form_is() {
    check(16, any_text(), |text| {
        reads_as_specified::<TrunkId>("trunk", &text)?;
        reads_as_specified::<PhoneNumberId>("phone", &text)?;
        reads_as_specified::<WorkspaceId>("ws", &text)?;
        reads_as_specified::<RequestId>("req", &text)?;
        reads_as_specified::<SweepId>("sweep", &text)
    });
}

#[test]
fn ids_sort_by_time_as_ids_and_as_text() {
    let moment = (0..1_u64 << 48, any::<u128>());
    let near = (moment.clone(), any::<u128>(), 0_u64..3);
    let near = near.prop_map(|((millisecond, a), b, later)| ((millisecond, a), ((millisecond + later) % (1 << 48), b)));
    check(4, prop_oneof![near, (moment.clone(), moment)], |(a, b)| {
        let text = |(millisecond, random)| encode("trunk", uuid_v7(millisecond, random));
        let id = |moment| text(moment).parse::<TrunkId>().unwrap();
        if a.0 != b.0 {
            prop_assert_eq!(id(a).cmp(&id(b)), a.0.cmp(&b.0));
        }
        prop_assert_eq!(id(a).cmp(&id(b)), text(a).cmp(&text(b)));
        Ok(())
    });
}

#[test]
fn a_new_id_is_a_uuid_v7_of_now_and_nobody_elses() {
    let now = || u64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let mut seen = BTreeSet::new();
    for _ in 0..1_000 {
        let before = now();
        let id = TrunkId::new();
        let number = decode("trunk", &id.to_string()).unwrap();
        let millisecond = u64::try_from(number >> 80).unwrap();
        assert!((before..=now()).contains(&millisecond), "{id}");
        assert_eq!(number, uuid_v7(millisecond, number), "{id}");
        assert!(seen.insert(number), "{id}");
    }
}
