//! Twilio by itself: the emulator, a proxy in front of it, and our client of it.

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use trunkline_connector::{BaseUrl, Connector};
use trunkline_domain::{AccountSid, AuthToken, TwilioAccount};
use trunkline_local::emulators::journal::Storage;
use trunkline_local::emulators::twilio::{Account, Twilio};
use trunkline_twilio::{TwilioRest, TwilioUrls};

use crate::canary::CREDENTIALS;
use crate::fault::FaultProxy;
use crate::probe::{self, OnTwilio};
use crate::tls::Certificates;

/// The demo account; its token is a canary.
const ACCOUNT_SID: &str = "AC0123456789abcdef0123456789abcdef";
/// An account without numbers.
const OTHER_ACCOUNT_SID: &str = "ACfedcba9876543210fedcba9876543210";

/// Numbers of an account that [`Account::demo`] makes, which nothing there holds.
pub const FREE: [&str; 3] = ["+12025550101", "+12025550104", "+12025550105"];
/// The one on a trunk of the account's own.
pub const ON_A_TRUNK: &str = "+12025550102";
/// The one that a TwiML application answers.
pub const OF_AN_APPLICATION: &str = "+12025550103";

/// A Twilio of one test's own.
#[derive(Debug)]
pub struct TwilioWorld {
    /// Our client, by way of the proxy.
    pub client: TwilioRest,
    proxy: FaultProxy,
    probe: probe::Twilio,
    serving: JoinHandle<()>,
}

/// The account that [`Account::demo`] makes.
pub fn demo_account() -> Account {
    Account::demo(ACCOUNT_SID, CREDENTIALS.into())
}

/// What opens the demo account.
pub fn account() -> TwilioAccount {
    account_with(ACCOUNT_SID, CREDENTIALS)
}

/// What opens an account without numbers.
pub fn other_account() -> TwilioAccount {
    account_with(OTHER_ACCOUNT_SID, CREDENTIALS)
}

/// The demo account with a token that does not open it.
pub fn wrong_account() -> TwilioAccount {
    account_with(ACCOUNT_SID, "wrong")
}

/// What opens that account.
pub fn account_with(account_sid: &str, auth_token: &str) -> TwilioAccount {
    TwilioAccount {
        account_sid: AccountSid::parse(account_sid).unwrap(),
        auth_token: AuthToken::parse(auth_token).unwrap(),
    }
}

/// An emulator with these accounts: where it is, and what runs it.
pub(crate) async fn serve(accounts: Vec<Account>) -> (String, JoinHandle<()>) {
    let emulator = Twilio::open(&Storage::Memory, accounts).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (url, tokio::spawn(async { emulator.serve(listener, std::future::pending()).await.unwrap() }))
}

/// Our client of the Twilio at `url`.
pub(crate) fn client(connector: Connector, url: &str) -> TwilioRest {
    let base: BaseUrl = url.parse().unwrap();
    TwilioRest::new(connector, TwilioUrls { api: base.clone(), trunking: base })
}

impl TwilioWorld {
    /// With the demo account and the one without numbers.
    pub async fn start() -> Self {
        Self::with(demo_account()).await
    }

    /// With this account in place of the demo account.
    pub async fn with(account: Account) -> Self {
        Self::behind(None, account).await
    }

    /// With the demo account, and a proxy that is spoken to by TLS.
    pub async fn by_tls() -> Self {
        Self::behind(Some(Certificates::new()), demo_account()).await
    }

    async fn behind(certificates: Option<Certificates>, account: Account) -> Self {
        let other = Account { numbers: Vec::new(), ..Account::demo(OTHER_ACCOUNT_SID, CREDENTIALS.into()) };
        let (url, serving) = serve(vec![account, other]).await;
        let bundle = certificates.as_ref().map(Certificates::bundle);
        let connector = Connector::new(bundle.as_ref().map(|file| file.path())).unwrap();
        let proxy = FaultProxy::start(&url, certificates).await;
        Self { client: client(connector, proxy.url()), proxy, probe: probe::Twilio::new(url), serving }
    }

    /// The proxy.
    pub fn faults(&self) -> &FaultProxy {
        &self.proxy
    }

    /// All that the demo account has, past the proxy.
    pub async fn all(&self) -> OnTwilio {
        self.probe.all(&account()).await
    }

    /// What the demo account's owner reads, past the proxy; v1 by the path, 2010-04-01 by what follows the account in it.
    pub async fn read(&self, path: &str) -> Value {
        self.probe.read(&account(), path).await
    }
}

impl Drop for TwilioWorld {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
