"""The terminal bridge: one plain line a second and performer, for whoever has no browser at hand."""

from __future__ import annotations

import sys
import threading
from typing import TextIO

from ..engine.clock import NS_PER_S
from ..engine.events import EmotionEvent, Event
from .base import BridgeStats

BAR_CELLS = 20


class TerminalBridge:
    """Write the latest emotion of each performer to a text stream once every period_s of stream time."""

    def __init__(self, out: TextIO | None = None, *, period_s: float = 1.0) -> None:
        self._out = out
        self._period_ns = round(period_s * NS_PER_S)
        self._next_ns: dict[str, int] = {}
        self._open = False
        self._lock = threading.Lock()
        self._received = self._sent = self._errors = 0

    def start(self) -> None:
        """Begin to write."""
        self._open = True

    def send(self, event: Event) -> None:
        """Write a line when the performer's second is over; other events are only counted."""
        with self._lock:
            self._received += 1
            if self._open and isinstance(event, EmotionEvent) and event.t_ns >= self._next_ns.get(event.stream, 0):
                self._next_ns[event.stream] = event.t_ns + self._period_ns
                self._write(line(event))

    def _write(self, text: str) -> None:
        try:
            print(text, file=self._out or sys.stderr, flush=True)
            self._sent += 1
        except OSError:
            self._errors += 1
            self._open = False

    def forget(self, stream: str | None) -> None:
        """Drop what is remembered of a stream, or of all for None; nothing ever waits here."""
        with self._lock:
            for name in tuple(self._next_ns) if stream is None else (stream,):
                self._next_ns.pop(name, None)

    def close(self) -> None:
        """Write no more."""
        self._open = False

    def stats(self) -> BridgeStats:
        """Return the counts; what was not due counts as dropped."""
        with self._lock:
            dropped = self._received - self._sent
            return BridgeStats(self._received, self._sent, dropped, 0, self._errors)


def line(event: EmotionEvent) -> str:
    """Return one line: bar, label, confidence, valence and arousal."""
    filled = round(event.confidence * BAR_CELLS)
    bar = "#" * filled + "." * (BAR_CELLS - filled)
    return (
        f"{event.stream}  apparent expression: {event.label:<8} [{bar}] {event.confidence:4.2f}"
        f"  valence {event.valence:+.2f}  arousal {event.arousal:+.2f}  {event.latency_ms:.1f} ms"
    )
