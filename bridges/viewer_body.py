"""The body on the stage: 43 ellipsoids, one a bone, one a joint, a head and a flat one on the floor for a shadow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine import quaternion
from ..engine.body import BODY, JOINT_COUNT, JOINT_INDEX
from ..engine.skeleton import Float32
from .viewer_colors import Rgb

Uint8 = NDArray[np.uint8]

_PARENT: Final = np.array([parent for parent, _ in BODY.edges])
_CHILD: Final = np.array([child for _, child in BODY.edges])
BONE_COUNT: Final = len(BODY.edges)
INSTANCES: Final = BONE_COUNT + JOINT_COUNT + 2
HEAD, SHADOW = INSTANCES - 2, INSTANCES - 1

# Half widths (across, deep) in metres of the bone that ends in a joint, for a body 1.70 m tall.
_GIRTH: Final[dict[str, tuple[float, float]]] = {
    "Spine": (0.135, 0.095),
    "Chest": (0.130, 0.095),
    "Neck": (0.150, 0.100),
    "Head": (0.045, 0.045),
    "Shoulder": (0.040, 0.040),
    "UpperArm": (0.050, 0.045),
    "LowerArm": (0.045, 0.045),
    "Hand": (0.036, 0.036),
    "UpperLeg": (0.085, 0.080),
    "LowerLeg": (0.072, 0.072),
    "Foot": (0.052, 0.052),
    "Toes": (0.040, 0.034),
}
_TRUNK: Final = [i for i, (_, child) in enumerate(BODY.edges) if BODY.names[child] in ("Spine", "Chest", "Neck")]
_LIMBS: Final = [i for i in range(BONE_COUNT) if i not in _TRUNK]
_JOINT_M: Final = np.full(JOINT_COUNT, 0.040)
_JOINT_M[[JOINT_INDEX[name] for name in ("Hips", "Spine", "Chest", "Neck", "Head")]] = 0.030
_HEAD_M: Final = np.array([0.078, 0.115, 0.095])
_SHADOW_M: Final = np.array([0.30, 0.003, 0.30])  # a real shadow takes a page without a graphics card 20 times as long
_SHADOW_RGB: Final = np.array([0.0, 0.0, 0.0])
_HEAD_UP_M: Final = 0.085
_UP: Final = np.array([0, 1, 0], dtype=np.float32)
_LEFT: Final = np.array([1, 0, 0], dtype=np.float32)
_TRUNK_M: Final = 0.085  # no flatter, however short a source's spine joints are apart
_OVERLAP: Final = 1.18  # bones reach a little into each other, so that limbs look whole
_FAINT: Final = np.array([34.0, 38.0, 48.0])
_SKIN: Final = np.array([118.0, 124.0, 138.0])


def _girths() -> NDArray[np.float64]:
    names = [BODY.names[child].removeprefix("Left").removeprefix("Right") for child in _CHILD]
    return np.array([_GIRTH[name] for name in names])  # (20, 2)


_HALF_WIDTHS: Final = _girths()


@dataclass(frozen=True, slots=True)
class BodyShape:
    """Hold what is drawn: centres (43, 3), orientations (43, 4) and half axes (43, 3), in metres."""

    positions: Float32
    wxyzs: Float32
    scales: Float32


def body_shape(joints: Float32, confidence: Float32) -> BodyShape:
    """Clothe joints (21, 3) in ellipsoids; what ends in a joint of no confidence (21,) is drawn thin."""
    start, end = joints[_PARENT], joints[_CHILD]  # (20, 3)
    along = end - start
    length = np.linalg.norm(along, axis=1)  # (20,)
    wxyzs = np.zeros((INSTANCES, 4), dtype=np.float32)
    wxyzs[:, 0] = 1.0
    wxyzs[_LIMBS] = _towards(along[_LIMBS])
    across = joints[JOINT_INDEX["LeftUpperArm"]] - joints[JOINT_INDEX["RightUpperArm"]]
    nod = joints[JOINT_INDEX["Head"]] - joints[JOINT_INDEX["Neck"]]
    wxyzs[[*_TRUNK, HEAD]] = _facing(np.concatenate([along[_TRUNK], nod[None]]), across)
    head = joints[JOINT_INDEX["Head"]] + _HEAD_UP_M * nod / max(float(np.linalg.norm(nod)), 1e-6)
    below = np.array(
        [(joints[:, 0].min() + joints[:, 0].max()) / 2, 0.0, (joints[:, 2].min() + joints[:, 2].max()) / 2]
    )
    positions = np.concatenate([(start + end) / 2, joints, head[None], below[None]])  # (43, 3)
    return BodyShape(positions.astype(np.float32), wxyzs, _scales(length, confidence))


def body_colors(confidence: Float32, tint: Rgb, strength: float, shares: Float32 | None = None) -> Uint8:
    """Return colours (43, 3): skin tinted by the emotion, faint where a joint is not known.

    strength: 0..1, how much the emotion colours the body. shares: (21,) share of each joint in the decision; where
    given, the joints that carried it shine and the others hold back.
    """
    lit = np.full(JOINT_COUNT, strength) if shares is None else _lit(shares, strength)  # (21,)
    color = 255.0 * (np.asarray(tint, dtype=np.float64) / 255.0) ** 1.8  # deeper: the stage lights wash it out
    known = np.clip(confidence, 0.0, 1.0)
    joints = _blend(_blend(_SKIN, color, lit), _FAINT, 1.0 - known)  # (21, 3)
    bone_known = np.minimum(known[_PARENT], known[_CHILD])
    bones = _blend(_blend(0.72 * _SKIN, 0.88 * color, 0.85 * lit[_CHILD]), _FAINT, 1.0 - bone_known)
    head = joints[JOINT_INDEX["Head"]]
    return np.concatenate([bones, joints, head[None], _SHADOW_RGB[None]]).round().astype(np.uint8)


@cache
def unit_sphere() -> tuple[Float32, NDArray[np.uint32]]:
    """Return vertices (V, 3) and triangles (F, 3) of a unit sphere of 16 x 10 cells: light, and round enough."""
    rings, segments = 10, 16
    polar = np.pi * np.arange(rings + 1) / rings
    around = 2.0 * np.pi * np.arange(segments) / segments
    ring = np.stack([np.cos(around), np.zeros(segments), -np.sin(around)], axis=1)
    vertices = np.sin(polar)[:, None, None] * ring + np.cos(polar)[:, None, None] * np.array([0.0, 1.0, 0.0])
    cell, turn = np.meshgrid(np.arange(rings), np.arange(segments), indexing="ij")
    a, b = cell * segments + turn, cell * segments + (turn + 1) % segments
    lower = np.stack([a, a + segments, b], axis=-1)
    upper = np.stack([b, a + segments, b + segments], axis=-1)
    faces = np.concatenate([lower.reshape(-1, 3), upper.reshape(-1, 3)])  # (2 * 10 * 16, 3)
    return vertices.reshape(-1, 3).astype(np.float32), faces.astype(np.uint32)


def _scales(length: Float32, confidence: Float32) -> Float32:
    """Return half axes (43, 3) to the millimetre, so that a body of constant bones is sent only once."""
    shown = np.where(confidence > 0.0, 1.0, 0.35)  # (21,)
    bones = np.stack([_HALF_WIDTHS[:, 0], 0.5 * _OVERLAP * length, _HALF_WIDTHS[:, 1]], axis=1)
    bones[_TRUNK, 1] = np.maximum(bones[_TRUNK, 1], _TRUNK_M)
    bones[:, [0, 2]] *= shown[_CHILD][:, None]
    joints = np.repeat((_JOINT_M * shown)[:, None], 3, axis=1)
    return np.concatenate([bones, joints, _HEAD_M[None], _SHADOW_M[None]]).round(3).astype(np.float32)


def _towards(along: Float32) -> Float32:
    """Return the shortest turns (B, 4) of up to the directions along (B, 3); an ellipsoid knows no end, so up is up."""
    upwards = np.where(along[:, 1:2] < 0, -along, along)
    return np.asarray(quaternion.between(np.broadcast_to(_UP, along.shape), upwards), dtype=np.float32)


def _facing(along: Float32, across: Float32) -> Float32:
    """Return turns (B, 4) of up to along (B, 3) that keep the left side to where across (3,) points."""
    y = along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    x = across - (y @ across)[:, None] * y
    size = np.linalg.norm(x, axis=1, keepdims=True)
    x = np.where(size > 1e-4, x / np.maximum(size, 1e-4), _LEFT)
    matrices = np.stack([x, y, np.cross(x, y)], axis=2)  # (B, 3, 3), columns X, Y, Z
    return np.asarray(quaternion.from_matrix(matrices), dtype=np.float32)


def _lit(shares: Float32, strength: float) -> NDArray[np.float64]:
    top = float(shares.max(initial=0.0))
    share = shares.astype(np.float64) / top if top > 0 else np.ones(JOINT_COUNT)
    return strength * (0.25 + 0.75 * share)


def _blend(one: NDArray[np.float64], other: NDArray[np.float64], share: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(one + (other - one) * share[:, None], dtype=np.float64)
