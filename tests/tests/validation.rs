//! Every rule of the contract's trunk table, at its edges.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use serde_json::{Map, Value, json};
use trunkline_tests::{Left, Setup, World, both, inbound, livekit, outbound, with, without};

/// A world whose demo workspace holds as many trunks as a test likes.
async fn roomy(setup: Setup) -> World {
    let world = setup.start().await;
    world.dynamodb().set_limit(&world.ready().workspace_id, 1_000).await;
    world
}

/// Each body is accepted, and the trunk shows the fields beside it; null means not at all.
async fn accepted(world: &World, cases: impl IntoIterator<Item = (Value, Value)>) {
    let client = world.client();
    for (body, shown) in cases {
        let answer = client.create(&body).await;
        assert_eq!(answer.status, 201, "{body}: {}", answer.text);
        for (field, value) in shown.as_object().unwrap() {
            assert_eq!(&answer.body[field], value, "{field} of {body}");
        }
        let read = client.get_trunk(answer.id()).await.expect(200);
        assert_eq!(read.body, answer.body, "{body}");
    }
}

/// Each body is refused for exactly the fields beside it, in words that contain those beside the field, and nothing
/// is made.
async fn refused(world: &World, cases: impl IntoIterator<Item = (Value, Value)>) {
    for (body, expected) in cases {
        let answer = world.client().create(&body).await;
        assert_eq!((answer.status, answer.code()), (400, "validation_failed"), "{body}: {}", answer.text);
        let (found, expected) = (answer.fields(), expected.as_object().unwrap());
        let paths = |fields: &Map<String, Value>| fields.keys().cloned().collect::<Vec<_>>();
        assert_eq!(paths(&found), paths(expected), "{body}: {}", answer.text);
        for (path, words) in expected {
            let message = found[path].as_str().unwrap();
            assert!(message.contains(words.as_str().unwrap()), "{body}: {path}: {message}");
        }
    }
    assert_eq!(world.left().await, Left::NOTHING);
}

/// `bodies` with each of `values` in `field`, all to be refused with `words`.
fn each<'a>(
    body: &'a Value,
    field: &'a str,
    words: &'a str,
    values: impl IntoIterator<Item = Value> + 'a,
) -> impl Iterator<Item = (Value, Value)> + 'a {
    values.into_iter().map(move |value| (with(body.clone(), json!({ field: value })), json!({ field: words })))
}

/// `body` with each pair's first in `field`, shown as the pair's second.
fn shown<'a>(
    body: &'a Value,
    field: &'a str,
    pairs: impl IntoIterator<Item = (Value, Value)> + 'a,
) -> impl Iterator<Item = (Value, Value)> + 'a {
    pairs.into_iter().map(move |(given, kept)| (with(body.clone(), json!({ field: given })), json!({ field: kept })))
}

fn same(values: impl IntoIterator<Item = Value>) -> Vec<(Value, Value)> {
    values.into_iter().map(|value| (value.clone(), value)).collect()
}

#[tokio::test]
async fn name() {
    let world = roomy(Setup::default()).await;
    let body = inbound();
    let long = |letter: &str, times| json!(letter.repeat(times));
    refused(&world, [(without(body.clone(), "name"), json!({ "name": "required" }))]).await;
    refused(&world, each(&body, "name", "required", [Value::Null])).await;
    refused(&world, each(&body, "name", "string", [json!(7), json!(["a"]), json!({}), json!(true)])).await;
    refused(&world, each(&body, "name", "1 to 128", [json!(""), json!("  "), long("a", 129), long("😀", 129)])).await;
    let controls = ["a\u{1}b", "a\nb", "a\u{7f}b", "a\u{85}b", "a\u{9f}b"];
    refused(&world, each(&body, "name", "control", controls.map(Value::from))).await;

    accepted(&world, shown(&body, "name", same([json!("a"), long("a", 128), long("é", 128), long("😀", 128)]))).await;
    let padded = format!("  {}  ", "a".repeat(128));
    accepted(
        &world,
        shown(&body, "name", [(json!("  Front desk "), json!("Front desk")), (json!(padded), long("a", 128))]),
    )
    .await;
}

