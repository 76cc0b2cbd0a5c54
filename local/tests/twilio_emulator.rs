//! What the Twilio emulator answers over the wire, to a client that knows nothing but HTTP.

use std::{fs, os::unix::fs::PermissionsExt};

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use trunkline_local::emulators::{
    journal::Storage,
    twilio::{Account, OwnNumber, Twilio, Use},
};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "a-token";
const OTHER_ACCOUNT: &str = "AC00000000000000000000000000000002";
const FREE: &str = "+12025550101";
const ON_A_TRUNK: &str = "+12025550102";
const OF_AN_APPLICATION: &str = "+12025550103";
const STRONG: &str = "IWasAtSignal2018";

/// An emulator that runs until it is told to stop.
struct Running {
    url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    async fn start(storage: &Storage, accounts: Vec<Account>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound port"));
        let emulator = Twilio::open(storage, accounts).expect("the storage opens");
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(emulator.serve(listener, async move {
            // A dropped sender is no request to stop.
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        }));
        Self { url, stop, task }
    }

    async fn stop(self) {
        self.stop.send(()).expect("the emulator runs");
        self.task.await.expect("it does not panic").expect("it stops cleanly");
    }

    fn client(&self) -> Client {
        self.client_of(ACCOUNT, TOKEN)
    }

    fn client_of(&self, account: &str, token: &str) -> Client {
        let login = Some((account.to_owned(), token.to_owned()));
        Client { url: self.url.clone(), login, http: reqwest::Client::new() }
    }
}

fn accounts() -> Vec<Account> {
    let other = Account { numbers: Vec::new(), ..Account::demo(OTHER_ACCOUNT, "other-token".into()) };
    vec![Account::demo(ACCOUNT, TOKEN.into()), other]
}

async fn start() -> Running {
    Running::start(&Storage::Memory, accounts()).await
}

struct Client {
    url: String,
    login: Option<(String, String)>,
    http: reqwest::Client,
}

/// Status and body.
type Answer = (u16, Value);

impl Client {
    async fn send(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some((account, token)) = &self.login {
            request = request.basic_auth(account, Some(token));
        }
        if !form.is_empty() {
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status();
        assert_eq!(response.headers().contains_key(header::WWW_AUTHENTICATE), status == StatusCode::UNAUTHORIZED);
        let body = response.bytes().await.expect("a body");
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("JSON") };
        (status.as_u16(), body)
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[]).await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(Method::POST, path, form).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[]).await
    }

    /// The sid of what is made.
    async fn create(&self, path: &str, form: &[(&str, &str)]) -> String {
        let (status, body) = self.post(path, form).await;
        assert_eq!(status, 201, "{body}");
        body["sid"].as_str().expect("a sid").to_owned()
    }

    /// The token that is the only one from here on.
    async fn new_token(&self) -> String {
        let (status, _) = self.post("/v1/AuthTokens/Secondary", &[]).await;
        assert_eq!(status, 201);
        let (status, body) = self.post("/v1/AuthTokens/Promote", &[]).await;
        assert_eq!(status, 200);
        body["auth_token"].as_str().expect("a token").to_owned()
    }

    async fn create_trunk(&self, name: &str) -> String {
        self.create("/v1/Trunks", &[("FriendlyName", name)]).await
    }

    async fn create_list(&self, name: &str) -> String {
        self.create(&lists(), &[("FriendlyName", name)]).await
    }

    /// The account's own number.
    async fn number(&self, phone_number: &str) -> Value {
        let (status, mut body) = self.get(&numbers(phone_number)).await;
        assert_eq!((status, body["incoming_phone_numbers"].as_array().map(Vec::len)), (200, Some(1)), "{body}");
        body["incoming_phone_numbers"][0].take()
    }
}

fn numbers(pattern: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("PhoneNumber", pattern).finish();
    format!("/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers.json?{query}")
}

fn lists() -> String {
    format!("/2010-04-01/Accounts/{ACCOUNT}/SIP/CredentialLists.json")
}

fn list(sid: &str) -> String {
    format!("/2010-04-01/Accounts/{ACCOUNT}/SIP/CredentialLists/{sid}.json")
}

fn credentials(list_sid: &str) -> String {
    format!("/2010-04-01/Accounts/{ACCOUNT}/SIP/CredentialLists/{list_sid}/Credentials.json")
}

#[track_caller]
fn refused((status, body): Answer, expected: u16, code: u32) {
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    assert_eq!((status, &body["code"], &body["status"]), (expected, &json!(code), &json!(expected)), "{body}");
    assert_eq!(body["more_info"], json!(more_info));
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
}

