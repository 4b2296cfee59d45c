"""A data set to learn from: what every loader returns, and how one is named on the command line.

A loader is a function `(path, folds) -> DataSet`, entered in LOADERS under the name that stands before the colon of
`--data NAME:PATH`. It returns one `Sample` for each recording it could read, in the order of their names; it lists
every file it skipped, with the reason, in `skipped`; and it raises DataError, one line that names the file, the place
and the mend, where nothing can be done.

    frames     network frames (T, 90) at 30 Hz: `engine.features.normalise` of the retargeted body, so that place,
               heading and bone lengths are gone. Other rates are resampled before.
    label      one of `labels`; "" where nobody said: only what learns without labels sees it.
    soft       shares of annotators, one for each of `labels`; empty where there was one verdict.
    performer, content, family
               what a protocol may leave out: who moves, what is done, and which kind of thing that is. "" where the set
               does not tell; a protocol that needs it then refuses.
    fold       the set's own fixed fold for the protocol that was asked for, -1 where it has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..engine.errors import DataError
from ..engine.skeleton import Float32

PROTOCOLS: Final = ("intended", "perceived", "content", "family", "performer", "trial")


@dataclass(frozen=True, eq=False)
class Sample:
    """Hold one recording: network frames (T, 90), its label, and what may be left out together with it."""

    name: str
    label: str
    frames: Float32
    performer: str = ""
    content: str = ""
    family: str = ""
    soft: tuple[float, ...] = ()
    valence: float | None = None
    arousal: float | None = None
    fold: int = -1


@dataclass(frozen=True, eq=False)
class DataSet:
    """Hold the samples of a set, the order of its labels, and the files that were skipped, each with the reason."""

    name: str
    place: str
    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    skipped: tuple[str, ...] = ()

    @property
    def labelled(self) -> tuple[int, ...]:
        """List the places of the samples that carry a label."""
        return tuple(i for i, sample in enumerate(self.samples) if sample.label)


Loader = Callable[[Path, str], DataSet]


def _emotion_gait(path: Path, folds: str) -> DataSet:
    from .data_known import load_emotion_gait

    return load_emotion_gait(path, folds)


def _bandai(path: Path, folds: str) -> DataSet:
    from .data_known import load_bandai_one

    return load_bandai_one(path, folds)


def _kinematic_actors(path: Path, folds: str) -> DataSet:
    from .data_published import load_kinematic_actors

    return load_kinematic_actors(path, folds)


def _emokine(path: Path, folds: str) -> DataSet:
    from .data_published import load_emokine

    return load_emokine(path, folds)


def _diem_a(path: Path, folds: str) -> DataSet:
    from .data_folder import load_diem_a

    return load_diem_a(path, folds)


def _xem(path: Path, folds: str) -> DataSet:
    from .data_matlab import load_xem

    return load_xem(path, folds)


def _folder(path: Path, folds: str) -> DataSet:
    from .data_folder import load_folder

    return load_folder(path, folds)


LOADERS: Final[dict[str, Loader]] = {
    "emotion-gait": _emotion_gait,
    "bandai-1": _bandai,
    "kinematic-actors": _kinematic_actors,
    "emokine": _emokine,
    "diem-a": _diem_a,
    "xem": _xem,
    "folder": _folder,
}


def is_data_uri(text: str) -> bool:
    """Tell whether a text names a set and where it lies, as emotion-gait:PATH does."""
    name, colon, _ = text.partition(":")
    return bool(colon) and len(name) > 1 and "/" not in name and "\\" not in name  # C:\data is a folder


def open_data_set(uri: str, folds: str) -> DataSet:
    """Load NAME:PATH for a protocol; raises DataError when the name is unknown or the samples do not hold together."""
    name, _, path = uri.partition(":")
    if name not in LOADERS:
        raise DataError(uri, f"unknown data set '{name}'", mend=f"one of {', '.join(LOADERS)}, then :PATH")
    if folds not in PROTOCOLS:
        raise DataError("--folds", f"unknown protocol '{folds}'", mend=f"one of {', '.join(PROTOCOLS)}")
    if not path:
        raise DataError(uri, "names no path", mend=f"{name}:PATH")
    return checked(LOADERS[name](Path(path).expanduser(), folds))


def checked(data: DataSet) -> DataSet:
    """Return the set as it is; raises DataError for two files of one name, a stray label, or one class only."""
    twice = [name for name, count in Counter(sample.name for sample in data.samples).items() if count > 1]
    if twice:
        raise DataError(f"{data.place}: {twice[0]}", "two files have this name", mend="rename one of them")
    for sample in data.samples:
        if sample.label and sample.label not in data.labels:
            known = ", ".join(data.labels)
            raise DataError(f"{data.place}: {sample.name}", f"unknown label '{sample.label}'", mend=f"one of {known}")
        if sample.soft and len(sample.soft) != len(data.labels):
            problem = f"{len(sample.soft)} shares for {len(data.labels)} labels"
            raise DataError(f"{data.place}: {sample.name}", problem, mend="give one share for each label")
    found = {sample.label for sample in data.samples if sample.label}
    if len(found) < 2:
        said = f"only the class '{next(iter(found))}'" if found else "no labelled sample"
        raise DataError(data.place, f"holds {said}", mend="two classes and more are needed to tell apart")
    return data
