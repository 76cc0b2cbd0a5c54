//! Which services are real: those that the environment names.

use std::collections::BTreeMap;

use trunkline_bootstrap::{Environment, SettingError};

use crate::identity::Identity;

/// The addresses of the services that a handler needs.
pub(crate) struct Services {
    pub(crate) dynamodb_url: String,
    pub(crate) secretsmanager_url: String,
    pub(crate) livekit_url: String,
    /// The emulator's; none where Twilio is real.
    pub(crate) twilio_url: Option<String>,
}

pub(crate) const DYNAMODB: &str = "AWS_ENDPOINT_URL_DYNAMODB";
pub(crate) const SECRETS_MANAGER: &str = "AWS_ENDPOINT_URL_SECRETS_MANAGER";
pub(crate) const LIVEKIT: &str = "LIVEKIT_URL";
const TWILIO_API: &str = "TWILIO_API_URL";
const TWILIO_TRUNKING: &str = "TWILIO_TRUNKING_URL";

/// What a handler on a laptop takes over from the shell, if it is set there.
const FROM_SHELL: [&str; 12] = [
    "ALLOW_PRIVATE_SIP_ADDRESSES",
    "AWS_CA_BUNDLE",
    "AWS_REGION",
    "LEASE_SECONDS",
    "LIVEKIT_AGENT_NAME",
    "LIVEKIT_SIP_HOST",
    "SECRET_PREFIX",
    "SWEEP_INTERVAL_SECONDS",
    "TABLE_NAME",
    "TOMBSTONE_SECONDS",
    TWILIO_API,
    TWILIO_TRUNKING,
];

/// Whether Twilio is: one URL is enough, since the other is Twilio's own by default.
pub(crate) fn twilio_is_real(shell: &Environment) -> bool {
    [TWILIO_API, TWILIO_TRUNKING].iter().any(|name| shell.optional(name).is_some())
}

/// The keys of the services: the shell's where a real service is used, the demo's own otherwise. Real AWS credentials
/// are taken only for a real AWS service, so that they never end in a ready file by chance; an emulator beside it takes
/// them too.
pub(crate) fn keys(shell: &Environment, identity: &Identity) -> Result<BTreeMap<String, String>, SettingError> {
    let aws_is_real = shell.optional(DYNAMODB).is_some() || shell.optional(SECRETS_MANAGER).is_some();
    let livekit_is_real = shell.optional(LIVEKIT).is_some();
    let key = |real: bool, name: &'static str, own: &str| {
        let value = if real { shell.required(name)? } else { own };
        Ok((name.to_owned(), value.to_owned()))
    };
    let mut keys = BTreeMap::from([
        key(aws_is_real, "AWS_ACCESS_KEY_ID", &identity.aws_access_key_id)?,
        key(aws_is_real, "AWS_SECRET_ACCESS_KEY", &identity.aws_secret_access_key)?,
        key(livekit_is_real, "LIVEKIT_API_KEY", &identity.livekit_api_key)?,
        key(livekit_is_real, "LIVEKIT_API_SECRET", &identity.livekit_api_secret)?,
    ]);
    if let Some(token) = shell.optional("AWS_SESSION_TOKEN").filter(|_| aws_is_real) {
        keys.insert("AWS_SESSION_TOKEN".to_owned(), token.to_owned());
    }
    Ok(keys)
}

/// The settings of the handlers: their keys, where the services are, what the shell says, and defaults.
pub(crate) fn of_handlers(
    shell: &Environment,
    keys: BTreeMap<String, String>,
    services: &Services,
) -> BTreeMap<String, String> {
    let mut settings = keys;
    let defaults = [
        ("AWS_REGION", "us-east-1"),
        ("LIVEKIT_SIP_HOST", host(&services.livekit_url)),
        ("SECRET_PREFIX", "trunkline/"),
        ("TABLE_NAME", "trunkline"),
    ];
    let urls = [
        (DYNAMODB, &services.dynamodb_url),
        (SECRETS_MANAGER, &services.secretsmanager_url),
        (LIVEKIT, &services.livekit_url),
    ];
    let twilio = services.twilio_url.iter().flat_map(|url| [(TWILIO_API, url), (TWILIO_TRUNKING, url)]);
    let from_shell = FROM_SHELL.into_iter().filter_map(|name| Some((name, shell.optional(name)?)));
    let urls = urls.into_iter().chain(twilio).map(|(name, url)| (name, url.as_str()));
    let own = defaults.into_iter().chain(from_shell).chain(urls);
    settings.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    settings
}

/// The host of a URL: where a LiveKit on one machine takes calls.
fn host(url: &str) -> &str {
    let authority = url.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}
