"""Memory: a file of 100,000 frames needs at most 20 times its size, read and performed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.bvh_texts import body_hierarchy, text

MEASURE = """
import resource, sys
from emotus.engine.clock import ManualClock
from emotus.sensors.bvh import read_bvh
from emotus.sensors.bvh_source import BvhSensor
read_bvh(sys.argv[2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if sys.argv[3] == "read":
    read_bvh(sys.argv[1])
else:
    sensor = BvhSensor(sys.argv[1], clock=ManualClock(), speed=0.0)
    sensor.open()
    while sensor.read() is not None:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("work", ["read", "perform"])
@pytest.mark.parametrize(("number", "blank"), [("-12.345678", " "), ("0", " "), ("+1", " ")])
def test_100000_frames_need_at_most_20_times_their_size(tmp_path, number, blank, work):
    """Whatever the numbers look like, the shortest included, and in the tolerant way as well."""
    row = blank.join([number] * 66)
    large, small = tmp_path / "large.bvh", tmp_path / "small.bvh"
    large.write_text(text(body_hierarchy(), f"{row}\n" * 100_000, "Frames: 100000"))
    small.write_text(text(body_hierarchy(), f"{row}\n" * 10, "Frames: 10"))
    command = [sys.executable, "-c", MEASURE, str(large), str(small), work]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert int(result.stdout) <= 20 * large.stat().st_size


def test_stated_frames_cost_nothing(tmp_path):
    """A hundred million stated frames allocate no more than the one that is there."""
    path = tmp_path / "liar.bvh"
    path.write_text(text(body_hierarchy(), "0 " * 66, "Frames: 100000000"))
    command = [sys.executable, "-c", MEASURE, str(path), str(path), "read"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert int(result.stdout) < 4 << 20
    assert Path(path).stat().st_size < 10_000
