//! Phone numbers of a carrier: what is answered, and what is then in DynamoDB, Secrets Manager and LiveKit. What a body
//! may say is `number_validation.rs`'s matter.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use livekit_protocol::{CreateSipInboundTrunkRequest, SipInboundTrunkInfo, SipOutboundTrunkInfo};
use reqwest::Method;
use serde_json::{Value, json};
use trunkline_tests::fault::{Fault, On, System};
use trunkline_tests::probe::text;
use trunkline_tests::{Answer, Left, NUMBERS, World, both, e164, inbound, livekit, number, outbound, redactions, with};

const UNKNOWN: &str = "trunk_01m83t4ejge00b000000000003";
/// A trunk that was changed and has a last look before it.
const CHANGED: Left = Left { in_sweep_index: 1, ..Left::NOTHING };

async fn trunk(world: &World, body: Value) -> Answer {
    world.client().create(&body).await.expect(201)
}

async fn import(world: &World, e164: &str, trunk_id: &str) -> Answer {
    world.client().import(&number(e164, trunk_id)).await.expect(201)
}

/// The LiveKit trunks of a trunk, without what LiveKit says of itself. An outbound trunk with numbers is not found by
/// its trunk's id.
async fn said(world: &World, trunk: &Answer) -> (Option<SipInboundTrunkInfo>, Option<SipOutboundTrunkInfo>) {
    let all = world.livekit().all().await;
    let is = |id: &str, field: &str| trunk.body[field] == id;
    let inbound = all.inbound.into_iter().find(|said| is(&said.sip_trunk_id, "livekit_inbound_trunk_id"));
    let outbound = all.outbound.into_iter().find(|said| is(&said.sip_trunk_id, "livekit_outbound_trunk_id"));
    (
        inbound.map(|said| SipInboundTrunkInfo { updated_at: None, created_at: None, ..said }),
        outbound.map(|said| SipOutboundTrunkInfo { updated_at: None, created_at: None, ..said }),
    )
}

/// What LiveKit's trunks of a trunk for both directions say of numbers.
async fn numbers_of(world: &World, trunk: &Answer) -> (Vec<String>, Vec<String>) {
    let (inbound, outbound) = said(world, trunk).await;
    (inbound.unwrap().numbers, outbound.unwrap().numbers)
}

/// What they say of a trunk with these numbers.
fn with_numbers(trunk: &Answer, numbers: &[&str]) -> (Vec<String>, Vec<String>) {
    let owned = |numbers: &[&str]| numbers.iter().map(|&number| number.to_owned()).collect::<Vec<_>>();
    let outbound = if numbers.is_empty() { owned(&[trunk.id()]) } else { owned(numbers) };
    (owned(&[&[trunk.id()], numbers].concat()), outbound)
}

