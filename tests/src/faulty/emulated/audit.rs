use trunkline_bootstrap::LiveKitKeys;
use trunkline_domain::WorkspaceId;
use trunkline_livekit::LiveKitSip;
use trunkline_provisioning::ports::{InboundTrunkSpec, OutboundTrunkSpec, SipInventory, SipObject, UpstreamError};
use trunkline_provisioning::{Audit, SecretPrefix, TrunkKey};

use super::Emulated;

impl Emulated<'_> {
    /// What the operator's checker says of this workspace.
    pub(super) async fn audit(&self) -> Vec<String> {
        let systems = self.systems;
        let audit = Audit {
            store: self.store.clone(),
            secrets: systems.secrets.clone(),
            sip: OfWorkspace { sip: systems.sip.clone(), workspace_id: self.workspace_id },
            secret_prefix: SecretPrefix::parse(&format!("{}{}", systems.secret_prefix.as_str(), self.workspace_id))
                .unwrap(),
        };
        let differences = audit.run().await.unwrap();
        differences.into_iter().map(|difference| format!("the audit says: {difference}")).collect()
    }
}

/// LiveKit without the objects of the cases that run at the same time.
struct OfWorkspace {
    sip: LiveKitSip<LiveKitKeys>,
    workspace_id: WorkspaceId,
}

impl SipInventory for OfWorkspace {
    type Content = <LiveKitSip<LiveKitKeys> as SipInventory>::Content;

    async fn objects(&self) -> Result<Vec<SipObject<Self::Content>>, UpstreamError> {
        let objects = self.sip.objects().await?;
        Ok(objects.into_iter().filter(|object| object.key.workspace_id == self.workspace_id).collect())
    }

    fn inbound_trunk(&self, spec: InboundTrunkSpec<'_>) -> Self::Content {
        self.sip.inbound_trunk(spec)
    }

    fn outbound_trunk(&self, spec: OutboundTrunkSpec<'_>) -> Self::Content {
        self.sip.outbound_trunk(spec)
    }

    fn dispatch_rule(&self, key: TrunkKey, livekit_trunk_id: &str) -> Self::Content {
        self.sip.dispatch_rule(key, livekit_trunk_id)
    }

    async fn replace(&self, livekit_id: &str, content: Self::Content) -> Result<bool, UpstreamError> {
        self.sip.replace(livekit_id, content).await
    }
}