fn is_sid(value: &Value, prefix: &str) -> bool {
    let digits = value.as_str().and_then(|sid| sid.strip_prefix(prefix)).unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `Thu, 30 Jul 2015 23:19:04 +0000`.
fn is_rfc_2822(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == 31 && text.as_bytes()[3] == b',' && text.ends_with(" +0000")
}

/// `2015-01-02T11:23:45Z`.
fn is_iso_8601(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z')
}

#[tokio::test]
async fn a_request_needs_an_account_and_its_token() {
    let running = start().await;
    let (account, trunks) = (numbers(FREE), "/v1/Trunks");
    for client in [
        Client { login: None, ..running.client() },
        running.client_of(ACCOUNT, "other-token"),
        running.client_of(OTHER_ACCOUNT, TOKEN),
        running.client_of("AC00000000000000000000000000000003", TOKEN),
    ] {
        for path in [account.as_str(), trunks] {
            let expected = json!({
                "code": 20003,
                "message": "Authenticate",
                "more_info": "https://www.twilio.com/docs/errors/20003",
                "status": 401,
            });
            assert_eq!(client.get(path).await, (401, expected));
        }
    }
    assert_eq!(running.client().get(trunks).await.0, 200);
}

#[tokio::test]
async fn nothing_of_another_account_is_there() {
    let running = start().await;
    let (own, other) = (running.client(), running.client_of(OTHER_ACCOUNT, "other-token"));
    let trunk = own.create_trunk("own").await;
    let list_sid = own.create_list("own").await;
    let number = own.number(FREE).await["sid"].as_str().unwrap().to_owned();
    refused(other.get(&numbers(FREE)).await, 404, 20404);
    refused(other.get(&list(&list_sid)).await, 404, 20404);
    refused(other.get(&format!("/v1/Trunks/{trunk}")).await, 404, 20404);
    refused(other.delete(&format!("/v1/Trunks/{trunk}")).await, 404, 20404);
    assert_eq!(other.get("/v1/Trunks").await.1["trunks"], json!([]));
    let others = other.create_trunk("other's").await;
    refused(other.post(&format!("/v1/Trunks/{others}/PhoneNumbers"), &[("PhoneNumberSid", &number)]).await, 404, 20404);
    refused(
        other.post(&format!("/v1/Trunks/{others}/CredentialLists"), &[("CredentialListSid", &list_sid)]).await,
        404,
        20404,
    );
    for (method, path) in [(Method::GET, "/"), (Method::GET, "/v2/Trunks"), (Method::DELETE, "/v1/Trunks")] {
        let (status, body) = own.send(method, path, &[]).await;
        assert_eq!(body["message"], json!(format!("The requested resource {path} was not found")));
        refused((status, body), 404, 20404);
    }
}

#[tokio::test]
async fn the_demo_account_has_a_number_of_each_use() {
    let running = start().await;
    let client = running.client();
    let free = client.number(FREE).await;
    assert!(is_sid(&free["sid"], "PN") && is_rfc_2822(&free["date_created"]), "{free}");
    assert_eq!((&free["account_sid"], &free["phone_number"]), (&json!(ACCOUNT), &json!(FREE)));
    assert_eq!((&free["trunk_sid"], &free["voice_application_sid"]), (&Value::Null, &json!("")));
    let uri = format!("/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers/{}.json", free["sid"].as_str().unwrap());
    assert_eq!(free["uri"], json!(uri));
    let attached = client.number(ON_A_TRUNK).await;
    assert!(is_sid(&attached["trunk_sid"], "TK"), "{attached}");
    let trunk = client.get(&format!("/v1/Trunks/{}", attached["trunk_sid"].as_str().unwrap())).await;
    assert_eq!((trunk.0, &trunk.1["friendly_name"]), (200, &json!("Office")));
    let of_application = client.number(OF_AN_APPLICATION).await;
    assert!(is_sid(&of_application["voice_application_sid"], "AP"), "{of_application}");
    assert_eq!(of_application["trunk_sid"], Value::Null);
}

#[tokio::test]
async fn numbers_are_found_by_parts() {
    let running = start().await;
    for (pattern, found) in [(FREE, 1), ("2025550101", 1), ("+1202555", 5), ("+1202555010*", 5), ("+49", 0)] {
        let (status, body) = running.client().get(&numbers(pattern)).await;
        assert_eq!((status, body["incoming_phone_numbers"].as_array().unwrap().len()), (200, found), "{pattern}");
    }
}

#[tokio::test]
async fn a_trunk_is_kept_as_it_was_given() {
    let running = start().await;
    let client = running.client();
    let form = [("FriendlyName", "trunk_01"), ("DomainName", "Trunk-01.pstn.twilio.com")];
    let (status, trunk) = client.post("/v1/Trunks", &form).await;
    assert_eq!(status, 201);
    assert!(is_sid(&trunk["sid"], "TK") && is_iso_8601(&trunk["date_created"]), "{trunk}");
    assert_eq!((&trunk["friendly_name"], &trunk["account_sid"]), (&json!("trunk_01"), &json!(ACCOUNT)));
    assert_eq!((&trunk["domain_name"], &trunk["auth_type"]), (&json!("trunk-01.pstn.twilio.com"), &json!("")));
    let path = format!("/v1/Trunks/{}", trunk["sid"].as_str().unwrap());
    assert_eq!(trunk["url"], json!(format!("{}{path}", running.url)));
    assert_eq!(trunk["links"]["phone_numbers"], json!(format!("{}{path}/PhoneNumbers", running.url)));
    assert_eq!(client.get(&path).await, (200, trunk.clone()));
    // Twilio's list has the newest first; the account came with a trunk.
    let all = client.get("/v1/Trunks").await.1;
    assert_eq!((&all["trunks"][0], &all["trunks"][1]["friendly_name"]), (&trunk, &json!("Office")));
    assert_eq!(client.delete(&path).await, (204, Value::Null));
    refused(client.delete(&path).await, 404, 20404);
    refused(client.get(&path).await, 404, 20404);
}

#[tokio::test]
async fn a_domain_is_one_trunks() {
    let running = start().await;
    let client = running.client();
    let taken = [("DomainName", "taken.pstn.twilio.com")];
    let trunk = client.create("/v1/Trunks", &taken).await;
    refused(client.post("/v1/Trunks", &taken).await, 400, 21245);
    let other = running.client_of(OTHER_ACCOUNT, "other-token");
    refused(other.post("/v1/Trunks", &[("DomainName", "TAKEN.pstn.twilio.com")]).await, 400, 21248);
    for domain in ["", "taken", "taken.example.com", ".pstn.twilio.com", "trunk_01.pstn.twilio.com"] {
        refused(client.post("/v1/Trunks", &[("DomainName", domain)]).await, 400, 21245);
    }
    refused(client.post("/v1/Trunks", &[("DomainName", "sub.taken.pstn.twilio.com")]).await, 400, 21247);
    refused(client.post("/v1/Trunks", &[("FriendlyName", &"x".repeat(65))]).await, 400, 21245);
    client.delete(&format!("/v1/Trunks/{trunk}")).await;
    other.create("/v1/Trunks", &taken).await;
}

#[tokio::test]
async fn an_account_has_its_limits() {
    let account = Account { limit: 2, ..Account::demo(ACCOUNT, TOKEN.into()) };
    let running = Running::start(&Storage::Memory, vec![account]).await;
    let client = running.client();
    // One trunk was there already. Names of trunks need not differ.
    let trunk = client.create_trunk("Office").await;
    refused(client.post("/v1/Trunks", &[("FriendlyName", "c")]).await, 400, 21244);
    client.delete(&format!("/v1/Trunks/{trunk}")).await;
    client.create_trunk("c").await;
    client.create_list("a").await;
    client.create_list("b").await;
    refused(client.post(&lists(), &[("FriendlyName", "c")]).await, 400, 21239);
}

#[tokio::test]
async fn a_trunk_has_origination_urls() {
    let running = start().await;
    let client = running.client();
    let trunk = client.create_trunk("trunk_01").await;
    let path = format!("/v1/Trunks/{trunk}/OriginationUrls");
    let form = [
        ("FriendlyName", "trunk_01"),
        ("SipUrl", "sip:host.sip.livekit.example"),
        ("Priority", "10"),
        ("Weight", "20"),
        ("Enabled", "true"),
    ];
    let (status, url) = client.post(&path, &form).await;
    assert_eq!(status, 201);
    assert!(is_sid(&url["sid"], "OU") && is_iso_8601(&url["date_created"]), "{url}");
    assert_eq!((&url["sip_url"], &url["trunk_sid"]), (&json!("sip:host.sip.livekit.example"), &json!(trunk)));
    assert_eq!((&url["priority"], &url["weight"], &url["enabled"]), (&json!(10), &json!(20), &json!(true)));
    assert_eq!(client.get(&path).await.1["origination_urls"], json!([url]));
    for missing in 0..form.len() {
        let form: Vec<_> =
            form.iter().enumerate().filter(|(place, _)| *place != missing).map(|(_, pair)| *pair).collect();
        refused(client.post(&path, &form).await, 400, 20001);
    }
    for wrong in [("SipUrl", "https://a"), ("Weight", "0"), ("Weight", "65536"), ("Priority", "-1"), ("Priority", "x")]
    {
        let form: Vec<_> = form.iter().map(|pair| if pair.0 == wrong.0 { wrong } else { *pair }).collect();
        refused(client.post(&path, &form).await, 400, 21245);
    }
    // Unlike all else of a trunk, the same URL may be there twice.
    client.create(&path, &form).await;
    assert_eq!(client.get(&path).await.1["origination_urls"].as_array().unwrap().len(), 2);
    refused(client.post("/v1/Trunks/TK1/OriginationUrls", &form).await, 404, 20404);
}

#[tokio::test]
async fn a_credential_list_has_a_name_of_its_own() {
    let running = start().await;
    let client = running.client();
    let (status, created) = client.post(&lists(), &[("FriendlyName", "trunk_01")]).await;
    assert_eq!(status, 201);
    assert!(is_sid(&created["sid"], "CL") && is_rfc_2822(&created["date_created"]), "{created}");
    let sid = created["sid"].as_str().unwrap();
    assert_eq!((&created["friendly_name"], &created["uri"]), (&json!("trunk_01"), &json!(list(sid))));
    assert_eq!(created["subresource_uris"]["credentials"], json!(credentials(sid)));
    assert_eq!(client.get(&list(sid)).await, (200, created.clone()));
    assert_eq!(client.get(&lists()).await.1["credential_lists"], json!([created]));
    for name in ["trunk_01", "", &"x".repeat(65)] {
        refused(client.post(&lists(), &[("FriendlyName", name)]).await, 400, 21240);
    }
    refused(client.post(&lists(), &[]).await, 400, 21240);
    assert_eq!(client.delete(&list(sid)).await, (204, Value::Null));
    refused(client.delete(&list(sid)).await, 404, 20404);
    client.create_list("trunk_01").await;
}

#[tokio::test]
async fn a_credential_needs_a_strong_password() {
    let running = start().await;
    let client = running.client();
    let list_sid = client.create_list("trunk_01").await;
    let path = credentials(&list_sid);
    let username = "u".repeat(32);
    let (status, created) = client.post(&path, &[("Username", &username), ("Password", STRONG)]).await;
    assert_eq!((status, &created["username"]), (201, &json!(username)));
    assert!(is_sid(&created["sid"], "CR") && !created.to_string().contains(STRONG), "{created}");
    assert_eq!(client.get(&path).await.1["credentials"], json!([created]));
    for password in ["", "Short1short", "alllowercase1", "ALLUPPERCASE1", "NoDigitAtAllHere"] {
        refused(client.post(&path, &[("Username", "other"), ("Password", password)]).await, 400, 21243);
    }
    for username in [&username, "", &"u".repeat(33)] {
        refused(client.post(&path, &[("Username", username), ("Password", STRONG)]).await, 400, 21243);
    }
    refused(client.post(&credentials("CL1"), &[("Username", "a"), ("Password", STRONG)]).await, 404, 20404);
}

#[tokio::test]
async fn a_credential_list_stays_while_a_trunk_takes_it() {
    let running = start().await;
    let client = running.client();
    let (trunk, list_sid) = (client.create_trunk("trunk_01").await, client.create_list("trunk_01").await);
    let path = format!("/v1/Trunks/{trunk}/CredentialLists");
    refused(client.post(&path, &[("CredentialListSid", "CL1")]).await, 404, 20404);
    refused(client.post(&path, &[]).await, 400, 20001);
    let (status, attached) = client.post(&path, &[("CredentialListSid", &list_sid)]).await;
    assert_eq!((status, &attached["sid"], &attached["trunk_sid"]), (201, &json!(list_sid), &json!(trunk)));
    assert!(is_iso_8601(&attached["date_created"]), "{attached}");
    assert_eq!(client.get(&path).await.1["credential_lists"], json!([attached]));
    refused(client.post(&path, &[("CredentialListSid", &list_sid)]).await, 400, 21245);
    let trunk_path = format!("/v1/Trunks/{trunk}");
    assert_eq!(client.get(&trunk_path).await.1["auth_type"], json!("CREDENTIAL_LIST"));
    refused(client.delete(&list(&list_sid)).await, 400, 21241);
    client.delete(&trunk_path).await;
    assert_eq!(client.get(&list(&list_sid)).await.0, 200);
    assert_eq!(client.delete(&list(&list_sid)).await.0, 204);
}

#[tokio::test]
async fn a_number_is_one_trunks_and_loses_its_application() {
    let running = start().await;
    let client = running.client();
    let trunk = client.create_trunk("trunk_01").await;
    let path = format!("/v1/Trunks/{trunk}/PhoneNumbers");
    for phone_number in [FREE, ON_A_TRUNK, OF_AN_APPLICATION] {
        let before = client.number(phone_number).await;
        let sid = before["sid"].as_str().unwrap();
        let (status, attached) = client.post(&path, &[("PhoneNumberSid", sid)]).await;
        assert_eq!((status, &attached["sid"], &attached["trunk_sid"]), (201, &json!(sid), &json!(trunk)));
        assert!(is_iso_8601(&attached["date_created"]), "{attached}");
        assert_eq!(attached["url"], json!(format!("{}{path}/{sid}", running.url)));
        assert_eq!(client.get(&format!("{path}/{sid}")).await, (200, attached));
        if let Some(others) = before["trunk_sid"].as_str() {
            refused(client.get(&format!("/v1/Trunks/{others}/PhoneNumbers/{sid}")).await, 404, 20404);
            refused(client.delete(&format!("/v1/Trunks/{others}/PhoneNumbers/{sid}")).await, 404, 20404);
        }
        let now = client.number(phone_number).await;
        assert_eq!((&now["trunk_sid"], &now["voice_application_sid"]), (&json!(trunk), &json!("")));
        assert_eq!(now["voice_url"], before["voice_url"]);
    }
    assert_eq!(client.get(&path).await.1["phone_numbers"].as_array().unwrap().len(), 3);

    let sid = client.number(OF_AN_APPLICATION).await["sid"].as_str().unwrap().to_owned();
    assert_eq!(client.delete(&format!("{path}/{sid}")).await, (204, Value::Null));
    refused(client.delete(&format!("{path}/{sid}")).await, 404, 20404);
    let detached = client.number(OF_AN_APPLICATION).await;
    assert_eq!((&detached["trunk_sid"], &detached["voice_application_sid"]), (&Value::Null, &json!("")));
    client.delete(&format!("/v1/Trunks/{trunk}")).await;
    assert_eq!(client.number(FREE).await["trunk_sid"], Value::Null);
    refused(client.get(&path).await, 404, 20404);
    refused(client.post(&path, &[("PhoneNumberSid", &sid)]).await, 404, 20404);
}

#[tokio::test]
async fn lists_come_in_pages_of_two_kinds() {
    let running = start().await;
    let client = running.client();
    let mut names = Vec::new();
    for number in 0..5 {
        let name = format!("trunk_{number}");
        client.create_trunk(&name).await;
        client.create_list(&name).await;
        names.insert(0, name);
    }
    let named = |body: &Value, key: &str| -> Vec<String> {
        let items = body[key].as_array().unwrap();
        items.iter().map(|item| item["friendly_name"].as_str().unwrap().to_owned()).collect()
    };

    let (mut path, mut seen, mut page) = (format!("{}?PageSize=2", lists()), Vec::new(), 0);
    loop {
        let (status, body) = client.get(&path).await;
        let found = named(&body, "credential_lists");
        assert_eq!((status, &body["page"], &body["page_size"]), (200, &json!(page), &json!(2)));
        assert_eq!((&body["start"], &body["end"]), (&json!(page * 2), &json!(page * 2 + found.len() - 1)));
        assert_eq!(body["first_page_uri"], json!(format!("{}?PageSize=2&Page=0", lists())));
        seen.extend(found);
        // What is made meanwhile disturbs nothing.
        client.create_list(&format!("later {page}")).await;
        page += 1;
        match body["next_page_uri"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((&seen, page), (&names, 3));

    let (mut url, mut seen, mut page) = (format!("{}/v1/Trunks?PageSize=3", running.url), Vec::new(), 0);
    loop {
        let (status, body) = client.get(url.strip_prefix(&running.url).unwrap()).await;
        let meta = &body["meta"];
        assert_eq!((status, &meta["key"]), (200, &json!("trunks")));
        assert_eq!((&meta["page"], &meta["page_size"]), (&json!(page), &json!(3)));
        assert_eq!(meta["first_page_url"], json!(format!("{}/v1/Trunks?PageSize=3&Page=0", running.url)));
        seen.extend(named(&body, "trunks"));
        page += 1;
        match meta["next_page_url"].as_str() {
            Some(next) => url = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((&seen[..5], &seen[5..], page), (&names[..], &["Office".to_owned()][..], 2));

    let found = client.get(&format!("{}&PageSize=1", numbers("+1202"))).await.1;
    assert_eq!(found["incoming_phone_numbers"].as_array().unwrap().len(), 1);
    let next = found["next_page_uri"].as_str().unwrap();
    assert!(next.contains("PhoneNumber=%2B1202"), "{next}");
    assert_eq!(client.get("/v1/Trunks?PageSize=9999").await.1["meta"]["page_size"], json!(1000));
    assert_eq!(client.get("/v1/Trunks").await.1["meta"]["page_size"], json!(50));
}

#[tokio::test]
async fn an_account_changes_its_token_in_two_steps() {
    let running = start().await;
    let (client, other) = (running.client(), running.client_of(OTHER_ACCOUNT, "other-token"));
    refused(client.post("/v1/AuthTokens/Promote", &[]).await, 404, 20404);
    let (status, secondary) = client.post("/v1/AuthTokens/Secondary", &[]).await;
    assert_eq!((status, &secondary["account_sid"]), (201, &json!(ACCOUNT)));
    let token = secondary["secondary_auth_token"].as_str().unwrap();
    let changed = running.client_of(ACCOUNT, token);
    for client in [&client, &changed] {
        assert_eq!(client.get("/v1/Trunks").await.0, 200);
    }
    let (status, promoted) = changed.post("/v1/AuthTokens/Promote", &[]).await;
    assert_eq!((status, &promoted["auth_token"]), (200, &json!(token)));
    refused(client.get("/v1/Trunks").await, 401, 20003);
    for client in [&changed, &other] {
        assert_eq!(client.get("/v1/Trunks").await.0, 200);
    }
    // The one that replaces a secondary token is the only other one.
    let first = changed.post("/v1/AuthTokens/Secondary", &[]).await.1;
    changed.post("/v1/AuthTokens/Secondary", &[]).await;
    let replaced = running.client_of(ACCOUNT, first["secondary_auth_token"].as_str().unwrap());
    refused(replaced.get("/v1/Trunks").await, 401, 20003);
}

#[tokio::test]
async fn a_restart_finds_what_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("twilio.sqlite");
    let storage = Storage::File(file.clone());
    let running = Running::start(&storage, accounts()).await;
    let client = running.client();
    let (trunk, list_sid) = (client.create_trunk("trunk_01").await, client.create_list("trunk_01").await);
    let gone = client.create_trunk("gone").await;
    client.delete(&format!("/v1/Trunks/{gone}")).await;
    client.create(&credentials(&list_sid), &[("Username", "u"), ("Password", STRONG)]).await;
    let sid = client.number(FREE).await["sid"].as_str().unwrap().to_owned();
    client.create(&format!("/v1/Trunks/{trunk}/PhoneNumbers"), &[("PhoneNumberSid", &sid)]).await;
    client.create(&format!("/v1/Trunks/{trunk}/CredentialLists"), &[("CredentialListSid", &list_sid)]).await;
    let token = client.new_token().await;
    let paths = [
        "/v1/Trunks".to_owned(),
        format!("/v1/Trunks/{trunk}/CredentialLists"),
        numbers("+1"),
        lists(),
        credentials(&list_sid),
    ];
    let everything = async |running: &Running| {
        let mut all = Vec::new();
        for path in &paths {
            let (status, body) = running.client_of(ACCOUNT, &token).get(path).await;
            all.push((status, body.to_string().replace(&running.url, "")));
        }
        all
    };
    let before = everything(&running).await;
    running.stop().await;
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let mut more = accounts();
    more[1].numbers.push(OwnNumber { phone_number: "+12025550106".to_owned(), used_for: Use::VoiceUrl });
    let running = Running::start(&storage, more).await;
    assert_eq!(everything(&running).await, before);
    let other = running.client_of(OTHER_ACCOUNT, "other-token");
    let path = format!("/2010-04-01/Accounts/{OTHER_ACCOUNT}/IncomingPhoneNumbers.json");
    assert_eq!(other.get(&path).await.1["incoming_phone_numbers"][0]["phone_number"], json!("+12025550106"));
    running.stop().await;
}
