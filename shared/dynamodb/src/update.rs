//! `active → updating → active`, and `updating → reverting → active`. The record of a trunk that is being changed says
//! what was last committed: nobody but its request knows what it shall be.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use trunkline_domain::E164;
use trunkline_provisioning::ports::{
    CommitOutcome, PendingImport, RevertStart, Reverting, StoreError, TrunkRecord, UpdateBegin, UpdateStart,
};
use trunkline_provisioning::{Lease, LeaseOwner, TrunkKey};

use crate::error::unreadable;
use crate::expression::{Expression, Written};
use crate::items::{
    self, IMPORT_ATTRIBUTES, Item, NUMBERS, Record, SEEN_NUMBERS, SEEN_SECRET_NAMES, deadline, number, read_import,
    read_secret_names, read_trunk_record, state, text, timestamp,
};
use crate::keys;
use crate::numbers::NUMBER_COUNT;
use crate::store::TrunkTable;
use crate::sweep::is_held;
use crate::tombstone::{add_to_sets, strings};
use crate::transaction::{Transaction, failed};

/// Attributes that a change may take away.
const CLEARABLE: [&str; 4] = ["auth_username", "destination_country", "secret_name", NUMBERS];

impl TrunkTable {
    pub(crate) async fn begin_update(&self, begin: &UpdateBegin<'_>) -> Result<UpdateStart, StoreError> {
        match self.write("begin_update", begin_update(begin), ReturnValue::AllOld).await? {
            Written::Done(old) => {
                let was_unsettled = Record(&old).text("state")? != state::ACTIVE;
                Ok(UpdateStart::Updating { was_unsettled })
            }
            Written::Refused(item) => not_begun(item.as_ref(), begin.lease),
        }
    }

    pub(crate) async fn commit_update(
        &self,
        record: &TrunkRecord,
        owner: &LeaseOwner,
    ) -> Result<CommitOutcome, StoreError> {
        Ok(match self.write("commit_update", self.commit_of(record, owner), ReturnValue::None).await? {
            Written::Done(_) => CommitOutcome::Committed,
            // A repeat of the write that committed it, whose answer was lost.
            Written::Refused(Some(item)) if is_committed_by(&item, owner) => CommitOutcome::Committed,
            Written::Refused(_) => CommitOutcome::LeaseLost,
        })
    }

    /// `updating → active` under `owner`'s lease, as `record` says.
    pub(crate) fn commit_of(&self, record: &TrunkRecord, owner: &LeaseOwner) -> Expression {
        let TrunkRecord { trunk, secret_name } = record;
        let mut changed = items::settings(&trunk.settings);
        changed.extend(secret_name.as_ref().map(|name| ("secret_name".to_owned(), text(name))));
        changed.extend(items::numbers(&trunk.numbers).map(|numbers| (NUMBERS.to_owned(), numbers)));
        let cleared = CLEARABLE.into_iter().filter(|name| !changed.contains_key(*name));
        let removed: String = cleared.map(|name| format!(", {name}")).collect();
        let set: String = changed.keys().map(|name| format!(", #{name} = :{name}")).collect();
        let names = changed.keys().cloned().chain(["state".to_owned()]).collect();
        let values = changed.into_iter().map(|(name, value)| (format!(":{name}"), value)).chain(named([
            (":active", text(state::ACTIVE)),
            (":updating", text(state::UPDATING)),
            (":version", number(trunk.version)),
            (":updated_at", timestamp(trunk.updated_at)),
            (":owner", text(owner.as_str())),
            (":last_look", deadline(self.last_look(Timestamp::now()))),
        ]));
        Expression {
            key: keys::trunk(trunk.into()),
            update: format!(
                "SET #state = :active, version = :version, updated_at = :updated_at, changed_by = :owner, \
                 sweep_at = :last_look{set} \
                 REMOVE lease_owner, lease_until, sweep_failures, sweep_failing_since, {IMPORT_ATTRIBUTES}{removed}"
            ),
            condition: "#state = :updating AND lease_owner = :owner",
            values: values.collect(),
            names,
        }
    }

