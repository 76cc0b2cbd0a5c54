use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// The id of a Twilio account: `AC` and 32 hexadecimal digits
/// (<https://www.twilio.com/docs/glossary/what-is-a-sid>).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountSid(String);

impl AccountSid {
    /// Checks `text`.
    ///
    /// # Errors
    /// What is wrong, in words for the caller.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let digits = text.strip_prefix("AC").unwrap_or_default();
        if digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be AC and 32 hexadecimal digits, as Twilio's console shows it")
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The auth token of a Twilio account: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone)]
pub struct AuthToken(SecretString);

impl AuthToken {
    const MAX_CHARS: usize = 128;

    /// Checks `text`.
    ///
    /// # Errors
    /// What is wrong, in words for the caller.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if (1..=Self::MAX_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.into()))
        } else {
            Err("must have 1 to 128 visible ASCII characters, as Twilio's console shows it")
        }
    }
}

impl ExposeSecret<str> for AuthToken {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A customer's Twilio account, and what opens it.
#[derive(Debug, Clone)]
pub struct TwilioAccount {
    /// Which one.
    pub account_sid: AccountSid,
    /// What opens it.
    pub auth_token: AuthToken,
}

#[cfg(feature = "openapi")]
crate::schema::text!(AccountSid, {
    "pattern": "^AC[0-9a-fA-F]{32}$",
    "examples": ["AC00000000000000000000000000000000"],
});

#[cfg(feature = "openapi")]
crate::schema::text!(AuthToken, {
    "writeOnly": true,
    "minLength": 1,
    "maxLength": AuthToken::MAX_CHARS,
    "pattern": "^[!-~]+$",
    "examples": ["your_auth_token"],
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_sid_is_twilios() {
        assert!(AccountSid::parse("ACdeadbeefDEADBEEF0123456789abcdef").is_ok());
        for text in ["", "AC", "SKdeadbeefdeadbeef0123456789abcdef", "ACdeadbeefdeadbeef0123456789abcdeg", "ACdeadbeef"]
        {
            assert!(AccountSid::parse(text).is_err(), "{text}");
        }
    }
}
