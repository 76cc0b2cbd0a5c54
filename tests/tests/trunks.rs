//! A trunk from its creation to its deletion: what is answered, and what is then where.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use livekit_protocol::sip_dispatch_rule::Rule;
use livekit_protocol::{
    SipDispatchRuleInfo, SipInboundTrunkInfo, SipMediaEncryption, SipOutboundTrunkInfo, SipTransport,
};
use serde_json::{Value, json};
use trunkline_tests::fault::System;
use trunkline_tests::probe::{Contents, text};
use trunkline_tests::{
    Answer, FULL_SECRET, Left, Setup, TRUNKS, World, both, inbound, livekit, outbound, redactions, with, without,
};

/// LiveKit's host in these tests.
const SIP_HOST: &str = "sip.livekit.example";

async fn world() -> World {
    Setup::default().set("LIVEKIT_SIP_HOST", SIP_HOST).start().await
}

/// The whole answer, and everything that there is of the trunk.
async fn everything(world: &World, answer: &Answer) -> Value {
    let contents = world.livekit().of(answer.id()).await;
    assert_eq!(contents, world.livekit().all().await, "LiveKit's filters find all there is");
    json!({ "answer": answer.whole(), "livekit": shown(&contents) })
}

/// Without what LiveKit says of itself.
fn shown(contents: &Contents) -> Value {
    let mut shown = json!({
        "inbound": contents.inbound.iter().map(|trunk| serde_json::to_value(trunk).unwrap()).collect::<Vec<_>>(),
        "outbound": contents.outbound.iter().map(|trunk| serde_json::to_value(trunk).unwrap()).collect::<Vec<_>>(),
        "rules": contents.rules.iter().map(|rule| serde_json::to_value(rule).unwrap()).collect::<Vec<_>>(),
    });
    for object in shown.as_object_mut().unwrap().values_mut().flat_map(|list| list.as_array_mut().unwrap()) {
        for stamp in ["createdAt", "updatedAt"] {
            object.as_object_mut().unwrap().remove(stamp);
        }
    }
    shown
}

async fn snapshot(name: &str, body: Value, left: Left) {
    let world = world().await;
    let answer = world.client().create(&body).await.expect(201);
    let everything = everything(&world, &answer).await;
    redactions().bind(|| insta::assert_json_snapshot!(name, everything));
    assert_eq!(answer.header("location"), Some(format!("{TRUNKS}/{}", answer.id()).as_str()));
    assert_eq!(world.left().await, left);
    assert_eq!(world.client().get_trunk(answer.id()).await.expect(200).body, answer.body);
}

#[tokio::test]
async fn both_directions_with_everything() {
    snapshot("both_directions_with_everything", both(), Left::both(1)).await;
}

#[tokio::test]
async fn inbound_minimal() {
    snapshot("inbound_minimal", inbound(), Left::inbound(1)).await;
}

#[tokio::test]
async fn inbound_with_a_challenge() {
    let body =
        with(inbound(), json!({ "auth_username": "desk", "auth_password": "correct horse", "transport": "tls" }));
    snapshot("inbound_with_a_challenge", body, Left { secrets: 1, ..Left::inbound(1) }).await;
}

#[tokio::test]
async fn outbound_minimal() {
    let left = Left { trunk_count: 1, active: 1, outbound: 1, ..Left::NOTHING };
    snapshot("outbound_minimal", outbound(), left).await;
}

#[tokio::test]
async fn outbound_with_everything() {
    let body = without(with(both(), json!({ "direction": "outbound", "transport": "udp" })), "inbound_auth");
    let left = Left { trunk_count: 1, active: 1, outbound: 1, secrets: 1, ..Left::NOTHING };
    snapshot("outbound_with_everything", body, left).await;
}

#[tokio::test]
async fn livekits_own_number() {
    snapshot("livekits_own_number", livekit(), Left::inbound(1)).await;
}

