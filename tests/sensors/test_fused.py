"""Two sensors on one performer: brought together in time and room, each joint from the surer, without a jump."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.reading import read_all
from support.tables import performed, write_points

from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.clock import NS_PER_MS, NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.errors import EmotusError, UriError
from emotus.engine.pose import Pose
from emotus.sensors.base import Health
from emotus.sensors.fused import FusedSensor, inner_uris
from emotus.sensors.fusion import Fuser
from emotus.sensors.uri import open_sensor

RATE_HZ = 60.0
ARM = [JOINT_INDEX[name] for name in ("LeftLowerArm", "LeftHand")]
LEGS = [JOINT_INDEX[f"{side}{part}"] for side in ("Left", "Right") for part in ("LowerLeg", "Foot", "Toes")]


@pytest.fixture(scope="module")
def truth():
    """Return six seconds of a performer at 240 Hz, who walks and gestures."""
    return performed(1440, rate_hz=240.0, emotion="happy", seed=3)


def at(truth, t_s):
    """Return the performer's true positions (21, 3) and rotations (21, 4) at the nearest of 240 moments a second."""
    pose = truth[min(round(t_s * 240), len(truth) - 1)]
    return pose.positions.astype(np.float64), pose.rotations


def camera(truth, rng, *, seconds=6.0):
    """Return a camera's poses: 60 a second, 4 mm of noise everywhere, and a left arm it guesses, with little trust."""
    poses = []
    for i in range(round(seconds * RATE_HZ)):
        positions, rotations = at(truth, i / RATE_HZ)
        positions = positions + rng.normal(0, 0.004, (21, 3))
        positions[ARM] += (0.15, 0.0, 0.1)
        confidence = np.full(21, 0.8, dtype=np.float32)
        confidence[ARM] = 0.3
        poses.append(Pose("a", i, round(i / RATE_HZ * NS_PER_S), positions.astype(np.float32), confidence, rotations))
    return poses


def suit(truth, rng, *, seconds=6.0, rate_hz=50.0, travels=True, heading_deg=50.0):
    """Return a suit's poses, in a world turned by 50 degrees and elsewhere: 50 a second, 2 mm of noise, no legs."""
    turn = Rotation.from_euler("y", heading_deg, degrees=True)
    poses = []
    for i in range(round(seconds * rate_hz)):
        t_s = (i + 0.37) / rate_hz
        positions, rotations = at(truth, t_s)
        if not travels:
            positions = positions - positions[0] + (0.0, 0.92, 0.0)
        positions = turn.apply(positions + rng.normal(0, 0.002, (21, 3)))
        positions += (2.0, 0.1, -1.0)
        confidence = np.full(21, 1.0, dtype=np.float32)
        confidence[LEGS] = 0.0
        turned = rotations.copy()
        turned[0] = (turn * Rotation.from_quat(rotations[0], scalar_first=True)).as_quat(scalar_first=True)
        t_ns = round(t_s * NS_PER_S)
        poses.append(Pose("b", i, t_ns, positions.astype(np.float32), confidence, turned, travels=travels))
    return poses


def fuse(first, second, *, lag_ms=60, fuser=None):
    """Feed both in the order of their arrival, the second late by a lag; return the fused poses and when they left."""
    fuser = fuser or Fuser(2, "anna")
    arrivals = [(pose.t_ns, 0, pose) for pose in first]
    arrivals += [(pose.t_ns + lag_ms * NS_PER_MS, 1, pose) for pose in second]
    arrivals.sort(key=lambda each: each[:2])
    out, now_ns = [], 0
    for now_ns, index, pose in arrivals:
        out += [(now_ns, fused) for fused in fuser.push(index, pose, now_ns)]
    out += [(now_ns, fused) for fused in fuser.settle(now_ns + NS_PER_S)]
    return out


def errors(out, truth, joints):
    """Return the distance (T, J) of the fused joints from the truth, in metres."""
    return np.array([
        np.linalg.norm(pose.positions[joints] - at(truth, pose.t_ns / NS_PER_S)[0][joints], axis=-1)
        for _, pose in out
    ])  # fmt: skip


