//! The events under `events/`, and the fixtures that its README promises them.

use std::path::PathBuf;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use livekit_protocol::{
    CreateSipDispatchRuleRequest, CreateSipInboundTrunkRequest, CreateSipOutboundTrunkRequest, SipDispatchRule,
    SipDispatchRuleIndividual, SipDispatchRuleInfo, SipInboundTrunkInfo, SipOutboundTrunkInfo, sip_dispatch_rule,
};
use secrecy::ExposeSecret;
use serde_json::Value;
use trunkline_domain::{
    AddressPolicy, ApiKey, Binding, BoundNumbers, E164, InboundObjects, JsonObject, Kind, LiveKitObjects, NewTrunk,
    OutboundObjects, PhoneNumber, PhoneNumberLabel, Scope, Trunk, TrunkId, TwilioAccount, WorkspaceId,
};
use trunkline_provisioning::ports::{NumberReservation, NumberWrite, Reservation, TrunkStore, UpdateBegin};
use trunkline_provisioning::{Lease, LeaseOwner, SecretPrefix, TrunkKey};

use crate::canary::assert_no_trace_of;
use crate::lambda::Function;
use crate::probe::text;
use crate::sam::Deployed;
use crate::{World, both};

/// The trunk of the demo workspace.
const DEMO_TRUNK: &str = "trunk_01m83t4cm0e00b000000000001";
/// The trunk of the second workspace.
const SECOND_TRUNK: &str = "trunk_01m83t4dk8e00b000000000002";
/// One of the trunks of the workspace at its caps.
const FULL_TRUNK: &str = "trunk_01m83t4fhre00b000000000004";
/// A phone number of the demo workspace's trunk.
const DEMO_NUMBER: (&str, &str) = ("phone_01m83t4gh0e00b000000000005", "+12025550101");
/// A phone number of the second workspace's trunk.
const SECOND_NUMBER: (&str, &str) = ("phone_01m83t4hg8e00b000000000006", "+12025550102");
/// Stands for the Twilio account of whichever service the events are fed to.
const ACCOUNT_SID: &str = "AC01a207a2508070000000000000000008";
/// Stands for what opens that account.
const AUTH_TOKEN: &str = "events-twilio-token-not-a-secret";
const DEMO_KEY: &str = "sk_EventsDemoFull00000000000000000000000000000";

/// One file.
#[derive(Debug)]
pub struct Event {
    /// The file's name, without its ending.
    pub name: String,
    /// What API Gateway sends.
    pub payload: Value,
}

/// The events of a function, by name.
pub fn of(function: &str) -> Vec<Event> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events").join(function);
    let mut events: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| Event {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            payload: serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap(),
        })
        .collect();
    events.sort_by(|a, b| a.name.cmp(&b.name));
    events
}

/// One event of a function.
pub fn one(function: &str, name: &str) -> Value {
    let event = of(function).into_iter().find(|event| event.name == name);
    event.unwrap_or_else(|| panic!("no event {name}")).payload
}

/// A function that has been fed all of its events.
#[derive(Debug)]
pub struct Fed {
    /// What it has worked on.
    pub world: World,
    /// Still running.
    pub function: Deployed,
    /// Its response to each event, by the event's name, the body parsed.
    pub responses: Vec<(String, Value)>,
}

/// Feeds the events of function `name` to its `binary`, one after the other, on a world with their fixtures, whose Twilio
/// account takes the place of theirs. What it logs shows no secret of theirs, at whatever level.
pub async fn feed(binary: &str, name: &str) -> Fed {
    let world = World::start().await;
    world.add_event_fixtures().await;
    feed_on(world, binary, name).await
}

/// The same, with phone numbers among the fixtures.
pub async fn feed_with_numbers(binary: &str, name: &str) -> Fed {
    let world = World::start().await;
    world.add_event_fixtures().await;
    world.add_number_fixtures().await;
    feed_on(world, binary, name).await
}

async fn feed_on(world: World, binary: &str, name: &str) -> Fed {
    let function = world.function(binary, &[("RUST_LOG", "trace")]).await;
    let mut responses = Vec::new();
    let TwilioAccount { account_sid, auth_token } = world.twilio_account();
    let auth_token = auth_token.expose_secret();
    for event in of(name) {
        let payload =
            event.payload.to_string().replace(ACCOUNT_SID, account_sid.as_str()).replace(AUTH_TOKEN, auth_token);
        responses.push((event.name, opened(function.invoke(serde_json::from_str(&payload).unwrap()).await)));
    }
    let logged = function.output();
    assert!(logged.lines().count() >= responses.len(), "a line for each request:\n{logged}");
    for secret in ["sk_Events", "events-password-not-a-secret", "events-token-not-a-secret", auth_token] {
        assert_no_trace_of(secret, "log", &logged);
    }
    Fed { world, function, responses }
}

