use jiff::Timestamp;

use crate::{Direction, E164, Kind, PhoneNumberId, PhoneNumberLabel, TrunkId, WorkspaceId};

/// A phone number of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneNumber {
    /// Its id.
    pub id: PhoneNumberId,
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// The number: no two workspaces have the same.
    pub e164: E164,
    /// Who gives it: the customer's carrier, Twilio or LiveKit.
    pub provider: Kind,
    /// For people.
    pub label: Option<PhoneNumberLabel>,
    /// The trunk that it rings on, and is called from.
    pub binding: Option<Binding>,
    /// What the provider calls it.
    pub provider_phone_number_id: Option<String>,
    /// Counts the changes.
    pub version: u64,
    /// When it was imported.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A trunk that a number is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// Which trunk.
    pub trunk_id: TrunkId,
    /// Which way its calls go: a trunk's direction never changes.
    pub direction: Direction,
}

impl PhoneNumber {
    /// The version of a number that was never changed.
    pub const FIRST_VERSION: u64 = 1;

    /// Which way calls of this number go: `inbound`, `outbound`. A number without a trunk has no calls.
    pub fn capabilities(&self) -> Vec<Direction> {
        match self.binding.map(|binding| binding.direction) {
            Some(Direction::Both) => vec![Direction::Inbound, Direction::Outbound],
            Some(direction) => vec![direction],
            None => Vec::new(),
        }
    }
}