@pytest.mark.parametrize("travels", [True, False])
def test_each_joint_comes_from_the_surer_sensor_in_one_room_and_time(truth, travels):
    """The arm is the suit's, the legs the camera's; the arm's error falls from 18 cm to a few millimetres."""
    rng = np.random.default_rng(1)
    fuser = Fuser(2, "anna")
    out = fuse(camera(truth, rng), suit(truth, rng, travels=travels), fuser=fuser)
    assert fuser.headings_deg[1] == pytest.approx(-50.0, abs=0.5)
    settled = [each for each in out if each[1].t_ns > NS_PER_S]
    arm, legs = errors(settled, truth, ARM).mean(), errors(settled, truth, LEGS).mean()
    print(f"arm off by {1000 * arm:.1f} mm (the camera alone: 180), legs by {1000 * legs:.1f} mm")
    assert arm < 0.015
    assert legs < 0.015
    assert len(out) >= len(camera(truth, rng)) - 2
    assert (np.diff([pose.t_ns for _, pose in out]) > 0).all()
    assert (np.diff([pose.seq for _, pose in out]) == 1).all()
    assert {pose.stream for _, pose in out} == {"anna"}
    assert max(now_ns - pose.t_ns for now_ns, pose in settled[:-20]) <= 110 * NS_PER_MS


def test_rotations_are_turned_into_the_room(truth):
    """The hips' rotation of either sensor is that of the first sensor's world, and the arm's are the suit's."""
    rng = np.random.default_rng(2)
    out = fuse(camera(truth, rng), suit(truth, rng))
    for _, pose in out[90::40]:
        rotations = at(truth, pose.t_ns / NS_PER_S)[1]
        off = Rotation.from_quat(pose.rotations, scalar_first=True).inv() * Rotation.from_quat(
            rotations, scalar_first=True
        )
        assert np.degrees(off.magnitude()).max() < 6.0


def steps(out, joints):
    """Return how far joints move from frame to frame, in metres."""
    return np.linalg.norm(np.diff([pose.positions[joints] for _, pose in out], axis=0), axis=-1)


def test_a_sensor_that_drops_out_again_and_again_makes_no_jump(truth):
    """The suit is gone for half a second three times: the arm goes over to the camera and back without a jump."""
    rng = np.random.default_rng(3)
    gone = [(1.5, 2.0), (3.0, 3.6), (4.4, 5.0)]
    second = [p for p in suit(truth, rng) if not any(a < p.t_ns / NS_PER_S < b for a, b in gone)]
    out = fuse(camera(truth, rng), second)
    assert len(out) >= 355
    moved = steps([each for each in out if each[1].t_ns > 0.5 * NS_PER_S], ARM)
    natural = steps([(0, truth[i]) for i in range(0, 1440, 4)], ARM).max()
    print(f"largest step of the arm {1000 * moved.max():.0f} mm, her own {1000 * natural:.0f} mm, a jump would be 180")
    assert moved.max() < natural + 0.05
    hand = JOINT_INDEX["LeftHand"]
    sure = {round(pose.t_ns / NS_PER_S, 1): pose.confidence[hand] for _, pose in out}
    assert sure[1.9] == pytest.approx(0.3)
    assert sure[2.9] == pytest.approx(1.0)


def test_the_first_sensor_dying_leaves_the_other_in_the_same_room(truth):
    """After the camera is dead the suit goes on where the body was, at the suit's own rate, without legs."""
    rng = np.random.default_rng(4)
    first = [p for p in camera(truth, rng) if p.t_ns < 3 * NS_PER_S]
    out = fuse(first, suit(truth, rng))
    after = [each for each in out if each[1].t_ns > 3.3 * NS_PER_S]
    assert len(after) == pytest.approx(2.7 * 50, abs=5)
    assert errors(after, truth, ARM).mean() < 0.03
    assert all((pose.confidence[LEGS] == 0).all() for _, pose in after)
    settled = [each for each in out if each[1].t_ns > NS_PER_S]
    assert max(np.diff([pose.t_ns for _, pose in settled])) < 60 * NS_PER_MS
    off = np.array([pose.positions - at(truth, pose.t_ns / NS_PER_S)[0] for _, pose in settled])
    assert np.linalg.norm(np.diff(off[:, [0, *ARM]], axis=0), axis=-1).max() < 0.04


def test_a_second_sensor_that_never_speaks_costs_nothing(truth):
    """Frames of the first go through at once and as they are."""
    first = camera(truth, np.random.default_rng(5), seconds=1.0)
    out = fuse(first, [])
    assert len(out) == len(first)
    assert all(now_ns == pose.t_ns for now_ns, pose in out)
    assert all(np.allclose(pose.positions, own.positions, atol=1e-6) for (_, pose), own in zip(out, first, strict=True))


def test_sensors_that_share_no_joint_are_not_mixed_up(truth):
    """Where nothing tells how the second lies to the first, only the first is used."""
    rng = np.random.default_rng(6)
    first = camera(truth, rng, seconds=1.0)
    second = suit(truth, rng, seconds=1.0)
    for pose in second:
        pose.confidence[:] = 0
        pose.confidence[JOINT_INDEX["Head"]] = 1
    out = fuse(first, second)
    assert errors(out, truth, LEGS).mean() < 0.015
    assert all(pose.confidence[JOINT_INDEX["Head"]] == pytest.approx(0.8) for _, pose in out)


