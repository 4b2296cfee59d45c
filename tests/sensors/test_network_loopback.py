"""Every program's packets become the body that was sent: byte for byte through UDP, the sensor and back."""

from __future__ import annotations

import socket
import time

import numpy as np
import pytest
from support.network_senders import SENDERS, Sender, performance

from emotus.engine import quaternion
from emotus.engine.body import JOINT_NAMES as BODY_NAMES
from emotus.engine.clock import MonotonicClock
from emotus.engine.errors import UriError
from emotus.sensors.uri import open_sensor

FRAMES = 24
PERIOD_S = 1 / 60
PATIENCE_S = 20.0


@pytest.fixture(params=SENDERS)
def sender(request) -> Sender:
    """Offer each program in turn."""
    return SENDERS[request.param]


@pytest.fixture
def heard(sender):
    """Offer an open sensor that hears the program, and what sends to it."""
    sensor = open_sensor(sender.uri, MonotonicClock())
    sensor.open()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        yield sensor, lambda packet: out.sendto(packet, ("127.0.0.1", sensor.port))
    sensor.close()


def read_more(sensor, poses: list, wanted: int) -> None:
    """Read until there are so many poses."""
    deadline = time.monotonic() + PATIENCE_S
    while len(poses) < wanted:
        assert time.monotonic() < deadline, f"{len(poses)} poses: {sensor.health()}"
        pose = sensor.read()
        if pose is not None:
            poses.append(pose)


def send_and_read(sensor, send, sender: Sender, positions, rotations, first: int = 0) -> list:
    """Send frame by frame, each when the one before was read; VMC's first frame ends only with its second."""
    poses: list = []
    for number in range(len(positions)):
        for packet in sender.pack(first + number, positions[number], rotations[number], (first + number) * PERIOD_S):
            send(packet)
        read_more(sensor, poses, number + 1 if first else number)
        time.sleep(PERIOD_S)
    read_more(sensor, poses, len(positions))
    return poses


def test_the_body_arrives_as_it_was_sent(sender, heard):
    """Joints that the format tells lie within its error, their rotations too; the others have confidence 0."""
    sensor, send = heard
    positions, rotations = performance(FRAMES)
    poses = send_and_read(sensor, send, sender, positions, rotations)
    assert len(poses) == FRAMES
    assert len({pose.stream for pose in poses}) == 1
    assert (np.diff([pose.t_ns for pose in poses]) > 0).all()
    known = poses[-1].confidence > 0
    assert np.count_nonzero(known) == sender.known
    got = np.array([pose.positions for pose in poses])
    error_mm = 1000.0 * np.linalg.norm(got - positions, axis=2)[:, known]
    print(f"{error_mm.max():.5f} mm at most over {len(poses)} frames")
    assert error_mm.max() <= sender.error_mm
    if sender.turn_deg is None:
        return
    turned = np.array([pose.rotations for pose in poses])
    apart = np.degrees(quaternion.angle_between(turned, rotations))
    rigid = [joint for joint in range(21) if "Toes" not in BODY_NAMES[joint]]
    assert apart[:, rigid].max() <= sender.turn_deg


def test_silence_is_told_and_forgiven(sender, heard):
    """What nothing comes from is stale, says so, and is live again with the next frame."""
    sensor, send = heard
    positions, rotations = performance(6)
    send_and_read(sensor, send, sender, positions[:3], rotations[:3])
    deadline = time.monotonic() + PATIENCE_S
    while sensor.health().state != "stale":
        assert time.monotonic() < deadline
        sensor.read()
    assert "silent for" in sensor.health().message
    send_and_read(sensor, send, sender, positions[3:], rotations[3:], first=3)
    assert sensor.health().counters["dropped_malformed"] == 0


def test_garbage_is_counted_and_the_next_frame_is_heard(sender, heard):
    """Bytes that are no packet cost nothing but a count."""
    sensor, send = heard
    positions, rotations = performance(4)
    for junk in (b"", b"\0", b"#bundle\0", b"{", b"0 x ||", bytes(1400)):
        send(junk)
    send_and_read(sensor, send, sender, positions, rotations)
    counters = sensor.health().counters
    assert counters["dropped_malformed"] + counters.get("skipped_bytes", 0) > 0


def test_a_taken_port_is_told_at_once(sender, heard):
    """A second sensor on the same port fails with the port in its one line."""
    sensor, _ = heard
    scheme = sender.uri.partition(":")[0]
    second = open_sensor(f"{scheme}:udp://127.0.0.1:{sensor.port}", MonotonicClock())
    with pytest.raises(UriError, match=f"UDP port {sensor.port} is in use"):
        second.open()
    second.close()
