//! A change of live trunks: begin, change, commit; or take back.

use trunkline_domain::{
    BoundNumbers, Change, E164, SecretChange, Trunk, TrunkSecret, TrunkSettings, TwilioAccount, Violations,
};

use crate::ports::{
    CommitOutcome, InboundTrunkSpec, NumberWrite, OutboundTrunkSpec, RevertStart, Reverting, SecretStore, SipService,
    StoreError, SweepStore, TrunkRecord, TrunkStore, TwilioError, TwilioService, UpdateBegin, UpdateStart,
    UpstreamError,
};
use crate::provision::{UpstreamFailure, create_secret, livekit, secrets_manager, undo_secrets};
use crate::undo::Stopped;
use crate::{Budget, Lease, LeaseOwner, TrunkKey, twilio};

/// The systems, the time and the lease of one change.
pub(crate) struct Changing<'a, S, V, L, X> {
    pub(crate) store: &'a S,
    pub(crate) secrets: &'a V,
    pub(crate) sip: &'a L,
    pub(crate) side_effect: &'a X,
    pub(crate) budget: &'a Budget,
    pub(crate) lease: &'a Lease,
}

/// What a change makes beside LiveKit's trunks and the secret.
pub(crate) trait ChangeSideEffect: Sync {
    /// Makes it.
    fn make(&self) -> impl Future<Output = Result<(), TwilioError>> + Send;

    /// Undo of it, whether it was made or not. Repeatable.
    fn take_back(&self) -> impl Future<Output = Result<(), UpstreamFailure>> + Send;
}

/// Nothing.
impl ChangeSideEffect for () {
    async fn make(&self) -> Result<(), TwilioError> {
        Ok(())
    }

    async fn take_back(&self) -> Result<(), UpstreamFailure> {
        Ok(())
    }
}

/// One trunk on its way from what it is to what it shall be.
pub(crate) struct Step {
    pub(crate) kept: TrunkRecord,
    pub(crate) settings: TrunkSettings,
    pub(crate) numbers: BoundNumbers,
    pub(crate) secret: SecretChange,
    /// The name of the secret that the change makes, if it makes one.
    pub(crate) new_secret_name: Option<String>,
    /// The number that comes or goes at Twilio: the last look puts it right there.
    pub(crate) twilio_number: Option<E164>,
}

/// A step whose first write was tried.
pub(crate) struct Begun<'a> {
    step: &'a Step,
    start: Result<UpdateStart, StoreError>,
    /// The secret as it is, once it was read.
    kept_secret: Option<Result<Option<TrunkSecret>, UpstreamFailure>>,
    made: Made,
}

/// What the commit writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Written<'a> {
    /// The one trunk alone.
    Trunk,
    /// The trunks, and a number with them.
    Number(NumberWrite<'a>),
}

/// Why a change failed. In every case it is taken back, or recorded for the sweeper.
#[derive(Debug)]
pub(crate) enum ChangeError {
    /// A trunk is not there any more, or is being deleted.
    Absent,
    /// A trunk is of another version than was read.
    Changed,
    /// Another request changes a trunk.
    Busy,
    /// What a secret would be breaks rules.
    Invalid(Violations),
    Upstream(UpstreamFailure),
    /// A trunk's secret is missing.
    NoSecret,
    /// A LiveKit trunk is missing.
    NoObject,
    /// Another has taken a trunk's record over.
    LeaseLost,
    Twilio(TwilioError),
    Store(StoreError),
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

impl<S: TrunkStore, V: SecretStore, L: SipService, X: ChangeSideEffect> Changing<'_, S, V, L, X> {
    /// Changes the trunks in the order of `steps`, all or none; gives them as they are then.
    pub(crate) async fn run(&self, steps: &[Step], written: Written<'_>) -> Result<Vec<Trunk>, ChangeError> {
        let mut begun = Vec::with_capacity(steps.len());
        for step in steps {
            let update = self.update_of(step);
            let start = async {
                let begin = self.store.begin_update(&update);
                self.budget.forward(begin).await.unwrap_or(Err(StoreError::Unanswered))
            };
            let (start, kept_secret) = tokio::join!(start, self.kept_secret(step));
            begun.push(Begun::new(step, start, kept_secret));
            if !begun.last().is_some_and(Begun::is_ours) {
                break;
            }
        }
        self.go_on(begun, written).await
    }

