use std::collections::BTreeMap;
use std::fmt;

use rand::distr::{Alphanumeric, SampleString};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::TrunkId;

/// The user name of SIP digest authentication: 1 to 128 visible ASCII characters without `:`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AuthUsername(String);

impl AuthUsername {
    const MAX_CHARS: usize = 128;

    /// Checks `text`.
    ///
    /// # Errors
    /// What is wrong, in words for the caller.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let visible = |byte: u8| byte.is_ascii_graphic() && byte != b':';
        if (1..=Self::MAX_CHARS).contains(&text.len()) && text.bytes().all(visible) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must have 1 to 128 visible ASCII characters, without `:` and whitespace")
        }
    }

    /// A trunk's id as the name: of 32 characters, the most that Twilio takes.
    pub(crate) fn of_trunk(id: TrunkId) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for AuthUsername {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(feature = "openapi")]
crate::schema::text!(AuthUsername, {
    "minLength": 1,
    "maxLength": AuthUsername::MAX_CHARS,
    "pattern": "^[!-9;-~]+$",
    "examples": ["acme"],
});

/// The password of SIP digest authentication: 1 to 256 characters, none of them a control character.
#[derive(Debug, Clone)]
pub struct AuthPassword(SecretString);

impl AuthPassword {
    const MAX_CHARS: usize = 256;

    /// Checks `text`.
    ///
    /// # Errors
    /// What is wrong, in words for the caller.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if !(1..=Self::MAX_CHARS).contains(&text.chars().count()) {
            return Err("must have 1 to 256 characters");
        }
        if text.chars().any(char::is_control) {
            return Err("must not contain control characters");
        }
        Ok(Self(text.into()))
    }

    /// A new one of 256 random bits, with letters of both cases and a digit, as Twilio demands
    /// (<https://www.twilio.com/docs/voice/sip/api/sip-credential-resource>).
    pub(crate) fn generate() -> Self {
        let random = SecretString::from(Alphanumeric.sample_string(&mut rand::rng(), 43));
        Self(format!("aA1{}", random.expose_secret()).into())
    }
}

impl ExposeSecret<str> for AuthPassword {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(feature = "openapi")]
crate::schema::text!(AuthPassword, {
    "writeOnly": true,
    "minLength": 1,
    "maxLength": AuthPassword::MAX_CHARS,
    "pattern": format!("^{}+$", crate::schema::NOT_CONTROL),
    "examples": ["correct horse battery staple"],
});

/// The carrier's own credentials (`credentials` in the contract): a JSON object of at most 8 KiB
/// serialised. Trunkline keeps them, and reads none but those that it made itself, of a Twilio account.
#[derive(Debug, Clone)]
pub struct CarrierCredentials(SecretString);

impl CarrierCredentials {
    const MAX_BYTES: usize = 8 * 1024;

    /// Takes the text of a JSON object. It is kept as it was written, but for the space between tokens: a number read
    /// and written again may be another number.
    ///
    /// # Errors
    /// What is wrong, in words for the caller.
    pub fn parse(object: &str) -> Result<Self, &'static str> {
        let text = without_space(object);
        if text.len() > Self::MAX_BYTES {
            return Err("must be at most 8 KiB serialised");
        }
        Ok(Self(text.into()))
    }

    /// What this merge patch (RFC 7396) makes of `kept`, the values of both as they were written.
    ///
    /// # Errors
    /// What is wrong, in words for the caller.
    pub fn merged_into(&self, kept: Option<&Self>) -> Result<Self, &'static str> {
        let merged = merge(kept.map(ExposeSecret::expose_secret), self.expose_secret());
        let merged = merged.map_err(|_| "cannot be merged into what is kept")?;
        Self::parse(&merged).map_err(|_| "must be at most 8 KiB serialised, with what is kept already")
    }
}

/// RFC 7396 §2, on texts: no value is read.
fn merge(target: Option<&str>, patch: &str) -> serde_json::Result<String> {
    let is_object = |text: &str| text.starts_with('{');
    if !is_object(patch) {
        return Ok(patch.to_owned());
    }
    let target: BTreeMap<String, &RawValue> =
        target.filter(|target| is_object(target)).map(serde_json::from_str).transpose()?.unwrap_or_default();
    let mut merged: BTreeMap<_, _> = target.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect();
    let patch: BTreeMap<String, &RawValue> = serde_json::from_str(patch)?;
    for (name, value) in patch {
        let kept = merged.remove(&name);
        if value.get() != "null" {
            merged.insert(name, merge(kept.as_deref(), value.get())?);
        }
    }
    let members: BTreeMap<_, _> = merged
        .into_iter()
        .map(|(name, value)| Ok((name, RawValue::from_string(value)?)))
        .collect::<serde_json::Result<_>>()?;
    serde_json::to_string(&members)
}

