"""Every sensor there is keeps the promises of sensors/base.py."""

from __future__ import annotations

import gc
import importlib
import inspect
import pkgutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
from support.fake_eyes import fake_video, fake_webcam
from support.fake_lsl import PlayedLsl
from support.mvnx_texts import write_mvnx
from support.plain_packets import PlayedDatagrams, PlayedTcp
from support.tables import performed, write_points, write_show
from support.wearer import wear

import emotus.sensors
from emotus.engine.body import JOINT_COUNT
from emotus.engine.clock import Clock, MonotonicClock
from emotus.engine.errors import EmotusError
from emotus.engine.pose import Pose
from emotus.sensors.base import Sensor
from emotus.sensors.bvh_source import BvhSensor
from emotus.sensors.fused import FusedSensor
from emotus.sensors.imu import ImuFileSensor
from emotus.sensors.imu_mapping import plain_mapping
from emotus.sensors.mcap_source import McapSensor
from emotus.sensors.mvnx_source import MvnxSensor
from emotus.sensors.points import PointsSensor
from emotus.sensors.synthetic import SyntheticSensor
from emotus.sensors.video import VideoSensor

STATES = ("closed", "live", "stale", "ended", "lost")
READ_S = 0.1
BVH = """HIERARCHY
ROOT Hips
{{
  OFFSET 0 90 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
{limbs}}}
MOTION
Frames: {frames}
Frame Time: 0.033333
"""
BONES = {
    "Spine": ("Chest", (0, 10, 0)), "Chest": ("Neck", (0, 20, 0)), "Neck": ("Head", (0, 20, 0)),
    "Head": (None, (0, 10, 0)),
    **{
        f"{side}{bone}": (below and f"{side}{below}", (sign * x, y, 0))
        for side, sign in (("Left", 1), ("Right", -1))
        for bone, below, x, y in (
            ("UpLeg", "Leg", 10, -5), ("Leg", "Foot", 0, -40), ("Foot", None, 0, -40),
            ("Arm", "ForeArm", 15, 35), ("ForeArm", "Hand", 25, 0), ("Hand", None, 25, 0),
        )
    },
}  # fmt: skip


def bone(name: str) -> str:
    """Return a joint and what hangs from it."""
    below, offset = BONES[name]
    inner = bone(below) if below else "End Site\n{\nOFFSET 0 5 0\n}\n"
    return (
        f"JOINT {name}\n{{\nOFFSET {' '.join(map(str, offset))}\nCHANNELS 3 Zrotation Xrotation Yrotation\n{inner}}}\n"
    )


def write_bvh(path: Path, frames: int) -> Path:
    """Write a recording of a person who turns."""
    limbs = "".join(map(bone, ("Spine", "LeftUpLeg", "RightUpLeg", "LeftArm", "RightArm")))
    numbers = 6 + 3 * limbs.count("JOINT")
    rows = (f"0 90 {i} 0 0 {i} " + " ".join(["1.5"] * (numbers - 6)) for i in range(frames))
    path.write_text(BVH.format(limbs=limbs, frames=frames) + "\n".join(rows) + "\n")
    return path


@dataclass(frozen=True)
class Kind:
    """Say how a kind of sensor is made: one that ends soon, and one that cannot be opened, where there is such."""

    make: Callable[[Path, Clock, float], Sensor]
    broken: Callable[[Path], Sensor] | None = None


