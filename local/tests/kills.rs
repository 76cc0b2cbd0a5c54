//! The whole service killed at random moments under load, and what is found when it starts again.
//!
//! `KILLS=200 cargo test -p trunkline --test kills` kills it as often as that.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use trunkline_bootstrap::{Clients, Environment};
use trunkline_domain::{E164, Kind, TwilioAccount};
use trunkline_provisioning::ports::{TableInventory, TableRecord};
use trunkline_tests::faulty::{AccountNumbers, OnAccount};
use trunkline_tests::process::Trunkline;
use trunkline_tests::twilio::{FREE, OF_AN_APPLICATION, ON_A_TRUNK, account_with};
use trunkline_tests::{Client, NUMBERS, TRUNKS, canary, number, probe, twilio_number};

const QUICK_KILLS: usize = 10;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);
const CALLERS: usize = 4;

/// What the callers were told.
#[derive(Debug, Default)]
struct Told {
    created: BTreeSet<String>,
    /// A deletion was asked for; whether it was done they may not know.
    doomed: BTreeSet<String>,
    deleted: BTreeSet<String>,
    /// The names that trunks were given, where the last patch of a trunk was answered.
    named: BTreeMap<String, String>,
    /// Phone numbers, by their ids, and the trunk that each was imported to; they may outlive it.
    imported: BTreeMap<String, String>,
    doomed_numbers: BTreeSet<String>,
    deleted_numbers: BTreeSet<String>,
    /// All that was done, in order.
    deeds: Vec<Deed>,
}

/// A kind of success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Created,
    Changed,
    TrunkDeleted(Kind),
    Imported(Kind),
    /// A Twilio account's number came to the trunk of another.
    Shared,
    NumberDeleted(Kind),
    /// A Twilio account's trunk went with a number, and nobody had asked for more.
    WentWithTheLast,
}

