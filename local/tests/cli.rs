//! `trunkline dev` as people run and script it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;
use trunkline_domain::{AccountSid, AuthToken, TwilioAccount};
use trunkline_tests::fault::{On, System};
use trunkline_tests::probe::{OnTwilio, Twilio};
use trunkline_tests::process::{Process, Trunkline};
use trunkline_tests::{TRUNKS, World, both, inbound};

const BINARY: &str = env!("CARGO_BIN_EXE_trunkline");

fn nothing() -> BTreeMap<String, String> {
    BTreeMap::new()
}

fn mode(path: impl AsRef<Path>) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_ready_file_holds_exactly_what_a_script_needs() {
    let trunkline = Trunkline::start(BINARY, &[], &nothing()).await;
    let keys: Vec<_> = trunkline.ready.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "url",
        "workspace_id",
        "api_key",
        "read_api_key",
        "other_api_key",
        "table_name",
        "secret_prefix",
        "dynamodb_url",
        "secretsmanager_url",
        "livekit_url",
        "livekit_api_key",
        "livekit_api_secret",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_region",
        "twilio_url",
        "twilio_account_sid",
        "twilio_auth_token",
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert!(
        trunkline.ready.as_object().unwrap().values().all(|value| value.as_str().is_some_and(|text| !text.is_empty()))
    );
    assert_eq!(mode(trunkline.ready_file()), 0o600);
    let folder = trunkline.ready_file().parent().unwrap().to_owned();
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "nothing half written beside it");
    for url in ["url", "dynamodb_url", "secretsmanager_url", "livekit_url", "twilio_url"] {
        assert!(trunkline.ready(url).starts_with("http://127.0.0.1:"), "{url}");
    }

    let client = trunkline.client();
    let trunk = client.create(&both()).await.expect(201);
    client.with_key(trunkline.ready("read_api_key")).get_trunk(trunk.id()).await.expect(200);
    client.with_key(trunkline.ready("read_api_key")).create(&both()).await.expect(403);
    client.with_key(trunkline.ready("other_api_key")).get_trunk(trunk.id()).await.expect(404);
}

#[tokio::test]
async fn the_ready_file_is_silent_about_a_real_twilio() {
    for name in ["TWILIO_API_URL", "TWILIO_TRUNKING_URL"] {
        let environment = BTreeMap::from([(name.to_owned(), "https://twilio.example".to_owned())]);
        let trunkline = Trunkline::start(BINARY, &[], &environment).await;
        assert!(trunkline.ready.as_object().unwrap().keys().all(|key| !key.starts_with("twilio")), "{name}");
    }
}

#[tokio::test]
async fn a_ready_file_that_is_there_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ready.json");
    std::fs::write(&file, "old").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let arguments = ["dev", "--port", "0", "--ready-file", file.to_str().unwrap()];
    let mut process = Process::start(BINARY, &arguments, &nothing());
    let fresh = |_: &Process| std::fs::read_to_string(&file).ok().filter(|text| text != "old");
    let text = process.until("a new ready file", fresh).await;
    serde_json::from_str::<Value>(&text).expect("a whole ready file");
    assert_eq!(mode(&file), 0o600);
}

/// What is printed from the line on that names the command.
async fn printed_curl(process: &mut Process) -> String {
    let from_curl_on = |process: &Process| {
        let text = process.stdout();
        let start = text.find("curl ")?;
        // Printed whole: the command's last quote ends a line.
        text[start..].ends_with("'\n\n").then(|| text[start..].to_owned())
    };
    process.until("a curl", from_curl_on).await
}