    pub(crate) async fn begin_revert(&self, key: TrunkKey, owner: &LeaseOwner) -> Result<RevertStart, StoreError> {
        let revert = Expression {
            key: keys::trunk(key),
            update: "SET #state = :reverting, reverted_by = :owner".to_owned(),
            condition: "#state IN (:updating, :reverting) AND lease_owner = :owner",
            values: named([
                (":reverting", text(state::REVERTING)),
                (":updating", text(state::UPDATING)),
                (":owner", text(owner.as_str())),
            ])
            .collect(),
            names: vec!["state".to_owned()],
        };
        Ok(match self.write("begin_revert", revert, ReturnValue::AllNew).await? {
            Written::Done(item) => RevertStart::Reverting(read_import(&item)?),
            Written::Refused(Some(item)) if is_committed_by(&item, owner) => RevertStart::Committed,
            Written::Refused(Some(item)) if state::SHOWN.contains(&Record(&item).text("state")?) => {
                RevertStart::LeaseLost
            }
            Written::Refused(_) => RevertStart::Absent,
        })
    }

    /// If the record is not `reverting` under `owner`'s lease, another goes on with it, or this is a repeat.
    pub(crate) async fn end_revert(
        &self,
        key: TrunkKey,
        owner: &LeaseOwner,
        import: Option<&PendingImport>,
    ) -> Result<(), StoreError> {
        let end = || Expression {
            key: keys::trunk(key),
            update: format!(
                "SET #state = :active, sweep_at = :last_look \
                 REMOVE lease_owner, lease_until, sweep_failures, sweep_failing_since, {IMPORT_ATTRIBUTES}"
            ),
            condition: "#state = :reverting AND lease_owner = :owner",
            values: ending(owner).chain(named([(":last_look", deadline(self.last_look(Timestamp::now())))])).collect(),
            names: vec!["state".to_owned()],
        };
        let Some(import) = import else {
            return self.write("end_revert", end(), ReturnValue::None).await.map(drop);
        };
        let mut writes = vec![self.part(end())?];
        writes.extend(self.forget_import(key.workspace_id, import)?);
        writes.push(self.count_down_by(key.workspace_id, &[NUMBER_COUNT], 1)?);
        let own = writes.len();
        writes.extend(self.release_import(key, import)?);
        let mut ended = self.transact("end_revert", writes.clone()).await?;
        if let Transaction::Refused(reasons) = &ended
            && !reasons.iter().take(own).any(failed)
        {
            // The idempotency key has expired and belongs to a later request.
            writes.truncate(own);
            ended = self.transact("end_revert", writes).await?;
        }
        match ended {
            Transaction::Refused(reasons) if !reasons.first().is_some_and(failed) => {
                Err(unreadable(format_args!("{key} has not what it says that it imports")))
            }
            Transaction::Done | Transaction::Refused(_) => Ok(()),
        }
    }

