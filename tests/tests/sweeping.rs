//! What requests leave when they are interrupted, and what the sweeper and the checker make of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use livekit_protocol as proto;
use trunkline_bootstrap::{Clients, Environment};
use trunkline_provisioning::ports::{Due, OPERATOR_NEEDED, SweepStore};
use trunkline_provisioning::{Lease, LeaseOwner, SWEEP_STUCK, Swept, TrunkKey};
use trunkline_tests::fault::{Fault, On, System};
use trunkline_tests::lines::Lines;
use trunkline_tests::probe::{Item, text};
use trunkline_tests::{Left, Setup, World, both};

/// A world in which leases last a few seconds, tombstones one, and a sweep comes every second.
async fn swept() -> World {
    Setup::default().swept().faulty().start().await
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
    world.until_left(Left { secrets_scheduled: 1, ..Left::NOTHING }).await;
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
    world.until_left(Left { secrets_scheduled: 1, ..Left::NOTHING }).await;
    world.client().delete_trunk(trunk.id()).await.expect_error(404, "sip_trunk_not_found");

    let trunk = world.client().create(&both()).await.expect(201);
    world.faults(System::SecretsManager).inject(On::operation("DeleteSecret"), Fault::aws(500, "InternalServiceError"));
    world.client().delete_trunk(trunk.id()).await.expect_error(502, "upstream_failure");
    world.heal();
    world.until_left(Left { secrets_scheduled: 2, ..Left::NOTHING }).await;
}

