"""Readers of gaits for the protocols: ours, many weighings of raw and relative features, and the peers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import MissingPackageError

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
# rows to learn from (R, F), their labels, rows to answer (S, F) -> probabilities (S, K)
Reader = Callable[[Floats, Indices, Floats], Floats]
_FAR = 4.0  # deviations beyond which all are alike
OURS_C = 0.01


def linear(strength: float = OURS_C) -> Reader:
    """Return logistic regression on squashed deviations, worked out in the span of the rows, which is exact."""

    def read(rows: Floats, labels: Indices, tests: Floats) -> Floats:
        model = _sklearn("linear_model").LogisticRegression(C=strength, max_iter=200, tol=1e-3)
        mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-9
        flat, asked = (np.tanh((each - mean) / scale / _FAR) * _FAR for each in (rows, tests))
        if flat.shape[0] < flat.shape[1]:
            span = np.linalg.svd(flat, full_matrices=False)[2]
            flat, asked = flat @ span.T, asked @ span.T
        return _quietly(model, flat, labels, asked)

    return read


def plain_regression() -> Reader:
    """Return the peer: logistic regression on standardised features."""

    def read(rows: Floats, labels: Indices, tests: Floats) -> Floats:
        mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-9
        model = _sklearn("linear_model").LogisticRegression(C=0.01, max_iter=200)
        return _quietly(model, (rows - mean) / scale, labels, (tests - mean) / scale)

    return read


def forest(seed: int, trees: int = 100) -> Reader:
    """Return the peer: a random forest."""

    def read(rows: Floats, labels: Indices, tests: Floats) -> Floats:
        model = _sklearn("ensemble").RandomForestClassifier(trees, random_state=seed)
        return _quietly(model, rows, labels, tests)

    return read


def _quietly(model: Any, rows: Floats, labels: Indices, tests: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(rows, labels).predict_proba(tests)


def _sklearn(module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"sklearn.{module}")
    except ImportError:
        raise MissingPackageError("scikit-learn", "train") from None
