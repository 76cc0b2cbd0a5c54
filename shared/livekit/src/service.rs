use std::collections::BTreeSet;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use livekit_protocol as proto;
use prost::Message;
use trunkline_connector::{BaseUrl, Connector};
use trunkline_domain::{E164, TrunkId};
use trunkline_provisioning::TrunkKey;
use trunkline_provisioning::ports::{
    Failure, InboundTrunkSpec, Mender, OutboundTrunkSpec, Retry, SipService, UpstreamError,
};

use crate::access::{Access, ApiKeySource};
use crate::messages;
use crate::twirp::{self, Service, TwirpError};

/// LiveKit's SIP service of one project, and its phone-number service. Cheap to clone.
#[derive(Debug)]
pub struct LiveKitSip<K> {
    connector: Connector,
    base: BaseUrl,
    access: Arc<Access<K>>,
    agent_name: Option<String>,
    service: Service,
}

/// The pause before a call that may be repeated is.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

impl<K: ApiKeySource> LiveKitSip<K> {
    /// The service at `base`. Calls are dispatched to the agent `agent_name` if there is one (`LIVEKIT_AGENT_NAME`).
    pub fn new(connector: Connector, base: BaseUrl, keys: K, agent_name: Option<String>) -> Self {
        Self { connector, base, access: Arc::new(Access::new(keys)), agent_name, service: Service::SIP }
    }

    /// A call that LiveKit must not be asked twice, but with a new token for one that it refused: the key may have been
    /// rotated.
    pub(crate) async fn once<Q: Message, A: Message + Default>(
        &self,
        method: &'static str,
        message: &Q,
    ) -> Result<A, TwirpError> {
        let token = self.access.token().await.map_err(|_| Failure::NotConnected)?;
        match twirp::call(&self.connector, &self.base, &token, self.service, method, message).await {
            Err(error) if error.failure.meaning().retry == Retry::NewToken => self.access.forget(&token).await,
            ended => return ended,
        }
        let token = self.access.token().await.map_err(|_| Failure::NotConnected)?;
        twirp::call(&self.connector, &self.base, &token, self.service, method, message).await
    }

    /// A call that may be repeated, once.
    pub(crate) async fn repeatable<Q: Message, A: Message + Default>(
        &self,
        method: &'static str,
        message: &Q,
    ) -> Result<A, TwirpError> {
        let first = match self.once(method, message).await {
            Err(error) if error.failure.meaning().retry == Retry::Soon => error,
            ended => return ended,
        };
        tokio::time::sleep(RETRY_PAUSE.mul_f64(rand::random())).await;
        match self.once(method, message).await {
            // A second one that LiveKit did not take says nothing of the first.
            Err(second)
                if second.failure.meaning().mended_by == Mender::Time && first.failure.meaning().may_be_done =>
            {
                Err(first)
            }
            ended => ended,
        }
    }

    /// A repeatable call whose every error is one.
    pub(crate) async fn ask<Q: Message, A: Message + Default>(
        &self,
        method: &'static str,
        message: &Q,
    ) -> Result<A, UpstreamError> {
        self.repeatable(method, message).await.map_err(|error| classify(method, error))
    }

