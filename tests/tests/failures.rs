//! Each system failing at each call: what the caller is told, and what is left.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::time::Duration;

use serde_json::{Value, json};
use trunkline_tests::fault::{Fault, On, System, WORDS};
use trunkline_tests::probe::text;
use trunkline_tests::{Answer, Left, Setup, TRUNKS, World, both, redactions};

/// A create that was undone after its secret was made.
const UNDONE: Left = Left { tombstones: 1, in_sweep_index: 1, secrets_scheduled: 1, ..Left::NOTHING };

const LIVEKIT_CREATES: [&str; 3] = ["CreateSIPInboundTrunk", "CreateSIPDispatchRule", "CreateSIPOutboundTrunk"];

/// Writes of DynamoDB that share an operation, by what only they contain.
mod write {
    use trunkline_tests::fault::On;

    pub(crate) fn reserve() -> On {
        On::operation("TransactWriteItems").containing(":default_limit")
    }

    pub(crate) fn commit() -> On {
        On::operation("TransactWriteItems").containing(":provisioning")
    }

    pub(crate) fn settle() -> On {
        On::operation("TransactWriteItems").containing("TOMB#")
    }
}

/// A world whose requests have about a second and a half.
async fn hasty() -> World {
    Setup::default().set("LEASE_SECONDS", "2").faulty().start().await
}

/// Longer than any request of [`hasty`].
const TOO_LONG: Duration = Duration::from_secs(3);

async fn create(world: &World) -> Answer {
    world.client().create_once("order-1", &both()).await
}

/// Nothing is shown, and a repeat under the same key makes the trunk.
async fn repeats_cleanly(world: &World, left: Left) {
    assert_eq!(world.client().get(TRUNKS).await.expect(200).body["trunks"], json!([]));
    world.heal();
    let again = create(world).await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), None);
    assert_eq!(world.left().await, left + Left { idempotency: 1, ..Left::both(1) });
}

fn no_words_of_upstream(answer: &Answer) {
    assert!(!answer.text.contains(WORDS), "{}", answer.text);
}

#[tokio::test]
async fn a_create_that_livekit_fails_is_undone() {
    for method in LIVEKIT_CREATES {
        for fault in [
            Fault::status(500),
            Fault::status(403),
            Fault::twirp(503, "unavailable"),
            Fault::twirp(400, "invalid_argument"),
            Fault::twirp(404, "not_found"),
            Fault::status(200),
            Fault::Drop,
            Fault::DropAnswer,
        ] {
            let world = World::faulty().await;
            world.faults(System::LiveKit).inject(On::operation(method).nth(1), fault.clone());
            let answer = create(&world).await;
            assert_eq!((answer.status, answer.code()), (502, "upstream_failure"), "{method} {fault:?}");
            assert_eq!(answer.details(), &json!({ "upstream": "livekit" }));
            no_words_of_upstream(&answer);
            assert_eq!(world.left().await, UNDONE, "{method} {fault:?}");
            repeats_cleanly(&world, UNDONE).await;
        }
    }
}

#[tokio::test]
async fn an_answer_without_an_id_is_no_success() {
    for method in LIVEKIT_CREATES {
        let world = World::faulty().await;
        world.faults(System::LiveKit).inject(On::operation(method).nth(1), Fault::empty());
        create(&world).await.expect_error(502, "upstream_failure");
        assert_eq!(world.left().await, UNDONE, "{method}");
    }
}

#[tokio::test]
async fn a_token_that_livekit_refuses_is_made_anew_once() {
    let world = World::faulty().await;
    let refusal = || Fault::twirp(401, "unauthenticated");
    world.faults(System::LiveKit).inject(On::operation("CreateSIPOutboundTrunk").nth(1), refusal());
    create(&world).await.expect(201);
    assert_eq!(world.faults(System::LiveKit).faulted(), 1);
    assert_eq!(world.left().await, Left { idempotency: 1, ..Left::both(1) });

    let world = World::faulty().await;
    world.faults(System::LiveKit).inject(On::operation("CreateSIPOutboundTrunk"), refusal());
    create(&world).await.expect_error(502, "upstream_failure");
    assert_eq!(world.left().await, UNDONE);
}

