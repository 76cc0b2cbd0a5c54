//! A proxy that makes single calls fail: it counts the calls that pass, and faults those that it is told to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::tls::Certificates;

/// A reverse proxy in front of one system.
#[derive(Debug)]
pub struct FaultProxy {
    url: String,
    proxy: Arc<Proxy>,
    serving: JoinHandle<()>,
}

/// How a proxy meets those who connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    /// With a certificate that nobody trusts.
    Untrusted,
    Closing,
    /// The port is taken, and nobody listens.
    Closed,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By a FIN.
    Closed,
    /// By an RST.
    Reset,
}

/// What a failing system says in these tests: as a system may, it repeats what it was sent.
pub const WORDS: &str = "upstream's own words: password cAnArY/p4ss+w0rd? is wrong";

/// What happens to a call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Answered by the proxy; the system never hears of it.
    Answer(Canned),
    /// The connection ends; the system never hears of it.
    Drop,
    /// The system does it; the connection ends before the answer.
    DropAnswer,
    /// Reaches the system that much later, also when nobody waits for it any more.
    Delay(Duration),
    /// The system does it at once; the answer comes that much later.
    DelayAnswer(Duration),
    /// Reaches the system when the gate opens, also when nobody waits for it any more.
    Hold(Gate),
}

/// An answer that the proxy makes up.
#[derive(Debug, Clone)]
pub struct Canned {
    status: StatusCode,
    body: String,
}

impl Fault {
    /// An answer with that status that no protocol knows.
    pub fn status(status: u16) -> Self {
        Self::canned(status, format!("<html>{WORDS}</html>"))
    }

    /// AWS throttles the call.
    pub fn throttled() -> Self {
        Self::aws(400, "ThrottlingException")
    }

    /// An error of an AWS JSON protocol.
    pub fn aws(status: u16, name: &str) -> Self {
        let body = json!({ "__type": format!("com.amazonaws#{name}"), "message": WORDS });
        Self::canned(status, body.to_string())
    }

    /// A transaction of that many items that met another writer at the first of them.
    pub fn transaction_conflict(items: usize) -> Self {
        let mut reasons = vec![json!({ "Code": "None" }); items];
        reasons[0] = json!({ "Code": "TransactionConflict" });
        let body = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "CancellationReasons": reasons,
        });
        Self::canned(400, body.to_string())
    }

    /// Success without a word of what was done.
    pub fn empty() -> Self {
        Self::canned(200, String::new())
    }

    /// An error of LiveKit's.
    pub fn twirp(status: u16, code: &str) -> Self {
        Self::twirp_saying(status, code, WORDS)
    }

    /// An error of LiveKit's, in words that mean something.
    pub fn twirp_saying(status: u16, code: &str, message: &str) -> Self {
        Self::canned(status, json!({ "code": code, "msg": message }).to_string())
    }

    /// An error of Twilio's.
    pub fn twilio(status: u16, code: u32) -> Self {
        let more_info = format!("https://www.twilio.com/docs/errors/{code}");
        let body = json!({ "code": code, "message": WORDS, "more_info": more_info, "status": status });
        Self::canned(status, body.to_string())
    }

    fn canned(status: u16, body: String) -> Self {
        Self::Answer(Canned { status: StatusCode::from_u16(status).unwrap(), body })
    }
}

/// A system with a proxy in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// LiveKit's SIP service.
    LiveKit,
    /// Secrets Manager.
    SecretsManager,
    /// The table.
    DynamoDb,
    /// Twilio.
    Twilio,
}

impl System {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::LiveKit, Self::SecretsManager, Self::DynamoDb, Self::Twilio];

    /// How this system can fail a call without being late.
    pub fn faults(self) -> Vec<Fault> {
        let own = match self {
            Self::LiveKit => vec![
                Fault::twirp(503, "unavailable"),
                Fault::twirp(400, "invalid_argument"),
                Fault::twirp(401, "unauthenticated"),
            ],
            Self::SecretsManager => vec![
                Fault::aws(500, "InternalServiceError"),
                Fault::aws(400, "AccessDeniedException"),
                Fault::throttled(),
            ],
            Self::DynamoDb => vec![
                Fault::aws(500, "InternalServerError"),
                Fault::aws(400, "AccessDeniedException"),
                Fault::throttled(),
            ],
            Self::Twilio => vec![Fault::twilio(503, 20503), Fault::twilio(400, 20001), Fault::twilio(401, 20003)],
        };
        own.into_iter().chain([Fault::status(502), Fault::Drop, Fault::DropAnswer]).collect()
    }
}

