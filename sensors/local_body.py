"""Place the body where a source tells rotations only: its bones are assumed, those of a neutral person of a height."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..engine.body import BODY, HEIGHT_M
from ..engine.forward import place_few
from ..engine.quaternion import IDENTITY
from ..engine.skeleton import Float32, Skeleton

SHORTEST_M: Final = 0.5
TALLEST_M: Final = 2.5
_NOTHING: Final = 1e-6
_IDENTITY: Final = IDENTITY.astype(np.float32)


class LocalBody:
    """Know the assumed bones: those of engine.body, scaled to height_m."""

    def __init__(self, height_m: float = HEIGHT_M) -> None:
        self.height_m = height_m
        self.scale = height_m / HEIGHT_M
        self.skeleton = Skeleton(BODY.names, BODY.parents, BODY.offsets * self.scale)
        self._offsets = self.skeleton.offsets.astype(np.float32)[None]  # (1, 21, 3)

    @property
    def hips_m(self) -> float:
        """Return how high the hips are at rest, in metres."""
        return float(self.skeleton.offsets[0, 1])

    def place(self, local: Float32, hips: Float32, bones: Float32 | None = None) -> Float32:
        """Return positions (21, 3) of local rotations (21, 4), the hips at (3,) metres.

        bones: (21, 3) offsets from the parents that are told; where NaN, the assumed one.
        """
        offsets = self._offsets.copy()
        if bones is not None:
            told = np.isfinite(bones[:, 0])
            offsets[0, told] = bones[told]
        offsets[0, 0] = hips
        return place_few(BODY.parents, offsets, local[None])[0][0]

    def note(self) -> str:
        """Say what is assumed."""
        return f"bone lengths are not told: those of a neutral person of {self.height_m:.2f} m are assumed (height=)"


def unit(q: Float32) -> tuple[Float32, Float32]:
    """Scale quaternions (N, 4) to unit length; return them, one of no length as the identity, and which had any."""
    length = np.sqrt((q * q).sum(axis=-1))
    known = length > _NOTHING
    scaled = q / np.maximum(length, _NOTHING)[:, None]
    return (scaled if known.all() else np.where(known[:, None], scaled, _IDENTITY)), known
