//! Phone numbers. What LiveKit's trunks say of them is changed as a trunk is: [`Changing`](crate::change::Changing).

mod buy;
mod delete;
mod import;
mod update;

pub use delete::DeleteNumber;
pub use import::{ImportNumber, ImportRequest};
pub use update::{UpdateNumber, UpdateNumberRequest};

use trunkline_domain::{Binding, E164, Kind, PhoneNumber, PhoneNumberId, TrunkId, WorkspaceId};

use crate::change::Step;
use crate::ports::{TrunkRecord, TrunkStore};
use crate::{NumberError, TrunkKey};

/// A live trunk that numbers of a carrier may be bound to.
async fn carrier_trunk<S: TrunkStore>(
    store: &S,
    workspace_id: WorkspaceId,
    id: TrunkId,
) -> Result<TrunkRecord, NumberError> {
    let record = store.get(TrunkKey { workspace_id, id }).await?.ok_or(NumberError::NoSuchTrunk)?;
    match record.trunk.settings.kind() {
        Kind::Byoc => Ok(record),
        kind => Err(NumberError::OtherKind(kind)),
    }
}

/// The trunk that a number is bound to. One that is not there is being deleted, and the number with it unbound.
async fn bound_trunk<S: TrunkStore>(
    store: &S,
    number: &PhoneNumber,
    binding: Binding,
) -> Result<TrunkRecord, NumberError> {
    let key = TrunkKey { workspace_id: number.workspace_id, id: binding.trunk_id };
    store.get(key).await?.ok_or(NumberError::Busy)
}

fn with(record: TrunkRecord, e164: &E164, id: PhoneNumberId) -> Step {
    let mut numbers = record.trunk.numbers.clone();
    numbers.insert(e164.clone(), id);
    Step::renumbered(record, numbers)
}

fn without(record: TrunkRecord, e164: &E164) -> Step {
    let mut numbers = record.trunk.numbers.clone();
    numbers.remove(e164);
    Step::renumbered(record, numbers)
}
