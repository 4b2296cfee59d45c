"""What is learnt of bodies unlike those of the data: when one is foreign, and how to read it by its speeds.

A body is foreign where its posture, made white by the postures of both sets, lies farther out than nearly all of those
of families of activities that were left out. It is then read by discriminants on speeds alone, whose noise holds what
another person would change as well (invented ones: another tempo, larger or smaller, another body), and whose neutral
is that of every session, since the one with the labels has hardly any. No gait of the benchmark is learnt from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..models.foreign import movement_columns, posture_columns
from . import calibrate
from .calibrate import Floats
from .clips import LABELS, Clip
from .head import Head, Scatter, allowed, flat_mean, solve, spread_within, style_of
from .library import Library
from .looks import Look

SHRINKAGES = (0.05, 0.1, 0.2, 0.4)
_RIDGE = 3e-3
_HIDDEN = 0.05  # share of the noise of postures
_NEAR = 0.99  # share of rows of left-out families that are not foreign at all
_FAR = 1.5  # times as far out, and a body is wholly foreign
_NEUTRAL = LABELS.index("neutral")
LeftOut = Callable[[Clip], bool]


@dataclass(frozen=True)
class Foreign:
    """Hold the parts of `models.foreign.ForeignBody`: columns, white postures, bounds, logits weight (K, M), bias."""

    posture: NDArray[np.intp]
    movement: NDArray[np.intp]
    centre: Floats
    axes: Floats
    bounds: tuple[float, float]
    weight: Floats
    bias: Floats

    def share(self, flat: Floats) -> Floats:
        """Return how foreign bodies of squashed deviations (..., F) are (..., 1)."""
        near, far = self.bounds
        apart = _apart(flat[..., self.posture], self.centre, self.axes)[..., None]
        way = np.clip((apart - near) / (far - near), 0.0, 1.0)
        return way * way * (3.0 - 2.0 * way)

    def correct(self, logits: Floats, flat: Floats) -> Floats:
        """Return logits (..., K) drawn towards those of the movement as far as the body is foreign."""
        return logits + self.share(flat) * (flat[..., self.movement] @ self.weight.T + self.bias - logits)


def fit_foreign(library: Library, head: Head, left_out: LeftOut, divisor: float) -> Foreign:
    """Return both, without what is left out; divisor: the temperature that the logits are to be divided by."""
    posture = np.array(posture_columns(library.extractor))
    centre, axes, bounds = _postures(library, head, posture, left_out)
    readings = _Readings(library, head)
    shrinkage, temperature = readings.choose(left_out)
    found = solve(readings.scatter(left_out), shrinkage)
    stretch = divisor / temperature
    columns = readings.columns
    return Foreign(posture, columns, centre, axes, bounds, found.weight * stretch, found.bias * stretch)


def _apart(posture: Floats, centre: Floats, axes: Floats) -> Floats:
    """Return the mean square (...,) of white postures (..., P)."""
    return np.square((posture - centre) @ axes).mean(axis=-1)


def _whitening(rows: Floats, hidden: Floats) -> tuple[Floats, Floats]:
    """Return centre (P,) and axes (P, P) on which nine parts of rows (N, P) and one of hidden (M, P) have variance one.

    hidden: postures of bodies some of whose joints nobody sees, for a lost joint makes no other body.
    """
    centre = rows.mean(axis=0)
    away = hidden - centre
    spread = (1.0 - _HIDDEN) * np.cov(rows.T) + _HIDDEN * away.T @ away / len(away)
    values, vectors = np.linalg.eigh(spread)
    return centre, vectors / np.sqrt(values.clip(min=0.0) + _RIDGE)


def _postures(
    library: Library, head: Head, columns: NDArray[np.intp], left_out: LeftOut
) -> tuple[Floats, Floats, tuple[float, float]]:
    """Return centre and axes, and bounds: what left-out families reach, and half as much again."""
    seen = [(look.clip.family, head.flat(look.rows)[:, columns])
            for look in allowed([*library.set1, *library.set2], left_out)]  # fmt: skip
    hidden = [(look.clip.family, head.flat(look.rows)[:, columns]) for look in allowed(library.hidden, left_out)]
    apart: list[Floats] = []
    for family in sorted({look.clip.family for look in allowed(library.labelled, left_out)}):
        white = _whitening(_but(seen, family), _but(hidden, family))
        apart += [_apart(rows, *white) for other, rows in seen if other == family]
    near = float(np.quantile(np.concatenate(apart), _NEAR))
    return *_whitening(_but(seen, None), _but(hidden, None)), (near, _FAR * near)


def _but(rows: Sequence[tuple[int, Floats]], family: int | None) -> Floats:
    """Return all rows (N, P) but those of a family."""
    return np.concatenate([some for each, some in rows if each != family])


class _Readings:
    """Hold the mean movement of every clip and of who else might have played it, and fit heads on them."""

    def __init__(self, library: Library, head: Head) -> None:
        self.columns = np.array(movement_columns(library.extractor))
        self._squash = head.squash
        self._head = head
        self._others = library.others
        self._sets = [[(look, self._mean(look)) for look in looks] for looks in (library.set1, library.set2)]
        own = {look.clip.name: mean for look, mean in self._sets[0]}
        self._moved = [(look, self._mean(look) - own[look.clip.name]) for look in library.others]

    def _mean(self, look: Look) -> Floats:
        return flat_mean(self._head, look)[self.columns]

    def scatter(self, left_out: LeftOut) -> Scatter:
        """Return centres (K, M) and noise (M, M) that have not seen what is left out."""
        sets = [[(look.clip, mean) for look, mean in some if not left_out(look.clip)] for some in self._sets]
        labelled = [(clip, mean) for clip, mean in sets[0] if clip.label >= 0]
        scatters = [spread_within([m for _, m in labelled], [str(clip.label) for clip, _ in labelled])]
        scatters += [spread_within([m for _, m in some], [style_of(clip) for clip, _ in some]) for some in sets]
        moved = np.array([gap for look, gap in self._moved if not left_out(look.clip)])
        noise = np.mean(scatters, axis=0) + moved.T @ moved / len(moved)
        blank = np.zeros(len(self.columns))
        return Scatter(blank, blank + 1.0, self._centres(labelled, sets), noise, self._squash)

    def _centres(
        self, labelled: Sequence[tuple[Clip, Floats]], sets: Sequence[Sequence[tuple[Clip, Floats]]]
    ) -> Floats:
        """Return the mean (K, M) of each label; of neutral the normal clips of every session, activities alike."""
        blank = np.zeros(len(self.columns))
        own = [[mean for clip, mean in labelled if clip.label == k] for k in range(len(LABELS))]
        centres = np.array([np.mean(some, axis=0) if some else blank for some in own])
        activities: dict[str, list[Floats]] = {}
        for clip, mean in (pair for some in sets for pair in some if pair[0].style == "normal"):
            activities.setdefault(clip.activity.partition("-")[0], []).append(mean)
        if activities:
            centres[_NEUTRAL] = np.mean([np.mean(some, axis=0) for some in activities.values()], axis=0)
        return centres

    def choose(self, left_out: LeftOut) -> tuple[float, float]:
        """Choose shrinkage and temperature by what is said of other persons' new activities, left out in turn."""
        tests = [look for look in self._others if look.clip.label >= 0 and not left_out(look.clip)]
        answers: list[list[tuple[Floats, int]]] = [[] for _ in SHRINKAGES]
        for activity in sorted({look.clip.activity for look in tests}):
            scatter = self.scatter(_or_shows(left_out, activity))
            heads = [solve(scatter, shrinkage) for shrinkage in SHRINKAGES]
            for look in (look for look in tests if look.clip.activity == activity):
                rows = self._head.flat(look.rows)[:, self.columns]
                for head, said in zip(heads, answers, strict=True):
                    said.append((rows @ head.weight.T + head.bias, look.clip.label))
        every = slice(None)
        found = [calibrate.divisor(said, every) for said in answers]
        losses = [calibrate.loss(said, divisor, every) for said, divisor in zip(answers, found, strict=True)]
        best = int(np.argmin(losses))
        return SHRINKAGES[best], found[best]


def _or_shows(left_out: LeftOut, activity: str) -> LeftOut:
    """Return the test whether a clip is left out, or shows this activity or its kin in another set."""
    kin = activity.partition("-")[0]

    def out(clip: Clip) -> bool:
        second = clip.name.startswith("dataset-2") and clip.activity.partition("-")[0] == kin
        return left_out(clip) or clip.activity == activity or second

    return out
