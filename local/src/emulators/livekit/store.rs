//! The trunks, dispatch rules and phone numbers, kept as the protobuf messages they are.

use jiff::Timestamp;
use livekit_protocol::{Pagination, PhoneNumber, SipDispatchRuleInfo, SipInboundTrunkInfo, SipOutboundTrunkInfo};

use crate::emulators::journal::{Journal, JournalError, Record, Storage, Table};

/// The letters of LiveKit's ids: those of `shortuuid`, without the ones that look alike, in their order.
const ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// How many of them follow the prefix (`utils/guid/id.go`).
const ID_LENGTH: usize = 12;
/// The page size where the caller names none (`redisIterPage` in the server's `redisstore.go`).
const DEFAULT_PAGE: usize = 1000;

/// Everything that the two APIs manage.
pub(super) struct Store {
    pub(super) inbound: Table<SipInboundTrunkInfo>,
    pub(super) outbound: Table<SipOutboundTrunkInfo>,
    pub(super) rules: Table<SipDispatchRuleInfo>,
    /// What was ever bought, by id.
    pub(super) phone_numbers: Table<PhoneNumber>,
    pub(super) journal: Journal,
}

impl Store {
    /// Opens the tables with what the storage has for them.
    pub(super) fn open(storage: &Storage) -> Result<Self, JournalError> {
        let journal = Journal::open(storage)?;
        Ok(Self {
            inbound: Table::open(&journal, "sip_inbound_trunk")?,
            outbound: Table::open(&journal, "sip_outbound_trunk")?,
            rules: Table::open(&journal, "sip_dispatch_rule")?,
            phone_numbers: Table::open(&journal, "phone_number")?,
            journal,
        })
    }
}

impl<M: prost::Message + Default> Record for M {
    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        M::decode(bytes).ok()
    }
}

/// A fresh id of a trunk.
pub(super) fn new_trunk_id() -> String {
    new_id("ST_")
}

/// A fresh id of a dispatch rule.
pub(super) fn new_rule_id() -> String {
    new_id("SDR_")
}

/// A fresh id of a phone number that was bought.
pub(super) fn new_phone_number_id() -> String {
    new_id("PN_PPN_")
}

/// LiveKit's ids are random. These sort by when they were made, so that whoever goes through objects in the order of their
/// ids does so in the same order each time.
fn new_id(prefix: &str) -> String {
    const RANDOM_LETTERS: usize = 3;
    let (now, base) = (Timestamp::now().as_microsecond().unsigned_abs(), ALPHABET.len() as u64);
    let time = (0..ID_LENGTH - RANDOM_LETTERS).rev().map(|place| now / base.pow(place as u32) % base);
    let time = time.map(|digit| ALPHABET[digit as usize]);
    let random = (0..RANDOM_LETTERS).map(|_| ALPHABET[rand::random_range(0..ALPHABET.len())]);
    prefix.chars().chain(time.chain(random).map(char::from)).collect()
}

/// What a list answers: the records that pass the filter, by id. With a page, LiveKit walks the
/// pages itself and answers all that come after the id, so that the limit is only the size of its
/// steps; but a step of which nothing passes the filter ends the walk (`ListPageIter` in the
/// protocol's `livekit/types.go`).
pub(super) fn list<T: Clone + Record>(
    table: &Table<T>,
    page: Option<&Pagination>,
    passes: impl Fn(&T) -> bool,
) -> Vec<T> {
    let Some(page) = page else {
        return table.iter().map(|(_, record)| record).filter(|record| passes(record)).cloned().collect();
    };
    let step = usize::try_from(page.limit).ok().filter(|limit| *limit > 0).unwrap_or(DEFAULT_PAGE);
    let mut after = page.after_id.clone();
    let mut found = Vec::new();
    loop {
        let passed = table
            .iter()
            .filter(|(id, _)| **id > after)
            .take(step)
            .filter(|(_, record)| passes(record))
            .collect::<Vec<_>>();
        let Some((last, _)) = passed.last() else { return found };
        after = (*last).clone();
        found.extend(passed.into_iter().map(|(_, record)| record.clone()));
    }
}
