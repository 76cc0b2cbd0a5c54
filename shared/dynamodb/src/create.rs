//! Reserve and commit.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{
    CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};
use jiff::Timestamp;
use trunkline_domain::{AccountSid, PhoneNumber, Trunk, WorkspaceId};
use trunkline_provisioning::ports::{CommitOutcome, Reservation, ReserveOutcome, StoreError};
use trunkline_provisioning::{IdempotencyClaim, LeaseOwner, StoredResponse, TrunkKey};

use crate::error::unreadable;
use crate::expression::Expression;
use crate::items::{
    self, IMPORT_ATTRIBUTES, NUMBERS, Record, SEEN_NUMBERS, TWILIO_ACCOUNT_SID, deadline, import_attributes, number,
    state, text, timestamp,
};
use crate::numbers::NUMBER_LIMIT;
use crate::store::TrunkTable;
use crate::tombstone::add_to_sets;
use crate::transaction::{Part, Transaction, item, refusal};
use crate::{idempotency, keys};

/// How many trunks a workspace may have when its record has no `trunk_limit`.
pub(crate) const DEFAULT_TRUNK_LIMIT: u64 = 20;

impl TrunkTable {
    pub(crate) async fn reserve(&self, reservation: Reservation<'_>) -> Result<ReserveOutcome, StoreError> {
        let mut parts = vec![
            (Part::Counter, self.count_up(reservation.key.workspace_id, reservation.number.map(|_| NUMBER_LIMIT))?),
            (Part::Trunk, self.put_provisioning(reservation)?),
        ];
        if let Some(number) = reservation.number {
            parts.push((Part::NumberClaim, self.claim_number(number)?));
            parts.push((Part::Number, self.put_importing(number)?));
        }
        if let Some(account_sid) = reservation.twilio_account {
            parts.push((Part::Account, self.claim_account(reservation.key, account_sid)?));
        }
        if let Some(claim) = reservation.claim {
            parts.push((Part::Key, self.claim_key(reservation.key, claim, reservation.now)?));
        }
        let (parts, writes): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        match self.transact("reserve", writes).await? {
            Transaction::Done => Ok(ReserveOutcome::Reserved),
            Transaction::Refused(reasons) => not_reserved(reservation, &parts, &reasons),
        }
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

    fn put_provisioning(&self, reservation: Reservation<'_>) -> Result<TransactWriteItem, StoreError> {
        let Reservation { key, settings, secret_name, now, lease, claim, number: imported, twilio_account } =
            reservation;
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
        let imported = imported.into_iter().flat_map(|number| import_attributes(number, None));
        let put = imported.fold(put, |put, (name, value)| put.item(name, value));
        let put = twilio_account.into_iter().fold(put, |put, sid| put.item(TWILIO_ACCOUNT_SID, text(sid)));
        let put = claim.into_iter().fold(put, |put, claim| put.item("idempotency_key_hash", text(&claim.key_hash)));
        item(put.condition_expression("attribute_not_exists(pk)").build(), |write, put| write.put(put))
    }

    /// Keeps a second trunk from the account's numbers.
    fn claim_account(&self, key: TrunkKey, account_sid: &AccountSid) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(keys::twilio_account(key.workspace_id, account_sid)))
            .item("trunk_id", text(key.id))
            .condition_expression("attribute_not_exists(pk)");
        item(put.build(), |write, put| write.put(put))
    }

    /// The part that lets it go.
    pub(crate) fn release_account(
        &self,
        key: TrunkKey,
        account_sid: &AccountSid,
    ) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(keys::twilio_account(key.workspace_id, account_sid)))
            .condition_expression("attribute_not_exists(pk) OR trunk_id = :trunk_id")
            .expression_attribute_values(":trunk_id", text(key.id));
        item(delete.build(), |write, delete| write.delete(delete))
    }

    pub(crate) async fn commit(
        &self,
        trunk: &Trunk,
        number: Option<&PhoneNumber>,
        owner: &LeaseOwner,
        answer: Option<(&IdempotencyClaim, &StoredResponse)>,
    ) -> Result<CommitOutcome, StoreError> {
        let key = TrunkKey::from(trunk);
        let mut writes = vec![self.make_active(key, trunk, owner)?];
        if let Some(number) = number {
            writes.push(self.show_number(number)?);
        }
        if let Some((claim, response)) = answer {
            writes.push(self.answer_claim(key, claim, response)?);
        }
        Ok(match self.transact("commit", writes).await? {
            Transaction::Done => CommitOutcome::Committed,
            Transaction::Refused(_) => CommitOutcome::LeaseLost,
        })
    }

    fn make_active(&self, key: TrunkKey, trunk: &Trunk, owner: &LeaseOwner) -> Result<TransactWriteItem, StoreError> {
        let mut set_too = items::livekit_ids(&trunk.livekit);
        set_too.extend(items::numbers(&trunk.numbers).map(|numbers| (NUMBERS, numbers)));
        set_too.extend(trunk.twilio.iter().flat_map(items::twilio_sids));
        // A message of another import of its number may come late, and take the number away at Twilio.
        let (unswept, seen) = match trunk.twilio {
            Some(_) => {
                set_too.push(("sweep_at", deadline(self.last_look(Timestamp::now()))));
                ("", trunk.numbers.keys().map(ToString::to_string).collect())
            }
            None => (", sweep_shard, sweep_at", BTreeSet::new()),
        };
        let set: String = set_too.iter().map(|(name, _)| format!(", {name} = :{name}")).collect();
        let mut update = format!(
            "SET #state = :active, version = :version, updated_at = :updated_at{set} \
             REMOVE lease_owner, lease_until{unswept}, {IMPORT_ATTRIBUTES}"
        );
        let always = [
            ("active", text(state::ACTIVE)),
            ("provisioning", text(state::PROVISIONING)),
            ("version", number(trunk.version)),
            ("updated_at", timestamp(trunk.updated_at)),
            ("owner", text(owner.as_str())),
        ];
        let mut values: HashMap<_, _> =
            always.into_iter().chain(set_too).map(|(name, value)| (format!(":{name}"), value)).collect();
        add_to_sets(&mut update, &mut values, &[(SEEN_NUMBERS, &seen)]);
        self.part(Expression {
            key: keys::trunk(key),
            update,
            condition: "#state = :provisioning AND lease_owner = :owner",
            values: values.into_iter().collect(),
            names: vec!["state".to_owned()],
        })
    }
}

