use std::time::SystemTime;

use jiff::Timestamp;

use crate::ports::{
    DeletionStart, LiveKit, NumberFate, NumberStore, SecretStore, Settled, StoreError, TrunkStore, TwilioService,
    Unsettled,
};
use crate::provision::{UpstreamFailure, livekit, undo_objects, undo_secrets};
use crate::{Budget, DeleteError, LeaseOwner, NumberKey, Timing, TrunkKey, twilio};

/// Deletes trunks, with their LiveKit objects, secret and what they have at Twilio. Their numbers stay, without a trunk.
#[derive(Debug, Clone)]
pub struct DeleteTrunk<S, V, L, T> {
    /// Where the records are.
    pub store: S,
    /// Where the passwords are.
    pub secrets: V,
    /// Where the calls are.
    pub sip: L,
    /// Where the customers' numbers are.
    pub twilio: T,
    /// How long a request may take.
    pub timing: Timing,
}

impl<S: TrunkStore + NumberStore, V: SecretStore, L: LiveKit, T: TwilioService> DeleteTrunk<S, V, L, T> {
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
        let deletion =
            Deletion { store: &self.store, secrets: &self.secrets, sip: &self.sip, twilio: &self.twilio, key };
        let deletion = async {
            let begin = self.store.begin_delete(key, &lease, NumberFate::Stay, None);
            let (start, ()) = tokio::join!(begin, self.sip.prepare());
            match start? {
                DeletionStart::Deleting(record) => deletion.finish(&record).await,
                DeletionStart::Absent if self.store.was_deleted(key).await? => Ok(()),
                DeletionStart::Absent => Err(DeleteError::NotFound),
            }
        };
        budget.to_the_end(deletion).await.unwrap_or(Err(DeleteError::Unavailable))
    }
}

/// A deletion that has begun: a request's, or the sweeper's.
pub(crate) struct Deletion<'a, S, V, L, T> {
    pub(crate) store: &'a S,
    pub(crate) secrets: &'a V,
    pub(crate) sip: &'a L,
    pub(crate) twilio: &'a T,
    pub(crate) key: TrunkKey,
}

impl<S: TrunkStore + NumberStore, V: SecretStore, L: LiveKit, T: TwilioService> Deletion<'_, S, V, L, T> {
    /// The numbers that go, what is at Twilio, rule, trunks and secret, then the numbers' records and the trunk's. A record
    /// that another deletion has settled is settled.
    pub(crate) async fn finish<E: From<UpstreamFailure> + From<StoreError>>(
        &self,
        record: &Unsettled,
    ) -> Result<(), E> {
        match &record.twilio {
            Some(objects) => twilio::delete(self.secrets, self.twilio, objects, &record.secret_names).await?,
            None if record.fate == NumberFate::Go => self.give_back::<E>(record).await?,
            None => {}
        }
        undo_objects(self.sip, &record.seen).await?;
        undo_secrets(self.secrets, &record.secret_names).await?;
        let numbers: Vec<_> = record.numbers.iter().collect();
        for numbers in numbers.chunks(NUMBERS_AT_ONCE) {
            let numbers = numbers.iter().map(|&(e164, id)| (e164.clone(), *id)).collect();
            self.store.unbind(self.key, &numbers, record.fate, Timestamp::now()).await?;
        }
        // Another deletion has settled it, or it is not as it was read.
        if self.store.settle_delete(self.key, record).await? != Settled::Settled
            && !self.store.was_deleted(self.key).await?
        {
            return Err(StoreError::Unavailable.into());
        }
        Ok(())
    }

    /// LiveKit's numbers, before their dispatch rule: without it LiveKit keeps them, billed and out of use.
    async fn give_back<E: From<UpstreamFailure> + From<StoreError>>(&self, record: &Unsettled) -> Result<(), E> {
        for &id in record.numbers.values() {
            let key = NumberKey { workspace_id: self.key.workspace_id, id };
            let number = self.store.get_number(key).await?;
            if let Some(livekit_id) = number.and_then(|number| number.provider_phone_number_id) {
                self.sip.release(&livekit_id).await.map_err(livekit)?;
            }
        }
        Ok(())
    }
}

/// DynamoDB takes 100 writes in a transaction: the trunk's, the workspace's, and two of a number that goes.
const NUMBERS_AT_ONCE: usize = 49;

impl From<UpstreamFailure> for DeleteError {
    fn from((upstream, _): UpstreamFailure) -> Self {
        Self::Upstream(upstream)
    }
}