#[tokio::test]
async fn a_conflict_in_livekit_is_the_callers_to_mend() {
    let world = World::faulty().await;
    let words =
        r#"Conflicting inbound SIP Trunks: "<new>" and "ST_other", using the same number(s) ["upstream's own words"]"#;
    world
        .faults(System::LiveKit)
        .inject(On::operation("CreateSIPInboundTrunk"), Fault::twirp_saying(400, "invalid_argument", words));
    let answer = create(&world).await.expect_error(409, "conflict");
    no_words_of_upstream(&answer);
    assert_eq!(world.left().await, UNDONE);
    repeats_cleanly(&world, UNDONE).await;
}

#[tokio::test]
async fn a_create_that_livekit_answers_too_late_is_undone() {
    for method in LIVEKIT_CREATES {
        let world = hasty().await;
        world.faults(System::LiveKit).inject(On::operation(method).nth(1), Fault::DelayAnswer(TOO_LONG));
        let answer = create(&world).await.expect_error(502, "upstream_failure");
        assert_eq!(answer.details(), &json!({ "upstream": "livekit" }));
        assert_eq!(world.left().await, UNDONE, "{method}");
    }
}

#[tokio::test]
async fn a_create_that_reaches_livekit_too_late_leaves_word_of_it() {
    for method in LIVEKIT_CREATES {
        let world = hasty().await;
        let gate = world.faults(System::LiveKit).hold(On::operation(method).nth(1));
        create(&world).await.expect_error(502, "upstream_failure");
        assert_eq!(world.left().await, UNDONE, "{method}");
        gate.open();
        world.faults(System::LiveKit).quiet().await;
        // What came late is for the last look, before which the tombstone stays.
        let left = world.left().await;
        assert_eq!(left.inbound + left.outbound + left.rules, 1, "{method}");
        assert_eq!(Left { inbound: 0, outbound: 0, rules: 0, ..left }, UNDONE, "{method}");
    }
}

#[tokio::test]
async fn a_create_that_secrets_manager_fails_is_undone() {
    let unmade = Left { secrets_scheduled: 0, ..UNDONE };
    for (fault, left) in [
        (Fault::aws(500, "InternalServiceError"), unmade),
        (Fault::aws(400, "AccessDeniedException"), unmade),
        (Fault::aws(400, "LimitExceededException"), unmade),
        (Fault::throttled(), unmade),
        (Fault::status(502), unmade),
        (Fault::Drop, unmade),
        (Fault::DropAnswer, UNDONE),
    ] {
        let world = World::faulty().await;
        world.faults(System::SecretsManager).inject(On::operation("CreateSecret"), fault.clone());
        let answer = create(&world).await;
        assert_eq!((answer.status, answer.code()), (502, "upstream_failure"), "{fault:?}");
        assert_eq!(answer.details(), &json!({ "upstream": "secretsmanager" }));
        no_words_of_upstream(&answer);
        assert_eq!(world.left().await, left, "{fault:?}");
        repeats_cleanly(&world, left).await;
    }
}

