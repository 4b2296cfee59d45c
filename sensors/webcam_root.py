"""Where in the room the hips are, estimated: a camera's landmarks are about the hips and tell nothing of it."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from ..engine.body import BODY, JOINT_INDEX
from ..engine.one_euro import OneEuro, Smoothing
from ..engine.skeleton import Float32
from .sighting import Person
from .webcam_body import SEEN_FROM

_SOLE_M: Final = float(BODY.rest_positions[JOINT_INDEX["LeftToes"], 1])  # toes stand so high above the floor
_HIPS_M: Final = float(BODY.rest_positions[0, 1])  # of a standing person whose feet were never seen
_FEET: Final = np.array([JOINT_INDEX[f"{side}{part}"] for side in ("Left", "Right") for part in ("Foot", "Toes")])
_TRUNK: Final = np.arange(11, 29)  # landmarks from the shoulders to the ankles
_STEADY: Final = Smoothing(0.7, 0.6)  # depth from size is coarse: a percent of size is three centimetres


class RootEstimator:
    """Place a person in the room, in house metres, the first place seen being x = z = 0.

    Sideways and in depth by weak perspective: the scale that best lays the world landmarks over the image landmarks
    says how far away the body is, the middle of the hips in the image says where. Up and down by ground contact: the
    lowest foot that is seen stands on the floor. So a jump is not seen, and depth is coarse.

    fov_deg: the camera's horizontal field of view.
    """

    def __init__(self, fov_deg: float) -> None:
        self._focal = 0.5 / math.tan(math.radians(fov_deg) / 2)  # in widths of the picture
        self._filter = OneEuro(_STEADY)
        self.reset()

    def reset(self) -> None:
        """Forget the performer and the room."""
        self._filter.reset()
        self._origin: Float32 | None = None
        self._place = np.zeros(3, dtype=np.float32)
        self._height_m = _HIPS_M

    def step(
        self, person: Person, positions: Float32, confidence: Float32, size: tuple[int, int], t_ns: int
    ) -> Float32:
        """Return the place (3,) of the hips of a body (21, 3) that is about them, in a picture of that size."""
        seen = weak_perspective(person)
        if seen is not None:
            scale, middle = seen
            focal = self._focal * max(size)
            away = np.array([(middle[0] - size[0] / 2) / scale, 0.0, -focal / scale], dtype=np.float32)
            self._origin = away if self._origin is None else self._origin
            self._place = away - self._origin
        feet = _FEET[confidence[_FEET] > 0]
        if feet.size:
            self._height_m = _SOLE_M - float(positions[feet, 1].min())
        place = np.array([self._place[0], self._height_m, self._place[2]], dtype=np.float32)
        return self._filter.step(place[None], t_ns)[0]


def weak_perspective(person: Person) -> tuple[float, Float32] | None:
    """Return pixels a metre and the pixel (2,) of the hips' middle, by least squares over the trunk and limbs seen.

    None where fewer than four landmarks are seen or they span nothing.
    """
    weight = np.where(person.world[_TRUNK, 3] >= SEEN_FROM, person.world[_TRUNK, 3], 0.0)  # (18,)
    world, image = person.world[_TRUNK, :2], person.image[_TRUNK]
    fine = np.isfinite(world).all(axis=1) & np.isfinite(image).all(axis=1) & (weight > 0)
    if fine.sum() < 4:
        return None
    weight, world, image = weight[fine, None], world[fine], image[fine]
    middle_world, middle_image = (weight * world).sum(0) / weight.sum(), (weight * image).sum(0) / weight.sum()
    around = world - middle_world
    spread = float((weight * around * around).sum())
    scale = float((weight * around * (image - middle_image)).sum()) / spread if spread > 1e-4 else 0.0
    if scale <= 1.0:  # a metre in one pixel is no person
        return None
    return scale, (middle_image - scale * middle_world).astype(np.float32)
