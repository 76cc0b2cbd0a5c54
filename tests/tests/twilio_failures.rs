//! Imports from Twilio, and deletions there, that are refused or fail on the way: what the caller is told, and what is
//! left.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use aws_sdk_dynamodb::types::AttributeValue;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use trunkline_tests::canary::assert_no_trace_of;
use trunkline_tests::fault::{Fault, On, System, WORDS};
use trunkline_tests::lines::Lines;
use trunkline_tests::probe::{Contents, OnTwilio};
use trunkline_tests::twilio::{FREE, OF_AN_APPLICATION, ON_A_TRUNK};
use trunkline_tests::{Answer, Left, Setup, World, both, number, twilio_number, with};

/// A number that no account has.
const NOBODYS: &str = "+12025550199";

/// A first import that was undone: its secret opens the account for the last look.
const UNDONE: Left = Left { tombstones: 1, in_sweep_index: 1, secrets: 1, ..Left::NOTHING };
/// A trunk that has been deleted, and had a secret.
const GONE: Left = Left { tombstones: 1, in_sweep_index: 1, secrets_scheduled: 1, ..Left::NOTHING };
/// A trunk that was changed and has a last look before it.
const CHANGED: Left = Left { in_sweep_index: 1, ..Left::NOTHING };
/// When the sweeper has been.
const SWEPT: Left = Left { secrets_scheduled: 1, ..Left::NOTHING };

/// What an import makes at Twilio.
const CREATES: [&str; 6] = [
    "POST Trunks",
    "POST SIP/CredentialLists",
    "POST SIP/CredentialLists/Credentials",
    "POST Trunks/CredentialLists",
    "POST Trunks/OriginationUrls",
    "POST Trunks/PhoneNumbers",
];
const LOOK: &str = "GET IncomingPhoneNumbers";

const LEFT_THERE: &str = "what was made on a customer's Twilio account is left there";
const MAY_BE_THERE: &str =
    "a trunk was deleted without its secret: what was made on a customer's Twilio account may be there still";

fn faults() -> [Fault; 5] {
    [Fault::twilio(503, 20503), Fault::twilio(400, 20001), Fault::status(502), Fault::Drop, Fault::DropAnswer]
}

fn body(world: &World, e164: &str) -> Value {
    twilio_number(e164, &world.twilio_account())
}

async fn import(world: &World, e164: &str) -> Answer {
    world.client().import(&body(world, e164)).await.expect(201)
}

/// Refused with the fields' messages containing these texts.
#[track_caller]
fn assert_field(answer: &Answer, field: &str, words: &str) {
    let fields = answer.fields();
    assert_eq!(fields.keys().collect::<Vec<_>>(), [field], "{}", answer.text);
    assert!(fields[field].as_str().unwrap().contains(words), "{}", answer.text);
}

#[track_caller]
fn assert_upstream(answer: &Answer, upstream: &str) {
    assert_eq!(answer.details(), &json!({ "upstream": upstream }), "{}", answer.text);
    assert!(!answer.text.contains(WORDS), "{}", answer.text);
}

/// A world in which the sweeper comes every second, and finds soon what there is for it.
async fn swept() -> World {
    Setup::default().swept().faulty().start().await
}

/// A world with a number on a trunk, and what there was at Twilio before and is there now.
async fn with_number(world: &World) -> (Answer, OnTwilio, OnTwilio) {
    let before = world.on_twilio().await;
    let number = import(world, FREE[0]).await;
    (number, before, world.on_twilio().await)
}

#[tokio::test]
async fn what_twilio_does_not_give_leaves_nothing() {
    let world = World::start().await;
    let (client, before) = (world.client(), world.on_twilio().await);
    let account = body(&world, FREE[0])["twilio"].clone();
    for changes in [json!({ "auth_token": "wrong" }), json!({ "account_sid": "AC00000000000000000000000000000000" })] {
        let wrong = with(body(&world, FREE[0]), json!({ "twilio": with(account.clone(), changes) }));
        let refused = client.import(&wrong).await.expect_error(400, "validation_failed");
        assert_field(&refused, "twilio.auth_token", "the account's current auth token");
    }
    let unknown = client.import(&body(&world, NOBODYS)).await.expect_error(400, "validation_failed");
    assert_field(&unknown, "e164", "no such number");
    for held in [ON_A_TRUNK, OF_AN_APPLICATION] {
        let refused = client.import(&body(&world, held)).await.expect_error(409, "conflict");
        assert!(refused.text.contains("take it off there"), "{}", refused.text);
        assert_eq!(refused.header("retry-after"), None);
    }
    assert_eq!((world.left().await, world.on_twilio().await), (Left::NOTHING, before));
    assert_eq!(world.dynamodb().numbers().await, (0, 0, 0));
}