#[tokio::test]
async fn kind() {
    let world = roomy(Setup::default()).await;
    let body = inbound();
    refused(&world, [(without(body.clone(), "kind"), json!({ "kind": "required" }))]).await;
    refused(&world, each(&body, "kind", "required", [Value::Null])).await;
    refused(&world, each(&body, "kind", "must be one of", [json!("BYOC"), json!(""), json!("sip"), json!("byoc ")]))
        .await;
    refused(&world, each(&body, "kind", "string", [json!(1)])).await;
    accepted(&world, [(inbound(), json!({ "kind": "byoc" })), (livekit(), json!({ "kind": "livekit" }))]).await;
}

#[tokio::test]
async fn twilio_is_refused_with_the_remedy() {
    let world = World::start().await;
    for direction in ["inbound", "outbound", "both"] {
        let body = json!({ "name": "Twilio", "kind": "twilio", "direction": direction });
        refused(&world, [(body, json!({ "kind": "import the number" }))]).await;
    }
    let answer = world.client().create(&with(inbound(), json!({ "kind": "twilio" }))).await;
    let message = answer.fields()["kind"].as_str().unwrap().to_owned();
    assert!(message.contains("twilio` spec") && message.contains("/v1/agents/phone-numbers"), "{message}");
}

#[tokio::test]
async fn direction() {
    let world = roomy(Setup::default()).await;
    let body = inbound();
    refused(&world, [(without(body.clone(), "direction"), json!({ "direction": "required" }))]).await;
    refused(&world, each(&body, "direction", "required", [Value::Null])).await;
    refused(&world, each(&body, "direction", "must be one of", ["", "Inbound", "sideways"].map(Value::from))).await;
    refused(&world, each(&body, "direction", "string", [json!(["inbound"])])).await;
    accepted(&world, shown(&body, "direction", same(["inbound", "outbound", "both"].map(Value::from)))).await;
}

#[tokio::test]
async fn livekit_numbers_are_inbound_only_and_have_no_carrier() {
    let world = roomy(Setup::default()).await;
    refused(
        &world,
        each(&livekit(), "direction", "must be inbound for kind=livekit", ["outbound", "both"].map(Value::from)),
    )
    .await;
    refused(&world, each(&livekit(), "sip_address", "kind=livekit", ["sip.example.com"].map(Value::from))).await;
    let login = json!({ "auth_username": "a", "auth_password": "b" });
    let reasons = json!({ "auth_username": "kind=livekit", "auth_password": "kind=livekit" });
    refused(&world, [(with(livekit(), login), reasons)]).await;
    let reasons = json!({ "auth_username": "kind=livekit", "auth_password": "required with auth_username" });
    refused(&world, [(with(livekit(), json!({ "auth_username": "a" })), reasons)]).await;
    let answer = world.client().create(&with(livekit(), json!({ "destination_country": "US" }))).await.expect(400);
    assert_eq!(answer.fields().len(), 1, "{}", answer.text);
    refused(
        &world,
        [(with(livekit(), json!({ "inbound_auth": "digest" })), json!({ "inbound_auth": "kind=livekit" }))],
    )
    .await;

    let settings = json!({
        "allowed_addresses": ["198.51.100.7"],
        "transport": "udp",
        "media_encryption": "disable",
        "credentials": {"a": 1},
    });
    let gone = json!({ "sip_address": null, "livekit_outbound_trunk_id": null, "auth_username": null });
    accepted(&world, [(livekit(), gone.clone()), (with(livekit(), settings), gone)]).await;
}

