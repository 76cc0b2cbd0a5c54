//! The JSON schema of what [`NewTrunk::parse`] takes: the fields by their types, then the rules across fields.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::new_trunk::{DEFAULT_MEDIA_ENCRYPTION, DEFAULT_TRANSPORT};
use crate::schema::{absent, given, is, may_be_null, when};
use crate::trunk_fields::{MAX_ALLOWED_ADDRESSES, NOT_OF_LIVEKIT, TRUNK};
use crate::{
    AllowedAddress, AuthPassword, AuthUsername, CarrierCredentials, CountryCode, Direction, InboundAuth, Kind,
    MediaEncryption, NewTrunk, SipAddress, Transport, TrunkName,
};

/// A trunk to be created. `null` counts as absent, where it is taken; what the service sets may be `null` alone. A field
/// that is not listed is refused: a mistyped security setting must not be dropped.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = add_rules)]
#[expect(dead_code, reason = "only its schema is used")]
struct NewSipTrunk {
    /// For people: 1 to 128 characters after trimming.
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
        when(is("kind", Kind::Livekit.as_str()), absent(&NOT_OF_LIVEKIT)),
        when(is("kind", Kind::Byoc.as_str()), given(&["sip_address"])),
        when(is("direction", Direction::Inbound.as_str()), absent(&["destination_country"])),
        when(is("direction", Direction::Outbound.as_str()), absent(&["inbound_auth"])),
        when(given(&["auth_username"]), given(&["auth_password"])),
        when(given(&["auth_password"]), given(&["auth_username"])),
        when(is("inbound_auth", InboundAuth::Digest.as_str()), given(&["auth_username", "auth_password"])),
    ];
    schema.insert("allOf".to_owned(), json!(rules));
    may_be_null(schema, TRUNK.read_only);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use regex::Regex;
    use serde_json::Value;

    use crate::{AddressPolicy, JsonObject};

    use super::*;

    fn taken(field: &str, value: &Value) -> bool {
        let mut body = json!({"name": "a", "kind": "livekit", "direction": "inbound"});
        body[field] = value.clone();
        let body = JsonObject::parse(body.to_string().as_bytes()).unwrap();
        NewTrunk::parse(&body, AddressPolicy::PublicOnly).is_ok()
    }

    #[test]
    fn the_schema_has_the_fields_that_the_parser_reads() {
        let schema = schemars::schema_for!(NewTrunk);
        let described: BTreeSet<_> = schema.get("properties").unwrap().as_object().unwrap().keys().collect();
        assert_eq!(
            described,
            TRUNK.settable.iter().map(|field| field.to_string()).collect::<Vec<_>>().iter().collect()
        );
    }

    #[test]
    fn what_the_service_sets_may_be_null_alone() {
        let schema = schemars::schema_for!(NewTrunk);
        let patterns = schema.get("patternProperties").unwrap().as_object().unwrap();
        let (pattern, value) = patterns.iter().next().unwrap();
        assert_eq!(value, &json!({"type": "null"}));
        let pattern = Regex::new(pattern).unwrap();
        for field in ["id", "warnings", "livekit_dispatch_rule_id", "updated_at", "ids", "an_id", "ID", "colour"] {
            assert_eq!(pattern.is_match(field), taken(field, &Value::Null), "{field}");
            assert!(!taken(field, &json!("x")), "{field}");
        }
    }

    #[test]
    fn a_name_fits_its_pattern_as_it_fits_the_parser() {
        let schema = schemars::schema_for!(TrunkName);
        assert_eq!(schema.get("maxLength"), None);
        let pattern = Regex::new(schema.get("pattern").unwrap().as_str().unwrap()).unwrap();
        let long = |chars: usize| "é".repeat(chars);
        let names = [
            "a",
            " a b ",
            "\n\t\u{85}a\u{3000}\r",
            "\u{feff}",
            "",
            " ",
            "\u{2003}",
            "a\tb",
            "\u{7f}a",
            "a\u{9f}",
            "a\u{200b}",
        ];
        let names = names.map(str::to_owned).into_iter().chain([128, 129].map(long));
        let names = names.chain([128, 129].map(|chars| format!("  {}\u{2003} ", long(chars))));
        for name in names {
            assert_eq!(pattern.is_match(&name), taken("name", &json!(name)), "{name:?}");
        }
    }

    #[test]
    fn what_is_shown_fits_the_pattern_of_responses() {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        let generator = || settings.clone().into_generator();
        let fits = |schema: Schema, text: &str| {
            Regex::new(schema.get("pattern").unwrap().as_str().unwrap()).unwrap().is_match(text)
        };
        for given in
            ["1.1.1.1/32", "0.0.0.0/0", "198.51.100.0/31", "2001:DB8::/127", "::/0", "::FFFF:1.1.1.0/120", "::1"]
        {
            let shown = AllowedAddress::parse(given).unwrap().to_string();
            assert!(fits(generator().into_root_schema_for::<AllowedAddress>(), &shown), "{shown}");
        }
        for never in ["1.1.1.1/32", "2001:DB8::1", "::1/128", "1.1.1.0/024"] {
            assert!(!fits(generator().into_root_schema_for::<AllowedAddress>(), never), "{never}");
        }
        for given in ["SIP.Example.com:05060", "2606:4700:0::1111", "1.1.1.1:65535", "[2606:4700::1111]:5061"] {
            let shown = SipAddress::parse(given, AddressPolicy::PublicOnly).unwrap().to_string();
            assert!(fits(generator().into_root_schema_for::<SipAddress>(), &shown), "{shown}");
        }
        for never in ["SIP.example.com", "2606:4700::1111", "sip.example.com:05060"] {
            assert!(!fits(generator().into_root_schema_for::<SipAddress>(), never), "{never}");
        }
        for (text, shown) in [("DE", true), ("de", false)] {
            assert_eq!(fits(generator().into_root_schema_for::<CountryCode>(), text), shown);
        }
        for (text, shown) in [("Front desk", true), (" a", false), ("a ", false)] {
            assert_eq!(fits(generator().into_root_schema_for::<TrunkName>(), text), shown);
        }
    }
}
