//! Passwords and credentials are in Secrets Manager and LiveKit alone. What is logged is `local/tests/logs.rs`'s matter.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use trunkline_tests::canary::{CREDENTIALS, NEW_PASSWORD, PASSWORD, assert_no_trace, assert_no_trace_of, body};
use trunkline_tests::fault::{On, System};
use trunkline_tests::lines::Lines;
use trunkline_tests::twilio::FREE;
use trunkline_tests::{Answer, NUMBERS, TRUNKS, World, e164, inbound, number, peers, twilio_number, with};

/// No secret in any of the answers, or in any record.
async fn nothing_shows(world: &World, place: &str, answers: &[&Answer]) {
    for answer in answers {
        assert_no_trace(place, &format!("{:?} {}", answer.headers, answer.text));
    }
    for item in world.dynamodb().items().await {
        assert_no_trace(place, &format!("{item:?}"));
    }
}

#[tokio::test]
async fn nothing_shows_of_a_trunk_that_is_made_read_and_deleted() {
    let world = World::start().await;
    let client = world.client();
    let created = client.create_once("order-1", &body()).await.expect(201);
    let replayed = client.create_once("order-1", &body()).await.expect(201);
    let conflict = client.create_once("order-1", &with(body(), json!({ "name": "Other" }))).await.expect(409);
    let (read, list) = (client.get_trunk(created.id()).await.expect(200), client.get(TRUNKS).await.expect(200));
    nothing_shows(&world, "created", &[&created, &replayed, &conflict, &read, &list]).await;
    let secret = world.secrets().all().await.remove(0);
    let value = world.secrets().value(&secret.name).await.unwrap();
    assert!(value.contains(PASSWORD) && value.contains(CREDENTIALS), "the canaries are where they belong");

    let deleted = client.delete_trunk(created.id()).await.expect(204);
    let gone = client.get_trunk(created.id()).await.expect(404);
    nothing_shows(&world, "deleted", &[&deleted, &gone]).await;
}

