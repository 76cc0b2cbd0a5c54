//! Everything of ours in a LiveKit project, for the checker.

use livekit_protocol as proto;
use trunkline_provisioning::TrunkKey;
use trunkline_provisioning::ports::{
    InboundTrunkSpec, OutboundTrunkSpec, SipInventory, SipObject, SipObjectKind, UpstreamError,
};

use crate::access::ApiKeySource;
use crate::messages;
use crate::service::LiveKitSip;

/// What an object says, without what LiveKit itself adds. Not `Debug`: it may hold a password.
#[derive(PartialEq)]
pub enum Content {
    /// An inbound trunk.
    InboundTrunk(Box<proto::SipInboundTrunkInfo>),
    /// An outbound trunk.
    OutboundTrunk(Box<proto::SipOutboundTrunkInfo>),
    /// A dispatch rule.
    DispatchRule(Box<proto::SipDispatchRuleInfo>),
}

impl Content {
    fn of_inbound_trunk(trunk: proto::SipInboundTrunkInfo) -> Self {
        let trunk =
            proto::SipInboundTrunkInfo { sip_trunk_id: String::new(), created_at: None, updated_at: None, ..trunk };
        Self::InboundTrunk(Box::new(trunk))
    }

    fn of_outbound_trunk(trunk: proto::SipOutboundTrunkInfo) -> Self {
        let trunk =
            proto::SipOutboundTrunkInfo { sip_trunk_id: String::new(), created_at: None, updated_at: None, ..trunk };
        Self::OutboundTrunk(Box::new(trunk))
    }

    fn of_dispatch_rule(rule: proto::SipDispatchRuleInfo) -> Self {
        let rule = proto::SipDispatchRuleInfo {
            sip_dispatch_rule_id: String::new(),
            trunk_ids: rule.trunk_ids.into_iter().filter(|id| !messages::is_phone_number(id)).collect(),
            // The server fills in an empty one.
            media: Some(rule.media.unwrap_or_default()),
            created_at: None,
            updated_at: None,
            ..rule
        };
        Self::DispatchRule(Box::new(rule))
    }
}

impl<K: ApiKeySource> SipInventory for LiveKitSip<K> {
    type Content = Content;

    async fn objects(&self) -> Result<Vec<SipObject<Content>>, UpstreamError> {
        let patient = self.patient();
        let inbound: proto::ListSipInboundTrunkResponse =
            patient.ask("ListSIPInboundTrunk", &proto::ListSipInboundTrunkRequest::default()).await?;
        let outbound: proto::ListSipOutboundTrunkResponse =
            patient.ask("ListSIPOutboundTrunk", &proto::ListSipOutboundTrunkRequest::default()).await?;
        let rules: proto::ListSipDispatchRuleResponse =
            patient.ask("ListSIPDispatchRule", &proto::ListSipDispatchRuleRequest::default()).await?;
        let inbound = inbound.items.into_iter().map(|trunk| {
            let (key, livekit_id) = (messages::owner(&trunk.metadata), trunk.sip_trunk_id.clone());
            (SipObjectKind::InboundTrunk, livekit_id, key, Content::of_inbound_trunk(trunk))
        });
        let outbound = outbound.items.into_iter().map(|trunk| {
            let (key, livekit_id) = (messages::owner(&trunk.metadata), trunk.sip_trunk_id.clone());
            (SipObjectKind::OutboundTrunk, livekit_id, key, Content::of_outbound_trunk(trunk))
        });
        let rules = rules.items.into_iter().map(|rule| {
            let (key, livekit_id) = (messages::owner(&rule.metadata), rule.sip_dispatch_rule_id.clone());
            (SipObjectKind::DispatchRule, livekit_id, key, Content::of_dispatch_rule(rule))
        });
        let all = inbound.chain(outbound).chain(rules);
        Ok(all
            .filter_map(|(kind, livekit_id, key, content)| Some(SipObject { kind, livekit_id, key: key?, content }))
            .collect())
    }

    fn inbound_trunk(&self, spec: InboundTrunkSpec<'_>) -> Content {
        Content::of_inbound_trunk(messages::inbound_trunk(spec))
    }

    fn outbound_trunk(&self, spec: OutboundTrunkSpec<'_>) -> Content {
        Content::of_outbound_trunk(messages::outbound_trunk(spec))
    }

    fn dispatch_rule(&self, key: TrunkKey, livekit_trunk_id: &str) -> Content {
        Content::of_dispatch_rule(messages::dispatch_rule(key, livekit_trunk_id, self.agent_name()))
    }

    async fn replace(&self, livekit_id: &str, content: Content) -> Result<bool, UpstreamError> {
        match content {
            Content::InboundTrunk(trunk) => self.replace_inbound(livekit_id, *trunk).await,
            Content::OutboundTrunk(trunk) => self.replace_outbound(livekit_id, *trunk).await,
            Content::DispatchRule(rule) => self.replace_rule(livekit_id, *rule).await,
        }
    }
}
