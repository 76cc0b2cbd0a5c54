use std::time::SystemTime;

use jiff::Timestamp;

use crate::ports::{
    DeletionStart, LiveKit, NumberFate, NumberStore, SecretStore, Settled, StoreError, TrunkStore, Unsettled,
};
use crate::provision::{UpstreamFailure, livekit, undo_objects, undo_secrets};
use crate::{Budget, DeleteError, LeaseOwner, NumberKey, Timing, TrunkKey};

/// Deletes trunks, with their LiveKit objects and secret. Their numbers stay, without a trunk.
#[derive(Debug, Clone)]
pub struct DeleteTrunk<S, V, L> {
    /// Where the records are.
    pub store: S,
    /// Where the passwords are.
    pub secrets: V,
    /// Where the calls are.
    pub sip: L,
    /// How long a request may take.
    pub timing: Timing,
}

impl<S: TrunkStore + NumberStore, V: SecretStore, L: LiveKit> DeleteTrunk<S, V, L> {
    /// Deletes a trunk. Deleting it again, also at the same moment, succeeds.
    ///
    /// # Errors
    /// [`DeleteError`]. After an upstream's failure the trunk is no longer shown and the sweeper goes on with it.
    pub async fn delete(
        &self,
        key: TrunkKey,
        owner: LeaseOwner,
        deadline: Option<SystemTime>,
    ) -> Result<(), DeleteError> {
        let budget = Budget::start(self.timing, deadline);
        let lease = budget.lease(owner);
        let deletion = async {
            let (start, ()) = tokio::join!(self.store.begin_delete(key, &lease, NumberFate::Stay), self.sip.prepare());
            match start? {
                DeletionStart::Deleting(record) => {
                    finish_deletion(&self.store, &self.secrets, &self.sip, key, &record).await
                }
                DeletionStart::Absent if self.store.was_deleted(key).await? => Ok(()),
                DeletionStart::Absent => Err(DeleteError::NotFound),
            }
        };
        budget.to_the_end(deletion).await.unwrap_or(Err(DeleteError::Unavailable))
    }
}

/// The numbers that go, rule, trunks and secret, then the numbers' records and the trunk's: for a request and for the sweeper. A record that another deletion has
/// settled is settled.
pub(crate) async fn finish_deletion<
    S: TrunkStore + NumberStore,
    V: SecretStore,
    L: LiveKit,
    E: From<UpstreamFailure> + From<StoreError>,
>(
    store: &S,
    secrets: &V,
    sip: &L,
    key: TrunkKey,
    record: &Unsettled,
) -> Result<(), E> {
    if record.fate == NumberFate::Go {
        // Before their dispatch rule: without it LiveKit keeps them, billed and out of use.
        for &id in record.numbers.values() {
            let number = store.get_number(NumberKey { workspace_id: key.workspace_id, id }).await?;
            if let Some(livekit_id) = number.and_then(|number| number.provider_phone_number_id) {
                sip.release(&livekit_id).await.map_err(livekit)?;
            }
        }
    }
    undo_objects(sip, &record.seen).await?;
    undo_secrets(secrets, &record.secret_names).await?;
    let numbers: Vec<_> = record.numbers.iter().collect();
    for numbers in numbers.chunks(NUMBERS_AT_ONCE) {
        let numbers = numbers.iter().map(|&(e164, id)| (e164.clone(), *id)).collect();
        store.unbind(key, &numbers, record.fate, Timestamp::now()).await?;
    }
    // Another deletion has settled it, or it is not as it was read.
    if store.settle_delete(key, record).await? != Settled::Settled && !store.was_deleted(key).await? {
        return Err(StoreError::Unavailable.into());
    }
    Ok(())
}

/// DynamoDB takes 100 writes in a transaction: the trunk's, the workspace's, and two of a number that goes.
const NUMBERS_AT_ONCE: usize = 49;

impl From<UpstreamFailure> for DeleteError {
    fn from((upstream, _): UpstreamFailure) -> Self {
        Self::Upstream(upstream)
    }
}
