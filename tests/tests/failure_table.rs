//! The table of failures, row by row, as each system says it over the wire.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use trunkline_bootstrap::AUDIT_DIFFERENCE;
use trunkline_provisioning::SWEEP_STUCK;
use trunkline_provisioning::ports::{Failure, OPERATOR_NEEDED};
use trunkline_tests::fault::{Fault, On, System};
use trunkline_tests::lines::Lines;
use trunkline_tests::twilio::FREE;
use trunkline_tests::{Left, Setup, World, both, number, twilio_number};

/// How a failure comes about.
#[derive(Debug, Clone)]
enum Way {
    /// The call that creates is answered so.
    Answer(Fault),
    /// Nobody listens.
    Closed,
    /// A certificate that nobody trusts.
    Untrusted,
    /// What is stored is not what it should be.
    Stored,
}

/// What a row promises.
struct Promise {
    /// Status and code, where the table fails.
    table: (u16, &'static str),
    /// Status and code, where another system does.
    upstream: (u16, &'static str),
    /// How often AWS is asked.
    aws_calls: Calls,
    /// How often LiveKit is asked for something that may be repeated.
    livekit_calls: usize,
    /// How often LiveKit is asked to create.
    livekit_creates: usize,
    /// Whether LiveKit is searched for what it may have done.
    may_be_done: bool,
    /// Whether a line calls for an operator.
    operator: bool,
}

#[derive(Debug, Clone, Copy)]
enum Calls {
    Exactly(usize),
    MoreThan(usize),
}

const BUSY: (u16, &str) = (503, "service_unavailable");
const OURS: (u16, &str) = (500, "internal_error");
const UPSTREAM: (u16, &str) = (502, "upstream_failure");

const PASSING: Promise = Promise {
    table: BUSY,
    upstream: UPSTREAM,
    aws_calls: Calls::Exactly(3),
    livekit_calls: 2,
    livekit_creates: 1,
    may_be_done: false,
    operator: false,
};

const LASTING: Promise =
    Promise { table: OURS, aws_calls: Calls::Exactly(1), livekit_calls: 1, operator: true, ..PASSING };

/// The table once more, from the caller's side: a row without a promise does not compile.
fn promise(failure: Failure) -> Promise {
    match failure {
        Failure::TransactionConflict => Promise { aws_calls: Calls::MoreThan(2), ..PASSING },
        Failure::Throttled | Failure::NotConnected => PASSING,
        Failure::ServerError | Failure::Unanswered => Promise { may_be_done: true, ..PASSING },
        Failure::ExpiredCredentials => Promise { livekit_calls: 2, livekit_creates: 2, ..LASTING },
        Failure::TlsFailure | Failure::AccessDenied | Failure::Invalid | Failure::NotFound | Failure::Unreadable => {
            LASTING
        }
        Failure::ObjectConflict => Promise { upstream: (409, "conflict"), operator: false, ..LASTING },
    }
}

/// Longer than anybody waits.
const TOO_LATE: Fault = Fault::Delay(Duration::from_secs(600));

/// A carrier's trunk is nothing to Twilio.
const NOT_CALLED: &str = "a request that calls Twilio";

/// How a system fails so; nothing where it cannot.
fn ways(failure: Failure, system: System) -> Vec<Way> {
    use System::{DynamoDb, LiveKit, SecretsManager, Twilio};
    let aws = |code| vec![Fault::aws(400, code)];
    let faults = match (failure, system) {
        (Failure::NotConnected, _) => return vec![Way::Closed],
        (Failure::TlsFailure, _) => return vec![Way::Untrusted],
        (Failure::Throttled, Twilio) => vec![Fault::twilio(429, 20429)],
        (Failure::ServerError, Twilio) => vec![Fault::twilio(503, 20503), Fault::status(502)],
        (Failure::Unanswered, Twilio) => vec![Fault::Drop, TOO_LATE, Fault::status(408)],
        (Failure::AccessDenied, Twilio) => vec![Fault::status(401), Fault::status(403)],
        (Failure::Invalid, Twilio) => vec![Fault::twilio(400, 20001)],
        (Failure::NotFound, Twilio) => vec![Fault::status(404)],
        (Failure::ObjectConflict, Twilio) => vec![Fault::twilio(400, 21248)],
        (Failure::ExpiredCredentials, Twilio) => vec![],
        (Failure::Unreadable, DynamoDb) => return vec![Way::Stored],
        (Failure::TransactionConflict, DynamoDb) => vec![Fault::transaction_conflict(3)],
        (Failure::ObjectConflict, LiveKit) => {
            vec![Fault::twirp_saying(400, "invalid_argument", "Conflicting inbound SIP Trunks: …")]
        }
        (Failure::TransactionConflict | Failure::ObjectConflict | Failure::Unreadable, _) => vec![],

        (Failure::Throttled, LiveKit) => vec![Fault::twirp(429, "resource_exhausted")],
        (Failure::Throttled, DynamoDb | SecretsManager) => aws("ThrottlingException"),
        (Failure::ServerError, LiveKit) => vec![Fault::twirp(503, "unavailable"), Fault::status(502)],
        (Failure::ServerError, DynamoDb) => vec![Fault::aws(500, "InternalServerError"), Fault::status(503)],
        (Failure::ServerError, SecretsManager) => vec![Fault::aws(500, "InternalServiceError"), Fault::status(503)],
        (Failure::Unanswered, LiveKit) => {
            vec![Fault::Drop, TOO_LATE, Fault::status(200), Fault::twirp(408, "deadline_exceeded")]
        }
        (Failure::Unanswered, DynamoDb | SecretsManager) => vec![Fault::Drop, TOO_LATE],
        (Failure::ExpiredCredentials, LiveKit) => vec![Fault::twirp(401, "unauthenticated"), Fault::status(401)],
        (Failure::ExpiredCredentials, DynamoDb | SecretsManager) => {
            ["ExpiredTokenException", "UnrecognizedClientException"].map(|code| Fault::aws(400, code)).into()
        }
        (Failure::AccessDenied, LiveKit) => vec![Fault::twirp(403, "permission_denied"), Fault::status(403)],
        (Failure::AccessDenied, DynamoDb | SecretsManager) => aws("AccessDeniedException"),
        (Failure::Invalid, LiveKit) => vec![Fault::twirp(400, "invalid_argument"), Fault::twirp(400, "malformed")],
        (Failure::Invalid, DynamoDb) => aws("ValidationException"),
        (Failure::Invalid, SecretsManager) => aws("InvalidParameterException"),
        (Failure::NotFound, LiveKit) => vec![Fault::twirp(404, "bad_route"), Fault::status(404)],
        (Failure::NotFound, DynamoDb | SecretsManager) => aws("ResourceNotFoundException"),
    };
    faults.into_iter().map(Way::Answer).collect()
}

fn name(system: System) -> &'static str {
    match system {
        System::LiveKit => "livekit",
        System::SecretsManager => "secretsmanager",
        System::DynamoDb => "dynamodb",
        System::Twilio => "twilio",
    }
}

/// The call of a create that fails.
fn creating(system: System) -> &'static str {
    match system {
        System::LiveKit => "CreateSIPOutboundTrunk",
        System::SecretsManager => "CreateSecret",
        System::DynamoDb => "TransactWriteItems",
        System::Twilio => unreachable!("{NOT_CALLED}"),
    }
}

