"""The peer of the offline generator: ACTOR as it was published, written anew, on the same windows and body.

Petrovich, Black and Varol, Action-conditioned 3D human motion synthesis with transformer VAE, ICCV 2021: 8 layers of
256 with 4 heads and 1,024 between, GELU, dropout 0.1, two tokens a class, one bias a class, sixes of rotations, 60
frames, AdamW at 1e-4, batches of 20, rotations and places weighed 1, divergence 1e-5, sampling from the standard
normal. Only the body is ours (their joints need SMPL's files), and the time: as many CPU-seconds as ours had, where
the paper trains for thousands of epochs on a GPU.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from ..engine.body import BODY
from ..models.cvae import divergence
from ..models.cvae_kinematics import POSE, body_positions, world_positions
from .generation_data import Drawer, conditions_of
from .motion_data import MotionTake, Progress

ACTOR_FRAMES: Final = 60
_WIDTH, _LATENT, _LAYERS, _HEADS, _BETWEEN = 256, 256, 8, 4, 1024
_BATCH, _RATE, _KL = 20, 1e-4, 1e-5


class Actor(nn.Module):
    """Map movements (N, 60, 130) and classes (N,) to a normal (N, 256), and samples of it back."""

    clock: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.into = nn.Linear(POSE, _WIDTH)
        self.means = nn.Parameter(torch.randn(classes, _LATENT))
        self.spreads = nn.Parameter(torch.randn(classes, _LATENT))
        self.biases = nn.Parameter(torch.randn(classes, _LATENT))
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(_WIDTH, _HEADS, _BETWEEN, 0.1, "gelu", batch_first=True),
            _LAYERS,
            enable_nested_tensor=False,
        )
        self.decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(_WIDTH, _HEADS, _BETWEEN, 0.1, "gelu", batch_first=True), _LAYERS
        )
        self.out = nn.Linear(_WIDTH, POSE)
        self.register_buffer("clock", _sinusoids(ACTOR_FRAMES + 2, _WIDTH))

    def encode(self, poses: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance (N, 256)."""
        tokens = torch.cat((self.means[classes][:, None], self.spreads[classes][:, None], self.into(poses)), dim=1)
        seen = self.encoder(tokens + self.clock)
        return seen[:, 0], seen[:, 1]

    def decode(self, latent: Tensor, classes: Tensor) -> Tensor:
        """Return movements (N, 60, 130)."""
        memory = (latent + self.biases[classes])[:, None]
        queries = self.clock[:ACTOR_FRAMES].expand(len(latent), -1, -1)
        return self.out(self.decoder(queries, memory))


def _sinusoids(length: int, width: int) -> Tensor:
    at = torch.arange(length)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    return torch.stack((at.sin(), at.cos()), dim=-1).flatten(1)


def train_actor(
    takes: Sequence[MotionTake], cpu_s: float, progress: Progress, seed: int = 0
) -> tuple[Actor, tuple[str, ...], int]:
    """Return ACTOR after so many CPU-seconds of this process, its classes, and how many steps that were."""
    torch.manual_seed(seed)
    classes = conditions_of(takes)
    model, drawer = Actor(len(classes)), Drawer(takes, classes, seed)
    optimiser = torch.optim.AdamW(model.parameters(), _RATE)
    offsets = torch.tensor(BODY.offsets, dtype=torch.float32)
    start, steps, told = time.process_time(), 0, 0.0
    while time.process_time() - start < cpu_s:
        poses, _, numbers = drawer.draw(_BATCH)
        loss = _loss(model, poses[:, :ACTOR_FRAMES], numbers, offsets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        steps += 1
        if time.monotonic() - told > 20.0:
            told = time.monotonic()
            progress(f"ACTOR, step {steps}, {time.process_time() - start:.0f} of {cpu_s:.0f} s: {loss.item():.4g}")
    return model.eval().requires_grad_(requires_grad=False), classes, steps


def _loss(model: Actor, poses: Tensor, classes: Tensor, offsets: Tensor) -> Tensor:
    mean, log_variance = model.encode(poses, classes)
    made = model.decode(mean + torch.randn_like(mean) * (0.5 * log_variance).exp(), classes)
    places = (body_positions(made, offsets) - body_positions(poses, offsets)).square().mean()
    world = (world_positions(made, offsets) - world_positions(poses, offsets)).square().mean()
    return (made - poses).square().mean() + places + world + _KL * divergence(mean, log_variance).mean()
