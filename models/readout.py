"""The last step of each branch: standardise, flatten what lies far out, and weigh."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Readout(nn.Module):
    """Map features (..., F) to logits (..., K): weight @ squash((f - mean) * scale) + bias, in float64.

    squash: deviations beyond about this many are all alike, so that no single feature can carry an answer.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, count: int, outputs: int, squash: float) -> None:
        super().__init__()
        self.limit = squash
        self.register_buffer("mean", torch.zeros(count, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(count, dtype=torch.float64))
        self.head = nn.Linear(count, outputs, dtype=torch.float64)

    def standard(self, features: Tensor) -> Tensor:
        """Return features (..., F) as deviations from the mean."""
        return (features - self.mean) * self.scale

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (..., K) of features (..., F)."""
        return self.read(self.standard(features))

    def read(self, standard: Tensor) -> Tensor:
        """Return logits (..., K) of deviations (..., F)."""
        return self.head.forward(self.flat(standard))

    def flat(self, standard: Tensor) -> Tensor:
        """Return deviations (..., F) with what lies far out flattened."""
        return torch.tanh(standard / self.limit) * self.limit
