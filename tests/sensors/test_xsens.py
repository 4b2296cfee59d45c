"""Xsens datagrams become poses: every type, unit, axis and variant that MVN has been seen to send."""

from __future__ import annotations

import dataclasses
import struct

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.mvnx_texts import performed
from support.xsens_suit import heard, one_of_each, sample_of, worn

from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.clock import NS_PER_MS
from emotus.engine.errors import PacketError
from emotus.engine.kinematics import globals_from_locals
from emotus.engine.quaternion import angle_between
from emotus.sensors import xsens_layout as layout
from emotus.sensors.xsens_decoder import XsensDecoder
from emotus.sensors.xsens_framer import XsensFramer
from emotus.sensors.xsens_wire import read_datagram, read_items, read_metadata, read_null_pose, read_time_code
from emotus.sensors.xsens_writer import (
    euler_items,
    pose_items,
    segments_of,
    write_items,
    write_metadata,
    write_null_pose,
    write_time_code,
)

POSES = performed(120, rate_hz=60.0)


def assert_same(given, poses, *, within_m: float = 1e-5) -> None:
    """Check that poses are in place and turned as those that were sent."""
    assert [pose.seq for pose in given] == [pose.seq for pose in poses]
    for pose, true in zip(given, poses, strict=True):
        assert np.abs(pose.positions - true.positions).max() < within_m
        if pose.rotations is not None:
            assert np.degrees(angle_between(pose.rotations, true.rotations)).max() < 0.1


def test_a_suit_is_heard_as_it_was_worn():
    """Positions to the hundredth of a millimetre and rotations to a tenth of a degree, at the sender's own pace."""
    decoder = XsensDecoder()
    given = heard(decoder, worn(POSES))
    assert_same(given, POSES)
    steps_ms = np.diff([pose.t_ns for pose in given]) / NS_PER_MS
    assert np.abs(steps_ms - 1000 / 60).max() <= 1.01  # whole milliseconds
    assert decoder.rate_hz == pytest.approx(60, rel=0.02)
    assert not any(decoder.counters.values())


def test_segments_are_those_of_scipy():
    """A pose's segments are its joints in MVN's axes, turned as SciPy composes the rotations."""
    pose = POSES[30]
    positions, rotations = segments_of(pose)
    turned = globals_from_locals(BODY.parents, pose.rotations)[JOINT_INDEX["LeftLowerArm"]]
    axes = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])  # MVN's x, y, z in the house
    expected = axes @ Rotation.from_quat(np.roll(turned, -1)).as_matrix() @ axes.T
    assert Rotation.from_quat(np.roll(rotations[13], -1)).as_matrix() == pytest.approx(expected, abs=1e-6)
    assert positions[13] == pytest.approx(axes @ pose.positions[JOINT_INDEX["LeftLowerArm"]], abs=1e-6)


@pytest.mark.parametrize(("unit", "told"), [(100.0, None), (1.0, None), (100.0, 0.01), (1.0, 1.0)])
def test_centimetres_and_metres_are_told_apart(unit, told):
    """The way from pelvis to head tells the unit, unless the user does."""
    decoder = XsensDecoder(unit_m=told)
    for pose in POSES[:5]:
        positions, rotations = segments_of(pose)
        (datagram,) = write_items(2, pose_items(unit * positions, rotations), pose.seq, 0)
        (given,) = decoder.feed(datagram, pose.t_ns)
        assert np.abs(given.positions - pose.positions).max() < 1e-4
    assert ("centimetres" if unit == 100 else "metres") in decoder.notes[0]


@pytest.mark.parametrize("told", [None, "y"])
def test_the_y_up_option_of_mvn_is_understood(told):
    """x forward, y up, z to the right: the body is the same."""
    to_y_up = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])  # (x, y, z) -> (x, z, -y)
    decoder = XsensDecoder(up=told)
    given = []
    for pose in POSES[:20]:
        positions, rotations = segments_of(pose)
        turned = rotations.copy()
        turned[:, 1:] = rotations[:, 1:] @ to_y_up.T
        (datagram,) = write_items(2, pose_items(positions @ to_y_up.T, turned), pose.seq, 0)
        given += decoder.feed(datagram, pose.t_ns)
    for pose, true in zip(given, POSES[:20], strict=True):
        assert np.abs(pose.positions - true.positions).max() < 1e-5


