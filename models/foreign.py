"""A body unlike those learnt from: told by its proportions and read by its speeds alone.

Another skeleton puts its joints elsewhere, so that every posture is off by more than any mood would carry it, and an
answer that weighs postures is always the same. What remains alike from one laboratory to the next is how fast, how
suddenly and how unevenly the parts of a body move.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .feature_table import feature_table
from .features import MotionFeatures


def posture_columns(features: MotionFeatures) -> list[int]:
    """Return which features are the mean posture over the longest memory, the same on either side."""
    last = features.feature_count - features.feature_count // len(features.moments.keep)
    return [last + at for at in range(len(feature_table().even))]


def movement_columns(features: MotionFeatures) -> list[int]:
    """Return which features tell of speed, acceleration and jerk of the parts of the body, the root's own left out."""
    static, kinetic = features.static_count, features.kinetic_count
    count = 2 * static + 3 * kinetic
    starts = [memory * count + 2 * static + power * kinetic for memory in range(len(features.moments.keep))
              for power in range(3)]  # fmt: skip
    return [start + at for start in starts for at in range(kinetic - 4)]


class ForeignBody(nn.Module):
    """Read squashed deviations (..., F) of the features: logits (..., K) from movement, and how foreign the body is.

    centre, axes: (P,), (P, P) that make known postures white. bounds: mean square of white postures (2,) up to which
    the body is a known one, and from which it is wholly foreign. Untrained, no body is.
    """

    posture: Tensor
    movement: Tensor
    centre: Tensor
    axes: Tensor
    bounds: Tensor

    def __init__(self, features: MotionFeatures, outputs: int) -> None:
        super().__init__()
        posture, movement = posture_columns(features), movement_columns(features)
        self.register_buffer("posture", torch.tensor(posture), persistent=False)
        self.register_buffer("movement", torch.tensor(movement), persistent=False)
        self.register_buffer("centre", torch.zeros(len(posture), dtype=torch.float64))
        self.register_buffer("axes", torch.eye(len(posture), dtype=torch.float64))
        self.register_buffer("bounds", torch.tensor([1e6, 2e6], dtype=torch.float64))
        self.head = nn.Linear(len(movement), outputs, dtype=torch.float64)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def share(self, flat: Tensor) -> Tensor:
        """Return how foreign the body is (..., 1): 0 as those learnt from, 1 wholly."""
        white = (flat.index_select(-1, self.posture) - self.centre) @ self.axes
        apart = white.square().mean(dim=-1, keepdim=True)
        way = ((apart - self.bounds[0]) / (self.bounds[1] - self.bounds[0])).clamp(0.0, 1.0)
        return way * way * (3.0 - 2.0 * way)

    def forward(self, flat: Tensor) -> Tensor:
        """Return the logits (..., K) of the movement."""
        return self.head.forward(flat.index_select(-1, self.movement))