/// The two directions of a trunk, with the trunk id as their number.
fn pair(contents: Contents) -> (SipInboundTrunkInfo, SipOutboundTrunkInfo, SipDispatchRuleInfo) {
    let Contents { mut inbound, mut outbound, mut rules } = contents;
    assert_eq!((inbound.len(), outbound.len(), rules.len()), (1, 1, 1));
    (inbound.remove(0), outbound.remove(0), rules.remove(0))
}

#[tokio::test]
async fn livekit_objects_are_named_after_the_trunk() {
    let world = world().await;
    let trunk = world.client().create(&both()).await.expect(201);
    let (inbound, outbound, rule) = pair(world.livekit().of(trunk.id()).await);
    assert_eq!(inbound.numbers, [trunk.id()]);
    assert_eq!(outbound.numbers, [trunk.id()]);
    assert_eq!(trunk.text_of("livekit_inbound_trunk_id"), inbound.sip_trunk_id);
    assert_eq!(trunk.text_of("livekit_outbound_trunk_id"), outbound.sip_trunk_id);
    assert_eq!(trunk.text_of("livekit_dispatch_rule_id"), rule.sip_dispatch_rule_id);

    assert_eq!(rule.trunk_ids, [inbound.sip_trunk_id.as_str()]);
    let Some(Rule::DispatchRuleIndividual(individual)) = rule.rule.and_then(|rule| rule.rule) else {
        panic!("not a rule for individual rooms");
    };
    assert_eq!(individual.room_prefix, trunk.id());
    assert_eq!(rule.attributes["trunkline.trunk_id"], trunk.id());
    assert_eq!(rule.attributes["trunkline.workspace_id"], world.ready().workspace_id);
    assert!(rule.room_config.is_none_or(|config| config.agents.is_empty()));
}

#[tokio::test]
async fn an_agent_joins_where_one_is_named() {
    let world = Setup::default().set("LIVEKIT_AGENT_NAME", "receptionist").start().await;
    let trunk = world.client().create(&inbound()).await.expect(201);
    let rule = world.livekit().of(trunk.id()).await.rules.remove(0);
    let agents = rule.room_config.unwrap().agents;
    assert_eq!(agents.iter().map(|agent| agent.agent_name.as_str()).collect::<Vec<_>>(), ["receptionist"]);
}

#[tokio::test]
async fn credentials_go_where_they_are_needed() {
    let login = json!({ "auth_username": "desk", "auth_password": "correct horse" });
    for (direction, auth, challenges) in [
        ("both", Value::Null, false),
        ("both", json!("none"), false),
        ("both", json!("digest"), true),
        ("inbound", Value::Null, true),
        ("inbound", json!("none"), false),
        ("outbound", Value::Null, false),
    ] {
        let world = world().await;
        let body = with(with(inbound(), login.clone()), json!({ "direction": direction, "inbound_auth": auth }));
        let trunk = world.client().create(&body).await.expect(201);
        let contents = world.livekit().of(trunk.id()).await;
        for inbound in contents.inbound {
            let expected = if challenges { ("desk", "correct horse") } else { ("", "") };
            assert_eq!((inbound.auth_username.as_str(), inbound.auth_password.as_str()), expected, "{body}");
        }
        for outbound in contents.outbound {
            assert_eq!((outbound.auth_username.as_str(), outbound.auth_password.as_str()), ("desk", "correct horse"));
        }
    }
}

#[tokio::test]
async fn media_encryption_is_set_for_old_and_new_servers() {
    for (word, policy) in [
        ("disable", SipMediaEncryption::SipMediaEncryptDisable),
        ("allow", SipMediaEncryption::SipMediaEncryptAllow),
        ("require", SipMediaEncryption::SipMediaEncryptRequire),
    ] {
        let world = world().await;
        let trunk = world.client().create(&with(both(), json!({ "media_encryption": word }))).await.expect(201);
        let (inbound, outbound, _) = pair(world.livekit().of(trunk.id()).await);
        assert_eq!(inbound.media_encryption(), policy);
        assert_eq!(inbound.media.unwrap().encryption, Some(policy.into()));
        assert_eq!(outbound.media_encryption(), policy);
        assert_eq!(outbound.media.unwrap().encryption, Some(policy.into()));
    }
}

