"""Points into clusters: k-means, how well separated they are, and how many there are."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .skeleton import Float64

Ints = NDArray[np.int64]
STARTS: Final = 10
MOST: Final = 10  # clusters that are tried
SUBSTANCE: Final = 0.25  # silhouette below which there is no structure (Kaufman & Rousseeuw, Finding Groups, 1990)


def kmeans(points: Float64, k: int, *, seed: int = 0, starts: int = STARTS) -> tuple[Ints, float]:
    """Return the cluster (n,) of each point (n, d) and the squared error, the best of some starts.

    Lloyd's iteration from k-means++ starts (Arthur & Vassilvitskii 2007). Clusters are numbered by their first point.
    """
    rng = np.random.default_rng(seed)
    runs = [_lloyd(points, _start(points, k, rng)) for _ in range(starts if k > 1 else 1)]
    labels, error = min(runs, key=lambda run: run[1])
    order = {label: i for i, label in enumerate(dict.fromkeys(labels.tolist()))}
    return np.array([order[label] for label in labels.tolist()], dtype=np.int64), error


def _start(points: Float64, k: int, rng: np.random.Generator) -> Float64:
    centres = [points[rng.integers(len(points))]]
    while len(centres) < k:
        far = np.min([np.square(points - centre).sum(axis=1) for centre in centres], axis=0)
        total = far.sum()
        share = far / total if total > 0 else np.full(len(points), 1 / len(points))
        centres.append(points[rng.choice(len(points), p=share)])
    return np.array(centres)


def _lloyd(points: Float64, centres: Float64) -> tuple[Ints, float]:
    labels = np.full(len(points), -1, dtype=np.int64)
    while True:
        squares = np.square(points[:, None] - centres).sum(axis=2)  # (n, k)
        fresh = squares.argmin(axis=1)
        if np.array_equal(fresh, labels):
            return labels, float(squares[np.arange(len(points)), labels].sum())
        labels = fresh
        for k in range(len(centres)):
            if (labels == k).any():
                centres[k] = points[labels == k].mean(axis=0)


def silhouette(matrix: Float64, labels: Ints) -> float:
    """Return the mean silhouette (Rousseeuw 1987) of clusters of things at these distances (n, n), in -1..1.

    0 for a single cluster; a thing alone in its cluster counts 0.
    """
    kinds = np.unique(labels)
    if len(kinds) < 2:
        return 0.0
    member = (labels[:, None] == kinds).astype(np.float64)  # (n, k)
    sizes = member.sum(axis=0)
    sums = matrix @ member  # (n, k)
    own = member.astype(bool)
    alone = sizes[own.argmax(axis=1)] == 1
    inside = sums[own] / np.maximum(sizes[own.argmax(axis=1)] - 1, 1)
    outside = np.where(own, np.inf, sums / sizes).min(axis=1)
    scores = (outside - inside) / np.maximum(np.maximum(inside, outside), 1e-300)
    return float(np.where(alone, 0.0, scores).mean())


def best_clusters(points: Float64, matrix: Float64, *, seed: int = 0) -> tuple[Ints, dict[int, float]]:
    """Return the clustering of points (n, d) whose silhouette is best, and the silhouette of each number tried.

    One cluster where no number reaches SUBSTANCE.
    """
    found: dict[int, tuple[Ints, float]] = {}
    for k in range(2, min(MOST, len(points) - 1) + 1):
        labels, _ = kmeans(points, k, seed=seed)
        found[k] = labels, silhouette(matrix, labels)
    scores = {k: score for k, (_, score) in found.items()}
    best = max(scores, key=lambda k: scores[k], default=1)
    if best == 1 or scores[best] < SUBSTANCE:
        return np.zeros(len(points), dtype=np.int64), scores
    return found[best][0], scores
