"""Clusters are those of scikit-learn, as many as there are."""

from __future__ import annotations

import numpy as np
import pytest

from emotus.engine.clusters import best_clusters, kmeans, silhouette
from emotus.engine.plane import distances_of

cluster = pytest.importorskip("sklearn.cluster")
metrics = pytest.importorskip("sklearn.metrics")


def blobs(k: int, each: int = 12, seed: int = 0):
    """Return points around k centres on a circle, and which centre each is of."""
    rng = np.random.default_rng(seed)
    angle = 2 * np.pi * np.arange(k) / k
    centres = 10 * np.stack((np.cos(angle), np.sin(angle)), axis=1)
    return np.repeat(centres, each, axis=0) + rng.normal(size=(k * each, 2)), np.repeat(np.arange(k), each)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_the_error_is_no_larger_than_scikit_learns(seed, k):
    """On points without any structure, ten starts each."""
    points = np.random.default_rng(seed).normal(size=(60, 2))
    theirs = cluster.KMeans(k, n_init=10, random_state=seed).fit(points).inertia_
    labels, error = kmeans(points, k, seed=seed)
    assert error <= theirs * 1.02
    spreads = (points[labels == i] - points[labels == i].mean(axis=0) for i in range(k))
    assert error == pytest.approx(sum(float(np.square(spread).sum()) for spread in spreads))


def test_the_silhouette_is_scikit_learns():
    """With a cluster of one among them."""
    points, labels = blobs(3)
    labels = labels.copy()
    labels[0] = 3
    matrix = distances_of(points)
    assert silhouette(matrix, labels) == pytest.approx(metrics.silhouette_score(matrix, labels, metric="precomputed"))
    assert silhouette(matrix, np.zeros(len(points), dtype=np.int64)) == 0.0


@pytest.mark.parametrize("k", [2, 3, 4, 6])
def test_as_many_clusters_are_found_as_there_are(k):
    """And they are those, numbered in the order they appear in."""
    points, labels = blobs(k)
    found, scores = best_clusters(points, distances_of(points))
    assert found.tolist() == labels.tolist()
    assert max(scores, key=scores.get) == k


def test_equal_points_and_few_points_are_one_cluster():
    """No structure, no clusters; and no division by nothing."""
    for n in (1, 2, 5):
        assert best_clusters(np.zeros((n, 2)), np.zeros((n, n)))[0].tolist() == [0] * n
