"""What may be known of a walker when a gait of hers is read: the protocols of ACCURACY.md, as rows to learn from.

A row is one reading: a gait, and what is taken off it. Rows of one walker always stay in one fold.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import DataError
from . import clips
from .clips import GAIT_LABELS, Clip, Progress

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
NAMES: Final = tuple(GAIT_LABELS)  # happy, angry, sad, neutral: the order of the data set
NEUTRAL: Final = NAMES.index("neutral")
_CROWDS: Final = ("SCENE_all", "FILE_all")  # collections, not walkers
KNOWN: Final = ("nothing", "one", "two", "all", "neutral")


@dataclass(frozen=True)
class Gaits:
    """Hold N gaits: clips, who walks, labels and folds (N,), all gaits of a walker in one fold."""

    clips: list[Clip]
    walkers: NDArray[np.str_]
    labels: Indices
    folds: Indices

    def others(self, i: int) -> list[int]:
        """Return the other gaits of the same walker; none where nobody knows who walks."""
        if str(self.walkers[i]) in _CROWDS:
            return []
        return [int(j) for j in np.flatnonzero(self.walkers == self.walkers[i]) if j != i]


@dataclass(frozen=True)
class Rows:
    """Hold R readings: which gait each is of (R,), and the gaits that make up what is known, listed for each."""

    gaits: Indices
    known: list[tuple[int, ...]]

    def relative(self, features: Floats, *, divided: bool) -> Floats:
        """Return features (N, F) of the gaits less the mean of what is known (R, F), and divided by its deviation."""
        rows: list[Floats] = []
        floor = 1e-6 * np.abs(features).max(axis=0) + 1e-9
        for i, known in zip(self.gaits, self.known, strict=True):
            own = features[list(known)] if known else np.zeros((1, features.shape[1]))
            row = features[i] - own.mean(axis=0)
            rows.append(row / (own.std(axis=0) + floor) if divided else row)
        return np.array(rows)


def load(data_dir: Path, kind: str, progress: Progress) -> Gaits:
    """Return the 120 gaits with "intended" labels or all 258 with "perceived" ones; raises DataError."""
    path = data_dir / "emotion_gait.npz"
    progress(f"reading the gaits by their {kind} label")
    try:
        with np.load(path, allow_pickle=False) as file:
            labels, folds = file[kind].astype(np.intp), file[f"fold_{kind}"].astype(np.intp)
            walkers, names = file["walker"], file["names"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(str(path), f"cannot be read: {error}") from None
    chosen = np.flatnonzero(folds >= 0)
    everybody = clips.load_every_gait(data_dir)
    who = np.array([_walker(str(w), str(n)) for w, n in zip(walkers, names, strict=True)])
    return Gaits([everybody[i] for i in chosen], who[chosen], labels[chosen], folds[chosen])


def _walker(walker: str, name: str) -> str:
    """Tell the two walkers apart that share a fold."""
    if walker != "BML_din+dun":
        return walker
    return "BML_din" if "din" in name else "BML_dun"


def rows_of(gaits: Gaits, known: str) -> Rows:
    """Return the readings of a protocol.

    nothing: each gait. one, two: each with each one, each pair, of the walker's others (at most three draws). all: with
    all of hers, itself among them. neutral: the three other than the one neutral gait that is known.
    """
    found: list[tuple[int, tuple[int, ...]]] = []
    for i in range(len(gaits.labels)):
        found.extend((i, each) for each in _known(gaits, i, known))
    return Rows(np.array([i for i, _ in found], dtype=np.intp), [each for _, each in found])


def _known(gaits: Gaits, i: int, known: str) -> Sequence[tuple[int, ...]]:
    others = gaits.others(i)
    if known == "nothing":
        return [()]
    if known in ("one", "two"):
        return list(itertools.combinations(others, 1 if known == "one" else 2))[:3]
    if known == "all":
        return [(i, *others)] if len(others) >= 3 else []
    neutral = [j for j in others if gaits.labels[j] == NEUTRAL]
    return [(neutral[0],)] if neutral and gaits.labels[i] != NEUTRAL else []
