//! Primary keys, and the sweep index's.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use trunkline_domain::{AccountSid, ApiKeyHash, ApiKeyId, E164, TrunkId, WorkspaceId};
use trunkline_provisioning::ports::StoreError;
use trunkline_provisioning::{NumberKey, TrunkKey};

use crate::error::unreadable;

pub(crate) type Key = HashMap<String, AttributeValue>;

const WORKSPACE_PREFIX: &str = "WS#";
pub(crate) const WORKSPACE_SORT_KEY: &str = "WS";
pub(crate) const TRUNK_PREFIX: &str = "TRUNK#";
pub(crate) const TOMBSTONE_PREFIX: &str = "TOMB#";
pub(crate) const NUMBER_PREFIX: &str = "NUMBER#";
pub(crate) const TWILIO_ACCOUNT_PREFIX: &str = "TWILIO#";
const NUMBER_CLAIM_PREFIX: &str = "E164#";
pub(crate) const IDEMPOTENCY_PREFIX: &str = "IDEM#";
pub(crate) const API_KEY_REFERENCE_PREFIX: &str = "KEYREF#";
const API_KEY_PREFIX: &str = "KEY#";

pub(crate) fn partition(workspace_id: WorkspaceId) -> String {
    format!("{WORKSPACE_PREFIX}{workspace_id}")
}

pub(crate) fn workspace(workspace_id: WorkspaceId) -> Key {
    key(partition(workspace_id), WORKSPACE_SORT_KEY)
}

pub(crate) fn trunk(trunk: TrunkKey) -> Key {
    key(partition(trunk.workspace_id), format!("{TRUNK_PREFIX}{}", trunk.id))
}

pub(crate) fn tombstone(trunk: TrunkKey) -> Key {
    key(partition(trunk.workspace_id), format!("{TOMBSTONE_PREFIX}{}", trunk.id))
}

pub(crate) fn number(number: NumberKey) -> Key {
    key(partition(number.workspace_id), format!("{NUMBER_PREFIX}{}", number.id))
}

pub(crate) fn number_claim(e164: &E164) -> Key {
    key(format!("{NUMBER_CLAIM_PREFIX}{e164}"), "E164")
}

pub(crate) fn twilio_account(workspace_id: WorkspaceId, account_sid: &AccountSid) -> Key {
    key(partition(workspace_id), format!("{TWILIO_ACCOUNT_PREFIX}{account_sid}"))
}

pub(crate) fn idempotency(workspace_id: WorkspaceId, key_hash: &str) -> Key {
    key(partition(workspace_id), format!("{IDEMPOTENCY_PREFIX}{key_hash}"))
}

pub(crate) fn api_key(hash: &ApiKeyHash) -> Key {
    key(format!("{API_KEY_PREFIX}{hash}"), "KEY")
}

pub(crate) fn api_key_reference(workspace_id: WorkspaceId, id: ApiKeyId) -> Key {
    key(partition(workspace_id), format!("{API_KEY_REFERENCE_PREFIX}{id}"))
}

fn key(pk: String, sk: impl Into<String>) -> Key {
    HashMap::from([("pk".into(), AttributeValue::S(pk)), ("sk".into(), AttributeValue::S(sk.into()))])
}

/// How many parts the sweep index has: a few, so that no single one takes every write.
pub(crate) const SWEEP_SHARDS: u8 = 4;

/// Which part of the sweep index a record is in.
pub(crate) fn sweep_shard(id: TrunkId) -> String {
    shard_name(id.to_string().bytes().last().unwrap_or_default() % SWEEP_SHARDS)
}

pub(crate) fn shard_name(shard: u8) -> String {
    format!("S{shard}")
}

/// The trunk that the rest of a sort key names.
pub(crate) fn trunk_key(workspace_id: WorkspaceId, id: &str) -> Result<TrunkKey, StoreError> {
    id.parse().map(|id| TrunkKey { workspace_id, id }).map_err(unreadable)
}

/// The phone number of a partition key that claims one.
pub(crate) fn claimed_number_of(partition: &str) -> Option<E164> {
    partition.strip_prefix(NUMBER_CLAIM_PREFIX).map(E164::from_stored)
}

/// The API key of a partition key.
pub(crate) fn api_key_of(partition: &str) -> Option<ApiKeyHash> {
    partition.strip_prefix(API_KEY_PREFIX)?.parse().ok()
}

/// The workspace of a partition key.
pub(crate) fn workspace_of(partition: &str) -> Option<WorkspaceId> {
    partition.strip_prefix(WORKSPACE_PREFIX)?.parse().ok()
}
