//! Every outside call of every operation, and every way that it can fail; then again with a second fault after the
//! first, and with a third. Whatever happened, after the sweeper has been a trunk is there whole or not at all.
//!
//! All cases run on the systems' equals in this process; those with one fault also on the emulators, where every call
//! must be answered in the same way. The quick form takes one fault of all operations, and of those that make every call
//! there is one pair of faults in ten, chosen by a fixed seed; `FAULTS=full` takes all. `FAULTS='<case>'` runs one case on
//! both, as the report of a violation names it, and says what happened.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom, SliceRandom};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use trunkline_domain::Direction;
use trunkline_provisioning::{CreateError, Created, DeleteError, NumberError, TrunkKey, UpdateError};
use trunkline_tests::canary;
use trunkline_tests::faulty::{
    Answer, Clock, Fault, Ground, How, InProcess, NumberPlace, NumberWork, Outside, Patch, Point, Run, Systems, Trace,
    Traced, Wanted, say,
};

/// Of how many pairs of faults the quick form takes one.
const QUICK_ONE_OF: usize = 10;
/// How many pairs of faults the full form takes on the emulators.
const PAIRS_ON_EMULATORS: usize = 200;
const SEED: u64 = 4;
/// How many cases run at a time on the emulators: more than there are processors, since each waits for them.
const AT_A_TIME: usize = 8;