#[tokio::test]
async fn an_imported_number_is_on_its_trunk_everywhere() {
    let world = World::start().await;
    let trunk = trunk(&world, both()).await;
    let body = with(number(&e164(0), trunk.id()), json!({ "label": "Front desk" }));
    let imported = world.client().import(&body).await.expect(201);
    redactions().bind(|| insta::assert_json_snapshot!(imported.whole()));
    assert_eq!(imported.header("location"), Some(format!("{NUMBERS}/{}", imported.id()).as_str()));
    assert_eq!(imported.body["trunk_id"], trunk.body["id"]);
    assert_eq!(world.client().get_number(imported.id()).await.expect(200).body, imported.body);
    let listed = world.client().get(NUMBERS).await.expect(200);
    assert_eq!(listed.body, json!({ "numbers": [imported.body], "next_cursor": null, "has_more": false }));

    assert_eq!(world.dynamodb().numbers().await, (1, 1, 1));
    let items = world.dynamodb().items().await;
    let claim = items.iter().find(|item| text(item, "pk").starts_with("E164#")).unwrap();
    assert_eq!((text(claim, "pk"), text(claim, "number_id")), (format!("E164#{}", e164(0)).as_str(), imported.id()));
    assert_eq!(text(claim, "workspace_id"), world.ready().workspace_id);
    assert_eq!(numbers_of(&world, &trunk).await, with_numbers(&trunk, &[&e164(0)]));
    assert_eq!(world.left().await, Left::both(1) + CHANGED);
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn the_trunk_keeps_its_settings_and_secret_whatever_its_numbers() {
    let world = World::start().await;
    let body = with(
        both(),
        json!({
            "inbound_auth": "digest", "allowed_addresses": ["198.51.100.7"], "destination_country": "de",
            "transport": "tcp", "media_encryption": "require"
        }),
    );
    let trunk = trunk(&world, body).await;
    let (before, secrets) = (said(&world, &trunk).await, world.secrets().all().await);
    assert!(before.0.as_ref().is_some_and(|inbound| !inbound.auth_password.is_empty()));
    let without_numbers = |(inbound, outbound): &(Option<SipInboundTrunkInfo>, Option<SipOutboundTrunkInfo>)| {
        (
            inbound.clone().map(|said| SipInboundTrunkInfo { numbers: Vec::new(), ..said }),
            outbound.clone().map(|said| SipOutboundTrunkInfo { numbers: Vec::new(), ..said }),
        )
    };

    // In the order of the numbers, not of the imports.
    let second = import(&world, &e164(1), trunk.id()).await;
    let first = import(&world, &e164(0), trunk.id()).await;
    assert_eq!(numbers_of(&world, &trunk).await, with_numbers(&trunk, &[&e164(0), &e164(1)]));
    assert_eq!(without_numbers(&said(&world, &trunk).await), without_numbers(&before));
    let read = world.client().get_trunk(trunk.id()).await.expect(200);
    assert!(read.text_of("updated_at") > trunk.text_of("updated_at"));
    assert_eq!(with(read.body.clone(), json!({ "updated_at": trunk.body["updated_at"] })), trunk.body);

    // A change of the trunk keeps the numbers.
    world.client().patch(trunk.id(), &json!({ "media_encryption": "disable" })).await.expect(200);
    assert_eq!(numbers_of(&world, &trunk).await, with_numbers(&trunk, &[&e164(0), &e164(1)]));
    world.client().patch(trunk.id(), &json!({ "media_encryption": "require" })).await.expect(200);

    for (id, left) in [(first.id(), vec![e164(1)]), (second.id(), vec![])] {
        let left: Vec<_> = left.iter().map(String::as_str).collect();
        world.client().delete_number(id).await.expect(204);
        assert_eq!(numbers_of(&world, &trunk).await, with_numbers(&trunk, &left));
    }
    assert_eq!(said(&world, &trunk).await, before);
    assert_eq!(world.secrets().all().await, secrets);
    assert_eq!((world.dynamodb().numbers().await, world.left().await), ((0, 0, 0), Left::both(1) + CHANGED));
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_number_goes_the_ways_of_its_trunk() {
    let world = World::start().await;
    for (e164, body, ways) in [(&e164(0), inbound(), json!(["inbound"])), (&e164(1), outbound(), json!(["outbound"]))] {
        let trunk = trunk(&world, body).await;
        let imported = import(&world, e164, trunk.id()).await;
        assert_eq!(imported.body["capabilities"], ways);
        let (inbound, outbound) = said(&world, &trunk).await;
        let expected = with_numbers(&trunk, &[e164]);
        let numbers = (inbound.map(|said| said.numbers), outbound.map(|said| said.numbers));
        assert!(numbers == (Some(expected.0), None) || numbers == (None, Some(expected.1)), "{numbers:?}");
    }
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn the_trunks_etag_changes_with_its_numbers_and_not_with_a_label() {
    let world = World::start().await;
    let created = trunk(&world, both()).await;
    let etag = async || {
        let read = world.client().get_trunk(created.id()).await.expect(200);
        read.header("etag").unwrap().to_owned()
    };
    let mut tags = vec![etag().await];
    let imported = import(&world, &e164(0), created.id()).await;
    tags.push(etag().await);
    let relabelled = world.client().patch_number(imported.id(), &json!({ "label": "Night" })).await.expect(200);
    assert_eq!(relabelled.text_of("label"), "Night");
    assert_eq!(etag().await, tags[1]);
    world.client().patch_number(imported.id(), &json!({ "trunk_id": null })).await.expect(200);
    tags.push(etag().await);
    world.client().patch_number(imported.id(), &json!({ "trunk_id": created.id() })).await.expect(200);
    tags.push(etag().await);
    world.client().delete_number(imported.id()).await.expect(204);
    tags.push(etag().await);
    for stale in &tags[..4] {
        let patch = json!({ "name": "Stale" });
        world.client().patch_if(stale, created.id(), &patch).await.expect_error(412, "precondition_failed");
    }
    world.client().patch_if(&tags[4], created.id(), &json!({ "name": "New" })).await.expect(200);
}

#[tokio::test]
async fn labels_come_and_go_and_nothing_else_changes() {
    let world = World::faulty().await;
    let trunk = trunk(&world, both()).await;
    let imported = import(&world, &e164(0), trunk.id()).await;
    let said_before = said(&world, &trunk).await;
    world.forget_calls();
    for (patch, label) in [
        (json!({ "label": "Night" }), json!("Night")),
        (json!({}), json!("Night")),
        (json!({ "label": null }), Value::Null),
        (json!({ "trunk_id": trunk.id() }), Value::Null),
    ] {
        let changed = world.client().patch_number(imported.id(), &patch).await.expect(200);
        assert_eq!((&changed.body["label"], &changed.body["trunk_id"]), (&label, &trunk.body["id"]));
        assert_eq!(world.client().get_number(imported.id()).await.expect(200).body, changed.body);
    }
    let calls = [System::LiveKit, System::SecretsManager].map(|system| world.faults(system).calls().len());
    assert_eq!((calls, said(&world, &trunk).await), ([0, 0], said_before));
}

#[tokio::test]
async fn a_number_moves_from_one_trunk_to_another() {
    let world = World::start().await;
    let (old, new) = (trunk(&world, both()).await, trunk(&world, inbound()).await);
    let imported = import(&world, &e164(0), old.id()).await;
    let patch = json!({ "trunk_id": new.id(), "label": "Moved" });
    let moved = world.client().patch_number(imported.id(), &patch).await.expect(200);
    assert_eq!((moved.id(), moved.text_of("label"), moved.text_of("trunk_id")), (imported.id(), "Moved", new.id()));
    assert_eq!(moved.body["capabilities"], json!(["inbound"]));
    assert_eq!(world.client().get_number(imported.id()).await.expect(200).body, moved.body);
    assert_eq!(numbers_of(&world, &old).await, with_numbers(&old, &[]));
    assert_eq!(said(&world, &new).await.0.unwrap().numbers, [new.id(), &e164(0)]);
    assert_eq!(world.dynamodb().numbers().await, (1, 1, 1));
    assert_eq!(world.left().await, Left::both(1) + Left::inbound(1) + CHANGED + CHANGED);
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_number_without_a_trunk_keeps_its_place() {
    let world = World::start().await;
    let trunk = trunk(&world, both()).await;
    let imported = import(&world, &e164(0), trunk.id()).await;
    let unbound = world.client().patch_number(imported.id(), &json!({ "trunk_id": null })).await.expect(200);
    assert_eq!((unbound.body.get("trunk_id"), &unbound.body["capabilities"]), (None, &json!([])));
    assert_eq!(numbers_of(&world, &trunk).await, with_numbers(&trunk, &[]));
    assert_eq!(world.dynamodb().numbers().await, (1, 1, 1));
    world.client().import(&number(&e164(0), trunk.id())).await.expect_error(409, "conflict");
    assert_eq!(world.differences().await, [""; 0]);

    let bound = world.client().patch_number(imported.id(), &json!({ "trunk_id": trunk.id() })).await.expect(200);
    assert_eq!(bound.body["trunk_id"], trunk.body["id"]);
    assert_eq!(numbers_of(&world, &trunk).await, with_numbers(&trunk, &[&e164(0)]));

    world.client().patch_number(imported.id(), &json!({ "trunk_id": null })).await.expect(200);
    world.client().delete_number(imported.id()).await.expect(204);
    assert_eq!(world.dynamodb().numbers().await, (0, 0, 0));
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_deleted_number_is_free_for_another_workspace() {
    let world = World::start().await;
    let (own, other) = (trunk(&world, both()).await, world.other_client());
    let theirs = other.create(&both()).await.expect(201);
    let imported = import(&world, &e164(0), own.id()).await;
    let taken = other.import(&number(&e164(0), theirs.id())).await.expect_error(409, "conflict");
    assert!(!taken.text.contains(imported.id()) && !taken.text.contains(&world.ready().workspace_id), "{}", taken.text);
    assert_eq!((taken.header("retry-after"), world.dynamodb().numbers().await), (None, (1, 1, 1)));
    assert_eq!(numbers_of(&world, &theirs).await, with_numbers(&theirs, &[]));

    world.client().delete_number(imported.id()).await.expect(204);
    world.client().delete_number(imported.id()).await.expect_error(404, "phone_number_not_found");
    world.client().get_number(imported.id()).await.expect_error(404, "phone_number_not_found");
    other.import(&number(&e164(0), theirs.id())).await.expect(201);
    assert_eq!(numbers_of(&world, &theirs).await, with_numbers(&theirs, &[&e164(0)]));
    assert_eq!(numbers_of(&world, &own).await, with_numbers(&own, &[]));
    assert_eq!(world.dynamodb().numbers().await, (1, 1, 1));
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_number_of_a_strangers_livekit_trunk_is_not_taken() {
    let world = World::start().await;
    // A real LiveKit keeps what others leave there.
    let theirs = format!("+1202555{:04}", rand::random_range(1000..9999));
    let trunk = trunk(&world, both()).await;
    let stranger = SipInboundTrunkInfo { name: "theirs".into(), numbers: vec![theirs.clone()], ..Default::default() };
    let request = CreateSipInboundTrunkRequest { trunk: Some(stranger) };
    let stranger: SipInboundTrunkInfo = world.livekit().call("CreateSIPInboundTrunk", &request).await;

    let imported = import(&world, &e164(1), trunk.id()).await;
    let refused = world.client().import(&number(&theirs, trunk.id())).await.expect_error(409, "conflict");
    assert!(refused.text.contains("take the number off it"), "{}", refused.text);
    assert!(!refused.text.contains(&stranger.sip_trunk_id), "{}", refused.text);
    assert_eq!(numbers_of(&world, &trunk).await, with_numbers(&trunk, &[&e164(1)]));
    assert_eq!(world.dynamodb().numbers().await, (1, 1, 1));
    assert_eq!(world.client().get(NUMBERS).await.expect(200).body["numbers"], json!([imported.body]));

    let delete = livekit_protocol::DeleteSipTrunkRequest { sip_trunk_id: stranger.sip_trunk_id };
    world.livekit().call::<livekit_protocol::SipTrunkInfo>("DeleteSIPTrunk", &delete).await;
    import(&world, &theirs, trunk.id()).await;
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn only_a_carriers_trunk_of_the_workspace_takes_numbers() {
    let world = World::start().await;
    let (carriers, livekits) = (trunk(&world, both()).await, trunk(&world, livekit()).await);
    let theirs = world.other_client().create(&both()).await.expect(201);
    let imported = import(&world, &e164(0), carriers.id()).await;
    for id in [UNKNOWN, livekits.id(), theirs.id()] {
        let words = if id == livekits.id() { "kind=byoc" } else { "no such trunk" };
        let refused = [
            world.client().import(&number(&e164(1), id)).await,
            world.client().patch_number(imported.id(), &json!({ "trunk_id": id })).await,
        ];
        for answer in refused {
            let fields = answer.expect_error(400, "validation_failed").fields();
            assert_eq!(fields.keys().collect::<Vec<_>>(), ["trunk_id"]);
            assert!(fields["trunk_id"].as_str().unwrap().contains(words), "{fields:?}");
        }
    }
    assert_eq!(world.client().get_number(imported.id()).await.expect(200).body, imported.body);
    assert_eq!((world.dynamodb().numbers().await, world.differences().await), ((1, 1, 1), vec![]));
}

/// A new trunk with so many numbers.
async fn filled(world: &World, numbers: usize) -> Answer {
    let trunk = trunk(world, both()).await;
    for n in 1..=numbers {
        // Beside those of the test itself.
        import(world, &e164(n).replacen("+49", "+44", 1), trunk.id()).await;
    }
    trunk
}

#[tokio::test]
async fn a_workspace_has_a_hundred_numbers_and_a_trunk_leaves_all_of_them() {
    let world = World::start().await;
    let (full, spare) = (filled(&world, 99).await, trunk(&world, both()).await);
    let (client, racing) = (world.client(), [(e164(2), &full), (e164(0), &spare)]);
    let bodies = racing.map(|(e164, trunk)| number(&e164, trunk.id()));
    let (one, other) = tokio::join!(client.import(&bodies[0]), client.import(&bodies[1]));
    let (in_time, late) = if one.status == 201 { (one, other) } else { (other, one) };
    let in_time = in_time.expect(201);
    let late = late.expect_error(402, "payment_required");
    assert_eq!(late.details(), &json!({ "limit": 100, "used": 100 }));
    assert_eq!((world.dynamodb().numbers().await, world.differences().await), ((100, 100, 100), vec![]));

    // A transaction of DynamoDB's writes a hundred records, and there are these and the trunk's.
    if in_time.text_of("trunk_id") != full.id() {
        world.client().patch_number(in_time.id(), &json!({ "trunk_id": full.id() })).await.expect(200);
    }
    assert_eq!(numbers_of(&world, &full).await.1.len(), 100);
    world.client().delete_trunk(full.id()).await.expect(204);
    let listed = world.client().get(&format!("{NUMBERS}?limit=200")).await.expect(200);
    let listed = listed.body["numbers"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 100);
    assert!(listed.iter().all(|number| number.get("trunk_id").is_none() && number["capabilities"] == json!([])));
    assert_eq!(world.dynamodb().numbers().await, (100, 100, 100));
    assert_eq!(world.differences().await, [""; 0]);

    // A 402 is not kept for its key: with room again, it imports.
    world.client().import_once("later", &number(&e164(1), spare.id())).await.expect_error(402, "payment_required");
    world.client().delete_number(listed[0]["id"].as_str().unwrap()).await.expect(204);
    world.client().import_once("later", &number(&e164(1), spare.id())).await.expect(201);
    assert_eq!(world.dynamodb().numbers().await, (100, 100, 100));
}

#[tokio::test]
async fn an_idempotency_key_imports_once() {
    let world = World::start().await;
    let (client, trunk) = (world.client(), trunk(&world, both()).await);
    let body = number(&e164(0), trunk.id());
    let first = client.import_once("order-1", &body).await.expect(201);
    let replayed = client.import_once("order-1", &body).await.expect(201);
    assert_eq!((&replayed.body, replayed.header("location")), (&first.body, first.header("location")));
    assert_eq!(replayed.header("idempotent-replayed"), Some("true"));
    for other in [number(&e164(1), trunk.id()), with(body.clone(), json!({ "label": "Other" }))] {
        client.import_once("order-1", &other).await.expect_error(409, "idempotency_conflict");
    }
    // A key is one for all routes.
    client.create_once("order-1", &both()).await.expect_error(409, "idempotency_conflict");
    // Another workspace's is another.
    let theirs = world.other_client().create(&both()).await.expect(201);
    world.other_client().import_once("order-1", &number(&e164(1), theirs.id())).await.expect(201);
    assert_eq!(world.dynamodb().numbers().await, (2, 2, 2));

    // It is kept although the number has gone.
    client.delete_number(first.id()).await.expect(204);
    assert_eq!(client.import_once("order-1", &body).await.expect(201).body, first.body);
    client.get_number(first.id()).await.expect(404);
    assert_eq!((world.dynamodb().numbers().await, world.differences().await), ((1, 1, 1), vec![]));
}

#[tokio::test]
async fn a_second_request_is_told_that_the_first_is_running() {
    let world = World::faulty().await;
    let (client, trunk) = (world.client(), trunk(&world, both()).await);
    let body = number(&e164(0), trunk.id());
    let gate = world.faults(System::LiveKit).hold(On::operation("UpdateSIPInboundTrunk"));
    let (first, ()) = tokio::join!(client.import_once("order-1", &body), async {
        gate.reached().await;
        let running = client.import_once("order-1", &body).await.expect_error(409, "idempotency_conflict");
        assert_eq!(running.header("retry-after"), Some("1"));
        // Until it is committed nobody sees it; its trunk is busy, and the number kept.
        assert_eq!(client.get(NUMBERS).await.expect(200).body["numbers"], json!([]));
        let busy = client.import(&number(&e164(1), trunk.id())).await.expect_error(409, "conflict");
        assert_eq!(busy.header("retry-after"), Some("1"));
        let theirs = world.other_client().create(&both()).await.expect(201);
        world.other_client().import(&number(&e164(0), theirs.id())).await.expect_error(409, "conflict");
        gate.open();
    });
    assert_eq!(client.import_once("order-1", &body).await.expect(201).body, first.expect(201).body);
    assert_eq!((world.dynamodb().numbers().await, world.differences().await), ((1, 1, 1), vec![]));
}

#[tokio::test]
async fn what_fails_leaves_the_number_and_its_trunks_as_they_were() {
    let calls = ["UpdateSIPInboundTrunk", "UpdateSIPOutboundTrunk"];
    for (on, [e164, other]) in calls.into_iter().zip([[e164(0), e164(1)], [e164(2), e164(3)]]) {
        let world = World::faulty().await;
        let (old, new) = (trunk(&world, both()).await, trunk(&world, both()).await);
        let imported = import(&world, &e164, old.id()).await;
        let before = (said(&world, &old).await, said(&world, &new).await);
        let failing = async |method: Method, path: &str, body: Value| {
            let fault = Fault::twirp(400, "invalid_argument");
            world.faults(System::LiveKit).inject(On::operation(on).nth(1), fault);
            let request = world.client().request(method, path).header("idempotency-key", "order-1").json(&body);
            let failed = request.send().await.expect_error(502, "upstream_failure");
            assert_eq!(failed.details(), &json!({ "upstream": "livekit" }));
            world.heal();
            assert_eq!((said(&world, &old).await, said(&world, &new).await), before, "{on} {path} {body}");
            assert_eq!(world.client().get_number(imported.id()).await.expect(200).body, imported.body);
            assert_eq!((world.dynamodb().numbers().await, world.differences().await), ((1, 1, 1), vec![]));
        };
        let one = format!("{NUMBERS}/{}", imported.id());
        failing(Method::POST, NUMBERS, number(&other, new.id())).await;
        failing(Method::PATCH, &one, json!({ "trunk_id": new.id() })).await;
        failing(Method::PATCH, &one, json!({ "trunk_id": null })).await;
        failing(Method::DELETE, &one, json!({})).await;
        // The idempotency key is free again.
        world.client().import_once("order-1", &number(&other, new.id())).await.expect(201);
    }
}

#[tokio::test]
async fn a_trunk_with_numbers_is_deleted_by_a_sweep_too() {
    let world = World::faulty().await;
    let trunk = trunk(&world, both()).await;
    let imported = import(&world, &e164(0), trunk.id()).await;
    world.faults(System::LiveKit).inject(On::operation("DeleteSIPTrunk"), Fault::status(500));
    world.client().delete_trunk(trunk.id()).await.expect_error(502, "upstream_failure");
    // It is being deleted, and takes no change any more.
    for patch in [json!({ "trunk_id": null }), json!({ "trunk_id": trunk.id() })] {
        let answer = world.client().patch_number(imported.id(), &patch).await;
        assert!([200, 409].contains(&answer.status), "{}", answer.text);
    }
    world.heal();
    world.client().delete_trunk(trunk.id()).await.expect(204);
    let unbound = world.client().get_number(imported.id()).await.expect(200);
    assert_eq!(unbound.body.get("trunk_id"), None);
    assert_eq!((world.dynamodb().numbers().await, world.differences().await), ((1, 1, 1), vec![]));
}
