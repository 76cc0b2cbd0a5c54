use std::fmt;

use trunkline_domain::Direction;
use trunkline_tests::faulty::{NumberWork, Patch, Wanted};

pub(super) const WHOLE: Wanted = Wanted { direction: Direction::Both, secret: true, key: true };
pub(super) const IMPORT: NumberWork = NumberWork::Import(WHOLE);
const BUY: NumberWork = NumberWork::Buy(true);
const CONNECT: NumberWork = NumberWork::Connect(true);
const SHARE: NumberWork = NumberWork::Share(true);
pub(super) const LOCKED: Wanted = Wanted { key: false, ..WHOLE };
/// What is done, and to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Create(Wanted),
    Update(Wanted, Patch),
    /// Of a trunk with two numbers of a Twilio account.
    UpdateConnected(Patch),
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
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let creates = Wanted::all().map(Self::Create);
        let without_key = Wanted::all().filter(|wanted| !wanted.key);
        let updates = without_key.flat_map(|wanted| Patch::of(wanted).map(move |patch| Self::Update(wanted, patch)));
        let deletes = Wanted::all().filter(|wanted| wanted.key == wanted.secret).map(Self::Delete);
        let numbers = NumberWork::all().map(Self::Number);
        creates.chain(updates).chain(deletes).chain(numbers).chain([
            Self::UpdateConnected(Patch::Secure),
            Self::UpdateConnected(Patch::Token),
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

    /// Enough of them to make every call that there is.
    pub(super) fn main() -> impl Iterator<Item = Self> {
        let inbound = Wanted { direction: Direction::Inbound, secret: false, key: false };
        [
            Self::Create(WHOLE),
            Self::Create(inbound),
            Self::Create(Wanted { direction: Direction::Outbound, ..inbound }),
            Self::Update(LOCKED, Patch::Rotate),
            Self::Update(inbound, Patch::Enter),
            Self::UpdateConnected(Patch::Token),
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
            // LiveKit has the number on the other trunk yet.
            Self::SweepNumber("commit_numbers", NumberWork::Move),
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
            Self::UpdateConnected(patch) => write!(f, "{patch} a trunk with connected numbers"),
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
