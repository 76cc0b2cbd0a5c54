//! What each operation waits for, in round trips; and what no request may ask.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::pin::Pin;

use livekit_protocol::{ListSipDispatchRuleRequest, ListSipInboundTrunkRequest, ListSipOutboundTrunkRequest};
use prost::Message;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use trunkline_tests::fault::{Fault, On, System};
use trunkline_tests::twilio::FREE;
use trunkline_tests::{Answer, TRUNKS, World, both, e164, in_waves, inbound, livekit, number, outbound, twilio_number};

const RESERVE: &[&str] = &["TransactWriteItems"];
const COMMIT: &[&str] = &["TransactWriteItems"];
const API_KEY: &[&str] = &["GetItem"];

/// A world whose functions have all met the caller's key, with a trunk in it.
async fn warm() -> (World, String) {
    let world = World::faulty().await;
    let client = world.client();
    let gone = client.create(&inbound()).await.expect(201);
    client.delete_trunk(gone.id()).await.expect(204);
    let trunk = client.create(&both()).await.expect(201);
    client.get_trunk(trunk.id()).await.expect(200);
    client.get(TRUNKS).await.expect(200);
    (world, trunk.id().to_owned())
}

#[tokio::test]
async fn a_create_is_four_deep_whatever_the_direction() {
    let provisioning: [(Value, &[&[&str]]); 4] = [
        (both(), &[&["CreateSIPInboundTrunk", "CreateSIPOutboundTrunk", "CreateSecret"], &["CreateSIPDispatchRule"]]),
        (inbound(), &[&["CreateSIPInboundTrunk"], &["CreateSIPDispatchRule"]]),
        (livekit(), &[&["CreateSIPInboundTrunk"], &["CreateSIPDispatchRule"]]),
        (outbound(), &[&["CreateSIPOutboundTrunk"]]),
    ];
    let (world, _) = warm().await;
    for (index, (body, provisioning)) in provisioning.into_iter().enumerate() {
        let waves = [&[RESERVE], provisioning, &[COMMIT]].concat();
        assert!(waves.len() <= 4);
        let key = format!("order-{index}");
        in_waves(&world, &waves, world.client().create_once(&key, &body)).await.expect(201);

        let answered = in_waves(&world, &[RESERVE], world.client().create_once(&key, &body)).await.expect(201);
        assert_eq!(answered.header("idempotent-replayed"), Some("true"));
    }
}

#[tokio::test]
async fn a_key_that_is_not_known_yet_is_one_more() {
    let world = World::faulty().await;
    let waves: [&[&str]; 5] = [
        API_KEY,
        RESERVE,
        &["CreateSIPInboundTrunk", "CreateSIPOutboundTrunk", "CreateSecret"],
        &["CreateSIPDispatchRule"],
        COMMIT,
    ];
    in_waves(&world, &waves, world.client().create_once("order", &both())).await.expect(201);
}

#[tokio::test]
async fn reads_are_one_deep() {
    let (world, id) = warm().await;
    in_waves(&world, &[&["GetItem"]], world.client().get_trunk(&id)).await.expect(200);
    in_waves(&world, &[&["Query"]], world.client().get(TRUNKS)).await.expect(200);

    let (stranger, _) = world.new_client().await;
    let waves: [&[&str]; 2] = [API_KEY, &["GetItem"]];
    in_waves(&world, &waves, stranger.get_trunk(&id)).await.expect_error(404, "sip_trunk_not_found");
    let (stranger, _) = world.new_client().await;
    in_waves(&world, &[API_KEY, &["Query"]], stranger.get(TRUNKS)).await.expect(200);
}

/// What a change needs of the old secret is read beside the write that begins it; the old secret goes once the new one
/// counts.
#[tokio::test]
async fn a_change_is_four_deep_and_one_more_with_another_secret() {
    const READ: &[&str] = &["GetItem"];
    const BEGIN: &[&str] = &["GetSecretValue", "UpdateItem"];
    const COMMIT: &[&str] = &["UpdateItem"];
    const SAY: &[&str] = &["UpdateSIPInboundTrunk", "UpdateSIPOutboundTrunk"];
    let (world, id) = warm().await;
    world.client().patch(&id, &json!({})).await.expect(200);
    let changes: [(Value, &[&[&str]]); 4] = [
        (json!({}), &[READ]),
        (json!({ "name": "New" }), &[READ, &["UpdateItem"], COMMIT]),
        (json!({ "transport": "udp" }), &[READ, BEGIN, SAY, COMMIT]),
        (
            json!({ "auth_password": "new" }),
            &[
                READ,
                BEGIN,
                &["CreateSecret", "UpdateSIPInboundTrunk", "UpdateSIPOutboundTrunk"],
                COMMIT,
                &["DeleteSecret"],
            ],
        ),
    ];
    for (patch, waves) in changes {
        in_waves(&world, waves, world.client().patch(&id, &patch)).await.expect(200);
    }
}

