use trunkline_domain::{
    Binding, BoundNumbers, Direction, Kind, LiveKitObjects, NewNumber, NewTrunk, PhoneNumber, PhoneNumberId, Trunk,
    TrunkId,
};

use super::{ImportNumber, ImportRequest};
use crate::ports::{
    CommitOutcome, LiveKit, PurchaseError, PurchaseReserve, Reservation, ReserveOutcome, SecretStore, StoreError,
    TrunkStore, UpstreamError,
};
use crate::provision::{Bought, Outcome, Provisioning, livekit};
use crate::undo::{Stopped, Undoing, Undone};
use crate::{Budget, Created, IdempotencyClaim, KeyUse, Lease, NumberError, StoredResponse, TrunkKey};

/// One purchase on its way.
struct Purchase {
    key: TrunkKey,
    trunk: NewTrunk,
    number: PhoneNumber,
    claim: Option<IdempotencyClaim>,
    budget: Budget,
    lease: Lease,
}

/// Why a purchase failed, and what of it there may be.
struct Failed {
    error: NumberError,
    outcome: Outcome,
    bought: Bought,
}

impl<S: TrunkStore, V: SecretStore, L: LiveKit> ImportNumber<S, V, L> {
    /// Buys a number of LiveKit's own, with a trunk and a dispatch rule that it rings on.
    pub(super) async fn buy(
        &self,
        request: ImportRequest,
        render: impl Fn(&PhoneNumber) -> StoredResponse + Send,
    ) -> Result<Created, NumberError> {
        let mut purchase = self.begin_purchase(request);
        if let Some(answered) = self.reserve_purchase(&purchase).await? {
            return Ok(Created::Before(answered));
        }
        let livekit = match self.purchase(&mut purchase).await {
            Ok(livekit) => livekit,
            Err(failed) => return Err(self.undo_purchase(&purchase, failed).await),
        };
        let answer = render(&purchase.number);
        self.commit_purchase(&purchase, livekit, &answer).await?;
        Ok(Created::Now(answer))
    }

    fn begin_purchase(&self, request: ImportRequest) -> Purchase {
        let ImportRequest { workspace_id, number: NewNumber { e164, label, .. }, claim, owner, deadline } = request;
        let budget = Budget::start(self.timing, deadline);
        let key = TrunkKey { workspace_id, id: TrunkId::new() };
        let trunk = NewTrunk::of_livekit_number(&e164);
        let number = PhoneNumber {
            id: PhoneNumberId::new(),
            workspace_id,
            e164,
            provider: Kind::Livekit,
            label,
            binding: Some(Binding { trunk_id: key.id, direction: Direction::Inbound }),
            provider_phone_number_id: None,
            version: PhoneNumber::FIRST_VERSION,
            created_at: budget.now(),
            updated_at: budget.now(),
        };
        let span = tracing::Span::current();
        span.record("trunk_id", tracing::field::display(key.id));
        span.record("phone_number_id", tracing::field::display(number.id));
        Purchase { key, trunk, number, claim, lease: budget.lease(owner), budget }
    }

    /// Gives the answer of the idempotency key's first request, if there was one.
    async fn reserve_purchase(&self, purchase: &Purchase) -> Result<Option<StoredResponse>, NumberError> {
        let reservation = Reservation {
            key: purchase.key,
            settings: &purchase.trunk.settings,
            secret_name: None,
            now: purchase.budget.now(),
            lease: &purchase.lease,
            claim: purchase.claim.as_ref(),
        };
        let reserve = self.store.reserve_purchase(reservation, &purchase.number);
        let reserve = async { tokio::join!(reserve, self.sip.prepare()).0 };
        let trunk = match purchase.budget.forward(reserve).await.unwrap_or(Err(StoreError::Unanswered)) {
            Ok(PurchaseReserve::Trunk(trunk)) => trunk,
            Ok(PurchaseReserve::AtCap { limit, used }) => return Err(NumberError::AtCap { limit, used }),
            Ok(PurchaseReserve::Taken) => return Err(NumberError::Taken),
            Err(error) => {
                // It may have been done, by an attempt before the one that was refused: undone like one that was.
                let _ = self.take_away(purchase, Outcome::default(), &Bought::No).await;
                return Err(error.into());
            }
        };
        match trunk {
            ReserveOutcome::Reserved => Ok(None),
            ReserveOutcome::AtCap { limit, used } => Err(NumberError::TrunksAtCap { limit, used }),
            ReserveOutcome::KeyUsed(KeyUse::Answered(answer)) => Ok(Some(answer)),
            ReserveOutcome::KeyUsed(key_use) => Err(NumberError::KeyUsed(key_use)),
        }
    }

