use std::fmt;

use serde::Serialize;

/// A country: ISO 3166-1 alpha-2, officially assigned, upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct CountryCode(&'static str);

impl CountryCode {
    /// Takes two letters of either case.
    ///
    /// # Errors
    /// What is wrong, in words for the caller: user-assigned and reserved codes (`XK`, `UK`, `EU`) are refused.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        rust_iso3166::from_alpha2(&text.to_ascii_uppercase())
            .map(|country| Self(country.alpha2))
            .ok_or("must be a country code of two letters, officially assigned in ISO 3166-1")
    }

    /// The two letters.
    pub fn as_str(&self) -> &'static str {
        self.0
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(feature = "openapi")]
crate::schema::text!(CountryCode, {
    "format": "iso-3166-1-alpha-2",
    "pattern": "^[A-Za-z]{2}$",
    "examples": ["US"],
}, shown {
    "pattern": "^[A-Z]{2}$",
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assigned_codes_are_taken_in_either_case() {
        for text in ["US", "us", "gB", "DE"] {
            assert_eq!(CountryCode::parse(text).unwrap().as_str(), text.to_uppercase());
        }
    }

    #[test]
    fn other_codes_and_texts_are_refused() {
        for text in ["XK", "UK", "EU", "AA", "ZZ", "", "U", "USA", "U ", "ß"] {
            assert!(CountryCode::parse(text).is_err(), "{text}");
        }
    }
}
