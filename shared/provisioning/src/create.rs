use std::time::SystemTime;

use trunkline_domain::{NewTrunk, Trunk, TrunkId, WorkspaceId};

use crate::attempt::{Attempt, Creating};
use crate::ports::{LiveKit, ReserveOutcome, SecretStore, TrunkStore};
use crate::provision::Bought;
use crate::{
    Budget, CreateError, IdempotencyClaim, KeyUse, LeaseOwner, SecretPrefix, StoredResponse, Timing, TrunkKey,
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
        let creating = Creating {
            store: &self.store,
            secrets: &self.secrets,
            sip: &self.sip,
            side_effect: &(),
            attempt: &attempt,
        };
        if let Some(answered) = reserved(creating.reserve().await?)? {
            return Ok(Created::Before(answered));
        }
        let livekit = match Box::pin(creating.provisioning().run()).await {
            Ok(livekit) => livekit,
            Err(outcome) => {
                let error = outcome.error(CreateError::Internal);
                return Err(creating.undo(outcome, &Bought::No, error).await);
            }
        };
        let trunk = attempt.live(livekit, None);
        let answer = render(&trunk);
        creating.commit::<CreateError>(&trunk, None, &answer, &Bought::No).await?;
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
            number: None,
            twilio_account: None,
            claim: request.claim,
            lease: budget.lease(request.owner),
            budget,
        }
    }
}

/// Gives the answer of the idempotency key's first request, if there was one.
fn reserved(outcome: ReserveOutcome) -> Result<Option<StoredResponse>, CreateError> {
    match outcome {
        ReserveOutcome::Reserved => Ok(None),
        ReserveOutcome::KeyUsed(KeyUse::Answered(answer)) => Ok(Some(answer)),
        ReserveOutcome::KeyUsed(key_use) => Err(CreateError::KeyUsed(key_use)),
        ReserveOutcome::AtCap { limit, used } => Err(CreateError::AtCap { limit, used }),
        // Said of numbers alone.
        ReserveOutcome::NumbersAtCap { .. } | ReserveOutcome::NumberTaken | ReserveOutcome::AccountTaken => {
            Err(CreateError::Internal)
        }
    }
}