    /// Trunk, then its rule, then the number: it costs money, and is known as ours by the rule alone.
    async fn purchase(&self, purchase: &mut Purchase) -> Result<LiveKitObjects, Failed> {
        let numbers = purchase.numbers();
        let provisioning = Provisioning {
            secrets: &self.secrets,
            sip: &self.sip,
            key: purchase.key,
            trunk: &purchase.trunk,
            numbers: &numbers,
            secret_name: None,
            budget: &purchase.budget,
        };
        let objects = Box::pin(provisioning.run()).await.map_err(|outcome| Failed {
            error: outcome.failure().map_or(NumberError::Internal, NumberError::from),
            outcome,
            bought: Bought::No,
        })?;
        let rule_id = objects.inbound().map(|inbound| inbound.dispatch_rule_id.as_str()).unwrap_or_default();
        let bought = purchase.budget.forward(self.sip.purchase(&purchase.number.e164, rule_id)).await;
        match bought.unwrap_or(Err(PurchaseError::Upstream(UpstreamError::Unanswered))) {
            Ok(id) => {
                purchase.number.provider_phone_number_id = Some(id);
                Ok(objects)
            }
            Err(error) => {
                let may_be_bought = matches!(error, PurchaseError::Upstream(UpstreamError::Unanswered));
                Err(Failed {
                    error: error.into(),
                    outcome: Outcome::seen((&objects).into()),
                    bought: if may_be_bought { Bought::Perhaps(purchase.number.e164.clone()) } else { Bought::No },
                })
            }
        }
    }

    async fn undo_purchase(&self, purchase: &Purchase, failed: Failed) -> NumberError {
        let Failed { error, outcome, bought } = failed;
        match self.take_away(purchase, outcome, &bought).await {
            // The table is silent: only the sweeper will know.
            None | Some(Err(Stopped::Store)) => NumberError::Unavailable,
            Some(Ok(_) | Err(Stopped::Upstream)) => error,
        }
    }

    /// A commit whose answer was lost is decided by the first write of the undo.
    async fn commit_purchase(
        &self,
        purchase: &Purchase,
        livekit: LiveKitObjects,
        answer: &StoredResponse,
    ) -> Result<(), NumberError> {
        let trunk = purchase.live(livekit);
        let kept = purchase.claim.as_ref().map(|claim| (claim, answer));
        let commit = self.store.commit_purchase(&trunk, &purchase.number, &purchase.lease.owner, kept);
        let error = match purchase.budget.forward(commit).await.unwrap_or(Err(StoreError::Unanswered)) {
            Ok(CommitOutcome::Committed) => return Ok(()),
            Ok(CommitOutcome::LeaseLost) => NumberError::Unavailable,
            Err(error) => error.into(),
        };
        let bought = purchase.number.provider_phone_number_id.clone().map_or(Bought::No, Bought::Yes);
        match self.take_away(purchase, Outcome::seen((&trunk.livekit).into()), &bought).await {
            Some(Ok(Undone::Active)) => Ok(()),
            _ => Err(error),
        }
    }

    /// `None` when the time was over first.
    async fn take_away(
        &self,
        purchase: &Purchase,
        outcome: Outcome,
        bought: &Bought,
    ) -> Option<Result<Undone, Stopped>> {
        let undoing = Undoing {
            store: &self.store,
            secrets: &self.secrets,
            sip: &self.sip,
            key: purchase.key,
            owner: &purchase.lease.owner,
        };
        let undone = undoing.run(outcome.seen, None, outcome.livekit_unsure, bought);
        let undone = purchase.budget.to_the_end(undone).await;
        if !matches!(undone, Some(Ok(Undone::Clean | Undone::Active))) {
            tracing::warn!(?undone, "what the request made is left to the sweeper");
        }
        undone
    }
}

impl Purchase {
    fn numbers(&self) -> BoundNumbers {
        BoundNumbers::from([(self.number.e164.clone(), self.number.id)])
    }

    fn live(&self, livekit: LiveKitObjects) -> Trunk {
        Trunk {
            id: self.key.id,
            workspace_id: self.key.workspace_id,
            settings: self.trunk.settings.clone(),
            livekit,
            numbers: self.numbers(),
            version: Trunk::FIRST_VERSION,
            created_at: self.budget.now(),
            updated_at: self.budget.now(),
        }
    }
}

impl From<PurchaseError> for NumberError {
    fn from(error: PurchaseError) -> Self {
        match error {
            PurchaseError::NotUs | PurchaseError::NotAvailable => Self::NotForSale,
            // By somebody outside our tables.
            PurchaseError::AlreadyOwned => Self::Taken,
            PurchaseError::NoService => Self::NotSupported(Kind::Livekit),
            PurchaseError::Upstream(error) => livekit(error).into(),
        }
    }
}
