//! Numbers of a customer's Twilio account. The first one makes a trunk there and here, the others share it.

use trunkline_domain::{
    Binding, Change, Direction, E164, LiveKitObjects, NewTrunk, PhoneNumber, TrunkId, TrunkSecret, TwilioAccount,
    TwilioObjects,
};

use super::import::ImportBegun;
use super::{ImportNumber, ImportRequest, imported, kept_account, reserved, used, with};
use crate::attempt::{Attempt, Creating};
use crate::change::{ChangeSideEffect, Changing, Step, Written};
use crate::ports::{
    LiveKit, NumberWrite, SecretStore, StoreError, TrunkRecord, TrunkStore, TwilioError, TwilioNumber, TwilioRefusal,
    TwilioService,
};
use crate::provision::{Bought, Outcome};
use crate::twilio::{Connection, OnTwilio, Placement, Shall, in_time};
use crate::undo::CreateSideEffect;
use crate::{Budget, Created, NumberError, StoredResponse, TrunkKey, Upstream};

/// What there is before an import begins.
struct Found {
    number: TwilioNumber,
    /// The trunk that the account's numbers share, if it has one.
    trunk: Option<TrunkRecord>,
}

impl<S: TrunkStore, V: SecretStore, L: LiveKit, T: TwilioService> ImportNumber<S, V, L, T> {
    /// Takes a number of a Twilio account that nothing there holds.
    pub(super) async fn connect(
        &self,
        request: ImportRequest,
        account: &TwilioAccount,
        render: impl Fn(&PhoneNumber) -> StoredResponse + Send,
    ) -> Result<Created, NumberError> {
        let budget = Budget::start(self.timing, request.deadline);
        let looked = budget.forward(self.look(&request, account)).await;
        let Found { number, trunk } = match looked.unwrap_or(Err(NumberError::Unavailable)) {
            Ok(found) => found,
            Err(error) => return self.before_or(error, &request, &budget).await,
        };
        match trunk {
            Some(trunk) => self.share(request, account, &budget, trunk, number, render).await,
            None => self.connect_first(request, account, budget, number, render).await,
        }
    }

    /// An import that cannot begin, unless its idempotency key's first request is done: whatever Twilio says by now, it is
    /// answered as that was.
    async fn before_or(
        &self,
        error: NumberError,
        request: &ImportRequest,
        budget: &Budget,
    ) -> Result<Created, NumberError> {
        let Some(claim) = &request.claim else {
            return Err(error);
        };
        let looked = budget.forward(self.store.key_use(request.workspace_id, claim)).await;
        let key_use = looked.unwrap_or(Err(StoreError::Unavailable))?;
        key_use.map(used).transpose()?.map(Created::Before).ok_or(error)
    }

    async fn look(&self, request: &ImportRequest, account: &TwilioAccount) -> Result<Found, NumberError> {
        let workspace_id = request.workspace_id;
        let trunk = async {
            match self.store.trunk_of_account(workspace_id, &account.account_sid).await? {
                // One that is not live is being made, or deleted.
                Some(id) => self.store.get(TrunkKey { workspace_id, id }).await?.ok_or(NumberError::Busy).map(Some),
                None => Ok(None),
            }
        };
        let number = self.twilio.find_number(account, &request.number.e164);
        let (trunk, number, ()) = tokio::join!(trunk, number, self.sip.prepare());
        let (trunk, number) = (trunk?, number?.ok_or(NumberError::NotOnAccount)?);
        match number.is_free() || is_on(&number, trunk.as_ref()) {
            true => Ok(Found { number, trunk }),
            false => Err(NumberError::InUseOnAccount),
        }
    }

    async fn connect_first(
        &self,
        request: ImportRequest,
        account: &TwilioAccount,
        budget: Budget,
        found: TwilioNumber,
        render: impl Fn(&PhoneNumber) -> StoredResponse + Send,
    ) -> Result<Created, NumberError> {
        let ImportRequest { workspace_id, number, claim, owner, .. } = request;
        let key = TrunkKey { workspace_id, id: TrunkId::new() };
        let binding = Binding { trunk_id: key.id, direction: Direction::Both };
        let number = imported(workspace_id, &number, binding, Some(found.sid.clone()), budget.now());
        let attempt = Attempt {
            key,
            trunk: NewTrunk::of_twilio_account(key.id, account),
            number: Some(number.clone()),
            twilio_account: Some(account.account_sid.clone()),
            secret_name: Some(self.secret_prefix.name_for(key)),
            claim,
            lease: budget.lease(owner),
            budget,
        };
        let creating = Creating {
            store: &self.store,
            secrets: &self.secrets,
            sip: &self.sip,
            side_effect: &OnTwilio { secrets: &self.secrets, twilio: &self.twilio, account: Some(account) },
            attempt: &attempt,
        };
        if let Some(answered) = reserved(creating.reserve().await?)? {
            return Ok(Created::Before(answered));
        }
        let (livekit, twilio) = match self.provision(&creating, account, &number.e164).await {
            Ok(objects) => objects,
            Err((error, outcome)) => return Err(creating.undo(outcome, &Bought::No, error).await),
        };
        let answer = render(&number);
        let trunk = attempt.live(livekit, Some(twilio));
        creating.commit::<NumberError>(&trunk, Some(&number), &answer, &Bought::No).await?;
        Ok(Created::Now(answer))
    }

