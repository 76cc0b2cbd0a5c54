//! What the bodies of `POST` and `PATCH` have in common: one field at a time.

use serde_json::{Map, Value};

use crate::json::{JsonObject, shortened};
use crate::{AllowedAddress, CarrierCredentials, Direction, Kind, Violations};

pub(crate) const FIELDS: [&str; 12] = [
    "name",
    "kind",
    "direction",
    "sip_address",
    "auth_username",
    "auth_password",
    "inbound_auth",
    "allowed_addresses",
    "destination_country",
    "transport",
    "media_encryption",
    "credentials",
];

pub(crate) const READ_ONLY_FIELDS: [&str; 9] = [
    "id",
    "auth_password_set",
    "livekit_inbound_trunk_id",
    "livekit_outbound_trunk_id",
    "livekit_dispatch_rule_id",
    "inbound_sip_uri",
    "warnings",
    "created_at",
    "updated_at",
];

/// What a trunk of `kind: livekit` does not have: LiveKit is its carrier.
pub(crate) const NOT_OF_LIVEKIT: [&str; 4] = ["sip_address", "auth_username", "auth_password", "destination_country"];

pub(crate) const MAX_ALLOWED_ADDRESSES: usize = 64;

pub(crate) fn message(error: impl ToString) -> String {
    error.to_string()
}

/// The fields of a body, and what was found wrong with them so far.
pub(crate) struct Fields<'a> {
    body: &'a JsonObject,
    object: &'a Map<String, Value>,
    pub(crate) violations: Violations,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(body: &'a JsonObject) -> Self {
        Self { body, object: body.fields(), violations: Violations::default() }
    }

    /// The value of a field; `null` counts as absent.
    fn value(&self, field: &str) -> Option<&'a Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// Whether a field is there, `null` or not.
    pub(crate) fn named(&self, field: &str) -> bool {
        self.object.contains_key(field)
    }

    /// Whether a field is there and `null`.
    pub(crate) fn cleared(&self, field: &str) -> bool {
        self.object.get(field).is_some_and(Value::is_null)
    }

    pub(crate) fn given(&self, field: &str) -> bool {
        self.value(field).is_some()
    }

    pub(crate) fn required<T, E: Into<String>>(
        &mut self,
        field: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if !self.given(field) {
            self.violations.add(field, "required");
        }
        self.optional(field, parse)
    }

    pub(crate) fn optional<T, E: Into<String>>(
        &mut self,
        field: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let parsed = match self.value(field)? {
            Value::String(text) => parse(text).map_err(Into::into),
            _ => Err("must be a string".into()),
        };
        parsed.map_err(|message| self.violations.add(field, message)).ok()
    }

    pub(crate) fn allowed_addresses(&mut self) -> Vec<AllowedAddress> {
        const FIELD: &str = "allowed_addresses";
        let entries = match self.value(FIELD) {
            None => return Vec::new(),
            Some(Value::Array(entries)) => entries,
            Some(_) => {
                self.violations.add(FIELD, "must be a list of strings");
                return Vec::new();
            }
        };
        if entries.len() > MAX_ALLOWED_ADDRESSES {
            self.violations.add(FIELD, format!("must have at most {MAX_ALLOWED_ADDRESSES} entries"));
        }
        let mut addresses = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let parsed = match entry {
                Value::String(text) => AllowedAddress::parse(text).map_err(message),
                _ => Err("must be a string".into()),
            };
            match parsed {
                Ok(address) if addresses.contains(&address) => {}
                Ok(address) => addresses.push(address),
                Err(message) => self.violations.add(format!("{FIELD}[{index}]"), message),
            }
        }
        addresses
    }

    pub(crate) fn credentials(&mut self) -> Option<CarrierCredentials> {
        let parsed = match self.value("credentials")? {
            Value::Object(_) => CarrierCredentials::parse(self.body.text_of("credentials")?),
            _ => Err("must be a JSON object"),
        };
        parsed.map_err(|message| self.violations.add("credentials", message)).ok()
    }

    /// What must be absent is refused as such, whatever it says: LiveKit is the carrier of its own numbers, and some
    /// settings mean nothing in one direction.
    pub(crate) fn refuse_meaningless(&mut self, kind: Option<Kind>, direction: Option<Direction>) {
        if kind == Some(Kind::Livekit) {
            for field in NOT_OF_LIVEKIT {
                self.refuse(field, "must be absent for kind=livekit");
            }
        }
        match direction {
            Some(Direction::Inbound) => self.refuse("destination_country", "must be absent for direction=inbound"),
            Some(Direction::Outbound) => self.refuse("inbound_auth", "must be absent for direction=outbound"),
            Some(Direction::Both) | None => {}
        }
    }

    fn refuse(&mut self, field: &str, message: &str) {
        if self.given(field) {
            self.violations.add(field, message);
        }
    }

    /// A mistyped security setting must not be dropped.
    pub(crate) fn refuse_unknown(&mut self) {
        for (field, value) in self.object.iter().filter(|(field, _)| !FIELDS.contains(&field.as_str())) {
            let message = if READ_ONLY_FIELDS.contains(&field.as_str()) {
                if value.is_null() {
                    continue;
                }
                "is set by the service: leave it out".to_owned()
            } else {
                match nearest(field) {
                    Some(known) => format!("unknown field, did you mean {known}?"),
                    None => "unknown field".to_owned(),
                }
            };
            self.violations.add(shortened(field), message);
        }
    }
}

/// The field that was probably meant.
fn nearest(field: &str) -> Option<&'static str> {
    const ALIKE: f64 = 0.85;
    let likeness = |known: &&'static str| (strsim::jaro_winkler(&field.to_lowercase(), known), *known);
    FIELDS
        .iter()
        .map(likeness)
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_is_made_only_when_a_field_is_near() {
        assert_eq!(nearest("sip_adress"), Some("sip_address"));
        assert_eq!(nearest("Direction"), Some("direction"));
        assert_eq!(nearest("media_encrytion"), Some("media_encryption"));
        assert_eq!(nearest("colour"), None);
    }
}
