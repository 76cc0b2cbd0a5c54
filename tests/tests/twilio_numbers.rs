//! Phone numbers of a customer's Twilio account: what is answered, and what is then at Twilio and everywhere else. What
//! fails on the way is `twilio_failures.rs`'s matter.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use livekit_protocol::{SipInboundTrunkInfo, SipOutboundTrunkInfo, SipTransport};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use trunkline_domain::TwilioAccount;
use trunkline_tests::canary::assert_no_trace_of;
use trunkline_tests::fault::{On, System};
use trunkline_tests::probe::{CredentialList, OnTwilio, TwilioTrunk};
use trunkline_tests::twilio::{FREE, ON_A_TRUNK, wrong_account};
use trunkline_tests::{Answer, Left, NUMBERS, World, both, e164, number, twilio_number, with};

/// A trunk that has been deleted, and had a secret.
const GONE: Left = Left { tombstones: 1, in_sweep_index: 1, secrets_scheduled: 1, ..Left::NOTHING };
/// A trunk that was changed and has a last look before it.
const CHANGED: Left = Left { in_sweep_index: 1, ..Left::NOTHING };

async fn import(world: &World, e164: &str) -> Answer {
    world.client().import(&twilio_number(e164, &world.twilio_account())).await.expect(201)
}

/// The trunk that the numbers of an account share.
async fn trunk_of(world: &World, number: &Answer) -> Answer {
    world.client().get_trunk(number.text_of("trunk_id")).await.expect(200)
}

/// What Twilio has of a trunk.
fn there<'a>(on_twilio: &'a OnTwilio, trunk_id: &str) -> &'a TwilioTrunk {
    let [trunk] = on_twilio.trunks_named(trunk_id)[..] else { panic!("{on_twilio:?}") };
    trunk
}

/// LiveKit's two trunks of a world with one trunk.
async fn in_livekit(world: &World) -> (SipInboundTrunkInfo, SipOutboundTrunkInfo) {
    let mut contents = world.livekit().all().await;
    assert_eq!((contents.inbound.len(), contents.outbound.len()), (1, 1));
    (contents.inbound.remove(0), contents.outbound.remove(0))
}

/// The value of the one secret that is not scheduled for deletion.
async fn secret(world: &World) -> Value {
    let kept = world.secrets().all().await;
    let [secret] = &kept.iter().filter(|secret| !secret.scheduled).collect::<Vec<_>>()[..] else { panic!("{kept:?}") };
    serde_json::from_str(&world.secrets().value(&secret.name).await.unwrap()).unwrap()
}