def test_euler_poses_give_positions_only():
    """MXTP01: centimetres, stored y, z, x, which are the house's axes; its angles are in no stated order."""
    decoder = XsensDecoder()
    given = heard(decoder, ((pose.t_ns, sample_of(pose, layout.EULER)[0]) for pose in POSES[:10]))
    assert all(pose.rotations is None for pose in given)
    assert_same(given, POSES[:10], within_m=1e-4)
    assert "without orientations" in decoder.notes[0]


def test_the_better_of_two_types_is_taken():
    """Where MXTP01 and MXTP02 of one sample come, MXTP02 is the pose, and the other is counted."""
    decoder = XsensDecoder()
    first = sample_of(POSES[0], 1)[0]
    both = [(p.t_ns, d) for p in POSES[1:20] for d in (*sample_of(p, 2), *sample_of(p, 1))]
    given = heard(decoder, [(0, first), *both])
    assert [pose.seq for pose in given] == list(range(20))
    assert all(pose.rotations is not None for pose in given[1:])
    assert decoder.counters["passed_over_type"] == 19


def test_linear_and_angular_kinematics_make_a_pose_together():
    """MXTP21 has positions and MXTP22 orientations: with both of one sample there is a pose, with one there is none."""
    decoder = XsensDecoder()
    both = [(p.t_ns, d) for p in POSES[:20] for kind in (22, 21) for d in sample_of(p, kind, time_ms=p.t_ns // 10**6)]
    assert_same(heard(decoder, both), POSES[:20])
    alone = XsensDecoder()
    torn = [(p.t_ns, sample_of(p, 21 + i % 2)[0]) for i, p in enumerate(POSES[:20])]
    assert heard(alone, torn) == []


def test_every_character_is_a_stream():
    """Two actors of one MVN are two streams, each with its name; character 0 has the name that was asked for."""
    others = [dataclasses.replace(p, stream="b") for p in performed(60, rate_hz=60.0, emotion="sad")]
    firsts = [dataclasses.replace(p, stream="a") for p in POSES[:60]]
    decoder = XsensDecoder(stream="duo")
    given = heard(decoder, worn(p for pair in zip(firsts, others, strict=True) for p in pair))
    assert_same([p for p in given if p.stream == "duo"], firsts)
    assert_same([p for p in given if p.stream == "duo-1"], others)
    assert decoder.characters() == {"duo": "emotus a", "duo-1": "emotus b"}


def test_props_and_fingers_are_told_apart_by_place():
    """Items behind the 23rd are props and fingers, whatever their ids; split in two datagrams or not."""
    pose = POSES[3]
    body = pose_items(*segments_of(pose))
    extra = pose_items(np.full((44, 3), 9.0), np.tile((1.0, 0, 0, 0), (44, 1)), first_id=1)
    items = np.concatenate((body, extra))
    for longest in (4096, 1472, 700):
        decoder = XsensDecoder()
        datagrams = write_items(2, items, pose.seq, 0, props=4, fingers=40, longest=longest)
        (given,) = heard(decoder, [(pose.t_ns, datagram) for datagram in datagrams])
        assert np.abs(given.positions - pose.positions).max() < 1e-5


def test_fewer_segments_leave_joints_unknown():
    """17 segments: what is not sent has confidence 0 or is placed between others, and nothing is invented."""
    chosen = [i for i in range(23) if i not in (1, 3, 18, 22, 7, 11)]
    decoder = XsensDecoder()
    for pose in POSES[:3]:
        positions, rotations = segments_of(pose)
        items = pose_items(positions[chosen], rotations[chosen])
        items["id"] = np.array(chosen) + 1
        (datagram,) = write_items(2, items, pose.seq, 0, segments=17)
        (given,) = decoder.feed(datagram, pose.t_ns)
        known = [JOINT_INDEX[name] for name in ("Hips", "Spine", "Chest", "Head", "LeftHand", "RightFoot")]
        assert np.abs(given.positions[known] - pose.positions[known]).max() < 1e-5
        assert (given.confidence[known] == 1).all()
        assert (given.confidence[[JOINT_INDEX["LeftToes"], JOINT_INDEX["RightToes"]]] < 1).all()


def test_segments_in_another_order_are_put_in_theirs():
    """Ids tell which segment an item is."""
    pose = POSES[5]
    items = pose_items(*segments_of(pose))[::-1]
    (given,) = heard(XsensDecoder(), [(0, write_items(2, items, 0, 0)[0])])
    assert np.abs(given.positions - pose.positions).max() < 1e-5


def test_an_older_mvn_says_no_sizes_and_no_counts():
    """Before 2019 the bytes 17 and 22 are zero: the items tell."""
    old = [(p.t_ns, d[:17] + bytes(3) + d[20:22] + bytes(2) + d[24:]) for p in POSES[:9] for d in sample_of(p, 2)]
    assert_same(heard(XsensDecoder(), old), POSES[:9])


def test_another_person_on_the_same_suit_is_measured_anew():
    """Bones that are no longer those matched are found again, within two looks."""
    bigger = [dataclasses.replace(p, seq=p.seq + 120, positions=p.positions * np.float32(1.2)) for p in POSES]
    decoder = XsensDecoder()
    heard(decoder, ((p.t_ns, sample_of(p, 2)[0]) for p in POSES))
    before = decoder.notes[0]
    heard(decoder, ((p.t_ns + 2 * 10**9, sample_of(p, 2)[0]) for p in bigger * 2))
    assert decoder.notes[0] != before


def test_a_time_code_that_stands_still_is_not_believed():
    """A replay that stamps everything 0 is timed by arrival, with rising times."""
    decoder = XsensDecoder()
    given = heard(decoder, ((p.t_ns, sample_of(p, 2, time_ms=0)[0]) for p in POSES))
    times = np.array([p.t_ns for p in given])
    assert (np.diff(times) > 0).all()
    assert (times[20:] == [p.t_ns for p in POSES[20:]]).all()


def test_a_take_played_again_goes_on_in_time():
    """When MVN's clock and counter begin anew, times go on rising with what comes."""
    decoder = XsensDecoder()
    first = heard(decoder, worn(POSES))
    again = [(t_ns + 5 * 10**9, datagram) for t_ns, datagram in worn(POSES)]
    given = first + heard(decoder, again)
    assert (np.diff([p.t_ns for p in given]) > 0).all()
    assert given[-1].t_ns == pytest.approx(POSES[-1].t_ns + 5 * 10**9, abs=2 * NS_PER_MS)


def test_every_type_is_read_as_it_was_written():
    """Items of each type come back equal, and texts, time codes and null poses too."""
    for kind, layouts in layout.ITEMS.items():
        for items_of in layouts:
            rng = np.random.default_rng(kind)
            items = np.frombuffer(rng.bytes(items_of.itemsize * 3), dtype=items_of)
            header, payload = read_datagram(write_items(kind, items, 7, 9)[0])
            assert read_items(kind, header.items, payload).tobytes() == items.tobytes()
    assert read_metadata(read_datagram(write_metadata({"name": "Ä", "xmid": "1"}))[1]) == {"name": "Ä", "xmid": "1"}
    assert read_metadata(b"name:plain\nodd line\ncolor:ff") == {"name": "plain", "color": "ff"}
    assert read_time_code(read_datagram(write_time_code("01:02:03.004"))[1]) == "01:02:03.004"
    assert read_time_code(b"01:02:03.004") == "01:02:03.004"
    told = read_null_pose(read_datagram(write_null_pose({"Pelvis": (1, 2, 3)}, {(1, 13): ("p", (4, 5, 6))}))[1])
    assert told.origins["Pelvis"].tolist() == [1, 2, 3]
    assert told.points[1, 13].tolist() == [4, 5, 6]
    with pytest.raises(PacketError):
        read_null_pose(struct.pack(">i", 2**31 - 1))


def test_euler_items_are_stored_in_their_own_order():
    """Positions (x, y, z) in metres leave as y, z, x in centimetres."""
    items = euler_items(np.array([[1.0, 2.0, 3.0]]), np.array([[10.0, 20.0, 30.0]]))
    assert items["position"].tolist() == [[200.0, 300.0, 100.0]]
    assert items["degrees"].tolist() == [[20.0, 30.0, 10.0]]


def test_a_byte_stream_is_cut_into_datagrams():
    """Back to back or with noise between, in any pieces; old headers without sizes are measured by their items."""
    datagrams = [*one_of_each(POSES[0]).values(), sample_of(POSES[1], 2)[0]]
    stream = b"noise" + b"".join(datagrams)
    for step in (1, 7, 1000, len(stream)):
        framer = XsensFramer()
        packets = [packet for at in range(0, len(stream), step) for packet in framer.feed(stream[at : at + step])]
        assert packets == datagrams
        assert framer.skipped == 5
    old = sample_of(POSES[0], 2)[0]
    assert XsensFramer().feed((old[:22] + bytes(2) + old[24:]) * 3) == [old[:22] + bytes(2) + old[24:]] * 3
