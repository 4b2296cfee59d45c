"""Finish a body of which a source tells only some joints: the others rest beside their parents with confidence 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..engine import quaternion
from ..engine.body import BODY
from ..engine.skeleton import Float32


def fill_lacking(positions: Float32, turned: Float32) -> tuple[Float32, Float32, Float32]:
    """Return positions (21, 3), global rotations (21, 4) and confidence (21,) with nothing left NaN.

    Where a position is NaN the joint is placed as at rest from its parent, with the body's proportions, and has
    confidence 0; where a rotation is NaN the joint turns with its parent. The hips' position must be known.
    """
    known: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(positions), axis=1)  # (21,)
    confidence = known.astype(np.float32)
    if known.all() and np.isfinite(turned).all():
        return positions, turned, confidence
    positions, turned = positions.copy(), turned.copy()
    sound: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(turned), axis=1)  # (21,)
    for joint, parent in enumerate(BODY.parents):
        if not sound[joint]:
            turned[joint] = turned[parent] if parent >= 0 else quaternion.IDENTITY
        if not known[joint]:
            positions[joint] = positions[parent] + quaternion.rotate(turned[parent], BODY.offsets[joint])
    return positions, turned, confidence
