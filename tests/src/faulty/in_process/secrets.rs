use std::collections::{BTreeMap, BTreeSet};

use trunkline_domain::TrunkSecret;
use trunkline_provisioning::ports::{SecretStore, UpstreamError};

use super::InProcess;

/// Secrets by name: whether each is scheduled for deletion. What they hold is nobody's business here.
#[derive(Debug, Default)]
pub(super) struct Secrets(BTreeMap<String, bool>);

impl Secrets {
    /// Secrets that are kept and should not be, and the other way round.
    pub(super) fn differences(&self, expected: &BTreeSet<&str>) -> Vec<String> {
        let kept = self.0.iter().filter(|(_, scheduled)| !**scheduled).map(|(name, _)| name.as_str()).collect();
        expected.symmetric_difference(&kept).map(|name| format!("secret {name}")).collect()
    }
}

impl SecretStore for InProcess {
    async fn create(&self, name: &str, _: &str, _: &TrunkSecret) -> Result<(), UpstreamError> {
        let Secrets(secrets) = &mut self.contents().secrets;
        if secrets.contains_key(name) {
            return Err(UpstreamError::NotDone);
        }
        secrets.insert(name.to_owned(), false);
        Ok(())
    }

    async fn schedule_deletion(&self, name: &str) -> Result<(), UpstreamError> {
        if let Some(scheduled) = self.contents().secrets.0.get_mut(name) {
            *scheduled = true;
        }
        Ok(())
    }
}
