//! What the queries of lists have in common.

use std::str::FromStr;

use trunkline_domain::Violations;

use crate::request::ApiRequest;

pub(crate) const LIMIT: &str = "limit";
pub(crate) const CURSOR: &str = "cursor";

pub(crate) const DEFAULT_LIMIT: usize = 50;
pub(crate) const MAX_LIMIT: usize = 200;

/// How many a page shows at most.
pub(crate) fn limit(request: &ApiRequest, violations: &mut Violations) -> usize {
    let Some(text) = request.query(LIMIT) else {
        return DEFAULT_LIMIT;
    };
    match text.parse() {
        Ok(limit @ 1..=MAX_LIMIT) if text.bytes().all(|byte| byte.is_ascii_digit()) => limit,
        _ => {
            violations.add(LIMIT, format!("must be a number from 1 to {MAX_LIMIT}"));
            DEFAULT_LIMIT
        }
    }
}

/// Where a page begins.
pub(crate) fn cursor<T: FromStr>(request: &ApiRequest, violations: &mut Violations) -> Option<T> {
    parameter(request, CURSOR, violations, |_| "must be a next_cursor of this list".to_owned())
}

pub(crate) fn parameter<T: FromStr>(
    request: &ApiRequest,
    name: &str,
    violations: &mut Violations,
    message: impl FnOnce(T::Err) -> String,
) -> Option<T> {
    request.query(name)?.parse().map_err(|error| violations.add(name, message(error))).ok()
}
