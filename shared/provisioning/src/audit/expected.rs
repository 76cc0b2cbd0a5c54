use trunkline_domain::{Trunk, TrunkSecret};

use super::{Audit, AuditError};
use crate::TrunkKey;
use crate::ports::{InboundTrunkSpec, OutboundTrunkSpec, SecretStore, SipInventory, SipObjectKind};
use crate::provision::secrets_manager;

/// An object that a live trunk should have in LiveKit.
pub(super) struct Expected<C> {
    pub(super) key: TrunkKey,
    pub(super) kind: SipObjectKind,
    pub(super) livekit_id: String,
    /// `None` when the secret is missing that the content depends on.
    pub(super) content: Option<C>,
}

impl<S: Sync, V: SecretStore, L: SipInventory> Audit<S, V, L> {
    /// Everything that `trunk` should have in LiveKit. Without its secret, nothing can be said of what its LiveKit
    /// trunks should say, which are its own all the same; the missing secret is a difference of its own.
    pub(super) async fn expected(
        &self,
        trunk: &Trunk,
        secret_name: Option<&str>,
    ) -> Result<Vec<Expected<L::Content>>, AuditError> {
        let secret = self.secret(trunk, secret_name).await?;
        let sayable = trunk.settings.auth_username.is_none() || secret.is_some();
        let key = TrunkKey::from(trunk);
        let mut expected = Vec::new();
        let inbound = InboundTrunkSpec::of(key, &trunk.settings, &trunk.numbers, secret.as_ref());
        if let (Some(spec), Some(objects)) = (inbound, trunk.livekit.inbound()) {
            expected.push(Expected {
                key,
                kind: SipObjectKind::InboundTrunk,
                livekit_id: objects.trunk_id.clone(),
                content: sayable.then(|| self.sip.inbound_trunk(spec)),
            });
            expected.push(Expected {
                key,
                kind: SipObjectKind::DispatchRule,
                livekit_id: objects.dispatch_rule_id.clone(),
                content: Some(self.sip.dispatch_rule(key, &objects.trunk_id)),
            });
        }
        let outbound = OutboundTrunkSpec::of(key, &trunk.settings, &trunk.numbers, secret.as_ref());
        if let (Some(spec), Some(objects)) = (outbound, trunk.livekit.outbound()) {
            expected.push(Expected {
                key,
                kind: SipObjectKind::OutboundTrunk,
                livekit_id: objects.trunk_id.clone(),
                content: sayable.then(|| self.sip.outbound_trunk(spec)),
            });
        }
        Ok(expected)
    }

    /// The secret of a trunk that has a password. One that has lost its password is none: nothing is made without it.
    pub(super) async fn secret(
        &self,
        trunk: &Trunk,
        secret_name: Option<&str>,
    ) -> Result<Option<TrunkSecret>, AuditError> {
        match secret_name {
            Some(name) if trunk.settings.auth_username.is_some() => {
                let secret = self.secrets.read(name).await.map_err(secrets_manager)?;
                Ok(secret.filter(|secret| secret.password().is_some()))
            }
            _ => Ok(None),
        }
    }
}
