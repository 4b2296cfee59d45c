"""Teaching: a small head fitted to a performer's own labelled takes, and checked by leaving takes out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..models.store import WeightsProblem
from ..models.teach_prior import NAME, TeachPrior, load_teach_prior
from .advice import advise, troubles
from .errors import TeachError, WeightsError
from .lesson import Lesson
from .skeleton import Float64
from .taught import TaughtHead, TaughtTake, softmax
from .teach_model import Ints, Points, head_of, place

MOST_TAKES: Final = 500
MOST_LABELS: Final = 32
_SAME: Final = 0.02  # root mean square of the difference between two takes' features that are one movement
_MOST_ASKED: Final = 40  # of more takes than that, so many are left out in turn
_FACTORS: Final = np.geomspace(0.2, 5.0, 41)  # of the prior's divisor
_BELIEF: Final = 0.5  # deviation of the logarithm of the factor, before any take was left out
_OWN: Final = 0.25  # share of her own takes that may count as strange
_VOUCHED: Final = 15.0  # takes left out that the prior's threshold weighs

Rows = list[Float64]


def open_prior(name: str | Path = NAME) -> TeachPrior:
    """Open the prior that ships, or one by path; raises WeightsError."""
    try:
        return load_teach_prior(name)
    except WeightsProblem as problem:
        raise WeightsError(problem.place, problem.problem, mend=problem.mend) from None


def fit(takes: Sequence[TaughtTake], prior: TeachPrior) -> Lesson:
    """Fit a head to all takes and check it; deterministic, and the same in whatever order the takes are given.

    Raises TeachError in one line where nothing can be learnt: fewer than two labels, the same take twice, takes of
    another feature set, or a head that does not know its own takes. The head in use stays until a new one is returned.
    """
    ordered = _ordered(takes, prior)
    points = points_of(ordered, prior)
    tested = _left_out(ordered, points, prior)
    base = divisor_of(points, prior)
    weight = _weight(points)
    factor = _calibrate(tested, weight)
    head = head_of(points, prior, base * factor, tested.accuracy, _threshold(tested, prior, weight))
    _check(head, ordered, points)
    confusion = tested.confusion(len(points.labels))
    return Lesson(
        head=head,
        confusion=confusion,
        takes=dict(zip(points.labels, points.counts.tolist(), strict=True)),
        calibration_error=_calibration_error(tested.probabilities(factor), tested.y),
        advice=advise(points, place(points, prior).labels / math.sqrt(head.divisor), prior.between, confusion),
        problems=troubles(points, ordered, confusion),
    )


@dataclass(frozen=True, eq=False)
class Tested:
    """Hold what is said of takes by heads that have not seen them: logits (S, K) and mean lead of each, its label."""

    logits: Rows
    leads: Float64
    y: Ints

    @property
    def accuracy(self) -> float:
        """Return the share of takes that were known again; NaN without any."""
        return _known_again(self.probabilities(1.0), self.y)

    def probabilities(self, divisor: float) -> Float64:
        """Return the mean probabilities (N, K) over the moments of each take."""
        said = [softmax(logits / divisor).mean(axis=0) for logits in self.logits]
        return np.stack(said) if said else np.zeros((0, 1))

    def confusion(self, labels: int) -> Ints:
        """Return (K, K) takes of each label by what they were taken for."""
        table = np.zeros((labels, labels), dtype=np.intp)
        if len(self.y):
            np.add.at(table, (self.y, self.probabilities(1.0).argmax(axis=1)), 1)
        return table


def points_of(takes: Sequence[TaughtTake], prior: TeachPrior) -> Points:
    """Return takes of at least one label as points of the prior's coordinates."""
    labels = tuple(sorted({take.label for take in takes}))
    means = np.stack([take.rows.mean(axis=0, dtype=np.float64) for take in takes]) - prior.mean  # (N, D)
    y = np.array([labels.index(take.label) for take in takes])
    return Points(labels, means @ prior.basis, means @ prior.activity, y)


def divisor_of(points: Points, prior: TeachPrior) -> float:
    """Return the prior's divisor of the logits for so many takes a label."""
    counts, divisors = zip(*prior.divisors, strict=True)
    return float(np.interp(math.log(float(points.counts.mean())), np.log(counts), divisors))


def _ordered(takes: Sequence[TaughtTake], prior: TeachPrior) -> list[TaughtTake]:
    """Return the takes in an order of their own; raises TeachError where nothing can be learnt from them."""
    ordered = sorted(takes, key=lambda take: (take.take_id, take.label))
    if len(ordered) > MOST_TAKES:
        raise TeachError("takes", f"{len(ordered)} of them are too many", mend=f"at most {MOST_TAKES}")
    for take in ordered:
        _require(take, prior)
    labels = sorted({take.label for take in ordered})
    if len(labels) < 2:
        said = f"only {labels[0]!r} is taught" if labels else "nothing is taught"
        raise TeachError("takes", said, mend="record a take of a second label, to tell it from")
    if len(labels) > MOST_LABELS:
        raise TeachError("takes", f"{len(labels)} labels are too many", mend=f"at most {MOST_LABELS}")
    _refuse_twins(ordered)
    return ordered