const WHOLE: Wanted = Wanted { direction: Direction::Both, secret: true, key: true };
const IMPORT: NumberWork = NumberWork::Import(WHOLE);
const BUY: NumberWork = NumberWork::Buy(true);
const CONNECT: NumberWork = NumberWork::Connect(true);
const SHARE: NumberWork = NumberWork::Share(true);
const LOCKED: Wanted = Wanted { key: false, ..WHOLE };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Create(Wanted),
    Update(Wanted, Patch),
    Delete(Wanted),
    /// Of a trunk with two numbers.
    DeleteNumbered,
    /// Of a trunk with a number that was bought.
    DeleteBought,
    /// Of a trunk with two numbers of a Twilio account.
    DeleteConnected,
    Number(NumberWork),
    /// The deletion of a trunk after the process that imported a number on it died before that call.
    DeleteImport(&'static str),
    /// A sweep of what was left by the process that died before that call of some work with a number.
    SweepNumber(&'static str, NumberWork),
    /// A sweep of what was left by the process that died before that call of a number's deletion with its trunk.
    SweepGone(&'static str, NumberWork),
    /// A sweep of a trunk of whose number that message came late.
    SecondLookNumber(&'static str, NumberWork),
    /// A sweep of what was left by the process that died before that call of a create.
    SweepCreate(&'static str),
    /// A sweep of what was left by the process that died before that call of a delete.
    SweepDelete(&'static str),
    /// An update of what was left by the process that died before that call of another update.
    UpdateAgain(&'static str, Patch),
    /// A sweep of what was left by the process that died before that call of an update.
    SweepUpdate(&'static str),
    /// A sweep of a trunk of whose update that message came late.
    SecondLook(&'static str),
    /// A sweep of the tombstone of a create of which that message came late.
    LastLook(&'static str),
}

impl Operation {
    fn all() -> impl Iterator<Item = Self> {
        let creates = Wanted::all().map(Self::Create);
        let without_key = Wanted::all().filter(|wanted| !wanted.key);
        let updates = without_key.flat_map(|wanted| Patch::of(wanted).map(move |patch| Self::Update(wanted, patch)));
        let deletes = Wanted::all().filter(|wanted| wanted.key == wanted.secret).map(Self::Delete);
        let numbers = NumberWork::all().map(Self::Number);
        creates.chain(updates).chain(deletes).chain(numbers).chain([
            Self::DeleteNumbered,
            Self::DeleteBought,
            Self::DeleteConnected,
            Self::DeleteImport("replace_inbound_trunk"),
            Self::DeleteImport("commit_numbers"),
            Self::SweepNumber("replace_inbound_trunk", IMPORT),
            Self::SweepNumber("commit_numbers", IMPORT),
            Self::SweepNumber("replace_outbound_trunk", NumberWork::Move),
            Self::SweepNumber("commit_numbers", NumberWork::Move),
            Self::SweepNumber("commit_numbers", NumberWork::Delete),
            Self::SweepNumber("create_dispatch_rule", BUY),
            Self::SweepNumber("purchase", BUY),
            Self::SweepNumber("commit", BUY),
            Self::SweepGone("release", NumberWork::GiveBack),
            Self::SweepGone("delete_trunk", NumberWork::GiveBack),
            Self::SweepGone("unbind", NumberWork::GiveBack),
            Self::SweepNumber("create_secret", CONNECT),
            Self::SweepNumber("twilio create_credential", CONNECT),
            Self::SweepNumber("twilio attach_number", CONNECT),
            Self::SweepNumber("create_dispatch_rule", CONNECT),
            Self::SweepNumber("commit", CONNECT),
            Self::SweepNumber("twilio attach_number", SHARE),
            Self::SweepNumber("commit_numbers", SHARE),
            Self::SweepNumber("commit_numbers", NumberWork::Disconnect),
            Self::SweepGone("twilio detach_number", NumberWork::DisconnectLast),
            Self::SweepGone("twilio delete_credential_list", NumberWork::DisconnectLast),
            Self::SweepGone("settle_delete", NumberWork::DisconnectLast),
            Self::SecondLookNumber("create_secret", CONNECT),
            Self::SecondLookNumber("twilio create_trunk", CONNECT),
            Self::SecondLookNumber("twilio create_credential_list", CONNECT),
            Self::SecondLookNumber("twilio attach_number", CONNECT),
            Self::SecondLookNumber("twilio attach_number", SHARE),
            Self::SecondLookNumber("replace_inbound_trunk", SHARE),
            Self::SecondLookNumber("purchase", BUY),
            Self::SecondLookNumber("replace_inbound_trunk", IMPORT),
            Self::SecondLookNumber("replace_outbound_trunk", NumberWork::Delete),
            Self::SweepCreate("create_secret"),
            Self::SweepCreate("create_dispatch_rule"),
            Self::SweepCreate("commit"),
            Self::SweepDelete("delete_dispatch_rule"),
            Self::SweepDelete("delete_secret"),
            Self::SweepDelete("settle_delete"),
            Self::UpdateAgain("replace_outbound_trunk", Patch::Rename),
            Self::UpdateAgain("replace_outbound_trunk", Patch::Secure),
            Self::UpdateAgain("commit_update", Patch::Clear),
            Self::SweepUpdate("create_secret"),
            Self::SweepUpdate("replace_outbound_trunk"),
            Self::SweepUpdate("commit_update"),
            Self::SecondLook("create_secret"),
            Self::SecondLook("replace_inbound_trunk"),
            Self::SecondLook("replace_outbound_trunk"),
            Self::LastLook("create_secret"),
            Self::LastLook("create_inbound_trunk"),
            Self::LastLook("create_dispatch_rule"),
            Self::LastLook("create_outbound_trunk"),
        ])
    }
}

impl Operation {
    /// Enough of them to make every call that there is.
    fn main() -> impl Iterator<Item = Self> {
        let inbound = Wanted { direction: Direction::Inbound, secret: false, key: false };
        [
            Self::Create(WHOLE),
            Self::Create(inbound),
            Self::Create(Wanted { direction: Direction::Outbound, ..inbound }),
            Self::Update(LOCKED, Patch::Rotate),
            Self::Update(inbound, Patch::Enter),
            Self::Delete(WHOLE),
            Self::DeleteNumbered,
            Self::Number(IMPORT),
            Self::Number(NumberWork::Relabel),
            Self::Number(NumberWork::Move),
            Self::Number(NumberWork::Delete),
            Self::Number(BUY),
            Self::Number(NumberWork::GiveBack),
            Self::SweepNumber("commit", BUY),
            Self::SweepGone("unbind", NumberWork::GiveBack),
            Self::Number(CONNECT),
            Self::Number(SHARE),
            Self::Number(NumberWork::Disconnect),
            Self::Number(NumberWork::DisconnectLast),
            Self::DeleteConnected,
            Self::SecondLookNumber("twilio create_trunk", CONNECT),
            Self::SecondLookNumber("twilio attach_number", SHARE),
            Self::DeleteImport("commit_numbers"),
            Self::SweepNumber("commit_numbers", IMPORT),
            Self::SweepCreate("commit"),
            Self::SweepDelete("delete_dispatch_rule"),
            Self::UpdateAgain("replace_outbound_trunk", Patch::Rename),
            Self::SweepUpdate("commit_update"),
            Self::SecondLook("replace_outbound_trunk"),
            Self::LastLook("create_inbound_trunk"),
        ]
        .into_iter()
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(wanted) => write!(f, "create {wanted}"),
            Self::Update(wanted, patch) => write!(f, "{patch} {wanted}"),
            Self::Delete(wanted) => write!(f, "delete {wanted}"),
            Self::DeleteNumbered => f.write_str("delete a trunk with numbers"),
            Self::DeleteBought => f.write_str("delete a trunk with a bought number"),
            Self::DeleteConnected => f.write_str("delete a trunk with connected numbers"),
            Self::SweepGone(call, work) => write!(f, "sweep what had to {work} and died before {call}"),
            Self::Number(work) => work.fmt(f),
            Self::DeleteImport(call) => write!(f, "delete a trunk after an import that died before {call}"),
            Self::SweepNumber(call, work) => write!(f, "sweep after \"{work}\" died before {call}"),
            Self::SecondLookNumber(call, work) => write!(f, "second look at \"{work}\" after a late {call}"),
            Self::SweepCreate(call) => write!(f, "sweep a create that died before {call}"),
            Self::SweepDelete(call) => write!(f, "sweep a delete that died before {call}"),
            Self::UpdateAgain(call, patch) => write!(f, "{patch} after an update that died before {call}"),
            Self::SweepUpdate(call) => write!(f, "sweep an update that died before {call}"),
            Self::SecondLook(call) => write!(f, "second look after a late {call}"),
            Self::LastLook(call) => write!(f, "last look after a late {call}"),
        }
    }
}

/// An operation and what goes wrong.
#[derive(Debug, Clone)]
struct Case {
    operation: Operation,
    points: Vec<Point>,
}

impl Case {
    /// The case that a report has named.
    fn named(text: &str) -> Self {
        let (operation, points) = text.split_once(':').expect("`full`, or `<operation>: <call> <fault>, …`");
        let known = Operation::all().find(|known| known.to_string() == operation);
        let points = points.split(',').filter(|point| !point.trim().is_empty());
        Self {
            operation: known.unwrap_or_else(|| panic!("no operation is called {operation}")),
            points: points.map(|point| point.parse().expect("`<call> <fault>`")).collect(),
        }
    }

    fn and(&self, point: Point) -> Self {
        Self { operation: self.operation, points: [self.points.as_slice(), &[point]].concat() }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let points: Vec<_> = self.points.iter().map(Point::to_string).collect();
        write!(f, "{}: {}", self.operation, points.join(", "))
    }
}

/// What came of a case.
struct Ended {
    case: Case,
    trace: Trace,
    /// How many of the calls were the operation's own, and not of a sweep after it.
    own: usize,
    violations: Vec<String>,
}

impl Ended {
    /// The same with one more fault, at each of the calls `from` has, and of each kind.
    fn with_one_more(&self, from: std::ops::Range<usize>) -> Vec<Case> {
        // A look into the index that fails ends a sweep, whatever came before: its single faults tell all.
        let dull = |call: &Traced| call.name == "due" && !self.case.points.is_empty();
        let calls = self.trace.0.iter().enumerate().take(from.end).skip(from.start).filter(|(_, call)| !dull(call));
        calls
            .flat_map(|(index, call)| {
                Fault::of(call.effect).map(move |fault| self.case.and(Point { call: index + 1, fault }))
            })
            .collect()
    }

    /// With one more at any call after the last.
    fn with_a_later_one(&self) -> Vec<Case> {
        self.with_one_more(self.case.points.last().map_or(0, |last| last.call)..self.trace.0.len())
    }
}

async fn run<O: Outside>(ground: Ground<O>, case: Case) -> Ended {
    let mut run = Run::new(&ground, &case.points);
    let (own, violations) = match case.operation {
        Operation::Create(wanted) => create(&ground, &mut run, wanted).await,
        Operation::Update(wanted, patch) => {
            let key = ground.live_trunk(wanted).await;
            update(&ground, &mut run, key, wanted, patch).await
        }
        Operation::UpdateAgain(call, patch) => {
            let key = ground.live_trunk(LOCKED).await;
            ground.update(key, LOCKED, Patch::Rotate).run_to(call).await;
            ground.0.put_forward(Clock::Leases).await;
            update(&ground, &mut run, key, LOCKED, patch).await
        }
        Operation::Delete(wanted) => {
            let key = ground.live_trunk(wanted).await;
            delete(&ground, &mut run, key, 0).await
        }
        Operation::DeleteNumbered => {
            let key = ground.numbered_trunk(WHOLE).await;
            delete(&ground, &mut run, key, 2).await
        }
        Operation::DeleteBought => {
            let key = ground.bought_trunk().await;
            delete(&ground, &mut run, key, 1).await
        }
        Operation::DeleteConnected => {
            let key = ground.connected_trunk().await;
            delete(&ground, &mut run, key, 2).await
        }
        Operation::SweepGone(call, work) => {
            let place = ground.place(work).await;
            ground.number_work(&place).run_to(call).await;
            let (own, mut violations) = sweep(&ground, &mut run, Clock::Leases).await;
            if !ground.is_number_work_done(&place).await {
                violations.push("the number is there".into());
            }
            (own, violations)
        }
        Operation::DeleteImport(call) => {
            let place = ground.place(IMPORT).await;
            ground.number_work(&place).run_to(call).await;
            delete(&ground, &mut run, place.trunk(), 0).await
        }
        Operation::Number(work) => number(&ground, &mut run, work).await,
        Operation::SweepNumber(call, work) => {
            let place = ground.place(work).await;
            ground.number_work(&place).run_to(call).await;
            sweep_number(&ground, &mut run, &place, Clock::Leases).await
        }
        Operation::SecondLookNumber(call, work) => {
            let place = ground.place(work).await;
            let mut actor = ground.number_work(&place);
            actor.run_to(call).await;
            let late = actor.call().go(How::Late).await.late.expect("a late message");
            actor.finish().await;
            late.await;
            sweep_number(&ground, &mut run, &place, Clock::All).await
        }
        Operation::SweepCreate(call) => {
            let mut actor = ground.create(WHOLE);
            actor.run_to(call).await;
            drop(actor);
            sweep(&ground, &mut run, Clock::Leases).await
        }
        Operation::SweepDelete(call) => {
            let key = ground.live_trunk(WHOLE).await;
            ground.delete(key).run_to(call).await;
            sweep(&ground, &mut run, Clock::Leases).await
        }
        Operation::SweepUpdate(call) => {
            let key = ground.live_trunk(LOCKED).await;
            ground.update(key, LOCKED, Patch::Rotate).run_to(call).await;
            sweep_update(&ground, &mut run, key, Clock::Leases).await
        }
        Operation::SecondLook(call) => {
            let key = take_back(&ground, call).await;
            sweep_update(&ground, &mut run, key, Clock::All).await
        }
        Operation::LastLook(call) => {
            undo(&ground, call).await;
            sweep(&ground, &mut run, Clock::All).await
        }
    };
    let trace = run.trace;
    ground.0.clear().await;
    Ended { case, trace, own, violations }
}

async fn create<O: Outside>(ground: &Ground<O>, run: &mut Run<'_, O>, wanted: Wanted) -> (usize, Vec<String>) {
    let actor = ground.create(wanted);
    let answer = run.drive(actor).await;
    let own = run.trace.0.len();
    let mut violations = settle(run).await;
    let live = !ground.0.live().await.is_empty();
    match &answer {
        Some(Answer::Created(Ok(_))) if !live => violations.push("201, and no trunk".into()),
        Some(Answer::Created(Err(error))) if live && !may_stand(error, &run.trace) => {
            violations.push(format!("`{error}`, and a trunk"));
        }
        _ => {}
    }
    match ground.create(wanted).finish().await {
        Answer::Created(Ok(Created::Before(_))) if live && wanted.key => {}
        Answer::Created(Ok(Created::Now(_))) if !live || !wanted.key => {}
        other => violations.push(format!("a retry is answered {other:?}")),
    }
    violations.extend(ground.0.check().await.violations);
    (own, violations)
}

/// When the table answered neither the commit nor the undo, the answer is 503 and the trunk may stand.
fn may_stand(error: &CreateError, trace: &Trace) -> bool {
    matches!(error, CreateError::Unavailable)
        && ["commit", "begin_undo"]
            .iter()
            .all(|name| trace.0.iter().any(|call| call.name == *name && call.fault.is_some()))
}

async fn update<O: Outside>(
    ground: &Ground<O>,
    run: &mut Run<'_, O>,
    key: TrunkKey,
    wanted: Wanted,
    patch: Patch,
) -> (usize, Vec<String>) {
    let answer = run.drive(ground.update(key, wanted, patch)).await;
    let own = run.trace.0.len();
    let mut violations = settle(run).await;
    violations.extend(ground.0.check().await.violations);
    let is_made = ground.is_patched(key, patch).await;
    match &answer {
        Some(Answer::Updated(Ok(_))) if !is_made => violations.push("200, and the trunk is as it was".into()),
        Some(Answer::Updated(Err(error))) if is_made && !may_be_made(error, &run.trace) => {
            violations.push(format!("`{error}`, and the trunk is changed"));
        }
        _ => {}
    }
    let again = ground.update(key, wanted, patch).finish().await;
    if !matches!(again, Answer::Updated(Ok(_))) || !ground.is_patched(key, patch).await {
        violations.push(format!("a retry is answered {again:?}"));
    }
    violations.extend(settle(run).await);
    violations.extend(ground.0.check().await.violations);
    (own, violations)
}

/// When the table answered neither the commit nor what would take it back, the answer is 503 and the change may stand.
fn may_be_made(error: &UpdateError, trace: &Trace) -> bool {
    matches!(error, UpdateError::Unavailable)
        && ["commit_update", "begin_revert"]
            .iter()
            .all(|name| trace.0.iter().any(|call| call.name == *name && call.fault.is_some()))
}

/// Of a trunk with so many numbers, which stay.
async fn delete<O: Outside>(
    ground: &Ground<O>,
    run: &mut Run<'_, O>,
    key: TrunkKey,
    numbers: usize,
) -> (usize, Vec<String>) {
    let answer = run.drive(ground.delete(key)).await;
    let own = run.trace.0.len();
    let mut violations = Vec::new();
    if let Some(Answer::Deleted(Ok(()) | Err(DeleteError::NotFound))) = &answer
        && !ground.0.live().await.is_empty()
    {
        violations.push(format!("{answer:?}, and the trunk is live"));
    }
    violations.extend(run.sweep_leases().await.err().map(str::to_owned));
    // Before the tombstone goes: after that, the trunk was never heard of.
    match ground.delete(key).finish().await {
        Answer::Deleted(Ok(())) => {}
        other => violations.push(format!("after {answer:?}, a retry is answered {other:?}")),
    }
    violations.extend(run.sweep_all().await.err().map(str::to_owned));
    let quiet = ground.0.check().await;
    violations.extend(quiet.violations);
    violations.extend(quiet.live.into_iter().map(|id| format!("{id} is live")));
    let left = ground.numbers().await;
    if left != (numbers, 0) {
        violations.push(format!("of {numbers} numbers, {left:?} are there and bound"));
    }
    (own, violations)
}

async fn number<O: Outside>(ground: &Ground<O>, run: &mut Run<'_, O>, work: NumberWork) -> (usize, Vec<String>) {
    let place = ground.place(work).await;
    let answer = run.drive(ground.number_work(&place)).await;
    let own = run.trace.0.len();
    let mut violations = settle_number(run, work).await;
    // LiveKit's number goes first, and the caller's second attempt finds it gone.
    if work != NumberWork::GiveBackUnbound {
        violations.extend(ground.0.check().await.violations);
    }
    let is_done = ground.is_number_work_done(&place).await;
    match &answer {
        Some(Answer::Imported(Ok(_)) | Answer::NumberChanged(Ok(_)) | Answer::NumberDeleted(Ok(()))) if !is_done => {
            violations.push("done, and the number is as it was".into())
        }
        Some(Answer::Imported(Err(error)) | Answer::NumberChanged(Err(error)) | Answer::NumberDeleted(Err(error)))
            if is_done && !goes_on(work) && !may_be_done(error, &run.trace) =>
        {
            violations.push(format!("`{error}`, and the number is changed"));
        }
        _ => {}
    }
    let again = ground.number_work(&place).finish().await;
    if !Ground::<O>::is_right_again(&place, is_done, &again) || !ground.is_number_work_done(&place).await {
        violations.push(format!("a retry is answered {again:?}"));
    }
    violations.extend(settle_number(run, work).await);
    violations.extend(ground.0.check().await.violations);
    (own, violations)
}

/// Whether the sweeper ends what was begun, whatever its request was told.
fn goes_on(work: NumberWork) -> bool {
    matches!(work, NumberWork::GiveBack | NumberWork::DisconnectLast)
}

/// What was late for one trunk of a move keeps LiveKit from putting the other back, until the last look at the first.
async fn settle_number<O: Outside>(run: &mut Run<'_, O>, work: NumberWork) -> Vec<String> {
    match work {
        NumberWork::Move => {
            let _ = run.sweep_leases().await;
            run.sweep_all().await.err().map(str::to_owned).into_iter().collect()
        }
        _ => settle(run).await,
    }
}

/// When the table answered neither the commit nor what would take it back, the answer is 503 and the change may stand.
fn may_be_done(error: &NumberError, trace: &Trace) -> bool {
    let faulted = |name| trace.0.iter().any(|call| call.name == name && call.fault.is_some());
    matches!(error, NumberError::Unavailable)
        && (faulted("edit_number")
            || faulted("commit_numbers") && faulted("begin_revert")
            || faulted("commit") && faulted("begin_undo"))
}

/// A sweep of what some work with a number has left, which was not done.
async fn sweep_number<O: Outside>(
    ground: &Ground<O>,
    run: &mut Run<'_, O>,
    place: &NumberPlace,
    clock: Clock,
) -> (usize, Vec<String>) {
    assert_ne!(ground.0.put_forward(clock).await, 0, "nothing to be swept");
    run.drive(ground.sweep()).await;
    let own = run.trace.0.len();
    let mut violations = settle_number(run, place.work).await;
    violations.extend(ground.0.check().await.violations);
    if ground.is_number_work_done(place).await {
        violations.push("the number is changed".into());
    }
    (own, violations)
}

/// A sweep of what is on the ground.
async fn sweep<O: Outside>(ground: &Ground<O>, run: &mut Run<'_, O>, clock: Clock) -> (usize, Vec<String>) {
    assert_ne!(ground.0.put_forward(clock).await, 0, "nothing to be swept");
    run.drive(ground.sweep()).await;
    let own = run.trace.0.len();
    let mut violations = settle(run).await;
    let quiet = ground.0.check().await;
    violations.extend(quiet.violations);
    violations.extend(quiet.live.into_iter().map(|id| format!("{id} is live")));
    (own, violations)
}

/// A sweep of what an update of the trunk has left.
async fn sweep_update<O: Outside>(
    ground: &Ground<O>,
    run: &mut Run<'_, O>,
    key: TrunkKey,
    clock: Clock,
) -> (usize, Vec<String>) {
    assert_ne!(ground.0.put_forward(clock).await, 0, "nothing to be swept");
    run.drive(ground.sweep()).await;
    let own = run.trace.0.len();
    let mut violations = settle(run).await;
    violations.extend(ground.0.check().await.violations);
    if ground.is_patched(key, Patch::Rotate).await {
        violations.push("the trunk is changed".into());
    }
    (own, violations)
}

async fn settle<O: Outside>(run: &mut Run<'_, O>) -> Vec<String> {
    let leases = run.sweep_leases().await;
    [leases, run.sweep_all().await].into_iter().filter_map(Result::err).map(str::to_owned).collect()
}

/// A trunk that was undone since that call was not answered, and whose message has arrived by now.
async fn undo<O: Outside>(ground: &Ground<O>, call: &str) {
    let mut actor = ground.create(WHOLE);
    actor.run_to(call).await;
    let late = actor.call().go(How::Late).await.late.expect("a late message");
    let answer = actor.finish().await;
    assert!(matches!(answer, Answer::Created(Err(CreateError::Upstream(_)))), "{answer:?}");
    late.await;
}

/// A trunk as it was, since that call of its update was not answered; its message has arrived by now.
async fn take_back<O: Outside>(ground: &Ground<O>, call: &str) -> TrunkKey {
    let key = ground.live_trunk(LOCKED).await;
    let mut actor = ground.update(key, LOCKED, Patch::Rotate);
    actor.run_to(call).await;
    let late = actor.call().go(How::Late).await.late.expect("a late message");
    let answer = actor.finish().await;
    assert!(matches!(answer, Answer::Updated(Err(UpdateError::Upstream(_)))), "{answer:?}");
    late.await;
    key
}

/// What came of all cases with two faults and more that begin as a case of one fault does.
#[derive(Default)]
struct Later {
    pairs: usize,
    triples: usize,
    violated: Vec<Ended>,
}

/// Pairs that begin as `single` does, one of so many, and for each of them one third fault, chosen at random.
async fn run_later(single: &Ended, seed: u64, one_of: usize) -> Later {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut later = Later::default();
    let mut cases = single.with_a_later_one();
    cases.shuffle(&mut rng);
    cases.truncate(cases.len().div_ceil(one_of));
    for case in cases {
        let pair = run(InProcess::ground(), case).await;
        later.pairs += 1;
        if let Some(case) = pair.with_a_later_one().choose(&mut rng) {
            let triple = run(InProcess::ground(), case.clone()).await;
            later.triples += 1;
            later.violated.extend(Some(triple).filter(|ended| !ended.violations.is_empty()));
        }
        later.violated.extend(Some(pair).filter(|ended| !ended.violations.is_empty()));
    }
    later
}

/// Runs `work` on each of `all`, as many at a time as there are processors; gives what came of it, in their order.
async fn in_parallel<T, R, F>(all: Vec<T>, work: impl Fn(usize, T) -> F) -> Vec<R>
where
    F: Future<Output = R> + Send + 'static,
    R: Send + 'static,
{
    let running: JoinSet<_> = all
        .into_iter()
        .enumerate()
        .map(|(index, one)| {
            let work = work(index, one);
            async move { (index, work.await) }
        })
        .collect();
    let mut ended = running.join_all().await;
    ended.sort_by_key(|(index, _)| *index);
    ended.into_iter().map(|(_, ended)| ended).collect()
}

async fn run_in_process(cases: Vec<Case>) -> Vec<Ended> {
    in_parallel(cases, |_, case| run(InProcess::ground(), case)).await
}

/// Runs cases on the emulators. Secrets stay for their recovery window, so the emulators are replaced before there are
/// so many that looking at all takes long.
async fn run_emulated(cases: Vec<Case>) -> Vec<Ended> {
    const WITH_ONE_SET: usize = 1000;
    let mut ended = Vec::with_capacity(cases.len());
    for some in cases.chunks(WITH_ONE_SET) {
        let systems = Arc::new(Systems::start().await);
        let places = Arc::new(Semaphore::new(AT_A_TIME));
        let some = in_parallel(some.to_vec(), |_, case| {
            let (systems, places) = (Arc::clone(&systems), Arc::clone(&places));
            async move {
                let _place = places.acquire_owned().await.expect("never closed");
                run(systems.ground().await, case).await
            }
        })
        .await;
        let left = systems.left_in_livekit().await;
        let left = (left.inbound.len(), left.outbound.len(), left.rules.len());
        let sound = some.iter().all(|ended| ended.violations.is_empty());
        assert!(left == (0, 0, 0) || !sound, "left in LiveKit: {left:?}");
        systems.stop().await;
        ended.extend(some);
    }
    ended
}

/// The same cases on the emulators. Where a call is answered otherwise, the equal is none.
async fn compare(cases: &[&Ended]) -> Vec<Ended> {
    let mut emulated = run_emulated(cases.iter().map(|ended| ended.case.clone()).collect()).await;
    for (ended, equal) in emulated.iter_mut().zip(cases) {
        ended.violations.extend(ended.trace.first_difference(&equal.trace));
    }
    emulated
}

/// One line for each operation; a violation, with all that it takes to run it again.
fn report(clean: &[Ended], singles: &[Ended], later: &[(Operation, Later)], emulated: &[Ended]) -> usize {
    say(format_args!(
        "{:<64} {:>6} {:>8} {:>8} {:>8} {:>9} {:>10}",
        "operation", "calls", "singles", "pairs", "triples", "emulated", "violations"
    ));
    let violated: Vec<_> = clean
        .iter()
        .chain(singles)
        .chain(later.iter().flat_map(|(_, later)| &later.violated))
        .chain(emulated)
        .filter(|ended| !ended.violations.is_empty())
        .collect();
    for whole in clean {
        let operation = whole.case.operation;
        let count = |ended: &[Ended]| ended.iter().filter(|ended| ended.case.operation == operation).count();
        let later = later.iter().filter(|(of, _)| *of == operation);
        let (pairs, triples) =
            later.fold((0, 0), |(pairs, triples), (_, later)| (pairs + later.pairs, triples + later.triples));
        let wrong = violated.iter().filter(|ended| ended.case.operation == operation).count();
        say(format_args!(
            "{:<64} {:>6} {:>8} {pairs:>8} {triples:>8} {:>9} {wrong:>10}",
            operation.to_string(),
            whole.own,
            count(singles),
            count(emulated),
        ));
    }
    violated.iter().take(10).for_each(|ended| explain(ended));
    violated.len()
}

fn explain(ended: &Ended) {
    say(format_args!("\nFAULTS='{}' cargo test --workspace --test faults\n{}", ended.case, ended.trace));
    for violation in &ended.violations {
        say(format_args!("  ! {violation}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_leaves_anything_behind() {
    let form = std::env::var("FAULTS").unwrap_or_default();
    if !form.is_empty() && form != "full" {
        let ended = run(InProcess::ground(), Case::named(&form)).await;
        explain(&ended);
        let emulated = compare(&[&ended]).await;
        emulated.iter().for_each(explain);
        assert!(ended.violations.is_empty() && emulated.iter().all(|ended| ended.violations.is_empty()));
        return;
    }
    let start = Instant::now();
    let full = form == "full";
    let log = canary::watch_log();
    let clean =
        run_in_process(Operation::all().map(|operation| Case { operation, points: Vec::new() }).collect()).await;
    let singles = clean.iter().flat_map(|ended| ended.with_one_more(0..ended.own)).collect();
    let singles: Vec<_> = run_in_process(singles).await.into_iter().map(Arc::new).collect();
    let one_of = if full { 1 } else { QUICK_ONE_OF };
    let taken = |ended: &&Arc<Ended>| full || Operation::main().any(|main| main == ended.case.operation);
    let later =
        in_parallel(singles.iter().filter(taken).map(Arc::clone).collect(), |index, single: Arc<Ended>| async move {
            (single.case.operation, run_later(&single, SEED + index as u64, one_of).await)
        })
        .await;
    let mut compared: Vec<_> = singles.iter().filter(taken).map(|ended| &**ended).collect();
    let pairs = match full {
        true => sample_of_pairs(&singles).await,
        false => Vec::new(),
    };
    compared.extend(&pairs);
    let emulated = compare(&compared).await;
    let singles: Vec<_> = singles.into_iter().filter_map(Arc::into_inner).collect();
    let violations = report(&clean, &singles, &later, &emulated);
    let later: usize = later.iter().map(|(_, later)| later.pairs + later.triples).sum();
    let cases = clean.len() + singles.len() + later + emulated.len();
    say(format_args!("{cases} cases in {:.0?}", start.elapsed()));
    log.assert_no_trace();
    assert_eq!(violations, 0);
}

async fn sample_of_pairs(singles: &[Arc<Ended>]) -> Vec<Ended> {
    let pairs = singles.iter().flat_map(|single| single.with_a_later_one());
    run_in_process(pairs.sample(&mut StdRng::seed_from_u64(SEED), PAIRS_ON_EMULATORS)).await
}