    /// Goes on with steps that have begun, the last of them perhaps not.
    pub(crate) async fn go_on(
        &self,
        mut begun: Vec<Begun<'_>>,
        written: Written<'_>,
    ) -> Result<Vec<Trunk>, ChangeError> {
        let made = match begun.pop_if(|last| !last.is_ours()) {
            Some(last) => {
                let refusal = last.refusal();
                // It may have been done: taken back like one that was.
                begun.extend(Some(last).filter(Begun::may_be_ours));
                Err(refusal)
            }
            None => self.make(&mut begun).await,
        };
        let (error, records) = match made {
            Ok(records) => match self.commit(&mut begun, &records, written).await {
                Ok(()) => return Ok(self.finish(&begun, records).await),
                Err(error) => (error, Some(records)),
            },
            Err(error) => (error, None),
        };
        match (self.budget.to_the_end(self.take_back(&mut begun)).await, records) {
            (Some(Ok(TakenBack::Committed)), Some(records)) => Ok(self.finish(&begun, records).await),
            (Some(Ok(TakenBack::Absent)), _) => Err(ChangeError::Absent),
            // The table is silent: only the sweeper will know.
            (None | Some(Err(Stopped::Store)), _) => Err(ChangeError::Store(StoreError::Unavailable)),
            (Some(Ok(_) | Err(Stopped::Upstream)), _) => Err(error),
        }
    }

    /// What the first write of a step says.
    pub(crate) fn update_of<'b>(&'b self, step: &'b Step) -> UpdateBegin<'b> {
        UpdateBegin {
            key: TrunkKey::from(&step.kept.trunk),
            version: step.kept.trunk.version,
            secret_names: step.new_secret_name.iter().chain(&step.kept.secret_name).cloned().collect(),
            number: step.twilio_number.as_ref(),
            lease: self.lease,
            now: self.budget.now(),
        }
    }

    /// The secret as it is, for a change that needs it; `None` when it was not read.
    pub(crate) async fn kept_secret(&self, step: &Step) -> Option<Result<Option<TrunkSecret>, UpstreamFailure>> {
        if step.needs_secret(false) { Some(self.read_secret(step).await) } else { None }
    }

    async fn read_secret(&self, step: &Step) -> Result<Option<TrunkSecret>, UpstreamFailure> {
        let Some(name) = &step.kept.secret_name else {
            return Ok(None);
        };
        let read = self.budget.forward(self.secrets.read(name)).await;
        read.unwrap_or(Err(UpstreamError::Unanswered)).map_err(secrets_manager)
    }

    /// The secret as it is, for one who needs it in any case.
    async fn needed_secret<'b>(&self, begun: &'b mut Begun<'_>) -> Result<Option<&'b TrunkSecret>, UpstreamFailure> {
        let read = match begun.kept_secret.take() {
            Some(read) => read,
            None => self.read_secret(begun.step).await,
        };
        begun.kept_secret.insert(read).as_ref().map(Option::as_ref).map_err(|failure| *failure)
    }

