//! The HTTP front: what API Gateway does on AWS. Each request becomes a payload 2.0 event
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>), and the
//! route's handler answers it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{COOKIE, HeaderName, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use trunkline_bootstrap::{Clients, Environment, LiveKitKeys, StartError};
use trunkline_dynamodb::TrunkTable;
use trunkline_http::{
    CreateSipTrunk, DeletePhoneNumber, DeleteSipTrunk, EventResponse, GetPhoneNumber, GetSipTrunk, Healthz,
    ImportPhoneNumber, ListPhoneNumbers, ListSipTrunks, NotFound, Operation, UpdatePhoneNumber, UpdateSipTrunk, answer,
    find,
};
use trunkline_livekit::LiveKitSip;
use trunkline_secrets::TrunkSecrets;
use trunkline_twilio::TwilioRest;

/// The handlers of all functions.
pub(crate) struct Handlers {
    create_sip_trunk: CreateSipTrunk<TrunkTable, TrunkTable, TrunkSecrets, LiveKitSip<LiveKitKeys>>,
    list_sip_trunks: ListSipTrunks<TrunkTable, TrunkTable>,
    get_sip_trunk: GetSipTrunk<TrunkTable, TrunkTable>,
    update_sip_trunk: UpdateSipTrunk<TrunkTable, TrunkTable, TrunkSecrets, LiveKitSip<LiveKitKeys>, TwilioRest>,
    delete_sip_trunk: DeleteSipTrunk<TrunkTable, TrunkTable, TrunkSecrets, LiveKitSip<LiveKitKeys>, TwilioRest>,
    import_phone_number: ImportPhoneNumber<TrunkTable, TrunkTable, TrunkSecrets, LiveKitSip<LiveKitKeys>, TwilioRest>,
    list_phone_numbers: ListPhoneNumbers<TrunkTable, TrunkTable>,
    get_phone_number: GetPhoneNumber<TrunkTable, TrunkTable>,
    update_phone_number: UpdatePhoneNumber<TrunkTable, TrunkTable, TrunkSecrets, LiveKitSip<LiveKitKeys>>,
    delete_phone_number: DeletePhoneNumber<TrunkTable, TrunkTable, TrunkSecrets, LiveKitSip<LiveKitKeys>, TwilioRest>,
}

impl Handlers {
    pub(crate) fn new(environment: &Environment, clients: &Clients) -> Result<Self, StartError> {
        Ok(Self {
            create_sip_trunk: CreateSipTrunk {
                authenticator: clients.authenticator()?,
                create: clients.create_trunk()?,
                address_policy: environment.address_policy()?,
                sip_host: environment.sip_host()?,
            },
            list_sip_trunks: ListSipTrunks {
                authenticator: clients.authenticator()?,
                store: clients.table()?,
                sip_host: environment.sip_host()?,
            },
            get_sip_trunk: GetSipTrunk {
                authenticator: clients.authenticator()?,
                store: clients.table()?,
                sip_host: environment.sip_host()?,
            },
            update_sip_trunk: UpdateSipTrunk {
                authenticator: clients.authenticator()?,
                update: clients.update_trunk()?,
                sip_host: environment.sip_host()?,
            },
            delete_sip_trunk: DeleteSipTrunk {
                authenticator: clients.authenticator()?,
                delete: clients.delete_trunk()?,
            },
            import_phone_number: ImportPhoneNumber {
                authenticator: clients.authenticator()?,
                import: clients.import_number()?,
            },
            list_phone_numbers: ListPhoneNumbers { authenticator: clients.authenticator()?, store: clients.table()? },
            get_phone_number: GetPhoneNumber { authenticator: clients.authenticator()?, store: clients.table()? },
            update_phone_number: UpdatePhoneNumber {
                authenticator: clients.authenticator()?,
                update: clients.update_number()?,
            },
            delete_phone_number: DeletePhoneNumber {
                authenticator: clients.authenticator()?,
                delete: clients.delete_number()?,
            },
        })
    }
}

pub(crate) async fn serve(State(handlers): State<Arc<Handlers>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // The handlers limit the body; the front listens on loopback only. A body that breaks off has nobody to answer.
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let method = parts.method.as_str();
    let path = parts.uri.path();
    let route = find(method, path);
    let (route_key, parameters) = match &route {
        Some((route, parameters)) => (format!("{} {}", route.method, route.path), Some(parameters)),
        None => ("$default".to_owned(), None),
    };
    let event = event(method, path, parts.uri.query(), &parts.headers, &route_key, parameters, &body);
    let event = lambda_http::request::from_str(&event.to_string()).expect("an event of API Gateway's form");
    let response = match route.map(|(route, _)| route.operation) {
        Some(Operation::CreateSipTrunk) => answer(&handlers.create_sip_trunk, event).await,
        Some(Operation::ListSipTrunks) => answer(&handlers.list_sip_trunks, event).await,
        Some(Operation::GetSipTrunk) => answer(&handlers.get_sip_trunk, event).await,
        Some(Operation::UpdateSipTrunk) => answer(&handlers.update_sip_trunk, event).await,
        Some(Operation::DeleteSipTrunk) => answer(&handlers.delete_sip_trunk, event).await,
        Some(Operation::ImportPhoneNumber) => answer(&handlers.import_phone_number, event).await,
        Some(Operation::ListPhoneNumbers) => answer(&handlers.list_phone_numbers, event).await,
        Some(Operation::GetPhoneNumber) => answer(&handlers.get_phone_number, event).await,
        Some(Operation::UpdatePhoneNumber) => answer(&handlers.update_phone_number, event).await,
        Some(Operation::DeletePhoneNumber) => answer(&handlers.delete_phone_number, event).await,
        Some(Operation::Healthz) => answer(&Healthz, event).await,
        None => answer(&NotFound, event).await,
    };
    into_response(response)
}

fn event(
    method: &str,
    path: &str,
    query: Option<&str>,
    headers: &HeaderMap,
    route_key: &str,
    parameters: Option<&HashMap<String, String>>,
    body: &Bytes,
) -> Value {
    let now = Timestamp::now();
    let (body, is_base64) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (BASE64_STANDARD.encode(body), true),
    };
    let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query.unwrap_or_default(),
        "cookies": headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>(),
        "headers": joined(headers),
        "pathParameters": parameters,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": user_agent,
            },
            "requestId": format!("local-{}", now.as_nanosecond()),
            "routeKey": route_key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

/// A header sent more than once becomes one, with commas. Where the request came to is said by the gateway itself,
/// whatever the client says.
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let own = [("host", "localhost"), ("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "http")];
    let is_own = |name: &HeaderName| *name == COOKIE || own.iter().any(|(own, _)| name == own);
    let mut joined: BTreeMap<_, _> = own.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    for (name, value) in headers.iter().filter(|(name, _)| !is_own(name)) {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.to_string())
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    joined
}

fn into_response(response: EventResponse) -> Response {
    response.map(|body| match body {
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    })
}
