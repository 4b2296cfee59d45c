"""What is fuzzed, one line each: good examples to begin with, pieces to put in, and what must hold of any bytes.

The rule is everywhere the same: accepted, or refused with the documented exception in one line. The hypothesis tests
and the coverage-led runs (led_fuzz.py) share these targets.
"""

from __future__ import annotations

import io
import json
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from fuzz.osc_mutations import GOOD as OSC_GOOD
from support.bvh_texts import text as bvh_text
from support.sayings import emotion, frame, pose
from support.xsens_suit import one_of_each

from emotus.bridges.uri import SCHEMES, make_bridge
from emotus.bridges.wire import decode_control, decode_order
from emotus.engine import vault
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.errors import EmotusError, OscError, PacketError, ProfileError
from emotus.engine.osc_codec import decode
from emotus.engine.pose import Pose
from emotus.engine.profile import describe, from_bytes, new_profile, to_bytes
from emotus.engine.recording import decode_pose, encode_pose
from emotus.engine.recording_reader import RecordingError, RecordingReader
from emotus.sensors.bvh import forward, parse_bvh
from emotus.sensors.mapping_file import parse_mapping
from emotus.sensors.uri import open_sensor, sensor_schemes
from emotus.sensors.xsens_decoder import XsensDecoder

LARGEST_SHOW = 64 << 20  # bytes that the messages of a few kilobytes of recording may take
Attempt = Callable[[bytes], bool]


@dataclass(frozen=True)
class Target:
    """Hold one thing that takes bytes from outside; attempt returns whether they were accepted, or fails."""

    attempt: Attempt
    seeds: Callable[[], Sequence[bytes]]
    pieces: tuple[bytes, ...] = ()


def _refused(error: Exception) -> bool:
    assert str(error)
    assert "\n" not in str(error), repr(str(error))
    return False


def osc(data: bytes) -> bool:
    """Decode a datagram: messages with finite numbers and literal addresses, or OscError."""
    try:
        messages = decode(data)
    except OscError as error:
        return _refused(error)
    for message in messages:
        assert message.address.isascii()
        assert all(not isinstance(each, float) or math.isfinite(each) for each in message.args)
    return True


def xsens(data: bytes) -> bool:
    """Feed a datagram to a suit that found its body: whole poses, whose numbers the intake judges; or PacketError."""
    decoder = XsensDecoder()
    good = _suit()
    given: list[Pose] = list(decoder.feed(good[0], 0))
    try:
        given += decoder.feed(data, 1)
    except PacketError as error:
        return _refused(error)
    assert all(each.positions.shape == (21, 3) for each in given)
    return True


def bvh(data: bytes) -> bool:
    """Parse a text: finite motion, or BvhError."""
    try:
        found = parse_bvh(data, "fuzz.bvh")
    except EmotusError as error:
        return _refused(error)
    positions, rotations = forward(found, end_sites=True)
    assert np.isfinite(positions).all()
    assert np.isfinite(rotations).all()
    return True


def mcap(data: bytes) -> bool:
    """Read a recording: sound messages as far as it goes and why it ended, or RecordingError; in bounded memory."""
    reader = RecordingReader(io.BytesIO(data), "fuzz.mcap")
    total = 0
    try:
        for message in reader:
            total += len(message.data)
            recorded_pose(message.data)
            assert total <= LARGEST_SHOW
    except RecordingError as error:
        return _refused(error)
    assert "\n" not in reader.torn
    return True


def recorded_pose(data: bytes) -> bool:
    """Decode a recorded pose: finite and of the body's shape, or PacketError."""
    try:
        found = decode_pose(data)
    except PacketError as error:
        return _refused(error)
    assert found.positions.shape == (21, 3)
    assert np.isfinite(found.positions).all()
    assert np.isfinite(found.confidence).all()
    return True


def control(data: bytes) -> bool:
    """Read what a WebSocket client says, as bytes and as text: a command, a subscription, or a documented error."""
    accepted = False
    said: list[bytes | str] = [data, data.decode("utf-8", "replace")]
    for each in said:
        for read in (decode_control, decode_order):
            try:
                accepted |= read(each) is not None
            except EmotusError as error:
                _refused(error)
    return accepted


def profile(data: bytes) -> bool:
    """Open an unsealed profile: one that can be described and kept again, or ProfileError."""
    try:
        found = from_bytes(data)
    except ProfileError as error:
        return _refused(error)
    assert all(line.isprintable() for line in describe(found))
    assert to_bytes(from_bytes(to_bytes(found))) == to_bytes(found)
    return True


def sealed(data: bytes) -> bool:
    """Unseal a profile: only what was sealed with the passphrase comes out, or an EmotusError."""
    try:
        secret = vault.unseal(data, WORDS)
    except EmotusError as error:
        return _refused(error)
    assert secret == SECRET
    return True


def sensor_uri(data: bytes) -> bool:
    """Make the sensor of an address, which opens nothing yet; or UriError."""
    return _address(data, lambda uri: open_sensor(uri, ManualClock()))


