//! Phone numbers: a record in the workspace, and a claim that keeps the number from every other.

use aws_sdk_dynamodb::types::{CancellationReason, Delete, Put, TransactWriteItem, Update};
use jiff::Timestamp;
use trunkline_domain::{Binding, BoundNumbers, E164, PhoneNumber, PhoneNumberId, PhoneNumberLabel, WorkspaceId};
use trunkline_provisioning::ports::{
    CommitOutcome, ImportStart, NumberEdit, NumberFate, NumberPage, NumberReservation, NumberStore, NumberWrite,
    PendingImport, StoreError, TrunkRecord, UpdateBegin, UpdateStart,
};
use trunkline_provisioning::{LeaseOwner, NumberKey, TrunkKey};

use crate::error::unreadable;
use crate::expression::Expression;
use crate::idempotency;
use crate::items::{Item, NUMBERS, Record, import_attributes, number, state, text, timestamp};
use crate::keys::{self, NUMBER_PREFIX};
use crate::read::Shown;
use crate::store::TrunkTable;
use crate::transaction::{Part, Transaction, item, refusal};
use crate::update::{begin_active, not_begun};

/// How many phone numbers a workspace may have.
pub(crate) const NUMBER_LIMIT: u64 = 100;

pub(crate) const NUMBER_COUNT: &str = "number_count";

/// A number whose import has not ended: callers do not see it.
const IMPORTING: &str = "importing";
/// One that they see.
const SHOWN: &str = "active";

impl TrunkTable {
    pub(crate) async fn begin_import(
        &self,
        begin: &UpdateBegin<'_>,
        import: &NumberReservation<'_>,
    ) -> Result<ImportStart, StoreError> {
        let NumberReservation { number, claim } = import;
        let mut parts = vec![
            (Part::Trunk, self.part(begin_active(begin, import_attributes(number, *claim)))?),
            (Part::Counter, self.count_number_up(number.workspace_id)?),
            (Part::NumberClaim, self.claim_number(number)?),
            (Part::Number, self.put_importing(number)?),
        ];
        if let Some(claim) = claim {
            parts.push((Part::Key, self.claim_key(begin.key, claim, begin.now)?));
        }
        let (parts, writes): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let reasons = match self.transact("begin_import", writes).await? {
            Transaction::Done => return Ok(ImportStart::Begun(UpdateStart::Updating { was_unsettled: false })),
            Transaction::Refused(reasons) => reasons,
        };
        let refused = |part| refusal(part, &parts, &reasons);
        // A used key comes first: its first request may be the one that claimed the number.
        if let (Some(claim), Some(reason)) = (claim, refused(Part::Key)) {
            return idempotency::key_use(claim, reason.item()).map(ImportStart::KeyUsed);
        }
        if let Some(reason) = refused(Part::Trunk) {
            return not_begun(reason.item(), begin.lease).map(ImportStart::Begun);
        }
        if refused(Part::NumberClaim).is_some() {
            return Ok(ImportStart::Taken);
        }
        match refused(Part::Counter) {
            Some(reason) => at_cap(number.workspace_id, reason),
            None => Err(unreadable("a new number id was there before")),
        }
    }

    pub(crate) async fn commit_numbers(
        &self,
        records: &[TrunkRecord],
        owner: &LeaseOwner,
        write: NumberWrite<'_>,
    ) -> Result<CommitOutcome, StoreError> {
        let commits = records.iter().map(|record| self.part(self.commit_of(record, owner)));
        let mut writes = commits.collect::<Result<Vec<_>, _>>()?;
        match write {
            NumberWrite::Import(number, answer) => {
                writes.push(self.show_number(number)?);
                let binding = number.binding.zip(answer);
                if let Some((Binding { trunk_id: id, .. }, (claim, response))) = binding {
                    let key = TrunkKey { workspace_id: number.workspace_id, id };
                    writes.push(self.answer_claim(key, claim, response)?);
                }
            }
            NumberWrite::Edit(edit) => writes.extend(self.edit_of(edit)?),
        }
        Ok(match self.transact("commit_numbers", writes).await? {
            Transaction::Done => CommitOutcome::Committed,
            Transaction::Refused(_) => CommitOutcome::LeaseLost,
        })
    }

    /// The parts that undo an import, but for its counter and its idempotency key.
    pub(crate) fn forget_import(
        &self,
        workspace_id: WorkspaceId,
        import: &PendingImport,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let key = NumberKey { workspace_id, id: import.id };
        let delete = Delete::builder().table_name(&self.name).set_key(Some(keys::number(key)));
        Ok(vec![
            item(delete.build(), |write, delete| write.delete(delete))?,
            self.free_number(&import.e164, import.id)?,
        ])
    }

    /// The part that lets its idempotency key go, if it had one.
    pub(crate) fn release_import(
        &self,
        trunk: TrunkKey,
        import: &PendingImport,
    ) -> Result<Option<TransactWriteItem>, StoreError> {
        import.key_hash.as_deref().map(|key_hash| self.release_claim(trunk, key_hash)).transpose()
    }

