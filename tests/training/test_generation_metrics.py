"""Figures of generated takes against oracles: scipy's distances and roots, feet that glide at a known speed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.spatial.distance import pdist
from sklearn.metrics import mutual_info_score
from support.movements import take

from emotus.engine.body import BODY
from emotus.training.generation_evaluation import is_rising
from emotus.training.generation_finish import footed, smoothed
from emotus.training.generation_judge import judged
from emotus.training.generation_metrics import (
    Novelty,
    below_floor_cm,
    bone_error,
    diversity,
    frechet,
    jerk_m_s3,
    multimodality,
    skate_cm_s,
)
from emotus.training.generation_plane import mig
from emotus.training.motion_data import GeneratedTake


def moving(path: np.ndarray) -> GeneratedTake:
    """Return the T-pose carried along a path (T, 3)."""
    rest = BODY.rest_positions - [0, 0.92 - 0.92, 0]
    positions = (rest[None] + path[:, None]).astype(np.float32)
    turns = np.zeros((len(path), 21, 4), dtype=np.float32)
    turns[..., 0] = 1
    return GeneratedTake("sad", 1.0, 0, positions, turns, positions[:, 0])


@given(st.integers(0, 100))
@settings(max_examples=10, deadline=None)
def test_frechet_is_what_its_formula_says(seed: int) -> None:
    """The distance of two samples is that by scipy's matrix root; of a sample to itself it is nothing."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(40, 5)), rng.normal(size=(30, 5)) @ rng.normal(size=(5, 5)) + 1
    root = np.real(sqrtm(np.cov(a.T) @ np.cov(b.T)))
    wanted = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)
    assert frechet(a, b) == pytest.approx(wanted, rel=1e-5)
    assert abs(frechet(a, a)) < 1e-6


def test_diversity_is_the_mean_distance_of_pairs() -> None:
    """As scipy's pdist says; multimodality is that within labels."""
    rows = np.random.default_rng(0).normal(size=(20, 4))
    assert diversity(rows) == pytest.approx(pdist(rows).mean())
    labels = ["a"] * 10 + ["b"] * 10
    assert multimodality(rows, labels) == pytest.approx((pdist(rows[:10]).mean() + pdist(rows[10:]).mean()) / 2)


def test_skate_is_the_speed_of_feet_that_stand() -> None:
    """A body that stands does not glide; one that slides at 0.3 m/s glides at 30 cm/s; in the air nothing counts."""
    along = np.arange(30)[:, None] / 30 * [0.3, 0, 0]
    assert skate_cm_s([moving(0 * along)]) == 0
    assert skate_cm_s([moving(along)]) == pytest.approx(30, rel=1e-3)
    assert skate_cm_s([moving(along + np.array([0, 0.5, 0]))]) == 0


def test_jerk_is_none_under_constant_acceleration_and_known_under_a_cubic() -> None:
    """x = t^3 has a jerk of 6 everywhere."""
    t = np.arange(40)[:, None] / 30
    assert jerk_m_s3([moving(t**2 * [1, 0, 0])])["median"] < 1.0  # what float32 leaves
    assert jerk_m_s3([moving(t**3 * [100, 0, 0])])["mean"] == pytest.approx(600, rel=0.01)


def test_bones_and_floor() -> None:
    """A body of our bones has none wrong; one that is a tenth larger has all; under the floor is measured in cm."""
    still = moving(np.zeros((5, 3)))
    assert bone_error([still]) < 1e-5
    larger = GeneratedTake("sad", 1.0, 0, still.positions * np.float32(1.1), still.rotations, still.root)
    assert bone_error([larger]) == pytest.approx(0.1, abs=1e-4)
    sunk = below_floor_cm([moving(np.zeros((5, 3)) - [0, 0.05 + BODY.rest_positions[:, 1].min(), 0])])
    assert sunk["p95"] == pytest.approx(5, abs=0.01)


def test_novelty_of_what_was_seen_is_nothing() -> None:
    """A training window is no news, nor is its mirror image of the same; another movement is."""
    seen, other = take(0), take(9)
    novelty = Novelty([seen], 64)
    assert novelty.of(seen) < 0.1
    assert novelty.of(other) > 0.5


