//! Pairs of use cases of which the first works with a phone number.

use std::fmt;

use trunkline_tests::faulty::{Actor, Ground, NumberPlace, NumberWork, Outside, Patch, Wanted};

use super::told::Told::{self, Conflict, Done, DoneBefore, Failed, Gone, Refused};
use super::{INBOUND, LOCKED, WHOLE};

const BUY: NumberWork = NumberWork::Buy(false);
const CONNECT: NumberWork = NumberWork::Connect(false);
const SHARE: NumberWork = NumberWork::Share(false);

/// Two use cases, and what may come of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct WithNumber {
    first: NumberWork,
    second: Second,
    allows: fn(Outcome) -> bool,
    /// Whether the first may be asked for again: its trunk is there, and room.
    pub(super) may_be_repeated: bool,
}

/// What the two were told, how many trunks there are in the end, and how many numbers, with and without a trunk and with
/// one.
type Outcome = (Told, Told, usize, (usize, usize));

/// The second use case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Second {
    /// The lease of the first has ended by the time the sweeper begins.
    Sweep,
    /// The first once more, with its idempotency key if it has one.
    Again,
    /// Other work with the same number.
    Other(NumberWork),
    /// An import of the same number, on another trunk.
    OnAnotherTrunk,
    /// An import of another number, where the workspace may have one more.
    AtCapOfNumbers,
    /// A purchase of another number, where the workspace may have one trunk.
    AtCapOfTrunks,
    /// Work with the number at that place of the same Twilio account.
    OnAccount(NumberWork, usize),
    /// A change of the trunk, which was asked for as that.
    Update(Patch, Wanted),
    /// The deletion of the number's trunk.
    DeleteTrunk,
    /// The deletion of the trunk that the number goes to.
    DeleteNewTrunk,
}

impl WithNumber {
    const fn new(first: NumberWork, second: Second, allows: fn(Outcome) -> bool) -> Self {
        Self { first, second, allows, may_be_repeated: true }
    }

    const fn once(self) -> Self {
        Self { may_be_repeated: false, ..self }
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        of_carriers().into_iter().chain(of_livekit()).chain(of_twilio())
    }

    /// Whether that is honest. Only one that did nothing may say that it was refused, or failed.
    pub(super) fn allows(self, outcome: Outcome) -> bool {
        (self.allows)(outcome)
    }

    /// Whether a hundred numbers have to be there.
    pub(super) fn is_laborious(self) -> bool {
        self.second == Second::AtCapOfNumbers
    }

    /// Whether what one trunk says too late keeps LiveKit from putting another back, until the last look at the first.
    pub(super) fn ends_with_last_look(self) -> bool {
        (self.first, self.second) == (NumberWork::Move, Second::Sweep)
    }

    /// Both of them, and where the first one works.
    pub(super) async fn actors<O: Outside>(self, ground: &Ground<O>) -> (Actor, Actor, NumberPlace) {
        if self.second == Second::AtCapOfTrunks {
            ground.0.set_limit(1).await;
        }
        let place = match self.second {
            Second::Other(NumberWork::Move) => ground.place(NumberWork::Move).await.with(self.first),
            _ => ground.place(self.first).await,
        };
        let second = match self.second {
            Second::Sweep => ground.sweep(),
            Second::Again => ground.number_work(&place),
            Second::Other(work) => ground.number_work(&place.with(work)),
            Second::OnAnotherTrunk => ground.number_work(&ground.on_another_trunk(&place).await),
            Second::AtCapOfNumbers => ground.number_work(&ground.at_cap(&place).await),
            Second::AtCapOfTrunks => ground.number_work(&ground.another_for_sale(&place)),
            Second::OnAccount(work, index) => {
                ground.number_work(&ground.on_same_account(&place, index).await.with(work))
            }
            Second::Update(patch, wanted) => ground.update(place.trunk(), wanted, patch),
            Second::DeleteTrunk => ground.delete(place.trunk()),
            Second::DeleteNewTrunk => ground.delete(place.second.expect("another trunk")),
        };
        (ground.number_work(&place), second, place)
    }
}

impl fmt::Display for WithNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} + {}", self.first, self.second)
    }
}

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sweep => f.write_str("sweep"),
            Self::Again => f.write_str("the same again"),
            Self::Other(work) => work.fmt(f),
            Self::OnAnotherTrunk => f.write_str("on another trunk"),
            Self::AtCapOfNumbers => f.write_str("another at the cap"),
            Self::AtCapOfTrunks => f.write_str("another at the cap of trunks"),
            Self::OnAccount(work, _) => write!(f, "{work} of the account"),
            Self::Update(patch, _) => write!(f, "{patch} the trunk"),
            Self::DeleteTrunk => f.write_str("delete the trunk"),
            Self::DeleteNewTrunk => f.write_str("delete the trunk it goes to"),
        }
    }
}

