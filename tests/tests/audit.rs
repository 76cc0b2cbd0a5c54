//! What the checker finds, and what its repair mends and leaves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use livekit_protocol as proto;
use secrecy::ExposeSecret;
use serde_json::json;
use trunkline_bootstrap::{Clients, Environment};
use trunkline_domain::TrunkId;
use trunkline_provisioning::{Difference, Repaired};
use trunkline_tests::fault::{Fault, On, System};
use trunkline_tests::probe::text;
use trunkline_tests::{Answer, Left, Setup, World, both, number};

/// `audit --repair` with these settings over the world's own.
async fn repair_with(world: &World, settings: &[(&str, &str)]) -> Repaired {
    let mut environment = world.environment();
    environment.extend(settings.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
    Clients::new(&Environment::from(environment)).unwrap().audit().unwrap().repair().await.unwrap()
}

async fn repair(world: &World) -> Repaired {
    repair_with(world, &[]).await
}

fn kinds(differences: &[Difference]) -> Vec<&'static str> {
    let mut kinds: Vec<_> = differences.iter().map(Difference::kind).collect();
    kinds.sort_unstable();
    kinds
}

/// Seconds since 1970, so long ago.
fn ago(time: SignedDuration) -> AttributeValue {
    AttributeValue::N((Timestamp::now() - time).as_second().to_string())
}

fn partition(world: &World) -> String {
    format!("WS#{}", world.ready().workspace_id)
}

async fn set(world: &World, sk: &str, name: &str, value: AttributeValue) {
    world.dynamodb().set(&partition(world), sk, name, value).await;
}

const FOREIGN: [&str; 4] =
    ["foreign_livekit_object", "foreign_livekit_object", "foreign_livekit_object", "foreign_secret"];

#[tokio::test]
async fn another_deployments_trunks_are_reported_and_left() {
    let theirs = World::start().await;
    // On the same systems, with a table, a prefix and a Twilio of its own.
    let mut shared = theirs.environment();
    shared.retain(|name, _| {
        !["TABLE_NAME", "SECRET_PREFIX", "TWILIO_API_URL", "TWILIO_TRUNKING_URL"].contains(&name.as_str())
    });
    let ours = shared.iter().fold(Setup::default(), |setup, (name, value)| setup.set(name, value)).start().await;
    let trunk = theirs.client().create(&both()).await.expect(201);

    let repaired = repair(&ours).await;
    assert_eq!((kinds(&repaired.left), kinds(&repaired.mended)), (FOREIGN[..3].to_vec(), vec![]));
    assert!(repaired.left[0].remedy().contains("another deployment's?"), "{}", repaired.left[0].remedy());
    assert_eq!(theirs.left().await, Left::both(1));

    // A prefix that is theirs, and one that is too short.
    let prefix = theirs.ready().secret_prefix.as_str();
    for prefix in [prefix, &prefix[..prefix.len() - 2]] {
        let repaired = repair_with(&ours, &[("SECRET_PREFIX", prefix)]).await;
        assert_eq!((kinds(&repaired.left), kinds(&repaired.mended)), (FOREIGN.to_vec(), vec![]), "{prefix}");
        assert_eq!(theirs.left().await, Left::both(1));
    }

    // Another table with the right prefix.
    let repaired = repair_with(&theirs, &[("TABLE_NAME", &ours.ready().table_name)]).await;
    assert_eq!((kinds(&repaired.left), kinds(&repaired.mended)), (FOREIGN.to_vec(), vec![]));
    assert_eq!(theirs.left().await, Left::both(1));
    assert_eq!(theirs.differences().await, [""; 0]);
    theirs.client().get_trunk(trunk.id()).await.expect(200);
}

#[tokio::test]
async fn an_orphan_secret_of_a_known_workspace_is_scheduled_for_deletion() {
    let world = World::start().await;
    let trunk = world.client().create(&both()).await.expect(201);
    let secrets = world.secrets();
    let mut name = secrets.all().await.remove(0).name;
    let last = if name.ends_with('0') { "1" } else { "0" };
    name.replace_range(name.len() - 1.., last);
    secrets.client.create_secret().name(&name).secret_string("{}").send().await.unwrap();
    assert_eq!(kinds(&repair(&world).await.mended), ["orphan_secret"]);
    assert_eq!(world.left().await, Left { secrets_scheduled: 1, ..Left::both(1) });
    world.client().get_trunk(trunk.id()).await.expect(200);
}

