//! What a trunk has on a customer's Twilio account, each step beside its undo.

use std::collections::BTreeSet;

use trunkline_domain::{AuthPassword, AuthUsername, E164, TrunkId, TwilioAccount, TwilioObjects};

use crate::ports::{SecretStore, TwilioError, TwilioService, Unsettled, UpstreamError};
use crate::provision::{UpstreamFailure, secrets_manager};
use crate::undo::Beside;
use crate::{Budget, TrunkKey, Upstream};

/// What an import shall make for a trunk.
pub(crate) struct Connection<'a> {
    pub(crate) account: &'a TwilioAccount,
    pub(crate) id: TrunkId,
    /// The termination domain.
    pub(crate) domain_name: &'a str,
    /// Who may call out.
    pub(crate) login: (&'a AuthUsername, &'a AuthPassword),
    /// Where calls come in.
    pub(crate) sip_url: &'a str,
    /// The number to be attached.
    pub(crate) number_sid: &'a str,
}

impl Connection<'_> {
    /// Makes it all. No call stops another: one that is dropped half way may still be done.
    pub(crate) async fn make<T: TwilioService>(
        &self,
        twilio: &T,
        budget: &Budget,
    ) -> Result<TwilioObjects, TwilioError> {
        let Self { account, id, domain_name, login: (username, password), sip_url, number_sid } = *self;
        let list = async {
            let list_sid = in_time(budget, twilio.create_credential_list(account, id)).await?;
            in_time(budget, twilio.create_credential(account, &list_sid, username, password)).await?;
            Ok(list_sid)
        };
        let trunk = in_time(budget, twilio.create_trunk(account, id, domain_name));
        let (trunk_sid, credential_list_sid) = match tokio::join!(trunk, list) {
            (Ok(trunk_sid), Ok(list_sid)) => (trunk_sid, list_sid),
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let (list, origination, number) = tokio::join!(
            in_time(budget, twilio.attach_credential_list(account, &trunk_sid, &credential_list_sid)),
            in_time(budget, twilio.create_origination_url(account, &trunk_sid, id, sip_url)),
            in_time(budget, twilio.attach_number(account, &trunk_sid, number_sid)),
        );
        list.and(origination).and(number)?;
        Ok(TwilioObjects { account_sid: account.account_sid.clone(), trunk_sid, credential_list_sid })
    }
}

/// A call that is over when the time is.
pub(crate) async fn in_time<R>(
    budget: &Budget,
    call: impl Future<Output = Result<R, TwilioError>>,
) -> Result<R, TwilioError> {
    budget.forward(call).await.unwrap_or(Err(UpstreamError::Unanswered.into()))
}

/// Undo of a [`Connection`].
pub(crate) struct OnTwilio<'a, V, T> {
    pub(crate) secrets: &'a V,
    pub(crate) twilio: &'a T,
    /// Read from the trunk's secret by whoever does not have it.
    pub(crate) account: Option<&'a TwilioAccount>,
}

impl<V: SecretStore, T: TwilioService> Beside for OnTwilio<'_, V, T> {
    async fn take_away(&self, key: TrunkKey, record: &Unsettled) -> Result<(), UpstreamFailure> {
        if record.twilio_account.is_none() {
            return Ok(());
        }
        match self.account {
            Some(account) => disconnect(self.twilio, account, key.id).await,
            None => take_away(self.secrets, self.twilio, key.id, &record.secret_names).await,
        }
    }
}

/// The same for one who has not the account but its secrets' names. Without a secret nothing was made: it comes first.
pub(crate) async fn take_away<V: SecretStore, T: TwilioService>(
    secrets: &V,
    twilio: &T,
    id: TrunkId,
    secret_names: &BTreeSet<String>,
) -> Result<(), UpstreamFailure> {
    match account_of(secrets, secret_names).await? {
        Some(account) => disconnect(twilio, &account, id).await,
        None => Ok(()),
    }
}

