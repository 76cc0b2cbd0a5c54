//! Lambda's side of a function: the Runtime API
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use crate::process::Process;

/// How long an invocation may take: the functions' timeout in `template.yaml` is below API Gateway's 30 s too.
const INVOCATION: Duration = Duration::from_secs(28);

/// A function's binary, running behind the Runtime API.
#[derive(Debug)]
pub struct Function {
    process: Process,
    events: mpsc::Sender<Invocation>,
    outcomes: Mutex<mpsc::Receiver<Outcome>>,
    serving: JoinHandle<()>,
}

/// What a function told Lambda: its response, or what went wrong in it.
type Outcome = Result<Value, String>;

#[derive(Debug)]
struct Invocation {
    event: Value,
    time: Duration,
}

struct Runtime {
    events: Mutex<mpsc::Receiver<Invocation>>,
    outcomes: mpsc::Sender<Outcome>,
}

impl Function {
    /// Starts `binary` with `environment` and what Lambda sets itself.
    pub async fn start(binary: &str, environment: &BTreeMap<String, String>) -> Self {
        let (events, next) = mpsc::channel(1);
        let (told, outcomes) = mpsc::channel(1);
        let runtime = Arc::new(Runtime { events: Mutex::new(next), outcomes: told });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut environment = environment.clone();
        for (name, value) in [
            ("AWS_LAMBDA_RUNTIME_API", listener.local_addr().unwrap().to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", "function-under-test".into()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".into()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".into()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".into()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/function-under-test".into()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "stream".into()),
        ] {
            environment.insert(name.to_owned(), value);
        }
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next_invocation))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(error))
            .with_state(runtime);
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let process = Process::start(binary, &[], &environment);
        Self { process, events, outcomes: Mutex::new(outcomes), serving }
    }

    /// The response to `event`.
    pub async fn invoke(&self, event: Value) -> Value {
        self.invoke_within(INVOCATION, event).await
    }

    /// The response to `event`, which must come within that time, as Lambda tells the function.
    pub async fn invoke_within(&self, time: Duration, event: Value) -> Value {
        self.events.send(Invocation { event, time }).await.unwrap();
        let outcome = tokio::time::timeout(time, async { self.outcomes.lock().await.recv().await }).await;
        match outcome {
            Ok(Some(Ok(response))) => response,
            other => panic!("{other:?}\n{}", self.output()),
        }
    }

    /// Stops it, as Lambda does between invocations.
    pub async fn freeze(&self) {
        self.process.signal("STOP").await;
    }

    /// Lets it go on.
    pub async fn thaw(&self) {
        self.process.signal("CONT").await;
    }

    /// Everything that it has printed.
    pub fn output(&self) -> String {
        self.process.stdout() + &self.process.stderr()
    }

    /// Waits for the end of a function that cannot start; what it printed.
    pub async fn failed_to_start(mut self) -> String {
        let status = self.process.ended().await;
        assert!(!status.success(), "{status}\n{}", self.output());
        self.output()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn next_invocation(State(runtime): State<Arc<Runtime>>) -> impl IntoResponse {
    let Some(Invocation { event, time }) = runtime.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = (SystemTime::now() + time).duration_since(UNIX_EPOCH).unwrap().as_millis();
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:under-test".into()),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0".into()),
        ("content-type", "application/json".into()),
    ];
    (headers, event.to_string()).into_response()
}

async fn response(State(runtime): State<Arc<Runtime>>, body: Bytes) -> StatusCode {
    let response = serde_json::from_slice(&body).expect("a response of JSON");
    runtime.outcomes.send(Ok(response)).await.unwrap();
    StatusCode::ACCEPTED
}

async fn error(State(runtime): State<Arc<Runtime>>, body: String) -> StatusCode {
    runtime.outcomes.send(Err(body)).await.unwrap();
    StatusCode::ACCEPTED
}
