//! Phone numbers. What LiveKit's trunks say of them is changed as a trunk is: [`Changing`](crate::change::Changing).

mod buy;
mod connect;
mod delete;
mod import;
mod update;

pub use delete::DeleteNumber;
pub use import::{ImportNumber, ImportRequest};
pub use update::{UpdateNumber, UpdateNumberRequest};

use jiff::Timestamp;
use trunkline_domain::{
    Binding, E164, Kind, NewNumber, PhoneNumber, PhoneNumberId, TrunkId, TwilioAccount, WorkspaceId,
};

use crate::change::Step;
use crate::ports::{ReserveOutcome, SecretStore, TrunkRecord, TrunkStore};
use crate::provision::secrets_manager;
use crate::{KeyUse, NumberError, StoredResponse, TrunkKey, Upstream};

/// A live trunk that numbers of a carrier may be bound to.
async fn carrier_trunk<S: TrunkStore>(
    store: &S,
    workspace_id: WorkspaceId,
    id: TrunkId,
) -> Result<TrunkRecord, NumberError> {
    let record = store.get(TrunkKey { workspace_id, id }).await?.ok_or(NumberError::NoSuchTrunk)?;
    match record.trunk.settings.kind() {
        Kind::Byoc => Ok(record),
        kind => Err(NumberError::NotByoc(kind)),
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

/// A number that is imported now onto that trunk.
fn imported(
    workspace_id: WorkspaceId,
    number: &NewNumber,
    binding: Binding,
    provider_phone_number_id: Option<String>,
    now: Timestamp,
) -> PhoneNumber {
    let number = PhoneNumber {
        id: PhoneNumberId::new(),
        workspace_id,
        e164: number.e164.clone(),
        provider: number.spec.provider(),
        label: number.label.clone(),
        binding: Some(binding),
        provider_phone_number_id,
        version: PhoneNumber::FIRST_VERSION,
        created_at: now,
        updated_at: now,
    };
    // The caller's span has the fields, so that every line of the request names the number and its trunk.
    let span = tracing::Span::current();
    span.record("trunk_id", tracing::field::display(binding.trunk_id));
    span.record("phone_number_id", tracing::field::display(number.id));
    number
}

/// Gives the answer of the idempotency key's first request, if there was one.
fn reserved(outcome: ReserveOutcome) -> Result<Option<StoredResponse>, NumberError> {
    match outcome {
        ReserveOutcome::Reserved => Ok(None),
        ReserveOutcome::KeyUsed(key_use) => used(key_use).map(Some),
        ReserveOutcome::AtCap { limit, used } => Err(NumberError::TrunksAtCap { limit, used }),
        ReserveOutcome::NumbersAtCap { limit, used } => Err(NumberError::AtCap { limit, used }),
        ReserveOutcome::NumberTaken => Err(NumberError::Taken),
        ReserveOutcome::AccountTaken => Err(NumberError::Busy),
    }
}

/// The answer of the first request with an idempotency key that was used.
fn used(key_use: KeyUse) -> Result<StoredResponse, NumberError> {
    match key_use {
        KeyUse::Answered(answer) => Ok(answer),
        key_use => Err(NumberError::KeyUsed(key_use)),
    }
}

/// The account whose numbers share a trunk, as the trunk's secret opens it.
async fn kept_account<S: TrunkStore, V: SecretStore>(
    store: &S,
    secrets: &V,
    record: &TrunkRecord,
) -> Result<TwilioAccount, NumberError> {
    let missing = NumberError::Upstream(Upstream::SecretsManager);
    let Some(name) = &record.secret_name else {
        return Err(missing);
    };
    let secret = secrets.read(name).await.map_err(secrets_manager)?;
    if let Some(account) = secret.as_ref().and_then(TwilioAccount::of_secret) {
        return Ok(account);
    }
    // Unless the trunk has another by now, or is being deleted.
    match store.get(TrunkKey::from(&record.trunk)).await? {
        Some(now) if now.secret_name == record.secret_name => Err(missing),
        _ => Err(NumberError::Busy),
    }
}
