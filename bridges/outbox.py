"""The outbox: the events that a bridge has been given and not yet passed on, bounded and counted."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ..engine.clock import NS_PER_MS, Clock
from ..engine.events import Event
from ..engine.streams import STREAMS
from .base import BridgeStats

# A recording read as fast as it goes waits for bridges that hold 512 events (engine/runner.py): room for a burst more.
CAPACITY = 2048


@dataclass(frozen=True, slots=True)
class Waiting:
    """Hold an event and the monotonic nanosecond at which it was given to the bridge."""

    event: Event
    since_ns: int


class Outbox:
    """Hold at most `capacity` events between the engine's thread and a bridge's own.

    When full, the oldest event that may be dropped (`engine.streams`) falls out and is counted; one that must be kept
    falls out only when nothing else is there. Every event is settled once: received == sent + dropped + waiting.
    """

    def __init__(self, clock: Clock, *, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self._clock = clock
        self._changed = threading.Condition()
        self._items: deque[Waiting] = deque()
        self._open = self._abandoned = False
        self._received = self._sent = self._dropped = self._errors = 0
        self.problem = ""  # what is wrong with the bridge, for its stats; written by its own thread

    @property
    def is_open(self) -> bool:
        """Tell whether events are taken in."""
        return self._open

    def open(self) -> None:
        """Begin to take events in."""
        self._open, self._abandoned = True, False

    def put(self, event: Event) -> bool:
        """Take one event in, without waiting; return whether the outbox was empty before."""
        with self._changed:
            self._received += 1
            if not self._open:
                self._dropped += 1
                return False
            was_empty = not self._items
            if len(self._items) >= self.capacity:
                self._make_room()
            self._items.append(Waiting(event, self._clock.now_ns()))
            self._changed.notify()
            return was_empty

    def wait(self, timeout_s: float) -> None:
        """Return when something waits, when the outbox is shut, or after timeout_s."""
        with self._changed:
            if self._open and not self._items:
                self._changed.wait(timeout_s)

    def take(self, timeout_s: float = 0.0) -> list[Waiting]:
        """Return all that waits, oldest first, after waiting up to timeout_s for the first."""
        if timeout_s > 0:
            self.wait(timeout_s)
        with self._changed:
            items = list(self._items)
            self._items.clear()
            return items

    def forget(self, stream: str | None) -> None:
        """Drop and count what waits of a stream, or of all for None."""
        with self._changed:
            kept = [item for item in self._items if stream is not None and item.event.stream != stream]
            self._dropped += len(self._items) - len(kept)
            self._items = deque(kept)

    def settle(self, *, sent: int = 0, dropped: int = 0, errors: int = 0) -> None:
        """Count events that were taken: passed on, given up, and the errors met on the way."""
        with self._changed:
            self._errors += errors
            if not self._abandoned:
                self._sent += sent
                self._dropped += dropped

    def shut(self) -> None:
        """Take no more in and wake who waits; what is here can still be taken."""
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def abandon(self) -> None:
        """Drop and count all that was received and never settled: nobody will take it any more."""
        with self._changed:
            self._items.clear()
            self._abandoned = True
            self._dropped = self._received - self._sent

    def stats(self, clients: int = 0) -> BridgeStats:
        """Return the counts."""
        with self._changed:
            waiting = self._received - self._sent - self._dropped
            counts = (self._received, self._sent, self._dropped, waiting, self._errors, clients)
            return BridgeStats(*counts, problem=self.problem)

    def _make_room(self) -> None:
        """Drop the oldest event that may be dropped, or the oldest of all."""
        for i, item in enumerate(self._items):
            if is_droppable(item.event):
                del self._items[i]
                break
        else:
            self._items.popleft()
        self._dropped += 1


def is_droppable(event: Event) -> bool:
    """Tell whether a newer event of the same stream and type makes this one worthless."""
    return STREAMS[event.type].drop == "latest-wins"


def fresh(waiting: Sequence[Waiting], now_ns: int) -> list[Event]:
    """Return the events, less those older than their latency budget that a newer one of stream and type overtook."""
    newest_first: list[Event] = []
    seen: set[tuple[str, str]] = set()
    for item in reversed(waiting):
        key = (item.event.stream, item.event.type)
        budget_ns = STREAMS[item.event.type].budget_ms * NS_PER_MS
        if not (key in seen and is_droppable(item.event) and now_ns - item.since_ns > budget_ns):
            newest_first.append(item.event)
        seen.add(key)
    return newest_first[::-1]
