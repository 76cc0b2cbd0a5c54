"""The carrier: SIPp, one process a call, in a network namespace of its own."""

import asyncio
import dataclasses
import itertools
import os
import pathlib
import re
import subprocess
import time

HERE = pathlib.Path(__file__).parent
RUN = pathlib.Path(os.environ["RUN"])
BRIDGE, CARRIER, ELSEWHERE = (os.environ[name] for name in ("BRIDGE", "CARRIER", "CARRIER_ELSEWHERE"))
CALLER = "+12025550123"


@dataclasses.dataclass
class Message:
    """A SIP message as SIPp logs it."""

    received: bool
    size: int
    text: str

    @property
    def start(self):
        return self.text.split("\n", 1)[0].strip()

    def header(self, name):
        return re.search(rf"^{name}: *(.*?)\s*$", self.text, re.MULTILINE)[1]


class Carrier:
    """A call that the carrier makes or waits for, by a scenario of SIPp."""

    numbers = itertools.count()

    def __init__(self, scenario, *options, source=CARRIER, transport="udp"):
        number = next(self.numbers)
        # A port for each call tells its packets from those of another.
        self.media_port = 20000 + 10 * number
        self.log = RUN / f"carrier-{number}.log"
        self.errors = RUN / f"carrier-{number}-errors.log"
        self.process = subprocess.Popen(
            [
                *("nsenter", "--target", os.environ["CARRIER_PID"], "--net"),
                *("sipp", f"{BRIDGE}:5060", "-sf", HERE / scenario, "-m", "1", "-nostdin"),
                *("-i", source, "-mi", source, "-mp", str(self.media_port), "-rtp_echo"),
                *("-t", {"udp": "u1", "tcp": "t1"}[transport]),
                *("-trace_msg", "-message_file", self.log, "-trace_err", "-error_file", self.errors),
                *options,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=RUN,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def wait_until_it_listens(self):
        """On port 5060 of UDP or TCP."""
        tables = [pathlib.Path("/proc", os.environ["CARRIER_PID"], "net", name) for name in ("udp", "tcp")]
        while not any(":13C4 00000000:0000 " in table.read_text() for table in tables):
            assert self.process.poll() is None, self.errors.read_text()
            time.sleep(0.01)

    async def ended(self):
        """Whether the call went as its scenario says, once it is over."""
        return await asyncio.to_thread(self.process.wait, 20) == 0

    def messages(self):
        logged = self.log.read_text() if self.log.exists() else ""
        for part in re.split(r"^-{10,} \d{4}-.*\n", logged, flags=re.MULTILINE)[1:]:
            head, _, text = part.partition("\n\n")
            yield Message("received" in head, int(re.search(r"[\[(](\d+)", head)[1]), text)

    def invites(self):
        """The INVITEs that came in, without the repeated ones."""
        invites = [message for message in self.messages() if message.received and message.start.startswith("INVITE ")]
        return list({message.header("CSeq"): message for message in invites}.values())

    def answers(self, method="INVITE"):
        """The status codes of the answers to the carrier's requests, without the repeated ones."""
        answers = [
            (int(message.start.split()[1]), message.header("CSeq"))
            for message in self.messages()
            if message.received and message.start.startswith("SIP/2.0 ")
        ]
        return [code for code, request in dict.fromkeys(answers) if request.endswith(method)]

    def packets(self):
        """The RTP packets of the call that came in, and that went out."""
        rtp = f"udp[8] & 0xc0 = 0x80 and port {self.media_port}"
        return tuple(
            subprocess.run(
                ["tcpdump", "-n", "-r", RUN / "carrier.pcap", f"{way} host {BRIDGE} and {rtp}"],
                capture_output=True,
                check=True,
            ).stdout.count(b"\n")
            for way in ("src", "dst")
        )
