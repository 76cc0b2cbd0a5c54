//! What the two AWS SDKs need alike: which [`Failure`] an error is, and a client that is made when it is needed.

mod lazy;

use std::error::Error;

use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use trunkline_connector::SendError;
use trunkline_provisioning::ports::Failure;

pub use lazy::LazyClient;

/// The row of the table of failures that a failed call belongs to.
pub fn failure<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Failure {
    match error {
        SdkError::ServiceError(refusal) => refused(refusal.raw().status().as_u16(), error.code().unwrap_or_default()),
        SdkError::ConstructionFailure(_) => Failure::Invalid,
        SdkError::DispatchFailure(failed) => {
            match failed.as_connector_error().and_then(Error::source).and_then(|source| source.downcast_ref()) {
                Some(SendError::NotSent(_)) => Failure::NotConnected,
                Some(SendError::Tls(_)) => Failure::TlsFailure,
                Some(SendError::Unanswered(_)) | None => Failure::Unanswered,
            }
        }
        // Too late, or an answer that cannot be read.
        _ => Failure::Unanswered,
    }
}

/// By status and code
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>,
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html>). What stands between us and AWS
/// answers with a status alone.
fn refused(status: u16, code: &str) -> Failure {
    match code {
        _ if status >= 500 => Failure::ServerError,
        "TransactionConflict" | "TransactionConflictException" | "ReplicatedWriteConflictException" => {
            Failure::TransactionConflict
        }
        "InternalServerError" | "InternalServiceError" | "ServiceUnavailable" => Failure::ServerError,
        // Still under way, or given up on the way; the SDK counts the first of them as throttling.
        "TransactionInProgressException" | "RequestTimeout" | "RequestTimeoutException" => Failure::Unanswered,
        _ if THROTTLING_ERRORS.contains(&code) => Failure::Throttled,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "RequestExpired"
        | "UnrecognizedClientException" => Failure::ExpiredCredentials,
        "AccessDenied" | "AccessDeniedException" | "NotAuthorized" | "OptInRequired" => Failure::AccessDenied,
        "ResourceNotFoundException" => Failure::NotFound,
        "" => match status {
            401 => Failure::ExpiredCredentials,
            403 => Failure::AccessDenied,
            404 => Failure::NotFound,
            408 => Failure::Unanswered,
            429 => Failure::Throttled,
            _ => Failure::Invalid,
        },
        _ => Failure::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_error_may_have_been_done_whatever_its_code() {
        for (status, code) in [(500, "InternalServerError"), (503, "ThrottlingException"), (502, "")] {
            assert_eq!(refused(status, code), Failure::ServerError, "{status} {code}");
        }
    }

    #[test]
    fn one_row_has_many_codes() {
        for (code, failure) in [
            ("ProvisionedThroughputExceededException", Failure::Throttled),
            ("RequestLimitExceeded", Failure::Throttled),
            ("ReplicatedWriteConflictException", Failure::TransactionConflict),
            ("TransactionInProgressException", Failure::Unanswered),
            ("UnrecognizedClientException", Failure::ExpiredCredentials),
            ("InvalidSignatureException", Failure::ExpiredCredentials),
            ("ResourceNotFoundException", Failure::NotFound),
            ("ANameThatNobodyKnowsException", Failure::Invalid),
        ] {
            assert_eq!(refused(400, code), failure, "{code}");
        }
        for (status, failure) in
            [(401, Failure::ExpiredCredentials), (403, Failure::AccessDenied), (429, Failure::Throttled)]
        {
            assert_eq!(refused(status, ""), failure, "{status}");
        }
    }

    #[test]
    fn what_the_sdk_retries_as_throttling_is_throttling() {
        for code in THROTTLING_ERRORS.iter().filter(|code| **code != "TransactionInProgressException") {
            assert_eq!(refused(400, code), Failure::Throttled, "{code}");
        }
    }

    #[test]
    fn what_the_sdk_gives_up_is_unanswered() {
        let error = SdkError::<aws_smithy_types::error::ErrorMetadata, HttpResponse>::timeout_error("too late");
        assert_eq!(failure(&error), Failure::Unanswered);
    }
}
