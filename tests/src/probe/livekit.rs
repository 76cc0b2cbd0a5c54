use livekit_protocol::{
    ListPhoneNumbersRequest, ListPhoneNumbersResponse, ListSipDispatchRuleRequest, ListSipDispatchRuleResponse,
    ListSipInboundTrunkRequest, ListSipInboundTrunkResponse, ListSipOutboundTrunkRequest, ListSipOutboundTrunkResponse,
    PhoneNumberStatus, SipDispatchRuleInfo, SipInboundTrunkInfo, SipOutboundTrunkInfo,
};
use livekit_token::{AccessToken, SIPGrants};
use prost::Message;
use trunkline_local::Ready;

use super::{Table, mentions};

/// LiveKit's SIP service, and its phone-number service.
#[derive(Debug, Clone)]
pub struct LiveKit {
    http: reqwest::Client,
    url: String,
    api_key: String,
    api_secret: String,
    workspaces_in: Option<Table>,
}

/// Everything of SIP that LiveKit holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    /// Inbound trunks.
    pub inbound: Vec<SipInboundTrunkInfo>,
    /// Outbound trunks.
    pub outbound: Vec<SipOutboundTrunkInfo>,
    /// Dispatch rules.
    pub rules: Vec<SipDispatchRuleInfo>,
}

impl LiveKit {
    /// The LiveKit of `ready`.
    pub fn new(ready: &Ready) -> Self {
        Self {
            http: crate::client::http(),
            url: ready.livekit_url.trim_end_matches('/').to_owned(),
            api_key: ready.livekit_api_key.clone(),
            api_secret: ready.livekit_api_secret.clone(),
            workspaces_in: None,
        }
    }

    /// Sees only what mentions a workspace of `table` in its metadata.
    #[must_use]
    pub(crate) fn of_workspaces_in(self, table: Table) -> Self {
        Self { workspaces_in: Some(table), ..self }
    }

    /// Everything, without a filter of LiveKit's.
    pub async fn all(&self) -> Contents {
        let mut all = self.listed(Vec::new(), Vec::new()).await;
        if let Some(table) = &self.workspaces_in {
            let own = table.workspaces().await;
            all.inbound.retain(|trunk| mentions(&trunk.metadata, &own));
            all.outbound.retain(|trunk| mentions(&trunk.metadata, &own));
            all.rules.retain(|rule| mentions(&rule.metadata, &own));
        }
        all
    }

    /// What belongs to one trunk of ours, found by LiveKit's own filters: trunks by their number, rules by their trunk.
    pub async fn of(&self, trunk_id: &str) -> Contents {
        let mut found = self.listed(vec![trunk_id.to_owned()], Vec::new()).await;
        let inbound: Vec<_> = found.inbound.iter().map(|trunk| trunk.sip_trunk_id.clone()).collect();
        found.rules = if inbound.is_empty() { Vec::new() } else { self.rules(inbound).await };
        found
    }

    async fn listed(&self, numbers: Vec<String>, rule_trunks: Vec<String>) -> Contents {
        let request = ListSipInboundTrunkRequest { numbers: numbers.clone(), ..Default::default() };
        let inbound: ListSipInboundTrunkResponse = self.call("ListSIPInboundTrunk", &request).await;
        let request = ListSipOutboundTrunkRequest { numbers, ..Default::default() };
        let outbound: ListSipOutboundTrunkResponse = self.call("ListSIPOutboundTrunk", &request).await;
        Contents { inbound: inbound.items, outbound: outbound.items, rules: self.rules(rule_trunks).await }
    }

    async fn rules(&self, trunk_ids: Vec<String>) -> Vec<SipDispatchRuleInfo> {
        let request = ListSipDispatchRuleRequest { trunk_ids, ..Default::default() };
        let rules: ListSipDispatchRuleResponse = self.call("ListSIPDispatchRule", &request).await;
        rules.items
    }

    /// The phone numbers that it has sold and that were not given back, with their dispatch rules.
    pub async fn sold(&self) -> Vec<(String, Vec<String>)> {
        let statuses = [PhoneNumberStatus::Active, PhoneNumberStatus::Pending, PhoneNumberStatus::Offline];
        let request = ListPhoneNumbersRequest {
            statuses: statuses.map(i32::from).to_vec(),
            ..ListPhoneNumbersRequest::default()
        };
        let listed: ListPhoneNumbersResponse = self.call_about_numbers("ListPhoneNumbers", &request).await;
        assert!(listed.next_page_token.is_none(), "more than one page");
        listed.items.into_iter().map(|number| (number.e164_format, number.sip_dispatch_rule_ids)).collect()
    }

    /// Any method of SIP, which must succeed.
    pub async fn call<A: Message + Default>(&self, method: &str, request: &impl Message) -> A {
        self.call_of("livekit.SIP", method, request).await
    }

    /// Any method of the phone-number service, which must succeed.
    pub async fn call_about_numbers<A: Message + Default>(&self, method: &str, request: &impl Message) -> A {
        self.call_of("livekit.PhoneNumberService", method, request).await
    }

    async fn call_of<A: Message + Default>(&self, service: &str, method: &str, request: &impl Message) -> A {
        let token = AccessToken::with_api_key(&self.api_key, &self.api_secret)
            .with_sip_grants(SIPGrants { admin: true, call: false })
            .to_jwt()
            .unwrap();
        let answer = self
            .http
            .post(format!("{}/twirp/{service}/{method}", self.url))
            .bearer_auth(token)
            .header("content-type", "application/protobuf")
            .body(request.encode_to_vec())
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{method}: {}", answer.text().await.unwrap());
        A::decode(answer.bytes().await.unwrap()).unwrap()
    }
}
