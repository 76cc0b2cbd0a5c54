use std::collections::{BTreeMap, BTreeSet};

use trunkline_domain::{E164, TwilioAccount, WorkspaceId};
use trunkline_provisioning::SecretPrefix;
use trunkline_provisioning::ports::{LiveKit, NumberStore, SecretStore, SweepStore, TrunkStore, TwilioService};

use super::account::{AccountNumbers, OnAccount};

/// The systems outside, as one case sees them: one workspace with nothing in it, touched by nobody else.
pub trait Outside: Send + Sync + Sized {
    /// Where the records are.
    type Store: TrunkStore + NumberStore + SweepStore + Clone + 'static;
    /// Where the passwords are.
    type Secrets: SecretStore + Clone + 'static;
    /// Where the calls are.
    type Sip: LiveKit + Clone + 'static;
    /// Where the customers' accounts are.
    type Twilio: TwilioService + Clone + 'static;

    /// The workspace.
    fn workspace_id(&self) -> WorkspaceId;

    /// What the secrets' names begin with.
    fn secret_prefix(&self) -> SecretPrefix;

    /// Where the records are.
    fn store(&self) -> Self::Store;

    /// Where the passwords are.
    fn secrets(&self) -> Self::Secrets;

    /// Where the calls are.
    fn sip(&self) -> Self::Sip;

    /// Where the customers' accounts are.
    fn twilio(&self) -> Self::Twilio;

    /// The customer's Twilio account, which no other case uses at the same time.
    fn account(&self) -> TwilioAccount;

    /// The account's phone numbers.
    fn account_numbers(&self) -> AccountNumbers;

    /// What the account has.
    fn on_account(&self) -> impl Future<Output = OnAccount> + Send;

    /// What the account has and should not have, and the other way round. `expected` are the live trunks of
    /// `kind: twilio`, each with its phone numbers.
    fn twilio_violations(
        &self,
        expected: &BTreeMap<String, BTreeSet<E164>>,
    ) -> impl Future<Output = Vec<String>> + Send {
        async { self.on_account().await.violations(&self.account_numbers(), expected) }
    }

    /// The test's clock: records in the sweep index have been due since 1970. How many there are.
    fn put_forward(&self, clock: Clock) -> impl Future<Output = usize> + Send;

    /// Numbers that LiveKit sells, and that no other case buys at the same time.
    fn for_sale(&self) -> [E164; 2];

    /// Lets the workspace have so many trunks.
    fn set_limit(&self, limit: u64) -> impl Future<Output = ()> + Send;

    /// The trunks that are live, by the records alone.
    fn live(&self) -> impl Future<Output = BTreeSet<String>> + Send;

    /// Looks at everything that the case has left.
    fn check(&self) -> impl Future<Output = Quiet> + Send;

    /// Takes away what the case has left.
    fn clear(self) -> impl Future<Output = ()> + Send;
}

/// Which clocks are put forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The leases of unsettled records.
    Leases,
    /// Those, and the tombstones.
    All,
}

/// What is there at a quiet moment, where nothing should be that is not a live trunk.
pub struct Quiet {
    /// The trunks that are live.
    pub live: BTreeSet<String>,
    /// What should not be.
    pub violations: Vec<String>,
}
