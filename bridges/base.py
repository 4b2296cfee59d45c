"""What every bridge is: a receiver of events that passes them on and never holds the engine up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..engine.events import Event


@dataclass(frozen=True, slots=True)
class BridgeStats:
    """Count the events given to a bridge: received == sent + dropped + waiting once it is idle; errors by the way.

    gone: the receiver has gone for good (the far end of a pipe, closed), and nothing more can be passed on.
    problem: what is wrong with the bridge just now, in one line that names it; empty while all is well.
    """

    received: int = 0
    sent: int = 0
    dropped: int = 0
    waiting: int = 0
    errors: int = 0
    clients: int = 0
    gone: bool = False
    problem: str = ""


class Bridge(Protocol):
    """Pass events on in one protocol."""

    def start(self) -> None:
        """Open sockets and threads; raise an EmotusError naming place and mend when impossible (a port in use)."""
        ...

    def send(self, event: Event) -> None:
        """Take one event without blocking and without raising; what cannot be passed on is dropped and counted."""
        ...

    def close(self) -> None:
        """Stop within a second and free everything; harmless when repeated or never started."""
        ...

    def stats(self) -> BridgeStats:
        """Return the counts; safe from any thread."""
        ...
