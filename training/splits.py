"""Which clips are learnt from and which tested on: whole performers, activities, families or trials are left out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import DataError, MissingPackageError
from .data_set import DataSet

FOLDS: Final = 10
LONE_TRIALS: Final = 100  # up to so many clips each is a fold of its own: leave-one-out
_LEFT_OUT: Final = {
    "intended": "performer", "perceived": "performer", "performer": "performer",
    "content": "content", "family": "family", "trial": "name",
}  # fmt: skip
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Split:
    """Hold the samples of one fold: train (unlabelled ones among them) and test, all of those labelled."""

    number: int
    train: Indices
    test: Indices


def groups_of(data: DataSet, protocol: str) -> list[str]:
    """Return what is left out together with each sample; raises DataError where the set does not tell."""
    attribute = _LEFT_OUT[protocol]
    groups = [str(getattr(sample, attribute)) for sample in data.samples]
    for sample, group in zip(data.samples, groups, strict=True):
        if sample.label and not group:
            problem = f"nobody said the {attribute} of it"
            raise DataError(f"{data.place}: {sample.name}", problem, mend="choose another protocol with --folds")
    return groups


def splits_of(data: DataSet, protocol: str) -> list[Split]:
    """Return the folds of a protocol: the set's own, else one for each group, at most ten, or a hundred lone trials.

    Raises DataError where a group would lie on both sides, or where one side holds one class only.
    """
    groups = groups_of(data, protocol)
    labelled = np.array(data.labelled, dtype=np.intp)
    fold = np.full(len(data.samples), -1, dtype=np.intp)
    fixed = [sample.fold for sample in data.samples]
    if any(f >= 0 for f in fixed):
        fold[:] = fixed
    else:
        most = LONE_TRIALS if protocol == "trial" else FOLDS
        fold[labelled] = _dealt([groups[i] for i in labelled], [data.samples[i].label for i in labelled], most)
    _refuse_both_sides(data, groups, fold, protocol)
    return [_split(data, groups, fold, int(number)) for number in np.unique(fold[fold >= 0])]


def _dealt(groups: Sequence[str], labels: Sequence[str], most: int) -> Indices:
    names = sorted(set(groups))
    if len(names) < 2:
        raise DataError("--folds", f"'{names[0]}' is all there is to leave out", mend="choose another protocol")
    if len(names) <= most:
        return np.array([names.index(group) for group in groups], dtype=np.intp)
    return grouped_folds(np.array(groups), np.array(labels), FOLDS, seed=0)


def grouped_folds(groups: NDArray[Any], labels: NDArray[Any], count: int, seed: int) -> Indices:
    """Return the fold of each of M clips: groups stay together, classes are spread as evenly as that allows."""
    try:
        from sklearn.model_selection import StratifiedGroupKFold
    except ImportError:
        raise MissingPackageError("scikit-learn", "train") from None
    names, place = np.unique(groups, return_inverse=True)
    count = min(count, len(names), int(np.unique(labels, return_counts=True)[1].max()))
    if count < 2:  # no class has two clips: there is nothing to spread
        return (place % 2).astype(np.intp)
    fold = np.zeros(len(groups), dtype=np.intp)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a rare class may be missing from a fold; that is known
        dealer = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        for number, (_, test) in enumerate(dealer.split(groups, labels, groups)):
            fold[test] = number
    return fold


def _refuse_both_sides(data: DataSet, groups: Sequence[str], fold: Indices, protocol: str) -> None:
    home: dict[str, int] = {}
    for sample, group, number in zip(data.samples, groups, fold.tolist(), strict=True):
        if number >= 0 and home.setdefault(group, number) != number:
            what = _LEFT_OUT[protocol]
            problem = f"the {what} '{group}' lies in fold {home[group]} and in fold {number}, on both sides of a split"
            raise DataError(f"{data.place}: {sample.name}", problem, mend=f"keep a {what} in one fold")


def _split(data: DataSet, groups: Sequence[str], fold: Indices, number: int) -> Split:
    tested = {group for group, f in zip(groups, fold.tolist(), strict=True) if f == number}
    test = np.flatnonzero(fold == number)
    train = np.array([i for i, group in enumerate(groups) if group not in tested], dtype=np.intp)
    found = {data.samples[i].label for i in train} - {""}
    if len(found) < 2:
        raise DataError(data.place, f"fold {number} leaves one class only to learn from", mend="choose other folds")
    return Split(number, train, test)