#[tokio::test]
async fn the_carriers_side_is_passed_on() {
    for (word, transport) in [
        ("auto", SipTransport::Auto),
        ("udp", SipTransport::Udp),
        ("tcp", SipTransport::Tcp),
        ("tls", SipTransport::Tls),
    ] {
        let world = world().await;
        let body = with(both(), json!({ "transport": word, "sip_address": "SIP.Example.com:5061" }));
        let trunk = world.client().create(&body).await.expect(201);
        let (inbound, outbound, _) = pair(world.livekit().of(trunk.id()).await);
        assert_eq!(outbound.transport(), transport);
        assert_eq!(outbound.address, "sip.example.com:5061");
        assert_eq!(outbound.destination_country, "US");
        assert_eq!(inbound.allowed_addresses, ["198.51.100.7", "203.0.113.0/24"]);
    }
}

#[tokio::test]
async fn the_secret_holds_password_and_credentials_and_nothing_else_does() {
    let world = world().await;
    let trunk = world.client().create(&both()).await.expect(201);
    let ready = world.ready();
    let name = format!("{}{}/{}", ready.secret_prefix, ready.workspace_id, trunk.id());
    let secrets = world.secrets();
    assert_eq!(secrets.all().await.iter().map(|secret| &secret.name).collect::<Vec<_>>(), [&name]);
    let value: Value = serde_json::from_str(&secrets.value(&name).await.unwrap()).unwrap();
    assert_eq!(value, serde_json::from_str::<Value>(FULL_SECRET).unwrap());
    let record = world.dynamodb().trunk(trunk.id()).await.unwrap();
    assert_eq!(text(&record, "secret_name"), name);
    let everything = format!("{:?}", world.dynamodb().items().await);
    assert!(!everything.contains("correct horse") && !everything.contains("AC-1"));
}

#[tokio::test]
async fn a_secret_is_made_of_what_there_is() {
    let login = json!({ "auth_username": "desk", "auth_password": "correct horse" });
    for (changes, secret) in [
        (login, Some(json!({ "auth_password": "correct horse" }))),
        (
            json!({ "credentials": {"b": [1, null], "a": "ü"} }),
            Some(json!({ "credentials": {"b": [1, null], "a": "ü"} })),
        ),
        (json!({ "credentials": {} }), Some(json!({ "credentials": {} }))),
        (json!({}), None),
    ] {
        let world = world().await;
        let trunk = world.client().create(&with(inbound(), changes)).await.expect(201);
        let kept = world.secrets().all().await;
        let value = match kept.first() {
            Some(kept) => world.secrets().value(&kept.name).await,
            None => None,
        };
        assert_eq!(value.map(|value| serde_json::from_str::<Value>(&value).unwrap()), secret);
        let record = world.dynamodb().trunk(trunk.id()).await.unwrap();
        assert_eq!(record.contains_key("secret_name"), secret.is_some());
    }
}

