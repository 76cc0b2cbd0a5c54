use std::fmt;

use trunkline_tests::faulty::{Answer, Form, Outside, Patch, Run, Wanted};

use super::told::{Told, told};
use super::with_number::WithNumber;
use super::{INBOUND, LOCKED, WHOLE};

/// How many orders of a pair each form takes at most: of the longest pairs there are millions.
const ORDERS: [usize; 3] = [4_000, 10_000, 50_000];
/// The same of pairs with phone numbers, which take more to be set up.
const WITH_NUMBERS: [usize; 3] = [1_100, 1_500, 5_000];
/// How many of them run on the emulators.
const ON_EMULATORS: [usize; 3] = [6, 20, 60];

/// Two use cases at the same time.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pair {
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
    WithNumber(WithNumber),
}

impl Pair {
    pub(super) fn all() -> impl Iterator<Item = Self> {
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
        .chain(WithNumber::all().map(Self::WithNumber))
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
            Self::WithNumber(pair) => pair.fmt(f),
        }
    }
}

impl Pair {
    /// The create that may be repeated with its idempotency key, if there is one.
    pub(super) fn with_key(self) -> Option<Wanted> {
        match self {
            Self::CreateAndSweep(wanted) | Self::CreateAndDelete(wanted) | Self::CreateAndCreateWithOneKey(wanted) => {
                Some(wanted).filter(|wanted| wanted.key)
            }
            _ => None,
        }
    }

    /// How many of its orders the form takes.
    pub(super) fn extent(self, form: Form) -> Extent {
        let limit = match self {
            Self::WithNumber(_) => form.of(WITH_NUMBERS),
            _ => form.of(ORDERS),
        };
        let on_emulators = match self {
            Self::WithNumber(pair) if pair.is_laborious() => 1,
            _ => form.of(ON_EMULATORS),
        };
        Extent { limit, on_emulators }
    }

    /// Sweeps until nothing is left to be swept.
    pub(super) async fn settle<O: Outside>(self, run: &mut Run<'_, O>) -> Vec<String> {
        let leases = run.sweep_leases().await.or(match self {
            Self::WithNumber(pair) if pair.ends_with_last_look() => Ok(()),
            _ => Err("the sweeper never comes to an end of the leases"),
        });
        [leases, run.sweep_all().await].into_iter().filter_map(Result::err).map(str::to_owned).collect()
    }

    /// Whether the answers are honest when so many trunks are live in the end, and there are so many numbers, with and
    /// without a trunk and with one.
    pub(super) fn allows(self, answers: &[Answer; 2], live: usize, numbers: (usize, usize)) -> bool {
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
            Self::WithNumber(pair) => pair.allows((first, second, live, numbers)),
        }
    }
}

/// How many orders are taken at most.
pub(super) struct Extent {
    pub(super) limit: usize,
    /// How many of them run on the emulators too.
    pub(super) on_emulators: usize,
}
