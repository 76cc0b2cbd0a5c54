//! Two use cases of the real code at the same time, call by call, in every order of their outside calls, those that one
//! of them makes in parallel included. Whatever the order, when both have ended and the sweeper has been, every trunk is
//! there whole or not at all.
//!
//! The orders run on the systems' equals in this process, and some of them on the emulators too, where every call must be
//! answered in the same way. Where there are very many, each form takes as many as it has time for, chosen by a fixed seed;
//! `FAULTS=full` takes more. `ORDERS='<case>'` runs one order on both, as the report of a violation names it, and says what
//! happened.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;
use trunkline_domain::Direction;
use trunkline_provisioning::{CreateError, Created, DeleteError, KeyUse, UpdateError};
use trunkline_tests::canary;
use trunkline_tests::faulty::{
    Actor, Answer, Call, Clock, Ground, How, InProcess, Outside, Patch, Run, Stand, Systems, Trace, Traced, Wanted, say,
};

/// How many orders of a pair each form takes at most: of the longest pairs there are millions.
const QUICK: usize = 4_000;
const FULL: usize = 50_000;
/// How many of them run on the emulators.
const QUICK_ON_EMULATORS: usize = 6;
const FULL_ON_EMULATORS: usize = 60;
const SEED: u64 = 4;
/// How many orders run at a time.
const AT_A_TIME: usize = 8;

const WHOLE: Wanted = Wanted { direction: Direction::Both, secret: true, key: true };
const LOCKED: Wanted = Wanted { key: false, ..WHOLE };
const INBOUND: Wanted = Wanted { direction: Direction::Inbound, secret: false, key: false };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pair {
    /// The lease of the create has ended by the time the sweeper begins.
    CreateAndSweep(Wanted),
    CreateAndDelete(Wanted),
    /// The workspace may have one trunk more, and is asked for two.
    CreateAndCreateAtCap(Wanted),
    CreateAndCreateWithOneKey(Wanted),
    DeleteAndDelete(Wanted),
    /// The lease of the delete has ended by the time the sweeper begins.
    DeleteAndSweep(Wanted),
    /// The lease of the update has ended by the time the sweeper begins.
    UpdateAndSweep(Wanted, Patch),
    /// The sweeper has its last look at an earlier update.
    UpdateAndLastLook(Wanted, Patch),
    UpdateAndDelete(Wanted, Patch),
    UpdateAndUpdate(Wanted, Patch, Patch),
}

impl Pair {
    fn all() -> impl Iterator<Item = Self> {
        [
            Self::CreateAndSweep(INBOUND),
            Self::CreateAndSweep(WHOLE),
            Self::CreateAndDelete(INBOUND),
            Self::CreateAndDelete(WHOLE),
            Self::CreateAndCreateAtCap(Wanted { key: false, ..WHOLE }),
            Self::CreateAndCreateWithOneKey(WHOLE),
            Self::DeleteAndDelete(INBOUND),
            Self::DeleteAndDelete(WHOLE),
            Self::DeleteAndSweep(INBOUND),
            Self::DeleteAndSweep(WHOLE),
            Self::UpdateAndSweep(INBOUND, Patch::Enter),
            Self::UpdateAndSweep(LOCKED, Patch::Rotate),
            Self::UpdateAndLastLook(INBOUND, Patch::Enter),
            Self::UpdateAndLastLook(LOCKED, Patch::Rotate),
            Self::UpdateAndDelete(INBOUND, Patch::Enter),
            Self::UpdateAndDelete(LOCKED, Patch::Rotate),
            Self::UpdateAndUpdate(INBOUND, Patch::Enter, Patch::Rename),
            Self::UpdateAndUpdate(LOCKED, Patch::Rotate, Patch::Clear),
        ]
        .into_iter()
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateAndSweep(wanted) => write!(f, "create + sweep, {wanted}"),
            Self::CreateAndDelete(wanted) => write!(f, "create + delete, {wanted}"),
            Self::CreateAndCreateAtCap(wanted) => write!(f, "create + create at the cap, {wanted}"),
            Self::CreateAndCreateWithOneKey(wanted) => write!(f, "create + create with one key, {wanted}"),
            Self::DeleteAndDelete(wanted) => write!(f, "delete + delete, {wanted}"),
            Self::DeleteAndSweep(wanted) => write!(f, "delete + sweep, {wanted}"),
            Self::UpdateAndSweep(wanted, patch) => write!(f, "{patch} + sweep, {wanted}"),
            Self::UpdateAndLastLook(wanted, patch) => write!(f, "{patch} + last look, {wanted}"),
            Self::UpdateAndDelete(wanted, patch) => write!(f, "{patch} + delete, {wanted}"),
            Self::UpdateAndUpdate(wanted, first, second) => write!(f, "{first} + {second}, {wanted}"),
        }
    }
}

