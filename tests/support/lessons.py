"""Takes whose labels are known to differ, and a prior to learn them with: teaching without any motion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emotus.engine.taught import TaughtTake
from emotus.models.teach_prior import TeachPrior

SIZE = 24


def plain_prior(size: int = SIZE, *, between: float = 0.5, share: float = 0.6, divisor: float = 1.0) -> TeachPrior:
    """Return a prior in whose coordinates the features are what they are."""
    return TeachPrior(
        features="test 1",
        mean=np.zeros(size),
        basis=np.eye(size),
        between=np.full(size, between),
        styles=min(16, size),
        activity=np.eye(size)[:, -4:],
        width=3.0,
        share=share,
        divisors=((1.0, divisor), (5.0, divisor)),
        settle=((4.0, 4.0), (30.0, 1.0)),
        strange=(0.0, 1.0),
    )


def make_take(
    label: str, mean: Sequence[float] | np.ndarray, number: int, *, spread: float = 0.5, rows: int = 8, seed: int = 0
) -> TaughtTake:
    """Return a take whose rows lie about a mean."""
    rng = np.random.default_rng([seed, number])
    features = np.asarray(mean) + spread * rng.normal(size=(rows, len(mean)))
    return TaughtTake(label, features.astype(np.float32), "test 1", f"{seed}-{number}", f"take {number}", 20.0)


def make_lesson(
    labels: Sequence[str], takes: int, *, apart: float = 1.0, seed: int = 0, size: int = SIZE
) -> list[TaughtTake]:
    """Return so many takes of each label, the labels' places so far apart, each take an activity's way off."""
    rng = np.random.default_rng(seed)
    places = apart * rng.normal(size=(len(labels), size))
    ways = 0.7 * rng.normal(size=(takes, size))
    return [
        make_take(label, places[i] + ways[j] + 0.3 * rng.normal(size=size), i * takes + j, seed=seed)
        for i, label in enumerate(labels)
        for j in range(takes)
    ]