#[tokio::test]
async fn one_hiccup_of_aws_is_nobodys_concern() {
    for fault in [Fault::aws(500, "InternalServiceError"), Fault::throttled(), Fault::Drop, Fault::DropAnswer] {
        let world = World::faulty().await;
        world.faults(System::SecretsManager).inject(On::operation("CreateSecret").nth(1), fault.clone());
        create(&world).await.expect(201);
        assert_eq!(world.faults(System::SecretsManager).faulted(), 1);
        assert_eq!(world.left().await, Left { idempotency: 1, ..Left::both(1) }, "{fault:?}");
    }
    for on in [write::reserve, write::commit] {
        for fault in [Fault::aws(500, "InternalServerError"), Fault::throttled(), Fault::Drop, Fault::DropAnswer] {
            let world = World::faulty().await;
            world.faults(System::DynamoDb).inject(on().nth(1), fault.clone());
            create(&world).await.expect(201);
            assert_eq!(world.faults(System::DynamoDb).faulted(), 1);
            assert_eq!(world.left().await, Left { idempotency: 1, ..Left::both(1) }, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn other_writers_are_waited_out() {
    for on in [write::reserve, write::commit] {
        let world = World::faulty().await;
        for n in [1, 2] {
            world.faults(System::DynamoDb).inject(on().nth(n), Fault::transaction_conflict(3));
        }
        create(&world).await.expect(201);
        assert_eq!(world.faults(System::DynamoDb).faulted(), 2);
        assert_eq!(world.left().await, Left { idempotency: 1, ..Left::both(1) });
    }
    let world = hasty().await;
    world.faults(System::DynamoDb).inject(write::reserve(), Fault::transaction_conflict(3));
    create(&world).await.expect_error(503, "service_unavailable");
    assert_eq!(world.left().await, Left::NOTHING);
    let world = hasty().await;
    world.faults(System::DynamoDb).inject(write::commit(), Fault::transaction_conflict(2));
    create(&world).await.expect_error(503, "service_unavailable");
    assert_eq!(world.left().await, UNDONE);
    let (world, id) = world_with_trunk(Setup::default()).await;
    world.faults(System::DynamoDb).inject(write::settle().nth(1), Fault::transaction_conflict(3));
    world.client().delete_trunk(&id).await.expect(204);
    assert_eq!(world.faults(System::DynamoDb).faulted(), 1);
    assert_eq!(world.left().await, GONE);
}

#[tokio::test]
async fn a_secret_that_comes_too_late_is_refused_or_found() {
    let world = hasty().await;
    let gate = world.faults(System::SecretsManager).hold(On::operation("CreateSecret"));
    create(&world).await.expect_error(502, "upstream_failure");
    assert_eq!(world.left().await, Left { secrets_scheduled: 0, ..UNDONE });
    gate.open();
    world.faults(System::SecretsManager).quiet().await;
    // The tombstone keeps the name for the last look.
    let tombstone = world.dynamodb().items().await.into_iter().find(|item| text(item, "sk").starts_with("TOMB#"));
    assert!(tombstone.unwrap()["seen_secret_names"].as_ss().unwrap()[0].starts_with(&world.ready().secret_prefix));
    assert_eq!(world.left().await, Left { secrets_scheduled: 0, secrets: 1, ..UNDONE });
}

#[tokio::test]
async fn a_reservation_that_fails_leaves_nothing() {
    for (fault, status, code) in [
        (Fault::throttled(), 503, "service_unavailable"),
        (Fault::aws(400, "ProvisionedThroughputExceededException"), 503, "service_unavailable"),
        (Fault::aws(500, "InternalServerError"), 503, "service_unavailable"),
        (Fault::status(503), 503, "service_unavailable"),
        (Fault::Drop, 503, "service_unavailable"),
        (Fault::aws(400, "AccessDeniedException"), 500, "internal_error"),
        (Fault::aws(400, "ResourceNotFoundException"), 500, "internal_error"),
    ] {
        let world = World::faulty().await;
        world.faults(System::DynamoDb).inject(write::reserve(), fault.clone());
        let answer = create(&world).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{fault:?}");
        assert_eq!(answer.header("retry-after").is_some(), status == 503, "{fault:?}");
        no_words_of_upstream(&answer);
        assert_eq!(world.left().await, Left::NOTHING, "{fault:?}");
        assert_eq!(world.faults(System::LiveKit).calls(), [""; 0], "{fault:?}");
        assert_eq!(world.faults(System::SecretsManager).calls(), [""; 0], "{fault:?}");
        repeats_cleanly(&world, Left::NOTHING).await;
    }
}

#[tokio::test]
async fn a_reservation_whose_answer_is_lost_is_taken_back() {
    for (world, fault) in [(World::faulty().await, Fault::DropAnswer), (hasty().await, Fault::DelayAnswer(TOO_LONG))] {
        world.faults(System::DynamoDb).inject(write::reserve(), fault.clone());
        let answer = create(&world).await.expect_error(503, "service_unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(world.left().await, Left::tombstones(1), "{fault:?}");
        repeats_cleanly(&world, Left::tombstones(1)).await;
    }
}

#[tokio::test]
async fn a_reservation_that_comes_too_late_waits_for_the_sweeper() {
    let world = hasty().await;
    let gate = world.faults(System::DynamoDb).hold(write::reserve().nth(1));
    create(&world).await.expect_error(503, "service_unavailable");
    assert_eq!(world.left().await, Left::NOTHING);
    gate.open();
    world.faults(System::DynamoDb).quiet().await;
    let left = Left { trunk_count: 1, provisioning: 1, in_sweep_index: 1, idempotency: 1, ..Left::NOTHING };
    assert_eq!(world.left().await, left);
}

#[tokio::test]
async fn a_commit_that_fails_is_undone() {
    for (fault, status) in [
        (Fault::throttled(), 503),
        (Fault::aws(500, "InternalServerError"), 503),
        (Fault::Drop, 503),
        (Fault::aws(400, "AccessDeniedException"), 500),
    ] {
        let world = World::faulty().await;
        world.faults(System::DynamoDb).inject(write::commit(), fault.clone());
        create(&world).await.expect(status);
        assert_eq!(world.left().await, UNDONE, "{fault:?}");
        repeats_cleanly(&world, UNDONE).await;
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_stands() {
    for (world, fault) in [(World::faulty().await, Fault::DropAnswer), (hasty().await, Fault::DelayAnswer(TOO_LONG))] {
        world.faults(System::DynamoDb).inject(write::commit(), fault.clone());
        let answer = create(&world).await.expect(201);
        assert_ne!(world.faults(System::DynamoDb).faulted(), 0);
        assert_eq!(world.client().get_trunk(answer.id()).await.expect(200).body, answer.body);
        assert_eq!(world.left().await, Left { idempotency: 1, ..Left::both(1) }, "{fault:?}");
    }
}

#[tokio::test]
async fn a_commit_that_comes_too_late_is_refused() {
    let world = hasty().await;
    let gate = world.faults(System::DynamoDb).hold(write::commit());
    create(&world).await.expect_error(503, "service_unavailable");
    gate.open();
    world.faults(System::DynamoDb).quiet().await;
    assert_eq!(world.left().await, UNDONE);
}

#[tokio::test]
async fn a_table_that_falls_silent_leaves_the_record_to_the_sweeper() {
    let world = hasty().await;
    for on in [write::commit(), On::operation("UpdateItem")] {
        world.faults(System::DynamoDb).inject(on, Fault::Drop);
    }
    create(&world).await.expect_error(503, "service_unavailable");
    let left = Left { active: 0, provisioning: 1, in_sweep_index: 1, idempotency: 1, ..Left::both(1) };
    assert_eq!(world.left().await, left);
    assert_eq!(world.client().get(TRUNKS).await.expect(200).body["trunks"], json!([]));
    let again = create(&world).await.expect_error(409, "idempotency_conflict");
    assert_eq!(again.header("retry-after"), Some("1"));
}

/// The one trunk record.
async fn record(world: &World) -> trunkline_tests::probe::Item {
    let items = world.dynamodb().items().await;
    items.into_iter().find(|item| text(item, "sk").starts_with("TRUNK#")).expect("a trunk record")
}

#[tokio::test]
async fn an_undo_that_fails_is_recorded() {
    let undoing = Left { trunk_count: 1, undoing: 1, in_sweep_index: 1, idempotency: 1, ..Left::NOTHING };
    let inject_livekit =
        |world: &World, method| world.faults(System::LiveKit).inject(On::operation(method), Fault::status(500));
    for (failing, left) in [
        ("DeleteSIPTrunk", Left { inbound: 1, outbound: 1, secrets: 1, ..undoing }),
        ("DeleteSecret", Left { secrets: 1, ..undoing }),
        ("settle", Left { secrets_scheduled: 1, ..undoing }),
    ] {
        let world = hasty().await;
        inject_livekit(&world, "CreateSIPDispatchRule");
        match failing {
            "DeleteSecret" => world
                .faults(System::SecretsManager)
                .inject(On::operation(failing), Fault::aws(400, "AccessDeniedException")),
            "settle" => world.faults(System::DynamoDb).inject(write::settle(), Fault::throttled()),
            _ => inject_livekit(&world, failing),
        }
        let answer = create(&world).await;
        assert!([502, 503].contains(&answer.status), "{failing}: {}", answer.text);
        assert_eq!(world.left().await, left, "{failing}");
        let record = record(&world).await;
        let at: i64 = record["sweep_at"].as_n().unwrap().parse().unwrap();
        assert!((at - jiff::Timestamp::now().as_second()).abs() <= 3, "{failing}");
        assert!(!text(&record, "sweep_shard").is_empty());
        assert_eq!(record["seen_trunk_ids"].as_ss().unwrap().len(), 2, "{failing}");
        world.client().get_trunk(text(&record, "trunk_id")).await.expect_error(404, "sip_trunk_not_found");
        world.client().delete_trunk(text(&record, "trunk_id")).await.expect_error(404, "sip_trunk_not_found");
    }
}

#[tokio::test]
async fn an_undo_whose_answers_are_lost_is_done_once() {
    let fail = |world: &World| {
        world.faults(System::LiveKit).inject(On::operation("CreateSIPDispatchRule"), Fault::status(500));
    };
    let world = World::faulty().await;
    fail(&world);
    for on in [On::operation("UpdateItem"), write::settle()] {
        world.faults(System::DynamoDb).inject(on.nth(1), Fault::DropAnswer);
    }
    create(&world).await.expect_error(502, "upstream_failure");
    assert_eq!(world.faults(System::DynamoDb).faulted(), 2);
    assert_eq!(world.left().await, UNDONE);

    let world = World::faulty().await;
    fail(&world);
    world.faults(System::DynamoDb).inject(write::settle(), Fault::DropAnswer);
    create(&world).await.expect_error(503, "service_unavailable");
    assert_eq!(world.left().await, UNDONE);
    repeats_cleanly(&world, UNDONE).await;

    let world = World::faulty().await;
    fail(&world);
    world.faults(System::DynamoDb).inject(On::operation("UpdateItem"), Fault::DropAnswer);
    create(&world).await.expect_error(503, "service_unavailable");
    let undoing = Left { trunk_count: 1, undoing: 1, in_sweep_index: 1, idempotency: 1, ..Left::NOTHING };
    assert_eq!(world.left().await, Left { inbound: 1, outbound: 1, secrets: 1, ..undoing });
}

async fn world_with_trunk(setup: Setup) -> (World, String) {
    let world = setup.faulty().start().await;
    let trunk = world.client().create(&both()).await.expect(201);
    let id = trunk.id().to_owned();
    world.forget_calls();
    (world, id)
}

const GONE: Left = UNDONE;

/// A deletion that cannot go on: told so, not shown, in the sweep index; and done when it is repeated.
async fn stopped_deletion(world: &World, id: &str, answer: Answer, left: Left) {
    no_words_of_upstream(&answer);
    assert_eq!(world.left().await, left, "{}", answer.text);
    world.client().get_trunk(id).await.expect_error(404, "sip_trunk_not_found");
    assert_eq!(world.client().get(TRUNKS).await.body["trunks"], json!([]));
    world.heal();
    world.client().delete_trunk(id).await.expect(204);
    assert_eq!(world.left().await, GONE, "{}", answer.text);
}

#[tokio::test]
async fn a_deletion_that_livekit_fails_goes_on_later() {
    let deleting = Left { active: 0, deleting: 1, in_sweep_index: 1, ..Left::both(1) };
    for (method, left) in [("DeleteSIPDispatchRule", deleting), ("DeleteSIPTrunk", Left { rules: 0, ..deleting })] {
        for fault in [Fault::status(500), Fault::twirp(400, "malformed"), Fault::Drop] {
            let (world, id) = world_with_trunk(Setup::default()).await;
            world.faults(System::LiveKit).inject(On::operation(method), fault);
            let answer = world.client().delete_trunk(&id).await.expect_error(502, "upstream_failure");
            assert_eq!(answer.details(), &json!({ "upstream": "livekit" }));
            stopped_deletion(&world, &id, answer, left).await;
        }
    }
}

#[tokio::test]
async fn a_deletion_that_secrets_manager_fails_goes_on_later() {
    let left = Left { trunk_count: 1, deleting: 1, in_sweep_index: 1, secrets: 1, ..Left::NOTHING };
    for fault in [Fault::aws(500, "InternalServiceError"), Fault::aws(400, "AccessDeniedException"), Fault::throttled()]
    {
        let (world, id) = world_with_trunk(Setup::default()).await;
        world.faults(System::SecretsManager).inject(On::operation("DeleteSecret"), fault);
        let answer = world.client().delete_trunk(&id).await.expect_error(502, "upstream_failure");
        assert_eq!(answer.details(), &json!({ "upstream": "secretsmanager" }));
        stopped_deletion(&world, &id, answer, left).await;
    }
}

#[tokio::test]
async fn a_deletion_that_the_table_fails_goes_on_later() {
    let left = Left { trunk_count: 1, deleting: 1, in_sweep_index: 1, secrets_scheduled: 1, ..Left::NOTHING };
    for fault in [Fault::aws(500, "InternalServerError"), Fault::throttled(), Fault::Drop] {
        let (world, id) = world_with_trunk(Setup::default()).await;
        world.faults(System::DynamoDb).inject(write::settle(), fault);
        let answer = world.client().delete_trunk(&id).await.expect_error(503, "service_unavailable");
        stopped_deletion(&world, &id, answer, left).await;
    }
}

#[tokio::test]
async fn a_deletion_whose_last_answer_is_lost_is_done_once() {
    let (world, id) = world_with_trunk(Setup::default()).await;
    world.faults(System::DynamoDb).inject(write::settle(), Fault::DropAnswer);
    let answer = world.client().delete_trunk(&id).await.expect_error(503, "service_unavailable");
    stopped_deletion(&world, &id, answer, GONE).await;
}

#[tokio::test]
async fn a_deletion_that_does_not_begin_changes_nothing() {
    for fault in [Fault::aws(500, "InternalServerError"), Fault::throttled(), Fault::Drop] {
        let (world, id) = world_with_trunk(Setup::default()).await;
        world.faults(System::DynamoDb).inject(On::operation("UpdateItem"), fault.clone());
        let answer = world.client().delete_trunk(&id).await.expect_error(503, "service_unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(world.left().await, Left::both(1), "{fault:?}");
        world.client().get_trunk(&id).await.expect(200);
    }
}

#[tokio::test]
async fn lost_answers_do_not_stop_a_deletion() {
    for method in ["DeleteSIPDispatchRule", "DeleteSIPTrunk"] {
        let (world, id) = world_with_trunk(Setup::default()).await;
        world.faults(System::LiveKit).inject(On::operation(method).nth(1), Fault::DropAnswer);
        world.client().delete_trunk(&id).await.expect(204);
        assert_eq!(world.faults(System::LiveKit).faulted(), 1);
        assert_eq!(world.left().await, GONE, "{method}");
    }
    let (world, id) = world_with_trunk(Setup::default()).await;
    world.faults(System::SecretsManager).inject(On::operation("DeleteSecret").nth(1), Fault::DropAnswer);
    for on in [On::operation("UpdateItem"), write::settle()] {
        world.faults(System::DynamoDb).inject(on.nth(1), Fault::DropAnswer);
    }
    world.client().delete_trunk(&id).await.expect(204);
    assert_eq!((world.faults(System::SecretsManager).faulted(), world.faults(System::DynamoDb).faulted()), (1, 2));
    assert_eq!(world.left().await, GONE);
}

#[tokio::test]
async fn objects_that_are_gone_already_do_not_stop_a_deletion() {
    let (world, id) = world_with_trunk(Setup::default()).await;
    let contents = world.livekit().of(&id).await;
    let livekit = world.livekit();
    let rule = livekit_protocol::DeleteSipDispatchRuleRequest {
        sip_dispatch_rule_id: contents.rules[0].sip_dispatch_rule_id.clone(),
    };
    let _: livekit_protocol::SipDispatchRuleInfo = livekit.call("DeleteSIPDispatchRule", &rule).await;
    for sip_trunk_id in [&contents.inbound[0].sip_trunk_id, &contents.outbound[0].sip_trunk_id] {
        let trunk = livekit_protocol::DeleteSipTrunkRequest { sip_trunk_id: sip_trunk_id.clone() };
        let _: livekit_protocol::SipTrunkInfo = livekit.call("DeleteSIPTrunk", &trunk).await;
    }
    let secret = world.secrets().all().await.remove(0).name;
    world.secrets().client.delete_secret().secret_id(secret).force_delete_without_recovery(true).send().await.unwrap();
    world.client().delete_trunk(&id).await.expect(204);
    assert_eq!(world.left().await, Left::tombstones(1));
}

#[tokio::test]
async fn without_the_table_nothing_is_answered_but_that() {
    for fault in [Fault::aws(500, "InternalServerError"), Fault::throttled(), Fault::Drop, Fault::status(502)] {
        let world = World::faulty().await;
        world.faults(System::DynamoDb).inject(On::any(), fault.clone());
        let client = world.client();
        for answer in [
            create(&world).await,
            client.get(TRUNKS).await,
            client.get_trunk("trunk_01m83t4cm0e00b000000000001").await,
            client.delete_trunk("trunk_01m83t4cm0e00b000000000001").await,
        ] {
            assert_eq!((answer.status, answer.code()), (503, "service_unavailable"), "{fault:?}");
            assert_eq!(answer.header("retry-after"), Some("1"), "{fault:?}");
            no_words_of_upstream(&answer);
        }
        client.get("/healthz").await.expect(200);
        assert_eq!(world.left().await, Left::NOTHING, "{fault:?}");
    }
}

#[tokio::test]
async fn the_failures_in_full() {
    let mut answers = Vec::new();
    for (name, system, on) in [
        ("livekit", System::LiveKit, On::operation("CreateSIPOutboundTrunk")),
        ("secretsmanager", System::SecretsManager, On::operation("CreateSecret")),
        ("dynamodb", System::DynamoDb, write::reserve()),
    ] {
        let world = World::faulty().await;
        world.faults(system).inject(on, Fault::status(500));
        answers.push((name.to_owned(), create(&world).await.whole()));
    }
    let answers: Value = Value::Object(answers.into_iter().collect());
    redactions().bind(|| insta::assert_json_snapshot!(answers));
}
