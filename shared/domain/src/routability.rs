//! Which addresses the public Internet routes: the special-purpose registries of RFC 6890 (IANA), and the
//! clouds' metadata services.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which carrier addresses a deployment takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Publicly routable ones only: LiveKit dials whatever it is told, also inside the network it runs in.
    PublicOnly,
    /// Any (`ALLOW_PRIVATE_SIP_ADDRESSES=true`).
    AllowPrivate,
}

pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// 192.0.0.0/24 and 2001::/23, the IETF's protocol assignments, are refused whole: what is globally reachable there is
/// anycast and identifiers, never a carrier.
fn is_public_v4(ip: Ipv4Addr) -> bool {
    // The wire server of every Azure machine, a metadata service in a public range.
    const AZURE_WIRE_SERVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    let [a, b, c, _] = ip.octets();
    let special = a == 0
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 224
        || ip == AZURE_WIRE_SERVER;
    !special
}

/// Global unicast is 2000::/3 (RFC 4291 §2.4); addresses that carry an IPv4 address are as public as that one.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        [0x2001, 0..0x200, ..] | [0x2001, 0xdb8, ..] => false,
        [0x3fff, 0..0x1000, ..] => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

/// Not what means something inside a network only: single labels, `localhost` (RFC 6761), `.local` (RFC 6762),
/// `home.arpa` (RFC 8375), and ICANN's `.internal`, where the clouds' metadata services live.
pub(crate) fn is_public_name(name: &str) -> bool {
    let special = ["localhost", "local", "internal"];
    let mut labels = name.rsplit('.');
    match (labels.next(), labels.next()) {
        (Some("arpa"), Some("home")) => false,
        (Some(top), Some(_)) => !special.contains(&top),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_purpose_addresses_are_not_public() {
        for ip in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "100.100.100.200",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::",
            "3fff::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn their_neighbours_are() {
        for ip in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860::8888",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::",
            "3fff:1000::1",
        ] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }
}
