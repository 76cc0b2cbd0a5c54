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
use trunkline_provisioning::ports::TwilioRefusal;
use trunkline_provisioning::{CreateError, Created, DeleteError, KeyUse, NumberError, UpdateError, Upstream};
use trunkline_tests::canary;
use trunkline_tests::faulty::{
    Actor, Answer, Call, Clock, Ground, How, InProcess, NumberPlace, NumberWork, Outside, Patch, Run, Stand, Systems,
    Trace, Traced, Wanted, say,
};

/// How many orders of a pair each form takes at most: of the longest pairs there are millions.
const QUICK: usize = 4_000;
const FULL: usize = 50_000;
/// The same of pairs with phone numbers, which take more to be set up.
const QUICK_WITH_NUMBERS: usize = 1_100;
const FULL_WITH_NUMBERS: usize = 5_000;
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
    Numbers(Numbers),
}

/// Use cases that work with phone numbers. The import comes first, then the move, then the deletion of the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// Of one number, on two trunks.
    ImportAndImport(Wanted),
    ImportAndImportWithOneKey(Wanted),
    /// The workspace may have one number more, and is asked for two on two trunks.
    ImportAndImportAtCap(Wanted),
    ImportAndUpdate(Wanted, Patch),
    ImportAndDeleteTrunk(Wanted),
    /// The lease of the import has ended by the time the sweeper begins.
    ImportAndSweep(Wanted),
    MoveAndDeleteOldTrunk,
    MoveAndDeleteNewTrunk,
    /// The lease of the move has ended by the time the sweeper begins.
    MoveAndSweep,
    DeleteAndMove,
    DeleteAndRelabel,
    /// The lease of the import has ended by the time the sweeper begins.
    ConnectAndSweep,
    /// Two numbers of one Twilio account, the first ones.
    ConnectAndConnect,
    /// Two further numbers of one Twilio account.
    ShareAndShare,
    /// The lease of the import has ended by the time the sweeper begins.
    ShareAndSweep,
    /// The number that is disconnected is the account's only one.
    ShareAndDisconnect,
    ShareAndDeleteTrunk,
    /// The account has no other numbers.
    DisconnectAndDisconnect,
    /// One of two, twice.
    DisconnectAgain,
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
            Self::Numbers(Numbers::ImportAndImport(LOCKED)),
            Self::Numbers(Numbers::ImportAndImportWithOneKey(WHOLE)),
            Self::Numbers(Numbers::ImportAndImportAtCap(INBOUND)),
            Self::Numbers(Numbers::ImportAndUpdate(INBOUND, Patch::Rename)),
            Self::Numbers(Numbers::ImportAndUpdate(LOCKED, Patch::Rotate)),
            Self::Numbers(Numbers::ImportAndDeleteTrunk(INBOUND)),
            Self::Numbers(Numbers::ImportAndDeleteTrunk(WHOLE)),
            Self::Numbers(Numbers::ImportAndSweep(INBOUND)),
            Self::Numbers(Numbers::ImportAndSweep(WHOLE)),
            Self::Numbers(Numbers::MoveAndDeleteOldTrunk),
            Self::Numbers(Numbers::MoveAndDeleteNewTrunk),
            Self::Numbers(Numbers::MoveAndSweep),
            Self::Numbers(Numbers::DeleteAndMove),
            Self::Numbers(Numbers::DeleteAndRelabel),
            Self::Numbers(Numbers::ConnectAndSweep),
            Self::Numbers(Numbers::ConnectAndConnect),
            Self::Numbers(Numbers::ShareAndShare),
            Self::Numbers(Numbers::ShareAndSweep),
            Self::Numbers(Numbers::ShareAndDisconnect),
            Self::Numbers(Numbers::ShareAndDeleteTrunk),
            Self::Numbers(Numbers::DisconnectAndDisconnect),
            Self::Numbers(Numbers::DisconnectAgain),
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
            Self::Numbers(numbers) => numbers.fmt(f),
        }
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImportAndImport(wanted) => write!(f, "import + import, {wanted}"),
            Self::ImportAndImportWithOneKey(wanted) => write!(f, "import + import with one key, {wanted}"),
            Self::ImportAndImportAtCap(wanted) => write!(f, "import + import at the cap, {wanted}"),
            Self::ImportAndUpdate(wanted, patch) => write!(f, "import + {patch}, {wanted}"),
            Self::ImportAndDeleteTrunk(wanted) => write!(f, "import + delete, {wanted}"),
            Self::ImportAndSweep(wanted) => write!(f, "import + sweep, {wanted}"),
            Self::MoveAndDeleteOldTrunk => f.write_str("move a number + delete the trunk it leaves"),
            Self::MoveAndDeleteNewTrunk => f.write_str("move a number + delete the trunk it goes to"),
            Self::MoveAndSweep => f.write_str("move a number + sweep"),
            Self::DeleteAndMove => f.write_str("delete a number + move it"),
            Self::DeleteAndRelabel => f.write_str("delete a number + relabel it"),
            Self::ConnectAndSweep => f.write_str("connect a number + sweep"),
            Self::ConnectAndConnect => f.write_str("connect a number + connect another"),
            Self::ShareAndShare => f.write_str("connect a second number + connect a third"),
            Self::ShareAndSweep => f.write_str("connect a second number + sweep"),
            Self::ShareAndDisconnect => f.write_str("connect a second number + disconnect the first"),
            Self::ShareAndDeleteTrunk => f.write_str("connect a second number + delete the trunk"),
            Self::DisconnectAndDisconnect => f.write_str("disconnect a number + disconnect the other"),
            Self::DisconnectAgain => f.write_str("disconnect a number + disconnect it again"),
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
    let (answers, place) = stage.play(pair).await;
    let Stage { turns, choices, trace, .. } = stage;
    let mut run = Run::new(&ground, &[]);
    let mut violations = pair.settle(&mut run).await;
    let quiet = ground.0.check().await;
    violations.extend(quiet.violations);
    let left = Left { live: quiet.live.len(), numbers: ground.numbers().await };
    if !pair.allows(&answers, left) {
        violations.push(format!("{answers:?}, and {left:?}"));
    }
    if let Some(place) = place.filter(|_| pair.may_be_repeated()) {
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

    /// How many of its orders the form takes. Phone numbers take more to be set up, and most of all a hundred of them.
    fn extent(self, full: bool) -> Extent {
        let (quick, all) = match self {
            Self::Numbers(_) => (QUICK_WITH_NUMBERS, FULL_WITH_NUMBERS),
            _ => (QUICK, FULL),
        };
        let on_emulators = match self {
            Self::Numbers(Numbers::ImportAndImportAtCap(_)) => 1,
            _ if full => FULL_ON_EMULATORS,
            _ => QUICK_ON_EMULATORS,
        };
        Extent { limit: if full { all } else { quick }, on_emulators }
    }

    /// Whether the work of the first use case with a number may be asked for again: its trunk is there, and room.
    fn may_be_repeated(self) -> bool {
        let Self::Numbers(numbers) = self else { return false };
        !matches!(
            numbers,
            Numbers::ImportAndImportAtCap(_) | Numbers::ImportAndDeleteTrunk(_) | Numbers::MoveAndDeleteNewTrunk
        )
    }

    /// Sweeps until nothing is left to be swept. What one trunk of a move says too late keeps LiveKit from putting the
    /// other back, until the last look at the first.
    async fn settle<O: Outside>(self, run: &mut Run<'_, O>) -> Vec<String> {
        let leases = run.sweep_leases().await.or(match self {
            Self::Numbers(Numbers::MoveAndSweep) => Ok(()),
            _ => Err("the sweeper never comes to an end of the leases"),
        });
        [leases, run.sweep_all().await].into_iter().filter_map(Result::err).map(str::to_owned).collect()
    }

    /// Whether the answers are honest when this is left in the end.
    fn allows(self, answers: &[Answer; 2], left: Left) -> bool {
        let [Some(first), Some(second)] = answers.each_ref().map(told) else { return false };
        let Left { live, .. } = left;
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
            Self::Numbers(numbers) => numbers.allow(first, second, left),
        }
    }
}

