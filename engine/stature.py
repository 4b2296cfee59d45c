"""Tell how large a source's person is, and by that the unit the source counts in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from .axes import guess_unit
from .body import BODY, HEIGHT_M, JOINT_INDEX
from .shape import path_lengths
from .skeleton import Float64, Skeleton
from .tables import SIDES, Blend, Table

_SPANS: Final = (
    *((f"{side}{a}", f"{side}{b}") for side in SIDES for a, b in (("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot"))),
    ("Hips", "Neck"),
)
_SPARE_SPANS: Final = (("Hips", "Head"), ("LeftUpperArm", "LeftLowerArm"), ("LeftLowerArm", "LeftHand"))


def size_of(skeleton: Skeleton, blends: Sequence[Blend], frames: Float64) -> float:
    """Return the source's size: how many of its units make up what is one metre on the body; 0 when nothing tells."""
    lengths = path_lengths(skeleton)
    for spans in (_SPANS, _SPARE_SPANS):
        ours = theirs = 0.0
        for a, b in spans:
            span = _span(skeleton, lengths, blends, frames, JOINT_INDEX[a], JOINT_INDEX[b])
            if span > 0:
                theirs += span
                ours += float(np.linalg.norm(BODY.rest_positions[JOINT_INDEX[b]] - BODY.rest_positions[JOINT_INDEX[a]]))
        if ours > 0:
            return theirs / ours
    return 0.0


def _span(skeleton: Skeleton, lengths: list[float], blends: Sequence[Blend], frames: Float64, a: int, b: int) -> float:
    """Return the way between two body joints: along the bones where one hangs from the other, else as seen."""
    if len(blends[a]) == 1 and len(blends[b]) == 1:
        top, joint = blends[a][0][0], blends[b][0][0]
        way = lengths[joint] - lengths[top]
        while joint >= 0 and joint != top:
            joint = skeleton.parents[joint]
        if joint == top and way > 0:
            return way
    seen = np.linalg.norm(frames[:, b] - frames[:, a], axis=-1)
    seen = seen[np.isfinite(seen)]
    return float(np.median(seen)) if seen.size else 0.0


def unit_of(size: float, table: Table | None, unit_m: float | None) -> tuple[float, str]:
    """Return the unit in metres and a note: as told, as the table knows, as a person's stature tells, or normalised."""
    stature = size * HEIGHT_M
    if unit_m is not None:
        return unit_m, f"unit is {unit_m:g} m as told"
    if size <= 0:
        unit = table.unit_m if table is not None and table.unit_m else 1.0
        return unit, f"unit is {unit:g} m; no bone tells otherwise"
    known = table.unit_m if table is not None else None
    if known is not None and guess_unit(stature * known) == ("metres", 1.0):
        return (
            known,
            f"unit is {known:.4g} m as {table.name if table else ''} has it: a person of {stature * known:.2f} m",
        )
    guess = guess_unit(stature)
    if guess is not None:
        name, unit = guess
        return unit, f"unit is {name}: a person of {stature * unit:.2f} m"
    return 1.0 / size, f"no unit fits {stature:.3g} units of stature: scaled to a person of {HEIGHT_M:.2f} m"
