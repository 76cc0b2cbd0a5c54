use std::collections::BTreeSet;

use trunkline_domain::{AuthPassword, AuthUsername, E164, TrunkId, TwilioAccount};

use super::UpstreamError;

/// Why a call to a customer's Twilio account did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TwilioError {
    /// Refused for a reason that the customer can mend on Twilio's side; not done.
    #[error("refused: {0}")]
    Refused(TwilioRefusal),
    /// Whatever else.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

/// What the customer can mend on Twilio's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TwilioRefusal {
    /// The auth token is not the account's, or is no account's.
    #[error("wrong credentials")]
    Credentials,
    /// The auth token opens it, and there is no such account all the same.
    #[error("no such account")]
    NoAccount,
    /// The account may not do this: suspended, closed, or on trial.
    #[error("not allowed")]
    NotAllowed,
    /// The account has as many trunks or credential lists as it may have.
    #[error("limit reached")]
    LimitReached,
    /// What the call names is not on the account, or no longer.
    #[error("not there")]
    NotThere,
    /// The number was moved there meanwhile, or left the account.
    #[error("moved meanwhile")]
    Moved,
}

impl TwilioError {
    /// Whether the work may have been done, or may be done yet.
    pub fn may_have_happened(self) -> bool {
        matches!(self, Self::Upstream(error) if error.may_have_happened())
    }
}

/// A phone number of an account, and who answers its calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioNumber {
    /// Twilio's id (`PN…`).
    pub sid: String,
    /// The trunk that it is attached to (`TK…`).
    pub trunk_sid: Option<String>,
    /// The TwiML application that it is given to (`AP…`). Twilio forgets it when the number is attached to a trunk.
    pub voice_application_sid: Option<String>,
}

impl TwilioNumber {
    /// Whether nothing there holds it.
    pub fn is_free(&self) -> bool {
        self.trunk_sid.is_none() && self.voice_application_sid.is_none()
    }
}

/// Twilio's Elastic SIP Trunking, on customers' own accounts. What is made for a trunk is named after the trunk id, and
/// is found again by it. Ids are Twilio's sids.
pub trait TwilioService: Send + Sync {
    /// The account's number `e164`; `None` when it has no such number.
    ///
    /// # Errors
    /// When Twilio did not say.
    fn find_number(
        &self,
        account: &TwilioAccount,
        e164: &E164,
    ) -> impl Future<Output = Result<Option<TwilioNumber>, TwilioError>> + Send;

    /// Creates a trunk with the termination domain `domain_name` (letters, digits and `-` before `.pstn.twilio.com`); gives
    /// its sid. Not repeatable; [`UpstreamError::Conflict`] when a trunk of any account has the domain.
    ///
    /// # Errors
    /// When it was not created, or may not have been.
    fn create_trunk(
        &self,
        account: &TwilioAccount,
        id: TrunkId,
        domain_name: &str,
    ) -> impl Future<Output = Result<String, TwilioError>> + Send;

    /// The trunks that are named after `id`.
    ///
    /// # Errors
    /// When Twilio did not say.
    fn find_trunks(
        &self,
        account: &TwilioAccount,
        id: TrunkId,
    ) -> impl Future<Output = Result<BTreeSet<String>, TwilioError>> + Send;

    /// Deletes a trunk with its origination URLs; its numbers and credential lists stay on the account. One that does not
    /// exist is deleted already. Repeatable.
    ///
    /// # Errors
    /// When it may still be there.
    fn delete_trunk(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
    ) -> impl Future<Output = Result<(), TwilioError>> + Send;

    /// Creates an empty credential list; gives its sid. Not repeatable; [`UpstreamError::Conflict`] when the account has a
    /// list of that name.
    ///
    /// # Errors
    /// When it was not created, or may not have been.
    fn create_credential_list(
        &self,
        account: &TwilioAccount,
        id: TrunkId,
    ) -> impl Future<Output = Result<String, TwilioError>> + Send;

    /// The credential lists that are named after `id`.
    ///
    /// # Errors
    /// When Twilio did not say.
    fn find_credential_lists(
        &self,
        account: &TwilioAccount,
        id: TrunkId,
    ) -> impl Future<Output = Result<BTreeSet<String>, TwilioError>> + Send;

    /// Adds to a credential list who may call out. Not repeatable. Twilio asks for at most 32 characters of user name, and
    /// for at least 12 of password, with letters of both cases and a digit.
    ///
    /// # Errors
    /// When it was not created, or may not have been.
    fn create_credential(
        &self,
        account: &TwilioAccount,
        list_sid: &str,
        username: &AuthUsername,
        password: &AuthPassword,
    ) -> impl Future<Output = Result<(), TwilioError>> + Send;

    /// Deletes a credential list with all that is in it; one that does not exist is deleted already. Repeatable.
    /// [`UpstreamError::Conflict`] while a trunk takes it.
    ///
    /// # Errors
    /// When it may still be there.
    fn delete_credential_list(
        &self,
        account: &TwilioAccount,
        list_sid: &str,
    ) -> impl Future<Output = Result<(), TwilioError>> + Send;

    /// Makes a trunk take a credential list. Not repeatable; [`UpstreamError::Conflict`] when it does already. Undone by the
    /// deletion of the trunk.
    ///
    /// # Errors
    /// When it was not done, or may not have been.
    fn attach_credential_list(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        list_sid: &str,
    ) -> impl Future<Output = Result<(), TwilioError>> + Send;

    /// Makes a trunk send its numbers' calls to `sip_url`. Not repeatable: a trunk may have the same URL twice. Undone by
    /// the deletion of the trunk.
    ///
    /// # Errors
    /// When it was not done, or may not have been.
    fn create_origination_url(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        id: TrunkId,
        sip_url: &str,
    ) -> impl Future<Output = Result<(), TwilioError>> + Send;

    /// Attaches a number to a trunk, whoever had it before: look first. Not repeatable.
    ///
    /// # Errors
    /// When it was not done, or may not have been.
    fn attach_number(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        number_sid: &str,
    ) -> impl Future<Output = Result<(), TwilioError>> + Send;

    /// Detaches a number from a trunk; one that is not attached to it, or not there, is detached already. Repeatable.
    ///
    /// # Errors
    /// When it may still be attached.
    fn detach_number(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        number_sid: &str,
    ) -> impl Future<Output = Result<(), TwilioError>> + Send;

    /// The numbers that are attached to a trunk, whoever attached them; none when there is no such trunk.
    ///
    /// # Errors
    /// When Twilio did not say.
    fn numbers_of_trunk(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
    ) -> impl Future<Output = Result<BTreeSet<String>, TwilioError>> + Send;
}
