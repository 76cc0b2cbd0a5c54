//! Which addresses are public, against IANA's registries.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

mod oracle;

use oracle::check;
use oracle::ip::Ip;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseResult;
use trunkline_domain::{AddressPolicy, InvalidSipAddress, SipAddress};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Public,
    Special,
    /// As public as the IPv4 address that ends that many bits above the last one.
    AsIpv4(u32),
}
use Verdict::{AsIpv4, Public, Special};

/// The IPv4 Special-Purpose Address Registry by its column "Globally Reachable"
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry>), with the reason where the service differs.
const V4: &[(&str, Verdict)] = &[
    ("0.0.0.0/0", Public),
    ("0.0.0.0/8", Special),
    ("0.0.0.0/32", Special),
    ("10.0.0.0/8", Special),
    ("100.64.0.0/10", Special),
    ("127.0.0.0/8", Special),
    ("169.254.0.0/16", Special),
    ("172.16.0.0/12", Special),
    ("192.0.0.0/24", Special),
    ("192.0.0.0/29", Special),
    ("192.0.0.8/32", Special),
    // Globally reachable: the anycast addresses of PCP and TURN, which the own network answers (RFC 7723, RFC 8155).
    ("192.0.0.9/32", Special),
    ("192.0.0.10/32", Special),
    ("192.0.0.170/32", Special),
    ("192.0.0.171/32", Special),
    ("192.0.2.0/24", Special),
    ("192.31.196.0/24", Public),
    ("192.52.193.0/24", Public),
    // Deprecated, without a verdict: relays of 6to4, anycast.
    ("192.88.99.0/24", Special),
    ("192.88.99.2/32", Special),
    ("192.168.0.0/16", Special),
    ("192.175.48.0/24", Public),
    ("198.18.0.0/15", Special),
    ("198.51.100.0/24", Special),
    ("203.0.113.0/24", Special),
    ("240.0.0.0/4", Special),
    ("255.255.255.255/32", Special),
    // Multicast has a registry of its own (RFC 5771).
    ("224.0.0.0/4", Special),
    // In no registry: Azure's wire server, which answers every machine there.
    ("168.63.129.16/32", Special),
];

/// The IPv6 Special-Purpose Address Registry (<https://www.iana.org/assignments/iana-ipv6-special-registry>) on the
/// address space (<https://www.iana.org/assignments/ipv6-address-space>).
const V6: &[(&str, Verdict)] = &[
    ("::/0", Special),
    ("2000::/3", Public),
    ("fc00::/7", Special),
    ("fe80::/10", Special),
    ("fec0::/10", Special),
    ("ff00::/8", Special),
    ("::/128", Special),
    ("::1/128", Special),
    // Not reachable as such: a socket takes it for the IPv4 address.
    ("::ffff:0:0/96", AsIpv4(0)),
    // Globally reachable, and translated to the IPv4 address (RFC 6052 §3.1).
    ("64:ff9b::/96", AsIpv4(0)),
    ("64:ff9b:1::/48", Special),
    ("100::/64", Special),
    ("100:0:0:1::/64", Special),
    ("2001::/23", Special),
    ("2001::/32", Special),
    // Globally reachable, and no carrier's: anycast of PCP, TURN, SRP, AMT, AS112, and identifiers that are not locations
    // (ORCHIDv2, DRIP).
    ("2001:1::1/128", Special),
    ("2001:1::2/128", Special),
    ("2001:1::3/128", Special),
    ("2001:3::/32", Special),
    ("2001:4:112::/48", Special),
    ("2001:20::/28", Special),
    ("2001:30::/28", Special),
    ("2001:2::/48", Special),
    ("2001:10::/28", Special),
    ("2001:db8::/32", Special),
    // No verdict: 6to4 reaches the IPv4 address (RFC 3056 §2).
    ("2002::/16", AsIpv4(80)),
    ("2620:4f:8000::/48", Public),
    ("3fff::/20", Special),
    ("5f00::/16", Special),
];

#[derive(Debug, Clone, Copy)]
struct Block {
    first: Ip,
    prefix: u32,
    verdict: Verdict,
}

fn blocks(table: &[(&str, Verdict)]) -> Vec<Block> {
    let block = |(network, verdict): &(&str, Verdict)| {
        let (first, prefix) = network.split_once('/').unwrap();
        let (first, prefix) = (Ip::read(first).unwrap(), prefix.parse().unwrap());
        assert_eq!(first.network(prefix), first, "{network}");
        Block { first, prefix, verdict: *verdict }
    };
    table.iter().map(block).collect()
}

