"""Which take would help most: where one more makes the fewest mistakes to be expected."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .skeleton import Float64
from .taught import TaughtTake
from .teach_model import Points

_GOOD_S = 10.0  # seconds of a take below which a longer one would tell more
_ENOUGH = 0.02  # mistakes that one more take would spare, below which nothing more is needed


def advise(points: Points, places: Float64, between: Float64, confusion: NDArray[np.intp]) -> str:
    """Return one sentence: the take from which the most is to be learnt, and why.

    places: (K, E) where the labels lie, in the deviations that takes really have. between: (E,) of the prior.
    confusion: (K, K) of takes left out.
    """
    gains = gains_of(places, points.counts, between, confusion)
    best = int(gains.argmax())
    label = points.labels[best]
    if gains[best] < _ENOUGH and not (confusion.sum() - np.trace(confusion)):
        return "The labels are well apart; further takes would change little."
    rival = _rival(best, places, confusion)
    why = f"it is the hardest to tell from {points.labels[rival]!r}"
    if points.counts[best] == 1:
        return f"One more take of {label!r} would help most, in another activity: it has but one, and {why}."
    return f"One more take of {label!r} would help most, in an activity not shown yet: {why}."


def gains_of(places: Float64, counts: NDArray[np.intp], between: Float64, confusion: NDArray[np.intp]) -> Float64:
    """Return (K,) the mistakes between pairs of labels that one more take of each label is expected to spare.

    A pair's mistakes are those of two Gaussians whose places are known from so many takes (Raudys and Pikelis, 1980),
    and count more where takes that were left out were confused.
    """
    labels = range(len(places))
    gains = np.zeros(len(places))
    for i in labels:
        for j in labels:
            if i == j:
                continue
            apart = np.square(places[i] - places[j])
            seen = 1.0 + float(confusion[i, j] + confusion[j, i])
            now = _mistakes(apart, between, int(counts[i]), int(counts[j]))
            gains[i] += seen * (now - _mistakes(apart, between, int(counts[i]) + 1, int(counts[j])))
    return gains


def _mistakes(apart: Float64, between: Float64, n: int, m: int) -> float:
    """Return the share of takes mistaken between two labels known from n and m takes, squared distance (E,) apart."""
    unsure = between / (n * between + 1.0) + between / (m * between + 1.0)  # (E,)
    distance = float(apart.sum())
    margin = distance / math.sqrt(4.0 * float((apart * (1.0 + unsure)).sum()) + 1e-12)
    return 0.5 * math.erfc(margin / math.sqrt(2.0))


def _rival(label: int, places: Float64, confusion: NDArray[np.intp]) -> int:
    """Return the label that this one is confused with the most, else the one that lies nearest."""
    mistaken = confusion[label] + confusion[:, label]
    mistaken[label] = 0
    if mistaken.any():
        return int(mistaken.argmax())
    distance = np.square(places - places[label]).sum(axis=1)
    distance[label] = np.inf
    return int(distance.argmin())


def troubles(points: Points, takes: Sequence[TaughtTake], confusion: NDArray[np.intp]) -> tuple[str, ...]:
    """Return sentences on what stands in the way of a good head."""
    labels, counts = points.labels, points.counts
    found: list[str] = []
    single = [repr(label) for label, n in zip(labels, counts, strict=True) if n == 1]
    if single:
        found.append(f"{_list(single)} cannot be checked: one take each; record a second, in another activity.")
    if counts.max() >= 3 * counts.min():
        few, many = repr(labels[int(counts.argmin())]), repr(labels[int(counts.argmax())])
        found.append(f"{many} has {counts.max()} takes and {few} only {counts.min()}: the rare one is guessed at.")
    for i, label in enumerate(labels):
        row = confusion[i]
        other = int(np.where(np.arange(len(row)) == i, -1, row).argmax())
        if row.sum() >= 2 and row[other] * 2 > row.sum():
            said = f"{label!r} is mostly taken for {labels[other]!r}"
            found.append(f"{said}: show the two more differently, or teach them as one.")
    short = [take.name or repr(take.label) for take in takes if take.seconds < _GOOD_S]
    if len(short) * 2 > len(takes):
        found.append(f"{len(short)} of {len(takes)} takes are shorter than {_GOOD_S:.0f} s: longer ones tell more.")
    return tuple(found)


def _list(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
