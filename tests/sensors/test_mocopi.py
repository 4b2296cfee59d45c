"""Sony mocopi in: chunks read to the byte, the app's skeleton at rest in any pose, and whatever a datagram can hold."""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from support import mocopi_bytes
from support.network_senders import as_mocopi, mocopi_rest, performance

from emotus.engine import quaternion
from emotus.engine.errors import PacketError
from emotus.engine.forward import place_few
from emotus.engine.skeleton_tables import MOCOPI_NAMES
from emotus.sensors.mocopi import PARENTS, MocopiDecoder
from emotus.sensors.mocopi_packets import MocopiFrame, MocopiSkeleton, parse

STEP_NS = 16_666_667
POSITIONS, ROTATIONS = performance(20)
OFFSETS, STILL = mocopi_rest()
DEFINITION = mocopi_bytes.skeleton(PARENTS, OFFSETS, STILL)


def frame(i: int, number: int | None = None) -> bytes:
    """Return a frame of the performance alone."""
    return as_mocopi(max(i, 1) if number is None else number, POSITIONS[i], ROTATIONS[i], i / 60)[-1]


def test_the_datagrams_have_the_apps_sizes():
    """1821 bytes of skeleton, 1591 of a frame, 1575 of one without Unix time, as seen from the real app."""
    assert len(DEFINITION) == 1821
    assert len(frame(1)) == 1591
    assert len(mocopi_bytes.frame(1, None, OFFSETS, STILL)) == 1575


def test_what_is_written_is_read():
    """Every number of a frame and of a skeleton definition, in the house's order of quaternions."""
    rng = np.random.default_rng(3)
    places, turns = rng.normal(size=(27, 3)), quaternion.normalise(rng.normal(size=(27, 4)))
    read = parse(mocopi_bytes.frame(4_000_000_000, 1.7e9, places, turns))
    assert isinstance(read, MocopiFrame)
    assert (read.number, read.unix_s) == (4_000_000_000, 1.7e9)
    assert read.positions == pytest.approx(places, abs=1e-6)
    assert read.rotations == pytest.approx(turns, abs=1e-6)
    defined = parse(mocopi_bytes.skeleton(PARENTS, places, turns))
    assert isinstance(defined, MocopiSkeleton)
    assert defined.parents == PARENTS
    assert defined.rotations == pytest.approx(turns, abs=1e-6)


def test_a_rest_pose_whose_bones_are_turned_is_the_same_body():
    """Some bones' own axes may be turned at rest: the body is the same, its rotations too."""
    rng = np.random.default_rng(4)
    turned = quaternion.normalise(rng.normal(size=(27, 4)))  # each bone's own axes in the rest pose, global
    above = [max(parent, 0) for parent in PARENTS]
    still = quaternion.multiply(quaternion.conjugate(turned[above]), turned)
    still[0] = turned[0]
    offsets = quaternion.rotate(quaternion.conjugate(turned[above]), OFFSETS)
    offsets[0] = OFFSETS[0]
    decoder = MocopiDecoder()
    assert decoder.feed(mocopi_bytes.skeleton(PARENTS, offsets, still), 1) == []
    for i in range(1, 6):
        plain = parse(frame(i))
        _, world = place_few(PARENTS, plain.positions[None], plain.rotations[None])
        own = quaternion.multiply(world[0].astype(np.float64), turned)
        local = quaternion.multiply(quaternion.conjugate(own[above]), own)
        local[0] = own[0]
        moved = offsets.copy()
        moved[0] = plain.positions[0]
        (pose,) = decoder.feed(mocopi_bytes.frame(i, None, moved, local), i * STEP_NS)
        assert pose.positions == pytest.approx(POSITIONS[i], abs=1e-4)
        assert np.degrees(quaternion.angle_between(pose.rotations, ROTATIONS[i])).max() < 0.1


def test_it_begins_before_the_skeleton_has_come():
    """The app sends that now and again: until then frames are read with its usual rest pose, and it is said so."""
    decoder = MocopiDecoder()
    (first,) = decoder.feed(frame(1), STEP_NS)
    assert first.positions == pytest.approx(POSITIONS[1], abs=1e-5)
    assert "assumed" in decoder.notes[0]
    decoder.feed(DEFINITION, 2 * STEP_NS)
    (second,) = decoder.feed(frame(2), 3 * STEP_NS)
    assert second.positions == pytest.approx(POSITIONS[2], abs=1e-5)
    assert "the app's own skeleton" in decoder.notes[0]


def test_a_skeleton_that_comes_again_changes_nothing():
    """Nor does one a second more often than that, which would cost milliseconds each time."""
    decoder = MocopiDecoder()
    for i in range(10):
        decoder.feed(DEFINITION, i + 1)
    assert decoder.counters == {}
    for i in range(10):
        decoder.feed(mocopi_bytes.skeleton(PARENTS, OFFSETS * (1 + 0.01 * i), STILL), 20 + i)
    assert decoder.counters == {"dropped_definitions": 9}


