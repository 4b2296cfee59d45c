"""What the runner needs of sensors and bridges, so that the engine need not know them."""

from __future__ import annotations

from typing import Protocol

from .events import Event
from .pose import Pose


class SourceHealth(Protocol):
    """Tell whether more will come, and what a person should know."""

    @property
    def state(self) -> str:
        """Return "live", "stale", "ended" or "lost"."""
        ...

    @property
    def message(self) -> str:
        """Return what a person should know: what was matched, what is wrong."""
        ...


class Source(Protocol):
    """Give poses: what a sensor is to the runner."""

    live: bool

    def open(self) -> None:
        """Start."""
        ...

    def read(self) -> Pose | None:
        """Return the next pose or None."""
        ...

    def close(self) -> None:
        """Stop."""
        ...

    def health(self) -> SourceHealth:
        """Return the state."""
        ...


class SinkStats(Protocol):
    """Tell how many events wait, and whether anybody is left to hear them."""

    @property
    def waiting(self) -> int:
        """Return the events not yet passed on."""
        ...

    @property
    def gone(self) -> bool:
        """Return whether the receiver has gone for good, so that nothing more can be passed on."""
        ...


class Sink(Protocol):
    """Take events: what a bridge is to the runner."""

    def start(self) -> None:
        """Start."""
        ...

    def send(self, event: Event) -> None:
        """Take one event."""
        ...

    def close(self) -> None:
        """Stop."""
        ...

    def stats(self) -> SinkStats:
        """Return the counts."""
        ...