    /// A repeatable call about an object; says whether it is there.
    async fn about_object<Q: Message, A: Message + Default>(
        &self,
        method: &'static str,
        message: &Q,
    ) -> Result<bool, UpstreamError> {
        match self.repeatable::<Q, A>(method, message).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_no_such_object() => Ok(false),
            Err(error) => Err(classify(method, error)),
        }
    }

    /// By LiveKit's `replace`, which takes the whole wanted state: an `update` cannot empty a list.
    pub(crate) async fn replace_inbound(
        &self,
        livekit_id: &str,
        trunk: proto::SipInboundTrunkInfo,
    ) -> Result<bool, UpstreamError> {
        let action = proto::update_sip_inbound_trunk_request::Action::Replace(trunk);
        let request = proto::UpdateSipInboundTrunkRequest { sip_trunk_id: livekit_id.to_owned(), action: Some(action) };
        self.about_object::<_, proto::SipInboundTrunkInfo>("UpdateSIPInboundTrunk", &request).await
    }

    pub(crate) async fn replace_outbound(
        &self,
        livekit_id: &str,
        trunk: proto::SipOutboundTrunkInfo,
    ) -> Result<bool, UpstreamError> {
        let action = proto::update_sip_outbound_trunk_request::Action::Replace(trunk);
        let request =
            proto::UpdateSipOutboundTrunkRequest { sip_trunk_id: livekit_id.to_owned(), action: Some(action) };
        self.about_object::<_, proto::SipOutboundTrunkInfo>("UpdateSIPOutboundTrunk", &request).await
    }

    /// But for the phone numbers that have the rule: LiveKit has put them among its trunks.
    pub(crate) async fn replace_rule(
        &self,
        livekit_id: &str,
        mut rule: proto::SipDispatchRuleInfo,
    ) -> Result<bool, UpstreamError> {
        let request =
            proto::ListSipDispatchRuleRequest { dispatch_rule_ids: vec![livekit_id.to_owned()], ..Default::default() };
        let found: proto::ListSipDispatchRuleResponse = self.ask("ListSIPDispatchRule", &request).await?;
        let trunk_ids = found.items.into_iter().flat_map(|rule| rule.trunk_ids);
        rule.trunk_ids.extend(trunk_ids.filter(|id| messages::is_phone_number(id)));
        let action = proto::update_sip_dispatch_rule_request::Action::Replace(rule);
        let request =
            proto::UpdateSipDispatchRuleRequest { sip_dispatch_rule_id: livekit_id.to_owned(), action: Some(action) };
        self.about_object::<_, proto::SipDispatchRuleInfo>("UpdateSIPDispatchRule", &request).await
    }

    /// The same service, with time for a list of everything.
    pub(crate) fn patient(&self) -> Self {
        Self { service: Service::SIP_INVENTORY, ..self.clone() }
    }

    /// The phone-number service of the same project, with the same token.
    pub(crate) fn phone_numbers(&self) -> Self {
        Self { service: Service::PHONE_NUMBERS, ..self.clone() }
    }

    pub(crate) fn agent_name(&self) -> Option<&str> {
        self.agent_name.as_deref()
    }
}

/// Says which failure a failed call is. LiveKit's message stays behind, since it may repeat what was sent.
pub(crate) fn classify(method: &'static str, TwirpError { failure, code }: TwirpError) -> UpstreamError {
    failure.report("livekit", method, &code).into()
}

/// The id of what was created. An answer without one names nothing that could be kept or undone by id.
pub(crate) fn named(method: &'static str, livekit_id: String) -> Result<String, UpstreamError> {
    if livekit_id.is_empty() { Err(classify(method, Failure::Unanswered.into())) } else { Ok(livekit_id) }
}

impl<K: ApiKeySource> SipService for LiveKitSip<K> {
    async fn prepare(&self) {
        // A failure shows at the call that needs the token.
        let _ = self.access.token().await;
    }

    async fn create_inbound_trunk(&self, spec: InboundTrunkSpec<'_>) -> Result<String, UpstreamError> {
        const METHOD: &str = "CreateSIPInboundTrunk";
        let request = proto::CreateSipInboundTrunkRequest { trunk: Some(messages::inbound_trunk(spec)) };
        let created: proto::SipInboundTrunkInfo =
            self.once(METHOD, &request).await.map_err(|error| classify(METHOD, error))?;
        named(METHOD, created.sip_trunk_id)
    }

    async fn create_dispatch_rule(&self, key: TrunkKey, livekit_trunk_id: &str) -> Result<String, UpstreamError> {
        const METHOD: &str = "CreateSIPDispatchRule";
        let rule = messages::dispatch_rule(key, livekit_trunk_id, self.agent_name.as_deref());
        // The server compares a new rule with those of the trunks in the deprecated field (livekit-server,
        // `CreateSIPDispatchRule`): with every rule of the project when it is empty, and a bad pair anywhere fails ours.
        #[expect(deprecated, reason = "narrows the comparison")]
        let request = proto::CreateSipDispatchRuleRequest {
            trunk_ids: rule.trunk_ids.clone(),
            dispatch_rule: Some(rule),
            ..Default::default()
        };
        let created: proto::SipDispatchRuleInfo =
            self.once(METHOD, &request).await.map_err(|error| classify(METHOD, error))?;
        named(METHOD, created.sip_dispatch_rule_id)
    }