/// Holds calls until it is opened.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    waiting: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Gate {
    /// Waits until a call stands at the gate.
    pub async fn reached(&self) {
        self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await.unwrap();
    }

    /// Lets every call through from now on.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    async fn pass(&self) {
        self.waiting.send_modify(|waiting| *waiting += 1);
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
    }
}

/// Which calls.
#[derive(Debug, Clone)]
pub struct On {
    operation: Option<&'static str>,
    containing: &'static str,
    first: usize,
    last: usize,
}

impl On {
    /// Every call.
    pub fn any() -> Self {
        Self { operation: None, containing: "", first: 1, last: usize::MAX }
    }

    /// Every call of one operation: a Twirp method, what stands behind the dot of `X-Amz-Target`, or a method of Twilio's
    /// and the path without version, account, sids and suffix (`POST Trunks/PhoneNumbers`).
    pub fn operation(name: &'static str) -> Self {
        Self { operation: Some(name), ..Self::any() }
    }

    /// Of these, the ones with that text in the body.
    #[must_use]
    pub fn containing(self, text: &'static str) -> Self {
        Self { containing: text, ..self }
    }

    /// Of these, the `n`th alone, from 1.
    #[must_use]
    pub fn nth(self, n: usize) -> Self {
        Self { first: n, last: n, ..self }
    }

    /// Of these, the `n`th and all after it.
    #[must_use]
    pub fn from(self, n: usize) -> Self {
        Self { first: n, ..self }
    }

    fn matches(&self, operation: &str, body: &[u8]) -> bool {
        let text = self.containing.as_bytes();
        self.operation.is_none_or(|name| name == operation)
            && (text.is_empty() || body.windows(text.len()).any(|window| window == text))
    }
}

#[derive(Debug)]
struct Proxy {
    upstream: String,
    http: reqwest::Client,
    plan: Mutex<Plan>,
    under_way: watch::Sender<usize>,
    certificates: Option<Certificates>,
    door: watch::Sender<Door>,
    distrusted: AtomicUsize,
    connections: watch::Sender<Connections>,
}

#[derive(Debug, Default)]
struct Connections {
    accepted: usize,
    open: usize,
    hung_up: Option<Ending>,
}

#[derive(Debug, Default)]
struct Plan {
    calls: Vec<(String, Bytes)>,
    rules: Vec<Rule>,
    faulted: usize,
    capacity: Option<Vec<(String, Value)>>,
}

#[derive(Debug)]
struct Rule {
    on: On,
    fault: Fault,
    matched: usize,
}