/// A response of a function with its body parsed.
pub fn opened(mut response: Value) -> Value {
    if let Some(text) = response["body"].as_str().filter(|text| !text.is_empty()) {
        response["body"] = serde_json::from_str(text).expect("a body of JSON");
    }
    response
}

/// Without any one of its `settings`, or with one of the `malformed` ones, a function stops before it takes an event,
/// with one line that names the setting and shows no value.
pub async fn needs(binary: &str, settings: &[&str], malformed: &[(&str, &str)]) {
    let world = World::start().await;
    let whole = world.environment();
    let wrong = settings.iter().map(|name| (*name, "")).chain(malformed.iter().copied());
    for (name, value) in wrong {
        let mut environment = whole.clone();
        environment.insert(name.to_owned(), value.to_owned());
        let output = Function::start(binary, &environment).await.failed_to_start().await;
        assert_eq!(output.lines().count(), 1, "{name}: {output}");
        assert!(output.contains(name), "{name}: {output}");
        for secret in [&world.ready().livekit_api_secret, &world.ready().aws_secret_access_key] {
            assert_no_trace_of(secret, "log", &output);
        }
        // A path helps; any other value may be a secret in the wrong place.
        assert!(value.is_empty() || value.starts_with('/') || !output.contains(value), "{name}: {output}");
    }
}

impl World {
    /// Puts the keys and trunks of `events/README.md` where the events expect them.
    pub async fn add_event_fixtures(&self) {
        let demo = self.workspace_of(DEMO_KEY, Scope::Full).await;
        self.add_key("sk_EventsDemoRead00000000000000000000000000000", demo, Scope::Read).await;
        let revoked = "sk_EventsDemoRevoked00000000000000000000000000";
        self.add_key(revoked, demo, Scope::Full).await;
        self.dynamodb().revoke(revoked).await;
        let second = self.workspace_of("sk_EventsSecondWorkspace0000000000000000000000", Scope::Full).await;
        self.workspace_of("sk_EventsEmptyWorkspace00000000000000000000000", Scope::Full).await;
        let full = self.workspace_of("sk_EventsWorkspaceAtCap00000000000000000000000", Scope::Full).await;

        self.add_trunk(demo, DEMO_TRUNK.parse().unwrap()).await;
        self.add_trunk(second, SECOND_TRUNK.parse().unwrap()).await;
        self.add_trunk(full, FULL_TRUNK.parse().unwrap()).await;
        for _ in 1..20 {
            self.add_trunk(full, TrunkId::new()).await;
        }
    }

    /// Puts the phone numbers of `events/README.md` onto those trunks.
    pub async fn add_number_fixtures(&self) {
        self.add_number(DEMO_TRUNK, DEMO_NUMBER).await;
        self.add_number(SECOND_TRUNK, SECOND_NUMBER).await;
        let full = self.dynamodb().trunk(FULL_TRUNK).await.unwrap();
        self.dynamodb().set(text(&full, "pk"), "WS", "number_count", AttributeValue::N("100".to_owned())).await;
    }

    async fn workspace_of(&self, key: &str, scope: Scope) -> WorkspaceId {
        let workspace_id = self.dynamodb().new_workspace().await;
        self.add_key(key, workspace_id, scope).await;
        workspace_id
    }

    async fn add_key(&self, key: &str, workspace_id: WorkspaceId, scope: Scope) {
        self.dynamodb().operator().add_key(workspace_id, &ApiKey::presented(key), scope).await.unwrap();
    }

