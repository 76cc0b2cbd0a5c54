use std::borrow::Cow;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{CarrierCredentials, Change, SecretChange, TrunkSecret};

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
            // Twilio writes them in lower case: another case would be another account.
            Ok(Self(format!("AC{}", digits.to_ascii_lowercase())))
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

/// An account as it is kept with its trunk's password.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    account_sid: Cow<'a, str>,
    auth_token: Cow<'a, str>,
}

/// What a patch of a trunk's `credentials` may say of its account.
#[derive(Deserialize)]
struct NewToken<'a> {
    auth_token: Cow<'a, str>,
}

impl TwilioAccount {
    /// The account as a change of its trunk's secret opens it; `None` when the change says nothing of it.
    pub fn of_change(account_sid: &AccountSid, change: &SecretChange) -> Option<Self> {
        let Change::Set(patch) = &change.credentials else {
            return None;
        };
        let new: NewToken<'_> = serde_json::from_str(patch.expose_secret()).ok()?;
        Some(Self { account_sid: account_sid.clone(), auth_token: AuthToken::parse(&new.auth_token).ok()? })
    }

    /// Whether both have the same auth token.
    pub fn is_opened_like(&self, other: &Self) -> bool {
        self.auth_token.expose_secret() == other.auth_token.expose_secret()
    }

    /// The account as the `credentials` of its trunk.
    pub fn to_credentials(&self) -> CarrierCredentials {
        let kept =
            Kept { account_sid: self.account_sid.as_str().into(), auth_token: self.auth_token.expose_secret().into() };
        let object = SecretString::from(serde_json::to_string(&kept).expect("an object of two texts"));
        CarrierCredentials::parse(object.expose_secret()).expect("both texts are short")
    }

    /// The account that the secret of a trunk of `kind: twilio` opens; `None` when it is another trunk's.
    pub fn of_secret(secret: &TrunkSecret) -> Option<Self> {
        let kept: Kept<'_> = serde_json::from_str(secret.credentials()?.expose_secret()).ok()?;
        Some(Self {
            account_sid: AccountSid::parse(&kept.account_sid).ok()?,
            auth_token: AuthToken::parse(&kept.auth_token).ok()?,
        })
    }
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
    #[test]
    fn an_account_is_read_back_from_its_trunks_secret() {
        let account = TwilioAccount {
            account_sid: AccountSid::parse("ACdeadbeefdeadbeef0123456789abcdef").unwrap(),
            auth_token: AuthToken::parse(r#"a"b\c"#).unwrap(),
        };
        let read = TwilioAccount::of_secret(&TrunkSecret::Credentials(account.to_credentials())).unwrap();
        assert_eq!(read.account_sid, account.account_sid);
        assert_eq!(read.auth_token.expose_secret(), account.auth_token.expose_secret());
        let other = CarrierCredentials::parse(r#"{"account": "acme"}"#).unwrap();
        assert!(TwilioAccount::of_secret(&TrunkSecret::Credentials(other)).is_none());
    }

    #[test]
    fn a_change_may_say_what_opens_the_account() {
        let account_sid = AccountSid::parse("ACdeadbeefdeadbeef0123456789abcdef").unwrap();
        let opened =
            |credentials| TwilioAccount::of_change(&account_sid, &SecretChange { password: Change::Keep, credentials });
        let patch = CarrierCredentials::parse(r#"{"auth_token": "a\"b"}"#).unwrap();
        let account = opened(Change::Set(patch)).unwrap();
        assert_eq!((account.account_sid, account.auth_token.expose_secret()), (account_sid.clone(), "a\"b"));
        for other in [Change::Keep, Change::Clear, Change::Set(CarrierCredentials::parse("{}").unwrap())] {
            assert!(opened(other).is_none());
        }
    }
}
