//! The JSON schema of what [`NewNumber::parse`] takes: the fields by their types, then the rules across fields.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use crate::new_number::{NUMBER, PLUS_ONE};
use crate::schema::{absent, given, is, may_be_null, when};
use crate::{AccountSid, AuthToken, E164, Kind, NewNumber, PhoneNumberLabel, TrunkId};

/// A phone number to be imported. `null` counts as absent, where it is taken; what the service sets may be `null` alone.
/// A field that is not listed is refused.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = add_rules)]
#[expect(dead_code, reason = "only its schema is used")]
struct NewPhoneNumber {
    /// The number by ITU-T E.164, with an assigned country code. Begins with +1 for `livekit`, which has US numbers
    /// alone.
    e164: E164,
    /// Who gives the number: `byoc` for the customer's own carrier.
    provider: Option<Kind>,
    /// An older name of `provider`: one of them is required.
    #[schemars(extend("deprecated" = true))]
    source: Option<Kind>,
    /// For people: 1 to 128 characters after trimming.
    label: Option<PhoneNumberLabel>,
    /// The trunk that connects to the carrier. Required for `byoc`, refused for others: their import creates the trunk.
    trunk_id: Option<TrunkId>,
    /// The customer's account. Required for `twilio`, refused for others.
    twilio: Option<Account>,
}

/// A customer's Twilio account.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "TwilioAccount")]
#[expect(dead_code, reason = "only its schema is used")]
struct Account {
    /// Twilio's id of the account.
    account_sid: AccountSid,
    /// What opens the account. Kept in Secrets Manager and never shown.
    auth_token: AuthToken,
}

impl JsonSchema for NewNumber {
    fn schema_name() -> Cow<'static, str> {
        NewPhoneNumber::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        NewPhoneNumber::json_schema(generator)
    }
}

fn add_rules(schema: &mut Schema) {
    let provider = |kind: Kind| json!({"anyOf": [is("provider", kind.as_str()), is("source", kind.as_str())]});
    let account = json!({"properties": {"twilio": {"type": "object"}}, "required": ["twilio"]});
    let us = json!({"properties": {"e164": {"pattern": format!("^{}", PLUS_ONE.replace('+', r"\+"))}}});
    let mut rules = vec![
        json!({"anyOf": [given(&["provider"]), given(&["source"])]}),
        when(provider(Kind::Byoc), given(&["trunk_id"])),
        when(provider(Kind::Byoc), absent(&["twilio"])),
        when(provider(Kind::Twilio), account),
        when(provider(Kind::Twilio), absent(&["trunk_id"])),
        when(provider(Kind::Livekit), us),
        when(provider(Kind::Livekit), absent(&["trunk_id", "twilio"])),
    ];
    rules.extend([Kind::Byoc, Kind::Twilio, Kind::Livekit].map(alias));
    schema.insert("allOf".to_owned(), json!(rules));
    may_be_null(schema, NUMBER.read_only);
}

/// An alias says the same, or nothing.
fn alias(kind: Kind) -> Value {
    when(is("provider", kind.as_str()), json!({"properties": {"source": {"enum": [kind, null]}}}))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::new_number::TWILIO;

    fn described(schema: &Value) -> BTreeSet<&str> {
        schema["properties"].as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn the_schema_has_the_fields_that_the_parser_reads() {
        let schema = schemars::schema_for!(NewNumber).to_value();
        assert_eq!(described(&schema), NUMBER.settable.iter().copied().collect());
        let account = schemars::schema_for!(Account).to_value();
        assert_eq!(described(&account), TWILIO.settable.iter().copied().collect());
    }
}