#[tokio::test]
async fn a_record_that_the_sweeper_fails_on_is_overdue_however_often_it_is_put_off() {
    let world = World::faulty().await;
    let trunk = world.client().create(&both()).await.expect(201);
    world.faults(System::LiveKit).inject(On::operation("DeleteSIPTrunk"), Fault::status(500));
    world.client().delete_trunk(trunk.id()).await.expect_error(502, "upstream_failure");
    world.heal();
    is_overdue_when_late_or_failing(&world, &format!("TRUNK#{}", trunk.id())).await;
}

#[tokio::test]
async fn a_tombstone_that_the_sweeper_fails_on_is_overdue_however_often_it_is_put_off() {
    let world = World::start().await;
    let trunk = world.client().create(&both()).await.expect(201);
    world.client().delete_trunk(trunk.id()).await.expect(204);
    is_overdue_when_late_or_failing(&world, &format!("TOMB#{}", trunk.id())).await;
}

async fn is_overdue_when_late_or_failing(world: &World, sk: &str) {
    for (due, failing, expected) in [
        (SignedDuration::from_mins(9), None, &[][..]),
        (SignedDuration::from_mins(11), None, &["overdue_record"]),
        (SignedDuration::from_mins(-5), Some(SignedDuration::from_mins(59)), &[]),
        (SignedDuration::from_mins(-5), Some(SignedDuration::from_mins(61)), &["overdue_record"]),
    ] {
        set(world, sk, "sweep_at", ago(due)).await;
        if let Some(failing) = failing {
            set(world, sk, "sweep_failing_since", ago(failing)).await;
        }
        assert_eq!(world.differences().await, expected, "due {due} ago, failing for {failing:?}");
    }
}

#[tokio::test]
async fn without_its_secret_a_trunk_keeps_its_objects_and_gets_no_new_one() {
    let world = World::start().await;
    let trunk = world.client().create(&both()).await.expect(201);
    let secrets = world.secrets();
    let name = secrets.all().await.remove(0).name;
    secrets.client.delete_secret().secret_id(&name).recovery_window_in_days(7).send().await.unwrap();
    let repaired = repair(&world).await;
    assert_eq!((kinds(&repaired.left), kinds(&repaired.mended)), (vec!["missing_secret"], vec![]));
    let kept = Left { secrets: 0, secrets_scheduled: 1, ..Left::both(1) };
    assert_eq!(world.left().await, kept);

    let delete = proto::DeleteSipTrunkRequest { sip_trunk_id: trunk.text_of("livekit_inbound_trunk_id").to_owned() };
    world.livekit().call::<proto::SipTrunkInfo>("DeleteSIPTrunk", &delete).await;
    let repaired = repair(&world).await;
    assert_eq!(
        (kinds(&repaired.left), kinds(&repaired.mended)),
        (vec!["missing_livekit_object", "missing_secret"], vec![])
    );
    assert_eq!(world.left().await, Left { inbound: 0, ..kept });

    secrets.client.restore_secret().secret_id(&name).send().await.unwrap();
    repair(&world).await;
    assert_eq!(world.differences().await, [""; 0]);
    assert_eq!(world.left().await, Left::both(1));
}

#[tokio::test]
async fn a_count_is_left_while_a_record_is_unsettled() {
    let world = World::faulty().await;
    let trunk = world.client().create(&both()).await.expect(201);
    world.faults(System::LiveKit).inject(On::operation("DeleteSIPTrunk"), Fault::status(500));
    world.client().delete_trunk(trunk.id()).await.expect_error(502, "upstream_failure");
    world.heal();
    set(&world, "WS", "trunk_count", AttributeValue::N("7".into())).await;
    assert_eq!(kinds(&repair(&world).await.left), ["wrong_count"]);
    assert_eq!(world.left().await.trunk_count, 7);

    world.client().delete_trunk(trunk.id()).await.expect(204);
    assert_eq!(kinds(&repair(&world).await.mended), ["wrong_count"]);
    assert_eq!(world.left().await.trunk_count, 0);
}