def test_duplicates_and_overtaken_frames_are_dropped():
    """By the frame's number; an app that begins again at 0 is believed."""
    decoder = MocopiDecoder()
    numbers = [100, 101, 101, 99, 102, 0, 1]
    got = []
    for i, number in enumerate(numbers):
        packet = mocopi_bytes.frame(number, None, *frame_arrays(i + 1))
        got.append(len(decoder.feed(packet, (i + 1) * STEP_NS)))
    assert got == [1, 1, 0, 0, 1, 1, 1]
    assert decoder.counters == {"dropped_duplicate": 1, "dropped_late": 1}


def frame_arrays(i: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the transforms of a frame of the performance."""
    read = parse(frame(i))
    return read.positions, read.rotations


def test_the_apps_time_takes_the_networks_jitter_away():
    """Frames that come up to 12 ms late lie where the app made them."""
    decoder = MocopiDecoder()
    late_ns = np.random.default_rng(5).integers(0, 12_000_000, 300)
    late_ns[::7] = 0
    times = []
    places, turns = frame_arrays(1)
    for i in range(300):
        packet = mocopi_bytes.frame(i, 1.7e9 + i / 60, places, turns)
        times += [pose.t_ns for pose in decoder.feed(packet, 10**9 + i * STEP_NS + int(late_ns[i]))]
    steps_ms = np.diff(times)[120:] / 1e6
    assert len(times) == 300
    assert np.abs(steps_ms - 16.667).max() < 2.0


def test_unknown_chunks_are_passed_over():
    """As newer apps send them, anywhere."""
    packet = mocopi_bytes.chunk(b"tmcd", b"12:00:00:00") + frame(1) + mocopi_bytes.chunk(b"futu", bytes(40))
    assert isinstance(parse(packet), MocopiFrame)


def replaced(packet: bytes, old: bytes, new: bytes) -> bytes:
    """Return the packet with the first `old` replaced, which is in it."""
    assert old in packet
    return packet.replace(old, new, 1)


ROWS = list(zip(OFFSETS, STILL, strict=True))
BAD = {
    "nothing": b"",
    "another format": replaced(DEFINITION, b"sony motion format", b"sonny otion format"),
    "neither skeleton nor frame": mocopi_bytes.head(),
    "a length beyond the end": struct.pack("<I4s", 2**32 - 1, b"head") + frame(1)[8:],
    "bone 27": replaced(frame(1), struct.pack("<I4sH", 2, b"bnid", 26), struct.pack("<I4sH", 2, b"bnid", 27)),
    "a bone twice": replaced(frame(1), struct.pack("<I4sH", 2, b"bnid", 26), struct.pack("<I4sH", 2, b"bnid", 25)),
    "a bone less": mocopi_bytes.frame(1, None, OFFSETS[:26], STILL[:26]),
    "NaN": mocopi_bytes.frame(1, None, np.where(OFFSETS[0] == OFFSETS, np.nan, OFFSETS), STILL),
    "out of this world": mocopi_bytes.frame(1, None, OFFSETS + 1e30, STILL),
    "no rotation": mocopi_bytes.frame(1, None, OFFSETS, 0 * STILL),
    "a parent that comes later": mocopi_bytes.skeleton((-1, 2, *PARENTS[2:]), OFFSETS, STILL),
    "two roots": mocopi_bytes.skeleton((-1, -1, *PARENTS[2:]), OFFSETS, STILL),
    "all bones in one point": mocopi_bytes.skeleton(PARENTS, 0 * OFFSETS, STILL),
    "chunks without end": mocopi_bytes.head() + 8000 * mocopi_bytes.chunk(b"none"),
    "a number of 3 bytes": replaced(frame(1), struct.pack("<I4s", 4, b"fnum"), struct.pack("<I4s", 3, b"fnum")),
}


@pytest.mark.parametrize("name", [name for name in BAD if name != "all bones in one point"])
def test_bad_datagrams_are_refused(name):
    """PacketError and nothing else; the next good one is read."""
    decoder = MocopiDecoder()
    with pytest.raises(PacketError) as told:
        decoder.feed(BAD[name], 1)
    assert "\n" not in str(told.value)
    assert len(decoder.feed(frame(1), 2)) == 1


def test_a_skeleton_without_size_is_survived():
    """Bones of no length are refused or stand for nothing, and the next definition is taken."""
    decoder = MocopiDecoder()
    with contextlib.suppress(PacketError):
        decoder.feed(BAD["all bones in one point"], 1)
    decoder.feed(DEFINITION, 2 * 10**9)
    (pose,) = decoder.feed(frame(1), 3 * 10**9)
    assert pose.positions == pytest.approx(POSITIONS[1], abs=1e-5)


@pytest.mark.parametrize("packet", [DEFINITION, frame(1)], ids=["skeleton", "frame"])
def test_every_truncation_is_refused(packet):
    """However many bytes are left."""
    for end in range(len(packet)):
        with pytest.raises(PacketError):
            parse(packet[:end])


def test_the_bones_are_the_apps():
    """27 of them, with parents that come first."""
    assert len(MOCOPI_NAMES) == len(PARENTS) == 27
    assert all(parent < bone for bone, parent in enumerate(PARENTS))
