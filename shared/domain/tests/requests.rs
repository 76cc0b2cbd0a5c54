//! Requests against the table of fields of the contract, and its rules across fields.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

mod oracle;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use oracle::check;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use secrecy::ExposeSecret;
use trunkline_domain::{AddressPolicy, JsonObject, NewTrunk, TrunkSecret};

/// In every value that is a secret, and in every one that is wrong.
const CANARY: &str = "c4n4ry";

/// What stands in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// Nothing, or `null`.
    Nothing,
    /// Something valid, kept so.
    Valid(&'static str),
    /// Something that its own rule forbids.
    Wrong,
}
use Says::{Nothing, Valid, Wrong};

/// A value as JSON, and what it says.
type Case = (&'static str, Says);

/// The values of each field, from the column "rule".
const VALUES: &[(&str, &[Case])] = &[
    (
        "name",
        &[
            (r#""a""#, Valid("a")),
            (r#"" Carrier \u00e9 \n""#, Valid("Carrier é")),
            (r#""""#, Wrong),
            (r#"" \t""#, Wrong),
            (r#""c4n4ry\u0007c""#, Wrong),
            (r#"["c4n4ry"]"#, Wrong),
        ],
    ),
    (
        "kind",
        &[
            (r#""byoc""#, Valid("byoc")),
            (r#""byoc""#, Valid("byoc")),
            (r#""byoc""#, Valid("byoc")),
            (r#""livekit""#, Valid("livekit")),
            (r#""livekit""#, Valid("livekit")),
            (r#""twilio""#, Wrong),
            (r#""BYOC c4n4ry""#, Wrong),
            ("1", Wrong),
        ],
    ),
    (
        "direction",
        &[
            (r#""inbound""#, Valid("inbound")),
            (r#""inbound""#, Valid("inbound")),
            (r#""outbound""#, Valid("outbound")),
            (r#""both""#, Valid("both")),
            (r#""both""#, Valid("both")),
            (r#""c4n4ry""#, Wrong),
            ("true", Wrong),
        ],
    ),
    (
        "sip_address",
        &[
            (r#""SIP.Example.com:05060""#, Valid("sip.example.com:5060")),
            (r#""2606:4700:0::1111""#, Valid("[2606:4700::1111]")),
            (r#""sip:c4n4ry@sip.example.com""#, Wrong),
            (r#""c4n4ry.internal""#, Wrong),
            (r#""10.0.0.1""#, Wrong),
            (r#""c4n4ry.example.com:0""#, Wrong),
            (r#"{"c4n4ry": 1}"#, Wrong),
        ],
    ),
    (
        "auth_username",
        &[
            (r#""user@example.com""#, Valid("user@example.com")),
            (r#""c4n4ry:b""#, Wrong),
            (r#""""#, Wrong),
            ("1", Wrong),
        ],
    ),
    (
        "auth_password",
        &[
            (r#"" c4n4ry: \u00e9""#, Valid(" c4n4ry: é")),
            (r#""c4n4ry\n""#, Wrong),
            (r#""""#, Wrong),
            (r#"["c4n4ry"]"#, Wrong),
        ],
    ),
    (
        "inbound_auth",
        &[(r#""digest""#, Valid("digest")), (r#""none""#, Valid("none")), (r#""c4n4ry""#, Wrong), ("false", Wrong)],
    ),
    (
        "destination_country",
        &[(r#""us""#, Valid("US")), (r#""DE""#, Valid("DE")), (r#""UK""#, Wrong), (r#""c4n4ry""#, Wrong), ("1", Wrong)],
    ),
    (
        "transport",
        &[
            (r#""auto""#, Valid("auto")),
            (r#""udp""#, Valid("udp")),
            (r#""tcp""#, Valid("tcp")),
            (r#""tls""#, Valid("tls")),
            (r#""TLS c4n4ry""#, Wrong),
            ("[]", Wrong),
        ],
    ),
    (
        "media_encryption",
        &[
            (r#""disable""#, Valid("disable")),
            (r#""allow""#, Valid("allow")),
            (r#""require""#, Valid("require")),
            (r#""c4n4ry""#, Wrong),
            ("0", Wrong),
        ],
    ),
    (
        "credentials",
        &[
            ("{}", Valid("{}")),
            (r#"{ "c4n4ry": [1.10, "c4n4ry "] }"#, Valid(r#"{"c4n4ry":[1.10,"c4n4ry "]}"#)),
            (r#""c4n4ry""#, Wrong),
            (r#"["c4n4ry"]"#, Wrong),
        ],
    ),
];

/// Entries of `allowed_addresses`.
const ENTRIES: &[Case] = &[
    (r#""203.0.113.7""#, Valid("203.0.113.7")),
    (r#""203.0.113.7/32""#, Valid("203.0.113.7")),
    (r#""2001:DB8::/32""#, Valid("2001:db8::/32")),
    (r#""::/0""#, Valid("::/0")),
    (r#""203.0.113.7/24""#, Wrong),
    (r#""c4n4ry""#, Wrong),
    ("null", Wrong),
    ("[]", Wrong),
];

/// Fields of responses, which no request sets.
const READ_ONLY: &[&str] = &[
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

const UNKNOWN: &[&str] = &["auth_pasword", "Name", "colour", "", "sip_address ", "type"];

#[derive(Debug, Clone)]
enum Addresses {
    Nothing,
    Wrong,
    List(Vec<Case>),
}

/// A body before it is written down.
#[derive(Debug, Clone)]
struct Request {
    says: BTreeMap<&'static str, Says>,
    addresses: Addresses,
    strange: BTreeSet<&'static str>,
    members: Vec<(&'static str, String)>,
}

fn any_case(field: &'static str, cases: &'static [Case]) -> impl Strategy<Value = (&'static str, Option<Case>)> {
    let required = ["name", "kind", "direction", "sip_address"].contains(&field);
    let valid: Vec<Case> = cases.iter().copied().filter(|(_, says)| *says != Wrong).collect();
    let wrong: Vec<Case> = cases.iter().copied().filter(|(_, says)| *says == Wrong).collect();
    let (often, seldom) = if required { (30, 2) } else { (8, 24) };
    let nothing = prop_oneof![Just(None), Just(Some(("null", Nothing)))];
    let case = prop_oneof![often => select(valid).prop_map(Some), 2 => select(wrong).prop_map(Some), seldom => nothing];
    case.prop_map(move |case| (field, case))
}

fn any_addresses() -> impl Strategy<Value = (Option<String>, Addresses)> {
    let list = |entries: Vec<Case>| {
        let texts: Vec<_> = entries.iter().map(|(json, _)| *json).collect();
        (Some(format!("[{}]", texts.join(", "))), Addresses::List(entries))
    };
    let valid: Vec<Case> = ENTRIES.iter().copied().filter(|(_, says)| *says != Wrong).collect();
    prop_oneof![
        8 => Just((None, Addresses::Nothing)),
        1 => Just((Some("null".to_owned()), Addresses::Nothing)),
        1 => select(vec![r#""203.0.113.7""#, "{}", "7"]).prop_map(|json| (Some(json.to_owned()), Addresses::Wrong)),
        4 => vec(select(valid.clone()), 0..5).prop_map(list),
        1 => vec(select(ENTRIES), 0..6).prop_map(list),
        1 => vec(select(valid), 60..68).prop_map(list),
    ]
}

fn any_request() -> impl Strategy<Value = Request> {
    let fields: Vec<_> = VALUES.iter().map(|(field, cases)| any_case(field, cases)).collect();
    let names = select([READ_ONLY, UNKNOWN].concat());
    let strange = prop_oneof![6 => Just(BTreeSet::new()), 1 => btree_set((names, any::<bool>()), 1..3)];
    let parts = (fields, any_addresses(), strange);
    let request = parts.prop_map(|(fields, (list, addresses), strange)| {
        let mut members: Vec<_> = Vec::new();
        let mut says = BTreeMap::new();
        for (field, case) in fields {
            says.insert(field, case.map_or(Nothing, |(_, says)| says));
            members.extend(case.map(|(json, _)| (field, json.to_owned())));
        }
        members.extend(list.map(|list| ("allowed_addresses", list)));
        let mut strangers = BTreeSet::new();
        for (name, null) in strange {
            if members.iter().any(|(field, _)| *field == name) {
                continue;
            }
            // A read-only field that is `null` is absent; an unknown one has no meaning that could be absent.
            if !(null && READ_ONLY.contains(&name)) {
                strangers.insert(name);
            }
            members.push((name, if null { "null".into() } else { format!("\"{CANARY}\"") }));
        }
        Request { says, addresses, strange: strangers, members }
    });
    request.prop_flat_map(|request| {
        let shuffled = Just(request.members.clone()).prop_shuffle();
        shuffled.prop_map(move |members| Request { members, ..request.clone() })
    })
}

impl Request {
    fn body(&self) -> String {
        let members = self.members.iter().map(|(field, json)| format!("{}: {json}", serde_json::json!(field)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(",\n"))
    }

    fn given(&self, field: &str) -> bool {
        self.says[field] != Nothing
    }

    fn is(&self, field: &str, word: &'static str) -> bool {
        self.says[field] == Valid(word)
    }

    /// The fields that the contract finds something wrong with.
    fn violated(&self) -> BTreeSet<String> {
        let mut fields: BTreeSet<&str> = self.strange.clone();
        fields.extend(self.says.iter().filter(|(_, says)| **says == Wrong).map(|(field, _)| *field));
        let rules = [
            ("name", !self.given("name")),
            ("kind", !self.given("kind")),
            ("direction", !self.given("direction")),
            ("sip_address", self.is("kind", "byoc") && !self.given("sip_address")),
            (
                "direction",
                self.is("kind", "livekit") && (self.is("direction", "outbound") || self.is("direction", "both")),
            ),
            ("sip_address", self.is("kind", "livekit") && self.given("sip_address")),
            ("auth_username", self.is("kind", "livekit") && self.given("auth_username")),
            ("auth_password", self.is("kind", "livekit") && self.given("auth_password")),
            ("destination_country", self.is("kind", "livekit") && self.given("destination_country")),
            ("destination_country", self.is("direction", "inbound") && self.given("destination_country")),
            ("inbound_auth", self.is("direction", "outbound") && self.given("inbound_auth")),
            ("auth_password", self.given("auth_username") && !self.given("auth_password")),
            ("auth_username", self.given("auth_password") && !self.given("auth_username")),
            (
                "inbound_auth",
                self.is("inbound_auth", "digest")
                    && (self.is("kind", "livekit") || !self.given("auth_username") && !self.given("auth_password")),
            ),
        ];
        fields.extend(rules.into_iter().filter(|(_, broken)| *broken).map(|(field, _)| field));
        let mut fields: BTreeSet<String> = fields.into_iter().map(str::to_owned).collect();
        match &self.addresses {
            Addresses::Nothing => {}
            Addresses::Wrong => drop(fields.insert("allowed_addresses".into())),
            Addresses::List(entries) => {
                if entries.len() > 64 {
                    fields.insert("allowed_addresses".into());
                }
                let wrong = entries.iter().enumerate().filter(|(_, (_, says))| *says == Wrong);
                fields.extend(wrong.map(|(index, _)| format!("allowed_addresses[{index}]")));
            }
        }
        fields
    }

    /// What a valid request is kept as.
    fn kept(&self) -> BTreeMap<&'static str, String> {
        let mut kept: BTreeMap<_, _> = BTreeMap::from([("transport", "auto"), ("media_encryption", "allow")]);
        if !self.is("direction", "outbound") {
            let digest = self.is("direction", "inbound") && self.given("auth_username");
            kept.insert("inbound_auth", if digest { "digest" } else { "none" });
        }
        for (field, says) in &self.says {
            if let Valid(text) = says {
                kept.insert(field, text);
            }
        }
        let mut kept: BTreeMap<_, _> = kept.into_iter().map(|(field, text)| (field, text.to_owned())).collect();
        let mut folded: Vec<&str> = Vec::new();
        if let Addresses::List(entries) = &self.addresses {
            for (_, says) in entries {
                match says {
                    Valid(text) if !folded.contains(text) => folded.push(text),
                    _ => {}
                }
            }
        }
        kept.insert("allowed_addresses", folded.join(" "));
        kept
    }
}

fn fields_of(trunk: &NewTrunk) -> BTreeMap<&'static str, String> {
    let settings = &trunk.settings;
    let addresses: Vec<_> = settings.allowed_addresses.iter().map(ToString::to_string).collect();
    let secret = trunk.secret.as_ref();
    let outbound = settings.outbound().and_then(|(_, outbound)| outbound.destination_country);
    let fields = [
        ("name", Some(settings.name.to_string())),
        ("kind", Some(settings.kind().to_string())),
        ("direction", Some(settings.direction().to_string())),
        ("sip_address", settings.sip_address().map(ToString::to_string)),
        ("auth_username", settings.auth_username.as_ref().map(ToString::to_string)),
        ("auth_password", secret.and_then(TrunkSecret::password).map(|it| it.expose_secret().to_owned())),
        ("inbound_auth", settings.inbound().map(|inbound| inbound.auth.to_string())),
        ("allowed_addresses", Some(addresses.join(" "))),
        ("destination_country", outbound.map(|country| country.to_string())),
        ("transport", Some(settings.transport.to_string())),
        ("media_encryption", Some(settings.media_encryption.to_string())),
        ("credentials", secret.and_then(TrunkSecret::credentials).map(|it| it.expose_secret().to_owned())),
    ];
    fields.into_iter().filter_map(|(field, text)| Some((field, text?))).collect()
}

#[test]
fn a_request_is_refused_for_exactly_the_rules_it_breaks_and_kept_as_given() {
    let (taken, refused) = (Cell::new(0), Cell::new(0));
    check(12, any_request(), |request| {
        let body = JsonObject::parse(request.body().as_bytes()).unwrap();
        let violated = request.violated();
        let count = if violated.is_empty() { &taken } else { &refused };
        count.set(count.get() + 1);
        match NewTrunk::parse(&body, AddressPolicy::PublicOnly) {
            Ok(trunk) => {
                prop_assert_eq!(violated, BTreeSet::new());
                prop_assert_eq!(fields_of(&trunk), request.kept());
                let shown = format!("{trunk:?}");
                prop_assert!(!shown.contains(CANARY), "{}", shown);
            }
            Err(violations) => {
                prop_assert_eq!(violations.fields().keys().cloned().collect::<BTreeSet<_>>(), violated);
                let shown = format!("{violations} {violations:?}");
                prop_assert!(!shown.contains(CANARY), "{}", shown);
            }
        }
        Ok(())
    });
    assert!(taken.get() > 50 && refused.get() > 100, "{} taken, {} refused", taken.get(), refused.get());
}
