use std::collections::BTreeSet;
use std::time::SystemTime;

use trunkline_domain::{AddressPolicy, Change, JsonObject, Trunk, TrunkChange, TrunkSecret, TrunkSettings};

use crate::ports::{
    CommitOutcome, InboundTrunkSpec, OutboundTrunkSpec, RevertStart, Reverting, SecretStore, SipService, StoreError,
    SweepStore, TrunkRecord, TrunkStore, UpdateStart, UpstreamError,
};
use crate::provision::{UpstreamFailure, create_secret, livekit, secrets_manager, undo_secrets};
use crate::undo::Stopped;
use crate::{Budget, Lease, LeaseOwner, SecretPrefix, Timing, TrunkKey, UpdateError, Upstream};

/// Changes trunks: begin, change, commit; or take back.
#[derive(Debug, Clone)]
pub struct UpdateTrunk<S, V, L> {
    /// Where the records are.
    pub store: S,
    /// Where the passwords are.
    pub secrets: V,
    /// Where the calls are.
    pub sip: L,
    /// What the secrets' names begin with.
    pub secret_prefix: SecretPrefix,
    /// Which carrier addresses are taken.
    pub address_policy: AddressPolicy,
    /// How long a request may take.
    pub timing: Timing,
}

/// A request to change a trunk. Not `Debug`: the patch may hold a password.
pub struct UpdateRequest {
    /// Which trunk.
    pub key: TrunkKey,
    /// A merge patch of it.
    pub patch: JsonObject,
    /// Only if the trunk is of one of these versions.
    pub versions: Option<BTreeSet<u64>>,
    /// Who asks, once.
    pub owner: LeaseOwner,
    /// When the invocation ends, if it does.
    pub deadline: Option<SystemTime>,
}

/// One request on its way.
struct Attempt {
    key: TrunkKey,
    kept: TrunkRecord,
    change: TrunkChange,
    /// The name of the secret that the change makes, if it makes one.
    new_secret_name: Option<String>,
    is_conditional: bool,
    /// Whether another update may have left LiveKit in between.
    was_unsettled: bool,
    budget: Budget,
    lease: Lease,
}

/// Why a change failed, and what of it there may be.
struct Failed {
    error: UpdateError,
    made: Made,
}

/// What of a change may have been done. What was refused, or never sent, was not: then a LiveKit that is down keeps no
/// trunk from being as it was.
#[derive(Debug, Clone, Copy)]
struct Made {
    /// LiveKit may say it.
    in_livekit: bool,
    /// The new secret may be there.
    secret: bool,
}

/// Where taking back ended.
#[derive(Debug)]
enum TakenBack {
    /// The trunk is as it was.
    Clean,
    /// The change had been committed after all and stands.
    Committed,
    /// The trunk is being deleted, or is gone.
    Absent,
    /// The update never began, or another goes on with the record.
    LeaseLost,
}

impl<S: TrunkStore, V: SecretStore, L: SipService> UpdateTrunk<S, V, L> {
    /// Changes the trunk; gives it as it is then. A patch that changes nothing writes nothing.
    ///
    /// # Errors
    /// [`UpdateError`], with everything taken back or recorded for the sweeper.
    pub async fn update(&self, request: UpdateRequest) -> Result<Trunk, UpdateError> {
        let UpdateRequest { key, patch, versions, owner, deadline } = request;
        let budget = Budget::start(self.timing, deadline);
        let read = async { tokio::join!(self.store.get(key), self.sip.prepare()).0 };
        let read = budget.forward(read).await.unwrap_or(Err(StoreError::Unavailable));
        let kept = read?.ok_or(UpdateError::NotFound)?;
        if versions.as_ref().is_some_and(|versions| !versions.contains(&kept.trunk.version)) {
            return Err(UpdateError::PreconditionFailed);
        }
        let change = TrunkChange::parse(&patch, &kept.trunk.settings, self.address_policy)?;
        let changes_secret = change.secret.changes(kept.secret_name.is_some());
        if change.settings == kept.trunk.settings && !changes_secret {
            return Ok(kept.trunk);
        }
        let attempt = Attempt {
            key,
            new_secret_name: changes_secret.then(|| self.secret_prefix.name_for_change(key, &owner)),
            kept,
            change,
            is_conditional: versions.is_some(),
            was_unsettled: false,
            lease: budget.lease(owner),
            budget,
        };
        self.attempt(attempt).await
    }

