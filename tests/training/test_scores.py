"""Figures of merit agree with scikit-learn's and scipy's, and say how far they may be trusted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, confusion_matrix, f1_score, precision_recall_fscore_support

from emotus.training import scores
from emotus.training.cross_validation import Fold

NAMES = ("angry", "happy", "sad")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=40))
def test_average_precision_is_that_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    """Ties and all; without a positive there is none."""
    values, positive = np.array([v for v, _ in rows], dtype=float), np.array([p for _, p in rows])
    ours = scores.average_precision(values, positive)
    if positive.any():
        assert ours == pytest.approx(average_precision_score(positive, values))
    else:
        assert np.isnan(ours)


@pytest.mark.parametrize(("only_one", "only_other"), [(0, 0), (5, 5), (9, 1), (0, 7), (30, 12)])
def test_mcnemar_is_an_exact_sign_test(only_one: int, only_other: int) -> None:
    """The clips that only one of the two gets right are tosses of a fair coin, if the two are alike."""
    one = np.array([True] * only_one + [False] * only_other + [True] * 4 + [False] * 3)
    other = np.array([False] * only_one + [True] * only_other + [True] * 4 + [False] * 3)
    found = scores.mcnemar(one, other)
    n = only_one + only_other
    assert (found["only_this"], found["only_other"]) == (only_one, only_other)
    assert found["p"] == pytest.approx(binomtest(only_one, n).pvalue if n else 1.0)


def test_the_bootstrap_draws_groups() -> None:
    """Clips that are right or wrong group by group leave a wider interval than clips each for itself."""
    right = np.repeat(np.random.default_rng(0).random(30) < 0.6, 10).astype(float)
    alone = scores.bootstrap(right, np.array([str(i) for i in range(300)]))
    grouped = scores.bootstrap(right, np.repeat([f"g{i}" for i in range(30)], 10))
    assert grouped[1] - grouped[0] > 2 * (alone[1] - alone[0])
    assert alone[0] < right.mean() < alone[1]


def test_fewer_answers_are_surer() -> None:
    """Coverage falls, the surest are kept, and the accuracy is that of those."""
    probs = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.5, 0.4, 0.1], [0.4, 0.35, 0.25]])
    rows = scores.coverage(probs, np.array([0, 1, 1, 2]))
    assert rows[0] == {"coverage": 1.0, "accuracy": 0.5, "threshold": 0.4}
    assert rows[-1] == {"coverage": 0.5, "accuracy": 1.0, "threshold": 0.8}


def test_class_figures_and_confusion_are_those_of_scikit_learn() -> None:
    """Precision, recall, F1 and the table of answers, also for a class that is never answered."""
    rng = np.random.default_rng(1)
    labels = rng.integers(3, size=40)
    probs = rng.dirichlet([1, 1, 0.01], 40)
    best = probs.argmax(axis=1)
    theirs = precision_recall_fscore_support(labels, best, labels=[0, 1, 2], zero_division=0)
    ours = scores.per_class(probs, labels, NAMES)
    for i, key in enumerate(("precision", "recall", "f1", "clips")):
        assert [row[key] for row in ours.values()] == pytest.approx(list(theirs[i]))
    assert scores.confusion(probs, labels).tolist() == confusion_matrix(labels, best, labels=[0, 1, 2]).tolist()


def test_figures_come_from_every_fold_and_seed() -> None:
    """Folds in any order: pooled accuracy, macro-F1 and majority over the tested clips, deviation over the seeds."""
    labels = np.array([0, 1, 2, 0, -1, 1])
    groups = np.array([f"g{i}" for i in range(6)])
    right, wrong = np.eye(3)[[0, 1, 2, 0, 1]], np.eye(3)[[1, 1, 2, 0, 1]]
    tested = np.array([0, 1, 2, 3, 5])
    folds = []
    for seed, said in ((0, right), (1, wrong)):
        for number, rows in ((1, [4, 3]), (0, [2, 0, 1])):
            folds.append(Fold(seed, number, tested[rows], said[rows], said[rows], {}, 1.0))
    found, probs = scores.figures(folds, labels, groups, NAMES)
    np.testing.assert_array_equal(probs[1], wrong)
    assert found["clips"] == 5
    assert found["accuracy"] == pytest.approx([0.9, 0.1])
    assert found["accuracy_over_folds"][0] == pytest.approx((1 + 1 + 2 / 3 + 1) / 4)
    assert found["majority"] == pytest.approx(0.4)
    f1 = [f1_score(labels[tested], said.argmax(axis=1), average="macro") for said in (right, wrong)]
    assert found["macro_f1"][0] == pytest.approx(np.mean(f1))
