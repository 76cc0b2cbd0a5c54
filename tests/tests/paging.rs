//! The lists, page by page, while trunks and numbers come and go.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use serde_json::{Value, json};
use trunkline_tests::twilio::FREE;
use trunkline_tests::{
    Answer, Client, NUMBERS, TRUNKS, World, e164, inbound, livekit, number, outbound, peers, twilio_number, with,
};

async fn page(client: &Client, query: &str) -> Answer {
    client.get(&format!("{TRUNKS}?{query}")).await
}

/// The names on a page.
fn names(answer: &Answer) -> Vec<&str> {
    answer.body["trunks"].as_array().unwrap().iter().map(|trunk| trunk["name"].as_str().unwrap()).collect()
}

async fn create(client: &Client, name: &str) -> String {
    client.create(&with(inbound(), json!({ "name": name }))).await.expect(201).id().to_owned()
}

/// Trunks named `1` to `n`; their ids, oldest first.
async fn numbered(client: &Client, n: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 1..=n {
        ids.push(create(client, &number.to_string()).await);
    }
    ids
}

/// Follows the cursors from the first page to the last.
async fn all_pages(client: &Client, query: &str) -> Vec<Vec<String>> {
    follow(client, TRUNKS, query, names).await
}

/// The same for any list; what of a page is `shown`.
async fn follow(client: &Client, list: &str, query: &str, shown: fn(&Answer) -> Vec<&str>) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = client.get(&format!("{list}?{query}{cursor}")).await.expect(200);
        pages.push(shown(&answer).into_iter().map(str::to_owned).collect());
        let next = &answer.body["next_cursor"];
        assert_eq!(answer.body["has_more"], json!(!next.is_null()), "{}", answer.text);
        match next.as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn newest_first_in_full_pages() {
    let world = World::start().await;
    let client = world.client();
    numbered(&client, 7).await;
    assert_eq!(all_pages(&client, "limit=3").await, [vec!["7", "6", "5"], vec!["4", "3", "2"], vec!["1"]]);
    assert_eq!(all_pages(&client, "limit=7").await, [["7", "6", "5", "4", "3", "2", "1"]]);
    assert_eq!(all_pages(&client, "").await, [["7", "6", "5", "4", "3", "2", "1"]]);
    assert_eq!(all_pages(&client, "limit=1").await.len(), 7);
    assert_eq!(all_pages(&client, "limit=200").await.len(), 1);
}

#[tokio::test]
async fn the_default_limit_is_50() {
    let world = World::start().await;
    let (client, workspace_id) = world.new_client().await;
    world.dynamodb().set_limit(&workspace_id, 60).await;
    numbered(&client, 51).await;
    let first = client.get(TRUNKS).await.expect(200);
    assert_eq!((names(&first).len(), &first.body["has_more"]), (50, &json!(true)));
    let second = page(&client, &format!("cursor={}", first.text_of("next_cursor"))).await.expect(200);
    assert_eq!((names(&second), &second.body["has_more"]), (vec!["1"], &json!(false)));
}

#[tokio::test]
async fn a_cursor_survives_inserts_and_deletes() {
    let world = World::start().await;
    let client = world.client();
    let ids = numbered(&client, 8).await;
    let first = page(&client, "limit=3").await.expect(200);
    assert_eq!(names(&first), ["8", "7", "6"]);
    // The trunk that the cursor may be named after, one behind it, one before it, and a newcomer.
    for deleted in [6, 5, 7] {
        client.delete_trunk(&ids[deleted - 1]).await.expect(204);
    }
    create(&client, "9").await;
    let cursor = first.text_of("next_cursor").to_owned();
    let second = page(&client, &format!("limit=3&cursor={cursor}")).await.expect(200);
    assert_eq!(names(&second), ["4", "3", "2"]);
    let third = page(&client, &format!("limit=3&cursor={}", second.text_of("next_cursor"))).await.expect(200);
    assert_eq!((names(&third), &third.body["next_cursor"]), (vec!["1"], &Value::Null));
    assert_eq!(names(&page(&client, "").await), ["9", "8", "4", "3", "2", "1"]);
    // Used again it is where it was.
    assert_eq!(names(&page(&client, &format!("limit=3&cursor={cursor}")).await), ["4", "3", "2"]);
}

