//! The JWT that each call carries (<https://docs.livekit.io/home/get-started/authentication/>).

use std::time::{Duration, SystemTime};

use livekit_token::{AccessToken, SIPGrants};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

/// LiveKit's API key and secret.
#[derive(Debug, Clone)]
pub struct LiveKitApiKey {
    /// The issuer of our tokens.
    pub key: SecretString,
    /// What they are signed with.
    pub secret: SecretString,
}

/// The key cannot be had now.
#[derive(Debug, thiserror::Error)]
#[error("LiveKit's API key cannot be read")]
pub struct NoApiKey;

/// Where LiveKit's API key comes from: the environment, or Secrets Manager.
pub trait ApiKeySource: Send + Sync {
    /// The key of this moment; called again when LiveKit no longer takes the one before.
    ///
    /// # Errors
    /// When it cannot be had.
    fn fetch(&self) -> impl Future<Output = Result<LiveKitApiKey, NoApiKey>> + Send;
}

const TOKEN_TTL: Duration = Duration::from_secs(600);
/// A token is used for less than its life: LiveKit's clock is not ours.
const TOKEN_USE: Duration = Duration::from_secs(480);

/// Makes tokens and keeps the current one.
#[derive(Debug)]
pub(crate) struct Access<K> {
    keys: K,
    token: Mutex<Option<Token>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) jwt: SecretString,
    // By the wall clock, as LiveKit reads it: the monotonic one stands still while Lambda has the function frozen.
    use_until: SystemTime,
}

impl<K: ApiKeySource> Access<K> {
    pub(crate) fn new(keys: K) -> Self {
        Self { keys, token: Mutex::new(None) }
    }

    pub(crate) async fn token(&self) -> Result<Token, NoApiKey> {
        // Held across the fetch: calls in parallel share one.
        let mut current = self.token.lock().await;
        if let Some(token) = current.as_ref().filter(|token| SystemTime::now() < token.use_until) {
            return Ok(token.clone());
        }
        let token = sign(&self.keys.fetch().await?)?;
        *current = Some(token.clone());
        Ok(token)
    }

    /// LiveKit refused `refused`: the key may have been rotated.
    pub(crate) async fn forget(&self, refused: &Token) {
        let mut current = self.token.lock().await;
        if current.as_ref().is_some_and(|token| token.jwt.expose_secret() == refused.jwt.expose_secret()) {
            *current = None;
        }
    }
}

fn sign(key: &LiveKitApiKey) -> Result<Token, NoApiKey> {
    let jwt = AccessToken::with_api_key(key.key.expose_secret(), key.secret.expose_secret())
        .with_sip_grants(SIPGrants { admin: true, call: false })
        .with_ttl(TOKEN_TTL)
        .to_jwt()
        .map_err(|_| NoApiKey)?;
    Ok(Token { jwt: jwt.into(), use_until: SystemTime::now() + TOKEN_USE })
}
