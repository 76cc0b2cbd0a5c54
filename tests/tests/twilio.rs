//! Our client of Twilio, over the wire: what it says and leaves, and what becomes of each failure.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::time::Duration;

use serde_json::json;
use trunkline_bootstrap::{Clients, Environment};
use trunkline_domain::{AuthPassword, AuthUsername, E164, TrunkId};
use trunkline_local::emulators::twilio::{Account, OwnNumber, Use};
use trunkline_provisioning::ports::{
    Failure, OPERATOR_NEEDED, TwilioError, TwilioNumber, TwilioRefusal, TwilioService, UpstreamError,
};
use trunkline_tests::World;
use trunkline_tests::canary::{PASSWORD, assert_no_trace};
use trunkline_tests::fault::{Fault, On, System};
use trunkline_tests::faulty::{InProcess, Systems};
use trunkline_tests::lines::Lines;
use trunkline_tests::probe::{CredentialList, TwilioTrunk};
use trunkline_tests::twilio::{
    self, OF_AN_APPLICATION, ON_A_TRUNK, TwilioWorld, account, demo_account, other_account, wrong_account,
};

const FREE: &str = twilio::FREE[0];
const ID: &str = "trunk_01m83t4cm0e00b000000000001";
const OTHER_ID: &str = "trunk_01m83t4cm0e00b000000000002";
const DOMAIN: &str = "trunkline-test.pstn.twilio.com";
const SIP_URL: &str = "sip:sip.livekit.example";

fn id() -> TrunkId {
    ID.parse().unwrap()
}

fn other_id() -> TrunkId {
    OTHER_ID.parse().unwrap()
}

fn e164(text: &str) -> E164 {
    E164::parse(text).unwrap()
}

fn username() -> AuthUsername {
    AuthUsername::parse(ID).unwrap()
}

fn password() -> AuthPassword {
    AuthPassword::parse(PASSWORD).unwrap()
}

fn refused<T>(refusal: TwilioRefusal) -> Result<T, TwilioError> {
    Err(TwilioError::Refused(refusal))
}

fn conflict<T>() -> Result<T, TwilioError> {
    Err(TwilioError::Upstream(UpstreamError::Conflict))
}

async fn number(world: &TwilioWorld, e164_text: &str) -> TwilioNumber {
    world.client.find_number(&account(), &e164(e164_text)).await.unwrap().unwrap()
}

async fn trunk(world: &TwilioWorld) -> String {
    world.client.create_trunk(&account(), id(), DOMAIN).await.unwrap()
}

#[tokio::test]
async fn what_a_number_needs_is_made_and_taken_away_again() {
    let (world, account) = (TwilioWorld::start().await, account());
    let (client, before) = (&world.client, world.all().await);
    let number_sid = number(&world, FREE).await.sid;
    let trunk_sid = trunk(&world).await;
    let list_sid = client.create_credential_list(&account, id()).await.unwrap();
    client.create_credential(&account, &list_sid, &username(), &password()).await.unwrap();
    client.attach_credential_list(&account, &trunk_sid, &list_sid).await.unwrap();
    client.create_origination_url(&account, &trunk_sid, id(), SIP_URL).await.unwrap();
    client.attach_number(&account, &trunk_sid, &number_sid).await.unwrap();

    let made = world.all().await;
    let trunk = TwilioTrunk {
        sid: trunk_sid.clone(),
        name: ID.into(),
        domain_name: Some(DOMAIN.into()),
        origination_urls: vec![(ID.into(), SIP_URL.into())],
        credential_lists: vec![list_sid.clone()],
        numbers: vec![FREE.into()],
    };
    assert_eq!(made.trunks_named(ID), [&trunk]);
    let list = CredentialList { sid: list_sid.clone(), name: ID.into(), usernames: vec![ID.into()] };
    assert_eq!(made.credential_lists_named(ID), [&list]);
    let urls = &world.read(&format!("/v1/Trunks/{trunk_sid}/OriginationUrls")).await["origination_urls"];
    assert_eq!((&urls[0]["priority"], &urls[0]["weight"], &urls[0]["enabled"]), (&json!(10), &json!(10), &json!(true)));
    assert_eq!(number(&world, FREE).await.trunk_sid.as_ref(), Some(&trunk_sid));

    assert_eq!(client.find_trunks(&account, id()).await.unwrap(), [trunk_sid.clone()].into());
    assert_eq!(client.find_credential_lists(&account, id()).await.unwrap(), [list_sid.clone()].into());
    assert_eq!(client.numbers_of_trunk(&account, &trunk_sid).await.unwrap(), [number_sid.clone()].into());
    assert_eq!(client.find_trunks(&account, other_id()).await.unwrap(), [].into());
    assert_eq!(client.find_credential_lists(&account, other_id()).await.unwrap(), [].into());

    // What is gone already is no error.
    for _ in 0..2 {
        client.detach_number(&account, &trunk_sid, &number_sid).await.unwrap();
        client.delete_trunk(&account, &trunk_sid).await.unwrap();
        client.delete_credential_list(&account, &list_sid).await.unwrap();
    }
    assert_eq!(client.numbers_of_trunk(&account, &trunk_sid).await.unwrap(), [].into());
    assert_eq!(world.all().await, before);
}

