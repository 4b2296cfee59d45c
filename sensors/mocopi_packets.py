"""Read the datagrams of Sony's mocopi app: nested chunks of length, name and bytes, little-endian: bytes -> a packet.

Layout after Sony's published receivers and the parsers written beside them: `head` and `sndf` in every datagram, then
`skdf` (the skeleton: bones with their parents) or `fram` (number, time and a transform for each bone). Chunks that are
not known are passed over.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import PacketError
from ..engine.skeleton import Float32
from ..engine.skeleton_tables import MOCOPI_NAMES

FORMAT: Final = b"sony motion format"
BONES: Final = len(MOCOPI_NAMES)
NO_PARENT: Final = 0xFFFF
MAX_CHUNKS: Final = 256  # in one datagram: a frame has 27 bones with two chunks each, and ten more
_CHUNK: Final = struct.Struct("<I4s")
_NUMBER: Final = struct.Struct("<I")
_BONE: Final = struct.Struct("<H")
_TIME: Final = struct.Struct("<d")
_TRANSFORM: Final = np.dtype("<f4")
_TRANSFORM_BYTES: Final = 28
_FARTHEST_M: Final = 1000.0


class MocopiSkeleton(NamedTuple):
    """Hold a skeleton definition: parents (27,), -1 for none, and each bone's transform at rest.

    positions: (27, 3) metres from the parent. rotations: (27, 4) wxyz relative to the parent.
    """

    parents: tuple[int, ...]
    positions: Float32
    rotations: Float32


class MocopiFrame(NamedTuple):
    """Hold a frame: its number, Unix time in seconds where the app tells it, and the transforms relative to parents."""

    number: int
    unix_s: float | None
    positions: Float32  # (27, 3) metres
    rotations: Float32  # (27, 4) wxyz


class _Reading:
    """Walk through one datagram; what is left of the chunks that are allowed is counted down here."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.left = MAX_CHUNKS

    def chunks(self, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield name, begin and end of the chunks in data[start:end], which they must fill."""
        at = start
        while at < end:
            self.left -= 1
            if self.left < 0:
                raise PacketError(f"more than {MAX_CHUNKS} chunks in a mocopi datagram")
            if end - at < _CHUNK.size:
                raise PacketError(f"byte {at}: {end - at} bytes are left, too few for a chunk")
            size, name = _CHUNK.unpack_from(self.data, at)
            at += _CHUNK.size
            if size > end - at:
                raise PacketError(f"byte {at - 8}: chunk {name!r} of {size} bytes, but {end - at} are left")
            yield name, at, at + size
            at += size

    def inside(self, start: int, end: int) -> dict[bytes, tuple[int, int]]:
        """Return the chunks in data[start:end] by name, the first of each."""
        found: dict[bytes, tuple[int, int]] = {}
        for name, begin, stop in self.chunks(start, end):
            found.setdefault(name, (begin, stop))
        return found

    def value(self, found: dict[bytes, tuple[int, int]], name: bytes, form: struct.Struct) -> int | float | None:
        """Return the number in a chunk, None where there is no such chunk."""
        if name not in found:
            return None
        begin, stop = found[name]
        if stop - begin != form.size:
            raise PacketError(f"byte {begin}: {name!r} has {stop - begin} bytes, wanted {form.size}")
        return form.unpack_from(self.data, begin)[0]

    def bones(self, start: int, end: int, each: bytes) -> tuple[NDArray[np.intp], Float32]:
        """Return parents (27,) and transforms (27, 7) of a list of bones, of which none may be missing or twice."""
        parents = np.full(BONES, -1, dtype=np.intp)
        rows = np.full((BONES, 7), np.nan, dtype=np.float32)
        for name, begin, stop in self.chunks(start, end):
            if name != each:
                continue
            found = self.inside(begin, stop)
            bone, parent = self.value(found, b"bnid", _BONE), self.value(found, b"pbid", _BONE)
            transform = found.get(b"tran", (0, 0))
            if bone is None or not 0 <= bone < BONES or not math.isnan(rows[int(bone), 0]):
                raise PacketError(f"byte {begin}: bone {bone} is none of {BONES}, or comes twice")
            if transform[1] - transform[0] != _TRANSFORM_BYTES:
                raise PacketError(f"byte {begin}: bone {bone} has no transform of {_TRANSFORM_BYTES} bytes")
            rows[int(bone)] = np.frombuffer(self.data, _TRANSFORM, 7, transform[0])
            parents[int(bone)] = -1 if parent in (None, NO_PARENT) else int(parent)
        return parents, _checked(rows)


def _checked(rows: Float32) -> Float32:
    """Return transforms (27, 7) that are whole, finite and near; raises PacketError for others."""
    if not (np.abs(rows) < _FARTHEST_M).all() or not (np.abs(rows[:, :4]).sum(axis=1) > 0.5).all():
        raise PacketError("a bone of a mocopi datagram is missing, not finite, beyond 1000 m or has no rotation")
    return rows


def parse(data: bytes) -> MocopiSkeleton | MocopiFrame:
    """Return what a datagram holds; raises PacketError, and nothing else, for what is no such datagram."""
    reading = _Reading(data)
    found = reading.inside(0, len(data))
    head = reading.inside(*found[b"head"]) if b"head" in found else {}
    begin, stop = head.get(b"ftyp", (0, 0))
    if data[begin:stop] != FORMAT:
        raise PacketError(f"no mocopi datagram: its format is {data[begin:stop][:24]!r}")
    if b"skdf" in found:
        return _skeleton(reading, reading.inside(*found[b"skdf"]))
    if b"fram" in found:
        return _frame(reading, reading.inside(*found[b"fram"]))
    raise PacketError("a mocopi datagram with neither skeleton nor frame")


def _skeleton(reading: _Reading, found: dict[bytes, tuple[int, int]]) -> MocopiSkeleton:
    parents, rows = reading.bones(*found.get(b"bons", (0, 0)), b"bndt")
    for bone, parent in enumerate(parents):
        if not (-1 <= parent < bone) or (parent < 0) != (bone == 0):
            raise PacketError(f"bone {bone} of a mocopi skeleton hangs from bone {parent}")
    return MocopiSkeleton(tuple(int(parent) for parent in parents), rows[:, 4:], rows[:, [3, 0, 1, 2]])


def _frame(reading: _Reading, found: dict[bytes, tuple[int, int]]) -> MocopiFrame:
    number, unix_s = reading.value(found, b"fnum", _NUMBER), reading.value(found, b"uttm", _TIME)
    if number is None:
        raise PacketError("a mocopi frame without its number")
    _, rows = reading.bones(*found.get(b"btrs", (0, 0)), b"btdt")
    return MocopiFrame(int(number), unix_s, rows[:, 4:], rows[:, [3, 0, 1, 2]])
