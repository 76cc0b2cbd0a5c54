//! Allowed addresses against arithmetic on 32 and 128 bits (RFC 4632 §3.1, RFC 4291 §2.3).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

mod oracle;

use std::sync::LazyLock;

use oracle::check;
use oracle::ip::{Ip, any_text, any_v6, damaged, dotted, written};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use regex::Regex;
use serde_json::json;
use trunkline_domain::{AddressPolicy, AllowedAddress, JsonObject, NewTrunk};

static PREFIX: LazyLock<Regex> = LazyLock::new(|| Regex::new("^(?:0|[1-9][0-9]{0,2})$").unwrap());

/// What is kept; or the network that was meant, if one was.
fn expected(text: &str) -> Result<String, Option<String>> {
    let (ip, prefix) = match text.split_once('/') {
        Some((ip, prefix)) if PREFIX.is_match(prefix) => (ip, Some(prefix.parse().unwrap())),
        Some(_) => return Err(None),
        None => (text, None),
    };
    let ip = Ip::read(ip).ok_or(None)?;
    let prefix: u32 = prefix.unwrap_or(ip.bits());
    if prefix > ip.bits() {
        return Err(None);
    }
    // An IPv4 caller comes with its IPv4 address (RFC 4291 §2.5.5.2).
    let (ip, prefix) = match ip {
        Ip::V6(value) if value >> 32 == 0xffff && prefix >= 96 => (Ip::V4(value as u32), prefix - 96),
        _ => (ip, prefix),
    };
    let network = ip.network(prefix);
    let name = match prefix == ip.bits() {
        true => network.canonical(),
        false => format!("{}/{prefix}", network.canonical()),
    };
    if network == ip { Ok(name) } else { Err(Some(name)) }
}

fn any_entry() -> impl Strategy<Value = String> {
    let network = |ip: Ip, prefix: u32, exact: bool| {
        let prefix = prefix.min(ip.bits());
        (if exact { ip.network(prefix) } else { ip }, prefix)
    };
    let v4 = (any::<u32>(), 0_u32..=32, any::<bool>()).prop_map(move |(value, prefix, exact)| {
        let (ip, prefix) = network(Ip::V4(value), prefix, exact);
        format!("{}/{prefix}", dotted(ip.value() as u32))
    });
    let v6 = (any_v6(), prop_oneof![0_u32..=128, 94_u32..=128], any::<bool>()).prop_flat_map(
        move |(value, prefix, exact)| {
            let (ip, prefix) = network(Ip::V6(value), prefix, exact);
            written(ip.value()).prop_map(move |text| format!("{text}/{prefix}"))
        },
    );
    let right = prop_oneof![v4, v6, any_text()].boxed();
    let prefix = prop_oneof![
        "[0-9]{0,4}",
        "[+-]?[0-9]{1,2}",
        select(vec!["255.0.0.0", "x", " 8", "8/8"]).prop_map(str::to_owned)
    ];
    let odd = (any_text(), prefix).prop_map(|(text, prefix)| format!("{text}/{prefix}"));
    prop_oneof![6 => right.clone(), 2 => damaged(right, "0123456789af:./ \0"), 2 => odd, 1 => any::<String>()]
}

#[test]
fn an_entry_is_kept_canonical_or_refused_with_the_network_that_was_meant() {
    check(12, any_entry(), |text| {
        let read = AllowedAddress::parse(&text);
        match expected(&text) {
            Ok(kept) => {
                let read = read.map_err(|error| TestCaseError::fail(format!("refused: {error}")))?;
                prop_assert_eq!(read.to_string(), kept.as_str());
                prop_assert_eq!(AllowedAddress::parse(&kept), Ok(read));
                prop_assert_eq!(read.is_everything(), kept.ends_with("/0"));
            }
            Err(meant) => {
                let message = match meant {
                    Some(network) => format!("has host bits set: did you mean {network}?"),
                    None => "must be an IPv4 or IPv6 address or a CIDR network".to_owned(),
                };
                prop_assert_eq!(read.map_err(|error| error.to_string()), Err(message));
            }
        }
        Ok(())
    });
}

#[test]
fn a_list_folds_its_duplicates_and_has_at_most_64_entries() {
    let few = (0_u32..6, prop_oneof![Just(32_u32), 29_u32..=32]).prop_flat_map(|(value, prefix)| {
        let Ip::V4(value) = Ip::V4(0xcb00_7100 + value).network(prefix) else { unreachable!() };
        let plain = dotted(value);
        prop_oneof![
            Just(format!("{plain}/{prefix}")),
            Just(if prefix == 32 { plain.clone() } else { format!("{plain}/{prefix}") }),
            Just(format!("::FFFF:{plain}/{}", prefix + 96)),
        ]
    });
    check(1, vec(few, 0..70), |list| {
        let body = json!({ "name": "a", "kind": "byoc", "direction": "inbound", "sip_address": "sip.example.com",
            "allowed_addresses": list });
        let body = JsonObject::parse(body.to_string().as_bytes()).unwrap();
        let read = NewTrunk::parse(&body, AddressPolicy::PublicOnly);
        if list.len() > 64 {
            let fields = read.unwrap_err().fields().clone();
            prop_assert_eq!(fields.into_keys().collect::<Vec<_>>(), ["allowed_addresses"]);
            return Ok(());
        }
        let mut folded: Vec<String> = Vec::new();
        for kept in list.iter().map(|text| expected(text).unwrap()) {
            if !folded.contains(&kept) {
                folded.push(kept);
            }
        }
        let kept = read.unwrap().settings.allowed_addresses;
        prop_assert_eq!(kept.iter().map(AllowedAddress::to_string).collect::<Vec<_>>(), folded);
        Ok(())
    });
}
