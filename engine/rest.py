"""Understand the pose that a source calls rest: which way is up, where it faces, its handedness and its unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from . import kinematics, quaternion
from .axes import AXES, Axes, axis_name, axis_vector
from .body import BODY, HEIGHT_M, JOINT_COUNT, JOINT_INDEX
from .quaternion import Floats
from .skeleton import Float64, Skeleton
from .stature import size_of, unit_of
from .tables import SIDES, Blend, Table

_J: Final = JOINT_INDEX
_SNAP: Final = np.cos(np.radians(20.0))  # rest poses are drawn along the axes; what is nearer than this was meant so

# The customary axes for each way up, right-handed, where nothing tells whither the rest pose faces.
CUSTOMARY: Final[dict[str, Axes]] = {
    "y": AXES["house"],
    "z": AXES["blender"],
    "x": Axes("z", "x", "y"),
    "-y": Axes("x", "-y", "-z"),
    "-z": Axes("x", "-z", "y"),
    "-x": Axes("-z", "-x", "y"),
}


@dataclass(frozen=True)
class Rest:
    """Tell how the source's axes and unit were understood.

    to_house: (3, 3) orthonormal, p_house = unit_m * to_house @ p; its determinant is -1 where the source is mirrored.
    upright: (3, 3) the same for the rest pose alone, which some files turn by the root's rotation; None where the rest
    pose is not that of a standing person. unit_m: metres per unit of the source. stature_m: the person's estimated
    height, 0 when unknown. notes: what was guessed and why.
    """

    to_house: Float64
    upright: Float64 | None
    unit_m: float
    stature_m: float
    notes: tuple[str, ...]

    @property
    def scale(self) -> float:
        """Return the person's size as a share of the body's, 1 when unknown."""
        return self.stature_m / HEIGHT_M if self.stature_m > 0 else 1.0


def body_points(
    blends: Sequence[Blend], points: Floats, tips: Mapping[int, Float64] | None = None, rotations: Floats | None = None
) -> Float64:
    """Blend source points (..., J, 3) to body joints (..., 21, 3); NaN where the source has none.

    tips: body joint -> (3,) offset of a bone's end from the source joint that carries it, which is that of the body
    joint's parent and whose global rotation is in rotations (..., J, 4).
    """
    out = np.full((*points.shape[:-2], JOINT_COUNT, 3), np.nan)
    for joint, blend in enumerate(blends):
        if blend:
            out[..., joint, :] = sum(weight * points[..., source, :] for source, weight in blend)
    for joint, offset in (tips or {}).items():
        source = blends[BODY.parents[joint]][0][0]
        if rotations is not None:
            out[..., joint, :] = points[..., source, :] + quaternion.rotate(rotations[..., source, :], offset)
    return out


def understand(
    skeleton: Skeleton,
    blends: Sequence[Blend],
    table: Table | None,
    rest: Float64,
    frames: Float64 | None,
    *,
    up: str | None,
    unit_m: float | None,
) -> Rest:
    """Work out axes and unit from body points at rest (21, 3), in the first frames (T, 21, 3), and from the table."""
    seen = frames if frames is not None else rest[None]
    notes: list[str] = [] if up is None else [f"up is {up} as told"]
    upright = _upright(rest, notes) if is_standing(rest) else None
    to_house = _to_house(upright, table, frames, up, notes)
    trusted = upright is None and table is not None and table.axes is not None
    if not trusted and is_mirrored((rest[None] if _has_toes(rest, upright) else seen) @ to_house.T):
        notes.append("feet or knees are back to front: the source is left-handed and was mirrored")
        to_house, upright = _mirror(to_house), None if upright is None else _mirror(upright)
    size = size_of(skeleton, blends, seen)
    unit, note = unit_of(size, table, unit_m)
    return Rest(to_house, upright, unit, size * unit * HEIGHT_M, (*notes, note))


def _mirror(matrix: Float64) -> Float64:
    """Turn forward to where backward was and leave left and up: the other handedness."""
    return matrix * np.array([[1.0], [1.0], [-1.0]])


def _has_toes(rest: Float64, upright: Float64 | None) -> bool:
    """Tell whether the rest pose shows by its toes where it faces."""
    return upright is not None and _toes_point((rest @ upright.T)[None]) != 0


def is_standing(points: Float64) -> bool:
    """Tell whether body points (21, 3) stand as a person does: head and legs opposite, legs straight."""
    legs = [points[[_J[side + part] for part in ("UpperLeg", "LowerLeg", "Foot")]] for side in SIDES]
    tips = [tip for leg in legs for tip in leg[~np.isnan(leg).any(axis=1)][-1:]]
    hips, top = points[0], _top(points)
    if not tips or top is None:
        return False
    rise, falls = top - hips, [tip - hips for tip in tips]
    if any(_cosine(rise, fall) > -0.7 for fall in falls):
        return False
    return not any(_cosine(leg[1] - leg[0], leg[2] - leg[1]) < 0.5 for leg in legs if np.isfinite(leg).all())


def _top(points: Float64) -> Float64 | None:
    """Return the highest part of the trunk that is known."""
    known = (points[_J[joint]] for joint in ("Head", "Neck", "Chest", "Spine"))
    return next((point for point in known if np.isfinite(point).all()), None)


def _cosine(a: Float64, b: Float64) -> float:
    """Return the cosine of the angle between two vectors, 0 when one has no length."""
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths > 0 else 0.0


def _upright(points: Float64, notes: list[str]) -> Float64:
    """Return the (3, 3) matrix that brings a standing pose to the house: left, up and forward as its rows."""
    top = _top(points)
    feet = points[[_J[side + part] for side in SIDES for part in ("LowerLeg", "Foot")]]
    low = feet[np.isfinite(feet).all(axis=1)].mean(axis=0)
    up = axis_vector(axis_name((points[0] if top is None else top) - low))
    left = _left(points, up)
    if left is None:
        notes.append("nothing tells left from right in the rest pose: the customary axes were taken")
        return CUSTOMARY[axis_name(up)].matrix
    return np.stack((left, up, np.cross(left, up)))


def _left(points: Float64, up: Float64) -> Float64 | None:
    """Return the unit vector to the person's left, level with the ground; None when no pair of joints tells."""
    parts = ("UpperLeg", "LowerLeg", "UpperArm", "LowerArm")
    known: Float64 = np.where(np.isnan(points), points[0], points)  # a joint that is lacking pulls to neither side
    lefts, rights = (known[[_J[side + part] for part in parts]].sum(axis=0) for side in SIDES)
    across: Float64 = lefts - rights
    across = across - (across @ up) * up
    length = float(np.linalg.norm(across))
    if length < 1e-6 * float(np.nanmax(np.abs(points - points[0]))):
        return None
    snapped = axis_vector(axis_name(across))
    return snapped if snapped @ across > _SNAP * length else across / length


