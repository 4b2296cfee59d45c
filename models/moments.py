"""Moments that fade: exponentially decayed means, exact from the first frame on, the same batched or one by one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .base import State

_CHUNK = 64


def decayed_sums(values: Tensor, keep: Tensor, start: Tensor) -> Tensor:
    """Return s_t = keep * s_{t-1} + v_t for values (N, T, U), M memories keep (M,), start (N, M, U): (N, T, M, U).

    Done in blocks, each one triangular product: exact, and quick for long sequences.
    """
    blocks: list[Tensor] = []
    for first in range(0, values.shape[1], _CHUNK):
        block = values[:, first : first + _CHUNK]
        t = torch.arange(block.shape[1], device=values.device)
        lags = (t[:, None] - t[None, :]).clamp(min=0)  # (T, T)
        weights = keep[:, None, None] ** lags * (t[:, None] >= t[None, :])  # (M, T, T)
        carried = keep[None, None, :, None] ** (t + 1)[None, :, None, None] * start[:, None]  # (N, T, M, U)
        sums = carried + torch.einsum("mts,nsu->ntmu", weights, block)
        start = sums[:, -1]
        blocks.append(sums)
    return torch.cat(blocks, dim=1)


class DecayedMoments(nn.Module):
    """Keep, for each of U observations and M memories, the decayed mean of the valid ones.

    memories: time constants in frames. prior (U,), set by training, counts as prior_frames frames that never fade: the
    answer before any evidence, and for what a source cannot see.
    """

    prior: Tensor
    keep: Tensor

    def __init__(self, count: int, memories: tuple[float, ...], prior_frames: float) -> None:
        super().__init__()
        self.count = count
        self.prior_frames = prior_frames
        self.register_buffer("prior", torch.zeros(count, dtype=torch.float64))
        self.register_buffer("keep", torch.exp(-1.0 / torch.tensor(memories, dtype=torch.float64)), persistent=False)

    def start(self, n: int) -> State:
        """Return empty sums and weights of n streams, each (N, M, U)."""
        shape = (n, len(self.keep), self.count)
        return torch.zeros(shape, dtype=torch.float64), torch.zeros(shape, dtype=torch.float64)

    def forward(self, observed: Tensor, valid: Tensor) -> Tensor:
        """Map observations (N, T, U) with flags (N, T, U) to moments (N, T, M, U)."""
        empty, _ = self.start(observed.shape[0])
        sums = decayed_sums(observed * valid, self.keep, empty)
        weights = decayed_sums(valid, self.keep, empty)
        return self._means(sums, weights)

    def step(self, observed: Tensor, valid: Tensor, state: State) -> tuple[Tensor, State]:
        """Map one observation (N, U) with flags (N, U) to moments (N, M, U) and the next state."""
        sums, weights = state
        sums = sums * self.keep[:, None] + (observed * valid)[:, None]
        weights = weights * self.keep[:, None] + valid[:, None]
        return self._means(sums, weights), (sums, weights)

    def _means(self, sums: Tensor, weights: Tensor) -> Tensor:
        return (sums + self.prior_frames * self.prior) / (weights + self.prior_frames)
