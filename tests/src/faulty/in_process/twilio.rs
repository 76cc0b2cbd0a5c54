use std::collections::BTreeSet;

use secrecy::ExposeSecret;
use trunkline_domain::{AuthPassword, AuthUsername, E164, TrunkId, TwilioAccount};
use trunkline_provisioning::ports::{TwilioError, TwilioNumber, TwilioRefusal, TwilioService, UpstreamError};

use super::InProcess;
use crate::faulty::account::{self, AccountNumbers, LIMIT, ListThere, NumberThere, OnAccount, TrunkThere};

/// One account, since a case has one.
const PLACE: usize = 0;

const CONFLICT: TwilioError = TwilioError::Upstream(UpstreamError::Conflict);
const NOT_THERE: TwilioError = TwilioError::Refused(TwilioRefusal::NotThere);
const LIMIT_REACHED: TwilioError = TwilioError::Refused(TwilioRefusal::LimitReached);

/// A Twilio with one account.
#[derive(Debug)]
pub(super) struct Twilio {
    made: usize,
    pub(super) account: TwilioAccount,
    pub(super) numbers: AccountNumbers,
    pub(super) there: OnAccount,
}

impl Default for Twilio {
    fn default() -> Self {
        let (account, numbers, there) = (account::account(PLACE), AccountNumbers::of(PLACE), OnAccount::default());
        let mut twilio = Self { made: 0, account, there, numbers: numbers.clone() };
        let AccountNumbers { free, on_own_trunk, of_application } = numbers;
        let trunk_sid = twilio.new_sid("TK");
        twilio.there.trunks.insert(trunk_sid.clone(), TrunkThere::of_customer());
        for e164 in free {
            twilio.add_number(e164, None, None);
        }
        twilio.add_number(on_own_trunk, Some(trunk_sid), None);
        let application_sid = twilio.new_sid("AP");
        twilio.add_number(of_application, None, Some(application_sid));
        twilio
    }
}

impl Twilio {
    fn new_sid(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}{:032x}", self.made)
    }

    fn add_number(&mut self, e164: E164, trunk_sid: Option<String>, application_sid: Option<String>) {
        let sid = self.new_sid("PN");
        self.there.numbers.insert(sid, NumberThere { e164, trunk_sid, application_sid });
    }

    /// For whoever has the account's token.
    fn open(&mut self, account: &TwilioAccount) -> Result<&mut Self, TwilioError> {
        let same_token = account.auth_token.expose_secret() == self.account.auth_token.expose_secret();
        if account.account_sid == self.account.account_sid && same_token {
            Ok(self)
        } else {
            Err(TwilioError::Refused(TwilioRefusal::Credentials))
        }
    }

    fn trunk(&mut self, sid: &str) -> Result<&mut TrunkThere, TwilioError> {
        self.there.trunks.get_mut(sid).ok_or(NOT_THERE)
    }
}

impl TwilioService for InProcess {
    async fn find_number(&self, account: &TwilioAccount, e164: &E164) -> Result<Option<TwilioNumber>, TwilioError> {
        let mut contents = self.contents();
        let numbers = &contents.twilio.open(account)?.there.numbers;
        let found = numbers.iter().find(|(_, number)| number.e164 == *e164);
        Ok(found.map(|(sid, NumberThere { trunk_sid, application_sid, .. })| TwilioNumber {
            sid: sid.clone(),
            trunk_sid: trunk_sid.clone(),
            voice_application_sid: application_sid.clone(),
        }))
    }

    async fn create_trunk(
        &self,
        account: &TwilioAccount,
        id: TrunkId,
        domain_name: &str,
    ) -> Result<String, TwilioError> {
        let mut contents = self.contents();
        let twilio = contents.twilio.open(account)?;
        let trunks = &twilio.there.trunks;
        if trunks.values().any(|trunk| trunk.domain_name.as_deref() == Some(domain_name)) {
            return Err(CONFLICT);
        }
        if trunks.len() >= LIMIT {
            return Err(LIMIT_REACHED);
        }
        let sid = twilio.new_sid("TK");
        let trunk =
            TrunkThere { name: id.to_string(), domain_name: Some(domain_name.to_owned()), ..TrunkThere::default() };
        twilio.there.trunks.insert(sid.clone(), trunk);
        Ok(sid)
    }

    async fn find_trunks(&self, account: &TwilioAccount, id: TrunkId) -> Result<BTreeSet<String>, TwilioError> {
        let (mut contents, name) = (self.contents(), id.to_string());
        let trunks = contents.twilio.open(account)?.there.trunks.iter();
        Ok(trunks.filter(|(_, trunk)| trunk.name == name).map(|(sid, _)| sid.clone()).collect())
    }

