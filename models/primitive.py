"""A motion primitive network: a few frames at a time, for ever, of a mood and a way that may change at any time.

A conditional variational autoencoder over short pieces of motion, fed with its own last piece (Ling et al., Character
controllers using motion VAEs, 2020; Zhao et al., DART, 2024), with a prior that knows the past and the command
(Rempe et al., HuMoR, 2021). A step is one piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .base import State

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Basis:
    """Turn features to coordinates and back: principal axes of weighted turns, then the root, each of unit scale.

    mean (126,), axes (126, M), weights (126,): turns = mean + poses @ axes.T / weights; centre, scale (M + 6,) make
    coordinates of poses and root features.
    """

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    weights: NDArray[np.float32]
    centre: NDArray[np.float32]
    scale: NDArray[np.float32]

    def encode(self, turns: Array, root: Array) -> NDArray[np.float32]:
        """Return coordinates (T, M + 6) of turns (T, 126) and root features (T, 6)."""
        poses = (turns - self.mean) * self.weights @ self.axes
        return ((np.concatenate((poses, root), axis=-1) - self.centre) / self.scale).astype(np.float32)

    def decode(self, coordinates: Array) -> tuple[Array, Array]:
        """Return turns (..., 126) and root features (..., 6) of coordinates (..., M + 6)."""
        features = coordinates * self.scale + self.centre
        size = self.axes.shape[1]
        return features[..., :size] @ (self.axes.T / self.weights) + self.mean, features[..., size:]


@dataclass(frozen=True)
class PrimitiveShape:
    """Say how large the network is.

    labels: moods. frames: of a piece. past: frames of motion that a piece is made from. size: coordinates a frame.
    latent: of a piece. width: of the hidden layers.
    """

    labels: int = 6
    frames: int = 4
    past: int = 8
    size: int = 46
    latent: int = 16
    width: int = 384

    @property
    def command_size(self) -> int:
        """Return the numbers of a command: moods, velocity to the left and ahead, whether it travels."""
        return self.labels + 3


class Primitive(nn.Module):
    """Make the next piece of motion from the last frames, a command and noise.

    A step's input (N, D) is a command (labels weights, velocity to the left and ahead in m/s, 1 where it travels) and
    `latent` standard normal numbers; its answer (N, frames * size) are coordinates of a piece, and so is the state:
    the coordinates of the last `past` frames. What leaves the range of the training data is brought back to it, so
    that no input can lead the state away. receptive_field 0: all since the start.
    """

    receptive_field = 0
    delay = 0

    lowest: Tensor
    highest: Tensor
    fastest: Tensor
    first: Tensor

    def __init__(self, shape: PrimitiveShape) -> None:
        super().__init__()
        self.shape = shape
        past, piece, width = shape.past * shape.size, shape.frames * shape.size, shape.width
        known = past + shape.command_size
        self.encoder = _layers(known + piece, width, 2 * shape.latent)
        self.prior = _layers(known, width // 2, 2 * shape.latent)
        self.decoder = nn.ModuleList(
            nn.Linear(wide + shape.latent, narrow)
            for wide, narrow in ((known, width), (width, width), (width, width), (width, piece))
        )
        self.register_buffer("lowest", torch.full((shape.size,), -8.0))
        self.register_buffer("highest", torch.full((shape.size,), 8.0))
        self.register_buffer("fastest", torch.full((shape.size,), 8.0))
        self.register_buffer("first", torch.zeros(shape.past, shape.size))

    @property
    def input_size(self) -> int:
        """Return the numbers of a step's input."""
        return self.shape.command_size + self.shape.latent

    def start(self, n: int) -> State:
        """Return the state of n streams: a body that stands still."""
        return (self.first.expand(n, -1, -1).clone(),)

    def forward(self, x: Tensor) -> Tensor:
        """Return the pieces (N, T, frames * size) of inputs (N, T, D), piece after piece."""
        state = self.start(len(x))
        pieces: list[Tensor] = []
        for each in x.unbind(dim=1):
            piece, state = self.step(each, state)
            pieces.append(piece)
        return torch.stack(pieces, dim=1)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the next piece (N, frames * size) and the state after it."""
        past = torch.minimum(torch.maximum(state[0], self.lowest), self.highest)
        command, noise = self.bounded(x)
        mean, deviation = self.expect(past, command)
        piece = self.decode(past, command, mean + deviation * noise)
        return piece.flatten(1), (self.remember(past, piece),)

    def bounded(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Split an input (N, D) into command and noise, neither beyond what the network has learnt from."""
        labels = self.shape.labels
        moods = x[:, :labels].clamp(-0.5, 1.5)
        way = x[:, labels : labels + 2].clamp(-4.0, 4.0)
        travels = x[:, labels + 2 : labels + 3].clamp(0.0, 1.0)
        return torch.cat((moods, way, travels), dim=1), x[:, labels + 3 :].clamp(-2.0, 2.0)

    def expect(self, past: Tensor, command: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation (N, latent) of what may come after the past."""
        mean, log = self.prior(torch.cat((past.flatten(1), command), dim=1)).chunk(2, dim=1)
        return mean, torch.exp(log.clamp(-5.0, 1.0))

    def encode(self, past: Tensor, command: Tensor, piece: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation (N, latent) of what has come after the past."""
        mean, log = self.encoder(torch.cat((past.flatten(1), command, piece.flatten(1)), dim=1)).chunk(2, dim=1)
        return mean, torch.exp(log.clamp(-5.0, 1.0))

    def decode(self, past: Tensor, command: Tensor, latent: Tensor) -> Tensor:
        """Return the piece (N, frames, size) that a latent means after the past, within the range of the data."""
        hidden: Tensor = torch.cat((past.flatten(1), command), dim=1)
        for i, layer in enumerate(self.decoder):
            made: Tensor = layer(torch.cat((hidden, latent), dim=1))
            hidden = nn.functional.elu(made) if i < len(self.decoder) - 1 else made
        away = hidden.reshape(-1, self.shape.frames, self.shape.size)  # from the last frame
        steps = torch.diff(away, dim=1, prepend=torch.zeros_like(away[:, :1]))
        piece = past[:, -1:] + torch.clamp(steps, -self.fastest, self.fastest).cumsum(dim=1)
        return torch.minimum(torch.maximum(piece, self.lowest), self.highest)

    def remember(self, past: Tensor, piece: Tensor) -> Tensor:
        """Return the last frames (N, past, size) after a piece."""
        return torch.cat((past, piece), dim=1)[:, -self.shape.past :]


def _layers(size: int, width: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, width), nn.ELU(), nn.Linear(width, width), nn.ELU(), nn.Linear(width, out))
