//! What a SIP trunk and a phone number are: their fields and rules, their ids.
//!
//! Values are parsed once, at the edge, into types whose existence means that they are valid:
//! [`NewTrunk::parse`] and [`NewNumber::parse`] turn a request body into what they are named for or into every violation
//! at once, [`TrunkChange::parse`] and [`NumberChange::parse`] a merge patch.
//! No I/O, no async, no AWS.

mod address;
mod allowed_address;
mod api_key;
mod change;
mod country;
mod credentials;
mod e164;
mod fields;
mod id;
mod json;
mod livekit;
mod name;
mod new_number;
#[cfg(feature = "openapi")]
mod new_number_schema;
mod new_trunk;
#[cfg(feature = "openapi")]
mod new_trunk_schema;
mod number_change;
#[cfg(feature = "openapi")]
mod number_change_schema;
mod options;
mod phone_number;
mod routability;
#[cfg(feature = "openapi")]
mod schema;
mod sip_address;
mod trunk;
mod trunk_change;
#[cfg(feature = "openapi")]
mod trunk_change_schema;
mod trunk_fields;
mod twilio;
mod violations;

pub use allowed_address::{AllowedAddress, InvalidAllowedAddress};
pub use api_key::{ApiKey, ApiKeyHash, ApiKeyState, Scope};
pub use change::Change;
pub use country::CountryCode;
pub use credentials::{AuthPassword, AuthUsername, CarrierCredentials, TrunkSecret};
pub use e164::E164;
pub use id::{ApiKeyId, PhoneNumberId, RequestId, SweepId, TrunkId, WorkspaceId};
pub use json::{InvalidJson, JsonObject};
pub use livekit::{InboundObjects, LiveKitObjects, OutboundObjects};
pub use name::{PhoneNumberLabel, TrunkName};
pub use new_number::{NewNumber, NumberSpec};
pub use new_trunk::NewTrunk;
pub use number_change::NumberChange;
pub use options::{Direction, InboundAuth, Kind, MediaEncryption, Transport, UnknownOption};
pub use phone_number::{Binding, PhoneNumber};
pub use routability::AddressPolicy;
pub use sip_address::{InvalidSipAddress, SipAddress, SipHost};
pub use trunk::{
    BoundNumbers, Carrier, Directional, InboundSettings, OutboundSettings, Trunk, TrunkSettings, TwilioObjects,
};
pub use trunk_change::{SecretChange, TrunkChange};
pub use twilio::{AccountSid, AuthToken, TwilioAccount};
pub use violations::Violations;
