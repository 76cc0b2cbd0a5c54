use std::collections::BTreeSet;

use trunkline_domain::{AuthPassword, AuthUsername, E164, TrunkId, TwilioAccount};
use trunkline_provisioning::ports::{TwilioError, TwilioNumber, TwilioService, UpstreamError};

use super::{Effect, Line};

/// A refusal of what puts right, which is not Twilio's own word: where Twilio refuses, what is there stays, and the suites
/// would find it.
const NOT_TAKEN: TwilioError = TwilioError::Upstream(UpstreamError::NotDone);

/// Where customers' Twilio accounts are, at the end of a [`Line`]. LiveKit has calls of the same names.
#[derive(Clone)]
pub(in crate::faulty) struct LineTwilio<T> {
    pub(in crate::faulty) twilio: T,
    pub(in crate::faulty) line: Line,
}

impl<T: TwilioService + Clone + 'static> TwilioService for LineTwilio<T> {
    async fn find_number(&self, account: &TwilioAccount, e164: &E164) -> Result<Option<TwilioNumber>, TwilioError> {
        let (twilio, account, e164) = (self.twilio.clone(), account.clone(), e164.clone());
        let work = async move { twilio.find_number(&account, &e164).await };
        self.line.call("twilio find_number", Effect::Read, work).await
    }

    async fn create_trunk(
        &self,
        account: &TwilioAccount,
        id: TrunkId,
        domain_name: &str,
    ) -> Result<String, TwilioError> {
        let (twilio, account, domain_name) = (self.twilio.clone(), account.clone(), domain_name.to_owned());
        let work = async move { twilio.create_trunk(&account, id, &domain_name).await };
        self.line.call("twilio create_trunk", Effect::Write, work).await
    }

    async fn find_trunks(&self, account: &TwilioAccount, id: TrunkId) -> Result<BTreeSet<String>, TwilioError> {
        let (twilio, account) = (self.twilio.clone(), account.clone());
        let work = async move { twilio.find_trunks(&account, id).await };
        self.line.call("twilio find_trunks", Effect::Read, work).await
    }

    async fn delete_trunk(&self, account: &TwilioAccount, trunk_sid: &str) -> Result<(), TwilioError> {
        let (twilio, account, sid) = (self.twilio.clone(), account.clone(), trunk_sid.to_owned());
        let work = async move { twilio.delete_trunk(&account, &sid).await };
        self.line.call_refused_as(NOT_TAKEN, "twilio delete_trunk", Effect::Write, work).await
    }

    async fn create_credential_list(&self, account: &TwilioAccount, id: TrunkId) -> Result<String, TwilioError> {
        let (twilio, account) = (self.twilio.clone(), account.clone());
        let work = async move { twilio.create_credential_list(&account, id).await };
        self.line.call("twilio create_credential_list", Effect::Write, work).await
    }

    async fn find_credential_lists(
        &self,
        account: &TwilioAccount,
        id: TrunkId,
    ) -> Result<BTreeSet<String>, TwilioError> {
        let (twilio, account) = (self.twilio.clone(), account.clone());
        let work = async move { twilio.find_credential_lists(&account, id).await };
        self.line.call("twilio find_credential_lists", Effect::Read, work).await
    }

    async fn create_credential(
        &self,
        account: &TwilioAccount,
        list_sid: &str,
        username: &AuthUsername,
        password: &AuthPassword,
    ) -> Result<(), TwilioError> {
        let (twilio, account, list_sid) = (self.twilio.clone(), account.clone(), list_sid.to_owned());
        let (username, password) = (username.clone(), password.clone());
        let work = async move { twilio.create_credential(&account, &list_sid, &username, &password).await };
        self.line.call("twilio create_credential", Effect::Write, work).await
    }

    async fn delete_credential_list(&self, account: &TwilioAccount, list_sid: &str) -> Result<(), TwilioError> {
        let (twilio, account, sid) = (self.twilio.clone(), account.clone(), list_sid.to_owned());
        let work = async move { twilio.delete_credential_list(&account, &sid).await };
        self.line.call_refused_as(NOT_TAKEN, "twilio delete_credential_list", Effect::Write, work).await
    }

    async fn attach_credential_list(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        list_sid: &str,
    ) -> Result<(), TwilioError> {
        let (twilio, account) = (self.twilio.clone(), account.clone());
        let (trunk_sid, list_sid) = (trunk_sid.to_owned(), list_sid.to_owned());
        let work = async move { twilio.attach_credential_list(&account, &trunk_sid, &list_sid).await };
        self.line.call("twilio attach_credential_list", Effect::Write, work).await
    }

    async fn create_origination_url(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        id: TrunkId,
        sip_url: &str,
    ) -> Result<(), TwilioError> {
        let (twilio, account) = (self.twilio.clone(), account.clone());
        let (trunk_sid, sip_url) = (trunk_sid.to_owned(), sip_url.to_owned());
        let work = async move { twilio.create_origination_url(&account, &trunk_sid, id, &sip_url).await };
        self.line.call("twilio create_origination_url", Effect::Write, work).await
    }

    async fn attach_number(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        number_sid: &str,
    ) -> Result<(), TwilioError> {
        let (twilio, account) = (self.twilio.clone(), account.clone());
        let (trunk_sid, number_sid) = (trunk_sid.to_owned(), number_sid.to_owned());
        let work = async move { twilio.attach_number(&account, &trunk_sid, &number_sid).await };
        self.line.call_refused_as(NOT_TAKEN, "twilio attach_number", Effect::Write, work).await
    }

    async fn detach_number(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        number_sid: &str,
    ) -> Result<(), TwilioError> {
        let (twilio, account) = (self.twilio.clone(), account.clone());
        let (trunk_sid, number_sid) = (trunk_sid.to_owned(), number_sid.to_owned());
        let work = async move { twilio.detach_number(&account, &trunk_sid, &number_sid).await };
        self.line.call_refused_as(NOT_TAKEN, "twilio detach_number", Effect::Write, work).await
    }

    async fn numbers_of_trunk(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
    ) -> Result<BTreeSet<String>, TwilioError> {
        let (twilio, account, sid) = (self.twilio.clone(), account.clone(), trunk_sid.to_owned());
        let work = async move { twilio.numbers_of_trunk(&account, &sid).await };
        self.line.call("twilio numbers_of_trunk", Effect::Read, work).await
    }
}
