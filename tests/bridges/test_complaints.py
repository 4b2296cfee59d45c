"""Trouble during a show is told on standard error, in plain lines that do not flood."""

from __future__ import annotations

import io
import time

from emotus.bridges.complaints import KINDS, ComplaintsBridge, line
from emotus.engine.clock import NS_PER_S, MonotonicClock
from emotus.engine.events import StatusEvent


def _status(t_s: float, code: str = "late", level: str = "warning", stream: str = "anna") -> StatusEvent:
    return StatusEvent(stream, 0, round(t_s * NS_PER_S), level, code, "poses come\n too late")  # type: ignore[arg-type]


def _told(*events: StatusEvent) -> list[str]:
    out = io.StringIO()
    bridge = ComplaintsBridge(out, clock=MonotonicClock())
    bridge.start()
    for event in events:
        bridge.send(event)
    bridge.close()
    deadline = time.monotonic() + 20
    while bridge.stats().waiting and time.monotonic() < deadline:
        time.sleep(0.01)
    return out.getvalue().splitlines()


def test_a_warning_is_one_line_that_names_whom_it_is_about():
    """What is merely news is not told here; the engine's own trouble names itself."""
    assert _told(_status(1.0), _status(1.0, level="info")) == ["emotus: anna: poses come too late"]
    assert _told(_status(1.0, "lost", "error")) == []  # the summary of the run says so
    assert line(StatusEvent("bridges", 0, 0, "warning", "bridge-failing", "osc:x: gone")) == "emotus: osc:x: gone"
    assert line(StatusEvent("anna", 0, 0, "warning", "consent", "anna: has ended")) == "emotus: anna: has ended"


def test_the_same_trouble_is_told_once_in_ten_seconds():
    """Another kind, or the same of somebody else, is told at once."""
    told = _told(_status(1.0), _status(2.0), _status(2.0, "stale"), _status(2.0, stream="ben"), _status(11.5))
    assert len(told) == 4


def test_it_remembers_no_more_kinds_than_it_says():
    """However many names come by, what is remembered of them is bounded."""
    bridge = ComplaintsBridge(io.StringIO(), clock=MonotonicClock())
    for k in range(3 * KINDS):
        bridge._deliver([_status(1.0, stream=f"stream {k}")])
    assert len(bridge._said_ns) == KINDS


def test_nobody_reading_standard_error_stops_nothing():
    """A closed pipe is counted."""
    out = io.StringIO()
    out.close()
    bridge = ComplaintsBridge(out, clock=MonotonicClock())
    bridge.start()
    bridge.send(_status(1.0))
    bridge.close()
    stats = bridge.stats()
    assert stats.errors == 1
    assert stats.received == stats.sent + stats.dropped
