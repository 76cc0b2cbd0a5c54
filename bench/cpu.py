"""Processor time of warm events, and which parts of the binary a create spends it in.

Called by bench/run: RUNS TARGET SERVICE PROFILED
PROFILED is create-sip-trunk with its names in it; EVENTS of its creates are sampled.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import contestants
import events
import stacks
import table
from proxy import Line
from runtime_api import Function
from service import Service

OURS = "create-sip-trunk"
PAGE = 50

# In each process, after the first few.
EVENTS, WARM_UP = 1000, 20

# Samples in a second.
FREQUENCY = 4999


def main(runs, target, service, profiled):
    target = Path(target)
    with Service(service, target) as local, Line(local, tls_in=target) as line:
        environment, asked = local.deployed_environment(line), questions(local)
        names = [OURS, "get-sip-trunk", "list-sip-trunks", contestants.BARE]
        entrants = [contestants.binary(target, name, environment) for name in names]
        entrants += [peer for peer in contestants.peers(target, environment) if peer.name == "go" and peer.is_built()]
        samples = contestants.alternate(
            entrants, int(runs), lambda entrant, log: per_event(entrant, log, asked[entrant.name]), target
        )
        show(samples, int(runs))
        profile(contestants.Contestant(OURS, [profiled], environment), target, asked[OURS])


@dataclass
class Question:
    """The event that its sender calls by this name, and the status of the answer."""

    event: object
    status: int


def questions(local):
    api_key = local.ready["api_key"]
    trunk_id = local.create_trunk(api_key)
    create = Question(lambda name: events.create(api_key, idempotency_key=name), 201)
    return {
        OURS: create,
        "go": create,
        "get-sip-trunk": Question(lambda _: events.get(api_key, trunk_id), 200),
        "list-sip-trunks": Question(lambda _: events.list_page(api_key, PAGE), 200),
        contestants.BARE: Question(create.event, 200),
    }


def ask(function, question, times):
    for _ in range(times):
        events.body(function.answer(question.event(f"bench-{time.monotonic_ns()}")), question.status)


def per_event(entrant, log, question):
    """Milliseconds of processor time."""
    with Function(entrant.command, entrant.environment, log) as function:
        ask(function, question, WARM_UP)
        before = function.cpu_ns()
        ask(function, question, EVENTS)
        return (function.cpu_ns() - before) / EVENTS / 1e6


def show(samples, runs):
    rows = []
    bare, _, _ = table.figures(samples[contestants.BARE])
    for name, taken in samples.items():
        middle, low, high = table.figures(taken)
        rows.append([name, f"{middle:.3f}", f"{low:.3f}", f"{high:.3f}", f"{middle - bare:.3f}"])
    title = f"Processor ms of one warm event, by TLS: {EVENTS:,} events in each of {runs} processes"
    table.show(title, ["function", "median", "p10", "p90", "above bare"], rows)


def profile(entrant, target, question):
    data, graph = target / "bench" / "create.perf", target / "bench" / "create.svg"
    with Function(entrant.command, entrant.environment, contestants.log(target)) as function:
        ask(function, question, WARM_UP)
        # By frame pointers; by a timer, which virtual machines have too.
        options = ["-q", "-e", "cpu-clock", "-F", str(FREQUENCY), "-g"]
        perf = subprocess.Popen(["perf", "record", *options, "-o", data, "-p", str(function.pid)])
        ask(function, question, EVENTS)
        perf.terminate()
        perf.wait()
    sampled = stacks.read(data)
    rows = [[group, f"{share:.1%}"] for group, share in stacks.shares(sampled)]
    table.show(f"Where a warm create's processor time goes: {sum(sampled.values()):,} samples", ["part", "share"], rows)
    graph.write_text(stacks.flame_graph(sampled))
    print(f"\nFlame graph: {graph}")


if __name__ == "__main__":
    main(*sys.argv[1:])
