use trunkline_domain::{E164, PhoneNumber, PhoneNumberId, WorkspaceId};

use super::{StoreError, UpdateStart};
use crate::{IdempotencyClaim, KeyUse, NumberKey, StoredResponse};

/// A number about to be imported.
#[derive(Debug, Clone, Copy)]
pub struct NumberReservation<'a> {
    /// The number as it shall be.
    pub number: &'a PhoneNumber,
    /// The idempotency key it was asked for with.
    pub claim: Option<&'a IdempotencyClaim>,
}

/// What the write that begins an import found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportStart {
    /// As far as the trunk goes; with [`UpdateStart::Updating`] the number is reserved, else nothing was written.
    Begun(UpdateStart),
    /// Nothing was written: the workspace is at its cap.
    AtCap {
        /// How many numbers it may have.
        limit: u64,
        /// How many it has.
        used: u64,
    },
    /// Nothing was written: a workspace, perhaps this one, has the number.
    Taken,
    /// Nothing was written: the idempotency key was used before.
    KeyUsed(KeyUse),
}

/// What becomes of the numbers of a trunk that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFate {
    /// They stay, without a trunk.
    Stay,
    /// They go with it: given back to LiveKit, which sold them, or to the Twilio account.
    Go,
}

/// An import under way, as the record of its trunk knows it: enough to undo it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingImport {
    /// The number's id.
    pub id: PhoneNumberId,
    /// The number.
    pub e164: E164,
    /// Hash of the idempotency key that its request claimed.
    pub key_hash: Option<String>,
}

/// What a commit writes of a number, beside its trunks.
#[derive(Debug, Clone, Copy)]
pub enum NumberWrite<'a> {
    /// A reserved number is shown; the response is kept.
    Import(&'a PhoneNumber, Option<(&'a IdempotencyClaim, &'a StoredResponse)>),
    /// A number that was there before.
    Edit(NumberEdit<'a>),
}

/// What becomes of a number that is shown.
#[derive(Debug, Clone, Copy)]
pub enum NumberEdit<'a> {
    /// It is as this says, if it is of the version before.
    Update(&'a PhoneNumber),
    /// It is gone, if it is of this version: it no longer counts and is free.
    Remove(&'a PhoneNumber),
}

/// A part of a list of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberPage {
    /// Newest first.
    pub numbers: Vec<PhoneNumber>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// The records of phone numbers, where no trunk changes with them.
pub trait NumberStore: Send + Sync {
    /// A number that is shown.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn get_number(&self, key: NumberKey) -> impl Future<Output = Result<Option<PhoneNumber>, StoreError>> + Send;

    /// Numbers older than `before`, newest first, at most `limit`; the page is full while there are more.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn list_numbers(
        &self,
        workspace_id: WorkspaceId,
        before: Option<PhoneNumberId>,
        limit: usize,
    ) -> impl Future<Output = Result<NumberPage, StoreError>> + Send;

    /// One transaction; says whether the number was of the version that it must be of.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn edit_number(&self, edit: NumberEdit<'_>) -> impl Future<Output = Result<bool, StoreError>> + Send;
}
