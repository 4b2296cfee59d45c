"""Many takes against each other: how each is represented, how two are compared, all pairs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from ..engine.errors import InputError
from ..engine.signature import Signature
from ..engine.signature_definition import Definition
from ..engine.signature_references import distance_matrix
from ..engine.signature_tally import BINS, MIN_SAMPLES, Grid
from ..engine.skeleton import Float64
from ..engine.transport import jensen_shannon, l2, wasserstein
from .signature_files import Take

Kept = Literal["quantiles", "histogram", "density", "raw"]
Metric = Literal["wasserstein", "l2", "jensen-shannon"]
KEPT: Final[tuple[str, ...]] = get_args(Kept)
METRICS: Final[tuple[str, ...]] = get_args(Metric)
BARS: Final = 51  # of a histogram: a fifth of the value each; the sample error of a bar stays below its height
_EACH: Final = BINS // BARS


@dataclass(frozen=True)
class Masses:
    """Hold distributions as probabilities (N, G, BARS) on a common grid, NaN for a pool that is unknown.

    centres: (BARS,) of the grid, in the definition's unit.
    """

    shares: Float64
    centres: Float64


def compare(takes: Sequence[Take], signatures: Sequence[Signature], metric: str, kept: str = "quantiles") -> Float64:
    """Return the distances (N, N) between takes, averaged over the pools known in both.

    kept: "quantiles", the default: exact but where distributions cross within a level, and as quick as a scalar
    product; "raw", every sample, exactly; "histogram", 51 bars on the definition's grid, even near zero and even
    ratios above; "density", a Gaussian kernel of Silverman's width (Density Estimation, 1986, eq. 3.31) on that grid.
    L2 and Jensen-Shannon need densities: with "quantiles" and "raw" they are those of the histogram. Raises InputError
    for two takes with nothing in common.
    """
    if kept not in KEPT or metric not in METRICS:
        wrong, known = (metric, METRICS) if kept in KEPT else (kept, KEPT)
        raise InputError("signature", f"no such way to compare: {wrong}", mend=f"one of {', '.join(known)}")
    matrix = distance_matrix(signatures)
    if metric == "wasserstein" and kept == "quantiles":
        return matrix
    if metric == "wasserstein" and kept == "raw":
        return _raw(takes)
    found = masses(takes, smooth=kept == "density")
    return _pairs(found, metric)


def masses(takes: Sequence[Take], *, smooth: bool) -> Masses:
    """Return the histograms of takes, or their kernel densities where smooth."""
    definition = takes[0].definition
    grid = Grid(definition)
    shares = np.full((len(takes), grid.groups, BARS), np.nan)
    for i, take in enumerate(takes):
        counts = grid.tally(take.rows)[0].reshape(grid.groups, BINS + 1)[:, :BINS]
        counts = counts.reshape(grid.groups, BARS, _EACH).sum(axis=2)  # (G, BARS)
        known = counts.sum(axis=1) >= MIN_SAMPLES
        shares[i, known] = counts[known] / counts[known].sum(axis=1, keepdims=True)
    if smooth:
        _smooth(shares, takes, definition)
    edges = definition.value(np.linspace(0, 1, BARS + 1))
    return Masses(shares, (edges[1:] + edges[:-1]) / 2)


def _smooth(shares: Float64, takes: Sequence[Take], definition: Definition) -> None:
    """Spread each histogram by Silverman's kernel, in bars; the grid is where gradients are nearly Gaussian."""
    at = np.arange(BARS)
    for i, take in enumerate(takes):
        for g in np.flatnonzero(~np.isnan(shares[i, :, 0])):
            p = shares[i, g]
            samples = take.rows[:, np.array(definition.columns()[1]) == g]
            n = int((~np.isnan(samples)).sum())
            sd = float(np.sqrt(max(p @ np.square(at - p @ at), 1e-12)))
            quartiles = np.searchsorted(np.cumsum(p), (0.25, 0.75))
            wide = min(sd, (quartiles[1] - quartiles[0]) / 1.34) or sd
            width = max(0.9 * wide * n**-0.2, 0.3)
            kernel = np.exp(-0.5 * np.square((at[:, None] - at) / width))
            shares[i, g] = (kernel / kernel.sum(axis=0)) @ p


def _pairs(found: Masses, metric: str) -> Float64:
    n = len(found.shares)
    matrix = np.zeros((n, n))
    for i in range(n - 1):
        matrix[i, i + 1 :] = _mean(_apart(found.shares[i], found.shares[i + 1 :], found, metric))
    return matrix + matrix.T


def _apart(one: Float64, others: Float64, found: Masses, metric: str) -> Float64:
    """Return the distances (N, G) of one (G, BARS) from others (N, G, BARS)."""
    if metric == "l2":
        return l2(others, one, np.full(BARS, 1 / BARS))  # on the axis of the grid, where no bar is a needle
    if metric == "jensen-shannon":
        unknown = np.isnan(others[:, :, 0]) | np.isnan(one[:, 0])
        with np.errstate(invalid="ignore"):
            return np.where(unknown, np.nan, jensen_shannon(others, np.broadcast_to(one, others.shape)))
    return np.abs(np.cumsum(others - one, axis=-1))[:, :, :-1] @ np.diff(found.centres)


def _raw(takes: Sequence[Take]) -> Float64:
    """Return the distances between all samples, pool by pool; takes of one size all at once."""
    definition = takes[0].definition
    groups = np.array(definition.columns()[1])
    apart = np.full((len(definition.groups), len(takes), len(takes)), np.nan)
    for g in range(len(definition.groups)):
        samples = [take.rows[:, groups == g].reshape(-1) for take in takes]
        apart[g] = raw_distances([np.sort(each[~np.isnan(each)]) for each in samples])
    n = len(takes)
    return _mean(np.moveaxis(apart, 0, 2).reshape(n * n, -1)).reshape(n, n)


def raw_distances(samples: Sequence[Float64]) -> Float64:
    """Return POT's `wasserstein_1d` between all pairs of sorted samples (N, N); NaN where there are too few."""
    n = len(samples)
    matrix = np.zeros((n, n))
    sizes = {each.size for each in samples}
    if len(sizes) == 1 and min(sizes) >= MIN_SAMPLES:
        from scipy.spatial.distance import pdist, squareform

        table = np.stack(samples)
        return np.asarray(squareform(pdist(table, "cityblock"))) / table.shape[1]
    for i in range(n - 1):
        for j in range(i + 1, n):
            few = min(samples[i].size, samples[j].size) < MIN_SAMPLES
            matrix[i, j] = np.nan if few else wasserstein(samples[i], samples[j])
    return matrix + matrix.T


def _mean(apart: Float64) -> Float64:
    """Return the mean over the known pools of distances (N, G)."""
    known = ~np.isnan(apart)
    return np.where(known, apart, 0.0).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1)