#[tokio::test]
async fn a_cursor_behind_which_everything_was_deleted_is_the_end() {
    let world = World::start().await;
    let client = world.client();
    let ids = numbered(&client, 2).await;
    let first = page(&client, "limit=1").await.expect(200);
    for id in ids {
        client.delete_trunk(&id).await.expect(204);
    }
    let second = page(&client, &format!("limit=1&cursor={}", first.text_of("next_cursor"))).await.expect(200);
    assert_eq!(second.body, json!({ "trunks": [], "next_cursor": null, "has_more": false }));
}

#[tokio::test]
async fn filters_leave_the_pages_full() {
    let world = World::start().await;
    let client = world.client();
    for number in 1..=4 {
        for (kind, body) in [("in", inbound()), ("out", outbound()), ("livekit", livekit())] {
            client.create(&with(body, json!({ "name": format!("{kind}{number}") }))).await.expect(201);
        }
    }
    let pages = |query: &'static str| all_pages(&client, query);
    assert_eq!(pages("limit=3&kind=livekit").await, [vec!["livekit4", "livekit3", "livekit2"], vec!["livekit1"]]);
    assert_eq!(pages("limit=2&direction=outbound").await, [["out4", "out3"], ["out2", "out1"]]);
    assert_eq!(pages("kind=byoc&direction=inbound").await, [["in4", "in3", "in2", "in1"]]);
    assert_eq!(pages("limit=8&kind=byoc").await, [["out4", "in4", "out3", "in3", "out2", "in2", "out1", "in1"]]);
    // LiveKit takes a number on one trunk, and other worlds have it too.
    if !peers::livekit_is_shared() {
        client.import(&twilio_number(FREE[0], &world.twilio_account())).await.expect(201);
        for twilios in ["kind=twilio", "direction=both", "limit=1&kind=twilio&direction=both"] {
            assert_eq!(pages(twilios).await, [[format!("Twilio {}", world.twilio_account().account_sid)]], "{twilios}");
        }
    }
    for nothing in ["kind=twilio&direction=inbound", "kind=byoc&direction=both", "kind=livekit&direction=outbound"] {
        assert_eq!(pages(nothing).await, [[""; 0]], "{nothing}");
    }
}

#[tokio::test]
async fn a_cursor_goes_with_the_filters_of_its_list() {
    let world = World::start().await;
    let client = world.client();
    numbered(&client, 2).await;
    let filters = ["", "&kind=byoc", "&direction=inbound", "&kind=byoc&direction=inbound"];
    for own in filters {
        let first = page(&client, &format!("limit=1{own}")).await.expect(200);
        let cursor = first.text_of("next_cursor");
        for filter in filters.into_iter().chain(["&kind=livekit", "&kind=byoc&direction=outbound"]) {
            let answer = page(&client, &format!("limit=1{filter}&cursor={cursor}")).await;
            if filter == own {
                assert_eq!(names(&answer.expect(200)), ["1"], "{own}");
                continue;
            }
            let answer = answer.expect_error(400, "validation_failed");
            assert_eq!(answer.fields().keys().collect::<Vec<_>>(), ["cursor"], "{own}, then {filter}");
        }
        // A filter that is none says nothing of the cursor.
        let answer = page(&client, &format!("kind=sip&cursor={cursor}")).await.expect_error(400, "validation_failed");
        assert_eq!(answer.fields().keys().collect::<Vec<_>>(), ["kind"]);
    }
}

#[tokio::test]
async fn a_limit_is_digits() {
    let world = World::start().await;
    page(&world.client(), "limit=%2B1").await.expect_error(400, "validation_failed");
}

#[tokio::test]
async fn what_a_query_may_not_say() {
    let world = World::start().await;
    let client = world.client();
    numbered(&client, 2).await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=", "limit"),
        ("limit=ten", "limit"),
        ("limit=1.5", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=", "cursor"),
        ("cursor=%00", "cursor"),
        ("kind=sip", "kind"),
        ("kind=", "kind"),
        ("kind=BYOC", "kind"),
        ("direction=sideways", "direction"),
        ("limt=1", "limt"),
        ("Limit=1", "Limit"),
        ("name=1", "name"),
        ("limit=1&limit=1", "limit"),
        ("limit=1&%6Cimit=0", "limit"),
        ("kind=byoc&kind=livekit", "kind"),
    ] {
        let answer = page(&client, query).await.expect_error(400, "validation_failed");
        assert_eq!(answer.fields().keys().collect::<Vec<_>>(), [field], "{query}");
    }
    let answer = page(&client, "limit=0&cursor=x&kind=y&direction=z").await.expect_error(400, "validation_failed");
    assert_eq!(answer.fields().keys().collect::<Vec<_>>(), ["cursor", "direction", "kind", "limit"]);
    let answer = page(&client, "limt=1&colour=red&kind=byoc&kind=sip&cursor=x").await;
    let fields = json!({
        "limt": "unknown query parameter, did you mean limit?",
        "colour": "unknown query parameter",
        "kind": "given more than once: give it once",
        "cursor": "must be a next_cursor of this list",
    });
    assert_eq!(answer.expect_error(400, "validation_failed").fields(), *fields.as_object().unwrap());
}