#[tokio::test]
async fn what_arrives_late_is_found_by_the_last_look() {
    let world = swept().await;
    let gate = world.faults(System::SecretsManager).hold(On::operation("CreateSecret"));
    world.client().create(&both()).await.expect_error(502, "upstream_failure");
    gate.open();
    world.faults(System::SecretsManager).quiet().await;
    world.until_left(Left { secrets_scheduled: 1, ..Left::NOTHING }).await;
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
    world.until_left(stuck + Left { secrets_scheduled: 1, ..Left::NOTHING }).await;
    world.heal();
    world.until_left(Left { secrets_scheduled: 2, ..Left::NOTHING }).await;
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
    world.dynamodb().set(&workspace, "WS", "trunk_count", AttributeValue::N("7".into())).await;
    assert_eq!(
        world.differences().await,
        ["changed_livekit_object", "missing_livekit_object", "orphan_livekit_object", "wrong_count"]
    );

    let clients = Clients::new(&Environment::from(world.environment())).unwrap();
    let mut repaired = clients.audit().unwrap().repair().await.unwrap();
    // What other worlds have on a LiveKit that they share is theirs.
    repaired.left.retain(|difference| difference.kind() != "foreign_livekit_object");
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

/// Makes a record due now, as if it had waited.
async fn make_due(world: &World, record: &str) {
    let partition = format!("WS#{}", world.ready().workspace_id);
    let names: &[_] = if record.starts_with("TRUNK#") { &["lease_until", "sweep_at"] } else { &["sweep_at"] };
    for name in names {
        world.dynamodb().set(&partition, record, name, AttributeValue::N("1".into())).await;
    }
}

/// One sweep, past the world's own.
async fn sweep(world: &World) -> Swept {
    let clients = Clients::new(&Environment::from(world.environment())).unwrap();
    clients.sweep().unwrap().run(None).await.unwrap()
}

/// A trunk that LiveKit does not let go of.
async fn stuck_deletion(world: &World) -> String {
    let trunk = world.client().create(&both()).await.expect(201);
    world.faults(System::LiveKit).inject(On::operation("DeleteSIPTrunk"), Fault::status(500));
    world.client().delete_trunk(trunk.id()).await.expect_error(502, "upstream_failure");
    trunk.id().to_owned()
}

fn seconds(item: &Item, name: &str) -> i64 {
    item[name].as_n().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_record_that_keeps_failing_waits_longer_each_time_after_its_lease() {
    let world = World::faulty().await;
    let id = stuck_deletion(&world).await;
    let mut pauses = Vec::new();
    for _ in 0..3 {
        make_due(&world, &format!("TRUNK#{id}")).await;
        assert_eq!(sweep(&world).await, Swept { postponed: 1, ..Swept::default() });
        let record = world.dynamodb().trunk(&id).await.unwrap();
        pauses.push(seconds(&record, "sweep_at") - seconds(&record, "lease_until"));
    }
    assert_eq!(pauses, [2, 4, 8]);
}

#[tokio::test]
async fn an_operator_hears_of_a_record_that_fails_for_an_hour() {
    let world = World::faulty().await;
    let id = stuck_deletion(&world).await;
    let (partition, record) = (format!("WS#{}", world.ready().workspace_id), format!("TRUNK#{id}"));
    make_due(&world, &record).await;
    sweep(&world).await;
    for (failing_for, heard) in [(3500, false), (7200, true)] {
        let since = Timestamp::now().as_second() - failing_for;
        world.dynamodb().set(&partition, &record, "sweep_failing_since", AttributeValue::N(since.to_string())).await;
        make_due(&world, &record).await;
        let lines = Lines::keep();
        sweep(&world).await;
        let stuck: Vec<_> = lines.saying(SWEEP_STUCK).iter().map(|line| line["trunk_id"].clone()).collect();
        assert_eq!(stuck, if heard { vec![id.clone()] } else { vec![] }, "{failing_for} s");
    }
}

#[tokio::test]
async fn only_what_no_other_sweep_holds_is_put_off() {
    let world = World::faulty().await;
    let id = stuck_deletion(&world).await;
    let key = TrunkKey { workspace_id: world.ready().workspace_id.parse().unwrap(), id: id.parse().unwrap() };
    let now = Timestamp::now();
    let until = now + SignedDuration::from_mins(30);
    let ours = Lease { owner: LeaseOwner::new("ours"), until };
    let store = world.dynamodb().store();
    let before = world.dynamodb().trunk(&id).await;
    store.put_off(Due::Trunk(key), &ours, now, until).await.unwrap();
    assert_eq!(world.dynamodb().trunk(&id).await, before, "the request's lease has not ended");
    make_due(&world, &format!("TRUNK#{id}")).await;
    store.put_off(Due::Trunk(key), &ours, now, until).await.unwrap();
    assert!(seconds(&world.dynamodb().trunk(&id).await.unwrap(), "sweep_at") >= until.as_second());

    world.heal();
    world.client().delete_trunk(&id).await.expect(204);
    store.put_off(Due::Tombstone(key), &ours, now, until).await.unwrap();
    let tombstone = world.dynamodb().item(&format!("TOMB#{id}")).await.unwrap();
    assert!(seconds(&tombstone, "sweep_at") >= until.as_second());
    assert!(!tombstone.contains_key("lease_until"), "{tombstone:?}");
}

#[tokio::test]
async fn entries_that_cannot_be_read_count_as_looked_at() {
    let world = World::faulty().await;
    let table = world.dynamodb();
    for n in 0..101 {
        let put = table.client.put_item().table_name(&table.name);
        let put = put.item("pk", AttributeValue::S("nobody's".into())).item("sk", AttributeValue::S(n.to_string()));
        let put =
            put.item("sweep_shard", AttributeValue::S("S0".into())).item("sweep_at", AttributeValue::N("1".into()));
        put.send().await.unwrap();
    }
    assert_eq!(sweep(&world).await, Swept { unfinished: true, ..Swept::default() });
}

#[tokio::test]
async fn a_secret_made_after_the_lease_was_lost_is_taken_back() {
    for livekit_refuses in [false, true] {
        let world = World::faulty().await;
        if livekit_refuses {
            for method in ["CreateSIPInboundTrunk", "CreateSIPOutboundTrunk"] {
                let refusal = Fault::twirp(400, "invalid_argument");
                world.faults(System::LiveKit).inject(On::operation(method), refusal);
            }
        }
        let gate = world.faults(System::SecretsManager).hold(On::operation("CreateSecret"));
        let settled_by_the_sweeper = async {
            gate.reached().await;
            let items = world.dynamodb().items().await;
            let record = items.iter().map(|item| text(item, "sk")).find(|sk| sk.starts_with("TRUNK#")).unwrap();
            let tombstone = record.replace("TRUNK#", "TOMB#");
            for due in [record, &tombstone] {
                make_due(&world, due).await;
                assert_eq!(sweep(&world).await, Swept { settled: 1, ..Swept::default() }, "{due}");
            }
            assert_eq!(world.left().await.in_sweep_index, 0);
            gate.open();
            tombstone
        };
        let (client, body) = (world.client(), both());
        let (answer, tombstone) = tokio::join!(client.create(&body), settled_by_the_sweeper);
        assert_eq!(answer.status, if livekit_refuses { 502 } else { 503 }, "{}", answer.text);
        assert_eq!(world.left().await, Left { secrets_scheduled: 1, ..Left::tombstones(1) }, "{livekit_refuses}");
        let tombstone = world.dynamodb().item(&tombstone).await.unwrap();
        assert_eq!(tombstone["seen_secret_names"].as_ss().unwrap(), &[world.secrets().all().await.remove(0).name]);
    }
}

#[tokio::test]
async fn a_deletion_without_a_counter_is_no_success() {
    let world = World::faulty().await;
    let trunk = world.client().create(&both()).await.expect(201);
    let table = world.dynamodb();
    let lost = table.client.delete_item().table_name(&table.name);
    let lost = lost.key("pk", AttributeValue::S(format!("WS#{}", world.ready().workspace_id)));
    lost.key("sk", AttributeValue::S("WS".into())).send().await.unwrap();
    let lines = Lines::keep();
    world.client().delete_trunk(trunk.id()).await.expect_error(500, "internal_error");
    assert_eq!(lines.errors(OPERATOR_NEEDED, "dynamodb"), 1);
    make_due(&world, &format!("TRUNK#{}", trunk.id())).await;
    assert_eq!(sweep(&world).await, Swept { postponed: 1, ..Swept::default() });
    assert_eq!(world.left().await.deleting, 1);
}
