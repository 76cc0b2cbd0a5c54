use std::collections::{BTreeMap, BTreeSet};

use secrecy::ExposeSecret;
use trunkline_domain::{
    AuthPassword, BoundNumbers, E164, LiveKitObjects, TrunkId, TrunkName, TrunkSecret, TrunkSettings,
};
use trunkline_provisioning::TrunkKey;
use trunkline_provisioning::ports::{
    InboundTrunkSpec, LiveKitNumber, LiveKitNumbers, OutboundTrunkSpec, PurchaseError, SipService, UpstreamError,
};

use super::InProcess;

/// Objects by their LiveKit ids.
#[derive(Debug, Default)]
pub(super) struct LiveKit {
    made: usize,
    inbound: BTreeMap<String, Said>,
    outbound: BTreeMap<String, Said>,
    /// By the LiveKit id of their only trunk.
    rules: BTreeMap<String, String>,
    /// Phone numbers that were bought, with their dispatch rule as long as it is there.
    numbers: BTreeMap<String, (E164, Option<String>)>,
}

/// Whose a LiveKit trunk is, and what it says.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    owner: TrunkId,
    settings: TrunkSettings,
    numbers: BoundNumbers,
    password: Option<String>,
}

impl Said {
    fn of(owner: TrunkId, settings: &TrunkSettings, numbers: &BoundNumbers, password: Option<&AuthPassword>) -> Self {
        // LiveKit's trunks are named after the trunk id.
        let name = TrunkName::parse("any").expect("a name");
        let settings = TrunkSettings { name, ..settings.clone() };
        let password = password.map(|password| password.expose_secret().to_owned());
        Self { owner, settings, numbers: numbers.clone(), password }
    }
}

impl From<InboundTrunkSpec<'_>> for Said {
    fn from(InboundTrunkSpec { key, settings, numbers, credentials, .. }: InboundTrunkSpec<'_>) -> Self {
        Self::of(key.id, settings, numbers, credentials.map(|(_, password)| password))
    }
}

impl From<OutboundTrunkSpec<'_>> for Said {
    fn from(OutboundTrunkSpec { key, settings, numbers, credentials, .. }: OutboundTrunkSpec<'_>) -> Self {
        Self::of(key.id, settings, numbers, credentials.map(|(_, password)| password))
    }
}

impl LiveKit {
    fn new_id(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}_{:06}", self.made)
    }

    /// Phone numbers that are there and shall not be, and the other way round.
    pub(super) fn wrong_numbers<'a>(&self, bought: impl Iterator<Item = &'a E164>) -> Vec<String> {
        let there: BTreeSet<_> = self.numbers.values().map(|(number, _)| number).collect();
        let expected: BTreeSet<_> = bought.collect();
        expected.symmetric_difference(&there).map(|number| format!("LiveKit's phone number {number}")).collect()
    }

    fn delete_rules(&mut self, gone: impl Fn(&str, &str) -> bool) {
        let ids: Vec<_> = self.rules.iter().filter(|(id, trunk)| gone(id, trunk)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.rules.remove(&id);
            for (_, rule) in self.numbers.values_mut() {
                rule.take_if(|rule| *rule == id);
            }
        }
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

    /// Trunks that say something else than the record.
    pub(super) fn changed(
        &self,
        owner: TrunkId,
        settings: &TrunkSettings,
        numbers: &BoundNumbers,
        objects: &LiveKitObjects,
        secret: Option<&TrunkSecret>,
    ) -> Vec<String> {
        let said = Said::of(owner, settings, numbers, secret.and_then(TrunkSecret::password));
        let inbound = objects.inbound().and_then(|objects| self.inbound.get_key_value(&objects.trunk_id));
        let outbound = objects.outbound().and_then(|objects| self.outbound.get_key_value(&objects.trunk_id));
        let changed = inbound.into_iter().chain(outbound).filter(|(_, says)| **says != said);
        changed.map(|(id, _)| format!("LiveKit object {id} says something else than {owner}")).collect()
    }
}

