"""Status events that never flood: at most one a second of each code, with the ones held back counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from .clock import NS_PER_S
from .events import StatusEvent

Level = Literal["info", "warning", "error"]


class Notices:
    """Make the status events of one stream; seq rises by one with each that leaves."""

    def __init__(self, stream: str, *, pause_ns: int = NS_PER_S) -> None:
        self._stream = stream
        self._pause_ns = pause_ns
        self.reset()

    def reset(self) -> None:
        """Forget what was said."""
        self._seq = 0
        self._said: dict[str, int] = {}
        self._held: dict[str, int] = {}

    def say(
        self,
        level: Level,
        code: str,
        message: str,
        t_ns: int,
        counters: Mapping[str, int] | None = None,
    ) -> tuple[StatusEvent, ...]:
        """Return the status, or nothing when the same code was said less than a second of stream time ago."""
        last = self._said.get(code)
        if last is not None and t_ns - last < self._pause_ns:
            self._held[code] = self._held.get(code, 0) + 1
            return ()
        self._said[code] = t_ns
        held = self._held.pop(code, 0)
        text = f"{message} ({held} more since the last notice)" if held else message
        self._seq += 1
        return (StatusEvent(self._stream, self._seq - 1, t_ns, level, code, text, dict(counters or {})),)
