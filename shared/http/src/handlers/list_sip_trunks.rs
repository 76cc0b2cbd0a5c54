use lambda_http::http::StatusCode;
use serde::Serialize;
use trunkline_domain::{SipHost, UnknownOption, Violations};
use trunkline_provisioning::ports::{ApiKeyStore, Filter, TrunkStore};

use crate::authentication::Authenticator;
use crate::cursor::Cursor;
use crate::endpoint::Handler;
use crate::error::ApiError;
use crate::page;
use crate::request::ApiRequest;
use crate::response::ApiResponse;
use crate::trunk_body::TrunkBody;

/// `GET /v1/agents/sip-trunks`
#[derive(Debug)]
pub struct ListSipTrunks<K, S> {
    /// Who asks.
    pub authenticator: Authenticator<K>,
    /// Where the trunks are.
    pub store: S,
    /// LiveKit's SIP host.
    pub sip_host: SipHost,
}

/// A part of the list, newest first.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "SipTrunkPage"))]
pub(crate) struct PageBody<'a> {
    /// The trunks of this part.
    pub(crate) trunks: Vec<TrunkBody<'a>>,
    /// The `cursor` of the next part; `null` at the end.
    pub(crate) next_cursor: Option<Cursor>,
    /// Whether there is a next part.
    pub(crate) has_more: bool,
}

/// Which page is asked for.
struct PageQuery {
    cursor: Option<Cursor>,
    limit: usize,
    filter: Filter,
}

const KIND: &str = "kind";
const DIRECTION: &str = "direction";

impl PageQuery {
    fn parse(request: &ApiRequest) -> Result<Self, Violations> {
        let mut violations = request.strange_query(&[page::LIMIT, page::CURSOR, KIND, DIRECTION]);
        let limit = page::limit(request, &mut violations);
        let option = |error: UnknownOption| error.to_string();
        let kind = page::parameter(request, KIND, &mut violations, option);
        let direction = page::parameter(request, DIRECTION, &mut violations, option);
        let filter = Filter { kind, direction };
        let filter_is_valid = ![KIND, DIRECTION].iter().any(|name| violations.fields().contains_key(*name));
        let cursor: Option<Cursor> = page::cursor(request, &mut violations);
        if filter_is_valid && cursor.as_ref().is_some_and(|cursor| !cursor.is_of(filter)) {
            violations.add(page::CURSOR, "must be used with the kind and direction of the list that it is from");
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        Ok(Self { cursor, limit, filter })
    }
}

impl<K: ApiKeyStore, S: TrunkStore> Handler for ListSipTrunks<K, S> {
    async fn handle(&self, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
        let workspace_id = self.authenticator.reader(request).await?;
        let PageQuery { cursor, limit, filter } = PageQuery::parse(request)?;
        let page = self.store.list(workspace_id, cursor.map(|cursor| cursor.before), limit, filter).await?;
        // The cursor is the last trunk shown: the list goes on behind its place, also when it is deleted meanwhile.
        let next_cursor = page.trunks.last().filter(|_| page.has_more).map(|trunk| Cursor::new(trunk.id, filter));
        let trunks = page.trunks.iter().map(|trunk| TrunkBody::new(trunk, &self.sip_host)).collect();
        Ok(ApiResponse::json(StatusCode::OK, &PageBody { trunks, next_cursor, has_more: page.has_more }))
    }
}
