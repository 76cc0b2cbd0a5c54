//! The events under `events/delete-sip-trunk`, fed to the function's binary.

use trunkline_tests::{Left, events, redactions};

const BINARY: &str = env!("CARGO_BIN_EXE_delete-sip-trunk");

#[tokio::test]
async fn every_event_is_answered() {
    let fed = events::feed(BINARY, "delete-sip-trunk").await;
    for (name, response) in &fed.responses {
        redactions().bind(|| insta::assert_json_snapshot!(name.as_str(), response));
    }
    let one_gone = Left::both(21) + Left { secrets_scheduled: 1, ..Left::tombstones(1) };
    assert_eq!(fed.world.left().await, one_gone);

    let again = fed.function.invoke(events::one("delete-sip-trunk", "deleted")).await;
    redactions().bind(|| insta::assert_json_snapshot!("deleted-again", events::opened(again)));
    assert_eq!(fed.world.left().await, one_gone);
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
