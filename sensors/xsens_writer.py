"""Write Xsens MVN datagrams, byte for byte as MVN does: the counterpart of xsens_wire, for tests and for trying.

After PROTOCOLS.md 1: big-endian, 24 bytes of header, one datagram a type and sample unless it would be too long.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine import quaternion
from ..engine.axes import AXES, positions_from_house, rotations_from_house
from ..engine.body import BODY, JOINT_INDEX
from ..engine.kinematics import globals_from_locals
from ..engine.pose import Pose
from ..engine.quaternion import Floats
from ..engine.retarget import rotations_from_positions
from ..engine.skeleton import Float32
from ..engine.skeleton_tables import XSENS_NAMES
from . import xsens_layout as layout
from .xsens_body import parents_of
from .xsens_layout import HEADER, LAST, SEGMENTS
from .xsens_wire import ALL

LONGEST: Final = 1472  # bytes of a datagram that no network of our days cuts in two
_LENGTH: Final = struct.Struct(">i")
_RESERVED: Final = bytes(2)
_XSENS: Final = AXES["xsens"]
_BETWEEN: Final = 0.5  # where the vertebrae that the body lacks are put: half-way

# For each segment the joint of the body that it is, or the two between which it lies and turns with the first.
_JOINTS: Final[dict[str, tuple[str, ...]]] = {
    "Pelvis": ("Hips",),
    "L5": ("Hips", "Spine"),
    "L3": ("Spine",),
    "T12": ("Spine", "Chest"),
    "T8": ("Chest",),
} | {
    name: (name.replace("ForeArm", "LowerArm").replace("Toe", "Toes"),)
    for name in XSENS_NAMES[5:]
}  # fmt: skip
_FIRST: Final = np.array([JOINT_INDEX[_JOINTS[name][0]] for name in XSENS_NAMES])
_SECOND: Final = np.array([JOINT_INDEX[_JOINTS[name][-1]] for name in XSENS_NAMES])


def segments_of(pose: Pose) -> tuple[Float32, Float32]:
    """Return the 23 segments of a pose as MVN would see them: positions (23, 3) in metres, z up, rotations (23, 4).

    Rotations are global and the identity in the T-pose. Where the pose has none they are made from its positions.
    """
    local = pose.rotations if pose.rotations is not None else rotations_from_positions(pose.positions[None])[0]
    turned = globals_from_locals(BODY.parents, local)[_FIRST]
    placed = pose.positions[_FIRST] + _BETWEEN * (pose.positions[_SECOND] - pose.positions[_FIRST])
    return (
        positions_from_house(placed, _XSENS).astype(np.float32),
        rotations_from_house(quaternion.normalise(turned), _XSENS).astype(np.float32),
    )


def null_pose_of(positions: Float32) -> Float32:
    """Return the origins (23, 3) in the T-pose, z up, of a person whose bones are as long as in positions (23, 3)."""
    rest = BODY.rest_positions[_FIRST] + _BETWEEN * (BODY.rest_positions[_SECOND] - BODY.rest_positions[_FIRST])
    still = positions_from_house(rest, _XSENS)
    origins = np.zeros_like(positions)
    for i, parent in enumerate(parents_of(ALL)):
        if parent < 0:
            origins[i] = still[i] * (0.0, 0.0, 1.0)
            continue
        bone = still[i] - still[parent]
        length = np.linalg.norm(positions[i] - positions[parent])
        origins[i] = origins[parent] + bone * (length / np.linalg.norm(bone))
    return origins


def pose_items(positions: Floats, rotations: Floats, *, first_id: int = 1) -> NDArray[np.void]:
    """Return the items of MXTP02 for positions (S, 3) and rotations (S, 4) wxyz of segments in their order."""
    items = np.zeros(len(positions), dtype=layout.POSE_ITEM)
    items["id"] = np.arange(first_id, first_id + len(positions))
    items["position"], items["rotation"] = positions, rotations
    return items


def euler_items(positions: Floats, degrees: Floats) -> NDArray[np.void]:
    """Return the items of MXTP01 for positions (S, 3), metres, z up, and angles (S, 3): centimetres, stored y, z, x."""
    items = np.zeros(len(positions), dtype=layout.EULER_ITEM)
    items["id"] = np.arange(1, len(positions) + 1)
    items["position"], items["degrees"] = 100.0 * positions[:, [1, 2, 0]], degrees[:, [1, 2, 0]]
    return items


def write_items(
    kind: int,
    items: NDArray[np.void],
    sample: int,
    time_ms: int,
    *,
    character: int = 0,
    segments: int = SEGMENTS,
    props: int = 0,
    fingers: int = 0,
    longest: int = LONGEST,
) -> list[bytes]:
    """Return the datagrams of one sample, split between items where one would be longer than `longest` bytes."""
    wire = next((each for each in layout.ITEMS[kind] if each.names == items.dtype.names), items.dtype)
    items = items.astype(wire)  # big-endian, whatever arithmetic made of it
    room = max((longest - HEADER.size) // items.itemsize, 1)
    parts = [items[at : at + room] for at in range(0, len(items), room)] or [items]
    counts = (character, segments, props, fingers)
    return [
        _datagram(kind, part.tobytes(), len(part), sample, time_ms, counts, i | (LAST if i == len(parts) - 1 else 0))
        for i, part in enumerate(parts)
    ]


def write_metadata(
    tags: Mapping[str, str], *, sample: int = 0, time_ms: int = 0, character: int = 0, segments: int = SEGMENTS
) -> bytes:
    """Return MXTP12, with the tags in the order they are given."""
    text = "".join(f"{tag}:{value}\n" for tag, value in tags.items())
    return _datagram(layout.METADATA, _text(text), 1, sample, time_ms, (character, segments, 0, 0))


def write_null_pose(
    origins: Mapping[str, Sequence[float]],
    points: Mapping[tuple[int, int], tuple[str, Sequence[float]]] | None = None,
    *,
    sample: int = 0,
    time_ms: int = 0,
    character: int = 0,
) -> bytes:
    """Return MXTP13: segment origins in the T-pose by name, and points (segment id, point id) -> (name, place)."""
    payload = _LENGTH.pack(len(origins))
    payload += b"".join(_text(name) + struct.pack(">3f", *origin) for name, origin in origins.items())
    payload += _LENGTH.pack(len(points or ()))
    for (segment, point), (name, place) in (points or {}).items():
        payload += struct.pack(">HH", segment, point) + _text(name) + struct.pack(">I3f", 0, *place)
    return _datagram(layout.NULL_POSE, payload, 1, sample, time_ms, (character, SEGMENTS, 0, 0))


def write_time_code(text: str, *, sample: int = 0, time_ms: int = 0, character: int = 0) -> bytes:
    """Return MXTP25 for HH:MM:SS.mmm."""
    return _datagram(layout.TIME_CODE, _text(text), 1, sample, time_ms, (character, SEGMENTS, 0, 0))


def _text(text: str) -> bytes:
    data = text.encode()
    return _LENGTH.pack(len(data)) + data


def _datagram(
    kind: int,
    payload: bytes,
    items: int,
    sample: int,
    time_ms: int,
    counts: tuple[int, int, int, int],
    part: int = LAST,
) -> bytes:
    """Return header and payload; counts: character, segments, props, fingers."""
    name = layout.MAGIC + f"{kind:02d}".encode()
    head = HEADER.pack(name, sample % 2**32, part, items, time_ms % 2**32, *counts, _RESERVED, len(payload))
    return head + payload


class XsensWriter:
    """Turn poses into the datagrams of one MVN: MXTP02 for each, MXTP12 and MXTP13 once a second before it.

    Each stream is a character, in the order they come. The time code begins at 0 with the first pose.
    """

    def __init__(self, *, name: str = "emotus", longest: int = LONGEST) -> None:
        self._name = name
        self._longest = longest
        self.reset()

    def reset(self) -> None:
        """Begin another recording."""
        self._characters: dict[str, int] = {}
        self._start_ns: int | None = None
        self._told: dict[str, int] = {}
        self._null_poses: dict[str, Float32] = {}

    def write(self, pose: Pose) -> list[bytes]:
        """Return the datagrams of one pose, at most 256 performers."""
        if self._start_ns is None:
            self._start_ns = pose.t_ns
        time_ms = max(pose.t_ns - self._start_ns, 0) // 1_000_000
        character = self._characters.setdefault(pose.stream, len(self._characters) % 256)
        positions, rotations = segments_of(pose)
        out: list[bytes] = []
        if time_ms // 1000 != self._told.get(pose.stream):
            self._told[pose.stream] = time_ms // 1000
            out += self._introduction(pose, character, time_ms, positions)
        items = pose_items(positions, rotations)
        return out + write_items(
            layout.QUATERNION, items, pose.seq, time_ms, character=character, longest=self._longest
        )

    def _introduction(self, pose: Pose, character: int, time_ms: int, positions: Float32) -> list[bytes]:
        """Return who it is and how long the bones are."""
        origins = self._null_poses.setdefault(pose.stream, null_pose_of(positions))
        named: dict[str, list[float]] = {name: origins[i].tolist() for i, name in enumerate(XSENS_NAMES)}
        tags = {"name": f"{self._name} {pose.stream}", "color": "7c7cff"}
        return [
            write_metadata(tags, sample=pose.seq, time_ms=time_ms, character=character),
            write_null_pose(named, sample=pose.seq, time_ms=time_ms, character=character),
        ]
