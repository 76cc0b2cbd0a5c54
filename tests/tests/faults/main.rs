//! Every outside call of every operation, and every way that it can fail; then again with a second fault after the
//! first, and with a third. Whatever happened, after the sweeper has been a trunk is there whole or not at all.
//!
//! All cases run on the systems' equals in this process. The quick form takes one fault of all operations, and of those
//! that make every call there is one pair of faults in ten, chosen by a fixed seed; `FAULTS=long` takes all of those
//! pairs, and of the other operations one in ten; `FAULTS=full` takes all.
//!
//! Cases with one fault run on the emulators too, where every call must be answered in the same way: those of the
//! operations that make every call, in the full form of all. The longer forms take 200 pairs there.
//!
//! `FAULTS='<case>'` runs one case on both, as the report of a violation names it, and says what happened.

mod case;
mod operation;
mod play;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom, SliceRandom};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use trunkline_tests::canary;
use trunkline_tests::faulty::{Form, InProcess, Systems, say};

use case::{Case, Ended};
use operation::Operation;
use play::run;

/// Of how many pairs of faults one is taken, where not all are.
const SOME_PAIRS: usize = 10;
/// How many pairs of faults the longer forms take on the emulators.
const PAIRS_ON_EMULATORS: usize = 200;
const SEED: u64 = 4;
/// How many cases run at a time on the emulators: more than there are processors, since each waits for them.
const AT_A_TIME: usize = 8;

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
    let Some(form) = Form::asked_for() else {
        let case = Case::named(&std::env::var("FAULTS").expect("the name of a case"));
        let ended = run(InProcess::ground(), case).await;
        explain(&ended);
        let emulated = compare(&[&ended]).await;
        emulated.iter().for_each(explain);
        assert!(ended.violations.is_empty() && emulated.iter().all(|ended| ended.violations.is_empty()));
        return;
    };
    let start = Instant::now();
    let log = canary::watch_log();
    let clean =
        run_in_process(Operation::all().map(|operation| Case { operation, points: Vec::new() }).collect()).await;
    let is_main = |operation| Operation::main().any(|main| main == operation);
    let of_main = clean.iter().filter(|ended| is_main(ended.case.operation));
    assert_eq!(own_calls(of_main), own_calls(&clean), "main operations make every call");
    let singles = clean.iter().flat_map(|ended| ended.with_one_more(0..ended.own)).collect();
    let singles: Vec<_> = run_in_process(singles).await.into_iter().map(Arc::new).collect();
    let taken = |ended: &&Arc<Ended>| form != Form::Quick || is_main(ended.case.operation);
    let later =
        in_parallel(singles.iter().filter(taken).map(Arc::clone).collect(), |index, single: Arc<Ended>| async move {
            let operation = single.case.operation;
            let one_of = form.of(if is_main(operation) { [SOME_PAIRS, 1, 1] } else { [SOME_PAIRS, SOME_PAIRS, 1] });
            (operation, run_later(&single, SEED + index as u64, one_of).await)
        })
        .await;
    let on_emulators = |ended: &&Arc<Ended>| form == Form::Full || is_main(ended.case.operation);
    let mut compared: Vec<_> = singles.iter().filter(on_emulators).map(|ended| &**ended).collect();
    let pairs = match form {
        Form::Quick => Vec::new(),
        Form::Long | Form::Full => sample_of_pairs(&singles).await,
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

/// The names of the calls that the operations make themselves.
fn own_calls<'a>(ended: impl IntoIterator<Item = &'a Ended>) -> BTreeSet<&'static str> {
    ended.into_iter().flat_map(|ended| ended.trace.0.iter().take(ended.own)).map(|call| call.name).collect()
}

async fn sample_of_pairs(singles: &[Arc<Ended>]) -> Vec<Ended> {
    let pairs = singles.iter().flat_map(|single| single.with_a_later_one());
    run_in_process(pairs.sample(&mut StdRng::seed_from_u64(SEED), PAIRS_ON_EMULATORS)).await
}
