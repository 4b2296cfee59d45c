"""What other people's styles tell of teaching is measured as it says, on clips that are made up here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
from support.performers import walker

from emotus.engine.errors import DataError
from emotus.engine.features import FRAME_SIZE, normalise
from emotus.engine.network import load
from emotus.models.teach_prior import TeachPrior
from emotus.training.clips import Clip
from emotus.training.covariances import between_of, mean_of, together, within_of
from emotus.training.episodes import SHOTS, answer, episodes, learn
from emotus.training.shown import Shown, activities, describe_all, show
from emotus.training.teach_evaluation import strict
from emotus.training.teach_prior import Material, Picked, PriorRecipe, learn_prior, measure

D, CUT = 12, 8
ACTIVITIES = ("bow", "bye", "dash", "guide", "kick", "punch", "run", "walk", "walk-left")
SMALL = PriorRecipe(shrinkages=((0.2, 0.2),), least=(0.3,), styles=6, axes=3, width=2.0, draws=1)


def made_up(styles: int, session: str, seed: int, *, number: int = 1) -> list[Shown]:
    """Return clips of styles that lie apart, each activity moving all of them its own way."""
    rng = np.random.default_rng(seed)
    ways = {name: rng.normal(size=D) for name in ACTIVITIES}
    found: list[Shown] = []
    for s in range(styles):
        place = 1.5 * rng.normal(size=D)
        for name in ACTIVITIES:
            rows = (place + ways[name] + 0.3 * rng.normal(size=(9, D))).astype(np.float32)
            file = f"dataset-{number}_{name}_style{seed}{s}_{session}.bvh"
            clip = Clip(file, name, f"style {seed}{s}", session, -1, 0, np.zeros((0, FRAME_SIZE), np.float32))
            found.append(Shown(clip, rows, 15 + 8 * np.arange(9), rows.mean(axis=0, dtype=np.float64), rows[:3]))
    return found


@pytest.fixture(scope="module")
def material() -> Material:
    """Return three sessions, two of set 1 and one of set 2."""
    return Material([*made_up(4, "a", 1), *made_up(3, "b", 2)], made_up(3, "c", 3, number=2), CUT, "test 1")


@pytest.fixture(scope="module")
def prior(material: Material) -> TeachPrior:
    """Return what is learnt from them."""
    return learn_prior(material, SMALL, lambda _: None)


def test_scatter_within_styles_is_the_pooled_covariance() -> None:
    """Clips about the mean of their style in their session: numpy's own covariance of the deviations."""
    shown = [*made_up(3, "a", 1), *made_up(2, "b", 2)]
    means = np.stack([each.mean for each in shown])
    groups = [
        np.array([m for m, s in zip(means, shown, strict=True) if s.key == key]) for key in {s.key for s in shown}
    ]
    pooled = sum(np.cov(group.T) * (len(group) - 1) for group in groups) / sum(len(group) - 1 for group in groups)
    np.testing.assert_allclose(within_of(means, shown), pooled)
    assert within_of(means[:2], [shown[0], shown[9]]) is None


def test_scatter_between_styles_is_about_each_sessions_own_mean() -> None:
    """A session that lies elsewhere, as another performer does, adds nothing to the scatter of styles."""
    shown = [*made_up(3, "a", 1), *made_up(3, "b", 2)]
    means = np.stack([each.mean for each in shown])
    moved = means + 100.0 * np.array([each.clip.session == "b" for each in shown])[:, None]
    np.testing.assert_allclose(between_of(moved, shown), between_of(means, shown), atol=1e-8)
    one = [each for each in shown if each.clip.style == "style 10"]
    assert between_of(np.stack([each.mean for each in one]), one) is None
    assert not mean_of([None, None], D).any()


def test_both_covariances_are_diagonal_in_one_basis() -> None:
    """The variances are SciPy's generalised eigenvalues; within is one in every coordinate."""
    rng = np.random.default_rng(0)
    within, styles = (x @ x.T for x in (rng.normal(size=(6, 9)), rng.normal(size=(6, 3))))
    basis, between = together(styles, within)
    np.testing.assert_allclose(basis.T @ within @ basis, np.eye(6), atol=1e-8)
    np.testing.assert_allclose(basis.T @ styles @ basis, np.diag(between), atol=1e-7)
    np.testing.assert_allclose(np.sort(between), scipy.linalg.eigh(styles, within, eigvals_only=True), atol=1e-7)


