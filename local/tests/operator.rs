//! `trunkline workspace`, `key`, `sweep` and `audit` as operators run them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trunkline_domain::{ApiKey, WorkspaceId};
use trunkline_tests::canary::assert_no_trace_of;
use trunkline_tests::fault::{Fault, On, System};
use trunkline_tests::probe::{Item, Table, text};
use trunkline_tests::process::{Process, Trunkline};
use trunkline_tests::{Client, TRUNKS, World, inbound, redactions};

const BINARY: &str = env!("CARGO_BIN_EXE_trunkline");

/// A command that has ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    /// What a command that went well says, as JSON.
    #[track_caller]
    fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        serde_json::from_str(&self.stdout).expect("one JSON object")
    }
}

/// Who runs commands against one table.
struct Operator(BTreeMap<String, String>);

impl Operator {
    /// With the environment that docs/OPERATIONS.md names, and nothing else.
    fn of(trunkline: &Trunkline) -> Self {
        let variables = [
            ("AWS_ENDPOINT_URL_DYNAMODB", "dynamodb_url"),
            ("AWS_ACCESS_KEY_ID", "aws_access_key_id"),
            ("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"),
            ("AWS_REGION", "aws_region"),
            ("TABLE_NAME", "table_name"),
        ];
        Self(variables.map(|(name, field)| (name.to_owned(), trunkline.ready(field).to_owned())).into())
    }

    async fn run(&self, arguments: &[&str]) -> Ended {
        let mut process = Process::start(BINARY, arguments, &self.0);
        let code = process.ended().await.code();
        Ended { code, stdout: process.stdout(), stderr: process.stderr() }
    }

    async fn new_workspace(&self) -> String {
        self.run(&["workspace", "create", "--json"]).await.json()["workspace_id"].as_str().unwrap().to_owned()
    }

    /// A new key, and its id.
    async fn new_key(&self, workspace: &str) -> (String, String) {
        let made = self.run(&["key", "create", workspace, "--json"]).await.json();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("api_key"), text("key_id"))
    }

    async fn show(&self, workspace: &str) -> Value {
        self.run(&["workspace", "show", workspace, "--json"]).await.json()
    }
}

async fn start() -> (Trunkline, Operator) {
    let trunkline = Trunkline::start(BINARY, &[], &BTreeMap::new()).await;
    let operator = Operator::of(&trunkline);
    (trunkline, operator)
}

fn table(trunkline: &Trunkline) -> Table {
    Table::new(&serde_json::from_value(trunkline.ready.clone()).unwrap(), trunkline.ready("table_name"))
}

/// The names and texts of a record.
fn texts(item: &Item) -> BTreeMap<&str, &str> {
    item.iter().map(|(name, value)| (name.as_str(), value.as_s().or(value.as_n()).unwrap().as_str())).collect()
}

