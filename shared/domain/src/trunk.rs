use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    AccountSid, AllowedAddress, AuthUsername, CountryCode, Direction, E164, InboundAuth, Kind, LiveKitObjects,
    MediaEncryption, PhoneNumberId, SipAddress, SipHost, Transport, TrunkId, TrunkName, WorkspaceId,
};

/// Something for each direction that a trunk has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directional<I, O> {
    /// Calls from the carrier only.
    Inbound(I),
    /// Calls to the carrier only.
    Outbound(O),
    /// Both ways.
    Both(I, O),
}

impl<I, O> Directional<I, O> {
    /// Which directions there are.
    pub fn direction(&self) -> Direction {
        match self {
            Self::Inbound(_) => Direction::Inbound,
            Self::Outbound(_) => Direction::Outbound,
            Self::Both(..) => Direction::Both,
        }
    }

    /// What there is for calls from the carrier.
    pub fn inbound(&self) -> Option<&I> {
        match self {
            Self::Inbound(inbound) | Self::Both(inbound, _) => Some(inbound),
            Self::Outbound(_) => None,
        }
    }

    /// What there is for calls to the carrier.
    pub fn outbound(&self) -> Option<&O> {
        match self {
            Self::Outbound(outbound) | Self::Both(_, outbound) => Some(outbound),
            Self::Inbound(_) => None,
        }
    }
}

/// What only inbound calls need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboundSettings {
    /// Whether LiveKit challenges the carrier.
    pub auth: InboundAuth,
}

/// What only outbound calls need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboundSettings {
    /// Where most of the calls go: LiveKit picks a region by it.
    pub destination_country: Option<CountryCode>,
}

/// Whose number or carrier the trunk connects to, with what the contract demands of each kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// A LiveKit number, which is inbound only.
    Livekit(InboundSettings),
    /// The customer's own carrier.
    Byoc {
        /// Where outbound calls go.
        sip_address: SipAddress,
        /// Which way calls go.
        route: Directional<InboundSettings, OutboundSettings>,
    },
    /// The customer's Twilio account, both ways.
    Twilio {
        /// The termination domain, where outbound calls go.
        sip_address: SipAddress,
        /// What inbound calls need.
        inbound: InboundSettings,
        /// What outbound calls need.
        outbound: OutboundSettings,
    },
}

/// What a caller decides about a trunk and may read back: everything but its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkSettings {
    /// For people.
    pub name: TrunkName,
    /// Kind, address and directions.
    pub carrier: Carrier,
    /// Who may call in; empty means anybody.
    pub allowed_addresses: Vec<AllowedAddress>,
    /// SIP's transport.
    pub transport: Transport,
    /// SRTP.
    pub media_encryption: MediaEncryption,
    /// The digest user name; a password is kept for it whenever it is there.
    pub auth_username: Option<AuthUsername>,
}

impl TrunkSettings {
    /// Whose number or carrier it is.
    pub fn kind(&self) -> Kind {
        match self.carrier {
            Carrier::Livekit(_) => Kind::Livekit,
            Carrier::Byoc { .. } => Kind::Byoc,
            Carrier::Twilio { .. } => Kind::Twilio,
        }
    }

    /// Which way calls go.
    pub fn direction(&self) -> Direction {
        match &self.carrier {
            Carrier::Livekit(_) => Direction::Inbound,
            Carrier::Byoc { route, .. } => route.direction(),
            Carrier::Twilio { .. } => Direction::Both,
        }
    }

    /// The carrier's address, where the carrier has one.
    pub fn sip_address(&self) -> Option<&SipAddress> {
        match &self.carrier {
            Carrier::Livekit(_) => None,
            Carrier::Byoc { sip_address, .. } | Carrier::Twilio { sip_address, .. } => Some(sip_address),
        }
    }

    /// What inbound calls need, where there are any.
    pub fn inbound(&self) -> Option<&InboundSettings> {
        match &self.carrier {
            Carrier::Livekit(inbound) | Carrier::Twilio { inbound, .. } => Some(inbound),
            Carrier::Byoc { route, .. } => route.inbound(),
        }
    }