fn count(world: &World, system: System, operation: &str) -> usize {
    world.faults(system).calls().iter().filter(|call| *call == operation).count()
}

/// What a create leaves that failed so.
fn left(system: System, way: &Way) -> Left {
    match (system, way) {
        (System::DynamoDb, _) => Left::NOTHING,
        // The undo cannot delete the secret either: the sweeper will.
        (System::SecretsManager, Way::Closed | Way::Untrusted) => {
            Left { trunk_count: 1, undoing: 1, in_sweep_index: 1, idempotency: 1, ..Left::NOTHING }
        }
        (System::SecretsManager, _) => Left::tombstones(1),
        (System::LiveKit, _) => Left { secrets_scheduled: 1, ..Left::tombstones(1) },
        (System::Twilio, _) => unreachable!("{NOT_CALLED}"),
    }
}

async fn a_create_fails(failure: Failure, system: System, way: &Way) {
    let promise = promise(failure);
    let place = format!("{failure:?} of {system:?} by {way:?}");
    let setup = Setup::default().set("LEASE_SECONDS", if failure == Failure::TransactionConflict { "2" } else { "30" });
    let setup = if matches!(way, Way::Untrusted) { setup.faulty_by_tls() } else { setup.faulty() };
    let world = setup.start().await;
    // The key is known from here on: the first call to the table that fails is the reservation.
    world.client().create(&json!({})).await.expect(400);
    world.forget_calls();
    let lines = Lines::keep();
    match way {
        Way::Answer(fault) => world.faults(system).inject(On::operation(creating(system)), fault.clone()),
        Way::Closed => world.faults(system).close().await,
        Way::Untrusted => world.faults(system).lose_trust(),
        Way::Stored => return a_record_is_unreadable(&world, &lines).await,
    }
    let answer = world.client().create_once("order-1", &both()).await;
    let told = if system == System::DynamoDb { promise.table } else { promise.upstream };
    assert_eq!((answer.status, answer.code()), told, "{place}");
    assert_eq!(answer.header("retry-after").is_some(), told == BUSY, "{place}");
    if told == UPSTREAM {
        assert_eq!(answer.details(), &json!({ "upstream": name(system) }), "{place}");
    }
    assert_eq!(world.left().await, left(system, way), "{place}");
    assert_eq!(lines.errors(OPERATOR_NEEDED, name(system)) > 0, promise.operator, "{place}");
    if system == System::LiveKit {
        assert_eq!(count(&world, system, "ListSIPOutboundTrunk") > 0, promise.may_be_done, "{place}");
    }
    match way {
        Way::Answer(_) => {
            let calls = count(&world, system, creating(system));
            match (system, promise.aws_calls) {
                (System::LiveKit, _) => assert_eq!(calls, promise.livekit_creates, "{place}"),
                (_, Calls::Exactly(expected)) => assert_eq!(calls, expected, "{place}"),
                (_, Calls::MoreThan(few)) => assert!(calls > few, "{place}: {calls}"),
            }
        }
        // Two calls, each tried once: of LiveKit two creates, of AWS a call and its undo.
        Way::Untrusted => assert_eq!(world.faults(system).distrusted(), 2, "{place}"),
        // A connection that is refused is seen by nobody.
        Way::Closed | Way::Stored => {}
    }
}