#[tokio::test]
async fn a_count_is_left_when_one_more_look_disagrees() {
    let world = World::faulty().await;
    world.client().create(&both()).await.expect(201);
    set(&world, "WS", "trunk_count", AttributeValue::N("2".into())).await;
    // Two looks find it; the third is the repair's own.
    let gate = world.faults(System::DynamoDb).hold(On::operation("Scan").nth(3));
    let (repaired, ()) = tokio::join!(repair(&world), async {
        gate.reached().await;
        world.client().create(&both()).await.expect(201);
        set(&world, "WS", "trunk_count", AttributeValue::N("2".into())).await;
        gate.open();
    });
    assert_eq!(kinds(&repaired.mended), [""; 0]);
    assert_eq!(world.left().await, Left::both(2));
}

#[tokio::test]
async fn a_counter_above_its_limit_is_a_difference() {
    let world = World::start().await;
    for _ in 0..2 {
        world.client().create(&both()).await.expect(201);
    }
    world.dynamodb().set_limit(&world.ready().workspace_id, 2).await;
    assert_eq!(world.differences().await, [""; 0]);
    world.dynamodb().set_limit(&world.ready().workspace_id, 1).await;
    assert_eq!(kinds(&repair(&world).await.left), ["over_limit"]);
    assert_eq!(world.left().await, Left::both(2));
}

async fn delete(world: &World, pk: &str, sk: &str) {
    let delete = world.dynamodb().client.delete_item().table_name(&world.ready().table_name);
    let key = [("pk", pk), ("sk", sk)].map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())));
    delete.set_key(Some(key.into())).send().await.unwrap();
}

#[tokio::test]
async fn a_key_and_its_reference_belong_together() {
    let world = World::start().await;
    let (_, workspace_id) = world.new_client().await;
    let pk = format!("WS#{workspace_id}");
    let items = world.dynamodb().items().await;
    let reference = items.iter().find(|item| text(item, "pk") == pk && text(item, "sk") != "WS").unwrap();
    assert_eq!(world.differences().await, [""; 0]);

    delete(&world, &pk, text(reference, "sk")).await;
    let left = repair(&world).await.left;
    assert_eq!(kinds(&left), ["unlisted_api_key"]);
    let key = format!("KEY#{}", text(reference, "key_hash"));
    assert_eq!(left[0].to_string(), format!("{workspace_id}: {key}"));

    let put = world.dynamodb().client.put_item().table_name(&world.ready().table_name);
    put.set_item(Some(reference.clone())).send().await.unwrap();
    delete(&world, &key, "KEY").await;
    let left = repair(&world).await.left;
    assert_eq!(kinds(&left), ["dangling_api_key_reference"]);
    assert_eq!(left[0].to_string(), format!("{workspace_id}: {}", text(reference, "sk")));
    assert_eq!(world.dynamodb().operator().keys(workspace_id.parse().unwrap()).await.unwrap(), []);
}

#[tokio::test]
async fn a_key_of_no_workspace_is_a_difference() {
    let world = World::start().await;
    let (_, workspace_id) = world.new_client().await;
    delete(&world, &format!("WS#{workspace_id}"), "WS").await;
    assert_eq!(kinds(&repair(&world).await.left), ["no_workspace"]);
}

/// The way that docs/OPERATIONS.md goes after the table was restored.
#[tokio::test]
async fn a_table_that_was_taken_back_is_made_true() {
    let world = World::start().await;
    let (client, table) = (world.client(), world.dynamodb());
    let kept = client.create(&both()).await.expect(201);
    let secret = world.secrets().all().await.remove(0).name;
    let restored = table.items().await;
    client.delete_trunk(kept.id()).await.expect(204);
    let lost = client.create(&both()).await.expect(201);
    for item in table.items().await {
        delete(&world, text(&item, "pk"), text(&item, "sk")).await;
    }
    for item in restored {
        table.client.put_item().table_name(&table.name).set_item(Some(item)).send().await.unwrap();
    }
    let (missing, orphan) = (["missing_livekit_object"; 3], ["orphan_livekit_object"; 3]);
    let expected = [&missing[..], &["missing_secret"], &orphan, &["orphan_secret"]].concat();
    assert_eq!(world.differences().await, expected);

    world.secrets().client.restore_secret().secret_id(&secret).send().await.unwrap();
    let left = repair(&world).await.left;
    assert_eq!(kinds(&left), [""; 0]);
    assert_eq!(world.left().await, Left { secrets_scheduled: 1, ..Left::both(1) });
    assert_eq!(world.differences().await, [""; 0]);
    let repaired = client.get_trunk(kept.id()).await.expect(200);
    assert_eq!(repaired.body["inbound_sip_uri"], kept.body["inbound_sip_uri"]);
    client.get_trunk(lost.id()).await.expect(404);
}

