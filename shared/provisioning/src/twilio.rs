//! What a trunk has on a customer's Twilio account, each step beside its undo.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use trunkline_domain::{AuthPassword, AuthUsername, E164, TrunkId, TwilioAccount, TwilioObjects};

use crate::change::ChangeSideEffect;
use crate::ports::{LeftBehind, SecretStore, TwilioError, TwilioNumber, TwilioRefusal, TwilioService, UpstreamError};
use crate::provision::{UpstreamFailure, secrets_manager};
use crate::undo::CreateSideEffect;
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
}

impl Connection<'_> {
    /// Makes it all but for the number. No call stops another: one that is dropped half way may still be done.
    pub(crate) async fn make<T: TwilioService>(
        &self,
        twilio: &T,
        budget: &Budget,
    ) -> Result<TwilioObjects, TwilioError> {
        let Self { account, id, domain_name, login: (username, password), sip_url } = *self;
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
        let (list, origination) = tokio::join!(
            in_time(budget, twilio.attach_credential_list(account, &trunk_sid, &credential_list_sid)),
            in_time(budget, twilio.create_origination_url(account, &trunk_sid, id, sip_url)),
        );
        list.and(origination)?;
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

impl<V: SecretStore, T: TwilioService> CreateSideEffect for OnTwilio<'_, V, T> {
    async fn take_away(&self, key: TrunkKey, left: &LeftBehind) -> Result<(), UpstreamFailure> {
        if left.twilio_account.is_none() {
            return Ok(());
        }
        let objects = Objects::NamedAfter(key.id);
        match self.account {
            Some(account) => delete_with_any(self.twilio, std::slice::from_ref(account), objects).await,
            // Without a secret nothing was made: it comes first.
            None => delete_with_any(self.twilio, &accounts_of(self.secrets, &left.secret_names).await?, objects).await,
        }
    }
}

/// Which of the things on an account.
#[derive(Clone, Copy)]
enum Objects<'a> {
    NamedAfter(TrunkId),
    These(&'a TwilioObjects),
}

impl Objects<'_> {
    /// The trunk's name or SID at Twilio.
    fn trunk(self) -> String {
        match self {
            Self::NamedAfter(id) => id.to_string(),
            Self::These(objects) => objects.trunk_sid.clone(),
        }
    }
}

/// Takes them away with the first auth token that Twilio takes.
async fn delete_with_any<T: TwilioService>(
    twilio: &T,
    accounts: &[TwilioAccount],
    objects: Objects<'_>,
) -> Result<(), UpstreamFailure> {
    let Some(account) = accounts.last() else {
        return Ok(());
    };
    let trunk = objects.trunk();
    let mut ended = Ok(());
    for account in accounts {
        ended = match objects {
            Objects::NamedAfter(id) => delete_named(twilio, account, id).await,
            Objects::These(objects) => delete_these(twilio, account, objects).await,
        };
        if ended != Err(TwilioError::Refused(TwilioRefusal::Credentials)) {
            break;
        }
    }
    unless_refused(account, &trunk, ended).map_err(on_twilio)
}

/// Takes away what is named after the trunk: numbers first, then trunks, then lists that trunks took.
async fn delete_named<T: TwilioService>(twilio: &T, account: &TwilioAccount, id: TrunkId) -> Result<(), TwilioError> {
    for trunk_sid in twilio.find_trunks(account, id).await? {
        delete_trunk(twilio, account, &trunk_sid).await?;
    }
    for list_sid in twilio.find_credential_lists(account, id).await? {
        delete_list(twilio, account, &list_sid).await?;
    }
    Ok(())
}

async fn delete_these<T: TwilioService>(
    twilio: &T,
    account: &TwilioAccount,
    objects: &TwilioObjects,
) -> Result<(), TwilioError> {
    delete_trunk(twilio, account, &objects.trunk_sid).await?;
    delete_list(twilio, account, &objects.credential_list_sid).await
}

/// An import under way may attach another number meanwhile.
async fn delete_trunk<T: TwilioService>(
    twilio: &T,
    account: &TwilioAccount,
    trunk_sid: &str,
) -> Result<(), TwilioError> {
    const LOOKS: usize = 3;
    for _ in 0..LOOKS {
        let numbers = Vec::from_iter(twilio.numbers_of_trunk(account, trunk_sid).await?);
        if numbers.is_empty() {
            break;
        }
        for numbers in numbers.chunks(NUMBERS_AT_ONCE) {
            try_join_all(numbers.iter().map(|sid| twilio.detach_number(account, trunk_sid, sid))).await?;
        }
    }
    twilio.delete_trunk(account, trunk_sid).await
}

/// One that the customer gave to a trunk of their own is theirs.
async fn delete_list<T: TwilioService>(twilio: &T, account: &TwilioAccount, list_sid: &str) -> Result<(), TwilioError> {
    match twilio.delete_credential_list(account, list_sid).await {
        Err(TwilioError::Upstream(UpstreamError::Conflict)) => {
            tracing::warn!(twilio.credential_list_sid = list_sid, "{LEFT_THERE}");
            Ok(())
        }
        deleted => deleted,
    }
}

