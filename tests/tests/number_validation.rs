//! Every rule of the contract for the bodies of phone numbers, at its edges. What an import then does is
//! `numbers.rs`'s matter.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use serde_json::{Map, Value, json};
use trunkline_tests::canary::assert_no_trace_of;
use trunkline_tests::{Answer, Left, World, e164, inbound, livekit, number, peers, with, without};

const E164: &str = "+12025550123";
const NOWHERE: &str = "trunk_01m83t4ejge00b000000000003";
const TOKEN: &str = "cAnArY-t0ken";

/// Numbers of each provider, complete.
fn byoc() -> Value {
    number(E164, NOWHERE)
}

fn twilio() -> Value {
    let account = json!({ "account_sid": "AC00000000000000000000000000000000", "auth_token": TOKEN });
    json!({ "e164": E164, "provider": "twilio", "twilio": account })
}

fn livekit_number() -> Value {
    json!({ "e164": E164, "provider": "livekit" })
}

/// `answer` is refused for exactly the `expected` fields, in words that contain those beside the field.
#[track_caller]
fn assert_refused(answer: &Answer, body: &Value, expected: &Value) {
    assert_eq!((answer.status, answer.code()), (400, "validation_failed"), "{body}: {}", answer.text);
    let (found, expected) = (answer.fields(), expected.as_object().unwrap());
    let paths = |fields: &Map<String, Value>| fields.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(&found), paths(expected), "{body}: {}", answer.text);
    for (path, words) in expected {
        let message = found[path].as_str().unwrap();
        assert!(message.contains(words.as_str().unwrap()), "{body}: {path}: {message}");
    }
}

/// Each body is refused for the fields beside it, and nothing is made.
async fn refused(world: &World, cases: impl IntoIterator<Item = (Value, Value)>) {
    for (body, expected) in cases {
        assert_refused(&world.client().import(&body).await, &body, &expected);
    }
    assert_eq!(world.left().await, Left::NOTHING);
}

/// Nothing is wrong with what each body says; this trunk is just not there, this number not for sale, or this provider's
/// numbers are not imported.
async fn understood(world: &World, bodies: impl IntoIterator<Item = Value>) {
    let mut undone = 0;
    for body in bodies {
        let answer = world.client().import(&body).await;
        let provider = body["provider"].as_str().or(body["source"].as_str()).unwrap();
        match provider {
            "byoc" => assert_refused(&answer, &body, &json!({ "trunk_id": "no such trunk" })),
            // LiveKit Cloud alone sells numbers.
            "livekit" if peers::livekit_is_shared() => {
                assert_refused(&answer, &body, &json!({ "provider": "LiveKit has no phone numbers" }));
                undone += 1;
            }
            "livekit" => {
                assert_eq!((answer.status, answer.code()), (409, "conflict"), "{body}: {}", answer.text);
                undone += 1;
            }
            _ => assert_refused(&answer, &body, &json!({ "twilio.auth_token": "does not take it" })),
        }
    }
    assert_eq!(world.left().await, Left::tombstones(undone));
}

#[tokio::test]
async fn e164s() {
    let world = World::start().await;
    refused(&world, [(without(byoc(), "e164"), json!({ "e164": "required" }))]).await;
    for (value, words) in [
        (Value::Null, "required"),
        (json!(12_025_550_123_u64), "string"),
        (json!(""), "begin with +"),
        (json!("12025550123"), "begin with +"),
        (json!("0012025550123"), "begin with +"),
        (json!(" +12025550123"), "begin with +"),
        (json!("+1 202 555 0123"), "digits alone"),
        (json!("+1202555012x"), "digits alone"),
        (json!("+1202555"), "8 to 15 digits"),
        (json!("+1202555012345678"), "8 to 15 digits"),
        (json!("+99912345678"), "country code"),
        (json!("+02025550123"), "country code"),
    ] {
        refused(&world, [(with(byoc(), json!({ "e164": value })), json!({ "e164": words }))]).await;
    }
    let numbers = ["+12025550123", "+4930123456", "+88213300655", "+80012345678", "+12345678", "+491234567890123"];
    understood(&world, numbers.map(|e164| with(byoc(), json!({ "e164": e164 })))).await;
}