/// The LiveKit ids of what `wanted` says.
fn ids<V>(objects: &BTreeMap<String, V>, wanted: impl Fn(&V) -> bool) -> BTreeSet<String> {
    objects.iter().filter(|(_, value)| wanted(value)).map(|(id, _)| id.clone()).collect()
}

fn replace(trunks: &mut BTreeMap<String, Said>, livekit_id: &str, said: Said) -> bool {
    trunks.get_mut(livekit_id).map(|says| *says = said).is_some()
}

impl SipService for InProcess {
    async fn prepare(&self) {}

    async fn create_inbound_trunk(&self, spec: InboundTrunkSpec<'_>) -> Result<String, UpstreamError> {
        let livekit = &mut self.contents().livekit;
        let shares = |said: &Said| said.numbers.keys().any(|e164| spec.numbers.contains_key(e164));
        if livekit.inbound.values().any(|said| said.owner == spec.key.id || shares(said)) {
            return Err(UpstreamError::Conflict);
        }
        let id = livekit.new_id("ST");
        livekit.inbound.insert(id.clone(), spec.into());
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
        livekit.outbound.insert(id.clone(), spec.into());
        Ok(id)
    }

    async fn replace_inbound_trunk(
        &self,
        livekit_trunk_id: &str,
        spec: InboundTrunkSpec<'_>,
    ) -> Result<bool, UpstreamError> {
        let inbound = &mut self.contents().livekit.inbound;
        let shares = |(id, said): (&String, &Said)| {
            id != livekit_trunk_id && said.numbers.keys().any(|e164| spec.numbers.contains_key(e164))
        };
        if inbound.contains_key(livekit_trunk_id) && inbound.iter().any(shares) {
            return Err(UpstreamError::Conflict);
        }
        Ok(replace(inbound, livekit_trunk_id, spec.into()))
    }

    async fn replace_outbound_trunk(
        &self,
        livekit_trunk_id: &str,
        spec: OutboundTrunkSpec<'_>,
    ) -> Result<bool, UpstreamError> {
        Ok(replace(&mut self.contents().livekit.outbound, livekit_trunk_id, spec.into()))
    }

    async fn find_inbound_trunks(&self, id: TrunkId) -> Result<BTreeSet<String>, UpstreamError> {
        Ok(ids(&self.contents().livekit.inbound, |said| said.owner == id))
    }

    /// The id is its number while it has no other.
    async fn find_outbound_trunks(
        &self,
        id: TrunkId,
        number: Option<&E164>,
    ) -> Result<BTreeSet<String>, UpstreamError> {
        Ok(ids(&self.contents().livekit.outbound, |said| {
            let has = |number| said.numbers.contains_key(number);
            said.owner == id && (said.numbers.is_empty() || number.is_some_and(has))
        }))
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
        self.contents().livekit.delete_rules(|id, _| id == livekit_rule_id);
        Ok(())
    }
}

impl LiveKitNumbers for InProcess {
    async fn purchase(&self, number: &E164, dispatch_rule_id: &str) -> Result<String, PurchaseError> {
        let livekit = &mut self.contents().livekit;
        if livekit.numbers.values().any(|(owned, _)| owned == number) {
            return Err(PurchaseError::AlreadyOwned);
        }
        if !livekit.rules.contains_key(dispatch_rule_id) {
            return Err(PurchaseError::NotAvailable);
        }
        let id = livekit.new_id("PN");
        livekit.numbers.insert(id.clone(), (number.clone(), Some(dispatch_rule_id.to_owned())));
        Ok(id)
    }

    async fn find(&self, number: &E164) -> Result<Option<LiveKitNumber>, UpstreamError> {
        let contents = self.contents();
        let found = contents.livekit.numbers.iter().find(|(_, (owned, _))| owned == number);
        Ok(found
            .map(|(id, (_, rule))| LiveKitNumber { id: id.clone(), dispatch_rule_ids: rule.iter().cloned().collect() }))
    }

    async fn release(&self, id: &str) -> Result<(), UpstreamError> {
        self.contents().livekit.numbers.remove(id);
        Ok(())
    }
}
