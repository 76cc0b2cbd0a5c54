use std::fmt;

use serde::Serialize;

use crate::{AccountSid, E164};

#[cfg(feature = "openapi")]
use crate::schema::{NOT_CONTROL, SPACE, VISIBLE};

const MAX_CHARS: usize = 128;

/// Trims and checks `text`.
fn trimmed(text: &str) -> Result<&str, &'static str> {
    let name = text.trim();
    if name.chars().any(char::is_control) {
        return Err("must not contain control characters");
    }
    match name.chars().count() {
        1..=MAX_CHARS => Ok(name),
        _ => Err("must have 1 to 128 characters after trimming"),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $example:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Trims and checks `text`.
            ///
            /// # Errors
            /// What is wrong, in words for the caller.
            pub fn parse(text: &str) -> Result<Self, &'static str> {
                trimmed(text).map(|name| Self(name.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        #[cfg(feature = "openapi")]
        crate::schema::text!($name, {
            // What is trimmed counts towards `maxLength`, so the limit is in the pattern.
            "pattern": format!("^{SPACE}*{}{SPACE}*$", pattern()),
            "examples": [$example],
        }, shown {
            "minLength": 1,
            "maxLength": MAX_CHARS,
            "pattern": format!("^{}$", pattern()),
        });
    };
}

name! {
    /// A trunk's name: 1 to 128 characters after trimming, none of them a control character.
    TrunkName, "Front desk"
}
impl TrunkName {
    /// The name of a trunk that a LiveKit number's import makes: the number.
    pub(crate) fn of_number(number: &E164) -> Self {
        Self(number.to_string())
    }

    /// The name of a trunk that a Twilio account's numbers share.
    pub(crate) fn of_account(account_sid: &AccountSid) -> Self {
        Self(format!("Twilio {account_sid}"))
    }
}

name! {
    /// A phone number's label: 1 to 128 characters after trimming, none of them a control character.
    PhoneNumberLabel, "Front desk"
}

#[cfg(feature = "openapi")]
fn pattern() -> String {
    format!("{VISIBLE}({NOT_CONTROL}{{0,{}}}{VISIBLE})?", MAX_CHARS - 2)
}
