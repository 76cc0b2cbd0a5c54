//! What the files of the emulator's tests share: LiveKit's APIs as their clients call them, and an emulator to call.

// The deprecated fields are part of what clients send.
#![allow(deprecated)]
#![allow(dead_code, reason = "each file of tests uses its own part")]
#![allow(unreachable_pub, reason = "a module of tests is nobody's interface")]

use std::{
    fmt::Debug,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use livekit_protocol::{
    CreateSipDispatchRuleRequest, CreateSipInboundTrunkRequest, CreateSipOutboundTrunkRequest,
    DeleteSipDispatchRuleRequest, DeleteSipTrunkRequest, GetSipInboundTrunkRequest, GetSipInboundTrunkResponse,
    GetSipOutboundTrunkRequest, GetSipOutboundTrunkResponse, ListSipDispatchRuleRequest, ListSipDispatchRuleResponse,
    ListSipInboundTrunkRequest, ListSipInboundTrunkResponse, ListSipOutboundTrunkRequest, ListSipOutboundTrunkResponse,
    SipDispatchRule, SipDispatchRuleIndividual, SipDispatchRuleInfo, SipDispatchRuleUpdate, SipInboundTrunkInfo,
    SipInboundTrunkUpdate, SipOutboundTrunkInfo, SipOutboundTrunkUpdate, SipTrunkInfo, UpdateSipDispatchRuleRequest,
    UpdateSipInboundTrunkRequest, UpdateSipOutboundTrunkRequest, sip_dispatch_rule::Rule,
    update_sip_dispatch_rule_request, update_sip_inbound_trunk_request, update_sip_outbound_trunk_request,
};
use livekit_token::{AccessToken, SIPGrants};
use prost::Message;
use reqwest::{StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use trunkline_local::emulators::{
    journal::Storage,
    livekit::{Credentials, LiveKit},
};

pub const API_KEY: &str = "APIemulated";
pub const API_SECRET: &str = "a secret that is long enough for HS256";

/// A LiveKit to talk to: the real one if the environment names it, or an emulator of its own.
#[derive(Clone)]
pub struct Server {
    pub url: String,
    pub api_key: String,
    pub api_secret: String,
}

#[derive(Clone, Copy, Debug)]
pub enum Encoding {
    Json,
    Protobuf,
}

/// A server, spoken to in one encoding by someone who may do everything.
pub struct Client {
    pub server: Server,
    pub encoding: Encoding,
    pub http: reqwest::Client,
}

#[derive(Debug, PartialEq)]
pub struct Failure {
    pub status: u16,
    pub code: String,
    pub msg: String,
    pub meta: Value,
}

pub fn failure(status: u16, code: &str, msg: impl Into<String>) -> Failure {
    Failure { status, code: code.to_owned(), msg: msg.into(), meta: Value::Null }
}

pub fn credentials() -> Credentials {
    Credentials { api_key: API_KEY.to_owned(), api_secret: API_SECRET.to_owned().into() }
}

/// An emulator that runs until the sender is used.
pub struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    pub async fn stop(self) {
        self.stop.send(()).expect("the emulator runs");
        self.task.await.expect("it does not panic").expect("it stops cleanly");
    }
}

pub async fn serve(storage: &Storage) -> (String, Running) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound port"));
    let livekit = LiveKit::open(storage, &credentials()).expect("the storage opens");
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(livekit.serve(listener, async move {
        // A dropped sender is no request to stop.
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
    }));
    (url, Running { stop, task })
}

impl Server {
    pub fn token(&self, grants: SIPGrants) -> String {
        AccessToken::with_api_key(&self.api_key, &self.api_secret)
            .with_ttl(Duration::from_secs(60))
            .with_sip_grants(grants)
            .to_jwt()
            .expect("a token")
    }

    pub fn admin_token(&self) -> String {
        self.token(SIPGrants { admin: true, call: false })
    }
}

impl Client {
    pub fn new(server: Server, encoding: Encoding) -> Self {
        Self { server, encoding, http: reqwest::Client::new() }
    }

    /// A method of the SIP API.
    pub async fn call<Answer: Message + Default + DeserializeOwned>(
        &self,
        method: &str,
        request: &(impl Message + Serialize),
    ) -> Result<Answer, Failure> {
        self.call_of("livekit.SIP", method, request).await
    }