#[tokio::test]
async fn a_number_says_who_has_it() {
    let world = TwilioWorld::start().await;
    let free = number(&world, FREE).await;
    assert_eq!((free.trunk_sid, free.voice_application_sid), (None, None));
    let attached = number(&world, ON_A_TRUNK).await;
    assert!(attached.trunk_sid.unwrap().starts_with("TK") && attached.voice_application_sid.is_none());
    let of_application = number(&world, OF_AN_APPLICATION).await;
    assert!(of_application.voice_application_sid.unwrap().starts_with("AP") && of_application.trunk_sid.is_none());
    for (account, number) in [(account(), "+12025550199"), (other_account(), FREE)] {
        assert_eq!(world.client.find_number(&account, &e164(number)).await.unwrap(), None, "{number}");
    }
}

#[tokio::test]
async fn a_longer_number_is_another() {
    let longer = OwnNumber { phone_number: "+4930901820123".to_owned(), used_for: Use::VoiceUrl };
    let world = TwilioWorld::with(Account { numbers: vec![longer], ..demo_account() }).await;
    assert_eq!(world.client.find_number(&account(), &e164("+493090182012")).await.unwrap(), None);
    assert!(world.client.find_number(&account(), &e164("+4930901820123")).await.unwrap().is_some());
}

#[tokio::test]
async fn every_page_of_a_list_is_read() {
    let own = |n: usize| OwnNumber { phone_number: format!("+120255{n:05}"), used_for: Use::VoiceUrl };
    let numbers = (0..101).map(own).collect();
    let world = TwilioWorld::with(Account { limit: 300, numbers, ..demo_account() }).await;
    let (client, account) = (&world.client, account());
    // The newest come first.
    let mut trunks = vec![client.create_trunk(&account, id(), "oldest.pstn.twilio.com").await.unwrap()];
    let list = client.create_credential_list(&account, id()).await.unwrap();
    for n in 0..101 {
        client.create_trunk(&account, other_id(), &format!("other-{n}.pstn.twilio.com")).await.unwrap();
    }
    trunks.push(client.create_trunk(&account, id(), "newest.pstn.twilio.com").await.unwrap());
    for n in 10..111 {
        let id = format!("trunk_01m83t4cm0e00b{n:012}").parse().unwrap();
        client.create_credential_list(&account, id).await.unwrap();
    }
    assert_eq!(client.find_trunks(&account, id()).await.unwrap(), trunks.iter().cloned().collect());
    assert_eq!(client.find_trunks(&account, other_id()).await.unwrap().len(), 101);
    assert_eq!(client.find_credential_lists(&account, id()).await.unwrap(), [list].into());
    let mut attached = std::collections::BTreeSet::new();
    for n in 0..101 {
        let number = number(&world, &own(n).phone_number).await;
        client.attach_number(&account, &trunks[0], &number.sid).await.unwrap();
        attached.insert(number.sid);
    }
    assert_eq!(client.numbers_of_trunk(&account, &trunks[0]).await.unwrap(), attached);
}

#[tokio::test]
async fn what_is_in_the_way_is_a_conflict() {
    let (world, account) = (TwilioWorld::start().await, account());
    let client = &world.client;
    let trunk_sid = trunk(&world).await;
    let list_sid = client.create_credential_list(&account, id()).await.unwrap();
    client.attach_credential_list(&account, &trunk_sid, &list_sid).await.unwrap();
    assert_eq!(client.create_trunk(&account, id(), DOMAIN).await, conflict());
    assert_eq!(client.create_trunk(&other_account(), id(), DOMAIN).await, conflict());
    assert_eq!(client.create_credential_list(&account, id()).await, conflict());
    assert_eq!(client.attach_credential_list(&account, &trunk_sid, &list_sid).await, conflict());
    assert_eq!(client.delete_credential_list(&account, &list_sid).await, conflict());
    client.create_credential(&account, &list_sid, &username(), &password()).await.unwrap();
    assert_eq!(client.create_credential(&account, &list_sid, &username(), &password()).await, conflict());
}

