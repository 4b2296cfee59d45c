"""An Xsens suit through real sockets: UDP, TCP, what is refused, what is told, and round to a BVH file again."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from support.mvnx_texts import performed
from support.reading import read_all
from support.sayings import wait_for
from support.xsens_suit import sample_of, worn

from emotus.engine.body import BODY
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.errors import UriError
from emotus.engine.forward import place_frames
from emotus.engine.pose import Pose
from emotus.engine.quaternion import angle_between, to_euler
from emotus.sensors.bvh import read_bvh
from emotus.sensors.bvh_file import Bvh
from emotus.sensors.bvh_pose import forward
from emotus.sensors.bvh_source import BvhSensor
from emotus.sensors.bvh_writer import save_bvh
from emotus.sensors.uri import open_sensor
from emotus.sensors.xsens_writer import XsensWriter

CLOCK = MonotonicClock()
POSES = performed(60, rate_hz=60.0)
RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "bvh"


def through_udp(poses: list[Pose]) -> list[Pose]:
    """Send poses to a sensor over loopback, one datagram after another, and return what it gives."""
    sensor = open_sensor("xsens:udp://127.0.0.1:0", CLOCK)
    sensor.open()
    given: list[Pose] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        writer = XsensWriter()
        for pose in poses:
            for datagram in writer.write(pose):
                out.sendto(datagram, ("127.0.0.1", sensor.port))
            deadline = time.monotonic() + 10
            while (pose_back := sensor.read()) is None and time.monotonic() < deadline:
                pass
            given.append(pose_back)
    sensor.close()
    return given


def as_bvh(poses: list[Pose]) -> Bvh:
    """Return poses of the body as a BVH file: its own bones as long as in the first pose, six channels at the root."""
    first = poses[0].positions
    lengths = [np.linalg.norm(first[i] - first[p]) if p >= 0 else 0.0 for i, p in enumerate(BODY.parents)]
    offsets = [
        o * (length / np.linalg.norm(o)) if length else np.zeros(3)
        for o, length in zip(BODY.offsets, lengths, strict=True)
    ]
    skeleton = type(BODY)(BODY.names, BODY.parents, np.array(offsets))
    turns = ("Zrotation", "Xrotation", "Yrotation")
    channels = (("Xposition", "Yposition", "Zposition", *turns), *(turns,) * (len(BODY.names) - 1))
    rows = [
        np.concatenate((pose.root, np.degrees(to_euler(pose.rotations.astype("f8"), "ZXY")).ravel())) for pose in poses
    ]
    return Bvh("made", skeleton, channels, (), np.array(rows), 1 / 60)


def test_a_performance_goes_round_to_a_bvh_file(tmp_path):
    """Sender, UDP, sensor, body, BVH, forward kinematics: under a millimetre and a tenth of a degree."""
    given = through_udp(list(POSES))
    save_bvh(as_bvh(given), tmp_path / "round.bvh")
    placed, turned = forward(read_bvh(tmp_path / "round.bvh"))
    _, expected = place_frames(
        BODY, np.array([p.root for p in POSES], dtype=np.float32), np.array([p.rotations for p in POSES])
    )
    error_mm = 1000 * max(
        np.linalg.norm(p.positions - back, axis=1).max() for p, back in zip(POSES, placed, strict=True)
    )
    error_deg = np.degrees(angle_between(expected.astype("f8"), turned.astype("f8"))).max()
    print(f"sender -> UDP -> sensor -> body -> BVH -> FK: {error_mm:.4f} mm, {error_deg:.4f} degrees")
    assert error_mm < 1.0
    assert error_deg < 0.1


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the real recordings lie in ../shared/data/bvh")
def test_a_real_recording_goes_through_as_it_is():
    """131_01.bvh played as a suit: every joint where it was, turned as it was."""
    sensor = BvhSensor(RECORDINGS / "131_01.bvh", speed=0, clock=CLOCK)
    sensor.open()
    poses = read_all(sensor)[:300]
    given = through_udp(poses)
    error_mm = 1000 * max(np.abs(a.positions - b.positions).max() for a, b in zip(given, poses, strict=True))
    error_deg = max(
        np.degrees(angle_between(a.rotations, b.rotations)).max() for a, b in zip(given, poses, strict=True)
    )
    assert error_mm < 1.0
    assert error_deg < 0.1


def test_silence_is_told_and_ended():
    """Nothing heard: listening, then stale within 200 ms with what to do in MVN; live when poses come; then ended."""
    sensor = open_sensor("xsens:udp://127.0.0.1:0?timeout=0.6", CLOCK)
    assert sensor.health().state == "closed"
    sensor.open()
    assert "Network Streamer" in sensor.health().message
    assert wait_for(lambda: sensor.health().state == "stale")
    assert "nothing heard" in sensor.health().message
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(sample_of(POSES[0], 2)[0], ("127.0.0.1", sensor.port))
    assert wait_for(lambda: sensor.read() is not None)
    assert sensor.health().counters["received"] == 1
    assert wait_for(lambda: sensor.read() is None and sensor.health().state == "ended")
    assert "nothing came" in sensor.health().message
    sensor.close()


def test_a_taken_port_is_named():
    """Another program on the port: one line with the port and the mend."""
    first = open_sensor("xsens:udp://127.0.0.1:0", CLOCK)
    first.open()
    second = open_sensor(f"xsens:udp://127.0.0.1:{first.port}", CLOCK)
    with pytest.raises(UriError, match=f"port {first.port} is in use"):
        second.open()
    second.close()
    first.close()


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("xsens:udp://203.0.113.77:0", "no address of this machine"),
        ("xsens:udp://127.0.0.1:70000", "no port"),
        ("xsens:udp://127.0.0.1:x", "no port"),
        ("xsens:ftp://127.0.0.1", "unknown transport"),
        ("xsens:udp://[::1", "brackets"),
        ("xsens:?unit=mile", "one of auto, m, cm"),
        ("xsens:?up=x", "one of auto, y, z"),
        ("xsens:?colour=red", "unknown option colour"),
        ("xsens:tcp://127.0.0.1:5?connect=1&from=127.0.0.1", "leave out most"),
        ("xsens:udp://127.0.0.1:5?connect=1", "for tcp"),
        ("xsens:?timeout=-1", "a number from 0"),
    ],
)
def test_addresses_that_cannot_be_are_refused_in_one_line(uri, told):
    """Each names the address, what is wrong and what would be right."""
    with pytest.raises(UriError) as error:
        open_sensor(uri, CLOCK).open()
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_tcp_is_heard_and_connected_again():
    """A stream in odd pieces gives every pose; when the other side hangs up, the next connection goes on."""
    stream = [datagram for _, datagram in worn(POSES[:20])]
    with socket.create_server(("127.0.0.1", 0)) as server:
        sensor = open_sensor(f"xsens:tcp://127.0.0.1:{server.getsockname()[1]}?connect=1", CLOCK)
        sensor.open()
        given: list[Pose] = []
        for _ in range(2):
            thread = threading.Thread(target=serve_once, args=(server, b"".join(stream)), daemon=True)
            thread.start()
            wanted = len(given) + 20
            assert wait_for(lambda wanted=wanted: take(sensor, given) >= wanted, 20.0)
            thread.join()
        assert [pose.seq for pose in given] == list(range(20)) * 2
        assert sensor.health().counters["disconnected"] >= 1
        sensor.close()


def take(sensor, given: list[Pose]) -> int:
    """Read once; return how many poses there are."""
    pose = sensor.read()
    if pose is not None:
        given.append(pose)
    return len(given)


def serve_once(server: socket.socket, data: bytes) -> None:
    """Take one connection, send everything in pieces of 501 bytes, and hang up."""
    client, _ = server.accept()
    with client:
        for at in range(0, len(data), 501):
            client.sendall(data[at : at + 501])


def test_a_server_that_is_not_there_is_told():
    """A refused connection is told and tried again, and reading never waits long."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    sensor = open_sensor(f"xsens:tcp://127.0.0.1:{port}?connect=1", CLOCK)
    sensor.open()
    assert wait_for(lambda: sensor.read() is None and "trying again" in sensor.health().message)
    start = time.monotonic()
    assert sensor.read() is None
    assert time.monotonic() - start < 2.0
    sensor.close()


