"""What changes with the sensors while a show runs: told as status events, so that nobody has to look for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from .clock import NS_PER_MS
from .events import StatusEvent
from .notices import Notices
from .ports import Source

_EVERY_NS: Final = 100 * NS_PER_MS
_FIGURES: Final = re.compile(r"\d[\d.,]*")


class SourceNews:
    """Look at the sensors ten times a second, and say when one falls silent, comes again or has something to say.

    What a sensor says when it is opened is known already. Figures in its message may change without being news. Once a
    second at most for each sensor and state; a sensor that has ended has no news.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = [(source, Notices("sensors")) for source in sources]
        self.reset()

    def reset(self) -> None:
        """Take the next look as the first."""
        self._known: list[tuple[str, str]] | None = None
        self._due_ns: int | None = None
        for _, notices in self._sources:
            notices.reset()

    def look(self, now_ns: int) -> list[StatusEvent]:
        """Return the news since the last look; nothing where that was less than a tenth of a second ago."""
        if self._due_ns is not None and now_ns < self._due_ns:
            return []
        self._due_ns = now_ns + _EVERY_NS
        healths = [source.health() for source, _ in self._sources]
        fresh = [(health.state, _FIGURES.sub("#", health.message)) for health in healths]
        known, self._known = self._known or fresh, fresh
        news: list[StatusEvent] = []
        for (_, notices), health, before, now in zip(self._sources, healths, known, fresh, strict=True):
            if before != now and health.message and health.state != "ended" and before[0] != "closed":
                level = "info" if health.state == "live" else "warning"
                first = health.message.partition("\n")[0]
                news += notices.say(level, f"sensor-{health.state}", first, now_ns)
        return news
