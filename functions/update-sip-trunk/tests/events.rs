//! The events under `events/update-sip-trunk`, fed to the function's binary.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::json;
use trunkline_tests::fault::{On, System};
use trunkline_tests::lambda::Function;
use trunkline_tests::twilio::FREE;
use trunkline_tests::{Left, World, events, redactions, twilio_number};

const BINARY: &str = env!("CARGO_BIN_EXE_update-sip-trunk");

#[tokio::test]
async fn every_event_is_answered() {
    let fed = events::feed(BINARY, "update-sip-trunk").await;
    for (name, response) in &fed.responses {
        redactions().bind(|| insta::assert_json_snapshot!(name.as_str(), response));
    }
    // The secret of the password that was replaced.
    let changed = Left { in_sweep_index: 1, secrets_scheduled: 1, ..Left::both(22) };
    assert_eq!(fed.world.left().await, changed);
}

#[tokio::test]
async fn it_answers_before_it_is_frozen() {
    let world = World::faulty().await;
    world.add_event_fixtures().await;
    let function = Function::start(BINARY, &world.environment()).await;
    let before = world.left().await;
    let gate = world.faults(System::LiveKit).hold(On::operation("UpdateSIPInboundTrunk").nth(1));
    let event = events::one("update-sip-trunk", "password");
    let response = function.invoke_within(Duration::from_secs(2), event).await;
    assert_eq!(response["statusCode"], 502, "{response}");
    assert_eq!(world.left().await, before + Left { in_sweep_index: 1, secrets_scheduled: 1, ..Left::default() });
    gate.open();
}

/// An event cannot name the trunk of a Twilio account: an import makes it.
#[tokio::test]
async fn it_tries_an_auth_token_at_twilio() {
    let world = World::start().await;
    let function = Function::start(BINARY, &world.environment()).await;
    let account = world.twilio_account();
    let number = world.client().import(&twilio_number(FREE[0], &account)).await.expect(201);
    for (token, status) in [("1f2e3d4c5b6a79880796a5b4c3d2e1f0", 400), (account.auth_token.expose_secret(), 200)] {
        let mut event = events::one("update-sip-trunk", "password");
        event["headers"]["authorization"] = json!(format!("Bearer {}", world.ready().api_key));
        event["rawPath"] = json!(format!("/v1/agents/sip-trunks/{}", number.text_of("trunk_id")));
        event["pathParameters"]["id"] = json!(number.text_of("trunk_id"));
        event["body"] = json!({"credentials": {"auth_token": token}}).to_string().into();
        let response = events::opened(function.invoke(event).await);
        assert_eq!(response["statusCode"], status, "{response}");
        let fields = &response["body"]["error"]["fields"];
        assert_eq!(fields["credentials.auth_token"].is_string(), status == 400, "{response}");
    }
    // The secret of the token that was kept before.
    assert_eq!(world.left().await, Left { in_sweep_index: 1, secrets_scheduled: 1, ..Left::both(1) });
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
        ("LIVEKIT_URL", "livekit.example"),
        ("LIVEKIT_SIP_HOST", "user@host"),
        ("ALLOW_PRIVATE_SIP_ADDRESSES", "yes"),
        ("LEASE_SECONDS", "a while"),
        ("TWILIO_API_URL", "api.twilio.example"),
        ("TWILIO_TRUNKING_URL", "ftp://trunking.twilio.example"),
    ];
    events::needs(BINARY, &settings, &malformed).await;
}
