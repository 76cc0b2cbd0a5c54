use std::fmt;
use std::time::Duration;

use serde_json::json;
use trunkline_domain::{AddressPolicy, Direction, JsonObject, NewTrunk, RequestId, Transport, Trunk, TrunkSettings};
use trunkline_provisioning::ports::TrunkStore;
use trunkline_provisioning::{
    CreateRequest, CreateTrunk, DeleteTrunk, IdempotencyClaim, LeaseOwner, StoredResponse, Sweep, Timing, TrunkKey,
    UpdateRequest, UpdateTrunk,
};

use super::line::{Line, LineSecrets, LineSip, LineStore, LineTwilio};
use super::outside::Outside;
use super::{Actor, Answer};
use crate::canary::{CREDENTIALS, NEW_PASSWORD, PASSWORD};

/// No use case runs out of time: leases end when a test says so.
pub(super) const TIMING: Timing = Timing { lease: Duration::from_secs(3600) };

/// Where one case happens.
pub struct Ground<O>(pub O);

/// A trunk to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its direction.
    pub direction: Direction,
    /// Whether it has a password.
    pub secret: bool,
    /// Whether it is asked for with an idempotency key.
    pub key: bool,
}

impl<O: Outside> Ground<O> {
    /// A request for a trunk.
    pub fn create(&self, wanted: Wanted) -> Actor {
        let line = Line::default();
        let create = CreateTrunk {
            store: self.store(&line),
            secrets: self.secrets(&line),
            sip: self.sip(&line),
            secret_prefix: self.0.secret_prefix(),
            timing: TIMING,
        };
        let request = CreateRequest {
            workspace_id: self.0.workspace_id(),
            trunk: wanted.trunk(),
            claim: wanted.key.then(|| IdempotencyClaim { key_hash: "key".into(), fingerprint: "request".into() }),
            owner: LeaseOwner::new(RequestId::new()),
            deadline: None,
        };
        Actor::new(line, async move { Answer::Created(create.create(request, render).await) })
    }

    /// A request to change a trunk, which was asked for as `wanted`.
    pub fn update(&self, key: TrunkKey, wanted: Wanted, patch: Patch) -> Actor {
        let line = Line::default();
        let update = UpdateTrunk {
            store: self.store(&line),
            secrets: self.secrets(&line),
            sip: self.sip(&line),
            twilio: self.twilio(&line),
            secret_prefix: self.0.secret_prefix(),
            address_policy: AddressPolicy::PublicOnly,
            timing: TIMING,
        };
        let request = UpdateRequest {
            key,
            patch: patch.body(wanted),
            versions: None,
            owner: LeaseOwner::new(RequestId::new()),
            deadline: None,
        };
        Actor::new(line, async move { Answer::Updated(update.update(request).await.map(Box::new)) })
    }

    /// Whether a live trunk is as the patch makes it.
    pub async fn is_patched(&self, key: TrunkKey, patch: Patch) -> bool {
        let record = self.0.store().get(key).await.unwrap();
        record.is_some_and(|record| patch.is_made(&record.trunk.settings))
    }

    /// A request to delete a trunk.
    pub fn delete(&self, key: TrunkKey) -> Actor {
        let line = Line::default();
        let delete = DeleteTrunk {
            store: self.store(&line),
            secrets: self.secrets(&line),
            sip: self.sip(&line),
            twilio: self.twilio(&line),
            timing: TIMING,
        };
        let owner = LeaseOwner::new(RequestId::new());
        Actor::new(line, async move { Answer::Deleted(delete.delete(key, owner, None).await) })
    }

    /// A trunk that was created without a fault.
    pub async fn live_trunk(&self, wanted: Wanted) -> TrunkKey {
        let mut create = self.create(wanted);
        create.run_to("commit").await;
        let key = create.reserved();
        let answer = create.finish().await;
        assert!(matches!(answer, Answer::Created(Ok(_))), "{answer:?}");
        key.unwrap()
    }

    /// A run of the sweeper.
    pub fn sweep(&self) -> Actor {
        let line = Line::default();
        let sweep = Sweep {
            store: self.store(&line),
            secrets: self.secrets(&line),
            sip: self.sip(&line),
            twilio: self.twilio(&line),
            timing: TIMING,
        };
        Actor::new(line, async move { Answer::Swept(sweep.run(None).await) })
    }

