"""The JSON Lines bridge: every event as one line of wire version 1, in a file or on standard output."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from ..engine.clock import Clock
from ..engine.errors import WireError
from ..engine.events import Event
from . import wire
from .base import BridgeStats
from .courier import CLOSE_S, Courier
from .line_file import LineFile
from .outbox import Outbox


class JsonlBridge:
    """Append events to a file, or write them to standard output where path is "-".

    Lines are written whole and within milliseconds. While the disk is full, events are dropped and counted, and
    writing resumes when there is space. When the reader of a pipe goes away, the bridge falls silent and counts what
    it can no longer pass on.
    """

    def __init__(self, path: str, *, clock: Clock) -> None:
        self._path = path
        self._uri = f"jsonl:{path}"
        self._outbox = Outbox(clock)
        self._courier: Courier | None = None
        self._file: LineFile | None = None
        self._is_broken = False
        self._lock = threading.Lock()
        self._to_erase: set[str] = set()

    def start(self) -> None:
        """Open the file; raise UriError where it cannot be written."""
        if self._courier is not None:
            return
        self._file = LineFile(self._uri, self._path)
        self._is_broken = False
        self._courier = Courier(self._outbox, self._deliver, name=self._uri, on_beat=self._beat)
        self._courier.start()

    def send(self, event: Event) -> None:
        """Take one event."""
        self._outbox.put(event)

    def forget(self, stream: str | None) -> None:
        """Drop what waits of a stream, or of all for None."""
        if self._courier is not None:
            self._courier.forget(stream)

    def erase(self, stream: str) -> None:
        """Drop what waits of a stream, and take its lines of this run out of the file, in the courier's own time."""
        self.forget(stream)
        with self._lock:
            self._to_erase.add(stream)

    def close(self) -> None:
        """Write what is left, for less than a second, and close the file."""
        courier, self._courier = self._courier, None
        if courier is None or self._file is None:
            return
        self._file.finish_within(CLOSE_S / 2)
        if courier.stop():
            self._erase()
            self._file.close()

    def stats(self) -> BridgeStats:
        """Return the counts; errors are failed writes and events that could not be encoded."""
        return replace(self._outbox.stats(), gone=self._is_broken)

    def _beat(self) -> None:
        errors = self._erase()
        if errors:
            self._outbox.settle(errors=errors)

    def _erase(self) -> int:
        """Take the lines of who revoked out of the file; return the errors met, after which it is tried again."""
        with self._lock:
            gone, self._to_erase = self._to_erase, set()
        if not gone or self._file is None:
            return 0
        try:
            self._file.erase(gone)
        except OSError:
            with self._lock:
                self._to_erase |= gone
            return 1
        return 0

    def _deliver(self, events: Sequence[Event]) -> tuple[int, int]:
        """Write the events' lines; return how many were written and how many errors were met."""
        self._erase()  # what comes now is of whoever consents now
        if self._file is None or self._is_broken:
            return 0, 0
        lines, errors = _lines(events)
        written = 0
        for block in self._file.blocks(lines):
            try:
                self._file.write(block)
            except OSError as error:
                self._is_broken = isinstance(error, BrokenPipeError)
                return written, errors + 1
            written += len(block)
        return written, errors


def _lines(events: Sequence[Event]) -> tuple[list[bytes], int]:
    """Encode events; return their lines and how many had none."""
    lines: list[bytes] = []
    for event in events:
        try:
            lines.append(wire.to_json(event) + b"\n")
        except WireError:
            continue
    return lines, len(events) - len(lines)
