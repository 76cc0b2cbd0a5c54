//! The whole service killed at random moments under load, and what is found when it starts again.
//!
//! `KILLS=200 cargo test -p trunkline --test kills` kills it as often as that.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use trunkline_bootstrap::{Clients, Environment};
use trunkline_provisioning::ports::{TableInventory, TableRecord};
use trunkline_tests::process::Trunkline;
use trunkline_tests::{Client, NUMBERS, TRUNKS, canary, number};

const QUICK_KILLS: usize = 10;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
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
    /// Phone numbers, by their ids; they outlive their trunks.
    imported: BTreeSet<String>,
    doomed_numbers: BTreeSet<String>,
    deleted_numbers: BTreeSet<String>,
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
        let callers = (0..CALLERS).map(|_| tokio::spawn(call_until_killed(service.client(), Arc::clone(&told))));
        let callers: Vec<_> = callers.collect();
        // What was interrupted counts until it is swept: without every second service left to itself until it has answered,
        // a slow machine would see nothing but a workspace at its cap.
        if kill % 2 == 0 {
            something_is_done(&told).await;
        }
        tokio::time::sleep(Duration::from_millis(rand::random_range(50..500))).await;
        service.process.signal("KILL").await;
        service.process.ended().await;
        canary::assert_no_trace("log", &service.process.stderr());
        no_secret_in_the_table(directory.path());
        for caller in callers {
            caller.abort();
        }
    }

    let service = start().await;
    let names = settled(&service).await;
    canary::assert_no_trace("log", &service.process.stderr());
    no_secret_in_the_table(directory.path());
    let told = std::mem::take(&mut *told.lock().unwrap());
    assert!(!told.created.is_empty() && !told.deleted.is_empty(), "{told:?}");
    let live: BTreeSet<_> = names.keys().cloned().collect();
    let stands = &told.created - &told.doomed;
    assert!(stands.is_subset(&live), "lost: {:?}", &stands - &live);
    assert!(live.is_disjoint(&told.deleted), "came back: {:?}", &live & &told.deleted);
    let numbers = BTreeSet::from_iter(listed_as(&service.client(), NUMBERS, "numbers").await);
    assert!(!told.imported.is_empty() && !told.deleted_numbers.is_empty(), "{told:?}");
    let stay = &told.imported - &told.doomed_numbers;
    assert!(stay.is_subset(&numbers), "lost: {:?}", &stay - &numbers);
    assert!(numbers.is_disjoint(&told.deleted_numbers), "came back: {:?}", &numbers & &told.deleted_numbers);
    assert!(!told.named.is_empty(), "{told:?}");
    for (id, name) in told.named.iter().filter(|(id, _)| stands.contains(*id)) {
        assert_eq!(names.get(id), Some(name), "{id} lost its name");
    }
}

/// Neither in the database nor in its write-ahead log.
fn no_secret_in_the_table(folder: &Path) {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of_the_table =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("dynamodb"));
    let mut read = 0;
    for path in files.filter(of_the_table) {
        canary::assert_no_trace("table", &String::from_utf8_lossy(&std::fs::read(path).unwrap()));
        read += 1;
    }
    assert_ne!(read, 0, "no table in {folder:?}");
}

/// Waits until a trunk more is created and one more deleted.
async fn something_is_done(told: &Mutex<Told>) {
    let done = || {
        let told = told.lock().unwrap();
        (told.created.len(), told.deleted.len())
    };
    let (start, (created, deleted)) = (Instant::now(), done());
    while done().0 == created || done().1 == deleted {
        assert!(start.elapsed() < PATIENCE, "nothing is answered");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Creates, changes and deletes trunks and phone numbers until nobody answers.
async fn call_until_killed(client: Client, told: Arc<Mutex<Told>>) {
    loop {
        let created = client.create(&canary::body()).await;
        if created.status == 201 {
            told.lock().unwrap().created.insert(created.id().to_owned());
            change(&client, created.id(), &told).await;
            import(&client, created.id(), &told).await;
        }
        // The oldest that there is: also one whose 201 nobody saw, or whose deletion was lost. They count too.
        let Some(oldest) = listed(&client).await.pop().filter(|_| created.status != 201 || rand::random()) else {
            continue;
        };
        told.lock().unwrap().doomed.insert(oldest.clone());
        if client.delete_trunk(&oldest).await.status == 204 {
            told.lock().unwrap().deleted.insert(oldest);
        }
    }
}

/// A new name and password, while the trunk is this caller's alone.
async fn change(client: &Client, id: &str, told: &Mutex<Told>) {
    let name = format!("named {}", rand::random::<u32>());
    let patch = json!({ "name": name, "auth_password": canary::NEW_PASSWORD, "transport": "tcp" });
    if client.patch(id, &patch).await.status == 200 {
        told.lock().unwrap().named.insert(id.to_owned(), name);
    }
}

/// A number on the trunk, and every other time the oldest that there is away.
async fn import(client: &Client, trunk_id: &str, told: &Mutex<Told>) {
    let e164 = format!("+49{:011}", rand::random_range(0..100_000_000_000_u64));
    let imported = client.import(&number(&e164, trunk_id)).await;
    if imported.status == 201 {
        told.lock().unwrap().imported.insert(imported.id().to_owned());
    }
    let numbers = listed_as(client, NUMBERS, "numbers").await;
    let Some(oldest) = numbers.last().filter(|_| imported.status != 201 || rand::random()) else {
        return;
    };
    told.lock().unwrap().doomed_numbers.insert(oldest.clone());
    if client.delete_number(oldest).await.status == 204 {
        told.lock().unwrap().deleted_numbers.insert(oldest.clone());
    }
}

/// The trunks that are there, newest first.
async fn listed(client: &Client) -> Vec<String> {
    listed_as(client, TRUNKS, "trunks").await
}

async fn listed_as(client: &Client, path: &str, field: &str) -> Vec<String> {
    let listed = client.get(&format!("{path}?limit=200")).await.expect(200);
    let items = listed.body[field].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Waits until the checker finds nothing; gives the names of the trunks that are there.
async fn settled(service: &Trunkline) -> BTreeMap<String, String> {
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
    let client = service.client();
    let mut names = BTreeMap::new();
    for id in listed(&client).await {
        let name = client.get_trunk(&id).await.expect(200).text_of("name").to_owned();
        names.insert(id, name);
    }
    names
}
