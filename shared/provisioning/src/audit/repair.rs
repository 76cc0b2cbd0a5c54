use trunkline_domain::{InboundObjects, LiveKitObjects, OutboundObjects};

use super::difference::{Difference, ObjectProblem};
use super::table::Table;
use super::{Audit, AuditError};
use crate::ports::{
    InboundTrunkSpec, OutboundTrunkSpec, SecretInventory, SipInventory, SipObjectKind, SipService, TableInventory,
    TrunkRecord, TrunkStore,
};
use crate::provision::{livekit, secrets_manager, undo_objects};
use crate::{SeenObjects, TrunkKey};

/// What a repair did.
#[derive(Debug, Default)]
pub struct Repaired {
    /// What was mended.
    pub mended: Vec<Difference>,
    /// What was not: it is not safe to, or it has changed meanwhile.
    pub left: Vec<Difference>,
}

/// A new inbound trunk makes its old rule wrong, which shows at the next look only.
const LOOKS: usize = 3;

impl<S, V, L> Audit<S, V, L>
where
    S: TableInventory + TrunkStore,
    V: SecretInventory,
    L: SipInventory + SipService,
{
    /// Finds what does not hold and mends what is safe to mend: counters, stuck idempotency records, orphans of a
    /// workspace that the table knows, live trunks' objects. Never touches what may be another deployment's, or an
    /// object without our metadata.
    ///
    /// # Errors
    /// When a system fails; what was mended until then is.
    pub async fn repair(&self) -> Result<Repaired, AuditError> {
        let mut repaired = Repaired::default();
        for _ in 0..LOOKS {
            repaired.left = self.run().await?;
            let table = Table::of(self.store.records().await?);
            let mut nothing_mended = true;
            for difference in std::mem::take(&mut repaired.left) {
                if self.mend(&difference, &table).await? {
                    nothing_mended = false;
                    repaired.mended.push(difference);
                } else {
                    repaired.left.push(difference);
                }
            }
            if nothing_mended {
                break;
            }
        }
        Ok(repaired)
    }

    async fn mend(&self, difference: &Difference, table: &Table) -> Result<bool, AuditError> {
        match difference {
            Difference::NoWorkspace { .. }
            | Difference::Number { .. }
            | Difference::AccountWithoutTrunk { .. }
            | Difference::UnsharedAccount { .. }
            | Difference::OverLimit { .. }
            | Difference::UnlistedKey { .. }
            | Difference::DanglingKeyReference { .. }
            | Difference::Overdue { .. }
            | Difference::MissingSecret { .. }
            | Difference::ForeignSecret { .. }
            | Difference::Object { problem: ObjectProblem::Foreign, .. } => Ok(false),
            // No read of a whole table is of one moment: under way, nothing may be, and one more look must agree.
            Difference::WrongCount { workspace_id, .. }
                if !table.is_settled(*workspace_id) || !table.wrong_counts().contains(difference) =>
            {
                Ok(false)
            }
            Difference::WrongCount { workspace_id, counted, counter, records } => {
                Ok(self.store.correct_count(*workspace_id, *counted, *counter, *records).await?)
            }
            Difference::StuckClaim { key, key_hash } => Ok(self.store.release_running(*key, key_hash).await?),
            Difference::OrphanSecret { name } => {
                self.secrets.schedule_deletion(name).await.map_err(secrets_manager)?;
                Ok(true)
            }
            Difference::Object { kind, livekit_id, problem: ObjectProblem::Orphan, .. } => {
                undo_objects(&self.sip, &seen(*kind, livekit_id.clone())).await?;
                Ok(true)
            }
            Difference::Object { key, kind, livekit_id, problem: ObjectProblem::Changed } => {
                self.put_back(table, *key, *kind, livekit_id).await
            }
            Difference::Object { key, kind, problem: ObjectProblem::Missing, .. } => {
                self.make_again(table, *key, *kind).await
            }
        }
    }

    async fn put_back(
        &self,
        table: &Table,
        key: TrunkKey,
        kind: SipObjectKind,
        livekit_id: &str,
    ) -> Result<bool, AuditError> {
        let Some((trunk, secret_name)) = table.find(key) else {
            return Ok(false);
        };
        let mut expected = self.expected(trunk, secret_name).await?;
        expected.retain(|object| object.kind == kind && object.livekit_id == livekit_id);
        let Some(content) = expected.pop().and_then(|object| object.content) else {
            return Ok(false);
        };
        Ok(self.sip.replace(livekit_id, content).await.map_err(livekit)?)
    }

    /// Makes a live trunk's object anew and gives the trunk its id; or, when the trunk has changed meanwhile, takes it
    /// away again.
    async fn make_again(&self, table: &Table, key: TrunkKey, kind: SipObjectKind) -> Result<bool, AuditError> {
        let Some((_, secret_name)) = table.find(key) else {
            return Ok(false);
        };
        let Some(TrunkRecord { mut trunk, .. }) = self.store.get(key).await? else {
            return Ok(false);
        };
        let secret = self.secret(&trunk, secret_name).await?;
        // It would take calls without a password.
        if trunk.settings.auth_username.is_some() && secret.is_none() {
            return Ok(false);
        }
        let inbound = InboundTrunkSpec::of(key, &trunk.settings, &trunk.numbers, secret.as_ref());
        let outbound = OutboundTrunkSpec::of(key, &trunk.settings, &trunk.numbers, secret.as_ref());
        let (mut inbound_objects, mut outbound_objects) =
            (trunk.livekit.inbound().cloned(), trunk.livekit.outbound().cloned());
        let made = match (kind, inbound, outbound, &mut inbound_objects) {
            (SipObjectKind::InboundTrunk, Some(spec), _, Some(objects)) => {
                objects.trunk_id = self.sip.create_inbound_trunk(spec).await.map_err(livekit)?;
                objects.trunk_id.clone()
            }
            (SipObjectKind::DispatchRule, _, _, Some(objects)) => {
                let made = self.sip.create_dispatch_rule(key, &objects.trunk_id).await.map_err(livekit)?;
                objects.dispatch_rule_id.clone_from(&made);
                made
            }
            (SipObjectKind::OutboundTrunk, _, Some(spec), _) => {
                let trunk_id = self.sip.create_outbound_trunk(spec).await.map_err(livekit)?;
                outbound_objects = Some(OutboundObjects { trunk_id: trunk_id.clone() });
                trunk_id
            }
            _ => return Ok(false),
        };
        let Some(objects) = objects(inbound_objects, outbound_objects) else {
            return Ok(false);
        };
        trunk.livekit = objects;
        let linked = self.store.relink(&trunk).await?;
        if !linked {
            undo_objects(&self.sip, &seen(kind, made)).await?;
        }
        Ok(linked)
    }
}

fn objects(inbound: Option<InboundObjects>, outbound: Option<OutboundObjects>) -> Option<LiveKitObjects> {
    match (inbound, outbound) {
        (Some(inbound), Some(outbound)) => Some(LiveKitObjects::Both(inbound, outbound)),
        (Some(inbound), None) => Some(LiveKitObjects::Inbound(inbound)),
        (None, Some(outbound)) => Some(LiveKitObjects::Outbound(outbound)),
        (None, None) => None,
    }
}

fn seen(kind: SipObjectKind, livekit_id: String) -> SeenObjects {
    match kind {
        SipObjectKind::InboundTrunk | SipObjectKind::OutboundTrunk => SeenObjects::trunks([livekit_id]),
        SipObjectKind::DispatchRule => SeenObjects::dispatch_rules([livekit_id]),
    }
}
