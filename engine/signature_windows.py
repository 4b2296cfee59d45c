"""Sliding windows over the samples of one performer: each sample enters once, and leaves when its time is up."""

from __future__ import annotations

import numpy as np

from .buffers import BufferStats
from .signature import frame_means
from .signature_definition import Definition
from .signature_tally import UNKNOWN, Grid, Ints, effective_number
from .skeleton import Float64


class Windows:
    """Keep the last samples of several lengths at once, each window's distribution ready to be read.

    A new row costs as much as it has samples, in every window, however long it is. Rows are kept once, for the
    longest window, five bytes a sample: memory is bounded by that, and below 256 KB for 60 s of five parts.
    """

    def __init__(self, definition: Definition, seconds: tuple[float, ...]) -> None:
        self.definition = definition
        self.seconds = tuple(sorted(seconds))
        self.grid = Grid(definition)
        self._lengths = np.array([max(round(s * definition.rate_hz), 1) for s in self.seconds])  # (W,)
        self._frames = int(self._lengths[-1])
        windows, columns = len(self.seconds), self.grid.base.size
        self._base = np.arange(windows)[:, None] * self.grid.size + self.grid.base  # (W, C)
        self._signs = np.repeat((1, -1), windows * columns)  # what enters, what leaves
        self._at = np.empty((2, windows, columns), dtype=np.int64)
        self._moved = np.empty((2, windows, columns), dtype=np.int64)
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        shape = (self._frames, self.grid.base.size)
        self._bins = np.full(shape, UNKNOWN, dtype=np.uint8)  # (T, C)
        self._whole = np.zeros(shape, dtype=np.int32)  # (T, C)
        size = len(self.seconds) * self.grid.size
        self._sums = np.zeros(size, dtype=np.int64)  # (W * G * (B + 1),)
        self._counts = np.zeros(size, dtype=np.int64)
        empty = np.broadcast_to(self._lengths[:, None], self._base.shape)
        np.add.at(self._counts, self._base + UNKNOWN, empty)  # a window that is not full is full of what is not known
        self._seen = 0

    def push(self, row: Float64) -> None:
        """Take the samples (C,) of the next frame, NaN where unknown, and let go those that are too old."""
        bins, whole = self.grid.places(row)
        old = (self._seen - self._lengths) % self._frames  # (W,), the longest window's being that overwritten
        np.add(self._base, bins, out=self._at[0])
        np.add(self._base, self._bins[old], out=self._at[1])
        self._moved[0] = whole
        np.negative(self._whole[old], out=self._moved[1])
        at = self._at.reshape(-1)
        np.add.at(self._counts, at, self._signs)
        np.add.at(self._sums, at, self._moved.reshape(-1))
        now = self._seen % self._frames
        self._bins[now] = bins
        self._whole[now] = whole
        self._seen += 1

    def quantiles(self, window: int) -> tuple[Float64, Ints]:
        """Return the quantiles (G, K) of a window and how many samples each pool has."""
        part = slice(window * self.grid.size, (window + 1) * self.grid.size)
        return self.grid.quantiles(self._counts[part], self._sums[part])

    def rows(self, window: int) -> Float64:
        """Return the samples (T, C) of a window, oldest first: a copy."""
        n = min(int(self._lengths[window]), self._seen)
        at = np.arange(self._seen - n, self._seen) % self._frames
        return np.where(self._bins[at] == UNKNOWN, np.nan, self._whole[at] * self.grid.step)

    def effective(self, window: int) -> float:
        """Return how many independent frames a window is worth."""
        return effective_number(frame_means(self.definition, self.rows(window)))

    def stats(self) -> BufferStats:
        """Return frames held and frames that fit; those overwritten have had their time."""
        return BufferStats(min(self._seen, self._frames), self._frames, max(self._seen - self._frames, 0))

    @property
    def nbytes(self) -> int:
        """Return the bytes of all that grows with windows and pools."""
        kept = (self._bins, self._whole, self._counts, self._sums, self._base, self._at, self._moved, self._signs)
        return sum(array.nbytes for array in kept)
