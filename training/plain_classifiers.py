"""Recognisers on hand-made features: random forest, support vectors, logistic regression, and EMOKINE's pipeline.

They are fitted by scikit-learn and answer from arrays of their own, so that one that was saved answers the same.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import MissingPackageError
from .classifier import About, Arrays, Classifier, Settings, logs, refuse_one_class
from .windows import Examples, Floats, Indices

EVERY = 10_000  # features: more than there are
_FAR = 4.0  # deviations beyond which all are alike


def sklearn(module: str) -> Any:
    """Import a module of scikit-learn; raises MissingPackageError."""
    import importlib

    try:
        return importlib.import_module(f"sklearn.{module}")
    except ImportError:
        raise MissingPackageError("scikit-learn", "train") from None


def best_features(rows: Floats, labels: Indices, keep: int) -> Indices:
    """Return the places of the features that tell the classes apart best by the F-test, in their order."""
    if keep >= rows.shape[1]:
        return np.arange(rows.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a feature that never varies is merely never chosen
        scores = np.nan_to_num(sklearn("feature_selection").f_classif(rows, labels)[0], nan=-1.0, posinf=-1.0)
    return np.sort(np.argsort(-scores, kind="stable")[:keep])


def about_of(kind: type[Classifier], data: Examples, seed: int, settings: Settings) -> About:
    """Return what is known of a classifier that is being fitted."""
    return About(kind.kind, data.names, data.frames.shape[1], dict(settings), seed)


@dataclass(frozen=True, eq=False)
class Forest(Classifier):
    """Random forest (Breiman, 2001): T trees of at most L nodes as arrays (T, L); leaves hold shares (T, L, K)."""

    chosen: Indices
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: Floats
    leaves: Floats

    kind: ClassVar[str] = "forest"

    @classmethod
    def choices(cls) -> tuple[Settings, ...]:
        """Return how many features are kept."""
        return ({"keep": 150}, {"keep": EVERY})

    @classmethod
    def fit(cls, data: Examples, seed: int, settings: Settings) -> Self:
        """Grow the trees."""
        known = refuse_one_class(data)
        settings = {"keep": EVERY, "trees": 300, **settings}
        chosen = best_features(known.features, known.targets, settings["keep"])
        grown = sklearn("ensemble").RandomForestClassifier(
            settings["trees"], min_samples_leaf=2, random_state=seed, n_jobs=1
        )
        grown.fit(known.features[:, chosen], known.targets)
        trees = [each.tree_ for each in grown.estimators_]
        most = max(tree.node_count for tree in trees)

        def padded(name: str, dtype: type) -> NDArray[Any]:
            return np.stack([np.pad(getattr(t, name), (0, most - t.node_count)) for t in trees]).astype(dtype)

        leaves = np.zeros((len(trees), most, len(data.names)))
        for i, tree in enumerate(trees):
            values = tree.value[:, 0, :]  # (L, classes seen)
            leaves[i, : tree.node_count, grown.classes_] = (values / values.sum(axis=1, keepdims=True)).T
        left, right = padded("children_left", np.int32), padded("children_right", np.int32)
        feature, threshold = padded("feature", np.int32), padded("threshold", np.float64)
        return cls(about_of(cls, data, seed, settings), chosen, left, right, feature, threshold, leaves)

    def log_probs(self, data: Examples) -> Floats:
        """Walk down all trees at once and take the mean of the leaves."""
        rows = data.features[:, self.chosen].astype(np.float32)  # as scikit-learn compares
        trees = np.arange(len(self.left))
        node = np.zeros((len(rows), len(trees)), dtype=np.int32)  # (N, T)
        while True:
            inner = self.left[trees, node] > 0
            if not inner.any():
                break
            value = rows[np.arange(len(rows))[:, None], np.maximum(self.feature[trees, node], 0)]
            down = np.where(value <= self.threshold[trees, node], self.left[trees, node], self.right[trees, node])
            node = np.where(inner, down, node)
        return logs(self.leaves[trees, node].mean(axis=1))

    def arrays(self) -> Arrays:
        """Return the trees."""
        return {name: getattr(self, name) for name in ("chosen", "left", "right", "feature", "threshold", "leaves")}

    @classmethod
    def of(cls, about: About, arrays: Arrays) -> Self:
        """Put the trees together."""
        return cls(about, **arrays)


@dataclass(frozen=True, eq=False)
class Svm(Classifier):
    """Support vectors with a radial kernel, one class against the rest (Cortes and Vapnik, 1995)."""

    chosen: Indices
    mean: Floats
    scale: Floats
    vectors: Floats
    weight: Floats
    bias: Floats

    kind: ClassVar[str] = "svm"

    @classmethod
    def choices(cls) -> tuple[Settings, ...]:
        """Return how many features are kept, and how much a window on the wrong side costs."""
        return tuple({"keep": keep, "cost": cost} for keep in (150, EVERY) for cost in (1.0, 10.0))

    @classmethod
    def fit(cls, data: Examples, seed: int, settings: Settings) -> Self:
        """Solve one machine for each class."""
        known = refuse_one_class(data)
        settings = {"keep": EVERY, "cost": 1.0, **settings}
        features = cls.features_of(known)
        chosen = best_features(features, known.targets, settings["keep"])
        rows = features[:, chosen]
        mean, scale = rows.mean(axis=0), 1.0 / (rows.std(axis=0) + 1e-9)
        rows = _squashed(rows, mean, scale)
        weight, bias = np.zeros((len(data.names), len(rows))), np.full(len(data.names), -10.0)
        for k in np.unique(known.targets):
            machine = sklearn("svm").SVC(C=settings["cost"], gamma=1.0 / rows.shape[1], class_weight="balanced")
            machine.fit(rows, known.targets == k)
            weight[k, machine.support_] = machine.dual_coef_[0]
            bias[k] = machine.intercept_[0]
        rows = np.ascontiguousarray(rows)  # as it is read again: products of another layout differ in the last bit
        return cls(about_of(cls, data, seed, settings), chosen, mean, scale, rows, weight, bias)

    @classmethod
    def features_of(cls, data: Examples) -> Floats:
        """Return the features (N, F) that it looks at."""
        return data.features

    def log_probs(self, data: Examples) -> Floats:
        """Return how far the windows lie on each class's side, as log-odds."""
        rows = _squashed(self.features_of(data)[:, self.chosen], self.mean, self.scale)
        apart = np.square(rows).sum(1)[:, None] + np.square(self.vectors).sum(1) - 2.0 * rows @ self.vectors.T
        sides = np.exp(-np.maximum(apart, 0.0) / rows.shape[1]) @ self.weight.T + self.bias  # (N, K)
        return _normalised(2.0 * sides)

    def arrays(self) -> Arrays:
        """Return the support vectors and their weights."""
        return {name: getattr(self, name) for name in ("chosen", "mean", "scale", "vectors", "weight", "bias")}

    @classmethod
    def of(cls, about: About, arrays: Arrays) -> Self:
        """Put the machines together."""
        return cls(about, **arrays)