    async fn attempt(&self, mut attempt: Attempt) -> Result<Trunk, UpdateError> {
        let (begun, kept_secret) = tokio::join!(self.begin(&attempt), self.kept_secret(&attempt));
        let was_read = attempt.needs_secret();
        attempt.was_unsettled = !matches!(begun, Ok(UpdateStart::Updating { was_unsettled: false }));
        let begun = match begun {
            Ok(UpdateStart::Updating { .. }) => Ok(()),
            Ok(UpdateStart::Absent) => return Err(UpdateError::NotFound),
            Ok(UpdateStart::Changed) if attempt.is_conditional => return Err(UpdateError::PreconditionFailed),
            Ok(UpdateStart::Changed | UpdateStart::Busy) => return Err(UpdateError::Busy),
            // It may have been done: taken back like one that was.
            Err(error) => Err(Failed { error: error.into(), made: attempt.made_before() }),
        };
        let attempt = &attempt;
        let kept_secret = if was_read { kept_secret } else { self.kept_secret(attempt).await };
        let kept_secret = kept_secret.as_ref().map(Option::as_ref).map_err(|failure| *failure);
        let made = match (begun, kept_secret) {
            (Ok(()), Ok(kept_secret)) => self.make(attempt, kept_secret).await,
            (Ok(()), Err(failure)) => Err(Failed { error: failure.into(), made: attempt.made_before() }),
            (Err(failed), _) => Err(failed),
        };
        let (failed, record) = match made {
            Ok(record) => match self.commit(attempt, &record).await {
                Ok(()) => return Ok(self.finish(attempt, record).await),
                Err(failed) => (failed, Some(record)),
            },
            Err(failed) => (failed, None),
        };
        let taken_back = self.take_back(attempt, kept_secret, failed.made);
        match (attempt.budget.to_the_end(taken_back).await, record) {
            (Some(Ok(TakenBack::Committed)), Some(record)) => Ok(self.finish(attempt, record).await),
            (Some(Ok(TakenBack::Absent)), _) => Err(UpdateError::NotFound),
            // The table is silent: only the sweeper will know.
            (None | Some(Err(Stopped::Store)), _) => Err(UpdateError::Unavailable),
            (Some(Ok(_) | Err(Stopped::Upstream)), _) => Err(failed.error),
        }
    }

    async fn begin(&self, attempt: &Attempt) -> Result<UpdateStart, StoreError> {
        let Attempt { key, kept, lease, .. } = attempt;
        let names = attempt.new_secret_name.iter().chain(&kept.secret_name).cloned().collect();
        let begin = self.store.begin_update(*key, kept.trunk.version, &names, lease, attempt.budget.now());
        attempt.budget.forward(begin).await.unwrap_or(Err(StoreError::Unanswered))
    }

    /// The secret as it is, for a change that needs it.
    async fn kept_secret(&self, attempt: &Attempt) -> Result<Option<TrunkSecret>, UpstreamFailure> {
        match &attempt.kept.secret_name {
            Some(name) if attempt.needs_secret() => {
                let read = attempt.budget.forward(self.secrets.read(name)).await;
                read.unwrap_or(Err(UpstreamError::Unanswered)).map_err(secrets_manager)
            }
            _ => Ok(None),
        }
    }

    /// Secret and LiveKit trunks in parallel. No step stops another: a call that is dropped half way may still be done.
    async fn make(&self, attempt: &Attempt, kept_secret: Option<&TrunkSecret>) -> Result<TrunkRecord, Failed> {
        let nothing = |error| Failed { error, made: attempt.made_before() };
        let secret = attempt.change.secret.apply(kept_secret).map_err(|violations| nothing(violations.into()))?;
        let has_password = secret.as_ref().is_some_and(|secret| secret.password().is_some());
        let needs_password = attempt.change.settings.auth_username.is_some();
        // The secret is missing: a new password mends that, nothing else does.
        if needs_password && !has_password && attempt.needs_secret() {
            return Err(nothing(UpdateError::Upstream(Upstream::SecretsManager)));
        }
        let record = attempt.changed_with(secret.is_some());
        let (kept, said) = tokio::join!(
            self.make_secret(attempt, &record, secret.as_ref()),
            self.say(attempt, &record.trunk, secret.as_ref()),
        );
        let made = Made { in_livekit: attempt.was_unsettled || said.may_be_said(), secret: may_be_done(&kept) };
        kept.map_err(|error| Failed { error: secrets_manager(error).into(), made })?;
        match said.ended() {
            Ok(true) => Ok(record),
            Ok(false) => Err(Failed { error: UpdateError::Upstream(Upstream::LiveKit), made }),
            Err(error) => Err(Failed { error: livekit(error).into(), made }),
        }
    }

