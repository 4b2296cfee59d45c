"""Speak as Axis Studio and Axis Neuron broadcast BVH, byte for byte: text, binary 1.0 and binary 1.1."""

from __future__ import annotations

import struct

import numpy as np


def text(values: np.ndarray, avatar: int = 0, name: str = "Avatar00") -> bytes:
    """Return a frame as text, four decimals a number."""
    return f"{avatar} {name} {' '.join(f'{value:.4f}' for value in values)} ||".encode()


def binary(values: np.ndarray, avatar: int = 0, name: str = "Avatar00", *, number: int = 0, reference=False) -> bytes:
    """Return a frame as binary of protocol version 1.1."""
    head = struct.pack(
        "<H4BHBBI32sI3IH",
        *(0xDDFF, 0, 0, 1, 1, len(values), len(values) >= 354, reference, avatar, name.encode(), number, 0, 0, 0),
        0xEEFF,
    )
    return head + np.asarray(values, dtype="<f4").tobytes()


def binary_old(values: np.ndarray, avatar: int = 0, name: str = "Avatar00") -> bytes:
    """Return a frame as binary of protocol version 1.0."""
    head = struct.pack(
        "<H4BIIII32s2IH",
        *(0xDDFF, 0, 0, 0, 1, len(values), len(values) >= 354, 0, avatar, name.encode(), 0, 0),
        0xEEFF,
    )
    return head + np.asarray(values, dtype="<f4").tobytes()
