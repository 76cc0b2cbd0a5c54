use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};
use trunkline_domain::RequestId;

use crate::description;

/// Where trunks are created and listed.
pub const TRUNKS: &str = "/v1/agents/sip-trunks";

/// Where phone numbers are imported and listed.
pub const NUMBERS: &str = "/v1/agents/phone-numbers";

/// Every code of the contract, with its status.
pub const CODES: [(u16, &str); 18] = [
    (400, "bad_request"),
    (400, "validation_failed"),
    (401, "unauthorized"),
    (402, "payment_required"),
    (403, "insufficient_scope"),
    (404, "sip_trunk_not_found"),
    (404, "phone_number_not_found"),
    (404, "not_found"),
    (405, "method_not_allowed"),
    (409, "conflict"),
    (409, "idempotency_conflict"),
    (412, "precondition_failed"),
    (413, "payload_too_large"),
    (415, "unsupported_media_type"),
    (429, "rate_limited"),
    (500, "internal_error"),
    (502, "upstream_failure"),
    (503, "service_unavailable"),
];

/// Speaks to the service as one caller.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    key: Option<String>,
}

impl Client {
    /// A caller with that API key, or none.
    pub fn new(url: &str, key: Option<&str>) -> Self {
        Self { http: http(), url: url.trim_end_matches('/').to_owned(), key: key.map(str::to_owned) }
    }

    /// Another caller of the same service.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    /// Somebody without a key.
    pub fn without_key(&self) -> Self {
        Self { key: None, ..self.clone() }
    }

    /// Creates a trunk.
    pub async fn create(&self, body: &Value) -> Answer {
        self.post().json(body).send().await
    }

    /// Creates a trunk under an idempotency key.
    pub async fn create_once(&self, key: &str, body: &Value) -> Answer {
        self.post().header("idempotency-key", key).json(body).send().await
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send().await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path).send().await
    }

    /// One trunk.
    pub async fn get_trunk(&self, id: &str) -> Answer {
        self.get(&format!("{TRUNKS}/{id}")).await
    }

    /// Changes one trunk.
    pub async fn patch(&self, id: &str, patch: &Value) -> Answer {
        self.request(Method::PATCH, &format!("{TRUNKS}/{id}"))
            .body("application/merge-patch+json", patch.to_string())
            .send()
            .await
    }

    /// Changes one trunk of those versions.
    pub async fn patch_if(&self, if_match: &str, id: &str, patch: &Value) -> Answer {
        let request = self.request(Method::PATCH, &format!("{TRUNKS}/{id}"));
        request.header("if-match", if_match).json(patch).send().await
    }

    /// Deletes one trunk.
    pub async fn delete_trunk(&self, id: &str) -> Answer {
        self.delete(&format!("{TRUNKS}/{id}")).await
    }

    /// Imports a phone number.
    pub async fn import(&self, body: &Value) -> Answer {
        self.request(Method::POST, NUMBERS).json(body).send().await
    }

    /// Imports a phone number under an idempotency key.
    pub async fn import_once(&self, key: &str, body: &Value) -> Answer {
        self.request(Method::POST, NUMBERS).header("idempotency-key", key).json(body).send().await
    }

    /// One phone number.
    pub async fn get_number(&self, id: &str) -> Answer {
        self.get(&format!("{NUMBERS}/{id}")).await
    }

    /// Changes one phone number.
    pub async fn patch_number(&self, id: &str, patch: &Value) -> Answer {
        self.request(Method::PATCH, &format!("{NUMBERS}/{id}"))
            .body("application/merge-patch+json", patch.to_string())
            .send()
            .await
    }

    /// Deletes one phone number.
    pub async fn delete_number(&self, id: &str) -> Answer {
        self.delete(&format!("{NUMBERS}/{id}")).await
    }

    /// A request for a trunk, still without a body.
    pub fn post(&self) -> Request {
        self.request(Method::POST, TRUNKS)
    }

    /// Any request.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let request = self.http.request(method, format!("{}{path}", self.url));
        Request(match &self.key {
            Some(key) => request.header("authorization", format!("Bearer {key}")),
            None => request,
        })
    }
}