    async fn make_secret(
        &self,
        attempt: &Attempt,
        record: &TrunkRecord,
        secret: Option<&TrunkSecret>,
    ) -> Result<(), UpstreamError> {
        let (Some(name), Some(secret), true) = (&record.secret_name, secret, attempt.changes_secret()) else {
            return Ok(());
        };
        let made = attempt.budget.forward(create_secret(&self.secrets, attempt.key, name, secret)).await;
        made.unwrap_or(Err(UpstreamError::Unanswered))
    }

    async fn say(&self, attempt: &Attempt, trunk: &Trunk, secret: Option<&TrunkSecret>) -> Said {
        if !attempt.changes_calls() {
            return Said::default();
        }
        attempt.budget.forward(say(&self.sip, trunk, secret)).await.unwrap_or(Said::UNANSWERED)
    }

    /// A commit whose answer was lost is decided by the first write of taking back.
    async fn commit(&self, attempt: &Attempt, record: &TrunkRecord) -> Result<(), Failed> {
        let commit = self.store.commit_update(record, &attempt.lease.owner);
        let error = match attempt.budget.forward(commit).await.unwrap_or(Err(StoreError::Unanswered)) {
            Ok(CommitOutcome::Committed) => return Ok(()),
            Ok(CommitOutcome::LeaseLost) => UpdateError::Unavailable,
            Err(error) => error.into(),
        };
        Err(Failed { error, made: Made { in_livekit: attempt.changes_calls(), secret: true } })
    }

    /// The old secret goes as soon as the new one counts; if it does not, the last look takes it.
    async fn finish(&self, attempt: &Attempt, record: TrunkRecord) -> Trunk {
        let old = attempt.kept.secret_name.as_ref().filter(|_| attempt.changes_secret());
        let _ = attempt.budget.to_the_end(undo_secrets(&self.secrets, old)).await;
        record.trunk
    }

    /// The first write decides the race with a commit whose answer was lost, with the sweeper and with a deletion.
    async fn take_back(
        &self,
        attempt: &Attempt,
        kept_secret: Result<Option<&TrunkSecret>, UpstreamFailure>,
        made: Made,
    ) -> Result<TakenBack, Stopped> {
        let Attempt { key, kept, lease, .. } = attempt;
        match self.store.begin_revert(*key, &lease.owner).await? {
            RevertStart::Committed => return Ok(TakenBack::Committed),
            RevertStart::Absent => return Ok(TakenBack::Absent),
            RevertStart::LeaseLost => return Ok(TakenBack::LeaseLost),
            RevertStart::Reverting => {}
        }
        if made.in_livekit {
            put_back(&self.sip, &kept.trunk, kept_secret?).await?;
        }
        if made.secret {
            undo_secrets(&self.secrets, &attempt.new_secret_name).await?;
        }
        self.store.end_revert(*key, &lease.owner).await?;
        Ok(TakenBack::Clean)
    }
}

impl Attempt {
    fn changes_secret(&self) -> bool {
        self.new_secret_name.is_some()
    }

    /// What may be there before anything is made.
    fn made_before(&self) -> Made {
        Made { in_livekit: self.was_unsettled, secret: false }
    }

    /// LiveKit takes a trunk whole, and so does Secrets Manager.
    fn needs_secret(&self) -> bool {
        self.changes_secret() || self.changes_calls()
    }

