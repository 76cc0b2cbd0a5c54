//! SIP addresses against the grammars of RFC 3986 and RFC 1123, and their canonical form against RFC 5952.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

mod oracle;

use std::sync::LazyLock;

use oracle::check;
use oracle::ip::{Ip, any_text, any_v6, damaged, dotted, written};
use proptest::prelude::*;
use proptest::sample::select;
use regex::Regex;
use trunkline_domain::{AddressPolicy, InvalidSipAddress, SipAddress};

/// A host in front of a port that has to be a number of 16 bits other than 0.
static PARTS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^(\\[.*\\]|[^:\\[\\]]*)(?::0*([1-9][0-9]{0,4}))?$").unwrap());

/// RFC 1123 §2.1 with the lengths of RFC 1035 §2.3.4.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    let label = "[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?";
    Regex::new(&format!("^{label}(?:\\.{label})*$")).unwrap()
});

/// What ends in a number is an IPv4 address or a mistake: "ends in a number" of the WHATWG URL Standard.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new("(?:^|\\.)(?:[0-9]+|0[xX][0-9A-Fa-f]*)$").unwrap());

static SCHEME: LazyLock<Regex> = LazyLock::new(|| Regex::new("^(?i:sips?|tel):").unwrap());

/// The canonical form of what any deployment takes.
fn canonical(text: &str) -> Option<String> {
    if SCHEME.is_match(text) {
        return None;
    }
    if let Some(ip) = Ip::read_v6(text) {
        return Some(format!("[{}]", ip.canonical()));
    }
    let parts = PARTS.captures(text)?;
    let host = match parts[1].strip_prefix('[') {
        Some(ip) => format!("[{}]", Ip::read_v6(ip.strip_suffix(']')?)?.canonical()),
        None => match Ip::read(&parts[1]) {
            Some(ip) => ip.canonical(),
            None if parts[1].len() <= 253 && NAME.is_match(&parts[1]) && !NUMBER.is_match(&parts[1]) => {
                parts[1].to_lowercase()
            }
            None => return None,
        },
    };
    match parts.get(2).map(|port| port.as_str().parse::<u32>().unwrap()) {
        Some(65_536..) => None,
        Some(port) => Some(format!("{host}:{port}")),
        None => Some(host),
    }
}

fn any_label() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?",
        1 => "[a-z0-9-]{0,4}",
        1 => "[a-z0-9]{61,65}",
        1 => "(0x|0X)?[0-9a-fA-F]{0,4}",
        1 => select(vec!["xn--mnchen-3ya", "münchen", "sip_1", "com", "LOCAL", "localhost"]).prop_map(str::to_owned),
    ]
}

fn any_host() -> impl Strategy<Value = String> {
    let name = prop::collection::vec(any_label(), 1..6).prop_map(|labels| labels.join("."));
    let long = (250_usize..257, "[a-z]{40,63}", "[a-z]{1,9}").prop_map(|(length, label, last)| {
        let labels = format!("{label}.").repeat(7);
        let at = length - last.len() - 1;
        format!("{}.{last}", labels[..at].trim_end_matches('.'))
    });
    let bracketed = any_v6().prop_flat_map(written).prop_map(|text| format!("[{text}]"));
    prop_oneof![6 => name, 1 => long, 2 => any::<u32>().prop_map(dotted), 2 => bracketed, 2 => any_text()]
}

fn any_address() -> impl Strategy<Value = String> {
    let port = prop_oneof![
        4 => Just(String::new()),
        3 => any::<u16>().prop_map(|port| format!(":{port}")),
        1 => (65_530_u32..65_545).prop_map(|port| format!(":{port}")),
        1 => ":0{0,5}[0-9]{0,6}",
        1 => ":[+-]?[0-9a-f]{0,3}",
    ];
    let scheme = prop_oneof![9 => Just(""), 1 => select(vec!["sip:", "SIPS:", "tel:", "sip://", "a@", "http://"])];
    let rest = select(vec![";transport=tcp", "/", "?a=b", ">", ";", "transport=udp", ":5060", "."]);
    let rest = prop_oneof![9 => Just(""), 1 => rest];
    let built = (scheme, any_host(), port, rest);
    let built = built.prop_map(|(scheme, host, port, rest)| format!("{scheme}{host}{port}{rest}")).boxed();
    prop_oneof![6 => built.clone(), 2 => damaged(built, "aA0.-_:;@/=[]<>?% \0\u{e9}"), 1 => any::<String>()]
}

#[test]
fn a_sip_address_is_a_host_and_a_port_and_kept_canonical() {
    check(10, any_address(), |text| {
        let expected = canonical(&text);
        let read = |text: &str| SipAddress::parse(text, AddressPolicy::AllowPrivate).ok().map(|it| it.to_string());
        prop_assert_eq!(read(&text), expected.clone());
        prop_assert_eq!(SipAddress::from_stored(&text).ok().map(|it| it.to_string()), expected.clone());
        if let Some(kept) = expected {
            prop_assert_eq!(read(&kept), Some(kept));
        }
        Ok(())
    });
}

#[test]
fn what_is_more_than_a_host_and_a_port_is_refused_as_a_uri() {
    let address = any_address().prop_filter("a good address", |text| canonical(text).is_some()).boxed();
    let uri = prop_oneof![
        (select(vec!["sip:", "sips:", "SIP:", "tel:", "a@", "sip:a@", "//"]), address.clone())
            .prop_map(|(before, address)| format!("{before}{address}")),
        (address, select(vec![";transport=tcp", ";", ";lr", "/", "?a=b", ">", "transport=udp"]))
            .prop_map(|(address, after)| format!("{address}{after}")),
    ];
    check(4, uri, |text| {
        for policy in [AddressPolicy::AllowPrivate, AddressPolicy::PublicOnly] {
            // `transport=` holds `=`, which no host may.
            prop_assert_eq!(SipAddress::parse(&text, policy), Err(InvalidSipAddress::Uri));
        }
        Ok(())
    });
}
