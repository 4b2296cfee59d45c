"""The head on the features: linear discriminants whose noise is measured on every style there is.

How far clips of one style lie apart from one another is what an activity does to the features; the six styles alone
have too few activities to tell. So that scatter is averaged over the labelled clips, all styles of set 1 and all
styles of set 2, each within its own session: within-class covariance normalisation, as for speakers (Hatch, Kajarekar
and Stolcke, 2006), with shrinkage (Friedman, 1989). Activities that are left out are left out here as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .clips import LABELS, Clip
from .looks import Look

Floats = NDArray[np.float64]
_RIDGE = 1e-3


@dataclass(frozen=True)
class Head:
    """Hold how features become logits: weight @ squash((f - mean) * scale) + bias."""

    mean: Floats
    scale: Floats
    weight: Floats
    bias: Floats
    squash: float

    def flat(self, features: NDArray[np.floating]) -> Floats:
        """Standardise and squash features (..., F), as the network does."""
        return np.tanh(self.standard(features) / self.squash) * self.squash

    def standard(self, features: NDArray[np.floating]) -> Floats:
        """Return features (..., F) as deviations from the mean."""
        return (features - self.mean) * self.scale

    def logits(self, features: NDArray[np.floating]) -> Floats:
        """Return logits (..., K)."""
        return self.flat(features) @ self.weight.T + self.bias


@dataclass(frozen=True)
class Scatter:
    """Hold what a set of training clips has in common, before the shrinkage is chosen."""

    mean: Floats
    scale: Floats
    centres: Floats  # (K, F)
    within: Floats  # (F, F)
    squash: float


def gather(
    labelled: Sequence[Look], others: Sequence[Sequence[Look]], warped: Sequence[Look], squash: float
) -> Scatter:
    """Measure labelled clips, the scatter of the other sets, and how far another body moves the features (warped)."""
    rows = np.concatenate([look.rows for look in labelled])
    bodies = np.concatenate([look.rows for look in warped]) if warped else rows
    mean = rows.mean(axis=0, dtype=np.float64)
    scale = 1.0 / (np.maximum(rows.std(axis=0, dtype=np.float64), bodies.std(axis=0, dtype=np.float64)) + 1e-6)
    plain = Head(mean, scale, np.zeros((0, 0)), np.zeros(0), squash)
    means = [flat_mean(plain, look) for look in labelled]
    labels = np.array([look.clip.label for look in labelled])
    blank = np.zeros(len(mean))
    centres = [np.array(means)[labels == k].mean(axis=0) if k in labels else blank for k in range(len(LABELS))]
    sets = [spread_within(means, [str(y) for y in labels])]
    sets += [
        spread_within([flat_mean(plain, look) for look in other], [style_of(look.clip) for look in other])
        for other in others
    ]
    return Scatter(mean, scale, np.array(centres), np.mean(sets, axis=0), squash)


def solve(scatter: Scatter, shrinkage: float) -> Head:
    """Return the discriminants with this share of the covariances between features taken away."""
    within = (1.0 - shrinkage) * scatter.within
    within[np.diag_indices_from(within)] += shrinkage * np.diag(scatter.within) + _RIDGE
    weight = np.linalg.solve(within, scatter.centres.T).T  # (K, F)
    bias = -0.5 * (weight * scatter.centres).sum(axis=1)
    weight, bias = weight - weight.mean(axis=0), bias - bias.mean()
    return Head(scatter.mean, scatter.scale, weight, bias, scatter.squash)


def allowed(clips: Sequence[Look], left_out: Callable[[Clip], bool]) -> list[Look]:
    """Return the looks at clips whose activity is not left out."""
    return [look for look in clips if not left_out(look.clip)]


def style_of(clip: Clip) -> str:
    """Return the style of a clip within its session: styles of two sessions are two."""
    return f"{clip.style}/{clip.session}"


def flat_mean(plain: Head, look: Look) -> Floats:
    """Return the mean (F,) of a clip's rows, standardised and squashed."""
    return plain.flat(look.rows).mean(axis=0)


def spread_within(means: Sequence[Floats], groups: Sequence[str]) -> Floats:
    """Return the covariance of clips about the mean of their group, groups of three and more."""
    total, count = np.zeros((len(means[0]), len(means[0]))), 0
    for group in sorted(set(groups)):
        rows = np.array([m for m, g in zip(means, groups, strict=True) if g == group])
        if len(rows) >= 3:
            rows = rows - rows.mean(axis=0)
            total, count = total + rows.T @ rows, count + len(rows) - 1
    return total / max(count, 1)
