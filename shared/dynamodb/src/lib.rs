//! Trunks, phone numbers, workspaces, API keys and idempotency records in the one DynamoDB table.
//!
//! | record | pk | sk |
//! | --- | --- | --- |
//! | workspace | `WS#{workspace}` | `WS` |
//! | trunk | `WS#{workspace}` | `TRUNK#{trunk}` |
//! | tombstone | `WS#{workspace}` | `TOMB#{trunk}` |
//! | phone number | `WS#{workspace}` | `NUMBER#{number}` |
//! | a Twilio account's trunk | `WS#{workspace}` | `TWILIO#{account sid}` |
//! | claim of a phone number, across workspaces | `E164#{e164}` | `E164` |
//! | idempotency | `WS#{workspace}` | `IDEM#{key hash}` |
//! | API key | `KEY#{sha-256}` | `KEY` |
//! | reference to an API key | `WS#{workspace}` | `KEYREF#{key}` |

mod api_keys;
mod conflicts;
mod create;
mod delete;
mod error;
mod expression;
mod idempotency;
mod inventory;
mod items;
mod keys;
mod numbers;
mod read;
mod schema;
mod store;
mod sweep;
mod tombstone;
mod transaction;
mod undo;
mod update;
mod workspaces;

pub use conflicts::RetryConflicts;
pub use error::AdminError;
pub use store::TrunkTable;
