"""How well recordings of one movement agree: known lags, turns and errors are found; real sensors do as they can."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.stats import pearsonr
from support.tables import performed, places

from emotus.engine.body import JOINT_INDEX
from emotus.sensors.points import load_points
from emotus.sensors.replay import Recording
from emotus.training.agreement import (
    RATE_HZ,
    Jolts,
    Track,
    accelerations,
    best_lag,
    compare,
    compare_jolts,
    correlation,
    rigid,
    track_of,
)

DATA = Path(__file__).parents[2] / ".." / "shared" / "data" / "movement-quality"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not beside this checkout")


@pytest.fixture(scope="module")
def movement():
    """Return eight seconds of a performer at 100 Hz, (T, 21, 3)."""
    return places(performed(800, rate_hz=RATE_HZ, seed=2)).astype(np.float64)


def recording(positions, rate_hz=RATE_HZ):
    """Return positions as a recording in which everything is known."""
    t_ns = np.round(np.arange(len(positions)) * 1e9 / rate_hz).astype(np.int64)
    confidence = np.ones(positions.shape[:2], dtype=np.float32)
    return Recording(t_ns, np.arange(len(positions)), positions.astype(np.float32), confidence, None, rate_hz)


@pytest.mark.parametrize("lag", [-137, 0, 42])
def test_lag_turn_and_place_are_found(movement, lag):
    """The same movement later, turned and elsewhere agrees with itself, and the lag is told."""
    turn = Rotation.from_euler("yx", [70, 10], degrees=True)
    other = turn.apply(movement.reshape(-1, 3)).reshape(movement.shape) + np.array((1.0, 2.0, 3.0))
    early, late = (movement[-lag:], other) if lag < 0 else (movement, other[lag:])
    found = compare(track_of(recording(late)), track_of(recording(early)))
    assert found.lag_s == pytest.approx(abs(lag) / RATE_HZ if lag >= 0 else -abs(lag) / RATE_HZ, abs=0.006)
    assert found.distance_cm < 0.7
    assert found.angle_deg < 1.0
    assert found.mean_r > 0.99


def test_noise_is_told_in_centimetres(movement):
    """Three centimetres of noise on each axis are told as their mean length, 4.8 cm."""
    rng = np.random.default_rng(1)
    noisy = Track(movement + rng.normal(0, 0.03, movement.shape))
    assert compare(Track(movement), noisy).distance_cm == pytest.approx(100 * 0.03 * 1.596, rel=0.05)


def test_unknown_joints_do_not_count(movement):
    """A joint that one of the two does not know is left out, whatever its place says."""
    other = recording(movement)
    hand = JOINT_INDEX["LeftHand"]
    other.positions[:, hand] = 99.0
    other.confidence[:, hand] = 0.0
    found = compare(track_of(recording(movement)), track_of(other))
    assert found.distance_cm < 0.01
    assert "LeftHand" not in found.speed_r


def test_rigid_motion_is_scipys(movement):
    """The rotation is the one that scipy's align_vectors finds."""
    rng = np.random.default_rng(3)
    source = movement[100]
    target = Rotation.random(rng=rng).apply(source) + rng.normal(0, 0.02, source.shape)
    rotation, _ = rigid(source, target)
    theirs, _ = Rotation.align_vectors(target - target.mean(0), source - source.mean(0))
    assert rotation == pytest.approx(theirs.as_matrix(), abs=1e-9)


def test_correlation_is_scipys():
    """Of what both know, and NaN where that is nothing."""
    rng = np.random.default_rng(4)
    a = rng.normal(size=500)
    b = a + rng.normal(size=500)
    assert correlation(a, b) == pytest.approx(pearsonr(a, b).statistic, abs=1e-12)
    assert np.isnan(correlation(a, np.full(500, np.nan)))
    assert best_lag(a, np.roll(a, 7)) == pytest.approx(7, abs=0.5)


def test_accelerometers_are_compared_by_their_magnitude(movement):
    """However a sensor is turned, the magnitude of what it feels is that of the joint it sits on."""
    hand = JOINT_INDEX["RightHand"]
    velocity = np.gradient(movement[:, hand], 1 / RATE_HZ, axis=0)
    felt = np.gradient(velocity, 1 / RATE_HZ, axis=0)
    turns = Rotation.random(1, rng=np.random.default_rng(5)).as_matrix()[0]
    jolts = Jolts(np.arange(len(felt)) / RATE_HZ, {"RightHand": felt @ turns.T})
    lag_s, found = compare_jolts(Track(movement), jolts)
    assert lag_s == pytest.approx(0.0, abs=0.01)
    assert found["RightHand"][0] > 0.98
    assert found["RightHand"][1] == pytest.approx(1.0, abs=0.1)
    assert np.nanmax(accelerations(movement)[:, hand]) > 1.0


@needs_data
def test_real_sensors_agree_as_well_as_they_can():
    """Optical markers and a Kinect see one person within 12 cm and 15 degrees, with hands that move alike."""
    optical, kinect = (track_of(load_points(DATA / kind / "trial12.tsv.xz")) for kind in ("qualisys", "kinect"))
    found = compare(optical, kinect)
    print(f"{found.distance_cm:.1f} cm, {found.angle_deg:.1f} degrees, speeds {found.mean_r:.2f}")
    assert 2.0 < found.distance_cm < 12.0
    assert 2.0 < found.angle_deg < 15.0
    assert min(found.speed_r["LeftHand"], found.speed_r["RightHand"]) > 0.85
