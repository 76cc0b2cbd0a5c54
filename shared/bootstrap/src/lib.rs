//! How a process starts: settings from the environment, clients, logging; and a function's main loop.

mod clients;
mod environment;
mod function;
mod livekit_keys;
pub mod logging;

pub use clients::{Clients, StartError};
pub use environment::{Environment, SettingError};
pub use function::{AUDIT_DIFFERENCE, Scheduled, run, run_scheduled};
pub use livekit_keys::LiveKitKeys;