/// Which of the calls that wait goes on, each time that there are several: those of the first use case come first.
type Order = Vec<usize>;

/// What came of an order.
struct Ended {
    pair: Pair,
    order: Order,
    trace: Trace,
    violations: Vec<String>,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order: String = self.order.iter().map(usize::to_string).collect();
        write!(f, "{}: {order}", self.pair)
    }
}

/// Runs a pair in the order that begins as `order` does, and goes on at random; also gives between how many calls each turn
/// chose.
async fn run<O: Outside>(ground: Ground<O>, pair: Pair, order: Order, seed: u64) -> (Ended, Vec<usize>) {
    let rng = StdRng::seed_from_u64(seed);
    let mut stage =
        Stage { ground: &ground, order, rng, turns: Vec::new(), choices: Vec::new(), trace: Trace::default() };
    let answers = stage.play(pair).await;
    let Stage { turns, choices, trace, .. } = stage;
    let mut run = Run::new(&ground, &[]);
    let settled = run.sweep_leases().await.and(run.sweep_all().await);
    let quiet = ground.0.check().await;
    let mut violations = quiet.violations;
    violations.extend(settled.err().map(str::to_owned));
    if !pair.allows(&answers, quiet.live.len()) {
        violations.push(format!("{answers:?}, and {} live", quiet.live.len()));
    }
    if let Some(wanted) = pair.with_key() {
        let again = ground.create(wanted).finish().await;
        if !matches!(again, Answer::Created(Ok(_))) {
            violations.push(format!("a retry is answered {again:?}"));
        }
        violations.extend(ground.0.check().await.violations);
    }
    ground.0.clear().await;
    (Ended { pair, order: turns, trace, violations }, choices)
}

impl Pair {
    /// The create that may be repeated with its idempotency key, if there is one.
    fn with_key(self) -> Option<Wanted> {
        match self {
            Self::CreateAndSweep(wanted) | Self::CreateAndDelete(wanted) | Self::CreateAndCreateWithOneKey(wanted) => {
                Some(wanted).filter(|wanted| wanted.key)
            }
            _ => None,
        }
    }

    /// Whether the answers are honest when so many trunks are live in the end.
    fn allows(self, answers: &[Answer; 2], live: usize) -> bool {
        let [Some(first), Some(second)] = answers.each_ref().map(told) else { return false };
        match self {
            Self::CreateAndSweep(_) => {
                matches!((first, second, live), (Told::Done, Told::Done, 1) | (Told::Failed, Told::Done, 0))
            }
            Self::CreateAndDelete(_) => {
                matches!((first, second, live), (Told::Done, Told::Done, 0) | (Told::Done, Told::Refused, 1))
            }
            Self::CreateAndCreateAtCap(_) => {
                matches!((first, second, live), (Told::Done, Told::Refused, 1) | (Told::Refused, Told::Done, 1))
            }
            Self::CreateAndCreateWithOneKey(_) => matches!(
                (first, second, live),
                (Told::Done, Told::Refused | Told::DoneBefore, 1) | (Told::Refused | Told::DoneBefore, Told::Done, 1)
            ),
            Self::DeleteAndDelete(_) | Self::DeleteAndSweep(_) => {
                matches!((first, second, live), (Told::Done, Told::Done, 0))
            }
            Self::UpdateAndSweep(..) => {
                matches!((first, second, live), (Told::Done | Told::Failed, Told::Done, 1))
            }
            // The last look has the record for a moment, if the sweeper does not find the lease of the update over.
            Self::UpdateAndLastLook(..) => {
                matches!((first, second, live), (Told::Done | Told::Refused | Told::Failed, Told::Done, 1))
            }
            Self::UpdateAndDelete(..) => matches!((first, second, live), (Told::Done | Told::Gone, Told::Done, 0)),
            Self::UpdateAndUpdate(..) => {
                matches!(
                    (first, second, live),
                    (Told::Done, Told::Done | Told::Refused, 1) | (Told::Refused, Told::Done, 1)
                )
            }
        }
    }
}

