use crate::{Change, PhoneNumberLabel, TrunkId};

/// What a merge patch makes of a phone number: every rule of the contract holds.
#[derive(Debug, Clone)]
pub struct NumberChange {
    /// What becomes of the label.
    pub label: Change<PhoneNumberLabel>,
    /// What becomes of the trunk that it is bound to.
    pub trunk_id: Change<TrunkId>,
}
