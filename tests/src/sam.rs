//! `sam local` in the place of our own stand-ins for Lambda and API Gateway, where `tests/peers/sam` has set it up:
//! `SAM_LOCAL_TEMPLATE` is the template that `sam build` wrote, `SAM_LOCAL_HOST` the address at which containers reach
//! this host's loopback.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Mutex;

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::lambda::Function;
use crate::process::Process;
use crate::{Client, World};

/// A function at work on a [`World`].
#[derive(Debug)]
pub enum Deployed {
    /// Its binary, behind a Runtime API of ours.
    Binary(Box<Function>),
    /// What `sam build` made of it, in a container for each event.
    Sam(SamFunction),
}

impl Deployed {
    /// The response to `event`.
    pub async fn invoke(&self, event: Value) -> Value {
        match self {
            Self::Binary(function) => function.invoke(event).await,
            Self::Sam(function) => function.invoke(&event).await,
        }
    }

    /// Everything that it has printed.
    pub fn output(&self) -> String {
        match self {
            Self::Binary(function) => function.output(),
            Self::Sam(function) => function.output.lock().unwrap().clone(),
        }
    }
}

/// A function by its name in the template.
#[derive(Debug)]
pub struct SamFunction {
    template: String,
    name: String,
    environment: BTreeMap<String, String>,
    output: Mutex<String>,
}

impl SamFunction {
    async fn invoke(&self, event: &Value) -> Value {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), event.to_string()).unwrap();
        let arguments = ["invoke", &self.name, "--event", file.path().to_str().unwrap()];
        let mut process = sam_local(&arguments, &self.template, &self.environment);
        let status = process.ended().await;
        let (response, log) = (process.stdout(), process.stderr());
        assert!(status.success(), "{status}\n{log}");
        self.output.lock().unwrap().push_str(&log);
        serde_json::from_str(&response).unwrap_or_else(|error| panic!("{error}: {response}\n{log}"))
    }
}

/// A front door to a [`World`].
#[derive(Debug)]
pub struct Front {
    url: String,
    sam: Option<Process>,
}

impl Front {
    /// A caller with that API key.
    pub fn client(&self, key: &str) -> Client {
        Client::new(&self.url, Some(key))
    }

    /// Waits until what was started for it is gone.
    pub async fn close(self) {
        if let Some(mut sam) = self.sam {
            sam.signal("INT").await;
            sam.ended().await;
        }
    }
}

impl World {
    /// The function of that binary, with this world's environment and `settings`.
    pub async fn function(&self, binary: &str, settings: &[(&str, &str)]) -> Deployed {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let Some(template) = template() else {
            let mut environment = self.environment();
            environment.extend(settings);
            return Deployed::Binary(Box::new(Function::start(binary, &environment).await));
        };
        let mut environment = self.environment_of_containers().await;
        environment.extend(settings);
        let name = Path::new(binary).file_name().unwrap().to_str().unwrap();
        Deployed::Sam(SamFunction { template, name: logical_id(name), environment, output: Mutex::default() })
    }

    /// All functions behind their routes: `sam local start-api` if there is one, else the local service's own front.
    pub async fn front(&self) -> Front {
        let Some(template) = template() else { return Front { url: self.ready().url.clone(), sam: None } };
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let arguments = ["start-api", "--warm-containers", "EAGER", "--port", &port.to_string()];
        let mut sam = sam_local(&arguments, &template, &self.environment_of_containers().await);
        sam.until("sam local start-api", |sam| sam.stderr().contains("Running on").then_some(())).await;
        Front { url: format!("http://{}:{port}", Ipv4Addr::LOCALHOST), sam: Some(sam) }
    }

    /// As on AWS, LiveKit's API key is in a secret: the template passes on no other.
    async fn environment_of_containers(&self) -> BTreeMap<String, String> {
        let key = json!({ "api_key": self.ready().livekit_api_key, "api_secret": self.ready().livekit_api_secret });
        let secret = self.secrets().client.create_secret().name("livekit-api-key").secret_string(key.to_string());
        let arn = secret.send().await.unwrap().arn.unwrap();
        let host = std::env::var("SAM_LOCAL_HOST").expect("SAM_LOCAL_HOST beside SAM_LOCAL_TEMPLATE");
        let mut environment = self.environment();
        environment.insert("LIVEKIT_SECRET_ARN".to_owned(), arn);
        for value in environment.values_mut() {
            *value = value.replace(&Ipv4Addr::LOCALHOST.to_string(), &host);
        }
        environment
    }
}

fn template() -> Option<String> {
    std::env::var("SAM_LOCAL_TEMPLATE").ok()
}

/// `sam local` passes on those of its own variables that the template declares for a function.
fn sam_local(arguments: &[&str], template: &str, environment: &BTreeMap<String, String>) -> Process {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { std::env::consts::ARCH };
    let architecture = format!("Architecture={architecture}");
    let common =
        ["--template", template, "--parameter-overrides", &architecture, "--region", "us-east-1", "--skip-pull-image"];
    let mut all: BTreeMap<_, _> = std::env::vars().collect();
    all.extend(environment.clone());
    Process::start("sam", &[&["local"], arguments, &common].concat(), &all)
}

/// `create-sip-trunk` is `CreateSipTrunkFunction` in the template.
fn logical_id(name: &str) -> String {
    let words = name.split('-').map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]));
    words.chain(["Function".to_owned()]).collect()
}
