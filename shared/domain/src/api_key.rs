use std::fmt;
use std::str::FromStr;

use rand::distr::{Alphanumeric, SampleString};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Full,
    /// Reads only.
    Read,
}

impl Scope {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Read => "read",
        }
    }
}

impl FromStr for Scope {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "full" => Ok(Self::Full),
            "read" => Ok(Self::Read),
            _ => Err(()),
        }
    }
}

/// Whether a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKeyState {
    /// It does.
    Active,
    /// It does not any more.
    Revoked,
}

impl ApiKeyState {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
        }
    }
}

impl FromStr for ApiKeyState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "active" => Ok(Self::Active),
            "revoked" => Ok(Self::Revoked),
            _ => Err(()),
        }
    }
}

/// An API key as its holder presents it: any text, since a malformed key must cost the same time as an
/// unknown one.
#[derive(Debug)]
pub struct ApiKey(SecretString);

impl ApiKey {
    /// Takes what stands behind `Bearer`.
    pub fn presented(text: &str) -> Self {
        Self(text.into())
    }

    /// What every key begins with.
    pub const PREFIX: &str = "sk_";

    /// A new key: `sk_` and 43 letters and digits, 256 bits of randomness.
    pub fn generate() -> Self {
        Self(format!("{}{}", Self::PREFIX, Alphanumeric.sample_string(&mut rand::rng(), 43)).into())
    }

    /// What the table knows of the key.
    pub fn hash(&self) -> ApiKeyHash {
        ApiKeyHash(hex::encode(Sha256::digest(self.0.expose_secret())))
    }
}

impl ExposeSecret<str> for ApiKey {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

/// SHA-256 of an API key, in hexadecimal. A plain hash is enough for a key of 256 random bits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyHash(String);

impl fmt::Display for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ApiKeyHash {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_hash = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hash { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}
