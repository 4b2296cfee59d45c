"""Read the live JSON of Rokoko Studio (custom streaming, JSON v2 and v3), plain or as an LZ4 frame: bytes -> actors.

Version 3 holds `scene.actors`, each with its bones below `body`; version 2 holds `actors` at the top, each with its
bones directly on it. Studio 1 writes version 3 on its "v2.5", which is version 2 and told by its `trackers` (Rokoko's
own plug-ins for Blender and Cinema 4D read them so).
"""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple

import msgspec
import numpy as np

from ..engine.body import JOINT_NAMES
from ..engine.errors import PacketError
from ..engine.skeleton import Float32

MAX_BYTES: Final = 1 << 20  # of JSON, also of what LZ4 unpacks to: twenty actors with faces and gloves have 400 KB
MAX_ACTORS: Final = 16
LZ4_MAGIC: Final = b"\x04\x22\x4d\x18"
_FARTHEST_M: Final = 1000.0
_PARTS: Final = {"UpperLeg": "UpLeg", "LowerLeg": "Leg", "Toes": "Toe"}


def _studio_name(joint: str) -> str:
    """Return Studio's name of a joint of the body."""
    if joint == "Hips":
        return "hip"
    for side in ("Left", "Right"):
        if joint.startswith(side):
            part = joint.removeprefix(side)
            return side.lower() + _PARTS.get(part, part)
    return joint.lower()


STUDIO_NAMES: Final = tuple(_studio_name(name) for name in JOINT_NAMES)  # in the body's order


class _Point(msgspec.Struct, frozen=True):
    x: float
    y: float
    z: float


class _Turn(msgspec.Struct, frozen=True):
    x: float
    y: float
    z: float
    w: float


class _Bone(msgspec.Struct, frozen=True):
    position: _Point
    rotation: _Turn


_Body = msgspec.defstruct("_Body", [(name, _Bone | None, None) for name in STUDIO_NAMES], frozen=True)


_NO_VALUE: Final = msgspec.Raw()


class _Scene(msgspec.Struct, frozen=True):
    actors: list[msgspec.Raw] = []
    timestamp: float | None = None


class _Packet(msgspec.Struct, frozen=True):
    version: int | float | str | None = None
    scene: _Scene | None = None
    actors: list[msgspec.Raw] | None = None
    trackers: msgspec.Raw = _NO_VALUE
    timestamp: float | None = None


class _Actor(msgspec.Struct, frozen=True):
    name: str = ""
    body: msgspec.Raw = _NO_VALUE


_PACKETS: Final = msgspec.json.Decoder(_Packet)
_ACTORS: Final = msgspec.json.Decoder(_Actor)
_BODIES: Final = msgspec.json.Decoder(_Body)
_NOTHING: Final = (b"", b"null")
_LACKING: Final = (math.nan,) * 7


class Actor(NamedTuple):
    """Hold one actor in Unity's frame, joints in the body's order: NaN where Studio sent no such bone.

    name: at most 64 characters. positions: (21, 3) metres. rotations: (21, 4) wxyz, global.
    """

    name: str
    positions: Float32
    rotations: Float32


class RokokoFrame(NamedTuple):
    """Hold one packet: version 2 or 3, the actors with a body, and Studio's time in seconds if told."""

    version: int
    actors: tuple[Actor, ...]
    timestamp_s: float | None


def parse(data: bytes) -> RokokoFrame:
    """Return what a datagram holds; raises PacketError, and nothing else, for what is no such packet within bounds."""
    text = unpacked(data) if data.startswith(LZ4_MAGIC) else data
    if len(text) > MAX_BYTES:
        raise PacketError(f"a Rokoko packet of {len(text)} bytes: at most {MAX_BYTES}")
    try:
        packet = _PACKETS.decode(text)
        version = _version(packet)
        actors = (packet.actors if version == 2 else packet.scene.actors if packet.scene else None) or []
        if len(actors) > MAX_ACTORS:
            raise PacketError(f"{len(actors)} actors in a Rokoko packet: at most {MAX_ACTORS}")
        found = [actor for raw in actors if (actor := _actor(raw, version)) is not None]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PacketError(f"no Rokoko JSON: {str(error)[:120]}") from None
    time_s = packet.timestamp if version == 2 else packet.scene.timestamp if packet.scene else None
    return RokokoFrame(version, tuple(found), time_s)


def unpacked(data: bytes) -> bytes:
    """Return what an LZ4 frame holds, at most MAX_BYTES of it; raises PacketError."""
    try:
        from lz4.frame import LZ4FrameDecompressor
    except ImportError:
        raise PacketError("LZ4-packed, and lz4 is not installed (pip install 'emotus[rokoko]')") from None
    unpacking = LZ4FrameDecompressor()
    try:
        text = unpacking.decompress(data, max_length=MAX_BYTES + 1)
    except RuntimeError as error:
        raise PacketError(f"a broken LZ4 frame: {error}") from None
    if not unpacking.eof and len(text) <= MAX_BYTES:
        raise PacketError("an LZ4 frame that ends too soon")
    return text


def _version(packet: _Packet) -> int:
    """Return 2 or 3; raises PacketError for any other version."""
    match = re.match(r"\s*(\d{1,4})", str(packet.version))
    version = int(match[1]) if match else 0
    if version == 3 and bytes(packet.trackers) not in _NOTHING:
        return 2
    if version not in (2, 3):
        raise PacketError(f"Rokoko JSON of version {str(packet.version)[:20]}: 2 and 3 are understood")
    return version


def _actor(raw: msgspec.Raw, version: int) -> Actor | None:
    """Return an actor, None where it has no body."""
    named = _ACTORS.decode(raw)
    if version == 3 and bytes(named.body) in _NOTHING:
        return None
    body = _BODIES.decode(named.body if version == 3 else raw)
    rows: list[tuple[float, ...]] = []
    known = False
    for name in STUDIO_NAMES:
        bone: _Bone | None = getattr(body, name)
        known |= bone is not None
        rows.append(_row(bone) if bone is not None else _LACKING)
    values = np.array(rows, dtype=np.float32)  # (21, 7)
    return Actor(named.name[:64], values[:, :3], values[:, 3:]) if known else None


def _row(bone: _Bone) -> tuple[float, ...]:
    """Return position and rotation wxyz of a bone; raises PacketError for what no performer does."""
    p, r = bone.position, bone.rotation
    row = (p.x, p.y, p.z, r.w, r.x, r.y, r.z)
    if not all(abs(value) < _FARTHEST_M for value in row) or abs(r.w) + abs(r.x) + abs(r.y) + abs(r.z) < 0.5:
        raise PacketError("a bone of a Rokoko packet is beyond 1000 m, or has no rotation")
    return row
