use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;
use trunkline_bootstrap::{Clients, Environment, LiveKitKeys};
use trunkline_connector::Connector;
use trunkline_livekit::LiveKitSip;
use trunkline_local::emulators::twilio::{Account, OwnNumber, Use};
use trunkline_local::{Options, Ready, Service};
use trunkline_provisioning::SecretPrefix;
use trunkline_secrets::TrunkSecrets;
use trunkline_twilio::TwilioRest;

use super::Emulated;
use crate::canary::CREDENTIALS;
use crate::faulty::Ground;
use crate::faulty::account::{AccountNumbers, LIMIT, account};
use crate::{probe, twilio};

/// How many cases may run at a time: each has two numbers that LiveKit sells, and a Twilio account.
pub(super) const PLACES: usize = 100;

/// The emulators, started once, and the production adapters over them.
pub struct Systems {
    service: Service,
    pub(super) table: probe::Table,
    pub(super) secrets: TrunkSecrets,
    pub(super) sip: LiveKitSip<LiveKitKeys>,
    pub(super) twilio: TwilioRest,
    pub(super) accounts: probe::Twilio,
    serving_twilio: JoinHandle<()>,
    pub(super) secret_prefix: SecretPrefix,
    tables: AtomicU64,
    unused: Mutex<Vec<probe::Table>>,
}

impl Systems {
    /// Starts them.
    pub async fn start() -> Self {
        let service = trunkline_local::start(Options::default()).await.unwrap();
        let ready = service.ready();
        let environment = environment(ready);
        let clients = Clients::new(&environment).unwrap();
        let (twilio_url, serving_twilio) = twilio::serve((0..PLACES).map(on_twilio).collect()).await;
        Self {
            table: probe::Table::new(ready, &ready.table_name),
            secrets: clients.secrets(),
            sip: clients.livekit().unwrap(),
            twilio: twilio::client(Connector::new(None).unwrap(), &twilio_url),
            accounts: probe::Twilio::new(twilio_url),
            serving_twilio,
            secret_prefix: environment.secret_prefix().unwrap(),
            tables: AtomicU64::default(),
            unused: Mutex::default(),
            service,
        }
    }

    /// A table of its own with one empty workspace in it, so that no sweep touches another case's records. LiveKit and
    /// Secrets Manager are shared, as they are by the workspaces of a deployment.
    pub async fn ground(&self) -> Ground<Emulated<'_>> {
        let unused = self.unused.lock().unwrap().pop();
        let table = match unused {
            Some(table) => table,
            None => self.new_table().await,
        };
        Ground(Emulated::new(self, table).await)
    }

    async fn new_table(&self) -> probe::Table {
        let name = format!("case-{}", self.tables.fetch_add(1, Ordering::Relaxed));
        let table = probe::Table { client: self.table.client.clone(), name };
        table.store().create_if_missing().await.unwrap();
        table
    }

    /// A table that is empty again.
    pub(super) fn give_back(&self, table: probe::Table) {
        self.unused.lock().unwrap().push(table);
    }

    /// Stops them, and lets what they hold go.
    pub async fn stop(self: Arc<Self>) {
        let systems = Arc::into_inner(self).expect("nobody uses them any more");
        systems.serving_twilio.abort();
        systems.service.stop().await;
    }

    /// What LiveKit holds of all cases together.
    pub async fn left_in_livekit(&self) -> probe::Contents {
        probe::LiveKit::new(self.service.ready()).all().await
    }
}

/// The account of the case at that place, with what is on it at first.
fn on_twilio(place: usize) -> Account {
    let AccountNumbers { free, on_own_trunk, of_application } = AccountNumbers::of(place);
    let used = [(on_own_trunk, Use::Trunk), (of_application, Use::VoiceApplication)];
    let numbers = free.into_iter().map(|e164| (e164, Use::VoiceUrl)).chain(used);
    Account {
        account_sid: account(place).account_sid.to_string(),
        auth_token: CREDENTIALS.into(),
        limit: LIMIT,
        numbers: numbers.map(|(e164, used_for)| OwnNumber { phone_number: e164.to_string(), used_for }).collect(),
    }
}

fn environment(ready: &Ready) -> Environment {
    let variables = [
        ("AWS_ACCESS_KEY_ID", &ready.aws_access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &ready.aws_secret_access_key),
        ("AWS_REGION", &ready.aws_region),
        ("AWS_ENDPOINT_URL_DYNAMODB", &ready.dynamodb_url),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &ready.secretsmanager_url),
        ("LIVEKIT_URL", &ready.livekit_url),
        ("LIVEKIT_API_KEY", &ready.livekit_api_key),
        ("LIVEKIT_API_SECRET", &ready.livekit_api_secret),
        ("SECRET_PREFIX", &ready.secret_prefix),
        ("TABLE_NAME", &ready.table_name),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.clone())).into_iter().collect::<BTreeMap<_, _>>().into()
}