/// One was done, and the other refused.
fn is_one_done((first, second, ..): Outcome) -> bool {
    matches!((first, second), (Done, Refused) | (Refused, Done))
}

/// The same with an idempotency key: the other may be answered as the one was.
fn is_done_once((first, second, ..): Outcome) -> bool {
    matches!((first, second), (Done, Refused | DoneBefore) | (Refused | DoneBefore, Done))
}

fn of_carriers() -> impl IntoIterator<Item = WithNumber> {
    let import = |wanted, second, allows| WithNumber::new(NumberWork::Import(wanted), second, allows);
    let update = |wanted, patch| {
        import(wanted, Second::Update(patch, wanted), |outcome| {
            matches!(outcome, (Done, Done | Refused, 1, (1, 1)) | (Refused, Done, 1, (0, 0)))
        })
    };
    let delete_trunk = |wanted| {
        let allows = |outcome| matches!(outcome, (Done, Done, 0, (1, 0)) | (Refused | Gone, Done, 0, (0, 0)));
        import(wanted, Second::DeleteTrunk, allows).once()
    };
    let sweep = |wanted| {
        import(wanted, Second::Sweep, |outcome| matches!(outcome, (Done, Done, 1, (1, 1)) | (Failed, Done, 1, (0, 0))))
    };
    [
        import(LOCKED, Second::OnAnotherTrunk, |outcome| is_one_done(outcome) && matches!(outcome, (_, _, 2, (1, 1)))),
        import(WHOLE, Second::Again, |outcome| is_done_once(outcome) && matches!(outcome, (_, _, 1, (1, 1)))),
        import(INBOUND, Second::AtCapOfNumbers, |outcome| {
            is_one_done(outcome) && matches!(outcome, (_, _, 3, (100, 100)))
        })
        .once(),
        update(INBOUND, Patch::Rename),
        update(LOCKED, Patch::Rotate),
        delete_trunk(INBOUND),
        delete_trunk(WHOLE),
        sweep(INBOUND),
        sweep(WHOLE),
        WithNumber::new(NumberWork::Move, Second::DeleteTrunk, |outcome| {
            matches!(outcome, (Done, Done, 1, (1, 1)) | (Refused, Done, 1, (1, 0)))
        }),
        // While LiveKit has the number on the trunk that goes, only the sweeper can put it back on the other.
        WithNumber::new(NumberWork::Move, Second::DeleteNewTrunk, |outcome| {
            matches!(outcome, (Done, Done, 1, (1, 0)) | (Refused | Gone | Failed, Done, 1, (1, 1)))
        })
        .once(),
        WithNumber::new(NumberWork::Move, Second::Sweep, |outcome| {
            matches!(outcome, (Done | Failed | Conflict, Done, 2, (1, 1)))
        }),
        // One that comes to its commit with what the other has changed since tells to try again.
        WithNumber::new(NumberWork::Delete, Second::Other(NumberWork::Move), |outcome| {
            matches!(outcome, (Done, Done | Refused | Failed | Gone, 2, (0, 0)) | (Refused | Failed, Done, 2, (1, 1)))
        }),
        WithNumber::new(NumberWork::Delete, Second::Other(NumberWork::Relabel), |outcome| {
            matches!(outcome, (Done, Done | Refused | Gone, 1, (0, 0)) | (Refused | Failed, Done, 1, (1, 1)))
        }),
    ]
}

fn of_livekit() -> impl IntoIterator<Item = WithNumber> {
    let give_back = |second, allows| WithNumber::new(NumberWork::GiveBack, second, allows);
    let one_is_bought = |outcome| is_one_done(outcome) && matches!(outcome, (_, _, 1, (1, 1)));
    [
        WithNumber::new(BUY, Second::Sweep, |outcome| {
            matches!(outcome, (Done, Done, 1, (1, 1)) | (Failed, Done, 0, (0, 0)))
        }),
        WithNumber::new(BUY, Second::Again, one_is_bought),
        WithNumber::new(NumberWork::Buy(true), Second::Again, |outcome| {
            is_done_once(outcome) && matches!(outcome, (_, _, 1, (1, 1)))
        }),
        WithNumber::new(BUY, Second::AtCapOfTrunks, one_is_bought).once(),
        give_back(Second::Sweep, |outcome| matches!(outcome, (Done, Done, 0, (0, 0)))),
        give_back(Second::Again, |outcome| matches!(outcome, (Done, Done | Gone, 0, (0, 0)) | (Gone, Done, 0, (0, 0)))),
        give_back(Second::DeleteTrunk, |outcome| matches!(outcome, (Done, Done, 0, (0, 0)))),
        give_back(Second::Other(NumberWork::Relabel), |outcome| {
            matches!(outcome, (Done, Done | Refused | Gone, 0, (0, 0)))
        }),
    ]
}

