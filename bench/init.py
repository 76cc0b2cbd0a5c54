"""From the start of each function to its first request for an event, alternated, against a bare `lambda_http` function.

Called by bench/run: RUNS TARGET FUNCTION...
"""

import sys
from pathlib import Path

import binaries
import contestants
import table
from runtime_api import measure


def main(runs, target, names):
    target = Path(target)
    entrants = [contestants.binary(target, contestants.BARE, {})]
    entrants += [contestants.binary(target, name, contestants.SETTINGS) for name in names]
    samples = contestants.alternate(
        entrants, int(runs), lambda entrant, log: measure(entrant.command, entrant.environment, log), target
    )
    show(samples, int(runs))
    binaries.show(target, samples)


def show(samples, runs):
    bare_ms, _, _ = table.figures([sample.ready_ms for sample in samples[contestants.BARE]])
    rows = []
    for name, taken in samples.items():
        middle, low, high = table.figures([sample.ready_ms for sample in taken])
        mib, _, _ = table.figures([sample.peak_kib / 1024 for sample in taken])
        rows.append([name, f"{middle:.2f}", f"{low:.2f}", f"{high:.2f}", f"{middle / bare_ms:.2f}", f"{mib:.1f}"])
    header = ["function", "median ms", "p10", "p90", "x bare", "peak MiB"]
    table.show(f"From spawn to ready, {runs} runs each, alternated", header, rows)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
