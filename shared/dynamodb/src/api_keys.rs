//! API keys, by the hash of the key.

use trunkline_domain::{ApiKeyHash, ApiKeyState};
use trunkline_provisioning::ports::{ApiKeyRecord, ApiKeyStore, StoreError};

use crate::items::Record;
use crate::keys;
use crate::store::TrunkTable;

impl ApiKeyStore for TrunkTable {
    async fn find(&self, key: &ApiKeyHash) -> Result<Option<ApiKeyRecord>, StoreError> {
        let Some(item) = self.read_item("find_api_key", keys::api_key(key)).await? else {
            return Ok(None);
        };
        let record = Record(&item);
        if record.text("state")? != ApiKeyState::Active.as_str() {
            return Ok(None);
        }
        Ok(Some(ApiKeyRecord { workspace_id: record.parsed("workspace_id")?, scope: record.parsed("scope")? }))
    }
}
