use std::time::SystemTime;

use trunkline_domain::{Binding, NewNumber, NumberSpec, PhoneNumber, PhoneNumberId, TrunkId, WorkspaceId};

use super::{carrier_trunk, with};
use crate::change::{Begun, Changing, Written};
use crate::ports::{ImportStart, LiveKit, NumberReservation, NumberWrite, SecretStore, StoreError, TrunkStore};
use crate::{Budget, Created, IdempotencyClaim, KeyUse, LeaseOwner, NumberError, StoredResponse, Timing};

/// Imports phone numbers: reserve, bind, commit; or undo.
#[derive(Debug, Clone)]
pub struct ImportNumber<S, V, L> {
    /// Where the records are.
    pub store: S,
    /// Where the passwords are.
    pub secrets: V,
    /// Where the calls are.
    pub sip: L,
    /// How long a request may take.
    pub timing: Timing,
}

/// A request to import a number.
#[derive(Debug)]
pub struct ImportRequest {
    /// Whose number it shall be.
    pub workspace_id: WorkspaceId,
    /// What it shall be.
    pub number: NewNumber,
    /// The idempotency key, if there is one.
    pub claim: Option<IdempotencyClaim>,
    /// Who asks, once.
    pub owner: LeaseOwner,
    /// When the invocation ends, if it does.
    pub deadline: Option<SystemTime>,
}

impl<S: TrunkStore, V: SecretStore, L: LiveKit> ImportNumber<S, V, L> {
    /// Imports the number, or leaves nothing. `render` makes the answer, which the commit keeps for the idempotency key.
    ///
    /// # Errors
    /// [`NumberError`], with everything undone or recorded for the sweeper.
    pub async fn import(
        &self,
        request: ImportRequest,
        render: impl Fn(&PhoneNumber) -> StoredResponse + Send,
    ) -> Result<Created, NumberError> {
        let provider = request.number.spec.provider();
        match request.number.spec {
            NumberSpec::Byoc { trunk_id } => self.bind(request, trunk_id, render).await,
            NumberSpec::Livekit => self.buy(request, render).await,
            NumberSpec::Twilio(_) => Err(NumberError::NotSupported(provider)),
        }
    }

    /// Registers a carrier's number on a trunk.
    async fn bind(
        &self,
        request: ImportRequest,
        trunk_id: TrunkId,
        render: impl Fn(&PhoneNumber) -> StoredResponse + Send,
    ) -> Result<Created, NumberError> {
        let ImportRequest { workspace_id, number: NewNumber { e164, label, spec }, claim, owner, deadline } = request;
        let budget = Budget::start(self.timing, deadline);
        let read = async { tokio::join!(carrier_trunk(&self.store, workspace_id, trunk_id), self.sip.prepare()).0 };
        let trunk = budget.forward(read).await.unwrap_or(Err(NumberError::Unavailable))?;
        let number = PhoneNumber {
            id: PhoneNumberId::new(),
            workspace_id,
            e164,
            provider: spec.provider(),
            label,
            binding: Some(Binding { trunk_id, direction: trunk.trunk.settings.direction() }),
            provider_phone_number_id: None,
            version: PhoneNumber::FIRST_VERSION,
            created_at: budget.now(),
            updated_at: budget.now(),
        };
        // The caller's span has the field, so that every line of the request names the number.
        tracing::Span::current().record("phone_number_id", tracing::field::display(number.id));
        let lease = budget.lease(owner);
        let changing =
            Changing { store: &self.store, secrets: &self.secrets, sip: &self.sip, budget: &budget, lease: &lease };
        let step = with(trunk, &number.e164, number.id);
        let update = changing.update_of(&step);
        let reservation = NumberReservation { number: &number, claim: claim.as_ref() };
        let begin = budget.forward(self.store.begin_import(&update, &reservation));
        let (start, kept_secret) = tokio::join!(begin, changing.kept_secret(&step));
        let start = match start.unwrap_or(Err(StoreError::Unanswered)) {
            Ok(ImportStart::Begun(start)) => Ok(start),
            Ok(ImportStart::AtCap { limit, used }) => return Err(NumberError::AtCap { limit, used }),
            Ok(ImportStart::Taken) => return Err(NumberError::Taken),
            Ok(ImportStart::KeyUsed(KeyUse::Answered(answer))) => return Ok(Created::Before(answer)),
            Ok(ImportStart::KeyUsed(key_use)) => return Err(NumberError::KeyUsed(key_use)),
            Err(error) => Err(error),
        };
        let answer = render(&number);
        let kept = claim.as_ref().map(|claim| (claim, &answer));
        let begun = vec![Begun::new(&step, start, kept_secret)];
        changing.go_on(begun, Written::Number(NumberWrite::Import(&number, kept))).await?;
        Ok(Created::Now(answer))
    }
}
