"""The autoencoder of gaits under the common face: it learns from labelled and unlabelled walks together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch
from torch import Tensor, nn

from ..engine.skeleton import Float32
from ..models.walk import (
    Walk,
    WalkShape,
    affective_loss,
    bone_rotations,
    label_loss,
    reconstruction_loss,
)
from .classifier import About, Arrays, Classifier, Settings, refuse_one_class
from .kinematic import AT, affective_of, points_of
from .network_classifiers import parents_of_sixteen
from .network_fit import STRIDE, answer, mirrored, seed_everything, weights_of, with_weights
from .plain_classifiers import about_of
from .schedule import one_cycle
from .windows import Examples, Floats

_PARTS: Final = (
    ("Spine", "Neck", "Head"),
    ("LeftUpperArm", "LeftLowerArm", "LeftHand"),
    ("RightUpperArm", "RightLowerArm", "RightHand"),
    ("LeftUpperLeg", "LeftLowerLeg", "LeftFoot"),
    ("RightUpperLeg", "RightLowerLeg", "RightFoot"),
)
_BONES: Final = tuple(name for part in _PARTS for name in part)
AFFECTIVE: Final = 18
_WEIGHTS: Final = 2.0  # of the quaternion and the affective constraint, as published
_FORGET: Final = 0.99  # of the teacher, each step
_RATE: Final = 1e-2
STEPS: Final = 300


def shape_of(classes: int) -> WalkShape:
    """Return the shape of the network on the sixteen joints' fifteen bones."""
    parts = tuple(tuple(_BONES.index(name) for name in part) for part in _PARTS)
    return WalkShape(parts, classes, AFFECTIVE, hidden=8)


@dataclass(frozen=True, eq=False)
class Gait(Classifier):
    """The gait autoencoder with hierarchical pooling, affective features, several labels and unlabelled walks."""

    network: nn.Module

    kind: ClassVar[str] = "gait"
    inner: ClassVar[int] = 3
    held_out: ClassVar[bool] = True
    unlabelled: ClassVar[bool] = True

    @classmethod
    def fit(cls, data: Examples, seed: int, settings: Settings) -> Self:
        """Rebuild every walk, hold its latent space to the affective features, and name those that are labelled."""
        refuse_one_class(data)
        seed_everything(seed, cls.kind)
        windows = np.concatenate((data.frames, mirrored(data.frames)))
        shares = torch.from_numpy(np.tile(data.soft[data.clips], (2, 1)).astype(np.float32))
        network = Walk(shape_of(len(data.names)))
        _train(network, windows, shares, settings.get("steps", STEPS))
        return cls(about_of(cls, data, seed, settings), network.eval())

    def log_probs(self, data: Examples) -> Floats:
        """Ask the network."""
        return answer(self.network, rotations_of(data.frames))

    def arrays(self) -> Arrays:
        """Return the weights."""
        return weights_of(self.network)

    @classmethod
    def of(cls, about: About, arrays: Arrays) -> Self:
        """Put the weights into a network."""
        return cls(about, with_weights(Walk(shape_of(len(about.names))), arrays))


def rotations_of(windows: Float32) -> Tensor:
    """Return the rotations (N, T, 15, 4) of the bones since the first frame, as they are and turned with the body."""
    points = torch.from_numpy(points_of(windows)[:, ::STRIDE].astype(np.float32))
    parents = parents_of_sixteen()
    ends = [AT[name] for name in _BONES]
    return bone_rotations(points[:, :, ends] - points[:, :, [parents[end] for end in ends]])


def _train(network: Any, windows: Float32, shares: Tensor, steps: int) -> None:
    x = rotations_of(windows)
    features = torch.from_numpy(affective_of(points_of(windows)[:, ::STRIDE]).astype(np.float32))
    network.low.copy_(features.amin(dim=(0, 1)))
    network.span.copy_((features.amax(dim=(0, 1)) - network.low).clamp(min=1e-6))
    features = (features - network.low) / network.span  # in [0, 1], as published
    labelled = shares.sum(dim=1) > 0
    draw = _balance(shares, labelled)
    optimiser = torch.optim.Adam(network.parameters(), lr=_RATE)
    schedule = one_cycle(optimiser, _RATE, steps, 0.2)
    network.train()
    for step in range(steps):
        rows = torch.multinomial(draw, 32, replacement=True)
        z = network.encoder(x[rows])
        rebuilt = network.decoder(z, x[rows], _FORGET**step)
        loss = reconstruction_loss(rebuilt, x[rows], _WEIGHTS) + _WEIGHTS * affective_loss(z, features[rows])
        named = labelled[rows]
        if int(named.sum()) > 1:  # batch normalisation needs two
            loss = loss + label_loss(network.name(z[named]), shares[rows][named])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()


def _balance(shares: Tensor, labelled: Tensor) -> Tensor:
    """Return how likely each walk is to be drawn: labelled classes evenly, unlabelled walks for a third of the rows."""
    best = shares.argmax(dim=1)
    counts = torch.bincount(best[labelled], minlength=shares.shape[1]).clamp(min=1).float()
    draw = torch.where(labelled, 1.0 / counts[best], torch.zeros(len(best)))
    draw = draw / draw.sum()
    if bool(labelled.all()):
        return draw
    return 2.0 / 3.0 * draw + (~labelled).float() / int((~labelled).sum()) / 3.0
