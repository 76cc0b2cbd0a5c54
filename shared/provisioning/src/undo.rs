//! Taking away what a create left: by its own request, or by whoever took the record over.

use crate::ports::{LeftBehind, LiveKit, SecretStore, Settled, StoreError, TrunkStore, UndoStart, Unsettled};
use crate::provision::{
    Bought, UpstreamFailure, find_dispatch_rules, find_trunks, undo_objects, undo_purchase, undo_secrets,
};
use crate::{LeaseOwner, SeenObjects, TrunkKey};

/// Where an undo ended.
#[derive(Debug)]
pub(crate) enum Undone {
    /// Nothing is left; the trunk no longer counts.
    Clean,
    /// The trunk had been committed after all and stands.
    Active,
    /// A system failed or another goes on with it: the record stays in the sweep index.
    Left,
}

/// Why an undo stopped: the record stays in the sweep index.
#[derive(Debug)]
pub(crate) enum Stopped {
    Upstream,
    Store,
}

impl From<UpstreamFailure> for Stopped {
    fn from((upstream, error): UpstreamFailure) -> Self {
        tracing::warn!(upstream = upstream.as_str(), %error, "stopped, the sweeper goes on with it");
        Self::Upstream
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "stopped at the table, the sweeper goes on with it");
        Self::Store
    }
}

/// What a trunk may have beside LiveKit's objects and its secret.
pub(crate) trait CreateSideEffect: Sync {
    /// Takes it away; repeatable.
    fn take_away(&self, key: TrunkKey, left: &LeftBehind) -> impl Future<Output = Result<(), UpstreamFailure>> + Send;
}

/// Nothing.
impl CreateSideEffect for () {
    async fn take_away(&self, _: TrunkKey, _: &LeftBehind) -> Result<(), UpstreamFailure> {
        Ok(())
    }
}

/// The record, the systems and the owner of one undo.
pub(crate) struct Undoing<'a, S, V, L, X> {
    pub(crate) store: &'a S,
    pub(crate) secrets: &'a V,
    pub(crate) sip: &'a L,
    pub(crate) side_effect: &'a X,
    pub(crate) key: TrunkKey,
    pub(crate) owner: &'a LeaseOwner,
}

impl<S: TrunkStore, V: SecretStore, L: LiveKit, X: CreateSideEffect> Undoing<'_, S, V, L, X> {
    /// Undoes what there may be: all that is `left`, what is there unseen when LiveKit is `unsure`, and the phone number if it
    /// was `bought`.
    ///
    /// The first write decides the race with a commit whose answer was lost, and with the sweeper.
    pub(crate) async fn run(&self, left: LeftBehind, livekit_unsure: bool, bought: &Bought) -> Result<Undone, Stopped> {
        match self.store.begin_undo(self.key, self.owner, &left.seen).await? {
            UndoStart::Active => Ok(Undone::Active),
            UndoStart::Undoing(record) => self.clean_and_settle(*record, livekit_unsure, bought).await,
            UndoStart::Gone | UndoStart::LeaseLost => {
                self.take_back(left, bought).await?;
                Ok(Undone::Left)
            }
        }
    }

    /// Undoes a record that is ours. LiveKit is searched when it may hold what was not `seen`.
    pub(crate) async fn clean_and_settle(
        &self,
        mut record: Unsettled,
        livekit_unsure: bool,
        bought: &Bought,
    ) -> Result<Undone, Stopped> {
        // A record that changes under us has been given ids by a request that lost its lease: a second look takes them.
        const LOOKS: usize = 3;
        for _ in 0..LOOKS {
            if livekit_unsure {
                let number = record.import.as_ref().map(|import| &import.e164);
                let found = find_trunks(self.sip, self.key.id, number).await?;
                record = match self.note(record, found).await? {
                    Some(record) => record,
                    None => return Ok(Undone::Left),
                };
                record.seen.merge(find_dispatch_rules(self.sip, &record.seen.trunk_ids).await?);
            }
            self.side_effect.take_away(self.key, &LeftBehind::from(&record)).await?;
            self.undo_livekit(bought, &record.seen).await?;
            // The last look at a Twilio account needs its token once more.
            if record.twilio_account.is_none() {
                undo_secrets(self.secrets, &record.secret_names).await?;
            }
            let mut settled = self.store.settle_undo(self.key, self.owner, &record).await?;
            if settled == Settled::KeyTaken {
                record.key_hash = None;
                settled = self.store.settle_undo(self.key, self.owner, &record).await?;
            }
            match settled {
                Settled::Settled => return Ok(Undone::Clean),
                Settled::Changed | Settled::KeyTaken => {
                    match self.store.begin_undo(self.key, self.owner, &record.seen).await? {
                        UndoStart::Undoing(changed) => record = *changed,
                        UndoStart::Active | UndoStart::Gone | UndoStart::LeaseLost => return Ok(Undone::Left),
                    }
                }
            }
        }
        Ok(Undone::Left)
    }

    /// Writes trunks down before anything of them is deleted: the rules of a trunk are found by its id alone.
    async fn note(&self, record: Unsettled, found: SeenObjects) -> Result<Option<Unsettled>, StoreError> {
        if found.trunk_ids.is_subset(&record.seen.trunk_ids) {
            return Ok(Some(record));
        }
        match self.store.begin_undo(self.key, self.owner, &found).await? {
            UndoStart::Undoing(noted) => Ok(Some(*noted)),
            UndoStart::Active | UndoStart::Gone | UndoStart::LeaseLost => Ok(None),
        }
    }

    /// A number that was perhaps bought may yet come, and is known as ours by its rule alone: that stays for the last look.
    async fn undo_livekit(&self, bought: &Bought, seen: &SeenObjects) -> Result<(), UpstreamFailure> {
        undo_purchase(self.sip, bought, &seen.dispatch_rule_ids).await?;
        match bought {
            Bought::Perhaps(_) => undo_objects(self.sip, &SeenObjects::trunks(seen.trunk_ids.clone())).await,
            Bought::No | Bought::Yes(_) => undo_objects(self.sip, seen).await,
        }
    }

    /// The record is no longer ours: leaves the ids of our objects and the secret's name where the last look will find
    /// them, then takes them away. In any other order a dispatch rule can survive that nobody knows of, or a secret.
    async fn take_back(&self, mut left: LeftBehind, bought: &Bought) -> Result<(), Stopped> {
        if left.seen.is_empty() && left.secret_names.is_empty() {
            return Ok(());
        }
        note_left_behind(self.store, self.key, &left).await?;
        self.side_effect.take_away(self.key, &left).await?;
        left.seen.merge(find_dispatch_rules(self.sip, &left.seen.trunk_ids).await?);
        self.undo_livekit(bought, &left.seen).await?;
        if left.twilio_account.is_none() {
            undo_secrets(self.secrets, &left.secret_names).await?;
        }
        Ok(())
    }
}

/// Writes what was `left` down where whoever goes on with the trunk will find it: in the record that is being undone,
/// which knows its secret and its Twilio account, or else in the tombstone.
pub(crate) async fn note_left_behind<S: TrunkStore>(
    store: &S,
    key: TrunkKey,
    left: &LeftBehind,
) -> Result<(), StoreError> {
    if store.note_on_record(key, &left.seen).await? { Ok(()) } else { store.note_on_tombstone(key, left).await }
}
