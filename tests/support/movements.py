"""Movements for tests: smooth ones near the T-pose, which lie near a plane of six dimensions."""

from __future__ import annotations

import numpy as np
import torch

from emotus.engine.body import BODY
from emotus.models.cvae import FRAMES
from emotus.models.cvae_kinematics import POSE
from emotus.training.generation_data import take_of
from emotus.training.motion_data import GeneratedTake

OFFSETS = torch.tensor(BODY.offsets, dtype=torch.float32)


def movements(count: int, seed: int = 0) -> torch.Tensor:
    """Return movements (N, 64, 130)."""
    rng = np.random.default_rng(seed)
    ways = np.sin(np.linspace(0, 3, FRAMES)[None, :, None] * rng.uniform(0.5, 2, (6, 1, POSE))).astype(np.float32)
    rest = np.concatenate((np.tile([1, 0, 0, 0, 1, 0], 21), [0, 0, 0, 0.9]))
    return torch.tensor(rest + 0.05 * np.einsum("nk,ktp->ntp", rng.normal(size=(count, 6)), ways), dtype=torch.float32)


def take(seed: int = 0, emotion: str = "sad") -> GeneratedTake:
    """Return a movement as a take."""
    poses = movements(1, seed)[0].numpy()
    return take_of(poses, emotion=emotion, intensity=1.0, seed=seed, model="test")
