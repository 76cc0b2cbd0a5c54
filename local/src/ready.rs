use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::private_file::write_private_json;

/// What somebody needs to use the running service and to look at what it leaves: the ready file's object. It holds
/// keys: not `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Ready {
    /// Base URL of the service.
    pub url: String,
    /// The demo workspace.
    pub workspace_id: String,
    /// A key of the demo workspace.
    pub api_key: String,
    /// A key of the demo workspace that may only read.
    pub read_api_key: String,
    /// A key of another workspace.
    pub other_api_key: String,
    /// The table.
    pub table_name: String,
    /// What the secrets' names begin with.
    pub secret_prefix: String,
    /// DynamoDB.
    pub dynamodb_url: String,
    /// Secrets Manager.
    pub secretsmanager_url: String,
    /// LiveKit.
    pub livekit_url: String,
    /// LiveKit's API key.
    pub livekit_api_key: String,
    /// LiveKit's API secret.
    pub livekit_api_secret: String,
    /// For both AWS services.
    pub aws_access_key_id: String,
    /// For both AWS services.
    pub aws_secret_access_key: String,
    /// For both AWS services.
    pub aws_region: String,
    /// Twilio, all of its APIs. Absent where it is real, like what opens an account there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub twilio_url: Option<String>,
    /// An account there, with a phone number that may be imported, one on a trunk and one of an application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub twilio_account_sid: Option<String>,
    /// What opens the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub twilio_auth_token: Option<String>,
}

impl Ready {
    /// Writes the object to `path`, for its owner's eyes only, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_to(&self, path: &Path) -> io::Result<()> {
        write_private_json(path, self)
    }

    /// What to paste to create a first trunk.
    pub fn curl(&self) -> String {
        format!(
            r#"curl -sS {}/v1/agents/sip-trunks \
  -H 'Authorization: Bearer {}' \
  -H 'Content-Type: application/json' \
  -d '{{"name": "My carrier", "kind": "byoc", "direction": "both", "sip_address": "sip.example.com", "auth_username": "alice", "auth_password": "correct horse", "transport": "tcp"}}'"#,
            self.url, self.api_key
        )
    }
}