async fn a_record_is_unreadable(world: &World, lines: &Lines) {
    let promise = promise(Failure::Unreadable);
    let trunk = world.client().create(&both()).await.expect(201);
    world.client().get_trunk(trunk.id()).await.expect(200);
    world.forget_calls();
    let (partition, record) = (format!("WS#{}", world.ready().workspace_id), format!("TRUNK#{}", trunk.id()));
    world.dynamodb().set(&partition, &record, "transport", AttributeValue::S("pigeon".into())).await;
    let answer = world.client().get_trunk(trunk.id()).await;
    assert_eq!((answer.status, answer.code()), promise.table);
    assert_eq!(lines.errors(OPERATOR_NEEDED, "dynamodb"), 1);
    assert_eq!(count(world, System::DynamoDb, "GetItem"), 1);
}

async fn each_row_means_one_thing_to_a_create(system: System) {
    for failure in Failure::ALL {
        for way in ways(failure, system) {
            a_create_fails(failure, system, &way).await;
        }
    }
}

#[tokio::test]
async fn each_row_of_livekit_means_one_thing_to_a_create() {
    each_row_means_one_thing_to_a_create(System::LiveKit).await;
}

#[tokio::test]
async fn each_row_of_secrets_manager_means_one_thing_to_a_create() {
    each_row_means_one_thing_to_a_create(System::SecretsManager).await;
}

#[tokio::test]
async fn each_row_of_the_table_means_one_thing_to_a_create() {
    each_row_means_one_thing_to_a_create(System::DynamoDb).await;
}

#[test]
fn each_row_is_tried() {
    for failure in Failure::ALL {
        assert!(System::ALL.iter().any(|system| !ways(failure, *system).is_empty()), "{failure:?}");
    }
}