def bridge_uri(data: bytes) -> bool:
    """Make the bridge of an address, which opens nothing yet; or UriError."""
    return _address(data, lambda uri: make_bridge(uri, labels=("happy",), clock=ManualClock()))


def _address(data: bytes, make: Callable[[str], object]) -> bool:
    accepted = False
    for text in (data.decode("utf-8", "replace"), data.decode("utf-8", "surrogateescape")):
        try:
            make(text)
            accepted = True
        except EmotusError as error:
            _refused(error)
    return accepted


def mapping(data: bytes) -> bool:
    """Read a mapping file: sections whose keys have lines, or MappingError."""
    try:
        section = parse_mapping(data, "suit.toml")
    except EmotusError as error:
        return _refused(error)
    for key in section.values:
        section.line_of(key)
    return True


WORDS = "correct horse"
SECRET = b"what is known of her"


@cache
def _suit() -> tuple[bytes, ...]:
    from faults.stand_in import performance

    return tuple(one_of_each(performance(1.0)[1]).values())


@cache
def recording() -> bytes:
    """Return a short recording of poses, qualities and emotions in several chunks."""
    from emotus.bridges.mcap_file import McapFile
    from emotus.bridges.recorder import schema_of
    from emotus.bridges.wire import to_json

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "show.mcap"
        file = McapFile(path, {"emotus": "1"}, 0.0)
        for seq in range(6):
            for event in (*frame(seq), emotion(seq)):
                channel = file.channel(f"/anna/{event.type}", f"emotus.{event.type}", schema_of(event.type))
                file.add(channel, encode_pose(event) if event.type == "pose" else to_json(event), seq, seq)
            file.flush(float(seq), force=True, sync=False)
        file.close()
        return path.read_bytes()


def _controls() -> list[bytes]:
    said: list[dict[str, object]] = [
        {"type": "subscribe"},
        {"type": "subscribe", "streams": ["anna"], "types": ["emotion"], "format": "msgpack", "max_hz": 30},
        {"type": "control", "command": "teach/start", "label": "joy"},
        {"type": "control", "command": "consent/grant", "subject": "s-17", "purposes": ["record"]},
        {"type": "control", "command": "stop"},
    ]
    return [json.dumps(each).encode() for each in said]


def _sensors() -> list[bytes]:
    inner = "fuse:webcam:0,xsens:127.0.0.1:9763"
    return [f"{scheme}:a?stream=b&speed=2".encode() for scheme in sensor_schemes()] + [
        inner.encode(), b"synthetic:happy?rate=60&seconds=3", b"xsens:udp://127.0.0.1:9763?from=10.0.0.1"
    ]  # fmt: skip


def _bridges() -> list[bytes]:
    files = [b"jsonl:-", b"mcap:a.mcap?rotate=60&budget=40", b"jsonl:a.jsonl"]
    return [f"{scheme}:127.0.0.1:9000".encode() for scheme in SCHEMES] + [b"ws:[::1]:8765", *files]


def _sealed() -> list[bytes]:
    return [vault.seal(SECRET, WORDS, cost=vault.Cost(10, 1))]


TARGETS: dict[str, Target] = {
    "osc": Target(osc, lambda: OSC_GOOD, (b"#bundle\0", b",", b"[", b"\x7f\xc0\0\0", b"\xff\xff\xff\xfc")),
    "xsens": Target(xsens, _suit, (b"MXTP02", b"MXTP25", b"\xff\xff\xff\xff", b"\x7f\xc0\0\0")),
    "bvh": Target(bvh, lambda: [bvh_text().encode()], (b"JOINT", b"{", b"}", b"Frames:", b"1e400", b"nan", b"\0")),
    "mcap": Target(mcap, lambda: [recording()], (b"\x89MCAP0\r\n", b"\xff" * 8, b"\0" * 8, b"zstd", b"lz4")),
    "pose": Target(
        recorded_pose, lambda: [encode_pose(pose(3))], (b"1e400", b"null", b"[", b"]", b'"seq":', b"NaN", b"-1")
    ),
    "control": Target(control, _controls, (b"[", b"{", b'"', b"null", b"1e999", b"-1", b"\\ud800", b'"type":')),
    "profile": Target(profile, lambda: [to_bytes(new_profile("m", "0" * 64, 1.0))], (b"\xcb\x7f\xf8\0\0\0\0\0\0",)),
    "sealed": Target(sealed, _sealed, (b"\xff", b"\0\0\0\0")),
    "sensor": Target(sensor_uri, _sensors, (b"?", b"&", b"=", b"%00", b"%ZZ", b"nan", b"-1", b"1e999", b"//", b":")),
    "bridge": Target(bridge_uri, _bridges, (b"?", b"&", b"=", b":", b"[", b"]", b"99999", b"0.0.0.0", b"nan", b"\0")),
    "mapping": Target(
        mapping, lambda: [b'[joints]\nHips = "pelvis"\n[unit]\nlength = 0.01\n'], (b"[", b"=", b'"""', b"\0")
    ),
}
CLOCK = MonotonicClock()