#[tokio::test]
async fn what_the_customer_can_mend_is_told_apart() {
    let world = TwilioWorld::with(Account { limit: 1, ..demo_account() }).await;
    let (client, account) = (&world.client, account());
    let lines = Lines::keep();
    // The demo account has a trunk of its own.
    assert_eq!(client.create_trunk(&account, id(), DOMAIN).await, refused(TwilioRefusal::LimitReached));
    let list_sid = client.create_credential_list(&account, id()).await.unwrap();
    assert_eq!(client.create_credential_list(&account, other_id()).await, refused(TwilioRefusal::LimitReached));
    let number_sid = number(&world, FREE).await.sid;
    let gone = "TK00000000000000000000000000000000";
    let not_there = || refused(TwilioRefusal::NotThere);
    assert_eq!(client.attach_number(&account, gone, &number_sid).await, not_there());
    assert_eq!(client.attach_credential_list(&account, gone, &list_sid).await, not_there());
    assert_eq!(client.create_origination_url(&account, gone, id(), SIP_URL).await, not_there());
    let wrong = wrong_account();
    let credentials = || refused(TwilioRefusal::Credentials);
    assert_eq!(client.find_number(&wrong, &e164(FREE)).await.map(drop), credentials());
    assert_eq!(client.find_trunks(&wrong, id()).await.map(drop), credentials());
    assert_eq!(client.create_trunk(&wrong, id(), DOMAIN).await.map(drop), credentials());
    assert_eq!(client.delete_trunk(&wrong, gone).await, credentials());
    assert_eq!(client.numbers_of_trunk(&wrong, gone).await.map(drop), credentials());
    // Where a call names nothing else, it is the account that is not there.
    let of_the_account = [
        "GET IncomingPhoneNumbers",
        "GET SIP/CredentialLists",
        "POST SIP/CredentialLists",
        "GET Trunks",
        "POST Trunks",
    ];
    for operation in of_the_account {
        world.faults().inject(On::operation(operation), Fault::twilio(404, 20404));
    }
    let no_account = || refused(TwilioRefusal::NoAccount);
    assert_eq!(client.find_number(&account, &e164(FREE)).await.map(drop), no_account());
    assert_eq!(client.find_credential_lists(&account, id()).await.map(drop), no_account());
    assert_eq!(client.create_credential_list(&account, id()).await.map(drop), no_account());
    assert_eq!(client.find_trunks(&account, id()).await.map(drop), no_account());
    assert_eq!(client.create_trunk(&account, id(), DOMAIN).await.map(drop), no_account());
    world.faults().heal();
    for (status, code) in [(401, 20005), (403, 20403), (403, 20008), (400, 10002)] {
        world.faults().inject(On::operation("POST Trunks"), Fault::twilio(status, code));
        assert_eq!(client.create_trunk(&account, id(), DOMAIN).await, refused(TwilioRefusal::NotAllowed), "{code}");
        world.faults().heal();
    }
    assert_eq!(lines.errors(OPERATOR_NEEDED, "twilio"), 0);
}

/// How a failure comes about.
#[derive(Debug, Clone)]
enum Way {
    Answer(Fault),
    Closed,
    Untrusted,
}

/// How Twilio fails so; nothing where it cannot.
fn ways(failure: Failure) -> Vec<Way> {
    let faults = match failure {
        Failure::NotConnected => return vec![Way::Closed],
        Failure::TlsFailure => return vec![Way::Untrusted],
        Failure::Throttled => vec![Fault::twilio(429, 20429), Fault::status(429)],
        Failure::ServerError => vec![Fault::twilio(500, 20500), Fault::twilio(503, 20503), Fault::status(302)],
        Failure::Unanswered => vec![Fault::Drop, Fault::status(408), Fault::status(409)],
        Failure::AccessDenied => vec![Fault::status(401), Fault::status(403)],
        Failure::Invalid => vec![Fault::twilio(400, 20001), Fault::twilio(400, 21205), Fault::twilio(405, 20004)],
        Failure::NotFound => vec![Fault::status(404)],
        Failure::ObjectConflict => [21240, 21241, 21243, 21245, 21248].map(|code| Fault::twilio(400, code)).into(),
        Failure::TransactionConflict | Failure::ExpiredCredentials | Failure::Unreadable => vec![],
    };
    faults.into_iter().map(Way::Answer).collect()
}