fn of_twilio() -> impl IntoIterator<Item = WithNumber> {
    let share = |second, allows| WithNumber::new(SHARE, second, allows);
    let disconnect = |second, allows| WithNumber::new(NumberWork::Disconnect, second, allows);
    let disconnect_last = |second, allows| WithNumber::new(NumberWork::DisconnectLast, second, allows);
    let update = Second::Update(Patch::Secure, LOCKED);
    let new_token = Second::Update(Patch::Token, LOCKED);
    [
        WithNumber::new(CONNECT, Second::Sweep, |outcome| {
            matches!(outcome, (Done, Done, 1, (1, 1)) | (Failed | Conflict, Done, 0, (0, 0)))
        }),
        WithNumber::new(CONNECT, Second::OnAccount(CONNECT, 1), |outcome| {
            matches!(outcome, (Done, Done, 1, (2, 2)) | (Done, Refused, 1, (1, 1)) | (Refused, Done, 1, (1, 1)))
        }),
        WithNumber::new(NumberWork::Connect(true), Second::Again, |outcome| {
            is_done_once(outcome) && matches!(outcome, (_, _, 1, (1, 1)))
        }),
        share(Second::OnAccount(SHARE, 2), |outcome| {
            matches!(outcome, (Done, Done, 1, (3, 3)) | (Done, Refused, 1, (2, 2)) | (Refused, Done, 1, (2, 2)))
        }),
        share(Second::Sweep, |outcome| matches!(outcome, (Done, Done, 1, (2, 2)) | (Failed, Done, 1, (1, 1)))),
        WithNumber::new(NumberWork::Share(true), Second::Again, |outcome| {
            is_done_once(outcome) && matches!(outcome, (_, _, 1, (2, 2)))
        }),
        share(update, |outcome| matches!(outcome, (Done, Done | Refused, 1, (2, 2)) | (Refused, Done, 1, (1, 1)))),
        share(new_token, |outcome| matches!(outcome, (Done, Done | Refused, 1, (2, 2)) | (Refused, Done, 1, (1, 1)))),
        share(Second::OnAccount(NumberWork::DisconnectLast, 0), |outcome| {
            matches!(outcome, (Done, Done, 1, (1, 1)) | (Done, Refused, 1, (2, 2)) | (Refused, Done, 0, (0, 0)))
        }),
        // Once the trunk is gone the number makes another.
        share(Second::DeleteTrunk, |outcome| {
            matches!(outcome, (Done, Done, 0, (2, 0)) | (Done, Done, 1, (2, 1)) | (Refused, Done, 0, (1, 0)))
        }),
        disconnect(Second::OnAccount(NumberWork::Disconnect, 1), |outcome| {
            matches!(outcome, (Done, Done, 0, (0, 0)) | (Done, Refused, 1, (1, 1)) | (Refused, Done, 1, (1, 1)))
        }),
        // The other number stays, whatever the second finds.
        disconnect(Second::Again, |outcome| {
            matches!(outcome, (Done, Refused | Gone, 1, (1, 1)) | (Refused | Gone, Done, 1, (1, 1)))
        }),
        disconnect(update, |outcome| matches!(outcome, (Done, Done | Refused, 1, (1, 1)) | (Refused, Done, 1, (2, 2)))),
        disconnect_last(Second::DeleteTrunk, |outcome| {
            matches!(outcome, (Done, Done, 0, (0, 0)) | (Refused, Done, 0, (1, 0)))
        }),
        disconnect_last(update, |outcome| {
            matches!(outcome, (Done, Done | Gone, 0, (0, 0)) | (Refused, Done, 1, (1, 1)))
        }),
        disconnect_last(new_token, |outcome| {
            matches!(outcome, (Done, Done | Gone, 0, (0, 0)) | (Refused, Done, 1, (1, 1)))
        }),
    ]
}
