//! The JSON schema of what [`TrunkChange::parse`] takes. Some of its rules depend on the trunk, and are left to words.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

use crate::trunk_fields::MAX_ALLOWED_ADDRESSES;
use crate::{
    AllowedAddress, AuthPassword, AuthUsername, CarrierCredentials, CountryCode, InboundAuth, MediaEncryption,
    SipAddress, Transport, TrunkChange, TrunkName,
};

/// A JSON merge patch (RFC 7396) of a trunk. A field that is left out stays as it is. `kind` and `direction` cannot be
/// changed. A field that is not listed is refused.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = add_rules)]
#[expect(dead_code, reason = "only its schema is used")]
struct SipTrunkPatch {
    /// For people: 1 to 128 characters after trimming.
    name: TrunkName,
    /// Where outbound calls go. Refused for `livekit` and `twilio`.
    sip_address: SipAddress,
    /// The user name of SIP digest authentication. Alone it keeps the password, if there is one; `null` clears both.
    /// Refused for `livekit` and `twilio`.
    auth_username: Option<AuthUsername>,
    /// The password of SIP digest authentication. Alone it keeps the user name, if there is one; `null` clears both.
    /// Refused for `livekit` and `twilio`.
    auth_password: Option<AuthPassword>,
    /// Whether LiveKit challenges inbound calls with the trunk's credentials. To clear those of a trunk that has
    /// `digest`, set `none` too. Refused for `outbound` and `twilio`.
    inbound_auth: InboundAuth,
    /// Who may call in, in place of all who might: IPv4 or IPv6 addresses, or networks without host bits. Empty means any
    /// source.
    #[schemars(length(max = MAX_ALLOWED_ADDRESSES))]
    allowed_addresses: Vec<AllowedAddress>,
    /// Where most outbound calls go; `null` clears it. Refused for `inbound`.
    destination_country: Option<CountryCode>,
    /// SIP's transport protocol.
    transport: Transport,
    /// SRTP: never, offered, or demanded.
    media_encryption: MediaEncryption,
    /// A merge patch of the carrier's own credentials; `null` clears them. What comes of it is at most 8 KiB serialised.
    /// Of `twilio`: the account's new `auth_token`, and nothing else.
    credentials: Option<CarrierCredentials>,
}

impl JsonSchema for TrunkChange {
    fn schema_name() -> Cow<'static, str> {
        SipTrunkPatch::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        SipTrunkPatch::json_schema(generator)
    }
}

fn add_rules(schema: &mut Schema) {
    schema.remove("required");
    let clears_both = |field: &str, other: &str| {
        let cleared = json!({"properties": {field: {"type": "null"}}, "required": [field]});
        json!({"if": cleared, "then": {"properties": {other: {"type": "null"}}}})
    };
    let rules = [clears_both("auth_username", "auth_password"), clears_both("auth_password", "auth_username")];
    schema.insert("allOf".to_owned(), json!(rules));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::trunk_fields::TRUNK;

    #[test]
    fn the_schema_has_the_fields_that_can_be_changed() {
        let schema = schemars::schema_for!(TrunkChange);
        let described: BTreeSet<_> = schema.get("properties").unwrap().as_object().unwrap().keys().collect();
        let changeable = TRUNK.settable.iter().filter(|field| !["kind", "direction"].contains(field));
        assert_eq!(described, changeable.map(|field| field.to_string()).collect::<Vec<_>>().iter().collect());
        assert_eq!(schema.get("required"), None);
    }
}
