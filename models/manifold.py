"""The plane of valence and arousal: a change of coordinates of the latents whose first two axes those are.

A small variational autoencoder in the latent space of the movements: u = (valence, arousal, style), z' = d(u). The two
are taught by the labels' places on the plane; style is kept from telling of them (no covariance with them, and a
movement that is moved on the plane reads back where it was moved to, its style unchanged).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

AXES = 2


class Manifold(nn.Module):
    """Map latents (N, D) to coordinates (N, 2 + S) and back."""

    mean: Tensor
    scale: Tensor

    def __init__(self, latent: int, style: int, width: int = 256, dropout: float = 0.3) -> None:
        super().__init__()
        self.style = style
        self.register_buffer("mean", torch.zeros(latent))
        self.register_buffer("scale", torch.ones(latent))
        self.reader = nn.Sequential(
            nn.Dropout(dropout / 2), nn.Linear(latent, width), nn.GELU(), nn.Dropout(dropout),
            nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, AXES),
        )  # fmt: skip
        self.to_style = nn.Linear(latent, 2 * style)
        self.bent = nn.Sequential(nn.Linear(latent, width), nn.GELU(), nn.Linear(width, 2 * style))
        self.straight = nn.Linear(AXES + style, latent)
        self.writer = nn.Sequential(
            nn.Linear(AXES + style, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, latent)
        )
        for layer in (self.writer[-1], self.bent[-1]):
            assert isinstance(layer, nn.Linear)  # noqa: S101 - tells the type checker
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def standard(self, latents: Tensor) -> Tensor:
        """Return latents (N, D) about their mean, in deviations."""
        return (latents - self.mean) / self.scale

    def encode(self, standard: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return valence and arousal (N, 2), and of style mean and log variance (N, S), of standard latents (N, D)."""
        mean, log_variance = (self.to_style(standard) + self.bent(standard)).chunk(2, dim=1)
        return self.reader(standard), mean, log_variance.clamp(-10.0, 2.0)

    def decode(self, axes: Tensor, style: Tensor) -> Tensor:
        """Return standard latents (N, D) of places (N, 2) and styles (N, S)."""
        u = torch.cat((axes, style), dim=1)
        return self.straight(u) + self.writer(u)

    def place(self, latents: Tensor) -> Tensor:
        """Return valence and arousal (N, 2) of latents (N, D)."""
        return self.encode(self.standard(latents))[0]

    def moved(self, latents: Tensor, valence: float, arousal: float) -> Tensor:
        """Return latents (N, D) moved to a place of the plane, their style kept, and what the plane cannot say."""
        standard = self.standard(latents)
        axes, style, _ = self.encode(standard)
        there = torch.tensor([valence, arousal]).expand(len(latents), AXES)
        change = self.decode(there, style) - self.decode(axes, style)
        return (standard + change) * self.scale + self.mean
