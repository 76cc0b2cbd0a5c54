use std::time::SystemTime;

use trunkline_domain::{BoundNumbers, LiveKitObjects, NewTrunk, Trunk, TrunkId, WorkspaceId};

use crate::ports::{CommitOutcome, LiveKit, Reservation, ReserveOutcome, SecretStore, StoreError, TrunkStore};
use crate::provision::{Bought, Outcome, Provisioning};
use crate::undo::{Stopped, Undoing, Undone};
use crate::{
    Budget, CreateError, IdempotencyClaim, KeyUse, Lease, LeaseOwner, SecretPrefix, StoredResponse, Timing, TrunkKey,
};

/// Creates trunks: reserve, provision, commit; or undo.
#[derive(Debug, Clone)]
pub struct CreateTrunk<S, V, L> {
    /// Where the records are.
    pub store: S,
    /// Where the passwords are.
    pub secrets: V,
    /// Where the calls are.
    pub sip: L,
    /// What the secrets' names begin with.
    pub secret_prefix: SecretPrefix,
    /// How long a request may take.
    pub timing: Timing,
}

/// A request for a trunk.
#[derive(Debug)]
pub struct CreateRequest {
    /// Whose trunk it shall be.
    pub workspace_id: WorkspaceId,
    /// What it shall be.
    pub trunk: NewTrunk,
    /// The idempotency key, if there is one.
    pub claim: Option<IdempotencyClaim>,
    /// Who asks, once.
    pub owner: LeaseOwner,
    /// When the invocation ends, if it does.
    pub deadline: Option<SystemTime>,
}

/// The answer to a request that succeeded.
#[derive(Debug)]
pub enum Created {
    /// The trunk is live.
    Now(StoredResponse),
    /// The idempotency key's first request was answered so.
    Before(StoredResponse),
}

/// One request on its way.
struct Attempt {
    key: TrunkKey,
    trunk: NewTrunk,
    secret_name: Option<String>,
    claim: Option<IdempotencyClaim>,
    budget: Budget,
    lease: Lease,
}

impl<S: TrunkStore, V: SecretStore, L: LiveKit> CreateTrunk<S, V, L> {
    /// Creates the trunk, or leaves nothing. `render` makes the answer, which the commit keeps for the idempotency key.
    ///
    /// # Errors
    /// [`CreateError`], with everything undone or recorded for the sweeper.
    pub async fn create(
        &self,
        request: CreateRequest,
        render: impl Fn(&Trunk) -> StoredResponse + Send,
    ) -> Result<Created, CreateError> {
        let attempt = self.begin(request);
        if let Some(answered) = self.reserve(&attempt).await? {
            return Ok(Created::Before(answered));
        }
        let livekit = match self.provision(&attempt).await {
            Ok(livekit) => livekit,
            Err(outcome) => return Err(self.undo(&attempt, outcome).await),
        };
        let trunk = attempt.live(livekit);
        let answer = render(&trunk);
        self.commit(&attempt, &trunk, &answer).await?;
        Ok(Created::Now(answer))
    }

    fn begin(&self, request: CreateRequest) -> Attempt {
        let budget = Budget::start(self.timing, request.deadline);
        let key = TrunkKey { workspace_id: request.workspace_id, id: TrunkId::new() };
        // The caller's span has the field, so that every line of the request names the trunk.
        tracing::Span::current().record("trunk_id", tracing::field::display(key.id));
        Attempt {
            key,
            secret_name: request.trunk.secret.as_ref().map(|_| self.secret_prefix.name_for(key)),
            trunk: request.trunk,
            claim: request.claim,
            lease: budget.lease(request.owner),
            budget,
        }
    }

