"""What goes wrong with the bridges while a show runs, and when it is over: told as status events by the others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from .clock import NS_PER_MS, NS_PER_S
from .events import StatusEvent
from .ports import Sink

STREAM: Final = "bridges"
_EVERY_NS: Final = 250 * NS_PER_MS
_PAUSE_NS: Final = NS_PER_S  # between two events of one bridge
_FIGURES: Final = re.compile(r"\d[\d.,]*")


class SinkNews:
    """Look at the bridges four times a second, and say when one is in trouble and when it works again.

    A bridge's `stats().problem` is one line that names it, empty while all is well. Each bridge is told of at most
    once a second; figures in its problem may change without being news. raised: by place, what a bridge raised when it
    was last given an event, which it should never do.
    """

    def __init__(self, sinks: Sequence[Sink], raised: Mapping[int, str] | None = None) -> None:
        self._sinks = tuple(sinks)
        self._raised: Mapping[int, str] = {} if raised is None else raised
        self.reset()

    def reset(self) -> None:
        """Take every bridge to be well."""
        self._said = [""] * len(self._sinks)
        self._words = [""] * len(self._sinks)
        self._said_ns: list[int | None] = [None] * len(self._sinks)
        self._due_ns: int | None = None
        self._seq = 0

    def look(self, now_ns: int) -> list[StatusEvent]:
        """Return the news since the last look; nothing where that was less than a quarter of a second ago."""
        if self._due_ns is not None and now_ns < self._due_ns:
            return []
        self._due_ns = now_ns + _EVERY_NS
        return [
            news
            for k, sink in enumerate(self._sinks)
            for news in self._of(k, self._raised.get(k) or _problem(sink), now_ns)
        ]

    def _of(self, k: int, problem: str, now_ns: int) -> list[StatusEvent]:
        words, said_ns = _FIGURES.sub("#", problem), self._said_ns[k]
        if words == self._words[k] or (said_ns is not None and now_ns - said_ns < _PAUSE_NS):
            return []
        last, self._said[k], self._words[k], self._said_ns[k] = self._said[k], problem, words, now_ns
        self._seq += 1
        if problem:
            return [StatusEvent(STREAM, self._seq - 1, now_ns, "warning", "bridge-failing", problem)]
        return [StatusEvent(STREAM, self._seq - 1, now_ns, "info", "bridge-well", f"over: {last}")]


def _problem(sink: Sink) -> str:
    """Return what is wrong with a bridge, in one line; those that cannot tell are taken to be well."""
    return str(getattr(sink.stats(), "problem", "")).partition("\n")[0][:300]
