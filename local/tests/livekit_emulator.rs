//! What LiveKit's SIP API answers, over the wire in both encodings.
//!
//! With `LIVEKIT_URL`, `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET` set, the same assertions run
//! against that server: `cargo test -p trunkline --test livekit_emulator -- --test-threads 1`. Each
//! test uses numbers of its own, so that what the server holds does not matter, and one at a time,
//! because a real server checks a new dispatch rule against those of every other test.

// The deprecated fields are part of what clients send.
#![allow(deprecated)]

mod livekit;

use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use livekit_protocol::{
    CreateSipDispatchRuleRequest, CreateSipInboundTrunkRequest, CreateSipOutboundTrunkRequest,
    ListSipDispatchRuleRequest, ListSipDispatchRuleResponse, ListSipInboundTrunkRequest, ListSipInboundTrunkResponse,
    ListSipOutboundTrunkRequest, ListSipTrunkRequest, ListSipTrunkResponse, ListUpdate, Pagination, RoomAgentDispatch,
    RoomConfiguration, SipCodec, SipDispatchRule, SipDispatchRuleDirect, SipDispatchRuleInfo, SipDispatchRuleUpdate,
    SipInboundTrunkInfo, SipInboundTrunkUpdate, SipMediaConfig, SipMediaEncryption, SipOutboundTrunkInfo,
    SipOutboundTrunkUpdate, SipTransport, SipTrunkInfo, UpdateSipDispatchRuleRequest, UpdateSipInboundTrunkRequest,
    sip_dispatch_rule::Rule, sip_trunk_info::TrunkKind,
};
use livekit_token::SIPGrants;
use reqwest::{Method, header};
use serde_json::{Value, json};
use sha2::Sha256;
use trunkline_local::emulators::journal::Storage;
use trunkline_tests::peers;

use livekit::{
    API_KEY, API_SECRET, Client, Encoding, Failure, Server, failure, inbound, individual_rule, outbound, parse_failure,
    serve, strings, unique_digits, unique_number,
};

async fn server() -> Server {
    let real = peers::environment();
    if let Some(url) = real.get("LIVEKIT_URL") {
        let [api_key, api_secret] = ["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"].map(|name| real[name].clone());
        return Server { url: url.clone(), api_key, api_secret };
    }
    let (url, _running) = serve(&Storage::Memory).await;
    Server { url, api_key: API_KEY.to_owned(), api_secret: API_SECRET.to_owned() }
}

/// The same server in both encodings.
async fn clients() -> [Client; 2] {
    let server = server().await;
    [Encoding::Protobuf, Encoding::Json].map(|encoding| Client::new(server.clone(), encoding))
}

fn invalid(msg: impl Into<String>) -> Failure {
    failure(400, "invalid_argument", msg)
}

fn map(entries: &[(&str, &str)]) -> HashMap<String, String> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn direct(room: &str, pin: &str) -> SipDispatchRule {
    let rule = SipDispatchRuleDirect { room_name: room.to_owned(), pin: pin.to_owned() };
    SipDispatchRule { rule: Some(Rule::DispatchRuleDirect(rule)) }
}

fn is_id(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|rest| rest.len() == 12 && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[tokio::test]
async fn a_request_needs_a_token_that_stands() {
    let client = Client::new(server().await, Encoding::Json);
    let server = &client.server;
    let list = |authorization: Option<String>| {
        let mut request = client
            .http
            .post(format!("{}/twirp/livekit.SIP/ListSIPInboundTrunk", server.url))
            .header(header::CONTENT_TYPE, "application/json")
            .body(json!({ "trunk_ids": ["ST_none"] }).to_string());
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        }
    };
    let bearer = |token: String| Some(format!("Bearer {token}"));
    let denied = (401, r#"{"code":"unauthenticated","msg":"permissions denied"}"#.to_owned());
    assert_eq!(list(None).await, denied);
    assert_eq!(list(bearer(server.token(SIPGrants { admin: false, call: true }))).await, denied);
    assert_eq!(
        list(Some(server.admin_token())).await,
        (401, "invalid authorization header. Must start with Bearer ".to_owned())
    );
    assert_eq!(list(bearer("nonsense".to_owned())).await, (401, "invalid authorization token".to_owned()));

    let stranger = Server { api_key: "APIstranger".to_owned(), ..server.clone() };
    let (status, text) = list(bearer(stranger.admin_token())).await;
    assert!(status == 401 && text.starts_with("invalid API key"), "{text}");

    // The texts of these differ between versions: older servers repeat the token. So does what
    // becomes of a token without expiry, which 1.13.5 takes and its successors refuse.
    let forger = Server { api_secret: "forged".to_owned(), ..server.clone() };
    assert_eq!(list(bearer(forger.admin_token())).await.0, 401);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({ "iss": server.api_key, "sip": { "admin": true }, "nbf": now, "exp": now + 60 });
    let with = |name: &str, value: Option<u64>| {
        let mut claims = claims.clone();
        match value {
            Some(value) => claims[name] = value.into(),
            None => drop(claims.as_object_mut().unwrap().remove(name)),
        }
        claims
    };
    for (what, claims, status) in [
        ("as it should be", claims.clone(), 200),
        ("expired within the minute of leeway", with("exp", Some(now - 30)), 200),
        ("expired", with("exp", Some(now - 90)), 401),
        ("started within the minute of leeway", with("nbf", Some(now + 30)), 200),
        ("not yet valid", with("nbf", Some(now + 90)), 401),
        ("without start", with("nbf", None), 200),
    ] {
        assert_eq!(list(bearer(signed(&claims, &server.api_secret))).await.0, status, "{what}");
    }
}

/// A token with exactly these claims.
fn signed(claims: &Value, secret: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "HS256", "typ": "JWT" }).to_string());
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
    mac.update(format!("{header}.{claims}").as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{header}.{claims}.{signature}")
}