@dataclass(frozen=True, eq=False)
class Linear(Classifier):
    """Logistic regression on squashed deviations: the plainest, and on few clips among the best."""

    mean: Floats
    scale: Floats
    weight: Floats
    bias: Floats

    kind: ClassVar[str] = "linear"

    @classmethod
    def choices(cls) -> tuple[Settings, ...]:
        """Return how freely the weights may grow."""
        return tuple({"freedom": freedom} for freedom in (0.003, 0.01, 0.03))

    @classmethod
    def fit(cls, data: Examples, seed: int, settings: Settings) -> Self:
        """Find the weights."""
        known = refuse_one_class(data)
        settings = {"freedom": 0.01, **settings}
        rows = known.features
        mean, scale = rows.mean(axis=0), 1.0 / (rows.std(axis=0) + 1e-9)
        rows = _squashed(rows, mean, scale)
        span = np.linalg.svd(rows, full_matrices=False)[2] if len(rows) < rows.shape[1] else np.eye(rows.shape[1])
        model = sklearn("linear_model").LogisticRegression(C=settings["freedom"], max_iter=200, tol=1e-3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(rows @ span.T, known.targets)  # in the span of the rows, which is exact
        weight, bias = _every_class(model, len(data.names))
        return cls(about_of(cls, data, seed, settings), mean, scale, np.ascontiguousarray(weight @ span), bias)

    def log_probs(self, data: Examples) -> Floats:
        """Weigh the features."""
        return _normalised(_squashed(data.features, self.mean, self.scale) @ self.weight.T + self.bias)

    def arrays(self) -> Arrays:
        """Return the weights."""
        return {name: getattr(self, name) for name in ("mean", "scale", "weight", "bias")}

    @classmethod
    def of(cls, about: About, arrays: Arrays) -> Self:
        """Put the weights together."""
        return cls(about, **arrays)


@dataclass(frozen=True, eq=False)
class Emokine3d(Svm):
    """EMOKINE's pipeline: support vectors on descriptors of motion, in space; meant for leave-one-out."""

    kind: ClassVar[str] = "emokine-3d"


@dataclass(frozen=True, eq=False)
class Emokine2d(Svm):
    """The same on what a camera before the mover sees: the picture's plane only."""

    kind: ClassVar[str] = "emokine-2d"

    @classmethod
    def features_of(cls, data: Examples) -> Floats:
        """Return the features (N, F) in the plane."""
        if "flat" not in data.memo:
            from .kinematic import features_of

            data.memo["flat"] = features_of(data.frames, flat=True)
        return data.memo["flat"]


def _every_class(model: Any, count: int) -> tuple[Floats, Floats]:
    """Return weights (K, F) and bias (K,) of all classes, those never seen far below the others."""
    coefficients, intercept = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # one row stands for both
        coefficients = np.stack((-coefficients[0], coefficients[0])) / 2.0
        intercept = np.array((-intercept[0], intercept[0])) / 2.0
    weight, bias = np.zeros((count, coefficients.shape[1])), np.full(count, -10.0)
    weight[model.classes_], bias[model.classes_] = coefficients, intercept
    return weight, bias


def _squashed(rows: Floats, mean: Floats, scale: Floats) -> Floats:
    return np.tanh((rows - mean) * scale / _FAR) * _FAR


def _normalised(logits: Floats) -> Floats:
    top = logits.max(axis=1, keepdims=True)
    return logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
