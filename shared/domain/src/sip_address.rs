use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Serialize;

use crate::TrunkId;
use crate::address::{self, Host, HostPort, Malformed};
use crate::routability::{AddressPolicy, is_public, is_public_name};

/// Where LiveKit sends a trunk's outbound calls: a host name or IP address, maybe a port. Kept in its
/// canonical form: lower case, IPv6 in brackets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SipAddress(String);

/// Why a carrier's address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSipAddress {
    /// A URI, or parts of one: LiveKit takes the bare address.
    #[error("must be a bare host or host:port, without scheme, user, `;` or `transport=` (set `transport` instead)")]
    Uri,
    /// Neither a host name nor an address.
    #[error("must be a host name (RFC 1123, at most 253 characters) or an IP address, then optionally `:port`")]
    Host,
    /// Port 0, above 65535 or not a number.
    #[error("the port must be a number from 1 to 65535")]
    Port,
    /// A place inside somebody's network.
    #[error("must be publicly routable: private, loopback and other special addresses are refused")]
    NotPublic,
}

impl SipAddress {
    /// Checks `text` under the deployment's `policy`.
    ///
    /// # Errors
    /// The first rule that `text` breaks.
    pub fn parse(text: &str, policy: AddressPolicy) -> Result<Self, InvalidSipAddress> {
        if text.contains(['@', ';', '/', '=', '<', '>', '?']) || has_scheme(text) {
            return Err(InvalidSipAddress::Uri);
        }
        let lower = text.to_ascii_lowercase();
        let address = address::parse(&lower)?;
        let public = match address.host {
            Host::Ip(ip) => is_public(ip),
            Host::Name(name) => is_public_name(name),
        };
        if policy == AddressPolicy::PublicOnly && !public {
            return Err(InvalidSipAddress::NotPublic);
        }
        Ok(Self(canonical(&address)))
    }

    /// The termination domain of a trunk's Twilio trunk: one that no other trunk of any account has, of letters, digits and
    /// `-` (<https://www.twilio.com/docs/sip-trunking/api/trunk-resource>).
    pub(crate) fn of_twilio(id: TrunkId) -> Self {
        Self(format!("{}.pstn.twilio.com", id.to_string().replace('_', "-")))
    }

    /// Takes an address that was parsed before and stored, whatever the policy has become since.
    ///
    /// # Errors
    /// When it never was one.
    pub fn from_stored(text: &str) -> Result<Self, InvalidSipAddress> {
        Self::parse(text, AddressPolicy::AllowPrivate)
    }
}

impl fmt::Display for SipAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Malformed> for InvalidSipAddress {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Host => Self::Host,
            Malformed::Port => Self::Port,
        }
    }
}

#[cfg(feature = "openapi")]
crate::schema::text!(SipAddress, {
    "format": "sip-host-port",
    "pattern": r"^[0-9A-Za-z.:\[\]-]+$",
    "minLength": 1,
    "maxLength": address::MAX_HOST_NAME_CHARS + ":65535".len(),
    "examples": ["sip.carrier.example.com"],
}, shown {
    "pattern": r"^([0-9a-z.-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?$",
});

fn has_scheme(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(scheme, _)| ["sip", "sips", "tel"].iter().any(|known| scheme.eq_ignore_ascii_case(known)))
}

fn canonical(address: &HostPort<'_>) -> String {
    let host = match address.host {
        Host::Ip(IpAddr::V6(ip)) => format!("[{ip}]"),
        Host::Ip(IpAddr::V4(ip)) => ip.to_string(),
        Host::Name(name) => name.to_owned(),
    };
    match address.port {
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}

/// LiveKit's own SIP host, to which carriers send calls (`LIVEKIT_SIP_HOST`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipHost(SipAddress);

impl SipHost {
    /// The URI that reaches `user` at this host.
    pub(crate) fn uri(&self, user: impl fmt::Display) -> String {
        format!("sip:{user}@{}", self.0)
    }

    /// The URI of the host alone: Twilio puts the called number before it.
    pub fn origination_url(&self) -> String {
        format!("sip:{}", self.0)
    }
}

impl FromStr for SipHost {
    type Err = InvalidSipAddress;

    /// Any host: an operator's own LiveKit may be on a private network.
    fn from_str(text: &str) -> Result<Self, InvalidSipAddress> {
        SipAddress::parse(text, AddressPolicy::AllowPrivate).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, InvalidSipAddress> {
        SipAddress::parse(text, AddressPolicy::PublicOnly).map(|address| address.to_string())
    }

    #[test]
    fn addresses_are_kept_in_canonical_form() {
        for (given, kept) in [
            ("SIP.Example.COM", "sip.example.com"),
            ("sip.example.com:5061", "sip.example.com:5061"),
            ("sip.example.com:05060", "sip.example.com:5060"),
            ("1.1.1.1:65535", "1.1.1.1:65535"),
            ("2606:4700:0::1111", "[2606:4700::1111]"),
            ("[2606:4700::1111]:5060", "[2606:4700::1111]:5060"),
            ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ] {
            assert_eq!(parse(given).as_deref(), Ok(kept));
        }
    }

    #[test]
    fn what_is_not_an_address_is_refused_by_its_reason() {
        use InvalidSipAddress::{Host, NotPublic, Port, Uri};
        let long_label = format!("{}.example.com", "a".repeat(64));
        let long_name = format!("{}com", "a.".repeat(126));
        for (given, reason) in [
            ("", Host),
            ("sip:sip.example.com", Uri),
            ("SIPS:sip.example.com:5061", Uri),
            ("user@sip.example.com", Uri),
            ("sip.example.com;transport=tcp", Uri),
            ("sip.example.com/path", Uri),
            ("sip example.com", Host),
            (" sip.example.com", Host),
            ("sip_1.example.com", Host),
            ("-a.example.com", Host),
            ("a-.example.com", Host),
            ("sip..example.com", Host),
            ("sip.example.com.", Host),
            ("münchen.example", Host),
            ("256.1.1.1", Host),
            ("1.1.1", Host),
            ("2130706433", Host),
            ("0x7f.0x1", Host),
            ("127.0X1", Host),
            ("[1.1.1.1]", Host),
            ("[2606:4700::1111", Host),
            (&long_label, Host),
            (&long_name, Host),
            ("sip.example.com:", Port),
            ("sip.example.com:0", Port),
            ("sip.example.com:65536", Port),
            ("sip.example.com:+1", Port),
            ("sip.example.com:5060:5060", Port),
            ("[2606:4700::1111]5060", Port),
            ("127.0.0.1", NotPublic),
            ("169.254.169.254:80", NotPublic),
            ("[fd00:ec2::254]", NotPublic),
            ("localhost", NotPublic),
            ("LOCALHOST:5060", NotPublic),
            ("pbx", NotPublic),
            ("0x7f000001", Host),
            ("metadata.google.internal", NotPublic),
            ("pbx.local", NotPublic),
            ("pbx.home.arpa", NotPublic),
        ] {
            assert_eq!(parse(given), Err(reason), "{given}");
        }
    }

    #[test]
    fn the_longest_name_has_253_characters() {
        let longest = format!("{}com", "a.".repeat(125));
        assert_eq!(longest.len(), 253);
        assert_eq!(parse(&longest).as_deref(), Ok(longest.as_str()));
    }

    #[test]
    fn a_deployment_may_allow_private_addresses() {
        assert!(SipAddress::parse("10.0.0.1:5060", AddressPolicy::AllowPrivate).is_ok());
        assert!(SipAddress::parse("pbx", AddressPolicy::AllowPrivate).is_ok());
    }
}
