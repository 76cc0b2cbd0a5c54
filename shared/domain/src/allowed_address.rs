use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Serialize, Serializer};

/// A source that may call a trunk: an address or a network. Kept canonical; a network of one address is
/// that address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedAddress(IpNet);

/// Why a source is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAllowedAddress {
    /// Neither an address nor a network.
    #[error("must be an IPv4 or IPv6 address or a CIDR network")]
    Malformed,
    /// An address inside a network, written as the network.
    #[error("has host bits set: did you mean {0}?")]
    HostBits(IpNet),
}

impl AllowedAddress {
    /// Parses an address or a network.
    ///
    /// # Errors
    /// When it is neither, or a network with host bits set.
    pub fn parse(text: &str) -> Result<Self, InvalidAllowedAddress> {
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self(unmapped(ip.into())));
        }
        let network = unmapped(parse_network(text).ok_or(InvalidAllowedAddress::Malformed)?);
        if network.trunc() != network {
            return Err(InvalidAllowedAddress::HostBits(network.trunc()));
        }
        Ok(Self(network))
    }

    /// Whether this is every address there is.
    pub fn is_everything(&self) -> bool {
        self.0.prefix_len() == 0
    }
}

/// Not `ipnet`'s own reading, which takes `010.0.0.0/8` for 10.0.0.0/8, where others read an octal number.
fn parse_network(text: &str) -> Option<IpNet> {
    let (ip, digits) = text.split_once('/')?;
    let prefix: u8 = digits.parse().ok()?;
    if prefix.to_string() != digits {
        return None;
    }
    IpNet::new(ip.parse().ok()?, prefix).ok()
}

/// An IPv4 caller comes with its IPv4 address, never with one mapped into IPv6 (`::ffff:0:0/96`).
fn unmapped(network: IpNet) -> IpNet {
    const PREFIX: u8 = 96;
    match (network.addr().to_canonical(), network) {
        (IpAddr::V4(ip), IpNet::V6(mapped)) if mapped.prefix_len() >= PREFIX => {
            Ipv4Net::new_assert(ip, mapped.prefix_len() - PREFIX).into()
        }
        _ => network,
    }
}

impl fmt::Display for AllowedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

impl Serialize for AllowedAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

// The longest is an IPv6 address of 45 characters (RFC 4291 §2.2, form 3) and `/128`.
#[cfg(feature = "openapi")]
crate::schema::text!(AllowedAddress, {
    "format": "ip-network",
    "pattern": "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$",
    "maxLength": 49,
    "examples": ["198.51.100.0/24"],
}, shown {
    "pattern": format!("^({IPV4}(/([12]?[0-9]|3[01]))?|{IPV6}(/([1-9]?[0-9]|1[01][0-9]|12[0-7]))?)$"),
});

#[cfg(feature = "openapi")]
const IPV4: &str = r"([0-9]{1,3}\.){3}[0-9]{1,3}";
#[cfg(feature = "openapi")]
const IPV6: &str = "[0-9a-f.]*:[0-9a-f:.]*";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, InvalidAllowedAddress> {
        AllowedAddress::parse(text).map(|address| address.to_string())
    }

    #[test]
    fn addresses_and_networks_are_kept_canonical() {
        for (given, kept) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7/32", "203.0.113.7"),
            ("203.0.113.0/24", "203.0.113.0/24"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8:0:0::1", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7/128", "203.0.113.7"),
            ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("2001:db8::1/128", "2001:db8::1"),
        ] {
            assert_eq!(parse(given).as_deref(), Ok(kept));
        }
    }

    #[test]
    fn host_bits_are_refused_with_the_network_that_was_meant() {
        let error = AllowedAddress::parse("203.0.113.7/24").unwrap_err();
        assert_eq!(error.to_string(), "has host bits set: did you mean 203.0.113.0/24?");
        let error = AllowedAddress::parse("2001:db8::1/32").unwrap_err();
        assert_eq!(error.to_string(), "has host bits set: did you mean 2001:db8::/32?");
        let error = AllowedAddress::parse("::ffff:203.0.113.7/120").unwrap_err();
        assert_eq!(error.to_string(), "has host bits set: did you mean 203.0.113.0/24?");
    }

    #[test]
    fn anything_else_is_malformed() {
        for text in [
            "",
            "nope",
            "203.0.113",
            "203.0.113.0/33",
            "203.0.113.0/",
            "203.0.113.0/-1",
            "2001:db8::/129",
            " 203.0.113.7",
            "010.0.0.1",
            "010.0.0.0/8",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "fe80::1%eth0",
        ] {
            assert_eq!(parse(text), Err(InvalidAllowedAddress::Malformed), "{text}");
        }
    }
}
