//! LiveKit's phone-number service as our client meets it over the wire, in good order and failing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::time::Duration;

use livekit_protocol as proto;
use trunkline_bootstrap::{Clients, Environment, LiveKitKeys};
use trunkline_domain::E164;
use trunkline_livekit::LiveKitSip;
use trunkline_provisioning::TrunkKey;
use trunkline_provisioning::ports::{
    LiveKitNumber, LiveKitNumbers, OPERATOR_NEEDED, PurchaseError, SipInventory, UpstreamError,
};
use trunkline_tests::fault::{Fault, On, System};
use trunkline_tests::lines::Lines;
use trunkline_tests::{World, livekit};

const LIST: &str = "ListPhoneNumbers";
const PURCHASE: &str = "PurchasePhoneNumber";
const RELEASE: &str = "ReleasePhoneNumbers";

/// A world with a trunk of kind livekit, and our client of its LiveKit.
struct Shop {
    world: World,
    livekit: LiveKitSip<LiveKitKeys>,
    key: TrunkKey,
    trunk_id: String,
    rule_id: String,
}

impl Shop {
    async fn open() -> Self {
        let world = World::faulty().await;
        let trunk = world.client().create(&livekit()).await.expect(201);
        let id = |name: &str| trunk.body[name].as_str().unwrap().to_owned();
        let (trunk_id, rule_id) = (id("livekit_inbound_trunk_id"), id("livekit_dispatch_rule_id"));
        let key =
            TrunkKey { workspace_id: world.ready().workspace_id.parse().unwrap(), id: trunk.id().parse().unwrap() };
        let livekit = Clients::new(&Environment::from(world.environment())).unwrap().livekit().unwrap();
        world.forget_calls();
        Self { world, livekit, key, trunk_id, rule_id }
    }

    fn inject(&self, on: On, fault: Fault) {
        self.world.faults(System::LiveKit).inject(on, fault);
    }

    /// How often a method was called.
    fn calls(&self, method: &str) -> usize {
        self.world.faults(System::LiveKit).calls().iter().filter(|call| *call == method).count()
    }

    async fn purchase(&self, number: &str) -> Result<String, PurchaseError> {
        self.livekit.purchase(&e164(number), &self.rule_id).await
    }

    async fn find(&self, number: &str) -> Result<Option<LiveKitNumber>, UpstreamError> {
        self.livekit.find(&e164(number)).await
    }

    /// Buys past our client, as whoever uses LiveKit's dashboard does.
    async fn bought_by_others(&self, numbers: &[String]) -> Vec<String> {
        let request = proto::PurchasePhoneNumberRequest { phone_numbers: numbers.into(), sip_dispatch_rule_id: None };
        let bought: proto::PurchasePhoneNumberResponse =
            self.world.livekit().call_about_numbers(PURCHASE, &request).await;
        bought.phone_numbers.into_iter().map(|number| number.id).collect()
    }

    async fn released_by_others(&self, id: &str) {
        let request = proto::ReleasePhoneNumbersRequest { ids: vec![id.to_owned()], ..Default::default() };
        let _: proto::ReleasePhoneNumbersResponse = self.world.livekit().call_about_numbers(RELEASE, &request).await;
    }

    /// The trunks and numbers of the rule.
    async fn rule_trunks(&self) -> Vec<String> {
        self.world.livekit().of(&self.key.id.to_string()).await.rules.remove(0).trunk_ids
    }
}

fn e164(number: &str) -> E164 {
    E164::parse(number).unwrap()
}

const NUMBER: &str = "+14155550100";

#[tokio::test]
async fn a_number_is_bought_for_a_rule_found_by_it_and_given_back() {
    let shop = Shop::open().await;
    assert_eq!(shop.find(NUMBER).await, Ok(None));
    let id = shop.purchase(NUMBER).await.unwrap();
    let number = LiveKitNumber { id: id.clone(), dispatch_rule_ids: [shop.rule_id.clone()].into() };
    assert_eq!(shop.find(NUMBER).await, Ok(Some(number)));
    assert_eq!(shop.find("+14155550101").await, Ok(None));
    assert_eq!(shop.rule_trunks().await, [shop.trunk_id.as_str(), &id]);
    for _ in 0..2 {
        assert_eq!(shop.livekit.release(&id).await, Ok(()));
        assert_eq!(shop.find(NUMBER).await, Ok(None));
    }
    assert_eq!(shop.rule_trunks().await, [shop.trunk_id.as_str()]);
}

