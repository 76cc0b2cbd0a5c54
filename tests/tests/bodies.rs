//! What a body may not be.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reqwest::Method;
use serde_json::{Value, json};
use trunkline_tests::{Answer, Client, Left, NUMBERS, Request, World, both, inbound, livekit, outbound, with};

const LIMIT: usize = 64 * 1024;

async fn post(client: &Client, body: impl Into<Vec<u8>>) -> Answer {
    client.post().body("application/json", body).send().await
}

/// [`inbound`], padded to that many bytes.
fn padded(bytes: usize) -> String {
    let body = inbound().to_string();
    format!("{body}{}", " ".repeat(bytes - body.len()))
}

#[tokio::test]
async fn a_body_has_at_most_64_kib() {
    let world = World::start().await;
    let client = world.client();
    post(&client, padded(LIMIT)).await.expect(201);
    for bytes in [LIMIT + 1, 1024 * 1024, 5 * 1024 * 1024] {
        post(&client, padded(bytes)).await.expect_error(413, "payload_too_large");
    }
    post(&client, "x".repeat(LIMIT + 1)).await.expect_error(413, "payload_too_large");
    let answer = client.post().header("idempotency-key", "large").body("application/json", padded(LIMIT + 1));
    answer.send().await.expect_error(413, "payload_too_large");
    assert_eq!(world.left().await, Left::inbound(1));
}

#[tokio::test]
async fn a_body_is_json_by_its_type() {
    let world = World::start().await;
    let client = world.client();
    let body = inbound().to_string();
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/merge-patch+json",
        "text/json",
        "",
        "json",
        "*/*",
    ] {
        let answer = client.post().body(media_type, body.clone()).send().await;
        assert_eq!((answer.status, answer.code()), (415, "unsupported_media_type"), "{media_type:?}");
    }
    client.post().untyped_body(body.clone()).send().await.expect_error(415, "unsupported_media_type");
    assert_eq!(world.left().await, Left::NOTHING);
    for media_type in ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"] {
        client.post().body(media_type, body.clone()).send().await.expect(201);
    }
    assert_eq!(world.left().await, Left::inbound(3));
}

#[tokio::test]
async fn a_body_is_one_json_object() {
    let world = World::start().await;
    let client = world.client();
    let body = inbound().to_string();
    for malformed in [
        "",
        " ",
        "{",
        "}",
        "null",
        "true",
        "1",
        "[]",
        r#""text""#,
        "{'name': 'a'}",
        r#"{"name": "a",}"#,
        r#"{"name": }"#,
        r#"{"name" "a"}"#,
        r#"{"name": NaN}"#,
        r#"{"name": 1e999}"#,
        r#"{"name": 01}"#,
        r#"{"name": "a" /* comment */}"#,
        r#"{"name": "\x"}"#,
        r#"{"name": "\ud800"}"#,
        "{\"name\": \"line\nbreak\"}",
        "name=a",
        &format!("[{body}]"),
        &format!("{body}{body}"),
        &format!("{body} x"),
        &format!("\u{feff}{body}"),
    ] {
        let answer = post(&client, malformed).await;
        assert_eq!((answer.status, answer.code()), (400, "bad_request"), "{malformed}");
    }
    assert_eq!(world.left().await, Left::NOTHING);
}

#[tokio::test]
async fn a_body_is_utf_8() {
    let world = World::start().await;
    for wrong in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\x80", b"\xf8\x88\x80\x80\x80"] {
        let body =
            [br#"{"name":"In"#, wrong, br#"","kind":"byoc","direction":"inbound","sip_address":"sip.example.com"}"#];
        post(&world.client(), body.concat()).await.expect_error(400, "bad_request");
        post(&world.client(), wrong).await.expect_error(400, "bad_request");
    }
    assert_eq!(world.left().await, Left::NOTHING);
}

