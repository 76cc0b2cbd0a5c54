//! Names, user names and passwords against regular expressions.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

mod oracle;

use oracle::check;
use proptest::prelude::*;
use regex::Regex;
use trunkline_domain::{AuthPassword, AuthUsername, TrunkName};

fn any_text(longest: usize) -> impl Strategy<Value = String> {
    let edge = longest - 2..longest + 3;
    prop_oneof![
        2 => any::<String>(),
        2 => "[ -~]{0,20}",
        1 => prop::collection::vec(prop::char::range('!', '~'), edge.clone()).prop_map(String::from_iter),
        1 => prop::collection::vec(prop::char::range('à', 'ÿ'), edge.clone()).prop_map(String::from_iter),
        1 => edge.prop_map(|length| format!(" {}\u{2003}", "x".repeat(length))),
        1 => "[ \t\n\u{a0}]{0,3}[a-z]{0,3}[ \0\t\u{85}\u{7f}\u{2028}\u{200b}:]?[a-z]{0,2}[ \r\u{3000}]{0,2}",
    ]
}

#[test]
fn a_name_is_trimmed_and_has_1_to_128_characters_without_controls() {
    let rule = Regex::new(r"^\p{White_Space}*(\P{Cc}{1,128}?)\p{White_Space}*$").unwrap();
    check(4, any_text(128), |text| {
        let trimmed = rule.captures(&text).map(|found| found[1].to_owned());
        let expected = trimmed.filter(|name| !name.starts_with(char::is_whitespace));
        prop_assert_eq!(TrunkName::parse(&text).ok().map(|name| name.to_string()), expected);
        Ok(())
    });
}

#[test]
fn a_user_name_has_1_to_128_visible_ascii_characters_without_colon() {
    let rule = Regex::new("^[!-9;-~]{1,128}$").unwrap();
    check(4, any_text(128), |text| {
        let read = AuthUsername::parse(&text).ok().map(|name| name.to_string());
        prop_assert_eq!(read, rule.is_match(&text).then_some(text));
        Ok(())
    });
}

#[test]
fn a_password_has_1_to_256_characters_without_controls() {
    use secrecy::ExposeSecret as _;
    let rule = Regex::new(r"^\P{Cc}{1,256}$").unwrap();
    check(4, any_text(256), |text| {
        let read = AuthPassword::parse(&text);
        prop_assert_eq!(read.ok().map(|it| it.expose_secret().to_owned()), rule.is_match(&text).then_some(text));
        Ok(())
    });
}