def test_mvn_calls_and_calls_again():
    """With TCP it is MVN that connects: each call is heard, in any pieces, and the port is given back at the end."""
    stream = b"".join(datagram for _, datagram in worn(POSES[:20]))
    sensor = open_sensor("xsens:tcp://127.0.0.1:0", CLOCK)
    sensor.open()
    taken = open_sensor(f"xsens:tcp://127.0.0.1:{sensor.port}", CLOCK)
    with pytest.raises(UriError, match=f"TCP port {sensor.port} is in use"):
        taken.open()
    given: list[Pose] = []
    for _ in range(2):
        wanted = len(given) + 20
        with socket.create_connection(("127.0.0.1", sensor.port)) as mvn:
            mvn.sendall(stream)
            assert wait_for(lambda wanted=wanted: take(sensor, given) >= wanted, 20.0)
        assert wait_for(lambda: sensor.read() is None and "waiting to be called" in sensor.health().message)
    assert [pose.seq for pose in given] == list(range(20)) * 2
    port = sensor.port
    sensor.close()
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_silent_call_gives_way_to_a_new_one():
    """A sender that is gone without a word does not keep the next one out for ever."""
    clock = ManualClock()
    sensor = open_sensor("xsens:tcp://127.0.0.1:0", clock)
    sensor.open()
    with socket.create_connection(("127.0.0.1", sensor.port)):
        assert wait_for(lambda: sensor.read() is None and sensor._socket is not None)
        with socket.create_connection(("127.0.0.1", sensor.port)) as second:
            second.sendall(sample_of(POSES[0], 2)[0])
            assert [sensor.read() for _ in range(3)] == [None] * 3
            clock.advance_ns(5 * 10**9)
            assert wait_for(lambda: sensor.read() is not None)
    sensor.close()


def test_calls_of_other_hosts_are_refused():
    """`from=` names who may call."""
    sensor = open_sensor("xsens:tcp://127.0.0.1:0?from=192.0.2.7", CLOCK)
    sensor.open()
    with socket.create_connection(("127.0.0.1", sensor.port)):
        assert wait_for(lambda: sensor.read() is None and sensor.health().counters["dropped_foreign"] == 1)
    assert "refused a call of 127.0.0.1" in sensor.health().message
    sensor.close()
