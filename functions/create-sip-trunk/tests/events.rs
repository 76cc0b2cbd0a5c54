//! The events under `events/create-sip-trunk`, fed to the function's binary.

use std::time::Duration;

use trunkline_tests::fault::{Ending, On, System};
use trunkline_tests::lambda::Function;
use trunkline_tests::{Left, World, events, in_waves, redactions};

const BINARY: &str = env!("CARGO_BIN_EXE_create-sip-trunk");

#[tokio::test]
async fn every_event_is_answered() {
    let fed = events::feed(BINARY, "create-sip-trunk").await;
    for (name, response) in &fed.responses {
        redactions().bind(|| insta::assert_json_snapshot!(name.as_str(), response));
    }
    let created = fed.responses.iter().filter(|(_, response)| response["statusCode"] == 201).count();
    let left = fed.world.left().await;
    // 22 trunks were there before.
    assert_eq!((left.active, left.trunk_count, left.in_sweep_index), (22 + created, 22 + created as u64, 0));
    assert_eq!((left.inbound, left.rules), (left.active - 2, left.active - 2));

    let again = fed.function.invoke(events::one("create-sip-trunk", "idempotent")).await;
    redactions().bind(|| insta::assert_json_snapshot!("idempotent-again", events::opened(again)));
    assert_eq!(fed.world.left().await, left);
}

#[tokio::test]
async fn it_answers_before_it_is_frozen() {
    let world = World::faulty().await;
    world.add_event_fixtures().await;
    let function = Function::start(BINARY, &world.environment()).await;
    let before = world.left().await;
    let gate = world.faults(System::LiveKit).hold(On::operation("CreateSIPInboundTrunk").nth(1));
    let event = events::one("create-sip-trunk", "byoc-both");
    let response = function.invoke_within(Duration::from_secs(2), event).await;
    assert_eq!(response["statusCode"], 502, "{response}");
    assert_eq!(world.left().await, before + Left { secrets_scheduled: 1, ..Left::tombstones(1) });
    gate.open();
}

#[tokio::test]
async fn it_names_the_setting_that_it_needs() {
    let settings = [
        "TABLE_NAME",
        "SECRET_PREFIX",
        "LIVEKIT_URL",
        "LIVEKIT_SIP_HOST",
        "LIVEKIT_API_KEY",
        "LIVEKIT_API_SECRET",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ];
    let malformed = [
        ("SECRET_PREFIX", "not a prefix"),
        ("LIVEKIT_URL", "ftp://livekit.example"),
        ("LIVEKIT_SIP_HOST", "user@host"),
        ("ALLOW_PRIVATE_SIP_ADDRESSES", "yes"),
        ("LEASE_SECONDS", "a while"),
        ("TOMBSTONE_SECONDS", "for ever"),
        ("AWS_CA_BUNDLE", "/nowhere/bundle.pem"),
    ];
    events::needs(BINARY, &settings, &malformed).await;
}

/// LiveKit's API key comes beside the first call's other work.
#[tokio::test]
async fn its_first_create_is_five_deep() {
    let world = World::faulty().await;
    world.add_event_fixtures().await;
    let key = serde_json::json!({
        "api_key": world.ready().livekit_api_key,
        "api_secret": world.ready().livekit_api_secret,
    });
    let secret = world.secrets().client.create_secret().name("livekit-api-key").secret_string(key.to_string());
    let mut environment = world.environment();
    environment.insert("LIVEKIT_SECRET_ARN".to_owned(), secret.send().await.unwrap().arn.unwrap());
    let function = Function::start(BINARY, &environment).await;
    let waves: [&[&str]; 5] = [
        &["GetItem"],
        &["TransactWriteItems", "GetSecretValue"],
        &["CreateSIPInboundTrunk", "CreateSIPOutboundTrunk", "CreateSecret"],
        &["CreateSIPDispatchRule"],
        &["TransactWriteItems"],
    ];
    let event = events::one("create-sip-trunk", "byoc-both");
    let response = in_waves(&world, &waves, function.invoke(event)).await;
    assert_eq!(response["statusCode"], 201, "{response}");
}

/// Nothing but a new connection: no call comes twice to any system, since LiveKit would make a second trunk of it.
#[tokio::test]
async fn connections_that_died_while_it_was_frozen_are_made_anew() {
    let world = World::faulty().await;
    world.add_event_fixtures().await;
    let function = Function::start(BINARY, &world.environment()).await;
    let event = || events::one("create-sip-trunk", "byoc-both");
    let calls = || System::ALL.map(|system| sorted(world.faults(system).calls()));
    let response = function.invoke(event()).await;
    assert_eq!(response["statusCode"], 201, "{response}");

    world.forget_calls();
    function.invoke(event()).await;
    let (mut left, expected) = (world.left().await, calls());
    let called = [System::LiveKit, System::SecretsManager, System::DynamoDb];
    let each = called.map(|system| vec![system]);
    for dead in each.into_iter().chain([called.to_vec()]) {
        for ending in [Ending::Closed, Ending::Reset] {
            let accepted = || System::ALL.map(|system| world.faults(system).accepted());
            world.forget_calls();
            function.freeze().await;
            for system in &dead {
                world.faults(*system).hang_up(ending).await;
            }
            let before = accepted();
            let (response, ()) = tokio::join!(function.invoke(event()), function.thaw());
            assert_eq!(response["statusCode"], 201, "{dead:?} {ending:?}: {response}");
            assert_eq!(calls(), expected, "{dead:?} {ending:?}");
            for system in &dead {
                assert!(accepted()[*system as usize] > before[*system as usize], "{dead:?} {ending:?}");
            }
            left = left + Left::both(1);
            assert_eq!(world.left().await, left, "{dead:?} {ending:?}");
        }
    }
}

fn sorted(mut calls: Vec<String>) -> Vec<String> {
    calls.sort();
    calls
}