/// A client that talks to loopback only, whatever proxies the environment names.
pub(crate) fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A request being made.
#[derive(Debug)]
pub struct Request(reqwest::RequestBuilder);

impl Request {
    /// With that header.
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        Self(self.0.header(name, value.as_ref()))
    }

    /// With a body of JSON.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// With any body.
    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self(self.0.header("content-type", content_type).body(body.into()))
    }

    /// With a body of no declared type.
    pub fn untyped_body(self, body: impl Into<Vec<u8>>) -> Self {
        Self(self.0.body(body.into()))
    }

    /// Sends it and checks what every answer has in common.
    pub async fn send(self) -> Answer {
        let (http, request) = self.0.build_split();
        let request = request.expect("a request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = http.execute(request).await.expect("the service answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a whole body of text");
        assert!(description::has(&method, &path, status), "openapi.yaml has no {status} for {method} {path}: {text}");
        Answer::checked(status, headers, text)
    }
}

/// An answer that keeps to the contract's envelope.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null where there is none.
    pub body: Value,
}

impl Answer {
    fn checked(status: u16, headers: HeaderMap, text: String) -> Self {
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("a body of JSON") };
        let answer = Self { status, headers, text, body };
        let request_id = answer.header("trunkline-request-id").expect("a request id");
        assert!(request_id.parse::<RequestId>().is_ok(), "{request_id}");
        if status == 204 || status == 304 {
            assert_eq!(answer.text, "", "no body with {status}");
            return answer;
        }
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"), "{}", answer.text);
        if status >= 400 {
            answer.check_error(request_id);
        }
        answer
    }

    fn check_error(&self, request_id: &str) {
        // A replay repeats the first answer's body, and so the first request's id.
        if self.header("idempotent-replayed").is_none() {
            assert_eq!(self.body["request_id"], request_id, "{}", self.text);
        }
        assert_eq!(keys(&self.body), ["error", "request_id"]);
        let error = &self.body["error"];
        assert!(CODES.contains(&(self.status, self.code())), "{} {}", self.status, self.text);
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{}", self.text);
        for key in keys(error) {
            assert!(["code", "message", "fields", "details"].contains(&key), "{}", self.text);
        }
        if self.code() == "validation_failed" {
            assert!(!self.fields().is_empty() && self.fields().values().all(Value::is_string), "{}", self.text);
        } else {
            assert!(error.get("fields").is_none(), "{}", self.text);
        }
    }

    /// Goes on only with that status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Goes on only with that error.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.code(), code, "{}", answer.text);
        answer
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The error's code.
    #[track_caller]
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_else(|| panic!("no error code: {}", self.text))
    }

    /// The error's details.
    pub fn details(&self) -> &Value {
        &self.body["error"]["details"]
    }

    /// The error's fields; empty where there are none.
    pub fn fields(&self) -> Map<String, Value> {
        self.body["error"]["fields"].as_object().cloned().unwrap_or_default()
    }

    /// The id of a trunk or a number.
    #[track_caller]
    pub fn id(&self) -> &str {
        self.text_of("id")
    }

    /// A field that is there and is text.
    #[track_caller]
    pub fn text_of(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_else(|| panic!("no {field}: {}", self.text))
    }

    /// Status, the headers that are ours, and body, for a snapshot.
    pub fn whole(&self) -> Value {
        // Set by the transport: no part of the contract.
        let transport = ["connection", "content-length", "date", "transfer-encoding"];
        let headers: Map<String, Value> = self
            .headers
            .iter()
            .filter(|(name, _)| !transport.contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
            .collect();
        json!({ "status": self.status, "headers": headers, "body": self.body })
    }
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}