impl Numbers {
    fn allow(self, first: Told, second: Told, Left { live, numbers }: Left) -> bool {
        match self {
            Self::ImportAndImport(_) => {
                matches!((first, second), (Told::Done, Told::Refused) | (Told::Refused, Told::Done))
                    && (live, numbers) == (2, (1, 1))
            }
            Self::ImportAndImportWithOneKey(_) => {
                matches!(
                    (first, second),
                    (Told::Done, Told::Refused | Told::DoneBefore) | (Told::Refused | Told::DoneBefore, Told::Done)
                ) && (live, numbers) == (1, (1, 1))
            }
            Self::ImportAndImportAtCap(_) => {
                matches!((first, second), (Told::Done, Told::Refused) | (Told::Refused, Told::Done))
                    && (live, numbers) == (3, (100, 100))
            }
            Self::ImportAndUpdate(..) => matches!(
                (first, second, live, numbers),
                (Told::Done, Told::Done | Told::Refused, 1, (1, 1)) | (Told::Refused, Told::Done, 1, (0, 0))
            ),
            Self::ImportAndDeleteTrunk(_) => matches!(
                (first, second, live, numbers),
                (Told::Done, Told::Done, 0, (1, 0)) | (Told::Refused | Told::Gone, Told::Done, 0, (0, 0))
            ),
            Self::ImportAndSweep(_) => matches!(
                (first, second, live, numbers),
                (Told::Done, Told::Done, 1, (1, 1)) | (Told::Failed, Told::Done, 1, (0, 0))
            ),
            Self::MoveAndDeleteOldTrunk => matches!(
                (first, second, live, numbers),
                (Told::Done, Told::Done, 1, (1, 1)) | (Told::Refused, Told::Done, 1, (1, 0))
            ),
            // While LiveKit has the number on the trunk that goes, only the sweeper can put it back on the other.
            Self::MoveAndDeleteNewTrunk => matches!(
                (first, second, live, numbers),
                (Told::Done, Told::Done, 1, (1, 0))
                    | (Told::Refused | Told::Gone | Told::Failed, Told::Done, 1, (1, 1))
            ),
            Self::MoveAndSweep => {
                matches!((first, second), (Told::Done | Told::Failed | Told::Conflict, Told::Done))
                    && (live, numbers) == (2, (1, 1))
            }
            // One that comes to its commit with what the other has changed since tells to try again.
            Self::DeleteAndMove => matches!(
                (first, second, live, numbers),
                (Told::Done, Told::Done | Told::Refused | Told::Failed | Told::Gone, 2, (0, 0))
                    | (Told::Refused | Told::Failed, Told::Done, 2, (1, 1))
            ),
            Self::DeleteAndRelabel => matches!(
                (first, second, live, numbers),
                (Told::Done, Told::Done | Told::Refused | Told::Gone, 1, (0, 0))
                    | (Told::Refused | Told::Failed, Told::Done, 1, (1, 1))
            ),
            Self::ConnectAndSweep => matches!(
                (first, second, live, numbers),
                (Told::Done, Told::Done, 1, (1, 1)) | (Told::Failed | Told::Conflict, Told::Done, 0, (0, 0))
            ),
            Self::ConnectAndConnect => matches!(
                (first, second, live, numbers),
                (Told::Done, Told::Done, 1, (2, 2))
                    | (Told::Done, Told::Refused, 1, (1, 1))
                    | (Told::Refused, Told::Done, 1, (1, 1))
            ),
            Self::ShareAndShare => matches!(
                (first, second, live, numbers),
                (Told::Done, Told::Done, 1, (3, 3))
                    | (Told::Done, Told::Refused, 1, (2, 2))
                    | (Told::Refused, Told::Done, 1, (2, 2))
            ),
            Self::ShareAndSweep => matches!(
                (first, second, live, numbers),
                (Told::Done, Told::Done, 1, (2, 2)) | (Told::Failed, Told::Done, 1, (1, 1))
            ),
            Self::ShareAndDisconnect => matches!(
                (first, second, live, numbers),
                (Told::Done, Told::Done, 1, (1, 1))
                    | (Told::Done, Told::Refused, 1, (2, 2))
                    | (Told::Refused, Told::Done, 0, (0, 0))
            ),
            // Once the trunk is gone the number makes another.
            Self::ShareAndDeleteTrunk => matches!(
                (first, second, live, numbers),
                (Told::Done, Told::Done, 0, (2, 0))
                    | (Told::Done, Told::Done, 1, (2, 1))
                    | (Told::Refused, Told::Done, 0, (1, 0))
            ),
            Self::DisconnectAndDisconnect => matches!(
                (first, second, live, numbers),
                (Told::Done, Told::Done, 0, (0, 0))
                    | (Told::Done, Told::Refused, 1, (1, 1))
                    | (Told::Refused, Told::Done, 1, (1, 1))
            ),
            // The other number stays, whatever the second finds.
            Self::DisconnectAgain => {
                matches!(
                    (first, second),
                    (Told::Done, Told::Refused | Told::Gone) | (Told::Refused | Told::Gone, Told::Done)
                ) && (live, numbers) == (1, (1, 1))
            }
        }
    }
}

