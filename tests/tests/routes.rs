//! What is there, what is not, and in which words.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use reqwest::Method;
use serde_json::json;
use trunkline_tests::fault::System;
use trunkline_tests::{Left, NUMBERS, TRUNKS, World, both, e164, number, redactions};

#[tokio::test]
async fn healthz_says_that_the_process_runs_to_anybody() {
    let world = World::start().await;
    for path in ["/healthz", "/v1/agents/healthz"] {
        for client in [world.client(), world.client().without_key(), world.client().with_key("sk_nonsense")] {
            let answer = client.get(path).await.expect(200);
            assert_eq!(answer.body["status"], "ok");
            assert_eq!(answer.body["version"], env!("CARGO_PKG_VERSION"));
        }
    }
}

#[tokio::test]
async fn healthz_asks_no_other_system() {
    let world = World::faulty().await;
    world.client().without_key().get("/healthz").await.expect(200);
    for system in System::ALL {
        assert_eq!(world.faults(system).calls(), [""; 0]);
    }
}

/// The key counts first, then the query, then whatever else is asked for. Load balancers may add what they like.
#[tokio::test]
async fn a_route_refuses_a_query_that_it_does_not_have() {
    let world = World::start().await;
    let client = world.client();
    let trunk = client.create(&both()).await.expect(201);
    let number = client.import(&number(&e164(0), trunk.id())).await.expect(201);
    let before = world.left().await;
    let [trunks, numbers] = [TRUNKS, NUMBERS].map(str::to_owned);
    let (trunk, number) = (format!("{TRUNKS}/{}", trunk.id()), format!("{NUMBERS}/{}", number.id()));
    for (methods, path) in [
        ([Method::GET, Method::POST].as_slice(), &trunks),
        (&[Method::GET, Method::PATCH, Method::DELETE], &trunk),
        (&[Method::GET, Method::POST], &numbers),
        (&[Method::GET, Method::PATCH, Method::DELETE], &number),
    ] {
        for method in methods {
            let path = format!("{path}?dry_run=true");
            let answer = client.request(method.clone(), &path).send().await.expect_error(400, "validation_failed");
            assert_eq!(json!(answer.fields()), json!({ "dry_run": "unknown query parameter" }));
            let stranger = client.without_key().request(method.clone(), &path).send().await;
            stranger.expect_error(401, "unauthorized");
        }
    }
    for path in ["/healthz?probe=1&probe=2", "/v1/agents/healthz?probe=1"] {
        client.get(path).await.expect(200);
    }
    assert_eq!(world.left().await, before);
}

/// Nothing is kept for its key: the same request without the query is another one.
#[tokio::test]
async fn a_query_is_refused_before_an_idempotency_key_is_looked_at() {
    let world = World::start().await;
    let client = world.client();
    let post = |path: &str| client.request(Method::POST, path).header("idempotency-key", "key").json(&both());
    post(&format!("{TRUNKS}?dry_run=true")).send().await.expect_error(400, "validation_failed");
    let created = post(TRUNKS).send().await.expect(201);
    post(&format!("{TRUNKS}?dry_run=true")).send().await.expect_error(400, "validation_failed");
    assert_eq!(post(TRUNKS).send().await.expect(201).body, created.body);
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let world = World::start().await;
    for path in [
        "/",
        "/v1",
        "/v1/agents",
        "/v1/agents/nowhere",
        "/v2/agents/sip-trunks",
        "/v1/agents/sip-trunks/",
        "/v1/agents/sip-trunks/trunk_01m83t4cm0e00b000000000001/calls",
        "/v1/agents/phone-numbers/",
        "/v1/agents/phone-numbers/phone_01m83t4gh0e00b000000000005/calls",
        "/v1/agents//sip-trunks",
        "/V1/agents/sip-trunks",
        "/v1/agents/sip-trunks%2F",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE, Method::PATCH] {
            let answer = world.client().request(method.clone(), path).send().await;
            assert_eq!((answer.status, answer.code()), (404, "not_found"), "{method} {path}");
        }
    }
    assert_eq!(world.left().await, Left::NOTHING);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let world = World::start().await;
    let trunk = format!("{TRUNKS}/trunk_01m83t4cm0e00b000000000001");
    let number = format!("{NUMBERS}/phone_01m83t4gh0e00b000000000005");
    for (path, allowed) in [
        (TRUNKS, "GET, POST"),
        (&trunk, "DELETE, GET, PATCH"),
        (NUMBERS, "GET, POST"),
        (&number, "DELETE, GET, PATCH"),
        ("/healthz", "GET"),
    ] {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            if allowed.contains(method.as_str()) {
                continue;
            }
            let answer = world.client().request(method.clone(), path).send().await;
            assert_eq!((answer.status, answer.code()), (405, "method_not_allowed"), "{method} {path}");
            let mut methods: Vec<_> = answer.header("allow").unwrap().split(", ").collect();
            methods.sort_unstable();
            assert_eq!(methods.join(", "), allowed, "{method} {path}");
        }
    }
    assert_eq!(world.left().await, Left::NOTHING);
}

#[tokio::test]
async fn the_envelope_of_what_is_not_there() {
    let world = World::start().await;
    let client = world.client();
    let answers = json!({
        "path": client.get("/v1/agents/nowhere").await.whole(),
        "method": client.request(Method::PUT, TRUNKS).send().await.whole(),
        "number": client.get_number("phone_01m83t4gh0e00b000000000005").await.whole(),
        "trunk": client.get_trunk("trunk_01m83t4cm0e00b000000000001").await.whole(),
    });
    redactions().bind(|| insta::assert_json_snapshot!(answers));
}

/// What the client says of where the request came to is the gateway's to say.
#[tokio::test]
async fn a_strange_host_header_is_no_ones_harm() {
    let world = World::start().await;
    for (name, value) in [("host", "["), ("host", "x:99999"), ("host", "a b"), ("x-forwarded-proto", "<")] {
        let request = world.client().request(Method::GET, TRUNKS).header(name, value);
        request.send().await.expect(200);
    }
}