# A new sensor needs a line here. The factor is the speed, 0 for a recording read at once.
KINDS: dict[str, Kind] = {
    "BvhSensor": Kind(
        lambda folder, clock, speed: BvhSensor(write_bvh(folder / "a.bvh", 40), speed=speed, clock=clock),
        lambda folder: BvhSensor(folder / "missing.bvh", clock=MonotonicClock()),
    ),
    "DatagramSensor": Kind(lambda _, clock, speed: PlayedDatagrams(clock, 60 * (speed or 4))),
    "TcpSensor": Kind(lambda _, clock, speed: PlayedTcp(clock, 60 * (speed or 4))),
    "FusedSensor": Kind(
        lambda _, clock, speed: FusedSensor(
            [SyntheticSensor("happy", clock=clock, rate_hz=30, seconds=1.3, speed=speed, stream=name) for name in "ab"],
            "ab",
            clock,
        ),
        lambda folder: FusedSensor(
            [PointsSensor(folder / "missing.tsv", clock=MonotonicClock()) for _ in "ab"], "ab", MonotonicClock()
        ),
    ),
    "ImuFileSensor": Kind(
        lambda folder, clock, speed: ImuFileSensor(*wear(folder), hold_s=0.3, speed=speed, clock=clock),
        lambda folder: ImuFileSensor(folder / "missing.tsv", plain_mapping(), clock=MonotonicClock()),
    ),
    "LslSensor": Kind(lambda _, clock, speed: PlayedLsl(clock, 30 * (speed or 4))),
    "MvnxSensor": Kind(
        lambda folder, clock, speed: MvnxSensor(
            write_mvnx(folder / "a.mvnx", 40, rate_hz=30.0), speed=speed, clock=clock
        ),
        lambda folder: MvnxSensor(folder / "missing.mvnx", clock=MonotonicClock()),
    ),
    "McapSensor": Kind(
        lambda folder, clock, speed: McapSensor(write_show(folder / "a.mcap", performed(40)), speed=speed, clock=clock),
        lambda folder: McapSensor(folder / "missing.mcap", clock=MonotonicClock()),
    ),
    "PointsSensor": Kind(
        lambda folder, clock, speed: PointsSensor(
            write_points(folder / "a.tsv", performed(40)), speed=speed, clock=clock
        ),
        lambda folder: PointsSensor(folder / "missing.tsv", clock=MonotonicClock()),
    ),
    "SyntheticSensor": Kind(
        lambda _, clock, speed: SyntheticSensor("happy", clock=clock, rate_hz=30, seconds=1.3, speed=speed)
    ),
    "VideoSensor": Kind(fake_video, lambda folder: VideoSensor(folder / "missing.mp4", clock=MonotonicClock())),
    "WebcamSensor": Kind(fake_webcam),
}


def sensor_classes() -> set[str]:
    """Return the names of all sensors in the room."""
    names: set[str] = set()
    for module in pkgutil.iter_modules(emotus.sensors.__path__):
        loaded = importlib.import_module(f"emotus.sensors.{module.name}")
        names |= {
            name
            for name, each in inspect.getmembers(loaded, inspect.isclass)
            if name.endswith("Sensor")
            and each.__module__ == loaded.__name__
            and not (each is Sensor or inspect.isabstract(each))
        }
    return names


@pytest.fixture(params=sorted(KINDS))
def kind(request) -> Kind:
    """Offer each kind of sensor in turn."""
    return KINDS[request.param]


@pytest.fixture(params=[0.0, 4.0], ids=["at once", "live"])
def sensor(request, kind, tmp_path) -> Iterator[Sensor]:
    """Offer each sensor, live and read at once, not yet opened."""
    made = kind.make(tmp_path, MonotonicClock(), request.param)
    yield made
    made.close()


def read_all(sensor: Sensor, seconds: float = 20.0) -> list[Pose]:
    """Return all poses until a sensor ends."""
    poses: list[Pose] = []
    deadline = time.monotonic() + seconds
    while sensor.health().state not in ("ended", "lost"):
        assert time.monotonic() < deadline, f"no end after {seconds} s: {sensor.health()}"
        pose = sensor.read()
        if pose is not None:
            poses.append(pose)
    return poses


def test_every_sensor_is_under_this_test():
    """A new class is found, and has to say how it is made."""
    assert sensor_classes() == set(KINDS)


def test_a_sensor_is_closed_before_it_is_opened_and_after_it_is_closed(sensor):
    """Its health says so, it gives nothing, and closing is harmless at any time."""
    sensor.close()
    assert sensor.health().state == "closed"
    assert sensor.read() is None
    sensor.open()
    assert sensor.health().state in ("live", "stale")
    sensor.close()
    sensor.close()
    assert sensor.health().state == "closed"
    assert sensor.read() is None