#[tokio::test]
async fn the_printed_curl_creates_a_trunk() {
    let mut trunkline = Trunkline::start(BINARY, &[], &nothing()).await;
    let command = printed_curl(&mut trunkline.process).await;
    let printed = trunkline.process.stdout();
    assert!(printed.contains(trunkline.ready("url")) && printed.contains(trunkline.ready("api_key")), "{printed}");
    assert!(printed.contains(trunkline.ready("workspace_id")), "{printed}");
    let there = Command::new("sh").args(["-c", "command -v curl"]).output().await.unwrap().status.success();
    let body: Value = if there {
        let output = Command::new("sh").args(["-c", &command]).env("no_proxy", "*").output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    } else {
        let body = command.split("-d '").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
        trunkline.client().create(&serde_json::from_str(body).unwrap()).await.expect(201).body
    };
    assert_eq!(trunkline.client().get(TRUNKS).await.expect(200).body["trunks"], json!([body]));
}

#[tokio::test]
async fn dev_is_what_runs_without_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ready.json");
    let mut process = Process::start(BINARY, &["--port", "0", "--ready-file", file.to_str().unwrap()], &nothing());
    process.until("ready file", |_| std::fs::read_to_string(&file).ok()).await;
}

async fn on_twilio(trunkline: &Trunkline) -> OnTwilio {
    let account = TwilioAccount {
        account_sid: AccountSid::parse(trunkline.ready("twilio_account_sid")).unwrap(),
        auth_token: AuthToken::parse(trunkline.ready("twilio_auth_token")).unwrap(),
    };
    Twilio::new(trunkline.ready("twilio_url").to_owned()).all(&account).await
}

#[tokio::test]
async fn a_data_directory_is_there_again_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = ["--data-dir", data.to_str().unwrap()];
    let mut first = Trunkline::start(BINARY, &arguments, &nothing()).await;
    let trunk = first.client().create_once("order-1", &both()).await.expect(201);
    let other = first.client().with_key(first.ready("other_api_key")).create(&inbound()).await.expect(201);
    let on_first_twilio = on_twilio(&first).await;
    assert_eq!(on_first_twilio.numbers.len(), 5);
    first.process.signal("TERM").await;
    assert!(first.process.ended().await.success());
    assert_eq!(mode(&data), 0o700);
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }

    let second = Trunkline::start(BINARY, &arguments, &nothing()).await;
    for key in [
        "workspace_id",
        "api_key",
        "read_api_key",
        "other_api_key",
        "livekit_api_secret",
        "secret_prefix",
        "twilio_account_sid",
        "twilio_auth_token",
    ] {
        assert_eq!(second.ready(key), first.ready(key), "{key}");
    }
    assert_eq!(on_twilio(&second).await, on_first_twilio);
    let client = second.client();
    assert_eq!(client.get_trunk(trunk.id()).await.expect(200).body, trunk.body);
    assert_eq!(client.create_once("order-1", &both()).await.expect(201).text, trunk.text);
    client.with_key(second.ready("read_api_key")).get(TRUNKS).await.expect(200);
    client.with_key(second.ready("other_api_key")).get_trunk(other.id()).await.expect(200);
    // LiveKit's objects and the secret too: there is something to delete.
    let ready = serde_json::from_value(second.ready.clone()).unwrap();
    let livekit = trunkline_tests::probe::LiveKit::new(&ready).of(trunk.id()).await;
    assert_eq!((livekit.inbound.len(), livekit.outbound.len(), livekit.rules.len()), (1, 1, 1));
    client.delete_trunk(trunk.id()).await.expect(204);
}

#[tokio::test]
async fn a_killed_service_finds_its_data_again() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--data-dir", folder.path().to_str().unwrap()];
    let mut first = Trunkline::start(BINARY, &arguments, &nothing()).await;
    let trunk = first.client().create(&both()).await.expect(201);
    first.process.signal("KILL").await;
    assert!(!first.process.ended().await.success());
    let second = Trunkline::start(BINARY, &arguments, &nothing()).await;
    assert_eq!(second.client().get_trunk(trunk.id()).await.expect(200).body, trunk.body);
}