/// The call of a deletion that fails.
fn deleting(system: System) -> &'static str {
    match system {
        System::LiveKit => "DeleteSIPTrunk",
        System::SecretsManager => "DeleteSecret",
        System::DynamoDb => "TransactWriteItems",
        System::Twilio => unreachable!("{NOT_CALLED}"),
    }
}

/// What a deletion leaves that failed so.
fn left_by_deletion(system: System, way: &Way) -> Left {
    let begun = Left { active: 0, deleting: 1, in_sweep_index: 1, ..Left::both(1) };
    let without_objects = Left { inbound: 0, outbound: 0, rules: 0, ..begun };
    match (system, way) {
        (System::LiveKit, Way::Closed | Way::Untrusted) => begun,
        (System::LiveKit, _) => Left { rules: 0, ..begun },
        (System::SecretsManager, _) => without_objects,
        (System::DynamoDb, Way::Closed | Way::Untrusted) => Left::both(1),
        (System::DynamoDb, _) => Left { secrets: 0, secrets_scheduled: 1, ..without_objects },
        (System::Twilio, _) => unreachable!("{NOT_CALLED}"),
    }
}

async fn a_deletion_fails(failure: Failure, system: System, way: &Way) {
    let promise = promise(failure);
    let place = format!("{failure:?} of {system:?} by {way:?}");
    let setup = Setup::default().set("LEASE_SECONDS", if failure == Failure::TransactionConflict { "2" } else { "30" });
    let setup = if matches!(way, Way::Untrusted) { setup.faulty_by_tls() } else { setup.faulty() };
    let world = setup.start().await;
    let trunk = world.client().create(&both()).await.expect(201);
    world.forget_calls();
    let lines = Lines::keep();
    match way {
        Way::Answer(fault) => world.faults(system).inject(On::operation(deleting(system)), fault.clone()),
        Way::Closed => world.faults(system).close().await,
        Way::Untrusted => world.faults(system).lose_trust(),
        Way::Stored => return,
    }
    let answer = world.client().delete_trunk(trunk.id()).await;
    let told = if system == System::DynamoDb { promise.table } else { UPSTREAM };
    assert_eq!((answer.status, answer.code()), told, "{place}");
    assert_eq!(world.left().await, left_by_deletion(system, way), "{place}");
    assert_eq!(lines.errors(OPERATOR_NEEDED, name(system)) > 0, promise.operator, "{place}");
    if let Way::Answer(_) = way {
        let calls = count(&world, system, deleting(system));
        match (system, promise.aws_calls) {
            (System::LiveKit, _) => assert_eq!(calls, promise.livekit_calls, "{place}"),
            (_, Calls::Exactly(expected)) => assert_eq!(calls, expected, "{place}"),
            (_, Calls::MoreThan(few)) => assert!(calls > few, "{place}: {calls}"),
        }
    }
}

async fn each_row_means_one_thing_to_a_deletion(system: System) {
    for failure in Failure::ALL {
        // A secret that is not there is deleted.
        if (failure, system) == (Failure::NotFound, System::SecretsManager) {
            continue;
        }
        for way in ways(failure, system) {
            a_deletion_fails(failure, system, &way).await;
        }
    }
}

#[tokio::test]
async fn each_row_of_livekit_means_one_thing_to_a_deletion() {
    each_row_means_one_thing_to_a_deletion(System::LiveKit).await;
}

#[tokio::test]
async fn each_row_of_secrets_manager_means_one_thing_to_a_deletion() {
    each_row_means_one_thing_to_a_deletion(System::SecretsManager).await;
}

#[tokio::test]
async fn each_row_of_the_table_means_one_thing_to_a_deletion() {
    each_row_means_one_thing_to_a_deletion(System::DynamoDb).await;
}

/// The call of a change that fails.
fn changing(system: System) -> On {
    match system {
        // What puts the old values back is let through.
        System::LiveKit => On::operation("UpdateSIPOutboundTrunk").containing("another password"),
        System::SecretsManager => On::operation("CreateSecret"),
        System::DynamoDb => On::operation("UpdateItem").containing(":updated_at"),
        System::Twilio => unreachable!("{NOT_CALLED}"),
    }
}

