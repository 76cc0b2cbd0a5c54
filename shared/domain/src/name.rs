use std::fmt;

use serde::Serialize;

#[cfg(feature = "openapi")]
use crate::schema::{NOT_CONTROL, SPACE, VISIBLE};

/// A trunk's name: 1 to 128 characters after trimming, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TrunkName(String);

impl TrunkName {
    const MAX_CHARS: usize = 128;

    /// Trims and checks `text`.
    ///
    /// # Errors
    /// What is wrong, in words for the caller.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let name = text.trim();
        if name.chars().any(char::is_control) {
            return Err("must not contain control characters");
        }
        match name.chars().count() {
            1..=Self::MAX_CHARS => Ok(Self(name.to_owned())),
            _ => Err("must have 1 to 128 characters after trimming"),
        }
    }
}

impl fmt::Display for TrunkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(feature = "openapi")]
crate::schema::text!(TrunkName, {
    // What is trimmed counts towards `maxLength`, so the limit is in the pattern.
    "pattern": format!("^{SPACE}*{}{SPACE}*$", trimmed()),
    "examples": ["Front desk"],
}, shown {
    "minLength": 1,
    "maxLength": TrunkName::MAX_CHARS,
    "pattern": format!("^{}$", trimmed()),
});

#[cfg(feature = "openapi")]
fn trimmed() -> String {
    format!("{VISIBLE}({NOT_CONTROL}{{0,{}}}{VISIBLE})?", TrunkName::MAX_CHARS - 2)
}
