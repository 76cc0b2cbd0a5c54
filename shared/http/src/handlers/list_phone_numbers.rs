use lambda_http::http::StatusCode;
use serde::Serialize;
use trunkline_domain::PhoneNumberId;
use trunkline_provisioning::ports::{ApiKeyStore, NumberStore};

use crate::authentication::Authenticator;
use crate::endpoint::Handler;
use crate::error::ApiError;
use crate::page;
use crate::phone_number_body::PhoneNumberBody;
use crate::request::ApiRequest;
use crate::response::ApiResponse;

/// `GET /v1/agents/phone-numbers`
#[derive(Debug)]
pub struct ListPhoneNumbers<K, S> {
    /// Who asks.
    pub authenticator: Authenticator<K>,
    /// Where the numbers are.
    pub store: S,
}

/// A part of the list, newest first.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PhoneNumberPage"))]
pub(crate) struct NumberPageBody<'a> {
    /// The numbers of this part.
    pub(crate) numbers: Vec<PhoneNumberBody<'a>>,
    /// The `cursor` of the next part; `null` at the end.
    pub(crate) next_cursor: Option<PhoneNumberId>,
    /// Whether there is a next part.
    pub(crate) has_more: bool,
}

impl<K: ApiKeyStore, S: NumberStore> Handler for ListPhoneNumbers<K, S> {
    async fn handle(&self, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
        let workspace_id = self.authenticator.reader(request).await?;
        let mut violations = request.strange_query(&[page::LIMIT, page::CURSOR]);
        let limit = page::limit(request, &mut violations);
        let before = page::cursor(request, &mut violations);
        if !violations.is_empty() {
            return Err(violations.into());
        }
        let page = self.store.list_numbers(workspace_id, before, limit).await?;
        // The cursor is the last number shown: the list goes on behind its place, also when it is deleted meanwhile.
        let next_cursor = page.numbers.last().filter(|_| page.has_more).map(|number| number.id);
        let numbers = page.numbers.iter().map(PhoneNumberBody::new).collect();
        Ok(ApiResponse::json(StatusCode::OK, &NumberPageBody { numbers, next_cursor, has_more: page.has_more }))
    }
}
