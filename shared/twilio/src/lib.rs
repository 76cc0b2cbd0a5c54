//! Twilio's Elastic SIP Trunking on customers' own accounts, by its REST API
//! (<https://www.twilio.com/docs/sip-trunking/api>).
//!
//! Nothing of an answer is logged but Twilio's number for an error, or stored but sids.

mod page;
mod refusal;
mod rest;
mod service;

pub use service::{TwilioRest, TwilioUrls};
