use trunkline_domain::TrunkSecret;

use super::UpstreamError;

/// Where SIP passwords and carrier credentials are kept.
pub trait SecretStore: Send + Sync {
    /// Creates the secret `name`. `token` makes a repeat harmless.
    ///
    /// # Errors
    /// When it was not created, or may not have been.
    fn create(
        &self,
        name: &str,
        token: &str,
        secret: &TrunkSecret,
    ) -> impl Future<Output = Result<(), UpstreamError>> + Send;

    /// The secret `name`; `None` when there is none, or it is scheduled for deletion.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, name: &str) -> impl Future<Output = Result<Option<TrunkSecret>, UpstreamError>> + Send;

    /// Schedules the secret `name` for deletion, if it exists and is not scheduled yet.
    ///
    /// # Errors
    /// When it may still be there.
    fn schedule_deletion(&self, name: &str) -> impl Future<Output = Result<(), UpstreamError>> + Send;
}