/// Takes away what a live trunk has. Without its secret another deletion has done so, since the secret goes afterwards, or
/// the secret was lost.
pub(crate) async fn delete<V: SecretStore, T: TwilioService>(
    secrets: &V,
    twilio: &T,
    objects: &TwilioObjects,
    secret_names: &BTreeSet<String>,
) -> Result<(), UpstreamFailure> {
    let accounts = accounts_of(secrets, secret_names).await?;
    if accounts.is_empty() {
        tracing::warn!(
            twilio.account_sid = %objects.account_sid,
            twilio.trunk = objects.trunk_sid,
            "a trunk was deleted without its secret: what was made on a customer's Twilio account may be there still"
        );
    }
    delete_with_any(twilio, &accounts, Objects::These(objects)).await
}

/// What becomes of a number at Twilio.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shall {
    /// It comes to the trunk. Nothing there held it before.
    Come,
    /// It is on the trunk by the customer's own hand, and stays there whatever becomes of the change.
    Stay,
    /// It leaves the trunk.
    Leave,
}

/// A number and a trunk at Twilio.
pub(crate) struct Placement<'a, T> {
    pub(crate) twilio: &'a T,
    pub(crate) account: &'a TwilioAccount,
    pub(crate) trunk_sid: &'a str,
    pub(crate) number: &'a E164,
    pub(crate) shall: Shall,
}

impl<T: TwilioService> ChangeSideEffect for Placement<'_, T> {
    async fn make(&self) -> Result<(), TwilioError> {
        let is_placed = match self.shall {
            Shall::Come => self.place(true).await?,
            Shall::Stay => self.find().await?.is_some_and(|number| self.holds(&number)),
            Shall::Leave => {
                return Ok(unless_refused(self.account, self.trunk_sid, self.place(false).await.map(drop))?);
            }
        };
        if is_placed { Ok(()) } else { Err(TwilioError::Refused(TwilioRefusal::Moved)) }
    }

    async fn take_back(&self) -> Result<(), UpstreamFailure> {
        let placed = match self.shall {
            Shall::Come => self.place(false).await,
            Shall::Stay => return Ok(()),
            Shall::Leave => self.place(true).await,
        };
        unless_refused(self.account, self.trunk_sid, placed.map(drop)).map_err(on_twilio)
    }
}

impl<T: TwilioService> Placement<'_, T> {
    /// Attaches the number if nothing there holds it, or takes it off if it is on the trunk. Says whether it is then as it
    /// shall be.
    async fn place(&self, shall_be: bool) -> Result<bool, TwilioError> {
        let Self { twilio, account, trunk_sid, .. } = *self;
        let Some(number) = self.find().await? else {
            return Ok(!shall_be);
        };
        match (self.holds(&number), shall_be) {
            (true, false) => twilio.detach_number(account, trunk_sid, &number.sid).await?,
            (false, true) if number.is_free() => twilio.attach_number(account, trunk_sid, &number.sid).await?,
            (is_on, _) => return Ok(is_on == shall_be),
        }
        Ok(true)
    }

    async fn find(&self) -> Result<Option<TwilioNumber>, TwilioError> {
        self.twilio.find_number(self.account, self.number).await
    }

    /// Whether the trunk has it.
    fn holds(&self, number: &TwilioNumber) -> bool {
        number.trunk_sid.as_deref() == Some(self.trunk_sid)
    }
}

/// Takes numbers off a trunk that are on it and shall not be (`false`), and attaches those that shall and are nowhere:
/// a late message may have moved one of them.
pub(crate) async fn settle<T: TwilioService>(
    twilio: &T,
    account: &TwilioAccount,
    trunk_sid: &str,
    numbers: &[(&E164, bool)],
) -> Result<(), UpstreamFailure> {
    for &(number, shall_be) in numbers {
        let shall = if shall_be { Shall::Come } else { Shall::Leave };
        let placement = Placement { twilio, account, trunk_sid, number, shall };
        unless_refused(account, trunk_sid, placement.place(shall_be).await.map(drop)).map_err(on_twilio)?;
    }
    Ok(())
}

/// The accounts that these secrets open: one, with the auth token that it has or had.
async fn accounts_of<V: SecretStore>(
    secrets: &V,
    names: &BTreeSet<String>,
) -> Result<Vec<TwilioAccount>, UpstreamFailure> {
    let mut accounts = Vec::new();
    for name in names {
        let secret = secrets.read(name).await.map_err(secrets_manager)?;
        accounts.extend(secret.as_ref().and_then(TwilioAccount::of_secret));
    }
    Ok(accounts)
}

const LEFT_THERE: &str = "what was made on a customer's Twilio account is left there";

/// How many numbers are detached at the same time.
const NUMBERS_AT_ONCE: usize = 10;

/// An account that does not let us in keeps what is on it: the customer finds it by the trunk's name or SID, and nothing of
/// ours waits for it for ever.
fn unless_refused(account: &TwilioAccount, trunk: &str, ended: Result<(), TwilioError>) -> Result<(), UpstreamError> {
    match ended {
        Ok(()) => Ok(()),
        Err(TwilioError::Refused(refusal)) => {
            tracing::warn!(%refusal, twilio.account_sid = %account.account_sid, twilio.trunk = trunk, "{LEFT_THERE}");
            Ok(())
        }
        Err(TwilioError::Upstream(error)) => Err(error),
    }
}

fn on_twilio(error: UpstreamError) -> UpstreamFailure {
    (Upstream::Twilio, error)
}
