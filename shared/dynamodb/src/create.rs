//! Reserve and commit.

use aws_sdk_dynamodb::types::{
    CancellationReason, Put, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};
use trunkline_domain::{PhoneNumber, Trunk, WorkspaceId};
use trunkline_provisioning::ports::{CommitOutcome, PurchaseReserve, Reservation, ReserveOutcome, StoreError};
use trunkline_provisioning::{IdempotencyClaim, LeaseOwner, StoredResponse, TrunkKey};

use crate::error::unreadable;
use crate::items::{
    self, IMPORT_ATTRIBUTES, NUMBERS, Record, deadline, import_attributes, number, state, text, timestamp,
};
use crate::numbers::NUMBER_LIMIT;
use crate::store::TrunkTable;
use crate::transaction::{Transaction, failed, item};
use crate::{idempotency, keys};

/// How many trunks a workspace may have when its record has no `trunk_limit`.
pub(crate) const DEFAULT_TRUNK_LIMIT: u64 = 20;

impl TrunkTable {
    pub(crate) async fn reserve(&self, reservation: Reservation<'_>) -> Result<ReserveOutcome, StoreError> {
        let writes =
            vec![self.count_up(reservation.key.workspace_id, None)?, self.put_provisioning(reservation, None)?];
        match self.reserve_with("reserve", reservation, writes).await? {
            Ok(()) => Ok(ReserveOutcome::Reserved),
            Err(reasons) => not_reserved(reservation, &reasons),
        }
    }

    pub(crate) async fn reserve_purchase(
        &self,
        reservation: Reservation<'_>,
        number: &PhoneNumber,
    ) -> Result<PurchaseReserve, StoreError> {
        let writes = vec![
            self.count_up(reservation.key.workspace_id, Some(NUMBER_LIMIT))?,
            self.put_provisioning(reservation, Some(number))?,
            self.claim_number(number)?,
            self.put_importing(number)?,
        ];
        let reasons = match self.reserve_with("reserve_purchase", reservation, writes).await? {
            Ok(()) => return Ok(PurchaseReserve::Trunk(ReserveOutcome::Reserved)),
            Err(reasons) => reasons,
        };
        let is_used = reservation.claim.is_some() && reasons.last().is_some_and(failed);
        if !is_used && reasons.get(2).is_some_and(failed) {
            return Ok(PurchaseReserve::Taken);
        }
        let workspace = reasons.first().filter(|reason| failed(reason)).and_then(CancellationReason::item);
        match workspace.and_then(|workspace| Record(workspace).maybe_number("number_count")) {
            Some(used) if !is_used && used >= NUMBER_LIMIT => Ok(PurchaseReserve::AtCap { limit: NUMBER_LIMIT, used }),
            _ => not_reserved(reservation, &reasons).map(PurchaseReserve::Trunk),
        }
    }

    /// Writes these and, behind them, the idempotency record; or gives the reasons why not.
    async fn reserve_with(
        &self,
        operation: &'static str,
        reservation: Reservation<'_>,
        mut writes: Vec<TransactWriteItem>,
    ) -> Result<Result<(), Vec<CancellationReason>>, StoreError> {
        if let Some(claim) = reservation.claim {
            writes.push(self.claim_key(reservation.key, claim, reservation.now)?);
        }
        Ok(match self.transact(operation, writes).await? {
            Transaction::Done => Ok(()),
            Transaction::Refused(reasons) => Err(reasons),
        })
    }

