//! Parameters of a request, in its query or its body: `application/x-www-form-urlencoded` both.

use super::wire::TwilioError;

/// Some parameters. No `Debug`: there may be a password among them.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads parameters. Whatever is none is passed over, as Twilio does.
    pub(super) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The value of a parameter, if it was sent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(sent, _)| sent == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that v1 asks for.
    pub(super) fn required(&self, name: &str) -> Result<&str, TwilioError> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| TwilioError::missing_parameter(name))
    }
}
