//! The schedule's event, fed to the function's binary.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use trunkline_tests::fault::{Fault, On, System};
use trunkline_tests::{Left, World, both, events};

const BINARY: &str = env!("CARGO_BIN_EXE_sweep");

#[tokio::test]
async fn a_deletion_that_stopped_half_way_is_finished() {
    let world = World::faulty().await;
    let trunk = world.client().create(&both()).await.expect(201);
    world.faults(System::LiveKit).inject(On::operation("DeleteSIPTrunk"), Fault::status(500));
    world.client().delete_trunk(trunk.id()).await.expect_error(502, "upstream_failure");
    world.heal();

    let function = world.function(BINARY, &[]).await;
    let event = events::one("sweep", "every-minute");
    let nothing = json!({"settled": 0, "postponed": 0, "unfinished": false});
    assert_eq!(function.invoke(event.clone()).await, nothing, "the request's lease has not ended");

    let (partition, record) = (format!("WS#{}", world.ready().workspace_id), format!("TRUNK#{}", trunk.id()));
    for attribute in ["lease_until", "sweep_at"] {
        world.dynamodb().set(&partition, &record, attribute, AttributeValue::N("0".into())).await;
    }
    assert_eq!(function.invoke(event.clone()).await, json!({"settled": 1, "postponed": 0, "unfinished": false}));
    assert_eq!(world.left().await, Left { secrets_scheduled: 1, ..Left::tombstones(1) });
    assert_eq!(function.invoke(event).await, nothing);
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
        ("TOMBSTONE_SECONDS", "for ever"),
        ("TWILIO_API_URL", "api.twilio.example"),
        ("TWILIO_TRUNKING_URL", "ftp://trunking.twilio.example"),
    ];
    events::needs(BINARY, &settings, &malformed).await;
}
