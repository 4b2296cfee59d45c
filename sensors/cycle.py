"""Tell where a frame ends in a stream that sends one thing a message: bones one by one, trackers one by one."""

from __future__ import annotations

from collections import deque
from typing import Final

_REMEMBERED: Final = 8  # cycles: a thing that was in none of them is no longer waited for


class Cycle:
    """Know which things of the present frame were heard, and which are to be expected, as bits of whole numbers.

    A frame is whole as soon as everything has come that came in one of the last cycles, so that nobody waits for the
    next frame to see the end of this one. What is lost on the way makes its frame end with the next tick, or with the
    first thing that comes again; after some cycles without it, it is no longer expected.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.heard = 0
        self.t_ns = 0
        self._given = False
        self.expected = 0
        self._past: deque[int] = deque(maxlen=_REMEMBERED)

    def add(self, things: int, t_ns: int) -> bool:
        """Hear things at t_ns; return True when the frame is whole with them, which it is once."""
        if things and not self.heard:
            self.t_ns = t_ns
        self.heard |= things
        if self._given or not self.expected or self.expected & ~self.heard:
            return False
        self._given = True
        return True

    @property
    def unfinished(self) -> bool:
        """Tell whether something was heard of a frame that was not whole yet."""
        return bool(self.heard) and not self._given

    def turn(self) -> None:
        """Begin the next frame."""
        if not self.heard:
            return
        self._past.append(self.heard)
        self.expected = 0
        for heard in self._past:
            self.expected |= heard
        self.heard = 0
        self._given = False
