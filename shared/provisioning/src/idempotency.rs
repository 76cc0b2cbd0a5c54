use jiff::SignedDuration;

/// An `Idempotency-Key` together with the request it was sent with. Neither the key nor the body can be read
/// from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyClaim {
    /// SHA-256 of the key, in hexadecimal.
    pub key_hash: String,
    /// HMAC-SHA-256 of method, path and body, keyed with the raw key, in hexadecimal: a reader of the table
    /// cannot guess a password from it.
    pub fingerprint: String,
}

/// The first response of an operation, to be replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// HTTP status.
    pub status: u16,
    /// The body, JSON.
    pub body: String,
    /// The `Location` header, where there was one.
    pub location: Option<String>,
}

impl StoredResponse {
    /// How long it is replayed.
    pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);
}

/// What became of a key that was used before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyUse {
    /// Its request is still running.
    Running,
    /// It was sent with another request.
    OtherRequest,
    /// Its request has been answered.
    Answered(StoredResponse),
}
