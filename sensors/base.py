"""What every sensor is: a source of poses that can be opened, read, asked for its health and closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ..engine.pose import Pose


@dataclass(frozen=True, slots=True)
class Health:
    """Tell the state of a sensor.

    state: "closed" before open and after close, "live" while poses come, "stale" while none come, "ended" when none
    will come again, "lost" when the device went away. counters: received, and dropped by reason.
    """

    state: Literal["closed", "live", "stale", "ended", "lost"]
    message: str = ""
    counters: Mapping[str, int] = field(default_factory=dict[str, int])


class Sensor(Protocol):
    """Give poses of one or more performers, each with its stream id, rising seq and rising capture time.

    A sensor that shows somebody live is kept closed by the runner until she consents; which ones play recordings
    instead is told by their scheme, in `sensors.uri.RECORDED`, so that a new scheme is guarded unless it says other.
    """

    live: bool  # False where time is the recording's own (a file read at speed 0)

    @property
    def rate_hz(self) -> float:
        """Return the poses a second of one performer, as far as they are known."""
        ...

    def open(self) -> None:
        """Start; raise an EmotusError that names the place and the mend when that is impossible."""
        ...

    def read(self) -> Pose | None:
        """Return the next pose, waiting for it at most 0.1 s; None when there is none yet, or none any more."""
        ...

    def close(self) -> None:
        """Stop and free everything; harmless when repeated or never opened."""
        ...

    def health(self) -> Health:
        """Return the present state and counters; safe from any thread."""
        ...