/// How many orders are taken at most.
struct Extent {
    limit: usize,
    /// How many of them run on the emulators too.
    on_emulators: usize,
}

/// What is there in the end.
#[derive(Debug, Clone, Copy)]
struct Left {
    /// Trunks.
    live: usize,
    /// Numbers, and how many of them have a trunk.
    numbers: (usize, usize),
}

/// What an answer tells, if it is one that may be given when no system fails.
fn told(answer: &Answer) -> Option<Told> {
    match answer {
        Answer::Created(Ok(Created::Now(_)))
        | Answer::Updated(Ok(_))
        | Answer::Deleted(Ok(()))
        | Answer::Imported(Ok(Created::Now(_)))
        | Answer::NumberChanged(Ok(_))
        | Answer::NumberDeleted(Ok(()))
        | Answer::Swept(Ok(_)) => Some(Told::Done),
        Answer::Created(Ok(Created::Before(_))) | Answer::Imported(Ok(Created::Before(_))) => Some(Told::DoneBefore),
        Answer::Created(Err(CreateError::AtCap { limit: 1, used: 1 } | CreateError::KeyUsed(KeyUse::Running)))
        | Answer::Updated(Err(UpdateError::Busy))
        | Answer::Deleted(Err(DeleteError::NotFound)) => Some(Told::Refused),
        Answer::Updated(Err(UpdateError::NotFound)) => Some(Told::Gone),
        Answer::Imported(Err(error)) | Answer::NumberChanged(Err(error)) | Answer::NumberDeleted(Err(error)) => {
            told_of_number(error)
        }
        // The lease was lost.
        Answer::Created(Err(CreateError::Unavailable)) | Answer::Updated(Err(UpdateError::Unavailable)) => {
            Some(Told::Failed)
        }
        _ => None,
    }
}