#[tokio::test]
async fn what_livekit_does_not_sell_is_told_apart() {
    let shop = Shop::open().await;
    assert_eq!(shop.purchase("+493012345678").await, Err(PurchaseError::NotUs));
    assert_eq!(shop.world.faults(System::LiveKit).calls(), [""; 0]);

    shop.bought_by_others(&[NUMBER.to_owned()]).await;
    assert_eq!(shop.purchase(NUMBER).await, Err(PurchaseError::AlreadyOwned));
    assert_eq!(shop.calls(PURCHASE), 0);
    let theirs = shop.find(NUMBER).await.unwrap().unwrap();
    assert_eq!(theirs.dispatch_rule_ids.len(), 0);

    let lines = Lines::keep();
    // Toronto's, and a number that nobody sells.
    for number in ["+14165550100", "+14155559999"] {
        assert_eq!(shop.purchase(number).await, Err(PurchaseError::NotAvailable));
    }
    // Whatever LiveKit's word for it is.
    for (status, code) in [(404, "not_found"), (409, "already_exists"), (412, "failed_precondition")] {
        shop.inject(On::operation(PURCHASE), Fault::twirp(status, code));
        assert_eq!(shop.purchase("+14155550101").await, Err(PurchaseError::NotAvailable), "{code}");
        shop.world.heal();
    }
    assert_eq!(lines.errors(OPERATOR_NEEDED, "livekit"), 0);
    assert_eq!(shop.rule_trunks().await, [shop.trunk_id.as_str()]);
}

