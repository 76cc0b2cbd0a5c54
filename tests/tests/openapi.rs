//! The description of the API.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::fs;

#[test]
fn openapi_yaml_says_what_the_types_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi.yaml");
    assert!(
        fs::read_to_string(path).unwrap() == trunkline_http::openapi(),
        "openapi.yaml is stale: {}",
        trunkline_http::OPENAPI_COMMAND
    );
}
