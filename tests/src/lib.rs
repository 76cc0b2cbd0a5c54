//! What the tests share: a service of their own, a client that checks every answer's envelope, probes of what is
//! left in DynamoDB, Secrets Manager, LiveKit and Twilio, and proxies that make each of these fail.

#![expect(clippy::missing_panics_doc, reason = "in a test, a panic is the report")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

mod bodies;
pub mod canary;
mod client;
mod description;
pub mod events;
pub mod fault;
pub mod faulty;
pub mod lambda;
mod left;
pub mod lines;
pub mod peers;
pub mod probe;
pub mod process;
mod redact;
pub mod sam;
mod tls;
pub mod twilio;
mod waves;
mod world;

pub use bodies::{FULL_SECRET, both, e164, inbound, livekit, number, outbound, twilio_number, with, without};
pub use client::{Answer, CODES, Client, NUMBERS, Request, TRUNKS};
pub use left::Left;
pub use redact::{redacted, redactions};
pub use waves::in_waves;
pub use world::{Setup, World};