/// What a change leaves that failed so: the trunk as it was, with a last look before it.
fn left_by_change(system: System, way: &Way) -> Left {
    let begun = Left { in_sweep_index: 1, ..Left::both(1) };
    match (system, way) {
        (System::DynamoDb, Way::Closed | Way::Untrusted) => Left::both(1),
        (System::SecretsManager, _) => begun,
        (System::DynamoDb | System::LiveKit, _) => Left { secrets_scheduled: 1, ..begun },
        (System::Twilio, _) => unreachable!("{NOT_CALLED}"),
    }
}

async fn a_change_fails(failure: Failure, system: System, way: &Way) {
    let promise = promise(failure);
    let place = format!("{failure:?} of {system:?} by {way:?}");
    let setup = Setup::default().set("LEASE_SECONDS", "30");
    let setup = if matches!(way, Way::Untrusted) { setup.faulty_by_tls() } else { setup.faulty() };
    let world = setup.start().await;
    let trunk = world.client().create(&both()).await.expect(201);
    world.client().patch(trunk.id(), &json!({})).await.expect(200);
    world.forget_calls();
    let lines = Lines::keep();
    match way {
        Way::Answer(fault) => world.faults(system).inject(changing(system), fault.clone()),
        Way::Closed => world.faults(system).close().await,
        Way::Untrusted => world.faults(system).lose_trust(),
        Way::Stored => return,
    }
    let answer = world.client().patch(trunk.id(), &json!({ "auth_password": "another password" })).await;
    let told = if system == System::DynamoDb { promise.table } else { promise.upstream };
    assert_eq!((answer.status, answer.code()), told, "{place}");
    assert_eq!(world.left().await, left_by_change(system, way), "{place}");
    assert_eq!(lines.errors(OPERATOR_NEEDED, name(system)) > 0, promise.operator, "{place}");
    if let Way::Answer(_) = way {
        let calls = world.faults(system).faulted();
        match (system, promise.aws_calls) {
            (System::LiveKit, _) => assert_eq!(calls, promise.livekit_calls, "{place}"),
            (_, Calls::Exactly(expected)) => assert_eq!(calls, expected, "{place}"),
            (_, Calls::MoreThan(few)) => assert!(calls > few, "{place}: {calls}"),
        }
    }
}

async fn each_row_means_one_thing_to_a_change(system: System) {
    for failure in Failure::ALL {
        for way in ways(failure, system) {
            // Changes are single writes.
            if failure != Failure::TransactionConflict {
                a_change_fails(failure, system, &way).await;
            }
        }
    }
}

#[tokio::test]
async fn each_row_of_livekit_means_one_thing_to_a_change() {
    each_row_means_one_thing_to_a_change(System::LiveKit).await;
}

#[tokio::test]
async fn each_row_of_secrets_manager_means_one_thing_to_a_change() {
    each_row_means_one_thing_to_a_change(System::SecretsManager).await;
}

#[tokio::test]
async fn each_row_of_the_table_means_one_thing_to_a_change() {
    each_row_means_one_thing_to_a_change(System::DynamoDb).await;
}

/// An import that fails: by each provider another way.
#[derive(Debug, Clone, Copy)]
enum Import {
    /// A carrier's number changes its trunk.
    Carriers,
    /// One of LiveKit's own makes a trunk, then it is bought.
    LiveKits,
    /// The first one of an account makes a trunk here and at Twilio.
    Twilios,
}

/// In LiveKit's inventory, so that any of the three may have it.
const NUMBER: &str = "+12125550100";

impl Import {
    /// The call of it that fails; nothing where the system is not called.
    fn failing(self, system: System) -> Option<On> {
        Some(match (self, system) {
            (_, System::DynamoDb) => On::operation("TransactWriteItems"),
            // What puts the old values back is let through.
            (Self::Carriers, System::LiveKit) => On::operation("UpdateSIPOutboundTrunk").containing(NUMBER),
            (Self::Carriers, System::SecretsManager) => On::operation("GetSecretValue"),
            (Self::LiveKits, System::LiveKit) => On::operation("CreateSIPInboundTrunk"),
            (Self::Twilios, System::LiveKit) => On::operation("CreateSIPOutboundTrunk"),
            (Self::Twilios, System::SecretsManager) => On::operation("CreateSecret"),
            (Self::Twilios, System::Twilio) => On::operation("POST Trunks"),
            (Self::LiveKits, System::SecretsManager) | (Self::Carriers | Self::LiveKits, System::Twilio) => {
                return None;
            }
        })
    }

