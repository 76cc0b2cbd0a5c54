use std::collections::BTreeMap;
use std::time::Duration;

use rand::distr::{Alphanumeric, SampleString};
use tokio::time::Instant;
use trunkline_bootstrap::{Clients, Environment};
use trunkline_domain::{Scope, TwilioAccount};
use trunkline_local::{Options, Ready, Service};
use trunkline_provisioning::Difference;

use crate::fault::{FaultProxy, System};
use crate::probe::{LiveKit, OnTwilio, Secrets, Table, Twilio, mentions};
use crate::tls::Certificates;
use crate::twilio::account_with;
use crate::{Client, Left, peers};

/// A service of one test's own, in this process, with nothing in it. Where the environment names real systems
/// ([`peers`]), it shares them with other worlds, and sees there only what is its own.
pub struct World {
    front: Service,
    behind: Option<Behind>,
}

/// What a service with failing systems works on.
struct Behind {
    /// A second service, for its emulators.
    service: Service,
    /// In the order of [`System::ALL`].
    proxies: [FaultProxy; 4],
}

/// A world to be.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    environment: BTreeMap<String, String>,
    faulty: bool,
    tls: bool,
}

impl Setup {
    /// With that variable.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With a proxy in front of each [`System`].
    #[must_use]
    pub fn faulty(mut self) -> Self {
        self.faulty = true;
        self
    }

    /// With proxies that are spoken to by TLS.
    #[must_use]
    pub fn faulty_by_tls(self) -> Self {
        Self { faulty: true, tls: true, ..self }
    }

    /// With leases of some seconds, tombstones of one, and a sweep every second.
    #[must_use]
    pub fn swept(self) -> Self {
        self.set("LEASE_SECONDS", "4").set("TOMBSTONE_SECONDS", "1").set("SWEEP_INTERVAL_SECONDS", "1")
    }

    /// Starts it.
    pub async fn start(self) -> World {
        if !self.faulty {
            return World { front: start(self.environment).await, behind: None };
        }
        let service = start(BTreeMap::new()).await;
        let ready = service.ready();
        let certificates = self.tls.then(Certificates::new);
        let proxies = [
            FaultProxy::start(&ready.livekit_url, certificates.clone()).await,
            FaultProxy::start(&ready.secretsmanager_url, certificates.clone()).await,
            FaultProxy::start(&ready.dynamodb_url, certificates.clone()).await,
            FaultProxy::start(twilio_url(ready), certificates.clone()).await,
        ];
        let [livekit, secrets, dynamodb, twilio] = proxies.each_ref().map(|proxy| proxy.url().to_owned());
        let mut environment = systems(ready);
        environment.extend(
            [
                ("LIVEKIT_URL", livekit),
                ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets),
                ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
            ]
            .map(owned),
        );
        environment.extend(twilio_at(&twilio));
        let bundle = certificates.map(|certificates| certificates.bundle());
        environment.extend(bundle.iter().map(|file| owned(("AWS_CA_BUNDLE", file.path().display()))));
        environment.extend(self.environment);
        let world = World { front: start(environment).await, behind: Some(Behind { service, proxies }) };
        world.forget_calls();
        world
    }
}

async fn start(mut environment: BTreeMap<String, String>) -> Service {
    let name = format!("trunkline-{}", Alphanumeric.sample_string(&mut rand::rng(), 12));
    let defaults = [
        // What is left after a request is its own doing, not the sweeper's.
        ("SWEEP_INTERVAL_SECONDS", "86400".to_owned()),
        // Real systems are shared.
        ("SECRET_PREFIX", format!("{name}/")),
        ("TABLE_NAME", name),
    ];
    for (name, value) in defaults.map(owned).into_iter().chain(peers::environment()) {
        environment.entry(name).or_insert(value);
    }
    let options = Options { environment, ..Options::default() };
    trunkline_local::start(options).await.expect("the service starts")
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("url", &self.ready().url).finish_non_exhaustive()
    }
}

impl World {
    /// A fresh service with the settings that a laptop has.
    pub async fn start() -> Self {
        Setup::default().start().await
    }

    /// The same behind proxies.
    pub async fn faulty() -> Self {
        Setup::default().faulty().start().await
    }

    /// What the ready file would say.
    pub fn ready(&self) -> &Ready {
        self.front.ready()
    }

    /// The emulators' addresses, past any proxy.
    fn emulators(&self) -> &Ready {
        self.behind.as_ref().map_or(&self.front, |behind| &behind.service).ready()
    }

    /// The demo workspace's own client.
    pub fn client(&self) -> Client {
        Client::new(&self.ready().url, Some(&self.ready().api_key))
    }

    /// A client of the second workspace.
    pub fn other_client(&self) -> Client {
        self.client().with_key(&self.ready().other_api_key)
    }

