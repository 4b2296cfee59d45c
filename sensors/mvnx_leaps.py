"""Leap from frame to frame of an MVNX file: most of its bytes are numbers that nobody wants, and are not looked at.

MVN writes the frames of a file alike, so that in each the same number of bytes can be left out behind what is wanted.
The frames are numbered, and only where they count up one by one to the last has nothing been leapt over; whatever else
is seen, the text is left to those who look at every tag.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from operator import contains
from typing import Final

_SLACK: Final = 256  # bytes by which what follows may be shorter than in the first frame
_STEP: Final = 32  # so that few patterns are made
_INDEX: Final = re.compile(rb'<frame time="\d{1,9}" index="(-?\d{1,9})"')
_WANTED: Final = (
    rb'<frame time="(\d{1,9})" index="(-?\d{1,9})"[^>]*? type="([a-z-]*)"[^>]*>\s*'
    rb"<orientation>([^<]*)</orientation>\s*<position>([^<]*)</position>"
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Hold frames as texts, one list each: types ("normal", "tpose", ...), times in ms, orientations and positions."""

    kinds: Sequence[bytes] = ()
    times: Sequence[bytes] = ()
    orientations: Sequence[bytes] = ()
    positions: Sequence[bytes] = ()

    @property
    def count(self) -> int:
        """Return how many frames there are."""
        return len(self.kinds)

    def chosen(self, frames: Sequence[int]) -> Batch:
        """Return some of the frames."""
        lists = (self.kinds, self.times, self.orientations, self.positions)
        return Batch(*([each[i] for i in frames] for each in lists))


@lru_cache(maxsize=64)
def _pattern(skipped: int) -> re.Pattern[bytes]:
    """Return what finds a frame and leaves out so many bytes behind its position."""
    return re.compile(_WANTED + rb".{%d}" % skipped, re.DOTALL)


def leap(text: bytearray, end: int) -> Batch | None:
    """Return the frames before the end of a text, which ends with one; None where leaping is not to be trusted."""
    first = _pattern(0).search(text, 0, end)
    last = _INDEX.match(text, text.rfind(b"<frame ", 0, end), end)
    if first is None or last is None:
        return None
    room = text.find(b"</frame>", first.end()) - first.end() - _SLACK
    found = _pattern(max(room - room % _STEP, 0)).findall(text, first.start(), end)
    if not found or found[-1][1] != last[1]:
        return None
    times, indices, kinds, orientations, positions = zip(*found, strict=True)
    start = int(first[2])
    if list(map(int, indices)) != list(range(start, start + len(found))):
        return None
    if any(map(contains, orientations, repeat(b"&"))) or any(map(contains, positions, repeat(b"&"))):
        return None  # an entity, which only an XML parser can spell out
    return Batch(kinds, times, orientations, positions)
