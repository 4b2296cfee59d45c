"""What must hold in every fault test, whatever the fault (FAULTS.md 3)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping

import numpy as np

from emotus.engine.events import EmotionEvent, Event, PoseEvent, QualitiesEvent, StatusEvent
from emotus.engine.intake import IntakeStats
from emotus.engine.pipeline import Engine
from emotus.engine.pose import Arrival, Pose


def check_stats(stats: IntakeStats) -> None:
    """Check that every received pose was passed on, is held, or was dropped for a named reason."""
    assert stats.received == stats.processed + sum(stats.dropped.values()) + stats.held.used
    assert 0 <= stats.held.used <= stats.held.capacity
    assert stats.lost >= 0


def check_counters(engine: Engine, received: int) -> dict[str, dict[str, int]]:
    """Check the same of every stream of an engine, and that they received so many in all; return the counters."""
    counters = engine.counters()
    for counts in counters.values():
        dropped = sum(n for name, n in counts.items() if name.startswith("dropped_"))
        assert counts["received"] == counts["processed"] + dropped + counts["held"]
    assert sum(counts["received"] for counts in counters.values()) + engine.refused == received
    return counters


def check_arrivals(arrivals: Iterable[Arrival]) -> None:
    """Check that poses have rising times and nothing that is not finite."""
    last_ns = None
    for arrival in arrivals:
        if isinstance(arrival, Pose):
            assert last_ns is None or arrival.t_ns > last_ns
            last_ns = arrival.t_ns
            assert _finite(arrival)


def check_events(events: Iterable[Event]) -> None:
    """Check that what leaves of each type has rising times and nothing that is not finite, in any field."""
    last_ns: dict[tuple[str, type], int] = {}
    for event in events:
        key = (event.stream, type(event))
        if not isinstance(event, StatusEvent):
            assert event.t_ns > last_ns.get(key, event.t_ns - 1), f"{key} at {event.t_ns} after {last_ns[key]}"
        last_ns[key] = event.t_ns
        assert _finite(event), event


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


def _finite(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return bool(np.isfinite(value).all())
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(_finite(each) for each in value.values())
    if dataclasses.is_dataclass(value):
        return all(_finite(getattr(value, field.name)) for field in dataclasses.fields(value))
    return True