#[tokio::test]
async fn sip_address_is_a_host_and_maybe_a_port() {
    let world = roomy(Setup::default()).await;
    let body = outbound();
    let name = |length: usize| json!(format!("{}com", "a.".repeat((length - 3) / 2)));
    let label = |length| json!(format!("{}.example.com", "a".repeat(length)));
    refused(&world, [(without(body.clone(), "sip_address"), json!({ "sip_address": "required for kind=byoc" }))]).await;
    refused(&world, each(&body, "sip_address", "required for kind=byoc", [Value::Null])).await;
    refused(&world, each(&body, "sip_address", "string", [json!(5060)])).await;
    let uris = [
        "sip:sip.example.com",
        "SIPS:sip.example.com",
        "user@sip.example.com",
        "sip.example.com;transport=tls",
        "sip.example.com?transport=tls",
        "transport=tls",
        "https://sip.example.com",
        "<sip.example.com>",
    ];
    refused(&world, each(&body, "sip_address", "without scheme", uris.map(Value::from))).await;
    let hosts = [
        "",
        " ",
        "sip example.com",
        " sip.example.com",
        "sip.example.com ",
        "sip_1.example.com",
        "-sip.example.com",
        "sip-.example.com",
        "sip..example.com",
        ".example.com",
        "münchen.example.com",
        "1.1.1",
        "256.1.1.1",
        "[2606:4700::1111",
        "[sip.example.com]",
        "sip.example.com\u{1}",
    ];
    let hosts = hosts.map(Value::from).into_iter().chain([name(255), label(64)]);
    refused(&world, each(&body, "sip_address", "host name", hosts)).await;
    let ports = ["sip.example.com:", "sip.example.com:0", "sip.example.com:65536", "sip.example.com:sip", "1.1.1.1:-1"];
    refused(&world, each(&body, "sip_address", "port", ports.map(Value::from))).await;

    accepted(&world, shown(&body, "sip_address", same([name(253), label(63)]))).await;
    let kept = [
        "sip.example.com",
        "sip.example.com:1",
        "sip.example.com:65535",
        "3cx.example.com",
        "xn--mnchen-3ya.example.com",
        "1.1.1.1",
        "8.8.8.8:5061",
        "[2606:4700::1111]:5061",
    ];
    accepted(&world, shown(&body, "sip_address", same(kept.map(Value::from)))).await;
    let lowered = [("SIP.Example.COM:5060", "sip.example.com:5060"), ("2606:4700:0:0::1111", "[2606:4700::1111]")];
    accepted(&world, shown(&body, "sip_address", lowered.map(|(given, kept)| (json!(given), json!(kept))))).await;
}

const PRIVATE: [&str; 27] = [
    "0.0.0.0",
    "10.0.0.1:5060",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "255.255.255.255",
    "[::1]",
    "[::]:5060",
    "[::ffff:127.0.0.1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "localhost",
    "metadata.google.internal",
];

#[tokio::test]
async fn private_sip_addresses_are_refused() {
    let world = roomy(Setup::default()).await;
    let body = outbound();
    refused(&world, each(&body, "sip_address", "publicly routable", PRIVATE.map(Value::from))).await;
    let neighbours = ["100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1", "223.255.255.255", "11.0.0.1"];
    accepted(&world, shown(&body, "sip_address", same(neighbours.map(Value::from)))).await;
}

/// Resolvers that go by `inet_aton` take each of these for 127.0.0.1 or 10.0.0.1.
#[tokio::test]
async fn numbers_in_disguise_are_no_host_names() {
    let world = World::start().await;
    let disguised =
        ["2130706433", "127.1", "0177.0.0.1", "127.0.0.01", "0x7f.0.0.1", "0x7f.0.0.0x1", "127.0.0.0x1", "012.0x1"];
    for address in disguised {
        let answer = world.client().create(&with(outbound(), json!({ "sip_address": address }))).await;
        assert_eq!(answer.status, 400, "{address}");
    }
    assert_eq!(world.left().await, Left::NOTHING);
}

#[tokio::test]
async fn private_sip_addresses_are_taken_where_the_deployment_allows_them() {
    let world = roomy(Setup::default().set("ALLOW_PRIVATE_SIP_ADDRESSES", "true")).await;
    accepted(&world, shown(&outbound(), "sip_address", same(PRIVATE.map(Value::from)))).await;
    refused_here(&world, "sip:10.0.0.1").await;
}

async fn refused_here(world: &World, address: &str) {
    let answer = world.client().create(&with(outbound(), json!({ "sip_address": address }))).await;
    answer.expect_error(400, "validation_failed");
}