/// How often a creation is tried, and how often what may be repeated.
fn calls(failure: Failure) -> (usize, usize) {
    match failure {
        // Not done: a second one does it once.
        Failure::Throttled => (2, 2),
        Failure::ServerError | Failure::Unanswered => (1, 2),
        _ => (1, 1),
    }
}

#[tokio::test]
async fn each_row_of_the_table_means_one_thing() {
    for failure in Failure::ALL {
        for way in ways(failure) {
            let world =
                if matches!(way, Way::Untrusted) { TwilioWorld::by_tls().await } else { TwilioWorld::start().await };
            let place = format!("{failure:?} by {way:?}");
            let lines = Lines::keep();
            match &way {
                Way::Answer(fault) => world.faults().inject(On::any(), fault.clone()),
                Way::Closed => world.faults().close().await,
                Way::Untrusted => world.faults().lose_trust(),
            }
            let told = TwilioError::from(UpstreamError::from(failure));
            let (of_creation, of_others) = calls(failure);
            let asked = |expected: usize| {
                if let Way::Answer(_) = way {
                    assert_eq!(world.faults().faulted(), expected, "{place}");
                }
                world.faults().forget_calls();
            };
            let (client, account) = (&world.client, account());
            assert_eq!(client.create_trunk(&account, id(), DOMAIN).await, Err(told), "{place}");
            asked(of_creation);
            assert_eq!(client.attach_number(&account, "TK1", "PN1").await, Err(told), "{place}");
            asked(of_creation);
            assert_eq!(client.find_trunks(&account, id()).await, Err(told), "{place}");
            asked(of_others);
            assert_eq!(client.delete_credential_list(&account, "CL1").await, Err(told), "{place}");
            asked(of_others);
            let operator = lines.errors(OPERATOR_NEEDED, "twilio");
            let needed = [Failure::TlsFailure, Failure::AccessDenied, Failure::Invalid, Failure::NotFound];
            assert_eq!(operator, if needed.contains(&failure) { 4 } else { 0 }, "{place}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_none() {
    let (world, account) = (TwilioWorld::start().await, account());
    let unanswered = TwilioError::from(UpstreamError::Unanswered);
    assert!(unanswered.may_have_happened());
    for fault in [Fault::status(200), Fault::empty()] {
        world.faults().inject(On::any(), fault.clone());
        assert_eq!(world.client.create_trunk(&account, id(), DOMAIN).await, Err(unanswered), "{fault:?}");
        assert_eq!(world.client.attach_number(&account, "TK1", "PN1").await, Err(unanswered), "{fault:?}");
        assert_eq!(world.client.find_trunks(&account, id()).await, Err(unanswered), "{fault:?}");
        assert_eq!(world.client.find_number(&account, &e164(FREE)).await, Err(unanswered), "{fault:?}");
        world.faults().heal();
    }
}

#[tokio::test]
async fn a_creation_that_comes_too_late_is_one_that_may_have_happened() {
    let (world, account) = (TwilioWorld::start().await, account());
    world.faults().inject(On::operation("POST Trunks"), Fault::DelayAnswer(Duration::from_secs(600)));
    let late = world.client.create_trunk(&account, id(), DOMAIN).await;
    assert_eq!(late, Err(UpstreamError::Unanswered.into()));
    assert_eq!(world.client.find_trunks(&account, id()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_is_created_twice() {
    let (world, account) = (TwilioWorld::start().await, account());
    let client = &world.client;
    world.faults().inject(On::operation("POST Trunks").nth(1), Fault::twilio(429, 20429));
    let trunk_sid = trunk(&world).await;
    world.faults().inject(On::operation("POST SIP/CredentialLists"), Fault::DropAnswer);
    assert_eq!(client.create_credential_list(&account, id()).await, Err(UpstreamError::Unanswered.into()));
    world.faults().inject(On::operation("POST Trunks/OriginationUrls").nth(1), Fault::DropAnswer);
    let url = client.create_origination_url(&account, &trunk_sid, id(), SIP_URL).await;
    assert_eq!(url, Err(UpstreamError::Unanswered.into()));
    assert_eq!(client.find_trunks(&account, id()).await.unwrap(), [trunk_sid.clone()].into());
    assert_eq!(client.find_credential_lists(&account, id()).await.unwrap().len(), 1);
    let urls = world.read(&format!("/v1/Trunks/{trunk_sid}/OriginationUrls")).await;
    assert_eq!(urls["origination_urls"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_lost_answer_does_not_stop_what_may_be_repeated() {
    let (world, account) = (TwilioWorld::start().await, account());
    let client = &world.client;
    let (trunk_sid, number_sid) = (trunk(&world).await, number(&world, FREE).await.sid);
    let list_sid = client.create_credential_list(&account, id()).await.unwrap();
    client.attach_number(&account, &trunk_sid, &number_sid).await.unwrap();
    for operation in [
        "GET Trunks",
        "GET IncomingPhoneNumbers",
        "DELETE Trunks/PhoneNumbers",
        "DELETE Trunks",
        "DELETE SIP/CredentialLists",
    ] {
        world.faults().inject(On::operation(operation).nth(1), Fault::DropAnswer);
    }
    world.faults().forget_calls();
    assert_eq!(client.find_trunks(&account, id()).await.unwrap().len(), 1);
    assert_eq!(number(&world, FREE).await.trunk_sid, Some(trunk_sid.clone()));
    client.detach_number(&account, &trunk_sid, &number_sid).await.unwrap();
    client.delete_trunk(&account, &trunk_sid).await.unwrap();
    client.delete_credential_list(&account, &list_sid).await.unwrap();
    assert_eq!(world.faults().faulted(), 5);
    assert_eq!(number(&world, FREE).await.trunk_sid, None);
    assert_eq!(client.find_trunks(&account, id()).await.unwrap(), [].into());
    assert_eq!(client.find_credential_lists(&account, id()).await.unwrap(), [].into());
}

#[tokio::test]
async fn neither_token_nor_password_shows() {
    let (world, account) = (TwilioWorld::start().await, account());
    let client = &world.client;
    let lines = Lines::keep();
    let mut shown = format!("{client:?} {account:?} {:?}", password());
    let faults = [Fault::twilio(400, 21243), Fault::twilio(401, 20003), Fault::twilio(400, 20001), Fault::status(500)];
    for fault in faults.into_iter().chain([Fault::status(404), Fault::status(200), Fault::Drop]) {
        world.faults().inject(On::any(), fault);
        let errors = [
            client.create_credential(&account, "CL1", &username(), &password()).await.unwrap_err(),
            client.find_number(&account, &e164(FREE)).await.unwrap_err(),
            client.create_trunk(&account, id(), DOMAIN).await.unwrap_err(),
        ];
        for error in errors {
            shown += &format!("{error} {error:?}");
        }
        world.faults().heal();
    }
    assert_no_trace("errors", &shown);
    assert!(lines.text().lines().count() >= 21, "{}", lines.text());
    assert_no_trace("lines", &lines.text());
    let (_, body) = world.faults().requests().remove(0);
    let sent = String::from_utf8(body.to_vec()).unwrap();
    assert!(std::panic::catch_unwind(|| assert_no_trace("request", &sent)).is_err(), "the canary is where it belongs");
}

/// The fault suites run on it.
#[tokio::test]
async fn its_equal_in_this_process_answers_the_same() {
    let systems = Systems::start().await;
    let emulated = systems.ground().await.twilio_script().await;
    let in_process = InProcess::ground().twilio_script().await;
    assert_eq!(emulated.first_difference(&in_process), None);
}

#[tokio::test]
async fn a_service_has_an_account_with_a_number_of_each_use() {
    for world in [World::start().await, World::faulty().await] {
        let there = world.twilio().all(&world.twilio_account()).await;
        let [trunk] = there.trunks.as_slice() else { panic!("{there:?}") };
        assert_eq!((trunk.numbers.as_slice(), there.credential_lists.len()), ([ON_A_TRUNK.to_owned()].as_slice(), 0));
        assert_eq!(there.number(ON_A_TRUNK).trunk_sid.as_ref(), Some(&trunk.sid));
        let (free, of_application) = (there.number(FREE), there.number(OF_AN_APPLICATION));
        assert_eq!((&free.trunk_sid, &free.voice_application_sid), (&None, &None));
        assert!(of_application.trunk_sid.is_none() && of_application.voice_application_sid.is_some());
    }
}

/// As a function has it: by its environment, through the proxy.
#[tokio::test]
async fn a_services_environment_leads_to_its_account() {
    let world = World::faulty().await;
    let client = Clients::new(&Environment::from(world.environment())).unwrap().twilio().unwrap();
    let found = client.find_number(&world.twilio_account(), &e164(FREE)).await.unwrap().unwrap();
    assert_eq!(found.sid, world.twilio().all(&world.twilio_account()).await.number(FREE).sid);
    client.create_trunk(&world.twilio_account(), id(), DOMAIN).await.unwrap();
    assert_eq!(world.faults(System::Twilio).calls(), ["GET IncomingPhoneNumbers", "POST Trunks"]);
}
