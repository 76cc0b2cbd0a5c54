use std::collections::BTreeSet;
use std::time::SystemTime;

use trunkline_domain::{AddressPolicy, JsonObject, SecretChange, Trunk, TrunkChange, TwilioAccount};

use crate::change::{Changing, Step, Written};
use crate::ports::{SecretStore, SipService, StoreError, TrunkStore, TwilioService};
use crate::twilio::in_time;
use crate::{Budget, LeaseOwner, SecretPrefix, Timing, TrunkKey, UpdateError};

/// Changes trunks: begin, change, commit; or take back.
#[derive(Debug, Clone)]
pub struct UpdateTrunk<S, V, L, T> {
    /// Where the records are.
    pub store: S,
    /// Where the passwords are.
    pub secrets: V,
    /// Where the calls are.
    pub sip: L,
    /// Where the customers' numbers are.
    pub twilio: T,
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

impl<S: TrunkStore, V: SecretStore, L: SipService, T: TwilioService> UpdateTrunk<S, V, L, T> {
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
        let TrunkChange { settings, secret } = TrunkChange::parse(&patch, &kept.trunk.settings, self.address_policy)?;
        let changes_secret = secret.changes(kept.secret_name.is_some());
        if settings == kept.trunk.settings && !changes_secret {
            return Ok(kept.trunk);
        }
        self.try_account(&kept.trunk, &secret, &budget).await?;
        let new_secret_name = changes_secret.then(|| self.secret_prefix.name_for_change(key, &owner));
        let numbers = kept.trunk.numbers.clone();
        let step = Step { kept, settings, numbers, secret, new_secret_name, twilio_number: None };
        let lease = budget.lease(owner);
        let changing = Changing {
            store: &self.store,
            secrets: &self.secrets,
            sip: &self.sip,
            side_effect: &(),
            budget: &budget,
            lease: &lease,
        };
        let changed = changing.run(&[step], Written::Trunk).await;
        let mut trunks = changed.map_err(|error| UpdateError::of(error, versions.is_some()))?;
        trunks.pop().ok_or(UpdateError::Internal)
    }

    /// Tries a new auth token at Twilio: a mistyped one would replace the only one that opens the account for an undo.
    async fn try_account(&self, trunk: &Trunk, secret: &SecretChange, budget: &Budget) -> Result<(), UpdateError> {
        let account = trunk.twilio.as_ref().and_then(|there| TwilioAccount::of_change(&there.account_sid, secret));
        let Some(account) = account else {
            return Ok(());
        };
        in_time(budget, self.twilio.find_trunks(&account, trunk.id)).await?;
        Ok(())
    }
}
