"""Read Xsens MVN datagrams: bytes -> header and payload -> items, text or null pose; pure, and bounded by the bytes.

Whatever the bytes are, what comes out is a value or a PacketError. After PROTOCOLS.md 1.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import PacketError
from ..engine.skeleton import Float32
from .xsens_layout import HEADER, ITEMS, LAST, MAGIC, MOST_ITEMS, MOST_PARTS, SEGMENTS

Items = NDArray[np.void]

_COUNT: Final = struct.Struct(">i")
_ORIGIN: Final = struct.Struct(">3f")
_POINT: Final = struct.Struct(">HH")
_POINT_END: Final = struct.Struct(">I3f")
_LINES: Final = 64  # of metadata that are read
_WORD: Final = 200  # characters of a tag or a value that are kept


@dataclass(frozen=True, slots=True)
class Header:
    """Hold the header of one datagram.

    kind: the type, 2 for MXTP02. sample: the sample counter, which wraps at 2**32. part, last: which datagram of the
    sample, and whether it is the last. items: in this datagram. time_ms: milliseconds of MVN's clock, wrapping at
    2**32. character: the actor. segments, props, fingers: of the whole sample; segments is 0 in an older MVN.
    """

    kind: int
    sample: int
    part: int
    last: bool
    items: int
    time_ms: int
    character: int
    segments: int
    props: int
    fingers: int


def read_datagram(data: bytes) -> tuple[Header, bytes]:
    """Split a datagram into header and payload; raise PacketError for one that is none or is cut short."""
    if len(data) < HEADER.size:
        raise PacketError(f"{len(data)} bytes, shorter than the header of {HEADER.size}")
    name, sample, part, items, time_ms, character, segments, props, fingers, _, size = HEADER.unpack_from(data)
    if name[:4] != MAGIC or not name[4:].isdigit():
        raise PacketError(f"begins with {name!r}, not MXTP and two digits")
    here = len(data) - HEADER.size
    if size > here:
        raise PacketError(f"a payload of {size} bytes announced, {here} came")
    if part & ~LAST >= MOST_PARTS or items > MOST_ITEMS:
        raise PacketError(f"part {part & ~LAST} with {items} items: more than any sample has")
    header = Header(
        int(name[4:]), sample, part & ~LAST, bool(part & LAST), items, time_ms, character, segments, props, fingers
    )
    return header, data[HEADER.size : HEADER.size + size] if size else data[HEADER.size :]


def read_items(kind: int, count: int, payload: bytes) -> Items:
    """Return the items of a payload, of the variant that its size tells; raise PacketError where none fits."""
    count = count or 1 if kind == 24 else count
    for layout in ITEMS.get(kind, ()):
        if count and len(payload) == count * layout.itemsize:
            return np.frombuffer(payload, dtype=layout)
    raise PacketError(f"MXTP{kind:02d}: {count} items cannot fill {len(payload)} bytes")


def body_segments(header: Header, items: Items) -> tuple[Items, tuple[int, ...]]:
    """Return the items of the body and their segments, 0 for the pelvis; props and fingers come after them.

    Body, props and fingers are told apart by the header's counts and not by their ids. Raises PacketError where there
    are fewer items than the header says, and for ids that are no different segments of a body.
    """
    wanted = header.segments or min(len(items), SEGMENTS)
    if not 0 < wanted <= min(len(items), SEGMENTS):
        raise PacketError(f"{wanted} segments announced, {len(items)} items came")
    body = items[:wanted]
    ids = body["id"].tobytes()
    if ids == _USUAL:
        return body, ALL
    return body, _segments_of(body["id"].tolist())


def _segments_of(ids: list[int]) -> tuple[int, ...]:
    """Return the segments of ids that count from 1, or from 0 as some emulators have it."""
    first = 0 if ids == list(range(len(ids))) else 1
    segments = tuple(each - first for each in ids)
    if len(set(segments)) < len(segments) or not all(0 <= each < SEGMENTS for each in segments):
        odd = next((each for each in ids if not 1 <= each <= SEGMENTS), ids[0])
        raise PacketError(f"segment id {odd} among {len(ids)} is none of a body, or comes twice")
    return segments


ALL: Final = tuple(range(SEGMENTS))
_USUAL: Final = np.arange(1, SEGMENTS + 1, dtype=">u4").tobytes()


def read_metadata(payload: bytes) -> dict[str, str]:
    """Return the tags of MXTP12 (name, xmid, color, ...), with a length before the text or without; never raises."""
    if len(payload) >= 4 and _COUNT.unpack_from(payload)[0] == len(payload) - 4:
        payload = payload[4:]
    lines = payload.decode("utf-8", errors="replace").split("\n")[:_LINES]
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {_plain(tag): _plain(value) for tag, _, value in pairs}


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:_WORD].strip())


def read_time_code(payload: bytes) -> str:
    """Return HH:MM:SS.mmm of MXTP25, with a length before it or without; raise PacketError for any other bytes."""
    text = payload[4:] if len(payload) == 16 else payload
    if len(text) != 12 or not text.isascii() or not text.translate(None, b":.").isdigit():
        raise PacketError(f"MXTP25: {payload[:16]!r} is no HH:MM:SS.mmm")
    return text.decode("ascii")


@dataclass(frozen=True, slots=True)
class NullPose:
    """Hold what MXTP13 tells: segment origins in the T-pose by name, and points of segments.

    origins: name -> (3,). points: (segment id, point id) -> (3,) relative to the segment's origin.
    """

    origins: Mapping[str, Float32]
    points: Mapping[tuple[int, int], Float32]


def read_null_pose(payload: bytes) -> NullPose:
    """Read MXTP13; raise PacketError where it is cut short or counts more than it holds."""
    reader = _Reader(payload)
    origins = {reader.text(): reader.floats() for _ in range(reader.count("segments", 16))}
    points: dict[tuple[int, int], Float32] = {}
    for _ in range(reader.count("points", 24)):
        segment, point = reader.take(_POINT)
        reader.text()
        points[segment, point] = np.array(reader.take(_POINT_END)[1:], dtype=np.float32)
    return NullPose(origins, points)


class _Reader:
    """Take fields from the front of a payload."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._at = 0

    def take(self, layout: struct.Struct) -> tuple[Any, ...]:
        try:
            values = layout.unpack_from(self._payload, self._at)
        except struct.error as error:
            raise PacketError(f"MXTP13 ends after {len(self._payload)} bytes, within a field") from error
        self._at += layout.size
        return values

    def count(self, what: str, least: int) -> int:
        """Take a count of things, each of which needs at least so many bytes."""
        (count,) = self.take(_COUNT)
        if not 0 <= count <= (len(self._payload) - self._at) // least:
            raise PacketError(f"MXTP13: {count} {what} cannot be in the {len(self._payload) - self._at} bytes left")
        return count

    def text(self) -> str:
        (length,) = self.take(_COUNT)
        if not 0 <= length <= len(self._payload) - self._at:
            raise PacketError(f"MXTP13: a name of {length} bytes in {len(self._payload) - self._at}")
        self._at += length
        return _plain(self._payload[self._at - length : self._at].decode("utf-8", errors="replace"))

    def floats(self) -> Float32:
        return np.array(self.take(_ORIGIN), dtype=np.float32)
