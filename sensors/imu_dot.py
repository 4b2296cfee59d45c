"""Read the measurement payloads of Movella DOT sensors, as they come over Bluetooth LE: pure, little-endian.

Written after Movella DOT BLE Services Specifications, revision C: every payload begins with a u32 time in
microseconds that wraps; quaternions are (w, x, y, z) in a world with z up; free acceleration is in m/s2.
"""

from __future__ import annotations

import math
import struct
from typing import Final

from ..engine.errors import PacketError
from .imu_sample import Sample

_HEAD: Final = struct.Struct("<I")
_QUATERNION: Final = struct.Struct("<4f")
_VECTORS: Final = struct.Struct("<6f")
# mode -> (name, bytes used, where the quaternion begins, where acceleration and angular rate begin)
MODES: Final[dict[int, tuple[str, int, int | None, int | None]]] = {
    2: ("extended quaternion", 36, 4, None),
    3: ("complete quaternion", 32, 4, None),
    5: ("orientation quaternion", 20, 4, None),
    20: ("rate quantities with magnetometer", 28, None, 4),
    21: ("rate quantities", 28, None, 4),
    26: ("custom mode 5", 44, 4, 20),
}
_LONGEST: Final = 63  # bytes: no characteristic carries more


def parse_dot(payload: bytes, mode: int, sensor: str) -> Sample:
    """Return one payload's sample: its time, its quaternion where the mode has one, else acceleration and angular rate.

    Raises PacketError for a mode that tells neither, and for a payload that is too short, too long or not finite.
    """
    if mode not in MODES:
        known = ", ".join(f"{number} ({name[0]})" for number, name in MODES.items())
        raise PacketError(f"DOT payload mode {mode}: known are {known}")
    name, size, turned_at, rates_at = MODES[mode]
    if not size <= len(payload) <= _LONGEST:
        raise PacketError(f"DOT {name}: {len(payload)} bytes, expected {size} to {_LONGEST}")
    time_s = _HEAD.unpack_from(payload)[0] * 1e-6
    quaternion = None if turned_at is None else _finite(_QUATERNION.unpack_from(payload, turned_at), name)
    if rates_at is None:
        return Sample(sensor, time_s, quaternion)
    rates = _finite(_VECTORS.unpack_from(payload, rates_at), name)
    gyroscope = tuple(math.radians(value) for value in rates[3:])  # they come in degrees a second
    return Sample(sensor, time_s, quaternion, rates[:3], gyroscope)


def _finite(values: tuple[float, ...], name: str) -> tuple[float, ...]:
    if not all(map(math.isfinite, values)):
        raise PacketError(f"DOT {name}: a number in it is not finite")
    return values