    pub(crate) async fn take_over_update(
        &self,
        key: TrunkKey,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<Reverting>, StoreError> {
        let take_over = Expression {
            key: keys::trunk(key),
            update: "SET #state = :reverting, reverted_by = if_not_exists(lease_owner, :owner), \
                     lease_owner = :owner, lease_until = :until, sweep_at = :until"
                .to_owned(),
            condition: "(#state IN (:updating, :reverting) AND lease_until <= :now) \
                        OR (#state = :active AND sweep_at <= :now)",
            values: ending(&lease.owner)
                .chain(named([
                    (":updating", text(state::UPDATING)),
                    (":until", deadline(lease.until)),
                    (":now", number(now.as_second())),
                ]))
                .collect(),
            names: vec!["state".to_owned()],
        };
        let (item, is_last_look) = match self.write("take_over_update", take_over, ReturnValue::AllOld).await? {
            Written::Done(item) => {
                let is_last_look = Record(&item).text("state")? == state::ACTIVE;
                (item, is_last_look)
            }
            // A repeat of the write that took it, whose answer was lost, and with it what it was before.
            Written::Refused(Some(item)) if is_held(&item, state::REVERTING, &lease.owner) => (item, false),
            Written::Refused(_) => return Ok(None),
        };
        let record = read_trunk_record(&item, key)?.ok_or_else(|| unreadable("a live trunk is not shown"))?;
        let mut other_secrets = read_secret_names(&item);
        other_secrets.retain(|name| Some(name) != record.secret_name.as_ref());
        let seen_numbers = Record(&item).set(SEEN_NUMBERS).iter().map(|e164| E164::from_stored(e164)).collect();
        Ok(Some(Reverting { record, other_secrets, seen_numbers, import: read_import(&item)?, is_last_look }))
    }

    pub(crate) async fn end_last_look(
        &self,
        key: TrunkKey,
        owner: &LeaseOwner,
        looked_at: &Reverting,
    ) -> Result<(), StoreError> {
        let mut update = "SET #state = :active REMOVE lease_owner, lease_until, sweep_shard, sweep_at, \
             sweep_failures, sweep_failing_since"
            .to_owned();
        let mut values: Vec<_> = ending(owner).collect();
        let numbers = looked_at.seen_numbers.iter().map(ToString::to_string).collect();
        let mut clause = " DELETE ";
        for (name, gone) in [(SEEN_SECRET_NAMES, &looked_at.other_secrets), (SEEN_NUMBERS, &numbers)] {
            if !gone.is_empty() {
                update.push_str(&format!("{clause}{name} :{name}"));
                values.push((format!(":{name}"), strings(gone)));
                clause = ", ";
            }
        }
        let end = Expression {
            key: keys::trunk(key),
            update,
            condition: "#state = :reverting AND lease_owner = :owner",
            values,
            names: vec!["state".to_owned()],
        };
        self.write("end_last_look", end, ReturnValue::None).await.map(drop)
    }
}

/// `active → updating`, also from an update whose lease has ended. The import of a number is for the sweeper to take back: an update
/// would not know what it has reserved.
pub(crate) fn begin_update(begin: &UpdateBegin<'_>) -> Expression {
    let mut update = begin_active(begin, Vec::new());
    update.condition = "version = :version AND (attribute_not_exists(reverted_by) OR reverted_by <> :owner) AND \
                        (#state = :active OR (#state IN (:updating, :reverting) AND lease_until <= :now \
                        AND attribute_not_exists(import_number_id)))";
    update.values.extend(named([(":reverting", text(state::REVERTING)), (":now", number(begin.now.as_second()))]));
    update
}

/// The same from `active` alone, with these attributes beside.
pub(crate) fn begin_active(begin: &UpdateBegin<'_>, beside: Vec<(&'static str, AttributeValue)>) -> Expression {
    let UpdateBegin { key, version, secret_names, number: imported, lease, .. } = begin;
    let mut update = "SET #state = :updating, lease_owner = :owner, lease_until = :until, \
         sweep_shard = :shard, sweep_at = :until"
        .to_owned();
    let mut values: HashMap<_, _> = named([
        (":updating", text(state::UPDATING)),
        (":active", text(state::ACTIVE)),
        (":version", number(version)),
        (":owner", text(lease.owner.as_str())),
        (":until", deadline(lease.until)),
        (":shard", text(keys::sweep_shard(key.id))),
    ])
    .collect();
    for (name, value) in beside {
        update.push_str(&format!(", {name} = :{name}"));
        values.insert(format!(":{name}"), value);
    }
    let numbers = imported.iter().map(ToString::to_string).collect();
    add_to_sets(&mut update, &mut values, &[(SEEN_SECRET_NAMES, secret_names), (SEEN_NUMBERS, &numbers)]);
    Expression {
        key: keys::trunk(*key),
        update,
        condition: "version = :version AND (attribute_not_exists(reverted_by) OR reverted_by <> :owner) AND \
                    #state = :active",
        values: values.into_iter().collect(),
        names: vec!["state".to_owned()],
    }
}

/// What the record says that did not let an update begin.
pub(crate) fn not_begun(item: Option<&Item>, lease: &Lease) -> Result<UpdateStart, StoreError> {
    let Some(item) = item else {
        return Ok(UpdateStart::Absent);
    };
    Ok(match Record(item).text("state")? {
        // A repeat of the write that began it, whose answer was lost, and with it what it was before.
        _ if is_held(item, state::UPDATING, &lease.owner) => UpdateStart::Updating { was_unsettled: true },
        state::ACTIVE => UpdateStart::Changed,
        state::UPDATING | state::REVERTING => UpdateStart::Busy,
        _ => UpdateStart::Absent,
    })
}

fn ending(owner: &LeaseOwner) -> impl Iterator<Item = (String, AttributeValue)> {
    named([(":active", text(state::ACTIVE)), (":reverting", text(state::REVERTING)), (":owner", text(owner.as_str()))])
}

fn named<const N: usize>(values: [(&str, AttributeValue); N]) -> impl Iterator<Item = (String, AttributeValue)> {
    values.map(|(name, value)| (name.to_owned(), value)).into_iter()
}

/// Whether the last change that was committed is `owner`'s.
fn is_committed_by(item: &Item, owner: &LeaseOwner) -> bool {
    Record(item).maybe("changed_by") == Some(owner.as_str())
}