/// What an answer tells, if it is one that may be given when no system fails.
fn told(answer: &Answer) -> Option<Told> {
    match answer {
        Answer::Created(Ok(Created::Now(_)))
        | Answer::Updated(Ok(_))
        | Answer::Deleted(Ok(()))
        | Answer::Swept(Ok(_)) => Some(Told::Done),
        Answer::Created(Ok(Created::Before(_))) => Some(Told::DoneBefore),
        Answer::Created(Err(CreateError::AtCap { limit: 1, used: 1 } | CreateError::KeyUsed(KeyUse::Running)))
        | Answer::Updated(Err(UpdateError::Busy))
        | Answer::Deleted(Err(DeleteError::NotFound)) => Some(Told::Refused),
        Answer::Updated(Err(UpdateError::NotFound)) => Some(Told::Gone),
        // The lease was lost.
        Answer::Created(Err(CreateError::Unavailable)) | Answer::Updated(Err(UpdateError::Unavailable)) => {
            Some(Told::Failed)
        }
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Done,
    /// By another request, with the same idempotency key.
    DoneBefore,
    Refused,
    /// There is no such trunk any more.
    Gone,
    Failed,
}

/// Two actors, and who is next.
struct Stage<'a, O> {
    ground: &'a Ground<O>,
    /// The first turns.
    order: Order,
    /// The turns after those.
    rng: StdRng,
    /// The turns that were taken while there was a choice.
    turns: Order,
    /// Between how many calls each of them chose.
    choices: Vec<usize>,
    trace: Trace,
}