def test_the_gap_is_that_of_mutual_information() -> None:
    """A coordinate that is the factor has all of it; two that share it leave no gap; scikit-learn agrees."""
    rng = np.random.default_rng(0)
    wanted = rng.choice([-1.0, 0.0, 1.0], (2000, 2))
    u = np.column_stack((wanted + 1e-3 * rng.normal(size=wanted.shape), rng.normal(size=(2000, 3))))
    found = mig(u, wanted)
    assert found["valence"] > 0.85
    doubled = mig(np.column_stack((u, u[:, :2])), wanted)
    assert abs(doubled["valence"]) < 0.02
    tied = np.column_stack((wanted[:, 0], wanted[:, 0])) + 0.0  # where one label gives away the other
    assert mig(np.column_stack((tied + 1e-3 * rng.normal(size=tied.shape), u[:, 2:])), tied)["arousal"] > 0.85
    ranks = np.argsort(np.argsort(u[:, 0])) * 20 // len(u)
    entropy = mutual_info_score(wanted[:, 0], wanted[:, 0])
    second = max(
        mutual_info_score(np.argsort(np.argsort(u[:, d])) * 20 // len(u), wanted[:, 0]) for d in range(2, u.shape[1])
    )
    assert found["valence"] == pytest.approx((mutual_info_score(ranks, wanted[:, 0]) - second) / entropy, abs=1e-6)


def test_accuracy_counts_emotions_alike() -> None:
    """Nine angry takes read rightly and one sad one wrongly are a half, not nine tenths."""
    said = np.zeros((10, 6))
    said[:, 0] = 1
    found = judged(said, ["angry"] * 9 + ["sad"])
    assert found["accuracy"] == 0.5
    assert found["each"] == {"angry": 1.0, "sad": 0.0}


def test_a_standing_foot_that_glides_is_held() -> None:
    """A body that slides at 0.3 m/s over the floor stands still when it is finished; one in the air is left alone."""
    along = np.arange(40)[:, None] / 30 * [0.3, 0, 0]
    assert skate_cm_s([footed(moving(along))]) < 1.0
    flying = moving(along + np.array([0, 0.5, 0]))
    np.testing.assert_allclose(footed(flying).root, flying.root, atol=1e-6)
    np.testing.assert_allclose(footed(flying).positions, flying.positions, atol=0.03)  # no leg is quite straight
    assert bone_error([footed(moving(along))]) < 1e-5


def test_smoothing_takes_the_tremor_of_a_body_that_rests() -> None:
    """A body at rest is left as it is and loses its tremor; one that hurries keeps every edge; two frames are taken."""
    rest = np.tile(np.concatenate((np.tile([1, 0, 0, 0, 1, 0], 21), [0, 0, 0, 0.9])), (20, 1)).astype(np.float32)
    np.testing.assert_allclose(smoothed(rest), rest, atol=1e-6)
    tremor = 0.004 * (-1.0) ** np.arange(20)[:, None]
    assert np.abs(smoothed((rest + tremor).astype(np.float32)) - rest)[3:-3].max() < 1e-5
    angles = np.arange(20) * 0.5  # rad a frame: the whole body whirls
    whirl = rest.copy()
    whirl[:, 0:6] = np.stack((np.cos(angles), 0 * angles, -np.sin(angles), *rest.T[3:6]), axis=1)
    np.testing.assert_allclose(smoothed(whirl)[4:-4], whirl[4:-4], atol=1e-6)
    assert smoothed(rest[:2]).shape == (2, 130)


def test_rising_is_more_than_trembling_and_asks_nothing_beyond_one() -> None:
    """A dip of less than chance is forgiven up to intensity 1, and what happens beyond; a flat line does not rise."""
    assert is_rising([0.1, 0.2, 0.19, 0.3, 0.4, 0.2, 0.1])
    assert not is_rising([0.1, 0.3, 0.25, 0.3, 0.4, 0.5, 0.6])
    assert not is_rising([0.2, 0.21, 0.21, 0.22, 0.22, 0.9, 0.9])
