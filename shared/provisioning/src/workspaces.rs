//! What an operator does: workspaces, their limits and their API keys.

use jiff::Timestamp;
use trunkline_domain::{ApiKey, ApiKeyId, ApiKeyState, Scope, WorkspaceId};

use crate::ports::{KeyAdded, ListedApiKey, StoreError, Workspace, WorkspaceStore};

/// Makes, shows and changes workspaces and their API keys.
#[derive(Debug, Clone)]
pub struct Workspaces<S> {
    /// Where the records are.
    pub store: S,
}

/// Why nothing was made or changed.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// There is no such workspace.
    #[error("there is no workspace {0}")]
    NoWorkspace(WorkspaceId),
    /// The workspace has no such key.
    #[error("workspace {0} has no API key {1}: `trunkline key list` shows those that it has")]
    NoKey(WorkspaceId, ApiKeyId),
    /// The workspace or key is there already.
    #[error("it is there already")]
    Exists,
    /// The table. What was not answered may have been done.
    #[error("DynamoDB: {0}")]
    Store(#[from] StoreError),
}

impl<S: WorkspaceStore> Workspaces<S> {
    /// Makes a workspace that holds nothing yet, with a limit of its own or the default.
    ///
    /// # Errors
    /// When it exists, or the table refuses or does not answer.
    pub async fn create(&self, id: WorkspaceId, own_limit: Option<u64>) -> Result<Workspace, WorkspaceError> {
        self.store.add_workspace(id, own_limit, Timestamp::now()).await?.ok_or(WorkspaceError::Exists)
    }

    /// A workspace.
    ///
    /// # Errors
    /// When there is none, or the table refuses or does not answer.
    pub async fn show(&self, id: WorkspaceId) -> Result<Workspace, WorkspaceError> {
        self.store.workspace(id).await?.ok_or(WorkspaceError::NoWorkspace(id))
    }

    /// Gives a workspace a limit of its own, or the default. Below what it holds, the limit takes nothing away.
    ///
    /// # Errors
    /// When there is no such workspace, or the table refuses or does not answer.
    pub async fn set_limit(&self, id: WorkspaceId, own_limit: Option<u64>) -> Result<Workspace, WorkspaceError> {
        self.store.set_limit(id, own_limit).await?.ok_or(WorkspaceError::NoWorkspace(id))
    }

    /// Lets `key` speak for a workspace. Of the key itself nothing is kept but its hash.
    ///
    /// # Errors
    /// When there is no such workspace, the key is known already, or the table refuses or does not answer.
    pub async fn add_key(
        &self,
        workspace_id: WorkspaceId,
        key: &ApiKey,
        scope: Scope,
    ) -> Result<ListedApiKey, WorkspaceError> {
        let listed =
            ListedApiKey { id: ApiKeyId::new(), scope, state: ApiKeyState::Active, created_at: Timestamp::now() };
        match self.store.add_key(workspace_id, &key.hash(), &listed).await? {
            KeyAdded::Added => Ok(listed),
            KeyAdded::NoWorkspace => Err(WorkspaceError::NoWorkspace(workspace_id)),
            KeyAdded::Exists => Err(WorkspaceError::Exists),
        }
    }

    /// The keys of a workspace, the revoked ones too, oldest first.
    ///
    /// # Errors
    /// When there is no such workspace, or the table refuses or does not answer.
    pub async fn keys(&self, workspace_id: WorkspaceId) -> Result<Vec<ListedApiKey>, WorkspaceError> {
        self.show(workspace_id).await?;
        Ok(self.store.keys(workspace_id).await?)
    }

    /// Revokes a key. Processes that have seen it remember it for up to a minute.
    ///
    /// # Errors
    /// When there is no such workspace, it has no such key, or the table refuses or does not answer.
    pub async fn revoke_key(&self, workspace_id: WorkspaceId, id: ApiKeyId) -> Result<(), WorkspaceError> {
        if self.store.revoke_key(workspace_id, id).await? {
            return Ok(());
        }
        self.show(workspace_id).await?;
        Err(WorkspaceError::NoKey(workspace_id, id))
    }
}
