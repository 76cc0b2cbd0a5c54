//! The events under `events/delete-phone-number`, fed to the function's binary.

use serde_json::{Value, json};
use trunkline_tests::lambda::Function;
use trunkline_tests::twilio::FREE;
use trunkline_tests::{Left, World, events, redactions, twilio_number};

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

/// The event of a deletion, of a number that the demo workspace of the service has imported.
async fn deletion_of(world: &World, body: &Value) -> Value {
    let number = world.client().import(body).await.expect(201);
    let mut event = events::one("delete-phone-number", "deleted");
    event["headers"]["authorization"] = json!(format!("Bearer {}", world.ready().api_key));
    event["rawPath"] = json!(format!("/v1/agents/phone-numbers/{}", number.id()));
    event["pathParameters"]["id"] = json!(number.id());
    event
}

/// An event cannot name a number that has a trunk of its own: its import makes both.
#[tokio::test]
async fn it_deletes_the_trunk_that_an_import_has_made() {
    let world = World::start().await;
    let function = Function::start(BINARY, &world.environment()).await;
    let at_twilio = world.on_twilio().await;
    let twilio = twilio_number(FREE[0], &world.twilio_account());
    for body in [twilio, json!({"e164": "+12125550100", "provider": "livekit"})] {
        let response = function.invoke(deletion_of(&world, &body).await).await;
        assert_eq!(response["statusCode"], 204, "{response}");
    }
    assert_eq!(world.on_twilio().await, at_twilio);
    assert_eq!(world.left().await, Left { secrets_scheduled: 1, ..Left::tombstones(2) });
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