    pub(crate) async fn unbind(
        &self,
        key: TrunkKey,
        numbers: &BoundNumbers,
        fate: NumberFate,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let places: Vec<_> = (0..numbers.len()).map(|place| format!("{NUMBERS}.#n{place}")).collect();
        let trunk = numbers.keys().enumerate().fold(Update::builder(), |update, (place, e164)| {
            update.expression_attribute_names(format!("#n{place}"), e164.as_str())
        });
        let trunk = trunk
            .table_name(&self.name)
            .set_key(Some(keys::trunk(key)))
            .update_expression(format!("REMOVE {}", places.join(", ")))
            .condition_expression("#state = :deleting")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":deleting", text(state::DELETING));
        let mut writes = vec![item(trunk.build(), |write, trunk| write.update(trunk))?];
        for (e164, &id) in numbers {
            let number_key = NumberKey { workspace_id: key.workspace_id, id };
            match fate {
                NumberFate::Stay => writes.push(self.part(unbound(number_key, key, now))?),
                NumberFate::Go => {
                    let delete = Delete::builder()
                        .table_name(&self.name)
                        .set_key(Some(keys::number(number_key)))
                        .condition_expression("trunk_id = :trunk_id")
                        .expression_attribute_values(":trunk_id", text(key.id));
                    writes.push(item(delete.build(), |write, delete| write.delete(delete))?);
                    writes.push(self.free_number(e164, id)?);
                }
            }
        }
        if fate == NumberFate::Go {
            writes.push(self.count_down_by(key.workspace_id, &[NUMBER_COUNT], numbers.len())?);
        }
        // Another deletion of the trunk was faster: it has unbound them.
        self.transact("unbind", writes).await.map(drop)
    }

    fn count_number_up(&self, workspace_id: WorkspaceId) -> Result<TransactWriteItem, StoreError> {
        self.part(Expression {
            key: keys::workspace(workspace_id),
            update: format!("ADD {NUMBER_COUNT} :one"),
            condition: "attribute_exists(pk) AND (attribute_not_exists(number_count) OR number_count < :limit)",
            values: vec![(":one".to_owned(), number(1)), (":limit".to_owned(), number(NUMBER_LIMIT))],
            names: Vec::new(),
        })
    }

    pub(crate) fn claim_number(&self, phone_number: &PhoneNumber) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(keys::number_claim(&phone_number.e164)))
            .item("workspace_id", text(phone_number.workspace_id))
            .item("number_id", text(phone_number.id))
            .condition_expression("attribute_not_exists(pk)");
        item(put.build(), |write, put| write.put(put))
    }

    fn free_number(&self, e164: &E164, id: PhoneNumberId) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(keys::number_claim(e164)))
            .condition_expression("number_id = :id")
            .expression_attribute_values(":id", text(id));
        item(delete.build(), |write, delete| write.delete(delete))
    }

    pub(crate) fn put_importing(&self, phone_number: &PhoneNumber) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(keys::number(phone_number.into())))
            .item("number_id", text(phone_number.id))
            .item("e164", text(&phone_number.e164))
            .item("provider", text(phone_number.provider))
            .item("state", text(IMPORTING))
            .item("version", number(phone_number.version))
            .item("created_at", timestamp(phone_number.created_at))
            .item("updated_at", timestamp(phone_number.updated_at));
        let put = if_set(phone_number).into_iter().fold(put, |put, (name, value)| match value {
            Some(value) => put.item(name, text(value)),
            None => put,
        });
        item(put.condition_expression("attribute_not_exists(pk)").build(), |write, put| write.put(put))
    }

    pub(crate) fn show_number(&self, phone_number: &PhoneNumber) -> Result<TransactWriteItem, StoreError> {
        let mut update = "SET #state = :shown".to_owned();
        let mut values = vec![(":shown".to_owned(), text(SHOWN)), (":importing".to_owned(), text(IMPORTING))];
        if let Some(id) = &phone_number.provider_phone_number_id {
            update.push_str(", provider_phone_number_id = :provider_id");
            values.push((":provider_id".to_owned(), text(id)));
        }
        self.part(Expression {
            key: keys::number(phone_number.into()),
            update,
            condition: "#state = :importing",
            values,
            names: vec!["state".to_owned()],
        })
    }

    fn edit_of(&self, edit: NumberEdit<'_>) -> Result<Vec<TransactWriteItem>, StoreError> {
        match edit {
            NumberEdit::Update(phone_number) => Ok(vec![self.part(update_number(phone_number))?]),
            NumberEdit::Remove(phone_number) => {
                let delete = Delete::builder()
                    .table_name(&self.name)
                    .set_key(Some(keys::number(phone_number.into())))
                    .condition_expression("#state = :shown AND version = :version")
                    .expression_attribute_names("#state", "state")
                    .expression_attribute_values(":shown", text(SHOWN))
                    .expression_attribute_values(":version", number(phone_number.version));
                Ok(vec![
                    item(delete.build(), |write, delete| write.delete(delete))?,
                    self.free_number(&phone_number.e164, phone_number.id)?,
                    self.count_down_by(phone_number.workspace_id, &[NUMBER_COUNT], 1)?,
                ])
            }
        }
    }
}