    /// How often a call is made that fails so.
    fn calls(self, failure: Failure, system: System) -> Calls {
        let Promise { aws_calls, livekit_calls, livekit_creates, .. } = promise(failure);
        match (self, system) {
            (_, System::DynamoDb | System::SecretsManager) => aws_calls,
            (Self::Carriers, System::LiveKit) => Calls::Exactly(livekit_calls),
            (_, System::LiveKit) => Calls::Exactly(livekit_creates),
            // Not done: a second one does it once.
            (_, System::Twilio) if failure == Failure::Throttled => Calls::Exactly(2),
            (_, System::Twilio) => Calls::Exactly(1),
        }
    }

    /// What is left of it.
    fn left(self, system: System, way: &Way) -> Left {
        let undone = Left::tombstones(1);
        // Its secret opens the account for the last look.
        let with_secret = Left { secrets: 1, ..undone };
        match (self, system, way) {
            (Self::Carriers, System::DynamoDb, _) => Left::both(1),
            (Self::Carriers, ..) => Left { in_sweep_index: 1, ..Left::both(1) },
            (_, System::DynamoDb, _) => Left::NOTHING,
            (Self::Twilios, System::Twilio, Way::Closed | Way::Untrusted) => Left::NOTHING,
            (Self::Twilios, System::Twilio | System::LiveKit, _) => with_secret,
            (Self::LiveKits | Self::Twilios, ..) => undone,
        }
    }
}

async fn an_import_fails(import: Import, failure: Failure, system: System, way: &Way) {
    let Some(failing) = import.failing(system) else { return };
    let place = format!("{import:?}: {failure:?} of {system:?} by {way:?}");
    let setup = Setup::default().set("LEASE_SECONDS", if failure == Failure::TransactionConflict { "2" } else { "30" });
    let setup = if matches!(way, Way::Untrusted) { setup.faulty_by_tls() } else { setup.faulty() };
    let world = setup.start().await;
    let client = world.client();
    let body = match import {
        Import::Carriers => number(NUMBER, client.create(&both()).await.expect(201).id()),
        Import::LiveKits => json!({ "e164": NUMBER, "provider": "livekit" }),
        Import::Twilios => twilio_number(FREE[0], &world.twilio_account()),
    };
    // The key is known from here on.
    client.import(&json!({})).await.expect(400);
    world.forget_calls();
    let lines = Lines::keep();
    match way {
        Way::Answer(fault) => world.faults(system).inject(failing, fault.clone()),
        Way::Closed => world.faults(system).close().await,
        Way::Untrusted => world.faults(system).lose_trust(),
        Way::Stored => return,
    }
    let answer = client.import_once("order-1", &body).await;
    let promise = promise(failure);
    let told = match system {
        System::DynamoDb => promise.table,
        // What is in the way there is of our own making.
        System::Twilio => UPSTREAM,
        System::LiveKit | System::SecretsManager => promise.upstream,
    };
    assert_eq!((answer.status, answer.code()), told, "{place}");
    if told == UPSTREAM {
        assert_eq!(answer.details(), &json!({ "upstream": name(system) }), "{place}");
    }
    assert_eq!(world.left().await, import.left(system, way), "{place}");
    assert_eq!(world.dynamodb().numbers().await, (0, 0, 0), "{place}");
    assert_eq!(lines.errors(OPERATOR_NEEDED, name(system)) > 0, promise.operator, "{place}");
    if let Way::Answer(_) = way {
        let calls = world.faults(system).faulted();
        match import.calls(failure, system) {
            Calls::Exactly(expected) => assert_eq!(calls, expected, "{place}"),
            Calls::MoreThan(few) => assert!(calls > few, "{place}: {calls}"),
        }
    }
}

