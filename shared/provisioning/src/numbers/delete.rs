use std::time::SystemTime;

use super::{bound_trunk, without};
use crate::change::{Changing, Written};
use crate::ports::{NumberEdit, NumberStore, NumberWrite, SecretStore, SipService, StoreError, TrunkStore};
use crate::{Budget, LeaseOwner, NumberError, NumberKey, Timing};

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

impl<S: TrunkStore + NumberStore, V: SecretStore, L: SipService> DeleteNumber<S, V, L> {
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
}