#[tokio::test]
async fn a_workspace_and_its_keys_are_of_use_at_once() {
    let (trunkline, operator) = start().await;
    let workspace = operator.run(&["workspace", "create", "--json"]).await.json();
    let id = workspace["workspace_id"].as_str().unwrap();
    let expected = json!({
        "workspace_id": id,
        "trunk_count": 0,
        "trunk_limit": 20,
        "has_default_limit": true,
        "created_at": workspace["created_at"],
    });
    assert_eq!(workspace, expected);
    assert!(id.parse::<WorkspaceId>().is_ok());

    let full = operator.run(&["key", "create", id, "--json"]).await.json();
    let read = operator.run(&["key", "create", id, "--scope", "read", "--json"]).await.json();
    let key = |made: &Value| made["api_key"].as_str().unwrap().to_owned();
    let listed = |made: &Value, scope: &str| json!({"key_id": made["key_id"], "scope": scope, "state": "active", "created_at": made["created_at"]});
    let list = operator.run(&["key", "list", id, "--json"]).await.json();
    assert_eq!(list, json!({"workspace_id": id, "api_keys": [listed(&full, "full"), listed(&read, "read")]}));

    let client = trunkline.client().with_key(&key(&full));
    let trunk = client.create(&inbound()).await.expect(201);
    let reader = client.with_key(&key(&read));
    assert_eq!(reader.get(TRUNKS).await.expect(200).body["trunks"], json!([trunk.body]));
    reader.create(&inbound()).await.expect_error(403, "insufficient_scope");
    trunkline.client().get_trunk(trunk.id()).await.expect_error(404, "sip_trunk_not_found");
    let shown = operator.show(id).await;
    assert_eq!((&shown["trunk_count"], &shown["active_api_keys"]), (&json!(1), &json!(2)));

    let items = table(&trunkline).items().await;
    let partition = format!("WS#{id}");
    let record = |pk: &str, sk: &str| {
        texts(items.iter().find(|item| text(item, "pk") == pk && text(item, "sk") == sk).expect("a record"))
    };
    let hash = ApiKey::presented(&key(&full)).hash().to_string();
    let key_id = full["key_id"].as_str().unwrap();
    let created_at = full["created_at"].as_str().unwrap();
    let key_partition = format!("KEY#{hash}");
    let expected = [
        ("pk", key_partition.as_str()),
        ("sk", "KEY"),
        ("workspace_id", id),
        ("scope", "full"),
        ("state", "active"),
        ("created_at", created_at),
    ];
    assert_eq!(record(&key_partition, "KEY"), BTreeMap::from(expected));
    let sort_key = format!("KEYREF#{key_id}");
    let expected = [("pk", partition.as_str()), ("sk", &sort_key), ("key_id", key_id), ("key_hash", &hash)];
    assert_eq!(record(&partition, &sort_key), BTreeMap::from(expected));
    let expected = [
        ("pk", partition.as_str()),
        ("sk", "WS"),
        ("workspace_id", id),
        ("trunk_count", "1"),
        ("number_count", "0"),
        ("livekit_project", "default"),
        ("created_at", workspace["created_at"].as_str().unwrap()),
    ];
    assert_eq!(record(&partition, "WS"), BTreeMap::from(expected));
    for key in [key(&full), key(&read)] {
        let secret = &key["sk_".len()..];
        assert_eq!(secret.len(), 43, "256 bits of letters and digits");
        assert_no_trace_of(secret, "the table", &format!("{items:?}"));
        assert_no_trace_of(secret, "the list", &list.to_string());
        assert_no_trace_of(secret, "the service's log", &trunkline.process.stderr());
    }
}

#[tokio::test]
async fn people_are_told_the_same() {
    let (trunkline, operator) = start().await;
    let id = operator.new_workspace().await;
    let mut told = Vec::new();
    for arguments in [
        &["workspace", "show", &id][..],
        &["key", "list", &id],
        &["key", "create", &id],
        &["workspace", "set-limit", &id, "0"],
    ] {
        let ended = operator.run(arguments).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        told.push(format!("$ trunkline {}\n{}", arguments.join(" "), ended.stdout));
    }
    let (key, key_id) = operator.new_key(&id).await;
    trunkline.client().with_key(&key).get(TRUNKS).await.expect(200);
    for arguments in [&["key", "revoke", &id, &key_id][..], &["key", "list", &id]] {
        told.push(format!("$ trunkline {}\n{}", arguments.join(" "), operator.run(arguments).await.stdout));
    }
    let mut settings = redactions();
    settings.add_filter("sk_[A-Za-z0-9]{43}", "[API key]");
    settings.bind(|| insta::assert_snapshot!(told.join("\n")));
}

#[tokio::test]
async fn a_revoked_key_is_refused() {
    let (trunkline, operator) = start().await;
    let id = operator.new_workspace().await;
    let ((revoked, key_id), (other, _)) = (operator.new_key(&id).await, operator.new_key(&id).await);
    let client = trunkline.client();
    client.with_key(&revoked).get(TRUNKS).await.expect(200);

    for _ in 0..2 {
        let answer = operator.run(&["key", "revoke", &id, &key_id, "--json"]).await.json();
        assert_eq!(answer, json!({"workspace_id": id, "key_id": key_id, "state": "revoked"}));
    }
    // For how long a process remembers a key it has seen, its own test says.
    let fresh = Trunkline::start(BINARY, &[], &operator.0).await;
    fresh.client().with_key(&revoked).get(TRUNKS).await.expect_error(401, "unauthorized");
    fresh.client().with_key(&revoked).create(&inbound()).await.expect_error(401, "unauthorized");
    fresh.client().with_key(&other).get(TRUNKS).await.expect(200);
    let list = operator.run(&["key", "list", &id, "--json"]).await.json();
    let states: Vec<_> = list["api_keys"].as_array().unwrap().iter().map(|key| &key["state"]).collect();
    assert_eq!(states, ["revoked", "active"]);
    assert_eq!(operator.show(&id).await["active_api_keys"], 1);
}