impl<O: Outside> Stage<'_, O> {
    async fn play(&mut self, pair: Pair) -> [Answer; 2] {
        let ground = self.ground;
        match pair {
            Pair::CreateAndSweep(wanted) => self.together(ground.create(wanted), ground.sweep()).await,
            Pair::CreateAndDelete(wanted) => {
                let mut create = ground.create(wanted);
                create.run_to("reserve").await;
                let delete = ground.delete(create.reserved().expect("a trunk"));
                self.together(create, delete).await
            }
            Pair::CreateAndCreateAtCap(wanted) => {
                ground.0.set_limit(1).await;
                self.together(ground.create(wanted), ground.create(wanted)).await
            }
            Pair::CreateAndCreateWithOneKey(wanted) => {
                self.together(ground.create(wanted), ground.create(wanted)).await
            }
            Pair::DeleteAndDelete(wanted) => {
                let key = ground.live_trunk(wanted).await;
                self.together(ground.delete(key), ground.delete(key)).await
            }
            Pair::DeleteAndSweep(wanted) => {
                let key = ground.live_trunk(wanted).await;
                self.together(ground.delete(key), ground.sweep()).await
            }
            Pair::UpdateAndSweep(wanted, patch) => {
                let key = ground.live_trunk(wanted).await;
                self.together(ground.update(key, wanted, patch), ground.sweep()).await
            }
            Pair::UpdateAndLastLook(wanted, patch) => {
                let key = ground.live_trunk(wanted).await;
                ground.update(key, wanted, Patch::Secure).finish().await;
                ground.0.put_forward(Clock::All).await;
                self.together(ground.update(key, wanted, patch), ground.sweep()).await
            }
            Pair::UpdateAndDelete(wanted, patch) => {
                let key = ground.live_trunk(wanted).await;
                self.together(ground.update(key, wanted, patch), ground.delete(key)).await
            }
            Pair::UpdateAndUpdate(wanted, first, second) => {
                let key = ground.live_trunk(wanted).await;
                self.together(ground.update(key, wanted, first), ground.update(key, wanted, second)).await
            }
        }
    }

    /// Runs both to their answers, one call of one of them at a time.
    async fn together(&mut self, first: Actor, second: Actor) -> [Answer; 2] {
        let mut on_stage = [Some(first), Some(second)];
        let mut answers = [None, None];
        for turn in 0..2 {
            self.go_on(turn, &mut on_stage, &mut answers).await;
        }
        while let [Some(_), _] | [_, Some(_)] = &on_stage {
            let waiting = on_stage.each_ref().map(|actor| actor.as_ref().map_or(0, Actor::calls));
            let chosen = self.choose(waiting[0] + waiting[1]);
            let (turn, index) = if chosen < waiting[0] { (0, chosen) } else { (1, chosen - waiting[0]) };
            let call = on_stage[turn].as_ref().expect("an actor with a call").call_at(index);
            if call.name == "due" {
                self.ground.0.put_forward(Clock::Leases).await;
            }
            self.perform(turn, call).await;
            self.go_on(turn, &mut on_stage, &mut answers).await;
        }
        answers.map(|answer| answer.expect("both have answered"))
    }

    /// Lets an actor come to its next call, or to its answer. The sweeper's looks into its index go with the call after
    /// them, but for the first: what they find is looked at again.
    async fn go_on(&mut self, turn: usize, on_stage: &mut [Option<Actor>; 2], answers: &mut [Option<Answer>; 2]) {
        let Some(actor) = &mut on_stage[turn] else { return };
        let has_begun = self.trace.0.iter().any(|call| call.actor == turn);
        loop {
            match actor.step().await {
                Stand::Answered(answer) => {
                    (answers[turn], on_stage[turn]) = (Some(answer), None);
                    return;
                }
                Stand::Calling if has_begun && actor.next() == "due" => self.perform(turn, actor.call()).await,
                Stand::Calling => return,
            }
        }
    }

    async fn perform(&mut self, turn: usize, call: Call) {
        let Call { name, effect, .. } = call;
        let answer = call.go(How::Well).await.answer;
        self.trace.0.push(Traced { actor: turn, name, effect, fault: None, answer });
    }

    fn choose(&mut self, among: usize) -> usize {
        if among == 1 {
            return 0;
        }
        let turn = match self.order.get(self.turns.len()) {
            Some(turn) => *turn,
            None => self.rng.random_range(0..among),
        };
        self.turns.push(turn);
        self.choices.push(among);
        turn
    }
}

/// What came of a pair's orders.
struct Explored {
    count: usize,
    all: bool,
    violated: Vec<Ended>,
    /// Some of them, to be run on the emulators too.
    some: Vec<Ended>,
}

