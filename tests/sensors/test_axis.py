"""Axis Studio and Axis Neuron in: text and both binaries, whole, split and mixed with anything."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.axis_bytes import binary, binary_old, text
from support.network_senders import NEURON, neuron_row, performance

from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.errors import EmotusError, PacketError, UriError
from emotus.sensors.axis import AxisDecoder, AxisSetting, from_uri
from emotus.sensors.axis_framer import AxisFramer
from emotus.sensors.axis_frames import parse
from emotus.sensors.axis_skeleton import JOINTS, SPINES, neuron_channels, neuron_skeleton
from emotus.sensors.bvh_file import Bvh
from emotus.sensors.bvh_writer import save_bvh
from emotus.sensors.uri import open_sensor

STEP_NS = 16_666_667
POSITIONS, ROTATIONS = performance(20)
MAKERS = {"text": text, "binary 1.1": binary, "binary 1.0": binary_old}


def row(i: int, *, displaced: bool = True) -> np.ndarray:
    """Return the numbers of a frame of the performance."""
    return neuron_row(POSITIONS[i], ROTATIONS[i], displaced=displaced)


def play(decoder: AxisDecoder, packets: list[bytes]) -> list:
    """Return the poses of packets that come at 60 Hz."""
    return [pose for i, packet in enumerate(packets) for pose in decoder.feed(packet, 10**9 + i * STEP_NS)]


@pytest.mark.parametrize("reference", [False, True], ids=["plain", "with reference"])
@pytest.mark.parametrize("displaced", [True, False], ids=["displacement", "rotations only"])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_every_setting_gives_the_same_body(make, displaced, reference):
    """Of all counts of numbers that the programs can send."""
    extra = np.zeros(6) if reference else np.zeros(0)
    poses = play(AxisDecoder(), [make(np.concatenate((extra, row(i, displaced=displaced)))) for i in range(20)])
    got = np.array([pose.positions for pose in poses])
    assert got == pytest.approx(POSITIONS, abs=1e-4)
    assert {pose.stream for pose in poses} == {"axis-Avatar00"}
    toes = [JOINT_INDEX["LeftToes"], JOINT_INDEX["RightToes"]]
    assert np.allclose(np.delete(poses[0].confidence, toes), 1.0)
    assert np.allclose(poses[0].confidence[toes], 0.8)  # where the foot's bone ends: no joint of the suit's


def test_the_performers_bones_come_with_displacement():
    """Bones that are sent are taken; without them those of the asked height are, and it is said so."""
    tall = neuron_skeleton("studio", 2.0)[0]
    sent = np.zeros((JOINTS, 6))
    sent[:, :3] = tall.offsets
    bare = np.concatenate((sent[0, :3], sent[:, 3:].ravel()))
    told, assumed = AxisDecoder(), AxisDecoder()
    high, low = (play(each, [text(values)])[0] for each, values in ((told, sent.ravel()), (assumed, bare)))
    assert np.ptp(high.positions[:, 1]) == pytest.approx(np.ptp(BODY.rest_positions[:, 1]) * 2.0 / 1.7, abs=1e-4)
    assert np.ptp(low.positions[:, 1]) == pytest.approx(np.ptp(BODY.rest_positions[:, 1]), abs=1e-4)
    assert "as sent" in told.notes[1]
    assert "assumed" in assumed.notes[1]


@pytest.mark.parametrize("spine", SPINES)
def test_both_spines_are_known(spine):
    """59 joints in either, the neck of each in its place."""
    skeleton, _ = neuron_skeleton(spine)
    assert len(skeleton.names) == len(set(skeleton.names)) == JOINTS
    sent = np.zeros((JOINTS, 6))
    sent[:, :3] = skeleton.offsets
    (pose,) = play(AxisDecoder(setting=AxisSetting(spine=spine)), [text(sent.ravel())])
    assert pose.positions == pytest.approx(BODY.rest_positions, abs=1e-5)


def test_a_recording_tells_bones_and_order(tmp_path):
    """bvh=FILE: joints, channels and bones are those of the performer's own recording."""
    channels = neuron_channels(JOINTS, "ZXY", displaced=True)
    one = np.zeros((JOINTS, 6))
    one[:, :3] = 1.1 * NEURON.offsets
    skeleton = type(NEURON)(NEURON.names, NEURON.parents, 1.1 * NEURON.offsets)
    save_bvh(Bvh("axis", skeleton, channels, (), one.reshape(1, -1), 1 / 60), tmp_path / "a.bvh")
    sensor = open_sensor(f"axis:udp://127.0.0.1:0?bvh={tmp_path / 'a.bvh'}", ManualClock())
    poses = play(sensor._decoder, [binary(one.ravel())])
    assert poses[0].positions[JOINT_INDEX["Head"], 1] == pytest.approx(1.1 * BODY.rest_positions[4, 1], abs=1e-3)
    with pytest.raises(EmotusError, match=r"missing\.bvh"):
        open_sensor(f"axis:tcp://127.0.0.1?bvh={tmp_path / 'missing.bvh'}", ManualClock())


def test_several_avatars_are_several_streams():
    """By name, blanks in it or not; avatar= picks one."""
    packet = text(row(0), 0, "Anna B") + b"\r\n" + text(row(1), 1, "Anna B") + text(row(2), 2, "Carl")
    poses = AxisDecoder(stream="s").feed(packet, 1)
    assert [pose.stream for pose in poses] == ["s-Anna_B", "s-Anna_B-1", "s-Carl"]
    (carl,) = AxisDecoder(stream="s", avatar="Carl").feed(packet, 1)
    assert carl.stream == "s"
    assert carl.positions == pytest.approx(POSITIONS[2], abs=1e-4)