#[tokio::test]
async fn a_number_of_another_workspace_is_not_taken() {
    let world = World::start().await;
    let (client, other, before) = (world.client(), world.other_client(), world.on_twilio().await);
    // By a carrier's trunk, of which Twilio knows nothing.
    let theirs = other.create(&both()).await.expect(201);
    let held = other.import(&number(FREE[0], theirs.id())).await.expect(201);
    let refused = client.import(&body(&world, FREE[0])).await.expect_error(409, "conflict");
    assert!(!refused.text.contains(held.id()), "{}", refused.text);
    assert_eq!((world.left().await, world.on_twilio().await), (Left::both(1) + CHANGED, before));

    // By one of the same account.
    let shared = other.import(&body(&world, FREE[1])).await.expect(201);
    let there = world.on_twilio().await;
    let refused = client.import(&body(&world, FREE[1])).await.expect_error(409, "conflict");
    assert!(!refused.text.contains(shared.id()), "{}", refused.text);
    assert_eq!((world.left().await, world.on_twilio().await), (Left::both(2) + CHANGED + CHANGED, there));
    assert_eq!(world.dynamodb().numbers().await, (2, 2, 2));
}

#[tokio::test]
async fn caps_hold_for_trunk_and_number() {
    let world = World::start().await;
    let (client, table, workspace_id) = (world.client(), world.dynamodb(), &world.ready().workspace_id);
    let before = world.on_twilio().await;
    table.set_limit(workspace_id, 0).await;
    let refused = client.import_once("order-1", &body(&world, FREE[0])).await.expect_error(402, "payment_required");
    assert_eq!(refused.details(), &json!({ "limit": 0, "used": 0 }));
    table.set_limit(workspace_id, 1).await;
    let count = async |numbers: u64| {
        let count = AttributeValue::N(numbers.to_string());
        table.set(&format!("WS#{workspace_id}"), "WS", "number_count", count).await;
    };
    count(100).await;
    let refused = client.import_once("order-1", &body(&world, FREE[0])).await.expect_error(402, "payment_required");
    assert_eq!(refused.details(), &json!({ "limit": 100, "used": 100 }));
    assert_eq!((world.left().await, world.on_twilio().await), (Left::NOTHING, before));

    // Neither was kept for the key. A second number needs no second trunk.
    count(0).await;
    client.import_once("order-1", &body(&world, FREE[0])).await.expect(201);
    let there = world.on_twilio().await;
    count(100).await;
    let refused = client.import(&body(&world, FREE[1])).await.expect_error(402, "payment_required");
    assert_eq!(refused.details(), &json!({ "limit": 100, "used": 100 }));
    assert_eq!(world.on_twilio().await, there);
    count(1).await;
    import(&world, FREE[1]).await;
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_first_import_that_twilio_fails_is_taken_back() {
    for operation in CREATES {
        for fault in faults() {
            let world = World::faulty().await;
            let before = world.on_twilio().await;
            let (client, body) = (world.client(), body(&world, FREE[0]));
            world.faults(System::Twilio).inject(On::operation(operation), fault.clone());
            let failed = client.import_once("order-1", &body).await.expect_error(502, "upstream_failure");
            assert_upstream(&failed, "twilio");
            assert_ne!(world.faults(System::Twilio).faulted(), 0, "{operation}");
            world.heal();
            assert_eq!((world.left().await, world.on_twilio().await), (UNDONE, before), "{operation} {fault:?}");
            assert_eq!(world.dynamodb().numbers().await, (0, 0, 0));
            assert_eq!(world.differences().await, [""; 0], "{operation} {fault:?}");
            // The idempotency key is free again.
            let number = client.import_once("order-1", &body).await.expect(201);
            client.delete_number(number.id()).await.expect(204);
        }
    }
}

#[tokio::test]
async fn a_number_that_something_there_takes_meanwhile_is_not_taken_from_it() {
    let world = World::faulty().await;
    let (client, before) = (world.client(), world.on_twilio().await);
    let office = before.number(ON_A_TRUNK).trunk_sid.clone().unwrap();
    let gate = world.faults(System::Twilio).hold(On::operation("POST Trunks").nth(1));
    let (body, sid) = (body(&world, FREE[0]), &before.number(FREE[0]).sid);
    let (refused, ()) = tokio::join!(client.import(&body), async {
        gate.reached().await;
        world.twilio().attach(&world.twilio_account(), &office, sid).await;
        gate.open();
    });
    let refused = refused.expect_error(409, "conflict");
    assert!(refused.text.contains("has just been moved on this Twilio account"), "{}", refused.text);
    let after = world.on_twilio().await;
    assert_eq!(after.number(FREE[0]).trunk_sid.as_ref(), Some(&office));
    assert_eq!((after.trunks.len(), after.credential_lists), (before.trunks.len(), before.credential_lists));
    assert_eq!((world.left().await, world.dynamodb().numbers().await), (UNDONE, (0, 0, 0)));
}

/// The remedy of a trunk that was deleted there by hand is told, and works.
#[tokio::test]
async fn a_trunk_that_is_gone_at_twilio_is_told_from_an_account_that_is() {
    let world = World::faulty().await;
    let client = world.client();
    world.faults(System::Twilio).inject(On::operation(LOOK), Fault::twilio(404, 20404));
    let no_account = client.import(&body(&world, FREE[0])).await.expect_error(400, "validation_failed");
    assert_field(&no_account, "twilio.account_sid", "Twilio has no such account");
    world.heal();
    assert_eq!(world.left().await, Left::NOTHING);

    let (first, _, there) = with_number(&world).await;
    let trunk_sid = &there.trunks_named(first.text_of("trunk_id"))[0].sid;
    world.twilio().delete_trunk(&world.twilio_account(), trunk_sid).await;
    let gone = client.import_once("order-1", &body(&world, FREE[1])).await.expect_error(409, "conflict");
    assert!(gone.text.contains("delete these numbers here"), "{}", gone.text);
    assert_eq!((world.left().await, world.dynamodb().numbers().await), (Left::both(1) + CHANGED, (1, 1, 1)));
    client.delete_number(first.id()).await.expect(204);
    let again = client.import_once("order-1", &body(&world, FREE[1])).await.expect(201);
    import(&world, FREE[0]).await;
    assert_eq!(world.on_twilio().await.trunks_named(again.text_of("trunk_id"))[0].numbers, [FREE[1], FREE[0]]);
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn an_import_that_was_done_is_replayed_whatever_twilio_says_by_now() {
    let world = World::faulty().await;
    for e164 in [FREE[0], FREE[1]] {
        let body = body(&world, e164);
        let first = world.client().import_once(e164, &body).await.expect(201);
        for fault in [
            Fault::twilio(401, 20003),
            Fault::twilio(403, 20005),
            Fault::twilio(404, 20404),
            Fault::twilio(503, 20503),
            Fault::Drop,
        ] {
            world.faults(System::Twilio).inject(On::operation(LOOK), fault.clone());
            let again = world.client().import_once(e164, &body).await.expect(201);
            assert_eq!((&again.text, again.header("idempotent-replayed")), (&first.text, Some("true")), "{fault:?}");
            world.heal();
        }
        let lost = Fault::aws(400, "AccessDeniedException");
        world.faults(System::SecretsManager).inject(On::operation("GetSecretValue"), lost);
        assert_eq!(world.client().import_once(e164, &body).await.expect(201).text, first.text);
        world.heal();
    }
}

#[tokio::test]
async fn an_import_that_cannot_look_at_twilio_begins_nothing() {
    let world = World::faulty().await;
    let before = world.on_twilio().await;
    for fault in faults() {
        world.faults(System::Twilio).inject(On::operation(LOOK), fault.clone());
        let failed = world.client().import_once("order-1", &body(&world, FREE[0])).await;
        assert_upstream(&failed.expect_error(502, "upstream_failure"), "twilio");
        world.heal();
        assert_eq!((world.left().await, world.on_twilio().await), (Left::NOTHING, before.clone()), "{fault:?}");
    }
    // One hiccup is nobody's concern: looking changes nothing.
    for fault in [Fault::twilio(503, 20503), Fault::Drop, Fault::DropAnswer] {
        world.faults(System::Twilio).inject(On::operation(LOOK).nth(1), fault);
        let number = import(&world, FREE[0]).await;
        world.client().delete_number(number.id()).await.expect(204);
        world.heal();
    }
}

#[tokio::test]
async fn a_first_import_that_another_system_fails_is_taken_back_at_twilio() {
    let unmade = Left { secrets: 0, ..UNDONE };
    for (system, upstream, operation, fault, left) in [
        (System::SecretsManager, "secretsmanager", "CreateSecret", Fault::aws(400, "AccessDeniedException"), unmade),
        (System::LiveKit, "livekit", "CreateSIPInboundTrunk", Fault::twirp(403, "permission_denied"), UNDONE),
        (System::LiveKit, "livekit", "CreateSIPOutboundTrunk", Fault::DropAnswer, UNDONE),
        (System::LiveKit, "livekit", "CreateSIPDispatchRule", Fault::twirp(503, "unavailable"), UNDONE),
    ] {
        let world = World::faulty().await;
        let before = world.on_twilio().await;
        let (client, body) = (world.client(), body(&world, FREE[0]));
        world.faults(system).inject(On::operation(operation), fault);
        let failed = client.import_once("order-1", &body).await.expect_error(502, "upstream_failure");
        assert_upstream(&failed, upstream);
        world.heal();
        assert_eq!((world.left().await, world.on_twilio().await), (left, before), "{operation}");
        assert_eq!(world.dynamodb().numbers().await, (0, 0, 0));
        let number = client.import_once("order-1", &body).await.expect(201);
        client.delete_number(number.id()).await.expect(204);
    }
}

#[tokio::test]
async fn a_second_import_that_fails_leaves_the_trunk_as_it_was() {
    for (system, upstream, operation) in [
        (System::Twilio, "twilio", "POST Trunks/PhoneNumbers"),
        (System::LiveKit, "livekit", "UpdateSIPInboundTrunk"),
        (System::LiveKit, "livekit", "UpdateSIPOutboundTrunk"),
    ] {
        let of_livekit = vec![Fault::twirp(403, "permission_denied"), Fault::twirp(400, "invalid_argument")];
        for fault in if system == System::Twilio { faults().to_vec() } else { of_livekit } {
            let world = World::faulty().await;
            let (first, _, there) = with_number(&world).await;
            let trunk = world.client().get_trunk(first.text_of("trunk_id")).await.expect(200);
            let before = world.livekit().all().await;
            world.faults(system).inject(On::operation(operation).nth(1), fault.clone());
            let failed = world.client().import_once("order-1", &body(&world, FREE[1])).await;
            assert_upstream(&failed.expect_error(502, "upstream_failure"), upstream);
            world.heal();
            assert_eq!(world.on_twilio().await, there, "{operation} {fault:?}");
            let numbers =
                |contents: &Contents| (contents.inbound[0].numbers.clone(), contents.outbound[0].numbers.clone());
            assert_eq!(numbers(&world.livekit().all().await), numbers(&before), "{operation} {fault:?}");
            assert_eq!(world.client().get_trunk(trunk.id()).await.expect(200).body, trunk.body);
            assert_eq!(world.dynamodb().numbers().await, (1, 1, 1));
            assert_eq!(world.differences().await, [""; 0], "{operation} {fault:?}");
            world.client().import_once("order-1", &body(&world, FREE[1])).await.expect(201);
        }
    }
}

/// A world with a number, and one that the customer has put on its trunk by hand; what there is at Twilio then.
async fn with_one_by_hand(world: &World) -> OnTwilio {
    let (first, _, there) = with_number(world).await;
    let trunk_sid = &there.trunks_named(first.text_of("trunk_id"))[0].sid;
    world.twilio().attach(&world.twilio_account(), trunk_sid, &there.number(FREE[1]).sid).await;
    world.on_twilio().await
}

#[tokio::test]
async fn a_number_that_the_customer_has_put_on_the_trunk_stays_there_when_its_import_fails() {
    for (system, on, fault) in [
        // The second look: the first is before anything is written.
        (System::Twilio, On::operation(LOOK).nth(2), Fault::twilio(400, 20001)),
        (System::LiveKit, On::operation("UpdateSIPInboundTrunk").nth(1), Fault::twirp(403, "permission_denied")),
        (System::LiveKit, On::operation("UpdateSIPOutboundTrunk").nth(1), Fault::twirp(400, "invalid_argument")),
    ] {
        let world = swept().await;
        let there = with_one_by_hand(&world).await;
        world.until_left(Left::both(1)).await;
        let place = format!("{on:?}");
        world.faults(system).inject(on, fault);
        world.client().import(&body(&world, FREE[1])).await.expect_error(502, "upstream_failure");
        world.heal();
        assert_eq!(world.on_twilio().await, there, "{place}");
        // Nor does the last look take it off.
        world.until_left(Left::both(1)).await;
        assert_eq!((world.on_twilio().await, world.differences().await), (there, vec![]), "{place}");
        assert_eq!(world.dynamodb().numbers().await, (1, 1, 1));
    }
}

#[tokio::test]
async fn a_number_that_is_on_the_trunk_by_hand_is_imported_and_removed_like_others() {
    let world = swept().await;
    let there = with_one_by_hand(&world).await;
    world.faults(System::Twilio).forget_calls();
    let second = import(&world, FREE[1]).await;
    assert_eq!(world.faults(System::Twilio).calls(), [LOOK, LOOK]);
    world.until_left(Left::both(1)).await;
    assert_eq!(world.on_twilio().await, there);
    world.client().delete_number(second.id()).await.expect(204);
    assert_eq!(world.on_twilio().await.number(FREE[1]).trunk_sid, None);
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_number_that_leaves_the_trunk_meanwhile_is_not_imported() {
    let world = World::faulty().await;
    let there = with_one_by_hand(&world).await;
    let gate = world.faults(System::DynamoDb).hold(On::operation("TransactWriteItems").nth(1));
    let (client, body) = (world.client(), body(&world, FREE[1]));
    let trunk_sid = there.number(FREE[1]).trunk_sid.clone().unwrap();
    let (refused, ()) = tokio::join!(client.import_once("order-1", &body), async {
        gate.reached().await;
        world.twilio().detach(&world.twilio_account(), &trunk_sid, &there.number(FREE[1]).sid).await;
        gate.open();
    });
    let refused = refused.expect_error(409, "conflict");
    assert!(refused.text.contains("has just been moved on this Twilio account"), "{}", refused.text);
    assert_eq!(world.dynamodb().numbers().await, (1, 1, 1));
    client.import_once("order-1", &body).await.expect(201);
    assert_eq!(world.on_twilio().await, there);
}

#[tokio::test]
async fn what_twilio_makes_too_late_is_found_by_the_last_look() {
    for operation in ["POST Trunks", "POST SIP/CredentialLists"] {
        let world = swept().await;
        let before = world.on_twilio().await;
        let gate = world.faults(System::Twilio).hold(On::operation(operation).nth(1));
        let failed = world.client().import(&body(&world, FREE[0])).await.expect_error(502, "upstream_failure");
        assert_upstream(&failed, "twilio");
        gate.open();
        world.faults(System::Twilio).quiet().await;
        assert_ne!(world.on_twilio().await, before, "{operation}");
        world.until_left(SWEPT).await;
        assert_eq!(world.on_twilio().await, before, "{operation}");
    }
}

#[tokio::test]
async fn a_number_that_is_attached_too_late_is_taken_off_by_the_last_look() {
    let world = swept().await;
    let (first, _, there) = with_number(&world).await;
    let gate = world.faults(System::Twilio).hold(On::operation("POST Trunks/PhoneNumbers").nth(1));
    let failed = world.client().import(&body(&world, FREE[1])).await.expect_error(502, "upstream_failure");
    assert_upstream(&failed, "twilio");
    gate.open();
    world.faults(System::Twilio).quiet().await;
    let late = world.on_twilio().await;
    let trunk_sid = late.trunks_named(first.text_of("trunk_id"))[0].sid.clone();
    assert_eq!(late.number(FREE[1]).trunk_sid.as_ref(), Some(&trunk_sid));
    world.until_left(Left::both(1)).await;
    assert_eq!(world.on_twilio().await, there);
    import(&world, FREE[1]).await;
}

#[tokio::test]
async fn an_undo_that_twilio_stops_is_finished_by_the_sweeper() {
    for undo in ["GET Trunks", "DELETE Trunks", "DELETE SIP/CredentialLists"] {
        let world = swept().await;
        let before = world.on_twilio().await;
        let twilio = world.faults(System::Twilio);
        twilio.inject(On::operation("POST Trunks/PhoneNumbers"), Fault::DropAnswer);
        twilio.inject(On::operation(undo), Fault::twilio(503, 20503));
        let failed = world.client().import(&body(&world, FREE[0])).await.expect_error(502, "upstream_failure");
        assert_upstream(&failed, "twilio");
        assert_ne!(world.on_twilio().await, before);
        world.heal();
        world.until_left(SWEPT).await;
        assert_eq!(world.on_twilio().await, before, "{undo}");
        assert_eq!((world.dynamodb().numbers().await, world.differences().await), ((0, 0, 0), vec![]));
        import(&world, FREE[0]).await;
    }
}

#[tokio::test]
async fn a_deletion_that_twilio_stops_can_be_repeated() {
    for operation in
        ["GET Trunks/PhoneNumbers", "DELETE Trunks/PhoneNumbers", "DELETE Trunks", "DELETE SIP/CredentialLists"]
    {
        for fault in faults() {
            let world = World::faulty().await;
            let (number, before, _) = with_number(&world).await;
            world.faults(System::Twilio).inject(On::operation(operation), fault.clone());
            let failed = world.client().delete_number(number.id()).await.expect_error(502, "upstream_failure");
            assert_upstream(&failed, "twilio");
            world.heal();
            world.client().get_trunk(number.text_of("trunk_id")).await.expect_error(404, "sip_trunk_not_found");
            world.client().delete_number(number.id()).await.expect(204);
            assert_eq!((world.left().await, world.on_twilio().await), (GONE, before), "{operation} {fault:?}");
            assert_eq!(world.dynamodb().numbers().await, (0, 0, 0));
        }
    }
}

#[tokio::test]
async fn while_a_trunk_is_being_deleted_one_number_goes_and_the_other_stays() {
    let world = World::faulty().await;
    let (first, before, _) = with_number(&world).await;
    let second = import(&world, FREE[1]).await;
    world.faults(System::Twilio).inject(On::operation("DELETE Trunks"), Fault::twilio(503, 20503));
    world.client().delete_trunk(first.text_of("trunk_id")).await.expect_error(502, "upstream_failure");
    let busy = world.client().import(&body(&world, FREE[2])).await.expect_error(409, "conflict");
    assert_eq!(busy.header("retry-after"), Some("1"));
    world.heal();
    world.client().delete_number(first.id()).await.expect(204);
    world.client().get_number(first.id()).await.expect_error(404, "phone_number_not_found");
    let stays = world.client().get_number(second.id()).await.expect(200);
    assert_eq!((&stays.body["capabilities"], stays.body.get("trunk_id")), (&json!([]), None));
    assert_eq!((world.left().await, world.on_twilio().await), (GONE, before));
    assert_eq!((world.dynamodb().numbers().await, world.differences().await), ((1, 1, 1), vec![]));
}

#[tokio::test]
async fn a_deletion_that_twilio_stops_is_finished_by_the_sweeper() {
    let world = swept().await;
    let (number, before, _) = with_number(&world).await;
    world.faults(System::Twilio).inject(On::operation("DELETE Trunks"), Fault::twilio(503, 20503));
    world.client().delete_trunk(number.text_of("trunk_id")).await.expect_error(502, "upstream_failure");
    world.heal();
    world.until_left(SWEPT).await;
    assert_eq!((world.on_twilio().await, world.dynamodb().numbers().await), (before, (1, 1, 1)));
    world.client().delete_number(number.id()).await.expect(204);
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_number_that_twilio_does_not_let_go_stays() {
    let world = World::faulty().await;
    let (_, _, there) = with_number(&world).await;
    let second = import(&world, FREE[1]).await;
    world.faults(System::Twilio).inject(On::operation("DELETE Trunks/PhoneNumbers"), Fault::twilio(503, 20503));
    let both = world.on_twilio().await;
    world.client().delete_number(second.id()).await.expect_error(502, "upstream_failure");
    assert_eq!((world.on_twilio().await, world.dynamodb().numbers().await), (both, (2, 2, 2)));
    world.heal();
    world.client().delete_number(second.id()).await.expect(204);
    assert_eq!((world.on_twilio().await, world.differences().await), (there, vec![]));
}

/// A world with a number, and a patch that gives its trunk the account's new auth token, or `token`.
async fn with_new_token(world: &World, token: Option<&str>) -> (Answer, Value) {
    let number = import(world, FREE[0]).await;
    let changed = world.twilio().change_token(&world.twilio_account()).await;
    let token = token.unwrap_or(changed.auth_token.expose_secret());
    let patch = json!({ "name": "Rotated", "credentials": { "auth_token": token } });
    (world.client().get_trunk(number.text_of("trunk_id")).await.expect(200), patch)
}

/// What a refused patch leaves: the trunk, and the one secret that it had.
async fn assert_not_patched(world: &World, trunk: &Answer, place: &str) {
    let now = world.client().get_trunk(trunk.id()).await.expect(200);
    assert_eq!((&now.body, now.header("etag")), (&trunk.body, trunk.header("etag")), "{place}");
    assert_eq!((world.left().await, world.secrets().all().await.len()), (Left::both(1) + CHANGED, 1), "{place}");
}

#[tokio::test]
async fn an_auth_token_that_twilio_does_not_take_replaces_none() {
    let world = World::faulty().await;
    let (trunk, patch) = with_new_token(&world, Some("mistyped")).await;
    let refused = world.client().patch(trunk.id(), &patch).await.expect_error(400, "validation_failed");
    assert_field(&refused, "credentials.auth_token", "the account's current auth token");
    assert_not_patched(&world, &trunk, "mistyped").await;
    // Nor does it cost a call where the patch is refused anyway.
    world.faults(System::Twilio).forget_calls();
    let conditional = json!({ "credentials": { "auth_token": "mistyped" }, "transport": "sctp" });
    let refused = world.client().patch(trunk.id(), &conditional).await.expect_error(400, "validation_failed");
    assert_field(&refused, "transport", "must be one of");
    assert_eq!(world.faults(System::Twilio).calls(), [""; 0]);
}

#[tokio::test]
async fn an_auth_token_that_cannot_be_tried_replaces_none() {
    let failures = faults().into_iter().chain([Fault::twilio(429, 20429)]).map(|fault| (fault, 502));
    for (fault, status) in failures.chain([(Fault::twilio(403, 20403), 409), (Fault::twilio(404, 20404), 400)]) {
        let world = World::faulty().await;
        let (trunk, patch) = with_new_token(&world, None).await;
        world.faults(System::Twilio).inject(On::operation("GET Trunks"), fault.clone());
        let refused = world.client().patch(trunk.id(), &patch).await.expect(status);
        match status {
            502 => assert_upstream(&refused, "twilio"),
            409 => assert!(refused.text.contains("it may be suspended"), "{}", refused.text),
            _ => assert!(
                refused.fields()["credentials.auth_token"].as_str().unwrap().contains("no such account"),
                "{}",
                refused.text
            ),
        }
        world.heal();
        assert_not_patched(&world, &trunk, &format!("{fault:?}")).await;
        let patched = world.client().patch(trunk.id(), &patch).await.expect(200);
        assert_eq!(patched.text_of("name"), "Rotated");
        assert_eq!(world.differences().await, [""; 0]);
    }
}

#[tokio::test]
async fn a_patch_without_an_auth_token_of_twilios_asks_nothing_there() {
    let world = World::faulty().await;
    let number = import(&world, FREE[0]).await;
    let carriers = world.client().create(&both()).await.expect(201);
    world.faults(System::Twilio).forget_calls();
    world.client().patch(number.text_of("trunk_id"), &json!({ "name": "New", "transport": "tcp" })).await.expect(200);
    let credentials = json!({ "credentials": { "auth_token": "the carrier's" } });
    world.client().patch(carriers.id(), &credentials).await.expect(200);
    assert_eq!(world.faults(System::Twilio).calls(), [""; 0]);
}

/// The one warning of what is left at Twilio, in a log without what opened the account.
fn assert_warned(world: &World, lines: &Lines) {
    let warnings = lines.warning(LEFT_THERE);
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0]["twilio.account_sid"], world.twilio_account().account_sid.to_string());
    assert!(warnings[0]["twilio.trunk"].is_string(), "{warnings:?}");
    assert_no_trace_of(world.twilio_account().auth_token.expose_secret(), "log", &lines.text());
}

#[tokio::test]
async fn where_the_account_is_closed_to_us_a_deletion_leaves_what_is_there() {
    for last in [true, false] {
        let (world, lines) = (World::start().await, Lines::keep());
        let (number, _, _) = with_number(&world).await;
        let second = import(&world, FREE[1]).await;
        if last {
            world.client().delete_number(second.id()).await.expect(204);
        }
        let there = world.on_twilio().await;
        let changed = world.twilio().change_token(&world.twilio_account()).await;
        world.client().delete_number(number.id()).await.expect(204);
        assert_warned(&world, &lines);
        assert_eq!(world.twilio().all(&changed).await, there);
        if last {
            assert_eq!((world.left().await, world.dynamodb().numbers().await), (GONE, (0, 0, 0)));
        } else {
            assert_eq!((world.left().await, world.dynamodb().numbers().await), (Left::both(1) + CHANGED, (1, 1, 1)));
        }
        assert_eq!(world.differences().await, [""; 0]);
        // The customer takes it off there, by the trunk's name.
        assert_eq!(there.trunks_named(number.text_of("trunk_id")).len(), 1);
        let refused = world.client().import(&twilio_number(FREE[0], &changed)).await;
        if last {
            refused.expect_error(409, "conflict");
        } else {
            refused.expect(201);
        }
    }
}

#[tokio::test]
async fn a_trunk_whose_secret_was_lost_is_deleted_here_and_named() {
    let (world, lines) = (World::start().await, Lines::keep());
    let (number, _, there) = with_number(&world).await;
    let secrets = world.secrets();
    let name = secrets.all().await.remove(0).name;
    secrets.client.delete_secret().secret_id(&name).recovery_window_in_days(7).send().await.unwrap();
    world.client().delete_trunk(number.text_of("trunk_id")).await.expect(204);
    let warnings = lines.warning(MAY_BE_THERE);
    assert_eq!(warnings.len(), 1);
    let trunk = &there.trunks_named(number.text_of("trunk_id"))[0];
    assert_eq!(warnings[0]["twilio.account_sid"], world.twilio_account().account_sid.to_string());
    assert_eq!(warnings[0]["twilio.trunk"], trunk.sid);
    assert_eq!((world.left().await, world.on_twilio().await), (GONE, there));
}

#[tokio::test]
async fn an_account_that_closes_while_a_number_is_imported_is_named() {
    for operation in CREATES {
        let (world, lines) = (World::faulty().await, Lines::keep());
        let before = world.on_twilio().await;
        world.faults(System::Twilio).inject(On::operation(operation), Fault::twilio(401, 20003));
        world.client().import(&body(&world, FREE[0])).await.expect_error(502, "upstream_failure");
        assert_eq!((world.left().await, world.on_twilio().await), (UNDONE, before), "{operation}");

        // So that what was made cannot be taken away either.
        world.faults(System::Twilio).inject(On::operation("GET Trunks"), Fault::twilio(401, 20003));
        world.client().import(&body(&world, FREE[0])).await.expect_error(502, "upstream_failure");
        assert_warned(&world, &lines);
        assert_eq!(world.left().await, UNDONE + UNDONE, "{operation}");
    }
}
