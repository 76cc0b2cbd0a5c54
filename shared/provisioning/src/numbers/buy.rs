use trunkline_domain::{Binding, Direction, E164, LiveKitObjects, NewTrunk, PhoneNumber, TrunkId};

use super::{ImportNumber, ImportRequest, imported, reserved};
use crate::attempt::{Attempt, Creating};
use crate::ports::{LiveKit, PurchaseError, SecretStore, TrunkStore, TwilioService, UpstreamError};
use crate::provision::{Bought, Outcome, livekit};
use crate::{Budget, Created, NumberError, StoredResponse, TrunkKey};

/// Why a purchase failed, and what of it there may be.
struct Failed {
    error: NumberError,
    outcome: Outcome,
    bought: Bought,
}

impl<S: TrunkStore, V: SecretStore, L: LiveKit, T: TwilioService> ImportNumber<S, V, L, T> {
    /// Buys a number of LiveKit's own, with a trunk and a dispatch rule that it rings on.
    pub(super) async fn buy(
        &self,
        request: ImportRequest,
        render: impl Fn(&PhoneNumber) -> StoredResponse + Send,
    ) -> Result<Created, NumberError> {
        let (attempt, mut number) = self.begin_purchase(request);
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
        let (livekit, id) = match self.purchase(&creating, &number.e164).await {
            Ok(purchased) => purchased,
            Err(Failed { error, outcome, bought }) => return Err(creating.undo(outcome, &bought, error).await),
        };
        number.provider_phone_number_id = Some(id.clone());
        let answer = render(&number);
        let trunk = attempt.live(livekit, None);
        creating.commit::<NumberError>(&trunk, Some(&number), &answer, &Bought::Yes(id)).await?;
        Ok(Created::Now(answer))
    }

    fn begin_purchase(&self, request: ImportRequest) -> (Attempt, PhoneNumber) {
        let ImportRequest { workspace_id, number, claim, owner, deadline } = request;
        let budget = Budget::start(self.timing, deadline);
        let key = TrunkKey { workspace_id, id: TrunkId::new() };
        let trunk = NewTrunk::of_livekit_number(&number.e164);
        let binding = Binding { trunk_id: key.id, direction: Direction::Inbound };
        let number = imported(workspace_id, &number, binding, None, budget.now());
        let attempt = Attempt {
            key,
            trunk,
            number: Some(number.clone()),
            twilio_account: None,
            secret_name: None,
            claim,
            lease: budget.lease(owner),
            budget,
        };
        (attempt, number)
    }

    /// Trunk, then its rule, then the number: it costs money, and is known as ours by the rule alone.
    async fn purchase(
        &self,
        creating: &Creating<'_, S, V, L, ()>,
        e164: &E164,
    ) -> Result<(LiveKitObjects, String), Failed> {
        let objects = Box::pin(creating.provisioning().run()).await.map_err(|outcome| Failed {
            error: outcome.error(NumberError::Internal),
            outcome,
            bought: Bought::No,
        })?;
        let rule_id = objects.inbound().map(|inbound| inbound.dispatch_rule_id.as_str()).unwrap_or_default();
        let bought = creating.attempt.budget.forward(self.sip.purchase(e164, rule_id)).await;
        match bought.unwrap_or(Err(PurchaseError::Upstream(UpstreamError::Unanswered))) {
            Ok(id) => Ok((objects, id)),
            Err(error) => {
                let may_be_bought = matches!(error, PurchaseError::Upstream(UpstreamError::Unanswered));
                Err(Failed {
                    error: error.into(),
                    outcome: Outcome::seen((&objects).into()),
                    bought: if may_be_bought { Bought::Perhaps(e164.clone()) } else { Bought::No },
                })
            }
        }
    }
}

impl From<PurchaseError> for NumberError {
    fn from(error: PurchaseError) -> Self {
        match error {
            PurchaseError::NotUs | PurchaseError::NotAvailable => Self::NotForSale,
            PurchaseError::AlreadyOwned => Self::OwnedInLiveKit,
            PurchaseError::NoService => Self::NoNumberService,
            PurchaseError::Upstream(error) => livekit(error).into(),
        }
    }
}
