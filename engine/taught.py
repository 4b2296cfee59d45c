"""What a performer has taught: her takes, the head fitted to them, and its answer beside the shipped recogniser's.

Nothing of her motion is kept: a take is a bounded number of feature rows (speeds, angles and their spread over
seconds), a head is a few matrices over them. Both belong to one feature set, which is named in them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from .events import UNKNOWN
from .recognise import Reading
from .skeleton import Float32, Float64

HEAD_VERSION: Final = 1
MOST_ROWS: Final = 32  # of one take
FAMILIAR: Final = 0.5  # familiarity below which a movement counts as unlike any take
LEAST_PROBABLE: Final = 0.3  # probability of the best label below which the answer is unknown


@dataclass(frozen=True, slots=True, eq=False)
class TaughtTake:
    """Hold one labelled take of a performer.

    label: any words. rows: (S, D) features, S at most MOST_ROWS, evenly over the take. features: name of their feature
    set. take_id: hash of the movement, so that the same take is known again. name: what a person calls it (a file, a
    number). seconds: of movement in it.
    """

    label: str
    rows: Float32
    features: str
    take_id: str
    name: str
    seconds: float


@dataclass(frozen=True, eq=False)
class TaughtHead:
    """Hold how D features become probabilities of K taught labels, and how surely a movement is of any of them.

    labels: in alphabetical order. features: name of the feature set. weight (K, D), bias (K,), divisor: of the logits.
    settle: (frames seen, factor of the divisor), rising. activity (D, Q), width: what is done, and how like two of them
    must be. anchors (N, Q): of the takes; pull (N, K): what each takes off the logits of movements like it. styles
    (D, E), centre (E,), places (K, E), drift (N, E), near (E,), far (E,): where the takes lie among styles, and the
    variances of movements of their kind and of any. strange: threshold and slope of familiarity. accuracy: share of
    takes that were known again when left out, NaN where none could be.
    """

    labels: tuple[str, ...]
    features: str
    weight: Float64
    bias: Float64
    divisor: float
    settle: tuple[tuple[float, float], ...]
    activity: Float64
    width: float
    anchors: Float64
    pull: Float64
    styles: Float64
    centre: Float64
    places: Float64
    drift: Float64
    near: Float64
    far: Float64
    strange: tuple[float, float]
    accuracy: float
    version: int = HEAD_VERSION

    def logits(self, features: Float32 | Float64) -> Float64:
        """Return the logits (..., K) of feature rows (..., D); all of what `Recogniser.describe` says will do too."""
        own = self._own(features)
        return own @ self.weight.T + self.bias - self._likeness(own) @ self.pull

    def probabilities(self, features: Float32 | Float64, frames: float) -> Float64:
        """Return the probability (..., K) of each taught label after so many frames, if it is one of them."""
        return softmax(self.logits(features) / self.divisor_after(frames))

    def divisor_after(self, frames: float) -> float:
        """Return what the logits are divided by after so many frames: the less is seen, the more."""
        seen, factors = self._settling
        return self.divisor * float(np.interp(math.log(max(frames, 1.0)), seen, factors))

    def lead(self, features: Float32 | Float64) -> Float64:
        """Return by how much (...,) the likeliest label explains movements better than some style never taught."""
        own = self._own(features)
        place = own @ self.styles - self.centre - self._likeness(own) @ self.drift  # (..., E)
        near = np.square(place[..., None, :] - self.places) / self.near + np.log(self.near)  # (..., K, E)
        far = np.square(place) / self.far + np.log(self.far)
        return 0.5 * (far.sum(axis=-1) - near.sum(axis=-1).min(axis=-1))

    def familiarity(self, features: Float32 | Float64) -> Float64:
        """Return the probability (...,) that movements are of the kind of some take, against any other style."""
        threshold, slope = self.strange
        return 1.0 / (1.0 + np.exp(np.clip((threshold - self.lead(features)) * slope, -50.0, 50.0)))

    def _own(self, features: Float32 | Float64) -> Float64:
        return np.asarray(features[..., : self.weight.shape[1]], dtype=np.float64)

    def _likeness(self, own: Float64) -> Float64:
        return likeness(own @ self.activity, self.anchors, self.width)

    @cached_property
    def _settling(self) -> tuple[list[float], list[float]]:
        return [math.log(frames) for frames, _ in self.settle], [factor for _, factor in self.settle]


def likeness(one: Float64, other: Float64, width: float) -> Float64:
    """Return how alike points (..., Q) and (N, Q) are, (..., N): 1 where they are the same, a Gaussian."""
    apart = np.square(one[..., None, :] - other).sum(axis=-1)
    return np.exp(-0.5 * apart / (width * width))


def softmax(logits: Float64) -> Float64:
    """Return the probabilities (..., K) of logits (..., K)."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def blend(
    shipped: Reading, head: TaughtHead, features: Float32 | Float64, frames: int, *, only: bool = False
) -> Reading:
    """Return the answer of the shipped recogniser and the taught head together, after so many frames.

    features: (F,) of the last frame, as `Recogniser.describe` gives them. The taught labels give out as much of the
    probability as there is evidence for them (`room`), the shipped ones the rest; a label that bears the very name of a
    shipped one is the same label, and both add up. only: the taught labels alone. The answer is unknown where no label
    is probable enough, and where the movement is unlike every take and the shipped recogniser does not know it either.
    Valence and arousal stay the shipped ones, for a taught label has no place on the plane.
    """
    taught = dict(zip(head.labels, head.probabilities(features, frames).tolist(), strict=True))
    familiar = float(head.familiarity(features))
    if is_strange(shipped):  # noise, a freeze, a T-pose: no performance, so none of a taught label either
        familiar = 0.0
    probs = taught if only else joined(shipped.probs, taught, room(shipped.probs, taught, familiar))
    best = max(probs, key=probs.__getitem__)
    known = familiar >= FAMILIAR or not (only or shipped.abstain)
    abstain = not known or probs[best] < LEAST_PROBABLE
    return Reading(
        label=UNKNOWN if abstain else best,
        probs=probs,
        valence=shipped.valence,
        arousal=shipped.arousal,
        confidence=probs[best] * (1.0 if known else familiar),
        abstain=abstain,
    )