#[tokio::test]
async fn without_a_data_directory_everything_is_new() {
    let first = Trunkline::start(BINARY, &[], &nothing()).await;
    let second = Trunkline::start(BINARY, &[], &nothing()).await;
    for key in [
        "workspace_id",
        "api_key",
        "read_api_key",
        "other_api_key",
        "livekit_api_secret",
        "aws_secret_access_key",
        "twilio_auth_token",
    ] {
        assert_ne!(first.ready(key), second.ready(key), "{key}");
    }
    second.client().with_key(first.ready("api_key")).get(TRUNKS).await.expect(401);
}

#[tokio::test]
async fn a_signal_lets_the_running_request_finish() {
    for signal in ["TERM", "INT"] {
        let world = World::faulty().await;
        let mut trunkline = Trunkline::start(BINARY, &[], &world.environment()).await;
        let gate = world.faults(System::LiveKit).hold(On::operation("CreateSIPInboundTrunk"));
        let client = trunkline.client();
        let running = tokio::spawn(async move { client.create(&both()).await });
        gate.reached().await;
        trunkline.process.signal(signal).await;
        let stopping = |process: &Process| process.stderr().contains("stopping").then_some(());
        trunkline.process.until("word of the signal", stopping).await;
        assert!(trunkline.process.is_running());
        gate.open();
        running.await.unwrap().expect(201);
        assert_eq!(trunkline.process.ended().await.code(), Some(0), "{signal}");
        assert_eq!(world.left().await.active, 1);
    }
}

#[tokio::test]
async fn a_malformed_setting_is_one_line_that_names_it() {
    for (name, value) in [
        ("LEASE_SECONDS", "a while"),
        ("TOMBSTONE_SECONDS", "for ever"),
        ("ALLOW_PRIVATE_SIP_ADDRESSES", "perhaps"),
        ("LIVEKIT_URL", "ftp://livekit.example"),
        ("LIVEKIT_API_KEY", ""),
        ("LIVEKIT_API_SECRET", ""),
        ("LIVEKIT_SIP_HOST", "user@host"),
        ("SECRET_PREFIX", "not a prefix"),
        ("TWILIO_API_URL", "api.twilio.example"),
        ("TWILIO_TRUNKING_URL", "ftp://trunking.twilio.example"),
        ("AWS_CA_BUNDLE", "/nowhere/bundle.pem"),
    ] {
        // A real LiveKit, so that its keys are needed too.
        let livekit =
            [("LIVEKIT_URL", "https://livekit.example"), ("LIVEKIT_API_KEY", "key"), ("LIVEKIT_API_SECRET", "secret")];
        let settings = livekit.into_iter().chain([(name, value)]);
        let environment = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut process = Process::start(BINARY, &["dev", "--port", "0"], &environment);
        let status = process.ended().await;
        let stderr = process.stderr();
        assert_eq!((status.code(), stderr.lines().count()), (Some(1), 1), "{name}: {stderr}");
        assert!(stderr.contains(name), "{name}: {stderr}");
        assert_eq!(process.stdout(), "", "{name}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut process = Process::start(BINARY, &["dev", "--port", &port], &nothing());
    assert_eq!(process.ended().await.code(), Some(1));
    let stderr = process.stderr();
    assert!(stderr.lines().count() == 1 && stderr.contains(&port), "{stderr}");
}

#[tokio::test]
async fn away_from_a_terminal_each_log_line_is_json() {
    let trunkline = Trunkline::start(BINARY, &[], &nothing()).await;
    let created = trunkline.client().create(&both()).await.expect(201);
    let missing = trunkline.client().get("/nowhere").await.expect(404);
    let stderr = trunkline.process.stderr();
    let lines: Vec<Value> = stderr.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    for (answer, status) in [(created, 201), (missing, 404)] {
        let id = answer.header("trunkline-request-id").unwrap();
        let line = lines.iter().find(|line| line.to_string().contains(id)).expect("a line of the request");
        assert!(line["timestamp"].is_string() && line["level"].is_string() && line["message"].is_string(), "{line}");
        assert_eq!(line["http.status"], status, "{line}");
    }
}