#[tokio::test]
async fn a_livekit_without_phone_numbers_says_so() {
    // livekit-server's own words (`defaultHandler` in its `pkg/service/server.go`), and Twirp's.
    for fault in [Fault::status(404), Fault::twirp(404, "bad_route")] {
        let shop = Shop::open().await;
        shop.inject(On::any(), fault.clone());
        let lines = Lines::keep();
        assert_eq!(shop.purchase(NUMBER).await, Err(PurchaseError::NoService), "{fault:?}");
        assert_eq!((shop.calls(LIST), shop.calls(PURCHASE)), (1, 0), "{fault:?}");
        assert_eq!(lines.errors(OPERATOR_NEEDED, "livekit"), 0, "{fault:?}");
        // An undo that looks finds nothing, and goes on.
        assert_eq!(shop.find(NUMBER).await, Ok(None), "{fault:?}");
        assert_eq!(lines.errors(OPERATOR_NEEDED, "livekit"), 0, "{fault:?}");
        // Nobody asks for this who has not bought a number.
        assert_eq!(shop.livekit.release("PN_PPN_none").await, Err(UpstreamError::NotDone), "{fault:?}");
        assert_eq!(lines.errors(OPERATOR_NEEDED, "livekit"), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_purchase_is_asked_for_once_and_found_when_its_answer_is_lost() {
    let upstream = |error| Err(PurchaseError::Upstream(error));
    for (fault, outcome, calls, is_bought) in [
        (Fault::DropAnswer, UpstreamError::Unanswered, 1, true),
        (Fault::DelayAnswer(Duration::from_secs(600)), UpstreamError::Unanswered, 1, true),
        (Fault::Drop, UpstreamError::Unanswered, 1, false),
        (Fault::empty(), UpstreamError::Unanswered, 1, false),
        (Fault::status(200), UpstreamError::Unanswered, 1, false),
        (Fault::status(502), UpstreamError::Unanswered, 1, false),
        (Fault::twirp(500, "internal"), UpstreamError::Unanswered, 1, false),
        (Fault::twirp(408, "deadline_exceeded"), UpstreamError::Unanswered, 1, false),
        (Fault::twirp(409, "aborted"), UpstreamError::Unanswered, 1, false),
        (Fault::twirp(429, "resource_exhausted"), UpstreamError::NotDone, 1, false),
        (Fault::twirp(400, "malformed"), UpstreamError::NotDone, 1, false),
        (Fault::twirp(403, "permission_denied"), UpstreamError::NotDone, 1, false),
        (Fault::twirp(404, "bad_route"), UpstreamError::NotDone, 1, false),
        (Fault::twirp(401, "unauthenticated"), UpstreamError::NotDone, 2, false),
    ] {
        let shop = Shop::open().await;
        shop.inject(On::operation(PURCHASE), fault.clone());
        assert_eq!(shop.purchase(NUMBER).await, upstream(outcome), "{fault:?}");
        assert_eq!(shop.calls(PURCHASE), calls, "{fault:?}");
        let rules = shop.find(NUMBER).await.unwrap().map(|number| number.dispatch_rule_ids);
        assert_eq!(rules, is_bought.then(|| [shop.rule_id.clone()].into()), "{fault:?}");
    }
}

#[tokio::test]
async fn a_token_that_livekit_refuses_is_made_anew_once() {
    let shop = Shop::open().await;
    shop.inject(On::operation(PURCHASE).nth(1), Fault::twirp(401, "unauthenticated"));
    shop.purchase(NUMBER).await.unwrap();
    assert_eq!(shop.calls(PURCHASE), 2);
}

#[tokio::test]
async fn nothing_is_bought_before_it_is_known_who_has_the_number() {
    for (fault, calls) in [
        (Fault::DropAnswer, 2),
        (Fault::status(503), 2),
        (Fault::twirp(429, "resource_exhausted"), 2),
        (Fault::twirp(403, "permission_denied"), 1),
    ] {
        let shop = Shop::open().await;
        shop.inject(On::operation(LIST), fault.clone());
        let purchase = shop.purchase(NUMBER).await;
        assert_eq!(purchase, Err(PurchaseError::Upstream(UpstreamError::NotDone)), "{fault:?}");
        assert_eq!((shop.calls(LIST), shop.calls(PURCHASE)), (calls, 0), "{fault:?}");
    }
}

#[tokio::test]
async fn a_look_and_a_release_are_repeated_once() {
    for fault in [Fault::DropAnswer, Fault::Drop, Fault::status(502), Fault::twirp(429, "resource_exhausted")] {
        let shop = Shop::open().await;
        let id = shop.purchase(NUMBER).await.unwrap();
        for method in [LIST, RELEASE] {
            shop.inject(On::operation(method).nth(1), fault.clone());
        }
        assert_eq!(shop.find(NUMBER).await.unwrap().unwrap().id, id, "{fault:?}");
        assert_eq!(shop.livekit.release(&id).await, Ok(()), "{fault:?}");
        assert_eq!(shop.calls(RELEASE), 2, "{fault:?}");
        assert_eq!(shop.find(NUMBER).await, Ok(None), "{fault:?}");
    }
    for (fault, outcome) in [
        (Fault::status(500), UpstreamError::Unanswered),
        (Fault::twirp(429, "resource_exhausted"), UpstreamError::NotDone),
    ] {
        let shop = Shop::open().await;
        let id = shop.purchase(NUMBER).await.unwrap();
        shop.inject(On::any(), fault.clone());
        assert_eq!(shop.find(NUMBER).await, Err(outcome), "{fault:?}");
        assert_eq!(shop.livekit.release(&id).await, Err(outcome), "{fault:?}");
    }
}

#[tokio::test]
async fn a_refused_release_is_good_where_the_number_is_gone() {
    let shop = Shop::open().await;
    let id = shop.purchase(NUMBER).await.unwrap();
    shop.inject(On::operation(RELEASE), Fault::twirp(400, "invalid_argument"));
    let lines = Lines::keep();
    assert_eq!(shop.livekit.release(&id).await, Err(UpstreamError::NotDone));
    assert_eq!(lines.errors(OPERATOR_NEEDED, "livekit"), 1);
    shop.released_by_others(&id).await;
    assert_eq!(shop.livekit.release(&id).await, Ok(()));
    assert_eq!(lines.errors(OPERATOR_NEEDED, "livekit"), 1);
    shop.inject(On::operation(LIST), Fault::status(500));
    assert_eq!(shop.livekit.release(&id).await, Err(UpstreamError::NotDone));
}

/// A hundred numbers, bought in their order.
fn hundred() -> Vec<String> {
    let areas = ["202", "206", "212", "303", "305"];
    areas.iter().flat_map(|area| (100..120).map(move |line| format!("+1{area}5550{line}"))).collect()
}

#[tokio::test]
async fn every_page_is_looked_through() {
    let shop = Shop::open().await;
    let numbers = hundred();
    let ids = shop.bought_by_others(&numbers).await;
    shop.world.forget_calls();
    for at in [0, 49, 50, 99] {
        assert_eq!(shop.find(&numbers[at]).await.unwrap().unwrap().id, ids[at]);
    }
    assert_eq!(shop.calls(LIST), 1 + 1 + 2 + 2);
    // Not found in two pages, twice.
    assert_eq!(shop.find(NUMBER).await, Ok(None));
    assert_eq!(shop.calls(LIST), 6 + 4);
}

#[tokio::test]
async fn a_number_that_moves_to_a_page_that_was_read_is_found() {
    let shop = Shop::open().await;
    let numbers = hundred();
    let ids = shop.bought_by_others(&numbers).await;
    let gate = shop.world.faults(System::LiveKit).hold(On::operation(LIST).nth(2));
    let first_of_the_second_page = e164(&numbers[50]);
    let (found, ()) = tokio::join!(shop.livekit.find(&first_of_the_second_page), async {
        gate.reached().await;
        shop.released_by_others(&ids[0]).await;
        gate.open();
    });
    assert_eq!(found.unwrap().unwrap().id, ids[50]);
}

#[tokio::test]
async fn a_rule_with_a_number_is_as_it_should_be_and_keeps_it() {
    let shop = Shop::open().await;
    let id = shop.purchase(NUMBER).await.unwrap();
    assert_eq!(shop.world.differences().await, [""; 0]);
    let rule = shop.livekit.dispatch_rule(shop.key, &shop.trunk_id);
    assert_eq!(shop.livekit.replace(&shop.rule_id, rule).await, Ok(true));
    assert_eq!(shop.rule_trunks().await, [shop.trunk_id.as_str(), &id]);
    assert_eq!(shop.livekit.replace("SDR_none", shop.livekit.dispatch_rule(shop.key, &shop.trunk_id)).await, Ok(false));
}
