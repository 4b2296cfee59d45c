"""What is usual for a performer, once more for the show: `RunningBaseline.learn` in numpy, for any of the seats.

`baseline.py` is what to read; a test holds the two together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .baseline import (
    CONTEXT_S,
    ENOUGH,
    FAST_S,
    GATHERED,
    HUBER,
    MOST_VARIETY,
    PRIOR_S,
    STEEP,
    RunningBaseline,
)
from .lean_features import Float64, doubles


class Held(NamedTuple):
    """Hold the baselines of n performers, as `baseline.Usual` does, without the last frame."""

    mean: Float64
    spread: Float64
    weight: Float64
    known: Float64
    offset: Float64


class LeanUsual:
    """Follow performers by what was learnt of how people and moods differ."""

    def __init__(self, source: RunningBaseline) -> None:
        self._seconds, self._keep, self._settle_s = source.seconds, source.keep, source.settle_s
        self._own, self._moods = doubles(source.own), doubles(source.moods)
        self._gain, self._alone = float(source.gain), float(source.alone)
        self._halfway = float(source.halfway.pow(STEEP))

    def learn(self, held: Held, features: Float64, contexts: Float64, valid: Float64) -> Held:
        """Take features (n, D) in: contexts (n, C) shares, valid (n,) 0 to 1."""
        share = contexts * (valid * (1.0 - held.known[:, 1]) * self._seconds)[:, None]  # (n, C)
        weight = held.weight * np.where(share > 0, self._keep, 1.0) + share
        gain = (share / np.maximum(weight, 1e-9))[..., None]  # (n, C, 1)
        before = held.weight[..., None]
        limit = np.sqrt((held.spread * before + PRIOR_S) / (before + PRIOR_S))
        limit *= HUBER * (1.0 + FAST_S / (before + 0.1))
        gap = np.clip(features[:, None] - held.mean, -limit, limit)
        mean = held.mean + gain * gap
        spread = (1.0 - gain) * (held.spread + gain * np.square(gap))
        return self._settle(held._replace(mean=mean, spread=spread, weight=weight), contexts)

    def _settle(self, held: Held, contexts: Float64) -> Held:
        """Work out what is taken off the features in these contexts (n, C), and how much the relative answer weighs."""
        weight = held.weight
        total = weight.sum(axis=1, keepdims=True)  # (n, 1)
        common = weight / np.maximum(total, 1e-9)  # (n, C)
        own = contexts * (weight / (weight + CONTEXT_S))
        blend = own + (1.0 - own.sum(axis=1, keepdims=True)) * common
        centres = np.stack((blend, common), axis=1) @ held.mean  # (n, 2, D)
        spread = (common[:, None] @ held.spread)[:, 0]
        variety = np.minimum((spread / self._moods).mean(axis=1), MOST_VARIETY)  # (n,)
        settled = -np.expm1(-total[:, 0] / self._settle_s)
        gathered = (self._alone + 1.0 / (1.0 - variety) - 1.0) * settled
        doubt = self._moods / np.maximum(held.known[:, 0] + gathered, 1e-6)[:, None]  # (n, D)
        centre = centres[:, 0]
        offset = centre * (1.0 - doubt / np.maximum(np.square(centre), self._own + doubt))
        apart = (np.square(centres[:, 1]) / (self._own + self._moods)).mean(axis=1) ** STEEP
        sure = np.minimum((np.minimum(gathered, GATHERED) + 2.0 * held.known[:, 0]) / (2.0 * ENOUGH), 1.0)
        known = held.known.copy()
        known[:, 3] = sure * np.minimum(self._gain * apart / (apart + self._halfway), 1.0)
        return held._replace(offset=offset, known=known)


def contexts_of(groups: Float64) -> Float64:
    """Return shares (n, C) of the contexts from speeds (n, 3) of hands, of feet, of the hips up and down."""
    moving, stepping, leaping = 1.0 / (1.0 + np.exp(-2.0 * (groups - (3.7, 4.8, 4.8)))).T
    standing = 1.0 - stepping
    return np.stack(
        (standing * (1.0 - moving), stepping * (1.0 - leaping), standing * moving, stepping * leaping), axis=-1
    )
