//! A trunk that is changed: what is answered, what is then where, and that a change which fails has not been.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::time::Duration;

use livekit_protocol::{SipInboundTrunkInfo, SipMediaEncryption, SipOutboundTrunkInfo, SipTransport};
use serde_json::{Value, json};
use tokio::time::Instant;
use trunkline_tests::fault::{Fault, On, System, WORDS};
use trunkline_tests::probe::Contents;
use trunkline_tests::{Answer, FULL_SECRET, Left, Setup, World, both, inbound, livekit, outbound, redactions, with};

/// After a change of the secret: the old one is on its way out.
const ROTATED: Left = Left { in_sweep_index: 1, secrets_scheduled: 1, ..Left::NOTHING };
/// A trunk that was changed and has a last look before it.
const CHANGED: Left = Left { in_sweep_index: 1, ..Left::NOTHING };

async fn trunk(world: &World, body: Value) -> Answer {
    world.client().create(&body).await.expect(201)
}

/// The LiveKit trunks, without what LiveKit says of itself.
async fn said(world: &World, id: &str) -> (Vec<SipInboundTrunkInfo>, Vec<SipOutboundTrunkInfo>) {
    let Contents { inbound, outbound, .. } = world.livekit().of(id).await;
    let inbound = inbound.into_iter().map(|trunk| SipInboundTrunkInfo { updated_at: None, created_at: None, ..trunk });
    let outbound =
        outbound.into_iter().map(|trunk| SipOutboundTrunkInfo { updated_at: None, created_at: None, ..trunk });
    (inbound.collect(), outbound.collect())
}

async fn outbound_of(world: &World, id: &str) -> SipOutboundTrunkInfo {
    said(world, id).await.1.remove(0)
}

async fn inbound_of(world: &World, id: &str) -> SipInboundTrunkInfo {
    said(world, id).await.0.remove(0)
}

/// The value of the only secret that stays.
async fn secret(world: &World) -> String {
    let kept: Vec<_> = world.secrets().all().await.into_iter().filter(|secret| !secret.scheduled).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    world.secrets().value(&kept[0].name).await.unwrap()
}

