//! What the LiveKit emulator keeps, and what it does better than the real server.

mod livekit;

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use livekit_protocol::{
    CreateSipOutboundTrunkRequest, DeleteSipTrunkRequest, ListSipDispatchRuleRequest, ListSipDispatchRuleResponse,
    ListSipInboundTrunkRequest, ListSipInboundTrunkResponse, ListSipOutboundTrunkRequest, ListSipOutboundTrunkResponse,
    SipInboundTrunkInfo, SipOutboundTrunkInfo, SipTrunkInfo,
};
use prost::Message;
use reqwest::header;
use trunkline_local::emulators::{
    journal::{JournalError, Storage},
    livekit::LiveKit,
};
use trunkline_tests::process::Trunkline;

use livekit::{
    API_KEY, API_SECRET, Client, Encoding, Server, credentials, failure, inbound, individual_rule, outbound, serve,
    unique_number,
};

fn emulated(url: String) -> Client {
    let server = Server { url, api_key: API_KEY.to_owned(), api_secret: API_SECRET.to_owned() };
    Client::new(server, Encoding::Protobuf)
}

#[tokio::test]
async fn of_conflicting_creates_at_once_one_succeeds() {
    let (url, running) = serve(&Storage::Memory).await;
    let number = unique_number();
    let creates = (0..20).map(|_| {
        let client = emulated(url.clone());
        let trunk = inbound(&number);
        tokio::spawn(async move { client.create_inbound(trunk).await.is_ok() })
    });
    let mut succeeded = 0;
    for create in creates.collect::<Vec<_>>() {
        succeeded += usize::from(create.await.unwrap());
    }
    assert_eq!(succeeded, 1);
    running.stop().await;
}

#[tokio::test]
async fn no_call_is_placed() {
    let (url, running) = serve(&Storage::Memory).await;
    let client = emulated(url);
    let answer: Result<SipTrunkInfo, _> = client.call("CreateSIPParticipant", &DeleteSipTrunkRequest::default()).await;
    assert_eq!(answer.unwrap_err(), failure(501, "unimplemented", "the LiveKit emulator does not place calls"));
    running.stop().await;
}

/// Every trunk and rule there is.
async fn everything(
    client: &Client,
) -> (ListSipInboundTrunkResponse, ListSipOutboundTrunkResponse, ListSipDispatchRuleResponse) {
    (
        client.call("ListSIPInboundTrunk", &ListSipInboundTrunkRequest::default()).await.expect("a list"),
        client.call("ListSIPOutboundTrunk", &ListSipOutboundTrunkRequest::default()).await.expect("a list"),
        client.call("ListSIPDispatchRule", &ListSipDispatchRuleRequest::default()).await.expect("a list"),
    )
}

#[tokio::test]
async fn a_restart_finds_what_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("livekit.sqlite");
    let storage = Storage::File(file.clone());
    let (url, running) = serve(&storage).await;
    let client = emulated(url);
    let kept = SipInboundTrunkInfo {
        auth_username: "alice".to_owned(),
        auth_password: "correct horse".to_owned(),
        ..inbound(&unique_number())
    };
    let kept = client.create_inbound(kept).await.unwrap();
    let gone = client.create_outbound(outbound(&unique_number())).await.unwrap();
    let moved = client.create_outbound(outbound(&unique_number())).await.unwrap();
    let rule = client.create_rule(individual_rule(&[&kept.sip_trunk_id])).await.unwrap();
    client.delete_trunk(&gone.sip_trunk_id).await.unwrap();
    let moved = client.replace_outbound(&moved.sip_trunk_id, outbound(&unique_number())).await.unwrap();
    let before = everything(&client).await;
    assert_eq!(before.0.items, [kept]);
    assert_eq!(before.1.items, [moved]);
    assert_eq!(before.2.items, [rule]);
    assert_private(directory.path());

    let second = LiveKit::open(&storage, &credentials());
    assert!(matches!(second.err(), Some(JournalError::Sqlite(_))), "a file has one owner");
    running.stop().await;

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let (url, running) = serve(&storage).await;
    assert_eq!(everything(&emulated(url)).await, before);
    assert_private(directory.path());
    running.stop().await;
}

/// Nobody else may read the data file or what SQLite puts beside it.
fn assert_private(directory: &Path) {
    for entry in fs::read_dir(directory).expect("the directory") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("its metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_answered() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--data-dir", directory.path().to_str().unwrap()];
    let start = async || Trunkline::start(env!("CARGO_BIN_EXE_trunkline"), &arguments, &BTreeMap::new()).await;
    let mut answered = Vec::new();
    for _ in 0..3 {
        let mut victim = start().await;
        // Writers are kept busy until the process is gone, so that it dies in the middle of a write.
        let writers = (0..4).map(|_| {
            let client = of_process(&victim);
            tokio::spawn(async move { write_until_failure(&client).await })
        });
        let writers = writers.collect::<Vec<_>>();
        tokio::time::sleep(Duration::from_millis(300)).await;
        victim.process.signal("KILL").await;
        victim.process.ended().await;
        for writer in writers {
            answered.extend(writer.await.unwrap());
        }

        let again = start().await;
        let found = of_process(&again).outbound_ids(Default::default()).await;
        assert!(!answered.is_empty());
        let lost = answered.iter().filter(|id| !found.contains(id)).collect::<Vec<_>>();
        assert!(lost.is_empty(), "{lost:?}");
    }
}

/// A client of the emulator in a process.
fn of_process(process: &Trunkline) -> Client {
    let [url, api_key, api_secret] =
        ["livekit_url", "livekit_api_key", "livekit_api_secret"].map(|field| process.ready(field).to_owned());
    Client::new(Server { url, api_key, api_secret }, Encoding::Protobuf)
}

/// The ids of the trunks that were made before the server went away.
async fn write_until_failure(client: &Client) -> Vec<String> {
    let request = CreateSipOutboundTrunkRequest { trunk: Some(outbound("+15105550100")) };
    let mut made = Vec::new();
    loop {
        let response = client
            .http
            .post(format!("{}/twirp/livekit.SIP/CreateSIPOutboundTrunk", client.server.url))
            .bearer_auth(client.server.admin_token())
            .header(header::CONTENT_TYPE, "application/protobuf")
            .body(request.encode_to_vec())
            .send()
            .await;
        let Ok(response) = response else { return made };
        let Ok(body) = response.bytes().await else { return made };
        made.push(SipOutboundTrunkInfo::decode(body).expect("a trunk").sip_trunk_id);
    }
}