/// Orders of a pair, none of them twice: all, or the first `limit` of a shuffle that the seed decides.
///
/// Each run takes the first turns that it is given and goes on at random; every turn that it chose itself, chosen
/// otherwise, begins another run.
async fn explore(pair: Pair, limit: usize, on_emulators: usize) -> Explored {
    let mut rng = StdRng::seed_from_u64(SEED);
    let mut waiting = vec![Order::new()];
    let mut explored = Explored { count: 0, all: false, violated: Vec::new(), some: Vec::new() };
    while !waiting.is_empty() && explored.count < limit {
        let mut running = JoinSet::new();
        for _ in 0..AT_A_TIME.min(waiting.len()).min(limit - explored.count) {
            let begin = waiting.swap_remove(rng.random_range(0..waiting.len()));
            let seed = rng.random();
            running.spawn(async move { (begin.len(), run(InProcess::ground(), pair, begin, seed).await) });
        }
        let mut batch = running.join_all().await;
        batch.sort_by(|(_, (one, _)), (_, (other, _))| one.order.cmp(&other.order));
        for (given, (one, choices)) in batch {
            for (turn, among) in choices.iter().enumerate().skip(given) {
                let others = (0..*among).filter(|other| *other != one.order[turn]);
                waiting.extend(others.map(|other| [&one.order[..turn], &[other]].concat()));
            }
            explored.count += 1;
            if !one.violations.is_empty() {
                explored.violated.push(one);
            } else if explored.some.len() < on_emulators {
                explored.some.push(one);
            }
        }
    }
    explored.all = waiting.is_empty();
    explored
}

/// The same order on the emulators. Where a call is answered otherwise, the equal is none.
async fn compare(systems: &Systems, equal: &Ended) -> Ended {
    let (mut ended, _) = run(systems.ground().await, equal.pair, equal.order.clone(), SEED).await;
    ended.violations.extend(ended.trace.first_difference(&equal.trace));
    ended
}

async fn compare_all(systems: &Arc<Systems>, orders: Vec<Ended>) -> Vec<Ended> {
    let mut running = JoinSet::new();
    for equal in orders {
        let systems = Arc::clone(systems);
        running.spawn(async move { compare(&systems, &equal).await });
    }
    running.join_all().await
}

fn explain(ended: &Ended) {
    say(format_args!("\nORDERS='{ended}' cargo test --workspace --test interleavings\n{}", ended.trace));
    for violation in &ended.violations {
        say(format_args!("  ! {violation}"));
    }
}

/// The order that a report has named.
fn named(text: &str) -> (Pair, Order) {
    let (pair, order) = text.split_once(": ").expect("`<pair>: <digits>`");
    let known = Pair::all().find(|known| known.to_string() == pair);
    let turns = order.chars().map(|turn| turn.to_digit(10).expect("digits") as usize);
    (known.unwrap_or_else(|| panic!("no pair is called {pair}")), turns.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_order_leaves_anything_behind() {
    let systems = Arc::new(Systems::start().await);
    if let Ok(one) = std::env::var("ORDERS") {
        let (pair, order) = named(&one);
        let (ended, _) = run(InProcess::ground(), pair, order, SEED).await;
        explain(&ended);
        let emulated = compare(&systems, &ended).await;
        explain(&emulated);
        assert!(ended.violations.is_empty() && emulated.violations.is_empty());
        return;
    }
    let start = Instant::now();
    let log = canary::watch_log();
    let full = std::env::var("FAULTS").is_ok_and(|form| form == "full");
    let (limit, on_emulators) = if full { (FULL, FULL_ON_EMULATORS) } else { (QUICK, QUICK_ON_EMULATORS) };
    let (mut orders, mut violated) = (0, Vec::new());
    say(format_args!("{:<50} {:>8} {:>4} {:>9} {:>10}", "pair", "orders", "", "emulated", "violations"));
    for pair in Pair::all() {
        let Explored { count, all, violated: mut wrong, some } = explore(pair, limit, on_emulators).await;
        let emulated = compare_all(&systems, some).await;
        let on_emulators = emulated.len();
        wrong.extend(emulated.into_iter().filter(|ended| !ended.violations.is_empty()));
        let extent = if all { "all" } else { "some" };
        say(format_args!("{:<50} {count:>8} {extent:>4} {on_emulators:>9} {:>10}", pair.to_string(), wrong.len()));
        orders += count + on_emulators;
        violated.extend(wrong);
    }
    violated.iter().take(10).for_each(explain);
    say(format_args!("{orders} orders in {:.0?}", start.elapsed()));
    log.assert_no_trace();
    assert!(violated.is_empty());
}