    pub(super) fn store(&self, line: &Line) -> LineStore<O::Store> {
        LineStore { table: self.0.store(), line: line.clone() }
    }

    pub(super) fn secrets(&self, line: &Line) -> LineSecrets<O::Secrets> {
        LineSecrets { secrets: self.0.secrets(), line: line.clone() }
    }

    pub(super) fn sip(&self, line: &Line) -> LineSip<O::Sip> {
        LineSip { sip: self.0.sip(), line: line.clone() }
    }

    pub(super) fn twilio(&self, line: &Line) -> LineTwilio<O::Twilio> {
        LineTwilio { twilio: self.0.twilio(), line: line.clone() }
    }
}

impl Wanted {
    /// Every kind: three directions, with and without a secret, with and without a key.
    pub fn all() -> impl Iterator<Item = Self> {
        let directions = [Direction::Inbound, Direction::Outbound, Direction::Both];
        directions.into_iter().flat_map(|direction| {
            [(false, false), (false, true), (true, false), (true, true)].map(|(secret, key)| Self {
                direction,
                secret,
                key,
            })
        })
    }

    fn trunk(self) -> NewTrunk {
        let mut body = json!({
            "name": "Front desk",
            "kind": "byoc",
            "direction": self.direction.to_string(),
            "sip_address": "sip.example.com",
        });
        if self.secret {
            body["auth_username"] = json!("desk");
            body["auth_password"] = json!(PASSWORD);
            body["credentials"] = json!({"token": CREDENTIALS});
        }
        let body = JsonObject::parse(body.to_string().as_bytes()).unwrap();
        NewTrunk::parse(&body, AddressPolicy::PublicOnly).unwrap()
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secret, key) = (if self.secret { " with secret" } else { "" }, if self.key { " with key" } else { "" });
        write!(f, "{}{secret}{key}", self.direction)
    }
}

/// What is changed of a trunk. Each can be told from what it was by the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patch {
    /// Nothing that LiveKit knows.
    Rename,
    /// Nothing that Secrets Manager knows.
    Secure,
    /// A new password, of a trunk that has one.
    Rotate,
    /// A password for a trunk that has none.
    Enter,
    /// No password and no credentials any more.
    Clear,
    /// A new name, and the auth token of the trunk's Twilio account, which is tried and kept in a secret of its own.
    Token,
}

impl Patch {
    /// Those that mean something to such a trunk.
    pub fn of(wanted: Wanted) -> impl Iterator<Item = Self> {
        let (with, without) = ([Self::Rotate, Self::Clear], [Self::Enter]);
        let own: &[Self] = if wanted.secret { &with } else { &without };
        [Self::Rename, Self::Secure].into_iter().chain(own.to_vec())
    }

    fn body(self, wanted: Wanted) -> JsonObject {
        let body = match self {
            Self::Rename => json!({"name": "Back office"}),
            Self::Secure => json!({"transport": "tcp", "media_encryption": "require"}),
            Self::Rotate => json!({"auth_username": "rotated", "auth_password": NEW_PASSWORD}),
            Self::Enter => json!({"auth_username": "entered", "auth_password": NEW_PASSWORD}),
            // Inbound trunks challenge by default.
            Self::Clear if wanted.direction == Direction::Inbound => {
                json!({"auth_password": null, "credentials": null, "inbound_auth": "none"})
            }
            Self::Clear => json!({"auth_password": null, "credentials": null}),
            Self::Token => json!({"name": "Back office", "credentials": {"auth_token": CREDENTIALS}}),
        };
        JsonObject::parse(body.to_string().as_bytes()).unwrap()
    }

    fn is_made(self, settings: &TrunkSettings) -> bool {
        let username = settings.auth_username.as_ref().map(ToString::to_string);
        match self {
            Self::Rename | Self::Token => settings.name.to_string() == "Back office",
            Self::Secure => settings.transport == Transport::Tcp,
            Self::Rotate => username.as_deref() == Some("rotated"),
            Self::Enter => username.as_deref() == Some("entered"),
            Self::Clear => username.is_none(),
        }
    }
}

impl fmt::Display for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rename => "rename",
            Self::Secure => "secure",
            Self::Rotate => "rotate",
            Self::Enter => "enter",
            Self::Clear => "clear",
            Self::Token => "new token for",
        })
    }
}

fn render(trunk: &Trunk) -> StoredResponse {
    StoredResponse { status: 201, body: trunk.id.to_string(), location: None }
}
