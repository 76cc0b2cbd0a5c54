//! Auth tokens: an account has one, and while its owner changes it a secondary one
//! (<https://www.twilio.com/docs/iam/api/authtoken>).

use serde_json::{Value, json};

use super::{
    Context,
    store::AuthTokens,
    wire::{Answer, TwilioError, iso_8601},
};
use crate::identity::new_auth_token;

/// Makes a secondary token, in place of the one that there may be.
pub(super) fn create_secondary(context: Context<'_>) -> Result<Answer, TwilioError> {
    let token = new_auth_token();
    let answer = body(&context, "Secondary", "secondary_auth_token", &token);
    let primary = context.store.auth_token(context.account).to_owned();
    context.keep(AuthTokens { primary, secondary: Some(token) })?;
    Ok(Answer::Created(answer))
}

/// Makes the secondary token the only one.
pub(super) fn promote(context: Context<'_>) -> Result<Answer, TwilioError> {
    let tokens = context.store.auth_tokens.get(&context.account.account_sid);
    let token = tokens.and_then(|tokens| tokens.secondary.clone()).ok_or_else(|| context.not_found())?;
    let answer = body(&context, "Promote", "auth_token", &token);
    context.keep(AuthTokens { primary: token, secondary: None })?;
    Ok(Answer::Found(answer))
}

impl Context<'_> {
    fn keep(self, tokens: AuthTokens) -> Result<(), TwilioError> {
        Ok(self.store.auth_tokens.put(&self.account.account_sid, tokens)?)
    }
}

fn body(context: &Context<'_>, resource: &str, name: &str, token: &str) -> Value {
    json!({
        "account_sid": context.account.account_sid,
        name: token,
        "date_created": iso_8601(context.now),
        "date_updated": iso_8601(context.now),
        "url": format!("{}/v1/AuthTokens/{resource}", context.base),
    })
}