    /// The address and settings of outbound calls, where there are any.
    pub fn outbound(&self) -> Option<(&SipAddress, &OutboundSettings)> {
        match &self.carrier {
            Carrier::Livekit(_) => None,
            Carrier::Byoc { sip_address, route } => route.outbound().map(|outbound| (sip_address, outbound)),
            Carrier::Twilio { sip_address, outbound, .. } => Some((sip_address, outbound)),
        }
    }

    /// What is legal and still likely to surprise, in words for the caller.
    pub fn warnings(&self) -> Vec<&'static str> {
        let mut warnings = Vec::new();
        if self.transport == Transport::Tls {
            warnings.push("transport=tls: SIP REFER transfers will not work on this trunk");
        }
        if let Some(inbound) = self.inbound() {
            let open =
                self.allowed_addresses.is_empty() || self.allowed_addresses.iter().any(AllowedAddress::is_everything);
            match inbound.auth {
                InboundAuth::None if open => warnings.push(match self.carrier {
                    Carrier::Livekit(_) => "inbound calls are accepted from any source: set allowed_addresses",
                    Carrier::Byoc { .. } => "inbound calls are accepted from any source: set allowed_addresses to the carrier's addresses, or inbound_auth=digest",
                    Carrier::Twilio { .. } => "inbound calls are accepted from any source: set allowed_addresses to the signalling addresses that Twilio publishes",
                }),
                InboundAuth::None => {}
                InboundAuth::Digest => warnings.push(
                    "inbound_auth=digest: the carrier must answer a 407 challenge with these credentials, which most carriers never do",
                ),
            }
        }
        // LiveKit SIP sends no request of more than 1,300 bytes over UDP; an INVITE with SRTP keys and digest
        // credentials measures 1,326.
        let udp = matches!(self.transport, Transport::Auto | Transport::Udp);
        let srtp = self.media_encryption != MediaEncryption::Disable;
        if self.outbound().is_some() && self.auth_username.is_some() && udp && srtp {
            warnings.push(
                "outbound calls that the carrier challenges will fail: with credentials and media encryption the INVITE is over 1,300 bytes, which LiveKit does not send over UDP; set transport=tcp or tls, or media_encryption=disable",
            );
        }
        warnings
    }
}

/// What an import has made on the customer's Twilio account, by Twilio's sids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioObjects {
    /// The account (`AC…`).
    pub account_sid: AccountSid,
    /// The Elastic SIP trunk (`TK…`).
    pub trunk_sid: String,
    /// The credential list of its outbound calls (`CL…`).
    pub credential_list_sid: String,
}

/// The phone numbers of a trunk.
pub type BoundNumbers = BTreeMap<E164, PhoneNumberId>;

/// A live trunk: its record, its LiveKit objects and its secret all exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trunk {
    /// Also its number in LiveKit.
    pub id: TrunkId,
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// What its owner decided.
    pub settings: TrunkSettings,
    /// Its LiveKit objects, for the same directions as its settings.
    pub livekit: LiveKitObjects,
    /// What it has at Twilio, if it is of that kind.
    pub twilio: Option<TwilioObjects>,
    /// Its phone numbers.
    pub numbers: BoundNumbers,
    /// Counts the changes, for the `ETag`.
    pub version: u64,
    /// When it was reserved.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Trunk {
    /// The version of a trunk that was never changed.
    pub const FIRST_VERSION: u64 = 1;

    /// The URI that the carrier sends calls to, where calls come in. The trunk id is the user part, so that
    /// LiveKit finds the trunk before any phone number is attached to it.
    pub fn inbound_sip_uri(&self, host: &SipHost) -> Option<String> {
        self.settings.inbound()?;
        let uri = host.uri(self.id);
        Some(match self.settings.transport {
            Transport::Auto | Transport::Udp => uri,
            Transport::Tcp | Transport::Tls => format!("{uri};transport={}", self.settings.transport),
        })
    }
}
