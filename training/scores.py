"""The figures of a cross-validated classifier: how often right, how sure, and within what interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from . import metrics
from .cross_validation import Fold
from .metrics import Floats, Labels

DRAWS: Final = 2000
_ENOUGH_GROUPS: Final = 10
COVERAGES: Final = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)


def average_precision(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Return the area under precision over recall, in steps, ties answered together; NaN without positives."""
    if not positive.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits, ranked = np.cumsum(positive[order]), scores[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of each run of equal scores
    precision, recall = hits[last] / (last + 1), hits[last] / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def mean_average_precision(probs: Floats, labels: Labels) -> float:
    """Return the mean average precision over the classes that occur, each against the rest."""
    return float(np.mean([average_precision(probs[:, k], labels == k) for k in np.unique(labels)]))


def bootstrap(right: Floats, groups: NDArray[np.str_], draws: int = DRAWS) -> tuple[float, float]:
    """Return the 95 % interval of the mean of right (M,): groups are drawn anew, or clips where groups are few."""
    names, place = np.unique(groups, return_inverse=True)
    if len(names) < _ENOUGH_GROUPS:
        names, place = np.arange(len(right)), np.arange(len(right))
    sums, counts = np.bincount(place, right, len(names)), np.bincount(place, minlength=len(names))
    drawn = np.random.default_rng(0).integers(len(names), size=(draws, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def mcnemar(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> dict[str, float]:
    """Compare two classifiers on the same clips by the exact test of McNemar (1947).

    Returns how many clips only the one and only the other gets right, and the two-sided probability of that by chance.
    """
    only_one, only_other = int(np.sum(one & ~other)), int(np.sum(~one & other))
    n, fewer = only_one + only_other, min(only_one, only_other)
    tail = sum(math.comb(n, i) for i in range(fewer + 1)) / 2**n if n else 1.0
    return {"only_this": only_one, "only_other": only_other, "p": min(1.0, 2.0 * tail)}


def coverage(probs: Floats, labels: Labels) -> list[dict[str, float]]:
    """Return how many of the surest answers are right, as fewer and fewer are given."""
    order = np.argsort(-probs.max(axis=1), kind="stable")
    right = (probs.argmax(axis=1) == labels)[order]
    rows: list[dict[str, float]] = []
    for share in COVERAGES:
        count = max(1, round(share * len(right)))
        threshold = float(probs.max(axis=1)[order[count - 1]])
        rows.append({"coverage": count / len(right), "accuracy": float(right[:count].mean()), "threshold": threshold})
    return rows


def per_class(probs: Floats, labels: Labels, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return precision, recall, F1, average precision and number of clips of each class."""
    best = probs.argmax(axis=1)
    out: dict[str, dict[str, float]] = {}
    for k, name in enumerate(names):
        hits, said, there = int(np.sum((best == k) & (labels == k))), int(np.sum(best == k)), int(np.sum(labels == k))
        out[name] = {
            "precision": hits / said if said else 0.0,
            "recall": hits / there if there else 0.0,
            "f1": 2.0 * hits / (said + there) if said + there else 0.0,
            "average_precision": average_precision(probs[:, k], labels == k) if there else 0.0,
            "clips": there,
        }
    return out


def confusion(probs: Floats, labels: Labels) -> NDArray[np.intp]:
    """Return how many clips of each label (row) are called what (column), (K, K)."""
    table = np.zeros((probs.shape[1], probs.shape[1]), dtype=np.intp)
    np.add.at(table, (labels, probs.argmax(axis=1)), 1)
    return table


def figures(
    folds: Sequence[Fold], labels: Labels, groups: NDArray[np.str_], names: Sequence[str]
) -> tuple[dict[str, Any], dict[int, Floats]]:
    """Return all figures of the folds, and what each seed said of the tested clips, in the order of `tested`.

    labels, groups: of every clip of the set.
    """
    tested = np.unique(np.concatenate([fold.clips for fold in folds]))
    seeds = sorted({fold.seed for fold in folds})
    raw = {seed: _gathered(folds, seed, tested, "raw") for seed in seeds}
    probs = {seed: _gathered(folds, seed, tested, "probs") for seed in seeds}
    truth = labels[tested]
    by_fold = [metrics.accuracy(fold.probs, labels[fold.clips]) for fold in folds]
    right = np.mean([probs[seed].argmax(axis=1) == truth for seed in seeds], axis=0)

    def over_seeds(measure: Any, said: dict[int, Floats]) -> list[float]:
        values = [measure(said[seed], truth) for seed in seeds]
        return [float(np.mean(values)), float(np.std(values))]

    counts = np.bincount(truth, minlength=len(names))
    mean = np.mean(list(probs.values()), axis=0)
    found = {
        "clips": len(tested),
        "folds": len({fold.number for fold in folds}),
        "seeds": seeds,
        "accuracy_over_folds": [float(np.mean(by_fold)), float(np.std(by_fold))],
        "accuracy": over_seeds(metrics.accuracy, probs),
        "interval": list(bootstrap(right, groups[tested])),
        "macro_f1": over_seeds(metrics.macro_f1, probs),
        "map": over_seeds(mean_average_precision, probs),
        "ece_before": over_seeds(metrics.calibration_error, raw),
        "ece_after": over_seeds(metrics.calibration_error, probs),
        "ece_floor": float(np.mean([metrics.calibration_floor(probs[seed]) for seed in seeds])),
        "majority": float(counts.max() / counts.sum()),
        "majority_macro_f1": metrics.macro_f1(np.eye(len(names))[np.full(len(truth), counts.argmax())], truth),
        "chance": 1.0 / int(np.sum(counts > 0)),
        "per_class": per_class(mean, truth, names),
        "coverage": coverage(mean, truth),
        "confusion": np.sum([confusion(probs[seed], truth) for seed in seeds], axis=0).tolist(),
    }
    return found, probs


def _gathered(folds: Sequence[Fold], seed: int, tested: NDArray[np.intp], what: str) -> Floats:
    mine = [fold for fold in folds if fold.seed == seed]
    rows = np.concatenate([fold.clips for fold in mine])
    return _ordered(rows, np.concatenate([getattr(fold, what) for fold in mine]), tested)


def _ordered(rows: NDArray[np.intp], values: Floats, tested: NDArray[np.intp]) -> Floats:
    """Return values (M, K) of clips `rows` in the order of `tested`."""
    place = {int(row): i for i, row in enumerate(rows)}
    return values[[place[int(clip)] for clip in tested]]
