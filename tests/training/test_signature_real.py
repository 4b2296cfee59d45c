"""Real recordings: three sensors agree, and speed, mirror and rate do to a signature what theory says."""

from __future__ import annotations

from pathlib import Path

import pytest

from emotus.engine.errors import DataError
from emotus.training.signature_evaluation import changes
from emotus.training.signature_sensors import accelerations, smooth_and_not

DATA = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not (DATA / "movement-quality").exists(), reason="../shared/data is not beside this")


@needs_data
def test_smooth_and_not_smooth_differ_in_the_same_direction_by_every_sensor():
    """Optical, depth camera and accelerometers: each limb has the larger gradient where it is not smooth."""
    found = smooth_and_not(DATA)
    assert set(found) == {"qualisys", "kinect", "imu"}
    for sensor, told in found.items():
        assert min(told["ratio"].values()) > 1.0, sensor
        assert min(told["ratio"]["LeftHand"], told["ratio"]["RightHand"]) > 2.0, sensor
        assert told["distance"] > 0.2


@needs_data
def test_a_walk_against_itself():
    """Nothing; little mirrored or at another rate; at half the speed a quarter of the gradient, and less smoothing."""
    found = changes(DATA)
    assert found["itself"] == 0
    assert found["at_30_hz"] < 0.02 * found["mean_gradient"]
    assert found["at_60_hz"] < found["at_30_hz"]
    assert found["mirrored"] < found["by_chance"]
    assert 0.25 <= found["half_speed_ratio"] < 0.36


def test_what_holds_no_accelerations_is_refused(tmp_path):
    """With its name."""
    path = tmp_path / "x.tsv.xz"
    for content in (None, b"not xz"):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DataError, match=r"x\.tsv\.xz"):
            accelerations(path)