/// Twilio is asked before anything is begun.
#[tokio::test]
async fn another_auth_token_is_six_deep() {
    let (world, _) = warm().await;
    let (client, account) = (world.client(), world.twilio_account());
    let number = client.import(&twilio_number(FREE[0], &account)).await.expect(201);
    let trunk_id = number.text_of("trunk_id");
    client.patch(trunk_id, &json!({})).await.expect(200);
    let waves: [&[&str]; 6] = [
        &["GetItem"],
        &["GET Trunks"],
        &["GetSecretValue", "UpdateItem"],
        &["CreateSecret"],
        &["UpdateItem"],
        &["DeleteSecret"],
    ];
    let patch = json!({ "credentials": { "auth_token": account.auth_token.expose_secret() } });
    in_waves(&world, &waves, client.patch(trunk_id, &patch)).await.expect(200);
}

/// A number changes as its trunk does; whoever has a number alone reads it first. A move is two trunks, one behind the
/// other.
#[tokio::test]
async fn an_import_is_four_deep_and_a_move_eight() {
    const READ: &[&str] = &["GetItem"];
    const RESERVE: &[&str] = &["GetSecretValue", "TransactWriteItems"];
    const BEGIN: &[&str] = &["GetSecretValue", "UpdateItem"];
    const SAY: &[&str] = &["UpdateSIPInboundTrunk", "UpdateSIPOutboundTrunk"];
    const COMMIT: &[&str] = &["TransactWriteItems"];
    let (world, first) = warm().await;
    let client = world.client();
    let second = client.create(&both()).await.expect(201);
    let known = client.import(&number(&e164(0), &first)).await.expect(201);
    client.patch_number(known.id(), &json!({ "label": "Desk" })).await.expect(200);
    client.delete_number(known.id()).await.expect(204);

    let imported = in_waves(&world, &[READ, RESERVE, SAY, COMMIT], client.import(&number(&e164(1), &first))).await;
    let id = imported.expect(201).id().to_owned();
    let changes: [(Value, &[&[&str]]); 4] = [
        (json!({ "label": "Desk" }), &[READ, COMMIT]),
        (json!({ "trunk_id": second.id() }), &[READ, READ, READ, BEGIN, BEGIN, SAY, SAY, COMMIT]),
        (json!({ "trunk_id": null }), &[READ, READ, BEGIN, SAY, COMMIT]),
        (json!({ "trunk_id": first }), &[READ, READ, BEGIN, SAY, COMMIT]),
    ];
    for (patch, waves) in changes {
        in_waves(&world, waves, client.patch_number(&id, &patch)).await.expect(200);
    }
    in_waves(&world, &[READ, READ, BEGIN, SAY, COMMIT], client.delete_number(&id)).await.expect(204);
}

