use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use trunkline_aws::failure;
use trunkline_provisioning::ports::{Failure, StoreError};

/// This system, in a log line.
pub(crate) const SYSTEM: &str = "dynamodb";

/// Says which failure a failed call is, and what the use cases make of it.
pub(crate) fn classify<E: ProvideErrorMetadata>(
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> StoreError {
    failure(error).report(SYSTEM, operation, error.code().unwrap_or_default()).into()
}

/// Whether an update's condition failed.
pub(crate) fn is_condition(error: Option<&UpdateItemError>) -> bool {
    error.is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

/// A record that this version cannot read.
pub(crate) fn unreadable(error: impl std::fmt::Display) -> StoreError {
    Failure::Unreadable.report(SYSTEM, "read", &error.to_string()).into()
}

/// Why the table was not made.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// It is there already.
    #[error("it is there already")]
    Exists,
    /// DynamoDB refused or did not answer.
    #[error("{operation}: {code}")]
    Failed {
        /// What was tried.
        operation: &'static str,
        /// DynamoDB's code, or that there was no answer.
        code: String,
    },
}

impl AdminError {
    pub(crate) fn new<E: ProvideErrorMetadata, R>(operation: &'static str, error: &SdkError<E, R>) -> Self {
        match error.code() {
            Some("ConditionalCheckFailedException" | "ResourceInUseException") => Self::Exists,
            code => Self::Failed { operation, code: code.unwrap_or("no answer").to_owned() },
        }
    }
}

impl From<BuildError> for AdminError {
    fn from(error: BuildError) -> Self {
        Self::Failed { operation: "build request", code: error.to_string() }
    }
}
