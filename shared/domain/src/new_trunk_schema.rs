//! The JSON schema of what [`NewTrunk::parse`] takes: the fields by their types, then the rules across fields.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::new_trunk::{DEFAULT_MEDIA_ENCRYPTION, DEFAULT_TRANSPORT, MAX_ALLOWED_ADDRESSES};
use crate::{
    AllowedAddress, AuthPassword, AuthUsername, CarrierCredentials, CountryCode, Direction, InboundAuth, Kind,
    MediaEncryption, NewTrunk, SipAddress, Transport, TrunkName,
};

/// A trunk to be created. `null` counts as absent, where it is taken. A field that is not listed is refused: a mistyped
/// security setting must not be dropped.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = add_rules)]
#[expect(dead_code, reason = "only its schema is used")]
struct NewSipTrunk {
    /// For people. Trimmed.
    name: TrunkName,
    /// `livekit` for a number of LiveKit's own, `byoc` for the customer's own carrier.
    #[schemars(extend("enum" = [Kind::Livekit.as_str(), Kind::Byoc.as_str()]))]
    kind: Word,
    /// Which way calls go, seen from LiveKit. `livekit` trunks are `inbound`.
    direction: Direction,
    /// Where outbound calls go: a host name or IP address, then optionally `:port`. No scheme, no user, no parameters.
    /// Must be publicly routable, unless the deployment allows others. Required for `byoc`, refused for `livekit`.
    sip_address: Option<SipAddress>,
    /// The user name of SIP digest authentication. Only with `auth_password`; refused for `livekit`.
    auth_username: Option<AuthUsername>,
    /// The password of SIP digest authentication. Only with `auth_username`; refused for `livekit`.
    auth_password: Option<AuthPassword>,
    /// `digest`: LiveKit challenges inbound calls with the trunk's credentials; needs them. `none`: it does not. By
    /// default `digest` for `inbound` trunks with credentials, else `none`. Refused for `outbound`.
    inbound_auth: Option<InboundAuth>,
    /// Who may call in: IPv4 or IPv6 addresses, or networks without host bits. Empty means any source.
    #[schemars(length(max = MAX_ALLOWED_ADDRESSES), extend("default" = []))]
    allowed_addresses: Option<Vec<AllowedAddress>>,
    /// Where most outbound calls go, by which LiveKit picks a region: an officially assigned code of ISO 3166-1, in
    /// either case. Refused for `inbound`.
    destination_country: Option<CountryCode>,
    /// SIP's transport protocol. `auto` is UDP, unless DNS says otherwise.
    #[schemars(extend("default" = DEFAULT_TRANSPORT.as_str()))]
    transport: Option<Transport>,
    /// SRTP: never, offered, or demanded.
    #[schemars(extend("default" = DEFAULT_MEDIA_ENCRYPTION.as_str()))]
    media_encryption: Option<MediaEncryption>,
    /// The carrier's own credentials, at most 8 KiB serialised. Kept in Secrets Manager and never shown.
    credentials: Option<CarrierCredentials>,
}

/// A string whose words its field lists.
struct Word;

impl JsonSchema for Word {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Word".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}

impl JsonSchema for NewTrunk {
    fn schema_name() -> Cow<'static, str> {
        NewSipTrunk::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        NewSipTrunk::json_schema(generator)
    }
}

fn add_rules(schema: &mut Schema) {
    let rules = [
        when(is("kind", Kind::Livekit.as_str()), is("direction", Direction::Inbound.as_str())),
        when(
            is("kind", Kind::Livekit.as_str()),
            absent(&["sip_address", "auth_username", "auth_password", "destination_country"]),
        ),
        when(is("kind", Kind::Byoc.as_str()), given(&["sip_address"])),
        when(is("direction", Direction::Inbound.as_str()), absent(&["destination_country"])),
        when(is("direction", Direction::Outbound.as_str()), absent(&["inbound_auth"])),
        when(given(&["auth_username"]), given(&["auth_password"])),
        when(given(&["auth_password"]), given(&["auth_username"])),
        when(is("inbound_auth", InboundAuth::Digest.as_str()), given(&["auth_username", "auth_password"])),
    ];
    schema.insert("allOf".to_owned(), json!(rules));
}

fn when(condition: Value, then: Value) -> Value {
    json!({"if": condition, "then": then})
}

fn is(field: &str, word: &str) -> Value {
    json!({"properties": {field: {"const": word}}, "required": [field]})
}

fn given(fields: &[&str]) -> Value {
    let properties: Value = fields.iter().map(|field| (field.to_string(), json!({"type": "string"}))).collect();
    json!({"properties": properties, "required": fields})
}

/// `null` counts as absent.
fn absent(fields: &[&str]) -> Value {
    let properties: Value = fields.iter().map(|field| (field.to_string(), json!({"type": "null"}))).collect();
    json!({"properties": properties})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::new_trunk::FIELDS;

    use super::*;

    #[test]
    fn the_schema_has_the_fields_that_the_parser_reads() {
        let schema = schemars::schema_for!(NewTrunk);
        let described: BTreeSet<_> = schema.get("properties").unwrap().as_object().unwrap().keys().collect();
        assert_eq!(described, FIELDS.map(str::to_owned).iter().collect());
    }
}