def test_a_prior_tells_new_styles_apart(prior: TeachPrior) -> None:
    """Learnt from some sessions, it tells the styles of another apart from one activity each; and it is calibrated."""
    assert [frames for frames, _ in prior.settle] == sorted(frames for frames, _ in prior.settle)
    assert all(factor >= 1.0 for _, factor in prior.settle)
    assert prior.divisors[0][1] >= 1.0
    assert (np.diff(prior.between) <= 0).all()
    new = made_up(4, "d", 9)
    right = [
        answer(learn(game, prior), test).argmax() == label
        for game in episodes(new, 1, 6, 0)
        for test, label in zip(game.tests, game.labels, strict=True)
    ]
    assert np.mean(right) > 0.7


def test_a_session_that_is_left_out_leaves_no_trace(material: Material) -> None:
    """The prior without some clips is the prior of what is left, whatever the clips were."""
    gone = made_up(3, "b", 2)
    poisoned = Material([*material.set1[: 4 * len(ACTIVITIES)], *gone], material.set2, CUT, "test 1").without(gone)
    clean = Material(material.set1[: 4 * len(ACTIVITIES)], material.set2, CUT, "test 1")
    picked = Picked((0.2, 0.2), 0.3)
    np.testing.assert_array_equal(measure(poisoned, picked, SMALL).basis, measure(clean, picked, SMALL).basis)


def test_no_session_to_play_on_is_told() -> None:
    """One style alone teaches nothing of teaching: DataError, one line."""
    with pytest.raises(DataError, match="no session"):
        learn_prior(Material(made_up(1, "a", 1), [], CUT, "test 1"), SMALL, lambda _: None)


def test_games_never_test_what_was_taught(material: Material) -> None:
    """Taught and tested activities are apart in every draw, all styles alike; the same seed draws the same."""
    shown = material.set1[: 4 * len(ACTIVITIES)]
    assert activities(shown) == sorted(ACTIVITIES)
    for shots in SHOTS:
        games, again = list(episodes(shown, shots, 4, 7)), list(episodes(shown, shots, 4, 7))
        for game, twin in zip(games, again, strict=True):
            taught, tested = ({each.clip.activity for each in some} for some in (game.taught, game.tests))
            assert not taught & tested
            assert len(taught) == shots
            assert len(game.taught) == shots * len(game.styles)
            assert [each.clip.name for each in game.taught] == [each.clip.name for each in twin.taught]
    (game,) = episodes(shown, 1, 1, 0, styles=2)
    assert set(game.labels.tolist()) == {-1, 0, 1}


def test_the_strict_prior_has_seen_no_tested_activity_nor_its_kin(material: Material, prior: TeachPrior) -> None:
    """It is the prior of clips of other activities alone; walk-left in set 2 goes where walk is tested."""
    game = next(episodes(made_up(3, "d", 9), 5, 1, 1))
    tested = {test.clip.activity for test in game.tests}
    kin = {name.partition("-")[0] for name in tested}
    first = [each for each in material.set1 if each.clip.activity not in tested]
    second = [each for each in material.set2 if each.clip.activity.partition("-")[0] not in kin]
    wanted = measure(Material(first, second, CUT, "test 1"), Picked((0.2, 0.2), 0.3), SMALL)
    found = strict(material, prior, game, SMALL)
    np.testing.assert_array_equal(found.basis, wanted.basis)
    assert found.divisors == prior.divisors


def test_clips_are_described_as_the_live_recogniser_describes_them() -> None:
    """What teaching was learnt from is what `Recogniser.describe` says, frame by frame."""
    from emotus.models.store import load_recogniser

    poses = list(walker(40))
    frames = normalise(np.stack([p.positions for p in poses]), np.stack([p.confidence for p in poses]), 30.0)
    recogniser = load("bandai-stgcn")
    evidence = recogniser.start()
    model, _ = load_recogniser()
    described = describe_all(model, frames)
    for i, frame in enumerate(frames):
        _, evidence = recogniser.step(frame, evidence)
        np.testing.assert_allclose(recogniser.describe(evidence)[: described.shape[1]], described[i], atol=2e-4)
    shown = show(model, Clip("x", "walk", "s", "a", -1, 0, frames))
    assert shown.seen.tolist() == [15, 23, 31, 39, 40]
    np.testing.assert_array_equal(shown.rows[-1], described[-1])


def test_data_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Training without the data set says which file is missing."""
    from emotus.training.teach_prior import gather

    with pytest.raises(DataError, match="is missing"):
        gather(tmp_path, lambda _: None)
