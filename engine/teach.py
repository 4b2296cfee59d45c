"""Teaching: a small head fitted to a performer's own labelled takes, checked by leaving each take out.

The model is Gaussian, diagonal in the coordinates of the prior: a take lies about the place of its label with variance
one, a label's place about the performer's own centre with the variance that styles have among other people (Prince and
Elder, 2007). With few takes a label is therefore drawn to the centre wherever styles do not usually differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..models.store import WeightsProblem
from ..models.teach_prior import NAME, TeachPrior, load_teach_prior
from .advice import advise, troubles
from .errors import TeachError, WeightsError
from .lesson import Lesson, Sample
from .skeleton import Float64
from .taught import TaughtHead, TaughtTake

MOST_TAKES: Final = 500
MOST_LABELS: Final = 32
_SAME: Final = 0.02  # root mean square of the difference between two takes' features that are one movement
_DIVISORS: Final = np.geomspace(0.25, 4.0, 33)  # times the prior's
_BELIEF: Final = 4.0  # takes left out that the prior's divisor weighs
_BELIEF_WIDTH: Final = 0.7  # of its logarithm

Ints = NDArray[np.intp]


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
    sample = _sample(takes, prior)
    said, tested = _left_out(sample, prior)
    factor = _calibrate(said[tested], sample.y[tested])
    head = _assemble(sample, prior, factor, _known_again(said[tested], sample.y[tested]))
    _check(head, sample)
    confusion = np.zeros((len(head.labels), len(head.labels)), dtype=np.intp)
    np.add.at(confusion, (sample.y[tested], said[tested].argmax(axis=1)), 1)
    error = _calibration_error(_softmax(said[tested] / factor), sample.y[tested])
    centres = _centres(sample, prior)[1]
    return Lesson(
        head=head,
        confusion=confusion,
        takes=dict(zip(sample.labels, sample.counts.tolist(), strict=True)),
        calibration_error=error,
        advice=advise(sample, centres, prior.between, confusion),
        problems=troubles(sample, confusion),
    )


def _sample(takes: Sequence[TaughtTake], prior: TeachPrior) -> Sample:
    """Return the takes as points, in an order of their own; raises TeachError."""
    if len(takes) > MOST_TAKES:
        raise TeachError("takes", f"{len(takes)} of them are too many", mend=f"at most {MOST_TAKES}")
    ordered = sorted(takes, key=lambda take: (take.take_id, take.label))
    for take in ordered:
        _require(take, prior)
    labels = tuple(sorted({take.label for take in ordered}))
    if len(labels) < 2:
        said = f"only {labels[0]!r} is taught" if labels else "nothing is taught"
        raise TeachError("takes", said, mend="record a take of a second label, to tell it from")
    if len(labels) > MOST_LABELS:
        raise TeachError("takes", f"{len(labels)} labels are too many", mend=f"at most {MOST_LABELS}")
    means = np.stack([take.rows.mean(axis=0, dtype=np.float64) for take in ordered])  # (N, D)
    _refuse_twins(ordered, means)
    y = np.array([labels.index(take.label) for take in ordered])
    return Sample(labels, (means - prior.mean) @ prior.basis, y, tuple(ordered))


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


def _refuse_twins(takes: Sequence[TaughtTake], means: Float64) -> None:
    """Raise TeachError where two takes are the same movement: one of them would check the other."""
    for i in range(1, len(takes)):
        apart = np.sqrt(np.square(means[:i] - means[i]).mean(axis=1))  # (i,)
        same = [j for j in range(i) if takes[j].take_id == takes[i].take_id or apart[j] < _SAME]
        if same:
            one, other = takes[same[0]], takes[i]
            names = f"{one.name or one.label!r} and {other.name or other.label!r}"
            under = "" if one.label == other.label else f", as {one.label!r} and as {other.label!r}"
            raise TeachError("takes", f"{names} are the same movement{under}", mend="remove one of them")


def _centres(sample: Sample, prior: TeachPrior) -> tuple[Float64, Float64]:
    """Return the performer's centre (E,) and where each label is expected to lie, (K, E)."""
    counts = sample.counts[:, None].astype(np.float64)  # (K, 1)
    totals = np.zeros((len(sample.labels), sample.z.shape[1]))
    np.add.at(totals, sample.y, sample.z)
    weights = counts / (counts * prior.between + 1.0)  # of each label's mean about the centre
    means = totals / np.maximum(counts, 1.0)
    centre = (weights * means).sum(axis=0) / weights.sum(axis=0)
    gain = counts * prior.between / (counts * prior.between + 1.0)
    return centre, centre + gain * (means - centre)


