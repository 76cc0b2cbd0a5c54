use jiff::Timestamp;
use trunkline_domain::{ApiKeyHash, ApiKeyId, ApiKeyState, Scope, WorkspaceId};

use super::StoreError;

/// What the table knows of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workspace {
    /// Which one.
    pub id: WorkspaceId,
    /// How many trunks it holds.
    pub trunk_count: u64,
    /// How many it may hold.
    pub trunk_limit: u64,
    /// Whether that is the limit of every workspace that has none of its own.
    pub has_default_limit: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An API key, for those who do not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedApiKey {
    /// What it is revoked by.
    pub id: ApiKeyId,
    /// What it may do.
    pub scope: Scope,
    /// Whether it works.
    pub state: ApiKeyState,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What became of a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAdded {
    /// It works from now on.
    Added,
    /// Nothing was written: there is no such workspace.
    NoWorkspace,
    /// Nothing was written: the table knows the key already.
    Exists,
}

/// The records of workspaces and their API keys, for operators. Never on a request's path.
pub trait WorkspaceStore: Send + Sync {
    /// Adds a workspace that holds nothing yet, with a limit of its own or the default; `None` when it is there already.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn add_workspace(
        &self,
        id: WorkspaceId,
        own_limit: Option<u64>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Workspace>, StoreError>> + Send;

    /// The workspace, if there is one.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn workspace(&self, id: WorkspaceId) -> impl Future<Output = Result<Option<Workspace>, StoreError>> + Send;

    /// Gives the workspace a limit of its own, or the default, if there is one; as it is then.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn set_limit(
        &self,
        id: WorkspaceId,
        own_limit: Option<u64>,
    ) -> impl Future<Output = Result<Option<Workspace>, StoreError>> + Send;

    /// One transaction, if the workspace is there and the key is not: the key under its hash, and in the workspace a
    /// reference to it under its id.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn add_key(
        &self,
        workspace_id: WorkspaceId,
        hash: &ApiKeyHash,
        key: &ListedApiKey,
    ) -> impl Future<Output = Result<KeyAdded, StoreError>> + Send;

    /// The keys to which the workspace has a reference, oldest first.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    fn keys(&self, workspace_id: WorkspaceId) -> impl Future<Output = Result<Vec<ListedApiKey>, StoreError>> + Send;

    /// Revokes a key, if the workspace has it; says whether it has. Repeatable.
    ///
    /// # Errors
    /// [`StoreError::Unanswered`] when it may have been done.
    fn revoke_key(
        &self,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}
