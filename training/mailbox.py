"""The mailbox: where a program's loop finds the events of a run; bounded, and the newest wins where time is real."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from ..bridges.base import BridgeStats
from ..bridges.outbox import is_droppable
from ..engine.events import Event

CAPACITY: Final = 1024

Key = tuple[str, str, int]


class Mailbox:
    """Take events from the engine's thread and give them to a loop in another.

    live: of each stream and type only the newest waits, so that a slow loop hears what is, not what was; all statuses
    wait, up to capacity. Otherwise, for recordings, nothing is dropped: the engine waits for the loop instead.
    """

    def __init__(self, *, live: bool, capacity: int = CAPACITY) -> None:
        self._live = live
        self._capacity = capacity
        self._changed = threading.Condition()
        self._waiting: OrderedDict[Key, Event] = OrderedDict()
        self._wake: Callable[[], None] | None = None
        self._is_over = False
        self._received = self._sent = self._dropped = 0

    def start(self) -> None:
        """Nothing needs to be opened."""

    def send(self, event: Event) -> None:
        """Take one event."""
        with self._changed:
            self._received += 1
            replaces = self._live and is_droppable(event)
            key = (event.stream, event.type, 0 if replaces else self._received)
            if self._waiting.pop(key, None) is not None:
                self._dropped += 1
            self._make_room()
            if self._is_over:
                self._dropped += 1
                return
            self._waiting[key] = event
            self._tell()

    def take(self) -> Event | None:
        """Wait for the next event and return it; None when there will be no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_over)
            return self._first()

    def take_now(self, wake: Callable[[], None]) -> tuple[Event | None, bool]:
        """Return the next event or None, and whether there will be no more; wake is called when that changes."""
        with self._changed:
            event = self._first()
            self._wake = wake
            return event, event is None and self._is_over

    def forget(self, stream: str | None) -> None:
        """Drop what waits of a stream, or of all for None."""
        with self._changed:
            for key in [key for key in self._waiting if stream in (None, key[0])]:
                del self._waiting[key]
                self._dropped += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Take no more in; what waits can still be taken."""
        with self._changed:
            self._is_over = True
            self._tell()

    def stats(self) -> BridgeStats:
        """Return the counts; waiting is 0 for recordings, whose sender waits in `send` instead."""
        with self._changed:
            waiting = len(self._waiting)
            return BridgeStats(self._received, self._sent, self._dropped, waiting if self._live else 0)

    def _make_room(self) -> None:
        if not self._live:
            self._changed.wait_for(lambda: len(self._waiting) < self._capacity or self._is_over)
        elif len(self._waiting) >= self._capacity:
            self._waiting.popitem(last=False)
            self._dropped += 1

    def _first(self) -> Event | None:
        if not self._waiting:
            return None
        _, event = self._waiting.popitem(last=False)
        self._sent += 1
        self._changed.notify_all()
        return event

    def _tell(self) -> None:
        self._changed.notify_all()
        wake, self._wake = self._wake, None
        if wake is not None:
            wake()
