"""Lateness: a sensor's own latency is not lateness, a queue is."""

from __future__ import annotations

from emotus.engine.clock import NS_PER_MS, NS_PER_S
from emotus.engine.lateness import Lateness

MS = NS_PER_MS


def test_a_latency_that_never_changes_is_not_lateness():
    """Poses that always come 200 ms after their capture are never behind, even with a clock that drifts by 200 ppm."""
    late = Lateness()
    behind = [late.behind_ns(t, t + 200 * MS + t // 5000) for t in range(0, 600 * NS_PER_S, 33 * MS)]
    assert max(behind) <= 60 * NS_PER_S // 5000 + MS


def test_what_queues_is_late():
    """A pose that waited 300 ms more than others is 300 ms behind; the next in time is not."""
    late = Lateness()
    assert late.behind_ns(0, 100 * MS) == 0
    assert late.behind_ns(33 * MS, 433 * MS) == 300 * MS
    assert late.behind_ns(66 * MS, 166 * MS) == 0


def test_a_new_latency_becomes_usual_within_a_minute():
    """A sensor that moves to a slower link is behind at first and not for ever."""
    late = Lateness()
    for t in range(0, 10 * NS_PER_S, 33 * MS):
        late.behind_ns(t, t)
    behind = [late.behind_ns(t, t + 150 * MS) for t in range(10 * NS_PER_S, 80 * NS_PER_S, 33 * MS)]
    assert behind[0] == 150 * MS
    assert behind[-1] == 0
    late.reset()
    assert late.behind_ns(0, NS_PER_S) == 0
