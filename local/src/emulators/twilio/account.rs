//! The accounts, and who may call: HTTP basic authentication by account and token.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::SecretString;

use super::{store::Store, wire::TwilioError};

/// A Twilio account.
#[derive(Clone, Debug)]
pub struct Account {
    /// `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// The password of its REST API, until the account changes it there.
    pub auth_token: SecretString,
    /// How many trunks it may have, and how many credential lists: 100 of each
    /// (<https://www.twilio.com/docs/sip-trunking/scale-and-limits>), on trial one trunk.
    pub limit: usize,
    /// The numbers that it has bought.
    pub numbers: Vec<OwnNumber>,
}

/// A phone number that an account has bought.
#[derive(Clone, Debug)]
pub struct OwnNumber {
    /// In E.164.
    pub phone_number: String,
    /// What it is used for at first.
    pub used_for: Use,
}

/// What becomes of the calls of a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Use {
    /// They go to a URL that speaks TwiML.
    VoiceUrl,
    /// They go to a TwiML application.
    VoiceApplication,
    /// They go to a trunk, which the account has from the start.
    Trunk,
}

impl Account {
    /// An account with numbers of each use.
    pub fn demo(account_sid: impl Into<String>, auth_token: SecretString) -> Self {
        let number = |phone_number: &str, used_for| OwnNumber { phone_number: phone_number.to_owned(), used_for };
        Self {
            account_sid: account_sid.into(),
            auth_token,
            limit: 100,
            numbers: vec![
                number("+12025550101", Use::VoiceUrl),
                number("+12025550102", Use::Trunk),
                number("+12025550103", Use::VoiceApplication),
                number("+12025550104", Use::VoiceUrl),
                number("+12025550105", Use::VoiceUrl),
            ],
        }
    }
}

/// Whose request it is.
pub(super) fn caller<'a>(
    headers: &HeaderMap,
    accounts: &'a [Account],
    store: &Store,
) -> Result<&'a Account, TwilioError> {
    let login = headers
        .get(AUTHORIZATION)
        .and_then(|header| header.to_str().ok())
        .and_then(|header| header.strip_prefix("Basic "))
        .and_then(|encoded| BASE64_STANDARD.decode(encoded).ok())
        .and_then(|login| String::from_utf8(login).ok());
    let (account_sid, auth_token) =
        login.as_deref().and_then(|login| login.split_once(':')).ok_or_else(TwilioError::authenticate)?;
    accounts
        .iter()
        .find(|account| account.account_sid == account_sid && store.opens(account, auth_token))
        .ok_or_else(TwilioError::authenticate)
}
