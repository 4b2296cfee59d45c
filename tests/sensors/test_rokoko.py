"""Rokoko Studio in: both versions of its JSON, several actors, and whatever a datagram can hold."""

from __future__ import annotations

import json

import lz4.frame
import numpy as np
import pytest
from support.network_senders import performance
from support.rokoko_bytes import studio_bones, version_2, version_3

from emotus.engine import quaternion
from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.errors import PacketError
from emotus.engine.kinematics import forward_kinematics
from emotus.sensors import rokoko_json
from emotus.sensors.rokoko import RokokoDecoder
from emotus.sensors.rokoko_json import MAX_ACTORS, MAX_BYTES, parse

STEP_NS = 16_666_667
POSITIONS, ROTATIONS = performance(30)
BONES = [studio_bones(positions, local) for positions, local in zip(POSITIONS, ROTATIONS, strict=True)]
MAKERS = {
    "v3": version_3,
    "v3 as a number": lambda actors, t: version_3(actors, t, 3),
    "v2": version_2,
    "v2.5 that says 3": lambda actors, t: version_2(actors, t, "3.0"),
    "LZ4": lambda actors, t: lz4.frame.compress(version_3(actors, t)),
}


def play(decoder: RokokoDecoder, make, frames: int = 30, name: str = "Anna") -> list:
    """Return the poses of a performance."""
    return [pose for i in range(frames) for pose in decoder.feed(make([(name, BONES[i])], i / 60), 10**9 + i * STEP_NS)]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_every_version_gives_the_same_body(make):
    """All joints where they were; the rotations carry the body's bones to them."""
    decoder = RokokoDecoder()
    poses = play(decoder, make)
    got = np.array([pose.positions for pose in poses])
    assert got == pytest.approx(POSITIONS, abs=1e-5)
    assert {pose.stream for pose in poses} == {"rokoko-Anna"}
    assert all((pose.confidence == 1).all() for pose in poses)
    carried = forward_kinematics(BODY, np.array([pose.rotations for pose in poses]), got[:, 0])
    assert carried == pytest.approx(got, abs=1e-4)


def test_twist_is_counted_from_the_first_frame():
    """What a forearm turns about itself after the first frame is in its rotation, though its bone points the same."""
    decoder = RokokoDecoder()
    rest = np.tile(np.array([1.0, 0.0, 0.0, 0.0]), (21, 1))
    twisted = rest.copy()
    twisted[JOINT_INDEX["LeftLowerArm"]] = quaternion.from_axis("X", np.array(np.radians(40.0)))
    for i, local in enumerate((rest, twisted)):
        bones = studio_bones(BODY.rest_positions, local)
        (pose,) = decoder.feed(version_3([("A", bones)], i / 60), 10**9 + i * STEP_NS)
    angle = quaternion.angle_between(pose.rotations[JOINT_INDEX["LeftLowerArm"]], rest[0])
    assert np.degrees(angle) == pytest.approx(40.0, abs=1e-2)


def test_several_actors_are_several_streams():
    """Each by name, in characters that every bridge can carry; actor= picks one."""
    packet = version_3([("Anna Löw", BONES[0]), ("Anna/Löw", BONES[1]), ("", BONES[2])], 0.0)
    poses = RokokoDecoder(stream="stage").feed(packet, 1)
    assert [pose.stream for pose in poses] == ["stage-Anna_L_w", "stage-Anna_L_w-2", "stage-actor"]
    (only,) = RokokoDecoder(stream="stage", actor="Anna/Löw").feed(packet, 1)
    assert only.stream == "stage"
    assert only.positions == pytest.approx(POSITIONS[1], abs=1e-5)


def test_names_are_bounded():
    """A sender of ever new names does not fill the memory: the first ones stay."""
    decoder = RokokoDecoder()
    for i in range(3 * MAX_ACTORS):
        decoder.feed(version_3([(f"a{i}", BONES[0])], i / 60), 10**9 + i * STEP_NS)
    assert decoder.counters["skipped_actors"] == 2 * MAX_ACTORS
    with pytest.raises(PacketError, match=f"at most {MAX_ACTORS}"):
        decoder.feed(version_3([("a", BONES[0])] * (MAX_ACTORS + 1), 9.0), 10**10)


def test_missing_bones_are_unknown():
    """Without toes and neck the body stands, with confidence 0 there; without the hip there is none."""
    bones = {name: bone for name, bone in BONES[0].items() if name not in ("neck", "leftToe", "rightToe")}
    (pose,) = RokokoDecoder().feed(version_3([("A", bones)], 0.0), 1)
    assert {BODY.names[i] for i in np.flatnonzero(pose.confidence == 0)} == {"Neck", "LeftToes", "RightToes"}
    assert np.isfinite(pose.positions).all()
    assert np.isfinite(pose.rotations).all()
    decoder = RokokoDecoder()
    assert decoder.feed(version_3([("A", {**bones, "hip": None})], 0.0), 1) == []
    assert decoder.counters["skipped_actors"] == 1