impl FaultProxy {
    /// In front of `upstream`, passing everything on; spoken to by TLS if there are `certificates`.
    pub(crate) async fn start(upstream: &str, certificates: Option<Certificates>) -> Self {
        let scheme = if certificates.is_some() { "https" } else { "http" };
        let proxy = Arc::new(Proxy {
            upstream: upstream.trim_end_matches('/').to_owned(),
            http: crate::client::http(),
            plan: Mutex::default(),
            under_way: watch::Sender::new(0),
            certificates,
            door: watch::Sender::new(Door::Open),
            distrusted: AtomicUsize::new(0),
            connections: watch::Sender::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(serve(listener, proxy.clone()));
        Self { url, proxy, serving }
    }

    /// Where the proxy listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Faults the calls that `on` means, counted from now. Of several rules for a call, the first one holds.
    pub fn inject(&self, on: On, fault: Fault) {
        self.proxy.plan.lock().unwrap().rules.push(Rule { on, fault, matched: 0 });
    }

    /// Holds the calls that `on` means.
    pub fn hold(&self, on: On) -> Gate {
        let gate = Gate::default();
        self.inject(on, Fault::Hold(gate.clone()));
        gate
    }

    /// Passes everything on again.
    pub fn heal(&self) {
        self.proxy.plan.lock().unwrap().rules.clear();
    }

    /// The operations called, in order, faulted ones included.
    pub fn calls(&self) -> Vec<String> {
        self.requests().into_iter().map(|(operation, _)| operation).collect()
    }

    /// The same, each with its body.
    pub fn requests(&self) -> Vec<(String, Bytes)> {
        self.proxy.plan.lock().unwrap().calls.clone()
    }

    /// What each of the calls of `operation` consumed, by its name, as DynamoDB says it when it is asked.
    pub async fn consumed_by(&self, operation: impl Future<Output = ()>) -> Vec<(String, Value)> {
        self.proxy.plan.lock().unwrap().capacity = Some(Vec::new());
        operation.await;
        self.proxy.plan.lock().unwrap().capacity.take().unwrap()
    }

    /// How many of the calls were faulted.
    pub fn faulted(&self) -> usize {
        self.proxy.plan.lock().unwrap().faulted
    }

    /// Counts calls from here on.
    pub fn forget_calls(&self) {
        let mut plan = self.proxy.plan.lock().unwrap();
        plan.calls.clear();
        plan.faulted = 0;
    }

    /// Refuses every connection from here on.
    pub async fn close(&self) {
        self.proxy.door.send_replace(Door::Closing);
        self.proxy.door.subscribe().wait_for(|door| *door == Door::Closed).await.unwrap();
    }

    /// Meets every connection from here on with a certificate that nobody trusts. For a proxy by TLS.
    pub fn lose_trust(&self) {
        self.proxy.door.send_replace(Door::Untrusted);
    }

    /// How many connections were met so.
    pub fn distrusted(&self) -> usize {
        self.proxy.distrusted.load(Ordering::SeqCst)
    }

    /// Ends every connection, and goes on with new ones.
    pub async fn hang_up(&self, ending: Ending) {
        self.proxy.connections.send_modify(|connections| connections.hung_up = Some(ending));
        // The door stays as it is; those inside hear of it.
        self.proxy.door.send_modify(|_| ());
        self.proxy.connections.subscribe().wait_for(|connections| connections.open == 0).await.unwrap();
    }

    /// How many connections were accepted.
    pub fn accepted(&self) -> usize {
        self.proxy.connections.borrow().accepted
    }

    /// Waits until no call is under way, those included that nobody waits for.
    pub async fn quiet(&self) {
        self.proxy.under_way.subscribe().wait_for(|calls| *calls == 0).await.unwrap();
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, proxy: Arc<Proxy>) {
    let address = listener.local_addr().unwrap();
    let mut door = proxy.door.subscribe();
    loop {
        let connection = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            _ = door.wait_for(|door| *door == Door::Closing) => break,
        };
        proxy.connections.send_modify(|connections| {
            connections.accepted += 1;
            connections.open += 1;
        });
        // Before anybody can hang up.
        let door = proxy.door.subscribe();
        tokio::spawn(proxy.clone().meet(connection, door));
    }
    drop(listener);
    let _port = taken(address);
    proxy.door.send_replace(Door::Closed);
    std::future::pending().await
}

/// A port on which nobody listens, and nobody else can.
fn taken(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

/// The connection ends here.
#[derive(Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("dropped")
    }
}

impl std::error::Error for Dropped {}

/// Of Twilio's ids.
const SID_LENGTH: usize = 34;

struct Call {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    fn operation(&self) -> String {
        let target = self.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        match target {
            Some(target) => target.rsplit('.').next().unwrap_or_default().to_owned(),
            None if self.path.starts_with("/twirp/") => self.path.rsplit('/').next().unwrap_or_default().to_owned(),
            None => {
                let path = self.path.split('?').next().unwrap_or_default().trim_end_matches(".json");
                let is_name = |part: &&str| part.len() < SID_LENGTH && part.starts_with(char::is_uppercase);
                let names: Vec<_> = path.split('/').filter(is_name).filter(|name| *name != "Accounts").collect();
                format!("{} {}", self.method, names.join("/"))
            }
        }
    }
}

type Answer = Result<Response<Full<Bytes>>, Dropped>;

impl Proxy {
    async fn meet(self: Arc<Self>, mut connection: TcpStream, mut door: watch::Receiver<Door>) {
        let untrusted = *door.borrow() == Door::Untrusted;
        // Before the handshake: who does not trust us knows of its end before we do.
        self.distrusted.fetch_add(usize::from(untrusted), Ordering::SeqCst);
        let talk = async {
            match &self.certificates {
                None => self.clone().talk(&mut connection).await,
                Some(certificates) => {
                    if let Ok(connection) = certificates.acceptor(untrusted).accept(&mut connection).await {
                        self.clone().talk(connection).await;
                    }
                }
            }
        };
        // Whoever is connected has to connect anew.
        tokio::select! {
            () = talk => {}
            _ = door.changed() => {}
        }
        if self.connections.borrow().hung_up == Some(Ending::Reset) {
            connection.set_zero_linger().unwrap();
        }
        drop(connection);
        self.connections.send_modify(|connections| connections.open -= 1);
    }

