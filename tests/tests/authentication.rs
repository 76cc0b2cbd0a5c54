//! Who may do what, and what nobody else sees of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use serde_json::json;
use trunkline_domain::Scope;
use trunkline_tests::{Answer, Client, Left, NUMBERS, TRUNKS, World, both, e164, inbound, number, redactions};

/// The first character outside base62 makes a key that no table can hold.
const MALFORMED: [&str; 6] = ["", "sk_", "sk_short", "pk_0000000000000000000000000000000000000000000", "sk_ü", "a b"];

async fn every_route(client: &Client, id: &str) -> [Answer; 4] {
    [
        client.create(&inbound()).await,
        client.get(TRUNKS).await,
        client.get_trunk(id).await,
        client.delete_trunk(id).await,
    ]
}

async fn every_route_of_numbers(client: &Client, trunk_id: &str, id: &str) -> [Answer; 5] {
    [
        client.import(&number(&e164(2), trunk_id)).await,
        client.get(NUMBERS).await,
        client.get_number(id).await,
        client.patch_number(id, &json!({ "label": "Stolen" })).await,
        client.delete_number(id).await,
    ]
}

#[tokio::test]
async fn without_a_valid_key_there_is_nothing() {
    let world = World::start().await;
    let trunk = world.client().create(&both()).await.expect(201);
    let table = world.dynamodb();
    let (_, workspace_id) = world.new_client().await;
    let revoked = table.new_key(workspace_id.parse().unwrap(), Scope::Full).await;
    table.revoke(&revoked).await;
    let unknown = "sk_EventsUnknown000000000000000000000000000000";

    let mut clients = vec![world.client().without_key()];
    clients.extend(MALFORMED.into_iter().chain([unknown, &revoked]).map(|key| world.client().with_key(key)));
    let imported = world.client().import(&number(&e164(0), trunk.id())).await.expect(201);
    let mut bodies = Vec::new();
    for client in &clients {
        let of_numbers = every_route_of_numbers(client, trunk.id(), imported.id()).await;
        for mut answer in every_route(client, trunk.id()).await.into_iter().chain(of_numbers) {
            assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{client:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            answer.body["request_id"] = "".into();
            bodies.push(answer.body);
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "the same body for each: {bodies:?}");
    assert_eq!(world.client().get_number(imported.id()).await.expect(200).body, imported.body);
    assert_eq!(world.left().await, Left { in_sweep_index: 1, ..Left::both(1) });
}

#[tokio::test]
async fn other_schemes_are_no_key() {
    let world = World::start().await;
    let key = &world.ready().api_key;
    for header in [key.clone(), format!("Basic {key}"), format!("Bearer{key}"), format!("Bearer {key} {key}")] {
        let request = world.client().without_key().post().header("authorization", &header).json(&inbound());
        request.send().await.expect_error(401, "unauthorized");
    }
    let request = world.client().without_key().post().header("authorization", format!("bearer {key}"));
    request.json(&inbound()).send().await.expect(201);
    assert_eq!(world.left().await, Left::inbound(1));
}

#[tokio::test]
async fn the_refusals_in_full() {
    let world = World::start().await;
    let read_only = world.client().with_key(&world.ready().read_api_key);
    let answers = json!({
        "unauthorized": world.client().without_key().get(TRUNKS).await.whole(),
        "insufficient_scope": read_only.create(&inbound()).await.whole(),
    });
    redactions().bind(|| insta::assert_json_snapshot!(answers));
}

#[tokio::test]
async fn a_key_that_may_read_reads() {
    let world = World::start().await;
    let trunk = world.client().create(&both()).await.expect(201);
    let client = world.client().with_key(&world.ready().read_api_key);
    let [create, list, get, delete] = every_route(&client, trunk.id()).await;
    create.expect_error(403, "insufficient_scope");
    delete.expect_error(403, "insufficient_scope");
    assert_eq!(get.expect(200).body, trunk.body);
    assert_eq!(list.expect(200).body["trunks"], json!([trunk.body]));
    client.create(&json!({ "name": 1 })).await.expect_error(403, "insufficient_scope");
    client.delete_trunk("nonsense").await.expect_error(403, "insufficient_scope");
    assert_eq!(world.left().await, Left::both(1));
}

#[tokio::test]
async fn another_workspaces_trunk_is_not_there() {
    let world = World::start().await;
    let trunk = world.client().create(&both()).await.expect(201);
    let other = world.other_client();
    other.get_trunk(trunk.id()).await.expect_error(404, "sip_trunk_not_found");
    other.delete_trunk(trunk.id()).await.expect_error(404, "sip_trunk_not_found");
    assert_eq!(
        other.get(TRUNKS).await.expect(200).body,
        json!({ "trunks": [], "next_cursor": null, "has_more": false })
    );
    assert_eq!(world.left().await, Left::both(1));

    let own = other.create(&inbound()).await.expect(201);
    assert_eq!(other.get(TRUNKS).await.body["trunks"], json!([own.body]));
    assert_eq!(world.client().get(TRUNKS).await.body["trunks"], json!([trunk.body]));
    // A cursor is no way into another's list either.
    let beside = other.get(&format!("{TRUNKS}?cursor={}", trunk.id())).await;
    assert!(beside.status == 400 || beside.body["trunks"] == json!([]), "{}", beside.text);
}

#[tokio::test]
async fn another_workspaces_trunks_do_not_count() {
    let world = World::start().await;
    let table = world.dynamodb();
    let (own, own_id) = world.new_client().await;
    let (other, other_id) = world.new_client().await;
    table.set_limit(&own_id, 1).await;
    own.create(&inbound()).await.expect(201);
    own.create(&inbound()).await.expect_error(402, "payment_required");
    for _ in 0..2 {
        other.create(&inbound()).await.expect(201);
    }
    assert_eq!((table.trunk_count(&own_id).await, table.trunk_count(&other_id).await), (1, 2));
    assert_eq!(world.left().await, Left::inbound(3));
}

#[tokio::test]
async fn a_key_that_may_read_reads_numbers() {
    let world = World::start().await;
    let trunk = world.client().create(&both()).await.expect(201);
    let imported = world.client().import(&number(&e164(0), trunk.id())).await.expect(201);
    let client = world.client().with_key(&world.ready().read_api_key);
    let [import, list, get, patch, delete] = every_route_of_numbers(&client, trunk.id(), imported.id()).await;
    for refused in [import, patch, delete] {
        refused.expect_error(403, "insufficient_scope");
    }
    assert_eq!(get.expect(200).body, imported.body);
    assert_eq!(list.expect(200).body["numbers"], json!([imported.body]));
    client.import(&json!({ "e164": 1 })).await.expect_error(403, "insufficient_scope");
    client.patch_number("nonsense", &json!({ "e164": 1 })).await.expect_error(403, "insufficient_scope");
    client.delete_number("nonsense").await.expect_error(403, "insufficient_scope");
    assert_eq!(world.client().get_number(imported.id()).await.expect(200).body, imported.body);
}

#[tokio::test]
async fn another_workspaces_number_is_not_there() {
    let world = World::start().await;
    let trunk = world.client().create(&both()).await.expect(201);
    let imported = world.client().import(&number(&e164(0), trunk.id())).await.expect(201);
    let other = world.other_client();
    other.get_number(imported.id()).await.expect_error(404, "phone_number_not_found");
    other.patch_number(imported.id(), &json!({ "label": "Stolen" })).await.expect_error(404, "phone_number_not_found");
    other.patch_number(imported.id(), &json!({ "trunk_id": null })).await.expect_error(404, "phone_number_not_found");
    other.delete_number(imported.id()).await.expect_error(404, "phone_number_not_found");
    let nothing = json!({ "numbers": [], "next_cursor": null, "has_more": false });
    assert_eq!(other.get(NUMBERS).await.expect(200).body, nothing);
    assert_eq!(other.get(&format!("{NUMBERS}?cursor={}", imported.id())).await.expect(200).body, nothing);

    // Neither is a trunk of another's a place for a number, nor does a held number say whose it is.
    let own = other.create(&inbound()).await.expect(201);
    let stolen = other.import(&number(&e164(1), trunk.id())).await.expect_error(400, "validation_failed");
    let nowhere = number(&e164(1), "trunk_01m83t4ejge00b000000000003");
    assert_eq!(stolen.fields(), other.import(&nowhere).await.fields());
    let taken = other.import(&number(&e164(0), own.id())).await.expect_error(409, "conflict");
    let again = world.client().import(&number(&e164(0), trunk.id())).await.expect_error(409, "conflict");
    assert_eq!(taken.body["error"], again.body["error"]);
    assert!(!taken.text.contains(imported.id()) && !taken.text.contains(&world.ready().workspace_id), "{}", taken.text);
    assert_eq!(world.client().get_number(imported.id()).await.expect(200).body, imported.body);
}
