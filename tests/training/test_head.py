"""The head on the features, against scikit-learn, and blind to what activities do."""

from __future__ import annotations

import numpy as np
import pytest

from emotus.training.clips import Clip
from emotus.training.head import gather, solve
from emotus.training.looks import Look

NOTHING = np.zeros((1, 90), dtype=np.float32)


def _look(label: int, activity: int, rows: np.ndarray, style: str = "") -> Look:
    clip = Clip(f"dataset-1_{activity}", str(activity), style or str(label), "-3", label, 0, NOTHING)
    return Look(clip, rows.astype(np.float32), rows.astype(np.float32))


def _clips(count: int, rng: np.random.Generator, label: bool = True) -> list[Look]:
    """Return clips whose activity moves the first feature far, and whose label moves the second a little."""
    looks = []
    for activity in range(count):
        for k in range(6):
            centre = np.array([rng.normal(0, 5), 0.5 * k, rng.normal(0, 0.2)])
            rows = centre + rng.normal(0, 0.05, (8, 3))
            looks.append(_look(k if label else -1, activity, rows, f"style {k}"))
    return looks


def test_what_activities_move_is_not_believed() -> None:
    """The feature that tells the activity gets next to no weight beside the one that tells the style."""
    rng = np.random.default_rng(0)
    head = solve(gather(_clips(6, rng), [_clips(20, rng, label=False)], [], 3.0), 0.05)
    assert np.abs(head.weight[:, 0]).max() < 0.1 * np.abs(head.weight[:, 1]).max()
    tests = _clips(10, rng)
    right = [head.logits(look.rows).mean(axis=0).argmax() == look.clip.label for look in tests]
    assert np.mean(right) > 0.8


def test_without_shrinkage_it_is_linear_discriminant_analysis() -> None:
    """On one row a clip, logits differ from scikit-learn's by nothing that a softmax would see."""
    discriminant = pytest.importorskip("sklearn.discriminant_analysis")
    rng = np.random.default_rng(1)
    looks = [_look(k, i, rng.normal(k, 1.0, (1, 4))) for k in range(6) for i in range(30)]
    head = solve(gather(looks, [], [], 1e6), 0.0)
    flat = np.array([head.flat(look.rows)[0] for look in looks])
    labels = np.array([look.clip.label for look in looks])
    oracle = discriminant.LinearDiscriminantAnalysis(solver="lsqr", priors=np.ones(6) / 6).fit(flat, labels)
    ours = np.exp(head.logits(looks[0].rows)[0])
    # scikit-learn divides the scatter by n, we by n less the classes
    theirs = np.exp(oracle.decision_function(flat[:1])[0] * (180 - 6) / 180)
    assert np.allclose(ours / ours.sum(), theirs / theirs.sum(), atol=0.02)
