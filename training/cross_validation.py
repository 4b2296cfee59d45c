"""A classifier measured on clips it never saw: outer folds as the protocol says, everything chosen on inner ones.

Each fold is a file that is written whole or not at all, so that a run that was broken off goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.errors import DataError, MissingPackageError
from .classifier import Classifier, Settings, tempered
from .data_set import DataSet
from .nested import choose
from .splits import Split
from .windows import Examples, Floats, Indices

_LEAKY_FOLDS = 5
Tick = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Fold:
    """Hold what one fold said of its M test clips: probabilities (M, K) before and after the temperature."""

    seed: int
    number: int
    clips: Indices
    raw: Floats
    probs: Floats
    settings: dict[str, Any]
    temperature: float


@dataclass(frozen=True)
class Place:
    """Hold where folds are kept, and the key of everything that decides their figures."""

    folder: Path
    key: str
    resume: bool


def key_of(data: DataSet, examples: Examples, kind: type[Classifier], protocol: str) -> str:
    """Return a hash of all that decides the figures: model, protocol, labels, names, frames, and the libraries."""
    told = hashlib.sha256()
    versions = [_version(name) for name in ("numpy", "scikit-learn", "torch", "lightgbm", "optuna")]
    said = [kind.kind, protocol, *data.labels, *(f"{s.name} {s.label} {s.fold}" for s in data.samples), *versions]
    told.update("\n".join(said).encode())
    told.update(np.ascontiguousarray(examples.frames).tobytes())
    return told.hexdigest()[:16]


def _version(package: str) -> str:
    """Return the version of a package; raises MissingPackageError where it is not installed."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        raise MissingPackageError(package, "train") from None


def run_folds(
    kind: type[Classifier], examples: Examples, splits: Sequence[Split], seeds: Sequence[int], place: Place, tick: Tick
) -> Iterator[Fold]:
    """Yield every fold of every seed, read where it was done before and may be resumed."""
    for seed in seeds:
        for split in splits:
            path = place.folder / f"seed{seed}-fold{split.number}.json"
            fold = _read(path, place.key) if place.resume else None
            if fold is None:
                tick(f"seed {seed}, fold {split.number}")
                fold = run_fold(kind, examples, split, seed)
                _write(path, place.key, fold)
            else:
                tick(f"seed {seed}, fold {split.number}: kept from before")
            yield fold


def run_fold(kind: type[Classifier], examples: Examples, split: Split, seed: int) -> Fold:
    """Choose inside, learn from the training clips, answer the test clips."""
    train, test = examples.take(split.train), examples.take(split.test)
    if not kind.unlabelled:
        train = train.labelled
    chosen = choose(kind, train, seed)
    fitted = kind.fit(train, seed, chosen.settings).with_temperature(chosen.temperature)
    said = fitted.log_probs(test)
    raw, probs = (test.by_clip(tempered(said, t)) for t in (1.0, chosen.temperature))
    return Fold(seed, split.number, split.test, raw, probs, _plain(chosen.settings), chosen.temperature)


def fit_all(kind: type[Classifier], examples: Examples, seed: int) -> Classifier:
    """Return the classifier that learnt from every clip, chosen in the same way: what the report keeps."""
    train = examples if kind.unlabelled else examples.labelled
    chosen = choose(kind, train, seed)
    return kind.fit(train, seed, chosen.settings).with_temperature(chosen.temperature)


def leaky_twin(kind: type[Classifier], examples: Examples, seed: int, settings: Settings) -> dict[str, Any]:
    """Return what a random split of overlapping windows pretends: clips and performers on both sides. Never quote it.

    Where a clip is one window only, whole clips are dealt at random, so that their performers are on both sides.
    """
    known = examples.labelled
    windows = len(known.clips)
    lone = Examples(
        known.frames,
        np.arange(windows),
        known.targets,
        np.array([str(i) for i in range(windows)]),
        known.soft[known.clips],
        known.names,
        dict(known.memo),
    )
    fold = np.random.default_rng(seed).permutation(windows) % _LEAKY_FOLDS
    right = 0
    for number in range(_LEAKY_FOLDS):
        fitted = kind.fit(lone.take(np.flatnonzero(fold != number)), seed, settings)
        test = lone.take(np.flatnonzero(fold == number))
        right += int(np.sum(fitted.log_probs(test).argmax(axis=1) == test.labels))
    return {"windows": windows, "accuracy": right / windows}


def _plain(settings: Any) -> dict[str, Any]:
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in settings.items()}


def _write(path: Path, key: str, fold: Fold) -> None:
    said = {
        "key": key,
        "seed": fold.seed,
        "number": fold.number,
        "settings": fold.settings,
        "temperature": fold.temperature,
        "clips": fold.clips.tolist(),
        "raw": fold.raw.tolist(),
        "probs": fold.probs.tolist(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(said) + "\n", encoding="utf-8")
    unfinished.replace(path)


def _read(path: Path, key: str) -> Fold | None:
    """Return a fold that was done before with the same key; raises DataError where the file is broken."""
    if not path.is_file():
        return None
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if said["key"] != key:
            return None
        clips = np.array(said["clips"], dtype=np.intp)
        raw, probs = np.array(said["raw"]), np.array(said["probs"])
        return Fold(said["seed"], said["number"], clips, raw, probs, dict(said["settings"]), float(said["temperature"]))
    except (ValueError, KeyError, TypeError):
        raise DataError(str(path), "is no fold of ours", mend="delete it, or leave out --resume") from None
