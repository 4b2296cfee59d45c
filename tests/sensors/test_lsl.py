"""LSL in: channels are understood as they say what they are, and a real outlet on this machine is heard."""

from __future__ import annotations

import contextlib
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fake_lsl import FakeLsl
from support.network_senders import performance

from emotus.engine.body import JOINT_INDEX, JOINT_NAMES
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.errors import MissingPackageError, PacketError, UriError
from emotus.sensors.lsl import LslSensor
from emotus.sensors.lsl_decoder import LslDecoder
from emotus.sensors.lsl_layout import Channel, layout_of
from emotus.sensors.uri import open_sensor

POSITIONS, _ = performance(30)
OURS = [Channel(f"{name}_{axis}") for name in JOINT_NAMES for axis in "xyz"]
# The convention of the XDF wiki, with the orientation and confidence that it knows, in millimetres.
MOCAP = [
    Channel(f"{name} {kind}", name, kind, unit)
    for name in JOINT_NAMES
    for kind, unit in (
        ("PositionX", "millimeters"), ("PositionY", "millimeters"), ("PositionZ", "millimeters"),
        ("OrientationA", "quaternion"), ("Confidence", "normalized"),
    )
]  # fmt: skip
XSENS = ["Pelvis", "L3", "T8", "Neck", "Head"] + [
    f"{side}{part}"
    for side in ("Right", "Left")
    for part in ("Shoulder", "UpperArm", "ForeArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "Toe")
]


def as_mocap(positions: np.ndarray, confidence: float = 1.0) -> list[float]:
    """Return a sample of MOCAP's layout."""
    return np.concatenate((1000 * positions, np.tile((1.0, confidence), (21, 1))), axis=1).ravel().tolist()


def decoded(decoder: LslDecoder, sample, t_ns: int) -> list:
    """Feed one sample."""
    return decoder.feed(np.asarray(sample, dtype="<f4").tobytes(), t_ns)


@pytest.mark.parametrize("separator", ["_", ".", " ", "/", ":", "-", ""])
def test_labels_alone_tell_joint_and_axis(separator):
    """The body's own names with x, y, z behind, in either case: metres of the house."""
    decoder = LslDecoder()
    decoder.learn(layout_of([Channel(f"{n}{separator}{axis}") for n in JOINT_NAMES for axis in "XYZ"]), 60.0)
    (pose,) = decoded(decoder, POSITIONS[0].ravel(), 1)
    assert pose.positions == pytest.approx(POSITIONS[0], abs=1e-6)
    assert (pose.confidence == 1).all()
    assert pose.rotations is not None


def test_the_mocap_convention_tells_it_by_type():
    """Marker and type name the channel, the unit is kept to, orientations are passed over, confidence counts."""
    decoder = LslDecoder()
    layout = layout_of(MOCAP)
    assert layout.unit_m == 0.001
    decoder.learn(layout, 60.0)
    (pose,) = decoded(decoder, as_mocap(POSITIONS[0], 0.5), 1)
    assert pose.positions == pytest.approx(POSITIONS[0], abs=1e-5)
    assert pose.confidence == pytest.approx(np.full(21, 0.5))


def test_points_of_another_make_are_matched_by_their_names():
    """Xsens's segments, z up: the axes are seen from how the person stands, the unit from her height."""
    names = {"Pelvis": "Hips", "L3": "Spine", "T8": "Chest"}
    places = {
        name: POSITIONS[0, JOINT_INDEX[names.get(name, name.replace("ForeArm", "LowerArm").replace("Toe", "Toes"))]]
        for name in XSENS
    }
    sample = np.array([(z, x, y) for x, y, z in places.values()]) * 100.0
    decoder = LslDecoder(up="z")
    decoder.learn(layout_of([Channel(f"{name}_{axis}") for name in XSENS for axis in "xyz"]), 60.0)
    (pose,) = decoded(decoder, sample.ravel(), 1)
    assert np.ptp(pose.positions[:, 1]) == pytest.approx(np.ptp(POSITIONS[0, :, 1]), rel=0.02)
    bone = np.linalg.norm(pose.positions[JOINT_INDEX["LeftFoot"]] - pose.positions[JOINT_INDEX["LeftLowerLeg"]])
    assert bone == pytest.approx(0.41, abs=0.01)
    assert "xsens" in decoder.notes[0]


def test_points_that_are_not_seen_are_unknown():
    """NaN, or a confidence of 0: known to nobody; without hips there is no pose, and that is counted."""
    decoder = LslDecoder()
    decoder.learn(layout_of(OURS), 60.0)
    sample = POSITIONS[0].copy()
    sample[JOINT_INDEX["LeftHand"]] = np.nan
    (pose,) = decoded(decoder, sample.ravel(), 1)
    assert pose.confidence[JOINT_INDEX["LeftHand"]] == 0
    assert pose.rotations is None
    assert np.isfinite(pose.positions).all()
    sample[0] = np.inf
    assert decoded(decoder, sample.ravel(), 2) == []
    assert decoded(decoder, POSITIONS[1].ravel(), 1) == []
    assert decoder.counters == {"dropped_unseen": 1, "dropped_late": 1}


@pytest.mark.parametrize(
    "channels",
    [[], [Channel("")] * 8, [Channel("EEG1"), Channel("EEG2")], [Channel("Hips_x"), Channel("Hips_y")], OURS * 40],
    ids=["none", "blank", "another kind", "no z", "far too many"],
)
def test_streams_that_are_no_body_are_refused(channels):
    """PacketError in one line."""
    with pytest.raises(PacketError):
        layout_of(channels)


@settings(max_examples=40)
@given(st.lists(st.builds(Channel, *[st.text(max_size=12)] * 4), max_size=12))
def test_any_description_is_read_or_refused(channels):
    """Whatever the channels call themselves."""
    try:
        layout = layout_of(channels)
    except PacketError:
        return
    assert layout.columns.max() < len(channels)
    decoder = LslDecoder()
    decoder.learn(layout, 60.0)
    with contextlib.suppress(PacketError):
        assert all(np.isfinite(pose.positions).all() for pose in decoded(decoder, np.ones(len(channels)), 1))


def read(sensor: LslSensor, wanted: int) -> list:
    """Return so many poses."""
    poses, deadline = [], time.monotonic() + 20.0
    while len(poses) < wanted:
        assert time.monotonic() < deadline, sensor.health()
        pose = sensor.read()
        if pose is not None:
            poses.append(pose)
    return poses


def channels_as_said(channels: list[Channel]) -> list[dict]:
    """Return them as a description has them."""
    return [{"label": c.label, "marker": c.point, "type": c.kind, "unit": c.unit} for c in channels]


def test_a_stream_may_begin_late_break_and_begin_again():
    """It is looked for, heard with its own time on our clock, told as stale, and heard again."""
    fake = FakeLsl(channels_as_said(OURS))
    fake.on = False
    sensor = LslSensor("body", clock=MonotonicClock(), library=fake, stale_after_ms=100.0)
    sensor.open()
    assert sensor.read() is None
    fake.on = True
    made = [time.monotonic_ns()]
    fake.push(POSITIONS[0].ravel().tolist())
    (pose,) = read(sensor, 1)
    assert abs(pose.t_ns - made[0]) < 10**8
    assert pose.positions == pytest.approx(POSITIONS[0], abs=1e-6)
    fake.broken = True
    deadline = time.monotonic() + 20.0
    while sensor.health().state != "stale":
        assert time.monotonic() < deadline
        sensor.read()
    assert "broke" in sensor.health().message
    fake.broken = False
    fake.push(POSITIONS[1].ravel().tolist())
    fake.push(POSITIONS[2].ravel().tolist())
    assert read(sensor, 2)[1].positions == pytest.approx(POSITIONS[2], abs=1e-6)
    sensor.close()


def test_a_stream_of_something_else_is_told():
    """Health says what its channels are called and what is wanted."""
    fake = FakeLsl([{"label": "EEG1"}, {"label": "EEG2"}])
    sensor = LslSensor("brain", clock=MonotonicClock(), library=fake)
    sensor.open()
    assert sensor.read() is None
    assert "EEG1, EEG2" in sensor.health().message
    assert "Hips_x" in sensor.health().message
    sensor.close()


def test_without_pylsl_the_mend_is_told(monkeypatch):
    """One line that names the extra."""
    monkeypatch.setitem(sys.modules, "pylsl", None)
    sensor = open_sensor("lsl:MyMocap", ManualClock())
    with pytest.raises(MissingPackageError, match=r"pip install 'emotus\[lsl\]'"):
        sensor.open()
    sensor.close()


@pytest.mark.parametrize(
    ("address", "told"),
    [("lsl:", "no stream is named"), ("lsl:a?scope=moon", "machine, link, site"), ("lsl:a?up=u", "one of x"),
     ("lsl:a?unit=ft", "one of m")],
)  # fmt: skip
def test_addresses_that_make_no_sense_are_refused(address, told):
    """One line with the mend."""
    with pytest.raises(UriError, match=told):
        open_sensor(address, ManualClock())


def test_a_real_outlet_is_heard():
    """pylsl on this machine: found by its name, described by the MoCap convention, heard with its time on our clock."""
    pylsl = pytest.importorskip("pylsl", reason="pylsl is not installed, or its library is not", exc_type=Exception)
    sensor = open_sensor("lsl:emotus-test-body", MonotonicClock())
    sensor.open()  # before anything else of the library, so that it keeps to this machine
    info = pylsl.StreamInfo("emotus-test-body", "MoCap", len(MOCAP), 60.0, "float32", "emotus-test")
    described = info.desc().append_child("channels")
    for channel in channels_as_said(MOCAP):
        each = described.append_child("channel")
        for key, value in channel.items():
            each.append_child_value(key, value)
    outlet = pylsl.StreamOutlet(info)
    sent: dict[float, int] = {}
    poses: list = []
    deadline = time.monotonic() + 30.0
    for i in range(100_000):
        if time.monotonic() > deadline and not sensor.health().counters.get("samples"):
            pytest.skip("LSL finds nothing on this machine: its network refuses broadcasts to itself")
        assert time.monotonic() < deadline, sensor.health()
        if len(poses) >= 5:
            break
        outlet.push_sample(as_mocap(POSITIONS[i % 30]))
        sent[round(float(POSITIONS[i % 30, 0, 0]), 4)] = time.monotonic_ns()
        pose = sensor.read()
        if pose is not None:
            poses.append(pose)
            assert abs(pose.t_ns - sent[round(float(pose.positions[0, 0]), 4)]) < 2 * 10**9
    sensor.close()
    del outlet
    at = [int(np.abs(POSITIONS[:, 0] - pose.positions[0]).sum(axis=1).argmin()) for pose in poses]
    assert np.array([pose.positions for pose in poses]) == pytest.approx(POSITIONS[at], abs=1e-5)
