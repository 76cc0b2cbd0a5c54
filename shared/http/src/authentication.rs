use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tracing::Span;
use trunkline_domain::{ApiKeyHash, Scope, WorkspaceId};
use trunkline_provisioning::ports::{ApiKeyRecord, ApiKeyStore};

use crate::error::ApiError;
use crate::request::ApiRequest;

/// Says which workspace a request speaks for.
///
/// Valid keys are remembered for a minute: a revoked key works for as long at most. Invalid keys are looked up each
/// time, whatever they look like, so that all of them take the time of one lookup.
#[derive(Debug)]
pub struct Authenticator<K> {
    keys: K,
    // A std mutex: it is never held across an await.
    known: Mutex<HashMap<ApiKeyHash, Known>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    record: ApiKeyRecord,
    // By the wall clock: the monotonic one stands still while Lambda has the function frozen, and a revoked key with it.
    since: SystemTime,
}

impl Known {
    /// A clock that was set back makes nothing fresh.
    fn is_fresh(&self) -> bool {
        self.since.elapsed().is_ok_and(|age| age < REMEMBERED_FOR)
    }
}

const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// One process seldom sees more keys within a minute.
const MAX_REMEMBERED: usize = 1024;

impl<K: ApiKeyStore> Authenticator<K> {
    /// Over the table of keys.
    pub fn new(keys: K) -> Self {
        Self { keys, known: Mutex::default() }
    }

    /// The workspace of a request that reads.
    pub(crate) async fn reader(&self, request: &ApiRequest) -> Result<WorkspaceId, ApiError> {
        self.identify(request).await.map(|record| record.workspace_id)
    }

    /// The workspace of a request that changes something.
    pub(crate) async fn writer(&self, request: &ApiRequest) -> Result<WorkspaceId, ApiError> {
        let record = self.identify(request).await?;
        match record.scope {
            Scope::Full => Ok(record.workspace_id),
            Scope::Read => Err(ApiError::insufficient_scope()),
        }
    }

    async fn identify(&self, request: &ApiRequest) -> Result<ApiKeyRecord, ApiError> {
        let hash = request.api_key().hash();
        let record = match self.recall(&hash) {
            Some(record) => record,
            None => {
                let record = self.keys.find(&hash).await?.ok_or_else(ApiError::unauthorized)?;
                self.remember(hash, record);
                record
            }
        };
        Span::current().record("workspace_id", record.workspace_id.to_string());
        Ok(record)
    }

    fn recall(&self, hash: &ApiKeyHash) -> Option<ApiKeyRecord> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(hash).filter(|known| known.is_fresh()).map(|known| known.record)
    }

    fn remember(&self, hash: ApiKeyHash, record: ApiKeyRecord) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_REMEMBERED {
            known.retain(|_, known| known.is_fresh());
        }
        if known.len() < MAX_REMEMBERED {
            known.insert(hash, Known { record, since: SystemTime::now() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_remembered_for_a_minute_at_most() {
        let workspace_id = WorkspaceId::new();
        let fresh = |since| Known { record: ApiKeyRecord { workspace_id, scope: Scope::Full }, since }.is_fresh();
        let now = SystemTime::now();
        assert!(fresh(now) && fresh(now - Duration::from_secs(50)));
        assert!(!fresh(now - Duration::from_secs(60)));
        assert!(!fresh(now + Duration::from_secs(50)), "the clock was set back");
    }
}
