//! Twilio's REST API, the part of it that sets up Elastic SIP Trunking: phone numbers and SIP credential lists
//! (`api.twilio.com`, 2010-04-01), trunks (`trunking.twilio.com`, v1), and an account's change of its auth token
//! (`accounts.twilio.com`, v1), on one listener: their paths differ.
//!
//! Written after Twilio's OpenAPI documents (<https://github.com/twilio/twilio-oai>) and its list of errors
//! (<https://www.twilio.com/docs/api/errors>); the messages of errors are ours where that list gives none. What these leave
//! open stands in docs/DECISIONS.md.
//!
//! Requests carry auth tokens and SIP passwords in clear and are never logged.

mod account;
mod auth_tokens;
mod credential_lists;
mod form;
mod numbers;
mod paging;
mod store;
mod trunk_parts;
mod trunks;
mod wire;

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, Uri, header::HOST},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use tokio::net::TcpListener;

pub use self::account::{Account, OwnNumber, Use};
use self::{
    form::Form,
    store::Store,
    wire::{Answer, TwilioError},
};
use super::journal::{JournalError, Storage};

/// Twilio for some accounts.
pub struct Twilio {
    accounts: Vec<Account>,
    // One lock around each whole request, held across no await.
    store: Mutex<Store>,
}

impl Twilio {
    /// Opens the emulator with what the storage has, and with those numbers of the accounts that are not there yet.
    ///
    /// # Errors
    ///
    /// When the data file cannot be opened, is open elsewhere, or is not one of ours.
    pub fn open(storage: &Storage, accounts: Vec<Account>) -> Result<Self, JournalError> {
        let mut store = Store::open(storage)?;
        let journal = store.journal.clone();
        let now = Timestamp::now();
        journal.whole(|| accounts.iter().try_for_each(|account| store.add_numbers(account, now)))??;
        Ok(Self { accounts, store: Mutex::new(store) })
    }

    /// Serves until `shutdown` completes, then finishes the running requests.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let router = Router::new().fallback(rest).with_state(Arc::new(self));
        axum::serve(listener, router).with_graceful_shutdown(shutdown).await
    }

    fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Answer, TwilioError> {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let account = account::caller(headers, &self.accounts, &store)?;
        let journal = store.journal.clone();
        let context = Context {
            store: &mut store,
            account,
            base: format!("http://{host}"),
            path: uri.path(),
            query: Form::parse(uri.query().unwrap_or_default().as_bytes()),
            form: Form::parse(body),
            now: Timestamp::now(),
        };
        journal.whole(|| context.answer(method))?
    }
}

/// A request of one account on its way to what answers it.
struct Context<'a> {
    store: &'a mut Store,
    account: &'a Account,
    /// Where the caller reached us: absolute URLs begin so.
    base: String,
    path: &'a str,
    query: Form,
    form: Form,
    now: Timestamp,
}

impl Context<'_> {
    fn answer(self, method: &Method) -> Result<Answer, TwilioError> {
        let path = self.path.strip_suffix(".json").unwrap_or(self.path);
        let segments: Vec<_> = path.split('/').skip(1).collect();
        match (method.as_str(), segments.as_slice()) {
            (method, ["2010-04-01", "Accounts", sid, rest @ ..]) if self.account.account_sid == *sid => {
                match (method, rest) {
                    ("GET", ["IncomingPhoneNumbers"]) => numbers::list(self),
                    ("GET", ["SIP", "CredentialLists"]) => credential_lists::list(self),
                    ("POST", ["SIP", "CredentialLists"]) => credential_lists::create(self),
                    ("GET", ["SIP", "CredentialLists", list]) => credential_lists::get(self, list),
                    ("DELETE", ["SIP", "CredentialLists", list]) => credential_lists::delete(self, list),
                    ("GET", ["SIP", "CredentialLists", list, "Credentials"]) => {
                        credential_lists::list_credentials(self, list)
                    }
                    ("POST", ["SIP", "CredentialLists", list, "Credentials"]) => {
                        credential_lists::create_credential(self, list)
                    }
                    _ => Err(self.not_found()),
                }
            }
            ("GET", ["v1", "Trunks"]) => trunks::list(self),
            ("POST", ["v1", "Trunks"]) => trunks::create(self),
            ("GET", ["v1", "Trunks", trunk]) => trunks::get(self, trunk),
            ("DELETE", ["v1", "Trunks", trunk]) => trunks::delete(self, trunk),
            ("GET", ["v1", "Trunks", trunk, "OriginationUrls"]) => trunk_parts::list_urls(self, trunk),
            ("POST", ["v1", "Trunks", trunk, "OriginationUrls"]) => trunk_parts::create_url(self, trunk),
            ("GET", ["v1", "Trunks", trunk, "CredentialLists"]) => trunk_parts::list_lists(self, trunk),
            ("POST", ["v1", "Trunks", trunk, "CredentialLists"]) => trunk_parts::attach_list(self, trunk),
            ("GET", ["v1", "Trunks", trunk, "PhoneNumbers"]) => numbers::list_of_trunk(self, trunk),
            ("POST", ["v1", "Trunks", trunk, "PhoneNumbers"]) => numbers::attach(self, trunk),
            ("GET", ["v1", "Trunks", trunk, "PhoneNumbers", number]) => numbers::get_of_trunk(self, trunk, number),
            ("DELETE", ["v1", "Trunks", trunk, "PhoneNumbers", number]) => numbers::detach(self, trunk, number),
            ("POST", ["v1", "AuthTokens", "Secondary"]) => auth_tokens::create_secondary(self),
            ("POST", ["v1", "AuthTokens", "Promote"]) => auth_tokens::promote(self),
            _ => Err(self.not_found()),
        }
    }

    fn not_found(&self) -> TwilioError {
        TwilioError::not_found(self.path)
    }
}

async fn rest(
    State(twilio): State<Arc<Twilio>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    twilio.answer(&method, &uri, &headers, &body).map_or_else(IntoResponse::into_response, IntoResponse::into_response)
}
