use std::collections::{BTreeMap, BTreeSet};

use trunkline_domain::TrunkSecret;
use trunkline_provisioning::ports::{SecretStore, UpstreamError};

use super::InProcess;

/// Secrets by name.
#[derive(Debug, Default)]
pub(super) struct Secrets(BTreeMap<String, Kept>);

#[derive(Debug)]
struct Kept {
    secret: TrunkSecret,
    is_scheduled: bool,
}

impl Secrets {
    /// Secrets that are kept and should not be, and the other way round.
    pub(super) fn differences(&self, expected: &BTreeSet<&str>) -> Vec<String> {
        let kept = self.0.iter().filter(|(_, kept)| !kept.is_scheduled).map(|(name, _)| name.as_str()).collect();
        expected.symmetric_difference(&kept).map(|name| format!("secret {name}")).collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<&TrunkSecret> {
        self.0.get(name).filter(|kept| !kept.is_scheduled).map(|kept| &kept.secret)
    }
}

impl SecretStore for InProcess {
    async fn create(&self, name: &str, _: &str, secret: &TrunkSecret) -> Result<(), UpstreamError> {
        let Secrets(secrets) = &mut self.contents().secrets;
        if secrets.contains_key(name) {
            return Err(UpstreamError::NotDone);
        }
        secrets.insert(name.to_owned(), Kept { secret: secret.clone(), is_scheduled: false });
        Ok(())
    }

    async fn read(&self, name: &str) -> Result<Option<TrunkSecret>, UpstreamError> {
        Ok(self.contents().secrets.get(name).cloned())
    }

    async fn schedule_deletion(&self, name: &str) -> Result<(), UpstreamError> {
        if let Some(kept) = self.contents().secrets.0.get_mut(name) {
            kept.is_scheduled = true;
        }
        Ok(())
    }
}
