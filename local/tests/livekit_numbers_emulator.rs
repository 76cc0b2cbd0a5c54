//! What LiveKit's phone-number API answers, over the wire in both encodings. Only LiveKit Cloud has it, so there is no
//! server to ask the same.

// The deprecated fields are part of what is answered.
#![allow(deprecated)]

mod livekit;

use livekit_protocol::{
    GetPhoneNumberRequest, GetPhoneNumberResponse, ListPhoneNumbersRequest, ListPhoneNumbersResponse,
    ListSipDispatchRuleRequest, ListSipDispatchRuleResponse, PhoneNumber, PhoneNumberStatus, PhoneNumberType,
    PurchasePhoneNumberRequest, PurchasePhoneNumberResponse, ReleasePhoneNumbersRequest, ReleasePhoneNumbersResponse,
    SearchPhoneNumbersRequest, SearchPhoneNumbersResponse, TokenPagination, UpdatePhoneNumberRequest,
    UpdatePhoneNumberResponse,
};
use livekit_token::SIPGrants;
use prost::Message;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use trunkline_local::emulators::journal::Storage;

use livekit::{
    API_KEY, API_SECRET, Client, Encoding, Failure, Server, failure, individual_rule, parse_failure, serve, strings,
};

use PhoneNumberStatus::{Active, Offline, Pending, Released};

/// Two emulators, spoken to in an encoding each.
async fn clients() -> [Client; 2] {
    [client(Encoding::Protobuf).await, client(Encoding::Json).await]
}

async fn client(encoding: Encoding) -> Client {
    let (url, _running) = serve(&Storage::Memory).await;
    of(url, encoding)
}

fn of(url: String, encoding: Encoding) -> Client {
    Client::new(Server { url, api_key: API_KEY.to_owned(), api_secret: API_SECRET.to_owned() }, encoding)
}

async fn call<Answer: Message + Default + DeserializeOwned>(
    client: &Client,
    method: &str,
    request: &(impl Message + Serialize),
) -> Result<Answer, Failure> {
    client.call_of("livekit.PhoneNumberService", method, request).await
}

async fn search(client: &Client, request: SearchPhoneNumbersRequest) -> Result<SearchPhoneNumbersResponse, Failure> {
    call(client, "SearchPhoneNumbers", &request).await
}

async fn buy(client: &Client, numbers: &[&str], rule: Option<&str>) -> Result<Vec<PhoneNumber>, Failure> {
    let request =
        PurchasePhoneNumberRequest { phone_numbers: strings(numbers), sip_dispatch_rule_id: rule.map(str::to_owned) };
    let answer: PurchasePhoneNumberResponse = call(client, "PurchasePhoneNumber", &request).await?;
    Ok(answer.phone_numbers)
}

async fn list(client: &Client, request: ListPhoneNumbersRequest) -> ListPhoneNumbersResponse {
    call(client, "ListPhoneNumbers", &request).await.expect("a list")
}

async fn get(client: &Client, id: &str) -> Result<PhoneNumber, Failure> {
    let request = GetPhoneNumberRequest { id: Some(id.to_owned()), phone_number: None };
    let answer: GetPhoneNumberResponse = call(client, "GetPhoneNumber", &request).await?;
    Ok(answer.phone_number.expect("a number"))
}

async fn move_to(client: &Client, id: &str, rule: &str) -> Result<PhoneNumber, Failure> {
    let request = UpdatePhoneNumberRequest {
        id: Some(id.to_owned()),
        sip_dispatch_rule_id: Some(rule.to_owned()),
        ..Default::default()
    };
    let answer: UpdatePhoneNumberResponse = call(client, "UpdatePhoneNumber", &request).await?;
    Ok(answer.phone_number.expect("a number"))
}

async fn release(client: &Client, ids: &[&str]) -> Result<(), Failure> {
    let request = ReleasePhoneNumbersRequest { ids: strings(ids), ..Default::default() };
    let ReleasePhoneNumbersResponse {} = call(client, "ReleasePhoneNumbers", &request).await?;
    Ok(())
}

/// A rule for one trunk.
async fn rule(client: &Client, trunk_id: &str) -> String {
    client.create_rule(individual_rule(&[trunk_id])).await.expect("a rule").sip_dispatch_rule_id
}

