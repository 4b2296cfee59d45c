"""The gait autoencoder: joints pooled up the body, affective features in the latent space, labels beside it.

Bhattacharya et al. (2020), Take an Emotion Walk: Perceiving Emotions from Gaits Using Hierarchical Attention Pooling
and Affective Mapping. Rotations of bones since the first frame go in as quaternions; a two-layer GRU reads each bone;
arms, legs and torso are pooled by addition, then the body; the first of 32 latent numbers of a frame are held to its
affective features; two GRUs rebuild the rotations; three linear layers name the classes, of which a gait may have more
than one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class WalkShape:
    """Hold the sizes: bones, which bones each part of the body has, latent numbers and affective ones, classes."""

    parts: tuple[tuple[int, ...], ...]
    classes: int
    affective: int
    latent: int = 32
    hidden: int = 24

    @property
    def bones(self) -> int:
        """Return the number of bones."""
        return sum(map(len, self.parts))


class WalkEncoder(nn.Module):
    """Read each bone, pool the parts, pool the body: quaternions (N, T, B, 4) to the latent space (N, T, E)."""

    def __init__(self, shape: WalkShape, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape = shape
        self.read = nn.GRU(4 * shape.bones, shape.bones * shape.hidden, 2, batch_first=True, dropout=dropout)
        self.bone = nn.ModuleList(nn.Linear(shape.hidden, shape.hidden) for _ in range(shape.bones))
        self.part = nn.ModuleList(nn.Linear(shape.hidden, shape.hidden) for _ in shape.parts)
        self.body = nn.Linear(shape.hidden, shape.hidden)
        self.latent = nn.Linear(shape.hidden, shape.latent)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return the latent numbers (N, T, E) of every frame; a frame sees only those before it."""
        n, t = x.shape[:2]
        read, _ = self.read(x.reshape(n, t, -1))  # (N, T, B, 4) -> (N, T, B H)
        each = read.view(n, t, self.shape.bones, -1).unbind(dim=2)
        bones = [functional.elu(linear(h)) for linear, h in zip(self.bone, each, strict=True)]
        total = torch.zeros_like(bones[0])
        for linear, members in zip(self.part, self.shape.parts, strict=True):
            total = total + functional.elu(linear(torch.stack([bones[b] for b in members]).sum(dim=0)))
        return self.latent(self.drop(functional.elu(self.body(total))))


class WalkDecoder(nn.Module):
    """Rebuild the rotations top down: the latent space, five parts, a GRU for the frame, a GRU for what follows."""

    def __init__(self, shape: WalkShape) -> None:
        super().__init__()
        self.shape = shape
        self.part = nn.ModuleList(nn.Linear(shape.latent, shape.hidden) for _ in shape.parts)
        self.frame = nn.GRU(shape.hidden * len(shape.parts), 4 * shape.bones, batch_first=True)
        self.onward = nn.GRU(4 * shape.bones, 4 * shape.bones, batch_first=True)
        self.out = nn.Linear(4 * shape.bones, 4 * shape.bones)

    def forward(self, z: Tensor, told: Tensor, teacher: float) -> Tensor:
        """Return quaternions (N, T, B, 4), not yet of length one.

        told: the true ones, of which the second GRU is shown a share `teacher`, its own guesses otherwise.
        """
        n, t = z.shape[:2]
        parts = torch.cat([functional.elu(linear(z)) for linear in self.part], dim=-1)
        rebuilt, _ = self.frame(parts)  # (N, T, 4 B)
        shown = torch.rand(n, t, 1) < teacher
        inputs = torch.where(shown, told.reshape(n, t, -1), rebuilt)
        before = torch.cat((inputs[:, :1], inputs[:, :-1]), dim=1)
        onward, _ = self.onward(before)
        return self.out(rebuilt + onward).view(n, t, self.shape.bones, 4)


class Walk(nn.Module):
    """The encoder, the decoder and the classifier together."""

    low: Tensor
    span: Tensor

    def __init__(self, shape: WalkShape, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = WalkEncoder(shape, dropout)
        self.decoder = WalkDecoder(shape)
        self.register_buffer("low", torch.zeros(shape.affective))
        self.register_buffer("span", torch.ones(shape.affective))
        wide = 2 * shape.latent
        self.classifier = nn.Sequential(
            nn.BatchNorm1d(wide),
            nn.Linear(wide, 32), nn.ELU(), nn.Dropout(dropout),
            nn.Linear(32, 16), nn.ELU(),
            nn.Linear(16, shape.classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of walks (N, T, B, 4)."""
        return self.name(self.encoder(x))

    def name(self, z: Tensor) -> Tensor:
        """Return logits (N, K) of latent walks (N, T, E): from their mean and deviation over time."""
        return self.classifier(torch.cat((z.mean(dim=1), z.std(dim=1)), dim=-1))


def euler_angles(q: Tensor) -> Tensor:
    """Return the angles (..., 3) in rad about x, y, z of unit quaternions (..., 4), w first."""
    w, x, y, z = q.unbind(dim=-1)
    roll = torch.atan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
    pitch = torch.asin((2.0 * (w * y - z * x)).clamp(-0.9999, 0.9999))
    yaw = torch.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    return torch.stack((roll, pitch, yaw), dim=-1)


def reconstruction_loss(rebuilt: Tensor, told: Tensor, quaternion_weight: float) -> Tensor:
    """Return the squared error of angles, the shorter way round, and of the lengths of quaternions (their eq. 5, 6)."""
    length = torch.sqrt(rebuilt.square().sum(dim=-1, keepdim=True) + 1e-12)
    error = euler_angles(rebuilt / length.clamp(min=1e-4)) - euler_angles(told)
    wrapped = torch.atan2(torch.sin(error), torch.cos(error))
    return wrapped.square().mean() + quaternion_weight * (length - 1.0).square().mean()


def label_loss(logits: Tensor, shares: Tensor) -> Tensor:
    """Return the weighted cross-entropy of several labels (their eq. 3).

    A gait has each label that more than its part of the annotators gave (1 / K); rarer shares weigh more, e to the -p.
    """
    several = (shares > 1.0 / shares.shape[1]).float()
    weight = torch.exp(-shares.mean(dim=0))
    return -(weight * several * torch.log_softmax(logits, dim=1)).sum(dim=1).mean()


def affective_loss(z: Tensor, features: Tensor) -> Tensor:
    """Return how far the first latent numbers (N, T, E) are from the affective features (N, T, A) (their eq. 4)."""
    return (z[..., : features.shape[-1]] - features).square().mean()


def bone_rotations(bones: Tensor) -> Tensor:
    """Return the shortest rotation (..., T, B, 4), w first, of each bone (..., T, B, 3) since the first frame."""
    now = functional.normalize(bones, dim=-1)
    first = now[..., :1, :, :].expand_as(now)
    axis = torch.cross(first, now, dim=-1)
    w = 1.0 + (first * now).sum(dim=-1, keepdim=True)
    return functional.normalize(torch.cat((w.clamp(min=1e-6), axis), dim=-1), dim=-1)
