use std::time::SystemTime;

use trunkline_domain::{Binding, Kind, NumberChange, PhoneNumber};

use super::{bound_trunk, carrier_trunk, with, without};
use crate::change::{Changing, Step, Written};
use crate::ports::{NumberEdit, NumberStore, NumberWrite, SecretStore, SipService, StoreError, TrunkStore};
use crate::{Budget, LeaseOwner, NumberError, NumberKey, Timing};

/// Changes phone numbers: their label, and the trunk that they are bound to.
#[derive(Debug, Clone)]
pub struct UpdateNumber<S, V, L> {
    /// Where the records are.
    pub store: S,
    /// Where the passwords are.
    pub secrets: V,
    /// Where the calls are.
    pub sip: L,
    /// How long a request may take.
    pub timing: Timing,
}

/// A request to change a number.
#[derive(Debug)]
pub struct UpdateNumberRequest {
    /// Which number.
    pub key: NumberKey,
    /// What becomes of it.
    pub change: NumberChange,
    /// Who asks, once.
    pub owner: LeaseOwner,
    /// When the invocation ends, if it does.
    pub deadline: Option<SystemTime>,
}

impl<S: TrunkStore + NumberStore, V: SecretStore, L: SipService> UpdateNumber<S, V, L> {
    /// Changes the number; gives it as it is then. A change that changes nothing writes nothing.
    ///
    /// # Errors
    /// [`NumberError`], with everything taken back or recorded for the sweeper.
    pub async fn update(&self, request: UpdateNumberRequest) -> Result<PhoneNumber, NumberError> {
        let UpdateNumberRequest { key, change, owner, deadline } = request;
        let budget = Budget::start(self.timing, deadline);
        let planned = budget.forward(self.plan(key, change, &budget)).await;
        let Plan { number, steps } = match planned.unwrap_or(Err(NumberError::Unavailable))? {
            Planned::Nothing(number) => return Ok(number),
            Planned::Change(plan) => plan,
        };
        let edit = NumberEdit::Update(&number);
        if steps.is_empty() {
            let edited = budget.forward(self.store.edit_number(edit)).await;
            let edited = edited.unwrap_or(Err(StoreError::Unanswered))?;
            return if edited { Ok(number) } else { Err(NumberError::Busy) };
        }
        let lease = budget.lease(owner);
        let changing = Changing {
            store: &self.store,
            secrets: &self.secrets,
            sip: &self.sip,
            side_effect: &(),
            budget: &budget,
            lease: &lease,
        };
        changing.run(&steps, Written::Number(NumberWrite::Edit(edit))).await?;
        Ok(number)
    }

    /// The trunk that it leaves comes first: LiveKit takes a number on one trunk only when it is off the other.
    async fn plan(&self, key: NumberKey, change: NumberChange, budget: &Budget) -> Result<Planned, NumberError> {
        let kept = self.store.get_number(key).await?.ok_or(NumberError::NotFound)?;
        let label = change.label.apply(kept.label.clone());
        let kept_trunk_id = kept.binding.map(|binding| binding.trunk_id);
        let trunk_id = change.trunk_id.apply(kept_trunk_id);
        if label == kept.label && trunk_id == kept_trunk_id {
            return Ok(Planned::Nothing(kept));
        }
        let mut number = PhoneNumber { label, version: kept.version + 1, updated_at: budget.now(), ..kept.clone() };
        let mut steps = Vec::new();
        if trunk_id != kept_trunk_id {
            if kept.provider != Kind::Byoc {
                return Err(NumberError::NotByoc(kept.provider));
            }
            number.binding = None;
            if let Some(binding) = kept.binding {
                steps.push(without(bound_trunk(&self.store, &kept, binding).await?, &kept.e164));
            }
            if let Some(trunk_id) = trunk_id {
                let trunk = carrier_trunk(&self.store, key.workspace_id, trunk_id).await?;
                number.binding = Some(Binding { trunk_id, direction: trunk.trunk.settings.direction() });
                steps.push(with(trunk, &kept.e164, kept.id));
            }
        }
        Ok(Planned::Change(Plan { number, steps }))
    }
}

/// What a change comes to.
enum Planned {
    /// The number is so already.
    Nothing(PhoneNumber),
    Change(Plan),
}

/// A number as it shall be, and the trunks that change with it.
struct Plan {
    number: PhoneNumber,
    steps: Vec<Step>,
}
