"""Samples counted on a fixed grid, so that they may enter and leave at no cost, and the quantiles read from it.

A bin keeps how many samples it has and their sum, both as whole numbers: whatever enters and leaves again leaves no
trace, however long a show lasts, and live and offline give the same bits. A quantile is the mean of the samples
between two levels; of a bin that a level cuts, its mean stands for all its samples. With the mean instead of a point,
the distance between two signatures is that of all their samples wherever their distributions do not cross within a
level, and never more than it (the triangle inequality, level by level); levels are closer towards both ends, where
few samples weigh much.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .signature_definition import Definition
from .skeleton import Float64

QUANTILES: Final = 96
LEVELS: Final[Float64] = (1 - np.cos(np.pi * np.arange(QUANTILES + 1) / QUANTILES)) / 2  # (K + 1,)
WIDTHS: Final[Float64] = np.diff(LEVELS)  # (K,)
BINS: Final = 255  # four hundredths of the value each above the noise
UNKNOWN: Final = BINS  # the place of samples that are not known, beside the bins of each pool
MIN_SAMPLES: Final = 30  # a pool with fewer is unknown: a median of so few is off by a fifth of the spread
_STEPS: Final = float(1 << 30)  # whole steps from 0 to the largest sample, so that one fits into four bytes

_INNER: Final = np.sqrt(LEVELS[1:-1] * (1 - LEVELS[1:-1]))  # (K - 1,)
Ints = NDArray[np.int64]


class Grid:
    """Know where the samples of a definition fall: (G, B + 1) places, the last of each pool for what is not known."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.groups = len(definition.groups)
        self.size = self.groups * (BINS + 1)
        self.base = np.array(definition.columns()[1], dtype=np.int64) * (BINS + 1)  # (C,)
        self.step = definition.top / _STEPS
        self._at = (np.arange(self.groups)[:, None] + LEVELS[1:]).reshape(-1)  # (G * K,)
        self._per_width = np.tile(1 / WIDTHS, self.groups)  # (G * K,)
        self._even = len({definition.columns()[1].count(group) for group in range(self.groups)}) == 1
        self._rows = np.arange(self.groups, dtype=np.float64)[:, None]

    def places(self, rows: Float64) -> tuple[Ints, Ints]:
        """Return of samples (..., C) their bins and whole steps (..., C): UNKNOWN and 0 where they are not known."""
        unknown = np.isnan(rows)
        some = bool(np.logical_or.reduce(unknown, axis=None))
        if some:
            rows = np.where(unknown, 0.0, rows)
        bins = (self.definition.position(rows) * BINS).astype(np.int64)
        np.minimum(bins, BINS - 1, out=bins)
        if some:
            bins[unknown] = UNKNOWN
        return bins, np.rint(rows / self.step).astype(np.int64)

    def tally(self, rows: Float64) -> tuple[Ints, Ints]:
        """Return counts and sums (G * (B + 1),) of all samples (T, C)."""
        bins, whole = self.places(rows)
        at = (bins + self.base).reshape(-1)
        counts, sums = np.zeros(self.size, dtype=np.int64), np.zeros(self.size, dtype=np.int64)
        np.add.at(counts, at, 1)
        np.add.at(sums, at, whole.reshape(-1))
        return counts, sums

    def quantiles(self, counts: Ints, sums: Ints) -> tuple[Float64, Ints]:
        """Return the quantiles (G, K), NaN for a pool with fewer than MIN_SAMPLES samples, and the samples (G,)."""
        if not self._even or np.logical_or.reduce(counts[UNKNOWN :: BINS + 1]):
            return self._some_unknown(counts, sums)
        counted = np.add.accumulate(counts)
        n = int(counted[-1]) // self.groups
        if n < MIN_SAMPLES:
            return self._some_unknown(counts, sums)
        below = _below(self._at * n, counted, np.add.accumulate(sums))  # in samples, in steps
        found = self._between(below, self._per_width * (self.step / n))
        return found, np.full(self.groups, n, dtype=np.int64)

    def _some_unknown(self, counts: Ints, sums: Ints) -> tuple[Float64, Ints]:
        """Return the same where pools have, or may have, samples in different numbers."""
        counted = np.cumsum(counts.reshape(self.groups, BINS + 1)[:, :BINS], axis=1)  # (G, B)
        summed = np.cumsum(sums.reshape(self.groups, BINS + 1)[:, :BINS], axis=1)
        total = counted[:, -1]
        share = np.maximum(total, 1)[:, None]
        area = summed * (self.step / share)
        area[1:] += np.cumsum(area[:-1, -1])[:, None]
        found = self._means((counted / share + self._rows).reshape(-1), area.reshape(-1))
        found[total < MIN_SAMPLES] = np.nan
        return found, total

    def _means(self, level: Float64, area: Float64) -> Float64:
        """Return the means (G, K) between levels, of the area below the quantile functions, one after another."""
        return self._between(_below(self._at, level, area), self._per_width)

    def _between(self, below: Float64, per_width: Float64) -> Float64:
        """Return the means (G, K) of areas (G * K,) up to each level."""
        means = np.empty_like(below)
        means[0] = below[0]
        np.subtract(below[1:], below[:-1], out=means[1:])
        means *= per_width
        return means.reshape(self.groups, QUANTILES)


def _below(at: Float64, level: Float64 | Ints, area: Float64 | Ints) -> Float64:
    """Return the areas up to each place (N,), of areas (M,) up to rising levels (M,); up to nought there is none."""
    found = np.interp(at, level, area)
    if level[0] > 0:
        first = np.count_nonzero(at < level[0])
        found[:first] = at[:first] * area[0] / level[0]
    return found


def spread(quantiles: Float64) -> Float64:
    """Return the area of sqrt(F (1 - F)) over the values of quantiles (..., K): the scale of a distance by chance.

    Two samples of n and m independent draws of one distribution are sqrt(1 / n + 1 / m) times this apart, and a fifth
    less in the mean (del Barrio, Gine & Matran, Ann. Probab. 1999; Bobkov & Ledoux, Mem. AMS 2019).
    """
    return np.diff(quantiles, axis=-1) @ _INNER


def effective_number(series: Float64) -> float:
    """Return how many independent samples a series (T, G) is worth, 1 to T: T over its autocorrelation time.

    The mean over its columns of 1 + 2 sum rho, lags summed in pairs as long as they stay positive (Geyer, Practical
    Markov chain Monte Carlo, Statistical Science 1992). A constant series is worth one.
    """
    known = ~np.isnan(series)
    count = int(known.any(axis=1).sum())
    if count < 4:
        return float(max(count, 1))
    seen = known.sum(axis=0)
    middle = np.where(known, series, 0.0).sum(axis=0) / np.maximum(seen, 1)
    apart = np.where(known, series - middle, 0.0)[:, seen >= 4]  # (T, G)
    size = 1 << (2 * len(apart) - 1).bit_length()
    power = np.square(np.abs(np.fft.rfft(apart, size, axis=0)))
    lagged = np.fft.irfft(power, size, axis=0)[: len(apart)]  # (T, G)
    moving = lagged[0] > 1e-18
    if not moving.any():
        return 1.0
    rho = (lagged[:, moving] / lagged[0, moving]).mean(axis=1)  # (T,)
    pairs = rho[: len(rho) // 2 * 2].reshape(-1, 2).sum(axis=1)
    ends = np.flatnonzero(pairs <= 0)
    last = int(ends[0]) if ends.size else pairs.size
    time = max(2 * float(pairs[:last].sum()) - 1, 1.0)
    return min(max(count / time, 1.0), float(count))