def _to_house(
    upright: Float64 | None, table: Table | None, frames: Float64 | None, up: str | None, notes: list[str]
) -> Float64:
    """Return the (3, 3) matrix of the source's world: the rest pose's, unless table, frames or user know better."""
    if up is not None:
        told = axis_vector(up)
        return upright if upright is not None and np.allclose(upright[1], told) else CUSTOMARY[axis_name(told)].matrix
    if upright is not None:
        turned = _turned_up(upright[1], frames, notes)
        return upright if turned is None else CUSTOMARY[turned].matrix
    if table is not None and table.axes is not None:
        notes.append(f"axes are those of {table.name}")
        return table.axes.matrix
    if frames is None:
        notes.append("neither rest pose nor frames tell the axes: taken as y up, facing z")
        return AXES["house"].matrix
    turned = axis_name(_trunks(frames))
    notes.append(f"the rest pose is no standing person: axes and rotations by the frames, up is {turned}")
    return CUSTOMARY[turned].matrix


def is_mirrored(house: Float64) -> bool:
    """Tell whether toes, or else knees, of body points (T, 21, 3) with y up point to where the back is."""
    toes = _toes_point(house)
    return toes < -0.25 or (toes == 0 and _median(kinematics.knee_bend(house)) < -0.02)


def _toes_point(house: Float64) -> float:
    """Return how far the toes of (T, 21, 3) point to where the hips face: 1 fully, -1 backward, 0 unknown."""
    forward = kinematics.hips_axes(house)[..., 2]  # (T, 3)
    feet = [_J[f"{side}Foot"] for side in SIDES]
    bones = house[:, [foot + 1 for foot in feet]] - house[:, feet]  # (T, 2, 3)
    shares = np.sum(bones * forward[:, None], axis=-1) / np.maximum(np.linalg.norm(bones, axis=-1), 1e-9)
    return _median(shares)


def _median(values: Floats) -> float:
    """Return the median of the finite values, 0 when there is none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else 0.0


def _trunks(frames: Float64) -> Float64:
    """Return the mean direction (3,) from hips to head or neck over frames (T, 21, 3)."""
    trunks = np.concatenate([frames[:, _J[top]] - frames[:, 0] for top in ("Head", "Neck")])
    known = trunks[np.isfinite(trunks).all(axis=1)]
    trunk = known.mean(axis=0) if len(known) else np.zeros(3)
    return trunk / max(float(np.linalg.norm(trunk)), 1e-9)


def _turned_up(up: Float64, frames: Float64 | None, notes: list[str]) -> str | None:
    """Return the axis that is up in the frames where it is another than in the rest pose, None where it is the same.

    A person who lies down looks alike, so that the feet must also stand on the zero of the other axis.
    """
    if frames is None or (trunk := _trunks(frames)) @ up > 0.3:
        return None
    other = axis_name(trunk)
    feet = frames[:, [_J["LeftFoot"], _J["RightFoot"]]] @ axis_vector(other)  # (T, 2)
    low = float(np.min(feet[np.isfinite(feet)], initial=np.inf))
    leg = _median(np.linalg.norm(frames[:, _J["LeftUpperLeg"]] - frames[:, _J["LeftFoot"]], axis=-1))
    if trunk @ axis_vector(other) > 0.8 and abs(low) < 0.3 * leg:
        notes.append(f"up is {other} in the frames though {axis_name(up)} in the rest pose")
        return other
    notes.append("the first frames do not stand upright")
    return None