    async fn talk(self: Arc<Self>, connection: impl AsyncRead + AsyncWrite + Unpin) {
        let answer = service_fn(|request| {
            let proxy = self.clone();
            // A task of its own: a caller that hangs up does not stop a call that is late.
            async move { tokio::spawn(proxy.pass(request)).await.unwrap_or(Err(Dropped)) }
        });
        // An error is a dropped connection, as it should be.
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), answer).await;
    }

    async fn pass(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let call = Call { method: parts.method, path, headers: parts.headers, body };
        self.under_way.send_modify(|calls| *calls += 1);
        let answer = self.answer(call).await;
        self.under_way.send_modify(|calls| *calls -= 1);
        answer
    }

    async fn answer(&self, call: Call) -> Answer {
        match self.fault(&call) {
            None => self.forward(call).await,
            Some(Fault::Answer(canned)) => {
                let answer = Response::builder().status(canned.status).header("content-type", "application/json");
                Ok(answer.body(canned.body.into()).unwrap())
            }
            Some(Fault::Drop) => Err(Dropped),
            Some(Fault::DropAnswer) => self.forward(call).await.and(Err(Dropped)),
            Some(Fault::Delay(time)) => {
                tokio::time::sleep(time).await;
                self.forward(call).await
            }
            Some(Fault::DelayAnswer(time)) => {
                let answer = self.forward(call).await;
                tokio::time::sleep(time).await;
                answer
            }
            Some(Fault::Hold(gate)) => {
                gate.pass().await;
                self.forward(call).await
            }
        }
    }

    fn fault(&self, call: &Call) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        let operation = call.operation();
        plan.calls.push((operation.clone(), call.body.clone()));
        let mut fault = None;
        for rule in plan.rules.iter_mut().filter(|rule| rule.on.matches(&operation, &call.body)) {
            rule.matched += 1;
            if (rule.on.first..=rule.on.last).contains(&rule.matched) {
                fault = fault.or_else(|| Some(rule.fault.clone()));
            }
        }
        plan.faulted += usize::from(fault.is_some());
        fault
    }

    async fn forward(&self, mut call: Call) -> Answer {
        let operation = call.operation();
        let weighed = self.plan.lock().unwrap().capacity.is_some();
        if weighed {
            let mut body: Value = serde_json::from_slice(&call.body).unwrap();
            body["ReturnConsumedCapacity"] = "INDEXES".into();
            call.body = body.to_string().into();
        }
        let mut headers = call.headers;
        for name in [HOST, CONTENT_LENGTH, CONNECTION] {
            headers.remove(name);
        }
        let request = self.http.request(call.method, format!("{}{}", self.upstream, call.path));
        let answer = request.headers(headers).body(call.body).send().await.map_err(|_| Dropped)?;
        let mut response = Response::new(Full::default());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        response.headers_mut().remove(TRANSFER_ENCODING);
        let body = answer.bytes().await.map_err(|_| Dropped)?;
        if weighed {
            let consumed = serde_json::from_slice::<Value>(&body).unwrap()["ConsumedCapacity"].take();
            self.plan
                .lock()
                .unwrap()
                .capacity
                .iter_mut()
                .for_each(|all| all.push((operation.clone(), consumed.clone())));
        }
        *response.body_mut() = body.into();
        Ok(response)
    }
}
