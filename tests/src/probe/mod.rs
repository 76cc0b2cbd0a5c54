//! What DynamoDB, Secrets Manager, LiveKit and Twilio hold, asked over the wire and past any proxy.

mod dynamodb;
mod livekit;
mod secrets;
mod twilio;

pub(crate) use dynamodb::number;
pub use dynamodb::{Item, Table, text};
pub use livekit::{Contents, LiveKit};
pub use secrets::{Kept, Secrets};
pub use twilio::{CredentialList, OnTwilio, Twilio, TwilioNumber, TwilioTrunk};

use aws_credential_types::Credentials;

/// Whether one of `ids` is in `text`.
pub(crate) fn mentions(text: &str, ids: &[String]) -> bool {
    ids.iter().any(|id| text.contains(id.as_str()))
}

fn credentials(ready: &trunkline_local::Ready) -> Credentials {
    Credentials::from_keys(&ready.aws_access_key_id, &ready.aws_secret_access_key, None)
}
