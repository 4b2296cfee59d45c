"""One frame in the words of the VMC protocol (protocol.vmc.info, v2.0 to v3.1): root, bones, blend shapes, ticks.

Everything is in Unity's frame: left-handed, metres, Y up, Z ahead. Rotations are local, the identity in the T-pose, as
VRM 0 has them; positions are where a bone hangs on its parent, those of the hips are in the world.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np

from ..engine.body import BODY, JOINT_COUNT, JOINT_NAMES
from ..engine.events import MotionEvent, PoseEvent
from ..engine.osc_codec import encode_message, encode_string
from ..engine.quaternion import Floats
from .coordinates import AXES
from .local_pose import hangings, turns_of
from .osc_frame import safe_text

_UNITY: Final = AXES["unity"]
_PLACED: Final = ",sfffffff"
_BYTES: Final = 7 * 4
_FLOAT: Final = struct.Struct(">f").pack
_REST: Final = BODY.offsets.astype(np.float32)

# Labels that mean a preset of VRM 0 and of VRM 1; every other label is a shape by its own name.
PRESETS: Final[Mapping[str, tuple[str, str]]] = {
    "happy": ("Joy", "happy"), "joy": ("Joy", "happy"), "joyful": ("Joy", "happy"), "happiness": ("Joy", "happy"),
    "angry": ("Angry", "angry"), "anger": ("Angry", "angry"),
    "sad": ("Sorrow", "sad"), "sadness": ("Sorrow", "sad"), "sorrow": ("Sorrow", "sad"),
    "relaxed": ("Fun", "relaxed"), "calm": ("Fun", "relaxed"), "content": ("Fun", "relaxed"),
    "fun": ("Fun", "relaxed"), "amused": ("Fun", "relaxed"),
    "neutral": ("Neutral", "neutral"),
    "surprised": ("Surprised", "surprised"), "surprise": ("Surprised", "surprised"),
}  # fmt: skip
SHAPES: Final = ("vrm0", "vrm1", "labels", "off")


def _head(address: str, name: str, tags: str, payload: int) -> bytes:
    """Return size, address, tags and first argument of a message."""
    body = encode_string(address) + encode_string(tags) + encode_string(name)
    return struct.pack(">i", len(body) + payload) + body


_BONES: Final = tuple(_head("/VMC/Ext/Bone/Pos", name, _PLACED, _BYTES) for name in JOINT_NAMES)


def element(address: str, *args: float | str) -> bytes:
    """Return a message with its size in front."""
    message = encode_message(address, *args)
    return struct.pack(">i", len(message)) + message


ROOT_ELEMENT: Final = element("/VMC/Ext/Root/Pos", "root", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
_TIME: Final = element("/VMC/Ext/T", 0.0)[:-4]
APPLY: Final = element("/VMC/Ext/Blend/Apply")


def tick(seconds: float, *, tracked: bool) -> list[bytes]:
    """Return time and state: loaded, calibrated, normal mode, and whether a body is tracked."""
    return [_TIME + struct.pack(">f", seconds), _OK[tracked]]


_OK: Final = tuple(element("/VMC/Ext/OK", 1, 3, 0, tracked) for tracked in (0, 1))


def bones(event: PoseEvent | MotionEvent, *, measured: bool = True) -> list[bytes]:
    """Return the messages of the 21 bones; raise OscError where a number is not finite.

    measured: bones hang where they were measured, so that the joints can be found again to a millimetre; else where
    those of the neutral body do.
    """
    local, turned = turns_of(event)
    raw = rows_of(local, hangings(event.joints, turned) if measured else _hung_at_rest(event)).tobytes()
    return [head + raw[i * _BYTES : (i + 1) * _BYTES] for i, head in enumerate(_BONES)]


def rows_of(local: Floats, hung: Floats) -> Floats:
    """Return px py pz qx qy qz qw (21, 7), big-endian, in Unity's frame."""
    rows = np.empty((JOINT_COUNT, 7), dtype=np.float32)
    rows[:, :3] = hung
    rows[:, 3:6] = local[:, 1:]
    rows[:, 6] = local[:, 0]
    return (rows * _UNITY.factor).astype(">f4")  # Unity's columns are ours, with other signs


def _hung_at_rest(event: PoseEvent | MotionEvent) -> Floats:
    hung = _REST.copy()
    hung[0] = event.joints[0]
    return hung


def shape_targets(probs: Mapping[str, float], shapes: tuple[str, ...]) -> dict[str, float]:
    """Return blend shapes and their values 0..1 of the labels' values; labels of one preset are added up."""
    targets: dict[str, float] = {}
    for label, value in probs.items():
        for name in _shapes(label, shapes):
            targets[name] = min(targets.get(name, 0.0) + max(value, 0.0), 1.0)
    return targets


@lru_cache(maxsize=1024)
def _shapes(label: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return the shapes that a label moves."""
    preset = PRESETS.get(label.lower(), (label, label))
    named = {"vrm0": preset[0], "vrm1": preset[1], "labels": label}
    return tuple(dict.fromkeys(named[kind] for kind in kinds if kind in named))


def blend(values: Mapping[str, float]) -> list[bytes]:
    """Return the messages of blend shapes, in order, with what makes them count behind them."""
    return [*(_shape_head(name) + _FLOAT(value) for name, value in values.items()), APPLY] if values else []


@lru_cache(maxsize=1024)
def _shape_head(name: str) -> bytes:
    return _head("/VMC/Ext/Blend/Val", safe_text(name), ",sf", 4)


@lru_cache(maxsize=1024)
def _thru_head(address: str, text: str) -> bytes:
    return _head(address, safe_text(text), ",sf", 4)


def thru(address: str, text: str, value: float) -> bytes:
    """Return a message of what the protocol leaves to programs: a text and a number."""
    return _thru_head(address, text) + _FLOAT(value)
