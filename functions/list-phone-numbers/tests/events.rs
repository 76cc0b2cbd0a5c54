//! The events under `events/list-phone-numbers`, fed to the function's binary.

use trunkline_tests::{Left, events, redactions};

const BINARY: &str = env!("CARGO_BIN_EXE_list-phone-numbers");

#[tokio::test]
async fn every_event_is_answered() {
    let fed = events::feed_with_numbers(BINARY, "list-phone-numbers").await;
    for (name, response) in &fed.responses {
        redactions().bind(|| insta::assert_json_snapshot!(name.as_str(), response));
    }
    assert_eq!(fed.world.left().await, Left { in_sweep_index: 2, ..Left::both(22) }, "nothing is touched");
}

#[tokio::test]
async fn it_names_the_setting_that_it_needs() {
    let settings = ["TABLE_NAME", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    events::needs(BINARY, &settings, &[("AWS_CA_BUNDLE", "/nowhere")]).await;
}