async fn trunks(client: &Client) -> usize {
    client.get(TRUNKS).await.expect(200).body["trunks"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_limit_holds_from_the_next_create_on_and_takes_nothing_away() {
    let (trunkline, operator) = start().await;
    let workspace = operator.run(&["workspace", "create", "--limit", "1", "--json"]).await.json();
    let id = workspace["workspace_id"].as_str().unwrap();
    assert_eq!((&workspace["trunk_limit"], &workspace["has_default_limit"]), (&json!(1), &json!(false)));
    let client = trunkline.client().with_key(&operator.new_key(id).await.0);
    let first = client.create(&inbound()).await.expect(201);
    let refused = client.create(&inbound()).await.expect_error(402, "payment_required");
    assert_eq!(refused.details(), &json!({ "limit": 1, "used": 1 }));

    let set = async |limit: &str| operator.run(&["workspace", "set-limit", id, limit, "--json"]).await.json();
    assert_eq!(set("3").await["trunk_limit"], 3);
    for _ in 0..2 {
        client.create(&inbound()).await.expect(201);
    }
    let lowered = set("1").await;
    assert_eq!((&lowered["trunk_limit"], &lowered["trunk_count"]), (&json!(1), &json!(3)));
    let refused = client.create(&inbound()).await.expect_error(402, "payment_required");
    assert_eq!(refused.details(), &json!({ "limit": 1, "used": 3 }));
    assert_eq!(trunks(&client).await, 3);
    client.get_trunk(first.id()).await.expect(200);
    client.delete_trunk(first.id()).await.expect(204);
    client.create(&inbound()).await.expect_error(402, "payment_required");

    let back = set("default").await;
    assert_eq!((&back["trunk_limit"], &back["has_default_limit"]), (&json!(20), &json!(true)));
    client.create(&inbound()).await.expect(201);
    assert_eq!(trunks(&client).await, 3);
    let items = table(&trunkline).items().await;
    let record = items.iter().find(|item| text(item, "workspace_id") == id && text(item, "sk") == "WS").unwrap();
    assert!(!record.contains_key("trunk_limit"));
}

#[tokio::test]
async fn what_is_not_there_is_named_and_nothing_changes() {
    let (trunkline, operator) = start().await;
    let (own, other) = (operator.new_workspace().await, operator.new_workspace().await);
    let (_, others_key) = operator.new_key(&other).await;
    let before = table(&trunkline).items().await;
    let nobody = WorkspaceId::new().to_string();
    let no_key = "key_01kdz0v1ctfpat8r05qs7wk4ed";
    for (arguments, named) in [
        (&["workspace", "show", &nobody][..], nobody.as_str()),
        (&["workspace", "set-limit", &nobody, "5"], &nobody),
        (&["workspace", "set-limit", &nobody, "default"], &nobody),
        (&["key", "create", &nobody], &nobody),
        (&["key", "list", &nobody], &nobody),
        (&["key", "revoke", &nobody, &others_key], &nobody),
        (&["key", "revoke", &own, no_key], no_key),
        (&["key", "revoke", &own, &others_key], &others_key),
    ] {
        let ended = operator.run(arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(ended.stderr.lines().count() == 1 && ended.stderr.contains(named), "{}", ended.stderr);
    }
    let by_key = |items: Vec<Item>| -> BTreeMap<String, Item> {
        items.into_iter().map(|item| (format!("{} {}", text(&item, "pk"), text(&item, "sk")), item)).collect()
    };
    assert_eq!(by_key(table(&trunkline).items().await), by_key(before));
}

#[tokio::test]
async fn a_wrong_argument_is_a_usage_error_that_repeats_no_key() {
    let (trunkline, operator) = start().await;
    let (workspace, key) = (trunkline.ready("workspace_id"), trunkline.ready("api_key"));
    for (arguments, said) in [
        (&["workspace", "show"][..], "<WORKSPACE>"),
        (&["workspace", "show", key], "a workspace id, ws_..."),
        (&["key", "create", key], "a workspace id, ws_..."),
        (&["key", "list", "WS_01"], "a workspace id, ws_..."),
        (&["key", "revoke", workspace, key], "`trunkline key list`"),
        (&["key", "revoke", workspace, workspace], "`trunkline key list`"),
        (&["key", "create", workspace, "--scope", "write"], "[possible values: full, read]"),
        (&["workspace", "set-limit", workspace], "<TRUNKS>"),
        (&["workspace", "set-limit", workspace, "-1"], "-1"),
        (&["workspace", "set-limit", workspace, "many"], "a number of trunks, or `default`"),
        (&["workspace", "create", "--limit", "1.5"], "a number of trunks, or `default`"),
        (&["workspace", "destroy", workspace], "destroy"),
        (&["workspace", "set-limit", workspace, key], "sk_..."),
        (&["workspace", "create", "--limit", key], "sk_..."),
        (&["key", key], "sk_..."),
        (&["key", "list", workspace, key], "sk_..."),
        (&["key", "create", workspace, "--scope", key], "sk_..."),
    ] {
        let ended = operator.run(arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ended.stderr.contains(said), "{arguments:?}: {}", ended.stderr);
        assert_no_trace_of(key, "a usage error", &ended.stderr);
    }
}

#[tokio::test]
async fn a_missing_setting_is_named() {
    let (trunkline, operator) = start().await;
    for name in ["TABLE_NAME", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let mut operator = Operator(operator.0.clone());
        operator.0.remove(name);
        let ended = operator.run(&["workspace", "show", trunkline.ready("workspace_id")]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{name}");
        assert!(ended.stderr.contains(&format!("{name} is not set")), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_lost_answer_makes_nothing_twice() {
    let world = World::faulty().await;
    let operator = Operator(world.environment());
    let dynamodb = world.faults(System::DynamoDb);
    let count = async |prefix: &str| {
        let items = world.dynamodb().items().await;
        items.iter().filter(|item| text(item, "sk").starts_with(prefix)).count()
    };
    let (workspaces, keys, references) = (count("WS").await, count("KEY").await, count("KEYREF#").await);
    assert_eq!((workspaces, keys - references, references), (2, 3, 3));

    dynamodb.inject(On::operation("TransactWriteItems").nth(1), Fault::DropAnswer);
    let id = operator.new_workspace().await;
    dynamodb.heal();
    dynamodb.inject(On::operation("TransactWriteItems").nth(1), Fault::DropAnswer);
    let (key, key_id) = operator.new_key(&id).await;
    dynamodb.heal();
    assert_eq!(dynamodb.faulted(), 2);
    assert_eq!((count("WS").await, count("KEYREF#").await, count("KEY").await), (3, 4, 8));
    dynamodb.inject(On::operation("UpdateItem").nth(1), Fault::DropAnswer);
    operator.run(&["key", "revoke", &id, &key_id, "--json"]).await.json();
    dynamodb.heal();
    assert_eq!(dynamodb.faulted(), 3);
    world.client().with_key(&key).get(TRUNKS).await.expect_error(401, "unauthorized");
    assert_eq!(world.differences().await, [""; 0]);
}

#[tokio::test]
async fn a_table_that_refuses_is_an_error_and_no_key_is_shown() {
    let world = World::faulty().await;
    let operator = Operator(world.environment());
    let before = world.dynamodb().items().await.len();
    for fault in [Fault::aws(400, "AccessDeniedException"), Fault::aws(400, "ResourceNotFoundException"), Fault::Drop] {
        world.faults(System::DynamoDb).inject(On::any(), fault);
        for arguments in [&["workspace", "create"][..], &["key", "create", &world.ready().workspace_id]] {
            let ended = operator.run(arguments).await;
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{arguments:?}");
            assert!(ended.stderr.contains("DynamoDB"), "{}", ended.stderr);
        }
        world.heal();
    }
    assert_eq!(world.dynamodb().items().await.len(), before);
}

#[tokio::test]
async fn a_sweep_and_an_audit_say_what_they_found() {
    let world = World::start().await;
    let operator = Operator(world.environment());
    let said = operator.run(&["sweep"]).await;
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "settled 0, postponed 0\n"));
    let swept = operator.run(&["sweep", "--json"]).await.json();
    assert_eq!(swept, json!({"settled": 0, "postponed": 0, "more_is_due": false}));

    let clean = operator.run(&["audit"]).await;
    assert_eq!((clean.code, clean.stdout.as_str()), (Some(0), "0 differences, 0 mended\n"));
    let stray = format!("{}stray", world.ready().secret_prefix);
    world.secrets().client.create_secret().name(stray).secret_string("{}").send().await.unwrap();
    let one = operator.run(&["audit"]).await;
    assert_eq!(one.code, Some(1));
    assert!(one.stdout.ends_with("\n1 difference, 0 mended\n"), "{}", one.stdout);
}
