"""Figures of merit: accuracy, macro-F1, calibration; and what chance and the best constant would score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]
BINS = 10


def accuracy(probs: Floats, labels: Labels) -> float:
    """Return the share of rows of probs (N, K) whose best class is the label (N,)."""
    return float(np.mean(probs.argmax(axis=1) == labels))


def recalls(probs: Floats, labels: Labels) -> list[float]:
    """Return, for each class, the share of its rows that are found; NaN for a class without rows."""
    best = probs.argmax(axis=1)
    classes = range(probs.shape[1])
    return [float(np.mean(best[labels == k] == k)) if np.any(labels == k) else float("nan") for k in classes]


def macro_f1(probs: Floats, labels: Labels) -> float:
    """Return the mean over the classes that occur of the harmonic mean of precision and recall."""
    best = probs.argmax(axis=1)
    scores: list[float] = []
    for k in np.unique(labels):
        hits = np.sum((best == k) & (labels == k))
        scores.append(2.0 * hits / (np.sum(best == k) + np.sum(labels == k)))
    return float(np.mean(scores))


def best_constant(labels: Labels) -> float:
    """Return the accuracy of always answering the commonest class."""
    return float(np.bincount(labels).max() / len(labels))


def calibration_error(probs: Floats, labels: Labels, bins: int = BINS) -> float:
    """Return the expected calibration error of the best class: bins of equally many rows (Guo et al., 2017)."""
    return _error(probs.max(axis=1), probs.argmax(axis=1) == labels, bins)


def calibration_floor(probs: Floats, bins: int = BINS, draws: int = 200) -> float:
    """Return the error that perfectly calibrated answers of these confidences would show, by chance alone."""
    rng = np.random.default_rng(0)
    sure = probs.max(axis=1)
    return float(np.mean([_error(sure, rng.random(len(sure)) < sure, bins) for _ in range(draws)]))


def _error(sure: Floats, right: NDArray[np.bool_], bins: int) -> float:
    parts = np.array_split(np.argsort(sure, kind="stable"), min(bins, len(sure)))
    return float(sum(abs(sure[part].mean() - right[part].mean()) * len(part) for part in parts) / len(sure))