/// Twilio is asked before anything is written, and does what needs nothing of each other at the same time. LiveKit comes
/// after it, so that no call comes in before it can be undone.
#[tokio::test]
async fn a_twilio_import_is_eleven_deep_and_eight_on_a_trunk() {
    const LOOK: &[&str] = &["GET IncomingPhoneNumbers", "GetItem"];
    const SAY: &[&str] = &["UpdateSIPInboundTrunk", "UpdateSIPOutboundTrunk"];
    const READ: &[&str] = &["GetItem"];
    let (world, _) = warm().await;
    let (client, account) = (world.client(), world.twilio_account());
    let known = client.import(&twilio_number(FREE[0], &account)).await.expect(201);
    client.delete_number(known.id()).await.expect(204);

    let first: [&[&str]; 11] = [
        LOOK,
        RESERVE,
        &["CreateSecret"],
        &["POST SIP/CredentialLists", "POST Trunks"],
        &["POST SIP/CredentialLists/Credentials"],
        &["POST Trunks/CredentialLists", "POST Trunks/OriginationUrls"],
        &["CreateSIPInboundTrunk", "CreateSIPOutboundTrunk"],
        &["CreateSIPDispatchRule"],
        &["GET IncomingPhoneNumbers"],
        &["POST Trunks/PhoneNumbers"],
        COMMIT,
    ];
    let first = in_waves(&world, &first, client.import(&twilio_number(FREE[0], &account))).await.expect(201);
    let second: [&[&str]; 8] = [
        LOOK,
        READ,
        &["GetSecretValue"],
        &["GetSecretValue", "TransactWriteItems"],
        &["GET IncomingPhoneNumbers"],
        &["POST Trunks/PhoneNumbers"],
        SAY,
        COMMIT,
    ];
    let second = in_waves(&world, &second, client.import(&twilio_number(FREE[1], &account))).await.expect(201);

    let removal: [&[&str]; 8] = [
        READ,
        READ,
        &["GetSecretValue"],
        &["GetSecretValue", "UpdateItem"],
        &["GET IncomingPhoneNumbers"],
        &["DELETE Trunks/PhoneNumbers"],
        SAY,
        COMMIT,
    ];
    in_waves(&world, &removal, client.delete_number(second.id())).await.expect(204);
    let last: [&[&str]; 16] = [
        READ,
        READ,
        &["UpdateItem"],
        &["GetSecretValue"],
        &["GET Trunks/PhoneNumbers"],
        &["DELETE Trunks/PhoneNumbers"],
        &["GET Trunks/PhoneNumbers"],
        &["DELETE Trunks"],
        &["DELETE SIP/CredentialLists"],
        &["DeleteSIPDispatchRule"],
        &["DeleteSIPTrunk"],
        &["DeleteSIPTrunk"],
        &["DeleteSecret"],
        &["TransactWriteItems"],
        &["TransactWriteItems"],
        READ,
    ];
    in_waves(&world, &last, client.delete_number(first.id())).await.expect(204);
}

/// The number comes last: it costs money, and is bought for a rule.
#[tokio::test]
async fn a_purchase_is_six_deep_and_its_return_nine() {
    const READ: &[&str] = &["GetItem"];
    let (world, _) = warm().await;
    let client = world.client();
    let bought = json!({ "e164": "+12125550100", "provider": "livekit" });
    let known = client.import(&bought).await.expect(201);
    client.delete_number(known.id()).await.expect(204);

    let purchase: [&[&str]; 6] = [
        RESERVE,
        &["CreateSIPInboundTrunk"],
        &["CreateSIPDispatchRule"],
        &["ListPhoneNumbers"],
        &["PurchasePhoneNumber"],
        COMMIT,
    ];
    let number = in_waves(&world, &purchase, client.import(&bought)).await.expect(201);
    let back: [&[&str]; 9] = [
        READ,
        &["UpdateItem"],
        READ,
        &["ReleasePhoneNumbers"],
        &["DeleteSIPDispatchRule"],
        &["DeleteSIPTrunk"],
        &["TransactWriteItems"],
        &["TransactWriteItems"],
        READ,
    ];
    in_waves(&world, &back, client.delete_number(number.id())).await.expect(204);
}

/// One thing after the other: a trunk that outlives its rules is harmless, a rule that outlives its trunk is found by
/// nobody.
#[tokio::test]
async fn a_delete_is_six_deep_at_most() {
    let (world, id) = warm().await;
    let waves: [&[&str]; 6] = [
        &["UpdateItem"],
        &["DeleteSIPDispatchRule"],
        &["DeleteSIPTrunk"],
        &["DeleteSIPTrunk"],
        &["DeleteSecret"],
        &["TransactWriteItems"],
    ];
    in_waves(&world, &waves, world.client().delete_trunk(&id)).await.expect(204);
}

