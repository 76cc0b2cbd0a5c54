//! What a host and a port look like in SIP (RFC 3261 §25.1, `hostport`), host names by RFC 1123 §2.1.

use std::net::{IpAddr, Ipv6Addr};

pub(crate) const MAX_HOST_NAME_CHARS: usize = 253;

/// A host, then maybe a port.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HostPort<'a> {
    pub(crate) host: Host<'a>,
    pub(crate) port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Host<'a> {
    Ip(IpAddr),
    Name(&'a str),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    Host,
    Port,
}

/// Splits `text`, which is in lower case; an IPv6 address with a port stands in brackets, one without may.
pub(crate) fn parse(text: &str) -> Result<HostPort<'_>, Malformed> {
    if let Ok(ip) = text.parse::<Ipv6Addr>() {
        return Ok(HostPort { host: Host::Ip(ip.into()), port: None });
    }
    if let Some(bracketed) = text.strip_prefix('[') {
        let (ip, rest) = bracketed.split_once(']').ok_or(Malformed::Host)?;
        let ip: Ipv6Addr = ip.parse().map_err(|_| Malformed::Host)?;
        let port = match rest {
            "" => None,
            _ => Some(parse_port(rest.strip_prefix(':').ok_or(Malformed::Port)?)?),
        };
        return Ok(HostPort { host: Host::Ip(ip.into()), port });
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(parse_port(port)?)),
        None => (text, None),
    };
    let host = match host.parse::<std::net::Ipv4Addr>() {
        Ok(ip) => Host::Ip(ip.into()),
        Err(_) if is_host_name(host) => Host::Name(host),
        Err(_) => return Err(Malformed::Host),
    };
    Ok(HostPort { host, port })
}

fn parse_port(text: &str) -> Result<u16, Malformed> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed::Port);
    }
    match text.parse() {
        Ok(0) | Err(_) => Err(Malformed::Port),
        Ok(port) => Ok(port),
    }
}

/// Labels of 1 to 63 letters, digits and inner hyphens, 253 characters in all, the last label not a number
/// (RFC 1123 §2.1), decimal or hexadecimal: resolvers that use `inet_aton` take `0x7f.1` for 127.0.0.1.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let number = |label: &str| match label.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    };
    text.len() <= MAX_HOST_NAME_CHARS && text.split('.').all(label) && !text.rsplit('.').next().is_some_and(number)
}
