//! Country codes against another crate's list of ISO 3166-1.

mod oracle;

use std::collections::BTreeSet;

use celes::Country;
use oracle::check;
use proptest::prelude::*;
use trunkline_domain::CountryCode;

/// `celes` has Kosovo too, whose code is user-assigned.
fn assigned() -> BTreeSet<&'static str> {
    Country::get_countries().iter().map(|country| country.alpha2).filter(|code| *code != "XK").collect()
}

fn read(text: &str) -> Option<String> {
    CountryCode::parse(text).ok().map(|code| code.to_string())
}

#[test]
fn of_all_pairs_of_letters_in_either_case_the_assigned_ones_are_taken() {
    let assigned = assigned();
    let letters = || ('A'..='Z').chain('a'..='z');
    for first in letters() {
        for second in letters() {
            let text = format!("{first}{second}");
            let upper = text.to_uppercase();
            let expected = assigned.contains(upper.as_str()).then_some(upper);
            assert_eq!(read(&text), expected, "{text}");
        }
    }
}

#[test]
fn nothing_else_is_a_code() {
    let assigned = assigned();
    let texts = prop_oneof![
        2 => any::<String>(),
        2 => "[A-Za-z]{0,4}",
        // `ı` and `ſ` have ASCII letters as their upper case, `K` (Kelvin) one as its lower case.
        2 => "[A-Za-zıſ\u{212a}Ａ ]{2}",
        1 => "[ \n]?[A-Z]{2}[ \n\0]?",
        1 => "[A-Z]{2}-[A-Z]{2}",
    ];
    check(8, texts, |text| {
        let expected = assigned.iter().find(|code| code.eq_ignore_ascii_case(&text));
        prop_assert_eq!(read(&text), expected.map(|code| (*code).to_owned()));
        Ok(())
    });
}
