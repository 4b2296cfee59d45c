"""Distances between one-dimensional distributions: Wasserstein exactly, L2 and Jensen-Shannon on a grid.

In one dimension the optimal transport is the monotone one, so the distance is the area between two quantile functions
(Peyre & Cuturi, Computational Optimal Transport, 2019, ch. 2.6; Ramdas, Garcia & Cuturi, Entropy 2017). Numbers equal
those of POT's `wasserstein_1d` (p = 1) and of SciPy on the same samples and weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .skeleton import Float64


def wasserstein(u: Float64, v: Float64, u_weights: Float64 | None = None, v_weights: Float64 | None = None) -> float:
    """Return the 1-D Wasserstein distance between samples (n,) and (m,), in the samples' unit.

    Weights are >= 0 and sum to more than 0; they are normalised; None weighs all samples alike. Raises ValueError for
    no samples, for samples that are not finite and for weights that are none.
    """
    if u_weights is None and v_weights is None and len(u) == len(v) > 0:
        _check_samples(u)
        _check_samples(v)
        return float(np.abs(np.sort(u) - np.sort(v)).mean())
    u_sorted, u_levels = _quantile_steps(u, u_weights)
    v_sorted, v_levels = _quantile_steps(v, v_weights)
    return _area(u_sorted, u_levels, v_sorted, v_levels)


def _check_samples(samples: Float64) -> None:
    if samples.size == 0 or not np.isfinite(samples).all():
        raise ValueError("a distribution needs samples, all of them finite")


def _quantile_steps(samples: Float64, weights: Float64 | None) -> tuple[Float64, Float64]:
    """Return sorted samples and the levels at which each ends, the last exactly 1; samples of no weight left out."""
    _check_samples(samples)
    if weights is None:
        return np.sort(samples), np.arange(1, samples.size + 1) / samples.size
    if weights.shape != samples.shape or not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() <= 0:
        raise ValueError("weights are as many as the samples, >= 0 and not all 0")
    order = np.argsort(samples, kind="stable")
    order = order[weights[order] > 0]
    levels = np.cumsum(weights[order])
    return samples[order], levels / levels[-1]


def _area(u: Float64, u_levels: Float64, v: Float64, v_levels: Float64) -> float:
    """Return the area between two step functions of the level, each given by its sorted values and where they end."""
    ends = np.sort(np.concatenate((u_levels, v_levels)))  # (n + m,)
    widths = np.diff(ends, prepend=0.0)
    at_u = np.minimum(np.searchsorted(u_levels, ends, side="left"), u.size - 1)
    at_v = np.minimum(np.searchsorted(v_levels, ends, side="left"), v.size - 1)
    return float(widths @ np.abs(u[at_u] - v[at_v]))


def wasserstein_rows(one: Float64, others: Float64, weights: Float64) -> Float64:
    """Return the distances (...) between quantiles one (K,) and others (..., K), whose levels are weights (K,) wide."""
    return np.abs(others - one) @ weights


def l2(p: Float64, q: Float64, widths: Float64) -> Float64:
    """Return the L2 distance between histograms of probabilities p, q (..., B) over bins so wide, as densities."""
    return np.sqrt(np.square(p - q) @ (1 / widths))


def jensen_shannon(p: Float64, q: Float64) -> Float64:
    """Return the Jensen-Shannon distance of probabilities p, q (..., B): the root of the divergence in bits, 0..1.

    A metric (Endres & Schindelin, IEEE Trans. Inf. Theory 2003); SciPy's `jensenshannon(p, q, base=2)`.
    """
    middle = (p + q) / 2
    return np.sqrt(np.maximum((_relative(p, middle) + _relative(q, middle)) / 2, 0.0))


def _relative(p: Float64, q: Float64) -> Float64:
    """Return the relative entropy of p to q (..., B) in bits, where q > 0 wherever p > 0."""
    some: NDArray[np.bool_] = (p > 0) & (q > 0)  # half of the smallest number there is is none
    ratio = np.divide(p, q, out=np.ones_like(q), where=some)
    return np.sum(np.where(some, p * np.log2(ratio), 0.0), axis=-1)
