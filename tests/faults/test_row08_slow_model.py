"""FAULTS.md 3, row 8: a network three times slower than the sensor, and other programs that take every core."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from faults.checker import Invariants, check_counts
from faults.figures import figure
from faults.stand_in import WindowReader

from emotus.engine.clock import MonotonicClock
from emotus.engine.events import EmotionEvent, Event
from emotus.engine.pipeline import Engine
from emotus.engine.runner import Runner
from emotus.sensors.synthetic import SyntheticSensor

SECONDS = float(os.environ.get("EMOTUS_SLOW_S", "3"))
STRIDE_MS = 1000 / 30
STEP_S = 3 * STRIDE_MS / 1000
FOR_EVER_MS = 1000.0  # what no machine, however busy, may come near to: a queue that grows passes it within seconds


class SlowReader(WindowReader):
    """Take three strides for each answer."""

    def step(self, frame, evidence):
        """Answer late."""
        time.sleep(STEP_S)
        return super().step(frame, evidence)


class Watcher(Invariants):
    """Note how old each answer is when it leaves."""

    def __init__(self) -> None:
        super().__init__(strict_seq=True)
        self.ages_ms: list[float] = []

    def see(self, event: Event) -> None:
        """Check one event."""
        super().see(event)
        if isinstance(event, EmotionEvent) and event.confidence > 0:
            self.ages_ms.append(event.latency_ms)


@contextlib.contextmanager
def hogs(count: int) -> Iterator[None]:
    """Let so many other processes do nothing but take the processor."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for each in busy:
            each.kill()
        for each in busy:
            each.wait(10)


@pytest.mark.parametrize(
    ("what", "reader", "others"),
    [
        ("a network three times too slow", SlowReader, 0),
        ("every core taken by others", WindowReader, os.cpu_count() or 1),
        ("both", SlowReader, os.cpu_count() or 1),
    ],
)
def test_answers_never_grow_old(what, reader, others):
    """However long it goes on an answer is as young as at first; frames left out are counted, and nothing queues."""
    clock, watcher = MonotonicClock(), Watcher()
    engine = Engine(reader(), clock)
    runner = Runner([SyntheticSensor("tour", clock=clock, stream="anna")], engine, [watcher], clock)
    threads = threading.active_count()
    with hogs(others):
        summary = runner.run(SECONDS)
    counts = summary.counters["anna"]
    check_counts(counts)
    own_ms = 1000 * STEP_S if reader is SlowReader else 0.0
    ages = np.array(watcher.ages_ms) - own_ms  # the answer's own making is no waiting
    half = len(ages) // 2
    figure(8, f"{what}: age of the newest answer beyond its own making, p99", np.percentile(ages, 99), 67, "ms")
    figure(8, f"{what}: oldest answer beyond its own making", ages.max(), None, "ms")
    figure(
        8,
        f"{what}: second half older than the first, median",
        np.median(ages[half:]) - np.median(ages[:half]),
        67,
        "ms",
    )
    figure(8, f"{what}: frames left out and counted", counts["late"] + summary.inbox.dropped, None)
    assert watcher.violations == []
    assert ages.max() < FOR_EVER_MS
    assert abs(np.median(ages[half:]) - np.median(ages[:half])) < 200
    assert counts["frames"] == counts["recognised"] + counts["late"]
    assert threading.active_count() <= threads
    if reader is SlowReader:
        assert counts["late"] > counts["recognised"]
