"""From the start of create-sip-trunk to its answer to a first event, alternated with the same function in other
languages, all against one local service.

Called by bench/run: RUNS TARGET SERVICE
"""

import json
import sys
from pathlib import Path

import contestants
import events
import table
from runtime_api import Broken, measure
from service import Service

OURS = "create-sip-trunk"


def main(runs, target, service):
    target = Path(target)
    with Service(service, target) as local:
        environment, event = local.environment(), events.create(local.ready["api_key"])
        entrants = [contestants.binary(target, OURS, environment), *contestants.peers(target, environment)]
        samples = contestants.alternate(entrants, int(runs), lambda entrant, log: create(entrant, log, event), target)
    show(samples, int(runs))


def create(entrant, log, event):
    sample = measure(entrant.command, entrant.environment, log, event)
    response = json.loads(sample.response)
    if response["statusCode"] != 201 or len([name for name in json.loads(response["body"]) if "livekit" in name]) != 3:
        raise Broken(f"{entrant.name}: {response}")
    return sample


def show(samples, runs):
    def middle(name, field):
        return table.figures([getattr(sample, field) for sample in samples[name]])[0]

    rows = []
    for name, taken in samples.items():
        _, low, high = table.figures([sample.response_ms for sample in taken])
        answer, cpu, kib = (middle(name, field) for field in ("response_ms", "cpu_ms", "peak_kib"))
        ours = [middle(OURS, field) for field in ("response_ms", "cpu_ms", "peak_kib")]
        rows.append(
            [name, f"{middle(name, 'ready_ms'):.2f}", f"{answer:.2f}", f"{low:.2f}", f"{high:.2f}"]
            + [f"{answer / ours[0]:.1f}", f"{cpu:.2f}", f"{cpu / ours[1]:.1f}"]
            + [f"{kib / 1024:.1f}", f"{kib / ours[2]:.1f}"]
        )
    header = ["function", "ready ms", "first answer ms", "p10", "p90", "x ours", "processor ms", "x ours"]
    header += ["peak MiB", "x ours"]
    table.show(f"From spawn to the answer to a first create, {runs} runs each, alternated", header, rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