/// Takes away what is named after the trunk: numbers first, then trunks, then lists that trunks took.
async fn disconnect<T: TwilioService>(twilio: &T, account: &TwilioAccount, id: TrunkId) -> Result<(), UpstreamFailure> {
    let disconnected = async {
        for trunk_sid in twilio.find_trunks(account, id).await? {
            delete_trunk(twilio, account, &trunk_sid).await?;
        }
        for list_sid in twilio.find_credential_lists(account, id).await? {
            twilio.delete_credential_list(account, &list_sid).await?;
        }
        Ok(())
    };
    unless_refused(disconnected.await)
}

async fn delete_trunk<T: TwilioService>(
    twilio: &T,
    account: &TwilioAccount,
    trunk_sid: &str,
) -> Result<(), TwilioError> {
    for number_sid in twilio.numbers_of_trunk(account, trunk_sid).await? {
        twilio.detach_number(account, trunk_sid, &number_sid).await?;
    }
    twilio.delete_trunk(account, trunk_sid).await
}

/// Takes away what a live trunk has. Without its secret another deletion has done so: the secret goes afterwards.
pub(crate) async fn delete<V: SecretStore, T: TwilioService>(
    secrets: &V,
    twilio: &T,
    objects: &TwilioObjects,
    secret_names: &BTreeSet<String>,
) -> Result<(), UpstreamFailure> {
    let Some(account) = account_of(secrets, secret_names).await? else {
        return Ok(());
    };
    let deleted = async {
        delete_trunk(twilio, &account, &objects.trunk_sid).await?;
        twilio.delete_credential_list(&account, &objects.credential_list_sid).await
    };
    unless_refused(deleted.await)
}

/// Takes a number off a trunk, if it is on it.
pub(crate) async fn detach<T: TwilioService>(
    twilio: &T,
    account: &TwilioAccount,
    trunk_sid: &str,
    number: &E164,
) -> Result<(), UpstreamFailure> {
    settle(twilio, account, trunk_sid, &[(number, false)]).await
}

/// Takes numbers off a trunk that are on it and shall not be (`false`), and attaches those that shall and are nowhere:
/// one of them may have been taken off by a late message.
pub(crate) async fn settle<T: TwilioService>(
    twilio: &T,
    account: &TwilioAccount,
    trunk_sid: &str,
    numbers: &[(&E164, bool)],
) -> Result<(), UpstreamFailure> {
    let settled = async {
        for &(e164, shall_be) in numbers {
            let Some(number) = twilio.find_number(account, e164).await? else {
                continue;
            };
            let is_on = number.trunk_sid.as_deref() == Some(trunk_sid);
            if is_on && !shall_be {
                twilio.detach_number(account, trunk_sid, &number.sid).await?;
            } else if shall_be && number.is_free() {
                twilio.attach_number(account, trunk_sid, &number.sid).await?;
            }
        }
        Ok(())
    };
    unless_refused(settled.await)
}

/// The account that one of these secrets opens.
pub(crate) async fn account_of<V: SecretStore>(
    secrets: &V,
    names: &BTreeSet<String>,
) -> Result<Option<TwilioAccount>, UpstreamFailure> {
    for name in names {
        let secret = secrets.read(name).await.map_err(secrets_manager)?;
        if let Some(account) = secret.as_ref().and_then(TwilioAccount::of_secret) {
            return Ok(Some(account));
        }
    }
    Ok(None)
}

/// An account that does not let us in keeps what is on it: the customer finds it by the trunk's id, and nothing of ours
/// waits for it for ever.
fn unless_refused(ended: Result<(), TwilioError>) -> Result<(), UpstreamFailure> {
    match ended {
        Ok(()) => Ok(()),
        Err(TwilioError::Refused(refusal)) => {
            tracing::warn!(%refusal, "what was made on a customer's Twilio account is left there");
            Ok(())
        }
        Err(TwilioError::Upstream(error)) => Err((Upstream::Twilio, error)),
    }
}
