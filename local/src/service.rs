use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use trunkline_bootstrap::{Clients, Environment};
use trunkline_dynamodb::AdminError;
use trunkline_provisioning::ports::{
    LiveKitNumbers, NumberStore, SecretStore, SipService, SweepStore, TrunkStore, TwilioService,
};
use trunkline_provisioning::{Sweep, WorkspaceError};

use crate::emulators::journal::{JournalError, Storage};
use crate::emulators::livekit::{Credentials, LiveKit};
use crate::emulators::secrets_manager::SecretsManager;
use crate::emulators::twilio::{Account, Twilio};
use crate::front::{self, Handlers};
use crate::identity::Identity;
use crate::private_file::{make_private_file, make_private_folder};
use crate::ready::Ready;
use crate::settings::{self, DYNAMODB, LIVEKIT, SECRETS_MANAGER, Services};

/// What to start.
#[derive(Default)]
pub struct Options {
    /// Where the service listens on 127.0.0.1; 0 means any free port.
    pub port: u16,
    /// Where state is kept; in memory if nowhere.
    pub data_dir: Option<PathBuf>,
    /// The variables that name real services and change the handlers' ways, as a function has them.
    pub environment: BTreeMap<String, String>,
}

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is missing or malformed.
    #[error(transparent)]
    Setting(#[from] trunkline_bootstrap::StartError),
    /// The port is taken.
    #[error("cannot listen on 127.0.0.1:{0}: {1}")]
    Listen(u16, #[source] io::Error),
    /// The data directory cannot be used.
    #[error("cannot use the data directory: {0}")]
    DataDir(#[source] io::Error),
    /// An emulator's state cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The embedded DynamoDB does not start.
    #[error("the embedded DynamoDB does not start: {0}")]
    Dynamodb(String),
    /// The table cannot be made.
    #[error("the table cannot be set up: {0}")]
    Table(#[from] AdminError),
    /// The demo workspaces cannot be made.
    #[error("the demo workspaces cannot be set up: {0}")]
    Workspaces(#[from] WorkspaceError),
}

/// The running service. Dropping it leaves it running until the runtime ends: [`Service::stop`] it.
pub struct Service {
    ready: Ready,
    front: Task,
    sweeper: Task,
    emulators: Vec<Task>,
}

/// Starts the service: the emulators that no real service replaces, the table, the front.
///
/// # Errors
/// When a setting, a port or the data directory cannot be used.
pub async fn start(options: Options) -> Result<Service, StartError> {
    let shell = Environment::from(options.environment);
    let data_dir = options.data_dir.as_deref();
    if let Some(folder) = data_dir {
        make_private_folder(folder).map_err(StartError::DataDir)?;
    }
    let identity = Identity::open(data_dir).map_err(StartError::DataDir)?;
    let keys = settings::keys(&shell, &identity).map_err(trunkline_bootstrap::StartError::from)?;
    let key = |name: &str| keys.get(name).cloned().unwrap_or_default();
    let mut emulators = Vec::new();
    let services = Services {
        dynamodb_url: match shell.optional(DYNAMODB) {
            Some(url) => url.to_owned(),
            None => start_dynamodb(data_dir, &mut emulators).await?,
        },
        secretsmanager_url: match shell.optional(SECRETS_MANAGER) {
            Some(url) => url.to_owned(),
            None => {
                let emulator = SecretsManager::open(&storage(data_dir, "secretsmanager"), &key("AWS_ACCESS_KEY_ID"))?;
                let (listener, url) = listen(0).await?;
                emulators.push(Task::spawn(|stop| emulator.serve(listener, stop)));
                url
            }
        },
        livekit_url: match shell.optional(LIVEKIT) {
            Some(url) => url.to_owned(),
            None => {
                let credentials =
                    Credentials { api_key: key("LIVEKIT_API_KEY"), api_secret: key("LIVEKIT_API_SECRET").into() };
                let emulator = LiveKit::open(&storage(data_dir, "livekit"), &credentials)?;
                let (listener, url) = listen(0).await?;
                emulators.push(Task::spawn(|stop| emulator.serve(listener, stop)));
                url
            }
        },
        twilio_url: if settings::twilio_is_real(&shell) {
            None
        } else {
            let Identity { twilio_account_sid, twilio_auth_token, .. } = &identity;
            let account = Account::demo(twilio_account_sid, twilio_auth_token.as_str().into());
            let emulator = Twilio::open(&storage(data_dir, "twilio"), vec![account])?;
            let (listener, url) = listen(0).await?;
            emulators.push(Task::spawn(|stop| emulator.serve(listener, stop)));
            Some(url)
        },
    };
    let settings = settings::of_handlers(&shell, keys, &services);
    let environment = Environment::from(settings.clone());
    let clients = Clients::new(&environment)?;
    let handlers = Handlers::new(&environment, &clients)?;
    clients.table()?.create_if_missing().await?;
    identity.seed(&clients.workspaces()?).await?;

    let (listener, url) = listen(options.port).await?;
    let router = Router::new().fallback(front::serve).with_state(Arc::new(handlers));
    let front = Task::spawn(|stop| async { axum::serve(listener, router).with_graceful_shutdown(stop).await });
    let sweeper = {
        let (sweep, interval) =
            (clients.sweep()?, environment.sweep_interval().map_err(trunkline_bootstrap::StartError::from)?);
        Task::spawn(move |stop| sweep_until(stop, sweep, interval))
    };
    let setting = |name: &str| settings.get(name).cloned().unwrap_or_default();
    let ready = Ready {
        url,
        workspace_id: identity.workspace_id.to_string(),
        api_key: identity.api_key,
        read_api_key: identity.read_api_key,
        other_api_key: identity.other_api_key,
        table_name: setting("TABLE_NAME"),
        secret_prefix: setting("SECRET_PREFIX"),
        dynamodb_url: services.dynamodb_url,
        secretsmanager_url: services.secretsmanager_url,
        livekit_url: services.livekit_url,
        livekit_api_key: setting("LIVEKIT_API_KEY"),
        livekit_api_secret: setting("LIVEKIT_API_SECRET"),
        aws_access_key_id: setting("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key: setting("AWS_SECRET_ACCESS_KEY"),
        aws_region: setting("AWS_REGION"),
        twilio_account_sid: services.twilio_url.is_some().then_some(identity.twilio_account_sid),
        twilio_auth_token: services.twilio_url.is_some().then_some(identity.twilio_auth_token),
        twilio_url: services.twilio_url,
    };
    Ok(Service { ready, front, sweeper, emulators })
}

impl Service {
    /// How to reach it, and what it keeps.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Finishes the running requests, then stops everything.
    pub async fn stop(self) {
        self.front.stop().await;
        self.sweeper.stop().await;
        for emulator in self.emulators {
            emulator.stop().await;
        }
    }
}

/// Completes when a server shall stop.
type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A server in the background, which ends when it is told to.
struct Task {
    stop: watch::Sender<()>,
    running: JoinHandle<()>,
}

impl Task {
    fn spawn<F>(serve: impl FnOnce(Stop) -> F) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let (stop, mut stopped) = watch::channel(());
        let serving = serve(Box::pin(async move {
            let _ = stopped.changed().await;
        }));
        let running = tokio::spawn(async {
            if let Err(error) = serving.await {
                tracing::error!(%error, "a server stopped");
            }
        });
        Self { stop, running }
    }

    async fn stop(self) {
        drop(self.stop);
        let _ = self.running.await;
    }
}

async fn sweep_until<S, V, L, T>(mut stop: Stop, sweep: Sweep<S, V, L, T>, interval: Duration) -> io::Result<()>
where
    S: TrunkStore + NumberStore + SweepStore,
    V: SecretStore,
    L: SipService + LiveKitNumbers,
    T: TwilioService,
{
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            () = tokio::time::sleep(interval) => {}
        }
        // A sweep may be broken off anywhere: the next one goes on with it.
        tokio::select! {
            () = &mut stop => return Ok(()),
            swept = sweep.run(None) => {
                if let Err(error) = swept {
                    tracing::error!(%error, "the sweep index cannot be read");
                }
            }
        }
    }
}

async fn start_dynamodb(data_dir: Option<&Path>, emulators: &mut Vec<Task>) -> Result<String, StartError> {
    let database = match data_dir {
        None => Database::memory(),
        Some(folder) => {
            let path = folder.join("dynamodb.sqlite");
            make_private_file(&path).map_err(StartError::DataDir)?;
            Database::new(&path.to_string_lossy())
        }
    };
    let database = database.map_err(|error| StartError::Dynamodb(error.to_string()))?;
    let (listener, url) = listen(0).await?;
    emulators.push(Task::spawn(|stop| async {
        dynoxide::server::serve_with_shutdown(listener, database, stop).await.map_err(io::Error::other)
    }));
    Ok(url)
}

fn storage(data_dir: Option<&Path>, name: &str) -> Storage {
    data_dir.map_or(Storage::Memory, |folder| Storage::File(folder.join(format!("{name}.sqlite"))))
}

async fn listen(port: u16) -> Result<(TcpListener, String), StartError> {
    let bound = async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok((listener, url))
    };
    bound.await.map_err(|error| StartError::Listen(port, error))
}