async fn trunks_of(client: &Client, rule_id: &str) -> Vec<String> {
    let request = ListSipDispatchRuleRequest { dispatch_rule_ids: strings(&[rule_id]), ..Default::default() };
    let answer: ListSipDispatchRuleResponse = client.call("ListSIPDispatchRule", &request).await.expect("a list");
    answer.items.into_iter().flat_map(|rule| rule.trunk_ids).collect()
}

fn in_us() -> SearchPhoneNumbersRequest {
    SearchPhoneNumbersRequest { country_code: "US".to_owned(), ..Default::default() }
}

fn numbers(items: &[PhoneNumber]) -> Vec<&str> {
    items.iter().map(|number| number.e164_format.as_str()).collect()
}

fn ids(items: &[PhoneNumber]) -> Vec<&str> {
    items.iter().map(|number| number.id.as_str()).collect()
}

fn refused(what: &str) -> Failure {
    failure(400, "invalid_argument", format!("twirp error unknown: Failed to {what}"))
}

fn no_such_number() -> Failure {
    failure(404, "not_found", "requested phone number does not exist")
}

#[tokio::test]
async fn the_rules_of_twirp_and_of_tokens_are_those_of_sip() {
    let client = client(Encoding::Json).await;
    let send = |method: &'static str, token: Option<String>, body: &'static str| {
        let url = format!("{}/twirp/livekit.PhoneNumberService/{method}", client.server.url);
        let mut request = client.http.post(url).header("content-type", "application/json").body(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        async move {
            let response = request.send().await.unwrap();
            (response.status(), response.bytes().await.unwrap())
        }
    };
    let admin = || Some(client.server.admin_token());
    let caller = Some(client.server.token(SIPGrants { admin: false, call: true }));
    for token in [None, caller] {
        let (status, body) = send("ListPhoneNumbers", token, "{}").await;
        assert_eq!(parse_failure(status, &body), failure(401, "unauthenticated", "permissions denied"));
    }
    let (status, body) = send("ListPhoneNumbers", Some("nonsense".to_owned()), "{}").await;
    assert_eq!((status.as_u16(), body.as_ref()), (401, b"invalid authorization token".as_slice()));
    let (status, body) = send("ListPhoneNumbers", admin(), "{").await;
    assert_eq!(parse_failure(status, &body), failure(400, "malformed", "the json request could not be decoded"));
    let (status, body) = send("SellPhoneNumber", admin(), "{}").await;
    let unknown = parse_failure(status, &body);
    assert_eq!((unknown.status, unknown.code.as_str()), (404, "bad_route"));

    let other = client.http.post(format!("{}/twirp/livekit.Egress/ListEgress", client.server.url));
    let other = other.bearer_auth(client.server.admin_token()).send().await.unwrap();
    assert_eq!((other.status().as_u16(), other.text().await.unwrap()), (404, "404 page not found\n".to_owned()));
}

#[tokio::test]
async fn numbers_are_searched_by_country_and_area() {
    for client in clients().await {
        let all = search(&client, SearchPhoneNumbersRequest { limit: Some(1000), ..in_us() }).await.unwrap();
        assert_eq!((all.items.len(), all.next_page_token), (200, None));
        assert_eq!(
            all.items[0],
            PhoneNumber {
                e164_format: "+12025550100".to_owned(),
                country_code: "US".to_owned(),
                area_code: "202".to_owned(),
                number_type: PhoneNumberType::Local.into(),
                locality: "WASHINGTON".to_owned(),
                region: "DC".to_owned(),
                capabilities: strings(&["voice"]),
                ..Default::default()
            }
        );
        let area = SearchPhoneNumbersRequest { area_code: Some("415".to_owned()), limit: Some(2), ..in_us() };
        let found = search(&client, area).await.unwrap();
        assert_eq!(numbers(&found.items), ["+14155550100", "+14155550101"]);
        let nobodys = SearchPhoneNumbersRequest { area_code: Some("999".to_owned()), ..in_us() };
        assert_eq!(search(&client, nobodys).await.unwrap().items, []);
        let elsewhere = SearchPhoneNumbersRequest { country_code: "CA".to_owned(), ..Default::default() };
        assert_eq!(search(&client, elsewhere).await.unwrap().items, []);

        let part = SearchPhoneNumbersRequest { area_code: Some("41".to_owned()), ..in_us() };
        for request in [part, SearchPhoneNumbersRequest::default()] {
            assert_eq!(search(&client, request).await, Err(refused("search phone numbers")));
        }
    }
}

#[tokio::test]
async fn pages_follow_a_token() {
    for client in clients().await {
        let mut request = in_us();
        let mut found = Vec::new();
        let mut sizes = Vec::new();
        loop {
            let page = search(&client, request.clone()).await.unwrap();
            sizes.push(page.items.len());
            found.extend(page.items);
            request.page_token = page.next_page_token;
            if request.page_token.is_none() {
                break;
            }
        }
        assert_eq!(sizes, [50; 4]);
        assert!(numbers(&found).is_sorted_by(|a, b| a < b));
        assert_eq!(found.len(), 200);

        // As LiveKit's own encoder writes it, and its CLI asks for a page.
        let token = TokenPagination { token: "eyJvZmZzZXQiOjE5NywibGltaXQiOjJ9".to_owned() };
        let page = SearchPhoneNumbersRequest { page_token: Some(token), limit: Some(7), ..in_us() };
        let page = search(&client, page).await.unwrap();
        assert_eq!(numbers(&page.items), ["+16175550117", "+16175550118"]);
        let next = SearchPhoneNumbersRequest { page_token: page.next_page_token, ..in_us() };
        assert_eq!(numbers(&search(&client, next).await.unwrap().items), ["+16175550119"]);

        let token = |token: &str| Some(TokenPagination { token: token.to_owned() });
        let beyond = token("eyJvZmZzZXQiOjk5OTksImxpbWl0IjoyfQ==");
        let beyond = SearchPhoneNumbersRequest { page_token: beyond, ..in_us() };
        assert_eq!(search(&client, beyond).await.unwrap(), SearchPhoneNumbersResponse::default());
        for nonsense in ["2", "bm90IGpzb24="] {
            let request = SearchPhoneNumbersRequest { page_token: token(nonsense), ..in_us() };
            let expected = failure(400, "invalid_argument", "failed to decode token");
            assert_eq!(search(&client, request).await, Err(expected), "{nonsense}");
        }
    }
}

#[tokio::test]
async fn a_number_is_bought_for_a_rule() {
    for client in clients().await {
        let rule = rule(&client, "ST_1").await;
        let bought = buy(&client, &["+14155550101"], Some(&rule)).await.unwrap();
        let id = bought[0].id.as_str();
        assert!(id.strip_prefix("PN_PPN_").is_some_and(|rest| rest.len() == 12), "{id}");
        assert_eq!(
            bought,
            [PhoneNumber {
                id: id.to_owned(),
                e164_format: "+14155550101".to_owned(),
                status: Active.into(),
                ..Default::default()
            }]
        );
        assert_eq!(trunks_of(&client, &rule).await, ["ST_1", id]);
        let listed = list(&client, ListPhoneNumbersRequest::default()).await;
        assert_eq!((listed.total_count, listed.offline_count, listed.next_page_token), (1, 0, None));
        let number = &listed.items[0];
        assert_eq!((number.id.as_str(), number.area_code.as_str(), number.region.as_str()), (id, "415", "CA"));
        assert_eq!(
            (&number.sip_dispatch_rule_id, number.sip_dispatch_rule_ids.as_slice()),
            (&rule, [rule.clone()].as_slice())
        );
        assert!(number.assigned_at.as_ref().is_some_and(|at| at.seconds > 1_700_000_000));
        assert_eq!(get(&client, id).await.as_ref(), Ok(number));
        let by_number = GetPhoneNumberRequest { id: None, phone_number: Some("+14155550101".to_owned()) };
        let by_number: GetPhoneNumberResponse = call(&client, "GetPhoneNumber", &by_number).await.unwrap();
        assert_eq!(by_number.phone_number.as_ref(), Some(number));

        let area = SearchPhoneNumbersRequest { area_code: Some("415".to_owned()), limit: Some(2), ..in_us() };
        let left = search(&client, area).await.unwrap();
        assert_eq!(numbers(&left.items), ["+14155550100", "+14155550102"]);
    }
}

#[tokio::test]
async fn what_is_not_for_sale_is_not_bought() {
    for client in clients().await {
        let rule = rule(&client, "ST_1").await;
        buy(&client, &["+14155550101"], None).await.unwrap();
        for (numbers, rule) in [
            (vec!["+14155550101"], Some(rule.as_str())),
            (vec!["+14155550100", "+14155550101"], None),
            (vec!["+14155550100", "+14155559999"], None),
            (vec!["+14165550100"], None),
            (vec!["+493012345678"], None),
            (vec!["4155550100"], None),
            (vec!["+14155550100"], Some("SDR_none")),
            (vec![], None),
        ] {
            let refusal = buy(&client, &numbers, rule).await;
            assert_eq!(refusal, Err(refused("purchase phone numbers")), "{numbers:?} {rule:?}");
        }
        assert_eq!(list(&client, ListPhoneNumbersRequest::default()).await.total_count, 1);
        assert_eq!(trunks_of(&client, &rule).await, ["ST_1"]);
        // Without a rule it may be said by an empty id.
        let both = buy(&client, &["+14155550100", "+14155550100", "+14155550102"], Some("")).await.unwrap();
        assert_eq!(numbers(&both), ["+14155550100", "+14155550102"]);
    }
}

#[tokio::test]
async fn a_number_is_active_when_a_rule_takes_its_calls() {
    for client in clients().await {
        let bought = buy(&client, &["+14155550101"], None).await.unwrap();
        let id = bought[0].id.as_str();
        assert_eq!(bought[0].status(), Offline);
        let status = async || get(&client, id).await.unwrap().status();
        assert_eq!(status().await, Offline);

        let first = rule(&client, "ST_1").await;
        let moved = move_to(&client, id, &first).await.unwrap();
        assert_eq!(
            moved,
            PhoneNumber {
                id: id.to_owned(),
                e164_format: "+14155550101".to_owned(),
                status: Active.into(),
                sip_dispatch_rule_id: first.clone(),
                sip_dispatch_rule_ids: vec![first.clone()],
                ..Default::default()
            }
        );
        let second = rule(&client, "ST_2").await;
        assert_eq!(move_to(&client, id, &second).await.unwrap().sip_dispatch_rule_ids, [second.as_str()]);
        assert_eq!(trunks_of(&client, &first).await, ["ST_1"]);
        assert_eq!(move_to(&client, id, "SDR_none").await, Err(refused("update phone number")));
        assert_eq!(get(&client, id).await.unwrap().sip_dispatch_rule_ids, [second.as_str()]);

        client.delete_rule(&second).await.unwrap();
        assert_eq!(status().await, Offline);
        move_to(&client, id, &first).await.unwrap();
        assert_eq!(move_to(&client, id, "").await.unwrap().status(), Offline);
        assert_eq!(trunks_of(&client, &first).await, ["ST_1"]);

        // A rule for everything takes its calls too, and is not named.
        client.create_rule(individual_rule(&[])).await.unwrap();
        let number = get(&client, id).await.unwrap();
        assert_eq!((number.status(), number.sip_dispatch_rule_ids.len()), (Active, 0));
    }
}

#[tokio::test]
async fn a_number_has_a_name() {
    for client in clients().await {
        let bought = buy(&client, &["+14155550101"], None).await.unwrap();
        let request = UpdatePhoneNumberRequest {
            phone_number: Some("+14155550101".to_owned()),
            name: Some("Front desk".to_owned()),
            ..Default::default()
        };
        let _: UpdatePhoneNumberResponse = call(&client, "UpdatePhoneNumber", &request).await.unwrap();
        assert_eq!(get(&client, &bought[0].id).await.unwrap().name, "Front desk");
    }
}

#[tokio::test]
async fn numbers_are_listed_by_state_and_by_rule() {
    for client in clients().await {
        let rule = rule(&client, "ST_1").await;
        let bought = buy(&client, &["+14155550100", "+14155550101"], Some(&rule)).await.unwrap();
        let offline = buy(&client, &["+14155550102"], None).await.unwrap();
        let gone = buy(&client, &["+14155550103"], None).await.unwrap();
        release(&client, &[&gone[0].id]).await.unwrap();
        let [gone, offline] = [gone[0].id.as_str(), offline[0].id.as_str()];
        let with_rule = ids(&bought);
        let of = |statuses: &[PhoneNumberStatus], rule: Option<&str>| ListPhoneNumbersRequest {
            statuses: statuses.iter().map(|status| (*status).into()).collect(),
            sip_dispatch_rule_id: rule.map(str::to_owned),
            ..Default::default()
        };
        let owned = [with_rule.as_slice(), &[offline]].concat();
        for (request, expected, offline_count) in [
            (of(&[], None), owned.clone(), 1),
            (of(&[Active, Offline, Pending], None), owned, 1),
            (of(&[Active], None), with_rule.clone(), 0),
            (of(&[Offline], None), vec![offline], 1),
            (of(&[Released], None), vec![gone], 0),
            (of(&[], Some(&rule)), with_rule, 0),
            (of(&[], Some("SDR_none")), vec![], 0),
        ] {
            let listed = list(&client, request.clone()).await;
            assert_eq!(ids(&listed.items), expected, "{request:?}");
            assert_eq!((listed.total_count, listed.offline_count), (expected.len() as i32, offline_count));
        }
        let first = list(&client, ListPhoneNumbersRequest { limit: Some(2), ..Default::default() }).await;
        assert_eq!((first.items.len(), first.total_count), (2, 3));
        let second = ListPhoneNumbersRequest { page_token: first.next_page_token, ..Default::default() };
        let second = list(&client, second).await;
        assert_eq!((ids(&second.items), second.next_page_token), (vec![offline], None));
    }
}

#[tokio::test]
async fn a_released_number_is_for_sale_again() {
    for client in clients().await {
        let rule = rule(&client, "ST_1").await;
        let bought = buy(&client, &["+14155550100"], Some(&rule)).await.unwrap();
        let id = bought[0].id.as_str();
        release(&client, &[id]).await.unwrap();
        assert_eq!(trunks_of(&client, &rule).await, ["ST_1"]);
        let released = get(&client, id).await.unwrap();
        assert_eq!((released.status(), released.sip_dispatch_rule_ids.len()), (Released, 0));
        assert!(released.released_at.is_some());
        let by_number = GetPhoneNumberRequest { id: None, phone_number: Some("+14155550100".to_owned()) };
        let by_number = call::<GetPhoneNumberResponse>(&client, "GetPhoneNumber", &by_number).await;
        assert_eq!(by_number, Err(no_such_number()));
        assert_eq!(move_to(&client, id, &rule).await, Err(refused("update phone number")));

        let again = buy(&client, &["+14155550100"], Some(&rule)).await.unwrap();
        assert_ne!(again[0].id, id);
        let by_number = ReleasePhoneNumbersRequest { phone_numbers: strings(&["+14155550100"]), ..Default::default() };
        let _: ReleasePhoneNumbersResponse = call(&client, "ReleasePhoneNumbers", &by_number).await.unwrap();
        assert_eq!(list(&client, ListPhoneNumbersRequest::default()).await.total_count, 0);
    }
}

#[tokio::test]
async fn a_release_that_cannot_be_is_refused_whole() {
    for client in clients().await {
        let bought = buy(&client, &["+14155550100"], None).await.unwrap();
        let id = bought[0].id.as_str();
        assert_eq!(release(&client, &[id, "PN_PPN_none"]).await, Err(no_such_number()));
        let nothing = failure(400, "invalid_argument", "either ids or phone_numbers must be provided");
        assert_eq!(release(&client, &[]).await, Err(nothing));
        let nothing = failure(400, "invalid_argument", "either id or phone_number must be provided");
        let unnamed = GetPhoneNumberRequest::default();
        let unnamed = call::<GetPhoneNumberResponse>(&client, "GetPhoneNumber", &unnamed);
        assert_eq!(unnamed.await, Err(nothing));

        // A rule of numbers alone would take every call without them.
        let rule = client.create_rule(individual_rule(&[id])).await.unwrap().sip_dispatch_rule_id;
        let catch_all = failure(400, "invalid_argument", format!("{rule} would become a catch-all dispatch rule"));
        assert_eq!(release(&client, &[id]).await, Err(catch_all));
        assert_eq!(get(&client, id).await.unwrap().status(), Active);
        client.delete_rule(&rule).await.unwrap();
        release(&client, &[id]).await.unwrap();
        assert_eq!(release(&client, &[id]).await, Err(no_such_number()));
    }
}

#[tokio::test]
async fn json_has_proto_names_and_every_field() {
    let client = client(Encoding::Json).await;
    let call = |method: &'static str, body: Value| {
        let request = client
            .http
            .post(format!("{}/twirp/livekit.PhoneNumberService/{method}", client.server.url))
            .bearer_auth(client.server.admin_token())
            .json(&body);
        async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    let list = json!({ "statuses": ["PHONE_NUMBER_STATUS_OFFLINE"], "pageToken": { "token": "" } });
    let none = json!({ "items": [], "next_page_token": null, "total_count": 0, "offline_count": 0 });
    assert_eq!(call("ListPhoneNumbers", list.clone()).await, none);
    let bought = call("PurchasePhoneNumber", json!({ "phoneNumbers": ["+14155550101"] })).await;
    let id = bought["phone_numbers"][0]["id"].clone();
    let bare = json!({
        "id": id,
        "name": "",
        "e164_format": "+14155550101",
        "country_code": "",
        "area_code": "",
        "number_type": "PHONE_NUMBER_TYPE_UNKNOWN",
        "locality": "",
        "region": "",
        "spam_score": 0,
        "created_at": null,
        "updated_at": null,
        "capabilities": [],
        "status": "PHONE_NUMBER_STATUS_OFFLINE",
        "inbound_status": "PHONE_NUMBER_IN_STATUS_UNSPECIFIED",
        "outbound_status": "PHONE_NUMBER_OUT_STATUS_UNSPECIFIED",
        "assigned_at": null,
        "released_at": null,
        "sip_dispatch_rule_id": "",
        "sip_dispatch_rule_ids": [],
    });
    assert_eq!(bought, json!({ "phone_numbers": [bare] }));
    let listed = call("ListPhoneNumbers", list).await;
    let mut whole = bare;
    for (name, value) in [
        ("country_code", json!("US")),
        ("area_code", json!("415")),
        ("number_type", json!("PHONE_NUMBER_TYPE_LOCAL")),
        ("locality", json!("SAN FRANCISCO")),
        ("region", json!("CA")),
        ("capabilities", json!(["voice"])),
        ("assigned_at", listed["items"][0]["assigned_at"].clone()),
    ] {
        whole[name] = value;
    }
    assert!(whole["assigned_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{whole}");
    assert_eq!(listed, json!({ "items": [whole], "next_page_token": null, "total_count": 1, "offline_count": 1 }));
    assert_eq!(call("GetPhoneNumber", json!({ "id": id })).await, json!({ "phone_number": whole }));
    let page = call("SearchPhoneNumbers", json!({ "country_code": "US", "limit": 1 })).await;
    assert!(page["next_page_token"]["token"].is_string(), "{page}");
    assert_eq!(call("ReleasePhoneNumbers", json!({ "ids": [id] })).await, json!({}));
}

#[tokio::test]
async fn a_restart_finds_what_was_bought() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::File(directory.path().join("livekit.sqlite"));
    let (url, running) = serve(&storage).await;
    let client = of(url, Encoding::Protobuf);
    let rule = rule(&client, "ST_1").await;
    buy(&client, &["+14155550100"], Some(&rule)).await.unwrap();
    let gone = buy(&client, &["+14155550101"], None).await.unwrap();
    release(&client, &[&gone[0].id]).await.unwrap();
    let everything =
        ListPhoneNumbersRequest { statuses: [Active, Offline, Released].map(i32::from).into(), ..Default::default() };
    let before = list(&client, everything.clone()).await;
    assert_eq!(before.total_count, 2);
    running.stop().await;

    let (url, running) = serve(&storage).await;
    let client = of(url, Encoding::Protobuf);
    assert_eq!(list(&client, everything).await, before);
    running.stop().await;
}

#[tokio::test]
async fn of_purchases_at_once_one_succeeds() {
    let client = client(Encoding::Protobuf).await;
    let purchases = (0..20).map(|_| {
        let client = Client::new(client.server.clone(), Encoding::Protobuf);
        tokio::spawn(async move { buy(&client, &["+14155550100"], None).await.is_ok() })
    });
    let mut succeeded = 0;
    for purchase in purchases.collect::<Vec<_>>() {
        succeeded += usize::from(purchase.await.unwrap());
    }
    assert_eq!(succeeded, 1);
}
