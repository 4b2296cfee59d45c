"""The answer relative to a performer: what she always does is not read, what she does otherwise is."""

from __future__ import annotations

import numpy as np
import pytest

from emotus.training.clips import Clip
from emotus.training.relative import Person, calibrated, fit, regress

NOTHING = np.zeros((1, 90), dtype=np.float32)
_SIZE = 5


def _person(rng: np.random.Generator, activities: int = 6) -> Person:
    """Return one whose own ways lie far out, and whose label moves the first three features a little."""
    nature = rng.normal(0, 5, _SIZE)
    clips, rows = [], []
    for activity in range(activities):
        habit = rng.normal(0, 2, _SIZE)
        for label in range(6):
            sign = np.array([label % 2, (label // 2) % 2, label // 4, 0, 0]) - 0.5
            clips.append(Clip(f"{activity}-{label}", str(activity), str(label), "-3", label, 0, NOTHING))
            rows.append(nature + habit + sign + rng.normal(0, 0.1, _SIZE))
    return Person(clips, np.array(rows))


def test_strangers_are_read_relative_to_themselves() -> None:
    """Learnt from four people, a fifth is read right beside her own mean, and not without it."""
    rng = np.random.default_rng(0)
    answer = fit([_person(rng) for _ in range(4)], squash=3.0, decay=1e-3)
    stranger = _person(rng)
    labels = np.array([clip.label for clip in stranger.clips])
    relative = np.concatenate([stranger.means[rows] - stranger.means[rows].mean(axis=0)
                               for rows in stranger.activities().values()])  # fmt: skip
    assert np.mean(answer.logits(relative).argmax(axis=1) == labels) > 0.95
    assert np.mean(answer.logits(stranger.means).argmax(axis=1) == labels) < 0.7
    assert np.all(answer.own[:3] > answer.moods[:3])


def test_stretching_makes_probabilities_and_changes_no_answer() -> None:
    """Calibrated logits rank as before, and their softmax under the divisor is neither flat nor wholly sure."""
    rng = np.random.default_rng(1)
    persons = [_person(rng) for _ in range(3)]
    plain = fit(persons, squash=3.0)
    stretched = calibrated(persons, plain, divisor=10.0)
    rows = rng.normal(0, 1, (20, _SIZE))
    assert np.array_equal(plain.logits(rows).argmax(1), stretched.logits(rows).argmax(1))
    logits = stretched.logits(persons[0].means[:6] - persons[0].means[:6].mean(axis=0)) / 10.0
    sure = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).max(axis=1).mean()
    shy = plain.logits(persons[0].means[:6] - persons[0].means[:6].mean(axis=0)) / 10.0
    unstretched = (np.exp(shy) / np.exp(shy).sum(axis=1, keepdims=True)).max(axis=1).mean()
    assert unstretched + 0.1 < sure <= 1.0


def test_the_regression_is_that_of_scikit_learn() -> None:
    """With every label as common as the others, weights are those of a multinomial logistic regression."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(3), 30)
    rows = rng.normal(0, 1, (90, 4)) + np.eye(4)[labels]
    decay = 0.05
    weight, _ = regress(rows, labels, 3, decay)
    oracle = linear_model.LogisticRegression(C=1 / (2 * decay * len(rows)), tol=1e-8, max_iter=1000).fit(rows, labels)
    assert np.allclose(weight, oracle.coef_, atol=1e-3)