#[tokio::test]
async fn auth_username_and_password_come_together() {
    let world = roomy(Setup::default()).await;
    let body = without(without(both(), "auth_username"), "auth_password");
    let login = |username: Value, password: Value| {
        with(body.clone(), json!({ "auth_username": username, "auth_password": password }))
    };
    let long = |letter: &str, times| json!(letter.repeat(times));
    let missing = |field: &str| json!({ field: "required with" });
    refused(
        &world,
        [
            (login(json!("a"), Value::Null), missing("auth_password")),
            (login(Value::Null, json!("b")), missing("auth_username")),
            (with(body.clone(), json!({ "auth_username": "a" })), missing("auth_password")),
            (with(body.clone(), json!({ "auth_password": "b" })), missing("auth_username")),
        ],
    )
    .await;
    let names = ["", "a:b", "a b", " a", "a\t", "é", "a\u{7f}", "😀"].map(Value::from);
    let names = names.into_iter().chain([long("a", 129)]);
    refused(&world, names.map(|name| (login(name, json!("b")), json!({ "auth_username": "1 to 128 visible" })))).await;
    let words = [json!(""), long("b", 257), long("é", 257)];
    refused(&world, words.map(|word| (login(json!("a"), word), json!({ "auth_password": "1 to 256" })))).await;
    let words = ["b\u{1}", "b\n", "b\u{7f}", "b\u{9f}"].map(Value::from);
    refused(&world, words.map(|word| (login(json!("a"), word), json!({ "auth_password": "control" })))).await;
    let both_wrong = json!({ "auth_username": "string", "auth_password": "string" });
    refused(&world, [(login(json!(1), json!(["b"])), both_wrong)]).await;

    let name = |name: Value| json!({ "auth_username": name, "auth_password": null, "auth_password_set": true });
    accepted(
        &world,
        [
            (login(json!("a"), json!("b")), name(json!("a"))),
            (login(long("!", 128), long("b", 256)), name(long("!", 128))),
            (login(json!("~user@host/1"), long("é", 256)), name(json!("~user@host/1"))),
            (login(json!("a"), json!(" spaces: and 😀 ")), name(json!("a"))),
            (body.clone(), json!({ "auth_username": null, "auth_password": null, "auth_password_set": false })),
        ],
    )
    .await;
}

#[tokio::test]
async fn inbound_auth_is_digest_by_default_for_inbound_trunks_with_credentials_alone() {
    let world = roomy(Setup::default()).await;
    let trunk = |direction: &str, login: bool, auth: Value| {
        let body = with(inbound(), json!({ "direction": direction, "inbound_auth": auth }));
        if login { with(body, json!({ "auth_username": "a", "auth_password": "b" })) } else { body }
    };
    let shows = |auth: Value| json!({ "inbound_auth": auth });
    let null = || Value::Null;
    accepted(
        &world,
        [
            (trunk("inbound", true, null()), shows(json!("digest"))),
            (trunk("inbound", false, null()), shows(json!("none"))),
            (trunk("both", true, null()), shows(json!("none"))),
            (trunk("both", false, null()), shows(json!("none"))),
            (trunk("outbound", true, null()), shows(null())),
            (trunk("outbound", false, null()), shows(null())),
            (trunk("inbound", true, json!("none")), shows(json!("none"))),
            (trunk("inbound", true, json!("digest")), shows(json!("digest"))),
            (trunk("both", true, json!("digest")), shows(json!("digest"))),
            (trunk("both", false, json!("none")), shows(json!("none"))),
        ],
    )
    .await;
    let world = World::start().await;
    refused(
        &world,
        [
            (trunk("inbound", false, json!("digest")), shows(json!("digest needs auth_username"))),
            (trunk("both", false, json!("digest")), shows(json!("digest needs auth_username"))),
            (trunk("inbound", true, json!("basic")), shows(json!("must be one of"))),
            (trunk("inbound", true, json!("Digest")), shows(json!("must be one of"))),
            (trunk("inbound", true, json!(true)), shows(json!("string"))),
            (trunk("outbound", true, json!("digest")), shows(json!("direction=outbound"))),
        ],
    )
    .await;
}