fn not_reserved(
    reservation: Reservation<'_>,
    parts: &[Part],
    reasons: &[CancellationReason],
) -> Result<ReserveOutcome, StoreError> {
    let refused = |part| refusal(part, parts, reasons);
    // A used key comes first: its first request may be the one that filled the workspace, or claimed the number.
    if let (Some(claim), Some(reason)) = (reservation.claim, refused(Part::Key)) {
        return idempotency::key_use(claim, reason.item()).map(ReserveOutcome::KeyUsed);
    }
    if refused(Part::NumberClaim).is_some() {
        return Ok(ReserveOutcome::NumberTaken);
    }
    if refused(Part::Account).is_some() {
        return Ok(ReserveOutcome::AccountTaken);
    }
    match refused(Part::Counter) {
        Some(reason) => at_cap(reservation, reason),
        None => Err(unreadable("a new id was there before")),
    }
}

fn at_cap(reservation: Reservation<'_>, reason: &CancellationReason) -> Result<ReserveOutcome, StoreError> {
    let Some(workspace) = reason.item() else {
        return Err(unreadable(format_args!("workspace {} has no record", reservation.key.workspace_id)));
    };
    let workspace = Record(workspace);
    match workspace.maybe_number("number_count") {
        Some(used) if reservation.number.is_some() && used >= NUMBER_LIMIT => {
            Ok(ReserveOutcome::NumbersAtCap { limit: NUMBER_LIMIT, used })
        }
        _ => Ok(ReserveOutcome::AtCap {
            limit: workspace.maybe_number("trunk_limit").unwrap_or(DEFAULT_TRUNK_LIMIT),
            used: workspace.number("trunk_count")?,
        }),
    }
}
