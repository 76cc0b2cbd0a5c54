//! How often a warm function asks for memory: what a change adds shows here, whatever the machine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use allocation_counter::{AllocationInfo, measure};
use lambda_http::request::from_str;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use trunkline_bootstrap::{Clients, Environment};
use trunkline_http::{CreateSipTrunk, GetSipTrunk, Handler, answer};
use trunkline_tests::{World, events};

/// A function of this thread's own, on a service whose threads are others: only the thread's own allocations count.
struct Warm {
    service: Runtime,
    function: Runtime,
    world: World,
    environment: Environment,
}

impl Warm {
    fn new() -> Self {
        let service = Runtime::new().unwrap();
        let world = service.block_on(async {
            let world = World::start().await;
            world.dynamodb().set_limit(&world.ready().workspace_id, 1000).await;
            world
        });
        let environment = Environment::from(world.environment());
        Self { service, function: Builder::new_current_thread().enable_all().build().unwrap(), world, environment }
    }

    fn clients(&self) -> Clients {
        Clients::new(&self.environment).unwrap()
    }

    /// That of `calls` answers to `event`.
    fn measure(&self, handler: &impl Handler, event: &str, calls: usize) -> AllocationInfo {
        measure(|| {
            for _ in 0..calls {
                let answered = self.function.block_on(answer(handler, from_str(event).unwrap()));
                assert!(answered.status().is_success(), "{answered:?}");
            }
        })
    }

    /// Each call asks at most `most` times, and gives everything back.
    fn check(&self, handler: &impl Handler, event: Value, most: u64) {
        let event = event.to_string();
        self.measure(handler, &event, 20);
        let calls = 50;
        let counted = self.measure(handler, &event, calls);
        let each = counted.count_total / calls as u64;
        assert!(each <= most, "{each} allocations, at most {most} are expected: {counted:?}");
        // A buffer of a connection may have grown: not with every call.
        let kept = counted.bytes_current / calls as i64;
        assert!(kept < 1024, "{kept} bytes are kept by each call: {counted:?}");
    }
}

#[test]
fn a_create_and_a_read_ask_for_so_much_memory_and_keep_none() {
    let warm = Warm::new();
    let clients = warm.clients();
    let create = CreateSipTrunk {
        authenticator: clients.authenticator().unwrap(),
        create: clients.create_trunk().unwrap(),
        address_policy: warm.environment.address_policy().unwrap(),
        sip_host: warm.environment.sip_host().unwrap(),
    };
    let by = |mut event: Value| {
        event["headers"]["authorization"] = json!(format!("Bearer {}", warm.world.ready().api_key));
        event
    };
    warm.check(&create, by(events::one("create-sip-trunk", "byoc-both")), 1900);

    let id =
        warm.service.block_on(async { warm.world.client().create(&trunkline_tests::both()).await.id().to_owned() });
    let get = GetSipTrunk {
        authenticator: clients.authenticator().unwrap(),
        store: clients.table().unwrap(),
        sip_host: warm.environment.sip_host().unwrap(),
    };
    let mut event = by(events::one("get-sip-trunk", "found"));
    event["pathParameters"]["id"] = json!(id);
    warm.check(&get, event, 580);
}