#[tokio::test]
async fn allowed_addresses_are_canonical_networks() {
    let world = roomy(Setup::default()).await;
    let body = inbound();
    let many = |count: usize| -> Value { (0..count).map(|n| format!("198.51.{}.7", 100 + n)).collect() };
    refused(&world, each(&body, "allowed_addresses", "at most 64", [many(65)])).await;
    refused(&world, each(&body, "allowed_addresses", "list", [json!("198.51.100.7"), json!({}), json!(1)])).await;
    let wrong = |entries: Value, reasons: Value| (with(inbound(), json!({ "allowed_addresses": entries })), reasons);
    let malformed =
        ["", "nope", "198.51.100", "198.51.100.7/33", "198.51.100.7/", "2001:db8::/129", "example.com", "1.1.1.1:5060"];
    refused(&world, malformed.map(|entry| wrong(json!([entry]), json!({ "allowed_addresses[0]": "CIDR" })))).await;
    refused(
        &world,
        [
            wrong(json!(["198.51.100.7/24"]), json!({ "allowed_addresses[0]": "198.51.100.0/24" })),
            wrong(json!(["203.0.113.255/25"]), json!({ "allowed_addresses[0]": "203.0.113.128/25" })),
            wrong(json!(["2001:db8::1/32"]), json!({ "allowed_addresses[0]": "2001:db8::/32" })),
            wrong(
                json!(["198.51.100.7", 1, "nope", null]),
                json!({
                    "allowed_addresses[1]": "string",
                    "allowed_addresses[2]": "CIDR",
                    "allowed_addresses[3]": "string",
                }),
            ),
        ],
    )
    .await;

    let full = many(64);
    let pairs = [
        (json!([]), json!([])),
        (Value::Null, json!([])),
        (full.clone(), full),
        (json!(["0.0.0.0/0", "::/0"]), json!(["0.0.0.0/0", "::/0"])),
        (json!(["10.0.0.0/8", "127.0.0.1"]), json!(["10.0.0.0/8", "127.0.0.1"])),
        (json!(["198.51.100.7/32", "198.51.100.7"]), json!(["198.51.100.7"])),
        (json!(["2001:DB8:0::1", "2001:db8::1/128", "2001:db8::/32"]), json!(["2001:db8::1", "2001:db8::/32"])),
    ];
    accepted(&world, shown(&body, "allowed_addresses", pairs)).await;
    accepted(&world, [(body.clone(), json!({ "allowed_addresses": [] }))]).await;
}

#[tokio::test]
async fn destination_country_is_an_assigned_code_of_outbound_trunks() {
    let world = roomy(Setup::default()).await;
    let body = outbound();
    let codes = ["", "U", "USA", "UK", "EU", "XK", "ZZ", "AA", "12", "u ", "ÜS"];
    refused(&world, each(&body, "destination_country", "ISO 3166-1", codes.map(Value::from))).await;
    refused(&world, each(&body, "destination_country", "string", [json!(1)])).await;
    refused(&world, each(&inbound(), "destination_country", "direction=inbound", [json!("US")])).await;
    let pairs = [("US", "US"), ("gb", "GB"), ("dE", "DE"), ("ZW", "ZW"), ("AX", "AX")];
    accepted(&world, shown(&body, "destination_country", pairs.map(|(given, kept)| (json!(given), json!(kept))))).await;
    accepted(&world, [(with(both(), json!({ "destination_country": "fr" })), json!({ "destination_country": "FR" }))])
        .await;
    accepted(&world, [(body.clone(), json!({ "destination_country": null }))]).await;
}

#[tokio::test]
async fn transport_and_media_encryption_are_words() {
    let world = roomy(Setup::default()).await;
    let body = both();
    for (field, words, default) in [
        ("transport", &["auto", "udp", "tcp", "tls"][..], "auto"),
        ("media_encryption", &["disable", "allow", "require"], "allow"),
    ] {
        refused_alone(&body, field).await;
        accepted(&world, shown(&body, field, same(words.iter().map(|word| json!(word))))).await;
        accepted(&world, [(without(body.clone(), field), json!({ field: default }))]).await;
        accepted(&world, shown(&body, field, [(Value::Null, json!(default))])).await;
    }
}

