"""The carrier calls a trunk at the URI that our API gave."""

import asyncio
import re

from agent import TONE_HZ, Agent, first_room, rooms
from carrier import BRIDGE, CALLER, CARRIER, ELSEWHERE, Carrier
from livekit import api
from trunks import CREDENTIALS, PASSWORD, SERVICE, USERNAME, delete, trunk

# What the carrier talks before it hangs up, in ms, and the packets of 20 ms that arrive meanwhile, at least.
TALK = 2000
PACKETS = 50
# How long the carrier waits for an answer, in ms: with a margin, or where none comes.
PATIENT, SHORT = 15000, 2000


def calls(uri, *options, wait=PATIENT, **how):
    user, host = re.fullmatch(r"sip:([^@]+)@([^;]+)(?:;.*)?", uri).groups()
    assert host == BRIDGE
    options = ("-s", user, "-key", "caller", CALLER, "-d", str(TALK), "-recv_timeout", str(wait), *options)
    return Carrier("inbound.xml", *options, **how)


def answers(username, password):
    return "-au", username, "-ap", password


async def is_answered(made, *options, **how):
    """Agent and caller meet in a room of the trunk's, and each hears the other until the carrier hangs up."""
    async with api.LiveKitAPI() as livekit:
        with calls(made["inbound_sip_uri"], *options, **how) as carrier:
            async with Agent.joins(await first_room(livekit, made)) as agent:
                caller, pitch = await agent.hears()
                assert await carrier.ended(), carrier.errors.read_text()
    assert pitch == TONE_HZ
    assert min(carrier.packets()) >= PACKETS, carrier.packets()
    assert carrier.answers("BYE") == [200]
    return carrier.answers(), caller


async def is_refused(made, *options, **how):
    """No room is made, and no packet comes."""
    async with api.LiveKitAPI() as livekit:
        with calls(made["inbound_sip_uri"], *options, **how) as carrier:
            assert not await carrier.ended()
        assert await rooms(livekit, made) == []
    assert carrier.packets() == (0, 0)
    return carrier.answers()


def test_digest():
    with trunk(direction="inbound", **CREDENTIALS) as made:
        codes, _ = asyncio.run(is_answered(made, *answers(USERNAME, PASSWORD)))
    assert codes == [100, 407, 100, 180, 200]


def test_digest_over_tcp():
    with trunk(direction="inbound", transport="tcp", **CREDENTIALS) as made:
        assert made["inbound_sip_uri"].endswith(";transport=tcp")
        codes, _ = asyncio.run(is_answered(made, *answers(USERNAME, PASSWORD), transport="tcp"))
    assert codes == [100, 407, 100, 180, 200]


def test_no_authentication():
    with trunk(direction="inbound", allowed_addresses=[CARRIER]) as made:
        codes, caller = asyncio.run(is_answered(made))
    assert codes == [100, 180, 200]
    expected = {
        "trunkline.trunk_id": made["id"],
        "trunkline.workspace_id": SERVICE["workspace_id"],
        "sip.trunkID": made["livekit_inbound_trunk_id"],
        "sip.ruleID": made["livekit_dispatch_rule_id"],
        "sip.phoneNumber": CALLER,
    }
    assert {name: caller.attributes.get(name) for name in expected} == expected


def test_credentials_for_outbound_calls_challenge_no_caller():
    with trunk(direction="both", **CREDENTIALS) as made:
        codes, _ = asyncio.run(is_answered(made))
    assert codes == [100, 180, 200]


def test_wrong_password_is_refused():
    with trunk(direction="inbound", **CREDENTIALS) as made:
        assert asyncio.run(is_refused(made, *answers(USERNAME, "wrong"))) == [100, 407, 100, 401]


def test_wrong_user_name_is_refused():
    with trunk(direction="inbound", **CREDENTIALS) as made:
        assert asyncio.run(is_refused(made, *answers("other", PASSWORD))) == [100, 407, 100, 401]


def test_plain_rtp_is_refused_where_encryption_is_required():
    with trunk(direction="inbound", media_encryption="require") as made:
        assert asyncio.run(is_refused(made)) == [100, 180, 400]


# LiveKit lets a caller whom it does not know ring, and answers no more.
RINGS = [100, 180]


def test_address_that_is_not_allowed_is_dropped():
    with trunk(direction="inbound", allowed_addresses=[CARRIER]) as made:
        assert asyncio.run(is_refused(made, source=ELSEWHERE, wait=SHORT)) == RINGS


def test_unknown_trunk_is_dropped():
    with trunk(direction="inbound") as made:
        unknown = made | {"inbound_sip_uri": made["inbound_sip_uri"].replace("@", "x@")}
        assert asyncio.run(is_refused(unknown, wait=SHORT)) == RINGS


def test_deleted_trunk_is_dropped():
    with trunk(direction="inbound") as made:
        delete(made)
        assert asyncio.run(is_refused(made, wait=SHORT)) == RINGS
