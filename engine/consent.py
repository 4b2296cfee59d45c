"""Consent: whose movement may be used for what, and until when (PRIVACY.md 1 and 16).

A stream that shows a person live starts closed: nothing of it is processed, kept or sent until consent is granted.
Recordings and made-up performers are never guarded: whoever recorded them answered for that. Pure but for a lock, so
that a revocation can come from any thread and holds from the moment it returns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from .clock import NS_PER_S, Clock
from .control import ALL_PURPOSES, ConsentGrant, check_name, check_purposes
from .errors import ControlError, InputError

RECOGNISE: Final = "recognise"
SIGNATURE: Final = "signature"
RECORD: Final = "record"
STREAM: Final = "stream"
MAX_STREAMS: Final = 256  # names remembered of streams that were guarded; poses of further ones are dropped


@dataclass(frozen=True, slots=True)
class Grant:
    """Hold one consent: the subject who gave it, for which purposes, and until when (None: until it is revoked)."""

    subject: str
    purposes: frozenset[str]
    until_ns: int | None


class Consent:
    """Know which streams are guarded and what was granted for them; a grant for None holds for every stream.

    on_change: told of each grant and revocation, with its stream and purposes, and of the human stop, for an audit
    trail.
    """

    def __init__(self, clock: Clock, *, on_change: Callable[[str, Mapping[str, str]], None] | None = None) -> None:
        self._clock = clock
        self._on_change = on_change
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Close everything."""
        self._guarded: frozenset[str] = frozenset()
        self._grants: dict[str | None, Grant] = {}

    def guard(self, stream: str) -> bool:
        """Close a stream unless consent was granted: a person is in it; return whether she may be let in now."""
        if stream not in self._guarded:
            with self._lock:
                if len(self._guarded) >= MAX_STREAMS:
                    return False
                self._guarded |= {stream}
        return self.admits(stream)

    def grant(self, asked: ConsentGrant) -> None:
        """Open the stream named, or all, for the purposes named; a later grant for it takes the place of this one."""
        until_ns = None if asked.seconds is None else self._clock.now_ns() + round(asked.seconds * NS_PER_S)
        with self._lock:
            self._grants = self._grants | {asked.stream: Grant(asked.subject, frozenset(asked.purposes), until_ns)}
        seconds = "" if asked.seconds is None else f"{asked.seconds:.0f}"
        self._note("granted", asked.stream, purposes=", ".join(asked.purposes), seconds=seconds)

    def revoke(self, stream: str | None) -> tuple[str, ...]:
        """Close a stream, or all for None; return the guarded streams that are closed by it."""
        closed = self._close(stream)
        self._note("revoked", stream)
        return closed

    def note_stop(self) -> None:
        """Put on record that somebody stopped everything; what is granted stays as it is, for nothing leaves."""
        if self._on_change is not None:
            self._on_change("human stop", {})

    def _close(self, stream: str | None) -> tuple[str, ...]:
        with self._lock:
            held = self._grants
            if stream is None:
                self._grants = {}
                return tuple(sorted(self._guarded))
            # Consent given for all holds on for the others: each of them keeps what she has.
            everybody = held.get(None)
            others = {} if everybody is None else {s: held.get(s, everybody) for s in self._guarded}
            named = {name: grant for name, grant in held.items() if name is not None}
            self._grants = {name: grant for name, grant in (others | named).items() if name != stream}
            return (stream,)

    def allows(self, stream: str, purpose: str) -> bool:
        """Tell whether a stream may be used for a purpose now."""
        if stream not in self._guarded:
            return True
        grant = self._grant_of(stream)
        return grant is not None and purpose in grant.purposes

    def admits(self, stream: str) -> bool:
        """Tell whether a stream may be used for anything now."""
        return stream not in self._guarded or self._grant_of(stream) is not None

    def is_guarded(self, stream: str) -> bool:
        """Tell whether a stream shows a person live."""
        return stream in self._guarded

    def grants(self) -> dict[str | None, Grant]:
        """Return what is granted, by stream."""
        return dict(self._grants)

    def _note(self, what: str, stream: str | None, **of: str) -> None:
        if self._on_change is not None:
            self._on_change(f"consent {what}", {"stream": stream or "all"} | of)

    def _grant_of(self, stream: str) -> Grant | None:
        grants = self._grants
        grant = grants.get(stream) or grants.get(None)
        if grant is None or (grant.until_ns is not None and self._clock.now_ns() >= grant.until_ns):
            return None
        return grant


def read_grant(text: str) -> ConsentGrant:
    """Read `[STREAM=]NAME[:PURPOSE,PURPOSE...[:MINUTES]]` of the command line; raises InputError."""
    stream, equals, rest = text.rpartition("=")
    name, _, more = rest.partition(":")
    purposes, _, minutes = more.partition(":")
    try:
        return ConsentGrant(
            check_name(name, "a name"),
            check_name(stream, "a stream") if equals else None,
            check_purposes(_words(purposes)) if purposes else ALL_PURPOSES,
            _seconds(minutes),
        )
    except ControlError as error:
        raise InputError(
            f"--consent {text}", str(error), mend="such as anna, anna:recognise,stream or webcam-0=anna:stream:30"
        ) from None


def _words(text: str) -> Iterable[str]:
    return tuple(each.strip() for each in text.split(","))


def _seconds(minutes: str) -> float | None:
    if not minutes:
        return None
    try:
        seconds = 60.0 * float(minutes)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < float("inf"):
        raise ControlError("minutes are a number above 0")
    return seconds
