//! LiveKit's SIP service, trunks and dispatch rules, and its phone-number service, by Twirp
//! (<https://docs.livekit.io/sip/api/>, <https://docs.livekit.io/reference/telephony/phone-numbers-api.md>, messages of
//! `livekit-protocol`).
//!
//! LiveKit answers create and list with the SIP password in clear: nothing of a response is logged or stored
//! but ids; what the checker compares more of, [`Content`], cannot be printed.

mod access;
mod inventory;
mod messages;
mod numbers;
mod service;
mod twirp;

pub use access::{ApiKeySource, LiveKitApiKey, NoApiKey};
pub use inventory::Content;
pub use service::LiveKitSip;