/// Scans and lists of everything grow with the deployment. Requests that fail in every way look things up, too.
#[tokio::test]
async fn no_request_asks_for_everything() {
    let (world, id) = warm().await;
    let client = world.client();
    let calls = |system| world.faults(system).requests();
    for system in System::ALL {
        let of_a_create = count(&world, system, client.create(&both())).await;
        for nth in 1..=of_a_create {
            world.faults(system).inject(On::any().nth(nth), Fault::DropAnswer);
            client.create(&both()).await;
            world.heal();
        }
        let changing = client.create(&both()).await.expect(201).id().to_owned();
        let patch = json!({ "auth_password": "new", "transport": "udp" });
        let of_an_update = count(&world, system, client.patch(&changing, &patch)).await;
        for nth in 1..=of_an_update {
            world.faults(system).inject(On::any().nth(nth), Fault::DropAnswer);
            client.patch(&changing, &patch).await;
            world.heal();
        }
        client.delete_trunk(&changing).await;
        let of_a_delete = count(&world, system, async { client.delete_trunk(client.create(&both()).await.id()).await });
        for nth in 1..=of_a_delete.await {
            world.faults(system).inject(On::any().nth(nth), Fault::DropAnswer);
            let id = client.get(TRUNKS).await.body["trunks"][0]["id"].as_str().unwrap_or(&id).to_owned();
            client.delete_trunk(&id).await;
            world.heal();
        }
    }
    assert!(!calls(System::DynamoDb).iter().any(|(operation, _)| operation == "Scan"));
    let filters: Vec<_> =
        calls(System::LiveKit).iter().filter_map(|(operation, body)| filter(operation, body)).collect();
    assert!(filters.len() > 3 && !filters.contains(&Vec::new()), "{filters:?}");
}

/// How many calls a system gets.
async fn count<T>(world: &World, system: System, operation: impl Future<Output = T>) -> usize {
    let before = world.faults(system).calls().len();
    operation.await;
    world.faults(system).calls().len() - before
}

/// What a list of LiveKit's is narrowed to.
fn filter(operation: &str, body: &[u8]) -> Option<Vec<String>> {
    Some(match operation {
        "ListSIPInboundTrunk" => {
            let list = ListSipInboundTrunkRequest::decode(body).unwrap();
            [list.numbers, list.trunk_ids].concat()
        }
        "ListSIPOutboundTrunk" => {
            let list = ListSipOutboundTrunkRequest::decode(body).unwrap();
            [list.numbers, list.trunk_ids].concat()
        }
        "ListSIPDispatchRule" => {
            let list = ListSipDispatchRuleRequest::decode(body).unwrap();
            [list.trunk_ids, list.dispatch_rule_ids].concat()
        }
        _ if operation.starts_with("List") => Vec::new(),
        _ => return None,
    })
}

/// What DynamoDB bills for each call, as the emulator counts it: units of the table, and of the index `sweep`.
#[tokio::test]
async fn what_each_operation_consumes() {
    let (world, id) = warm().await;
    let (client, body) = (world.client(), both());
    let other = world.other_client();
    let changed = other.create(&body).await.expect(201);
    let patch = json!({ "auth_password": "new" });
    let (account, bought) = (world.twilio_account(), json!({ "e164": "+12125550100", "provider": "livekit" }));
    let numbered = other.create(&body).await.expect(201);
    let (of_carrier, unbound) = (number(&e164(0), numbered.id()), json!({ "trunk_id": null }));
    let [first, second] = [FREE[0], FREE[1]].map(|e164| twilio_number(e164, &account));
    let bound = other.import(&number(&e164(1), numbered.id())).await.expect(201);
    let operations: [(_, BoxFuture<'_>); 11] = [
        ("create", Box::pin(client.create(&body))),
        ("create with an idempotency key", Box::pin(client.create_once("order", &body))),
        ("get", Box::pin(client.get_trunk(&id))),
        ("list three trunks", Box::pin(client.get(TRUNKS))),
        ("delete", Box::pin(client.delete_trunk(&id))),
        ("change", Box::pin(other.patch(changed.id(), &patch))),
        ("import of a carrier's number", Box::pin(other.import(&of_carrier))),
        ("unbinding of a number", Box::pin(other.patch_number(bound.id(), &unbound))),
        ("purchase of a number", Box::pin(other.import(&bought))),
        ("import of a Twilio account's first number", Box::pin(other.import(&first))),
        ("import of another one", Box::pin(other.import(&second))),
    ];
    let mut lines = Vec::new();
    for (name, operation) in operations {
        lines.push(format!("{name}:"));
        let consumed = world.faults(System::DynamoDb).consumed_by(async { drop(operation.await) }).await;
        lines.extend(consumed.iter().map(|(call, consumed)| format!("  {call}: {}", units(consumed))));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

type BoxFuture<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

fn units(consumed: &Value) -> String {
    // Of a transaction, a list of tables.
    let consumed = consumed.get(0).unwrap_or(consumed);
    let units = |of: &Value| of["CapacityUnits"].as_f64().unwrap_or_default();
    format!("{} + {}", units(&consumed["Table"]), units(&consumed["GlobalSecondaryIndexes"]["sweep"]))
}
