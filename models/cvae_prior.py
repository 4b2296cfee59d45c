"""What movements there are, emotion by emotion: a flow from noise to the latents of the autoencoder.

ACTOR and its followers draw latents from one normal (or one an emotion), most of whose points no movement ever had.
Flow matching (Lipman et al., ICLR 2023; rectified: Liu et al., ICLR 2023) learns the velocity that carries noise to
latents along straight lines; its field of each emotion can be mixed with others (blends), and gone along more or less
than fully (intensity), as classifier-free guidance does (Ho and Salimans, 2022).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

STEPS = 12
_CLOCKS = 16


class LatentPrior(nn.Module):
    """Give the velocity (N, D) at points (N, D), times (N,) in 0..1 and conditions (N, C) that sum to 1, or are 0."""

    mean: Tensor
    scale: Tensor

    def __init__(self, latent: int, conditions: int, width: int = 512) -> None:
        super().__init__()
        self.latent = latent
        self.register_buffer("mean", torch.zeros(latent))
        self.register_buffer("scale", torch.ones(latent))
        self.into = nn.Linear(latent + 2 * _CLOCKS, width)
        self.told = nn.Linear(conditions, width, bias=False)
        self.middle = nn.ModuleList([_Block(width) for _ in range(3)])
        self.out = nn.Linear(width, latent)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """Return the velocities (N, D)."""
        waves = t[:, None] * torch.arange(1, _CLOCKS + 1) * torch.pi
        told = self.told(condition)
        y = self.into(torch.cat((x, waves.sin(), waves.cos()), dim=1))
        for block in self.middle:
            y = block(y, told)
        return self.out(y)

    def loss(self, latents: Tensor, condition: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the squared error of the velocity between noise and latents (N, D), each number weighed (D,)."""
        wanted = (latents - self.mean) / self.scale
        noise = torch.randn_like(wanted)
        t = torch.rand(len(wanted))
        at = torch.lerp(noise, wanted, t[:, None])
        errors = (self(at, t, condition) - (wanted - noise)).square()
        return errors.mean() if weights is None else (errors * weights).mean()

    def draw(
        self,
        start: Tensor,
        condition: Tensor,
        neutral: Tensor,
        intensity: Tensor,
        begin: float = 0.0,
        steps: int = STEPS,
    ) -> Tensor:
        """Carry points (N, D) of the time begin, noise at 0, to latents (N, D).

        condition, neutral: (N, C). intensity: (N,): 0 goes with the field of neutral, 1 with that of the condition,
        between and beyond in proportion. Heun's steps, each the mean of two velocities.
        """
        x, step = start, (1.0 - begin) / steps

        def field(at: Tensor, t: float) -> Tensor:
            time = torch.full((len(at),), t)
            fields = self(at.repeat(2, 1), time.repeat(2), torch.cat((neutral, condition)))
            low, high = fields.chunk(2)
            return low + intensity[:, None] * (high - low)

        for i in range(steps):
            first = field(x, begin + i * step)
            second = field(x + step * first, min(begin + (i + 1) * step, 1.0))
            x = x + 0.5 * step * (first + second)
        return x * self.scale + self.mean

    def mixed(self, noise: Tensor, latents: Tensor, begin: float) -> Tensor:
        """Return the points (N, D) between noise and latents (N, D) at the time begin, from which to draw."""
        return torch.lerp(noise, (latents - self.mean) / self.scale, begin)


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, width), nn.Linear(width, width)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Return x (N, W) changed by what it was told (N, W)."""
        return x + self.down(nn.functional.silu(self.up(self.norm(x) + told)))