    /// One step behind the other: LiveKit takes a number on one trunk only when it is off the other.
    async fn make(&self, begun: &mut [Begun<'_>]) -> Result<Vec<TrunkRecord>, ChangeError> {
        twilio::in_time(self.budget, self.side_effect.make()).await.map_err(ChangeError::Twilio)?;
        let mut records = Vec::with_capacity(begun.len());
        for begun in begun {
            records.push(self.make_step(begun).await?);
        }
        Ok(records)
    }

    /// Secret and LiveKit trunks in parallel. No call stops another: one that is dropped half way may still be done.
    async fn make_step(&self, begun: &mut Begun<'_>) -> Result<TrunkRecord, ChangeError> {
        let step = begun.step;
        let was_unsettled = begun.was_unsettled();
        let kept_secret = match step.needs_secret(was_unsettled) {
            true => self.needed_secret(begun).await.map_err(ChangeError::Upstream)?,
            false => None,
        };
        let secret = step.secret.apply(kept_secret).map_err(ChangeError::Invalid)?;
        let has_password = secret.as_ref().is_some_and(|secret| secret.password().is_some());
        // A new password mends that, nothing else does.
        if step.settings.auth_username.is_some() && !has_password && step.needs_secret(was_unsettled) {
            return Err(ChangeError::NoSecret);
        }
        let record = step.changed(self.budget, secret.is_some());
        let (kept, said) = tokio::join!(
            self.make_secret(step, &record, secret.as_ref()),
            self.say(step, &record.trunk, secret.as_ref(), was_unsettled),
        );
        begun.made = Made { in_livekit: was_unsettled || said.may_be_said(), secret: may_be_done(&kept) };
        kept.map_err(|error| ChangeError::Upstream(secrets_manager(error)))?;
        match said.ended() {
            Ok(true) => Ok(record),
            Ok(false) => Err(ChangeError::NoObject),
            Err(error) => Err(ChangeError::Upstream(livekit(error))),
        }
    }

    async fn make_secret(
        &self,
        step: &Step,
        record: &TrunkRecord,
        secret: Option<&TrunkSecret>,
    ) -> Result<(), UpstreamError> {
        let (Some(name), Some(secret), true) = (&record.secret_name, secret, step.changes_secret()) else {
            return Ok(());
        };
        let made = self.budget.forward(create_secret(self.secrets, (&record.trunk).into(), name, secret)).await;
        made.unwrap_or(Err(UpstreamError::Unanswered))
    }

    async fn say(&self, step: &Step, trunk: &Trunk, secret: Option<&TrunkSecret>, was_unsettled: bool) -> Said {
        if !step.changes_calls(was_unsettled) {
            return Said::default();
        }
        self.budget.forward(say(self.sip, trunk, secret)).await.unwrap_or(Said::UNANSWERED)
    }

    /// A commit whose answer was lost is decided by the first write of taking back.
    async fn commit(
        &self,
        begun: &mut [Begun<'_>],
        records: &[TrunkRecord],
        written: Written<'_>,
    ) -> Result<(), ChangeError> {
        let owner = &self.lease.owner;
        let commit = async {
            match (written, records) {
                (Written::Trunk, [record]) => self.store.commit_update(record, owner).await,
                (Written::Trunk, _) => Ok(CommitOutcome::LeaseLost),
                (Written::Number(number), records) => self.store.commit_numbers(records, owner, number).await,
            }
        };
        let error = match self.budget.forward(commit).await.unwrap_or(Err(StoreError::Unanswered)) {
            Ok(CommitOutcome::Committed) => return Ok(()),
            Ok(CommitOutcome::LeaseLost) => ChangeError::LeaseLost,
            Err(error) => ChangeError::Store(error),
        };
        for begun in begun {
            begun.made = Made { in_livekit: begun.step.changes_calls(begun.was_unsettled()), secret: true };
        }
        Err(error)
    }

    /// The old secrets go as soon as the new ones count; if they do not, the last look takes them.
    async fn finish(&self, begun: &[Begun<'_>], records: Vec<TrunkRecord>) -> Vec<Trunk> {
        let mut old = Vec::new();
        for Begun { step, .. } in begun {
            old.extend(step.kept.secret_name.as_ref().filter(|_| step.changes_secret()));
        }
        let _ = self.budget.to_the_end(undo_secrets(self.secrets, old)).await;
        records.into_iter().map(|record| record.trunk).collect()
    }

    /// The last step first. The first write of each decides the race with a commit whose answer was lost, with the
    /// sweeper and with a deletion.
    async fn take_back(&self, begun: &mut [Begun<'_>]) -> Result<TakenBack, Stopped> {
        let mut ended = TakenBack::Clean;
        for begun in begun.iter_mut().rev() {
            match self.take_back_step(begun).await? {
                // The commit is one for all.
                TakenBack::Committed => return Ok(TakenBack::Committed),
                TakenBack::Clean => {}
                other => ended = other,
            }
        }
        Ok(ended)
    }

    async fn take_back_step(&self, begun: &mut Begun<'_>) -> Result<TakenBack, Stopped> {
        let Begun { step, made, .. } = *begun;
        let key = TrunkKey::from(&step.kept.trunk);
        let owner = &self.lease.owner;
        let import = match self.store.begin_revert(key, owner).await? {
            RevertStart::Committed => return Ok(TakenBack::Committed),
            RevertStart::Absent => return Ok(TakenBack::Absent),
            RevertStart::LeaseLost => return Ok(TakenBack::LeaseLost),
            RevertStart::Reverting(import) => import,
        };
        self.side_effect.take_back().await?;
        if made.in_livekit {
            let kept_secret = self.needed_secret(begun).await?;
            put_back(self.sip, &step.kept.trunk, kept_secret).await?;
        }
        if made.secret {
            undo_secrets(self.secrets, &step.new_secret_name).await?;
        }
        self.store.end_revert(key, owner, import.as_ref()).await?;
        Ok(TakenBack::Clean)
    }
}

impl Step {
    /// Of a trunk whose numbers alone change.
    pub(crate) fn renumbered(kept: TrunkRecord, numbers: BoundNumbers) -> Self {
        let secret = SecretChange { password: Change::Keep, credentials: Change::Keep };
        Self {
            settings: kept.trunk.settings.clone(),
            kept,
            numbers,
            secret,
            new_secret_name: None,
            twilio_number: None,
        }
    }

    fn changes_secret(&self) -> bool {
        self.new_secret_name.is_some()
    }

    /// LiveKit takes a trunk whole, and so does Secrets Manager.
    fn needs_secret(&self, was_unsettled: bool) -> bool {
        self.changes_secret() || self.changes_calls(was_unsettled)
    }

    /// Whether LiveKit has to know: the name is for people. Where another update `was_unsettled`, it may say anything.
    fn changes_calls(&self, was_unsettled: bool) -> bool {
        let kept = &self.kept.trunk;
        let renamed = TrunkSettings { name: self.settings.name.clone(), ..kept.settings.clone() };
        was_unsettled
            || renamed != self.settings
            || kept.numbers != self.numbers
            || matches!(self.secret.password, Change::Set(_))
    }

    fn changed(&self, budget: &Budget, has_secret: bool) -> TrunkRecord {
        let kept = &self.kept.trunk;
        let trunk = Trunk {
            settings: self.settings.clone(),
            numbers: self.numbers.clone(),
            version: kept.version + 1,
            updated_at: budget.now(),
            ..kept.clone()
        };
        let secret_name = match &self.new_secret_name {
            Some(name) => Some(name.clone()).filter(|_| has_secret),
            None => self.kept.secret_name.clone(),
        };
        TrunkRecord { trunk, secret_name }
    }
}

impl<'a> Begun<'a> {
    pub(crate) fn new(
        step: &'a Step,
        start: Result<UpdateStart, StoreError>,
        kept_secret: Option<Result<Option<TrunkSecret>, UpstreamFailure>>,
    ) -> Self {
        let mut begun = Self { step, start, kept_secret, made: Made { in_livekit: false, secret: false } };
        begun.made.in_livekit = begun.was_unsettled();
        begun
    }

    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.start, Ok(UpdateStart::Updating { .. }))
    }

    fn may_be_ours(&self) -> bool {
        self.start.is_err()
    }

    /// Whether another update may have left LiveKit in between.
    fn was_unsettled(&self) -> bool {
        !matches!(self.start, Ok(UpdateStart::Updating { was_unsettled: false }))
    }

    fn refusal(&self) -> ChangeError {
        match self.start {
            Ok(UpdateStart::Absent) => ChangeError::Absent,
            Ok(UpdateStart::Busy) => ChangeError::Busy,
            Ok(UpdateStart::Changed | UpdateStart::Updating { .. }) => ChangeError::Changed,
            Err(error) => ChangeError::Store(error),
        }
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
        let spec = InboundTrunkSpec::of(key, &trunk.settings, &trunk.numbers, secret)?;
        Some(sip.replace_inbound_trunk(&trunk.livekit.inbound()?.trunk_id, spec).await)
    };
    let outbound = async {
        let spec = OutboundTrunkSpec::of(key, &trunk.settings, &trunk.numbers, secret)?;
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

/// The sweeper's work on an update.
pub(crate) struct Settling<'a, S, V, L, T> {
    pub(crate) store: &'a S,
    pub(crate) secrets: &'a V,
    pub(crate) sip: &'a L,
    pub(crate) twilio: &'a T,
    pub(crate) owner: &'a LeaseOwner,
}

impl<S: TrunkStore + SweepStore, V: SecretStore, L: SipService, T: TwilioService> Settling<'_, S, V, L, T> {
    /// Makes LiveKit, Secrets Manager and Twilio agree with the record once more, whatever an update has left there: one
    /// that did not end, or the late messages of one that did.
    pub(crate) async fn settle(&self, reverting: Reverting) -> Result<(), Stopped> {
        let TrunkRecord { trunk, secret_name } = &reverting.record;
        let secret = match secret_name {
            Some(name) if trunk.settings.auth_username.is_some() => {
                self.secrets.read(name).await.map_err(secrets_manager)?
            }
            _ => None,
        };
        put_back(self.sip, trunk, secret.as_ref()).await?;
        let account = secret.as_ref().and_then(TwilioAccount::of_secret);
        if let (Some(objects), Some(account)) = (&trunk.twilio, account) {
            let seen = &reverting.seen_numbers;
            let numbers: Vec<_> = seen.iter().map(|e164| (e164, trunk.numbers.contains_key(e164))).collect();
            twilio::settle(self.twilio, &account, &objects.trunk_sid, &numbers).await?;
        }
        undo_secrets(self.secrets, &reverting.other_secrets).await?;
        let key = TrunkKey::from(trunk);
        match reverting.is_last_look {
            true => self.store.end_last_look(key, self.owner, &reverting).await?,
            false => self.store.end_revert(key, self.owner, reverting.import.as_ref()).await?,
        }
        Ok(())
    }
}
