"""What a movement expresses, as the offline generator itself reads it: it chooses by this among what it draws.

Linear discriminants (Fisher, 1936) of places, speeds and accelerations of the joints about the hips. Taught by the
movements that the generator learns from and by no others, so that whoever judges the generator by other movements
judges this too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .cvae import known
from .cvae_kinematics import ROTATIONS, body_positions
from .graph import JOINTS

FEATURES = len(JOINTS) * 11 + 5
_RATE_HZ = 30.0
_KERNEL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_SLOW_M_S, _GENTLE_M_S2 = 0.02, 0.2  # what is added before logarithms are taken


class EmotionReader(nn.Module):
    """Give the chances (N, E) of emotions for movements (N, 64, 130), of which lengths (N,) frames count."""

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, emotions: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("scale", torch.ones(FEATURES))
        self.register_buffer("weight", torch.zeros(FEATURES, emotions))
        self.register_buffer("bias", torch.zeros(emotions))

    def forward(self, poses: Tensor, lengths: Tensor, offsets: Tensor) -> Tensor:
        """Return the chances; a row sums to 1. offsets: (21, 3) of the body."""
        standard = (features(poses, lengths, offsets) - self.mean) / self.scale
        return (standard @ self.weight + self.bias).softmax(dim=1)


def features(poses: Tensor, lengths: Tensor, offsets: Tensor) -> Tensor:
    """Return what is read of movements: (N, FEATURES)."""
    bodies = _smooth(body_positions(poses, offsets), lengths)  # (N, 64, 21, 3)
    travel = _smooth(poses[..., ROTATIONS:], lengths)  # (N, 64, 4)
    mask = known(lengths)
    velocity = bodies.diff(dim=1) * _RATE_HZ
    speed = velocity.square().sum(dim=-1).sqrt()  # (N, 63, 21)
    acceleration = (velocity.diff(dim=1) * _RATE_HZ).square().sum(dim=-1).sqrt()  # (N, 62, 21)
    changes = travel.diff(dim=1) * _RATE_HZ  # (N, 63, 4)
    going = changes[..., :2].square().sum(dim=-1, keepdim=True).sqrt()
    height = poses[..., -1:]
    parts = [*_said(bodies.flatten(2), mask)[:2]]
    parts += [(each + _SLOW_M_S).log() for each in _said(speed, mask[:, 1:])]
    mean, _, most = _said(acceleration, mask[:, 2:])
    parts += [(each + _GENTLE_M_S2).log() for each in (mean, most)]
    parts += [*_said(going, mask[:, 1:])[:2], _said(changes[..., 2:3].abs(), mask[:, 1:])[0]]
    parts += [*_said(height, mask)[:2]]
    return torch.cat(parts, dim=1)


def _said(rows: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean, deviation and most (N, D) of rows (N, T, D) that the mask (N, T) counts."""
    counts = mask[..., None]
    total = counts.sum(dim=1).clamp(min=1.0)
    mean = (rows * counts).sum(dim=1) / total
    deviation = (((rows - mean[:, None]).square() * counts).sum(dim=1) / total).clamp(min=1e-12).sqrt()
    return mean, deviation, (rows * counts).amax(dim=1)


def _smooth(rows: Tensor, lengths: Tensor) -> Tensor:
    """Return rows (N, T, ...) averaged over five frames, the last that counts held."""
    frames = rows.shape[1]
    at = torch.arange(-2, frames + 2).clamp(min=0)  # (T + 4,)
    at = torch.minimum(at[None], (lengths - 1).clamp(max=frames - 1)[:, None])  # (N, T + 4)
    held = rows[torch.arange(len(rows))[:, None], at]
    return torch.stack([share * held[:, i : i + frames] for i, share in enumerate(_KERNEL)]).sum(dim=0)
