use std::fmt;
use std::str::FromStr;

use http::Uri;

/// Where an API listens: an `https` or `http` URL, or LiveKit's `wss` and `ws`, which mean the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

/// Not the URL of an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an https, http, wss or ws URL of a host, without credentials, query or fragment")]
pub struct InvalidBaseUrl;

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        let uri: Uri = text.parse().map_err(|_| InvalidBaseUrl)?;
        let scheme = match uri.scheme_str() {
            Some("https" | "wss") => "https",
            Some("http" | "ws") => "http",
            _ => return Err(InvalidBaseUrl),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or(InvalidBaseUrl)?;
        if uri.query().is_some() || text.contains('#') {
            return Err(InvalidBaseUrl);
        }
        Ok(Self(format!("{scheme}://{authority}{}", uri.path().trim_end_matches('/'))))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_a_host_maybe_with_a_path() {
        for (given, taken) in [
            ("wss://example.livekit.cloud", "https://example.livekit.cloud"),
            ("https://api.twilio.com", "https://api.twilio.com"),
            ("https://api.twilio.com/", "https://api.twilio.com"),
            ("ws://127.0.0.1:7880", "http://127.0.0.1:7880"),
            ("http://127.0.0.1:7880/base/", "http://127.0.0.1:7880/base"),
        ] {
            assert_eq!(given.parse::<BaseUrl>().unwrap().to_string(), taken);
        }
        for given in [
            "",
            "api.twilio.com",
            "ftp://a",
            "https://",
            "https://key:secret@a",
            "https://AC1:t@a",
            "https://a?b",
            "https://a#b",
        ] {
            assert_eq!(given.parse::<BaseUrl>(), Err(InvalidBaseUrl), "{given}");
        }
    }
}
