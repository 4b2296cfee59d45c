"""Whatever a packet holds: poses that are finite, or PacketError; nothing else, nothing slow, and the next is heard.

`EMOTUS_FUZZ=1000000 pytest -s tests/fuzz/test_network_sensors_fuzz.py` runs that many for each program.
"""

from __future__ import annotations

import collections
import json
import os
import random
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import lz4.frame
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import rokoko_bytes
from support.axis_bytes import binary_old
from support.network_senders import (
    Pack,
    as_axis_binary,
    as_axis_text,
    as_mocopi,
    as_rokoko,
    as_trackers,
    as_vmc,
    neuron_row,
    performance,
)

from emotus.engine.errors import PacketError
from emotus.sensors.axis import AxisDecoder
from emotus.sensors.lsl_decoder import LslDecoder
from emotus.sensors.lsl_layout import Channel, layout_of
from emotus.sensors.mocopi import MocopiDecoder
from emotus.sensors.packets import PacketDecoder
from emotus.sensors.rokoko import RokokoDecoder
from emotus.sensors.rokoko_json import STUDIO_NAMES
from emotus.sensors.trackers import TrackerDecoder
from emotus.sensors.vmc import VmcDecoder

COUNT = int(os.environ.get("EMOTUS_FUZZ", "600"))
WORST_MS = 500.0  # of this thread's own time; the slowest, 64 KB of numbers as text, take a tenth of that
STEP_NS = 16_666_667
POSITIONS, ROTATIONS = performance(6)
PIECES = (
    b"||", b"\xff\xdd", b"\xff\xee", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xc0\0\0", b"\0\0\xc0\x7f", b"nan ",
    b"-1e308 ", b"1e999", b"[", b"]", b"{", b"}", b'"', b"null", b"#bundle\0", b",sfffffff\0\0\0", b"skdf", b"fram",
    b"bndt", b"tran", b"\x80", b"\xc3\x28", b" ", b"0 ",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """Say how a decoder is made, what speaks to it, and what else is worth mutating."""

    make: Callable[[], PacketDecoder]
    pack: Pack
    more: tuple[bytes, ...] = ()


def as_version_2(_: int, positions, local, t_s: float) -> list[bytes]:
    """Return a frame of Studio's JSON v2."""
    return [rokoko_bytes.version_2([("A", rokoko_bytes.studio_bones(positions, local))], t_s)]


TARGETS = {
    "vmc": Target(VmcDecoder, as_vmc),
    "trackers": Target(TrackerDecoder, as_trackers),
    "rokoko v3": Target(
        RokokoDecoder, as_rokoko, (lz4.frame.compress(as_rokoko(0, POSITIONS[0], ROTATIONS[0], 0.0)[0]),)
    ),
    "rokoko v2": Target(RokokoDecoder, as_version_2),
    "mocopi": Target(MocopiDecoder, as_mocopi),
    "axis text": Target(AxisDecoder, as_axis_text),
    "axis binary": Target(
        lambda: AxisDecoder(datagrams=True), as_axis_binary,
        (binary_old(neuron_row(POSITIONS[0], ROTATIONS[0], displaced=True)),),
    ),
}  # fmt: skip


@pytest.fixture(params=TARGETS)
def target(request) -> Target:
    """Offer each program in turn."""
    return TARGETS[request.param]


def good(target: Target) -> list[bytes]:
    """Return the packets of a few frames, and what else there is."""
    frames = [target.pack(i, POSITIONS[i], ROTATIONS[i], i / 60) for i in range(len(POSITIONS))]
    return [packet for frame in frames for packet in frame] + list(target.more)


def mutations(packets: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Yield so many packets, altered in up to four places."""
    rng = random.Random(seed)
    for _ in range(count):
        packet = bytearray(rng.choice(packets))
        for _ in range(rng.choice((0, 1, 1, 2, 4))):
            mutate(packet, rng)
        yield bytes(packet)


def mutate(packet: bytearray, rng: random.Random) -> None:
    """Alter a packet in one place."""
    at = rng.randrange(len(packet) + 1)
    match rng.randrange(7):
        case 0 if packet:
            packet[at % len(packet)] = rng.randrange(256)
        case 1 if packet:
            packet[at % len(packet)] ^= 1 << rng.randrange(8)
        case 2:
            del packet[at : at + rng.choice((1, 4, 28, 5000))]
        case 3:
            packet[at:at] = rng.choice(PIECES)
        case 4:
            packet[at : at + 4] = struct.pack("<I", rng.choice((0, 1, 2**16, 2**31, 2**32 - 1, 28, 354)))
        case 5:
            packet[at:at] = packet[at : at + rng.choice((8, 100, 2000))] * rng.choice((1, 1, 2, 20))
        case _:
            packet[at : at + 4] = struct.pack(rng.choice("<>") + "f", rng.choice((np.nan, np.inf, 1e38, -0.0, 5e8)))


def attempt(decoder: PacketDecoder, packet: bytes, t_ns: int) -> tuple[str, float]:
    """Feed a packet; return how it ended and the milliseconds of this thread's own. Check what comes out."""
    start_ns = time.thread_time_ns()
    try:
        poses = list(decoder.feed(packet, t_ns))
    except PacketError:
        return "refused", (time.thread_time_ns() - start_ns) / 1e6
    took_ms = (time.thread_time_ns() - start_ns) / 1e6
    for pose in poses:
        assert np.isfinite(pose.positions).all()
        assert (np.abs(pose.positions) < 1e6).all()
        assert ((pose.confidence >= 0) & (pose.confidence <= 1)).all()
        assert pose.rotations is None or np.allclose(np.linalg.norm(pose.rotations, axis=1), 1.0, atol=1e-3)
        assert len(pose.stream) <= 64
    return ("accepted" if poses else "nothing"), took_ms


def test_mutated_packets_are_accepted_or_refused(target):
    """One decoder hears them all, reset now and again; nothing is slow, and both ends are common."""
    decoder = target.make()
    ends: collections.Counter = collections.Counter()
    worst_ms = 0.0
    for i, packet in enumerate(mutations(good(target), COUNT, seed=22)):
        if i % 20 == 0:  # an app that begins again: its frames count from 0
            decoder.reset()
        end, took_ms = attempt(decoder, packet, 10**9 + i * STEP_NS)
        ends[end] += 1
        worst_ms = max(worst_ms, took_ms)
    print(f"{dict(ends)}, worst {worst_ms:.1f} ms")
    assert ends.total() == COUNT
    assert min(ends["refused"], ends["accepted"]) > COUNT / 50
    assert worst_ms <= WORST_MS


def test_the_next_good_frames_are_heard(target):
    """After a storm of mutations two seconds of quiet, and a performance is read as ever."""
    decoder = target.make()
    for i, packet in enumerate(mutations(good(target), 200, seed=23)):
        attempt(decoder, packet, 10**9 + i * STEP_NS)
    later = [target.pack(1000 + i, POSITIONS[i % 6], ROTATIONS[i % 6], 100 + i / 60) for i in range(24)]
    ends = [attempt(decoder, packet, 10**10 + i * STEP_NS)[0] for i, frame in enumerate(later) for packet in frame]
    assert ends[-6:].count("accepted") >= 3


@settings(max_examples=30)
@given(packet=st.binary(max_size=300), name=st.sampled_from(sorted(TARGETS)))
def test_any_bytes_are_accepted_or_refused(packet, name):
    """Also as the very first packet."""
    attempt(TARGETS[name].make(), packet, 1)


XSENS = ("Pelvis", "L3", "T8", "Head", "RightUpperLeg", "LeftUpperLeg", "RightFoot", "LeftFoot")
numbers = st.one_of(st.floats(), st.integers(), st.sampled_from([1e308, -1e308, 1e-320, 2**80]))
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("x", "y", "z", "w", "hip")), inner),
    max_leaves=6,
)
points = st.fixed_dictionaries(dict.fromkeys("xyz", numbers | anything))
turns = st.fixed_dictionaries(dict.fromkeys("xyzw", numbers))
bones = st.one_of(anything, st.fixed_dictionaries({"position": points, "rotation": turns}))
bodies = st.dictionaries(st.sampled_from((*STUDIO_NAMES, "tail")), bones, max_size=4)
actors = st.one_of(anything, st.fixed_dictionaries({"name": anything, "body": bodies}))