#[tokio::test]
async fn a_strange_query_is_refused_in_short() {
    let world = World::start().await;
    let answer = page(&world.client(), &format!("{}=value-not-shown", "x".repeat(1000))).await;
    let answer = answer.expect_error(400, "validation_failed");
    assert_eq!(answer.fields().keys().collect::<Vec<_>>(), [&"x".repeat(64)]);
    assert!(!answer.text.contains("value-not-shown"));
}

/// The last two digits of the numbers on a page.
fn endings(answer: &Answer) -> Vec<&str> {
    let numbers = answer.body["numbers"].as_array().unwrap();
    let e164s = numbers.iter().map(|number| number["e164"].as_str().unwrap());
    e164s.map(|e164| &e164[e164.len() - 2..]).collect()
}

/// Numbers that end in `01` to `n`, on one trunk; their ids, oldest first.
async fn imported(client: &Client, n: usize) -> Vec<String> {
    let trunk = create(client, "Numbers").await;
    let mut ids = Vec::new();
    for ending in 1..=n {
        let answer = client.import(&number(&e164(ending), &trunk)).await;
        ids.push(answer.expect(201).id().to_owned());
    }
    ids
}

#[tokio::test]
async fn numbers_come_newest_first_in_full_pages() {
    let world = World::start().await;
    let client = world.client();
    imported(&client, 5).await;
    let pages = |query: &'static str| follow(&client, NUMBERS, query, endings);
    assert_eq!(pages("limit=2").await, [vec!["05", "04"], vec!["03", "02"], vec!["01"]]);
    assert_eq!(pages("limit=5").await, [["05", "04", "03", "02", "01"]]);
    assert_eq!(pages("").await, [["05", "04", "03", "02", "01"]]);
    assert_eq!(pages("limit=1").await.len(), 5);
}

#[tokio::test]
async fn the_default_limit_of_numbers_is_50_too() {
    let world = World::start().await;
    let client = world.client();
    imported(&client, 51).await;
    let first = client.get(NUMBERS).await.expect(200);
    assert_eq!((endings(&first).len(), &first.body["has_more"]), (50, &json!(true)));
    let second = client.get(&format!("{NUMBERS}?cursor={}", first.text_of("next_cursor"))).await.expect(200);
    assert_eq!((endings(&second), &second.body["has_more"]), (vec!["01"], &json!(false)));
}

#[tokio::test]
async fn a_cursor_of_numbers_survives_deletes() {
    let world = World::start().await;
    let client = world.client();
    let ids = imported(&client, 6).await;
    let first = client.get(&format!("{NUMBERS}?limit=2")).await.expect(200);
    assert_eq!(endings(&first), ["06", "05"]);
    // The number that the cursor is named after, and one behind it.
    for deleted in [5, 4] {
        client.delete_number(&ids[deleted - 1]).await.expect(204);
    }
    let cursor = first.text_of("next_cursor");
    let second = client.get(&format!("{NUMBERS}?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(endings(&second), ["03", "02"]);
}

#[tokio::test]
async fn what_a_query_of_numbers_may_not_say() {
    let world = World::start().await;
    let client = world.client();
    let trunk = create(&client, "A trunk").await;
    for (query, field) in [
        ("limit=0".to_owned(), "limit"),
        ("limit=201".to_owned(), "limit"),
        ("limit=%2B1".to_owned(), "limit"),
        ("cursor=nonsense".to_owned(), "cursor"),
        ("cursor=".to_owned(), "cursor"),
        (format!("cursor={trunk}"), "cursor"),
        ("kind=byoc".to_owned(), "kind"),
        ("limit=1&limit=2".to_owned(), "limit"),
    ] {
        let answer = client.get(&format!("{NUMBERS}?{query}")).await.expect_error(400, "validation_failed");
        assert_eq!(answer.fields().keys().collect::<Vec<_>>(), [field], "{query}");
    }
    let answer = client.get(&format!("{NUMBERS}?limit=x&cursor=x")).await.expect_error(400, "validation_failed");
    assert_eq!(answer.fields().keys().collect::<Vec<_>>(), ["cursor", "limit"]);
}
