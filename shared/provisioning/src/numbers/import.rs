use std::time::SystemTime;

use trunkline_domain::{Binding, NewNumber, NumberSpec, PhoneNumber, SipHost, TrunkId, WorkspaceId};

use super::{carrier_trunk, imported, used, with};
use crate::change::{Begun, ChangeSideEffect, Changing, Step, Written};
use crate::ports::{
    ImportStart, LiveKit, NumberReservation, NumberWrite, SecretStore, StoreError, TrunkStore, TwilioService,
};
use crate::{Budget, Created, IdempotencyClaim, LeaseOwner, NumberError, SecretPrefix, StoredResponse, Timing};

/// Imports phone numbers: reserve, bind, commit; or undo.
#[derive(Debug, Clone)]
pub struct ImportNumber<S, V, L, T> {
    /// Where the records are.
    pub store: S,
    /// Where the passwords are.
    pub secrets: V,
    /// Where the calls are.
    pub sip: L,
    /// Where the customers' numbers are.
    pub twilio: T,
    /// Where Twilio sends their calls.
    pub sip_host: SipHost,
    /// What the secrets' names begin with.
    pub secret_prefix: SecretPrefix,
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

/// An import onto a trunk that there is, after its first write was tried.
pub(super) enum ImportBegun<'a> {
    Begun(Begun<'a>),
    /// The idempotency key's first request was answered so.
    Before(StoredResponse),
}

impl<S: TrunkStore, V: SecretStore, L: LiveKit, T: TwilioService> ImportNumber<S, V, L, T> {
    /// Imports the number, or leaves nothing. `render` makes the answer, which the commit keeps for the idempotency key.
    ///
    /// # Errors
    /// [`NumberError`], with everything undone or recorded for the sweeper.
    pub async fn import(
        &self,
        request: ImportRequest,
        render: impl Fn(&PhoneNumber) -> StoredResponse + Send,
    ) -> Result<Created, NumberError> {
        match request.number.spec.clone() {
            NumberSpec::Byoc { trunk_id } => self.bind(request, trunk_id, render).await,
            NumberSpec::Livekit => self.buy(request, render).await,
            NumberSpec::Twilio(account) => self.connect(request, &account, render).await,
        }
    }

    /// Registers a carrier's number on a trunk.
    async fn bind(
        &self,
        request: ImportRequest,
        trunk_id: TrunkId,
        render: impl Fn(&PhoneNumber) -> StoredResponse + Send,
    ) -> Result<Created, NumberError> {
        let ImportRequest { workspace_id, number, claim, owner, deadline } = request;
        let budget = Budget::start(self.timing, deadline);
        let read = async { tokio::join!(carrier_trunk(&self.store, workspace_id, trunk_id), self.sip.prepare()).0 };
        let trunk = budget.forward(read).await.unwrap_or(Err(NumberError::Unavailable))?;
        let binding = Binding { trunk_id, direction: trunk.trunk.settings.direction() };
        let number = imported(workspace_id, &number, binding, None, budget.now());
        let lease = budget.lease(owner);
        let changing = Changing {
            store: &self.store,
            secrets: &self.secrets,
            sip: &self.sip,
            side_effect: &(),
            budget: &budget,
            lease: &lease,
        };
        let step = with(trunk, &number.e164, number.id);
        let begun = match self.begin_import(&changing, &step, &number, claim.as_ref()).await? {
            ImportBegun::Begun(begun) => begun,
            ImportBegun::Before(answer) => return Ok(Created::Before(answer)),
        };
        let answer = render(&number);
        let kept = claim.as_ref().map(|claim| (claim, &answer));
        changing.go_on(vec![begun], Written::Number(NumberWrite::Import(&number, kept))).await?;
        Ok(Created::Now(answer))
    }

    /// The first write of an import onto a trunk that there is.
    pub(super) async fn begin_import<'a, X: ChangeSideEffect>(
        &self,
        changing: &Changing<'_, S, V, L, X>,
        step: &'a Step,
        number: &PhoneNumber,
        claim: Option<&IdempotencyClaim>,
    ) -> Result<ImportBegun<'a>, NumberError> {
        let update = changing.update_of(step);
        let reservation = NumberReservation { number, claim };
        let begin = changing.budget.forward(self.store.begin_import(&update, &reservation));
        let (start, kept_secret) = tokio::join!(begin, changing.kept_secret(step));
        let start = match start.unwrap_or(Err(StoreError::Unanswered)) {
            Ok(ImportStart::Begun(start)) => Ok(start),
            Ok(ImportStart::AtCap { limit, used }) => return Err(NumberError::AtCap { limit, used }),
            Ok(ImportStart::Taken) => return Err(NumberError::Taken),
            Ok(ImportStart::KeyUsed(key_use)) => return used(key_use).map(ImportBegun::Before),
            Err(error) => Err(error),
        };
        Ok(ImportBegun::Begun(Begun::new(step, start, kept_secret)))
    }
}
