use crate::{E164, Kind, PhoneNumberLabel, TrunkId, TwilioAccount};

/// A phone number that may be imported: every rule of the contract holds.
#[derive(Debug, Clone)]
pub struct NewNumber {
    /// The number.
    pub e164: E164,
    /// For people.
    pub label: Option<PhoneNumberLabel>,
    /// Who gives it, with what that takes.
    pub spec: NumberSpec,
}

/// Who gives a number, with what that takes.
#[derive(Debug, Clone)]
pub enum NumberSpec {
    /// The customer's own carrier.
    Byoc {
        /// The trunk that the carrier is connected by.
        trunk_id: TrunkId,
    },
    /// The customer's Twilio account.
    Twilio(TwilioAccount),
    /// LiveKit.
    Livekit,
}

impl NumberSpec {
    /// The provider alone.
    pub fn provider(&self) -> Kind {
        match self {
            Self::Byoc { .. } => Kind::Byoc,
            Self::Twilio(_) => Kind::Twilio,
            Self::Livekit => Kind::Livekit,
        }
    }
}