#[tokio::test]
async fn a_body_is_at_most_32_levels_deep() {
    let world = World::start().await;
    let client = world.client();
    // The body is level 1, its `credentials` level 2.
    let nested = |levels: usize, open: &str, close: &str| {
        let inner = format!(r#"{{"a":{}1{}}}"#, open.repeat(levels - 2), close.repeat(levels - 2));
        inbound().to_string().replacen('{', &format!(r#"{{"credentials":{inner},"#), 1)
    };
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        post(&client, nested(32, open, close)).await.expect(201);
        for levels in [33, 100, 5_000] {
            let answer = post(&client, nested(levels, open, close)).await.expect_error(400, "bad_request");
            assert!(answer.text.contains("32"), "{}", answer.text);
        }
    }
    post(&client, "[".repeat(60_000)).await.expect_error(400, "bad_request");
    post(&client, r#"{"a":"#.repeat(12_000)).await.expect_error(400, "bad_request");
    assert_eq!(world.left().await, Left { secrets: 2, ..Left::inbound(2) });
}

#[tokio::test]
async fn no_key_stands_twice() {
    let world = World::start().await;
    let body = inbound().to_string();
    for extra in [
        r#""name":"Other","#,
        r#""name":"In","#,
        r#""na\u006de":"Other","#,
        r#""credentials":{"a":1,"a":2},"#,
        r#""credentials":{"a":[{"b":1,"b":1}]},"#,
    ] {
        let twice = body.replacen('{', &format!("{{{extra}"), 1);
        let answer = post(&world.client(), twice).await.expect_error(400, "bad_request");
        assert!(answer.text.contains("duplicate key"), "{}", answer.text);
    }
    assert_eq!(world.left().await, Left::NOTHING);
}

#[tokio::test]
async fn no_string_holds_nul() {
    let world = World::start().await;
    let client = world.client();
    for changes in [
        json!({ "name": "a\0b" }),
        json!({ "auth_username": "a", "auth_password": "b\0" }),
        json!({ "credentials": {"a": "\0"} }),
        json!({ "credentials": {"a\0": 1} }),
        json!({ "\0": 1 }),
        json!({ "allowed_addresses": ["\0"] }),
    ] {
        client.create(&with(inbound(), changes)).await.expect_error(400, "bad_request");
    }
    let raw = inbound().to_string().replace("In", "I\0n");
    post(&client, raw).await.expect_error(400, "bad_request");
    assert_eq!(world.left().await, Left::NOTHING);
}

/// The same for each body of numbers: nothing is read of what cannot be read.
#[tokio::test]
async fn bodies_of_numbers_are_read_like_those_of_trunks() {
    let world = World::start().await;
    let client = world.client();
    let one = format!("{NUMBERS}/phone_01m83t4gh0e00b000000000005");
    let requests: [&dyn Fn() -> Request; 2] =
        [&|| client.request(Method::POST, NUMBERS), &|| client.request(Method::PATCH, &one)];
    for request in requests {
        let send = |body: String| request().body("application/json", body).send();
        let twice = r#"{"twilio": {"auth_token": "a", "auth_token": "b"}}"#;
        for malformed in ["", "null", "[]", "{", r#"{"label": "a",}"#, r#"{"label": "a", "label": "a"}"#, twice] {
            send(malformed.to_owned()).await.expect_error(400, "bad_request");
        }
        for unreadable in [r#"{"label": "\u0000"}"#.to_owned(), format!(r#"{{"twilio": {}}}"#, "[".repeat(40))] {
            send(unreadable).await.expect_error(400, "bad_request");
        }
        send(format!("{{}}{}", " ".repeat(LIMIT))).await.expect_error(413, "payload_too_large");
        request().body("text/plain", "{}").send().await.expect_error(415, "unsupported_media_type");
        request().untyped_body("{}").send().await.expect_error(415, "unsupported_media_type");
    }
    let merge_patch = client.request(Method::POST, NUMBERS).body("application/merge-patch+json", "{}");
    merge_patch.send().await.expect_error(415, "unsupported_media_type");
    assert_eq!(world.left().await, Left::NOTHING);
}

/// Any JSON.
fn any_json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("\0")),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((any::<String>(), inner), 0..6).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
    .boxed()
}

/// What may stand in a field: mostly something of the field's own kind.
fn field_value() -> BoxedStrategy<Value> {
    let words = [
        "byoc",
        "livekit",
        "twilio",
        "inbound",
        "outbound",
        "both",
        "auto",
        "udp",
        "tls",
        "require",
        "disable",
        "digest",
        "none",
        "sip.example.com",
        "SIP.example.com:5060",
        "10.0.0.1",
        "[2606:4700::1111]:1",
        "US",
        "zz",
        "",
        " ",
        "a",
        "a:b",
    ];
    prop_oneof![
        6 => prop::sample::select(words.to_vec()).prop_map(Value::from),
        2 => vec(prop::sample::select(vec!["1.1.1.1", "10.0.0.0/8", "10.0.0.1/8", "::/0", "x"]), 0..70).prop_map(Value::from),
        2 => "\\PC{0,300}".prop_map(Value::from),
        1 => (0_usize..9_000).prop_map(|length| Value::from("x".repeat(length))),
        2 => any_json(),
    ]
    .boxed()
}

/// A valid body with some fields changed, some removed and some strange ones added.
fn near_valid() -> BoxedStrategy<Value> {
    let names = [
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
        "id",
        "warnings",
    ];
    let name = prop_oneof![12 => prop::sample::select(names.to_vec()).prop_map(str::to_owned), 1 => any::<String>()];
    let change = (name, prop_oneof![4 => field_value().prop_map(Some), 1 => Just(None)]);
    (prop::sample::select(vec![both(), inbound(), outbound(), livekit()]), vec(change, 0..4))
        .prop_map(|(mut body, changes)| {
            let fields = body.as_object_mut().unwrap();
            for (name, value) in changes {
                match value {
                    Some(value) => fields.insert(name, value),
                    None => fields.remove(&name),
                };
            }
            body
        })
        .boxed()
}

fn any_body() -> BoxedStrategy<Vec<u8>> {
    let damaged = (near_valid(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>());
    let damaged = damaged.prop_map(|(body, at, byte, cut)| {
        let mut text = body.to_string().into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        if cut {
            text.truncate(at);
        }
        text
    });
    prop_oneof![
        6 => near_valid().prop_map(|body| body.to_string().into_bytes()),
        2 => any_json().prop_map(|body| body.to_string().into_bytes()),
        2 => damaged,
        1 => vec(any::<u8>(), 0..200),
    ]
    .boxed()
}

#[test]
fn two_thousand_bodies_and_never_a_failure_of_ours() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(async {
        let world = World::start().await;
        world.dynamodb().set_limit(&world.ready().workspace_id, 10_000).await;
        world
    });
    let (created, refused) = (Cell::new(0), Cell::new(0));
    let config = Config { cases: 2_000, failure_persistence: None, ..Config::default() };
    // The same bodies at each run: a failure is the change's own.
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    runner
        .run(&any_body(), |body| {
            let answer = runtime.block_on(post(&world.client(), body));
            match answer.status {
                201 => created.set(created.get() + 1),
                400 | 413 => refused.set(refused.get() + 1),
                _ => prop_assert!(false, "{} {}", answer.status, answer.text),
            }
            Ok(())
        })
        .unwrap();
    assert!(created.get() > 200 && refused.get() > 1_000, "{created:?} created, {refused:?} refused");
    let left = runtime.block_on(world.left());
    assert_eq!((left.trunk_count, left.active), (created.get(), created.get() as usize));
    assert_eq!((left.in_sweep_index, left.tombstones, left.secrets_scheduled), (0, 0, 0));
    assert_eq!(left.inbound, left.rules);
}
