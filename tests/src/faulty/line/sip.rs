use std::collections::BTreeSet;

use trunkline_domain::{BoundNumbers, E164, TrunkId, TrunkSecret, TrunkSettings};
use trunkline_provisioning::TrunkKey;
use trunkline_provisioning::ports::{
    InboundTrunkSpec, LiveKitNumber, LiveKitNumbers, OutboundTrunkSpec, PurchaseError, SipService, UpstreamError,
};

use super::{Effect, Line};

/// Where calls are, at the end of a [`Line`].
#[derive(Clone)]
pub(in crate::faulty) struct LineSip<L> {
    pub(in crate::faulty) sip: L,
    pub(in crate::faulty) line: Line,
}

/// What a call may still need when its caller is gone.
struct OwnedSpec {
    key: TrunkKey,
    settings: TrunkSettings,
    numbers: BoundNumbers,
    secret: Option<TrunkSecret>,
}

impl From<InboundTrunkSpec<'_>> for OwnedSpec {
    fn from(InboundTrunkSpec { key, settings, numbers, credentials, .. }: InboundTrunkSpec<'_>) -> Self {
        let secret = TrunkSecret::of(credentials.map(|(_, password)| password.clone()), None);
        Self { key, settings: settings.clone(), numbers: numbers.clone(), secret }
    }
}

impl From<OutboundTrunkSpec<'_>> for OwnedSpec {
    fn from(OutboundTrunkSpec { key, settings, numbers, credentials, .. }: OutboundTrunkSpec<'_>) -> Self {
        let secret = TrunkSecret::of(credentials.map(|(_, password)| password.clone()), None);
        Self { key, settings: settings.clone(), numbers: numbers.clone(), secret }
    }
}

impl OwnedSpec {
    fn inbound(&self) -> InboundTrunkSpec<'_> {
        InboundTrunkSpec::of(self.key, &self.settings, &self.numbers, self.secret.as_ref())
            .expect("a trunk that takes calls")
    }

    fn outbound(&self) -> OutboundTrunkSpec<'_> {
        OutboundTrunkSpec::of(self.key, &self.settings, &self.numbers, self.secret.as_ref())
            .expect("a trunk that makes calls")
    }
}

impl<L: SipService + Clone + 'static> SipService for LineSip<L> {
    /// Makes a token of a key that is there: no call.
    async fn prepare(&self) {}

    async fn create_inbound_trunk(&self, spec: InboundTrunkSpec<'_>) -> Result<String, UpstreamError> {
        let (sip, spec) = (self.sip.clone(), OwnedSpec::from(spec));
        let work = async move { sip.create_inbound_trunk(spec.inbound()).await };
        self.line.call("create_inbound_trunk", Effect::Write, work).await
    }

    async fn create_dispatch_rule(&self, key: TrunkKey, livekit_trunk_id: &str) -> Result<String, UpstreamError> {
        let (sip, trunk_id) = (self.sip.clone(), livekit_trunk_id.to_owned());
        let work = async move { sip.create_dispatch_rule(key, &trunk_id).await };
        self.line.call("create_dispatch_rule", Effect::Write, work).await
    }

    async fn create_outbound_trunk(&self, spec: OutboundTrunkSpec<'_>) -> Result<String, UpstreamError> {
        let (sip, spec) = (self.sip.clone(), OwnedSpec::from(spec));
        let work = async move { sip.create_outbound_trunk(spec.outbound()).await };
        self.line.call("create_outbound_trunk", Effect::Write, work).await
    }

    async fn replace_inbound_trunk(
        &self,
        livekit_trunk_id: &str,
        spec: InboundTrunkSpec<'_>,
    ) -> Result<bool, UpstreamError> {
        let (sip, id, spec) = (self.sip.clone(), livekit_trunk_id.to_owned(), OwnedSpec::from(spec));
        let work = async move { sip.replace_inbound_trunk(&id, spec.inbound()).await };
        self.line.call("replace_inbound_trunk", Effect::Write, work).await
    }

    async fn replace_outbound_trunk(
        &self,
        livekit_trunk_id: &str,
        spec: OutboundTrunkSpec<'_>,
    ) -> Result<bool, UpstreamError> {
        let (sip, id, spec) = (self.sip.clone(), livekit_trunk_id.to_owned(), OwnedSpec::from(spec));
        let work = async move { sip.replace_outbound_trunk(&id, spec.outbound()).await };
        self.line.call("replace_outbound_trunk", Effect::Write, work).await
    }

    async fn find_inbound_trunks(&self, id: TrunkId) -> Result<BTreeSet<String>, UpstreamError> {
        let sip = self.sip.clone();
        self.line.call("find_inbound_trunks", Effect::Read, async move { sip.find_inbound_trunks(id).await }).await
    }

    async fn find_outbound_trunks(
        &self,
        id: TrunkId,
        number: Option<&E164>,
    ) -> Result<BTreeSet<String>, UpstreamError> {
        let (sip, number) = (self.sip.clone(), number.cloned());
        let work = async move { sip.find_outbound_trunks(id, number.as_ref()).await };
        self.line.call("find_outbound_trunks", Effect::Read, work).await
    }

    async fn find_dispatch_rules(
        &self,
        livekit_trunk_ids: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, UpstreamError> {
        let (sip, ids) = (self.sip.clone(), livekit_trunk_ids.clone());
        self.line.call("find_dispatch_rules", Effect::Read, async move { sip.find_dispatch_rules(&ids).await }).await
    }

    async fn delete_trunk(&self, livekit_trunk_id: &str) -> Result<(), UpstreamError> {
        let (sip, id) = (self.sip.clone(), livekit_trunk_id.to_owned());
        self.line.call("delete_trunk", Effect::Write, async move { sip.delete_trunk(&id).await }).await
    }

    async fn delete_dispatch_rule(&self, livekit_rule_id: &str) -> Result<(), UpstreamError> {
        let (sip, id) = (self.sip.clone(), livekit_rule_id.to_owned());
        self.line.call("delete_dispatch_rule", Effect::Write, async move { sip.delete_dispatch_rule(&id).await }).await
    }
}

impl<L: LiveKitNumbers + Clone + 'static> LiveKitNumbers for LineSip<L> {
    async fn purchase(&self, number: &E164, dispatch_rule_id: &str) -> Result<String, PurchaseError> {
        let (sip, number, rule_id) = (self.sip.clone(), number.clone(), dispatch_rule_id.to_owned());
        self.line.call("purchase", Effect::Write, async move { sip.purchase(&number, &rule_id).await }).await
    }

    async fn find(&self, number: &E164) -> Result<Option<LiveKitNumber>, UpstreamError> {
        let (sip, number) = (self.sip.clone(), number.clone());
        self.line.call("find_number", Effect::Read, async move { sip.find(&number).await }).await
    }

    async fn release(&self, id: &str) -> Result<(), UpstreamError> {
        let (sip, id) = (self.sip.clone(), id.to_owned());
        self.line.call("release", Effect::Write, async move { sip.release(&id).await }).await
    }
}
