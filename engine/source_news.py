"""What changes with the sensors while a show runs: told as status events, so that nobody has to look for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from .clock import NS_PER_MS
from .events import StatusEvent
from .ports import Source, SourceHealth

_EVERY_NS: Final = 100 * NS_PER_MS
_PAUSE_NS: Final = 500 * NS_PER_MS  # between two events of one sensor
_FIGURES: Final = re.compile(r"\d[\d.,]*")


class SourceNews:
    """Look at the sensors ten times a second, and say when one falls silent, comes again or has something to say.

    What a sensor says when it is opened is known already. Figures in its message may change without being news. Each
    sensor is told of at most twice a second, and then as it is; one that has ended has no news.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)
        self.reset()

    def reset(self) -> None:
        """Take the next look as the first."""
        self._said: list[tuple[str, str]] = []  # state and words of each sensor, as they were told last
        self._said_ns: list[int] = []
        self._due_ns: int | None = None
        self._seq = 0

    def look(self, now_ns: int) -> list[StatusEvent]:
        """Return the news since the last look; nothing where that was less than a tenth of a second ago."""
        if self._due_ns is not None and now_ns < self._due_ns:
            return []
        self._due_ns = now_ns + _EVERY_NS
        healths = [source.health() for source in self._sources]
        if not self._said:
            self._said = [_words(health) for health in healths]
            self._said_ns = [now_ns - _PAUSE_NS] * len(healths)
        return [news for k, health in enumerate(healths) for news in self._told(k, health, now_ns)]

    def _told(self, k: int, health: SourceHealth, now_ns: int) -> list[StatusEvent]:
        """Return what is to be told of one sensor: nothing, or how it is now."""
        words = _words(health)
        early = now_ns - self._said_ns[k] < _PAUSE_NS
        if words == self._said[k] or early or not health.message or health.state in ("ended", "closed"):
            return []
        self._said[k], self._said_ns[k] = words, now_ns
        self._seq += 1
        level = "info" if health.state == "live" else "warning"
        first = health.message.partition("\n")[0]
        return [StatusEvent("sensors", self._seq - 1, now_ns, level, f"sensor-{health.state}", first)]


def _words(health: SourceHealth) -> tuple[str, str]:
    """Return a sensor's state and its message without figures."""
    return health.state, _FIGURES.sub("#", health.message)
