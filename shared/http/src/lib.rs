//! Request in, response out: authentication, idempotency keys, errors, request ids, logging, and a handler for each
//! route of the contract.

mod authentication;
mod cursor;
mod endpoint;
mod error;
mod error_code;
mod etag;
mod handlers;
mod idempotency;
#[cfg(feature = "openapi")]
mod openapi;
mod page;
mod phone_number_body;
mod request;
mod response;
mod routes;
mod timestamp;
mod trunk_body;

pub use authentication::Authenticator;
pub use endpoint::{Handler, answer};
pub use handlers::{
    CreateSipTrunk, DeletePhoneNumber, DeleteSipTrunk, GetPhoneNumber, GetSipTrunk, Healthz, ImportPhoneNumber,
    ListPhoneNumbers, ListSipTrunks, NotFound, UpdatePhoneNumber, UpdateSipTrunk,
};
#[cfg(feature = "openapi")]
pub use openapi::{COMMAND as OPENAPI_COMMAND, openapi};
pub use request::ApiRequest;
pub use routes::{Operation, Route, find};

/// An event of API Gateway as a request.
pub type Event = lambda_http::Request;
/// A response for API Gateway.
pub type EventResponse = lambda_http::Response<lambda_http::Body>;
