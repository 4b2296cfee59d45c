"""The peer of bench_engine.py: timeflux 0.17.2, source -> Window(64, step=1) -> sink, one frame a cycle.

Runs in .venv-peers (`make bench-peers`), because timeflux needs numpy < 2. Reads a number of frames a line from
standard input, answers each line with the nanoseconds of every cycle as a JSON list.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from timeflux.core.node import Node
from timeflux.core.scheduler import Scheduler
from timeflux.core.worker import Worker

COLUMNS = 63  # 21 joints, three coordinates: the same body as ours
WINDOW = 64
RATE_HZ = 30
GRAPH = {
    "id": "peer",
    "rate": RATE_HZ,
    "nodes": [
        {"id": "source", "module": "peer_timeflux", "class": "Source", "params": {}},
        {
            "id": "window",
            "module": "timeflux.nodes.window",
            "class": "Window",
            "params": {"length": WINDOW, "step": 1, "index": "sample"},
        },
        {"id": "sink", "module": "peer_timeflux", "class": "Sink", "params": {}},
    ],
    "edges": [{"source": "source", "target": "window"}, {"source": "window", "target": "sink"}],
}


class Source(Node):
    """Give one frame a cycle."""

    def __init__(self) -> None:
        self._rows = np.random.default_rng(0).normal(size=(1024, 1, COLUMNS))  # (frames, 1, 63)
        self._names = [str(i) for i in range(COLUMNS)]
        self._start = np.datetime64(0, "us")
        self._count = 0

    def update(self) -> None:
        """Put the next frame on the output port, stamped by a 30 Hz clock."""
        stamp = self._start + np.timedelta64(self._count * 1_000_000 // RATE_HZ, "us")
        self.o.set(self._rows[self._count % 1024], np.array([stamp]), self._names)
        self._count += 1


class Sink(Node):
    """Take the window, as an analysis would."""

    def update(self) -> None:
        """Look at what came."""
        if self.i.ready() and len(self.i.data) != WINDOW:
            raise ValueError(f"a window of {len(self.i.data)} rows, not {WINDOW}")


def cycles(scheduler: Scheduler, count: int) -> list[int]:
    """Run the graph count times; return the nanoseconds of each."""
    spent = []
    for _ in range(count):
        start = time.perf_counter_ns()
        scheduler.next()
        spent.append(time.perf_counter_ns() - start)
    return spent


def main() -> None:
    """Answer lines until standard input ends."""
    path, nodes = Worker(GRAPH).load()
    scheduler = Scheduler(path, nodes, RATE_HZ)
    for line in sys.stdin:
        print(json.dumps(cycles(scheduler, int(line))), flush=True)


if __name__ == "__main__":
    main()
