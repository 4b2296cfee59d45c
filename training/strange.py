"""What is no performance: noise, a freeze, frames in no order. The recogniser learns to say `unknown` to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ..engine.body import BODY, JOINT_COUNT
from ..engine.features import normalise
from ..engine.skeleton import Float32
from ..engine.streams import MODEL_RATE_HZ
from ..models.recogniser import GATE_LIMIT

_XYZ = JOINT_COUNT * 3
_ROOT = JOINT_COUNT * 4
_FRAMES = 90
ALARM = 0.02  # share of rows of people that may be called strange
MOMENTS = (14, 29, 59, 89)  # frames at which a stretch is looked at

Stretches = list[Float32]


def _from_points(points: NDArray[np.floating]) -> Float32:
    positions = points.astype(np.float32)
    return normalise(positions, np.ones(positions.shape[:2], dtype=np.float32), MODEL_RATE_HZ)


def freeze(frames: Float32, rng: np.random.Generator) -> Float32:
    """Return one frame of a clip held for three seconds, with the jitter of a sensor."""
    held = np.repeat(frames[rng.integers(len(frames))][None], _FRAMES, axis=0)
    held[:, :_XYZ] += rng.normal(0, 0.004 * rng.random(), held[:, :_XYZ].shape).astype(np.float32)
    held[:, _ROOT : _ROOT + 4] = 0.0
    return held


def shake(frames: Float32, rng: np.random.Generator) -> Float32:
    """Return a held frame under white noise of 1 to 50 cm."""
    held = freeze(frames, rng)
    held[:, :_XYZ] += rng.normal(0, np.exp(rng.uniform(np.log(0.01), np.log(0.5))), (_FRAMES, _XYZ))
    held[:, _ROOT : _ROOT + 4] = rng.normal(0, rng.random(), (_FRAMES, 4))
    return held.astype(np.float32)


def shuffle(frames: Float32, rng: np.random.Generator) -> Float32:
    """Return the frames of a clip in no order."""
    return frames[rng.integers(len(frames), size=_FRAMES)]


def drift(frames: Float32, rng: np.random.Generator) -> Float32:
    """Return a frame whose joints wander off, each for itself."""
    held = freeze(frames, rng)
    steps = rng.normal(0, np.exp(rng.uniform(np.log(0.005), np.log(0.05))), (_FRAMES, _XYZ))
    held[:, :_XYZ] += steps.cumsum(axis=0).astype(np.float32)
    return held


LEARNT = (freeze, freeze, shake, shuffle, drift)


def learnt(clips: Sequence[Float32], count: int, rng: np.random.Generator) -> Stretches:
    """Return count stretches (90, 90) of what the recogniser learns to reject."""
    return [LEARNT[i % len(LEARNT)](clips[int(rng.integers(len(clips)))], rng) for i in range(count)]


def unseen(rng: np.random.Generator, clips: Sequence[Float32], count: int = 40) -> dict[str, Stretches]:
    """Return stretches of other kinds, to test on: made from points, so that they pass the whole normalisation."""
    rest = np.repeat(BODY.rest_positions[None], _FRAMES, axis=0)  # (T, 21, 3)
    shape = rest.shape
    walks = [rng.normal(0, 1, shape).cumsum(axis=0) for _ in range(count)]
    pulled = [walk - np.linspace(0, 1, _FRAMES)[:, None, None] * walk[-1] for walk in walks]
    return {
        "uniform noise": [_from_points(rng.uniform(-1, 1, shape)) for _ in range(count)],
        "noisy T-pose": [_from_points(rest + rng.normal(0, s, shape)) for s in np.geomspace(0.02, 0.3, count)],
        "wandering joints": [_from_points(rest + 0.03 * path) for path in pulled],
        "T-pose": [_from_points(rest + rng.normal(0, s, shape)) for s in np.linspace(0, 0.002, count)],
        "stillness": [_still(clips[int(rng.integers(len(clips)))], rng) for _ in range(count)],
    }


def _still(frames: Float32, rng: np.random.Generator) -> Float32:
    """Return one frame held, with a slow sway of a few millimetres."""
    held = freeze(frames, rng)
    sway = 0.003 * np.sin(np.arange(_FRAMES)[:, None] / 30.0 * rng.uniform(0.5, 3.0) + rng.uniform(0, 6, (1, _XYZ)))
    held[:, :_XYZ] += sway.astype(np.float32)
    return held


def gate_inputs(standard: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return bounded deviations (..., W) of the whole body's motion, and their squares: (..., 2 W)."""
    bounded = np.clip(standard, -GATE_LIMIT, GATE_LIMIT).astype(np.float64)
    return np.concatenate((bounded, bounded * bounded), axis=-1)


def fit_gate(
    people: NDArray[np.floating], strange: NDArray[np.floating], decay: float = 1e-2
) -> tuple[NDArray[np.float64], float]:
    """Return weight (2 W,) and bias of the logit that a row of deviations (W,) is strange: logistic regression.

    The bias is then set so that ALARM of the people are rejected.
    """
    x = torch.from_numpy(gate_inputs(np.concatenate((people, strange))))
    y = torch.cat((torch.zeros(len(people)), torch.ones(len(strange)))).double()
    balance = torch.where(y > 0, 0.5 / len(strange), 0.5 / len(people)).double()
    weight = torch.zeros(x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight], max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        logit = x @ weight[:-1] + weight[-1]
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(logit, y, reduction="none")
        total = (entropy * balance).sum() + decay * weight[:-1].square().sum()
        total.backward()
        return total

    optimiser.step(closure)
    found = weight.detach().numpy()[:-1].copy()
    return found, -float(np.quantile(gate_inputs(people) @ found, 1.0 - ALARM))