#[tokio::test]
async fn provider_and_its_older_name() {
    let world = World::start().await;
    let unnamed = || without(byoc(), "provider");
    refused(&world, [(unnamed(), json!({ "provider": "required" }))]).await;
    refused(
        &world,
        [(with(unnamed(), json!({ "provider": null, "source": null })), json!({ "provider": "required" }))],
    )
    .await;
    for field in ["provider", "source"] {
        for (value, words) in [
            (json!("BYOC"), "must be one of livekit, twilio, byoc"),
            (json!(""), "must be one of"),
            (json!("sip"), "must be one of"),
            (json!(1), "string"),
        ] {
            refused(&world, [(with(unnamed(), json!({ field: value })), json!({ field: words }))]).await;
        }
    }
    for other in ["twilio", "livekit", "nonsense"] {
        refused(&world, [(with(byoc(), json!({ "source": other })), json!({ "source": "what provider says" }))]).await;
    }
    understood(
        &world,
        [
            with(unnamed(), json!({ "source": "byoc" })),
            with(unnamed(), json!({ "source": "byoc", "provider": null })),
            with(byoc(), json!({ "source": "byoc" })),
            with(byoc(), json!({ "source": null })),
            with(without(livekit_number(), "provider"), json!({ "source": "livekit" })),
        ],
    )
    .await;
}

#[tokio::test]
async fn label() {
    let world = World::start().await;
    let long = |letter: &str, times| json!(letter.repeat(times));
    for (value, words) in [
        (json!(7), "string"),
        (json!(["a"]), "string"),
        (json!(""), "1 to 128"),
        (json!("  "), "1 to 128"),
        (long("a", 129), "1 to 128"),
        (long("😀", 129), "1 to 128"),
        (json!("a\u{1}b"), "control"),
        (json!("a\nb"), "control"),
        (json!("a\u{9f}b"), "control"),
    ] {
        refused(&world, [(with(byoc(), json!({ "label": value })), json!({ "label": words }))]).await;
    }
    let labels = [json!("a"), long("a", 128), long("😀", 128), json!("  Front desk "), Value::Null];
    understood(&world, labels.map(|label| with(byoc(), json!({ "label": label })))).await;
}

#[tokio::test]
async fn a_carriers_number_names_its_trunk() {
    let world = World::start().await;
    refused(&world, [(without(byoc(), "trunk_id"), json!({ "trunk_id": "required for provider=byoc" }))]).await;
    for (value, words) in [
        (Value::Null, "required for provider=byoc"),
        (json!(1), "string"),
        (json!(""), "the id of a trunk"),
        (json!("01a207a2-4220-7000-b000-000000000003"), "the id of a trunk"),
        (json!(NOWHERE.to_uppercase()), "the id of a trunk"),
        (json!("phone_01m83t4ejge00b000000000003"), "the id of a trunk"),
    ] {
        refused(&world, [(with(byoc(), json!({ "trunk_id": value })), json!({ "trunk_id": words }))]).await;
    }
    let account = twilio()["twilio"].clone();
    for value in [account, json!({}), json!({ "auth_token": 1 }), json!("x")] {
        let body = with(byoc(), json!({ "twilio": value }));
        refused(&world, [(body, json!({ "twilio": "must be absent for provider=byoc" }))]).await;
    }
    understood(&world, [byoc(), with(byoc(), json!({ "twilio": null }))]).await;
}

#[tokio::test]
async fn a_number_of_twilio_names_its_account() {
    let world = World::start().await;
    refused(&world, [(without(twilio(), "twilio"), json!({ "twilio": "required for provider=twilio" }))]).await;
    refused(&world, [(with(twilio(), json!({ "trunk_id": NOWHERE })), json!({ "trunk_id": "the import creates" }))])
        .await;
    for value in [json!("x"), json!([]), json!(1)] {
        refused(&world, [(with(twilio(), json!({ "twilio": value })), json!({ "twilio": "JSON object" }))]).await;
    }
    let account = |changes: Value| with(twilio(), json!({ "twilio": with(twilio()["twilio"].clone(), changes) }));
    for (changes, expected) in [
        (json!({ "account_sid": null }), json!({ "twilio.account_sid": "required" })),
        (json!({ "account_sid": "AC123" }), json!({ "twilio.account_sid": "AC and 32 hexadecimal digits" })),
        (json!({ "account_sid": 1 }), json!({ "twilio.account_sid": "string" })),
        (json!({ "auth_token": null }), json!({ "twilio.auth_token": "required" })),
        (json!({ "auth_token": "" }), json!({ "twilio.auth_token": "1 to 128 visible ASCII" })),
        (json!({ "auth_token": format!("{TOKEN} {TOKEN}") }), json!({ "twilio.auth_token": "1 to 128 visible ASCII" })),
        (json!({ "auth_token": TOKEN.repeat(11) }), json!({ "twilio.auth_token": "1 to 128 visible ASCII" })),
        (json!({ "auth_token": [TOKEN] }), json!({ "twilio.auth_token": "string" })),
        (json!({ "auth_tokn": TOKEN }), json!({ "twilio.auth_tokn": "did you mean auth_token?" })),
        (
            json!({ "region": TOKEN, "account_sid": {} }),
            json!({ "twilio.account_sid": "string", "twilio.region": "unknown" }),
        ),
    ] {
        refused(&world, [(account(changes), expected)]).await;
    }
    refused(
        &world,
        [(
            with(twilio(), json!({ "twilio": {} })),
            json!({ "twilio.account_sid": "required", "twilio.auth_token": "required" }),
        )],
    )
    .await;
    understood(&world, [twilio(), with(twilio(), json!({ "trunk_id": null }))]).await;
}

