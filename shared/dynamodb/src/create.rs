//! Reserve and commit.

use aws_sdk_dynamodb::types::{
    CancellationReason, Put, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};
use trunkline_domain::{Trunk, WorkspaceId};
use trunkline_provisioning::ports::{CommitOutcome, Reservation, ReserveOutcome, StoreError};
use trunkline_provisioning::{IdempotencyClaim, LeaseOwner, StoredResponse, TrunkKey};

use crate::error::unreadable;
use crate::items::{self, Record, deadline, number, state, text, timestamp};
use crate::store::TrunkTable;
use crate::transaction::{Transaction, failed, item};
use crate::{idempotency, keys};

/// How many trunks a workspace may have when its record has no `trunk_limit`.
pub(crate) const DEFAULT_TRUNK_LIMIT: u64 = 20;

impl TrunkTable {
    pub(crate) async fn reserve(&self, reservation: Reservation<'_>) -> Result<ReserveOutcome, StoreError> {
        let workspace_id = reservation.key.workspace_id;
        let mut writes = vec![self.count_up(workspace_id)?, self.put_provisioning(reservation)?];
        if let Some(claim) = reservation.claim {
            writes.push(self.claim_key(reservation.key, claim, reservation.now)?);
        }
        let reasons = match self.transact("reserve", writes).await? {
            Transaction::Done => return Ok(ReserveOutcome::Reserved),
            Transaction::Refused(reasons) => reasons,
        };
        // A used key comes before the cap: its first request may be the one that filled the workspace.
        if let (Some(claim), Some(reason)) = (reservation.claim, reasons.get(2).filter(|reason| failed(reason))) {
            return idempotency::key_use(claim, reason.item()).map(ReserveOutcome::KeyUsed);
        }
        match reasons.first() {
            Some(reason) if failed(reason) => at_cap(workspace_id, reason),
            _ => Err(unreadable("a new trunk id was there before")),
        }
    }

    /// The cap: this condition and nothing else.
    fn count_up(&self, workspace_id: WorkspaceId) -> Result<TransactWriteItem, StoreError> {
        let below = "attribute_exists(pk) AND (trunk_count < trunk_limit \
                     OR (attribute_not_exists(trunk_limit) AND trunk_count < :default_limit))";
        let update = Update::builder()
            .table_name(&self.name)
            .set_key(Some(keys::workspace(workspace_id)))
            .update_expression("ADD trunk_count :one")
            .condition_expression(below)
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":default_limit", number(DEFAULT_TRUNK_LIMIT))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        item(update.build(), |write, update| write.update(update))
    }

    fn put_provisioning(&self, reservation: Reservation<'_>) -> Result<TransactWriteItem, StoreError> {
        let Reservation { key, settings, secret_name, now, lease, claim } = reservation;
        let lease_until = deadline(lease.until);
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(items::settings(settings)))
            .item("workspace_id", text(key.workspace_id))
            .item("trunk_id", text(key.id))
            .item("state", text(state::PROVISIONING))
            .item("version", number(0))
            .item("created_at", timestamp(now))
            .item("updated_at", timestamp(now))
            .item("lease_owner", text(lease.owner.as_str()))
            .item("lease_until", lease_until.clone())
            .item("sweep_shard", text(keys::sweep_shard(key.id)))
            .item("sweep_at", lease_until);
        let put = keys::trunk(key).into_iter().fold(put, |put, (name, value)| put.item(name, value));
        let put = secret_name.into_iter().fold(put, |put, name| put.item("secret_name", text(name)));
        let put = claim.into_iter().fold(put, |put, claim| put.item("idempotency_key_hash", text(&claim.key_hash)));
        item(put.condition_expression("attribute_not_exists(pk)").build(), |write, put| write.put(put))
    }

    pub(crate) async fn commit(
        &self,
        trunk: &Trunk,
        owner: &LeaseOwner,
        answer: Option<(&IdempotencyClaim, &StoredResponse)>,
    ) -> Result<CommitOutcome, StoreError> {
        let key = TrunkKey::from(trunk);
        let mut writes = vec![self.make_active(key, trunk, owner)?];
        if let Some((claim, response)) = answer {
            writes.push(self.answer_claim(key, claim, response)?);
        }
        Ok(match self.transact("commit", writes).await? {
            Transaction::Done => CommitOutcome::Committed,
            Transaction::Refused(_) => CommitOutcome::LeaseLost,
        })
    }

    fn make_active(&self, key: TrunkKey, trunk: &Trunk, owner: &LeaseOwner) -> Result<TransactWriteItem, StoreError> {
        let ids = items::livekit_ids(&trunk.livekit);
        let set: String = ids.iter().map(|(name, _)| format!(", {name} = :{name}")).collect();
        let update = Update::builder()
            .table_name(&self.name)
            .set_key(Some(keys::trunk(key)))
            .update_expression(format!(
                "SET #state = :active, version = :version, updated_at = :updated_at{set} \
                 REMOVE lease_owner, lease_until, sweep_shard, sweep_at"
            ))
            .condition_expression("#state = :provisioning AND lease_owner = :owner")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":active", text(state::ACTIVE))
            .expression_attribute_values(":provisioning", text(state::PROVISIONING))
            .expression_attribute_values(":version", number(trunk.version))
            .expression_attribute_values(":updated_at", timestamp(trunk.updated_at))
            .expression_attribute_values(":owner", text(owner.as_str()));
        let update = ids
            .into_iter()
            .fold(update, |update, (name, id)| update.expression_attribute_values(format!(":{name}"), id));
        item(update.build(), |write, update| write.update(update))
    }
}

fn at_cap(workspace_id: WorkspaceId, reason: &CancellationReason) -> Result<ReserveOutcome, StoreError> {
    let Some(workspace) = reason.item() else {
        return Err(unreadable(format_args!("workspace {workspace_id} has no record")));
    };
    let workspace = Record(workspace);
    Ok(ReserveOutcome::AtCap {
        limit: workspace.maybe_number("trunk_limit").unwrap_or(DEFAULT_TRUNK_LIMIT),
        used: workspace.number("trunk_count")?,
    })
}
