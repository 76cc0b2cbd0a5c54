//! The events under `events/delete-phone-number`, fed to the function's binary.

use trunkline_tests::{Left, events, redactions};

const BINARY: &str = env!("CARGO_BIN_EXE_delete-phone-number");

#[tokio::test]
async fn every_event_is_answered() {
    let fed = events::feed_with_numbers(BINARY, "delete-phone-number").await;
    for (name, response) in &fed.responses {
        redactions().bind(|| insta::assert_json_snapshot!(name.as_str(), response));
    }
    let left = Left { in_sweep_index: 2, ..Left::both(22) };
    assert_eq!(fed.world.left().await, left, "the trunk stays");

    let again = fed.function.invoke(events::one("delete-phone-number", "deleted")).await;
    redactions().bind(|| insta::assert_json_snapshot!("deleted-again", events::opened(again)));
    assert_eq!(fed.world.left().await, left);
}

#[tokio::test]
async fn it_names_the_setting_that_it_needs() {
    let settings = [
        "TABLE_NAME",
        "LIVEKIT_URL",
        "LIVEKIT_API_KEY",
        "LIVEKIT_API_SECRET",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ];
    let malformed = [
        ("LIVEKIT_URL", "livekit.example"),
        ("LEASE_SECONDS", "a while"),
        ("TWILIO_API_URL", "api.twilio.example"),
        ("TWILIO_TRUNKING_URL", "ftp://trunking.twilio.example"),
    ];
    events::needs(BINARY, &settings, &malformed).await;
}
