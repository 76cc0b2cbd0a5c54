use std::time::SystemTime;

use trunkline_domain::{Kind, PhoneNumber};

use super::{bound_trunk, without};
use crate::change::{Changing, Written};
use crate::delete::finish_deletion;
use crate::ports::{
    DeletionStart, LiveKit, NumberEdit, NumberFate, NumberStore, NumberWrite, SecretStore, StoreError, TrunkStore,
};
use crate::{Budget, DeleteError, LeaseOwner, NumberError, NumberKey, Timing, TrunkKey, Upstream};

/// Deletes phone numbers: they are free for others then.
#[derive(Debug, Clone)]
pub struct DeleteNumber<S, V, L> {
    /// Where the records are.
    pub store: S,
    /// Where the passwords are.
    pub secrets: V,
    /// Where the calls are.
    pub sip: L,
    /// How long a request may take.
    pub timing: Timing,
}

impl<S: TrunkStore + NumberStore, V: SecretStore, L: LiveKit> DeleteNumber<S, V, L> {
    /// Takes the number off its trunk and deletes it, or changes nothing.
    ///
    /// # Errors
    /// [`NumberError`], with everything taken back or recorded for the sweeper.
    pub async fn delete(
        &self,
        key: NumberKey,
        owner: LeaseOwner,
        deadline: Option<SystemTime>,
    ) -> Result<(), NumberError> {
        let budget = Budget::start(self.timing, deadline);
        let read = async { tokio::join!(self.store.get_number(key), self.sip.prepare()).0 };
        let read = budget.forward(read).await.unwrap_or(Err(StoreError::Unavailable));
        let number = read?.ok_or(NumberError::NotFound)?;
        if number.provider == Kind::Livekit {
            return self.give_back(key, number, &budget, owner).await;
        }
        let edit = NumberEdit::Remove(&number);
        let Some(binding) = number.binding else {
            let removed = budget.forward(self.store.edit_number(edit)).await;
            let removed = removed.unwrap_or(Err(StoreError::Unanswered))?;
            return if removed { Ok(()) } else { Err(NumberError::Busy) };
        };
        let trunk = budget.forward(bound_trunk(&self.store, &number, binding)).await;
        let step = without(trunk.unwrap_or(Err(NumberError::Unavailable))?, &number.e164);
        let lease = budget.lease(owner);
        let changing =
            Changing { store: &self.store, secrets: &self.secrets, sip: &self.sip, budget: &budget, lease: &lease };
        changing.run(&[step], Written::Number(NumberWrite::Edit(edit))).await?;
        Ok(())
    }

    /// Of a number that was bought: its trunk goes with it. One whose trunk is gone already goes by itself, from LiveKit
    /// first, so that a second attempt finds what a first one has left.
    async fn give_back(
        &self,
        key: NumberKey,
        number: PhoneNumber,
        budget: &Budget,
        owner: LeaseOwner,
    ) -> Result<(), NumberError> {
        let give_back = async {
            let mut number = Some(number);
            if let Some(binding) = number.as_ref().and_then(|number| number.binding) {
                self.delete_trunk(TrunkKey { workspace_id: key.workspace_id, id: binding.trunk_id }, budget, owner)
                    .await?;
                // Unless the trunk was being deleted without it.
                number = self.store.get_number(key).await?;
            }
            let Some(number) = number else {
                return Ok(());
            };
            if let Some(livekit_id) = &number.provider_phone_number_id {
                self.sip.release(livekit_id).await.map_err(|_| NumberError::Unfinished(Upstream::LiveKit))?;
            }
            match number.binding.is_none() && self.store.edit_number(NumberEdit::Remove(&number)).await? {
                true => Ok(()),
                false => Err(NumberError::Busy),
            }
        };
        budget.to_the_end(give_back).await.unwrap_or(Err(NumberError::Unavailable))
    }

    async fn delete_trunk(&self, key: TrunkKey, budget: &Budget, owner: LeaseOwner) -> Result<(), NumberError> {
        let lease = budget.lease(owner);
        match self.store.begin_delete(key, &lease, NumberFate::Go).await? {
            DeletionStart::Deleting(record) => {
                finish_deletion::<_, _, _, DeleteError>(&self.store, &self.secrets, &self.sip, key, &record).await?;
            }
            DeletionStart::Absent => {}
        }
        Ok(())
    }
}
