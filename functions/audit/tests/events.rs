//! The schedule's event, fed to the function's binary.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use trunkline_tests::{World, both, events};

const BINARY: &str = env!("CARGO_BIN_EXE_audit");

#[tokio::test]
async fn what_differs_is_counted_and_logged() {
    let world = World::start().await;
    world.client().create(&both()).await.expect(201);
    let function = world.function(BINARY, &[]).await;
    let event = events::one("audit", "every-day");
    assert_eq!(function.invoke(event.clone()).await, json!({"differences": 0}));

    let partition = format!("WS#{}", world.ready().workspace_id);
    world.dynamodb().set(&partition, "WS", "trunk_count", AttributeValue::N("3".into())).await;
    assert_eq!(function.invoke(event).await, json!({"differences": 1}));
    let logged = function.output();
    assert!(logged.contains("audit found a difference") && logged.contains("wrong_count"), "{logged}");
}

#[tokio::test]
async fn it_names_the_setting_that_it_needs() {
    let settings = [
        "TABLE_NAME",
        "SECRET_PREFIX",
        "LIVEKIT_URL",
        "LIVEKIT_API_KEY",
        "LIVEKIT_API_SECRET",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ];
    events::needs(BINARY, &settings, &[("SECRET_PREFIX", "not a prefix")]).await;
}
