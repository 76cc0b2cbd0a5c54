use std::fmt;
use std::time::Duration;

use serde_json::json;
use trunkline_domain::{AddressPolicy, Direction, JsonObject, NewTrunk, RequestId, Trunk};
use trunkline_provisioning::{
    CreateRequest, CreateTrunk, DeleteTrunk, IdempotencyClaim, LeaseOwner, StoredResponse, Sweep, Timing, TrunkKey,
};

use super::line::{Line, LineSecrets, LineSip, LineStore};
use super::outside::Outside;
use super::{Actor, Answer};
use crate::canary::{CREDENTIALS, PASSWORD};

/// No use case runs out of time: leases end when a test says so.
const TIMING: Timing = Timing { lease: Duration::from_secs(3600) };

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

    /// A request to delete a trunk.
    pub fn delete(&self, key: TrunkKey) -> Actor {
        let line = Line::default();
        let delete = DeleteTrunk {
            store: self.store(&line),
            secrets: self.secrets(&line),
            sip: self.sip(&line),
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
        let sweep =
            Sweep { store: self.store(&line), secrets: self.secrets(&line), sip: self.sip(&line), timing: TIMING };
        Actor::new(line, async move { Answer::Swept(sweep.run(None).await) })
    }

    fn store(&self, line: &Line) -> LineStore<O::Store> {
        LineStore { table: self.0.store(), line: line.clone() }
    }

    fn secrets(&self, line: &Line) -> LineSecrets<O::Secrets> {
        LineSecrets { secrets: self.0.secrets(), line: line.clone() }
    }

    fn sip(&self, line: &Line) -> LineSip<O::Sip> {
        LineSip { sip: self.0.sip(), line: line.clone() }
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

fn render(trunk: &Trunk) -> StoredResponse {
    StoredResponse { status: 201, body: trunk.id.to_string(), location: None }
}
