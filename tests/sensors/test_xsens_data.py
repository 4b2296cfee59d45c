"""Two real datagrams of an Xsens suit decode to what PROTOCOLS.md's facts imply, and are written back byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emotus.engine.body import JOINT_INDEX
from emotus.engine.skeleton_tables import XSENS_NAMES
from emotus.sensors.xsens_body import offsets_of, parents_of
from emotus.sensors.xsens_decoder import XsensDecoder
from emotus.sensors.xsens_wire import ALL, body_segments, read_datagram, read_items, read_metadata
from emotus.sensors.xsens_writer import write_items, write_metadata

DATA = Path(__file__).parents[3] / "shared" / "data" / "xsens"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real datagrams lie in ../shared/data/xsens")


def real(name: str) -> bytes:
    return (DATA / name).read_bytes()


def test_the_pose_is_as_long_as_its_header_says():
    """760 bytes: 24 of header, 23 items of 32; not split, one actor, no props, no fingers."""
    header, payload = read_datagram(real("mxtp02.bin"))
    assert (header.kind, header.items, header.segments, header.props, header.fingers) == (2, 23, 23, 0, 0)
    assert (header.part, header.last, header.character) == (0, True, 0)
    assert (header.sample, header.time_ms) == (6681, 27837)
    assert len(payload) == 23 * 32


def test_the_segments_are_those_of_a_standing_person_in_metres():
    """Ids 1 to 23, unit quaternions, z up: the head above the pelvis, the feet on the ground."""
    header, payload = read_datagram(real("mxtp02.bin"))
    body, segments = body_segments(header, read_items(2, header.items, payload))
    assert segments == ALL
    position = {name: body["position"][i] for i, name in enumerate(XSENS_NAMES)}
    assert np.linalg.norm(body["rotation"], axis=1) == pytest.approx(np.ones(23), abs=1e-6)
    assert position["Pelvis"][2] == pytest.approx(1.0483, abs=1e-3)
    assert 0.5 < np.linalg.norm(position["Head"] - position["Pelvis"]) < 0.9
    assert position["Head"][2] > position["Pelvis"][2] > position["LeftFoot"][2] > 0
    assert 0 < position["LeftToe"][2] < 0.05


def test_orientations_are_away_from_the_t_pose():
    """Turned back by its parent, every bone points where it does in the T-pose, and left and right are as long."""
    header, payload = read_datagram(real("mxtp02.bin"))
    body, _ = body_segments(header, read_items(2, header.items, payload))
    offsets = offsets_of(parents_of(ALL), body["position"].astype("f8"), body["rotation"].astype("f8"))
    bone = dict(zip(XSENS_NAMES, offsets, strict=True))
    for name in ("L3", "T12", "T8", "Neck", "Head"):
        assert bone[name][2] / np.linalg.norm(bone[name]) > 0.99
    for name, way in (("LeftForeArm", 1), ("LeftHand", 1), ("RightForeArm", -1), ("RightHand", -1)):
        assert way * bone[name][1] / np.linalg.norm(bone[name]) > 0.99
    for name in ("LeftLowerLeg", "RightLowerLeg", "LeftFoot", "RightFoot"):
        assert bone[name][2] / np.linalg.norm(bone[name]) < -0.99
    for name in ("UpperArm", "ForeArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "Toe"):
        left, right = (np.linalg.norm(bone[side + name]) for side in ("Left", "Right"))
        assert left == pytest.approx(right, abs=0.005)


def test_the_body_is_that_person_in_the_house_frame():
    """x = the source's y, y = its z, z = its x; a whole body with rotations, and its unit and size are told."""
    decoder = XsensDecoder()
    header, payload = read_datagram(real("mxtp02.bin"))
    items = read_items(2, header.items, payload)
    (pose,) = decoder.feed(real("mxtp02.bin"), 10**9)
    expected = items["position"][:, [1, 2, 0]]
    for joint, segment in (("Hips", 0), ("Head", 6), ("LeftHand", 14), ("RightToes", 18), ("Spine", 2), ("Chest", 4)):
        assert pose.positions[JOINT_INDEX[joint]] == pytest.approx(expected[segment], abs=1e-6)
    assert (pose.stream, pose.seq, pose.t_ns) == ("xsens", 6681, 10**9)
    assert (pose.confidence == 1).all()
    assert np.linalg.norm(pose.rotations, axis=1) == pytest.approx(np.ones(21), abs=1e-5)
    assert "metres" in decoder.notes[0]
    assert "21 of 21" in decoder.notes[0]


def test_the_metadata_names_the_actor():
    """MXTP12 holds tags in any order, unknown ones among them, behind the length of its text."""
    header, payload = read_datagram(real("mxtp12.bin"))
    assert header.kind == 12
    tags = read_metadata(payload)
    assert tags["name"] == "Factory"
    assert tags["color"] == "e96417"
    assert set(tags) == {"color", "count", "name", "timeOffset"}
    decoder = XsensDecoder()
    assert list(decoder.feed(real("mxtp12.bin"), 0)) == []
    list(decoder.feed(real("mxtp02.bin"), 0))
    assert decoder.characters() == {"xsens": "Factory"}


def test_what_is_written_is_what_mvn_wrote():
    """Read and written again, both datagrams are the same to the last byte."""
    header, payload = read_datagram(real("mxtp02.bin"))
    items = read_items(2, header.items, payload)
    assert write_items(2, items, header.sample, header.time_ms) == [real("mxtp02.bin")]
    header, payload = read_datagram(real("mxtp12.bin"))
    assert write_metadata(read_metadata(payload)) == real("mxtp12.bin")