    pub async fn call_of<Answer: Message + Default + DeserializeOwned>(
        &self,
        service: &str,
        method: &str,
        request: &(impl Message + Serialize),
    ) -> Result<Answer, Failure> {
        let (content_type, body) = match self.encoding {
            Encoding::Json => ("application/json", serde_json::to_vec(request).expect("a JSON message")),
            Encoding::Protobuf => ("application/protobuf", request.encode_to_vec()),
        };
        let response = self
            .http
            .post(format!("{}/twirp/{service}/{method}", self.server.url))
            .bearer_auth(self.server.admin_token())
            .header(header::CONTENT_TYPE, content_type)
            .body(body)
            .send()
            .await
            .expect("an answer");
        let status = response.status();
        let answered_type = response.headers()[header::CONTENT_TYPE].clone();
        let body = response.bytes().await.expect("a body");
        if status != StatusCode::OK {
            assert_eq!(answered_type, "application/json");
            return Err(parse_failure(status, &body));
        }
        assert_eq!(answered_type, content_type);
        Ok(match self.encoding {
            Encoding::Json => serde_json::from_slice(&body).expect("a JSON message"),
            Encoding::Protobuf => Answer::decode(body).expect("a protobuf message"),
        })
    }

    pub async fn create_inbound(&self, trunk: SipInboundTrunkInfo) -> Result<SipInboundTrunkInfo, Failure> {
        let request = CreateSipInboundTrunkRequest { trunk: Some(trunk) };
        self.call("CreateSIPInboundTrunk", &request).await
    }

    pub async fn create_outbound(&self, trunk: SipOutboundTrunkInfo) -> Result<SipOutboundTrunkInfo, Failure> {
        let request = CreateSipOutboundTrunkRequest { trunk: Some(trunk) };
        self.call("CreateSIPOutboundTrunk", &request).await
    }

    pub async fn create_rule(&self, rule: SipDispatchRuleInfo) -> Result<SipDispatchRuleInfo, Failure> {
        let request = CreateSipDispatchRuleRequest { dispatch_rule: Some(rule), ..Default::default() };
        self.call("CreateSIPDispatchRule", &request).await
    }

    pub async fn replace_inbound(&self, id: &str, trunk: SipInboundTrunkInfo) -> Result<SipInboundTrunkInfo, Failure> {
        let action = update_sip_inbound_trunk_request::Action::Replace(trunk);
        let request = UpdateSipInboundTrunkRequest { sip_trunk_id: id.to_owned(), action: Some(action) };
        self.call("UpdateSIPInboundTrunk", &request).await
    }

    pub async fn update_inbound(
        &self,
        id: &str,
        update: SipInboundTrunkUpdate,
    ) -> Result<SipInboundTrunkInfo, Failure> {
        let action = update_sip_inbound_trunk_request::Action::Update(update);
        let request = UpdateSipInboundTrunkRequest { sip_trunk_id: id.to_owned(), action: Some(action) };
        self.call("UpdateSIPInboundTrunk", &request).await
    }

    pub async fn replace_outbound(
        &self,
        id: &str,
        trunk: SipOutboundTrunkInfo,
    ) -> Result<SipOutboundTrunkInfo, Failure> {
        let action = update_sip_outbound_trunk_request::Action::Replace(trunk);
        let request = UpdateSipOutboundTrunkRequest { sip_trunk_id: id.to_owned(), action: Some(action) };
        self.call("UpdateSIPOutboundTrunk", &request).await
    }

    pub async fn update_outbound(
        &self,
        id: &str,
        update: SipOutboundTrunkUpdate,
    ) -> Result<SipOutboundTrunkInfo, Failure> {
        let action = update_sip_outbound_trunk_request::Action::Update(update);
        let request = UpdateSipOutboundTrunkRequest { sip_trunk_id: id.to_owned(), action: Some(action) };
        self.call("UpdateSIPOutboundTrunk", &request).await
    }

    pub async fn replace_rule(&self, id: &str, rule: SipDispatchRuleInfo) -> Result<SipDispatchRuleInfo, Failure> {
        let action = update_sip_dispatch_rule_request::Action::Replace(rule);
        let request = UpdateSipDispatchRuleRequest { sip_dispatch_rule_id: id.to_owned(), action: Some(action) };
        self.call("UpdateSIPDispatchRule", &request).await
    }

