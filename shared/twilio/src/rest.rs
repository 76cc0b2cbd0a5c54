//! Single calls: form-encoded requests, HTTP basic authentication, JSON answers
//! (<https://www.twilio.com/docs/usage/requests-to-twilio>).

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use secrecy::ExposeSecret;
use trunkline_connector::{BaseUrl, Connector, SendError};
use trunkline_domain::TwilioAccount;
use trunkline_provisioning::ports::Failure;

use crate::refusal::RestError;

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The pause before a call is repeated.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Whether a call may be made again that may have been done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It may not: it would be done twice.
    IfNotDone,
    /// It may: the second changes nothing.
    Always,
}

/// A call to be made. No `Debug`: there may be a password in it.
pub(crate) struct Call<'a> {
    pub(crate) account: &'a TwilioAccount,
    pub(crate) method: Method,
    pub(crate) base: &'a BaseUrl,
    /// Path and query.
    pub(crate) path: &'a str,
    pub(crate) form: &'a [(&'static str, &'a str)],
    pub(crate) repeat: Repeat,
}

impl Call<'_> {
    /// Makes it, and once more where that may help and does no harm. Gives the body of the answer.
    pub(crate) async fn send(&self, connector: &Connector) -> Result<Bytes, RestError> {
        let first = match self.once(connector).await {
            Err(error) if error.may_pass() && (self.repeat == Repeat::Always || !error.may_be_done()) => error,
            ended => return ended,
        };
        tokio::time::sleep(RETRY_PAUSE.mul_f64(rand::random())).await;
        match self.once(connector).await {
            // A second one that Twilio did not take says nothing of the first.
            Err(second) if first.may_be_done() && !second.may_be_done() && second.may_pass() => Err(first),
            ended => ended,
        }
    }

    async fn once(&self, connector: &Connector) -> Result<Bytes, RestError> {
        let request = self.request().ok_or(Failure::Invalid)?;
        let answer = match tokio::time::timeout(TIMEOUT, connector.send(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(SendError::NotSent(_))) => return Err(Failure::NotConnected.into()),
            Ok(Err(SendError::Tls(_))) => return Err(Failure::TlsFailure.into()),
            Ok(Err(SendError::Unanswered(_))) | Err(_) => return Err(Failure::Unanswered.into()),
        };
        if answer.status().is_success() {
            Ok(answer.into_body())
        } else {
            Err(RestError::of_answer(answer.status(), answer.body()))
        }
    }

    fn request(&self) -> Option<Request<Bytes>> {
        let TwilioAccount { account_sid, auth_token } = self.account;
        let login = BASE64_STANDARD.encode(format!("{account_sid}:{}", auth_token.expose_secret()));
        let mut authorization = HeaderValue::from_str(&format!("Basic {login}")).ok()?;
        authorization.set_sensitive(true);
        let request = Request::builder()
            .method(&self.method)
            .uri(format!("{}{}", self.base, self.path))
            .header(AUTHORIZATION, authorization);
        if self.form.is_empty() {
            return request.body(Bytes::new()).ok();
        }
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(self.form).finish();
        request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.into()).ok()
    }
}
