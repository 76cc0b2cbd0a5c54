"""How the memory of one process grows over a thousand creates, against a bare function that answers as many events, and
against Go where that is built.

Called by bench/run: RUNS TARGET SERVICE
"""

import sys
import time
from pathlib import Path
from statistics import median

import contestants
import events
import table
from proxy import Line
from runtime_api import Function
from service import Service

OURS = "create-sip-trunk"

# After which events it is read.
AFTER = [1, 10, 100, 1000]


def main(runs, target, service):
    target = Path(target)
    with Service(service, target) as local, Line(local, tls_in=target) as line:
        environment, api_key = local.deployed_environment(line), local.ready["api_key"]
        entrants = [contestants.binary(target, name, environment) for name in (OURS, contestants.BARE)]
        entrants += [peer for peer in contestants.peers(target, environment) if peer.name == "go" and peer.is_built()]
        samples = contestants.alternate(entrants, int(runs), lambda entrant, log: grown(entrant, log, api_key), target)
    show(samples, int(runs))


def grown(entrant, log, api_key):
    """Peak and present KiB after each number of events."""
    taken = []
    with Function(entrant.command, entrant.environment, log) as function:
        for count in range(1, AFTER[-1] + 1):
            answer = function.answer(events.create(api_key, idempotency_key=f"bench-{time.monotonic_ns()}"))
            events.body(answer, 200 if entrant.name == contestants.BARE else 201)
            if count in AFTER:
                taken.append((function.memory_kib("VmHWM"), function.memory_kib("VmRSS")))
    return taken


def show(samples, runs):
    for index, what in enumerate(("Peak", "Present")):
        mib = {
            name: [median(sample[after][index] / 1024 for sample in taken) for after in range(len(AFTER))]
            for name, taken in samples.items()
        }
        header = ["function", *(f"after {count:,}" for count in AFTER), "grown", "above bare"]
        rows = []
        for name, values in mib.items():
            figures = [*values, values[-1] - values[0], values[-1] - mib[contestants.BARE][-1]]
            rows.append([name, *(f"{value:.2f}" for value in figures)])
        table.show(f"{what} resident MiB after a number of events, {runs} processes each", header, rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
