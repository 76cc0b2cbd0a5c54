//! Pages of the phone-number API, by a token that says where they begin (`EncodeTokenPagination` and
//! `DecodeTokenPagination` in the protocol's `livekit/types.go`).

use base64::{Engine, prelude::BASE64_URL_SAFE};
use livekit_protocol::TokenPagination;
use serde::{Deserialize, Serialize};

use super::twirp::TwirpError;

/// The size of a page where the caller names none.
const DEFAULT_LIMIT: usize = 50;

/// What a token says.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Place {
    offset: usize,
    limit: usize,
}

/// A page of `all`, and the token of the next one. The limit of a token goes before the request's.
pub(super) fn page<T>(
    mut all: Vec<T>,
    token: Option<&TokenPagination>,
    limit: Option<i32>,
) -> Result<(Vec<T>, Option<TokenPagination>), TwirpError> {
    let Place { offset, limit: of_token } = match token {
        Some(token) if !token.token.is_empty() => {
            let json = BASE64_URL_SAFE.decode(&token.token).ok();
            json.and_then(|json| serde_json::from_slice(&json).ok())
                .ok_or_else(|| TwirpError::invalid_argument("failed to decode token"))?
        }
        _ => Place::default(),
    };
    let of_request = limit.and_then(|limit| usize::try_from(limit).ok());
    let limit = [Some(of_token), of_request].into_iter().flatten().find(|limit| *limit > 0).unwrap_or(DEFAULT_LIMIT);
    let mut items = all.split_off(offset.min(all.len()));
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = has_more.then(|| {
        let place = serde_json::json!(Place { offset: offset + limit, limit });
        TokenPagination { token: BASE64_URL_SAFE.encode(place.to_string()) }
    });
    Ok((items, next))
}
