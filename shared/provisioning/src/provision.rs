//! The steps between reserve and commit, each beside its undo.

use std::collections::BTreeSet;

use trunkline_domain::{
    AccountSid, BoundNumbers, E164, InboundObjects, LiveKitObjects, NewTrunk, OutboundObjects, TrunkId, TrunkSecret,
};

use crate::ports::{
    InboundTrunkSpec, LiveKit, OPERATOR_NEEDED, OutboundTrunkSpec, SecretStore, SipService, Unsettled, UpstreamError,
};
use crate::{Budget, SeenObjects, TrunkKey, Upstream};

/// Which system failed, and how.
pub(crate) type UpstreamFailure = (Upstream, UpstreamError);

/// How a step that was tried ended.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) seen: SeenObjects,
    /// Whether LiveKit may hold, or come to hold, objects that were not seen.
    pub(crate) livekit_unsure: bool,
    failure: Option<UpstreamFailure>,
}

impl Outcome {
    /// These objects were made, and nothing failed.
    pub(crate) fn seen(seen: SeenObjects) -> Self {
        Self { seen, ..Self::default() }
    }

    fn failed(failure: UpstreamFailure, seen: SeenObjects) -> Self {
        let livekit_unsure = failure.0 == Upstream::LiveKit && failure.1.may_have_happened();
        Self { seen, livekit_unsure, failure: Some(failure) }
    }

    fn and(mut self, other: Self) -> Self {
        self.seen.merge(other.seen);
        self.livekit_unsure |= other.livekit_unsure;
        self.failure = self.failure.or(other.failure);
        self
    }

    /// What a caller is told of it; without a failure it is ours.
    pub(crate) fn error<E: From<UpstreamFailure>>(&self, ours: E) -> E {
        self.failure.map_or(ours, E::from)
    }
}

/// One trunk's secret and LiveKit objects, about to be made.
pub(crate) struct Provisioning<'a, V, L> {
    pub(crate) secrets: &'a V,
    pub(crate) sip: &'a L,
    pub(crate) key: TrunkKey,
    pub(crate) trunk: &'a NewTrunk,
    pub(crate) numbers: BoundNumbers,
    pub(crate) secret_name: Option<&'a str>,
    pub(crate) budget: &'a Budget,
}

impl<V: SecretStore, L: SipService> Provisioning<'_, V, L> {
    /// Makes everything in parallel. No step stops another: a call that is dropped half way may still be done, one
    /// that is let finish tells its id.
    pub(crate) async fn run(&self) -> Result<LiveKitObjects, Outcome> {
        self.run_beside(self.create_secret()).await
    }

    /// Makes the LiveKit objects alone.
    pub(crate) async fn create_objects(&self) -> Result<LiveKitObjects, Outcome> {
        self.run_beside(async { Ok(()) }).await
    }

    async fn run_beside(&self, secret: impl Future<Output = Result<(), Outcome>>) -> Result<LiveKitObjects, Outcome> {
        let (secret, inbound, outbound) = tokio::join!(secret, self.create_inbound(), self.create_outbound());
        match (secret, inbound, outbound) {
            (Ok(()), Some(Ok(inbound)), None) => Ok(LiveKitObjects::Inbound(inbound)),
            (Ok(()), None, Some(Ok(outbound))) => Ok(LiveKitObjects::Outbound(outbound)),
            (Ok(()), Some(Ok(inbound)), Some(Ok(outbound))) => Ok(LiveKitObjects::Both(inbound, outbound)),
            (secret, inbound, outbound) => {
                let secret = secret.err().unwrap_or_default();
                let inbound = inbound.map(|inbound| ended(inbound.map(LiveKitObjects::Inbound)));
                let outbound = outbound.map(|outbound| ended(outbound.map(LiveKitObjects::Outbound)));
                Err(secret.and(inbound.unwrap_or_default()).and(outbound.unwrap_or_default()))
            }
        }
    }

    /// Makes the secret alone.
    pub(crate) async fn create_secret(&self) -> Result<(), Outcome> {
        let (Some(name), Some(secret)) = (self.secret_name, &self.trunk.secret) else {
            return Ok(());
        };
        self.in_time(create_secret(self.secrets, self.key, name, secret))
            .await
            .map_err(|error| Outcome::failed(secrets_manager(error), SeenObjects::default()))
    }

    /// Inbound trunk, then its dispatch rule; `None` when no calls come in.
    async fn create_inbound(&self) -> Option<Result<InboundObjects, Outcome>> {
        let spec = InboundTrunkSpec::of(self.key, &self.trunk.settings, &self.numbers, self.trunk.secret.as_ref())?;
        let trunk_id = match self.in_time(self.sip.create_inbound_trunk(spec)).await {
            Ok(trunk_id) => trunk_id,
            Err(error) => return Some(Err(Outcome::failed(livekit(error), SeenObjects::default()))),
        };
        Some(match self.in_time(self.sip.create_dispatch_rule(self.key, &trunk_id)).await {
            Ok(dispatch_rule_id) => Ok(InboundObjects { trunk_id, dispatch_rule_id }),
            Err(error) => Err(Outcome::failed(livekit(error), SeenObjects::trunks([trunk_id]))),
        })
    }

    /// `None` when no calls go out.
    async fn create_outbound(&self) -> Option<Result<OutboundObjects, Outcome>> {
        let spec = OutboundTrunkSpec::of(self.key, &self.trunk.settings, &self.numbers, self.trunk.secret.as_ref())?;
        Some(match self.in_time(self.sip.create_outbound_trunk(spec)).await {
            Ok(trunk_id) => Ok(OutboundObjects { trunk_id }),
            Err(error) => Err(Outcome::failed(livekit(error), SeenObjects::default())),
        })
    }

    async fn in_time<T>(&self, call: impl Future<Output = Result<T, UpstreamError>>) -> Result<T, UpstreamError> {
        self.budget.forward(call).await.unwrap_or(Err(UpstreamError::Unanswered))
    }
}

