//! The customer's Twilio account of one case: what is on it, and what should not be.

use std::collections::{BTreeMap, BTreeSet};

use trunkline_domain::{E164, TwilioAccount};

use crate::canary::CREDENTIALS;
use crate::probe;
use crate::twilio::account_with;

/// How many trunks an account may have, and how many credential lists.
pub(super) const LIMIT: usize = 100;

/// What Twilio calls a trunk of the customer's own.
const OWN_TRUNK: &str = "Office";

/// The phone numbers of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountNumbers {
    /// Those that may be imported.
    pub free: [E164; 3],
    /// The one on a trunk of the customer's own.
    pub on_own_trunk: E164,
    /// The one that a TwiML application answers.
    pub of_application: E164,
}

/// What an account has, by Twilio's sids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnAccount {
    pub(super) trunks: BTreeMap<String, TrunkThere>,
    pub(super) lists: BTreeMap<String, ListThere>,
    pub(super) numbers: BTreeMap<String, NumberThere>,
}

/// An Elastic SIP trunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TrunkThere {
    pub(super) name: String,
    pub(super) domain_name: Option<String>,
    /// By name and URL. A trunk may have the same twice.
    pub(super) origination_urls: Vec<(String, String)>,
    pub(super) lists: BTreeSet<String>,
}

/// A credential list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListThere {
    pub(super) name: String,
    pub(super) usernames: BTreeSet<String>,
}

/// A phone number, and who answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NumberThere {
    pub(super) e164: E164,
    pub(super) trunk_sid: Option<String>,
    pub(super) application_sid: Option<String>,
}

/// What opens the account of the case at that place.
pub(super) fn account(place: usize) -> TwilioAccount {
    account_with(&format!("AC{place:032x}"), CREDENTIALS)
}

impl AccountNumbers {
    /// Those of the account of the case at that place: nobody else's, and none that LiveKit sells.
    pub(super) fn of(place: usize) -> Self {
        assert!(place < 1000, "no more cases at a time than there are numbers");
        let number = |last: usize| E164::parse(&format!("+1202556{:04}", place * 10 + last)).unwrap();
        Self { free: [number(0), number(1), number(2)], on_own_trunk: number(3), of_application: number(4) }
    }
}

impl TrunkThere {
    pub(super) fn of_customer() -> Self {
        Self { name: OWN_TRUNK.into(), ..Self::default() }
    }

    pub(super) fn is_of_customer(&self) -> bool {
        self.name == OWN_TRUNK
    }
}

impl OnAccount {
    /// All that an account has.
    pub async fn read(accounts: &probe::Twilio, account: &TwilioAccount) -> Self {
        let probe::OnTwilio { trunks, credential_lists, numbers } = accounts.all(account).await;
        let trunk = |trunk: probe::TwilioTrunk| {
            let there = TrunkThere {
                name: trunk.name,
                domain_name: trunk.domain_name,
                origination_urls: trunk.origination_urls,
                lists: trunk.credential_lists.into_iter().collect(),
            };
            (trunk.sid, there)
        };
        let list = |list: probe::CredentialList| {
            (list.sid, ListThere { name: list.name, usernames: list.usernames.into_iter().collect() })
        };
        let number = |number: probe::TwilioNumber| {
            let there = NumberThere {
                e164: E164::parse(&number.e164).unwrap(),
                trunk_sid: number.trunk_sid,
                application_sid: number.voice_application_sid,
            };
            (number.sid, there)
        };
        Self {
            trunks: trunks.into_iter().map(trunk).collect(),
            lists: credential_lists.into_iter().map(list).collect(),
            numbers: numbers.into_iter().map(number).collect(),
        }
    }

    /// What is there and should not be, and the other way round. `numbers` are the account's; `expected` are the live trunks
    /// of `kind: twilio`, each with its phone numbers.
    pub fn violations(&self, numbers: &AccountNumbers, expected: &BTreeMap<String, BTreeSet<E164>>) -> Vec<String> {
        let mut violations = Vec::new();
        for (sid, TrunkThere { name, .. }) in &self.trunks {
            if name != OWN_TRUNK && !expected.contains_key(name) {
                violations.push(format!("Twilio's trunk {sid} is named {name}"));
            }
        }
        for (sid, ListThere { name, .. }) in &self.lists {
            if !expected.contains_key(name) {
                violations.push(format!("Twilio's credential list {sid} is named {name}"));
            }
        }
        for (id, bound) in expected {
            let wrong = self.wrong_with(id, bound).into_iter();
            violations.extend(wrong.map(|wrong| format!("at Twilio {id} has {wrong}")));
        }
        let own = self.numbers_on(OWN_TRUNK);
        let is_own = |trunk: &&TrunkThere| **trunk == TrunkThere::of_customer();
        if self.named(OWN_TRUNK).filter(is_own).count() != 1 || own != BTreeSet::from([&numbers.on_own_trunk]) {
            violations.push(format!("the customer's own trunk was touched, it has {own:?}"));
        }
        let applied = self.numbers.values().filter(|number| number.application_sid.is_some());
        let applied: BTreeSet<_> = applied.map(|number| &number.e164).collect();
        if applied != BTreeSet::from([&numbers.of_application]) {
            violations.push(format!("the customer's application answers {applied:?}"));
        }
        violations
    }

    /// What a live trunk has there and should not have.
    fn wrong_with(&self, id: &str, bound: &BTreeSet<E164>) -> Vec<String> {
        let mut wrong = Vec::new();
        let lists: BTreeMap<_, _> = self.lists.iter().filter(|(_, list)| list.name == id).collect();
        if !lists.values().map(|list| &list.usernames).eq([&BTreeSet::from([id.to_owned()])]) {
            wrong.push(format!("the credential lists {lists:?}"));
        }
        let trunks: Vec<_> = self.named(id).collect();
        if trunks.len() != 1 {
            wrong.push(format!("{} trunks", trunks.len()));
        }
        let termination = format!("{}.pstn.twilio.com", id.replace('_', "-"));
        for TrunkThere { domain_name, origination_urls, lists: taken, .. } in trunks {
            if domain_name.as_ref() != Some(&termination) {
                wrong.push(format!("the domain {domain_name:?}"));
            }
            if !matches!(origination_urls.as_slice(), [(name, _)] if name == id) {
                wrong.push(format!("the origination URLs {origination_urls:?}"));
            }
            if !taken.iter().eq(lists.keys().copied()) {
                wrong.push(format!("a trunk that takes the credential lists {taken:?}"));
            }
        }
        let attached = self.numbers_on(id);
        if attached != bound.iter().collect() {
            wrong.push(format!("the numbers {attached:?}, and not {bound:?}"));
        }
        wrong
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a TrunkThere> {
        self.trunks.values().filter(move |trunk| trunk.name == name)
    }

    /// The numbers that are attached to a trunk of that name.
    fn numbers_on(&self, name: &str) -> BTreeSet<&E164> {
        let trunk = |number: &&NumberThere| {
            let trunk = number.trunk_sid.as_ref().and_then(|sid| self.trunks.get(sid));
            trunk.is_some_and(|trunk| trunk.name == name)
        };
        self.numbers.values().filter(trunk).map(|number| &number.e164).collect()
    }
}
