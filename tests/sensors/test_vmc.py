"""VMC in: frames end where they should, bones are the body's, and nothing is made up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from support.network_senders import performance
from support.vmc_bytes import bones, bundles, fingers_and_eyes, placed, root, tick

from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.clock import ManualClock
from emotus.engine.errors import OscError, UriError
from emotus.engine.osc_codec import encode_bundle, encode_message
from emotus.sensors.vmc import VmcDecoder, from_uri
from emotus.sensors.vmc_plan import BONES

STEP_NS = 16_666_667
POSITIONS, ROTATIONS = performance(8)
REST = np.tile(np.array([1.0, 0.0, 0.0, 0.0]), (21, 1))
HIPS = np.array([0.1, 0.95, -0.2])


def frame(i: int, skip: tuple[str, ...] = ()) -> list[bytes]:
    """Return the bone messages of one frame of the performance."""
    return bones(ROTATIONS[i], POSITIONS[i, 0], BODY.offsets, skip)


def feed(decoder: VmcDecoder, packets: list[bytes], t_ns: int) -> list:
    """Return the poses of some packets that come one millisecond apart."""
    return [pose for i, packet in enumerate(packets) for pose in decoder.feed(packet, t_ns + 1_000_000 * i)]


def play(decoder: VmcDecoder, frames: list[list[bytes]]) -> list[list]:
    """Return the poses that each frame's packets gave."""
    return [feed(decoder, packets, (i + 1) * STEP_NS) for i, packets in enumerate(frames)]