    /// A client of a new workspace, and the workspace's id.
    pub async fn new_client(&self) -> (Client, String) {
        let table = self.dynamodb();
        let workspace_id = table.new_workspace().await;
        let key = table.new_key(workspace_id, Scope::Full).await;
        (self.client().with_key(&key), workspace_id.to_string())
    }

    /// The table.
    pub fn dynamodb(&self) -> Table {
        Table::new(self.emulators(), &self.ready().table_name)
    }

    /// The secrets.
    pub fn secrets(&self) -> Secrets {
        Secrets::new(self.emulators(), &self.ready().secret_prefix)
    }

    /// LiveKit. Of a shared one, what says in its metadata that it belongs to a workspace of this world.
    pub fn livekit(&self) -> LiveKit {
        let livekit = LiveKit::new(self.emulators());
        if peers::livekit_is_shared() { livekit.of_workspaces_in(self.dynamodb()) } else { livekit }
    }

    /// Twilio.
    pub fn twilio(&self) -> Twilio {
        Twilio::new(twilio_url(self.emulators()).to_owned())
    }

    /// What opens the demo account there.
    pub fn twilio_account(&self) -> TwilioAccount {
        let Ready { twilio_account_sid, twilio_auth_token, .. } = self.emulators();
        account_with(twilio_account_sid.as_ref().unwrap(), twilio_auth_token.as_ref().unwrap())
    }

    /// What the demo account has there.
    pub async fn on_twilio(&self) -> OnTwilio {
        self.twilio().all(&self.twilio_account()).await
    }

    /// What the checker finds wrong, as [`Difference::kind`] says it; in a shared LiveKit, with this world's objects.
    pub async fn differences(&self) -> Vec<&'static str> {
        let clients = Clients::new(&Environment::from(self.environment())).unwrap();
        let differences = clients.audit().unwrap().run().await.unwrap();
        let own = self.dynamodb().workspaces().await;
        let mut kinds: Vec<_> = differences
            .iter()
            .filter(|difference| !peers::livekit_is_shared() || mentions(&difference.to_string(), &own))
            .map(Difference::kind)
            .collect();
        kinds.sort_unstable();
        kinds
    }

    /// How much there is.
    pub async fn left(&self) -> Left {
        Left::look(&self.dynamodb(), &self.secrets(), &self.livekit()).await
    }

    /// Waits until nothing but `expected` is left.
    pub async fn until_left(&self, expected: Left) {
        const PATIENCE: Duration = Duration::from_secs(30);
        let start = Instant::now();
        loop {
            let left = self.left().await;
            if left == expected {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{left:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The proxy in front of a system.
    #[track_caller]
    pub fn faults(&self, system: System) -> &FaultProxy {
        &self.behind.as_ref().expect("a faulty world").proxies[system as usize]
    }

    /// The environment of a second service on this world's systems, behind the same proxies if there are any.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = systems(self.ready());
        environment.extend(
            [("TABLE_NAME", &self.ready().table_name), ("SECRET_PREFIX", &self.ready().secret_prefix)].map(owned),
        );
        environment.extend(match self.behind {
            // To the front its Twilio is a real one, of which its ready file is silent.
            Some(_) => twilio_at(self.faults(System::Twilio).url()),
            None => twilio_at(twilio_url(self.ready())),
        });
        environment
    }

    /// Passes every call on again.
    pub fn heal(&self) {
        for system in System::ALL {
            self.faults(system).heal();
        }
    }

    /// Counts calls from here on.
    pub fn forget_calls(&self) {
        for system in System::ALL {
            self.faults(system).forget_calls();
        }
    }
}

/// Where the systems of `ready` are, and how they are opened.
fn systems(ready: &Ready) -> BTreeMap<String, String> {
    [
        ("LIVEKIT_URL", ready.livekit_url.as_str()),
        ("LIVEKIT_API_KEY", &ready.livekit_api_key),
        ("LIVEKIT_API_SECRET", &ready.livekit_api_secret),
        ("LIVEKIT_SIP_HOST", "sip.livekit.example"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &ready.secretsmanager_url),
        ("AWS_ENDPOINT_URL_DYNAMODB", &ready.dynamodb_url),
        ("AWS_ACCESS_KEY_ID", &ready.aws_access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &ready.aws_secret_access_key),
        ("AWS_REGION", &ready.aws_region),
    ]
    .map(owned)
    .into()
}

fn twilio_url(ready: &Ready) -> &str {
    ready.twilio_url.as_ref().expect("no test has a real Twilio")
}

fn twilio_at(url: &str) -> [(String, String); 2] {
    [("TWILIO_API_URL", url), ("TWILIO_TRUNKING_URL", url)].map(owned)
}

fn owned((name, value): (&str, impl ToString)) -> (String, String) {
    (name.to_owned(), value.to_string())
}
