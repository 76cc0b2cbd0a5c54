use std::collections::{BTreeMap, BTreeSet};

use trunkline_domain::{LiveKitObjects, TrunkId};
use trunkline_provisioning::TrunkKey;
use trunkline_provisioning::ports::{InboundTrunkSpec, OutboundTrunkSpec, SipService, UpstreamError};

use super::InProcess;

/// Objects by their LiveKit ids, and what each belongs to.
#[derive(Debug, Default)]
pub(super) struct LiveKit {
    made: usize,
    inbound: BTreeMap<String, TrunkId>,
    outbound: BTreeMap<String, TrunkId>,
    /// By the LiveKit id of their only trunk.
    rules: BTreeMap<String, String>,
}

impl LiveKit {
    fn new_id(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}_{:06}", self.made)
    }

    /// Objects that are there and belong to no live trunk, and the other way round.
    pub(super) fn differences<'a>(&self, live: impl Iterator<Item = &'a LiveKitObjects>) -> Vec<String> {
        let mut expected = BTreeSet::new();
        for objects in live {
            let inbound = objects.inbound().map(|inbound| [&inbound.trunk_id, &inbound.dispatch_rule_id]);
            expected.extend(inbound.into_iter().flatten().chain(objects.outbound().map(|outbound| &outbound.trunk_id)));
        }
        let there = self.inbound.keys().chain(self.outbound.keys()).chain(self.rules.keys()).collect();
        expected.symmetric_difference(&there).map(|id| format!("LiveKit object {id}")).collect()
    }
}

/// The LiveKit ids of what `wanted` says.
fn ids<V>(objects: &BTreeMap<String, V>, wanted: impl Fn(&V) -> bool) -> BTreeSet<String> {
    objects.iter().filter(|(_, value)| wanted(value)).map(|(id, _)| id.clone()).collect()
}

impl SipService for InProcess {
    async fn prepare(&self) {}

    async fn create_inbound_trunk(&self, spec: InboundTrunkSpec<'_>) -> Result<String, UpstreamError> {
        let livekit = &mut self.contents().livekit;
        if livekit.inbound.values().any(|owner| *owner == spec.key.id) {
            return Err(UpstreamError::Conflict);
        }
        let id = livekit.new_id("ST");
        livekit.inbound.insert(id.clone(), spec.key.id);
        Ok(id)
    }

    async fn create_dispatch_rule(&self, _: TrunkKey, livekit_trunk_id: &str) -> Result<String, UpstreamError> {
        let livekit = &mut self.contents().livekit;
        if livekit.rules.values().any(|trunk| trunk == livekit_trunk_id) {
            return Err(UpstreamError::Conflict);
        }
        let id = livekit.new_id("SDR");
        livekit.rules.insert(id.clone(), livekit_trunk_id.to_owned());
        Ok(id)
    }

    async fn create_outbound_trunk(&self, spec: OutboundTrunkSpec<'_>) -> Result<String, UpstreamError> {
        let livekit = &mut self.contents().livekit;
        let id = livekit.new_id("ST");
        livekit.outbound.insert(id.clone(), spec.key.id);
        Ok(id)
    }

    async fn find_inbound_trunks(&self, id: TrunkId) -> Result<BTreeSet<String>, UpstreamError> {
        Ok(ids(&self.contents().livekit.inbound, |owner| *owner == id))
    }

    async fn find_outbound_trunks(&self, id: TrunkId) -> Result<BTreeSet<String>, UpstreamError> {
        Ok(ids(&self.contents().livekit.outbound, |owner| *owner == id))
    }

    async fn find_dispatch_rules(
        &self,
        livekit_trunk_ids: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, UpstreamError> {
        Ok(ids(&self.contents().livekit.rules, |trunk| livekit_trunk_ids.contains(trunk)))
    }

    async fn delete_trunk(&self, livekit_trunk_id: &str) -> Result<(), UpstreamError> {
        let livekit = &mut self.contents().livekit;
        livekit.inbound.remove(livekit_trunk_id);
        livekit.outbound.remove(livekit_trunk_id);
        Ok(())
    }

    async fn delete_dispatch_rule(&self, livekit_rule_id: &str) -> Result<(), UpstreamError> {
        self.contents().livekit.rules.remove(livekit_rule_id);
        Ok(())
    }
}