    /// Gives the answer of the idempotency key's first request, if there was one.
    async fn reserve(&self, attempt: &Attempt) -> Result<Option<StoredResponse>, CreateError> {
        let reservation = Reservation {
            key: attempt.key,
            settings: &attempt.trunk.settings,
            secret_name: attempt.secret_name.as_deref(),
            now: attempt.budget.now(),
            lease: &attempt.lease,
            claim: attempt.claim.as_ref(),
        };
        let reserve = async { tokio::join!(self.store.reserve(reservation), self.sip.prepare()).0 };
        match attempt.budget.forward(reserve).await.unwrap_or(Err(StoreError::Unanswered)) {
            Ok(ReserveOutcome::Reserved) => Ok(None),
            Ok(ReserveOutcome::KeyUsed(KeyUse::Answered(answer))) => Ok(Some(answer)),
            Ok(ReserveOutcome::KeyUsed(key_use)) => Err(CreateError::KeyUsed(key_use)),
            Ok(ReserveOutcome::AtCap { limit, used }) => Err(CreateError::AtCap { limit, used }),
            Err(error) => {
                // It may have been done, by an attempt before the one that was refused: undone like one that was. There
                // is no secret yet.
                let _ = self.take_away(attempt, Outcome::default(), None).await;
                Err(error.into())
            }
        }
    }

    async fn provision(&self, attempt: &Attempt) -> Result<LiveKitObjects, Outcome> {
        let numbers = BoundNumbers::new();
        let provisioning = Provisioning {
            secrets: &self.secrets,
            sip: &self.sip,
            key: attempt.key,
            trunk: &attempt.trunk,
            numbers: &numbers,
            secret_name: attempt.secret_name.as_deref(),
            budget: &attempt.budget,
        };
        Box::pin(provisioning.run()).await
    }

    async fn undo(&self, attempt: &Attempt, outcome: Outcome) -> CreateError {
        let error = outcome.failure().map_or(CreateError::Internal, CreateError::from);
        match self.take_away(attempt, outcome, attempt.secret_name.as_deref()).await {
            // The table is silent: only the sweeper will know.
            None | Some(Err(Stopped::Store)) => CreateError::Unavailable,
            Some(Ok(_) | Err(Stopped::Upstream)) => error,
        }
    }

    /// A commit whose answer was lost is decided by the first write of the undo.
    async fn commit(&self, attempt: &Attempt, trunk: &Trunk, answer: &StoredResponse) -> Result<(), CreateError> {
        let kept = attempt.claim.as_ref().map(|claim| (claim, answer));
        let commit = self.store.commit(trunk, &attempt.lease.owner, kept);
        let error = match attempt.budget.forward(commit).await.unwrap_or(Err(StoreError::Unanswered)) {
            Ok(CommitOutcome::Committed) => return Ok(()),
            Ok(CommitOutcome::LeaseLost) => CreateError::Unavailable,
            Err(error) => error.into(),
        };
        let made = Outcome::seen((&trunk.livekit).into());
        match self.take_away(attempt, made, attempt.secret_name.as_deref()).await {
            Some(Ok(Undone::Active)) => Ok(()),
            _ => Err(error),
        }
    }

    /// `None` when the time was over first.
    async fn take_away(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        secret_name: Option<&str>,
    ) -> Option<Result<Undone, Stopped>> {
        let undoing = Undoing {
            store: &self.store,
            secrets: &self.secrets,
            sip: &self.sip,
            key: attempt.key,
            owner: &attempt.lease.owner,
        };
        let undone = undoing.run(outcome.seen, secret_name, outcome.livekit_unsure, &Bought::No);
        let undone = attempt.budget.to_the_end(undone).await;
        if !matches!(undone, Some(Ok(Undone::Clean | Undone::Active))) {
            tracing::warn!(?undone, "what the request made is left to the sweeper");
        }
        undone
    }
}

impl Attempt {
    fn live(&self, livekit: LiveKitObjects) -> Trunk {
        Trunk {
            id: self.key.id,
            workspace_id: self.key.workspace_id,
            settings: self.trunk.settings.clone(),
            livekit,
            numbers: BoundNumbers::new(),
            version: Trunk::FIRST_VERSION,
            created_at: self.budget.now(),
            updated_at: self.budget.now(),
        }
    }
}
