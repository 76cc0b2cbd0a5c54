//! Trunks and rules as LiveKit's messages.

use std::collections::HashMap;
use std::iter;

use livekit_protocol as proto;
use secrecy::ExposeSecret;
use trunkline_domain::{AuthPassword, AuthUsername, InboundAuth, MediaEncryption, Transport};
use trunkline_provisioning::TrunkKey;
use trunkline_provisioning::ports::{InboundTrunkSpec, OutboundTrunkSpec};

/// Under these names a caller's participant attributes tell the agent whose trunk it was called on.
const WORKSPACE_ATTRIBUTE: &str = "trunkline.workspace_id";
const TRUNK_ATTRIBUTE: &str = "trunkline.trunk_id";

pub(crate) fn inbound_trunk(spec: InboundTrunkSpec<'_>) -> proto::SipInboundTrunkInfo {
    let challenge = spec.credentials.filter(|_| spec.inbound.auth == InboundAuth::Digest);
    let (auth_username, auth_password) = login(challenge);
    let encryption = media_encryption(spec.settings.media_encryption);
    #[expect(deprecated, reason = "old servers know only the old field")]
    proto::SipInboundTrunkInfo {
        name: spec.key.id.to_string(),
        metadata: metadata(spec.key),
        numbers: iter::once(spec.key.id.to_string()).chain(spec.numbers.keys().map(ToString::to_string)).collect(),
        allowed_addresses: spec.settings.allowed_addresses.iter().map(ToString::to_string).collect(),
        auth_username,
        auth_password,
        media_encryption: encryption,
        media: Some(media(encryption)),
        ..Default::default()
    }
}

pub(crate) fn outbound_trunk(spec: OutboundTrunkSpec<'_>) -> proto::SipOutboundTrunkInfo {
    let (auth_username, auth_password) = login(spec.credentials);
    let encryption = media_encryption(spec.settings.media_encryption);
    let country = spec.outbound.destination_country;
    #[expect(deprecated, reason = "old servers know only the old field")]
    proto::SipOutboundTrunkInfo {
        name: spec.key.id.to_string(),
        metadata: metadata(spec.key),
        address: spec.address.to_string(),
        destination_country: country.map(|country| country.to_string()).unwrap_or_default(),
        transport: transport(spec.settings.transport),
        numbers: match spec.numbers.is_empty() {
            true => vec![spec.key.id.to_string()],
            false => spec.numbers.keys().map(ToString::to_string).collect(),
        },
        auth_username,
        auth_password,
        media_encryption: encryption,
        media: Some(media(encryption)),
        ..Default::default()
    }
}

/// A room for each call, named after the trunk. A rule without a trunk would match every call of the project
/// (<https://github.com/livekit/sip/issues/460>), so there is exactly one.
pub(crate) fn dispatch_rule(
    key: TrunkKey,
    livekit_trunk_id: &str,
    agent_name: Option<&str>,
) -> proto::SipDispatchRuleInfo {
    let individual = proto::SipDispatchRuleIndividual { room_prefix: key.id.to_string(), ..Default::default() };
    let agents = agent_name.map(|name| proto::RoomAgentDispatch { agent_name: name.to_owned(), ..Default::default() });
    proto::SipDispatchRuleInfo {
        name: key.id.to_string(),
        metadata: metadata(key),
        attributes: HashMap::from([
            (WORKSPACE_ATTRIBUTE.to_owned(), key.workspace_id.to_string()),
            (TRUNK_ATTRIBUTE.to_owned(), key.id.to_string()),
        ]),
        rule: Some(proto::SipDispatchRule {
            rule: Some(proto::sip_dispatch_rule::Rule::DispatchRuleIndividual(individual)),
        }),
        trunk_ids: vec![livekit_trunk_id.to_owned()],
        room_config: agents.map(|agent| proto::RoomConfiguration { agents: vec![agent], ..Default::default() }),
        ..Default::default()
    }
}

/// Whether what stands among a rule's trunks is a phone number: LiveKit puts the numbers there whose calls go to the
/// rule (livekit-cli, `phone_number.go`; the protocol's `utils/guid/id.go`).
pub(crate) fn is_phone_number(livekit_trunk_id: &str) -> bool {
    livekit_trunk_id.starts_with("PN_")
}

/// By this the checker knows an object as ours.
fn metadata(key: TrunkKey) -> String {
    serde_json::json!({
        WORKSPACE_ATTRIBUTE: key.workspace_id.to_string(),
        TRUNK_ATTRIBUTE: key.id.to_string(),
    })
    .to_string()
}

/// Whose an object is by its `metadata`; `None` when it is not ours.
pub(crate) fn owner(metadata: &str) -> Option<TrunkKey> {
    let metadata: HashMap<String, String> = serde_json::from_str(metadata).ok()?;
    let workspace_id = metadata.get(WORKSPACE_ATTRIBUTE)?.parse().ok()?;
    let id = metadata.get(TRUNK_ATTRIBUTE)?.parse().ok()?;
    Some(TrunkKey { workspace_id, id })
}

fn login(credentials: Option<(&AuthUsername, &AuthPassword)>) -> (String, String) {
    credentials
        .map(|(username, password)| (username.to_string(), password.expose_secret().to_owned()))
        .unwrap_or_default()
}

fn media(encryption: i32) -> proto::SipMediaConfig {
    proto::SipMediaConfig { encryption: Some(encryption), ..Default::default() }
}

fn media_encryption(encryption: MediaEncryption) -> i32 {
    use proto::SipMediaEncryption::{SipMediaEncryptAllow, SipMediaEncryptDisable, SipMediaEncryptRequire};
    let encryption = match encryption {
        MediaEncryption::Disable => SipMediaEncryptDisable,
        MediaEncryption::Allow => SipMediaEncryptAllow,
        MediaEncryption::Require => SipMediaEncryptRequire,
    };
    encryption.into()
}

fn transport(transport: Transport) -> i32 {
    let transport = match transport {
        Transport::Auto => proto::SipTransport::Auto,
        Transport::Udp => proto::SipTransport::Udp,
        Transport::Tcp => proto::SipTransport::Tcp,
        Transport::Tls => proto::SipTransport::Tls,
    };
    transport.into()
}
