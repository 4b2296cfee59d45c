"""VRChat trackers in: the points that were sent are known, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from support.network_senders import as_trackers, performance

from emotus.engine import quaternion
from emotus.engine.body import BODY, JOINT_INDEX, JOINT_NAMES
from emotus.engine.clock import ManualClock
from emotus.engine.errors import OscError, UriError
from emotus.engine.osc_codec import encode_bundle, encode_message
from emotus.sensors.trackers import SLIMEVR_ORDER, TrackerDecoder, facing, from_uri, read_order

STEP_NS = 16_666_667
POSITIONS, ROTATIONS = performance(8)


def at(number: int | str, *place: float) -> bytes:
    """Return where a tracker is, in Unity's frame."""
    return encode_message(f"/tracking/trackers/{number}/position", *place)


def test_each_bundle_is_a_frame():
    """From the second on each is given at once; known are eight joints and the head, and they lie where they were."""
    decoder = TrackerDecoder()
    poses = [decoder.feed(as_trackers(i, POSITIONS[i], ROTATIONS[i], i / 60)[0], (i + 1) * STEP_NS) for i in range(8)]
    assert [len(each) for each in poses] == [0, 2, 1, 1, 1, 1, 1, 1]
    known = [JOINT_INDEX[name] for name in (*SLIMEVR_ORDER, "Head")]
    for i, pose in enumerate(pose for each in poses for pose in each):
        assert pose.positions[known] == pytest.approx(POSITIONS[i, known], abs=1e-6)
        assert set(np.flatnonzero(pose.confidence)) == set(known)
        assert pose.rotations is None
        assert np.isfinite(pose.positions).all()
    assert "confidence 0" in decoder.notes[0]


def test_what_is_unknown_hangs_beside_the_hips():
    """A joint without a tracker is where the rest pose has it, turned as the hips face."""
    decoder = TrackerDecoder()
    turned = encode_message("/tracking/trackers/1/rotation", 0.0, 90.0, 0.0)  # Unity: from forward to its right
    for i in range(2):
        poses = decoder.feed(encode_bundle([turned, at(1, 0.0, 1.0, 0.0), at(2, 0.1, 0.0, 0.0)]), (i + 1) * STEP_NS)
    pose = poses[-1]
    nose = pose.positions[JOINT_INDEX["LeftToes"]] - pose.positions[JOINT_INDEX["LeftUpperLeg"]]
    assert nose[0] < -0.1  # ahead is the right, and right is -x in the house
    assert pose.confidence.sum() == 2


@given(st.tuples(*[st.floats(-179, 179)] * 3))
def test_angles_are_composed_as_unity_does(degrees):
    """The way the hips face is that of q = qY qX qZ, as scipy composes it, mirrored into the house."""
    x, y, z = degrees
    ahead = Rotation.from_euler("YXZ", [y, x, z], degrees=True).apply((0.0, 0.0, 1.0)) * (-1, 1, 1)
    if np.hypot(ahead[0], ahead[2]) < 0.1:
        return  # they look up or down: nobody can say where they face
    faced = quaternion.rotate(facing(np.array(degrees, dtype=np.float32)), np.array([0.0, 0.0, 1.0]))
    level = ahead * (1, 0, 1) / np.hypot(ahead[0], ahead[2])
    assert faced == pytest.approx(level, abs=1e-3)


def test_the_trackers_may_stand_for_other_joints():
    """trackers= names them; "-" leaves one out."""
    decoder = TrackerDecoder(order=read_order("head,-,hips"))
    for i in range(2):
        poses = decoder.feed(encode_bundle([at(1, 0.0, 1.6, 0.0), at(2, 9.0, 9.0, 9.0), at(3, 0.0, 1.0, 0.0)]), i + 9)
    names = {JOINT_NAMES[i] for i in np.flatnonzero(poses[-1].confidence)}
    assert names == {"Head", "Hips"}
    assert poses[-1].root == pytest.approx((0, 1, 0))


@pytest.mark.parametrize("text", ["", "hips,hips", "tail", "hips," * 8 + "head", "hips;head"])
def test_an_order_that_makes_no_sense_is_refused(text):
    """One line that says how it is written."""
    assert read_order(text) is None
    with pytest.raises(UriError, match="one to eight joints"):
        from_uri("udp://127.0.0.1:0", {"trackers": text}, ManualClock())


def test_without_hips_there_is_no_pose():
    """It is counted, and said what is lacking."""
    decoder = TrackerDecoder()
    for i in range(4):
        assert decoder.feed(encode_bundle([at(2, 0.0, 0.0, 0.0), at(3, 0.2, 0.0, 0.0)]), i + 1) == []
    assert decoder.counters["frames_without_hips"] == 4
    assert "no hips" in decoder.notes[0]


def test_odd_messages_are_passed_over():
    """No such tracker, too few or whole numbers, places out of this world, other addresses; garbage is refused."""
    decoder = TrackerDecoder()
    odd = [
        at(0, 0.0, 0.0, 0.0), at(9, 0.0, 0.0, 0.0), at(1, 0.0, 0.0), at(1, 0, 1, 0),
        at(1, 1e9, 0.0, 0.0), at("tail", 0.0, 0.0, 0.0),
        encode_message("/avatar/parameters/Joy", 1.0), encode_message("/tracking/trackers/1/rotation", 1e30, 0.0, 0.0),
    ]  # fmt: skip
    assert decoder.feed(encode_bundle(odd), 1) == []
    assert "no trackers" in decoder.notes[0]
    assert decoder.counters == {"skipped_others": 4, "skipped_wrong": 2, "skipped_out_of_place": 1}
    with pytest.raises(OscError):
        decoder.feed(b"#bundle\0" + bytes(7) + b"\1" + b"\xff\xff\xff\xfc", 2)


def test_height_scales_what_is_assumed():
    """A taller person's unknown joints lie farther from the hips."""
    decoder = TrackerDecoder(height_m=1.87)
    for i in range(2):
        poses = decoder.feed(encode_bundle([at(1, 0.0, 1.0, 0.0), at(2, 0.1, 0.0, 0.0)]), i + 1)
    head = BODY.rest_positions[JOINT_INDEX["Head"], 1] - BODY.rest_positions[0, 1]
    assert poses[-1].positions[JOINT_INDEX["Head"], 1] == pytest.approx(1.0 + 1.1 * head, abs=1e-5)