#[tokio::test]
async fn livekit_has_us_numbers_alone() {
    let world = World::start().await;
    for e164 in ["+4930123456", "+447400123456"] {
        refused(&world, [(with(livekit_number(), json!({ "e164": e164 })), json!({ "e164": "must begin with +1" }))])
            .await;
    }
    let body = with(livekit_number(), json!({ "trunk_id": NOWHERE, "twilio": {} }));
    refused(&world, [(body, json!({ "trunk_id": "the import creates", "twilio": "must be absent" }))]).await;
    understood(&world, [livekit_number()]).await;
}

#[tokio::test]
async fn strange_fields_are_refused_by_name() {
    let world = World::start().await;
    for (field, words) in [
        ("id", "set by the service"),
        ("type", "set by the service"),
        ("capabilities", "set by the service"),
        ("provider_phone_number_id", "set by the service"),
        ("created_at", "set by the service"),
        ("updated_at", "set by the service"),
        ("lable", "did you mean label?"),
        ("trunkid", "did you mean trunk_id?"),
        ("E164", "did you mean e164?"),
        ("colour", "unknown field"),
    ] {
        refused(&world, [(with(byoc(), json!({ field: "x" })), json!({ field: words }))]).await;
    }
    let nulls = ["id", "type", "capabilities", "provider_phone_number_id", "created_at", "updated_at"];
    understood(&world, nulls.map(|field| with(byoc(), json!({ field: null })))).await;
    refused(&world, [(with(byoc(), json!({ "colour": null })), json!({ "colour": "unknown field" }))]).await;
}

#[tokio::test]
async fn all_violations_are_reported_together() {
    let world = World::start().await;
    let body = json!({
        "e164": "+12",
        "provider": "twilio",
        "source": "livekit",
        "label": " ",
        "trunk_id": 1,
        "twilio": { "account_sid": "AC", "token": "x" },
        "lable": "x",
        "id": "phone_1",
    });
    let answer = world.client().import(&body).await.expect_error(400, "validation_failed");
    trunkline_tests::redactions().bind(|| insta::assert_json_snapshot!(answer.body));
    assert_eq!(world.left().await, Left::NOTHING);
}

#[tokio::test]
async fn a_number_goes_onto_a_carriers_trunk_alone() {
    let world = World::start().await;
    let client = world.client();
    let other = client.create(&livekit()).await.expect(201);
    let answer = client.import(&number(&e164(0), other.id())).await;
    assert_refused(&answer, &Value::Null, &json!({ "trunk_id": "only to a trunk of kind=byoc" }));
    let trunk = client.create(&inbound()).await.expect(201);
    let imported = client.import(&number(&e164(0), trunk.id())).await.expect(201);
    let answer = client.patch_number(imported.id(), &json!({ "trunk_id": other.id() })).await;
    assert_refused(&answer, &Value::Null, &json!({ "trunk_id": "only to a trunk of kind=byoc" }));
    let answer = client.patch_number(imported.id(), &json!({ "trunk_id": NOWHERE })).await;
    assert_refused(&answer, &Value::Null, &json!({ "trunk_id": "no such trunk" }));
    assert_eq!(client.get_number(imported.id()).await.expect(200).body, imported.body);
}

