"""What must hold in every fault test, whatever the fault (FAULTS.md 3): one checker for the rows and for the soak."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from emotus.engine.clock import NS_PER_S
from emotus.engine.events import EmotionEvent, Event, PoseEvent, QualitiesEvent, StatusEvent
from emotus.engine.intake import IntakeStats
from emotus.engine.pipeline import Engine
from emotus.engine.pose import Arrival, Pose

_FIGURES = re.compile(r"\d[\d.,]*")
_KEPT = 50  # violations told; of more only the number


class Invariants:
    """See events as they leave and remember what should never be: times that do not rise, numbers that are none, noise.

    A bridge to the runner, so that a whole show can be watched: nothing is kept of an event but when it was. State is
    bounded by streams and codes. `strict_seq`: the status events of a stream are numbered without a hole.
    """

    waiting, gone = 0, False

    def __init__(self, *, strict_seq: bool = False) -> None:
        self._strict_seq = strict_seq
        self._last_ns: dict[tuple[str, type], int] = {}
        self._said_ns: dict[tuple[str, str, str], int] = {}
        self._next_seq: dict[str, int] = {}
        self.events: dict[str, int] = {}
        self.said: dict[str, int] = {}
        self.violations: list[str] = []
        self.wrong = 0

    def see(self, event: Event) -> None:
        """Check one event."""
        self.events[event.type] = self.events.get(event.type, 0) + 1
        if isinstance(event, StatusEvent):
            self._status(event)
        else:
            key = (event.stream, type(event))
            if event.t_ns <= self._last_ns.get(key, event.t_ns - 1):
                self._blame(f"{event.stream} {event.type} at {event.t_ns} after {self._last_ns[key]}")
            self._last_ns[key] = event.t_ns
        if not finite(event):
            self._blame(f"not finite: {event}")

    def _status(self, event: StatusEvent) -> None:
        """Check that a fault is told at most once a second: one code of one stream, whatever its figures."""
        self.said[event.code] = self.said.get(event.code, 0) + 1
        key = (event.stream, event.code, _FIGURES.sub("#", event.message))
        last = self._said_ns.get(key)
        if last is not None and 0 <= event.t_ns - last < NS_PER_S and event.level != "info":
            self._blame(f"{key} twice within {(event.t_ns - last) / 1e9:.3f} s")
        if key in self._said_ns or len(self._said_ns) < 10_000:
            self._said_ns[key] = event.t_ns
        if self._strict_seq and event.seq != self._next_seq.get(event.stream, event.seq):
            self._blame(f"status {event.seq} of {event.stream}, {self._next_seq[event.stream]} was due")
        self._next_seq[event.stream] = event.seq + 1

    def _blame(self, what: str) -> None:
        self.wrong += 1
        if len(self.violations) < _KEPT:
            self.violations.append(what)

    def start(self) -> None:
        """Begin, as a bridge does."""

    def send(self, event: Event) -> None:
        """Take one event, as a bridge does."""
        self.see(event)

    def close(self) -> None:
        """End, as a bridge does."""

    def stats(self) -> Invariants:
        """Return itself: nothing waits and nobody has gone."""
        return self


def check_stats(stats: IntakeStats) -> None:
    """Check that every received pose was passed on, is held, or was dropped for a named reason."""
    assert stats.received == stats.processed + sum(stats.dropped.values()) + stats.held.used
    assert 0 <= stats.held.used <= stats.held.capacity
    assert stats.lost >= 0


def check_counts(counts: Mapping[str, int]) -> None:
    """Check the counters of one stream likewise."""
    dropped = sum(n for name, n in counts.items() if name.startswith("dropped_"))
    assert counts["received"] == counts.get("processed", 0) + dropped + counts.get("held", 0), dict(counts)
    assert all(n >= 0 for n in counts.values())


def check_counters(engine: Engine, received: int) -> dict[str, dict[str, int]]:
    """Check the same of every stream of an engine, and that they received so many in all; return the counters."""
    counters = engine.counters()
    for counts in counters.values():
        check_counts(counts)
    assert sum(counts["received"] for counts in counters.values()) + engine.refused == received
    return counters


def check_bridge(stats: Any) -> None:
    """Check that a bridge that has been closed settled every event it was given, once."""
    assert stats.received == stats.sent + stats.dropped + stats.waiting, stats
    assert stats.waiting == 0, stats


def check_arrivals(arrivals: Iterable[Arrival]) -> None:
    """Check that poses have rising times and nothing that is not finite."""
    last_ns = None
    for arrival in arrivals:
        if isinstance(arrival, Pose):
            assert last_ns is None or arrival.t_ns > last_ns
            last_ns = arrival.t_ns
            assert finite(arrival)


def check_events(events: Iterable[Event]) -> None:
    """Check that what leaves of each type has rising times and nothing that is not finite, and tells no fault twice."""
    invariants = Invariants()
    for event in events:
        invariants.see(event)
    assert invariants.violations == []


def check_once(events: Iterable[Event], code: str, *, times: int = 1) -> None:
    """Check that a fault was told by exactly so many status events of its code."""
    told = [event.message for event in events if isinstance(event, StatusEvent) and event.code == code]
    assert len(told) == times, told


def slope_per_hour(seconds: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of a robust line per hour: the median of the slopes between all pairs (Theil-Sen).

    One reading in four may be anything (a collection that has not run yet, a file that is being ended).
    """
    t, y = np.asarray(seconds, dtype=np.float64), np.asarray(values, dtype=np.float64)
    keep = np.linspace(0, len(t) - 1, min(len(t), 1000)).astype(int)  # (n,)
    t, y = t[keep], y[keep]
    i, j = np.triu_indices(len(t), 1)
    rising = t[j] > t[i]
    return float(np.median((y[j] - y[i])[rising] / (t[j] - t[i])[rising]) * 3600) if rising.any() else 0.0


def of(kind: type, events: Iterable[Event]) -> list:
    """Return the events of one type."""
    return [event for event in events if isinstance(event, kind)]


def same_output(a: Iterable[Event], b: Iterable[Event]) -> bool:
    """Tell whether two runs gave the same poses, qualities and emotions, to the last bit."""
    kinds = (PoseEvent, QualitiesEvent, EmotionEvent)
    return [_content(e) for e in a if isinstance(e, kinds)] == [_content(e) for e in b if isinstance(e, kinds)]


def _content(event: Event) -> tuple:
    """Return every field as plain values, without the latency, which is about arrival and not about content."""
    fields = (field.name for field in dataclasses.fields(event) if field.name != "latency_ms")
    values = [getattr(event, name) for name in fields]
    return tuple(value.tobytes() if isinstance(value, np.ndarray) else value for value in values)


def finite(value: object) -> bool:
    """Tell whether every number of an event, in any field, is finite."""
    if isinstance(value, np.ndarray):
        return bool(np.isfinite(value).all())
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(finite(each) for each in value.values())
    if dataclasses.is_dataclass(value):
        return all(finite(getattr(value, field.name)) for field in dataclasses.fields(value))
    return True
