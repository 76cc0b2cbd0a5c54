use std::fmt;

use serde::Serialize;

/// A phone number by ITU-T E.164: `+`, an assigned country code, 8 to 15 digits in all.
///
/// Whether a subscriber has it is the carrier's to know: numbering plans change more often than we are deployed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct E164(String);

impl E164 {
    const MIN_DIGITS: usize = 8;
    const MAX_DIGITS: usize = 15;

    /// Checks `text`, which must be canonical: no spaces, no brackets, no `00`.
    ///
    /// # Errors
    /// What is wrong, in words for the caller.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let digits = text.strip_prefix('+').ok_or("must begin with + and the country code, like +12025550123")?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("must have digits alone behind the +, like +12025550123");
        }
        if !(Self::MIN_DIGITS..=Self::MAX_DIGITS).contains(&digits.len()) {
            return Err("must have 8 to 15 digits behind the +");
        }
        if !has_assigned_country_code(digits) {
            return Err("must begin with a country code that the ITU has assigned");
        }
        Ok(Self(text.to_owned()))
    }

    /// Takes back what was stored: a country code may be withdrawn later.
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The number with its `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Country codes have 1 to 3 digits, and none is the beginning of another (ITU-T E.164 §6.2.1).
fn has_assigned_country_code(digits: &str) -> bool {
    let mut codes = (1..=3).filter_map(|len| digits.get(..len)?.parse().ok());
    !digits.starts_with('0') && codes.any(|code| !phonelib::countries_by_calling_code(code).is_empty())
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(feature = "openapi")]
crate::schema::text!(E164, {
    "pattern": r"^\+[1-9][0-9]{7,14}$",
    "examples": ["+12025550123"],
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assigned_country_codes_are_taken() {
        // NANP, Germany, Russia, Kosovo, Inmarsat, an international network, universal freephone.
        for text in [
            "+12025550123",
            "+4930123456",
            "+79161234567",
            "+38349123456",
            "+870773111632",
            "+88213300655",
            "+80012345678",
        ] {
            assert_eq!(E164::parse(text).map(|number| number.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, expected) in [
            ("", "must begin with +"),
            ("12025550123", "must begin with +"),
            ("0012025550123", "must begin with +"),
            ("+1 202 555 0123", "digits alone"),
            ("+1202555012a", "digits alone"),
            ("+1٢02555012", "digits alone"),
            ("++12025550123", "digits alone"),
            ("+1202555", "8 to 15 digits"),
            ("+1202555012345678", "8 to 15 digits"),
            ("+02025550123", "country code"),
            ("+21012345678", "country code"),
            ("+99912345678", "country code"),
        ] {
            let refusal = E164::parse(text).unwrap_err();
            assert!(refusal.contains(expected), "{text}: {refusal}");
        }
    }
}