def _require(take: TaughtTake, prior: TeachPrior) -> None:
    """Raise TeachError where a take is none that this prior can learn from."""
    place = take.name or f"take of {take.label!r}"
    if take.features != prior.features:
        problem = f"was recorded with the features {take.features!r}, not with {prior.features!r}"
        raise TeachError(place, problem, mend="record it again with this version")
    if take.rows.ndim != 2 or take.rows.shape[1] != prior.size or not len(take.rows):
        raise TeachError(place, f"holds features of shape {take.rows.shape}, not (S, {prior.size})")
    if not np.isfinite(take.rows).all():
        raise TeachError(place, "holds numbers that are not finite", mend="record it again")


def _refuse_twins(takes: Sequence[TaughtTake]) -> None:
    """Raise TeachError where two takes are the same movement: one of them would check the other."""
    means = np.stack([take.rows.mean(axis=0, dtype=np.float64) for take in takes])  # (N, D)
    for i in range(1, len(takes)):
        apart = np.sqrt(np.square(means[:i] - means[i]).mean(axis=1))  # (i,)
        same = [j for j in range(i) if takes[j].take_id == takes[i].take_id or apart[j] < _SAME]
        if same:
            one, other = takes[same[0]], takes[i]
            names = f"{one.name or one.label!r} and {other.name or other.label!r}"
            under = "" if one.label == other.label else f", as {one.label!r} and as {other.label!r}"
            raise TeachError("takes", f"{names} are the same movement{under}", mend="remove one of them")


def _left_out(takes: Sequence[TaughtTake], points: Points, prior: TeachPrior) -> Tested:
    """Ask of takes, each of which is not the only one of its label, a head that has not seen them."""
    logits: Rows = []
    leads: list[float] = []
    asked = np.flatnonzero(points.counts[points.y] > 1)
    asked = asked[np.unique(np.linspace(0, len(asked) - 1, min(len(asked), _MOST_ASKED)).round().astype(int))]
    for i in map(int, asked):
        rest = points.keep(_without(points, i))
        head = head_of(rest, prior, 1.0, math.nan)
        logits.append(head.logits(takes[i].rows) / divisor_of(rest, prior))
        leads.append(float(head.lead(takes[i].rows).mean()))
    return Tested(logits, np.array(leads), points.y[asked])


def _without(points: Points, i: int) -> NDArray[np.bool_]:
    """Return which takes (N,) stay when take i is left out.

    Every label that would be left with more takes than its own loses the one most like it: were only they to keep what
    was done in it, the take would look like theirs for what it shows and not for how.
    """
    kept = np.arange(len(points.y)) != i
    means = np.stack([points.u[points.y == label].mean(axis=0) for label in range(len(points.labels))])
    done = points.u - means[points.y]  # (N, Q): what is done, less how
    apart = np.square(done - done[i]).sum(axis=1)
    for label in range(len(points.labels)):
        others = np.flatnonzero(kept & (points.y == label))
        if label != points.y[i] and len(others) >= points.counts[points.y[i]]:
            kept[others[int(apart[others].argmin())]] = False
    return kept


def _weight(points: Points) -> float:
    """Return what a take left out counts: little where the heads that were asked knew far fewer takes than this one."""
    takes = float(points.counts.mean())
    return 1.0 - 1.0 / max(takes - 1.0, 1.0)


def _calibrate(tested: Tested, weight: float) -> float:
    """Return what to multiply the prior's divisor by: the likeliest for the takes left out, near one where few are."""
    best, least = 1.0, math.inf
    for factor in _FACTORS.tolist():
        right = tested.probabilities(factor)[np.arange(len(tested.y)), tested.y]
        loss = 0.5 * (math.log(factor) / _BELIEF) ** 2 - weight * float(np.log(right + 1e-9).sum())
        if loss < least:
            best, least = factor, loss
    return best


def _threshold(tested: Tested, prior: TeachPrior, weight: float) -> float:
    """Return the lead below which a movement is strange: the prior's, drawn to what her own takes left out show."""
    if not len(tested.leads):
        return prior.strange[0]
    own, n = float(np.quantile(tested.leads, _OWN)), weight * len(tested.leads)
    return (_VOUCHED * prior.strange[0] + n * own) / (_VOUCHED + n)


def _check(head: TaughtHead, takes: Sequence[TaughtTake], points: Points) -> None:
    """Raise TeachError where the head is no better than guessing on the very takes it was made from."""
    logits = np.stack([head.logits(take.rows).mean(axis=0) for take in takes])
    if not np.isfinite(logits).all():
        raise TeachError("takes", "give numbers that are not finite", mend="remove the last take")
    if _known_again(logits, points.y) <= 1.0 / len(points.labels):
        raise TeachError("takes", "cannot be told apart", mend="show the labels more differently, or remove one")


def _known_again(said: Float64, y: Ints) -> float:
    return float((said.argmax(axis=1) == y).mean()) if len(y) else math.nan


def _calibration_error(probs: Float64, y: Ints) -> float:
    """Return how far the mean probability of the best label is from how often it is right; NaN without takes."""
    return abs(float(probs.max(axis=1).mean()) - _known_again(probs, y)) if len(y) else math.nan
