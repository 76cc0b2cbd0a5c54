//! `TransactWriteItems`, with its ways of not happening told apart.

use std::time::Duration;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use tokio::time::Instant;
use trunkline_provisioning::ports::{Failure, Retry, StoreError};

use crate::error::{SYSTEM, classify, unreadable};
use crate::store::TrunkTable;

/// What became of a transaction.
pub(crate) enum Transaction {
    Done,
    /// A condition failed: the reasons, one for each item, in the items' order.
    Refused(Vec<CancellationReason>),
}

/// What an item of a transaction writes, where the caller is told whose condition failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Counter,
    Trunk,
    NumberClaim,
    Number,
    Account,
    Key,
}

/// How long conflicts with other writers are waited out.
const CONFLICT_BUDGET: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(640);

impl TrunkTable {
    /// Writes all of `items` or none. The SDK sends a client request token of its own with each call, the same one
    /// at its retries, so a repeat after a lost answer is one write.
    ///
    /// A conflict with another writer is no condition: it is tried again, with full jitter
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
    pub(crate) async fn transact(
        &self,
        operation: &'static str,
        items: Vec<TransactWriteItem>,
    ) -> Result<Transaction, StoreError> {
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let sent = self.client.transact_write_items().set_transact_items(Some(items.clone())).send().await;
            let error = match sent {
                Ok(_) => return Ok(Transaction::Done),
                Err(error) => error,
            };
            let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
            else {
                return Err(classify(operation, &error));
            };
            let reasons = cancelled.cancellation_reasons();
            if reasons.iter().any(failed) {
                return Ok(Transaction::Refused(reasons.to_vec()));
            }
            let (failure, code) = cancellation(reasons);
            if failure.meaning().retry == Retry::Never || start.elapsed() + pause > CONFLICT_BUDGET {
                return Err(failure.report(SYSTEM, operation, code).into());
            }
            tokio::time::sleep(pause.mul_f64(rand::random())).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Whether this item's condition failed.
pub(crate) fn failed(reason: &CancellationReason) -> bool {
    reason.code() == Some("ConditionalCheckFailed")
}

/// Why that part's condition failed, if it did. `parts` are in the order of the reasons.
pub(crate) fn refusal<'a>(
    part: Part,
    parts: &[Part],
    reasons: &'a [CancellationReason],
) -> Option<&'a CancellationReason> {
    let mut of_parts = parts.iter().zip(reasons);
    of_parts.find_map(|(of, reason)| (*of == part && failed(reason)).then_some(reason))
}

/// Why a transaction was cancelled whose conditions held, and DynamoDB's word for it.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
fn cancellation(reasons: &[CancellationReason]) -> (Failure, &str) {
    let code = reasons.iter().filter_map(CancellationReason::code).find(|code| *code != "None").unwrap_or_default();
    let failure = match code {
        "TransactionConflict" => Failure::TransactionConflict,
        "ThrottlingError" | "ProvisionedThroughputExceeded" => Failure::Throttled,
        _ => Failure::Invalid,
    };
    (failure, code)
}

/// One item of a transaction. A missing part of it is a mistake of ours, and shows at the first test.
pub(crate) fn item<T>(
    built: Result<T, BuildError>,
    wrap: impl FnOnce(
        aws_sdk_dynamodb::types::builders::TransactWriteItemBuilder,
        T,
    ) -> aws_sdk_dynamodb::types::builders::TransactWriteItemBuilder,
) -> Result<TransactWriteItem, StoreError> {
    built.map(|built| wrap(TransactWriteItem::builder(), built).build()).map_err(unreadable)
}