    /// Whether LiveKit has to know: the name is for people.
    fn changes_calls(&self) -> bool {
        let (kept, settings) = (&self.kept.trunk.settings, &self.change.settings);
        let renamed = TrunkSettings { name: settings.name.clone(), ..kept.clone() };
        self.was_unsettled || renamed != *settings || matches!(self.change.secret.password, Change::Set(_))
    }

    fn changed_with(&self, has_secret: bool) -> TrunkRecord {
        let Trunk { version, .. } = self.kept.trunk;
        let trunk = Trunk {
            settings: self.change.settings.clone(),
            version: version + 1,
            updated_at: self.budget.now(),
            ..self.kept.trunk.clone()
        };
        let secret_name = match &self.new_secret_name {
            Some(name) => Some(name.clone()).filter(|_| has_secret),
            None => self.kept.secret_name.clone(),
        };
        TrunkRecord { trunk, secret_name }
    }
}

/// What became of a trunk's LiveKit trunks: whether each is there. `None` where there was none to be asked for.
#[derive(Debug, Default)]
struct Said {
    inbound: Option<Result<bool, UpstreamError>>,
    outbound: Option<Result<bool, UpstreamError>>,
}

impl Said {
    const UNANSWERED: Self =
        Self { inbound: Some(Err(UpstreamError::Unanswered)), outbound: Some(Err(UpstreamError::Unanswered)) };

    fn may_be_said(&self) -> bool {
        [&self.inbound, &self.outbound].into_iter().flatten().any(may_be_done)
    }

    /// Whether all were there.
    fn ended(self) -> Result<bool, UpstreamError> {
        Ok(self.inbound.unwrap_or(Ok(true))? & self.outbound.unwrap_or(Ok(true))?)
    }
}

fn may_be_done<T>(call: &Result<T, UpstreamError>) -> bool {
    !call.as_ref().is_err_and(|error| !error.may_have_happened())
}

/// Makes a trunk's LiveKit trunks say what it says. Its dispatch rule says nothing that can be changed.
async fn say<L: SipService>(sip: &L, trunk: &Trunk, secret: Option<&TrunkSecret>) -> Said {
    let key = TrunkKey::from(trunk);
    let inbound = async {
        let spec = InboundTrunkSpec::of(key, &trunk.settings, secret)?;
        Some(sip.replace_inbound_trunk(&trunk.livekit.inbound()?.trunk_id, spec).await)
    };
    let outbound = async {
        let spec = OutboundTrunkSpec::of(key, &trunk.settings, secret)?;
        Some(sip.replace_outbound_trunk(&trunk.livekit.outbound()?.trunk_id, spec).await)
    };
    let (inbound, outbound) = tokio::join!(inbound, outbound);
    Said { inbound, outbound }
}

/// Undo of [`say`]. A trunk that is not there has nothing to be put back, and without its password nothing can be said
/// of one that has a user name; the checker reports both.
async fn put_back<L: SipService>(sip: &L, trunk: &Trunk, secret: Option<&TrunkSecret>) -> Result<(), UpstreamFailure> {
    if trunk.settings.auth_username.is_some() && secret.and_then(TrunkSecret::password).is_none() {
        return Ok(());
    }
    say(sip, trunk, secret).await.ended().map(drop).map_err(livekit)
}

/// Makes LiveKit and Secrets Manager agree with the record once more, whatever an update has left there: one that did
/// not end, or the late messages of one that did.
pub(crate) async fn settle_update<S: TrunkStore + SweepStore, V: SecretStore, L: SipService>(
    store: &S,
    secrets: &V,
    sip: &L,
    reverting: Reverting,
    owner: &LeaseOwner,
) -> Result<(), Stopped> {
    let Reverting { record: TrunkRecord { trunk, secret_name }, other_secrets, is_last_look } = reverting;
    let secret = match &secret_name {
        Some(name) if trunk.settings.auth_username.is_some() => secrets.read(name).await.map_err(secrets_manager)?,
        _ => None,
    };
    put_back(sip, &trunk, secret.as_ref()).await?;
    undo_secrets(secrets, &other_secrets).await?;
    let key = TrunkKey::from(&trunk);
    match is_last_look {
        true => store.end_last_look(key, owner, &other_secrets).await?,
        false => store.end_revert(key, owner).await?,
    }
    Ok(())
}