/// The one trunk has just these numbers, at Twilio and in LiveKit.
async fn assert_shared(world: &World, trunk_id: &str, numbers: &[&str]) {
    let on_twilio = world.on_twilio().await;
    let mut attached: Vec<_> = there(&on_twilio, trunk_id).numbers.iter().map(String::as_str).collect();
    attached.sort_unstable();
    assert_eq!(attached, numbers);
    let (inbound, outbound) = in_livekit(world).await;
    assert_eq!(inbound.numbers, [&[trunk_id], numbers].concat());
    assert_eq!(outbound.numbers, numbers);
    assert_eq!(world.dynamodb().trunk_count(&world.ready().workspace_id).await, 1);
    let count = numbers.len();
    assert_eq!(world.dynamodb().numbers().await, (count, count, count as u64));
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn the_first_number_of_an_account_makes_a_trunk_there_and_here() {
    let world = World::start().await;
    let before = world.on_twilio().await;
    let body = with(twilio_number(FREE[0], &world.twilio_account()), json!({ "label": "Front desk" }));
    let number = world.client().import(&body).await.expect(201);
    let number_sid = before.number(FREE[0]).sid.as_str();
    assert_eq!((number.text_of("e164"), number.text_of("type")), (FREE[0], "twilio"));
    assert_eq!((number.text_of("label"), number.text_of("provider_phone_number_id")), ("Front desk", number_sid));
    assert_eq!(number.body["capabilities"], json!(["inbound", "outbound"]));
    assert_eq!(number.header("location"), Some(format!("{NUMBERS}/{}", number.id()).as_str()));
    assert_eq!(world.client().get_number(number.id()).await.expect(200).body, number.body);

    let trunk = trunk_of(&world, &number).await;
    let domain = format!("{}.pstn.twilio.com", trunk.id().replace('_', "-"));
    assert_eq!((trunk.text_of("kind"), trunk.text_of("direction")), ("twilio", "both"));
    assert_eq!((trunk.text_of("sip_address"), trunk.text_of("auth_username")), (domain.as_str(), trunk.id()));
    assert_eq!((trunk.text_of("transport"), trunk.text_of("media_encryption")), ("auto", "disable"));
    assert_eq!((&trunk.body["auth_password_set"], &trunk.body["inbound_auth"]), (&json!(true), &json!("none")));
    let [warning] = &trunk.body["warnings"].as_array().unwrap()[..] else { panic!("{}", trunk.text) };
    assert!(warning.as_str().unwrap().contains("addresses that Twilio publishes"), "{warning}");

    let on_twilio = world.on_twilio().await;
    let at_twilio = there(&on_twilio, trunk.id());
    let livekit = trunk.text_of("inbound_sip_uri").rsplit('@').next().unwrap();
    assert_eq!(at_twilio.domain_name.as_deref(), Some(domain.as_str()));
    assert_eq!(at_twilio.origination_urls, [(trunk.id().to_owned(), format!("sip:{livekit}"))]);
    assert_eq!(at_twilio.numbers, [FREE[0]]);
    let [list_sid] = &at_twilio.credential_lists[..] else { panic!("{at_twilio:?}") };
    let list =
        CredentialList { sid: list_sid.clone(), name: trunk.id().to_owned(), usernames: vec![trunk.id().to_owned()] };
    assert_eq!(on_twilio.credential_lists, [list]);
    assert_eq!(on_twilio.number(FREE[0]).trunk_sid.as_ref(), Some(&at_twilio.sid));

    assert_shared(&world, trunk.id(), &[FREE[0]]).await;
    let (inbound, outbound) = in_livekit(&world).await;
    assert_eq!((inbound.auth_username.as_str(), inbound.auth_password.as_str()), ("", ""));
    assert_eq!((outbound.address, outbound.auth_username), (domain, trunk.id().to_owned()));
    assert_eq!(world.left().await, Left::both(1) + CHANGED);
}

#[tokio::test]
async fn what_opens_the_account_and_the_trunk_is_in_their_secret_alone() {
    let world = World::start().await;
    let number = import(&world, FREE[0]).await;
    let trunk = trunk_of(&world, &number).await;
    let TwilioAccount { account_sid, auth_token } = world.twilio_account();
    let secret = secret(&world).await;
    let credentials = json!({ "account_sid": account_sid.as_str(), "auth_token": auth_token.expose_secret() });
    assert_eq!(secret["credentials"], credentials);
    let password = secret["auth_password"].as_str().unwrap();
    assert_eq!(in_livekit(&world).await.1.auth_password, password);

    let items = format!("{:?}", world.dynamodb().items().await);
    for secret in [auth_token.expose_secret(), password] {
        for (place, text) in [("table", &items), ("number", &number.text), ("trunk", &trunk.text)] {
            assert_no_trace_of(secret, place, text);
        }
    }
}

#[tokio::test]
async fn the_others_share_the_trunk_which_goes_with_the_last() {
    let world = World::start().await;
    let before = world.on_twilio().await;
    let [first, second] = [import(&world, FREE[0]).await, import(&world, FREE[1]).await];
    let trunk_id = first.text_of("trunk_id");
    assert_eq!(second.text_of("trunk_id"), trunk_id);
    assert_shared(&world, trunk_id, &[FREE[0], FREE[1]]).await;
    assert_eq!(world.left().await, Left::both(1) + CHANGED);

    world.client().delete_number(first.id()).await.expect(204);
    assert_shared(&world, trunk_id, &[FREE[1]]).await;
    assert_eq!(world.on_twilio().await.number(FREE[0]).trunk_sid, None);

    world.client().delete_number(second.id()).await.expect(204);
    world.client().get_trunk(trunk_id).await.expect_error(404, "sip_trunk_not_found");
    assert_eq!(world.on_twilio().await, before);
    assert_eq!((world.left().await, world.dynamodb().numbers().await), (GONE, (0, 0, 0)));
    assert_eq!(world.differences().await, [""; 0]);

    let again = import(&world, FREE[0]).await;
    assert_ne!(again.text_of("trunk_id"), trunk_id);
    assert_shared(&world, again.text_of("trunk_id"), &[FREE[0]]).await;
}

#[tokio::test]
async fn a_deleted_trunk_leaves_its_numbers_unbound_and_another_one_makes_another_trunk() {
    let world = World::start().await;
    let before = world.on_twilio().await;
    let [first, second] = [import(&world, FREE[0]).await, import(&world, FREE[1]).await];
    world.client().delete_trunk(first.text_of("trunk_id")).await.expect(204);
    assert_eq!(world.on_twilio().await, before);
    assert_eq!((world.left().await, world.dynamodb().numbers().await), (GONE, (2, 2, 2)));
    for number in [&first, &second] {
        let unbound = world.client().get_number(number.id()).await.expect(200);
        assert_eq!((&unbound.body["capabilities"], unbound.body.get("trunk_id")), (&json!([]), None));
    }

    let third = import(&world, FREE[2]).await;
    assert_ne!(third.text_of("trunk_id"), first.text_of("trunk_id"));
    assert_eq!(there(&world.on_twilio().await, third.text_of("trunk_id")).numbers, [FREE[2]]);
    world.client().import(&twilio_number(FREE[0], &world.twilio_account())).await.expect_error(409, "conflict");
    for number in [&first, &second] {
        world.client().delete_number(number.id()).await.expect(204);
    }
    assert_shared(&world, third.text_of("trunk_id"), &[FREE[2]]).await;
    import(&world, FREE[0]).await;
    assert_shared(&world, third.text_of("trunk_id"), &[FREE[0], FREE[2]]).await;
}

#[tokio::test]
async fn each_workspace_has_a_trunk_of_its_own_on_an_account() {
    let world = World::start().await;
    let own = import(&world, FREE[0]).await;
    let body = twilio_number(FREE[1], &world.twilio_account());
    let theirs = world.other_client().import(&body).await.expect(201);
    let on_twilio = world.on_twilio().await;
    assert_eq!(there(&on_twilio, own.text_of("trunk_id")).numbers, [FREE[0]]);
    assert_eq!(there(&on_twilio, theirs.text_of("trunk_id")).numbers, [FREE[1]]);
    world.client().delete_number(own.id()).await.expect(204);
    let on_twilio = world.on_twilio().await;
    assert!(on_twilio.trunks_named(own.text_of("trunk_id")).is_empty());
    assert_eq!(there(&on_twilio, theirs.text_of("trunk_id")).numbers, [FREE[1]]);
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_trunk_of_twilio_is_changed_where_the_import_has_agreed_nothing() {
    let world = World::start().await;
    let number = import(&world, FREE[0]).await;
    let trunk_id = number.text_of("trunk_id");
    let changes = json!({
        "name": "Support", "allowed_addresses": ["54.172.60.0/30"], "destination_country": "US", "transport": "tcp",
        "media_encryption": "require",
    });
    let changed = world.client().patch(trunk_id, &changes).await.expect(200);
    for (field, value) in changes.as_object().unwrap() {
        assert_eq!(&changed.body[field], value, "{field}");
    }
    let (inbound, outbound) = in_livekit(&world).await;
    assert_eq!((inbound.allowed_addresses, outbound.destination_country), (vec!["54.172.60.0/30".into()], "US".into()));
    assert_eq!(outbound.transport, i32::from(SipTransport::Tcp));
    assert_shared(&world, trunk_id, &[FREE[0]]).await;

    let secret_before = secret(&world).await;
    for (change, field) in [
        (json!({ "sip_address": "sip.example.com" }), "sip_address"),
        (json!({ "auth_username": "other" }), "auth_username"),
        (json!({ "auth_password": "other" }), "auth_password"),
        (json!({ "auth_password": null }), "auth_password"),
        (json!({ "inbound_auth": "digest" }), "inbound_auth"),
        (json!({ "credentials": null }), "credentials"),
        (json!({ "credentials": {} }), "credentials.auth_token"),
        (json!({ "credentials": { "auth_token": null } }), "credentials.auth_token"),
        (json!({ "credentials": { "auth_token": "" } }), "credentials.auth_token"),
        (json!({ "credentials": { "auth_token": "t", "account_sid": "AC" } }), "credentials.account_sid"),
        (json!({ "credentials": { "auth_token": "t", "pin": 1 } }), "credentials.pin"),
    ] {
        let refused = world.client().patch(trunk_id, &change).await.expect_error(400, "validation_failed");
        assert_eq!(refused.fields().keys().collect::<Vec<_>>(), [field], "{change}");
    }
    assert_eq!(world.client().get_trunk(trunk_id).await.expect(200).body, changed.body);
    assert_eq!(secret(&world).await, secret_before);
}

#[tokio::test]
async fn a_changed_auth_token_opens_the_account_from_then_on() {
    let world = World::start().await;
    let before = world.on_twilio().await;
    let number = import(&world, FREE[0]).await;
    let changed = world.twilio().change_token(&world.twilio_account()).await;
    let token = changed.auth_token.expose_secret();
    let password = secret(&world).await["auth_password"].clone();
    let patch = json!({ "credentials": { "auth_token": token } });
    let patched = world.client().patch(number.text_of("trunk_id"), &patch).await.expect(200);
    assert_no_trace_of(token, "answer", &patched.text);
    let credentials = json!({ "account_sid": changed.account_sid.as_str(), "auth_token": token });
    assert_eq!(secret(&world).await, json!({ "auth_password": password, "credentials": credentials }));
    assert_eq!(json!(in_livekit(&world).await.1.auth_password), password);

    // The deletion has no other token than the secret's.
    world.client().delete_number(number.id()).await.expect(204);
    assert_eq!(world.twilio().all(&changed).await, before);
    assert_eq!(world.left().await, GONE + Left { secrets_scheduled: 1, ..Left::NOTHING });
}

#[tokio::test]
async fn a_trunk_of_twilio_takes_no_number_of_a_carrier() {
    let (world, e164s) = (World::start().await, [e164(0), e164(1)]);
    let twilios = import(&world, FREE[0]).await;
    let carriers = world.client().create(&both()).await.expect(201);
    let imported = world.client().import(&number(&e164s[0], carriers.id())).await.expect(201);
    let id = twilios.text_of("trunk_id");
    for answer in [
        world.client().import(&number(&e164s[1], id)).await,
        world.client().patch_number(imported.id(), &json!({ "trunk_id": id })).await,
    ] {
        let fields = answer.expect_error(400, "validation_failed").fields();
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["trunk_id"]);
        assert!(fields["trunk_id"].as_str().unwrap().contains("kind=byoc"), "{fields:?}");
    }
    assert_eq!(world.client().get_number(imported.id()).await.expect(200).body, imported.body);
    assert_eq!((world.dynamodb().numbers().await, world.differences().await), ((2, 2, 2), vec![]));
}

#[tokio::test]
async fn a_number_of_twilio_has_a_label_and_stays_on_its_trunk() {
    let world = World::start().await;
    let number = import(&world, FREE[0]).await;
    let other = world.client().create(&both()).await.expect(201);
    for patch in [json!({ "trunk_id": null }), json!({ "trunk_id": other.id() })] {
        let refused = world.client().patch_number(number.id(), &patch).await.expect_error(400, "validation_failed");
        assert!(refused.fields()["trunk_id"].as_str().unwrap().contains("provider=byoc"), "{}", refused.text);
    }
    let labelled = world.client().patch_number(number.id(), &json!({ "label": "Reception" })).await.expect(200);
    assert_eq!((labelled.text_of("label"), &labelled.body["trunk_id"]), ("Reception", &number.body["trunk_id"]));
    assert_eq!(there(&world.on_twilio().await, number.text_of("trunk_id")).numbers, [FREE[0]]);
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn an_idempotency_key_imports_once() {
    let world = World::start().await;
    let (client, account) = (world.client(), world.twilio_account());
    for e164 in [FREE[0], FREE[1]] {
        let body = twilio_number(e164, &account);
        let first = client.import_once(e164, &body).await.expect(201);
        let there = world.on_twilio().await;
        let again = client.import_once(e164, &body).await.expect(201);
        assert_eq!((&again.text, again.header("idempotent-replayed")), (&first.text, Some("true")));
        for other in [twilio_number(FREE[2], &account), with(body, json!({ "label": "Other" }))] {
            client.import_once(e164, &other).await.expect_error(409, "idempotency_conflict");
        }
        assert_eq!(world.on_twilio().await, there);
    }
    assert_eq!(world.left().await, Left::both(1) + CHANGED + Left { idempotency: 2, ..Left::NOTHING });
}

#[tokio::test]
async fn a_refusal_is_kept_for_its_key() {
    let world = World::start().await;
    let (client, account) = (world.client(), world.twilio_account());
    for (key, unknown) in
        [("order-1", twilio_number("+12025550199", &account)), ("order-2", twilio_number(FREE[0], &wrong_account()))]
    {
        let first = client.import_once(key, &unknown).await.expect_error(400, "validation_failed");
        let again = client.import_once(key, &unknown).await.expect_error(400, "validation_failed");
        assert_eq!((&again.text, again.header("idempotent-replayed")), (&first.text, Some("true")));
        let other = twilio_number(FREE[0], &account);
        client.import_once(key, &other).await.expect_error(409, "idempotency_conflict");
    }
    // What the caller can mend at Twilio may be tried again.
    let held = twilio_number(ON_A_TRUNK, &account);
    for _ in 0..2 {
        let refused = client.import_once("order-3", &held).await.expect_error(409, "conflict");
        assert_eq!(refused.header("idempotent-replayed"), None);
    }
    assert_eq!(world.left().await, Left { idempotency: 2, ..Left::NOTHING });
}

#[tokio::test]
async fn a_second_request_is_told_that_the_first_is_running() {
    let world = World::faulty().await;
    let (client, body) = (world.client(), twilio_number(FREE[0], &world.twilio_account()));
    let gate = world.faults(System::Twilio).hold(On::operation("POST Trunks/PhoneNumbers"));
    let (first, ()) = tokio::join!(client.import_once("order-1", &body), async {
        gate.reached().await;
        let running = client.import_once("order-1", &body).await.expect_error(409, "idempotency_conflict");
        assert_eq!(running.header("retry-after"), Some("1"));
        // Until it is committed nobody sees it; its account is busy.
        assert_eq!(client.get(NUMBERS).await.expect(200).body["numbers"], json!([]));
        let other = twilio_number(FREE[1], &world.twilio_account());
        let busy = client.import(&other).await.expect_error(409, "conflict");
        assert_eq!(busy.header("retry-after"), Some("1"));
        gate.open();
    });
    let first = first.expect(201);
    assert_eq!(client.import_once("order-1", &body).await.expect(201).body, first.body);
    assert_shared(&world, first.text_of("trunk_id"), &[FREE[0]]).await;
}

/// Told to come again, if it is not done.
fn is_done(answer: &Answer) -> bool {
    let is_busy = answer.status == 409 && answer.header("retry-after") == Some("1");
    assert!(answer.status < 300 || is_busy, "{} {}", answer.status, answer.text);
    !is_busy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imports_at_the_same_time_share_one_trunk() {
    let world = World::start().await;
    let mut imported = Vec::new();
    while imported.len() < FREE.len() {
        let waiting: Vec<_> = FREE.into_iter().filter(|e164| !imported.contains(e164)).collect();
        let mut requests = JoinSet::new();
        for &e164 in &waiting {
            let (client, body) = (world.client(), twilio_number(e164, &world.twilio_account()));
            requests.spawn(async move { (e164, client.import(&body).await) });
        }
        let answers = requests.join_all().await;
        let done: Vec<_> = answers.iter().filter(|(_, answer)| is_done(answer)).map(|(e164, _)| *e164).collect();
        assert!(!done.is_empty(), "one of them is first");
        imported.extend(done);
        imported.sort_unstable();
        let numbers = world.client().get(NUMBERS).await.expect(200).body["numbers"].take();
        let trunk_id = numbers[0]["trunk_id"].as_str().unwrap();
        assert_shared(&world, trunk_id, &imported).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_and_the_deletion_of_the_last_number_leave_no_half() {
    let world = World::start().await;
    let before = world.on_twilio().await;
    for _ in 0..8 {
        let (client, last) = (world.client(), import(&world, FREE[0]).await);
        let body = twilio_number(FREE[1], &world.twilio_account());
        let (imported, deleted) = tokio::join!(client.import(&body), client.delete_number(last.id()));
        match (is_done(&imported), is_done(&deleted)) {
            (true, true) => assert_shared(&world, imported.text_of("trunk_id"), &[FREE[1]]).await,
            (true, false) => assert_shared(&world, last.text_of("trunk_id"), &[FREE[0], FREE[1]]).await,
            (false, true) => assert_eq!(world.on_twilio().await, before),
            (false, false) => panic!("one of them is first"),
        }
        assert_eq!(world.differences().await, [""; 0]);
        for (answer, is_there) in [(&last, !is_done(&deleted)), (&imported, is_done(&imported))] {
            if is_there {
                client.delete_number(answer.id()).await.expect(204);
            }
        }
        assert_eq!((world.on_twilio().await, world.dynamodb().numbers().await), (before.clone(), (0, 0, 0)));
    }
}
