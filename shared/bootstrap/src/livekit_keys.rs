use aws_sdk_secretsmanager::Client;
use secrecy::SecretString;
use serde::Deserialize;
use trunkline_aws::LazyClient;
use trunkline_livekit::{ApiKeySource, LiveKitApiKey, NoApiKey};

/// Where this process has LiveKit's API key from.
#[derive(Debug, Clone)]
pub enum LiveKitKeys {
    /// The environment (`LIVEKIT_API_KEY`, `LIVEKIT_API_SECRET`).
    Fixed(LiveKitApiKey),
    /// A secret in Secrets Manager (`LIVEKIT_SECRET_ARN`), which may be rotated.
    Secret {
        /// Who reads it.
        client: LazyClient<Client>,
        /// Which one.
        arn: String,
    },
}

/// The secret's value.
#[derive(Deserialize)]
struct StoredKey {
    api_key: SecretString,
    api_secret: SecretString,
}

impl ApiKeySource for LiveKitKeys {
    async fn fetch(&self) -> Result<LiveKitApiKey, NoApiKey> {
        let (client, arn) = match self {
            Self::Fixed(key) => return Ok(key.clone()),
            Self::Secret { client, arn } => (client, arn),
        };
        let read = client.get_secret_value().secret_id(arn).send().await.map_err(|error| {
            let _ = trunkline_secrets::report("GetSecretValue", &error);
            NoApiKey
        })?;
        let stored: StoredKey = serde_json::from_str(read.secret_string().unwrap_or_default()).map_err(|_| {
            let _ =
                trunkline_secrets::unreadable("LIVEKIT_SECRET_ARN is not a JSON object with api_key and api_secret");
            NoApiKey
        })?;
        Ok(LiveKitApiKey { key: stored.api_key, secret: stored.api_secret })
    }
}