def test_recordings_are_fused_as_fast_as_they_go(tmp_path):
    """Two tables of the same performer at speed 0 give her body once, whole, from an address."""
    poses = performed(60)
    for name in ("a", "b"):
        write_points(tmp_path / f"{name}.tsv", poses)
    uri = f"fuse:(points:{tmp_path}/a.tsv?speed=0)(points:{tmp_path}/b.tsv?speed=0&unit=mm)?stream=anna"
    sensor = open_sensor(uri, ManualClock())
    assert not sensor.live
    sensor.open()
    fused = read_all(sensor)
    sensor.close()
    assert len(fused) == 60
    assert {pose.stream for pose in fused} == {"anna"}
    assert fused[-1].positions == pytest.approx(poses[-1].positions, abs=0.01)


def test_recordings_begin_together_however_long_they_take_to_open(tmp_path):
    """Each frame of the second is fused with the frame of the first that was captured at the same moment."""
    poses = performed(90)
    write_points(tmp_path / "a.tsv", poses)
    write_points(tmp_path / "b.tsv", poses[:30])
    uri = f"fuse:(points:{tmp_path}/a.tsv?speed=0)(points:{tmp_path}/b.tsv?speed=0)"
    sensor = open_sensor(uri, MonotonicClock())
    sensor.open()
    fused = read_all(sensor)
    sensor.close()
    assert len(fused) == 90
    assert np.diff([pose.t_ns for pose in fused]) == pytest.approx(NS_PER_S / 30, abs=20_000)
    off = np.stack([pose.positions for pose in fused]) - np.stack([pose.positions for pose in poses])
    assert np.abs(off).max() < 0.01


class Breaking:
    """A sensor that gives ten poses and then breaks."""

    rate_hz = 60.0
    live = True

    def __init__(self, clock):
        self._clock = clock
        self._given = 0
        self._open = False

    def open(self):
        self._open = True

    def read(self):
        if not self._open or self._given == 10:
            raise EmotusError("the cable was pulled")
        self._given += 1
        self._clock.sleep_until_ns(self._clock.now_ns() + 5 * NS_PER_MS)
        rest = BODY.rest_positions.astype(np.float32)
        return Pose("x", self._given, self._clock.now_ns(), rest, np.ones(21, dtype=np.float32))

    def close(self):
        self._open = False

    def health(self):
        return Health("live" if self._open else "closed")


def test_a_sensor_that_breaks_is_told_and_the_other_goes_on():
    """The error of one sensor is in the health message; poses of the other keep coming."""
    clock = MonotonicClock()
    sensor = FusedSensor(
        [Breaking(clock), open_sensor("synthetic:sad?rate=60", clock)], ["x:1", "synthetic:sad"], clock, "anna"
    )
    sensor.open()
    try:
        poses, deadline = [], time.monotonic() + 20
        while len(poses) < 60 and time.monotonic() < deadline:
            pose = sensor.read()
            if pose is not None:
                poses.append(pose)
        assert len(poses) == 60
        assert (np.diff([pose.t_ns for pose in poses]) > 0).all()
        assert "x:1: the cable was pulled" in sensor.health().message
        assert sensor.health().state == "live"
    finally:
        sensor.close()


@pytest.mark.parametrize(
    ("path", "inner"),
    [
        ("(a:1)(b:2?x=1&y=2)", ("a:1", "b:2?x=1&y=2")),
        ("(points:/a (1).tsv)(b:2)", ("points:/a (1).tsv", "b:2")),
        ("a:1,b:2", ()),
        ("(a:1)x(b:2)", ()),
        ("", ()),
    ],
)
def test_addresses_within_brackets_are_taken_apart(path, inner):
    """Options and brackets within a sensor's own address stay its own."""
    assert inner_uris(path) == inner


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("fuse:(synthetic:sad)", "not a list of sensors"),
        ("fuse:synthetic:sad+synthetic:sad", "not a list of sensors"),
        ("fuse:" + "(synthetic:sad)" * 5, "not a list of sensors"),
        ("fuse:(kinect:0)(synthetic:sad)", "unknown sensor kinect"),
        ("fuse:(synthetic:sad)(fuse:(synthetic:sad)(synthetic:sad))", "fusion within a fusion"),
        ("fuse:(synthetic:sad)(synthetic:sad)?speed=1", "unknown option speed"),
    ],
)
def test_what_is_no_fusion_is_refused(uri, said):
    """One line says what is wrong."""
    with pytest.raises(UriError, match=said):
        open_sensor(uri, ManualClock())