/// A step's end, when another step failed.
fn ended(step: Result<LiveKitObjects, Outcome>) -> Outcome {
    step.map_or_else(|outcome| outcome, |objects| Outcome::seen((&objects).into()))
}

/// Makes a secret of a trunk.
pub(crate) async fn create_secret<V: SecretStore>(
    secrets: &V,
    key: TrunkKey,
    name: &str,
    secret: &TrunkSecret,
) -> Result<(), UpstreamError> {
    // The trunk id is the token: a repeat of this create is the same create.
    secrets.create(name, &key.id.to_string(), secret).await
}

/// Undo of secrets. The recovery window keeps a name taken, so that a create that comes late is refused.
pub(crate) async fn undo_secrets<V: SecretStore>(
    secrets: &V,
    names: impl IntoIterator<Item: AsRef<str>>,
) -> Result<(), UpstreamFailure> {
    for name in names {
        secrets.schedule_deletion(name.as_ref()).await.map_err(secrets_manager)?;
    }
    Ok(())
}

/// Undo of trunks and rules. Rules go first: a rule whose trunk is gone is found by nobody.
pub(crate) async fn undo_objects<L: SipService>(sip: &L, seen: &SeenObjects) -> Result<(), UpstreamFailure> {
    for rule_id in &seen.dispatch_rule_ids {
        sip.delete_dispatch_rule(rule_id).await.map_err(livekit)?;
    }
    for trunk_id in &seen.trunk_ids {
        sip.delete_trunk(trunk_id).await.map_err(livekit)?;
    }
    Ok(())
}

/// Whether a phone number was bought for a trunk.
#[derive(Debug, Clone)]
pub(crate) enum Bought {
    No,
    Perhaps(E164),
    /// Under this id.
    Yes(String),
}

impl Bought {
    /// By what the record of a trunk says that was being made.
    pub(crate) fn by(record: &Unsettled) -> Self {
        Self::of(record.import.as_ref().map(|import| &import.e164), record.twilio_account.as_ref())
    }

    /// For a trunk that was to have that number: of the account, or else of LiveKit's own.
    pub(crate) fn of(number: Option<&E164>, twilio_account: Option<&AccountSid>) -> Self {
        match (number, twilio_account) {
            (Some(number), None) => Self::Perhaps(number.clone()),
            (None, _) | (_, Some(_)) => Self::No,
        }
    }
}

/// Undo of a purchase. It goes before its dispatch rule, by which alone it is known as ours.
pub(crate) async fn undo_purchase<L: LiveKit>(
    sip: &L,
    bought: &Bought,
    dispatch_rule_ids: &BTreeSet<String>,
) -> Result<(), UpstreamFailure> {
    let id = match bought {
        Bought::No => return Ok(()),
        Bought::Yes(id) => id.clone(),
        Bought::Perhaps(e164) => match sip.find(e164).await.map_err(livekit)? {
            Some(number) if !number.dispatch_rule_ids.is_disjoint(dispatch_rule_ids) => number.id,
            Some(number) if number.dispatch_rule_ids.is_empty() => {
                // Of a purchase that came when its rule was gone, or somebody else's: it is billed, and not ours to judge.
                tracing::error!(
                    call.system = Upstream::LiveKit.as_str(),
                    livekit.phone_number_id = number.id,
                    failure = "a phone number that an import wanted has no dispatch rule",
                    "{OPERATOR_NEEDED}"
                );
                return Ok(());
            }
            _ => return Ok(()),
        },
    };
    sip.release(&id).await.map_err(livekit)
}

/// The trunks that exist in LiveKit under the trunk's id, or were made with its `number`.
pub(crate) async fn find_trunks<L: SipService>(
    sip: &L,
    id: TrunkId,
    number: Option<&E164>,
) -> Result<SeenObjects, UpstreamFailure> {
    let (inbound, outbound) =
        tokio::try_join!(sip.find_inbound_trunks(id), sip.find_outbound_trunks(id, number)).map_err(livekit)?;
    Ok(SeenObjects::trunks(inbound.into_iter().chain(outbound)))
}

/// The rules that exist in LiveKit for these trunks.
pub(crate) async fn find_dispatch_rules<L: SipService>(
    sip: &L,
    trunk_ids: &BTreeSet<String>,
) -> Result<SeenObjects, UpstreamFailure> {
    if trunk_ids.is_empty() {
        return Ok(SeenObjects::default());
    }
    sip.find_dispatch_rules(trunk_ids).await.map(SeenObjects::dispatch_rules).map_err(livekit)
}

pub(crate) fn livekit(error: UpstreamError) -> UpstreamFailure {
    (Upstream::LiveKit, error)
}

pub(crate) fn secrets_manager(error: UpstreamError) -> UpstreamFailure {
    (Upstream::SecretsManager, error)
}