    /// The secret, then Twilio's objects, then LiveKit's: whoever undoes it opens the account with the secret.
    async fn provision<X: CreateSideEffect>(
        &self,
        creating: &Creating<'_, S, V, L, X>,
        account: &TwilioAccount,
        e164: &E164,
    ) -> Result<(LiveKitObjects, TwilioObjects), (NumberError, Outcome)> {
        let Attempt { key, trunk, budget, .. } = creating.attempt;
        let settings = &trunk.settings;
        let password = trunk.secret.as_ref().and_then(TrunkSecret::password);
        let (Some(password), Some(username), Some(domain_name)) =
            (password, &settings.auth_username, settings.sip_address())
        else {
            return Err((NumberError::Internal, Outcome::default()));
        };
        let provisioning = creating.provisioning();
        let told = |outcome: Outcome| (outcome.error(NumberError::Internal), outcome);
        provisioning.create_secret().await.map_err(told)?;
        let connection = Connection {
            account,
            id: key.id,
            domain_name: &domain_name.to_string(),
            login: (username, password),
            sip_url: &self.sip_host.origination_url(),
        };
        let made = connection.make(&self.twilio, budget).await;
        let twilio = made.map_err(|error| (failed(error), Outcome::default()))?;
        let livekit = Box::pin(provisioning.create_objects()).await.map_err(told)?;
        // Its calls come from then on.
        let placement =
            Placement { twilio: &self.twilio, account, trunk_sid: &twilio.trunk_sid, number: e164, shall: Shall::Come };
        match in_time(budget, placement.make()).await {
            Ok(()) => Ok((livekit, twilio)),
            Err(error) => Err((failed(error), Outcome::seen((&livekit).into()))),
        }
    }

    /// Adds the number to the trunk of its account. An auth token that is another by now takes the kept one's place.
    async fn share(
        &self,
        request: ImportRequest,
        account: &TwilioAccount,
        budget: &Budget,
        trunk: TrunkRecord,
        found: TwilioNumber,
        render: impl Fn(&PhoneNumber) -> StoredResponse + Send,
    ) -> Result<Created, NumberError> {
        let read = budget.forward(kept_account(&self.store, &self.secrets, &trunk)).await;
        let kept_account = match read.unwrap_or(Err(NumberError::Unavailable)) {
            Ok(account) => account,
            Err(error) => return self.before_or(error, &request, budget).await,
        };
        let ImportRequest { workspace_id, number, claim, owner, .. } = request;
        let objects = trunk.trunk.twilio.clone().ok_or(NumberError::Internal)?;
        // Known before anything is written: an attachment without an answer is ours only if the number was free.
        let shall = if found.is_free() { Shall::Come } else { Shall::Stay };
        let binding = Binding { trunk_id: trunk.trunk.id, direction: Direction::Both };
        let number = imported(workspace_id, &number, binding, Some(found.sid), budget.now());
        let side_effect =
            Placement { twilio: &self.twilio, account, trunk_sid: &objects.trunk_sid, number: &number.e164, shall };
        let twilio_number = Some(number.e164.clone()).filter(|_| shall == Shall::Come);
        let mut step = Step { twilio_number, ..with(trunk, &number.e164, number.id) };
        if !kept_account.is_opened_like(account) {
            let key = TrunkKey { workspace_id, id: binding.trunk_id };
            step.secret.credentials = Change::Set(account.to_credentials());
            step.new_secret_name = Some(self.secret_prefix.name_for_change(key, &owner));
        }
        let lease = budget.lease(owner);
        let changing = Changing {
            store: &self.store,
            secrets: &self.secrets,
            sip: &self.sip,
            side_effect: &side_effect,
            budget,
            lease: &lease,
        };
        let begun = match self.begin_import(&changing, &step, &number, claim.as_ref()).await? {
            ImportBegun::Begun(begun) => begun,
            ImportBegun::Before(answer) => return Ok(Created::Before(answer)),
        };
        let answer = render(&number);
        let kept = claim.as_ref().map(|claim| (claim, &answer));
        changing.go_on(vec![begun], Written::Number(NumberWrite::Import(&number, kept))).await?;
        Ok(Created::Now(answer))
    }
}

/// Whether a number is attached to the account's trunk already.
fn is_on(number: &TwilioNumber, trunk: Option<&TrunkRecord>) -> bool {
    let objects = trunk.and_then(|record| record.trunk.twilio.as_ref());
    objects.is_some_and(|objects| number.trunk_sid.as_ref() == Some(&objects.trunk_sid))
}

/// Why a first import fails once it has begun. The token has opened the account, and the trunk was made just now: if
/// Twilio denies either, the fault is not the caller's.
fn failed(error: TwilioError) -> NumberError {
    match error {
        TwilioError::Refused(TwilioRefusal::Credentials | TwilioRefusal::NoAccount | TwilioRefusal::NotThere) => {
            NumberError::Upstream(Upstream::Twilio)
        }
        error => error.into(),
    }
}
