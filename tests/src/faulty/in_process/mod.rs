//! The table, Secrets Manager, LiveKit and Twilio as the protocol needs them, in memory: every condition of the adapters' writes,
//! and nothing else. A test compares them with [`super::Emulated`], answer by answer.

mod livekit;
mod secrets;
mod table;
mod twilio;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use trunkline_domain::{E164, Kind, TwilioAccount, WorkspaceId};
use trunkline_provisioning::SecretPrefix;

use self::livekit::LiveKit;
use self::secrets::Secrets;
use self::table::Table;
use self::twilio::Twilio;
use super::Ground;
use super::account::{AccountNumbers, OnAccount};
use super::outside::{Clock, Outside, Quiet};

/// What they hold.
#[derive(Debug, Default)]
struct Contents {
    table: Table,
    secrets: Secrets,
    livekit: LiveKit,
    twilio: Twilio,
}

/// All four of them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct InProcess {
    workspace_id: WorkspaceId,
    contents: Arc<Mutex<Contents>>,
}

impl InProcess {
    /// With one workspace that has nothing in it.
    pub fn ground() -> Ground<Self> {
        Ground(Self { workspace_id: WorkspaceId::new(), contents: Arc::default() })
    }

    /// Never held across an await.
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap()
    }
}

impl Outside for InProcess {
    type Store = Self;
    type Secrets = Self;
    type Sip = Self;
    type Twilio = Self;

    fn workspace_id(&self) -> WorkspaceId {
        self.workspace_id
    }

    fn secret_prefix(&self) -> SecretPrefix {
        SecretPrefix::parse("trunkline/").unwrap()
    }

    fn store(&self) -> Self {
        self.clone()
    }

    fn secrets(&self) -> Self {
        self.clone()
    }

    fn sip(&self) -> Self {
        self.clone()
    }

    fn twilio(&self) -> Self {
        self.clone()
    }

    fn account(&self) -> TwilioAccount {
        self.contents().twilio.account.clone()
    }

    fn account_numbers(&self) -> AccountNumbers {
        self.contents().twilio.numbers.clone()
    }

    async fn on_account(&self) -> OnAccount {
        self.contents().twilio.there.clone()
    }

    async fn put_forward(&self, clock: Clock) -> usize {
        self.contents().table.put_forward(clock)
    }

    fn for_sale(&self) -> [E164; 2] {
        ["+12125550100", "+12125550101"].map(|e164| E164::parse(e164).unwrap())
    }

    async fn set_limit(&self, limit: u64) {
        self.contents().table.limit = limit;
    }

    async fn live(&self) -> BTreeSet<String> {
        self.contents().table.live().map(|(id, _)| id.to_string()).collect()
    }

    /// What must always hold, word by word (`docs/RELIABILITY.md`).
    async fn check(&self) -> Quiet {
        let contents = self.contents();
        let Contents { table, secrets, livekit, twilio } = &*contents;
        let mut violations = table.unsettled();
        let live: Vec<_> = table.live().collect();
        let objects = live.iter().filter_map(|(_, record)| record.livekit.as_ref());
        violations.extend(livekit.differences(objects));
        violations.extend(livekit.wrong_numbers(table.bought()));
        violations.extend(live.iter().flat_map(|(id, record)| {
            let secret = record.secret_name.as_deref().and_then(|name| secrets.get(name));
            let changed = |objects| livekit.changed(*id, &record.settings, &record.numbers, objects, secret);
            record.livekit.as_ref().map(changed).unwrap_or_default()
        }));
        let on_twilio = live.iter().filter(|(_, record)| record.settings.kind() == Kind::Twilio);
        let on_twilio = on_twilio.map(|(id, record)| (id.to_string(), record.numbers.keys().cloned().collect()));
        violations.extend(twilio.there.violations(&twilio.numbers, &on_twilio.collect()));
        let kept: BTreeSet<_> = live.iter().filter_map(|(_, record)| record.secret_name.as_deref()).collect();
        violations.extend(secrets.differences(&kept));
        Quiet { live: live.iter().map(|(id, _)| id.to_string()).collect(), violations }
    }

    async fn clear(self) {}
}