impl ExposeSecret<str> for CarrierCredentials {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(feature = "openapi")]
impl schemars::JsonSchema for CarrierCredentials {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CarrierCredentials".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "writeOnly": true,
            "additionalProperties": true,
            "examples": [{"account": "acme-1"}],
        })
    }
}

/// JSON without the space between its tokens.
fn without_space(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let kept = json.chars().filter(|&character| {
        match character {
            '"' if !escaped => in_string = !in_string,
            _ => {}
        }
        escaped = in_string && character == '\\' && !escaped;
        in_string || !matches!(character, ' ' | '\t' | '\n' | '\r')
    });
    kept.collect()
}

/// What Secrets Manager keeps for one trunk: never empty, so that a trunk without either has no secret.
#[derive(Debug, Clone)]
pub enum TrunkSecret {
    /// The password alone.
    Password(AuthPassword),
    /// The carrier's credentials alone.
    Credentials(CarrierCredentials),
    /// Both.
    Both(AuthPassword, CarrierCredentials),
}

impl TrunkSecret {
    /// The secret of what is there, if anything is.
    pub fn of(password: Option<AuthPassword>, credentials: Option<CarrierCredentials>) -> Option<Self> {
        match (password, credentials) {
            (Some(password), Some(credentials)) => Some(Self::Both(password, credentials)),
            (Some(password), None) => Some(Self::Password(password)),
            (None, Some(credentials)) => Some(Self::Credentials(credentials)),
            (None, None) => None,
        }
    }

    /// The SIP password, if there is one.
    pub fn password(&self) -> Option<&AuthPassword> {
        match self {
            Self::Password(password) | Self::Both(password, _) => Some(password),
            Self::Credentials(_) => None,
        }
    }

    /// The carrier's credentials, if there are any.
    pub fn credentials(&self) -> Option<&CarrierCredentials> {
        match self {
            Self::Credentials(credentials) | Self::Both(_, credentials) => Some(credentials),
            Self::Password(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_kept_as_written() {
        let written = "{\n  \"a b\" : [1.10, 12345678901234567890123, -0], \"c\\\\\": \"d \\\" e \\\\\" }";
        let kept = CarrierCredentials::parse(written).unwrap();
        assert_eq!(kept.expose_secret(), "{\"a b\":[1.10,12345678901234567890123,-0],\"c\\\\\":\"d \\\" e \\\\\"}");
    }

    /// The examples of RFC 7396, appendix A, whose target and patch are objects.
    #[test]
    fn credentials_are_merged_as_the_rfc_says() {
        for (kept, patch, merged) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
            (r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
            (r#"{"a":1.10}"#, r#"{"b":12345678901234567890123}"#, r#"{"a":1.10,"b":12345678901234567890123}"#),
        ] {
            let [kept, patch] = [kept, patch].map(|text| CarrierCredentials::parse(text).unwrap());
            assert_eq!(patch.merged_into(Some(&kept)).unwrap().expose_secret(), merged);
        }
        let patch = CarrierCredentials::parse(r#"{"a": {"b": null, "c": 1}, "d": null}"#).unwrap();
        assert_eq!(patch.merged_into(None).unwrap().expose_secret(), r#"{"a":{"c":1}}"#);
        let [one, other] = ["a", "b"].map(|name| format!(r#"{{"{name}":"{}"}}"#, "x".repeat(5000)));
        let [one, other] = [one, other].map(|text| CarrierCredentials::parse(&text).unwrap());
        assert!(one.merged_into(Some(&other)).unwrap_err().contains("8 KiB"));
    }

    #[test]
    fn no_debug_print_shows_a_secret() {
        let password = AuthPassword::parse("hunter2").unwrap();
        let credentials = CarrierCredentials::parse(r#"{"token": "hunter2"}"#).unwrap();
        let secret = TrunkSecret::of(Some(password.clone()), Some(credentials.clone()));
        assert!(!format!("{password:?} {credentials:?} {secret:?}").contains("hunter2"));
    }
}
