"""A ring of frames for N streams, whose newest frames are always one contiguous view."""

from __future__ import annotations

import numpy as np

from .buffers import BufferStats
from .errors import EmotusError
from .skeleton import Float32


class RingFullError(EmotusError):
    """Report that every place of a ring is taken."""


class Ring:
    """Keep the last T frames of at most N streams, pre-allocated, oldest overwritten first.

    Every frame is written twice, T places apart, so that any run of up to T newest frames is one contiguous view and
    nothing is copied to read it. Memory is bounded: 2 * N * T frames of `shape` float32, allocated once.
    """

    def __init__(self, streams: int, frames: int, shape: tuple[int, ...]) -> None:
        if streams < 1 or frames < 1:
            raise ValueError(f"a ring of {streams} streams x {frames} frames holds nothing")
        self._frames = frames
        self._data = np.zeros((streams, 2 * frames, *shape), dtype=np.float32)  # (N, 2T, ...)
        self._at = [0] * streams  # next place to write, in 0..T-1
        self._count = [0] * streams  # frames that may be read, at most T
        self._free = list(range(streams - 1, -1, -1))
        self._overwritten = 0

    def join(self) -> int:
        """Return a place that was free, now empty and taken; raise RingFullError when none is free."""
        if not self._free:
            raise RingFullError(f"all {len(self._at)} places of the ring are taken (let a stream leave first)")
        slot = self._free.pop()
        self.reset(slot)
        return slot

    def leave(self, slot: int) -> None:
        """Free a place and forget its frames."""
        if slot in self._free:
            raise ValueError(f"place {slot} of the ring is free already")
        self.reset(slot)
        self._free.append(slot)

    def reset(self, slot: int) -> None:
        """Forget the frames of one stream; nothing that was written before can be read again."""
        self._at[slot] = self._count[slot] = 0
        self._data[slot] = 0.0

    def push(self, slot: int, frame: Float32) -> None:
        """Write one frame of the ring's shape as the newest of a stream."""
        at, frames = self._at[slot], self._frames
        row = self._data[slot]  # (2T, ...)
        row[at] = frame
        row[at + frames] = frame
        self._at[slot] = at + 1 if at + 1 < frames else 0
        if self._count[slot] < frames:
            self._count[slot] += 1
        else:
            self._overwritten += 1

    def count(self, slot: int) -> int:
        """Return how many frames of a stream can be read, at most T."""
        return self._count[slot]

    def view(self, slot: int, frames: int | None = None) -> Float32:
        """Return the newest frames of a stream, oldest first: a contiguous (n, ...) view, valid until the next push.

        n is the smaller of `frames` (all when None) and what has been written since the last reset.
        """
        n = self._count[slot] if frames is None else min(frames, self._count[slot])
        end = self._at[slot] + self._frames
        return self._data[slot, end - n : end]  # (n, ...)

    def stats(self) -> BufferStats:
        """Return frames held, frames that fit and frames overwritten, over all streams."""
        return BufferStats(sum(self._count), len(self._at) * self._frames, self._overwritten)