    pub async fn update_rule(&self, id: &str, update: SipDispatchRuleUpdate) -> Result<SipDispatchRuleInfo, Failure> {
        let action = update_sip_dispatch_rule_request::Action::Update(update);
        let request = UpdateSipDispatchRuleRequest { sip_dispatch_rule_id: id.to_owned(), action: Some(action) };
        self.call("UpdateSIPDispatchRule", &request).await
    }

    pub async fn get_inbound(&self, id: &str) -> Result<SipInboundTrunkInfo, Failure> {
        let request = GetSipInboundTrunkRequest { sip_trunk_id: id.to_owned() };
        let answer: GetSipInboundTrunkResponse = self.call("GetSIPInboundTrunk", &request).await?;
        Ok(answer.trunk.expect("a trunk"))
    }

    pub async fn get_outbound(&self, id: &str) -> Result<SipOutboundTrunkInfo, Failure> {
        let request = GetSipOutboundTrunkRequest { sip_trunk_id: id.to_owned() };
        let answer: GetSipOutboundTrunkResponse = self.call("GetSIPOutboundTrunk", &request).await?;
        Ok(answer.trunk.expect("a trunk"))
    }

    pub async fn inbound_ids(&self, request: ListSipInboundTrunkRequest) -> Vec<String> {
        let answer: ListSipInboundTrunkResponse = self.call("ListSIPInboundTrunk", &request).await.expect("a list");
        answer.items.into_iter().map(|trunk| trunk.sip_trunk_id).collect()
    }

    pub async fn outbound_ids(&self, request: ListSipOutboundTrunkRequest) -> Vec<String> {
        let answer: ListSipOutboundTrunkResponse = self.call("ListSIPOutboundTrunk", &request).await.expect("a list");
        answer.items.into_iter().map(|trunk| trunk.sip_trunk_id).collect()
    }

    pub async fn rule_ids(&self, request: ListSipDispatchRuleRequest) -> Vec<String> {
        let answer: ListSipDispatchRuleResponse = self.call("ListSIPDispatchRule", &request).await.expect("a list");
        answer.items.into_iter().map(|rule| rule.sip_dispatch_rule_id).collect()
    }

    pub async fn delete_trunk(&self, id: &str) -> Result<SipTrunkInfo, Failure> {
        let request = DeleteSipTrunkRequest { sip_trunk_id: id.to_owned() };
        self.call("DeleteSIPTrunk", &request).await
    }

    pub async fn delete_rule(&self, id: &str) -> Result<SipDispatchRuleInfo, Failure> {
        let request = DeleteSipDispatchRuleRequest { sip_dispatch_rule_id: id.to_owned() };
        self.call("DeleteSIPDispatchRule", &request).await
    }
}

pub fn parse_failure(status: StatusCode, body: &[u8]) -> Failure {
    let body: Value = serde_json::from_slice(body).expect("a Twirp error");
    Failure {
        status: status.as_u16(),
        code: body["code"].as_str().expect("a code").to_owned(),
        msg: body["msg"].as_str().expect("a message").to_owned(),
        meta: body["meta"].clone(),
    }
}

/// Digits that no other test and no earlier run has used.
pub fn unique_digits() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    let next = NEXT.fetch_add(1, Ordering::Relaxed) % 1000;
    format!("9{}{next:03}", since_epoch.as_micros() % 10_000_000_000)
}

pub fn unique_number() -> String {
    format!("+{}", unique_digits())
}

pub fn strings(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

pub fn inbound(number: &str) -> SipInboundTrunkInfo {
    SipInboundTrunkInfo { numbers: strings(&[number]), ..Default::default() }
}

pub fn outbound(number: &str) -> SipOutboundTrunkInfo {
    SipOutboundTrunkInfo { numbers: strings(&[number]), address: "sip.example.com".to_owned(), ..Default::default() }
}

pub fn individual_rule(trunk_ids: &[&str]) -> SipDispatchRuleInfo {
    let rule = SipDispatchRuleIndividual { room_prefix: "call".to_owned(), ..Default::default() };
    SipDispatchRuleInfo {
        rule: Some(SipDispatchRule { rule: Some(Rule::DispatchRuleIndividual(rule)) }),
        trunk_ids: strings(trunk_ids),
        ..Default::default()
    }
}