    async fn delete_trunk(&self, account: &TwilioAccount, trunk_sid: &str) -> Result<(), TwilioError> {
        let mut contents = self.contents();
        let there = &mut contents.twilio.open(account)?.there;
        there.trunks.remove(trunk_sid);
        for number in there.numbers.values_mut() {
            number.trunk_sid.take_if(|sid| sid == trunk_sid);
        }
        Ok(())
    }

    async fn create_credential_list(&self, account: &TwilioAccount, id: TrunkId) -> Result<String, TwilioError> {
        let (mut contents, name) = (self.contents(), id.to_string());
        let twilio = contents.twilio.open(account)?;
        let lists = &twilio.there.lists;
        if lists.values().any(|list| list.name == name) {
            return Err(CONFLICT);
        }
        if lists.len() >= LIMIT {
            return Err(LIMIT_REACHED);
        }
        let sid = twilio.new_sid("CL");
        twilio.there.lists.insert(sid.clone(), ListThere { name, ..ListThere::default() });
        Ok(sid)
    }

    async fn find_credential_lists(
        &self,
        account: &TwilioAccount,
        id: TrunkId,
    ) -> Result<BTreeSet<String>, TwilioError> {
        let (mut contents, name) = (self.contents(), id.to_string());
        let lists = contents.twilio.open(account)?.there.lists.iter();
        Ok(lists.filter(|(_, list)| list.name == name).map(|(sid, _)| sid.clone()).collect())
    }

    /// Passwords cannot be read at Twilio.
    async fn create_credential(
        &self,
        account: &TwilioAccount,
        list_sid: &str,
        username: &AuthUsername,
        _: &AuthPassword,
    ) -> Result<(), TwilioError> {
        let mut contents = self.contents();
        let list = contents.twilio.open(account)?.there.lists.get_mut(list_sid).ok_or(NOT_THERE)?;
        if list.usernames.insert(username.to_string()) { Ok(()) } else { Err(CONFLICT) }
    }

    async fn delete_credential_list(&self, account: &TwilioAccount, list_sid: &str) -> Result<(), TwilioError> {
        let mut contents = self.contents();
        let OnAccount { trunks, lists, .. } = &mut contents.twilio.open(account)?.there;
        if trunks.values().any(|trunk| trunk.lists.contains(list_sid)) {
            return Err(CONFLICT);
        }
        lists.remove(list_sid);
        Ok(())
    }

    async fn attach_credential_list(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        list_sid: &str,
    ) -> Result<(), TwilioError> {
        let mut contents = self.contents();
        let twilio = contents.twilio.open(account)?;
        if !twilio.there.lists.contains_key(list_sid) {
            return Err(NOT_THERE);
        }
        if twilio.trunk(trunk_sid)?.lists.insert(list_sid.to_owned()) { Ok(()) } else { Err(CONFLICT) }
    }

    async fn create_origination_url(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        id: TrunkId,
        sip_url: &str,
    ) -> Result<(), TwilioError> {
        let mut contents = self.contents();
        let trunk = contents.twilio.open(account)?.trunk(trunk_sid)?;
        trunk.origination_urls.push((id.to_string(), sip_url.to_owned()));
        Ok(())
    }

    async fn attach_number(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        number_sid: &str,
    ) -> Result<(), TwilioError> {
        let mut contents = self.contents();
        let twilio = contents.twilio.open(account)?;
        twilio.trunk(trunk_sid)?;
        let number = twilio.there.numbers.get_mut(number_sid).ok_or(NOT_THERE)?;
        (number.trunk_sid, number.application_sid) = (Some(trunk_sid.to_owned()), None);
        Ok(())
    }

    async fn detach_number(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        number_sid: &str,
    ) -> Result<(), TwilioError> {
        let mut contents = self.contents();
        if let Some(number) = contents.twilio.open(account)?.there.numbers.get_mut(number_sid) {
            number.trunk_sid.take_if(|sid| sid == trunk_sid);
        }
        Ok(())
    }

    async fn numbers_of_trunk(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
    ) -> Result<BTreeSet<String>, TwilioError> {
        let mut contents = self.contents();
        let numbers = contents.twilio.open(account)?.there.numbers.iter();
        let attached = numbers.filter(|(_, number)| number.trunk_sid.as_deref() == Some(trunk_sid));
        Ok(attached.map(|(sid, _)| sid.clone()).collect())
    }
}
