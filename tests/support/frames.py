"""Network frames of movements nobody made, and what the network itself says of them."""

from __future__ import annotations

import numpy as np
import torch

from emotus.models.baseline import Usual
from emotus.models.graph import FRAME_SIZE, JOINTS
from emotus.models.recogniser import FusedRecogniser, Shape

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


def small_network() -> FusedRecogniser:
    """Return a small recogniser that has learnt nothing, both of whose branches count."""
    torch.manual_seed(0)
    model = FusedRecogniser(Shape(channels=(8, 8))).eval()
    model.mix.fill_(1.0)
    return model


def drawn_frames(t: int = 40) -> torch.Tensor:
    """Return frames (T, 90) drawn by lot, every joint seen."""
    rng = np.random.default_rng(1)
    frames = np.zeros((t, FRAME_SIZE), dtype=np.float32)
    frames[:, : J * 3] = rng.normal(0, 0.3, (t, J * 3))
    frames[:, J * 3 : J * 4] = 1.0
    return torch.from_numpy(frames)
