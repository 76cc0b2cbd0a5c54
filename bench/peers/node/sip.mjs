import { SIPMediaConfig, SIPMediaEncryption, SIPTransport } from "@livekit/protocol";
import { SipClient } from "livekit-server-sdk";

const { LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET } = process.env;
const client = new SipClient(LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET);

const owner = (workspace, { id }) => ({ "trunkline.workspace_id": workspace, "trunkline.trunk_id": id });
const metadata = (workspace, trunk) => JSON.stringify(owner(workspace, trunk));

function media({ media_encryption }) {
  const encryption = SIPMediaEncryption[`SIP_MEDIA_ENCRYPT_${media_encryption.toUpperCase()}`];
  return { mediaEncryption: encryption, media: new SIPMediaConfig({ encryption }) };
}

export async function createInbound(workspace, trunk) {
  const inbound = await client.createSipInboundTrunk(trunk.id, [trunk.id], {
    metadata: metadata(workspace, trunk),
    allowedAddresses: trunk.allowed_addresses,
    ...media(trunk),
  });
  const rule = await client.createSipDispatchRule(
    { type: "individual", roomPrefix: trunk.id },
    {
      name: trunk.id,
      metadata: metadata(workspace, trunk),
      attributes: owner(workspace, trunk),
      trunkIds: [inbound.sipTrunkId],
    },
  );
  return { livekit_inbound_trunk_id: inbound.sipTrunkId, livekit_dispatch_rule_id: rule.sipDispatchRuleId };
}

export async function createOutbound(workspace, trunk, password) {
  const outbound = await client.createSipOutboundTrunk(trunk.id, trunk.sip_address, [trunk.id], {
    metadata: metadata(workspace, trunk),
    transport: SIPTransport[`SIP_TRANSPORT_${trunk.transport.toUpperCase()}`],
    destinationCountry: trunk.destination_country,
    authUsername: trunk.auth_username,
    authPassword: password,
    ...media(trunk),
  });
  return { livekit_outbound_trunk_id: outbound.sipTrunkId };
}
