"""Network frames of movements nobody made, and what the network itself says of them."""

from __future__ import annotations

import numpy as np
import torch

from emotus.models.baseline import Usual
from emotus.models.graph import JOINTS
from emotus.models.recogniser import FusedRecogniser

J = len(JOINTS)


def movement(rng: np.random.Generator, frames: int, *, gaps: bool = True) -> np.ndarray:
    """Return a smooth movement (T, 90); joints are lost and found again, and now and then the travel is unknown."""
    walk = np.cumsum(rng.normal(0.0, 0.02, (frames, J * 3)), axis=0) + rng.normal(0.0, 0.4, J * 3)
    flags = np.ones((frames, J))
    travels = np.ones((frames, 1))
    if gaps:
        for _ in range(4):
            joint, first = rng.integers(J), rng.integers(frames)
            flags[first : first + rng.integers(1, 30), joint] = 0.0
        travels[frames // 2 : frames // 2 + 5] = 0.0
    rest = rng.normal(0.0, 0.3, (frames, 5))
    return np.concatenate((walk, flags, rest, travels), axis=1).astype(np.float32)


def alone(network: FusedRecogniser, frames: np.ndarray, usual: Usual | None = None) -> np.ndarray:
    """Return the network's own answers to a movement, (T, K + 1)."""
    state, answers = network.start(1, usual), []
    with torch.inference_mode():
        for frame in torch.from_numpy(frames):
            answer, state = network.step(frame[None], state)
            answers.append(answer[0].numpy())
    return np.stack(answers)


def close(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Tell whether two answers are equal to 1e-5 of their size."""
    return bool(np.abs(ours - theirs).max() <= 1e-5 * max(1.0, float(np.abs(theirs).max())))
