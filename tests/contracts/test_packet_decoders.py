"""Every decoder of what programs send over the network keeps the promises of sensors/packets.py."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from support.network_senders import (
    Pack,
    as_axis_binary,
    as_axis_text,
    as_mocopi,
    as_rokoko,
    as_trackers,
    as_vmc,
    performance,
)
from support.wearer import as_imu_lines, as_imu_osc

from emotus.engine.body import JOINT_COUNT
from emotus.engine.errors import PacketError
from emotus.engine.pose import Pose
from emotus.sensors.axis import AxisDecoder
from emotus.sensors.imu_decoder import ImuDecoder
from emotus.sensors.imu_mapping import plain_mapping
from emotus.sensors.imu_performer import ImuPerformer
from emotus.sensors.mocopi import MocopiDecoder
from emotus.sensors.packets import PacketDecoder
from emotus.sensors.rokoko import RokokoDecoder
from emotus.sensors.trackers import TrackerDecoder
from emotus.sensors.vmc import VmcDecoder

FRAMES = 16
STEP_NS = 20_000_000
POSITIONS, ROTATIONS = performance(FRAMES)


@dataclass(frozen=True)
class Kind:
    """Say how a decoder is made and what speaks to it."""

    make: Callable[[], PacketDecoder]
    pack: Pack


def inertial(transport: str) -> ImuDecoder:
    """Return a decoder of sensors that need no calibration."""
    return ImuDecoder(ImuPerformer(plain_mapping(), "imu", pose="none"), transport)


KINDS = {
    "VmcDecoder": Kind(VmcDecoder, as_vmc),
    "TrackerDecoder": Kind(TrackerDecoder, as_trackers),
    "RokokoDecoder": Kind(RokokoDecoder, as_rokoko),
    "MocopiDecoder": Kind(MocopiDecoder, as_mocopi),
    "AxisDecoder, text": Kind(AxisDecoder, as_axis_text),
    "AxisDecoder, binary": Kind(lambda: AxisDecoder(datagrams=True), as_axis_binary),
    "ImuDecoder, lines": Kind(
        lambda: ImuDecoder(ImuPerformer(plain_mapping(), "imu", pose="none"), "udp"), as_imu_lines
    ),
    "ImuDecoder, OSC": Kind(lambda: ImuDecoder(ImuPerformer(plain_mapping(), "imu", pose="none"), "osc"), as_imu_osc),
}


@pytest.fixture(params=KINDS)
def kind(request) -> Kind:
    """Offer each decoder in turn."""
    return KINDS[request.param]


def packets(kind: Kind) -> list[tuple[bytes, int]]:
    """Return the packets of a performance and when each comes."""
    return [
        (packet, 10**9 + i * STEP_NS)
        for i in range(FRAMES)
        for packet in kind.pack(i, POSITIONS[i], ROTATIONS[i], i * STEP_NS / 1e9)
    ]


def play(decoder: PacketDecoder, kind: Kind) -> list[Pose]:
    """Return the poses of the performance."""
    return [pose for data, t_ns in packets(kind) for pose in decoder.feed(data, t_ns)]


def test_poses_are_whole_and_rise(kind):
    """On the body, float32, finite, with rising seq and times near those of their packets; the rate is found."""
    decoder = kind.make()
    poses = play(decoder, kind)
    assert len(poses) == FRAMES
    for pose in poses:
        assert pose.positions.shape == (JOINT_COUNT, 3)
        assert pose.positions.dtype == pose.confidence.dtype == np.float32
        assert ((pose.confidence >= 0) & (pose.confidence <= 1)).all()
        assert np.isfinite(pose.positions).all()
        if pose.rotations is not None:
            assert pose.rotations.dtype == np.float32
            assert np.linalg.norm(pose.rotations, axis=1) == pytest.approx(1.0, abs=1e-4)
    assert [pose.seq for pose in poses] == list(range(FRAMES))
    assert (np.diff([pose.t_ns for pose in poses]) > 0).all()
    assert abs(poses[-1].t_ns - packets(kind)[-1][1]) < STEP_NS
    assert decoder.rate_hz == pytest.approx(1e9 / STEP_NS, rel=0.15)


def test_no_buffer_is_used_twice(kind):
    """What was given stays as it was."""
    decoder = kind.make()
    given: list[tuple[Pose, Pose]] = []
    for data, t_ns in packets(kind):
        given += [(pose, copy.deepcopy(pose)) for pose in decoder.feed(data, t_ns)]
    for pose, before in given:
        assert np.array_equal(pose.positions, before.positions)
        assert np.array_equal(pose.confidence, before.confidence)
        assert pose.rotations is None or np.array_equal(pose.rotations, before.rotations)


def test_reset_makes_it_new(kind):
    """The same packets give the same poses again, and nothing is left of the counters and notes."""
    decoder = kind.make()
    first = play(decoder, kind)
    for junk in (b"||", bytes(100) + b"||", b"0 a b||"):
        with contextlib.suppress(PacketError):
            decoder.feed(junk, 1)
    decoder.reset()
    fresh = kind.make()
    assert dict(decoder.counters) == dict(fresh.counters)
    assert tuple(decoder.notes) == tuple(fresh.notes)
    for before, after in zip(first, play(decoder, kind), strict=True):
        assert np.array_equal(before.positions, after.positions)
        assert (before.seq, before.t_ns, before.stream) == (after.seq, after.t_ns, after.stream)


def test_notes_and_counters_are_for_people(kind):
    """Short lines without line breaks; counts that are whole numbers."""
    decoder = kind.make()
    play(decoder, kind)
    assert decoder.notes
    assert all(note and len(note) < 240 and "\n" not in note for note in decoder.notes)
    assert all(isinstance(count, int) and count >= 0 for count in decoder.counters.values())
