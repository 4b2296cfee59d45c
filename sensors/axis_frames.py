"""Read the BVH broadcast of Noitom's Axis Neuron and Axis Studio, as text and as binary: bytes -> frames.

Text: avatar number, avatar name, the numbers in the order of a BVH row, `||`. Binary: a header of 64 bytes,
little-endian, between the tokens 0xDDFF and 0xEEFF, then so many floats; its fields lie otherwise in protocol version
1.0 than in 1.1 and later. After Noitom's own plug-ins and the parsers written beside them.
"""

from __future__ import annotations

import math
import struct
from typing import Final, NamedTuple

import numpy as np

from ..engine.errors import PacketError
from ..engine.quaternion import Floats
from ..engine.skeleton import Float64

MAX_BYTES: Final = 65_536  # of one frame: 59 joints have 1.5 KB as binary and 3 to 5 KB as text
MAX_NUMBERS: Final = 4096
START: Final = b"\xff\xdd"
STOP: Final = b"\xff\xee"
HEADER_BYTES: Final = 64
TEXT_END: Final = b"||"
_STOP_AT: Final = HEADER_BYTES - len(STOP)
_VERSION: Final = struct.Struct("<BBBB")  # build, revision, minor, major
_V10: Final = struct.Struct("<IIII32s")  # floats, displacement, reference, avatar number, avatar name
_V11: Final = struct.Struct("<HBBI32sI")  # the same and the frame's number
_FIELDS_AT: Final = 6
_LARGEST: Final = 1e6  # centimetres or degrees: ten kilometres, or three thousand turns
_NAME: Final = 64
ADVANCED: Final = b"CCCC"


class AxisFrame(NamedTuple):
    """Hold one frame: the avatar's number and name, its numbers (N,) and, in binary of version 1.1, its own number."""

    avatar: int
    name: str
    values: Float64
    number: int | None = None


def binary_size(head: bytes) -> int:
    """Return the bytes of a binary frame that begins with these 64; raises PacketError where they are no header."""
    if len(head) < HEADER_BYTES or not head.startswith(START) or head[_STOP_AT:HEADER_BYTES] != STOP:
        raise PacketError("no header of Axis binary: its tokens are missing")
    count = _fields(head)[0]
    if not 0 < count <= MAX_NUMBERS:
        raise PacketError(f"{count} numbers announced in Axis binary: 1 to {MAX_NUMBERS}")
    return HEADER_BYTES + 4 * count


def _fields(head: bytes) -> tuple[int, int, bytes, int | None]:
    """Return the count of floats, the avatar's number and name and the frame's number."""
    _, _, minor, major = _VERSION.unpack_from(head, len(START))
    if (major, minor) < (1, 1):
        count, _, _, avatar, name = _V10.unpack_from(head, _FIELDS_AT)
        return count, avatar, name, None
    count, _, _, avatar, name, number = _V11.unpack_from(head, _FIELDS_AT)
    return count, avatar, name, number


def parse(packet: bytes) -> AxisFrame:
    """Return the frame that a whole packet holds; raises PacketError, and nothing else, for what is none."""
    if len(packet) > MAX_BYTES:
        raise PacketError(f"an Axis frame of {len(packet)} bytes: at most {MAX_BYTES}")
    if packet.startswith(ADVANCED):
        raise PacketError("this is 'Advanced BVH', which nobody has described: choose plain BVH in Axis Studio")
    return _binary(packet) if packet.startswith(START) else _text(packet)


def _binary(packet: bytes) -> AxisFrame:
    size = binary_size(packet[:HEADER_BYTES])
    if len(packet) != size:
        raise PacketError(f"Axis binary of {len(packet)} bytes, announced are {size}")
    _, avatar, name, number = _fields(packet)
    values = _checked(np.frombuffer(packet, "<f4", offset=HEADER_BYTES)).astype(np.float64)
    return AxisFrame(avatar, _name(name.partition(b"\0")[0]), values, number)


def _checked(values: Floats) -> Floats:
    """Return numbers that a body can have; raises PacketError for others."""
    if not (np.abs(values) < _LARGEST).all():
        raise PacketError("a number of an Axis frame is not finite or beyond 1e6")
    return values


def _text(packet: bytes) -> AxisFrame:
    words = packet.removesuffix(TEXT_END).split()
    first = _first_number(words)
    if not words or not words[0].isdigit() or len(words[0]) > 9 or first >= len(words):
        raise PacketError("no Axis text: it begins with the avatar's number and ends with numbers")
    if len(words) - first > MAX_NUMBERS:
        raise PacketError(f"{len(words) - first} numbers in Axis text: at most {MAX_NUMBERS}")
    try:
        values = np.array([float(word) for word in words[first:]])
    except ValueError:
        raise PacketError("a word among the numbers of Axis text") from None
    return AxisFrame(int(words[0]), _name(b" ".join(words[1:first])), _checked(values).astype(np.float64))


def _first_number(words: list[bytes]) -> int:
    """Return where the numbers begin: behind the last word that is none, as an avatar's name may have blanks."""
    at = len(words)
    while at > 1 and _is_number(words[at - 1]):
        at -= 1
    return max(at, min(2, len(words)))


def _is_number(word: bytes) -> bool:
    try:
        return math.isfinite(float(word)) and b"_" not in word
    except ValueError:
        return False


def _name(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").strip()[:_NAME]
