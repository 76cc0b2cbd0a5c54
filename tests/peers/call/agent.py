"""The agent: a participant of a LiveKit room that publishes a tone, and listens to whom it meets."""

import asyncio
import contextlib
import itertools
import os

import numpy
from livekit import api, rtc

TONE_HZ = 440
RATE = 8000
FRAME = RATE // 50


class Agent:
    def __init__(self, room):
        self.tracks = asyncio.Queue()
        room.on("track_subscribed", lambda track, _, participant: self.tracks.put_nowait((track, participant)))

    @classmethod
    @contextlib.asynccontextmanager
    async def joins(cls, name):
        """In the room until the block ends."""
        room = rtc.Room()
        agent = cls(room)
        token = api.AccessToken().with_identity("agent").with_grants(api.VideoGrants(room_join=True, room=name))
        await room.connect(os.environ["LIVEKIT_URL"], token.to_jwt())
        source = rtc.AudioSource(RATE, 1)
        await room.local_participant.publish_track(rtc.LocalAudioTrack.create_audio_track("tone", source))
        speaking = asyncio.create_task(speak(source))
        try:
            yield agent
        finally:
            speaking.cancel()
            await room.disconnect()

    async def hears(self):
        """The other participant, and the pitch of its voice over half a second, in Hz."""
        track, participant = await asyncio.wait_for(self.tracks.get(), 20)
        heard = numpy.zeros(0)
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        try:
            async with asyncio.timeout(20):
                async for event in stream:
                    samples = numpy.frombuffer(event.frame.data, numpy.int16)
                    # Silence, until the first echo is back.
                    if len(heard) or abs(samples).max() > 1000:
                        heard = numpy.append(heard, samples)
                    if len(heard) >= RATE // 2:
                        break
        finally:
            await stream.aclose()
        spectrum = abs(numpy.fft.rfft(heard))
        return participant, round(numpy.argmax(spectrum) * RATE / len(heard))


async def speak(source):
    for frame in itertools.count():
        at = numpy.arange(frame * FRAME, (frame + 1) * FRAME)
        tone = (8000 * numpy.sin(2 * numpy.pi * TONE_HZ * at / RATE)).astype(numpy.int16)
        await source.capture_frame(rtc.AudioFrame(tone.tobytes(), RATE, 1, FRAME))


async def rooms(livekit, trunk):
    """The rooms of the trunk's calls."""
    listed = await livekit.room.list_rooms(api.ListRoomsRequest())
    return [room.name for room in listed.rooms if room.name.startswith(trunk["id"])]


async def first_room(livekit, trunk):
    async with asyncio.timeout(20):
        while not (found := await rooms(livekit, trunk)):
            await asyncio.sleep(0.05)
    return found[0]