async fn refused_alone(body: &Value, field: &str) {
    let world = World::start().await;
    refused(&world, each(body, field, "must be one of", ["", "TLS", "sctp", "none"].map(Value::from))).await;
    refused(&world, each(body, field, "string", [json!(1), json!([])])).await;
}

#[tokio::test]
async fn credentials_are_an_object_of_at_most_8_kib() {
    let world = roomy(Setup::default()).await;
    let body = inbound();
    // `{"a":"…"}`
    let sized = |bytes: usize| json!({ "a": "x".repeat(bytes - 8) });
    refused(&world, each(&body, "credentials", "8 KiB", [sized(8_193)])).await;
    refused(&world, each(&body, "credentials", "object", [json!([]), json!("a"), json!(1), json!(true)])).await;
    let never =
        |credentials: Value| (with(inbound(), json!({ "credentials": credentials })), json!({ "credentials": null }));
    accepted(&world, [sized(8_192), json!({}), json!({"deep": [{"er": null}]}), Value::Null].map(never)).await;
}

const SET_BY_THE_SERVICE: [&str; 9] = [
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

#[tokio::test]
async fn what_the_service_sets_is_refused() {
    let world = World::start().await;
    for field in SET_BY_THE_SERVICE {
        refused(&world, each(&both(), field, "set by the service", [json!("x")])).await;
    }
}

#[tokio::test]
async fn unknown_fields_are_refused_with_the_one_that_was_meant() {
    let world = World::start().await;
    for (field, meant) in [
        ("auth_pasword", "did you mean auth_password?"),
        ("auth_user_name", "did you mean auth_username?"),
        ("sip_adress", "did you mean sip_address?"),
        ("allowed_adresses", "did you mean allowed_addresses?"),
        ("Transport", "did you mean transport?"),
        ("media_encrytion", "did you mean media_encryption?"),
    ] {
        refused(&world, each(&both(), field, meant, [json!("x"), Value::Null])).await;
    }
    let answer = world.client().create(&with(both(), json!({ "colour": 1, "": 2 }))).await.expect(400);
    assert_eq!(answer.fields(), json!({ "": "unknown field", "colour": "unknown field" }).as_object().unwrap().clone());
    assert_eq!(world.left().await, Left::NOTHING);
}

#[tokio::test]
async fn null_counts_as_absent() {
    let world = World::start().await;
    let optional = [
        "auth_username",
        "auth_password",
        "inbound_auth",
        "allowed_addresses",
        "destination_country",
        "transport",
        "media_encryption",
        "credentials",
    ];
    let mut body = inbound();
    for field in optional.into_iter().chain(SET_BY_THE_SERVICE) {
        body[field] = Value::Null;
    }
    let (nulls, absent) = (world.client().create(&body).await.expect(201), world.client().create(&inbound()).await);
    let mut shown = nulls.body.clone();
    for field in
        ["id", "livekit_inbound_trunk_id", "livekit_dispatch_rule_id", "inbound_sip_uri", "created_at", "updated_at"]
    {
        shown[field] = absent.body[field].clone();
    }
    assert_eq!(shown, absent.body);
    assert!(nulls.body.as_object().unwrap().values().all(|value| !value.is_null()), "{}", nulls.text);
    assert_eq!(world.left().await, Left::inbound(2));
}

#[tokio::test]
async fn all_violations_are_reported_together() {
    let world = World::start().await;
    let body = json!({
        "name": " ",
        "kind": "byoc",
        "direction": "inbound",
        "auth_username": "a:b",
        "auth_pasword": "x",
        "inbound_auth": "always",
        "allowed_addresses": ["203.0.113.7/24", "nope"],
        "destination_country": "UK",
        "transport": "sctp",
        "media_encryption": 1,
        "credentials": [],
        "id": "trunk_1",
    });
    let answer = world.client().create(&body).await.expect_error(400, "validation_failed");
    trunkline_tests::redactions().bind(|| insta::assert_json_snapshot!(answer.body));
    assert_eq!(world.left().await, Left::NOTHING);
}
