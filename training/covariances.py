"""How far clips lie apart: from clip to clip of one style, from style to style of one performer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .shown import Shown

Floats = NDArray[np.float64]
LEAST_CLIPS = 3  # of a style, to measure its scatter


def mean_of(found: Sequence[Floats | None], size: int) -> Floats:
    """Return the mean of those covariances that could be measured; nothing varies where none could."""
    there = [each for each in found if each is not None]
    return np.asarray(np.mean(there, axis=0), dtype=np.float64) if there else np.zeros((size, size))


def together(styles: Floats, within: Floats) -> tuple[Floats, Floats]:
    """Return the basis (D, D) in which within is one and styles is diagonal, and that diagonal."""
    white = np.linalg.inv(np.linalg.cholesky(within)).T  # (D, D): within becomes the identity
    values, vectors = np.linalg.eigh(white.T @ styles @ white)
    basis = white @ vectors
    signs = np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(len(basis))])
    return np.asarray(basis * signs, dtype=np.float64), np.asarray(values, dtype=np.float64)


def within_of(means: Floats, shown: Sequence[Shown]) -> Floats | None:
    """Return the covariance of clips about the mean of their style in their session; None where nothing tells."""
    total, count = np.zeros((means.shape[1], means.shape[1])), 0
    keys = np.array([each.key for each in shown])
    for key in sorted(set(keys.tolist())):
        rows = means[keys == key]
        if len(rows) >= LEAST_CLIPS:
            rows = rows - rows.mean(axis=0)
            total, count = total + rows.T @ rows, count + len(rows) - 1
    return total / count if count else None


def between_of(means: Floats, shown: Sequence[Shown]) -> Floats | None:
    """Return the covariance of styles about the mean of their session, over activities all show; None without two."""
    total, count = np.zeros((means.shape[1], means.shape[1])), 0
    for session in sorted({each.clip.session for each in shown}):
        rows = _style_means(means, shown, session)
        if len(rows) >= 2:
            rows = rows - rows.mean(axis=0)
            total, count = total + rows.T @ rows * (len(rows) / (len(rows) - 1)), count + len(rows)
    return total / count if count else None


def _style_means(means: Floats, shown: Sequence[Shown], session: str) -> Floats:
    """Return the mean of each style of a session, every activity weighing the same, (styles, D)."""
    cells: dict[str, dict[str, list[Floats]]] = {}
    for mean, each in zip(means, shown, strict=True):
        if each.clip.session == session:
            cells.setdefault(each.clip.style, {}).setdefault(each.clip.activity, []).append(mean)
    many = [acts for _, acts in sorted(cells.items()) if len(acts) >= LEAST_CLIPS]
    shared = sorted(set.intersection(*(set(acts) for acts in many))) if many else []
    if not shared:
        return np.zeros((0, means.shape[1]))
    return np.stack([np.mean([np.mean(acts[name], axis=0) for name in shared], axis=0) for acts in many])
