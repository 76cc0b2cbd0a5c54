//! The production adapters over the emulators.

mod account;
mod audit;
mod check;
mod systems;

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use trunkline_bootstrap::LiveKitKeys;
use trunkline_domain::{E164, TwilioAccount, WorkspaceId};
use trunkline_dynamodb::TrunkTable;
use trunkline_livekit::LiveKitSip;
use trunkline_provisioning::SecretPrefix;
use trunkline_provisioning::ports::{LiveKitNumbers, SipService};
use trunkline_secrets::TrunkSecrets;
use trunkline_twilio::TwilioRest;

use systems::PLACES;
pub use systems::Systems;

use super::account::{AccountNumbers, OnAccount};
use super::outside::{Clock, Outside, Quiet};
use crate::probe::{self, Item, text};

/// DynamoDB takes no more in a batch.
const WRITES_AT_ONCE: usize = 25;

/// A table of one case's own; LiveKit and Secrets Manager are shared, as they are by the workspaces of a deployment.
pub struct Emulated<'a> {
    systems: &'a Systems,
    table: probe::Table,
    store: TrunkTable,
    workspace_id: WorkspaceId,
}

impl<'a> Emulated<'a> {
    /// On a table with nothing in it.
    async fn new(systems: &'a Systems, table: probe::Table) -> Self {
        let store = table.store();
        let workspace_id = WorkspaceId::new();
        table.operator().create(workspace_id, None).await.unwrap();
        Self { systems, table, store, workspace_id }
    }

    /// The tables are numbered, and each is one case's at a time.
    fn place(&self) -> usize {
        let place = self.table.name.rsplit('-').next().and_then(|place| place.parse().ok()).unwrap();
        assert!(place < PLACES, "no more cases at a time than there are numbers for sale");
        place
    }

    /// Unless the record has settled since it was read.
    async fn make_due(&self, item: &Item) {
        let past = AttributeValue::N("0".into());
        let update = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", item["pk"].clone())
            .key("sk", item["sk"].clone())
            .condition_expression("attribute_exists(sweep_at)")
            .expression_attribute_values(":past", past);
        let update = match item.contains_key("lease_until") {
            true => update.update_expression("SET sweep_at = :past, lease_until = :past"),
            false => update.update_expression("SET sweep_at = :past"),
        };
        update.send().await.unwrap();
    }
}

impl Outside for Emulated<'_> {
    type Store = TrunkTable;
    type Secrets = TrunkSecrets;
    type Sip = LiveKitSip<LiveKitKeys>;
    type Twilio = TwilioRest;

    fn workspace_id(&self) -> WorkspaceId {
        self.workspace_id
    }

    fn secret_prefix(&self) -> SecretPrefix {
        self.systems.secret_prefix.clone()
    }

    fn store(&self) -> Self::Store {
        self.store.clone()
    }

    fn secrets(&self) -> Self::Secrets {
        self.systems.secrets.clone()
    }

    fn sip(&self) -> Self::Sip {
        self.systems.sip.clone()
    }

    fn twilio(&self) -> Self::Twilio {
        self.systems.twilio.clone()
    }

    fn account(&self) -> TwilioAccount {
        super::account::account(self.place())
    }

    fn account_numbers(&self) -> AccountNumbers {
        AccountNumbers::of(self.place())
    }

    async fn on_account(&self) -> OnAccount {
        OnAccount::read(&self.systems.accounts, &self.account()).await
    }

    async fn put_forward(&self, clock: Clock) -> usize {
        let items = self.table.items().await;
        // A last look comes at trunks that were changed, and at tombstones.
        let is_leased = |item: &Item| text(item, "sk").starts_with("TRUNK#") && text(item, "state") != "active";
        let due = items.iter().filter(|item| item.contains_key("sweep_at") && (clock == Clock::All || is_leased(item)));
        let mut count = 0;
        for item in due {
            count += 1;
            self.make_due(item).await;
        }
        count
    }

    fn for_sale(&self) -> [E164; 2] {
        const AREA_CODES: [u16; 10] = [202, 206, 212, 303, 305, 312, 404, 415, 512, 617];
        const IN_EACH: usize = 2 * PLACES / AREA_CODES.len();
        [0, 1].map(|index| 2 * self.place() + index).map(|index| {
            let (area_code, line) = (AREA_CODES[index / IN_EACH], 100 + index % IN_EACH);
            E164::parse(&format!("+1{area_code}5550{line}")).unwrap()
        })
    }

    async fn set_limit(&self, limit: u64) {
        self.table.set_limit(&self.workspace_id.to_string(), limit).await;
    }

    async fn live(&self) -> BTreeSet<String> {
        check::records(&self.table.items().await).0
    }

    /// Looks at every record, and lets the operator's checker look at everything.
    async fn check(&self) -> Quiet {
        let items = self.table.items().await;
        let (live, mut violations) = check::records(&items);
        violations.extend(self.audit().await);
        for number in self.for_sale() {
            let is_sold = self.systems.sip.find(&number).await.unwrap().is_some();
            let is_bought = |item: &Item| text(item, "provider") == "livekit" && text(item, "e164") == number.as_str();
            if is_sold != items.iter().any(is_bought) {
                violations.push(format!("whether LiveKit has sold {number}: {is_sold}"));
            }
        }
        violations.extend(self.twilio_violations(&check::on_twilio(&items)).await);
        Quiet { live, violations }
    }

    async fn clear(self) {
        let sip = &self.systems.sip;
        let mut deletes = Vec::new();
        for item in self.table.items().await {
            let recorded = |name| Some(text(&item, name)).filter(|id| !id.is_empty());
            if let Some(rule) = recorded("livekit_dispatch_rule_id") {
                sip.delete_dispatch_rule(rule).await.unwrap();
            }
            for trunk in ["livekit_inbound_trunk_id", "livekit_outbound_trunk_id"].into_iter().filter_map(recorded) {
                sip.delete_trunk(trunk).await.unwrap();
            }
            if let Some(number) = recorded("provider_phone_number_id") {
                sip.release(number).await.unwrap();
            }
            let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone())).into();
            let delete = DeleteRequest::builder().set_key(Some(key)).build().unwrap();
            deletes.push(WriteRequest::builder().delete_request(delete).build());
        }
        for some in deletes.chunks(WRITES_AT_ONCE) {
            let client = &self.table.client;
            client.batch_write_item().request_items(&self.table.name, some.to_vec()).send().await.unwrap();
        }
        account::clear(&self.systems.twilio, &self.systems.accounts, &self.account()).await;
        self.systems.give_back(self.table);
    }
}