def test_gloves_and_faces_alone_are_no_body():
    """An actor without a body gives nothing, and that is counted."""
    decoder = RokokoDecoder()
    scene = {"timestamp": 0.0, "actors": [{"name": "A", "meta": {"hasBody": False}, "body": None, "face": {"jaw": 1}}]}
    assert decoder.feed(json.dumps({"version": 3, "scene": scene}).encode(), 1) == []
    assert decoder.counters == {"frames_without_body": 1}
    assert "no body" in decoder.notes[0]


def test_a_clip_that_loops_goes_on():
    """Studio's time jumps back when a clip begins again: ours goes on rising and nothing is lost."""
    decoder = RokokoDecoder()
    stamps = [*(i / 60 for i in range(20)), *(i / 60 for i in range(20))]
    times = []
    for i, stamp in enumerate(stamps):
        times += [p.t_ns for p in decoder.feed(version_3([("A", BONES[i % 20])], stamp), 10**9 + i * STEP_NS)]
    assert len(times) == 40
    assert (np.diff(times) > 0).all()


def test_a_frame_that_was_overtaken_is_dropped():
    """Two datagrams that changed places: the later one counts, the earlier is counted as dropped."""
    decoder = RokokoDecoder()
    got = [len(decoder.feed(version_3([("A", BONES[0])], t), 10**9 + i)) for i, t in enumerate((0.0, 0.04, 0.02, 0.06))]
    assert got == [1, 1, 0, 1]
    assert decoder.counters["dropped_late"] == 1


GOOD = version_3([("A", BONES[0])], 0.0)
BAD = {
    "nothing": b"",
    "no JSON": b"\xff\xfe\0\1",
    "a list": b"[]",
    "depth": b"[" * 60_000,
    "depth in an object": b'{"version":3,"scene":' + b'{"a":' * 20_000,
    "10 MB": b'{"version":3,"x":"' + b"x" * 10_000_000 + b'"}',
    "version 1": GOOD.replace(b'"3,0"', b'"1,0"'),
    "no version": GOOD.replace(b'"version"', b'"vorsion"'),
    "NaN": GOOD.replace(b'"fps": 60.0', b'"fps": NaN').replace(b'"timestamp": 0.0', b'"timestamp": NaN'),
    "a number too large": GOOD.replace(b'"w": ', b'"w": 1e999, "v": ', 1),
    "out of this world": GOOD.replace(b'"x": ', b'"x": 1e7, "v": ', 1),
    "text for a number": GOOD.replace(b'"x": ', b'"x": "a", "v": ', 1),
    "bad UTF-8": GOOD.replace(b'"A"', b'"\xff"'),
    "LZ4 cut short": lz4.frame.compress(GOOD)[:-9],
    "LZ4 bomb": lz4.frame.compress(b" " * 60_000_000),
    "LZ4 of garbage": b"\x04\x22\x4d\x18" + bytes(range(200)),
}


@pytest.mark.parametrize("packet", BAD.values(), ids=BAD)
def test_bad_packets_are_refused(packet):
    """PacketError and nothing else, in one line; the next good one is read."""
    decoder = RokokoDecoder()
    with pytest.raises(PacketError) as told:
        decoder.feed(packet, 1)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 300
    assert len(decoder.feed(GOOD, 2)) == 1


def test_every_truncation_is_refused():
    """However many bytes are left of a packet."""
    for end in range(0, len(GOOD), 7):
        with pytest.raises(PacketError):
            parse(GOOD[:end])


def test_lz4_that_is_not_installed_is_told(monkeypatch):
    """One line with the mend, and plain JSON is read all the same."""
    monkeypatch.setitem(__import__("sys").modules, "lz4.frame", None)
    with pytest.raises(PacketError, match=r"pip install 'emotus\[rokoko\]'"):
        parse(lz4.frame.compress(GOOD))
    assert len(parse(GOOD).actors) == 1


def test_the_bound_is_on_what_is_unpacked():
    """MAX_BYTES holds for plain JSON and for what LZ4 makes of it."""
    assert rokoko_json.unpacked(lz4.frame.compress(b" " * MAX_BYTES)) == b" " * MAX_BYTES
    assert len(rokoko_json.unpacked(lz4.frame.compress(b" " * (MAX_BYTES + 99)))) == MAX_BYTES + 1