def room(shipped: Mapping[str, float], taught: Mapping[str, float], familiar: float) -> float:
    """Return the share of the probability that the taught labels have to give out, 0..1.

    The odds that the movement is of the kind of some take, times how far either side is from guessing: whoever is sure
    gets more room, so that takes a little like a shipped emotion do not shout it down where it is plainly shown.
    """
    theirs, ours = (max(probs.values()) * len(probs) for probs in (shipped, taught))
    return familiar * ours / (familiar * ours + (1.0 - familiar) * theirs)


def is_strange(shipped: Reading) -> bool:
    """Tell whether the shipped recogniser takes the movement for no performance, which lowers its confidence."""
    return shipped.abstain and shipped.confidence < max(shipped.probs.values()) * (1.0 - 1e-6)


def joined(shipped: Mapping[str, float], taught: Mapping[str, float], share: float) -> dict[str, float]:
    """Return the probabilities of all labels, shipped ones first; the taught ones have `share` of it to give out."""
    probs = {label: (1.0 - share) * p for label, p in shipped.items()}
    for label, p in taught.items():
        probs[label] = probs.get(label, 0.0) + share * p
    return probs


def labels_of(shipped: tuple[str, ...], head: TaughtHead | None, *, only: bool = False) -> tuple[str, ...]:
    """Return the labels that `blend` answers with, in its order: for the hello of a bridge, or a viewer's bars."""
    if head is None:
        return shipped
    return head.labels if only else (*shipped, *(label for label in head.labels if label not in shipped))
