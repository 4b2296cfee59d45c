"""Speak VMC as a performer does, byte for byte: messages in bundles of at most 1400 bytes, or one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emotus.engine.body import JOINT_NAMES
from emotus.engine.osc_codec import encode_bundle, encode_message

BUNDLE_BYTES = 1400
FINGERS = (
    f"{side}{finger}{part}"
    for side in ("Left", "Right")
    for finger in ("Thumb", "Index", "Middle", "Ring", "Little")
    for part in ("Proximal", "Intermediate", "Distal")
)
EXTRA = (*FINGERS, "LeftEye", "RightEye", "Jaw")


def placed(address: str, name: str, place: Sequence[float], turn: Sequence[float], *more: float) -> bytes:
    """Return one message: a name, position x y z and quaternion x y z w, both Unity's."""
    return encode_message(address, name, *map(float, place), *map(float, turn), *more)


def unity(place: Sequence[float], wxyz: Sequence[float]) -> tuple[list[float], list[float]]:
    """Bring a house position and rotation to Unity: position, quaternion x y z w."""
    (x, y, z), (w, a, b, c) = place, wxyz
    return [-x, y, z], [a, -b, -c, w]


def bones(local: np.ndarray, hips: np.ndarray, offsets: np.ndarray, skip: Sequence[str] = ()) -> list[bytes]:
    """Return the bone messages of one frame: local (21, 4) wxyz, hips (3,), rest offsets (21, 3) of the house."""
    made = []
    for i, name in enumerate(JOINT_NAMES):
        if name not in skip:
            made.append(placed("/VMC/Ext/Bone/Pos", name, *unity(hips if i == 0 else offsets[i], local[i])))
    return made


def fingers_and_eyes() -> list[bytes]:
    """Return the 33 other bones at rest, so that a frame has 54 or, with an upper chest, 55."""
    return [placed("/VMC/Ext/Bone/Pos", name, (0.0, 0.02, 0.0), (0.0, 0.0, 0.0, 1.0)) for name in EXTRA]


def root() -> bytes:
    """Return the root at rest, as v2.0 sends it."""
    return placed("/VMC/Ext/Root/Pos", "root", (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))


def tick(t_s: float) -> list[bytes]:
    """Return the two messages that come once a frame."""
    return [encode_message("/VMC/Ext/OK", 1), encode_message("/VMC/Ext/T", float(t_s))]


def bundles(messages: Sequence[bytes]) -> list[bytes]:
    """Pack messages into bundles that fit one Ethernet packet."""
    packed: list[list[bytes]] = [[]]
    for message in messages:
        if sum(len(each) + 4 for each in packed[-1]) + len(message) + 20 > BUNDLE_BYTES:
            packed.append([])
        packed[-1].append(message)
    return [encode_bundle(each) for each in packed if each]
