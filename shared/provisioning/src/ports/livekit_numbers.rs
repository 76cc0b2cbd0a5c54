use std::collections::BTreeSet;

use trunkline_domain::E164;

use super::{SipService, UpstreamError};

/// A phone number that the LiveKit project has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveKitNumber {
    /// Its LiveKit id.
    pub id: String,
    /// The LiveKit ids of the dispatch rules that its calls go to. One that was bought for a rule has that rule as long
    /// as the rule exists: whoever takes a purchase back looks before it deletes the rule.
    pub dispatch_rule_ids: BTreeSet<String>,
}

/// Why a number was not bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PurchaseError {
    /// LiveKit sells US numbers alone; not asked.
    #[error("not a US number")]
    NotUs,
    /// The project has it already, by whoever bought it; not asked.
    #[error("already owned by the project")]
    AlreadyOwned,
    /// LiveKit does not sell it to this project: not in its inventory, somebody else's, or one too many. LiveKit does
    /// not say which.
    #[error("not available")]
    NotAvailable,
    /// This LiveKit has no phone-number service: only LiveKit Cloud has.
    #[error("no phone-number service")]
    NoService,
    /// Any other failure.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

/// LiveKit as a whole.
pub trait LiveKit: SipService + LiveKitNumbers {}

impl<L: SipService + LiveKitNumbers> LiveKit for L {}

/// LiveKit's phone-number service.
pub trait LiveKitNumbers: Send + Sync {
    /// Buys a number whose calls go to a dispatch rule of ours, unless the project has it; gives its LiveKit id. Not
    /// repeatable.
    ///
    /// # Errors
    /// When it was not bought, or may not have been.
    fn purchase(
        &self,
        number: &E164,
        dispatch_rule_id: &str,
    ) -> impl Future<Output = Result<String, PurchaseError>> + Send;

    /// A number of the project's; `None` when it does not have it, or no longer. Repeatable.
    ///
    /// # Errors
    /// When LiveKit did not say.
    fn find(&self, number: &E164) -> impl Future<Output = Result<Option<LiveKitNumber>, UpstreamError>> + Send;

    /// Gives the number of that LiveKit id back; one that the project does not have is given back already. Repeatable.
    ///
    /// # Errors
    /// When the project may still have it.
    fn release(&self, id: &str) -> impl Future<Output = Result<(), UpstreamError>> + Send;
}
