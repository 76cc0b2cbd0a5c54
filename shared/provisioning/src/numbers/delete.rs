use std::time::SystemTime;

use trunkline_domain::{Binding, Kind, PhoneNumber};

use super::{bound_trunk, kept_account, without};
use crate::change::{Changing, Step, Written};
use crate::delete::Deletion;
use crate::ports::{
    DeletionStart, LiveKit, NumberEdit, NumberFate, NumberStore, NumberWrite, SecretStore, StoreError, TrunkRecord,
    TrunkStore, TwilioService,
};
use crate::twilio::{Placement, Shall};
use crate::{Budget, DeleteError, LeaseOwner, NumberError, NumberKey, Timing, TrunkKey, Upstream};

/// Deletes phone numbers: they are free for others then.
#[derive(Debug, Clone)]
pub struct DeleteNumber<S, V, L, T> {
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

impl<S: TrunkStore + NumberStore, V: SecretStore, L: LiveKit, T: TwilioService> DeleteNumber<S, V, L, T> {
    /// Takes the number off its trunk and deletes it, or changes nothing. A trunk that its import has made goes with the
    /// last number.
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
            return self.give_back(key, number, (NumberFate::Go, None), &budget, owner).await;
        }
        let edit = NumberEdit::Remove(&number);
        let Some(binding) = number.binding else {
            let removed = budget.forward(self.store.edit_number(edit)).await;
            let removed = removed.unwrap_or(Err(StoreError::Unanswered))?;
            return if removed { Ok(()) } else { Err(NumberError::Busy) };
        };
        let trunk = budget.forward(bound_trunk(&self.store, &number, binding)).await;
        let trunk = trunk.unwrap_or(Err(NumberError::Unavailable));
        if number.provider == Kind::Twilio {
            return match trunk {
                // Whoever began to delete it has said what becomes of its numbers.
                Err(NumberError::Busy) => self.give_back(key, number, (NumberFate::Stay, None), &budget, owner).await,
                Ok(trunk) if !trunk.trunk.numbers.contains_key(&number.e164) => Err(NumberError::Busy),
                Ok(trunk) if trunk.trunk.numbers.len() == 1 => {
                    let fate = (NumberFate::Go, Some(trunk.trunk.version));
                    self.give_back(key, number, fate, &budget, owner).await
                }
                Ok(trunk) => self.disconnect(number, trunk, &budget, owner).await,
                Err(error) => Err(error),
            };
        }
        let trunk = trunk?;
        let step = without(trunk, &number.e164);
        let lease = budget.lease(owner);
        let changing = Changing {
            store: &self.store,
            secrets: &self.secrets,
            sip: &self.sip,
            side_effect: &(),
            budget: &budget,
            lease: &lease,
        };
        changing.run(&[step], Written::Number(NumberWrite::Edit(edit))).await?;
        Ok(())
    }

    /// Of a number whose account has others on the trunk: it leaves Twilio too.
    async fn disconnect(
        &self,
        number: PhoneNumber,
        trunk: TrunkRecord,
        budget: &Budget,
        owner: LeaseOwner,
    ) -> Result<(), NumberError> {
        let read = budget.forward(kept_account(&self.store, &self.secrets, &trunk)).await;
        let account = read.unwrap_or(Err(NumberError::Unavailable))?;
        let objects = trunk.trunk.twilio.clone().ok_or(NumberError::Internal)?;
        let lease = budget.lease(owner);
        let side_effect = Placement {
            twilio: &self.twilio,
            account: &account,
            trunk_sid: &objects.trunk_sid,
            number: &number.e164,
            shall: Shall::Leave,
        };
        let changing = Changing {
            store: &self.store,
            secrets: &self.secrets,
            sip: &self.sip,
            side_effect: &side_effect,
            budget,
            lease: &lease,
        };
        let step = Step { twilio_number: Some(number.e164.clone()), ..without(trunk, &number.e164) };
        changing.run(&[step], Written::Number(NumberWrite::Edit(NumberEdit::Remove(&number)))).await?;
        Ok(())
    }

    /// Of a number whose trunk goes with it, if that is of the version, and what else it has by its fate. One whose trunk is
    /// gone already goes by itself, from LiveKit first, so that a second attempt finds what a first one has left.
    async fn give_back(
        &self,
        key: NumberKey,
        number: PhoneNumber,
        fate: (NumberFate, Option<u64>),
        budget: &Budget,
        owner: LeaseOwner,
    ) -> Result<(), NumberError> {
        let give_back = async {
            let mut number = Some(number);
            if let Some(Binding { trunk_id: id, .. }) = number.as_ref().and_then(|number| number.binding) {
                self.delete_trunk(TrunkKey { workspace_id: key.workspace_id, id }, fate, budget, owner).await?;
                // Unless the trunk was being deleted without it.
                number = self.store.get_number(key).await?;
            }
            let Some(number) = number else {
                return Ok(());
            };
            if let (Kind::Livekit, Some(livekit_id)) = (number.provider, &number.provider_phone_number_id) {
                self.sip.release(livekit_id).await.map_err(|_| NumberError::Unfinished(Upstream::LiveKit))?;
            }
            match number.binding.is_none() && self.store.edit_number(NumberEdit::Remove(&number)).await? {
                true => Ok(()),
                false => Err(NumberError::Busy),
            }
        };
        budget.to_the_end(give_back).await.unwrap_or(Err(NumberError::Unavailable))
    }

    async fn delete_trunk(
        &self,
        key: TrunkKey,
        (fate, version): (NumberFate, Option<u64>),
        budget: &Budget,
        owner: LeaseOwner,
    ) -> Result<(), NumberError> {
        let lease = budget.lease(owner);
        match self.store.begin_delete(key, &lease, fate, version).await? {
            DeletionStart::Deleting(record) => {
                let deletion =
                    Deletion { store: &self.store, secrets: &self.secrets, sip: &self.sip, twilio: &self.twilio, key };
                deletion.finish::<DeleteError>(&record).await?;
            }
            DeletionStart::Absent => {}
        }
        Ok(())
    }
}