fn told_of_number(error: &NumberError) -> Option<Told> {
    match error {
        NumberError::AtCap { limit: 100, used: 100 }
        | NumberError::Taken
        | NumberError::KeyUsed(KeyUse::Running)
        | NumberError::Busy => Some(Told::Refused),
        NumberError::NotFound | NumberError::NoSuchTrunk => Some(Told::Gone),
        NumberError::Conflict | NumberError::Twilio(TwilioRefusal::NotThere | TwilioRefusal::Taken) => {
            Some(Told::Conflict)
        }
        // The lease was lost, or the number has changed; or the sweeper has taken away what a first import had just made at
        // Twilio.
        NumberError::Unavailable | NumberError::Upstream(Upstream::Twilio) => Some(Told::Failed),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Done,
    /// By another request, with the same idempotency key.
    DoneBefore,
    Refused,
    /// There is no such trunk or number any more.
    Gone,
    /// LiveKit has the number on another trunk, or the trunk has left Twilio meanwhile.
    Conflict,
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
    /// Gives what both answered, and where the first one worked with a number, if it did.
    async fn play(&mut self, pair: Pair) -> ([Answer; 2], Option<NumberPlace>) {
        let ground = self.ground;
        let answers = match pair {
            Pair::Numbers(numbers) => return self.play_with_numbers(numbers).await,
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
        };
        (answers, None)
    }

    async fn play_with_numbers(&mut self, numbers: Numbers) -> ([Answer; 2], Option<NumberPlace>) {
        let ground = self.ground;
        let place = match numbers {
            Numbers::ImportAndImport(wanted)
            | Numbers::ImportAndImportWithOneKey(wanted)
            | Numbers::ImportAndImportAtCap(wanted)
            | Numbers::ImportAndUpdate(wanted, _)
            | Numbers::ImportAndDeleteTrunk(wanted)
            | Numbers::ImportAndSweep(wanted) => ground.place(NumberWork::Import(wanted)).await,
            Numbers::MoveAndDeleteOldTrunk | Numbers::MoveAndDeleteNewTrunk | Numbers::MoveAndSweep => {
                ground.place(NumberWork::Move).await
            }
            Numbers::DeleteAndMove => ground.place(NumberWork::Move).await.with(NumberWork::Delete),
            Numbers::DeleteAndRelabel => ground.place(NumberWork::Delete).await,
            Numbers::ConnectAndSweep | Numbers::ConnectAndConnect => ground.place(NumberWork::Connect(false)).await,
            Numbers::ShareAndShare
            | Numbers::ShareAndSweep
            | Numbers::ShareAndDisconnect
            | Numbers::ShareAndDeleteTrunk => ground.place(NumberWork::Share(false)).await,
            Numbers::DisconnectAndDisconnect | Numbers::DisconnectAgain => ground.place(NumberWork::Disconnect).await,
        };
        let second = match numbers {
            Numbers::ImportAndImport(_) => ground.number_work(&ground.on_another_trunk(&place).await),
            Numbers::ImportAndImportWithOneKey(_) | Numbers::DisconnectAgain => ground.number_work(&place),
            Numbers::ImportAndImportAtCap(_) => ground.number_work(&ground.at_cap(&place).await),
            Numbers::ImportAndUpdate(wanted, patch) => ground.update(place.trunk(), wanted, patch),
            Numbers::ImportAndDeleteTrunk(_) | Numbers::MoveAndDeleteOldTrunk | Numbers::ShareAndDeleteTrunk => {
                ground.delete(place.trunk())
            }
            Numbers::MoveAndDeleteNewTrunk => ground.delete(place.second.expect("another trunk")),
            Numbers::ImportAndSweep(_) | Numbers::MoveAndSweep | Numbers::ConnectAndSweep | Numbers::ShareAndSweep => {
                ground.sweep()
            }
            Numbers::DeleteAndMove => ground.number_work(&place.with(NumberWork::Move)),
            Numbers::DeleteAndRelabel => ground.number_work(&place.with(NumberWork::Relabel)),
            Numbers::ConnectAndConnect | Numbers::DisconnectAndDisconnect => {
                ground.number_work(&ground.on_same_account(&place, 1).await)
            }
            Numbers::ShareAndShare => ground.number_work(&ground.on_same_account(&place, 2).await),
            Numbers::ShareAndDisconnect => {
                let first = ground.on_same_account(&place, 0).await;
                ground.number_work(&first.with(NumberWork::DisconnectLast))
            }
        };
        (self.together(ground.number_work(&place), second).await, Some(place))
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
    let (mut orders, mut violated) = (0, Vec::new());
    say(format_args!("{:<50} {:>8} {:>4} {:>9} {:>10}", "pair", "orders", "", "emulated", "violations"));
    for pair in Pair::all() {
        let Extent { limit, on_emulators } = pair.extent(full);
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
