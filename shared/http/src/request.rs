use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_http::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use lambda_http::{Body, RequestExt};
use trunkline_domain::{ApiKey, RequestId, Violations};

use crate::Event;
use crate::error::ApiError;

pub(crate) const JSON: &str = "application/json";
/// RFC 7396 §4.
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;

/// A request on its way through a handler. Not `Debug`: it holds the caller's key and body.
pub struct ApiRequest {
    pub(crate) id: RequestId,
    event: Event,
}

impl ApiRequest {
    pub(crate) fn new(event: Event) -> Self {
        Self { id: RequestId::new(), event }
    }

    pub(crate) fn method(&self) -> &str {
        self.event.method().as_str()
    }

    pub(crate) fn path(&self) -> &str {
        self.event.raw_http_path()
    }

    pub(crate) fn path_parameter(&self, name: &str) -> &str {
        self.event.path_parameters_ref().and_then(|parameters| parameters.first(name)).unwrap_or_default()
    }

    /// The first value of a parameter of the query; [`Self::strange_query`] refuses a second.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.event.query_string_parameters_ref().and_then(|query| query.first(name))
    }

    /// What of the query is none of `known`, or is there more than once.
    pub(crate) fn strange_query(&self, known: &[&str]) -> Violations {
        let mut violations = Violations::default();
        let mut seen = BTreeSet::new();
        for (name, _) in self.event.query_string_parameters_ref().into_iter().flat_map(|query| query.iter()) {
            if !known.contains(&name) {
                violations.add_unknown("query parameter", name, known);
            } else if !seen.insert(name) {
                violations.add(name, "given more than once: give it once");
            }
        }
        violations
    }

    /// For a route that takes no query: a `dry_run` that nobody reads must not be believed in.
    pub(crate) fn without_query(&self) -> Result<(), Violations> {
        let violations = self.strange_query(&[]);
        if violations.is_empty() { Ok(()) } else { Err(violations) }
    }

    pub(crate) fn header(&self, name: impl Into<HeaderName>) -> Option<&[u8]> {
        self.event.headers().get(name.into()).map(|value| value.as_bytes())
    }

    /// When the function is frozen, if it is one.
    pub(crate) fn deadline(&self) -> Option<SystemTime> {
        let context = self.event.lambda_context_ref()?;
        Some(UNIX_EPOCH + Duration::from_millis(context.deadline))
    }

    /// What stands behind `Bearer`, or an empty key, which nobody has.
    pub(crate) fn api_key(&self) -> ApiKey {
        let header = self.header(AUTHORIZATION).and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default();
        let token = match header.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => "",
        };
        ApiKey::presented(token)
    }

    /// The body, if it is of one of these media types and not too large.
    pub(crate) fn body_of(&self, media_types: &[&str]) -> Result<&[u8], ApiError> {
        let body: &[u8] = match self.event.body() {
            Body::Empty => &[],
            Body::Text(text) => text.as_bytes(),
            Body::Binary(bytes) => bytes,
            _ => &[],
        };
        if body.len() > MAX_BODY_BYTES {
            return Err(ApiError::payload_too_large(MAX_BODY_BYTES));
        }
        let is_taken = |content_type| media_types.iter().any(|media_type| is_of(content_type, media_type));
        if !self.header(CONTENT_TYPE).is_some_and(is_taken) {
            return Err(ApiError::unsupported_media_type(media_types));
        }
        Ok(body)
    }
}

fn is_of(content_type: &[u8], media_type: &str) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(media_type.as_bytes())
}
