//! What is done with a trunk: [`CreateTrunk`], [`UpdateTrunk`], [`DeleteTrunk`] and [`Sweep`], each step beside its undo;
//! with its phone numbers: [`ImportNumber`], [`UpdateNumber`], [`DeleteNumber`]; [`Audit`]; [`Workspaces`], the operators'
//! part; and the [`ports`] through which they reach DynamoDB, Secrets Manager, LiveKit and Twilio.
//!
//! The protocol: reserve or begin (one write), provision or change (as much in parallel as an undo allows), commit (one write). What fails is
//! undone under the same lease; what cannot be undone at once stays in the sweep index.

mod attempt;
mod audit;
mod budget;
mod change;
mod create;
mod delete;
mod error;
mod idempotency;
mod keys;
mod lease;
mod numbers;
pub mod ports;
mod provision;
mod secret_name;
mod seen;
mod sweep;
mod twilio;
mod undo;
mod update;
mod workspaces;

pub use audit::{Audit, AuditError, Difference, NumberProblem, ObjectProblem, Repaired};
pub use budget::{Budget, Timing};
pub use create::{CreateRequest, CreateTrunk, Created};
pub use delete::DeleteTrunk;
pub use error::{CreateError, DeleteError, NumberError, UpdateError, Upstream};
pub use idempotency::{IdempotencyClaim, KeyUse, StoredResponse};
pub use keys::{NumberKey, TrunkKey};
pub use lease::{Lease, LeaseOwner};
pub use numbers::{DeleteNumber, ImportNumber, ImportRequest, UpdateNumber, UpdateNumberRequest};
pub use secret_name::SecretPrefix;
pub use seen::SeenObjects;
pub use sweep::{SWEEP_STUCK, Sweep, Swept};
pub use update::{UpdateRequest, UpdateTrunk};
pub use workspaces::{WorkspaceError, Workspaces};