ORDERS = {
    "ticks first": lambda i: bundles([*tick(i / 60), root(), *frame(i)]),
    "ticks last": lambda i: bundles([root(), *frame(i), *tick(i / 60)]),
    "no ticks": lambda i: bundles([root(), *frame(i)]),
    "no bundles": lambda i: [*tick(i / 60), root(), *frame(i)],
    "fingers too": lambda i: bundles([*tick(i / 60), root(), *frame(i), *fingers_and_eyes()]),
    "root last": lambda i: bundles([*frame(i), root(), *tick(i / 60)]),
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_each_frame_is_given_once_and_at_once(order):
    """However a performer orders its messages: from the second frame on, a frame ends with its own last bone."""
    poses = play(VmcDecoder(), [order(i) for i in range(8)])
    assert [len(each) for each in poses[2:]] == [1] * 6
    given = [pose for each in poses for pose in each]
    assert len(given) == 8
    assert [pose.seq for pose in given] == list(range(8))
    for i, pose in enumerate(given):
        assert np.abs(pose.positions - POSITIONS[i]).max() < 1e-5
        assert (pose.confidence == 1).all()


@settings(max_examples=15)
@given(st.permutations(range(22)), st.lists(st.integers(1, 21), max_size=4))
def test_any_order_of_bones_is_the_same_body(order, cuts):
    """The bones of a frame may come in any order and in any packets."""
    decoder = VmcDecoder()
    for i in range(4):
        messages = [root(), *frame(i)]
        messages = [messages[k] for k in order]
        at = [0, *sorted(set(cuts)), 22]
        packets = [encode_bundle(messages[a:b]) for a, b in zip(at, at[1:], strict=False)]
        poses = feed(decoder, packets, (i + 1) * STEP_NS)
    assert len(poses) == 1
    assert np.abs(poses[0].positions - POSITIONS[3]).max() < 1e-5


def test_a_lost_packet_makes_bones_unknown_and_ends_with_the_next_frame():
    """The frame is given at the next tick, the lost bones with confidence 0; the next frame is whole and in time."""
    decoder = VmcDecoder()
    whole = [ORDERS["ticks first"](i) for i in range(6)]
    whole[3] = whole[3][:1]  # the second bundle is lost
    poses = play(decoder, whole)
    assert [len(each) for each in poses] == [0, 2, 1, 0, 2, 1]
    cut, after = poses[4]
    assert 0 < np.count_nonzero(cut.confidence) < 21
    assert (after.confidence == 1).all()
    assert np.isfinite(cut.positions).all()
    assert (np.diff([pose.t_ns for each in poses for pose in each]) > 0).all()


def test_bones_that_are_never_sent_rest_and_are_unknown():
    """No chest, shoulders and toes: their joints keep the rest pose with confidence 0, the rest is exact."""
    skip = ("Chest", "LeftShoulder", "RightShoulder", "LeftToes", "RightToes")
    poses = play(VmcDecoder(), [bundles([root(), *frame(i, skip)]) for i in range(3)])
    pose = poses[-1][-1]
    assert {BODY.names[i] for i in np.flatnonzero(pose.confidence == 0)} == set(skip)
    assert np.allclose(pose.rotations[[JOINT_INDEX[name] for name in skip]], (1, 0, 0, 0))
    assert np.abs(pose.positions[JOINT_INDEX["LeftFoot"]] - POSITIONS[2, JOINT_INDEX["LeftFoot"]]).max() < 1e-5


def test_a_bone_that_is_no_longer_sent_goes_back_to_rest():
    """What was heard of it once is forgotten with the last frames that held it."""
    decoder = VmcDecoder()
    play(decoder, [bundles([root(), *frame(i)]) for i in range(3)])
    for i in range(12):
        poses = feed(decoder, bundles([root(), *frame(3, ("LeftHand",))]), (i + 4) * STEP_NS)
    assert poses[-1].confidence[JOINT_INDEX["LeftHand"]] == 0
    assert np.allclose(poses[-1].rotations[JOINT_INDEX["LeftHand"]], (1, 0, 0, 0))


def test_unitys_axes_become_the_houses():
    """A turn of the left upper arm, in Unity's left-handed frame, is scipy's mirrored; so is the place of the hips."""
    unity = Rotation.from_euler("YXZ", [40, -30, 20], degrees=True)
    mirror = np.diag([-1.0, 1.0, 1.0])
    wanted = Rotation.from_matrix(mirror @ unity.as_matrix() @ mirror)
    decoder = VmcDecoder()
    messages = [
        placed("/VMC/Ext/Bone/Pos", "Hips", (-0.1, 0.95, 0.3), (0, 0, 0, 1)),
        placed("/VMC/Ext/Bone/Pos", "LeftUpperArm", (0, 0, 0), unity.as_quat()),
    ]
    pose = play(decoder, [bundles([*messages, *tick(0)])])[0][0]
    w, x, y, z = pose.rotations[JOINT_INDEX["LeftUpperArm"]]
    assert (Rotation.from_quat([x, y, z, w]) * wanted.inv()).magnitude() < 1e-6
    assert pose.root == pytest.approx((0.1, 0.95, 0.3), abs=1e-6)
    arm = pose.positions[JOINT_INDEX["LeftLowerArm"]] - pose.positions[JOINT_INDEX["LeftUpperArm"]]
    assert arm == pytest.approx(wanted.apply(BODY.offsets[JOINT_INDEX["LeftLowerArm"]]), abs=1e-6)


@pytest.mark.parametrize("more", [(), (1.0, 1.0, 1.0, 0.0, 0.0, 0.0)], ids=["v2.0", "v2.1"])
def test_the_root_carries_the_body(more):
    """Its place and turn move everything; scale and offset for mixed reality do not."""
    turn = Rotation.from_euler("Y", 90, degrees=True)
    hips = placed("/VMC/Ext/Bone/Pos", "Hips", (0.0, 0.9, 0.5), (0, 0, 0, 1))
    carried = placed("/VMC/Ext/Root/Pos", "root", (1.0, 0.0, 2.0), turn.as_quat(), *more)
    pose = play(VmcDecoder(), [bundles([carried, hips, *tick(0)])])[0][0]
    x, y, z = turn.apply((0.0, 0.9, 0.5)) + np.array((1.0, 0.0, 2.0))
    assert pose.root == pytest.approx((-x, y, z), abs=1e-6)
    assert 2 * math.acos(abs(pose.rotations[0, 0])) == pytest.approx(math.pi / 2, abs=1e-5)


def test_the_upper_chest_carries_neck_and_shoulders():
    """Chest and upper chest together turn our chest."""
    half = Rotation.from_euler("X", 15, degrees=True).as_quat()
    messages = [placed("/VMC/Ext/Bone/Pos", name, (0, 0, 0), half) for name in ("Chest", "UpperChest")]
    messages.append(placed("/VMC/Ext/Bone/Pos", "Hips", (0, 0.9, 0), (0, 0, 0, 1)))
    pose = play(VmcDecoder(), [bundles([*messages, *tick(0)])])[0][0]
    assert 2 * math.degrees(math.acos(pose.rotations[JOINT_INDEX["Chest"], 0])) == pytest.approx(30, abs=1e-3)


def test_travel_is_scaled_to_our_legs():
    """An avatar half our size, whose bones are told, walks half as far as we do."""
    small = bones(REST, HIPS / 2, BODY.offsets / 2)
    assert play(VmcDecoder(), [bundles([*small, *tick(0)])])[0][0].root == pytest.approx(HIPS, abs=1e-6)
    tall = play(VmcDecoder(height_m=1.87), [bundles([*small, *tick(0)])])[0][0]
    assert tall.root == pytest.approx(1.1 * HIPS, abs=1e-6)
    assert np.ptp(tall.positions[:, 1]) == pytest.approx(1.1 * np.ptp(BODY.rest_positions[:, 1]), abs=1e-5)


def test_the_avatars_own_bones_are_taken_when_asked_for():
    """bones=sent: lengths and travel as they come; what hangs from the upper chest hangs as far from the chest."""
    turn = Rotation.from_euler("X", 20, degrees=True)
    own = {"Hips": (0, 0.5, 0), "Chest": (0, 0.1, 0), "UpperChest": (0, 0.2, 0), "Neck": (0, 0.3, 0)}
    messages = [
        placed("/VMC/Ext/Bone/Pos", name, at, turn.as_quat() if name == "UpperChest" else (0, 0, 0, 1))
        for name, at in own.items()
    ]
    decoder = VmcDecoder(told_bones=True)
    poses = [pose for i in range(2) for pose in feed(decoder, bundles([*messages, *tick(i)]), (i + 1) * STEP_NS)]
    pose = poses[-1]
    assert pose.root == pytest.approx((0, 0.5, 0), abs=1e-6)
    neck = pose.positions[JOINT_INDEX["Neck"]] - pose.positions[JOINT_INDEX["Chest"]]
    assert neck == pytest.approx(np.array((0, 0.2, 0)) + turn.apply((0, 0.3, 0)), abs=1e-5)
    with pytest.raises(UriError, match="assumed, sent"):
        from_uri("udp://127.0.0.1:0", {"bones": "mine"}, ManualClock())


def test_a_sender_of_rotations_only_stays_in_place():
    """Hips that are always at zero were not told: the body stands at rest height and does not travel."""
    pose = play(VmcDecoder(), [bundles([*bones(REST, np.zeros(3), np.zeros((21, 3))), *tick(0)])])[0][0]
    assert not pose.travels
    assert pose.root == pytest.approx((0, BODY.offsets[0, 1], 0))


def test_odd_messages_are_counted_and_passed_over():
    """Unknown bones, too few arguments, other types, faces and devices; the body beside them is read."""
    decoder = VmcDecoder()
    odd = [
        encode_message("/VMC/Ext/Bone/Pos", "Tail", *[0.0] * 7),
        encode_message("/VMC/Ext/Bone/Pos", "x" * 4000, *[0.0] * 7),
        encode_message("/VMC/Ext/Bone/Pos", "Hips", *[0.0] * 6),
        encode_message("/VMC/Ext/Bone/Pos", "Hips", *[0] * 7),
        encode_message("/VMC/Ext/Bone/Pos"),
        encode_message("/VMC/Ext/Blend/Val", "Joy", 1.0),
        encode_message("/VMC/Ext/Tra/Pos", "LHR-1", *[0.0] * 7),
        placed("/VMC/Ext/Bone/Pos", "LeftHand", (0, 0, 0), (0, 0, 0, 0)),
    ]
    pose = feed(decoder, [*odd, *frame(0, ("LeftHand",)), *tick(0)], STEP_NS)[0]
    assert decoder.counters == {"skipped_unknown": 2, "skipped_wrong": 3, "skipped_others": 2}
    assert {BODY.names[i] for i in np.flatnonzero(pose.confidence == 0)} == {"LeftHand"}
    assert np.isfinite(pose.rotations).all()


def test_hands_and_faces_alone_are_no_body():
    """A sender of fingers and eyes gives no pose, and that is counted."""
    decoder = VmcDecoder()
    assert play(decoder, [bundles([*fingers_and_eyes(), *tick(i)]) for i in range(3)]) == [[], [], []]
    assert decoder.counters == {"frames_without_body": 3}
    assert "no bones of a body" in decoder.notes[0]


def test_a_bone_out_of_this_world_is_not_known():
    """Hips a million metres away, or a number that is none."""
    decoder = VmcDecoder()
    far = placed("/VMC/Ext/Bone/Pos", "Hips", (1e38, 0, 0), (0, 0, 0, 1))
    (pose,) = feed(decoder, [far, *frame(0)[1:], *tick(0)], STEP_NS)
    assert pose.confidence[0] == 0
    assert not pose.travels
    assert decoder.counters["skipped_out_of_place"] == 1
    good = frame(0)[0]
    with pytest.raises(OscError):
        decoder.feed(good[:-4] + b"\x7f\xc0\0\0", STEP_NS)


def test_reset_forgets():
    """After it the decoder is as new."""
    decoder = VmcDecoder()
    first = play(decoder, [ORDERS["fingers too"](i) for i in range(3)])
    decoder.reset()
    again = play(decoder, [ORDERS["fingers too"](i) for i in range(3)])
    assert [len(each) for each in first] == [len(each) for each in again]
    assert again[1][0].seq == 0


def test_the_bones_are_unitys():
    """55 of them, each once, the body's 21 among them."""
    assert len(BONES) == len(set(BONES)) == 55
    assert set(BODY.names) <= set(BONES)
