//! The services that `trunkline dev` stands in for: Secrets Manager, LiveKit's SIP API, and
//! Twilio's REST API.
//!
//! Each speaks its real wire protocol, so that the production adapters are the only adapters, and
//! refuses what the real service refuses, in the same words.

pub mod journal;
pub mod livekit;
pub mod secrets_manager;
pub mod twilio;