#[tokio::test]
async fn an_idempotency_record_of_no_trunk_lets_its_key_go() {
    let world = World::start().await;
    let (client, body) = (world.client(), both());
    let create = || client.create_once("again", &body);
    let trunk = create().await.expect(201);
    world.client().delete_trunk(trunk.id()).await.expect(204);
    assert_eq!(world.differences().await, [""; 0], "it has its answer");

    let items = world.dynamodb().items().await;
    let record = items.iter().find(|item| text(item, "sk").starts_with("IDEM#")).unwrap();
    let sk = text(record, "sk");
    set(&world, sk, "state", AttributeValue::S("running".into())).await;
    create().await.expect_error(409, "idempotency_conflict");
    let until = record["expires_at"].clone();
    set(&world, sk, "expires_at", ago(SignedDuration::from_mins(1))).await;
    assert_eq!(world.differences().await, [""; 0], "an expired one holds nobody up");
    set(&world, sk, "expires_at", until).await;

    let repaired = repair(&world).await;
    assert_eq!((kinds(&repaired.left), kinds(&repaired.mended)), (vec![], vec!["stuck_idempotency_record"]));
    create().await.expect(201);
}

#[tokio::test]
async fn a_running_request_has_its_idempotency_record() {
    let world = World::faulty().await;
    let gate = world.faults(System::LiveKit).hold(On::operation("CreateSIPOutboundTrunk"));
    let (client, body) = (world.client(), both());
    let (created, repaired) = tokio::join!(client.create_once("running", &body), async {
        gate.reached().await;
        let repaired = repair(&world).await;
        gate.open();
        repaired
    });
    created.expect(201);
    assert_eq!((kinds(&repaired.left), kinds(&repaired.mended)), (vec![], vec![]));
}

