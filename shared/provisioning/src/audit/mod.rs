//! The checker: what must always hold, over the whole table, all secrets and all of LiveKit.

mod difference;
mod expected;
mod repair;
mod table;

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use jiff::Timestamp;

use crate::ports::{SecretInventory, SipInventory, SipObject, StoreError, TableInventory, UpstreamError};
use crate::provision::{UpstreamFailure, livekit, secrets_manager};
use crate::{SecretPrefix, Upstream};

pub use difference::{Difference, NumberProblem, ObjectProblem};
use expected::Expected;
pub use repair::Repaired;
use table::Table;

/// Compares DynamoDB, Secrets Manager and LiveKit.
#[derive(Debug, Clone)]
pub struct Audit<S, V, L> {
    /// Where the records are.
    pub store: S,
    /// Where the passwords are.
    pub secrets: V,
    /// Where the calls are.
    pub sip: L,
    /// What the secrets' names begin with.
    pub secret_prefix: SecretPrefix,
}

/// Why the systems cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The table.
    #[error("DynamoDB: {0}")]
    Store(#[from] StoreError),
    /// Another system.
    #[error("{0}: {1}")]
    Upstream(Upstream, UpstreamError),
}

impl From<UpstreamFailure> for AuditError {
    fn from((upstream, error): UpstreamFailure) -> Self {
        Self::Upstream(upstream, error)
    }
}

/// How many secrets are read at the same time.
const SECRETS_AT_ONCE: usize = 16;

impl<S: TableInventory, V: SecretInventory, L: SipInventory> Audit<S, V, L> {
    /// Everything that does not hold. What a running request changes meanwhile is none: a difference is one that two
    /// looks in a row both find.
    ///
    /// # Errors
    /// When a system does not say what it holds.
    pub async fn run(&self) -> Result<Vec<Difference>, AuditError> {
        let mut differences = self.look().await?;
        if !differences.is_empty() {
            let again = self.look().await?;
            differences.retain(|difference| again.contains(difference));
        }
        Ok(differences)
    }

    async fn look(&self) -> Result<Vec<Difference>, AuditError> {
        // The table last: what was made before it is read has a record there.
        let objects = self.sip.objects().await.map_err(livekit)?;
        let secrets = self.secrets.names(self.secret_prefix.as_str()).await.map_err(secrets_manager)?;
        let table = Table::of(self.store.records().await?);

        let mut differences = table.wrong_counts();
        differences.extend(table.over_limit());
        differences.extend(table.unpaired_keys());
        differences.extend(table.compare_numbers());
        differences.extend(table.compare_accounts());
        let now = Timestamp::now();
        differences.extend(table.overdue(now));
        differences.extend(table.stuck_claims(now));
        differences.extend(table.compare_secrets(&self.secret_prefix, secrets));
        differences.extend(self.compare_objects(&table, objects).await?);
        Ok(differences)
    }

    async fn compare_objects(
        &self,
        table: &Table,
        objects: Vec<SipObject<L::Content>>,
    ) -> Result<Vec<Difference>, AuditError> {
        let mut objects: BTreeMap<_, _> =
            objects.into_iter().map(|object| ((object.kind, object.livekit_id.clone()), object)).collect();
        let mut differences = Vec::new();
        for trunks in table.live.chunks(SECRETS_AT_ONCE) {
            let expected = trunks.iter().map(|(trunk, secret_name)| self.expected(trunk, secret_name.as_deref()));
            let expected = try_join_all(expected).await?;
            for Expected { key, kind, livekit_id, content } in expected.into_iter().flatten() {
                let content = content.filter(|_| !table.is_updated(key));
                let problem = match objects.remove(&(kind, livekit_id.clone())) {
                    None => ObjectProblem::Missing,
                    Some(object) if content.is_some_and(|content| object.content != content) => ObjectProblem::Changed,
                    Some(_) => continue,
                };
                differences.push(Difference::Object { key, kind, livekit_id, problem });
            }
        }
        // What is left belongs to no live trunk; the sweeper sees to what is unsettled.
        let orphans = objects.into_values().filter(|object| !table.is_pending(object.key));
        differences.extend(orphans.map(|SipObject { kind, livekit_id, key, .. }| {
            let problem = if table.knows(key.workspace_id) { ObjectProblem::Orphan } else { ObjectProblem::Foreign };
            Difference::Object { key, kind, livekit_id, problem }
        }));
        Ok(differences)
    }
}
