"""Teaching learns any labels from a few takes, checks itself, and refuses in one line what teaches nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from support.lessons import SIZE, make_lesson, make_take, plain_prior

from emotus.engine.errors import EmotusError, TeachError
from emotus.engine.taught import softmax
from emotus.engine.teach import MOST_LABELS, fit, open_prior, points_of
from emotus.engine.teach_model import Points, head_of, place

LABELS = ("my grandmother", "sad", "storm")


class _Given(BaseEstimator):
    """Be a covariance estimator that was told the answer."""

    def fit(self, x: np.ndarray) -> _Given:
        self.covariance_ = np.eye(x.shape[1])
        return self


def test_labels_of_any_words_are_known_again() -> None:
    """Three labels far apart are told apart in takes that were not taught, and the lesson says so."""
    prior = plain_prior()
    takes = make_lesson(LABELS, 6, seed=3)
    taught = [take for i, take in enumerate(takes) if i % 6 < 4]
    lesson = fit(taught, prior)
    rest = [take for i, take in enumerate(takes) if i % 6 >= 4]
    said = [lesson.head.labels[int(lesson.head.logits(take.rows).mean(axis=0).argmax())] for take in rest]
    assert said == [take.label for take in rest]
    assert lesson.head.labels == LABELS
    assert lesson.takes == dict.fromkeys(LABELS, 4)
    assert lesson.head.accuracy >= 0.9
    assert lesson.confusion.sum() == len(taught)
    assert "well apart" in lesson.advice


def test_without_any_kinship_and_with_vague_styles_it_is_fishers_discriminant() -> None:
    """Where the prior knows nothing of styles, differences of logits are those of scikit-learn's discriminants."""
    takes = make_lesson(LABELS, 4, seed=5)
    prior = plain_prior(between=1e7, share=0.0)
    points = points_of(takes, prior)
    peer = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=_Given(), priors=[1 / 3] * 3)
    peer.fit(points.z, points.y)
    probe = np.random.default_rng(0).normal(size=(50, SIZE))
    ours = head_of(points, prior, 1.0, 0.0).logits(probe) * (1.0 + 1.0 / 4)  # a new take about a mean of four
    theirs = peer.decision_function(probe)
    np.testing.assert_allclose(ours - ours[:, :1], theirs - theirs[:, :1], atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.0, 0.9), between=st.floats(0.05, 5.0))
def test_places_are_the_conditional_mean_of_one_large_gaussian(seed: int, share: float, between: float) -> None:
    """The labels' places are what conditioning the joint Gaussian of takes and places gives, written out in full."""
    rng = np.random.default_rng(seed)
    y = np.concatenate((np.arange(3), rng.integers(0, 3, size=5)))
    z, u = rng.normal(size=(8, 2)), rng.normal(size=(8, 4))
    prior = replace(plain_prior(2, between=between, share=share), activity=np.zeros((2, 4)), width=1.3)
    found = place(Points(LABELS, z, u, y), prior)
    alike = share * np.exp(-0.5 * np.square(u[:, None] - u[None]).sum(-1) / 1.3**2)
    np.fill_diagonal(alike, 1.0)
    member, vague = np.eye(3)[y], 1e7
    cov_z = between * member @ member.T + vague + alike
    weights = np.linalg.solve(cov_z, z)
    np.testing.assert_allclose(found.centre, vague * weights.sum(axis=0), atol=1e-3)
    np.testing.assert_allclose(found.labels, between * member.T @ weights, atol=1e-3)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1000), order=st.randoms(use_true_random=False))
def test_the_order_of_takes_does_not_matter(seed: int, order: object) -> None:
    """The same takes in any order give the very same head, to the bit."""
    takes = make_lesson(LABELS, 3, seed=seed)
    first = fit(takes, plain_prior())
    order.shuffle(takes)  # type: ignore[attr-defined]
    second = fit(takes, plain_prior())
    assert np.array_equal(first.head.weight, second.head.weight)
    assert np.array_equal(first.head.bias, second.head.bias)
    assert first.head.divisor == second.head.divisor
    assert first.head.strange == second.head.strange
    assert np.array_equal(first.confusion, second.confusion)
    assert first.advice == second.advice


def test_a_take_that_is_removed_leaves_no_trace() -> None:
    """Fitting without a take gives the head that was there before it came."""
    takes = make_lesson(LABELS, 3)
    before = fit(takes, plain_prior()).head
    more = fit([*takes, make_take("storm", np.full(SIZE, 2.0), 99)], plain_prior()).head
    after = fit(takes, plain_prior()).head
    assert not np.array_equal(before.weight, more.weight)
    assert np.array_equal(before.weight, after.weight)


def test_takes_that_share_an_activity_are_not_told_by_it() -> None:
    """What is done may shift all labels alike: taught in one activity, they are known in another, far away."""
    rng = np.random.default_rng(1)
    prior = plain_prior(between=0.5)
    places = 1.2 * rng.normal(size=(3, SIZE))
    far = 6.0 * np.eye(SIZE)[-1]  # along the axis that tells activities apart
    near = [make_take(label, places[i], i, spread=0.1) for i, label in enumerate(LABELS)]
    away = [make_take(label, places[i] + far, 10 + i, spread=0.1) for i, label in enumerate(LABELS)]
    uneven = [*near, away[0]]  # only one label was shown in the other activity as well
    head = fit(uneven, prior).head
    said = [head.labels[int(head.logits(take.rows).mean(axis=0).argmax())] for take in away]
    assert said == list(LABELS)