def _linear(sample: Sample, prior: TeachPrior) -> tuple[Float64, Float64]:
    """Return discriminants (K, E) and their biases (K,) over the coordinates: the log density of each label's place."""
    centre, places = _centres(sample, prior)
    n = max(float(sample.counts.mean()), 1.0)
    spread = 1.0 + prior.between / (n * prior.between + 1.0)  # of a new take about a place known from n takes
    weight = (places - centre) / spread
    return weight, -0.5 * ((places - centre) * weight).sum(axis=1) - weight @ centre


def _divisor(takes: float, prior: TeachPrior) -> float:
    """Return the prior's divisor for so many takes a label."""
    counts, divisors = zip(*prior.divisors, strict=True)
    return float(np.interp(math.log(max(takes, 1.0)), np.log(counts), divisors))


def _logits(sample: Sample, prior: TeachPrior, z: Float64) -> Float64:
    """Return logits (N, K) of points (N, E), over the prior's divisor."""
    weight, bias = _linear(sample, prior)
    return (z @ weight.T + bias) / _divisor(float(sample.counts.mean()), prior)


def _left_out(sample: Sample, prior: TeachPrior) -> tuple[Float64, NDArray[np.bool_]]:
    """Return what is said (N, K) of each take by a head that has not seen it, and of which takes that can be asked."""
    tested = sample.counts[sample.y] > 1
    said = np.zeros((len(sample.y), len(sample.labels)))
    for i in np.flatnonzero(tested):
        said[i] = _logits(sample.without(int(i)), prior, sample.z[i : i + 1])[0]
    return said, tested


def _calibrate(said: Float64, y: Ints) -> float:
    """Return what to multiply the prior's divisor by: the likeliest for takes left out, drawn to one where few are."""
    best, least = 1.0, math.inf
    for factor in _DIVISORS:
        loss = -float(np.log(_softmax(said / factor)[np.arange(len(y)), y] + 1e-12).sum())
        loss += 0.5 * _BELIEF * (math.log(factor) / _BELIEF_WIDTH) ** 2
        if loss < least:
            best, least = float(factor), loss
    return best


def _assemble(sample: Sample, prior: TeachPrior, factor: float, accuracy: float) -> TaughtHead:
    weight, bias = _linear(sample, prior)
    over = weight @ prior.basis.T  # (K, D)
    divisor = _divisor(float(sample.counts.mean()), prior) * factor
    return TaughtHead(
        labels=sample.labels,
        features=prior.features,
        weight=over,
        bias=bias - over @ prior.mean,
        divisors=np.full(len(sample.labels), divisor),
        settle=prior.settle,
        basis=prior.basis,
        centres=_centres(sample, prior)[1] + prior.mean @ prior.basis,
        strange=prior.strange,
        accuracy=accuracy,
    )


def _check(head: TaughtHead, sample: Sample) -> None:
    """Raise TeachError where the head is no better than guessing on the very takes it was made from."""
    logits = np.stack([head.logits(take.rows).mean(axis=0) for take in sample.takes])
    if not np.isfinite(logits).all():
        raise TeachError("takes", "give numbers that are not finite", mend="remove the last take")
    if _known_again(logits, sample.y) <= 1.0 / len(sample.labels):
        raise TeachError("takes", "cannot be told apart", mend="show the labels more differently, or remove one")


def _known_again(logits: Float64, y: Ints) -> float:
    return float((logits.argmax(axis=1) == y).mean()) if len(y) else math.nan


def _softmax(logits: Float64) -> Float64:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _calibration_error(probs: Float64, y: Ints) -> float:
    """Return how far the mean probability of the best label is from how often it is right; NaN without takes."""
    if not len(y):
        return math.nan
    return abs(float(probs.max(axis=1).mean()) - _known_again(probs, y))