#[tokio::test]
async fn without_the_password_in_its_secret_a_trunk_keeps_its_own() {
    let world = World::start().await;
    world.client().create(&both()).await.expect(201);
    let before = world.livekit().all().await;
    let secrets = world.secrets();
    let name = secrets.all().await.remove(0).name;
    let put = secrets.client.put_secret_value().secret_id(&name).secret_string(r#"{"credentials":{"portal":"x"}}"#);
    put.send().await.unwrap();
    let repaired = repair(&world).await;
    assert_eq!((kinds(&repaired.left), kinds(&repaired.mended)), (vec![], vec![]));
    assert_eq!(world.livekit().all().await, before);
}

#[tokio::test]
async fn a_list_of_everything_may_take_its_time() {
    let world = World::faulty().await;
    world.client().create(&both()).await.expect(201);
    let slow = Fault::DelayAnswer(Duration::from_secs(5));
    world.faults(System::LiveKit).inject(On::operation("ListSIPInboundTrunk"), slow);
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn secrets_are_read_side_by_side() {
    let world = World::faulty().await;
    for _ in 0..3 {
        world.client().create(&both()).await.expect(201);
    }
    world.forget_calls();
    let secrets = world.faults(System::SecretsManager);
    let gate = secrets.hold(On::operation("GetSecretValue").nth(1));
    let (differences, read) = tokio::join!(world.differences(), async {
        gate.reached().await;
        let others = async {
            while secrets.calls().iter().filter(|call| *call == "GetSecretValue").count() < 3 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let read = tokio::time::timeout(Duration::from_secs(2), others).await;
        gate.open();
        read
    });
    assert_eq!(differences, [""; 0]);
    read.expect("two more secrets are read while the first one is waited for");
}

const E164: &str = "+12025550123";

/// A trunk with a number on it, and the sort keys of both.
async fn numbered(world: &World) -> (Answer, Answer, [String; 2]) {
    let trunk = world.client().create(&both()).await.expect(201);
    let imported = world.client().import(&number(E164, trunk.id())).await.expect(201);
    let records = [format!("TRUNK#{}", trunk.id()), format!("NUMBER#{}", imported.id())];
    (trunk, imported, records)
}

/// The only difference is of this kind, about the number, and nothing that `--repair` mends.
async fn is_left(world: &World, kind: &str, number_id: &str) {
    let repaired = repair(world).await;
    assert_eq!((kinds(&repaired.left), kinds(&repaired.mended)), (vec![kind], vec![]));
    assert_eq!(repaired.left[0].to_string(), format!("{}/{number_id}: {E164}", world.ready().workspace_id));
    assert!(repaired.left[0].remedy().contains("one point in time"), "{}", repaired.left[0].remedy());
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// Takes attributes off a record.
async fn remove(world: &World, sk: &str, names: &str) {
    let table = world.dynamodb();
    let update = table.client.update_item().table_name(&table.name).update_expression(format!("REMOVE {names}"));
    update.key("pk", s(&partition(world))).key("sk", s(sk)).send().await.unwrap();
}

#[tokio::test]
async fn a_number_and_its_claim_belong_together() {
    let world = World::start().await;
    let (_, imported, _) = numbered(&world).await;
    let claim_key = format!("E164#{E164}");
    let claim = world.dynamodb().items().await.into_iter().find(|item| text(item, "pk") == claim_key).unwrap();
    assert_eq!(world.differences().await, [""; 0]);

    delete(&world, &claim_key, "E164").await;
    is_left(&world, "unclaimed_number", imported.id()).await;

    let table = world.dynamodb();
    table.client.put_item().table_name(&table.name).set_item(Some(claim)).send().await.unwrap();
    assert_eq!(world.differences().await, [""; 0]);
    let other = "phone_01m83t4gh0e00b000000000005";
    table.set(&claim_key, "E164", "number_id", s(other)).await;
    assert_eq!(world.differences().await, ["claim_without_number", "unclaimed_number"]);

    table.set(&claim_key, "E164", "number_id", s(imported.id())).await;
    world.client().delete_number(imported.id()).await.expect(204);
    let put = table.client.put_item().table_name(&table.name).item("pk", s(&claim_key)).item("sk", s("E164"));
    put.item("workspace_id", s(&world.ready().workspace_id)).item("number_id", s(other)).send().await.unwrap();
    is_left(&world, "claim_without_number", other).await;
}

#[tokio::test]
async fn a_number_and_its_trunk_belong_together() {
    let world = World::start().await;
    let (trunk, imported, [_, record]) = numbered(&world).await;
    let unbound = world.client().patch_number(imported.id(), &json!({ "trunk_id": null })).await.expect(200);
    assert_eq!((unbound.id(), world.differences().await), (imported.id(), vec![]));

    set(&world, &record, "direction", s("both")).await;
    set(&world, &record, "trunk_id", s(trunk.id())).await;
    is_left(&world, "number_not_on_its_trunk", imported.id()).await;
}

#[tokio::test]
async fn a_trunk_has_no_number_that_is_bound_to_another() {
    let world = World::start().await;
    let (_, imported, [_, record]) = numbered(&world).await;
    let other = world.client().create(&both()).await.expect(201);
    set(&world, &record, "trunk_id", s(other.id())).await;
    assert_eq!(world.differences().await, ["number_not_on_its_trunk", "trunk_with_unbound_number"]);

    remove(&world, &record, "trunk_id, direction").await;
    is_left(&world, "trunk_with_unbound_number", imported.id()).await;
}

#[tokio::test]
async fn a_number_of_which_no_trunk_knows_the_import_is_stuck() {
    let world = World::faulty().await;
    let (_, imported, [_, record]) = numbered(&world).await;
    world.client().patch_number(imported.id(), &json!({ "trunk_id": null })).await.expect(200);
    set(&world, &record, "state", s("importing")).await;
    is_left(&world, "stuck_number", imported.id()).await;

    // One under way is none.
    set(&world, &record, "state", s("active")).await;
    let trunk = world.client().create(&both()).await.expect(201);
    let gate = world.faults(System::LiveKit).hold(On::operation("UpdateSIPInboundTrunk"));
    let (client, body) = (world.client(), number("+12025550124", trunk.id()));
    let (imported, repaired) = tokio::join!(client.import(&body), async {
        gate.reached().await;
        let repaired = repair(&world).await;
        gate.open();
        repaired
    });
    imported.expect(201);
    assert_eq!((kinds(&repaired.left), kinds(&repaired.mended)), (vec![], vec![]));
}

#[tokio::test]
async fn a_wrong_count_of_numbers_is_put_right() {
    let world = World::start().await;
    numbered(&world).await;
    for wrong in ["0", "7"] {
        set(&world, "WS", "number_count", AttributeValue::N(wrong.into())).await;
        let repaired = repair(&world).await;
        assert_eq!((kinds(&repaired.left), kinds(&repaired.mended)), (vec![], vec!["wrong_count"]));
        let what = format!("{}: counts {wrong} phone numbers, has 1", world.ready().workspace_id);
        assert_eq!(repaired.mended[0].to_string(), what);
        let items = world.dynamodb().items().await;
        let own = items.iter().find(|item| text(item, "sk") == "WS" && text(item, "pk") == partition(&world));
        assert_eq!(own.unwrap()["number_count"], AttributeValue::N("1".into()));
        assert_eq!(world.differences().await, [""; 0]);
    }
}

#[tokio::test]
async fn numbers_of_a_livekit_trunk_are_put_back() {
    let world = World::start().await;
    let (trunk, _, [record, _]) = numbered(&world).await;
    let edit = |numbers: &[&str]| proto::ListUpdate {
        set: numbers.iter().map(|&number| number.to_owned()).collect(),
        ..Default::default()
    };
    let (inbound_id, outbound_id) = ("livekit_inbound_trunk_id", "livekit_outbound_trunk_id");
    let livekit = world.livekit();
    let request = proto::UpdateSipInboundTrunkRequest {
        sip_trunk_id: trunk.text_of(inbound_id).to_owned(),
        action: Some(proto::update_sip_inbound_trunk_request::Action::Update(proto::SipInboundTrunkUpdate {
            numbers: Some(edit(&[trunk.id(), "+12025550124"])),
            ..Default::default()
        })),
    };
    livekit.call::<proto::SipInboundTrunkInfo>("UpdateSIPInboundTrunk", &request).await;
    let request = proto::UpdateSipOutboundTrunkRequest {
        sip_trunk_id: trunk.text_of(outbound_id).to_owned(),
        action: Some(proto::update_sip_outbound_trunk_request::Action::Update(proto::SipOutboundTrunkUpdate {
            numbers: Some(edit(&[trunk.id()])),
            ..Default::default()
        })),
    };
    livekit.call::<proto::SipOutboundTrunkInfo>("UpdateSIPOutboundTrunk", &request).await;
    assert_eq!(world.differences().await, [""; 0], "the sweeper looks at it once more");

    remove(&world, &record, "sweep_at, sweep_shard").await;
    let repaired = repair(&world).await;
    assert_eq!((kinds(&repaired.left), kinds(&repaired.mended)), (vec![], vec!["changed_livekit_object"; 2]));
    let contents = livekit.all().await;
    assert_eq!(contents.inbound[0].numbers, [trunk.id(), E164]);
    assert_eq!(contents.outbound[0].numbers, [E164]);
}

#[tokio::test]
async fn an_account_and_its_trunk_know_each_other() {
    let world = World::start().await;
    let account = world.twilio_account();
    let body = json!({"e164": "+12025550101", "provider": "twilio", "twilio": {
        "account_sid": account.account_sid.as_str(),
        "auth_token": account.auth_token.expose_secret(),
    }});
    let number = world.client().import(&body).await.expect(201);
    assert_eq!(world.differences().await, [""; 0]);
    let items = world.dynamodb().items().await;
    let record = items.iter().find(|item| text(item, "sk").starts_with("TWILIO#")).unwrap();
    let named =
        format!("{}/{}: {}", world.ready().workspace_id, number.body["trunk_id"].as_str().unwrap(), text(record, "sk"));

    delete(&world, text(record, "pk"), text(record, "sk")).await;
    let left = repair(&world).await.left;
    assert_eq!((kinds(&left), left[0].to_string()), (vec!["unshared_twilio_account"], named));

    let other = TrunkId::new();
    let put = world.dynamodb().client.put_item().table_name(&world.ready().table_name);
    let put = put.set_item(Some(record.clone())).item("trunk_id", AttributeValue::S(other.to_string()));
    put.send().await.unwrap();
    let left = repair(&world).await.left;
    assert_eq!(kinds(&left), ["twilio_account_without_trunk", "unshared_twilio_account"]);
}
