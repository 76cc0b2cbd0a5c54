use std::collections::BTreeSet;

use trunkline_domain::{
    AuthPassword, AuthUsername, BoundNumbers, E164, InboundSettings, OutboundSettings, SipAddress, TrunkId,
    TrunkSecret, TrunkSettings,
};

use super::UpstreamError;
use crate::TrunkKey;

/// An inbound trunk as it shall be.
#[derive(Debug, Clone, Copy)]
pub struct InboundTrunkSpec<'a> {
    /// Whose; the id is the trunk's name and a number of it.
    pub key: TrunkKey,
    /// Addresses, media encryption.
    pub settings: &'a TrunkSettings,
    /// Its other numbers.
    pub numbers: &'a BoundNumbers,
    /// The challenge.
    pub inbound: &'a InboundSettings,
    /// What the carrier must answer the challenge with, if there is one.
    pub credentials: Option<(&'a AuthUsername, &'a AuthPassword)>,
}

/// An outbound trunk as it shall be.
#[derive(Debug, Clone, Copy)]
pub struct OutboundTrunkSpec<'a> {
    /// Whose; the id is the trunk's name, and its number while it has no other.
    pub key: TrunkKey,
    /// Transport, media encryption.
    pub settings: &'a TrunkSettings,
    /// Its numbers: LiveKit calls from one of them when a call names none.
    pub numbers: &'a BoundNumbers,
    /// Where calls go.
    pub address: &'a SipAddress,
    /// The country.
    pub outbound: &'a OutboundSettings,
    /// What the carrier's challenge is answered with.
    pub credentials: Option<(&'a AuthUsername, &'a AuthPassword)>,
}

impl<'a> InboundTrunkSpec<'a> {
    /// Of a trunk with these settings, numbers and this secret; `None` when no calls come in.
    pub fn of(
        key: TrunkKey,
        settings: &'a TrunkSettings,
        numbers: &'a BoundNumbers,
        secret: Option<&'a TrunkSecret>,
    ) -> Option<Self> {
        let inbound = settings.inbound()?;
        Some(Self { key, settings, numbers, inbound, credentials: credentials(settings, secret) })
    }
}

impl<'a> OutboundTrunkSpec<'a> {
    /// Of a trunk with these settings, numbers and this secret; `None` when no calls go out.
    pub fn of(
        key: TrunkKey,
        settings: &'a TrunkSettings,
        numbers: &'a BoundNumbers,
        secret: Option<&'a TrunkSecret>,
    ) -> Option<Self> {
        let (address, outbound) = settings.outbound()?;
        Some(Self { key, settings, numbers, address, outbound, credentials: credentials(settings, secret) })
    }
}

/// The user name and password, where a trunk has them.
fn credentials<'a>(
    settings: &'a TrunkSettings,
    secret: Option<&'a TrunkSecret>,
) -> Option<(&'a AuthUsername, &'a AuthPassword)> {
    settings.auth_username.as_ref().zip(secret.and_then(TrunkSecret::password))
}

/// LiveKit's SIP service. Objects are found again by the trunk id, which is a number of theirs when they are made, or by the
/// phone number of an outbound trunk that is made with one.
pub trait SipService: Send + Sync {
    /// Fetches what the first call will need, beside other work. A failure shows at that call.
    fn prepare(&self) -> impl Future<Output = ()> + Send;

    /// Creates an inbound trunk; gives its LiveKit id. Not repeatable.
    ///
    /// # Errors
    /// When it was not created, or may not have been.
    fn create_inbound_trunk(
        &self,
        spec: InboundTrunkSpec<'_>,
    ) -> impl Future<Output = Result<String, UpstreamError>> + Send;

    /// Creates the dispatch rule of the inbound trunk `livekit_trunk_id`; gives the rule's LiveKit id. Not repeatable.
    ///
    /// # Errors
    /// When it was not created, or may not have been.
    fn create_dispatch_rule(
        &self,
        key: TrunkKey,
        livekit_trunk_id: &str,
    ) -> impl Future<Output = Result<String, UpstreamError>> + Send;

    /// Creates an outbound trunk; gives its LiveKit id. Not repeatable.
    ///
    /// # Errors
    /// When it was not created, or may not have been.
    fn create_outbound_trunk(
        &self,
        spec: OutboundTrunkSpec<'_>,
    ) -> impl Future<Output = Result<String, UpstreamError>> + Send;

    /// Makes an inbound trunk say what `spec` says, whatever it says now; says whether it is there. Repeatable.
    ///
    /// # Errors
    /// When it may not have been changed.
    fn replace_inbound_trunk(
        &self,
        livekit_trunk_id: &str,
        spec: InboundTrunkSpec<'_>,
    ) -> impl Future<Output = Result<bool, UpstreamError>> + Send;

    /// Makes an outbound trunk say what `spec` says, whatever it says now; says whether it is there. Repeatable.
    ///
    /// # Errors
    /// When it may not have been changed.
    fn replace_outbound_trunk(
        &self,
        livekit_trunk_id: &str,
        spec: OutboundTrunkSpec<'_>,
    ) -> impl Future<Output = Result<bool, UpstreamError>> + Send;

    /// LiveKit ids of the inbound trunks whose number is `id`.
    ///
    /// # Errors
    /// When LiveKit did not say.
    fn find_inbound_trunks(&self, id: TrunkId) -> impl Future<Output = Result<BTreeSet<String>, UpstreamError>> + Send;

    /// LiveKit ids of the outbound trunks of `id`, whose number is `id` or the `number` that they were made with.
    ///
    /// # Errors
    /// When LiveKit did not say.
    fn find_outbound_trunks(
        &self,
        id: TrunkId,
        number: Option<&E164>,
    ) -> impl Future<Output = Result<BTreeSet<String>, UpstreamError>> + Send;

    /// LiveKit ids of the dispatch rules of these LiveKit trunks.
    ///
    /// # Errors
    /// When LiveKit did not say.
    fn find_dispatch_rules(
        &self,
        livekit_trunk_ids: &BTreeSet<String>,
    ) -> impl Future<Output = Result<BTreeSet<String>, UpstreamError>> + Send;

    /// Deletes an inbound or outbound trunk; one that does not exist is deleted already.
    ///
    /// # Errors
    /// When it may still be there.
    fn delete_trunk(&self, livekit_trunk_id: &str) -> impl Future<Output = Result<(), UpstreamError>> + Send;

    /// Deletes a dispatch rule; one that does not exist is deleted already.
    ///
    /// # Errors
    /// When it may still be there.
    fn delete_dispatch_rule(&self, livekit_rule_id: &str) -> impl Future<Output = Result<(), UpstreamError>> + Send;
}
