//! What the accounts hold.

use std::collections::BTreeSet;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    account::{Account, Use},
    paging::Listed,
};
use crate::emulators::journal::{Journal, JournalError, Record, Storage, Table};

/// Everything of every account, by sid.
pub(super) struct Store {
    pub(super) numbers: Table<Number>,
    pub(super) trunks: Table<Trunk>,
    pub(super) credential_lists: Table<CredentialList>,
    /// Of the accounts that have changed theirs, by the account's sid.
    pub(super) auth_tokens: Table<AuthTokens>,
    pub(super) journal: Journal,
}

/// A phone number.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Number {
    pub(super) sid: String,
    pub(super) account_sid: String,
    pub(super) phone_number: String,
    /// Kept, and not called, while there is a trunk.
    pub(super) voice_url: String,
    pub(super) voice_application_sid: Option<String>,
    pub(super) trunk_sid: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// An Elastic SIP trunk.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Trunk {
    pub(super) sid: String,
    pub(super) account_sid: String,
    pub(super) friendly_name: Option<String>,
    pub(super) domain_name: Option<String>,
    pub(super) origination_urls: Vec<OriginationUrl>,
    pub(super) credential_lists: BTreeSet<String>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// Where the calls of a trunk's numbers go.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct OriginationUrl {
    pub(super) sid: String,
    pub(super) friendly_name: String,
    pub(super) sip_url: String,
    pub(super) weight: u16,
    pub(super) priority: u16,
    pub(super) enabled: bool,
    pub(super) created_at: Timestamp,
}

/// A list of those who may call out.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct CredentialList {
    pub(super) sid: String,
    pub(super) account_sid: String,
    pub(super) friendly_name: String,
    pub(super) credentials: Vec<Credential>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// What opens an account. Not `Debug`.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct AuthTokens {
    pub(super) primary: String,
    pub(super) secondary: Option<String>,
}

/// Who may call out. The password is checked and not kept: there are no calls.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Credential {
    pub(super) sid: String,
    pub(super) username: String,
    pub(super) created_at: Timestamp,
}

macro_rules! by_sid {
    ($($kind:ty),*) => {
        $(impl Listed for $kind {
            fn sid(&self) -> &str {
                &self.sid
            }
        })*
    };
}

macro_rules! kept_as_json {
    ($($kind:ty),*) => {
        $(impl Record for $kind {
            fn to_bytes(&self) -> Vec<u8> {
                // Strings, lists and timestamps: there is nothing in it that JSON cannot hold.
                serde_json::to_vec(self).unwrap_or_default()
            }

            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                serde_json::from_slice(bytes).ok()
            }
        })*
    };
}

by_sid!(Number, Trunk, OriginationUrl, CredentialList, Credential);
kept_as_json!(Number, Trunk, CredentialList, AuthTokens);

/// A fresh sid: two letters and 32 hexadecimal digits. Unlike Twilio's, these sort by when they were made.
pub(super) fn new_sid(prefix: &str) -> String {
    format!("{prefix}{}", Uuid::now_v7().simple())
}

impl Store {
    /// Opens the tables with what the storage has for them.
    pub(super) fn open(storage: &Storage) -> Result<Self, JournalError> {
        let journal = Journal::open(storage)?;
        Ok(Self {
            numbers: Table::open(&journal, "phone_number")?,
            trunks: Table::open(&journal, "trunk")?,
            credential_lists: Table::open(&journal, "credential_list")?,
            auth_tokens: Table::open(&journal, "auth_tokens")?,
            journal,
        })
    }

    /// The account's first token.
    pub(super) fn auth_token<'a>(&'a self, account: &'a Account) -> &'a str {
        let changed = self.auth_tokens.get(&account.account_sid);
        changed.map_or_else(|| account.auth_token.expose_secret(), |tokens| &tokens.primary)
    }

    /// Whether that is one of the account's tokens.
    pub(super) fn opens(&self, account: &Account, token: &str) -> bool {
        let changed = self.auth_tokens.get(&account.account_sid);
        let secondary = changed.and_then(|tokens| tokens.secondary.as_deref());
        self.auth_token(account) == token || secondary == Some(token)
    }

    /// Gives the account the numbers that it shall have and has not.
    pub(super) fn add_numbers(&mut self, account: &Account, now: Timestamp) -> Result<(), JournalError> {
        let known: BTreeSet<_> = self.numbers.iter().map(|(_, number)| number.phone_number.clone()).collect();
        for own in account.numbers.iter().filter(|own| !known.contains(&own.phone_number)) {
            let number = Number {
                sid: new_sid("PN"),
                account_sid: account.account_sid.clone(),
                phone_number: own.phone_number.clone(),
                voice_url: "https://demo.twilio.com/welcome/voice/".to_owned(),
                voice_application_sid: (own.used_for == Use::VoiceApplication).then(|| new_sid("AP")),
                trunk_sid: match own.used_for {
                    Use::Trunk => Some(self.add_strangers_trunk(account, now)?),
                    Use::VoiceUrl | Use::VoiceApplication => None,
                },
                created_at: now,
                updated_at: now,
            };
            self.numbers.put(&number.sid.clone(), number)?;
        }
        Ok(())
    }

    /// A trunk of the account's own making.
    fn add_strangers_trunk(&mut self, account: &Account, now: Timestamp) -> Result<String, JournalError> {
        let sid = new_sid("TK");
        let trunk = Trunk {
            sid: sid.clone(),
            account_sid: account.account_sid.clone(),
            friendly_name: Some("Office".to_owned()),
            domain_name: None,
            origination_urls: Vec::new(),
            credential_lists: BTreeSet::new(),
            created_at: now,
            updated_at: now,
        };
        self.trunks.put(&sid, trunk)?;
        Ok(sid)
    }
}
