//! A trunk that does not exist yet, on its way: reserve, provision, commit; or undo.

use trunkline_domain::{AccountSid, BoundNumbers, LiveKitObjects, NewTrunk, PhoneNumber, Trunk, TwilioObjects};

use crate::ports::{
    CommitOutcome, LeftBehind, LiveKit, Reservation, ReserveOutcome, SecretStore, StoreError, TrunkStore,
};
use crate::provision::{Bought, Outcome, Provisioning};
use crate::undo::{CreateSideEffect, Stopped, Undoing, Undone};
use crate::{Budget, IdempotencyClaim, Lease, StoredResponse, TrunkKey};

/// What shall be.
pub(crate) struct Attempt {
    pub(crate) key: TrunkKey,
    pub(crate) trunk: NewTrunk,
    /// The number that is imported with it.
    pub(crate) number: Option<PhoneNumber>,
    /// The Twilio account that its number is on.
    pub(crate) twilio_account: Option<AccountSid>,
    pub(crate) secret_name: Option<String>,
    pub(crate) claim: Option<IdempotencyClaim>,
    pub(crate) budget: Budget,
    pub(crate) lease: Lease,
}

/// The systems that it is made in.
pub(crate) struct Creating<'a, S, V, L, X> {
    pub(crate) store: &'a S,
    pub(crate) secrets: &'a V,
    pub(crate) sip: &'a L,
    pub(crate) side_effect: &'a X,
    pub(crate) attempt: &'a Attempt,
}

impl<S: TrunkStore, V: SecretStore, L: LiveKit, X: CreateSideEffect> Creating<'_, S, V, L, X> {
    pub(crate) async fn reserve(&self) -> Result<ReserveOutcome, StoreError> {
        let Attempt { key, trunk, number, twilio_account, secret_name, claim, budget, lease } = self.attempt;
        let reservation = Reservation {
            key: *key,
            settings: &trunk.settings,
            secret_name: secret_name.as_deref(),
            now: budget.now(),
            lease,
            claim: claim.as_ref(),
            number: number.as_ref(),
            twilio_account: twilio_account.as_ref(),
        };
        let reserve = async { tokio::join!(self.store.reserve(reservation), self.sip.prepare()).0 };
        let reserved = budget.forward(reserve).await.unwrap_or(Err(StoreError::Unanswered));
        if reserved.is_err() {
            // It may have been done, by an attempt before the one that was refused: undone like one that was. There is
            // nothing else yet.
            let _ = self.take_away(Outcome::default(), None, &Bought::No).await;
        }
        reserved
    }

    /// What makes the LiveKit objects and the secret.
    pub(crate) fn provisioning(&self) -> Provisioning<'_, V, L> {
        Provisioning {
            secrets: self.secrets,
            sip: self.sip,
            key: self.attempt.key,
            trunk: &self.attempt.trunk,
            numbers: self.attempt.numbers(),
            secret_name: self.attempt.secret_name.as_deref(),
            budget: &self.attempt.budget,
        }
    }

    /// Undoes what failed with `error`; gives what the caller is told.
    pub(crate) async fn undo<E: From<StoreError>>(&self, outcome: Outcome, bought: &Bought, error: E) -> E {
        match self.take_away(outcome, self.attempt.secret_name.as_deref(), bought).await {
            // The table is silent: only the sweeper will know.
            None | Some(Err(Stopped::Store)) => StoreError::Unavailable.into(),
            Some(Ok(_) | Err(Stopped::Upstream)) => error,
        }
    }

    /// A commit whose answer was lost is decided by the first write of the undo.
    pub(crate) async fn commit<E: From<StoreError>>(
        &self,
        trunk: &Trunk,
        number: Option<&PhoneNumber>,
        answer: &StoredResponse,
        bought: &Bought,
    ) -> Result<(), E> {
        let Attempt { claim, budget, lease, secret_name, .. } = self.attempt;
        let kept = claim.as_ref().map(|claim| (claim, answer));
        let commit = self.store.commit(trunk, number, &lease.owner, kept);
        let error = match budget.forward(commit).await.unwrap_or(Err(StoreError::Unanswered)) {
            Ok(CommitOutcome::Committed) => return Ok(()),
            Ok(CommitOutcome::LeaseLost) => StoreError::Unavailable,
            Err(error) => error,
        };
        let made = Outcome::seen((&trunk.livekit).into());
        match self.take_away(made, secret_name.as_deref(), bought).await {
            Some(Ok(Undone::Active)) => Ok(()),
            _ => Err(error.into()),
        }
    }

    /// `None` when the time was over first.
    async fn take_away(
        &self,
        outcome: Outcome,
        secret_name: Option<&str>,
        bought: &Bought,
    ) -> Option<Result<Undone, Stopped>> {
        let undoing = Undoing {
            store: self.store,
            secrets: self.secrets,
            sip: self.sip,
            side_effect: self.side_effect,
            key: self.attempt.key,
            owner: &self.attempt.lease.owner,
        };
        let Attempt { number, twilio_account, .. } = self.attempt;
        let left = LeftBehind {
            seen: outcome.seen,
            secret_names: secret_name.map(str::to_owned).into_iter().collect(),
            number: number.as_ref().map(|number| number.e164.clone()),
            twilio_account: twilio_account.clone(),
        };
        let undone = undoing.run(left, outcome.livekit_unsure, bought);
        let undone = self.attempt.budget.to_the_end(undone).await;
        if !matches!(undone, Some(Ok(Undone::Clean | Undone::Active))) {
            tracing::warn!(?undone, "what the request made is left to the sweeper");
        }
        undone
    }
}

impl Attempt {
    fn numbers(&self) -> BoundNumbers {
        self.number.iter().map(|number| (number.e164.clone(), number.id)).collect()
    }

    /// The trunk, with what was made for it.
    pub(crate) fn live(&self, livekit: LiveKitObjects, twilio: Option<TwilioObjects>) -> Trunk {
        Trunk {
            id: self.key.id,
            workspace_id: self.key.workspace_id,
            settings: self.trunk.settings.clone(),
            livekit,
            twilio,
            numbers: self.numbers(),
            version: Trunk::FIRST_VERSION,
            created_at: self.budget.now(),
            updated_at: self.budget.now(),
        }
    }
}
