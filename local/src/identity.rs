use std::io;
use std::path::Path;

use rand::distr::{Alphanumeric, SampleString};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use trunkline_domain::{ApiKey, Scope, WorkspaceId};
use trunkline_provisioning::ports::WorkspaceStore;
use trunkline_provisioning::{WorkspaceError, Workspaces};

use crate::private_file::write_private_json;

/// The demo's workspaces and keys, made at the first start and kept in the data directory. Not `Debug`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) api_key: String,
    pub(crate) read_api_key: String,
    other_workspace_id: WorkspaceId,
    pub(crate) other_api_key: String,
    pub(crate) livekit_api_key: String,
    pub(crate) livekit_api_secret: String,
    pub(crate) aws_access_key_id: String,
    pub(crate) aws_secret_access_key: String,
    #[serde(default = "new_account_sid")]
    pub(crate) twilio_account_sid: String,
    #[serde(default = "new_auth_token")]
    pub(crate) twilio_auth_token: String,
}

const FILE: &str = "identity.json";

impl Identity {
    fn new() -> Self {
        let random = |length| Alphanumeric.sample_string(&mut rand::rng(), length);
        let api_key = || ApiKey::generate().expose_secret().to_owned();
        Self {
            workspace_id: WorkspaceId::new(),
            api_key: api_key(),
            read_api_key: api_key(),
            other_workspace_id: WorkspaceId::new(),
            other_api_key: api_key(),
            livekit_api_key: format!("API{}", random(12)),
            livekit_api_secret: random(43),
            aws_access_key_id: format!("AKIA{}", random(16).to_uppercase()),
            aws_secret_access_key: random(40),
            twilio_account_sid: new_account_sid(),
            twilio_auth_token: new_auth_token(),
        }
    }

    /// The one in `folder`, made if there is none; a new one when nothing is kept.
    pub(crate) fn open(folder: Option<&Path>) -> io::Result<Self> {
        let Some(folder) = folder else {
            return Ok(Self::new());
        };
        let path = folder.join(FILE);
        let identity = match std::fs::read(&path) {
            Ok(kept) => serde_json::from_slice(&kept)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::new(),
            Err(error) => return Err(error),
        };
        // With what a version before did not know.
        write_private_json(&path, &identity)?;
        Ok(identity)
    }

    /// Makes the workspaces and keys where they are not there yet.
    pub(crate) async fn seed<S: WorkspaceStore>(&self, workspaces: &Workspaces<S>) -> Result<(), WorkspaceError> {
        for workspace_id in [self.workspace_id, self.other_workspace_id] {
            unless_there(workspaces.create(workspace_id, None).await)?;
        }
        for (key, workspace_id, scope) in [
            (&self.api_key, self.workspace_id, Scope::Full),
            (&self.read_api_key, self.workspace_id, Scope::Read),
            (&self.other_api_key, self.other_workspace_id, Scope::Full),
        ] {
            unless_there(workspaces.add_key(workspace_id, &ApiKey::presented(key), scope).await)?;
        }
        Ok(())
    }
}

/// A SID is two letters and a UUID in hexadecimal digits.
fn new_account_sid() -> String {
    format!("AC{:032x}", rand::random::<u128>())
}

/// As Twilio's console shows them.
pub(crate) fn new_auth_token() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn unless_there<T>(made: Result<T, WorkspaceError>) -> Result<(), WorkspaceError> {
    match made {
        Ok(_) | Err(WorkspaceError::Exists) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_an_older_data_directory_lacks_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let made = Identity::open(Some(folder.path())).unwrap();
        let file = folder.path().join(FILE);
        let mut kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        kept.as_object_mut().unwrap().retain(|name, _| !name.starts_with("twilio_"));
        std::fs::write(&file, kept.to_string()).unwrap();

        let [first, second] = [(); 2].map(|()| Identity::open(Some(folder.path())).unwrap());
        assert_eq!(first.api_key, made.api_key);
        assert_ne!(first.twilio_auth_token, made.twilio_auth_token);
        assert_eq!(first.twilio_account_sid, second.twilio_account_sid);
        assert_eq!(first.twilio_auth_token, second.twilio_auth_token);
    }
}
