"""Hand-made features: as many as are named, finite for every body, and the same for the same movement elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.acted import frames_of

from emotus.engine.features import FRAME_SIZE
from emotus.training.kinematic import AT, affective_of, features_of, names, points_of

PLACES = {name: i for i, name in enumerate(names())}


def test_every_feature_has_a_name_of_its_own() -> None:
    """Between 400 and 500 features, each named once."""
    rows = features_of(frames_of(0, 0)[None])
    assert rows.shape == (1, len(names()))
    assert len(set(names())) == len(names())
    assert 400 <= len(names()) <= 500


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e-6, 1.0, 1e3]))
def test_features_are_finite(seed: int, size: float) -> None:
    """Noise of any size, and a body in one point, give finite numbers."""
    frames = np.random.default_rng(seed).normal(0, size, (1, 16, FRAME_SIZE)).astype(np.float32)
    assert np.isfinite(features_of(frames)).all()
    assert np.isfinite(features_of(frames, flat=True)).all()
    assert np.isfinite(affective_of(points_of(frames))).all()


def test_twice_as_fast_is_twice_the_speed() -> None:
    """A hand that moves one body length a second has that speed, and no acceleration."""
    frames = np.zeros((1, 30, FRAME_SIZE), dtype=np.float32)
    hand = points_of(np.arange(FRAME_SIZE, dtype=np.float32)[None])[0, AT["LeftHand"], 0]
    frames[0, :, int(hand)] = np.arange(30) / 30.0
    row = features_of(frames)[0]
    assert row[PLACES["speed.LeftHand.mean"]] == pytest.approx(1.0, rel=1e-3)
    assert row[PLACES["acceleration.LeftHand.max"]] == pytest.approx(0.0, abs=1e-2)
    assert row[PLACES["speed.RightHand.mean"]] == 0.0


def test_the_cadence_of_a_swing_is_found() -> None:
    """Feet that swing against each other at 1.5 Hz pass each other three times a second."""
    frames = np.zeros((1, 60, FRAME_SIZE), dtype=np.float32)
    columns = points_of(np.arange(FRAME_SIZE, dtype=np.float32)[None])[0, :, 2].astype(int)
    swing = np.sin(2 * np.pi * 1.5 * np.arange(60) / 30.0)
    frames[0, :, columns[AT["LeftFoot"]]], frames[0, :, columns[AT["RightFoot"]]] = swing, -swing
    assert features_of(frames)[0, PLACES["whole.cadence.value"]] == pytest.approx(3.0, abs=0.15)


def test_a_camera_sees_no_depth() -> None:
    """What moves towards the camera does not move in its plane."""
    flat = features_of(frames_of(1, 0)[None], flat=True)[0]
    assert flat[PLACES["box.depth.mean"]] == 0.0
    assert flat[PLACES["place.LeftHand.z.sd"]] == 0.0
    assert features_of(frames_of(1, 0)[None])[0, PLACES["box.depth.mean"]] > 0.1


def test_affective_features_are_angles_and_ratios() -> None:
    """Eighteen a frame: an arm stretched out has its elbow at a straight angle, arms alike are told alike."""
    points = np.zeros((1, 16, 3))
    for name, place in {"UpperArm": 0.2, "LowerArm": 0.5, "Hand": 0.8}.items():
        points[0, AT["Left" + name]], points[0, AT["Right" + name]] = (place, 1.0, 0.0), (-place, 1.0, 0.0)
    points[0, AT["Neck"]], points[0, AT["Spine"]], points[0, AT["Head"]] = (0, 1.1, 0), (0, 0.4, 0), (0, 1.3, 0)
    row = affective_of(points)[0]
    assert row.shape == (18,)
    assert row[2] == pytest.approx(np.pi, abs=1e-3)
    assert row[2] == pytest.approx(row[3])
    assert row[11] == pytest.approx(row[12])