    async fn create_outbound_trunk(&self, spec: OutboundTrunkSpec<'_>) -> Result<String, UpstreamError> {
        const METHOD: &str = "CreateSIPOutboundTrunk";
        let request = proto::CreateSipOutboundTrunkRequest { trunk: Some(messages::outbound_trunk(spec)) };
        let created: proto::SipOutboundTrunkInfo =
            self.once(METHOD, &request).await.map_err(|error| classify(METHOD, error))?;
        named(METHOD, created.sip_trunk_id)
    }

    async fn replace_inbound_trunk(
        &self,
        livekit_trunk_id: &str,
        spec: InboundTrunkSpec<'_>,
    ) -> Result<bool, UpstreamError> {
        self.replace_inbound(livekit_trunk_id, messages::inbound_trunk(spec)).await
    }

    async fn replace_outbound_trunk(
        &self,
        livekit_trunk_id: &str,
        spec: OutboundTrunkSpec<'_>,
    ) -> Result<bool, UpstreamError> {
        self.replace_outbound(livekit_trunk_id, messages::outbound_trunk(spec)).await
    }

    async fn find_inbound_trunks(&self, id: TrunkId) -> Result<BTreeSet<String>, UpstreamError> {
        let number = id.to_string();
        let request = proto::ListSipInboundTrunkRequest { numbers: vec![number.clone()], ..Default::default() };
        let found: proto::ListSipInboundTrunkResponse = self.ask("ListSIPInboundTrunk", &request).await?;
        // The filter lets trunks without any number through too; those are not ours.
        let ours = found.items.into_iter().filter(|trunk| trunk.numbers.contains(&number));
        Ok(ours.map(|trunk| trunk.sip_trunk_id).collect())
    }

    async fn find_outbound_trunks(
        &self,
        id: TrunkId,
        number: Option<&E164>,
    ) -> Result<BTreeSet<String>, UpstreamError> {
        let name = id.to_string();
        let numbers = iter::once(name.clone()).chain(number.map(ToString::to_string)).collect();
        let request = proto::ListSipOutboundTrunkRequest { numbers, ..Default::default() };
        let found: proto::ListSipOutboundTrunkResponse = self.ask("ListSIPOutboundTrunk", &request).await?;
        // Others may call from the number too.
        let ours = found.items.into_iter().filter(|trunk| trunk.name == name);
        Ok(ours.map(|trunk| trunk.sip_trunk_id).collect())
    }

    async fn find_dispatch_rules(
        &self,
        livekit_trunk_ids: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, UpstreamError> {
        let trunk_ids = livekit_trunk_ids.iter().cloned().collect();
        let request = proto::ListSipDispatchRuleRequest { trunk_ids, ..Default::default() };
        let found: proto::ListSipDispatchRuleResponse = self.ask("ListSIPDispatchRule", &request).await?;
        // The filter lets rules without any trunk through too; those are not ours.
        let ours =
            found.items.into_iter().filter(|rule| rule.trunk_ids.iter().any(|id| livekit_trunk_ids.contains(id)));
        Ok(ours.map(|rule| rule.sip_dispatch_rule_id).collect())
    }

    async fn delete_trunk(&self, livekit_trunk_id: &str) -> Result<(), UpstreamError> {
        let request = proto::DeleteSipTrunkRequest { sip_trunk_id: livekit_trunk_id.to_owned() };
        self.about_object::<_, proto::SipTrunkInfo>("DeleteSIPTrunk", &request).await.map(drop)
    }

    async fn delete_dispatch_rule(&self, livekit_rule_id: &str) -> Result<(), UpstreamError> {
        let request = proto::DeleteSipDispatchRuleRequest { sip_dispatch_rule_id: livekit_rule_id.to_owned() };
        self.about_object::<_, proto::SipDispatchRuleInfo>("DeleteSIPDispatchRule", &request).await.map(drop)
    }
}

impl<K> Clone for LiveKitSip<K> {
    fn clone(&self) -> Self {
        Self {
            connector: self.connector.clone(),
            base: self.base.clone(),
            access: Arc::clone(&self.access),
            agent_name: self.agent_name.clone(),
            service: self.service,
        }
    }
}
