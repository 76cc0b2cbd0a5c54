//! The one HTTPS client of a process: both AWS SDKs and the Twirp calls to LiveKit share its connections and its
//! trust roots.
//!
//! The SDKs' own default clients load the machine's root certificates once each, which is most of a function's cold
//! start; this one carries Mozilla's ([`webpki_roots`]) and adds the bundle that `AWS_CA_BUNDLE` names.

mod sdk;
mod tls;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub use tls::TrustError;

/// How long a TCP connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long an unused connection is kept: less than the 20 s and more after which AWS's load balancers drop theirs.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// The client. Cheap to clone; connections are kept and reused.
#[derive(Clone)]
pub struct Connector(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No connection came about: the request was never sent.
    #[error("no connection")]
    NotSent(#[source] hyper_util::client::legacy::Error),
    /// The TLS handshake failed: the request was never sent.
    #[error("no TLS")]
    Tls(#[source] hyper_util::client::legacy::Error),
    /// The connection ended before the answer did.
    #[error("no answer")]
    Unanswered(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Connector {
    /// A client that trusts Mozilla's root certificates and those in the PEM file `ca_bundle`.
    ///
    /// # Errors
    /// When the bundle cannot be read or holds no certificate.
    pub fn new(ca_bundle: Option<&Path>) -> Result<Self, TrustError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls::client_config(ca_bundle)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(https);
        Ok(Self(client))
    }

    /// Sends `request` and reads the whole answer. No timeout: the caller has one.
    ///
    /// # Errors
    /// When there is no whole answer; whatever its status, an answer is none.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, SendError> {
        let answer = self.0.request(request.map(Full::new)).await.map_err(|error| match error.is_connect() {
            true if tls::failed(&error) => SendError::Tls(error),
            true => SendError::NotSent(error),
            false => SendError::Unanswered(error.into()),
        })?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| SendError::Unanswered(error.into()))?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}
