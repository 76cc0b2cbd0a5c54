use crate::fields::Fields;
use crate::json::JsonObject;
use crate::new_number::{NUMBER, parse_trunk_id};
use crate::{Change, PhoneNumberLabel, TrunkId, Violations};

/// What a merge patch makes of a phone number: every rule of the contract holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberChange {
    /// Of its label.
    pub label: Change<PhoneNumberLabel>,
    /// Of the trunk that it is bound to.
    pub trunk_id: Change<TrunkId>,
}

/// What a number is as long as it is there.
pub(crate) const FIXED: [&str; 4] = ["e164", "provider", "source", "twilio"];

impl NumberChange {
    /// Reads the body of a `PATCH /phone-numbers/{id}`, a JSON merge patch (RFC 7396). Nothing changes that the patch
    /// does not name.
    ///
    /// # Errors
    /// Every rule that the patch breaks, by field.
    pub fn parse(patch: &JsonObject) -> Result<Self, Violations> {
        let mut fields = Fields::of(patch.fields(), &NUMBER);
        fields.refuse_strange_change();
        fields.refuse_change(&FIXED, "cannot be changed: delete the number and import it again");
        let label = fields.change("label", PhoneNumberLabel::parse);
        let trunk_id = fields.change("trunk_id", parse_trunk_id);
        if fields.violations.is_empty() { Ok(Self { label, trunk_id }) } else { Err(fields.violations) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(patch: &str) -> Result<NumberChange, Vec<String>> {
        let patch = JsonObject::parse(patch.as_bytes()).unwrap();
        NumberChange::parse(&patch).map_err(|violations| {
            violations.fields().iter().map(|(field, message)| format!("{field}: {message}")).collect()
        })
    }

    #[test]
    fn every_violation_is_reported_at_once() {
        let found = change(
            r#"{"e164": "+12025550123", "provider": null, "source": "byoc", "twilio": {"auth_token": 1}, "label": "",
                "trunk_id": {}, "type": null, "id": "x", "lable": null}"#,
        );
        assert_eq!(
            found.unwrap_err(),
            [
                "e164: cannot be changed: delete the number and import it again",
                "id: is set by the service: leave it out",
                "label: must have 1 to 128 characters after trimming",
                "lable: unknown field, did you mean label?",
                "provider: cannot be changed: delete the number and import it again",
                "source: cannot be changed: delete the number and import it again",
                "trunk_id: must be a string",
                "twilio: cannot be changed: delete the number and import it again",
                "type: is set by the service: leave it out",
            ]
        );
    }

    #[test]
    fn null_clears_and_what_is_not_named_stays() {
        let kept = NumberChange { label: Change::Keep, trunk_id: Change::Keep };
        assert_eq!(change("{}"), Ok(kept.clone()));
        assert_eq!(change(r#"{"label": null}"#), Ok(NumberChange { label: Change::Clear, ..kept.clone() }));
        assert_eq!(change(r#"{"trunk_id": null}"#), Ok(NumberChange { trunk_id: Change::Clear, ..kept.clone() }));
        let id = TrunkId::new();
        let both = change(&format!(r#"{{"label": " Front desk ", "trunk_id": "{id}"}}"#));
        let label = PhoneNumberLabel::parse("Front desk").unwrap();
        assert_eq!(both, Ok(NumberChange { label: Change::Set(label), trunk_id: Change::Set(id) }));
    }
}
