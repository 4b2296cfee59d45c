"""Give the body of a BVH file frame by frame: of a whole file, or of a text as it comes."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np

from ..engine.clock import NS_PER_S, Clock
from ..engine.retarget import BodyMotion
from ..engine.skeleton import Float32, Float64
from .bvh import Bvh, read_bvh
from .bvh_body import BvhBody, Reading
from .bvh_feed import Feed
from .bvh_follow import BvhFollower

BLOCK: Final = 256  # frames brought to the body at once: 3 ms of work, however long the file is
DEFAULT_RATE_HZ: Final = 30.0


class Frame(NamedTuple):
    """Hold one frame: positions (21, 3), rotations (21, 4), confidence (21,), and when it came, if that is known."""

    positions: Float32
    rotations: Float32 | None
    confidence: Float32
    t_ns: int | None = None


class Frames(Protocol):
    """Give frames one after another."""

    rate_hz: float
    travels: bool
    ended: bool
    notes: list[str]  # what a person should know: what was matched, what was odd

    @property
    def dropped(self) -> int:
        """Return the lines that could not be read."""
        ...

    def open(self) -> None:
        """Start; raise an EmotusError when that is impossible."""
        ...

    def next(self) -> Frame | None:
        """Return the next frame; None when there is none yet, or, once `ended`, none any more."""
        ...

    def close(self) -> None:
        """Stop and free everything."""
        ...


class RecordedFrames:
    """Give the frames of a whole file, once or for ever."""

    def __init__(self, path: str | Path, reading: Reading, *, loop: bool) -> None:
        self._path = path
        self._reading = reading
        self._loop = loop
        self.rate_hz = DEFAULT_RATE_HZ
        self.close()

    @property
    def dropped(self) -> int:
        """Return 0: a whole file is read or refused."""
        return 0

    def open(self) -> None:
        """Read and match the file."""
        bvh = read_bvh(self._path)
        self._body = BvhBody(bvh.skeleton, bvh.channels, bvh.end_sites, bvh.motion, bvh.place, self._reading)
        self._bvh = bvh
        self.rate_hz = bvh.rate_hz
        self.travels = self._body.travels
        self.notes = [self._body.match.describe(), *map(str, bvh.warnings)]
        self.ended = False

    def next(self) -> Frame | None:
        """Return the next frame of the file."""
        if self._bvh is None or self.ended:
            return None
        if self._at == len(self._bvh.motion) and self._loop:
            self._at = 0
        if self._at == len(self._bvh.motion):
            self.ended = True
            return None
        i = self._at % BLOCK
        if i == 0 and self._body is not None:
            self._block = self._body.apply(self._bvh.motion[self._at : self._at + BLOCK])
        self._at += 1
        return None if self._block is None else frame_of(self._block, i)

    def close(self) -> None:
        """Let go of the file's contents."""
        self._bvh: Bvh | None = None
        self._body: BvhBody | None = None
        self._block: BodyMotion | None = None
        self._at = 0
        self.ended = True
        self.travels = True
        self.notes: list[str] = []


def frame_of(motion: BodyMotion, i: int, t_ns: int | None = None) -> Frame:
    """Return frame i of some motion."""
    rotations = None if motion.rotations is None else motion.rotations[i]
    return Frame(motion.positions[i], rotations, motion.confidence, t_ns)


class StreamedFrames:
    """Give the frames of a text as it comes, stamped with the moment at which they came.

    Rows that come together were made one after another: all but the last are dated back, by the file's frame time or
    as far as the row before them allows. At most one chunk of the feed is held.
    """

    def __init__(self, feed: Feed, place: str, clock: Clock, reading: Reading) -> None:
        self._feed = feed
        self._clock = clock
        self._reading = reading
        self._follower = BvhFollower(place)
        self.rate_hz = DEFAULT_RATE_HZ
        self._reset()

    def _reset(self) -> None:
        self._follower.reset()
        self._body: BvhBody | None = None
        self._rows: Float64 = np.empty((0, 0))
        self._times: list[int] = []
        self._block: BodyMotion | None = None
        self._at = 0
        self._last_ns: int | None = None
        self.ended = True
        self.travels = True
        self.notes: list[str] = []

    @property
    def dropped(self) -> int:
        """Return the lines that could not be read."""
        return self._follower.dropped

    def open(self) -> None:
        """Begin to listen; the header comes later."""
        self._reset()
        self._feed.open()
        self.ended = False

    def next(self) -> Frame | None:
        """Return the next frame that has come; raises BvhError or SkeletonError when it is none of a body."""
        if self._at == len(self._rows) and not self.ended:
            self._fetch()
        if self._at == len(self._rows):
            return None
        if self._body is None:
            self._meet(self._rows)
        i = self._at % BLOCK
        if i == 0 and self._body is not None:
            self._block = self._body.apply(self._rows[self._at : self._at + BLOCK])
        self._at += 1
        return None if self._block is None else frame_of(self._block, i, self._times[self._at - 1])

    def _fetch(self) -> None:
        """Take the rows of the next chunk."""
        data = self._feed.poll()
        self.ended = data is None
        self._rows = self._follower.finish() if data is None else self._follower.feed(data) if data else self._rows[:0]
        self._at = 0
        self._times = self._stamps(len(self._rows), self._clock.now_ns())
        if self._follower.header:
            self.rate_hz = 1.0 / self._follower.header.frame_time_s

    def _stamps(self, count: int, now_ns: int) -> list[int]:
        """Return rising times of rows that came together, the last of them now."""
        if not count:
            return []
        step = NS_PER_S / self._step_hz()
        if self._last_ns is not None:
            now_ns = max(now_ns, self._last_ns + count)
            step = min(step, (now_ns - self._last_ns) / count)
        self._last_ns = now_ns
        return [now_ns - int((count - 1 - i) * step) for i in range(count)]

    def _step_hz(self) -> float:
        return 1.0 / self._follower.header.frame_time_s if self._follower.header else self.rate_hz

    def _meet(self, rows: Float64) -> None:
        """Match the skeleton, now that first rows are there."""
        header = self._follower.header
        if header is None:
            return
        found = header.hierarchy
        place = self._follower.place
        self._body = BvhBody(found.skeleton, found.channels, found.end_sites, rows, place, self._reading)
        self.travels = self._body.travels
        self.notes = [self._body.match.describe(), *map(str, header.warnings)]

    def close(self) -> None:
        """Stop listening."""
        self._feed.close()
        self._reset()
