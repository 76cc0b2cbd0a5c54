"""LiveKit calls the carrier through a trunk: what goes through, and that our API warns of what does not."""

import asyncio
import hashlib
import re

import pytest
from agent import TONE_HZ, Agent
from carrier import CALLER, RUN, Carrier
from livekit import api
from trunks import CREDENTIALS, PASSWORD, USERNAME, delete, trunk

CALLEE = "+12025550199"
# What the call lasts once the agent has heard the carrier, in seconds, and the packets of 20 ms that arrive, at least.
TALK = 1
PACKETS = 50
# By the trunk's transport, the port and transport of the carrier that answers.
CONTACTS = {
    "auto": "5060;transport=udp",
    "udp": "5060;transport=udp",
    "tcp": "5060;transport=tcp",
    "tls": "5061;transport=tls",
}
NO_YES = ("no", "yes")
TOO_LONG = "over 1,300 bytes"


def place(livekit, made):
    return livekit.sip.create_sip_participant(
        api.CreateSIPParticipantRequest(
            sip_trunk_id=made["livekit_outbound_trunk_id"],
            sip_number=CALLER,
            sip_call_to=CALLEE,
            room_name=made["id"],
            participant_identity="callee",
            wait_until_answered=True,
        )
    )


async def is_answered(made, carrier):
    """Agent and carrier meet in a room, and each hears the other until LiveKit hangs up."""
    async with api.LiveKitAPI() as livekit, Agent.joins(made["id"]) as agent:
        await place(livekit, made)
        callee, pitch = await agent.hears()
        await asyncio.sleep(TALK)
        await livekit.room.remove_participant(api.RoomParticipantIdentity(room=made["id"], identity=callee.identity))
        assert await carrier.ended(), carrier.errors.read_text()
    assert pitch == TONE_HZ
    assert min(carrier.packets()) >= PACKETS, carrier.packets()


async def is_too_long(made):
    async with api.LiveKitAPI() as livekit:
        with pytest.raises(api.TwirpError, match="size of packet larger than MTU"):
            await place(livekit, made)


def credentials_of(invite):
    """Whether the answer to the challenge is right (RFC 2617, 3.2.2)."""
    field = dict(re.findall(r'(\w+)="([^"]*)"', invite.header("Proxy-Authorization")))

    def md5(*parts):
        return hashlib.md5(":".join(parts).encode()).hexdigest()

    response = md5(md5(USERNAME, field["realm"], PASSWORD), field["nonce"], md5("INVITE", field["uri"]))
    return field["username"] == USERNAME and field["response"] == response


@pytest.fixture(scope="module")
def table():
    rows = [("transport", "media_encryption", "credentials", "INVITE in bytes", "call", "RTP in, out", "warned")]
    yield rows
    lines = ("  ".join(f"{cell:<20}" for cell in row).rstrip() for row in rows)
    (RUN / "outbound.txt").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("challenged", [False, True], ids=["open", "challenged"])
@pytest.mark.parametrize("encryption", ["disable", "allow", "require"])
@pytest.mark.parametrize("transport", CONTACTS)
def test_a_call_fails_where_our_api_warns(transport, encryption, challenged, table):
    options = ["-key", "contact", CONTACTS[transport]]
    if challenged:
        options += ["-set", "challenge", "1"]
    if encryption == "require":
        options += ["-set", "srtp", "1"]
    fields = {"transport": transport, "media_encryption": encryption, **(CREDENTIALS if challenged else {})}
    with (
        trunk(direction="outbound", **fields) as made,
        Carrier("outbound.xml", *options, transport="udp" if transport in ("auto", "udp") else "tcp") as carrier,
    ):
        carrier.wait_until_it_listens()
        warned = any(TOO_LONG in warning for warning in made.get("warnings", []))
        asyncio.run(is_too_long(made) if warned else is_answered(made, carrier))

    invites = carrier.invites()
    sizes = " then ".join([f"{invite.size:,}" for invite in invites] + ["not sent"] * warned)
    fate = "fails" if warned else "answered"
    packets = "{}, {}".format(*carrier.packets())
    table.append((transport, encryption, NO_YES[challenged], sizes, fate, packets, NO_YES[warned]))
    assert CALLER in invites[0].header("From") and CALLEE in invites[0].start
    assert [credentials_of(invite) for invite in invites[1:]] == [True] * (challenged and not warned)
    assert all(invite.size <= 1300 for invite in invites if transport in ("auto", "udp"))


def test_deleted_trunk_calls_nobody():
    async def refused():
        async with api.LiveKitAPI() as livekit:
            with pytest.raises(api.TwirpError) as error:
                await place(livekit, made)
        return error.value.code

    with trunk(direction="outbound") as made, Carrier("outbound.xml") as carrier:
        delete(made)
        assert asyncio.run(refused()) == api.TwirpErrorCode.NOT_FOUND
    assert carrier.invites() == []
