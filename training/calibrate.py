"""Calibration: one divisor of the logits for each amount of evidence (Guo et al., 2017), from clips left out inside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EVIDENCE = (4, 8, 15, 30, 60, 120, 240)  # frames
_DIVISORS = np.geomspace(0.5, 250.0, 50)

Answers = Sequence[tuple[NDArray[np.floating], int]]  # logits (T, K) of each clip, and its label


def log_softmax(logits: NDArray[np.floating]) -> Floats:
    """Return log-probabilities of logits (..., K)."""
    shifted = np.asarray(logits, dtype=np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def loss(answers: Answers, divisor: float, frames: slice = slice(15, None)) -> float:
    """Return the mean Brier score over these frames, every clip weighing the same.

    It is bounded, so that one clip that is wholly misread does not set the temperature of all, as likelihood lets it.
    """
    kept = [(logits[frames], label) for logits, label in answers if len(logits[frames])]
    return float(np.mean([_brier(np.exp(log_softmax(logits / divisor)), label) for logits, label in kept]))


def _brier(probs: Floats, label: int) -> float:
    wanted = np.eye(probs.shape[1])[label]
    return float(np.square(probs - wanted).sum(axis=1).mean())


def divisor(answers: Answers, frames: slice = slice(15, None)) -> float:
    """Return the temperature of the least loss; 1 where no clip is long enough to tell."""
    if not any(len(logits[frames]) for logits, _ in answers):
        return 1.0
    return float(min(_DIVISORS, key=lambda d: loss(answers, float(d), frames)))


def divisors(answers: Answers) -> tuple[tuple[float, float], ...]:
    """Return (frames seen, temperature) for each amount of evidence, from the frames around it."""
    table: list[tuple[float, float]] = []
    for seen in EVIDENCE:
        frames = slice(int(seen / 1.42), max(int(seen * 1.42), int(seen / 1.42) + 1))
        enough = [pair for pair in answers if len(pair[0]) > frames.start]
        if len(enough) >= len(answers) // 3:
            table.append((float(seen), divisor(enough, frames)))
    return tuple(table)


def temperatures(table: Sequence[tuple[float, float]], count: int) -> Floats:
    """Return the temperature of frames 1 to count."""
    seen, values = zip(*table, strict=True)
    return np.interp(np.log(np.arange(1, count + 1)), np.log(seen), values)


def probabilities(logits: NDArray[np.floating], table: Sequence[tuple[float, float]]) -> Floats:
    """Return calibrated probabilities (T, K) of the logits (T, K) of a clip from its first frame on."""
    return np.exp(log_softmax(logits / temperatures(table, len(logits))[:, None]))
