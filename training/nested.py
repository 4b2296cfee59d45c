"""What inner folds choose: settings and temperature, on groups left out of the training clips themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..engine.errors import DataError
from .classifier import Classifier, Settings, logs, tempered
from .splits import grouped_folds
from .windows import Examples, Floats, Indices

TEMPERATURES: Final = np.exp(np.linspace(np.log(0.2), np.log(10.0), 60))


@dataclass(frozen=True, eq=False)
class Chosen:
    """Hold what inner folds chose, and what was then said (N, K) of the windows of each labelled clip left out."""

    settings: Settings
    temperature: float
    said: Floats


def inner_splits(data: Examples, count: int, seed: int) -> Iterator[tuple[Indices, Indices]]:
    """Yield clips to learn from (unlabelled ones of other groups among them) and labelled clips to test on."""
    labelled = np.flatnonzero(data.labels >= 0)
    fold = grouped_folds(data.groups[labelled], data.labels[labelled], count, seed)
    for number in np.unique(fold):
        test = labelled[fold == number]
        out = np.isin(data.groups, np.unique(data.groups[test]))
        train = np.flatnonzero(~out)
        if len(np.unique(data.labels[train][data.labels[train] >= 0])) > 1:
            yield train, test


def said_inside(kind: type[Classifier], data: Examples, settings: Settings, seed: int) -> tuple[Examples, Floats]:
    """Return labelled clips and what is said (N, K) of their windows by classifiers that never saw their group.

    All labelled clips, or those of the first inner fold alone where a kind is dear to fit (`held_out`).
    """
    parts: list[tuple[Indices, Floats]] = []
    for train, test in inner_splits(data, kind.inner, seed):
        fitted = kind.fit(data.take(train), seed, settings)
        parts.append((test, fitted.log_probs(data.take(test))))
        if kind.held_out:
            break
    if not parts:
        raise DataError("training", "no inner fold keeps two classes to learn from", mend="choose other folds")
    tests = np.sort(np.concatenate([test for test, _ in parts]))
    known = data.take(tests)
    said = np.zeros((len(known.clips), len(data.names)))
    for test, answers in parts:
        said[np.isin(known.clips, np.searchsorted(tests, test))] = answers
    return known, said


def choose(kind: type[Classifier], data: Examples, seed: int) -> Chosen:
    """Return the settings whose answers on inner folds are the likeliest, each at its best temperature.

    A kind that chooses in its own way (Optuna, the ensemble) says so by `choose`.
    """
    own = getattr(kind, "choose", None)
    if own is not None:
        return own(data, seed)
    return likeliest(tried(kind, data, settings, seed) for settings in kind.choices())


def tried(kind: type[Classifier], data: Examples, settings: Settings, seed: int) -> tuple[Chosen, float]:
    """Return what inner folds say of one choice of settings, and the loss at its best temperature."""
    known, said = said_inside(kind, data, settings, seed)
    temperature, loss = best_temperature(known, said)
    return Chosen(settings, temperature, said), loss


def likeliest(found: Iterable[tuple[Chosen, float]]) -> Chosen:
    """Return the choice of the least loss."""
    return min(found, key=lambda each: each[1])[0]


def best_temperature(data: Examples, said: Floats) -> tuple[float, float]:
    """Return the temperature at which the labels of clips are the likeliest, and their mean negative log-likelihood."""
    losses = [loss_of(data, said, temperature) for temperature in TEMPERATURES.tolist()]
    at = int(np.argmin(losses))
    return float(TEMPERATURES[at]), float(losses[at])


def loss_of(data: Examples, said: Floats, temperature: float) -> float:
    """Return the mean negative log-likelihood of clips' labels from what is said (N, K) of their windows."""
    clips = logs(data.by_clip(tempered(said, temperature)))
    return -float(clips[np.arange(data.count), data.labels].mean())