#[tokio::test]
async fn every_field_changes_everywhere_at_once() {
    let world = World::start().await;
    let created = trunk(&world, both()).await;
    let patch = json!({
        "name": "Back office",
        "sip_address": "SIP.Example.org",
        "auth_username": "office",
        "auth_password": "wrong donkey",
        "inbound_auth": "digest",
        "allowed_addresses": ["203.0.113.9/32"],
        "destination_country": "de",
        "transport": "tls",
        "media_encryption": "allow",
        "credentials": {"account": null, "pin": [3], "realm": "x"},
    });
    let changed = world.client().patch(created.id(), &patch).await.expect(200);
    redactions().bind(|| insta::assert_json_snapshot!(changed.whole()));
    assert_eq!(world.client().get_trunk(created.id()).await.body, changed.body);
    for same in
        ["id", "created_at", "livekit_inbound_trunk_id", "livekit_outbound_trunk_id", "livekit_dispatch_rule_id"]
    {
        assert_eq!(changed.body[same], created.body[same], "{same}");
    }
    assert!(changed.text_of("updated_at") > created.text_of("updated_at"));

    let (inbound, outbound) = (inbound_of(&world, created.id()).await, outbound_of(&world, created.id()).await);
    assert_eq!((inbound.auth_username.as_str(), inbound.auth_password.as_str()), ("office", "wrong donkey"));
    assert_eq!(inbound.allowed_addresses, ["203.0.113.9"]);
    assert_eq!((outbound.auth_username.as_str(), outbound.auth_password.as_str()), ("office", "wrong donkey"));
    assert_eq!((outbound.address.as_str(), outbound.destination_country.as_str()), ("sip.example.org", "DE"));
    assert_eq!(outbound.transport(), SipTransport::Tls);
    assert_eq!(outbound.media.unwrap().encryption(), SipMediaEncryption::SipMediaEncryptAllow);
    assert_eq!((inbound.numbers, outbound.numbers), (vec![created.id().to_owned()], vec![created.id().to_owned()]));
    assert_eq!(secret(&world).await, r#"{"auth_password":"wrong donkey","credentials":{"pin":[3],"realm":"x"}}"#);
    assert_eq!(world.left().await, Left::both(1) + ROTATED);
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_password_alone_keeps_the_rest() {
    let world = World::start().await;
    let created = trunk(&world, both()).await;
    for password in ["second", "third"] {
        let patch = json!({ "auth_password": password });
        let changed = world.client().patch(created.id(), &patch).await.expect(200);
        assert_eq!(changed.text_of("auth_username"), "desk");
        assert_eq!(outbound_of(&world, created.id()).await.auth_password, password);
        assert_eq!(secret(&world).await, FULL_SECRET.replace("correct horse", password));
    }
    assert_eq!(world.left().await, Left::both(1) + ROTATED + Left { secrets_scheduled: 1, ..Left::NOTHING });
    world.client().delete_trunk(created.id()).await.expect(204);
    assert_eq!(world.left().await, Left::tombstones(1) + Left { secrets_scheduled: 3, ..Left::NOTHING });
}

#[tokio::test]
async fn credentials_are_cleared_and_set_anew() {
    let world = World::start().await;
    let created = trunk(&world, both()).await;
    let id = created.id();
    let cleared = world.client().patch(id, &json!({ "auth_username": null, "credentials": null })).await.expect(200);
    assert_eq!((&cleared.body["auth_username"], &cleared.body["auth_password_set"]), (&Value::Null, &json!(false)));
    assert_eq!(outbound_of(&world, id).await.auth_username, "");
    assert_eq!(world.left().await, Left { secrets: 0, ..Left::both(1) } + ROTATED);

    let patch = json!({ "auth_username": "again", "auth_password": "back" });
    let set = world.client().patch(id, &patch).await.expect(200);
    assert_eq!((set.text_of("auth_username"), &set.body["auth_password_set"]), ("again", &json!(true)));
    assert_eq!(secret(&world).await, r#"{"auth_password":"back"}"#);
    assert_eq!(outbound_of(&world, id).await.auth_password, "back");
    assert_eq!(world.left().await, Left::both(1) + ROTATED);
}

#[tokio::test]
async fn the_warnings_are_those_of_the_trunk_as_it_is() {
    let world = World::start().await;
    let created = trunk(&world, inbound()).await;
    assert_eq!(created.body["warnings"].as_array().unwrap().len(), 1);
    let patch = json!({ "allowed_addresses": ["198.51.100.7"] });
    let closed = world.client().patch(created.id(), &patch).await.expect(200);
    assert_eq!(closed.body.get("warnings"), None);
    let patch = json!({ "allowed_addresses": [], "transport": "tls" });
    let opened = world.client().patch(created.id(), &patch).await.expect(200);
    assert_eq!(opened.body["warnings"].as_array().unwrap().len(), 2, "{}", opened.text);
    assert_eq!(inbound_of(&world, created.id()).await.allowed_addresses, [""; 0]);
    assert!(opened.text_of("inbound_sip_uri").ends_with(";transport=tls"));
}

#[tokio::test]
async fn what_a_kind_or_direction_does_not_have_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let (number, out) = (trunk(&world, livekit()).await, trunk(&world, outbound()).await);
    let before = world.dynamodb().items().await;
    for (id, patch, field, message) in [
        (number.id(), json!({ "sip_address": "sip.example.com" }), "sip_address", "must be absent for kind=livekit"),
        (
            number.id(),
            json!({ "auth_username": "a", "auth_password": "b" }),
            "auth_password",
            "must be absent for kind=livekit",
        ),
        (out.id(), json!({ "inbound_auth": "none" }), "inbound_auth", "must be absent for direction=outbound"),
        (out.id(), json!({ "auth_password": "b" }), "auth_username", "required with auth_password"),
        (out.id(), json!({ "kind": "byoc" }), "kind", "cannot be changed: leave it out, or create another trunk"),
        (out.id(), json!({ "id": null }), "id", "is set by the service: leave it out"),
        (out.id(), json!({ "warnings": null }), "warnings", "is set by the service: leave it out"),
    ] {
        let refused = world.client().patch(id, &patch).await.expect_error(400, "validation_failed");
        assert_eq!(refused.fields()[field], message, "{}", refused.text);
    }
    let alone = world.client().patch(number.id(), &json!({ "auth_username": "a" })).await;
    assert_eq!(alone.expect_error(400, "validation_failed").fields().len(), 1);
    assert_eq!(world.dynamodb().items().await, before);
    let too_much = json!({ "credentials": {"a": "x".repeat(5_000)} });
    let kept = world.client().patch(out.id(), &too_much).await.expect(200);
    let too_much = json!({ "credentials": {"b": "x".repeat(5_000)} });
    let refused = world.client().patch(out.id(), &too_much).await.expect_error(400, "validation_failed");
    assert!(refused.fields()["credentials"].as_str().unwrap().contains("8 KiB"), "{}", refused.text);
    assert_eq!(world.client().get_trunk(out.id()).await.header("etag"), kept.header("etag"));
    world.client().patch(number.id(), &json!({ "name": "Renamed", "destination_country": null })).await.expect(200);
}

#[tokio::test]
async fn a_patch_that_changes_nothing_writes_nothing() {
    let world = World::faulty().await;
    let created = trunk(&world, both()).await;
    world.forget_calls();
    let before = world.dynamodb().items().await;
    for patch in [
        json!({}),
        json!({ "name": " Front desk ", "sip_address": "SIP.example.com:5061", "inbound_auth": "none" }),
        json!({ "allowed_addresses": ["198.51.100.7/32", "203.0.113.0/24"], "destination_country": "us" }),
    ] {
        let same = world.client().patch(created.id(), &patch).await.expect(200);
        assert_eq!((same.body, same.headers["etag"].to_str().unwrap()), (created.body.clone(), r#""1""#));
    }
    assert_eq!(world.dynamodb().items().await, before);
    assert_eq!(world.faults(System::LiveKit).calls(), [""; 0]);
    assert_eq!(world.faults(System::SecretsManager).calls(), [""; 0]);
    // A password cannot be compared without being read.
    let same = world.client().patch(created.id(), &json!({ "auth_password": "correct horse" })).await.expect(200);
    assert_eq!(same.header("etag"), Some(r#""2""#));
}

#[tokio::test]
async fn a_name_is_for_people() {
    let world = World::faulty().await;
    let created = trunk(&world, both()).await;
    world.forget_calls();
    let renamed = world.client().patch(created.id(), &json!({ "name": "Back office" })).await.expect(200);
    assert_eq!((renamed.text_of("name"), renamed.header("etag")), ("Back office", Some(r#""2""#)));
    assert_eq!(world.faults(System::LiveKit).calls(), [""; 0]);
    assert_eq!(world.faults(System::SecretsManager).calls(), [""; 0]);
}

#[tokio::test]
async fn if_match_lets_only_those_change_a_trunk_who_know_it() {
    let world = World::start().await;
    let client = world.client();
    let created = trunk(&world, inbound()).await;
    let tag = client.get_trunk(created.id()).await.header("etag").unwrap().to_owned();
    let rename = json!({ "name": "New" });
    for tags in [r#""2""#, r#"W/"1""#, r#""x", W/"1""#, "1", ""] {
        client.patch_if(tags, created.id(), &rename).await.expect_error(412, "precondition_failed");
        // What is wrong with the patch is of no interest then.
        client.patch_if(tags, created.id(), &json!({ "kind": 1 })).await.expect_error(412, "precondition_failed");
    }
    assert_eq!(client.get_trunk(created.id()).await.body, created.body);
    let changed = client.patch_if(&format!(r#""9", {tag}"#), created.id(), &rename).await.expect(200);
    let next = changed.header("etag").unwrap();
    assert_ne!(next, tag);
    client.patch_if(&tag, created.id(), &rename).await.expect_error(412, "precondition_failed");
    assert_eq!(client.get_trunk(created.id()).await.header("etag"), Some(next));
    client.patch_if("*", created.id(), &json!({ "name": "Newer" })).await.expect(200);
    client.patch_if("*", "trunk_01m83t4ejge00b000000000003", &rename).await.expect_error(404, "sip_trunk_not_found");
}

#[tokio::test]
async fn both_media_types_are_taken_and_no_other() {
    let world = World::start().await;
    let created = trunk(&world, inbound()).await;
    let path = format!("{}/{}", trunkline_tests::TRUNKS, created.id());
    let send = |content_type: &'static str| {
        let request = world.client().request(reqwest::Method::PATCH, &path);
        request.body(content_type, r#"{"name": "Changed"}"#).send()
    };
    for taken in ["application/json", "application/merge-patch+json", "Application/Merge-Patch+JSON; charset=utf-8"] {
        send(taken).await.expect(200);
    }
    for refused in ["application/json-patch+json", "text/plain"] {
        send(refused).await.expect_error(415, "unsupported_media_type");
    }
}

/// A call of each kind that a change makes outside.
const STEPS: [(System, &str); 3] = [
    (System::LiveKit, "UpdateSIPInboundTrunk"),
    (System::LiveKit, "UpdateSIPOutboundTrunk"),
    (System::SecretsManager, "CreateSecret"),
];

fn everything() -> Value {
    json!({ "auth_password": "new password", "transport": "udp", "allowed_addresses": [], "inbound_auth": "digest" })
}

#[tokio::test]
async fn a_change_that_fails_is_taken_back() {
    for (system, operation) in STEPS {
        for fault in system.faults() {
            let world = World::faulty().await;
            let created = trunk(&world, both()).await;
            let before = said(&world, created.id()).await;
            // What puts the old values back is let through.
            let on = On::operation(operation).containing("new password");
            world.faults(system).inject(on, fault.clone());
            let answer = world.client().patch(created.id(), &everything()).await;
            let place = format!("{operation} {fault:?}: {}", answer.text);
            assert!(!answer.text.contains(WORDS), "{place}");
            assert_eq!((answer.status, answer.code()), (502, "upstream_failure"), "{place}");
            let shown = world.client().get_trunk(created.id()).await.expect(200);
            assert_eq!((&shown.body, shown.header("etag")), (&created.body, Some(r#""1""#)), "{place}");
            assert_eq!(said(&world, created.id()).await, before, "{place}");
            assert_eq!(secret(&world).await, FULL_SECRET, "{place}");
            world.heal();
            world.client().patch(created.id(), &everything()).await.expect(200);
            assert_eq!(world.differences().await, [""; 0]);
        }
    }
}

/// LiveKit does it, and cannot be asked whether it has.
#[tokio::test]
async fn a_change_that_may_have_been_said_is_taken_back() {
    for (operation, body, change, new) in [
        ("UpdateSIPInboundTrunk", inbound(), json!({ "allowed_addresses": ["203.0.113.9"] }), "203.0.113.9"),
        ("UpdateSIPOutboundTrunk", outbound(), json!({ "sip_address": "new.example.com" }), "new.example.com"),
    ] {
        let world = World::faulty().await;
        let created = trunk(&world, body).await;
        let before = said(&world, created.id()).await;
        let livekit = world.faults(System::LiveKit);
        livekit.inject(On::operation(operation).containing(new).nth(1), Fault::DropAnswer);
        livekit.inject(On::operation(operation).containing(new), Fault::status(429));
        world.client().patch(created.id(), &change).await.expect_error(502, "upstream_failure");
        assert_eq!(livekit.faulted(), 2);
        assert_eq!(said(&world, created.id()).await, before, "{operation}");
        world.heal();
        assert_eq!(world.differences().await, [""; 0]);
    }
}

/// The writes of the table, by what only they contain.
#[tokio::test]
async fn a_table_that_fails_leaves_the_trunk_as_it_was() {
    for (write, fault, status) in [
        (":version", Fault::aws(400, "AccessDeniedException"), 500),
        (":version", Fault::throttled(), 503),
        (":updated_at", Fault::aws(400, "AccessDeniedException"), 500),
        (":updated_at", Fault::throttled(), 503),
    ] {
        let world = World::faulty().await;
        let created = trunk(&world, both()).await;
        let before = said(&world, created.id()).await;
        world.faults(System::DynamoDb).inject(On::operation("UpdateItem").containing(write), fault.clone());
        let answer = world.client().patch(created.id(), &everything()).await;
        assert_eq!(answer.status, status, "{write} {fault:?}: {}", answer.text);
        assert_eq!(world.client().get_trunk(created.id()).await.body, created.body);
        assert_eq!(said(&world, created.id()).await, before, "{write} {fault:?}");
        assert_eq!(secret(&world).await, FULL_SECRET);
        world.heal();
        world.client().patch(created.id(), &everything()).await.expect(200);
    }
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_stands() {
    let world = World::faulty().await;
    let created = trunk(&world, both()).await;
    world.faults(System::DynamoDb).inject(On::operation("UpdateItem").containing(":updated_at"), Fault::DropAnswer);
    let changed = world.client().patch(created.id(), &everything()).await.expect(200);
    assert_eq!(world.client().get_trunk(created.id()).await.body, changed.body);
    assert_eq!(world.left().await, Left::both(1) + ROTATED);
}

#[tokio::test]
async fn a_trunk_that_is_being_changed_is_shown_as_it_was() {
    let world = World::faulty().await;
    let client = world.client();
    let created = trunk(&world, both()).await;
    let gate = world.faults(System::LiveKit).hold(On::operation("UpdateSIPOutboundTrunk").nth(1));
    let (id, rename) = (created.id(), json!({ "name": "New" }));
    let meanwhile = async {
        gate.reached().await;
        assert_eq!(world.left().await.updating, 1);
        let shown = client.get_trunk(id).await.expect(200);
        assert_eq!((&shown.body, shown.header("etag")), (&created.body, Some(r#""1""#)));
        let list = client.get(trunkline_tests::TRUNKS).await.expect(200);
        assert_eq!(list.body["trunks"], json!([created.body]));
        let busy = client.patch(id, &rename).await.expect_error(409, "conflict");
        assert_eq!(busy.header("retry-after"), Some("1"));
        client.patch_if(r#""1""#, id, &rename).await.expect_error(409, "conflict");
        assert_eq!(world.differences().await, [""; 0]);
        gate.open();
    };
    let patch = everything();
    let (changed, ()) = tokio::join!(client.patch(id, &patch), meanwhile);
    changed.expect(200);
    client.patch(id, &rename).await.expect(200);
}

#[tokio::test]
async fn a_deletion_wins_over_a_change() {
    for step in ["UpdateSIPInboundTrunk", "UpdateSIPOutboundTrunk"] {
        let world = World::faulty().await;
        let client = world.client();
        let created = trunk(&world, both()).await;
        let gate = world.faults(System::LiveKit).hold(On::operation(step).nth(1));
        let meanwhile = async {
            gate.reached().await;
            client.delete_trunk(created.id()).await.expect(204);
            gate.open();
        };
        let patch = everything();
        let (changed, ()) = tokio::join!(client.patch(created.id(), &patch), meanwhile);
        changed.expect_error(404, "sip_trunk_not_found");
        let left = world.left().await;
        assert_eq!((left.active, left.trunk_count, left.tombstones), (0, 0, 1), "{left:?}");
        assert_eq!((left.inbound, left.outbound, left.rules), (0, 0, 0), "{left:?}");
        assert_eq!((left.secrets, left.secrets_scheduled), (0, 2), "{left:?}");
    }
}

#[tokio::test]
async fn a_new_password_mends_a_trunk_whose_secret_is_gone() {
    let world = World::start().await;
    let created = trunk(&world, both()).await;
    let name = world.secrets().all().await.remove(0).name;
    world.secrets().client.delete_secret().secret_id(name).send().await.unwrap();
    let changed = world.client().patch(created.id(), &json!({ "transport": "udp" })).await;
    changed.expect_error(502, "upstream_failure");
    assert_eq!(world.client().get_trunk(created.id()).await.body, created.body);
    world.client().patch(created.id(), &json!({ "auth_password": "anew" })).await.expect(200);
    assert_eq!(secret(&world).await, r#"{"auth_password":"anew"}"#);
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_trunk_without_its_livekit_object_cannot_be_changed() {
    let world = World::faulty().await;
    let created = trunk(&world, both()).await;
    world.faults(System::LiveKit).inject(On::operation("UpdateSIPOutboundTrunk"), Fault::twirp(404, "not_found"));
    let answer = world.client().patch(created.id(), &json!({ "transport": "udp" })).await;
    answer.expect_error(502, "upstream_failure");
    assert_eq!(world.left().await, Left::both(1) + CHANGED);
}

/// A world in which leases and tombstones end soon, and a sweep comes every second.
async fn swept() -> World {
    let setup = Setup::default().set("LEASE_SECONDS", "4").set("TOMBSTONE_SECONDS", "2");
    setup.set("SWEEP_INTERVAL_SECONDS", "1").faulty().start().await
}

#[tokio::test]
async fn the_sweeper_puts_back_what_a_change_could_not() {
    let world = swept().await;
    let created = trunk(&world, both()).await;
    let before = said(&world, created.id()).await;
    // The inbound trunk is changed and cannot be put back, the outbound trunk cannot be changed.
    let livekit = world.faults(System::LiveKit);
    livekit.inject(On::operation("UpdateSIPInboundTrunk").from(2), Fault::status(500));
    livekit.inject(On::operation("UpdateSIPOutboundTrunk").nth(1), Fault::twirp(400, "invalid_argument"));
    world.client().patch(created.id(), &everything()).await.expect_error(502, "upstream_failure");
    assert_ne!(said(&world, created.id()).await, before);
    let shown = world.client().get_trunk(created.id()).await.expect(200);
    assert_eq!((&shown.body, shown.header("etag")), (&created.body, Some(r#""1""#)));
    world.client().patch(created.id(), &json!({ "name": "New" })).await.expect_error(409, "conflict");
    world.heal();
    world.until_left(Left::both(1) + Left { secrets_scheduled: 1, ..Left::NOTHING }).await;
    assert_eq!(said(&world, created.id()).await, before);
    assert_eq!(secret(&world).await, FULL_SECRET);
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_change_does_not_wait_for_the_sweeper() {
    let world = Setup::default().set("LEASE_SECONDS", "1").faulty().start().await;
    let created = trunk(&world, both()).await;
    let before = said(&world, created.id()).await;
    let livekit = world.faults(System::LiveKit);
    livekit.inject(On::operation("UpdateSIPInboundTrunk").from(2), Fault::twirp(400, "invalid_argument"));
    livekit.inject(On::operation("UpdateSIPOutboundTrunk").nth(1), Fault::twirp(400, "invalid_argument"));
    world.client().patch(created.id(), &everything()).await.expect_error(502, "upstream_failure");
    assert_eq!(world.left().await.reverting, 1);
    world.heal();
    let start = Instant::now();
    let changed = loop {
        let answer = world.client().patch(created.id(), &json!({ "name": "New" })).await;
        if answer.status != 409 {
            break answer.expect(200);
        }
        assert!(start.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!((changed.text_of("name"), changed.text_of("transport")), ("New", "tcp"));
    assert_eq!(said(&world, created.id()).await, before);
    assert_eq!(world.left().await, Left { secrets: 2, ..Left::both(1) } + CHANGED);
}

#[tokio::test]
async fn what_arrives_late_is_put_right_by_the_last_look() {
    let world = swept().await;
    let created = trunk(&world, both()).await;
    let before = said(&world, created.id()).await;
    let gates = STEPS.map(|(system, operation)| world.faults(system).hold(On::operation(operation).nth(1)));
    world.client().patch(created.id(), &everything()).await.expect_error(502, "upstream_failure");
    gates.iter().for_each(|gate| gate.open());
    for (system, _) in STEPS {
        world.faults(system).quiet().await;
    }
    world.until_left(Left::both(1) + Left { secrets_scheduled: 1, ..Left::NOTHING }).await;
    assert_eq!(said(&world, created.id()).await, before);
    assert_eq!(secret(&world).await, FULL_SECRET);
    let changed = world.client().patch(created.id(), &with(everything(), json!({ "name": "New" }))).await.expect(200);
    assert_eq!(changed.header("etag"), Some(r#""2""#));
    world.until_left(Left::both(1) + Left { secrets_scheduled: 2, ..Left::NOTHING }).await;
    assert_eq!(world.differences().await, [""; 0]);
}