async fn each_row_means_one_thing_to_an_import(import: Import) {
    for failure in Failure::ALL {
        for system in System::ALL {
            // A secret that cannot be found fails the import without a line: the checker reports it.
            if matches!((import, failure, system), (Import::Carriers, Failure::NotFound, System::SecretsManager)) {
                continue;
            }
            for way in ways(failure, system) {
                an_import_fails(import, failure, system, &way).await;
            }
        }
    }
}

#[tokio::test]
async fn each_row_means_one_thing_to_an_import_of_a_carriers_number() {
    each_row_means_one_thing_to_an_import(Import::Carriers).await;
}

#[tokio::test]
async fn each_row_means_one_thing_to_an_import_of_livekits_number() {
    each_row_means_one_thing_to_an_import(Import::LiveKits).await;
}

#[tokio::test]
async fn each_row_means_one_thing_to_an_import_of_twilios_number() {
    each_row_means_one_thing_to_an_import(Import::Twilios).await;
}

/// A single write that meets a transaction on its record.
fn conflict() -> Fault {
    Fault::aws(400, "TransactionConflictException")
}

#[tokio::test]
async fn a_conflict_where_a_deletion_begins_is_tried_three_times() {
    for (on, status, left) in [
        (On::operation("UpdateItem").nth(1), 204, Left { secrets_scheduled: 1, ..Left::tombstones(1) }),
        (On::operation("UpdateItem"), 503, Left::both(1)),
    ] {
        let world = World::faulty().await;
        let trunk = world.client().create(&both()).await.expect(201);
        world.forget_calls();
        let lines = Lines::keep();
        world.faults(System::DynamoDb).inject(on, conflict());
        world.client().delete_trunk(trunk.id()).await.expect(status);
        assert_eq!(count(&world, System::DynamoDb, "UpdateItem"), if status == 204 { 2 } else { 3 });
        assert_eq!(world.left().await, left);
        assert_eq!(lines.errors(OPERATOR_NEEDED, "dynamodb"), 0);
    }
}

#[tokio::test]
async fn a_conflict_where_an_undo_begins_is_tried_three_times() {
    for (on, status) in [(On::operation("UpdateItem").nth(1), 502), (On::operation("UpdateItem"), 503)] {
        let world = World::faulty().await;
        let lines = Lines::keep();
        let refusal = Fault::twirp(400, "invalid_argument");
        world.faults(System::LiveKit).inject(On::operation("CreateSIPOutboundTrunk"), refusal);
        world.faults(System::DynamoDb).inject(on, conflict());
        world.client().create(&both()).await.expect(status);
        assert_eq!(count(&world, System::DynamoDb, "UpdateItem"), if status == 502 { 2 } else { 3 });
        let left = world.left().await;
        assert_eq!((left.provisioning, left.tombstones), if status == 502 { (0, 1) } else { (1, 0) }, "{left:?}");
        assert_eq!(lines.errors(OPERATOR_NEEDED, "dynamodb"), 0);
    }
}

fn template() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml")).unwrap()
}

/// Whether template.yaml counts the lines of `function` that say `message`.
fn counts(template: &str, function: &str, message: &str) -> bool {
    let filter =
        format!("LogGroupName: !Ref {function}LogGroup\n      FilterPattern: '{{ $.message = \"{message}\" }}'\n");
    template.contains(&filter)
}

#[test]
fn every_function_that_calls_raises_the_alarm() {
    let template = template();
    let mut function = "";
    let mut calling = Vec::new();
    for line in template.lines() {
        if let Some(name) = line.strip_prefix("  ").filter(|name| !name.starts_with(' ')) {
            function = name.strip_suffix("Function:").unwrap_or_default();
        } else if line.trim_start().starts_with("TABLE_NAME:") {
            calling.push(function);
        }
    }
    assert!(calling.len() >= 6, "{calling:?}");
    for function in calling {
        assert!(counts(&template, function, OPERATOR_NEEDED), "{function}");
    }
}

#[test]
fn the_lines_of_the_sweeper_and_the_checker_raise_their_alarms() {
    assert!(counts(&template(), "Sweep", SWEEP_STUCK));
    assert!(counts(&template(), "Audit", AUDIT_DIFFERENCE));
}