def test_poses_come_whole_and_in_order(sensor):
    """On the body, finite, in metres, with rising seq and time, not to be written to; then it has ended."""
    sensor.open()
    poses = read_all(sensor)
    assert len(poses) >= 10
    for pose in poses:
        assert pose.positions.shape == (JOINT_COUNT, 3)
        assert pose.positions.dtype == pose.confidence.dtype == np.float32
        assert pose.confidence.shape == (JOINT_COUNT,)
        assert ((pose.confidence >= 0) & (pose.confidence <= 1)).all()
        assert np.isfinite(pose.positions).all()
        assert 0.5 < np.ptp(pose.positions[:, 1]) < 3.0
        if pose.rotations is not None:
            assert pose.rotations.shape == (JOINT_COUNT, 4)
            assert np.linalg.norm(pose.rotations, axis=1) == pytest.approx(1.0, abs=1e-4)
    assert len({pose.stream for pose in poses}) == 1
    assert (np.diff([pose.seq for pose in poses]) > 0).all()
    assert (np.diff([pose.t_ns for pose in poses]) > 0).all()
    assert sensor.read() is None
    assert sensor.health().state == "ended"


def test_what_was_given_does_not_change_later(sensor):
    """No buffer is used twice: a pose kept from the start is the same at the end."""
    sensor.open()
    first = None
    while first is None:
        first = sensor.read()
    before = first.positions.copy()
    read_all(sensor)
    assert np.array_equal(first.positions, before)


def test_everything_is_counted(sensor):
    """Health counts what was received, and what was dropped by reason."""
    sensor.open()
    poses = read_all(sensor)
    counters = sensor.health().counters
    assert all(isinstance(count, int) and count >= 0 for count in counters.values())
    assert counters["received"] >= len(poses)
    if not sensor.live:
        assert counters["received"] == len(poses)


def test_the_rate_is_what_it_says(sensor):
    """The times of the poses are rate_hz apart, half of them within a tenth."""
    sensor.open()
    steps_ns = np.diff([pose.t_ns for pose in read_all(sensor)])
    assert np.median(steps_ns) == pytest.approx(1e9 / sensor.rate_hz, rel=0.1)


def test_reading_never_waits_long(kind, tmp_path):
    """A sensor that has nothing yet says so within a tenth of a second, so that it can be stopped."""
    sensor = kind.make(tmp_path, MonotonicClock(), 0.02)
    sensor.open()
    waits = []
    for _ in range(6):
        start = time.monotonic()
        sensor.read()
        waits.append(time.monotonic() - start)
    sensor.close()
    assert min(waits) < READ_S + 0.02
    assert max(waits) < READ_S + 2.0  # the machine may be busy


def test_it_can_be_closed_while_another_thread_reads(kind, tmp_path):
    """Nothing raises, and the reader comes back."""
    sensor = kind.make(tmp_path, MonotonicClock(), 1.0)
    sensor.open()
    problems: list[BaseException] = []

    def read() -> None:
        try:
            while sensor.health().state in ("live", "stale"):
                sensor.read()
        except BaseException as problem:
            problems.append(problem)

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.15)
    sensor.close()
    reader.join(20.0)
    assert not reader.is_alive()
    assert problems == []


def test_a_sensor_that_cannot_be_opened_says_why(kind, tmp_path):
    """One line that names the place; afterwards it can be closed."""
    if kind.broken is None:
        pytest.skip("nothing can go wrong when it opens")
    sensor = kind.broken(tmp_path)
    with pytest.raises(EmotusError) as told:
        sensor.open()
    assert str(tmp_path) in str(told.value)
    assert "\n" not in str(told.value)
    sensor.close()


def test_nothing_is_left_behind(sensor):
    """After closing, threads and open files are what they were."""
    gc.collect()
    me = psutil.Process()
    threads, files = set(threading.enumerate()), me.num_fds()
    sensor.open()
    sensor.read()
    sensor.close()
    gc.collect()
    assert set(threading.enumerate()) <= threads
    assert me.num_fds() <= files
