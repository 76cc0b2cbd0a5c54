use trunkline_domain::TrunkSecret;
use trunkline_provisioning::ports::{SecretStore, UpstreamError};

use super::{Effect, Line};

/// Where secrets are, at the end of a [`Line`].
#[derive(Clone)]
pub(in crate::faulty) struct LineSecrets<V> {
    pub(in crate::faulty) secrets: V,
    pub(in crate::faulty) line: Line,
}

impl<V: SecretStore + Clone + 'static> SecretStore for LineSecrets<V> {
    async fn create(&self, name: &str, token: &str, secret: &TrunkSecret) -> Result<(), UpstreamError> {
        let (secrets, name, token, secret) = (self.secrets.clone(), name.to_owned(), token.to_owned(), secret.clone());
        let work = async move { secrets.create(&name, &token, &secret).await };
        self.line.call("create_secret", Effect::Write, work).await
    }

    async fn read(&self, name: &str) -> Result<Option<TrunkSecret>, UpstreamError> {
        let (secrets, name) = (self.secrets.clone(), name.to_owned());
        self.line.call("read_secret", Effect::Read, async move { secrets.read(&name).await }).await
    }

    async fn schedule_deletion(&self, name: &str) -> Result<(), UpstreamError> {
        let (secrets, name) = (self.secrets.clone(), name.to_owned());
        let work = async move { secrets.schedule_deletion(&name).await };
        self.line.call("delete_secret", Effect::Write, work).await
    }
}
