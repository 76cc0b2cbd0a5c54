use crate::fields::{Fields, Names, message};
use crate::json::JsonObject;
use crate::{AccountSid, AuthToken, E164, Kind, PhoneNumberLabel, TrunkId, TwilioAccount, Violations};

/// A phone number that may be imported: every rule of the contract holds.
#[derive(Debug, Clone)]
pub struct NewNumber {
    /// The number.
    pub e164: E164,
    /// For people.
    pub label: Option<PhoneNumberLabel>,
    /// Who gives it, with what that takes.
    pub spec: NumberSpec,
}

/// Who gives a phone number, with what it takes to import it.
#[derive(Debug, Clone)]
pub enum NumberSpec {
    /// The customer's own carrier.
    Byoc {
        /// The trunk that connects to the carrier.
        trunk_id: TrunkId,
    },
    /// Twilio, on this account of the customer.
    Twilio(TwilioAccount),
    /// LiveKit, which sells US numbers.
    Livekit,
}

pub(crate) const NUMBER: Names = Names {
    settable: &["e164", "provider", "source", "label", "trunk_id", "twilio"],
    read_only: &["id", "type", "capabilities", "provider_phone_number_id", "created_at", "updated_at"],
};

pub(crate) const TWILIO: Names = Names { settable: &["account_sid", "auth_token"], read_only: &[] };

/// What US numbers begin with: the country code of the North American Numbering Plan.
pub(crate) const PLUS_ONE: &str = "+1";

impl NumberSpec {
    /// Who gives it.
    pub fn provider(&self) -> Kind {
        match self {
            Self::Byoc { .. } => Kind::Byoc,
            Self::Twilio(_) => Kind::Twilio,
            Self::Livekit => Kind::Livekit,
        }
    }
}

impl NewNumber {
    /// Reads the body of a `POST /phone-numbers`.
    ///
    /// # Errors
    /// Every rule that the body breaks, by field.
    pub fn parse(body: &JsonObject) -> Result<Self, Violations> {
        let mut fields = Fields::of(body.fields(), &NUMBER);
        fields.refuse_strange();

        let e164 = fields.required("e164", E164::parse);
        let label = fields.optional("label", PhoneNumberLabel::parse);
        let spec = match fields.provider() {
            Some(Kind::Byoc) => {
                fields.refuse(&["twilio"], "must be absent for provider=byoc");
                fields.check_given("trunk_id", "required for provider=byoc");
                fields.optional("trunk_id", parse_trunk_id).map(|trunk_id| NumberSpec::Byoc { trunk_id })
            }
            Some(Kind::Twilio) => {
                fields.refuse(&["trunk_id"], "must be absent for provider=twilio: the import creates the trunk");
                fields.check_given("twilio", "required for provider=twilio");
                fields.twilio_account().map(NumberSpec::Twilio)
            }
            Some(Kind::Livekit) => {
                fields.refuse(&["trunk_id"], "must be absent for provider=livekit: the import creates the trunk");
                fields.refuse(&["twilio"], "must be absent for provider=livekit");
                if e164.as_ref().is_some_and(|e164| !e164.as_str().starts_with(PLUS_ONE)) {
                    fields
                        .violations
                        .add("e164", "must begin with +1 for provider=livekit, which has US numbers alone");
                }
                Some(NumberSpec::Livekit)
            }
            None => {
                fields.optional("trunk_id", parse_trunk_id);
                fields.twilio_account();
                None
            }
        };
        match (e164, spec) {
            (Some(e164), Some(spec)) if fields.violations.is_empty() => Ok(Self { e164, label, spec }),
            _ => Err(fields.violations),
        }
    }
}

/// Reads the id of a trunk, which need not exist.
pub(crate) fn parse_trunk_id(text: &str) -> Result<TrunkId, &'static str> {
    text.parse()
        .map_err(|_| "must be the id of a trunk: trunk_ and 26 characters, as GET /v1/agents/sip-trunks shows it")
}

impl Fields<'_> {
    /// `provider`, for which older clients say `source`.
    fn provider(&mut self) -> Option<Kind> {
        if self.given("provider") && self.given("source") && self.value("provider") != self.value("source") {
            self.violations.add("source", "must be absent, or say what provider says");
        }
        if !self.given("provider") && self.given("source") {
            return self.optional("source", |text| text.parse().map_err(message));
        }
        self.required("provider", |text| text.parse().map_err(message))
    }

    fn twilio_account(&mut self) -> Option<TwilioAccount> {
        self.nested("twilio", &TWILIO, |account| {
            account.refuse_strange();
            let account_sid = account.required("account_sid", AccountSid::parse);
            let auth_token = account.required("auth_token", AuthToken::parse);
            Some(TwilioAccount { account_sid: account_sid?, auth_token: auth_token? })
        })
    }

    fn check_given(&mut self, field: &str, message: &str) {
        if !self.given(field) {
            self.violations.add(field, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals(body: &str) -> Vec<String> {
        let body = JsonObject::parse(body.as_bytes()).unwrap();
        let violations = NewNumber::parse(&body).unwrap_err();
        violations.fields().iter().map(|(field, message)| format!("{field}: {message}")).collect()
    }

    #[test]
    fn every_violation_is_reported_at_once() {
        let found = refusals(
            r#"{"e164": "0012025550123", "provider": "twilio", "source": "byoc", "labl": "a", "trunk_id": 1,
                "twilio": {"account_sid": "AC", "auth_tokn": "t"}, "type": "twilio", "id": null}"#,
        );
        assert_eq!(
            found,
            [
                "e164: must begin with + and the country code, like +12025550123",
                "labl: unknown field, did you mean label?",
                "source: must be absent, or say what provider says",
                "trunk_id: must be absent for provider=twilio: the import creates the trunk",
                "twilio.account_sid: must be AC and 32 hexadecimal digits, as Twilio's console shows it",
                "twilio.auth_token: required",
                "twilio.auth_tokn: unknown field, did you mean auth_token?",
                "type: is set by the service: leave it out",
            ]
        );
    }

    #[test]
    fn an_absent_provider_is_missed_by_its_name() {
        assert_eq!(
            refusals(r#"{"provider": null, "source": null, "trunk_id": "1", "twilio": []}"#),
            [
                "e164: required".to_owned(),
                "provider: required".to_owned(),
                format!("trunk_id: {}", parse_trunk_id("1").unwrap_err()),
                "twilio: must be a JSON object".to_owned(),
            ]
        );
    }

    #[test]
    fn livekit_has_us_numbers_alone() {
        assert_eq!(
            refusals(
                r#"{"e164": "+4930123456", "provider": "livekit", "trunk_id": "x", "twilio": {"account_sid": 1}}"#
            ),
            [
                "e164: must begin with +1 for provider=livekit, which has US numbers alone",
                "trunk_id: must be absent for provider=livekit: the import creates the trunk",
                "twilio: must be absent for provider=livekit",
            ]
        );
    }
}
