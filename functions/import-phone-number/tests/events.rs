//! The events under `events/import-phone-number`, fed to the function's binary.

use std::time::Duration;

use trunkline_tests::fault::{On, System};
use trunkline_tests::lambda::Function;
use trunkline_tests::{Left, World, events, redactions};

const BINARY: &str = env!("CARGO_BIN_EXE_import-phone-number");

#[tokio::test]
async fn every_event_is_answered() {
    let fed = events::feed_with_numbers(BINARY, "import-phone-number").await;
    for (name, response) in &fed.responses {
        redactions().bind(|| insta::assert_json_snapshot!(name.as_str(), response));
    }
    let left = fed.world.left().await;
    assert_eq!(
        left,
        Left { idempotency: 1, in_sweep_index: 3, ..Left::both(23) } + Left::inbound(1) + Left::tombstones(1),
        "one trunk is made for the number that is bought, one for the Twilio account's; one is undone"
    );

    let again = fed.function.invoke(events::one("import-phone-number", "idempotent")).await;
    redactions().bind(|| insta::assert_json_snapshot!("idempotent-again", events::opened(again)));
    assert_eq!(fed.world.left().await, left);
}

#[tokio::test]
async fn it_answers_before_it_is_frozen() {
    let world = World::faulty().await;
    world.add_event_fixtures().await;
    let function = Function::start(BINARY, &world.environment()).await;
    let before = world.left().await;
    let gate = world.faults(System::LiveKit).hold(On::operation("UpdateSIPInboundTrunk").nth(1));
    let event = events::one("import-phone-number", "byoc");
    let response = function.invoke_within(Duration::from_secs(2), event).await;
    assert_eq!(response["statusCode"], 502, "{response}");
    assert_eq!(world.left().await, before + Left { in_sweep_index: 1, ..Left::default() });
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
        ("LIVEKIT_URL", "livekit.example"),
        ("LIVEKIT_SIP_HOST", "user@host"),
        ("LEASE_SECONDS", "a while"),
        ("TWILIO_API_URL", "api.twilio.example"),
        ("TWILIO_TRUNKING_URL", "ftp://trunking.twilio.example"),
    ];
    events::needs(BINARY, &settings, &malformed).await;
}
