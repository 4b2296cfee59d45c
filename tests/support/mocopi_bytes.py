"""Speak as Sony's mocopi app does, byte for byte: 1821 bytes of skeleton, 1591 of a frame (1575 without Unix time)."""

from __future__ import annotations

import struct

import numpy as np


def chunk(name: bytes, *inside: bytes) -> bytes:
    """Return one chunk: the length of what is inside, the name, and that."""
    body = b"".join(inside)
    return struct.pack("<I4s", len(body), name) + body


def head(port: int = 12351) -> bytes:
    """Return what every datagram begins with."""
    return chunk(b"head", chunk(b"ftyp", b"sony motion format"), chunk(b"vrsn", b"\1")) + chunk(
        b"sndf", chunk(b"ipad", bytes(8)), chunk(b"rcvp", struct.pack("<H", port))
    )


def transform(position: np.ndarray, wxyz: np.ndarray) -> bytes:
    """Return a transform: quaternion x y z w, position x y z."""
    w, x, y, z = map(float, wxyz)
    return chunk(b"tran", struct.pack("<7f", x, y, z, w, *map(float, position)))


def skeleton(parents: tuple[int, ...], positions: np.ndarray, rotations: np.ndarray) -> bytes:
    """Return a skeleton definition: positions (27, 3) and rotations (27, 4) wxyz, relative to the parents."""
    bones = [
        chunk(
            b"bndt",
            chunk(b"bnid", struct.pack("<H", i)),
            chunk(b"pbid", struct.pack("<H", parent & 0xFFFF)),
            transform(positions[i], rotations[i]),
        )
        for i, parent in enumerate(parents)
    ]
    return head() + chunk(b"skdf", chunk(b"bons", *bones))


def frame(number: int, unix_s: float | None, positions: np.ndarray, rotations: np.ndarray) -> bytes:
    """Return a frame, with Unix time as newer apps send it unless that is None."""
    bones = [
        chunk(b"btdt", chunk(b"bnid", struct.pack("<H", i)), transform(positions[i], rotations[i]))
        for i in range(len(positions))
    ]
    time = [] if unix_s is None else [chunk(b"uttm", struct.pack("<d", unix_s))]
    return head() + chunk(
        b"fram",
        chunk(b"fnum", struct.pack("<I", number)),
        chunk(b"time", struct.pack("<f", number / 60.0)),
        *time,
        chunk(b"btrs", *bones),
    )