#[tokio::test]
async fn nothing_shows_of_a_request_that_is_refused() {
    let world = World::start().await;
    let client = world.client();
    let wrong = |changes: Value| with(body(), changes);
    let bodies = [
        wrong(json!({ "name": "" })),
        wrong(json!({ "auth_password": format!("{PASSWORD}\u{1}") })),
        wrong(json!({ "auth_password": format!("{PASSWORD}\0") })),
        wrong(json!({ "auth_password": PASSWORD.repeat(20) })),
        wrong(json!({ "auth_password": [PASSWORD] })),
        wrong(json!({ "auth_username": null })),
        wrong(json!({ "credentials": CREDENTIALS })),
        wrong(json!({ "credentials": [CREDENTIALS] })),
        wrong(json!({ "credentials": { "token": CREDENTIALS.repeat(1_000) } })),
        with(inbound(), json!({ "auth_pasword": PASSWORD, "credentails": { "token": CREDENTIALS } })),
        with(inbound(), json!({ "kind": PASSWORD, "transport": PASSWORD, "sip_address": PASSWORD })),
        with(inbound(), json!({ "allowed_addresses": [PASSWORD], "destination_country": CREDENTIALS })),
        with(inbound(), json!({ "auth_username": PASSWORD, "inbound_auth": PASSWORD, "media_encryption": PASSWORD })),
    ];
    for (number, body) in bodies.iter().enumerate() {
        let answer = client.create_once(&format!("order-{number}"), body).await.expect(400);
        nothing_shows(&world, &body.to_string(), &[&answer]).await;
    }
    let text = body().to_string();
    for malformed in [
        text[..text.len() - 1].to_owned(),
        format!("{text}{text}"),
        text.replace(&format!("\"{PASSWORD}\""), PASSWORD),
        text.replacen('{', &format!(r#"{{"auth_password":"{PASSWORD}","#), 1),
        text.replacen('{', &format!(r#"{{"credentials":{{"{CREDENTIALS}":1,"{CREDENTIALS}":2}},"#), 1),
    ] {
        let answer = client.post().body("application/json", malformed.clone()).send().await.expect(400);
        nothing_shows(&world, &malformed, &[&answer]).await;
    }
    for content_type in ["text/plain", "application/json"] {
        let answer = client.without_key().post().body(content_type, text.clone()).send().await.expect(401);
        nothing_shows(&world, content_type, &[&answer]).await;
    }
}

#[tokio::test]
async fn nothing_shows_of_a_request_that_fails() {
    for (system, on) in [
        (System::LiveKit, On::operation("CreateSIPInboundTrunk")),
        (System::LiveKit, On::operation("CreateSIPOutboundTrunk")),
        (System::LiveKit, On::operation("CreateSIPDispatchRule")),
        (System::LiveKit, On::any()),
        (System::SecretsManager, On::operation("CreateSecret")),
        (System::SecretsManager, On::any()),
        (System::DynamoDb, On::operation("TransactWriteItems").containing(":default_limit")),
        (System::DynamoDb, On::operation("TransactWriteItems").containing(":provisioning")),
        (System::DynamoDb, On::operation("TransactWriteItems")),
    ] {
        for fault in system.faults() {
            let world = World::faulty().await;
            let place = format!("{on:?} {fault:?}");
            world.faults(system).inject(on.clone(), fault);
            let answer = world.client().create_once("order-1", &body()).await;
            assert_ne!(world.faults(system).faulted(), 0, "{place}");
            nothing_shows(&world, &place, &[&answer]).await;
            world.heal();
            let again = world.client().create_once("order-1", &body()).await;
            nothing_shows(&world, &place, &[&again]).await;
        }
    }
}

/// A change of both secrets.
fn patch() -> Value {
    json!({ "auth_password": NEW_PASSWORD, "credentials": {"portal": {"token": CREDENTIALS}} })
}

#[tokio::test]
async fn nothing_shows_of_a_change() {
    let world = World::start().await;
    let client = world.client();
    let trunk = client.create(&body()).await.expect(201);
    let changed = client.patch(trunk.id(), &patch()).await.expect(200);
    let wrong = [
        with(patch(), json!({ "auth_pasword": NEW_PASSWORD, "kind": NEW_PASSWORD, "auth_username": null })),
        with(
            patch(),
            json!({ "auth_password": [NEW_PASSWORD], "credentials": CREDENTIALS, "transport": NEW_PASSWORD }),
        ),
        json!({ "auth_password": format!("{NEW_PASSWORD}\u{1}"), "credentials": { "token": CREDENTIALS.repeat(1_000) } }),
        json!({ "auth_password": null, "auth_username": NEW_PASSWORD, "name": [NEW_PASSWORD] }),
    ];
    for body in &wrong {
        let refused = client.patch(trunk.id(), body).await.expect(400);
        nothing_shows(&world, &body.to_string(), &[&refused]).await;
    }
    let cleared = client.patch(trunk.id(), &json!({ "auth_password": null, "inbound_auth": "none" })).await.expect(200);
    nothing_shows(&world, "changed", &[&changed, &cleared]).await;
}

#[tokio::test]
async fn nothing_shows_of_a_change_that_fails() {
    for (system, operation) in [
        (System::LiveKit, "UpdateSIPInboundTrunk"),
        (System::LiveKit, "UpdateSIPOutboundTrunk"),
        (System::SecretsManager, "CreateSecret"),
        (System::SecretsManager, "GetSecretValue"),
        (System::SecretsManager, "DeleteSecret"),
        (System::DynamoDb, "UpdateItem"),
    ] {
        for fault in system.faults() {
            let world = World::faulty().await;
            let trunk = world.client().create(&body()).await.expect(201);
            let place = format!("{operation} {fault:?}");
            world.faults(system).inject(On::operation(operation), fault);
            let answer = world.client().patch(trunk.id(), &patch()).await;
            assert_ne!(world.faults(system).faulted(), 0, "{place}");
            nothing_shows(&world, &place, &[&answer]).await;
        }
    }
}

#[tokio::test]
async fn nothing_shows_of_a_deletion_that_fails() {
    for (system, operation) in [
        (System::LiveKit, "DeleteSIPDispatchRule"),
        (System::LiveKit, "DeleteSIPTrunk"),
        (System::SecretsManager, "DeleteSecret"),
        (System::DynamoDb, "UpdateItem"),
        (System::DynamoDb, "TransactWriteItems"),
    ] {
        for fault in system.faults() {
            let world = World::faulty().await;
            let trunk = world.client().create(&body()).await.expect(201);
            let place = format!("{operation} {fault:?}");
            world.faults(system).inject(On::operation(operation), fault);
            let answer = world.client().delete_trunk(trunk.id()).await;
            assert_ne!(world.faults(system).faulted(), 0, "{place}");
            nothing_shows(&world, &place, &[&answer]).await;
        }
    }
}

#[tokio::test]
async fn nothing_shows_of_a_trunks_phone_numbers() {
    let world = World::start().await;
    let client = world.client();
    let (trunk, other) = (client.create(&body()).await.expect(201), client.create(&body()).await.expect(201));
    let import = number(&e164(0), trunk.id());
    let imported = client.import_once("order-1", &import).await.expect(201);
    let replayed = client.import_once("order-1", &import).await.expect(201);
    let taken = client.import(&import).await.expect(409);
    let moved = client.patch_number(imported.id(), &json!({ "trunk_id": other.id() })).await.expect(200);
    let (read, list) = (client.get_number(imported.id()).await.expect(200), client.get(NUMBERS).await.expect(200));
    let deleted = client.delete_number(imported.id()).await.expect(204);
    nothing_shows(&world, "numbers", &[&imported, &replayed, &taken, &moved, &read, &list, &deleted]).await;
}

#[tokio::test]
async fn nothing_shows_of_an_import_that_fails() {
    for (system, operation) in [
        (System::LiveKit, "UpdateSIPInboundTrunk"),
        (System::LiveKit, "UpdateSIPOutboundTrunk"),
        (System::SecretsManager, "GetSecretValue"),
        (System::DynamoDb, "TransactWriteItems"),
    ] {
        for fault in system.faults() {
            let world = World::faulty().await;
            let trunk = world.client().create(&body()).await.expect(201);
            let place = format!("{operation} {fault:?}");
            world.faults(system).inject(On::operation(operation), fault);
            let answer = world.client().import_once("order-1", &number(&e164(0), trunk.id())).await;
            assert_ne!(world.faults(system).faulted(), 0, "{place}");
            nothing_shows(&world, &place, &[&answer]).await;
        }
    }
}

/// Neither canaries nor the account's auth token in any of the answers, in any record, or in the log.
async fn nothing_shows_of_twilio(world: &World, place: &str, lines: &Lines, answers: &[&Answer]) {
    nothing_shows(world, place, answers).await;
    let account = world.twilio_account();
    let token = account.auth_token.expose_secret();
    for item in world.dynamodb().items().await {
        assert_no_trace_of(token, place, &format!("{item:?}"));
    }
    for answer in answers {
        assert_no_trace_of(token, place, &format!("{:?} {}", answer.headers, answer.text));
    }
    assert_no_trace_of(token, place, &lines.text());
    assert_no_trace(place, &lines.text());
}

#[tokio::test]
async fn nothing_shows_of_a_twilio_account() {
    // LiveKit takes a number on one trunk, and other worlds have it too.
    if peers::livekit_is_shared() {
        return;
    }
    let (world, lines) = (World::start().await, Lines::keep());
    let (client, account) = (world.client(), world.twilio_account());
    let [first, second] = [FREE[0], FREE[1]].map(|e164| twilio_number(e164, &account));
    let imported = client.import_once("order-1", &first).await.expect(201);
    let replayed = client.import_once("order-1", &first).await.expect(201);
    let taken = client.import(&first).await.expect(409);
    let shared = client.import(&second).await.expect(201);
    let trunk_id = imported.text_of("trunk_id");
    let patch = json!({ "credentials": { "auth_token": CREDENTIALS } });
    let (read, mistyped) = (client.get_trunk(trunk_id).await, client.patch(trunk_id, &patch).await.expect(400));
    let now = world.twilio().change_token(&account).await;
    let token = now.auth_token.expose_secret();
    let patch = json!({ "credentials": { "auth_token": token } });
    let changed = client.patch(trunk_id, &patch).await.expect(200);
    let wrong = json!({ "credentials": { "auth_token": [NEW_PASSWORD], "token": account.auth_token.expose_secret() } });
    let refused = client.patch(trunk_id, &wrong).await.expect(400);
    let wrong = with(first.clone(), json!({ "twilio": with(first["twilio"].clone(), json!({ "account_sid": "AC" })) }));
    let invalid = client.import(&wrong).await.expect(400);
    let strangers = with(first["twilio"].clone(), json!({ "auth_token": PASSWORD }));
    let unauthorized = client.import(&with(first.clone(), json!({ "twilio": strangers }))).await.expect(400);
    let deleted = client.delete_number(shared.id()).await.expect(204);
    let answers = [
        &imported,
        &replayed,
        &taken,
        &shared,
        &read,
        &mistyped,
        &changed,
        &refused,
        &invalid,
        &unauthorized,
        &deleted,
    ];
    assert_no_trace_of(token, "answer", &changed.text);
    assert_no_trace_of(token, "log", &lines.text());
    nothing_shows_of_twilio(&world, "imported", &lines, &answers).await;
}

#[tokio::test]
async fn nothing_shows_of_an_auth_token_that_cannot_be_tried() {
    if peers::livekit_is_shared() {
        return;
    }
    for fault in System::Twilio.faults() {
        let (world, lines) = (World::faulty().await, Lines::keep());
        let (client, account) = (world.client(), world.twilio_account());
        let place = format!("{fault:?}");
        let imported = client.import(&twilio_number(FREE[0], &account)).await.expect(201);
        world.faults(System::Twilio).inject(On::operation("GET Trunks"), fault);
        let patch = json!({ "credentials": { "auth_token": account.auth_token.expose_secret() } });
        let refused = client.patch(imported.text_of("trunk_id"), &patch).await;
        assert!(refused.status >= 400, "{place}: {}", refused.text);
        world.heal();
        nothing_shows_of_twilio(&world, &place, &lines, &[&refused]).await;
    }
}

#[tokio::test]
async fn nothing_shows_of_a_twilio_import_that_fails() {
    if peers::livekit_is_shared() {
        return;
    }
    for (system, on) in [
        (System::Twilio, On::operation("GET IncomingPhoneNumbers")),
        (System::Twilio, On::operation("POST SIP/CredentialLists/Credentials")),
        (System::Twilio, On::operation("POST Trunks/PhoneNumbers")),
        (System::Twilio, On::any()),
        (System::LiveKit, On::operation("CreateSIPOutboundTrunk")),
        (System::SecretsManager, On::operation("CreateSecret")),
        (System::DynamoDb, On::operation("TransactWriteItems")),
    ] {
        for fault in system.faults() {
            let (world, lines) = (World::faulty().await, Lines::keep());
            let place = format!("{on:?} {fault:?}");
            let body = twilio_number(FREE[0], &world.twilio_account());
            world.faults(system).inject(on.clone(), fault);
            let answer = world.client().import_once("order-1", &body).await;
            assert_ne!(world.faults(system).faulted(), 0, "{place}");
            world.heal();
            let again = world.client().import_once("order-1", &body).await;
            nothing_shows_of_twilio(&world, &place, &lines, &[&answer, &again]).await;
        }
    }
}

#[tokio::test]
async fn the_table_knows_no_api_key() {
    let world = World::start().await;
    let ready = world.ready();
    let items = format!("{:?}", world.dynamodb().items().await);
    for key in [&ready.api_key, &ready.read_api_key, &ready.other_api_key] {
        assert!(key.len() == "sk_".len() + 43 && !items.contains(&key["sk_".len()..]));
    }
}
