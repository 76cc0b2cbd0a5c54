"""Trunks in LiveKit."""

import json

from livekit.protocol.sip import (
    CreateSIPDispatchRuleRequest,
    CreateSIPInboundTrunkRequest,
    CreateSIPOutboundTrunkRequest,
    SIPDispatchRule,
    SIPDispatchRuleIndividual,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
    SIPMediaConfig,
    SIPMediaEncryption,
    SIPOutboundTrunkInfo,
    SIPTransport,
)


def _owner(workspace, trunk):
    return {"trunkline.workspace_id": workspace, "trunkline.trunk_id": trunk["id"]}


def _common(workspace, trunk):
    encryption = SIPMediaEncryption.Value(f"SIP_MEDIA_ENCRYPT_{trunk['media_encryption'].upper()}")
    return {
        "name": trunk["id"],
        "metadata": json.dumps(_owner(workspace, trunk)),
        "numbers": [trunk["id"]],
        "media_encryption": encryption,
        "media": SIPMediaConfig(encryption=encryption),
    }


async def create_inbound(sip, workspace, trunk):
    info = SIPInboundTrunkInfo(allowed_addresses=trunk["allowed_addresses"], **_common(workspace, trunk))
    inbound = await sip.create_inbound_trunk(CreateSIPInboundTrunkRequest(trunk=info))
    rule = SIPDispatchRuleInfo(
        name=trunk["id"],
        metadata=info.metadata,
        attributes=_owner(workspace, trunk),
        trunk_ids=[inbound.sip_trunk_id],
        rule=SIPDispatchRule(dispatch_rule_individual=SIPDispatchRuleIndividual(room_prefix=trunk["id"])),
    )
    created = await sip.create_dispatch_rule(
        CreateSIPDispatchRuleRequest(trunk_ids=[inbound.sip_trunk_id], dispatch_rule=rule)
    )
    return {
        "livekit_inbound_trunk_id": inbound.sip_trunk_id,
        "livekit_dispatch_rule_id": created.sip_dispatch_rule_id,
    }


async def create_outbound(sip, workspace, trunk, password):
    info = SIPOutboundTrunkInfo(
        address=trunk["sip_address"],
        destination_country=trunk.get("destination_country", ""),
        transport=SIPTransport.Value(f"SIP_TRANSPORT_{trunk['transport'].upper()}"),
        auth_username=trunk.get("auth_username", ""),
        auth_password=password or "",
        **_common(workspace, trunk),
    )
    created = await sip.create_outbound_trunk(CreateSIPOutboundTrunkRequest(trunk=info))
    return {"livekit_outbound_trunk_id": created.sip_trunk_id}