#[tokio::test]
async fn credentials_are_kept_as_they_came_or_refused() {
    let world = world().await;
    for number in ["9007199254740993", "-9223372036854775808", "18446744073709551615", "12345678901234567890123", "0.1"]
    {
        let body = inbound().to_string().replacen('{', &format!(r#"{{"credentials":{{"account":{number}}},"#), 1);
        let answer = world.client().post().body("application/json", body).send().await;
        if answer.status == 400 {
            continue;
        }
        let trunk = world.dynamodb().trunk(answer.expect(201).id()).await.unwrap();
        let value = world.secrets().value(text(&trunk, "secret_name")).await.unwrap();
        assert_eq!(value, format!(r#"{{"credentials":{{"account":{number}}}}}"#));
    }
}

#[tokio::test]
async fn an_active_record_is_settled() {
    let world = world().await;
    let trunk = world.client().create(&both()).await.expect(201);
    let record = world.dynamodb().trunk(trunk.id()).await.unwrap();
    assert_eq!(text(&record, "state"), "active");
    for attribute in ["lease_owner", "lease_until", "sweep_shard", "sweep_at"] {
        assert!(!record.contains_key(attribute), "{attribute}");
    }
}

#[tokio::test]
async fn inbound_sip_uri_names_the_trunk_and_the_transport() {
    let world = world().await;
    for (transport, suffix) in [("auto", ""), ("udp", ""), ("tcp", ";transport=tcp"), ("tls", ";transport=tls")] {
        let trunk = world.client().create(&with(inbound(), json!({ "transport": transport }))).await.expect(201);
        assert_eq!(trunk.text_of("inbound_sip_uri"), format!("sip:{}@{SIP_HOST}{suffix}", trunk.id()));
    }
    let trunk = world.client().create(&outbound()).await.expect(201);
    assert_eq!(trunk.body["inbound_sip_uri"], Value::Null);
}

/// The first words of each warning.
fn warned(answer: &Answer) -> Vec<&str> {
    let warnings = answer.body["warnings"].as_array().map_or(&[][..], Vec::as_slice);
    warnings
        .iter()
        .map(|warning| {
            let warning = warning.as_str().unwrap();
            [
                "transport=tls",
                "inbound calls are accepted from any source",
                "inbound_auth=digest",
                "outbound calls that the carrier challenges will fail",
            ]
            .into_iter()
            .find(|start| warning.starts_with(start))
            .unwrap_or_else(|| panic!("{warning}"))
        })
        .collect()
}

#[tokio::test]
async fn warnings() {
    const TLS: &str = "transport=tls";
    const OPEN: &str = "inbound calls are accepted from any source";
    const DIGEST: &str = "inbound_auth=digest";
    const UDP: &str = "outbound calls that the carrier challenges will fail";
    let login = json!({ "auth_username": "a", "auth_password": "b" });
    let closed = json!({ "allowed_addresses": ["198.51.100.7"] });
    let quiet = || with(with(inbound(), json!({ "direction": "both" })), closed.clone());
    let world = world().await;
    world.dynamodb().set_limit(&world.ready().workspace_id, 100).await;
    for (body, expected) in [
        (quiet(), vec![]),
        (outbound(), vec![]),
        (inbound(), vec![OPEN]),
        (livekit(), vec![OPEN]),
        (with(inbound(), json!({ "allowed_addresses": ["0.0.0.0/0"] })), vec![OPEN]),
        (with(quiet(), json!({ "transport": "tls" })), vec![TLS]),
        (with(inbound(), json!({ "transport": "tls" })), vec![TLS, OPEN]),
        (with(inbound(), login.clone()), vec![DIGEST]),
        (with(with(inbound(), login.clone()), json!({ "inbound_auth": "none" })), vec![OPEN]),
        (with(quiet(), login.clone()), vec![UDP]),
        (with(with(quiet(), login.clone()), json!({ "transport": "udp", "media_encryption": "require" })), vec![UDP]),
        (with(with(quiet(), login.clone()), json!({ "transport": "udp", "media_encryption": "disable" })), vec![]),
        (with(with(quiet(), login.clone()), json!({ "transport": "tcp" })), vec![]),
        (with(with(quiet(), login.clone()), json!({ "transport": "tls" })), vec![TLS]),
        (with(outbound(), login.clone()), vec![UDP]),
        (with(with(quiet(), login), json!({ "inbound_auth": "digest" })), vec![DIGEST, UDP]),
    ] {
        let answer = world.client().create(&body).await.expect(201);
        assert_eq!(warned(&answer), expected, "{body}");
        assert_eq!(answer.body.get("warnings").is_none(), expected.is_empty(), "{body}");
    }
}

#[tokio::test]
async fn a_trunk_is_read_one_by_one_and_in_the_list() {
    let world = world().await;
    let client = world.client();
    let empty = client.get(TRUNKS).await.expect(200);
    assert_eq!(empty.body, json!({ "trunks": [], "next_cursor": null, "has_more": false }));
    let mut created = Vec::new();
    for body in [both(), inbound(), outbound(), livekit()] {
        let trunk = client.create(&body).await.expect(201);
        let read = client.get_trunk(trunk.id()).await.expect(200);
        assert_eq!(read.body, trunk.body);
        assert!(read.header("etag").is_some_and(|tag| tag.starts_with('"') && tag.ends_with('"')));
        created.insert(0, trunk.body);
    }
    let list = client.get(TRUNKS).await.expect(200);
    assert_eq!(list.body, json!({ "trunks": created, "next_cursor": null, "has_more": false }));
}

#[tokio::test]
async fn a_reader_who_has_the_trunk_is_told_so() {
    let world = world().await;
    let client = world.client();
    let trunk = client.create(&inbound()).await.expect(201);
    let path = format!("{TRUNKS}/{}", trunk.id());
    let tag = client.get(&path).await.header("etag").unwrap().to_owned();
    let get = |tags: String| client.request(reqwest::Method::GET, &path).header("if-none-match", tags).send();
    for tags in [tag.clone(), "*".to_owned(), format!(r#""other", {tag}"#), format!("W/{tag}")] {
        let answer = get(tags.clone()).await;
        assert_eq!((answer.status, answer.header("etag")), (304, Some(tag.as_str())), "{tags}");
    }
    assert_eq!(get(r#""other""#.to_owned()).await.expect(200).body, trunk.body);
}

#[tokio::test]
async fn deleted_with_everything_that_was_made() {
    for body in [both(), inbound(), outbound(), livekit()] {
        let world = world().await;
        let client = world.client();
        let trunk = client.create(&body).await.expect(201);
        let secrets = world.left().await.secrets;
        let answer = client.delete_trunk(trunk.id()).await.expect(204);
        assert_eq!(answer.header("content-type"), None);
        assert_eq!(world.left().await, Left { secrets_scheduled: secrets, ..Left::tombstones(1) }, "{body}");

        client.get_trunk(trunk.id()).await.expect_error(404, "sip_trunk_not_found");
        assert_eq!(client.get(TRUNKS).await.body["trunks"], json!([]));
        client.delete_trunk(trunk.id()).await.expect(204);
        assert_eq!(world.left().await, Left { secrets_scheduled: secrets, ..Left::tombstones(1) }, "{body}");
    }
}

#[tokio::test]
async fn a_deleted_trunk_gives_its_place_back() {
    let world = world().await;
    let (client, workspace_id) = world.new_client().await;
    world.dynamodb().set_limit(&workspace_id, 1).await;
    let trunk = client.create(&inbound()).await.expect(201);
    client.create(&inbound()).await.expect_error(402, "payment_required");
    client.delete_trunk(trunk.id()).await.expect(204);
    client.create(&inbound()).await.expect(201);
    assert_eq!(world.left().await, Left::inbound(1) + Left::tombstones(1));
}

#[tokio::test]
async fn the_tombstone_knows_what_there_was() {
    let world = world().await;
    let trunk = world.client().create(&both()).await.expect(201);
    world.client().delete_trunk(trunk.id()).await.expect(204);
    let tombstone = world.dynamodb().item(&format!("TOMB#{}", trunk.id())).await.unwrap();
    let ids = |name: &str| {
        let mut ids = tombstone[name].as_ss().unwrap().clone();
        ids.sort();
        ids
    };
    let mut trunks = ["livekit_inbound_trunk_id", "livekit_outbound_trunk_id"].map(|field| trunk.text_of(field));
    trunks.sort_unstable();
    assert_eq!(ids("seen_trunk_ids"), trunks);
    assert_eq!(ids("seen_dispatch_rule_ids"), [trunk.text_of("livekit_dispatch_rule_id")]);
    assert!(ids("seen_secret_names")[0].ends_with(trunk.id()));
    assert!(!tombstone.contains_key("expires_at"), "TTL must not take it before its last look");
}

#[tokio::test]
async fn deletes_at_once_are_one() {
    let world = world().await;
    let trunk = world.client().create(&both()).await.expect(201);
    let mut deletes = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (client, id) = (world.client(), trunk.id().to_owned());
        deletes.spawn(async move { client.delete_trunk(&id).await.status });
    }
    for status in deletes.join_all().await {
        assert!([204, 404].contains(&status), "{status}");
    }
    assert_eq!(world.left().await, Left { secrets_scheduled: 1, ..Left::tombstones(1) });
}

#[tokio::test]
async fn no_call_is_made_that_is_not_needed() {
    let world = World::faulty().await;
    let calls = || {
        let calls = System::ALL.map(|system| {
            let mut calls = world.faults(system).calls();
            calls.sort();
            calls
        });
        world.forget_calls();
        calls
    };
    let client = world.client();
    // Each route looks the key up once, as each function does.
    client.get(TRUNKS).await.expect(200);
    assert_eq!(calls(), [vec![], vec![], vec!["GetItem", "Query"], vec![]]);
    client.get(TRUNKS).await.expect(200);
    assert_eq!(calls(), [vec![], vec![], vec!["Query"], vec![]]);
    let trunk = client.create_once("order-1", &both()).await.expect(201);
    let creates = vec!["CreateSIPDispatchRule", "CreateSIPInboundTrunk", "CreateSIPOutboundTrunk"];
    assert_eq!(
        calls(),
        [creates, vec!["CreateSecret"], vec!["GetItem", "TransactWriteItems", "TransactWriteItems"], vec![]]
    );
    client.create_once("order-1", &both()).await.expect(201);
    assert_eq!(calls(), [vec![], vec![], vec!["TransactWriteItems"], vec![]]);
    client.get_trunk(trunk.id()).await.expect(200);
    assert_eq!(calls(), [vec![], vec![], vec!["GetItem", "GetItem"], vec![]]);
    client.delete_trunk(trunk.id()).await.expect(204);
    let deletes = vec!["DeleteSIPDispatchRule", "DeleteSIPTrunk", "DeleteSIPTrunk"];
    assert_eq!(calls(), [deletes, vec!["DeleteSecret"], vec!["GetItem", "TransactWriteItems", "UpdateItem"], vec![]]);
    client.create(&json!({})).await.expect(400);
    client.get_trunk("nonsense").await.expect(404);
    assert_eq!(calls(), [[""; 0]; 4]);
}

#[tokio::test]
async fn any_other_form_of_an_id_is_no_trunk() {
    let world = world().await;
    let client = world.client();
    let trunk = client.create(&inbound()).await.expect(201);
    let id = trunk.id();
    let suffix = &id["trunk_".len()..];
    for other in [
        "trunk_01m83t4ejge00b000000000003".to_owned(),
        "0193a5b0-7c1e-7d6a-9f3e-0a1b2c3d4e5f".to_owned(),
        suffix.to_owned(),
        id.to_uppercase(),
        format!("trunk_{}", suffix.to_uppercase()),
        format!("ws_{suffix}"),
        format!("{id}0"),
        id[..id.len() - 1].to_owned(),
        format!("trunk_8{}", &suffix[1..]),
        format!("trunk_{}u", &suffix[..25]),
        format!("{id}%20"),
        format!("%20{id}"),
        format!("{id}%00"),
        format!("{id}%23"),
        "%F0%9F%98%80".to_owned(),
        "..%2F..%2Fhealthz".to_owned(),
        "x".repeat(2_000),
    ] {
        let (get, delete) = (client.get_trunk(&other).await, client.delete_trunk(&other).await);
        assert_eq!((get.status, get.code()), (404, "sip_trunk_not_found"), "GET {other}");
        assert_eq!((delete.status, delete.code()), (404, "sip_trunk_not_found"), "DELETE {other}");
    }
    assert_eq!(world.left().await, Left::inbound(1));
}
