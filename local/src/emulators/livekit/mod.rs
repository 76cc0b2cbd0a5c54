//! LiveKit's SIP API, the part of it that manages trunks and dispatch rules, and its phone-number API:
//! Twirp in protobuf and JSON, LiveKit's tokens, its rules and its words, oddities included. No call
//! is ever placed.
//!
//! SIP is written after livekit-server 1.13.5; the tests run against that server too. Phone numbers
//! are LiveKit Cloud's alone: [`phone_numbers`] says what is known of them.
//!
//! Requests and answers carry SIP passwords in clear and are never logged.

mod auth;
mod conflicts;
mod fields;
mod inventory;
mod json;
mod numbers;
mod pages;
mod phone_numbers;
mod rules;
mod store;
mod trunks;
mod twirp;
mod updates;
mod validation;

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::TcpListener;

pub use self::auth::Credentials;
use self::{
    auth::{Grants, Verifier},
    fields::Fields,
    store::Store,
    twirp::{Encoding, TwirpError},
};
use super::journal::{JournalError, Storage};

/// Where the methods of SIP are (`SIPPathPrefix` in `livekit_sip.twirp.go`).
const SIP: &str = "/twirp/livekit.SIP/";
/// Where those of phone numbers are (`PhoneNumberServicePathPrefix` in `livekit_phone_number.twirp.go`).
const PHONE_NUMBERS: &str = "/twirp/livekit.PhoneNumberService/";

/// LiveKit's SIP API and its phone-number API for one key pair.
pub struct LiveKit {
    verifier: Verifier,
    // One lock around each whole request, held across no await: unlike the real server, which
    // lists and then stores, two conflicting creates cannot slip past each other here.
    store: Mutex<Store>,
}

impl LiveKit {
    /// Opens the emulator with the trunks, rules and phone numbers that the storage has.
    ///
    /// # Errors
    ///
    /// When the data file cannot be opened, is open elsewhere, or is not one of ours.
    pub fn open(storage: &Storage, credentials: &Credentials) -> Result<Self, JournalError> {
        Ok(Self { verifier: Verifier::new(credentials), store: Mutex::new(Store::open(storage)?) })
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
        let router = Router::new()
            .route("/", get(|| async { "OK" }))
            .route("/twirp/{*path}", any(twirp))
            .with_state(Arc::new(self));
        axum::serve(listener, router).with_graceful_shutdown(shutdown).await
    }

    fn answer(&self, call: &Call<'_>) -> Result<Response, TwirpError> {
        if let Some(method) = call.path.strip_prefix(PHONE_NUMBERS) {
            return self.answer_about_phone_numbers(call, method);
        }
        match call.path.strip_prefix(SIP) {
            Some("CreateSIPInboundTrunk") => self.run(call, trunks::create_inbound),
            Some("CreateSIPOutboundTrunk") => self.run(call, trunks::create_outbound),
            Some("UpdateSIPInboundTrunk") => self.run(call, trunks::update_inbound),
            Some("UpdateSIPOutboundTrunk") => self.run(call, trunks::update_outbound),
            Some("GetSIPInboundTrunk") => self.run(call, trunks::get_inbound),
            Some("GetSIPOutboundTrunk") => self.run(call, trunks::get_outbound),
            Some("ListSIPInboundTrunk") => self.run(call, trunks::list_inbound),
            Some("ListSIPOutboundTrunk") => self.run(call, trunks::list_outbound),
            Some("ListSIPTrunk") => self.run(call, trunks::list_legacy),
            Some("DeleteSIPTrunk") => self.run(call, trunks::delete),
            Some("CreateSIPDispatchRule") => self.run(call, rules::create),
            Some("UpdateSIPDispatchRule") => self.run(call, rules::update),
            Some("ListSIPDispatchRule") => self.run(call, rules::list),
            Some("DeleteSIPDispatchRule") => self.run(call, rules::delete),
            Some("CreateSIPParticipant" | "TransferSIPParticipant") => {
                Err(TwirpError::unimplemented("the LiveKit emulator does not place calls"))
            }
            _ => Err(call.no_handler()),
        }
    }

    fn answer_about_phone_numbers(&self, call: &Call<'_>, method: &str) -> Result<Response, TwirpError> {
        match method {
            "SearchPhoneNumbers" => self.run(call, phone_numbers::search),
            "PurchasePhoneNumber" => self.run(call, phone_numbers::purchase),
            "ListPhoneNumbers" => self.run(call, phone_numbers::list),
            "GetPhoneNumber" => self.run(call, phone_numbers::get),
            "UpdatePhoneNumber" => self.run(call, phone_numbers::update),
            "ReleasePhoneNumbers" => self.run(call, phone_numbers::release),
            _ => Err(call.no_handler()),
        }
    }

    /// Runs one method. The order of the checks is Twirp's: the body is read before the grant is
    /// asked for.
    fn run<Request, Answer>(
        &self,
        call: &Call<'_>,
        method: impl FnOnce(&mut Store, Request) -> Result<Answer, TwirpError>,
    ) -> Result<Response, TwirpError>
    where
        Request: prost::Message + Default + DeserializeOwned,
        Answer: prost::Message + Serialize + Fields,
    {
        let content_type = call.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let encoding = Encoding::from_content_type(content_type)
            .ok_or_else(|| call.bad_route(format!("unexpected Content-Type: {content_type:?}")))?;
        let request = encoding.decode(call.body)?;
        if !call.grants.sip_admin {
            return Err(TwirpError::permissions_denied());
        }
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let journal = store.journal.clone();
        encoding.encode(&journal.whole(|| method(&mut store, request))??)
    }
}

/// A request on its way to a method.
struct Call<'a> {
    method: &'a Method,
    path: &'a str,
    headers: &'a HeaderMap,
    body: &'a [u8],
    grants: Grants,
}

impl Call<'_> {
    fn bad_route(&self, message: String) -> TwirpError {
        TwirpError::bad_route(message, self.method.as_str(), self.path)
    }

    fn no_handler(&self) -> TwirpError {
        self.bad_route(format!("no handler for path {:?}", self.path))
    }
}

async fn twirp(
    State(livekit): State<Arc<LiveKit>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let grants = match livekit.verifier.grants(&headers) {
        Ok(grants) => grants,
        Err(refusal) => return refusal.into_response(),
    };
    let call = Call { method: &method, path: uri.path(), headers: &headers, body: &body, grants };
    if ![SIP, PHONE_NUMBERS].iter().any(|prefix| call.path.starts_with(prefix)) {
        // Another of LiveKit's services.
        return (StatusCode::NOT_FOUND, "404 page not found\n").into_response();
    }
    if method != Method::POST {
        let message = format!("unsupported method {:?} (only POST is allowed)", method.as_str());
        return call.bad_route(message).into_response();
    }
    livekit.answer(&call).unwrap_or_else(IntoResponse::into_response)
}