    /// The caps: these conditions and nothing else. With a limit of numbers, a number is counted too: a transaction may
    /// write a record once.
    fn count_up(&self, workspace_id: WorkspaceId, number_limit: Option<u64>) -> Result<TransactWriteItem, StoreError> {
        const BELOW: &str = "attribute_exists(pk) AND (trunk_count < trunk_limit \
                             OR (attribute_not_exists(trunk_limit) AND trunk_count < :default_limit))";
        let update = Update::builder()
            .table_name(&self.name)
            .set_key(Some(keys::workspace(workspace_id)))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":default_limit", number(DEFAULT_TRUNK_LIMIT))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let update = match number_limit {
            None => update.update_expression("ADD trunk_count :one").condition_expression(BELOW),
            Some(limit) => update
                .update_expression("ADD trunk_count :one, number_count :one")
                .condition_expression(format!(
                    "{BELOW} AND (attribute_not_exists(number_count) OR number_count < :number_limit)"
                ))
                .expression_attribute_values(":number_limit", number(limit)),
        };
        item(update.build(), |write, update| write.update(update))
    }

    fn put_provisioning(
        &self,
        reservation: Reservation<'_>,
        purchase: Option<&PhoneNumber>,
    ) -> Result<TransactWriteItem, StoreError> {
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
        // Its idempotency key is the trunk's own.
        let purchase = purchase.into_iter().flat_map(|number| import_attributes(number, None));
        let put = purchase.fold(put, |put, (name, value)| put.item(name, value));
        let put = claim.into_iter().fold(put, |put, claim| put.item("idempotency_key_hash", text(&claim.key_hash)));
        item(put.condition_expression("attribute_not_exists(pk)").build(), |write, put| write.put(put))
    }

    pub(crate) async fn commit(
        &self,
        trunk: &Trunk,
        owner: &LeaseOwner,
        answer: Option<(&IdempotencyClaim, &StoredResponse)>,
    ) -> Result<CommitOutcome, StoreError> {
        self.commit_with("commit", trunk, owner, answer, Vec::new()).await
    }

    pub(crate) async fn commit_purchase(
        &self,
        trunk: &Trunk,
        number: &PhoneNumber,
        owner: &LeaseOwner,
        answer: Option<(&IdempotencyClaim, &StoredResponse)>,
    ) -> Result<CommitOutcome, StoreError> {
        self.commit_with("commit_purchase", trunk, owner, answer, vec![self.show_number(number)?]).await
    }

    async fn commit_with(
        &self,
        operation: &'static str,
        trunk: &Trunk,
        owner: &LeaseOwner,
        answer: Option<(&IdempotencyClaim, &StoredResponse)>,
        mut writes: Vec<TransactWriteItem>,
    ) -> Result<CommitOutcome, StoreError> {
        let key = TrunkKey::from(trunk);
        writes.push(self.make_active(key, trunk, owner)?);
        if let Some((claim, response)) = answer {
            writes.push(self.answer_claim(key, claim, response)?);
        }
        Ok(match self.transact(operation, writes).await? {
            Transaction::Done => CommitOutcome::Committed,
            Transaction::Refused(_) => CommitOutcome::LeaseLost,
        })
    }

    fn make_active(&self, key: TrunkKey, trunk: &Trunk, owner: &LeaseOwner) -> Result<TransactWriteItem, StoreError> {
        let mut set_too = items::livekit_ids(&trunk.livekit);
        set_too.extend(items::numbers(&trunk.numbers).map(|numbers| (NUMBERS, numbers)));
        let set: String = set_too.iter().map(|(name, _)| format!(", {name} = :{name}")).collect();
        let update = Update::builder()
            .table_name(&self.name)
            .set_key(Some(keys::trunk(key)))
            .update_expression(format!(
                "SET #state = :active, version = :version, updated_at = :updated_at{set} \
                 REMOVE lease_owner, lease_until, sweep_shard, sweep_at, {IMPORT_ATTRIBUTES}"
            ))
            .condition_expression("#state = :provisioning AND lease_owner = :owner")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":active", text(state::ACTIVE))
            .expression_attribute_values(":provisioning", text(state::PROVISIONING))
            .expression_attribute_values(":version", number(trunk.version))
            .expression_attribute_values(":updated_at", timestamp(trunk.updated_at))
            .expression_attribute_values(":owner", text(owner.as_str()));
        let update = set_too
            .into_iter()
            .fold(update, |update, (name, value)| update.expression_attribute_values(format!(":{name}"), value));
        item(update.build(), |write, update| write.update(update))
    }
}

fn not_reserved(reservation: Reservation<'_>, reasons: &[CancellationReason]) -> Result<ReserveOutcome, StoreError> {
    // A used key comes before the cap: its first request may be the one that filled the workspace.
    if let (Some(claim), Some(reason)) = (reservation.claim, reasons.last().filter(|reason| failed(reason))) {
        return idempotency::key_use(claim, reason.item()).map(ReserveOutcome::KeyUsed);
    }
    match reasons.first() {
        Some(reason) if failed(reason) => at_cap(reservation.key.workspace_id, reason),
        _ => Err(unreadable("a new trunk id was there before")),
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
