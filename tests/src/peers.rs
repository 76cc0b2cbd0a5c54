//! Real systems in place of the emulators, named in the environment of the tests as in that of the service.

use std::collections::BTreeMap;

use reqwest::Url;

const LIVEKIT: &str = "LIVEKIT_URL";
const DYNAMODB: &str = "AWS_ENDPOINT_URL_DYNAMODB";
const SECRETS_MANAGER: &str = "AWS_ENDPOINT_URL_SECRETS_MANAGER";

/// The real systems and their keys; empty where all are emulated.
pub fn environment() -> BTreeMap<String, String> {
    let systems: [(_, &[_]); 3] = [
        (LIVEKIT, &["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"]),
        (DYNAMODB, &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
        (SECRETS_MANAGER, &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
    ];
    let mut environment = BTreeMap::new();
    for (system, keys) in systems {
        let Ok(url) = std::env::var(system) else { continue };
        assert!(is_loopback(&url), "{system}: tests leave nothing whole, so they use systems on this machine alone");
        environment.insert(system.to_owned(), url);
        for key in keys {
            let value = std::env::var(key).unwrap_or_else(|_| panic!("{system} needs {key}"));
            environment.insert((*key).to_owned(), value);
        }
    }
    environment
}

/// Whether other worlds use the same LiveKit.
pub fn livekit_is_shared() -> bool {
    std::env::var_os(LIVEKIT).is_some()
}

fn is_loopback(url: &str) -> bool {
    let url = Url::parse(url).expect("a URL");
    matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
}