def test_a_name_that_ends_with_a_number_is_no_row():
    """The last numbers are the row, however the avatar is called."""
    for name in ("Avatar 00", "x" * 60_000):
        (pose,) = AxisDecoder().feed(text(row(3), 0, name), 1)
        assert pose.positions == pytest.approx(POSITIONS[3], abs=1e-4)
        assert len(pose.stream) <= 64


@settings(max_examples=12)
@given(st.lists(st.sampled_from([0, 1, 2, "junk", "old junk"]), max_size=6), st.lists(st.integers(0, 9000), max_size=8))
def test_a_byte_stream_may_be_cut_anywhere(kinds, cuts):
    """Frames of all three kinds in one stream, with what is none between them: each is found whole."""
    junk = {"junk": b"abc def ||", "old junk": b"\xff\xdd" + bytes(10) + b"||"}
    parts = [junk[kind] if isinstance(kind, str) else list(MAKERS.values())[kind](row(kind)) for kind in kinds]
    stream = b"".join(parts) + binary(row(5)) + text(row(6))
    framer = AxisFramer()
    at = [0, *sorted({cut for cut in cuts if cut < len(stream)}), len(stream)]
    packets = [packet for a, b in zip(at, at[1:], strict=False) for packet in framer.feed(stream[a:b])]
    whole = [part for part, kind in zip(parts, kinds, strict=True) if not isinstance(kind, str)]
    found = [packet for packet in packets if len(packet) > 64]
    assert found == [*whole, binary(row(5)), text(row(6))]


def test_a_frame_in_two_datagrams_is_joined():
    """As seen on macOS: 1024 bytes and the rest; a rest that never came costs its own frame only."""
    whole = binary(row(0))
    decoder = AxisDecoder(datagrams=True)
    assert decoder.feed(whole[:1024], 1) == []
    assert len(decoder.feed(whole[1024:], 2)) == 1
    assert decoder.feed(whole[:1024], 10**8) == []
    assert len(decoder.feed(whole, 2 * 10**8)) == 1
    assert decoder.counters["skipped_bytes"] == 1024


def test_frames_that_come_at_once_lie_apart():
    """TCP gives several at a time after a pause: their times rise, and never run away from the clock."""
    decoder = AxisDecoder()
    times = []
    for i in range(40):
        frames = b"".join(text(row(k)) for k in range(3))
        times += [pose.t_ns for pose in decoder.feed(frames, 10**9 + i * 3 * STEP_NS)]
    assert (np.diff(times) > 0).all()
    assert times[-1] - (10**9 + 39 * 3 * STEP_NS) < 100_000_000
    assert len(times) > 100


BAD = {
    "words": b"0 Avatar00 " + b"1.0 x " * 177 + b"||",
    "no avatar": text(row(0)).removeprefix(b"0 "),
    "two numbers": b"0 a 1.0 2.0 ||",
    "a number too few": text(row(0)[:-1]),
    "a number too many": text(np.append(row(0), [1.0] * 4)),
    "NaN as text": text(row(0)).replace(b"0.0000", b"nan", 1),
    "far too large": text(row(0)).replace(b"0.0000", b"1e300", 1),
    "NaN as binary": binary(np.where(row(0) == 0, np.nan, row(0))),
    "5000 numbers": text(np.zeros(5000)),
    "no numbers": b"0 a ||",
    "advanced": b"CCCC" + bytes(100) + b"||",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_frames_are_refused(name):
    """PacketError and nothing else, or bytes that are skipped and counted; the next good frame is read."""
    decoder = AxisDecoder(datagrams=True)
    problems = 0
    try:
        assert decoder.feed(BAD[name], 1) == []
    except PacketError:
        problems = 1
    assert problems + decoder.counters["skipped_bytes"] > 0
    assert len(decoder.feed(text(row(0)), 2 * 10**9)) == 1


@pytest.mark.parametrize("make", [binary, binary_old])
def test_every_truncation_is_refused(make):
    """However many bytes are left of a binary frame, and with wrong tokens or counts."""
    packet = make(row(0))
    for end in range(len(packet)):
        with pytest.raises(PacketError):
            parse(packet[:end])
    for at in (0, 1, 6, 62, 63):
        with pytest.raises(PacketError):
            parse(packet[:at] + bytes([packet[at] ^ 0xFF]) + packet[at + 1 :])


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("axis:tcp://127.0.0.1:7001?from=127.0.0.1", "from is for udp"),
        ("axis:tcp://127.0.0.1:7001?spine=mixamo", "studio, neuron"),
        ("axis:tcp://127.0.0.1:7001?order=XXY", "XYZ"),
        ("axis:tcp://127.0.0.1:7001?height=9", "0.5 to 2.5"),
        ("axis:ws://127.0.0.1:7001", "unknown transport"),
    ],
)
def test_addresses_that_make_no_sense_are_refused(address, told):
    """One line with the mend."""
    with pytest.raises(UriError, match=told):
        open_sensor(address, ManualClock())


def test_it_hears_a_server_over_tcp():
    """As Axis Studio serves it: we call, it sends, and the body arrives."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):  # the sensor hangs up first
                for i in range(2000):
                    if stop.wait(0.01):
                        return
                    connection.sendall(text(row(i % 20)))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        sensor = from_uri(f"tcp://127.0.0.1:{port}", {"avatar": "Avatar00", "stream": "anna"}, MonotonicClock())
        sensor.open()
        deadline = time.monotonic() + 20.0
        pose = None
        while pose is None:
            assert time.monotonic() < deadline, sensor.health()
            pose = sensor.read()
        sensor.close()
        stop.set()
        thread.join()
    assert pose.stream == "anna"
    assert pose.positions == pytest.approx(POSITIONS[0], abs=1e-4)
