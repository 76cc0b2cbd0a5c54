//! Phone numbers that LiveKit sells: bought with a trunk of their own, and given back with it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use serde_json::{Value, json};
use trunkline_tests::fault::{Fault, On, System};
use trunkline_tests::{Answer, Left, World, number};

const E164: &str = "+12125550100";

fn bought(e164: &str) -> Value {
    json!({ "e164": e164, "provider": "livekit", "label": "Front desk" })
}

async fn buy(world: &World) -> Answer {
    world.client().import(&bought(E164)).await.expect(201)
}

async fn assert_nothing_bought(world: &World, left: Left) {
    assert_eq!((world.livekit().sold().await, world.dynamodb().numbers().await), (vec![], (0, 0, 0)));
    assert_eq!(world.left().await, left);
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_number_is_bought_with_a_trunk_that_it_rings_on() {
    let world = World::start().await;
    let number = buy(&world).await;
    let trunk_id = number.text_of("trunk_id");
    assert_eq!(number.body["type"], "livekit");
    assert_eq!(number.body["capabilities"], json!(["inbound"]));
    assert_eq!(number.body["label"], "Front desk");
    assert!(number.text_of("provider_phone_number_id").starts_with("PN_PPN_"));
    assert_eq!(number.header("location"), Some(format!("/v1/agents/phone-numbers/{}", number.id()).as_str()));
    assert_eq!(world.client().get_number(number.id()).await.expect(200).body, number.body);

    let shown = world.client().get_trunk(number.text_of("trunk_id")).await.expect(200);
    assert_eq!((&shown.body["kind"], &shown.body["direction"]), (&json!("livekit"), &json!("inbound")));
    let contents = world.livekit().of(trunk_id).await;
    assert_eq!(contents.inbound[0].numbers, [trunk_id, E164]);
    let rule_id = shown.text_of("livekit_dispatch_rule_id");
    assert_eq!(world.livekit().sold().await, [(E164.to_owned(), vec![rule_id.to_owned()])]);
    assert_eq!((world.dynamodb().numbers().await, world.left().await), ((1, 1, 1), Left::inbound(1)));
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_deleted_number_is_given_back_with_its_trunk() {
    let world = World::start().await;
    let number = buy(&world).await;
    world.client().delete_number(number.id()).await.expect(204);
    assert_nothing_bought(&world, Left::tombstones(1)).await;
    world.client().get_number(number.id()).await.expect_error(404, "phone_number_not_found");
    world.client().get_trunk(number.text_of("trunk_id")).await.expect_error(404, "sip_trunk_not_found");
    // It is for sale again.
    buy(&world).await;
}

#[tokio::test]
async fn a_deleted_trunk_leaves_its_number_which_can_then_be_given_back() {
    let world = World::start().await;
    let number = buy(&world).await;
    world.client().delete_trunk(number.text_of("trunk_id")).await.expect(204);
    assert_eq!(world.livekit().sold().await, [(E164.to_owned(), vec![])]);
    let unbound = world.client().get_number(number.id()).await.expect(200);
    assert_eq!((&unbound.body["capabilities"], unbound.body.get("trunk_id")), (&json!([]), None));
    assert_eq!(unbound.body["provider_phone_number_id"], number.body["provider_phone_number_id"]);

    world.client().delete_number(number.id()).await.expect(204);
    assert_nothing_bought(&world, Left::tombstones(1)).await;
}

#[tokio::test]
async fn a_bought_number_stays_on_its_trunk() {
    let world = World::start().await;
    let bought = buy(&world).await;
    let other = world.client().create(&trunkline_tests::both()).await.expect(201);
    for patch in [json!({ "trunk_id": null }), json!({ "trunk_id": other.id() })] {
        let refused = world.client().patch_number(bought.id(), &patch).await.expect_error(400, "validation_failed");
        assert!(refused.fields()["trunk_id"].as_str().unwrap().contains("provider=byoc"), "{}", refused.text);
    }
    let labelled = world.client().patch_number(bought.id(), &json!({ "label": "Reception" })).await.expect(200);
    assert_eq!(labelled.body["trunk_id"], bought.body["trunk_id"]);
    let on_it = number("+4930123456", bought.text_of("trunk_id"));
    world.client().import(&on_it).await.expect_error(400, "validation_failed");
}

#[tokio::test]
async fn what_cannot_be_bought_leaves_nothing() {
    let world = World::start().await;
    // Not in LiveKit's inventory.
    world.client().import(&bought("+12125550199")).await.expect_error(409, "conflict");
    assert_nothing_bought(&world, Left::tombstones(1)).await;

    // Held by this workspace already, so by none.
    let number = buy(&world).await;
    for client in [world.client(), world.other_client()] {
        let refused = client.import(&bought(E164)).await.expect_error(409, "conflict");
        assert!(!refused.text.contains(&world.ready().workspace_id));
    }
    assert_eq!((world.livekit().sold().await.len(), world.dynamodb().numbers().await), (1, (1, 1, 1)));
    world.client().delete_number(number.id()).await.expect(204);

    // A trunk too many.
    world.dynamodb().set_limit(&world.ready().workspace_id, 0).await;
    let refused = world.client().import(&bought(E164)).await.expect_error(402, "payment_required");
    assert_eq!(refused.details(), &json!({ "limit": 0, "used": 0 }));
    assert_nothing_bought(&world, Left::tombstones(2)).await;
}

#[tokio::test]
async fn an_idempotency_key_buys_once() {
    let world = World::start().await;
    let first = world.client().import_once("order-1", &bought(E164)).await.expect(201);
    let again = world.client().import_once("order-1", &bought(E164)).await.expect(201);
    assert_eq!((first.text, again.header("idempotent-replayed")), (again.text.clone(), Some("true")));
    world.client().import_once("order-1", &bought("+12125550101")).await.expect_error(409, "idempotency_conflict");
    assert_eq!((world.livekit().sold().await.len(), world.dynamodb().numbers().await), (1, (1, 1, 1)));
}

#[tokio::test]
async fn what_fails_on_the_way_is_taken_back() {
    let calls = ["CreateSIPInboundTrunk", "CreateSIPDispatchRule", "ListPhoneNumbers", "PurchasePhoneNumber"];
    for (undone, on) in calls.into_iter().enumerate() {
        let world = World::faulty().await;
        world.faults(System::LiveKit).inject(On::operation(on).nth(1), Fault::twirp(403, "permission_denied"));
        let failed = world.client().import_once("order-1", &bought(E164)).await.expect_error(502, "upstream_failure");
        assert_eq!(failed.details(), &json!({ "upstream": "livekit" }), "{on}");
        world.heal();
        assert_nothing_bought(&world, Left::tombstones(1)).await;
        // The idempotency key is free again.
        world.client().import_once("order-1", &bought(E164)).await.expect(201);
        assert_eq!(world.livekit().sold().await.len(), 1, "{on}, call {undone}");
    }
}

#[tokio::test]
async fn a_purchase_whose_answer_was_lost_is_given_back() {
    let world = World::faulty().await;
    world.faults(System::LiveKit).inject(On::operation("PurchasePhoneNumber").nth(1), Fault::DropAnswer);
    world.client().import(&bought(E164)).await.expect_error(502, "upstream_failure");
    world.heal();
    // By the rule alone the number is known as ours: it stays for the last look.
    let left = world.left().await;
    assert_eq!((world.livekit().sold().await, world.dynamodb().numbers().await), (vec![], (0, 0, 0)));
    assert_eq!(left, Left { rules: 1, ..Left::tombstones(1) });
    buy(&world).await;
}
