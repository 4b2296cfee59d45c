"""What the movement qualities know of bodies: masses, sides, reference poses, and the measures of a single posture."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .body import BODY, HEIGHT_M, JOINT_COUNT, JOINT_INDEX
from .skeleton import Float32

Bools = NDArray[np.bool_]

_SIDES: Final = ("Left", "Right")
_LIMB_JOINTS: Final = ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "Toes")
# Segments: proximal joint, distal joint, share of the body's mass, centre of mass as a share of the way to the distal
# joint (Winter, Biomechanics and Motor Control of Human Movement, 4th ed., table 4.1).
_SEGMENTS: Final = (
    ("UpperArm", "LowerArm", 0.028, 0.436),
    ("LowerArm", "Hand", 0.016, 0.430),
    ("Hand", "Hand", 0.006, 0.0),
    ("UpperLeg", "LowerLeg", 0.100, 0.433),
    ("LowerLeg", "Foot", 0.0465, 0.433),
    ("Foot", "Toes", 0.0145, 0.5),
)
_TRUNK: Final = {"Hips": 0.142, "Spine": 0.139, "Chest": 0.216, "Head": 0.081}


def joint_masses() -> Float32:
    """Return the share of the body's mass (21,) that moves with each joint; they sum to one."""
    masses = np.zeros(JOINT_COUNT, dtype=np.float64)
    for name, share in _TRUNK.items():
        masses[JOINT_INDEX[name]] = share
    for side in _SIDES:
        for proximal, distal, share, centre in _SEGMENTS:
            masses[JOINT_INDEX[side + proximal]] += share * (1 - centre)
            masses[JOINT_INDEX[side + distal]] += share * centre
    return (masses / masses.sum()).astype(np.float32)


MASSES: Final = joint_masses()
LIMB_SHARE: Final = float(1 - MASSES[0])  # of the mass, what moves about the hips


def motion_weights(known: Bools) -> Float32:
    """Return weights (21, 4) of squared motion: of all joints about the hips, of the hips, of the left, of the right.

    known: (21,) bool, the joints that count. The first column sums to one where any joint counts; so do the sides.
    """
    weights = np.zeros((JOINT_COUNT, 4), dtype=np.float32)
    weights[1:, 0] = (MASSES * known)[1:]
    weights[0, 1] = 1.0
    for column, side in ((2, "Left"), (3, "Right")):
        joints = [JOINT_INDEX[side + name] for name in _LIMB_JOINTS]
        weights[joints, column] = (MASSES * known)[joints]
    total = weights.sum(axis=0)  # (4,)
    return weights / np.where(total > 0, total, 1.0).astype(np.float32)


def _bones() -> Float32:
    """Return the (20, 21) matrix that takes positions to bone vectors."""
    matrix = np.zeros((JOINT_COUNT - 1, JOINT_COUNT), dtype=np.float32)
    for row, (parent, child) in enumerate(BODY.edges):
        matrix[row, child], matrix[row, parent] = 1.0, -1.0
    return matrix


_BONES: Final = _bones()
_PARENT: Final = np.array([parent for parent, _ in BODY.edges])
_CHILD: Final = np.array([child for _, child in BODY.edges])
PARENTS: Final = np.array([parent for parent, _ in BODY.edges if parent > 0])
CHILDREN: Final = np.array([child for parent, child in BODY.edges if parent > 0])
_REST: Final = BODY.rest_positions.astype(np.float32)
_REST_LENGTHS: Final = np.linalg.norm(_BONES @ _REST, axis=1).astype(np.float32)


def stature_m(positions: Float32, known: Bools) -> float:
    """Return the height of a body by the sum of its bones between known joints; 0 where there are none."""
    both = known[_PARENT] & known[_CHILD]  # (20,)
    bones = _BONES @ positions  # (20, 3)
    lengths = np.sqrt(np.einsum("ij,ij->i", bones, bones))
    rest = float(_REST_LENGTHS @ both)
    return HEIGHT_M * float(lengths @ both) / rest if rest > 0 else 0.0


def _reach() -> Float32:
    """Return weights (21, 1) of the joints by which a body spreads out, hands first; their squares sum to one."""
    weights = np.zeros((JOINT_COUNT, 1), dtype=np.float32)
    weights[JOINT_INDEX["Head"]] = 0.10
    for side in _SIDES:
        for name, share in (("Hand", 0.22), ("LowerArm", 0.10), ("Foot", 0.08), ("LowerLeg", 0.05)):
            weights[JOINT_INDEX[side + name]] = share
    return np.sqrt(weights)


_REACH: Final = _reach()
_REACH_SHARES: Final = (_REACH * _REACH).ravel()


def spread(about_hips: Float32) -> float:
    """Return the root mean square distance of hands, elbows, feet, knees and head from their centre, in metres."""
    flat = (about_hips * _REACH).ravel()
    centre = _REACH_SHARES.dot(about_hips)  # (3,)
    return math.sqrt(max(float(flat.dot(flat)) - float(centre.dot(centre)), 0.0))


REST_SPREAD: Final = spread(_REST - _REST[0]) / HEIGHT_M


def _sides() -> Float32:
    """Return the (15, 21) matrix of left minus right (7 rows), left plus right (7), and the way to the left (1)."""
    matrix = np.zeros((2 * len(_LIMB_JOINTS) + 1, JOINT_COUNT), dtype=np.float32)
    for row, name in enumerate(_LIMB_JOINTS):
        left, right = JOINT_INDEX["Left" + name], JOINT_INDEX["Right" + name]
        matrix[row, left], matrix[row, right] = 1.0, -1.0
        matrix[row + len(_LIMB_JOINTS), [left, right]] = 1.0
    for name in ("UpperLeg", "UpperArm"):
        matrix[-1, JOINT_INDEX["Left" + name]], matrix[-1, JOINT_INDEX["Right" + name]] = 1.0, -1.0
    return matrix


_SIDE_ROWS: Final = _sides()
_PAIRS: Final = len(_LIMB_JOINTS)


def lopsidedness(about_hips: Float32) -> float:
    """Return how far the limbs are from the mirror image of each other, root mean square, in metres.

    The mirror stands upright in the body, through the hips, across the way from right to left hips and shoulders.
    """
    rows = _SIDE_ROWS.dot(about_hips)  # (15, 3)
    axis = rows[-1]
    length = math.sqrt(float(axis.dot(axis)))
    if length < 1e-6:
        return 0.0
    apart = rows[:_PAIRS].ravel()  # (21,)
    across = rows[:-1].dot(axis / length)  # (14,)
    along, off = across[:_PAIRS], across[_PAIRS:]
    squares = float(apart.dot(apart)) - float(along.dot(along)) + float(off.dot(off))
    return math.sqrt(max(squares, 0.0) / _PAIRS)


def lean_rad(about_hips: Float32) -> float:
    """Return the angle between the trunk and the vertical; 0 for a body whose neck is where its hips are."""
    x, y, z = about_hips[JOINT_INDEX["Neck"]].tolist()
    return math.atan2(math.hypot(x, z), y) if x or y or z else 0.0
