//! Two use cases of the real code at the same time, call by call, in every order of their outside calls, those that one
//! of them makes in parallel included. Whatever the order, when both have ended and the sweeper has been, every trunk is
//! there whole or not at all.
//!
//! The orders run on the systems' equals in this process, and some of them on the emulators too, where every call must be
//! answered in the same way. Where there are very many, each form takes as many as it has time for, chosen by a fixed
//! seed; `FAULTS=long` and `FAULTS=full` take more. `ORDERS='<case>'` runs one order on both, as the report of a violation
//! names it, and says what happened.

mod pair;
mod stage;
mod told;
mod with_number;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;
use trunkline_domain::Direction;
use trunkline_tests::canary;
use trunkline_tests::faulty::{Answer, Form, Ground, InProcess, Outside, Run, Systems, Trace, Wanted, say};

use pair::{Extent, Pair};
use stage::Stage;

const SEED: u64 = 4;
/// How many orders run at a time.
const AT_A_TIME: usize = 8;

const WHOLE: Wanted = Wanted { direction: Direction::Both, secret: true, key: true };
const LOCKED: Wanted = Wanted { key: false, ..WHOLE };
const INBOUND: Wanted = Wanted { direction: Direction::Inbound, secret: false, key: false };
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
    let (answers, place) = stage.play(pair).await;
    let Stage { turns, choices, trace, .. } = stage;
    let mut run = Run::new(&ground, &[]);
    let mut violations = pair.settle(&mut run).await;
    let quiet = ground.0.check().await;
    violations.extend(quiet.violations);
    let (live, numbers) = (quiet.live.len(), ground.numbers().await);
    if !pair.allows(&answers, live, numbers) {
        violations.push(format!("{answers:?}, and in the end {live} trunks and {numbers:?} numbers"));
    }
    if let Some(place) = place {
        let was_done = ground.is_number_work_done(&place).await;
        let again = ground.number_work(&place).finish().await;
        if !Ground::<O>::is_right_again(&place, was_done, &again) {
            violations.push(format!("a retry is answered {again:?}"));
        }
        violations.extend(pair.settle(&mut run).await);
        violations.extend(ground.0.check().await.violations);
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
    let form = Form::asked_for().unwrap_or(Form::Quick);
    let (mut orders, mut violated) = (0, Vec::new());
    say(format_args!("{:<80} {:>8} {:>4} {:>9} {:>10}", "pair", "orders", "", "emulated", "violations"));
    for pair in Pair::all() {
        let Extent { limit, on_emulators } = pair.extent(form);
        let Explored { count, all, violated: mut wrong, some } = explore(pair, limit, on_emulators).await;
        let emulated = compare_all(&systems, some).await;
        let on_emulators = emulated.len();
        wrong.extend(emulated.into_iter().filter(|ended| !ended.violations.is_empty()));
        let extent = if all { "all" } else { "some" };
        say(format_args!("{:<80} {count:>8} {extent:>4} {on_emulators:>9} {:>10}", pair.to_string(), wrong.len()));
        orders += count + on_emulators;
        violated.extend(wrong);
    }
    violated.iter().take(10).for_each(explain);
    say(format_args!("{orders} orders in {:.0?}", start.elapsed()));
    log.assert_no_trace();
    assert!(violated.is_empty());
}
