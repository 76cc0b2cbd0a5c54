"""What is measured, and in which environment."""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BARE = "bare"

# As a deployed function's, with nothing behind it: no function calls anybody before its first event.
SETTINGS = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "session",
    "TABLE_NAME": "trunkline",
    "SECRET_PREFIX": "trunkline/",
    "LIVEKIT_URL": "https://livekit.example.com",
    "LIVEKIT_SIP_HOST": "sip.example.com",
    "LIVEKIT_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:livekit-AbCdEf",
}


@dataclass
class Contestant:
    """A function: its name, how it is started, its environment."""

    name: str
    command: list
    environment: dict

    def is_built(self):
        return Path(self.command[0]).exists()


def binary(target, name, environment):
    """A function that is one binary."""
    return Contestant(name, [str(target / "release" / name)], environment)


def peers(target, environment):
    """The same function in other languages. The interpreters are named in full: nothing looks for them."""
    built, source = target / "bench", str(ROOT / "bench" / "peers" / "python")
    python = str(built / "python" / "bin" / "python")
    return [
        Contestant("go", [str(built / "go" / "bootstrap")], environment),
        Contestant("node", [shutil.which("node"), str(built / "node" / "index.cjs")], environment),
        Contestant(
            "python",
            # Without -P the modules of the folder that this runs in come first.
            [python, "-P", "-m", "awslambdaric", "function.handle"],
            {
                **environment,
                "PYTHONPATH": source,
                "LAMBDA_TASK_ROOT": source,
                "PYTHONPYCACHEPREFIX": str(built / "pycache"),
            },
        ),
    ]


def log(target):
    """Where the functions' output goes."""
    return target / "bench" / "functions.log"


def alternate(entrants, runs, measured, target):
    """What `measured` gives for each entrant, by name, in `runs` rounds."""
    samples = {entrant.name: [] for entrant in entrants}
    orders = random.Random(1)
    # The first round fills the page cache.
    for round_ in range(runs + 1):
        # In a new order each time: what ran before leaves its traces in the caches, and should not always be the same.
        for entrant in orders.sample(entrants, len(entrants)):
            sample = measured(entrant, log(target))
            if round_:
                samples[entrant.name].append(sample)
    return samples
