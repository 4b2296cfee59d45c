"""Sliding windows over the samples of one performer: each sample enters once, and leaves when its time is up."""

from __future__ import annotations

import numpy as np

from .buffers import BufferStats
from .signature import frame_means
from .signature_definition import Definition
from .signature_tally import Grid, Ints, effective_number
from .skeleton import Float32, Float64


class Windows:
    """Keep the last samples of several lengths at once, each window's distribution ready to be read.

    A new row costs as much as it has samples, in every window, however long it is. Rows are kept once, for the
    longest window, in float32: memory is bounded by that, and stays below 256 KB for 60 s of five parts.
    """

    def __init__(self, definition: Definition, seconds: tuple[float, ...]) -> None:
        self.definition = definition
        self.seconds = tuple(sorted(seconds))
        self.grid = Grid(definition)
        self._lengths = np.array([max(round(s * definition.rate_hz), 1) for s in self.seconds])
        self._columns = len(definition.columns()[0])
        self._shift = np.arange(len(self.seconds))[:, None] * self.grid.size  # (W, 1)
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        size = len(self.seconds) * self.grid.size
        self._counts = np.zeros(size, dtype=np.int64)  # (W * G * B,)
        self._sums = np.zeros(size, dtype=np.int64)
        self._ring = np.full((int(self._lengths[-1]), self._columns), np.nan, dtype=np.float32)  # (T, C)
        self._seen = 0

    def push(self, row: Float64) -> None:
        """Take the samples (C,) of the next frame, NaN where unknown, and let go those that are too old."""
        ring = self._ring
        newest = row.astype(np.float32)
        old = ring[(self._seen - self._lengths) % len(ring)]  # (W, C), the longest window's being that overwritten
        moved = np.concatenate((newest[None], old)).astype(np.float64)  # (1 + W, C)
        bins, whole, known = self.grid.places(moved)
        known[1:] *= -1
        whole *= known
        enter = np.broadcast_to(bins[0], old.shape)
        at = np.concatenate((enter + self._shift, bins[1:] + self._shift)).reshape(-1)
        add = np.concatenate((np.broadcast_to(known[0], old.shape), known[1:])).reshape(-1)
        np.add.at(self._counts, at, add)
        add = np.concatenate((np.broadcast_to(whole[0], old.shape), whole[1:])).reshape(-1)
        np.add.at(self._sums, at, add)
        ring[self._seen % len(ring)] = newest
        self._seen += 1

    def quantiles(self, window: int) -> tuple[Float64, Ints]:
        """Return the quantiles (G, K) of a window and how many samples each pool has."""
        part = slice(window * self.grid.size, (window + 1) * self.grid.size)
        return self.grid.quantiles(self._counts[part], self._sums[part])

    def rows(self, window: int) -> Float32:
        """Return the samples (T, C) of a window, oldest first: a copy."""
        n = min(int(self._lengths[window]), self._seen)
        return self._ring[np.arange(self._seen - n, self._seen) % len(self._ring)]

    def effective(self, window: int) -> float:
        """Return how many independent frames a window is worth."""
        return effective_number(frame_means(self.definition, self.rows(window).astype(np.float64)))

    def stats(self) -> BufferStats:
        """Return frames held and frames that fit; those overwritten have had their time."""
        return BufferStats(min(self._seen, len(self._ring)), len(self._ring), max(self._seen - len(self._ring), 0))

    @property
    def nbytes(self) -> int:
        """Return the bytes of all that grows with windows and pools."""
        return self._ring.nbytes + self._counts.nbytes + self._sums.nbytes
