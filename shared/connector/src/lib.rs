//! The one HTTPS client of a process: both AWS SDKs, the Twirp calls to LiveKit and the REST calls to Twilio share its
//! connections and its trust roots.
//!
//! The SDKs' own default clients load the machine's root certificates once each, which is most of a function's cold
//! start; this one carries Mozilla's ([`webpki_roots`]) and adds the bundle that `AWS_CA_BUNDLE` names.

mod base_url;
mod clock;
mod sdk;
mod tls;

use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

pub use base_url::{BaseUrl, InvalidBaseUrl};
use clock::Clock;
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
        Self::by(Clock::new(SystemTime::now), ca_bundle)
    }

    fn by(clock: Clock, ca_bundle: Option<&Path>) -> Result<Self, TrustError> {
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
            .pool_timer(clock)
            // Of a request that met the end of a kept connection, and was not written: no server has seen it.
            .retry_canceled_requests(true)
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]
mod tests {
    use std::io::{Read, Write};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const NO_CONTENT: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

    /// Answers whatever comes, on each connection for ever, and counts the connections.
    async fn server() -> (String, Arc<AtomicU64>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (url, met) = (format!("http://{}", listener.local_addr().unwrap()), Arc::default());
        let counted: Arc<AtomicU64> = Arc::clone(&met);
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    while connection.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {
                        connection.write_all(NO_CONTENT).await.unwrap();
                    }
                });
            }
        });
        (url, met)
    }

    #[tokio::test]
    async fn a_connection_grows_old_while_the_function_is_frozen() {
        static FROZEN: AtomicU64 = AtomicU64::new(0);
        let clock = Clock::new(|| SystemTime::now() + Duration::from_secs(FROZEN.load(Ordering::SeqCst)));
        let connector = Connector::by(clock, None).unwrap();
        let (url, connections) = server().await;
        for (frozen, met) in [(0, 1), (10, 1), (30, 2), (30, 2)] {
            FROZEN.store(frozen, Ordering::SeqCst);
            connector.send(Request::get(&url).body(Bytes::new()).unwrap()).await.unwrap();
            // The connection goes back into the pool by a task of its own.
            tokio::task::yield_now().await;
            assert_eq!(connections.load(Ordering::SeqCst), met, "after {frozen} s");
        }
    }
    /// Lambda lets a function go on with everything that happened meanwhile: the end of a connection, and a request.
    #[tokio::test]
    async fn a_request_that_meets_the_end_of_its_connection_is_sent_on_a_new_one() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ending) = std::sync::mpsc::channel();
        let (ended, has_ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut event = listener.accept().unwrap().0;
            let kept = listener.accept().unwrap().0;
            answer(&kept);
            ending.recv().unwrap();
            event.write_all(b"event").unwrap();
            drop(kept);
            ended.send(()).unwrap();
            answer(&listener.accept().unwrap().0);
        });
        let event = tokio::net::TcpStream::connect(address).await.unwrap();
        let connector = Connector::new(None).unwrap();
        let request = || Request::get(format!("http://{address}")).body(Bytes::new()).unwrap();
        connector.send(request()).await.unwrap();
        tokio::task::yield_now().await;

        end.send(()).unwrap();
        // The runtime's one thread stands still.
        has_ended.recv().unwrap();
        event.readable().await.unwrap();
        assert_eq!(connector.send(request()).await.unwrap().status(), 204);
    }

    fn answer(mut connection: &std::net::TcpStream) {
        assert!(connection.read(&mut [0; 1024]).unwrap() > 0);
        connection.write_all(NO_CONTENT).unwrap();
    }
}
