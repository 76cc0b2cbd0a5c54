//! What stands for a while where a trunk's record stood: the ids that a last look is taken at.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::builders::DeleteBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use jiff::{SignedDuration, Timestamp};
use trunkline_domain::WorkspaceId;
use trunkline_provisioning::ports::{LeftBehind, Settled, StoreError, Unsettled};
use trunkline_provisioning::{SeenObjects, TrunkKey};

use crate::error::unreadable;
use crate::expression::Expression;
use crate::items::{IMPORT_E164, SEEN_SECRET_NAMES, TWILIO_ACCOUNT_SID, number, text, timestamp};
use crate::keys;
use crate::numbers::NUMBER_COUNT;
use crate::store::TrunkTable;
use crate::transaction::{Transaction, failed, item};

const TRUNK_COUNT: &str = "trunk_count";

/// Why a trunk is gone.
pub(crate) mod reason {
    pub(crate) const UNDONE: &str = "undone";
    pub(crate) const DELETED: &str = "deleted";
}

/// An update that makes the tombstone or adds to the one that is there.
pub(crate) struct TombstoneUpdate {
    pub(crate) expression: String,
    pub(crate) values: HashMap<String, AttributeValue>,
}

impl TrunkTable {
    /// One transaction: the record away (on `delete`'s condition), the tombstone, the counter down by one, the import of
    /// a number undone that was under way, its Twilio account let go, and the `release` of an idempotency key.
    pub(crate) async fn replace_by_tombstone(
        &self,
        key: TrunkKey,
        reason: &'static str,
        gone: &Unsettled,
        delete: &DeleteBuilder,
        release: Option<TransactWriteItem>,
    ) -> Result<Settled, StoreError> {
        let delete = delete.clone().table_name(&self.name).set_key(Some(keys::trunk(key)));
        let was_undone = reason == reason::UNDONE;
        let left = LeftBehind {
            seen: gone.seen.clone(),
            secret_names: gone.secret_names.clone(),
            number: gone.import.as_ref().filter(|_| was_undone).map(|import| import.e164.clone()),
            twilio_account: gone.twilio_account.clone().filter(|_| was_undone),
        };
        let TombstoneUpdate { expression, values } = self.tombstone_update(key, reason, &left);
        let tombstone = Update::builder()
            .table_name(&self.name)
            .set_key(Some(keys::tombstone(key)))
            .update_expression(expression)
            .set_expression_attribute_values(Some(values));
        let mut writes = vec![
            item(delete.build(), |write, delete| write.delete(delete))?,
            item(tombstone.build(), |write, tombstone| write.update(tombstone))?,
        ];
        match &gone.import {
            Some(import) => {
                writes.push(self.count_down_by(key.workspace_id, &[TRUNK_COUNT, NUMBER_COUNT], 1)?);
                writes.extend(self.forget_import(key.workspace_id, import)?);
            }
            None => writes.push(self.count_down_by(key.workspace_id, &[TRUNK_COUNT], 1)?),
        }
        if let Some(account_sid) = &gone.twilio_account {
            writes.push(self.release_account(key, account_sid)?);
        }
        let own = writes.len();
        writes.extend(release);
        match self.transact("settle", writes).await? {
            Transaction::Done => Ok(Settled::Settled),
            Transaction::Refused(reasons) if reasons.first().is_some_and(failed) => Ok(Settled::Changed),
            Transaction::Refused(reasons) if reasons.iter().take(own).any(failed) => Err(unreadable(format_args!(
                "workspace {} has no record, or not what its trunk imports",
                key.workspace_id
            ))),
            Transaction::Refused(_) => Ok(Settled::KeyTaken),
        }
    }

    pub(crate) fn tombstone_update(&self, key: TrunkKey, reason: &'static str, left: &LeftBehind) -> TombstoneUpdate {
        let now = Timestamp::now();
        let mut expression = "SET reason = if_not_exists(reason, :reason), workspace_id = :workspace_id, \
             trunk_id = :trunk_id, gone_at = if_not_exists(gone_at, :now), sweep_shard = :shard, sweep_at = :last_look"
            .to_owned();
        let mut values = HashMap::from([
            (":reason".to_owned(), text(reason)),
            (":workspace_id".to_owned(), text(key.workspace_id)),
            (":trunk_id".to_owned(), text(key.id)),
            (":now".to_owned(), timestamp(now)),
            (":shard".to_owned(), text(keys::sweep_shard(key.id))),
            (":last_look".to_owned(), number(self.last_look(now).as_second())),
        ]);
        let if_known = [
            (IMPORT_E164, left.number.as_ref().map(text)),
            (TWILIO_ACCOUNT_SID, left.twilio_account.as_ref().map(text)),
        ];
        for (name, value) in if_known {
            if let Some(value) = value {
                expression.push_str(&format!(", {name} = :{name}"));
                values.insert(format!(":{name}"), value);
            }
        }
        add_to_sets(
            &mut expression,
            &mut values,
            &[seen_sets(&left.seen).as_slice(), &[(SEEN_SECRET_NAMES, &left.secret_names)]].concat(),
        );
        TombstoneUpdate { expression, values }
    }

    /// When whatever was under way at `now` has arrived.
    pub(crate) fn last_look(&self, now: Timestamp) -> Timestamp {
        now + SignedDuration::try_from(self.tombstone).unwrap_or(SignedDuration::MAX)
    }

    /// The part that takes `by` off each of these counters: a transaction may write a record once.
    pub(crate) fn count_down_by(
        &self,
        workspace_id: WorkspaceId,
        counters: &[&str],
        by: usize,
    ) -> Result<TransactWriteItem, StoreError> {
        let counted: Vec<_> = counters.iter().map(|counter| format!("{counter} :less")).collect();
        self.part(Expression {
            key: keys::workspace(workspace_id),
            update: format!("ADD {}", counted.join(", ")),
            condition: "attribute_exists(pk)",
            values: vec![(":less".to_owned(), number(format_args!("-{by}")))],
            names: Vec::new(),
        })
    }
}

/// A set of strings to be added to, or taken from, the attribute of that name.
type NamedSet<'a> = (&'static str, &'a BTreeSet<String>);

pub(crate) fn seen_sets(seen: &SeenObjects) -> [NamedSet<'_>; 2] {
    [("seen_trunk_ids", &seen.trunk_ids), ("seen_dispatch_rule_ids", &seen.dispatch_rule_ids)]
}

/// Adds to a record's sets. An empty set cannot be added to one: then there is nothing to say.
pub(crate) fn add_to_sets(
    expression: &mut String,
    values: &mut HashMap<String, AttributeValue>,
    sets: &[NamedSet<'_>],
) {
    let mut clause = " ADD ";
    for (name, members) in sets.iter().filter(|(_, members)| !members.is_empty()) {
        expression.push_str(&format!("{clause}{name} :{name}"));
        values.insert(format!(":{name}"), strings(members));
        clause = ", ";
    }
}

pub(crate) fn strings(members: &BTreeSet<String>) -> AttributeValue {
    AttributeValue::Ss(members.iter().cloned().collect())
}