def test_few_takes_answer_less_surely_early_on() -> None:
    """The same features are answered less surely the fewer frames were seen."""
    head = fit(make_lesson(LABELS, 3), plain_prior()).head
    row = 0.1 * head.places[0] @ head.styles.T
    sure = [float(head.probabilities(row, frames).max()) for frames in (1, 4, 10, 30, 300)]
    assert sure == sorted(sure)
    assert sure[0] == sure[1] < sure[2] < sure[3] == sure[4]


def test_takes_that_contradict_the_prior_make_it_less_sure() -> None:
    """Labels that are mixed up when left out are answered less surely than labels that are not."""
    clear = fit(make_lesson(LABELS, 5, apart=1.5, seed=2), plain_prior())
    vague = fit(make_lesson(LABELS, 5, apart=0.15, seed=2), plain_prior())
    assert vague.head.accuracy < clear.head.accuracy
    assert vague.head.divisor > clear.head.divisor
    assert vague.confused
    assert "would help most" in vague.advice
    assert 0.0 <= vague.calibration_error <= 1.0


def test_advice_names_the_label_that_is_hardest_to_tell() -> None:
    """Two labels that lie together are what one more take is asked for; the far one is left alone."""
    rng = np.random.default_rng(4)
    base, far = rng.normal(size=SIZE), 5.0 * rng.normal(size=SIZE)
    places = {"drizzle": base, "rain": base + 0.15 * rng.normal(size=SIZE), "sun": far}
    ways = 0.8 * rng.normal(size=(4, SIZE))
    takes = [make_take(n, p + ways[j], 10 * i + j) for i, (n, p) in enumerate(places.items()) for j in range(4)]
    lesson = fit(takes, plain_prior(divisor=4.0))
    assert "'drizzle'" in lesson.advice
    assert "'rain'" in lesson.advice
    assert "'sun'" not in lesson.advice
    assert "rain" in lesson.to_text()


def test_a_single_take_cannot_be_checked_and_the_lesson_says_so() -> None:
    """With one take each nothing can be left out: no confusion, no accuracy, a sentence instead."""
    lesson = fit(make_lesson(LABELS, 1), plain_prior())
    assert lesson.confusion.sum() == 0
    assert np.isnan(lesson.head.accuracy)
    assert all(np.isnan(each) for each in lesson.accuracies.values())
    assert any("cannot be checked" in problem for problem in lesson.problems)


REFUSED = {
    "nothing is taught": [],
    "only 'storm' is taught": [make_take("storm", np.zeros(SIZE), 1), make_take("storm", np.ones(SIZE), 2)],
    "are the same movement": [
        make_take("a", np.zeros(SIZE), 1),
        make_take("a", np.zeros(SIZE), 1),
        make_take("b", np.ones(SIZE), 2),
    ],
    "as 'a' and as 'b'": [make_take("a", np.zeros(SIZE), 1), make_take("b", np.zeros(SIZE), 1)],
    "holds numbers that are not finite": [make_take("a", np.full(SIZE, np.nan), 1), make_take("b", np.zeros(SIZE), 2)],
    "holds features of shape": [make_take("a", np.zeros(5), 1), make_take("b", np.zeros(SIZE), 2)],
    "was recorded with the features": [
        replace(make_take("a", np.ones(SIZE), 1), features="other 7"),
        make_take("b", np.zeros(SIZE), 2),
    ],
    "labels are too many": [make_take(f"label {i}", np.full(SIZE, i), i) for i in range(MOST_LABELS + 1)],
}


@pytest.mark.parametrize("why", REFUSED)
def test_takes_that_teach_nothing_are_refused_in_one_line(why: str) -> None:
    """Each is a TeachError, one line that says what is wrong; no head comes of it."""
    with pytest.raises(TeachError, match=why) as caught:
        fit(REFUSED[why], plain_prior())
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, EmotusError)


def test_a_head_that_does_not_know_its_own_takes_is_not_handed_out() -> None:
    """Two labels whose takes are alike but for noise give no head where it would be no better than a guess."""
    one, other = make_take("a", np.zeros(SIZE), 1, spread=0.0), make_take("b", np.full(SIZE, 0.03), 2, spread=0.0)
    more = [make_take("a", np.full(SIZE, 0.09), 3, spread=0.0), make_take("b", np.full(SIZE, -0.06), 4, spread=0.0)]
    with pytest.raises(TeachError, match="cannot be told apart"):
        fit([one, other, *more], plain_prior())


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), labels=st.integers(2, 5), takes=st.integers(1, 4), size=st.floats(0.01, 50.0))
def test_every_answer_is_a_distribution(seed: int, labels: int, takes: int, size: float) -> None:
    """Whatever features come, probabilities are finite, not negative, and sum to one; familiarity lies in 0..1."""
    lesson = fit(make_lesson([f"label {i}" for i in range(labels)], takes, seed=seed, apart=2.0), plain_prior())
    rows = size * np.random.default_rng(seed).normal(size=(20, SIZE))
    probs, familiar = lesson.head.probabilities(rows, 50), lesson.head.familiarity(rows)
    assert np.isfinite(probs).all()
    assert (probs >= 0).all()
    np.testing.assert_allclose(probs.sum(axis=1), 1.0)
    assert ((familiar >= 0) & (familiar <= 1)).all()


def test_softmax_bears_large_logits() -> None:
    """Logits beyond what exp can hold still give probabilities."""
    np.testing.assert_allclose(softmax(np.array([1e4, 0.0, -1e4])), [1.0, 0.0, 0.0])


def test_the_shipped_prior_fits_the_shipped_recogniser() -> None:
    """What ships together belongs together: the prior was made with the recogniser's own features."""
    from emotus.engine.network import load

    recogniser, prior = load("bandai-stgcn"), open_prior()
    assert prior.features == recogniser.feature_set, "emotus train teach-prior --out models/weights"
    assert 2 * prior.size + 1 == len(recogniser.describe(recogniser.start()))
