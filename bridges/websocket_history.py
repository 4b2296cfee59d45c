"""What a WebSocket client missed while it was away: counted for every stream and type, statuses kept to be told again.

Data is latest-wins: nothing old of it is kept, only how much there was. Each stream and type keeps the unbroken runs of
its seqs, so that the last seq a client heard says how many came after it, however long ago that was. Pure: no socket,
no clock.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..engine.events import Event
from .outbox import is_droppable

MAX_RUNS: Final = 64  # of one stream and type; a run ends where seqs jump or begin anew
MAX_KEYS: Final = 512  # streams x types
MAX_STATUSES: Final = 48  # fewer than a client may have waiting, so that telling them again cuts nobody
MAX_SESSIONS: Final = 4096

Key = tuple[str, str]


@dataclass(slots=True)
class Run:
    """Hold seqs that rose by one: first, last, and how many events there were before, of its kind and of all."""

    first: int
    last: int
    before: int
    before_all: int


@dataclass(slots=True)
class Told:
    """Count the events of one stream and type; began_all: how many there had been of all before its first."""

    began_all: int
    count: int = 0
    runs: deque[Run] = field(default_factory=lambda: deque[Run](maxlen=MAX_RUNS))

    def note(self, seq: int, before_all: int) -> None:
        """Count one event."""
        if self.runs and seq == self.runs[-1].last + 1:
            self.runs[-1].last = seq
        else:
            self.runs.append(Run(seq, seq, self.count, before_all))
        self.count += 1

    def place(self, seq: int, left_all: int) -> int | None:
        """Return how many there were up to this seq, of the events before the left_all-th of all; None if unknown."""
        for run in reversed(self.runs):
            if run.first <= seq <= run.last and run.before_all < left_all:
                return run.before + seq - run.first + 1
        return None


@dataclass(frozen=True, slots=True)
class Kept:
    """Keep a status to tell it again: its place among its kind from 1, among all from 0."""

    event: Event
    place: int
    place_all: int

    @property
    def key(self) -> Key:
        """Return its stream and type."""
        return self.event.stream, self.event.type

    def is_after(self, place: int | None, left_all: int) -> bool:
        """Tell whether it came after this place among its kind, or after so many of all where no place is known."""
        return self.place_all >= left_all if place is None else self.place > place


@dataclass(frozen=True, slots=True)
class Missed:
    """Tell what came after what a client heard last: how much of each stream and type, and the statuses to tell again.

    known: its session is one of this run. exact: every number is; otherwise seqs were named that nobody remembers.
    """

    known: bool
    exact: bool
    counts: Mapping[str, Mapping[str, int]]
    again: tuple[Event, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of the answer to `resume`."""
        return {"known": self.known, "exact": self.exact, "missed": self.counts, "replayed": len(self.again)}


class History:
    """Remember what was offered to clients, and how far that was when each of them left."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(6)
        self._opened = 0
        self.reset()

    def reset(self) -> None:
        """Forget all events and sessions."""
        self._total = 0
        self._told: dict[Key, Told] = {}
        self._statuses: deque[Kept] = deque(maxlen=MAX_STATUSES)
        self._left: dict[str, int] = {}

    def open(self) -> str:
        """Return the name of a new session: it tells who it was, and opens nothing."""
        self._opened += 1
        return f"{self._run}.{self._opened}"

    def leave(self, session: str) -> None:
        """Remember that a client went, and when; the oldest of too many is forgotten."""
        if len(self._left) >= MAX_SESSIONS:
            del self._left[next(iter(self._left))]
        self._left[session] = self._total

    def note(self, event: Event) -> None:
        """Count an event that is offered to all now."""
        key = (event.stream, event.type)
        told = self._told.get(key)
        if told is None:
            if len(self._told) >= MAX_KEYS:
                del self._told[next(iter(self._told))]
            told = self._told[key] = Told(self._total)
        told.note(event.seq, self._total)
        if not is_droppable(event):
            self._statuses.append(Kept(event, told.count, self._total))
        self._total += 1

    def forget(self, stream: str | None) -> None:
        """Drop all that is remembered of a stream, or of all for None."""
        for key in [key for key in self._told if stream in (None, key[0])]:
            del self._told[key]
        kept = [each for each in self._statuses if stream is not None and each.event.stream != stream]
        self._statuses = deque(kept, maxlen=MAX_STATUSES)

    def missed(self, session: str, seen: Mapping[str, Mapping[str, int]], wanted: Callable[[str, str], bool]) -> Missed:
        """Return what came after the last seqs that a client heard, of the streams and types that are wanted now."""
        left = self._left.pop(session, None)
        if left is None and not self._is_open(session):
            return Missed(known=False, exact=False, counts={})
        left = self._total if left is None else left
        places, exact = self._places(seen, left)
        again = [each for each in self._statuses if wanted(*each.key) and each.is_after(places.get(each.key), left)]
        counts: dict[str, dict[str, int]] = {}
        for (stream, kind), place in places.items():
            replayed = sum(each.key == (stream, kind) for each in again)
            missed = self._told[stream, kind].count - place - replayed
            if missed and wanted(stream, kind):
                counts.setdefault(stream, {})[kind] = missed
        return Missed(known=True, exact=exact, counts=counts, again=tuple(each.event for each in again))

    def _places(self, seen: Mapping[str, Mapping[str, int]], left: int) -> tuple[dict[Key, int], bool]:
        """Return how many of each kind a client has been offered up to what it heard last, and whether all is known.

        A kind that it names no seq of counts only where it began after the client had left.
        """
        places = {key: 0 for key, told in self._told.items() if told.began_all >= left}
        exact = True
        for stream, kinds in seen.items():
            for kind, seq in kinds.items():
                told = self._told.get((stream, kind))
                place = None if told is None else told.place(seq, left)
                exact = exact and place is not None
                if place is not None:
                    places[stream, kind] = place
        return places, exact

    def _is_open(self, session: str) -> bool:
        """Tell whether a session may still be open: its end has not been noticed yet, or was too long ago."""
        run, _, number = session.partition(".")
        is_number = number.isascii() and number.isdigit() and len(number) < 10
        return run == self._run and is_number and 0 < int(number) <= self._opened