    /// A trunk of [`both`] with an id of our choice, which no request can have: by the production code's own steps.
    async fn add_trunk(&self, workspace_id: WorkspaceId, id: TrunkId) {
        let key = TrunkKey { workspace_id, id };
        let body = JsonObject::parse(both().to_string().as_bytes()).unwrap();
        let trunk = NewTrunk::parse(&body, AddressPolicy::PublicOnly).unwrap();
        let name = SecretPrefix::parse(&self.ready().secret_prefix).unwrap().name_for(key);
        let store = self.dynamodb().store();
        let now = Timestamp::now();
        let owner = LeaseOwner::new("fixture");
        let lease = Lease { owner: owner.clone(), until: now + SignedDuration::from_secs(30) };
        let reservation = Reservation {
            key,
            settings: &trunk.settings,
            secret_name: Some(&name),
            now,
            lease: &lease,
            claim: None,
            number: None,
            twilio_account: None,
        };
        store.reserve(reservation).await.unwrap();
        let secret = self.secrets().client.create_secret().name(name).secret_string(crate::FULL_SECRET);
        secret.send().await.unwrap();
        let trunk = Trunk {
            id,
            workspace_id,
            settings: trunk.settings,
            livekit: self.add_livekit_objects(id).await,
            twilio: None,
            numbers: BoundNumbers::new(),
            version: Trunk::FIRST_VERSION,
            created_at: now,
            updated_at: now,
        };
        store.commit(&trunk, None, &owner, None).await.unwrap();
    }

    /// A number with an id of our choice, which no request can have: by the production code's own steps. What LiveKit says
    /// of the trunk is made good by the first change.
    async fn add_number(&self, trunk_id: &str, (id, e164): (&str, &str)) {
        let item = self.dynamodb().trunk(trunk_id).await.unwrap();
        let workspace_id = text(&item, "pk").trim_start_matches("WS#").parse().unwrap();
        let key = TrunkKey { workspace_id, id: trunk_id.parse().unwrap() };
        let store = self.dynamodb().store();
        let mut record = store.get(key).await.unwrap().unwrap();
        let now = Timestamp::now();
        let owner = LeaseOwner::new("number fixture");
        let lease = Lease { owner: owner.clone(), until: now + SignedDuration::from_secs(30) };
        let number = PhoneNumber {
            id: id.parse().unwrap(),
            workspace_id,
            e164: E164::parse(e164).unwrap(),
            provider: Kind::Byoc,
            label: Some(PhoneNumberLabel::parse("Reception").unwrap()),
            binding: Some(Binding { trunk_id: key.id, direction: record.trunk.settings.direction() }),
            provider_phone_number_id: None,
            version: PhoneNumber::FIRST_VERSION,
            created_at: now,
            updated_at: now,
        };
        let version = record.trunk.version;
        let begin = UpdateBegin {
            key,
            version,
            secret_names: record.secret_name.iter().cloned().collect(),
            number: None,
            lease: &lease,
            now,
        };
        store.begin_import(&begin, &NumberReservation { number: &number, claim: None }).await.unwrap();
        record.trunk.numbers.insert(number.e164.clone(), number.id);
        record.trunk.version += 1;
        store.commit_numbers(&[record], &owner, NumberWrite::Import(&number, None)).await.unwrap();
    }

    async fn add_livekit_objects(&self, id: TrunkId) -> LiveKitObjects {
        let livekit = self.livekit();
        let numbers = vec![id.to_string()];
        let trunk = SipInboundTrunkInfo { numbers: numbers.clone(), ..Default::default() };
        let request = CreateSipInboundTrunkRequest { trunk: Some(trunk) };
        let inbound: SipInboundTrunkInfo = livekit.call("CreateSIPInboundTrunk", &request).await;
        let individual = SipDispatchRuleIndividual { room_prefix: id.to_string(), ..Default::default() };
        let rule = sip_dispatch_rule::Rule::DispatchRuleIndividual(individual);
        let rule = SipDispatchRuleInfo {
            trunk_ids: vec![inbound.sip_trunk_id.clone()],
            rule: Some(SipDispatchRule { rule: Some(rule) }),
            ..Default::default()
        };
        let request = CreateSipDispatchRuleRequest { dispatch_rule: Some(rule), ..Default::default() };
        let rule: SipDispatchRuleInfo = livekit.call("CreateSIPDispatchRule", &request).await;
        let address = "sip.example.com:5061".to_owned();
        let trunk = SipOutboundTrunkInfo { address, numbers, ..Default::default() };
        let request = CreateSipOutboundTrunkRequest { trunk: Some(trunk) };
        let outbound: SipOutboundTrunkInfo = livekit.call("CreateSIPOutboundTrunk", &request).await;
        LiveKitObjects::Both(
            InboundObjects { trunk_id: inbound.sip_trunk_id, dispatch_rule_id: rule.sip_dispatch_rule_id },
            OutboundObjects { trunk_id: outbound.sip_trunk_id },
        )
    }
}
