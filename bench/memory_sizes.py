"""What a create takes with the processor time that Lambda gives a function of each memory size.

Called by bench/run: RUNS TARGET SERVICE
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import contestants
import events
import table
from proxy import Line
from quota import Share
from runtime_api import Function, milliseconds
from service import Service

OURS = "create-sip-trunk"

# Of which Lambda gives one processor
# (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
WHOLE_MB = 1769
SIZES_MB = [128, 256, 512, 1024, WHOLE_MB]

# What a system within the region may take, network included: it makes waiting cost something.
DELAY_MS = 5

# After the first create, in each process: one alone may be done before its period's quota is used up.
WARM = 10


@dataclass
class Life:
    """A process: its init, its first create, the median of those after it."""

    init_ms: float
    first_ms: float
    warm_ms: float


def main(runs, target, service):
    target = Path(target)
    lives = {(size, throttled): [] for size in SIZES_MB for throttled in (False, True)}
    with Service(service, target) as local, Line(local, DELAY_MS, tls_in=target) as line:
        entrant = contestants.binary(target, OURS, local.deployed_environment(line))
        for round_ in range(int(runs) + 1):
            for (size, throttled), taken in lives.items():
                life = lived(entrant, contestants.log(target), local.ready["api_key"], size, throttled)
                if round_:
                    taken.append(life)
    show(lives, int(runs))


def lived(entrant, log, api_key, size, throttled):
    """A process that is throttled from its start, or once it is ready."""
    with Share(size / WHOLE_MB) as share:
        command = share.starting(entrant.command) if throttled else entrant.command
        with Function(command, entrant.environment, log, stops=throttled) as function:
            init_ms = milliseconds(function.started, function.ready())
            share.take(function.pid)
            first, *warm = [create(function, api_key) for _ in range(WARM + 1)]
    return Life(init_ms, first, median(warm))


def create(function, api_key):
    answer = function.answer(events.create(api_key, idempotency_key=f"bench-{time.monotonic_ns()}"))
    events.body(answer, 201)
    return answer.ms


def show(lives, runs):
    rows = []
    for (size, throttled), taken in lives.items():
        init, first, warm = (
            median(getattr(life, name) for life in taken) for name in ("init_ms", "first_ms", "warm_ms")
        )
        cold = init + first
        figures = [init, first, cold, warm, size / 1024 * cold, size / 1024 * warm]
        rows.append([size, "throttled" if throttled else "whole", *(f"{figure:.1f}" for figure in figures)])
    header = ["MB", "init", "init ms", "first create ms", "both ms", "warm create ms", "GB x ms cold", "GB x ms warm"]
    table.show(f"By memory size: each system {DELAY_MS} ms away, by TLS; medians of {runs} processes", header, rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
