"""Figures of merit, against scikit-learn and against answers whose error is known."""

from __future__ import annotations

import numpy as np
import pytest

from emotus.training import calibrate, metrics

sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle")


def _answers(n: int = 500, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(k), n)
    return probs, np.array([rng.choice(k, p=p) for p in probs])


def test_scores_are_scikit_learns() -> None:
    """Accuracy, macro-F1 and recalls are those of the oracle."""
    probs, labels = _answers()
    best = probs.argmax(axis=1)
    assert metrics.accuracy(probs, labels) == pytest.approx(sklearn_metrics.accuracy_score(labels, best))
    assert metrics.macro_f1(probs, labels) == pytest.approx(sklearn_metrics.f1_score(labels, best, average="macro"))
    assert metrics.recalls(probs, labels) == pytest.approx(sklearn_metrics.recall_score(labels, best, average=None))


def test_the_best_constant_is_the_commonest_class() -> None:
    """Answering the commonest class always is right as often as it occurs."""
    assert metrics.best_constant(np.array([0, 1, 1, 1, 2])) == pytest.approx(0.6)


def test_answers_drawn_from_their_probabilities_are_calibrated() -> None:
    """The error of truthful answers is what chance leaves, and no more."""
    probs, labels = _answers(4000)
    assert metrics.calibration_error(probs, labels) == pytest.approx(metrics.calibration_floor(probs), abs=0.02)


def test_boasting_shows_as_an_error() -> None:
    """Answers that claim 0.9 and are right half of the time are off by 0.4."""
    probs = np.tile([0.9, 0.1], (400, 1))
    labels = np.arange(400) % 2
    assert metrics.calibration_error(probs, labels, bins=1) == pytest.approx(0.4)


def test_the_temperature_is_found_again() -> None:
    """Logits blown up by five are divided by about five."""
    rng = np.random.default_rng(1)
    clips = []
    for _ in range(300):
        logits = rng.normal(0, 1.5, 4)
        p = np.exp(calibrate.log_softmax(logits))
        clips.append((np.tile(logits * 5, (40, 1)), int(rng.choice(4, p=p))))
    assert calibrate.divisor(clips) == pytest.approx(5.0, rel=0.25)


def test_temperatures_of_a_clip_follow_the_table() -> None:
    """Each frame is divided by the temperature of the evidence at that frame."""
    found = calibrate.temperatures(((1.0, 8.0), (100.0, 2.0)), 200)
    assert (found[0], found[99], found[199]) == (8.0, 2.0, 2.0)
    assert found[9] == pytest.approx(5.0)