@settings(max_examples=50)
@given(st.sampled_from([2, 3, "3,0", "2.5", None, 1e9]), st.lists(actors, max_size=3), anything, st.booleans())
def test_any_json_of_studios_shape_is_accepted_or_refused(version, made, stamp, trackers):
    """Every field may be anything."""
    scene = {"timestamp": stamp, "actors": made}
    packet = {"version": version, "fps": stamp, "scene": scene, "actors": made, "timestamp": stamp}
    attempt(RokokoDecoder(), json.dumps(packet | ({"trackers": []} if trackers else {})).encode(), 1)


@settings(max_examples=30)
@given(st.lists(st.floats(width=32), min_size=63, max_size=63), st.binary(max_size=30))
@example([0.0, 0.0, 2.0**-149] + [0.0] * 60, b"")  # all in one point but for the least number there is
@example([3.0e38, 3.0e38] + [1.0] * 61, b"")  # more together than a number of four bytes holds
def test_any_sample_is_accepted_or_refused(sample, junk):
    """NaN, infinities and samples of another length, of the body's own names and of another make's."""
    for names in (("Hips", "Spine", "Head"), XSENS):
        decoder = LslDecoder()
        decoder.learn(layout_of([Channel(f"{name}_{axis}") for name in names for axis in "xyz"]), 60.0)
        attempt(decoder, np.array(sample[: 3 * len(names)], dtype="<f4").tobytes(), 1)
        attempt(decoder, junk, 2)