#[tokio::test]
async fn what_is_not_a_twirp_call_is_refused_as_one() {
    let client = Client::new(server().await, Encoding::Json);
    let send = |method: Method, path: &'static str, content_type: &'static str, body: &'static str| {
        let request = client
            .http
            .request(method, format!("{}{path}", client.server.url))
            .header(header::CONTENT_TYPE, content_type)
            .body(body);
        async move {
            let response = request.send().await.unwrap();
            parse_failure(response.status(), &response.bytes().await.unwrap())
        }
    };
    let bad_route = |msg: &str, route: &str| Failure {
        meta: json!({ "twirp_invalid_route": route }),
        ..failure(404, "bad_route", msg)
    };
    // None of these carries a token: routes and bodies are looked at first.
    assert_eq!(
        send(Method::POST, "/twirp/livekit.SIP/BuySIPTrunk", "application/json", "{}").await,
        bad_route(r#"no handler for path "/twirp/livekit.SIP/BuySIPTrunk""#, "POST /twirp/livekit.SIP/BuySIPTrunk")
    );
    assert_eq!(
        send(Method::GET, "/twirp/livekit.SIP/ListSIPTrunk", "application/json", "").await,
        bad_route(r#"unsupported method "GET" (only POST is allowed)"#, "GET /twirp/livekit.SIP/ListSIPTrunk")
    );
    assert_eq!(
        send(Method::POST, "/twirp/livekit.SIP/ListSIPTrunk", "text/plain", "{}").await,
        bad_route(r#"unexpected Content-Type: "text/plain""#, "POST /twirp/livekit.SIP/ListSIPTrunk")
    );
    let malformed = |what: &str| failure(400, "malformed", format!("the {what} request could not be decoded"));
    for body in ["", "{", "[]", "null", r#"{"page":7}"#, r#"{"page":{"limit":"many"}}"#] {
        assert_eq!(
            send(Method::POST, "/twirp/livekit.SIP/ListSIPTrunk", "application/json", body).await,
            malformed("json"),
            "{body}"
        );
    }
    assert_eq!(
        send(Method::POST, "/twirp/livekit.SIP/ListSIPTrunk", "application/protobuf", "\n\x7f").await,
        malformed("protobuf")
    );
    let denied = failure(401, "unauthenticated", "permissions denied");
    for (content_type, body) in [
        ("application/json; charset=UTF-8", "{}"),
        ("APPLICATION/JSON", r#"{"page":null,"unknown":1} trailing"#),
        ("application/protobuf", ""),
    ] {
        assert_eq!(
            send(Method::POST, "/twirp/livekit.SIP/ListSIPTrunk", content_type, body).await,
            denied,
            "{content_type}"
        );
    }
}

#[tokio::test]
async fn an_inbound_trunk_is_kept_as_it_was_given() {
    for client in clients().await {
        let number = unique_number();
        let given = SipInboundTrunkInfo {
            name: "Front desk".to_owned(),
            metadata: r#"{"workspace":"ws_1"}"#.to_owned(),
            allowed_addresses: strings(&["nope", "203.0.113.7/99"]),
            allowed_numbers: strings(&["+15105550100"]),
            auth_username: "alice".to_owned(),
            auth_password: "correct horse".to_owned(),
            headers: map(&[("X-Tenant", "1")]),
            headers_to_attributes: map(&[("X-From", "fromHeader")]),
            attributes_to_headers: map(&[("someAttribute", "X-To")]),
            krisp_enabled: true,
            media_encryption: SipMediaEncryption::SipMediaEncryptAllow.into(),
            ..inbound(&number)
        };
        let created = client.create_inbound(given.clone()).await.unwrap();
        assert!(is_id(&created.sip_trunk_id, "ST_"), "{}", created.sip_trunk_id);
        let expected = SipInboundTrunkInfo { sip_trunk_id: created.sip_trunk_id.clone(), ..given };
        assert_eq!(created, expected);
        let id = &created.sip_trunk_id;
        assert_eq!(client.get_inbound(id).await.unwrap(), expected);
        let listed: ListSipInboundTrunkResponse = client
            .call(
                "ListSIPInboundTrunk",
                &ListSipInboundTrunkRequest { trunk_ids: strings(&[id]), ..Default::default() },
            )
            .await
            .unwrap();
        assert_eq!(listed.items, [expected]);

        let not_found = failure(404, "not_found", "requested sip trunk does not exist");
        assert_eq!(client.get_outbound(id).await.unwrap_err(), not_found);
        let deleted = client.delete_trunk(id).await.unwrap();
        assert_eq!(deleted, SipTrunkInfo { sip_trunk_id: id.clone(), ..Default::default() });
        assert_eq!(client.get_inbound(id).await.unwrap_err(), not_found);
        assert_eq!(client.get_inbound("").await.unwrap_err(), invalid("trunk ID is required"));
    }
}

#[tokio::test]
async fn an_outbound_trunk_is_kept_as_it_was_given() {
    for client in clients().await {
        let number = unique_number();
        let given = SipOutboundTrunkInfo {
            name: "Carrier".to_owned(),
            metadata: "anything".to_owned(),
            address: "not a host".to_owned(),
            destination_country: "zz".to_owned(),
            transport: SipTransport::Tls.into(),
            auth_username: "alice".to_owned(),
            auth_password: "correct horse".to_owned(),
            from_host: "example.com".to_owned(),
            media: Some(SipMediaConfig {
                only_listed_codecs: true,
                codecs: vec![SipCodec { name: "PCMU".to_owned(), rate: 8000 }],
                encryption: Some(SipMediaEncryption::SipMediaEncryptRequire.into()),
                media_timeout: Some(Duration::from_secs(15).into()),
            }),
            ..outbound(&number)
        };
        let created = client.create_outbound(given.clone()).await.unwrap();
        assert!(is_id(&created.sip_trunk_id, "ST_"), "{}", created.sip_trunk_id);
        let expected = SipOutboundTrunkInfo { sip_trunk_id: created.sip_trunk_id.clone(), ..given };
        assert_eq!(created, expected);
        let id = &created.sip_trunk_id;
        assert_eq!(client.get_outbound(id).await.unwrap(), expected);

        let not_found = failure(404, "not_found", "requested sip trunk does not exist");
        assert_eq!(client.get_inbound(id).await.unwrap_err(), not_found);
        client.delete_trunk(id).await.unwrap();
        assert_eq!(client.get_outbound(id).await.unwrap_err(), not_found);
        assert_eq!(client.get_outbound("").await.unwrap_err(), invalid("trunk ID is required"));
    }
}

#[tokio::test]
async fn deleting_a_trunk_that_is_not_there_succeeds() {
    for client in clients().await {
        assert_eq!(client.delete_trunk("ST_none").await.unwrap().sip_trunk_id, "ST_none");
        assert_eq!(client.delete_trunk("").await.unwrap_err(), invalid("trunk ID is required"));
    }
}

#[tokio::test]
async fn an_inbound_trunk_that_anyone_may_call_is_refused() {
    let insecure =
        "for security, one of the fields must be set: AuthUsername+AuthPassword, AllowedAddresses or Numbers";
    for client in clients().await {
        let refused = |trunk| client.create_inbound(trunk);
        assert_eq!(
            refused(SipInboundTrunkInfo { allowed_numbers: strings(&["+15105550100"]), ..Default::default() })
                .await
                .unwrap_err(),
            invalid(insecure)
        );
        assert_eq!(
            refused(SipInboundTrunkInfo { sip_trunk_id: "ST_mine".to_owned(), ..inbound(&unique_number()) })
                .await
                .unwrap_err(),
            invalid("trunk id must not be set")
        );
        let none: Result<SipInboundTrunkInfo, _> =
            client.call("CreateSIPInboundTrunk", &CreateSipInboundTrunkRequest::default()).await;
        assert_eq!(none.unwrap_err(), invalid("missing trunk"));
    }
}

#[tokio::test]
async fn an_outbound_trunk_needs_a_number_and_an_address() {
    for client in clients().await {
        let number = unique_number();
        let to = |address: &str| SipOutboundTrunkInfo { address: address.to_owned(), ..outbound(&number) };
        let not_uri = "trunk address should be a hostname or IP, not SIP URI";
        let no_transport = "trunk address should not contain transport parameter";
        for (trunk, text) in [
            (SipOutboundTrunkInfo { numbers: vec![], ..to("") }, "no trunk numbers specified"),
            (to(""), "no outbound address specified"),
            (to("sip:example.com"), not_uri),
            (to("sips:example.com"), not_uri),
            (to("alice@example.com"), not_uri),
            (to("example.com;lr"), not_uri),
            (to("example.com;transport=tls"), no_transport),
            (
                SipOutboundTrunkInfo { from_host: "a@b".to_owned(), ..to("example.com") },
                "from_host should be a hostname or IP, not SIP URI",
            ),
            (
                SipOutboundTrunkInfo { sip_trunk_id: "ST_mine".to_owned(), ..to("example.com") },
                "trunk id must not be set",
            ),
        ] {
            assert_eq!(client.create_outbound(trunk).await.unwrap_err(), invalid(text));
        }
        let none: Result<SipOutboundTrunkInfo, _> =
            client.call("CreateSIPOutboundTrunk", &CreateSipOutboundTrunkRequest::default()).await;
        assert_eq!(none.unwrap_err(), invalid("missing trunk"));
    }
}

#[tokio::test]
async fn headers_and_media_are_checked() {
    for client in clients().await {
        let long_name = "x".repeat(256);
        let long_value = "x".repeat(1025);
        for (name, value, text) in [
            ("", "1", "invalid header name: header name cannot be empty"),
            (&long_name, "1", "invalid header name: header name too long (max 255 characters)"),
            (
                "X Tenant",
                "1",
                "invalid header name: header name X Tenant contains invalid characters: char 32 not allowed",
            ),
            (
                "X-Ténant",
                "1",
                "invalid header name: header name X-Ténant contains invalid characters: char 233 out of range, consider explicilty adding utf8 characters",
            ),
            ("Call-ID", "1", "invalid header name: header name Call-ID not supported"),
            ("X-Tenant", "a\nb", "invalid header value for X-Tenant: header X-Tenant: value: char 10 not allowed"),
            (
                "X-Tenant",
                &long_value,
                "invalid header value for X-Tenant: header X-Tenant: value too long (max 1024 characters)",
            ),
        ] {
            let headers = map(&[(name, value)]);
            let number = unique_number();
            assert_eq!(
                client
                    .create_inbound(SipInboundTrunkInfo { headers: headers.clone(), ..inbound(&number) })
                    .await
                    .unwrap_err(),
                invalid(text)
            );
            assert_eq!(
                client.create_outbound(SipOutboundTrunkInfo { headers, ..outbound(&number) }).await.unwrap_err(),
                invalid(text)
            );
        }
        let stored = client
            .create_inbound(SipInboundTrunkInfo {
                headers: map(&[("X-Tenant", "é\t ü"), ("X-Empty", "")]),
                // What may not be set may be read.
                headers_to_attributes: map(&[("Call-ID", "call")]),
                ..inbound(&unique_number())
            })
            .await
            .unwrap();
        client.delete_trunk(&stored.sip_trunk_id).await.unwrap();
        assert_eq!(
            client
                .create_inbound(SipInboundTrunkInfo {
                    attributes_to_headers: map(&[("tenant", "")]),
                    ..inbound(&unique_number())
                })
                .await
                .unwrap_err(),
            invalid("invalid header name: header name cannot be empty")
        );

        let codec = |name: &str| SipMediaConfig {
            codecs: vec![SipCodec { name: name.to_owned(), rate: 8000 }],
            ..Default::default()
        };
        let timeout =
            |seconds| SipMediaConfig { media_timeout: Some(Duration::from_secs(seconds).into()), ..Default::default() };
        for (media, text) in [
            (codec(""), "missing codec name"),
            (codec("PC MU"), "invalid codec name"),
            (codec("PCMU/8000"), "codec name must not contain '/'"),
            (timeout(601), "media_timeout must not exceed 10m0s"),
        ] {
            let media = Some(media);
            let number = unique_number();
            for refusal in [
                client
                    .create_inbound(SipInboundTrunkInfo { media: media.clone(), ..inbound(&number) })
                    .await
                    .unwrap_err(),
                client
                    .create_outbound(SipOutboundTrunkInfo { media: media.clone(), ..outbound(&number) })
                    .await
                    .unwrap_err(),
                client.create_rule(SipDispatchRuleInfo { media, ..individual_rule(&[&number]) }).await.unwrap_err(),
            ] {
                assert_eq!(refusal, invalid(text));
            }
        }
    }
}

#[tokio::test]
async fn two_inbound_trunks_cannot_answer_for_the_same_numbers() {
    for client in clients().await {
        let digits = unique_digits();
        let (plus, other) = (format!("+{digits}"), unique_number());
        let printed = format!("+{} ({}) {}-{}", &digits[..1], &digits[1..4], &digits[4..7], &digits[7..]);
        let caller = unique_number();
        let first = client.create_inbound(inbound(&plus)).await.unwrap();
        let first_id = &first.sip_trunk_id;

        for (numbers, shown) in [
            (vec![plus.as_str()], format!("[{plus:?}]")),
            (vec![digits.as_str()], format!("[{digits:?}]")),
            (vec![printed.as_str()], format!("[{printed:?}]")),
            (vec![other.as_str(), plus.as_str()], format!("[{other:?} {plus:?}]")),
        ] {
            let trunk = SipInboundTrunkInfo { numbers: strings(&numbers), ..Default::default() };
            assert_eq!(
                client.create_inbound(trunk).await.unwrap_err(),
                invalid(format!(
                    r#"Conflicting inbound SIP Trunks: "<new>" and "{first_id}", using the same number(s) {shown} without AllowedNumbers set"#
                ))
            );
        }

        // One that takes only some callers goes before one that takes all.
        let for_caller = SipInboundTrunkInfo { allowed_numbers: strings(&[&caller]), ..inbound(&plus) };
        let second = client.create_inbound(for_caller.clone()).await.unwrap();
        let second_id = &second.sip_trunk_id;
        // The newcomer is compared as the second of those that share the number.
        let pair = if first_id < second_id {
            format!(r#""{second_id}" and "<new>""#)
        } else {
            format!(r#""<new>" and "{second_id}""#)
        };
        assert_eq!(
            client.create_inbound(for_caller).await.unwrap_err(),
            invalid(format!(
                r#"Conflicting inbound SIP Trunks: {pair}, using the same number(s) ["{plus}"] and AllowedNumber "{caller}""#
            ))
        );

        // Anything that is not a phone number is compared as it is written.
        let name = format!("trunk_{digits}");
        let doubled = client.create_inbound(inbound(&format!("+{plus}"))).await.unwrap();
        let named = client.create_inbound(inbound(&name)).await.unwrap();
        let upper = client.create_inbound(inbound(&name.to_uppercase())).await.unwrap();
        assert!(client.create_inbound(inbound(&name)).await.is_err());

        // A trunk may name a number twice.
        let twice = SipInboundTrunkInfo { numbers: vec![other.clone(), other.replace('+', "")], ..Default::default() };
        let twice = client.create_inbound(twice).await.unwrap();
        for trunk in [first, second, doubled, named, upper, twice] {
            client.delete_trunk(&trunk.sip_trunk_id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_trunk_without_numbers_only_collides_with_its_like() {
    for client in clients().await {
        let caller = unique_number();
        let open = SipInboundTrunkInfo {
            allowed_addresses: strings(&["203.0.113.7"]),
            allowed_numbers: strings(&[&caller]),
            ..Default::default()
        };
        let first = client.create_inbound(open.clone()).await.unwrap();
        let id = &first.sip_trunk_id;
        // A trunk without numbers is compared with every other, and as the second of them.
        let refusal = client.create_inbound(open).await.unwrap_err();
        let pairs = [format!(r#""<new>" and "{id}""#), format!(r#""{id}" and "<new>""#)];
        assert!(
            pairs.iter().any(|pair| refusal
                == invalid(format!(
                    r#"Conflicting inbound SIP Trunks: {pair}, using the same number(s) <any> and AllowedNumber "{caller}""#
                ))),
            "{refusal:?}"
        );
        // As are two that take any caller; one is no hindrance to those that have numbers.
        let any = || SipInboundTrunkInfo { allowed_addresses: strings(&["203.0.113.7"]), ..Default::default() };
        let for_all = client.create_inbound(any()).await.unwrap();
        let refusal = client.create_inbound(any()).await.unwrap_err();
        let words = "using the same number(s) <any> without AllowedNumbers set";
        assert!(
            refusal.msg.starts_with("Conflicting inbound SIP Trunks") && refusal.msg.ends_with(words),
            "{refusal:?}"
        );
        let beside = client.create_inbound(inbound(&unique_number())).await.unwrap();
        for trunk in [for_all, beside] {
            client.delete_trunk(&trunk.sip_trunk_id).await.unwrap();
        }
        let number = unique_number();
        let numbered = SipInboundTrunkInfo { allowed_numbers: strings(&[&caller]), ..inbound(&number) };
        let second = client.create_inbound(numbered).await.unwrap();

        // It answers for every number, so a list by number shows it.
        let by_number = ListSipInboundTrunkRequest { numbers: strings(&[&number]), ..Default::default() };
        let ids = client.inbound_ids(by_number).await;
        assert!(ids.contains(id) && ids.contains(&second.sip_trunk_id), "{ids:?}");
        let by_both = ListSipInboundTrunkRequest {
            trunk_ids: strings(&[id, "ST_none"]),
            numbers: strings(&[&unique_number()]),
            ..Default::default()
        };
        assert_eq!(client.inbound_ids(by_both).await, [id.as_str()]);
        for trunk in [&first, &second] {
            client.delete_trunk(&trunk.sip_trunk_id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn trunks_are_listed_by_id_and_by_number() {
    for client in clients().await {
        let digits = unique_digits();
        let plus = format!("+{digits}");
        let a = client.create_inbound(inbound(&plus)).await.unwrap().sip_trunk_id;
        let b = client.create_inbound(inbound(&unique_number())).await.unwrap().sip_trunk_id;
        let inbound_list = |ids: &[&str], numbers: &[&str]| {
            client.inbound_ids(ListSipInboundTrunkRequest {
                trunk_ids: strings(ids),
                numbers: strings(numbers),
                page: None,
            })
        };
        let mut both = [a.clone(), b.clone()];
        both.sort();
        assert_eq!(inbound_list(&[&b, &a, "ST_none"], &[]).await, both);
        assert_eq!(inbound_list(&["ST_none"], &[]).await, [""; 0]);
        // Only among the two: on a shared server a trunk without numbers is in every such list.
        assert_eq!(inbound_list(&[&a, &b], &[&plus]).await, [a.as_str()]);
        assert_eq!(inbound_list(&[&a, &b], &[&digits]).await, [a.as_str()]);
        assert_eq!(inbound_list(&[&b], &[&plus]).await, [""; 0]);
        let everything = inbound_list(&[], &[]).await;
        assert!(everything.contains(&a) && everything.contains(&b));
        assert!(everything.is_sorted());

        // Outbound trunks may share a number, and it is compared as it is written.
        let c = client.create_outbound(outbound(&plus)).await.unwrap().sip_trunk_id;
        let d = client.create_outbound(outbound(&plus)).await.unwrap().sip_trunk_id;
        let outbound_list = |ids: &[&str], numbers: &[&str]| {
            client.outbound_ids(ListSipOutboundTrunkRequest {
                trunk_ids: strings(ids),
                numbers: strings(numbers),
                page: None,
            })
        };
        let mut same = [c.clone(), d.clone()];
        same.sort();
        assert_eq!(outbound_list(&[], &[&plus]).await, same);
        assert_eq!(outbound_list(&[], &[&digits]).await, [""; 0]);
        assert_eq!(outbound_list(&[&c, "ST_none"], &[]).await, [c.as_str()]);

        let legacy: ListSipTrunkResponse = client.call("ListSIPTrunk", &ListSipTrunkRequest::default()).await.unwrap();
        let find = |id: &str| legacy.items.iter().find(|trunk| trunk.sip_trunk_id == id).unwrap();
        assert_eq!(
            find(&a),
            &SipTrunkInfo {
                sip_trunk_id: a.clone(),
                kind: TrunkKind::TrunkInbound.into(),
                outbound_number: plus.clone(),
                ..Default::default()
            }
        );
        assert_eq!(
            find(&c),
            &SipTrunkInfo {
                sip_trunk_id: c.clone(),
                kind: TrunkKind::TrunkOutbound.into(),
                outbound_number: plus,
                outbound_address: "sip.example.com".to_owned(),
                ..Default::default()
            }
        );
        for id in [a, b, c, d] {
            client.delete_trunk(&id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_page_is_all_that_comes_after_an_id() {
    for client in clients().await {
        let mut ids = Vec::new();
        for _ in 0..3 {
            let trunk = client.create_outbound(outbound(&unique_number())).await.unwrap();
            ids.push(trunk.sip_trunk_id);
        }
        ids.sort();
        let page = |after_id: &str, limit| {
            client.outbound_ids(ListSipOutboundTrunkRequest {
                page: Some(Pagination { after_id: after_id.to_owned(), limit }),
                trunk_ids: ids.clone(),
                numbers: vec![],
            })
        };
        assert_eq!(page(&ids[0], 0).await, ids[1..]);
        assert_eq!(page(&ids[2], 0).await, [""; 0]);
        // The limit is only the size of the server's steps through what comes after, and a step in
        // which nothing passes the filter is the last: here the first, which finds `ids[1]`.
        let last = |limit| {
            client.outbound_ids(ListSipOutboundTrunkRequest {
                page: Some(Pagination { after_id: ids[0].clone(), limit }),
                trunk_ids: vec![ids[2].clone()],
                numbers: vec![],
            })
        };
        assert_eq!(last(0).await, ids[2..]);
        assert_eq!(last(1).await, [""; 0]);
        for id in &ids {
            client.delete_trunk(id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_trunk_is_replaced_whole() {
    for client in clients().await {
        let created = client
            .create_inbound(SipInboundTrunkInfo {
                metadata: "old".to_owned(),
                auth_username: "alice".to_owned(),
                ..inbound(&unique_number())
            })
            .await
            .unwrap();
        let id = &created.sip_trunk_id;
        let moved = unique_number();
        let replaced = client.replace_inbound(id, inbound(&moved)).await.unwrap();
        let expected = SipInboundTrunkInfo { sip_trunk_id: id.clone(), ..inbound(&moved) };
        assert_eq!(replaced, expected);
        assert_eq!(client.replace_inbound(id, expected.clone()).await.unwrap(), expected);
        assert_eq!(client.get_inbound(id).await.unwrap(), expected);

        let with_id = SipInboundTrunkInfo { sip_trunk_id: "ST_other".to_owned(), ..expected };
        assert_eq!(
            client.replace_inbound(id, with_id).await.unwrap_err(),
            invalid("trunk id in the info must be empty or match the id in the update")
        );
        assert_eq!(client.replace_inbound("", inbound(&moved)).await.unwrap_err(), invalid("trunk id must be set"));
        assert_eq!(
            client.replace_inbound("ST_none", inbound(&moved)).await.unwrap_err(),
            failure(404, "not_found", "requested sip trunk does not exist")
        );
        assert_eq!(
            client.replace_inbound(id, SipInboundTrunkInfo::default()).await.unwrap_err().code,
            "invalid_argument"
        );
        let nothing = UpdateSipInboundTrunkRequest { sip_trunk_id: id.clone(), ..Default::default() };
        let answer: Result<SipInboundTrunkInfo, _> = client.call("UpdateSIPInboundTrunk", &nothing).await;
        assert_eq!(answer.unwrap_err(), invalid("missing or unsupported update action"));
        client.delete_trunk(id).await.unwrap();

        let created = client.create_outbound(outbound(&moved)).await.unwrap();
        let id = &created.sip_trunk_id;
        let to = SipOutboundTrunkInfo { address: "203.0.113.9".to_owned(), ..outbound(&moved) };
        let expected = SipOutboundTrunkInfo { sip_trunk_id: id.clone(), ..to.clone() };
        assert_eq!(client.replace_outbound(id, to.clone()).await.unwrap(), expected);
        assert_eq!(client.get_outbound(id).await.unwrap(), expected);
        assert_eq!(
            client.replace_outbound("ST_none", to.clone()).await.unwrap_err(),
            failure(404, "not_found", "requested sip trunk does not exist")
        );
        let with_id = SipOutboundTrunkInfo { sip_trunk_id: "ST_other".to_owned(), ..to.clone() };
        assert_eq!(
            client.replace_outbound(id, with_id).await.unwrap_err(),
            invalid("trunk id in the info must be empty or match the id in the update")
        );
        assert_eq!(
            client.replace_outbound(id, SipOutboundTrunkInfo::default()).await.unwrap_err(),
            invalid("no trunk numbers specified")
        );
        assert_eq!(client.replace_outbound("", to).await.unwrap_err(), invalid("trunk id must be set"));
        client.delete_trunk(id).await.unwrap();
    }
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    for client in clients().await {
        let (a, b, c) = (unique_number(), unique_number(), unique_number());
        let created = client
            .create_inbound(SipInboundTrunkInfo {
                name: "old".to_owned(),
                metadata: "kept".to_owned(),
                auth_username: "alice".to_owned(),
                // Without numbers it is compared with every trunk there is.
                allowed_numbers: vec![unique_number()],
                ..inbound(&a)
            })
            .await
            .unwrap();
        let id = &created.sip_trunk_id;
        let updated = client
            .update_inbound(
                id,
                SipInboundTrunkUpdate {
                    numbers: Some(ListUpdate {
                        add: strings(&[&b, &c, &b]),
                        remove: strings(&[&a, "absent"]),
                        ..Default::default()
                    }),
                    allowed_addresses: Some(ListUpdate { set: strings(&["203.0.113.7"]), ..Default::default() }),
                    name: Some("new".to_owned()),
                    auth_username: Some(String::new()),
                    media_encryption: Some(SipMediaEncryption::SipMediaEncryptRequire.into()),
                    ..Default::default()
                },
            )
            .await
            .unwrap();
        let require = SipMediaEncryption::SipMediaEncryptRequire.into();
        let expected = SipInboundTrunkInfo {
            name: "new".to_owned(),
            numbers: strings(&[&b, &c]),
            allowed_addresses: strings(&["203.0.113.7"]),
            auth_username: String::new(),
            media_encryption: require,
            media: Some(SipMediaConfig { encryption: Some(require), ..Default::default() }),
            ..created.clone()
        };
        assert_eq!(updated, expected);
        assert_eq!(client.get_inbound(id).await.unwrap(), expected);

        // The new field decides over the deprecated one.
        let allow = SipMediaEncryption::SipMediaEncryptAllow.into();
        let media = SipMediaConfig { encryption: Some(allow), ..Default::default() };
        let updated = client
            .update_inbound(id, SipInboundTrunkUpdate { media: Some(media.clone()), ..Default::default() })
            .await
            .unwrap();
        assert_eq!((updated.media, updated.media_encryption), (Some(media), allow));

        let numbers = |numbers| SipInboundTrunkUpdate { numbers: Some(numbers), ..Default::default() };
        let list = |set: &[&str], add: &[&str], remove: &[&str], clear| ListUpdate {
            set: strings(set),
            add: strings(add),
            remove: strings(remove),
            clear,
        };
        for (update, text) in [
            (list(&[], &[], &[], false), "unsupported list update operation"),
            (list(&["1"], &[], &[], true), "cannot clear and change the list at the same time"),
            (list(&["1"], &["2"], &[], false), "cannot set and change the list at the same time"),
            (list(&[], &["2", ""], &[], false), "empty element in the list"),
        ] {
            assert_eq!(client.update_inbound(id, numbers(update)).await.unwrap_err(), invalid(text));
        }
        let cleared = client.update_inbound(id, numbers(list(&[], &[], &[], true))).await.unwrap();
        assert!(cleared.numbers.is_empty());
        let clear_addresses =
            SipInboundTrunkUpdate { allowed_addresses: Some(list(&[], &[], &[], true)), ..Default::default() };
        assert_eq!(
            client.update_inbound(id, clear_addresses).await.unwrap_err(),
            invalid(
                "twirp error unknown: for security, one of the fields must be set: AuthUsername+AuthPassword, AllowedAddresses or Numbers"
            )
        );
        assert_eq!(
            client.update_inbound("ST_none", Default::default()).await.unwrap_err(),
            failure(404, "not_found", "requested sip trunk does not exist")
        );
        client.delete_trunk(id).await.unwrap();

        let created = client.create_outbound(outbound(&a)).await.unwrap();
        let id = &created.sip_trunk_id;
        let updated = client
            .update_outbound(
                id,
                SipOutboundTrunkUpdate {
                    address: Some("203.0.113.9".to_owned()),
                    transport: Some(SipTransport::Tcp.into()),
                    destination_country: Some("fr".to_owned()),
                    auth_password: Some("changed".to_owned()),
                    ..Default::default()
                },
            )
            .await
            .unwrap();
        let expected = SipOutboundTrunkInfo {
            address: "203.0.113.9".to_owned(),
            transport: SipTransport::Tcp.into(),
            destination_country: "fr".to_owned(),
            auth_password: "changed".to_owned(),
            media: Some(SipMediaConfig::default()),
            ..created.clone()
        };
        assert_eq!(updated, expected);
        // What the update itself does not show is answered as the server's own failure.
        for (update, text) in [
            (
                SipOutboundTrunkUpdate { numbers: Some(list(&[], &[], &[], true)), ..Default::default() },
                "no trunk numbers specified",
            ),
            (
                SipOutboundTrunkUpdate { address: Some("a@b".to_owned()), ..Default::default() },
                "trunk address should be a hostname or IP, not SIP URI",
            ),
        ] {
            assert_eq!(client.update_outbound(id, update).await.unwrap_err(), failure(500, "unknown", text));
        }
        assert_eq!(client.get_outbound(id).await.unwrap(), expected);
        client.delete_trunk(id).await.unwrap();
    }
}

#[tokio::test]
async fn an_update_is_checked_against_the_trunks_it_is_listed_with() {
    for client in clients().await {
        let (a, b) = (unique_number(), unique_number());
        let first = client.create_inbound(inbound(&a)).await.unwrap().sip_trunk_id;
        let second = client.create_inbound(inbound(&b)).await.unwrap().sip_trunk_id;
        let both = SipInboundTrunkInfo { numbers: vec![b.clone(), a.clone()], ..Default::default() };
        // Which of the two is named first goes by their ids.
        let (low, high) = if first < second { (&first, &second) } else { (&second, &first) };
        let numbers = if *high == second { format!(r#"["{b}" "{a}"]"#) } else { format!(r#"["{a}"]"#) };
        assert_eq!(
            client.replace_inbound(&second, both).await.unwrap_err(),
            invalid(format!(
                r#"Conflicting inbound SIP Trunks: "{high}" and "{low}", using the same number(s) {numbers} without AllowedNumbers set"#
            ))
        );
        assert_eq!(client.get_inbound(&second).await.unwrap().numbers, [b.as_str()]);

        // A trunk that moves altogether is in no list under its new number, and gets away with it;
        // the next trunk of that number does not.
        assert_eq!(client.replace_inbound(&second, inbound(&a)).await.unwrap().numbers, [a.as_str()]);
        assert_eq!(
            client.create_inbound(inbound(&a)).await.unwrap_err(),
            invalid(format!(
                r#"Conflicting inbound SIP Trunks: "<new>" and "{low}", using the same number(s) ["{a}"] without AllowedNumbers set"#
            ))
        );
        for id in [first, second] {
            client.delete_trunk(&id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_dispatch_rule_is_kept_as_it_was_given() {
    for client in clients().await {
        // A trunk that does not exist will do.
        let trunk = format!("ST_{}", unique_digits());
        let given = SipDispatchRuleInfo {
            name: "Calls".to_owned(),
            metadata: "anything".to_owned(),
            attributes: map(&[("trunkline.trunk_id", "trunk_1"), ("camelCase", "x")]),
            hide_phone_number: true,
            room_config: Some(RoomConfiguration {
                agents: vec![RoomAgentDispatch { agent_name: "front-desk".to_owned(), ..Default::default() }],
                tags: map(&[("someTag", "1")]),
                empty_timeout: 30,
                ..Default::default()
            }),
            media_encryption: SipMediaEncryption::SipMediaEncryptAllow.into(),
            ..individual_rule(&[&trunk])
        };
        let created = client.create_rule(given.clone()).await.unwrap();
        assert!(is_id(&created.sip_dispatch_rule_id, "SDR_"), "{}", created.sip_dispatch_rule_id);
        let id = &created.sip_dispatch_rule_id;
        let expected = SipDispatchRuleInfo {
            sip_dispatch_rule_id: id.clone(),
            media: Some(SipMediaConfig {
                encryption: Some(SipMediaEncryption::SipMediaEncryptAllow.into()),
                ..Default::default()
            }),
            ..given
        };
        assert_eq!(created, expected);
        let list = ListSipDispatchRuleRequest { dispatch_rule_ids: strings(&[id, "SDR_none"]), ..Default::default() };
        let listed: ListSipDispatchRuleResponse = client.call("ListSIPDispatchRule", &list).await.unwrap();
        assert_eq!(listed.items, std::slice::from_ref(&expected));

        let not_found = failure(404, "not_found", "requested sip dispatch rule does not exist");
        assert_eq!(client.delete_rule(id).await.unwrap(), expected);
        assert_eq!(client.delete_rule(id).await.unwrap_err(), not_found);
        assert_eq!(client.delete_rule("").await.unwrap_err(), invalid("dispatch rule ID is required"));
        assert_eq!(client.rule_ids(list).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_dispatch_rule_of_an_old_client_is_taken_too() {
    for client in clients().await {
        let trunk = format!("ST_{}", unique_digits());
        let old = CreateSipDispatchRuleRequest {
            rule: Some(direct("lobby", "1234")),
            trunk_ids: strings(&[&trunk]),
            name: "Old".to_owned(),
            attributes: map(&[("a", "b")]),
            ..Default::default()
        };
        let created: SipDispatchRuleInfo = client.call("CreateSIPDispatchRule", &old).await.unwrap();
        assert_eq!(
            created,
            SipDispatchRuleInfo {
                sip_dispatch_rule_id: created.sip_dispatch_rule_id.clone(),
                rule: Some(direct("lobby", "1234")),
                trunk_ids: strings(&[&trunk]),
                name: "Old".to_owned(),
                attributes: map(&[("a", "b")]),
                ..Default::default()
            }
        );
        client.delete_rule(&created.sip_dispatch_rule_id).await.unwrap();
    }
}

#[tokio::test]
async fn a_dispatch_rule_without_a_rule_is_refused() {
    for client in clients().await {
        let none: Result<SipDispatchRuleInfo, _> =
            client.call("CreateSIPDispatchRule", &CreateSipDispatchRuleRequest::default()).await;
        assert_eq!(none.unwrap_err(), invalid("missing rule"));
        let trunk = format!("ST_{}", unique_digits());
        for (rule, text) in [
            (SipDispatchRuleInfo { rule: None, ..individual_rule(&[&trunk]) }, "missing rule"),
            (
                SipDispatchRuleInfo { rule: Some(SipDispatchRule::default()), ..individual_rule(&[&trunk]) },
                "twirp error unknown: unsupported SIP Dispatch Rule: <nil>",
            ),
            (
                SipDispatchRuleInfo { sip_dispatch_rule_id: "SDR_mine".to_owned(), ..individual_rule(&[&trunk]) },
                "rule id must not be set",
            ),
        ] {
            assert_eq!(client.create_rule(rule).await.unwrap_err(), invalid(text));
        }
    }
}

#[tokio::test]
async fn two_dispatch_rules_cannot_be_in_the_same_place() {
    for client in clients().await {
        // The newcomer is compared as the second of all rules there are, so that either of the two
        // may be the one that exists already.
        let is_collision = |refusal: Failure, stored: &str, name: &str| {
            [stored, "<new>"].into_iter().any(|id| {
                refusal
                    == invalid(format!(
                        r#"Dispatch rule for the same trunk, inbound number, number, and PIN combination already exists in dispatch rule "{id}" "{name}""#
                    ))
            })
        };
        let trunk = format!("ST_{}", unique_digits());
        let (digits, caller) = (unique_digits(), unique_number());
        let plus = format!("+{digits}");
        let mut made = Vec::new();
        let first = client.create_rule(individual_rule(&[&trunk])).await.unwrap();
        let refusal = client.create_rule(individual_rule(&["ST_other", &trunk])).await.unwrap_err();
        assert!(is_collision(refusal, &first.sip_dispatch_rule_id, "<blank name>"));
        // Another PIN, another caller or another called number is another place.
        let pin = SipDispatchRuleInfo {
            rule: Some(direct("lobby", "1234")),
            name: "By PIN".to_owned(),
            ..individual_rule(&[&trunk])
        };
        let called = SipDispatchRuleInfo { numbers: strings(&[&digits]), ..individual_rule(&[&trunk]) };
        let calling = SipDispatchRuleInfo { inbound_numbers: strings(&[&caller]), ..individual_rule(&[&trunk]) };
        made.push(first);
        for (rule, name) in [(pin, "By PIN"), (called, "<blank name>"), (calling, "<blank name>")] {
            let created = client.create_rule(rule.clone()).await.unwrap();
            let refusal = client.create_rule(rule).await.unwrap_err();
            assert!(is_collision(refusal, &created.sip_dispatch_rule_id, name));
            made.push(created);
        }
        // Numbers are compared as LiveKit compares them, and a rule can be in its own way.
        let twice = SipDispatchRuleInfo {
            numbers: strings(&[&digits, &plus]),
            ..individual_rule(&[&format!("ST_{}", unique_digits())])
        };
        let refusal = client.create_rule(twice).await.unwrap_err();
        assert!(is_collision(refusal, "<new>", "<blank name>"));
        // A rule for all trunks collides only with its like.
        let wildcard = SipDispatchRuleInfo { rule: Some(direct("lobby", &digits)), ..individual_rule(&[]) };
        let created = client.create_rule(wildcard.clone()).await.unwrap();
        let refusal = client.create_rule(wildcard.clone()).await.unwrap_err();
        assert!(is_collision(refusal, &created.sip_dispatch_rule_id, "<blank name>"));
        let specific = SipDispatchRuleInfo { trunk_ids: strings(&[&trunk]), ..wildcard };
        made.push(client.create_rule(specific).await.unwrap());

        // It is in every list by trunk.
        let by_trunk = ListSipDispatchRuleRequest { trunk_ids: strings(&[&trunk, "ST_none"]), ..Default::default() };
        let ids = client.rule_ids(by_trunk).await;
        made.push(created);
        assert!(made.iter().all(|rule| ids.contains(&rule.sip_dispatch_rule_id)), "{ids:?}");
        let by_another = ListSipDispatchRuleRequest {
            dispatch_rule_ids: made.iter().map(|rule| rule.sip_dispatch_rule_id.clone()).collect(),
            trunk_ids: strings(&["ST_none"]),
            page: None,
        };
        let wildcard = made.last().unwrap();
        assert_eq!(client.rule_ids(by_another).await, [wildcard.sip_dispatch_rule_id.as_str()]);
        for rule in made {
            client.delete_rule(&rule.sip_dispatch_rule_id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_dispatch_rule_is_replaced_and_updated() {
    for client in clients().await {
        let (here, there) = (format!("ST_{}", unique_digits()), format!("ST_{}", unique_digits()));
        let created = client
            .create_rule(SipDispatchRuleInfo {
                attributes: map(&[("kept", "1"), ("dropped", "1")]),
                ..individual_rule(&[&here])
            })
            .await
            .unwrap();
        let id = &created.sip_dispatch_rule_id;
        let updated = client
            .update_rule(
                id,
                SipDispatchRuleUpdate {
                    rule: Some(direct("lobby", "")),
                    name: Some("new".to_owned()),
                    attributes: map(&[("dropped", ""), ("added", "2")]),
                    trunk_ids: Some(ListUpdate { add: vec![there.clone()], ..Default::default() }),
                    ..Default::default()
                },
            )
            .await
            .unwrap();
        let expected = SipDispatchRuleInfo {
            rule: Some(direct("lobby", "")),
            name: "new".to_owned(),
            attributes: map(&[("kept", "1"), ("added", "2")]),
            trunk_ids: vec![here.clone(), there.clone()],
            ..created.clone()
        };
        assert_eq!(updated, expected);

        let neighbour = client
            .create_rule(SipDispatchRuleInfo { numbers: vec![unique_number()], ..individual_rule(&[&here]) })
            .await
            .unwrap();
        let refusal =
            client.replace_rule(&neighbour.sip_dispatch_rule_id, individual_rule(&[&here])).await.unwrap_err();
        assert_eq!(refusal.code, "invalid_argument");
        assert!(refusal.msg.starts_with("Dispatch rule for the same trunk"), "{}", refusal.msg);
        client.delete_rule(&neighbour.sip_dispatch_rule_id).await.unwrap();

        let replaced = client.replace_rule(id, individual_rule(&[&there])).await.unwrap();
        assert_eq!(replaced, SipDispatchRuleInfo { sip_dispatch_rule_id: id.clone(), ..individual_rule(&[&there]) });
        let no_trunks = SipDispatchRuleUpdate { trunk_ids: Some(ListUpdate::default()), ..Default::default() };
        let no_rule = SipDispatchRuleUpdate { rule: Some(SipDispatchRule::default()), ..Default::default() };
        for (update, text) in [
            (no_trunks, "unsupported list update operation"),
            (no_rule, "twirp error unknown: unsupported SIP Dispatch Rule: <nil>"),
        ] {
            assert_eq!(client.update_rule(id, update).await.unwrap_err(), invalid(text));
        }
        let other_id =
            SipDispatchRuleInfo { sip_dispatch_rule_id: "SDR_other".to_owned(), ..individual_rule(&[&there]) };
        for (id, rule, expected) in [
            ("", individual_rule(&[&there]), invalid("rule id must be set")),
            (id, other_id, invalid("rule id in the info must be empty or match the id in the update")),
            (id, SipDispatchRuleInfo::default(), invalid("missing rule")),
            (
                "SDR_none",
                individual_rule(&[&there]),
                failure(404, "not_found", "requested sip dispatch rule does not exist"),
            ),
        ] {
            assert_eq!(client.replace_rule(id, rule).await.unwrap_err(), expected);
        }
        let nothing = UpdateSipDispatchRuleRequest { sip_dispatch_rule_id: id.clone(), action: None };
        let answer: Result<SipDispatchRuleInfo, _> = client.call("UpdateSIPDispatchRule", &nothing).await;
        assert_eq!(answer.unwrap_err(), invalid("missing or unsupported update action"));
        client.delete_rule(id).await.unwrap();
    }
}

#[tokio::test]
async fn deleting_a_trunk_leaves_its_rules() {
    for client in clients().await {
        let trunk = client.create_inbound(inbound(&unique_number())).await.unwrap().sip_trunk_id;
        let rule = client.create_rule(individual_rule(&[&trunk])).await.unwrap();
        client.delete_trunk(&trunk).await.unwrap();
        assert_eq!(client.delete_rule(&rule.sip_dispatch_rule_id).await.unwrap(), rule);
    }
}

#[tokio::test]
async fn json_has_proto_names_and_every_field() {
    let client = Client::new(server().await, Encoding::Json);
    let call = |method: &'static str, body: Value| {
        let request = client
            .http
            .post(format!("{}/twirp/livekit.SIP/{method}", client.server.url))
            .bearer_auth(client.server.admin_token())
            .json(&body);
        async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    let number = unique_number();
    // Either kind of name is understood, and null is absence.
    let mut created = call(
        "CreateSIPInboundTrunk",
        json!({ "trunk": {
            "numbers": [number],
            "authUsername": "alice",
            "auth_password": null,
            "headersToAttributes": { "X-From": "fromHeader" },
            "includeHeaders": "SIP_X_HEADERS",
            "mediaEncryption": 1,
            "ringing_timeout": "2.5s",
        }}),
    )
    .await;
    let id = created["sip_trunk_id"].clone();
    // Newer than livekit-server 1.13.5.
    created.as_object_mut().unwrap().remove("ringing_timeout_status");
    assert_eq!(
        created,
        json!({
            "sip_trunk_id": id,
            "name": "",
            "metadata": "",
            "numbers": [number],
            "allowed_addresses": [],
            "allowed_numbers": [],
            "auth_username": "alice",
            "auth_password": "",
            "auth_realm": "",
            "headers": {},
            "headers_to_attributes": { "X-From": "fromHeader" },
            "attributes_to_headers": {},
            "include_headers": "SIP_X_HEADERS",
            "ringing_timeout": "2.500s",
            "max_call_duration": null,
            "krisp_enabled": false,
            "media_encryption": "SIP_MEDIA_ENCRYPT_ALLOW",
            "media": null,
            "created_at": null,
            "updated_at": null,
        })
    );
    client.delete_trunk(id.as_str().unwrap()).await.unwrap();
}

#[tokio::test]
async fn json_lists_and_rules_have_every_field_too() {
    let client = Client::new(server().await, Encoding::Json);
    let call = |method: &'static str, body: Value| {
        let request = client
            .http
            .post(format!("{}/twirp/livekit.SIP/{method}", client.server.url))
            .bearer_auth(client.server.admin_token())
            .json(&body);
        async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    for method in ["ListSIPInboundTrunk", "ListSIPOutboundTrunk"] {
        assert_eq!(call(method, json!({ "trunk_ids": ["ST_none"] })).await, json!({ "items": [] }));
    }
    let trunk = format!("ST_{}", unique_digits());
    let rule = call(
        "CreateSIPDispatchRule",
        json!({ "dispatch_rule": {
            "trunk_ids": [trunk],
            "rule": { "dispatch_rule_individual": { "room_prefix": "call" } },
            "attributes": { "camelCase": "x" },
            "room_config": { "agents": [{ "agent_name": "front-desk" }] },
        }}),
    )
    .await;
    let id = rule["sip_dispatch_rule_id"].clone();
    let expected = json!({
        "sip_dispatch_rule_id": id,
        "rule": { "dispatch_rule_individual": { "room_prefix": "call", "pin": "", "no_randomness": false } },
        "trunk_ids": [trunk],
        "hide_phone_number": false,
        "inbound_numbers": [],
        "numbers": [],
        "name": "",
        "metadata": "",
        "attributes": { "camelCase": "x" },
        "room_preset": "",
        "room_config": {
            "name": "",
            "empty_timeout": 0,
            "departure_timeout": 0,
            "max_participants": 0,
            "metadata": "",
            "egress": null,
            "min_playout_delay": 0,
            "max_playout_delay": 0,
            "sync_streams": false,
            "agents": [{
                "agent_name": "front-desk",
                "metadata": "",
                "attributes": {},
                "restart_policy": "JRP_ON_FAILURE",
                "deployment": "",
            }],
            "tags": {},
        },
        "media": { "only_listed_codecs": false, "codecs": [] },
        "krisp_enabled": false,
        "media_encryption": "SIP_MEDIA_ENCRYPT_DISABLE",
        "created_at": null,
        "updated_at": null,
    });
    assert_eq!(rule, expected);
    client.delete_rule(id.as_str().unwrap()).await.unwrap();

    let number = unique_number();
    let trunk =
        call("CreateSIPOutboundTrunk", json!({ "trunk": { "numbers": [number], "address": "sip.example.com" } })).await;
    let id = trunk["sip_trunk_id"].clone();
    let expected = json!({
        "sip_trunk_id": id,
        "name": "",
        "metadata": "",
        "address": "sip.example.com",
        "destination_country": "",
        "transport": "SIP_TRANSPORT_AUTO",
        "numbers": [number],
        "auth_username": "",
        "auth_password": "",
        "headers": {},
        "headers_to_attributes": {},
        "attributes_to_headers": {},
        "include_headers": "SIP_NO_HEADERS",
        "media_encryption": "SIP_MEDIA_ENCRYPT_DISABLE",
        "media": null,
        "from_host": "",
        "created_at": null,
        "updated_at": null,
    });
    assert_eq!(trunk, expected);
    assert_eq!(call("GetSIPOutboundTrunk", json!({ "sipTrunkId": id })).await, json!({ "trunk": expected }));
    let legacy = call("ListSIPTrunk", json!({})).await;
    let listed = legacy["items"].as_array().unwrap().iter().find(|trunk| trunk["sip_trunk_id"] == id);
    assert_eq!(
        listed.unwrap(),
        &json!({
            "sip_trunk_id": id,
            "kind": "TRUNK_OUTBOUND",
            "inbound_addresses": [],
            "outbound_address": "sip.example.com",
            "outbound_number": number,
            "transport": "SIP_TRANSPORT_AUTO",
            "inbound_numbers_regex": [],
            "inbound_numbers": [],
            "inbound_username": "",
            "inbound_password": "",
            "outbound_username": "",
            "outbound_password": "",
            "name": "",
            "metadata": "",
        })
    );
    client.delete_trunk(id.as_str().unwrap()).await.unwrap();
}