#[tokio::test]
async fn what_a_patch_may_not_say() {
    let world = World::start().await;
    let client = world.client();
    let trunk = client.create(&inbound()).await.expect(201);
    let imported = client.import(&number(&e164(0), trunk.id())).await.expect(201);
    for field in ["e164", "provider", "source", "twilio"] {
        // Also what is.
        for value in [json!("x"), imported.body[field].clone(), Value::Null, json!({ "auth_token": TOKEN })] {
            let patch = json!({ "label": "Other", field: value });
            let answer = client.patch_number(imported.id(), &patch).await;
            assert_refused(&answer, &patch, &json!({ field: "delete the number and import it again" }));
        }
    }
    for field in ["id", "type", "capabilities", "provider_phone_number_id", "created_at", "updated_at"] {
        for value in [imported.body[field].clone(), Value::Null] {
            let patch = json!({ field: value });
            let answer = client.patch_number(imported.id(), &patch).await;
            assert_refused(&answer, &patch, &json!({ field: "set by the service" }));
        }
    }
    for (patch, expected) in [
        (json!({ "label": "" }), json!({ "label": "1 to 128" })),
        (json!({ "label": 1, "trunk_id": "x" }), json!({ "label": "string", "trunk_id": "the id of a trunk" })),
        (json!({ "lable": null }), json!({ "lable": "did you mean label?" })),
    ] {
        assert_refused(&client.patch_number(imported.id(), &patch).await, &patch, &expected);
    }
    assert_eq!(client.get_number(imported.id()).await.expect(200).body, imported.body);
}

#[tokio::test]
async fn what_is_no_id_names_nothing() {
    let world = World::start().await;
    let client = world.client();
    for id in [
        "x",
        "01a207a2-4220-7000-b000-000000000005",
        "trunk_01m83t4cm0e00b000000000001",
        "PHONE_01m83t4gh0e00b000000000005",
    ] {
        client.get_number(id).await.expect_error(404, "phone_number_not_found");
        client.patch_number(id, &json!({ "label": "x" })).await.expect_error(404, "phone_number_not_found");
        client.delete_number(id).await.expect_error(404, "phone_number_not_found");
    }
    client.get_trunk("phone_01m83t4gh0e00b000000000005").await.expect_error(404, "sip_trunk_not_found");
}

/// A refusal that another attempt would meet too is the key's answer; one that time may mend is not.
#[tokio::test]
async fn a_refusal_is_kept_for_its_key() {
    let world = World::start().await;
    let client = world.client();
    let is_replay = |answer: &Answer| answer.header("idempotent-replayed") == Some("true");
    for (key, body) in [("invalid", json!({ "e164": 1 })), ("nowhere", byoc()), ("closed", twilio())] {
        let first = client.import_once(key, &body).await.expect_error(400, "validation_failed");
        let again = client.import_once(key, &body).await.expect_error(400, "validation_failed");
        assert_eq!((is_replay(&first), is_replay(&again)), (false, true), "{key}");
        assert_eq!(first.text, again.text);
        client.import_once(key, &livekit_number()).await.expect_error(409, "idempotency_conflict");
    }
    assert_eq!(world.left().await, Left { idempotency: 3, ..Left::NOTHING });

    let trunk = client.create(&inbound()).await.expect(201);
    let holder = client.import(&number(&e164(0), trunk.id())).await.expect(201);
    let body = number(&e164(0), trunk.id());
    client.import_once("taken", &body).await.expect_error(409, "conflict");
    client.delete_number(holder.id()).await.expect(204);
    let imported = client.import_once("taken", &body).await.expect(201);
    let location = format!("/v1/agents/phone-numbers/{}", imported.id());
    assert_eq!((is_replay(&imported), imported.header("location")), (false, Some(location.as_str())));
    let again = client.import_once("taken", &body).await.expect(201);
    assert_eq!((is_replay(&again), &again.text), (true, &imported.text));
    assert_eq!(again.header("location"), Some(location.as_str()));
}

#[tokio::test]
async fn a_token_shows_nowhere() {
    let world = World::start().await;
    let token = |value: Value| with(twilio(), json!({ "twilio": { "account_sid": "AC", "auth_token": value } }));
    let bodies = [
        twilio(),
        token(json!([TOKEN])),
        token(json!(format!("{TOKEN}\n"))),
        with(byoc(), json!({ "label": [TOKEN] })),
    ];
    for (order, body) in bodies.iter().enumerate() {
        let answer = world.client().import_once(&format!("order-{order}"), body).await.expect(400);
        assert_no_trace_of(TOKEN, "an answer", &answer.text);
    }
    for item in world.dynamodb().items().await {
        assert_no_trace_of(TOKEN, "a record", &format!("{item:?}"));
    }
}
