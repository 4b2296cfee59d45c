"""A causal spatio-temporal graph network, frame by frame or a sequence at once.

Yan, Xiong and Lin, Spatial Temporal Graph Convolutional Networks, 2018, made causal by looking only back (left
padding), and small: depth-wise temporal filters, residual gains (De and Smith, SkipInit, 2020) in place of batch
normalisation, so that nothing depends on a batch. All temporal distances are multiples of STRIDE: run on every
STRIDE-th frame with the distances divided, it is the same function at half the cost, which is how it is trained.
"""

from __future__ import annotations

import itertools
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .base import State
from .graph import FRAME_SIZE, JOINTS, PARENTS, adjacency, body_parts, by_joint
from .moments import DecayedMoments

STRIDE = 2
_LEAST_VARIANCE = 1e-4
_J = len(JOINTS)
INPUTS = (
    3 + 3 + 1
)  # position, velocity, known-flag; how the root travels is left to the features: it tells the activity


class CausalBlock(nn.Module):
    """Mix over the bones, then over the last frames: (N, T, J, C) -> (N, T, J, C_out).

    taps: frames that the temporal filter sees, distance apart.
    """

    adjacency: Tensor

    def __init__(self, channels: int, channels_out: int, distance: int, taps: int = 5) -> None:
        super().__init__()
        self.distance, self.taps = distance, taps
        self.register_buffer("adjacency", adjacency(PARENTS).permute(1, 2, 0).flatten(1), persistent=False)
        self.edges = nn.Parameter(torch.ones(_J, _J * 3))
        self.mix = nn.Linear(channels, 3 * channels_out, bias=False)
        self.place = nn.Parameter(torch.randn(_J, channels_out) * 0.1)
        self.filter = nn.Parameter(torch.randn(taps, channels_out) / taps**0.5)
        self.bias = nn.Parameter(torch.zeros(channels_out))
        self.gain = nn.Parameter(torch.full((1,), 0.5))
        self.skip = nn.Linear(channels, channels_out, bias=False) if channels != channels_out else nn.Identity()

    @property
    def history(self) -> int:
        """Return how many earlier frames the temporal filter reaches back."""
        return (self.taps - 1) * self.distance

    def spatial(self, x: Tensor) -> Tensor:
        """Mix the channels (..., J, C) once for each kind of neighbour and gather these: (..., J, C_out)."""
        mixed = self.mix.forward(x).reshape(*x.shape[:-2], _J * 3, -1)  # (..., J, 3 C_out) -> (..., J * 3, C_out)
        return functional.relu((self.adjacency * self.edges) @ mixed + self.place)

    def temporal(self, past: list[Tensor], x: Tensor) -> Tensor:
        """Combine the taps, oldest first, with the residual of x."""
        total = self.bias.expand_as(past[-1])
        for weight, each in zip(self.filter.unbind(), past, strict=True):
            total = torch.addcmul(total, each, weight)
        return functional.relu(self.skip(x) + self.gain * total)

    def forward(self, x: Tensor, stride: int = 1) -> Tensor:
        """Map (N, T, J, C) to (N, T, J, C_out), causally; stride tells how many frames one step of T is."""
        t = x.shape[1]
        padded = functional.pad(self.spatial(x), (0, 0, 0, 0, self.history // stride, 0))  # (N, history + T, J, C_out)
        past = [padded[:, k * self.distance // stride :][:, :t] for k in range(self.taps)]
        return self.temporal(past, x)

    def step(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """Map one frame (N, J, C), with past (N, history, J, C_out), to (N, J, C_out) and the next past."""
        frames = torch.cat((past, self.spatial(x)[:, None]), dim=1)
        return self.temporal([frames[:, k * self.distance] for k in range(self.taps)], x), frames[:, 1:]


class Stgcn(nn.Module):
    """Map frames (N, T, 90) to F pooled features a frame: graph blocks, means over body parts, fading moments.

    channels: of each block. memory_frames: time constant of the moments. prior_frames: what their prior weighs.
    """

    mean: Tensor
    scale: Tensor
    parts: Tensor

    def __init__(self, channels: tuple[int, ...], memory_frames: float, prior_frames: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(_J, INPUTS))
        self.register_buffer("scale", torch.ones(_J, INPUTS))
        self.register_buffer("parts", body_parts(JOINTS), persistent=False)
        pairs = itertools.pairwise((INPUTS, *channels))
        self.blocks = nn.ModuleList(CausalBlock(a, b, STRIDE * 2**i) for i, (a, b) in enumerate(pairs))
        self.pooled = len(self.parts) * channels[-1]
        self.moments = DecayedMoments(2 * self.pooled, (memory_frames,), prior_frames)
        self.feature_count = 2 * self.pooled

    @property
    def chain(self) -> list[CausalBlock]:
        """List the blocks in order."""
        return cast("list[CausalBlock]", list(self.blocks))

    def joints(self, now: Tensor, before: Tensor) -> Tensor:
        """Lay frames (..., 90), now and STRIDE frames before, out by joints: (..., J, 7), standardised."""
        place, flag = by_joint(now[..., : _J * 3], 3), now[..., _J * 3 : _J * 4, None]
        seen = flag * before[..., _J * 3 : _J * 4, None]
        velocity = (place - by_joint(before[..., : _J * 3], 3)) * seen
        x = (torch.cat((place, velocity, flag), dim=-1) - self.mean) * self.scale
        return x * flag  # an unseen joint says nothing

    def embed(self, x: Tensor, stride: int = 1) -> Tensor:
        """Return the pooled channels (N, T, parts * C) of each frame, before any memory."""
        before = functional.pad(x, (0, 0, STRIDE // stride, 0))[:, : x.shape[1]]
        y = self.joints(x, before)  # (N, T, J, 7)
        for block in self.chain:
            y = block.forward(y, stride)
        return self.pool(y)

    def pool(self, y: Tensor) -> Tensor:
        """Average the channels of each part of the body: (..., J, C) -> (..., parts * C)."""
        return (self.parts @ y).flatten(-2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, T, 90) to features (N, T, F)."""
        observed = self.observe(self.embed(x))
        return self.finish(self.moments.forward(observed, torch.ones_like(observed)))

    def observe(self, pooled: Tensor) -> Tensor:
        """Return pooled channels and their squares (..., F), in float64."""
        wide = pooled.double()
        return torch.cat((wide, wide * wide), dim=-1)

    def finish(self, moments: Tensor) -> Tensor:
        """Turn moments (..., 1, F) into means and log deviations (..., F)."""
        mean, square = moments[..., 0, : self.pooled], moments[..., 0, self.pooled :]
        deviation = torch.log((square - mean * mean).clamp(min=0.0) + _LEAST_VARIANCE) * 0.5
        return torch.cat((mean, deviation), dim=-1)

    def start(self, n: int) -> State:
        """Return empty histories and empty moments of n streams."""
        pasts = [torch.zeros(n, block.history, _J, len(block.bias)) for block in self.chain]
        return torch.zeros(n, STRIDE, FRAME_SIZE), *pasts, *self.moments.start(n)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Map one frame (N, 90) to features (N, F) and the next state."""
        frames, *pasts = state[:-2]
        y = self.joints(x, frames[:, 0])
        after: list[Tensor] = [torch.cat((frames[:, 1:], x[:, None]), dim=1)]
        for block, past in zip(self.chain, pasts, strict=True):
            y, next_past = block.step(y, past)
            after.append(next_past)
        observed = self.observe(self.pool(y))
        moments, sums = self.moments.step(observed, torch.ones_like(observed), state[-2:])
        return self.finish(moments), (*after, *sums)
