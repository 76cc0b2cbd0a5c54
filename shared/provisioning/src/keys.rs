use std::fmt;

use trunkline_domain::{PhoneNumber, PhoneNumberId, Trunk, TrunkId, WorkspaceId};

/// Which trunk, of which workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrunkKey {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Which one.
    pub id: TrunkId,
}

impl fmt::Display for TrunkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.workspace_id, self.id)
    }
}

impl From<&Trunk> for TrunkKey {
    fn from(trunk: &Trunk) -> Self {
        Self { workspace_id: trunk.workspace_id, id: trunk.id }
    }
}

/// Which phone number, of which workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumberKey {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Which one.
    pub id: PhoneNumberId,
}

impl fmt::Display for NumberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.workspace_id, self.id)
    }
}

impl From<&PhoneNumber> for NumberKey {
    fn from(number: &PhoneNumber) -> Self {
        Self { workspace_id: number.workspace_id, id: number.id }
    }
}
