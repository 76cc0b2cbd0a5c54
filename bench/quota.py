"""A share of the processor, as a control group of Linux gives it."""

import os
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PERIOD_US = 20_000


class Share:
    """A control group, as long as the `with` block is, whose processes get `share` of one processor, all together."""

    def __init__(self, share):
        self.unified = (ROOT / "cgroup.controllers").exists()
        self.path = (ROOT if self.unified else ROOT / "cpu") / f"trunkline-bench-{os.getpid()}"
        # Less than a millisecond is not taken.
        self.quota_us = max(1000, round(share * PERIOD_US))

    def __enter__(self):
        if self.unified:
            (ROOT / "cgroup.subtree_control").write_text("+cpu")
        self.path.mkdir()
        if self.unified:
            (self.path / "cpu.max").write_text(f"{self.quota_us} {PERIOD_US}")
        else:
            (self.path / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (self.path / "cpu.cfs_quota_us").write_text(str(self.quota_us))
        return self

    def __exit__(self, *_):
        self.path.rmdir()

    def take(self, pid):
        """Throttles a process from now on."""
        (self.path / "cgroup.procs").write_text(str(pid))

    def starting(self, command):
        """A command that is throttled from its start, and stops before that: to change its group takes a process ten
        milliseconds and more."""
        enter = 'echo $$ > "$0" && kill -STOP $$ && exec "$@"'
        return ["/bin/sh", "-c", enter, str(self.path / "cgroup.procs"), *command]
