use serde::Serialize;
use trunkline_domain::{
    AllowedAddress, AuthUsername, CountryCode, Direction, InboundAuth, Kind, MediaEncryption, SipAddress, SipHost,
    Transport, Trunk, TrunkId, TrunkName,
};

use crate::timestamp::timestamp;

/// A SIP trunk. A field that is not set is left out.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SipTrunk"))]
pub(crate) struct TrunkBody<'a> {
    /// Also the number under which LiveKit finds the trunk.
    id: TrunkId,
    /// For people.
    name: &'a TrunkName,
    /// Whose number or carrier the trunk connects to.
    kind: Kind,
    /// Which way calls go, seen from LiveKit.
    direction: Direction,
    /// Where outbound calls go.
    #[serde(skip_serializing_if = "Option::is_none")]
    sip_address: Option<&'a SipAddress>,
    /// The user name of SIP digest authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_username: Option<&'a AuthUsername>,
    /// Whether a password is kept.
    auth_password_set: bool,
    /// Whether LiveKit challenges inbound calls. On trunks that take calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    inbound_auth: Option<InboundAuth>,
    /// Who may call in. Empty means any source.
    allowed_addresses: &'a [AllowedAddress],
    /// Where most outbound calls go.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_country: Option<CountryCode>,
    /// SIP's transport protocol.
    transport: Transport,
    /// SRTP.
    media_encryption: MediaEncryption,
    /// LiveKit's id of the inbound trunk, on trunks that take calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    livekit_inbound_trunk_id: Option<&'a str>,
    /// LiveKit's id of the outbound trunk, on trunks that make calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    livekit_outbound_trunk_id: Option<&'a str>,
    /// LiveKit's id of the dispatch rule, on trunks that take calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    livekit_dispatch_rule_id: Option<&'a str>,
    /// Where the carrier sends calls to, whole. On trunks that take calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    inbound_sip_uri: Option<String>,
    /// What is legal and still likely to surprise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<&'static str>,
    /// When the trunk was created.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    created_at: String,
    /// When the trunk was last changed.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    updated_at: String,
}

impl<'a> TrunkBody<'a> {
    /// `host` is LiveKit's SIP host, for `inbound_sip_uri`.
    pub(crate) fn new(trunk: &'a Trunk, host: &SipHost) -> Self {
        let settings = &trunk.settings;
        let inbound_objects = trunk.livekit.inbound();
        Self {
            id: trunk.id,
            name: &settings.name,
            kind: settings.kind(),
            direction: settings.direction(),
            sip_address: settings.sip_address(),
            auth_username: settings.auth_username.as_ref(),
            auth_password_set: settings.auth_username.is_some(),
            inbound_auth: settings.inbound().map(|inbound| inbound.auth),
            allowed_addresses: &settings.allowed_addresses,
            destination_country: settings.outbound().and_then(|(_, outbound)| outbound.destination_country),
            transport: settings.transport,
            media_encryption: settings.media_encryption,
            livekit_inbound_trunk_id: inbound_objects.map(|inbound| inbound.trunk_id.as_str()),
            livekit_outbound_trunk_id: trunk.livekit.outbound().map(|outbound| outbound.trunk_id.as_str()),
            livekit_dispatch_rule_id: inbound_objects.map(|inbound| inbound.dispatch_rule_id.as_str()),
            inbound_sip_uri: trunk.inbound_sip_uri(host),
            warnings: settings.warnings(),
            created_at: timestamp(trunk.created_at),
            updated_at: timestamp(trunk.updated_at),
        }
    }
}
