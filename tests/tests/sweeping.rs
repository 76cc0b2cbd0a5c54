//! What requests leave when they are interrupted, and what the sweeper and the checker make of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::time::Duration;

use livekit_protocol as proto;
use tokio::time::Instant;
use trunkline_bootstrap::{Clients, Environment};
use trunkline_tests::fault::{Fault, On, System};
use trunkline_tests::{Left, Setup, World, both};

/// A world in which leases last a few seconds, tombstones one, and a sweep comes every second.
async fn swept() -> World {
    Setup::default()
        .set("LEASE_SECONDS", "4")
        .set("TOMBSTONE_SECONDS", "1")
        .set("SWEEP_INTERVAL_SECONDS", "1")
        .faulty()
        .start()
        .await
}

/// Waits until nothing but `expected` is left.
async fn until(world: &World, expected: Left) {
    const PATIENCE: Duration = Duration::from_secs(30);
    let start = Instant::now();
    loop {
        let left = world.left().await;
        if left == expected {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{left:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn an_undo_that_stopped_is_finished() {
    let world = swept().await;
    let livekit = world.faults(System::LiveKit);
    livekit.inject(On::operation("CreateSIPOutboundTrunk"), Fault::DropAnswer);
    livekit.inject(On::operation("ListSIPOutboundTrunk"), Fault::status(500));
    world.client().create(&both()).await.expect_error(502, "upstream_failure");
    let left = world.left().await;
    assert_eq!((left.undoing, left.trunk_count, left.outbound), (1, 1, 1), "{left:?}");
    world.heal();
    until(&world, Left { secrets_scheduled: 1, ..Left::NOTHING }).await;
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_deletion_that_stopped_is_finished_and_can_be_repeated() {
    let world = swept().await;
    let trunk = world.client().create(&both()).await.expect(201);
    world.faults(System::LiveKit).inject(On::operation("DeleteSIPTrunk"), Fault::status(500));
    world.client().delete_trunk(trunk.id()).await.expect_error(502, "upstream_failure");
    world.client().get_trunk(trunk.id()).await.expect_error(404, "sip_trunk_not_found");
    assert_eq!(world.left().await.deleting, 1);
    world.heal();
    world.client().delete_trunk(trunk.id()).await.expect(204);
    until(&world, Left { secrets_scheduled: 1, ..Left::NOTHING }).await;
    world.client().delete_trunk(trunk.id()).await.expect_error(404, "sip_trunk_not_found");

    let trunk = world.client().create(&both()).await.expect(201);
    world.faults(System::SecretsManager).inject(On::operation("DeleteSecret"), Fault::aws(500, "InternalServiceError"));
    world.client().delete_trunk(trunk.id()).await.expect_error(502, "upstream_failure");
    world.heal();
    until(&world, Left { secrets_scheduled: 2, ..Left::NOTHING }).await;
}

#[tokio::test]
async fn what_arrives_late_is_found_by_the_last_look() {
    let world = swept().await;
    let gate = world.faults(System::SecretsManager).hold(On::operation("CreateSecret"));
    world.client().create(&both()).await.expect_error(502, "upstream_failure");
    gate.open();
    world.faults(System::SecretsManager).quiet().await;
    until(&world, Left { secrets_scheduled: 1, ..Left::NOTHING }).await;
}

#[tokio::test]
async fn a_record_that_keeps_failing_holds_up_no_other() {
    let world = swept().await;
    let (stuck, free) =
        (world.client().create(&both()).await.expect(201), world.client().create(&both()).await.expect(201));
    let rule = stuck.text_of("livekit_dispatch_rule_id").to_owned().leak();
    world.faults(System::LiveKit).inject(On::operation("DeleteSIPDispatchRule").containing(rule), Fault::status(500));
    world.client().delete_trunk(stuck.id()).await.expect_error(502, "upstream_failure");
    world.client().delete_trunk(free.id()).await.expect(204);
    let stuck = Left { active: 0, deleting: 1, in_sweep_index: 1, ..Left::both(1) };
    until(&world, stuck + Left { secrets_scheduled: 1, ..Left::NOTHING }).await;
    world.heal();
    until(&world, Left { secrets_scheduled: 2, ..Left::NOTHING }).await;
}

#[tokio::test]
async fn a_settled_table_costs_one_query_for_each_shard() {
    let world = World::faulty().await;
    world.client().create(&both()).await.expect(201);
    world.forget_calls();
    let clients = Clients::new(&Environment::from(world.environment())).unwrap();
    let swept = clients.sweep().unwrap().run(None).await.unwrap();
    assert_eq!(swept, Default::default());
    assert_eq!(world.faults(System::DynamoDb).calls(), ["Query"; 4]);
    assert_eq!(world.faults(System::LiveKit).calls(), [""; 0]);
    assert_eq!(world.faults(System::SecretsManager).calls(), [""; 0]);
}

#[tokio::test]
async fn the_checker_names_each_difference_and_mends_what_is_safe() {
    let world = World::start().await;
    let (first, second) =
        (world.client().create(&both()).await.expect(201), world.client().create(&both()).await.expect(201));
    assert_eq!(world.differences().await, [""; 0]);

    let livekit = world.livekit();
    let delete = proto::DeleteSipTrunkRequest { sip_trunk_id: first.text_of("livekit_inbound_trunk_id").to_owned() };
    livekit.call::<proto::SipTrunkInfo>("DeleteSIPTrunk", &delete).await;
    let mut outbound = livekit.of(second.id()).await.outbound.remove(0);
    let (id, metadata) = (outbound.sip_trunk_id.clone(), outbound.metadata.clone());
    outbound.address = "elsewhere.example.com".to_owned();
    let replace = proto::update_sip_outbound_trunk_request::Action::Replace(outbound);
    let update = proto::UpdateSipOutboundTrunkRequest { sip_trunk_id: id, action: Some(replace) };
    livekit.call::<proto::SipOutboundTrunkInfo>("UpdateSIPOutboundTrunk", &update).await;
    let strangers = format!("a stranger's, beside {}", world.ready().workspace_id);
    for (number, metadata) in [("orphan", metadata), ("stranger", strangers)] {
        let trunk = proto::SipInboundTrunkInfo {
            numbers: vec![format!("{number}-{}", second.id())],
            metadata,
            ..Default::default()
        };
        let create = proto::CreateSipInboundTrunkRequest { trunk: Some(trunk) };
        livekit.call::<proto::SipInboundTrunkInfo>("CreateSIPInboundTrunk", &create).await;
    }
    let workspace = format!("WS#{}", world.ready().workspace_id);
    world.dynamodb().set(&workspace, "WS", "trunk_count", aws_sdk_dynamodb::types::AttributeValue::N("7".into())).await;
    assert_eq!(
        world.differences().await,
        ["changed_livekit_object", "missing_livekit_object", "orphan_livekit_object", "wrong_count"]
    );

    let clients = Clients::new(&Environment::from(world.environment())).unwrap();
    let repaired = clients.audit().unwrap().repair().await.unwrap();
    assert_eq!(repaired.left, []);
    assert_eq!(world.differences().await, [""; 0]);
    // The stranger's trunk is still there.
    assert_eq!(world.left().await, Left { inbound: 3, ..Left::both(2) });
    let mended = livekit.of(first.id()).await;
    assert_eq!(mended.rules[0].trunk_ids, [mended.inbound[0].sip_trunk_id.clone()]);
    let shown = world.client().get_trunk(first.id()).await.expect(200);
    assert_eq!(shown.text_of("livekit_inbound_trunk_id"), mended.inbound[0].sip_trunk_id);
    assert_eq!(shown.header("etag"), Some("\"2\""), "what is shown has changed");
}
