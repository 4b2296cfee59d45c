"""Recurrent recognisers: MotionLSTM with attention over features and moments, and the one-directional judge.

MotionLSTM reads a whole window in both directions, so it answers windows; the judge reads forward only and answers
every frame exactly, one frame at a time as well as all at once.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .base import State


class MotionLstm(nn.Module):
    """Weigh the features, read them both ways, weigh the moments, name the class: (N, T, D) to logits (N, K)."""

    mean: Tensor
    scale: Tensor

    def __init__(self, inputs: int, classes: int, hidden: int = 64, dropout: float = 0.4) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.gate = nn.Sequential(nn.Linear(inputs, inputs // 4), nn.ReLU(), nn.Linear(inputs // 4, inputs))
        self.inward = nn.Linear(inputs, hidden)
        self.read = nn.LSTM(hidden, hidden, batch_first=True, bidirectional=True)
        self.moment = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1))
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(2 * hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of windows (N, T, D)."""
        x = (x - self.mean) * self.scale
        x = x * torch.sigmoid(self.gate(x.abs().mean(dim=1)))[:, None]  # (N, T, D) * (N, 1, D)
        read, _ = self.read(self.drop(self.inward(x)))  # (N, T, 2H)
        share = torch.softmax(self.moment(read), dim=1)  # (N, T, 1)
        return self.out(self.drop((read * share).sum(dim=1)))


class JudgeLstm(nn.Module):
    """Read forward in two layers and judge from every frame on: (N, T, D) to logits (N, T, K).

    The judge of generated motion in "Generative emotional body motion" (2026): a one-directional LSTM over the labels.
    """

    receptive_field = 0
    delay = 0
    mean: Tensor
    scale: Tensor

    def __init__(self, inputs: int, classes: int, hidden: int = 64, layers: int = 2, dropout: float = 0.3) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.read = nn.LSTM(inputs, hidden, layers, batch_first=True, dropout=dropout)
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, T, K) of every frame of (N, T, D)."""
        return self.out(self.drop(self.embed(x)))

    def embed(self, x: Tensor) -> Tensor:
        """Return what the last layer holds (N, T, H) at every frame: the space of the Frechet distance."""
        read, _ = self.read((x - self.mean) * self.scale)
        return read

    def start(self, n: int) -> State:
        """Return the state of n streams that have seen nothing: (N, L, H) twice."""
        shape = (n, self.read.num_layers, self.read.hidden_size)
        return torch.zeros(shape), torch.zeros(shape)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the logits (N, K) of one frame (N, D) and the next state."""
        hidden, cell = (each.transpose(0, 1).contiguous() for each in state)  # (N, L, H) -> (L, N, H)
        read, (hidden, cell) = self.read(((x - self.mean) * self.scale)[:, None], (hidden, cell))
        return self.out(self.drop(read[:, 0])), (hidden.transpose(0, 1), cell.transpose(0, 1))
