"""The complaints bridge: what goes wrong during a show, in plain lines on standard error, for who has no page open."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TextIO

from ..engine.clock import NS_PER_S, Clock
from ..engine.events import Event, StatusEvent
from .base import BridgeStats
from .courier import Courier
from .outbox import Outbox

PAUSE_NS: Final = 10 * NS_PER_S  # between two lines about one kind of trouble of one stream
KINDS: Final = 64  # of trouble that are remembered; the oldest is forgotten
_AT_THE_END: Final = frozenset({"lost", "engine"})  # codes of what the summary of a run tells
_ENGINE: Final = frozenset({"bridges", "engine", "sensors", ""})  # streams that are nobody


class ComplaintsBridge:
    """Write every warning and error of the engine as one line, each kind at most once in ten seconds.

    What ends a sensor is left to the summary of the run. No run goes on for the sake of its complaints: whoever reads
    them counts as gone.
    """

    def __init__(self, out: TextIO | None = None, *, clock: Clock) -> None:
        self._out = out
        self._outbox = Outbox(clock)
        self._courier: Courier | None = None
        self._said_ns: dict[tuple[str, str], int] = {}

    def start(self) -> None:
        """Begin to write."""
        if self._courier is None:
            self._courier = Courier(self._outbox, self._deliver, name="complaints")
            self._courier.start()

    def send(self, event: Event) -> None:
        """Take one event."""
        self._outbox.put(event)

    def forget(self, stream: str | None) -> None:
        """Drop what waits of a stream, or of all for None."""
        if self._courier is not None:
            self._courier.forget(stream)

    def close(self) -> None:
        """Write what is left, for less than a second."""
        courier, self._courier = self._courier, None
        if courier is not None:
            courier.stop()

    def stats(self) -> BridgeStats:
        """Return the counts; what is no complaint, or was said just now, counts as dropped."""
        return replace(self._outbox.stats(), gone=True)

    def _deliver(self, events: Sequence[Event]) -> tuple[int, int]:
        lines = [line(event) for event in events if isinstance(event, StatusEvent) and self._is_due(event)]
        if not lines:
            return 0, 0
        try:
            print("\n".join(lines), file=self._out or sys.stderr, flush=True)
        except (OSError, ValueError):  # whoever read them has gone
            return 0, len(lines)
        return len(lines), 0

    def _is_due(self, event: StatusEvent) -> bool:
        """Tell whether it is trouble, and not said within the last ten seconds."""
        if event.level == "info" or event.code in _AT_THE_END:
            return False
        kind = (event.stream, event.code)
        last = self._said_ns.get(kind)
        if last is not None and 0 <= event.t_ns - last < PAUSE_NS:
            return False
        self._said_ns.pop(kind, None)
        if len(self._said_ns) >= KINDS:
            del self._said_ns[next(iter(self._said_ns))]
        self._said_ns[kind] = event.t_ns
        return True


def line(event: StatusEvent) -> str:
    """Return one line; who it is about stands before it, unless it is the engine or the message says so itself."""
    message = " ".join(event.message.split())
    named = event.stream in _ENGINE or message.startswith(event.stream)
    return f"emotus: {message}" if named else f"emotus: {event.stream}: {message}"