/// What the narrowest block around an address says.
fn is_public(ip: Ip) -> bool {
    let blocks = blocks(if matches!(ip, Ip::V4(_)) { V4 } else { V6 });
    let around = blocks.iter().filter(|block| ip.network(block.prefix) == block.first);
    match around.max_by_key(|block| block.prefix).unwrap().verdict {
        Public => true,
        Special => false,
        AsIpv4(above) => is_public(Ip::V4((ip.value() >> above) as u32)),
    }
}

fn ip(like: Ip, value: u128) -> Ip {
    match like {
        Ip::V4(_) => Ip::V4(value as u32),
        Ip::V6(_) => Ip::V6(value),
    }
}

/// The last address of a block.
fn last(block: &Block) -> u128 {
    let host = block.first.bits() - block.prefix;
    block.first.value() | u128::MAX.checked_shr(128 - host).unwrap_or(0)
}

/// The addresses on both sides of a block's two edges.
fn edges(block: &Block) -> [Ip; 4] {
    let (first, last) = (block.first.value(), last(block));
    [first.wrapping_sub(1), first, last, last.wrapping_add(1)].map(|value| ip(block.first, value))
}

fn agrees(ip: Ip, port: &str) -> TestCaseResult {
    let text = match ip {
        Ip::V4(_) => ip.canonical(),
        Ip::V6(_) => format!("[{}]", ip.canonical()),
    };
    let read = SipAddress::parse(&format!("{text}{port}"), AddressPolicy::PublicOnly);
    let expected = if is_public(ip) { Ok(format!("{text}{port}")) } else { Err(InvalidSipAddress::NotPublic) };
    prop_assert_eq!(read.map(|address| address.to_string()), expected, "{}", text);
    Ok(())
}

#[test]
fn every_block_begins_and_ends_where_the_registry_says() {
    for block in blocks(V4).iter().chain(&blocks(V6)) {
        for ip in edges(block) {
            agrees(ip, "").unwrap();
        }
    }
}

#[test]
fn an_address_is_public_where_the_registries_say_so() {
    let v4 = select(blocks(V4));
    let block = prop_oneof![v4.clone(), select(blocks(V6))];
    let inside = (block, any::<u128>()).prop_map(|(block, random)| {
        let host = last(&block) ^ block.first.value();
        ip(block.first, block.first.value() | random & host)
    });
    // An address of IPv4 at an edge or in a block, in each form of IPv6 that carries one.
    let embedded =
        (v4, any::<Index>(), any::<u32>(), any::<u128>(), 0..4).prop_map(|(block, edge, random, rest, how)| {
            let v4 = match edge.index(5) {
                4 => block.first.value() | u128::from(random) & (last(&block) ^ block.first.value()),
                edge => edges(&block)[edge].value(),
            };
            Ip::V6(match how {
                0 => 0xffff << 32 | v4,
                1 => 0x64_ff9b << 96 | v4,
                2 => 0x2002 << 112 | v4 << 80 | rest >> 48,
                _ => v4,
            })
        });
    let address = prop_oneof![4 => inside, 3 => embedded, 1 => any::<u32>().prop_map(Ip::V4), 1 => any::<u128>().prop_map(Ip::V6)];
    check(6, (address, select(vec!["", ":5060"])), |(ip, port)| agrees(ip, port));
}

/// Names that mean something inside a network only: RFC 6761, RFC 6762, RFC 8375, and ICANN's `.internal`.
#[test]
fn a_name_is_public_unless_only_a_network_knows_it() {
    let top = select(vec!["localhost", "local", "internal", "home.arpa", "arpa", "com", "LOCAL", "Home.Arpa", "x"]);
    let name = (prop::collection::vec("[a-z]{1,8}|local|home|internal", 0..3), top);
    let name = name.prop_map(|(mut labels, top)| {
        labels.push(top.to_owned());
        labels.join(".")
    });
    check(4, name, |name| {
        let lower = name.to_lowercase();
        let labels: Vec<_> = lower.split('.').rev().collect();
        let known_inside = matches!(labels[..], [_] | ["localhost" | "local" | "internal", ..] | ["arpa", "home", ..]);
        let expected = if known_inside { Err(InvalidSipAddress::NotPublic) } else { Ok(lower.clone()) };
        let read = SipAddress::parse(&name, AddressPolicy::PublicOnly);
        prop_assert_eq!(read.map(|address| address.to_string()), expected);
        Ok(())
    });
}
