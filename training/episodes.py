"""Teaching played through: some activities of each style are taught, the styles are to be known in the others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..engine.taught import TaughtHead, TaughtTake, softmax
from ..engine.teach import divisor_of, points_of
from ..engine.teach_model import head_of
from ..models.teach_prior import TeachPrior
from .shown import Shown, activities

Floats = NDArray[np.float64]
SHOTS = (1, 2, 3, 5)


@dataclass(frozen=True, eq=False)
class Episode:
    """Hold one game: the clips that are taught and those to be known again, of the styles named."""

    shots: int
    styles: tuple[str, ...]
    taught: tuple[Shown, ...]
    tests: tuple[Shown, ...]

    @property
    def labels(self) -> NDArray[np.intp]:
        """Return the style of each test as a place in `styles`, -1 for one that was not taught."""
        return np.array([self.styles.index(t.clip.style) if t.clip.style in self.styles else -1 for t in self.tests])


def episodes(shown: Sequence[Shown], shots: int, draws: int, seed: int, *, styles: int = 0) -> Iterator[Episode]:
    """Yield draws of `shots` activities, the same whatever else is asked; all styles are taught, or so many of them."""
    rng = np.random.default_rng([seed, shots])
    choices = activities(shown)
    names = sorted({each.clip.style for each in shown})
    for _ in range(draws):
        drawn = set(rng.choice(choices, shots, replace=False).tolist())
        kept = sorted(rng.choice(names, styles, replace=False).tolist()) if styles else names
        taught = tuple(each for each in shown if each.clip.activity in drawn and each.clip.style in kept)
        tests = tuple(each for each in shown if each.clip.activity not in drawn)
        yield Episode(shots, tuple(kept), taught, tests)


def take_of(shown: Shown, prior: TeachPrior) -> TaughtTake:
    """Return a clip as a take."""
    seconds = float(shown.seen[-1]) / 30.0
    return TaughtTake(shown.clip.style, shown.rows, prior.features, shown.clip.name, shown.clip.name, seconds)


def learn(episode: Episode, prior: TeachPrior) -> TaughtHead:
    """Return the head of an episode, calibrated by the prior alone."""
    points = points_of([take_of(each, prior) for each in episode.taught], prior)
    return head_of(points, prior, divisor_of(points, prior), math.nan)


def answer(head: TaughtHead, shown: Shown, divisor: float | None = None) -> Floats:
    """Return the probabilities (K,) of a whole clip: the mean over its moments, each by its evidence."""
    factors = np.array([head.divisor_after(float(seen)) for seen in shown.seen])
    if divisor is not None:
        factors = factors * (divisor / head.divisor)
    return softmax(head.logits(shown.rows) / factors[:, None]).mean(axis=0)