impl Deed {
    const ALL: [Self; 13] = [
        Self::Created,
        Self::Changed,
        Self::TrunkDeleted(Kind::Byoc),
        Self::TrunkDeleted(Kind::Livekit),
        Self::TrunkDeleted(Kind::Twilio),
        Self::Imported(Kind::Byoc),
        Self::Imported(Kind::Livekit),
        Self::Imported(Kind::Twilio),
        Self::Shared,
        Self::NumberDeleted(Kind::Byoc),
        Self::NumberDeleted(Kind::Livekit),
        Self::NumberDeleted(Kind::Twilio),
        Self::WentWithTheLast,
    ];
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_caller_was_told_is_so_and_nothing_else_is_left() {
    let kills = std::env::var("KILLS").map_or(QUICK_KILLS, |kills| kills.parse().expect("KILLS is a number"));
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--data-dir", directory.path().to_str().unwrap()];
    let environment = [("LEASE_SECONDS", "3"), ("TOMBSTONE_SECONDS", "1"), ("SWEEP_INTERVAL_SECONDS", "1")];
    let environment = BTreeMap::from(environment.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let start = async || Trunkline::start(env!("CARGO_BIN_EXE_trunkline"), &arguments, &environment).await;
    let told = Arc::new(Mutex::new(Told::default()));

    for kill in 0..kills {
        let mut service = start().await;
        let caller = Caller { client: service.client(), account: account_of(&service), told: Arc::clone(&told) };
        let callers: Vec<_> = (0..CALLERS).map(|_| tokio::spawn(caller.clone().call_until_killed())).collect();
        // What was interrupted counts until it is swept: without every second service left to itself until it has answered,
        // a slow machine would see nothing but a workspace at its cap.
        if kill % 2 == 0 {
            everything_is_done(&told).await;
        }
        tokio::time::sleep(Duration::from_millis(rand::random_range(50..500))).await;
        service.process.signal("KILL").await;
        service.process.ended().await;
        no_secret_shows(&service, directory.path());
        for caller in callers {
            caller.abort();
        }
    }

    let service = start().await;
    settled(&service).await;
    no_secret_shows(&service, directory.path());
    let (client, told) = (service.client(), std::mem::take(&mut *told.lock().unwrap()));
    let (trunks, numbers) = (by_id(listed(&client, TRUNKS).await), by_id(listed(&client, NUMBERS).await));
    trunks_are_as_told(&told, &trunks);
    numbers_are_as_told(&told, &trunks, &numbers);
    livekit_has_sold(&service, &trunks, &numbers).await;
    twilio_has(&service, &trunks, &numbers).await;
}

/// Those of a carrier and those that imports have made.
fn trunks_are_as_told(told: &Told, trunks: &BTreeMap<String, Value>) {
    let live: BTreeSet<_> = trunks.keys().cloned().collect();
    // One that an import has made goes with its last number, and not before.
    let in_use =
        told.imported.iter().filter(|(id, _)| !told.doomed_numbers.contains(*id)).map(|(_, trunk_id)| trunk_id);
    let stands = &(&told.created | &in_use.cloned().collect()) - &told.doomed;
    assert!(stands.is_subset(&live), "lost: {:?}", &stands - &live);
    assert!(live.is_disjoint(&told.deleted), "came back: {:?}", &live & &told.deleted);
    for (id, name) in told.named.iter().filter(|(id, _)| stands.contains(*id)) {
        assert_eq!(trunks[id]["name"], **name, "{id} lost its name");
    }
}

fn numbers_are_as_told(told: &Told, trunks: &BTreeMap<String, Value>, numbers: &BTreeMap<String, Value>) {
    for (id, trunk_id) in told.imported.iter().filter(|(id, _)| !told.doomed_numbers.contains(*id)) {
        let number = numbers.get(id).unwrap_or_else(|| panic!("{id} is lost"));
        if !told.doomed.contains(trunk_id) {
            assert_eq!(number["trunk_id"], **trunk_id, "{id} lost its trunk");
        }
    }
    let there = numbers.keys().cloned().collect();
    assert!(told.deleted_numbers.is_disjoint(&there), "came back: {:?}", &told.deleted_numbers & &there);
    for (id, trunk) in trunks.iter().filter(|(_, trunk)| trunk["kind"] != "byoc") {
        assert!(numbers.values().any(|number| number["trunk_id"] == **id), "{trunk} outlived its numbers");
    }
}

/// The numbers that are there, and no more, each on the rule of its trunk.
async fn livekit_has_sold(service: &Trunkline, trunks: &BTreeMap<String, Value>, numbers: &BTreeMap<String, Value>) {
    let rule = |number: &Value| {
        let trunk_id = number["trunk_id"].as_str()?;
        Some(text(&trunks[trunk_id], "livekit_dispatch_rule_id"))
    };
    let bought = numbers.values().filter(|number| number["type"] == "livekit");
    let bought: BTreeMap<_, _> =
        bought.map(|number| (text(number, "e164"), rule(number).into_iter().collect())).collect();
    let livekit = probe::LiveKit::new(&serde_json::from_value(service.ready.clone()).unwrap());
    assert_eq!(BTreeMap::from_iter(livekit.sold().await), bought);
}

/// What the trunks of the account's numbers need, and no more.
async fn twilio_has(service: &Trunkline, trunks: &BTreeMap<String, Value>, numbers: &BTreeMap<String, Value>) {
    let e164 = |text: &str| E164::parse(text).unwrap();
    let bound = |id: &String| {
        let bound = numbers.values().filter(|number| number["trunk_id"] == **id);
        bound.map(|number| e164(&text(number, "e164"))).collect()
    };
    let expected = trunks.iter().filter(|(_, trunk)| trunk["kind"] == "twilio").map(|(id, _)| (id.clone(), bound(id)));
    let of_account = AccountNumbers {
        free: FREE.map(e164),
        on_own_trunk: e164(ON_A_TRUNK),
        of_application: e164(OF_AN_APPLICATION),
    };
    let twilio = probe::Twilio::new(service.ready("twilio_url").to_owned());
    let there = OnAccount::read(&twilio, &account_of(service)).await;
    assert_eq!(there.violations(&of_account, &expected.collect()), [""; 0]);
}

fn account_of(service: &Trunkline) -> TwilioAccount {
    account_with(service.ready("twilio_account_sid"), service.ready("twilio_auth_token"))
}

/// Neither in the log, nor in the database or its write-ahead log.
fn no_secret_shows(service: &Trunkline, folder: &Path) {
    let no_trace = |place: &str, text: &str| {
        canary::assert_no_trace(place, text);
        canary::assert_no_trace_of(service.ready("twilio_auth_token"), place, text);
    };
    no_trace("log", &service.process.stderr());
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of_the_table =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("dynamodb"));
    let mut read = 0;
    for path in files.filter(of_the_table) {
        no_trace("table", &String::from_utf8_lossy(&std::fs::read(path).unwrap()));
        read += 1;
    }
    assert_ne!(read, 0, "no table in {folder:?}");
}

/// Waits until there is one more of each deed.
async fn everything_is_done(told: &Mutex<Told>) {
    let (start, before) = (Instant::now(), told.lock().unwrap().deeds.len());
    loop {
        let done = told.lock().unwrap().deeds[before..].to_vec();
        let mut missing = Deed::ALL.iter().filter(|deed| !done.contains(deed)).peekable();
        if missing.peek().is_none() {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "not done: {:?}", Vec::from_iter(missing));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// One of several who use the service at the same time, for the same workspace.
#[derive(Clone)]
struct Caller {
    client: Client,
    account: TwilioAccount,
    told: Arc<Mutex<Told>>,
}

impl Caller {
    /// Creates, changes and deletes trunks and phone numbers of all kinds until nobody answers.
    async fn call_until_killed(self) {
        loop {
            match rand::random_range(0..4) {
                0 => {
                    // Few enough to be asked for twice.
                    let e164 = format!("+12125550{}", rand::random_range(100..120));
                    self.import(Kind::Livekit, &json!({ "e164": e164, "provider": "livekit" })).await;
                }
                1 | 2 => {
                    let e164 = FREE[rand::random_range(0..FREE.len())];
                    self.import(Kind::Twilio, &twilio_number(e164, &self.account)).await;
                }
                _ => self.carriers_trunk().await,
            }
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    async fn carriers_trunk(&self) {
        let created = self.client.create(&canary::body()).await;
        if created.status == 201 {
            {
                let mut told = self.told();
                told.created.insert(created.id().to_owned());
                told.deeds.push(Deed::Created);
            }
            self.change(created.id()).await;
            let e164 = format!("+49{:011}", rand::random_range(0..100_000_000_000_u64));
            self.import(Kind::Byoc, &number(&e164, created.id())).await;
        }
        // The oldest that there is: also one whose 201 nobody saw, or whose deletion was lost. They count too.
        let oldest = listed(&self.client, TRUNKS).await.pop().filter(|_| created.status != 201 || rand::random());
        if let Some(oldest) = oldest {
            self.delete_trunk(&text(&oldest, "id"), text(&oldest, "kind").parse().unwrap()).await;
        }
    }

    /// A new name and password, while the trunk is this caller's alone.
    async fn change(&self, id: &str) {
        let name = format!("named {}", rand::random::<u32>());
        let patch = json!({ "name": name, "auth_password": canary::NEW_PASSWORD, "transport": "tcp" });
        if self.client.patch(id, &patch).await.status == 200 {
            let mut told = self.told();
            told.named.insert(id.to_owned(), name);
            told.deeds.push(Deed::Changed);
        }
    }

    /// A number more, and every other time the oldest of its kind away, or the trunk from under it.
    async fn import(&self, provider: Kind, body: &Value) {
        let imported = self.client.import(body).await;
        if imported.status == 201 {
            let (id, trunk_id) = (imported.id().to_owned(), imported.text_of("trunk_id").to_owned());
            let mut told = self.told();
            told.deeds.push(Deed::Imported(provider));
            if provider == Kind::Twilio && told.imported.values().any(|other| *other == trunk_id) {
                told.deeds.push(Deed::Shared);
            }
            told.imported.insert(id, trunk_id);
        }
        let mut numbers = listed(&self.client, NUMBERS).await;
        numbers.retain(|number| number["type"] == provider.as_str());
        let Some(oldest) = numbers.pop().filter(|_| imported.status != 201 || rand::random()) else {
            return;
        };
        match oldest["trunk_id"].as_str() {
            Some(trunk_id) if rand::random_ratio(1, 4) => self.delete_trunk(trunk_id, provider).await,
            trunk_id => self.delete_number(&text(&oldest, "id"), trunk_id, provider).await,
        }
    }

    async fn delete_trunk(&self, id: &str, kind: Kind) {
        self.told().doomed.insert(id.to_owned());
        if self.client.delete_trunk(id).await.status == 204 {
            let mut told = self.told();
            told.deleted.insert(id.to_owned());
            told.deeds.push(Deed::TrunkDeleted(kind));
        }
    }

    async fn delete_number(&self, id: &str, trunk_id: Option<&str>, provider: Kind) {
        self.told().doomed_numbers.insert(id.to_owned());
        if self.client.delete_number(id).await.status != 204 {
            return;
        }
        {
            let mut told = self.told();
            told.deleted_numbers.insert(id.to_owned());
            told.deeds.push(Deed::NumberDeleted(provider));
        }
        match (provider, trunk_id) {
            (Kind::Livekit, Some(trunk_id)) => {
                self.told().deleted.insert(trunk_id.to_owned());
            }
            (Kind::Twilio, Some(trunk_id)) if self.client.get_trunk(trunk_id).await.status == 404 => {
                let mut told = self.told();
                if !told.doomed.contains(trunk_id) {
                    told.deleted.insert(trunk_id.to_owned());
                    told.deeds.push(Deed::WentWithTheLast);
                }
            }
            _ => {}
        }
    }
}

/// What there is, newest first.
async fn listed(client: &Client, path: &str) -> Vec<Value> {
    let mut listed = client.get(&format!("{path}?limit=200")).await.expect(200);
    let list = if path == TRUNKS { "trunks" } else { "numbers" };
    let Value::Array(items) = listed.body[list].take() else { panic!("{}", listed.text) };
    items
}

fn by_id(items: Vec<Value>) -> BTreeMap<String, Value> {
    items.into_iter().map(|item| (text(&item, "id"), item)).collect()
}

fn text(item: &Value, field: &str) -> String {
    item[field].as_str().unwrap_or_else(|| panic!("no {field} in {item}")).to_owned()
}

/// Waits until nothing is under way: then the checker finds nothing.
async fn settled(service: &Trunkline) {
    let settings = [
        ("TABLE_NAME", "table_name"),
        ("SECRET_PREFIX", "secret_prefix"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "dynamodb_url"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "secretsmanager_url"),
        ("AWS_ACCESS_KEY_ID", "aws_access_key_id"),
        ("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"),
        ("AWS_REGION", "aws_region"),
        ("LIVEKIT_URL", "livekit_url"),
        ("LIVEKIT_API_KEY", "livekit_api_key"),
        ("LIVEKIT_API_SECRET", "livekit_api_secret"),
    ];
    let settings = settings.map(|(name, field)| (name.to_owned(), service.ready(field).to_owned()));
    let clients = Clients::new(&Environment::from(BTreeMap::from(settings))).unwrap();
    let (table, audit) = (clients.table().unwrap(), clients.audit().unwrap());
    let start = Instant::now();
    loop {
        let records = table.records().await.unwrap();
        let pending = records.iter().any(|record| {
            matches!(
                record,
                TableRecord::Unsettled { .. }
                    | TableRecord::Tombstone { .. }
                    | TableRecord::Live { update: Some(_), .. }
            )
        });
        if !pending {
            assert_eq!(audit.run().await.unwrap(), []);
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{records:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
