"""How long an operation takes behind a delay that every system has, in multiples of it.

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
from runtime_api import Function, milliseconds
from service import Service

DELAYS_MS = [20, 50]

PAGE = 50

# What is tolerated on top of the round trips.
MARGIN = 1.10


@dataclass
class Operation:
    """What is asked of which function, how the event for a key is made, what status is right, and the goals in round
    trips: key known, key not known yet."""

    name: str
    function: str
    event: object
    status: int
    warm_goal: int
    new_key_goal: int


@dataclass
class Sample:
    """One answer, and the calls that it took."""

    ms: float
    calls: list

    @property
    def depth(self):
        """How many calls had to wait for one another."""
        depth = end = 0
        for call in sorted(self.calls, key=lambda call: call.ended):
            if call.began >= end:
                depth, end = depth + 1, call.ended
        return depth

    @property
    def outside_ms(self):
        """For how long it waited for at least one call."""
        outside = end = 0
        for call in sorted(self.calls, key=lambda call: call.began):
            outside += max(0, call.ended - max(call.began, end))
            end = max(end, call.ended)
        return milliseconds(0, outside)


def main(runs, target, service):
    target = Path(target)
    with Service(service, target) as local:
        for delay_ms in DELAYS_MS:
            with Line(local, delay_ms, traced=True) as line:
                samples = measured(int(runs), target, local, line)
            show(delay_ms, int(runs), samples)


def operations(local):
    """For each key a trunk of its own workspace is read."""
    ready = local.ready
    trunks = {key: local.create_trunk(key) for key in (ready["api_key"], ready["other_api_key"])}

    def create(direction):
        return lambda key: events.create(key, direction, f"bench-{time.monotonic_ns()}")

    creates = [
        Operation(f"create {direction}", "create-sip-trunk", create(direction), 201, 4, 5)
        for direction in ("both", "inbound", "outbound")
    ]
    get = Operation("get", "get-sip-trunk", lambda key: events.get(key, trunks[key]), 200, 1, 2)
    page = Operation("list", "list-sip-trunks", lambda key: events.list_page(key, PAGE), 200, 1, 2)
    return [*creates, get, page]


def measured(runs, target, local, line):
    """Of each operation the samples of new processes, of keys that a process did not know, and warm ones."""
    environment, asked = local.deployed_environment(line), operations(local)
    samples = {operation.name: ([], [], []) for operation in asked}
    for _ in range(runs):
        for operation in asked:
            entrant = contestants.binary(target, operation.function, environment)
            with Function(entrant.command, entrant.environment, contestants.log(target)) as function:
                function.ready()
                keys = [local.ready["api_key"], local.ready["other_api_key"], local.ready["api_key"]]
                for key, into in zip(keys, samples[operation.name]):
                    into.append(sample(function, operation, key, line))
    return {operation.name: (operation, *samples[operation.name]) for operation in asked}


def sample(function, operation, key, line):
    answer = function.answer(operation.event(key))
    events.body(answer, operation.status)
    return Sample(answer.ms, line.calls())


def show(delay_ms, runs, samples):
    times, parts = [], []
    for name, (operation, first, new_key, warm) in samples.items():
        row = [name]
        for taken, goal in ((warm, operation.warm_goal), (new_key, operation.new_key_goal), (first, None)):
            ms = median(sample.ms for sample in taken)
            row += [max(sample.depth for sample in taken), f"{ms:.1f}", f"{ms / delay_ms:.2f}"]
            row += [f"{goal * MARGIN:.1f}"] if goal else []
        times.append(row)
        held = median(sample.depth * delay_ms for sample in warm)
        outside = median(sample.outside_ms for sample in warm)
        own = median(sample.ms - sample.outside_ms for sample in warm)
        parts.append([name, f"{held:.1f}", f"{outside - held:.1f}", f"{own:.1f}"])
    header = ["operation"]
    for state in ("warm", "new key", "new process"):
        header += [f"{state} deep", "ms", "x delay", "goal"]
    title = f"Each request held for {delay_ms} ms: medians of {runs} runs"
    table.show(title, header[:-1], times)
    header = ["operation", "held ms", "systems and proxy ms", "function ms"]
    table.show(f"Where a warm answer's time goes, {delay_ms} ms", header, parts)
    name, (_, _, _, warm) = next(iter(samples.items()))
    show_calls(name, sorted(warm, key=lambda sample: sample.ms)[len(warm) // 2])


def show_calls(name, sample):
    start = min(call.began for call in sample.calls)
    rows = [
        [call.operation, f"{milliseconds(start, call.began):.1f}", f"{milliseconds(start, call.ended):.1f}"]
        for call in sorted(sample.calls, key=lambda call: call.began)
    ]
    table.show(f"The calls of a warm {name}, {sample.ms:.1f} ms", ["call", "from ms", "to ms"], rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
