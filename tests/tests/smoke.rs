//! The least that a front door does: the local service's own, or `sam local start-api` (`tests/peers/sam`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use reqwest::Method;
use serde_json::json;
use trunkline_tests::{Client, Left, TRUNKS, World, both, inbound, outbound, with};

#[tokio::test]
async fn a_front_door_works() {
    let world = World::start().await;
    world.add_event_fixtures().await;
    let before = world.left().await;
    let front = world.front().await;
    let client = front.client(&world.ready().api_key);

    it_is_alive(&client).await;
    a_trunk_comes_and_goes(&world, &client).await;
    a_request_is_replayed(&client).await;
    a_list_has_pages(&client).await;
    callers_are_told_apart(&world, &client).await;
    bad_requests_are_refused(&client).await;
    what_is_not_there_is_answered_too(&client).await;

    // One trunk came and went, with its secret; one was made once, another two for the list.
    let gone = Left { secrets_scheduled: 1, ..Left::tombstones(1) };
    let kept = Left { trunk_count: 1, active: 1, outbound: 1, idempotency: 1, ..Left::NOTHING };
    assert_eq!(world.left().await, before + gone + kept + Left::inbound(2));
    front.close().await;
}

async fn it_is_alive(client: &Client) {
    for path in ["/healthz", "/v1/agents/healthz"] {
        assert_eq!(client.without_key().get(path).await.expect(200).body["status"], "ok");
    }
}

async fn a_trunk_comes_and_goes(world: &World, client: &Client) {
    let created = client.create(&both()).await.expect(201);
    let id = created.id();
    assert_eq!(created.header("location"), Some(format!("{TRUNKS}/{id}").as_str()));
    assert_eq!(client.get_trunk(id).await.expect(200).body, created.body);
    assert_eq!(world.livekit().of(id).await.inbound.len(), 1);
    client.delete_trunk(id).await.expect(204);
    client.get_trunk(id).await.expect_error(404, "sip_trunk_not_found");
}

async fn a_request_is_replayed(client: &Client) {
    let first = client.create_once("smoke", &outbound()).await.expect(201);
    let again = client.create_once("smoke", &outbound()).await.expect(201);
    assert_eq!((again.body, again.headers.get("idempotent-replayed").is_some()), (first.body, true));
    client.create_once("smoke", &inbound()).await.expect_error(409, "idempotency_conflict");
}

async fn a_list_has_pages(client: &Client) {
    let first = client.create(&inbound()).await.expect(201);
    let second = client.create(&inbound()).await.expect(201);
    let newest = client.get(&format!("{TRUNKS}?kind=byoc&direction=inbound&limit=1")).await.expect(200);
    assert_eq!(newest.body["trunks"], json!([second.body]));
    let cursor = newest.text_of("next_cursor");
    let next = client.get(&format!("{TRUNKS}?kind=byoc&direction=inbound&limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!(next.body["trunks"], json!([first.body]));
}

async fn callers_are_told_apart(world: &World, client: &Client) {
    let trunk = client.get(TRUNKS).await.expect(200).body["trunks"][0]["id"].as_str().unwrap().to_owned();
    client.without_key().get(TRUNKS).await.expect_error(401, "unauthorized");
    client.with_key(&world.ready().other_api_key).get_trunk(&trunk).await.expect_error(404, "sip_trunk_not_found");
    client.with_key(&world.ready().read_api_key).delete_trunk(&trunk).await.expect_error(403, "insufficient_scope");
    let full = client.with_key("sk_EventsWorkspaceAtCap00000000000000000000000");
    let refused = full.create(&inbound()).await.expect_error(402, "payment_required");
    assert_eq!(refused.details(), &json!({"limit": 20, "used": 20}));
}

async fn bad_requests_are_refused(client: &Client) {
    let wrong = with(inbound(), json!({ "sip_address": "sip:host", "transport": "carrier pigeon" }));
    let fields = client.create(&wrong).await.expect_error(400, "validation_failed").fields();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["sip_address", "transport"]);
    client.post().body("application/json", "{").send().await.expect_error(400, "bad_request");
    client.post().body("text/plain", "{}").send().await.expect_error(415, "unsupported_media_type");
}

/// By the `$default` route.
async fn what_is_not_there_is_answered_too(client: &Client) {
    client.get("/v1/agents/nowhere").await.expect_error(404, "not_found");
    let refused = client.request(Method::PUT, TRUNKS).send().await.expect_error(405, "method_not_allowed");
    let mut allowed: Vec<_> = refused.header("allow").unwrap().split(", ").collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "POST"]);
}