impl NumberStore for TrunkTable {
    async fn get_number(&self, key: NumberKey) -> Result<Option<PhoneNumber>, StoreError> {
        let found = self.read_item("get_number", keys::number(key)).await?;
        found.filter(is_shown).map(|item| read_number(&item, key)).transpose()
    }

    async fn list_numbers(
        &self,
        workspace_id: WorkspaceId,
        before: Option<PhoneNumberId>,
        limit: usize,
    ) -> Result<NumberPage, StoreError> {
        let start = before.map(|id| keys::number(NumberKey { workspace_id, id }));
        let shown = Shown::of(NUMBER_PREFIX, &[SHOWN]);
        let (items, has_more) = Box::pin(self.newest_first(workspace_id, start, limit, shown)).await?;
        let numbers = items.iter().map(|item| {
            let key = NumberKey { workspace_id, id: Record(item).parsed("number_id")? };
            read_number(item, key)
        });
        Ok(NumberPage { numbers: numbers.collect::<Result<_, _>>()?, has_more })
    }

    async fn edit_number(&self, edit: NumberEdit<'_>) -> Result<bool, StoreError> {
        let writes = self.edit_of(edit)?;
        Ok(matches!(Box::pin(self.transact("edit_number", writes)).await?, Transaction::Done))
    }
}

/// A number that its trunk leaves behind.
fn unbound(key: NumberKey, trunk: TrunkKey, now: Timestamp) -> Expression {
    Expression {
        key: keys::number(key),
        update: "SET version = version + :one, updated_at = :now REMOVE trunk_id, direction".to_owned(),
        condition: "trunk_id = :trunk_id",
        values: vec![
            (":one".to_owned(), number(1)),
            (":now".to_owned(), timestamp(now)),
            (":trunk_id".to_owned(), text(trunk.id)),
        ],
        names: Vec::new(),
    }
}

/// The attributes that a number need not have.
fn if_set(phone_number: &PhoneNumber) -> [(&'static str, Option<String>); 4] {
    let PhoneNumber { label, binding, provider_phone_number_id, .. } = phone_number;
    [
        ("label", label.as_ref().map(ToString::to_string)),
        ("trunk_id", binding.map(|binding| binding.trunk_id.to_string())),
        ("direction", binding.map(|binding| binding.direction.to_string())),
        ("provider_phone_number_id", provider_phone_number_id.clone()),
    ]
}

/// As `phone_number` says, if it is of the version before.
fn update_number(phone_number: &PhoneNumber) -> Expression {
    let (set, removed): (Vec<_>, Vec<_>) = if_set(phone_number).into_iter().partition(|(_, value)| value.is_some());
    let assignments: String = set.iter().map(|(name, _)| format!(", #{name} = :{name}")).collect();
    let removed: Vec<_> = removed.into_iter().map(|(name, _)| format!("#{name}")).collect();
    let remove = if removed.is_empty() { String::new() } else { format!(" REMOVE {}", removed.join(", ")) };
    let names = if_set(phone_number).into_iter().map(|(name, _)| name.to_owned()).chain(["state".to_owned()]);
    let own = [
        (":shown".to_owned(), text(SHOWN)),
        (":version".to_owned(), number(phone_number.version)),
        (":before".to_owned(), number(phone_number.version - 1)),
        (":updated_at".to_owned(), timestamp(phone_number.updated_at)),
    ];
    let set = set.into_iter().filter_map(|(name, value)| Some((format!(":{name}"), text(value?))));
    Expression {
        key: keys::number(phone_number.into()),
        update: format!("SET version = :version, updated_at = :updated_at{assignments}{remove}"),
        condition: "#state = :shown AND version = :before",
        values: set.chain(own).collect(),
        names: names.collect(),
    }
}

pub(crate) fn is_shown(item: &Item) -> bool {
    Record(item).maybe("state") == Some(SHOWN)
}

fn read_number(item: &Item, key: NumberKey) -> Result<PhoneNumber, StoreError> {
    let record = Record(item);
    let binding = match record.maybe("trunk_id") {
        Some(_) => Some(Binding { trunk_id: record.parsed("trunk_id")?, direction: record.parsed("direction")? }),
        None => None,
    };
    Ok(PhoneNumber {
        id: key.id,
        workspace_id: key.workspace_id,
        e164: E164::from_stored(record.text("e164")?),
        provider: record.parsed("provider")?,
        label: record.maybe("label").map(PhoneNumberLabel::parse).transpose().map_err(unreadable)?,
        binding,
        provider_phone_number_id: record.maybe("provider_phone_number_id").map(str::to_owned),
        version: record.number("version")?,
        created_at: record.parsed("created_at")?,
        updated_at: record.parsed("updated_at")?,
    })
}

fn at_cap(workspace_id: WorkspaceId, reason: &CancellationReason) -> Result<ImportStart, StoreError> {
    let workspace = reason.item().ok_or_else(|| unreadable(format_args!("workspace {workspace_id} has no record")))?;
    Ok(ImportStart::AtCap { limit: NUMBER_LIMIT, used: Record(workspace).number("number_count")? })
}
