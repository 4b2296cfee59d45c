"""From files and what is said of them to a data set: read what can be read, list what cannot, refuse what misleads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ..engine.errors import DataError, InputError, UriError
from ..sensors.options import parse_uri
from .data_motion import Motion, read_motion
from .data_set import DataSet, Sample

_RATE_OFF: Final = 1.03  # a file's rate may be so far from the others': clocks differ, mixtures are plain
Reader = Callable[[], Motion]


@dataclass(frozen=True)
class Said:
    """Hold what is said of one recording: its name in reports and who does what in it; "" where nobody said."""

    name: str
    label: str
    performer: str = ""
    content: str = ""
    family: str = ""
    valence: float | None = None
    arousal: float | None = None


@dataclass(frozen=True, eq=False)
class Take:
    """Hold a recording and what is said of it."""

    said: Said
    motion: Motion

    def sample(self) -> Sample:
        """Return it as a sample to learn from."""
        said = self.said
        return Sample(
            said.name, said.label, self.motion.frames, said.performer, said.content, said.family,
            valence=said.valence, arousal=said.arousal,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Survey:
    """Hold every recording of a set that could be read, and a line for each that could not."""

    name: str
    place: str
    labels: tuple[str, ...]
    takes: tuple[Take, ...]
    skipped: tuple[str, ...] = ()

    def data_set(self, *, mixed: bool = False) -> DataSet:
        """Return it as a data set; raises DataError for files of different rates unless they are asked for."""
        if not mixed:
            self.refuse_mixed_rates()
        samples = tuple(take.sample() for take in self.takes)
        return DataSet(self.name, self.place, self.labels, samples, self.skipped)

    def odd_rates(self) -> tuple[Take, ...]:
        """Return the recordings whose rate is another than that of most."""
        rates = [take.motion.rate_hz for take in self.takes if take.motion.rate_hz]
        if not rates:
            return ()
        usual = Counter(round(rate) for rate in rates).most_common(1)[0][0]
        near = [rate for rate in rates if round(rate) == usual]
        usual = float(np.median(near))
        return tuple(
            take
            for take in self.takes
            if take.motion.rate_hz and not 1 / _RATE_OFF <= take.motion.rate_hz / usual <= _RATE_OFF
        )

    def refuse_mixed_rates(self) -> None:
        """Raise DataError, naming the first recording of another rate than most: a rate can give a label away."""
        odd = self.odd_rates()
        if odd:
            most = next(take for take in self.takes if take.motion.rate_hz and take not in odd)
            problem = (
                f"{odd[0].motion.rate_hz:.4g} frames a second, where {most.said.name} has {most.motion.rate_hz:.4g}"
            )
            mend = "record at one rate, or add ?rates=mixed to bring all to 30 Hz"
            raise DataError(f"{self.place}: {odd[0].said.name}", problem, mend=mend)


def survey_files(
    name: str, place: str, labels: tuple[str, ...], files: Sequence[tuple[Path, Said]], skipped: Sequence[str] = (),
    read: Callable[[Path], Motion] = read_motion,
) -> Survey:  # fmt: skip
    """Read every file; one that is broken is skipped and listed with its reason."""
    readers = [(said, lambda path=path: read(path)) for path, said in files]
    return survey_readers(name, place, labels, readers, skipped)


def survey_readers(
    name: str, place: str, labels: tuple[str, ...], readers: Sequence[tuple[Said, Reader]], skipped: Sequence[str]
) -> Survey:
    """Call every reader; raises DataError where none gives anything, and UriError where nothing here reads films."""
    takes: list[Take] = []
    broken = list(skipped)
    for said, read in readers:
        try:
            takes.append(Take(said, read()))
        except UriError:  # nothing is wrong with the file: what reads its kind is not installed
            raise
        except InputError as error:
            broken.append(f"{said.name}: {error}")
    if not takes:
        reason = f"; the first: {broken[0]}" if broken else ""
        raise DataError(place, f"no recording in it could be read{reason}", mend="check the folder")
    return Survey(name, place, labels, tuple(takes), tuple(broken))


def place_and_options(scheme: str, path: Path, known: Sequence[str]) -> tuple[Path, dict[str, str]]:
    """Split DIR?key=value&...; raises DataError for an option that is none."""
    uri = parse_uri(f"{scheme}:{path}")
    for key in uri.options:
        if key not in known:
            raise DataError(f"{scheme}:{path}", f"unknown option '{key}'", mend=f"one of {', '.join(known)}")
    return Path(uri.path), dict(uri.options)


def is_mixed(place: str, options: dict[str, str]) -> bool:
    """Tell whether `rates=mixed` was asked for; raises DataError for another word."""
    word = options.get("rates", "one")
    if word not in ("one", "mixed"):
        raise DataError(place, f"rates={word}", mend="rates=mixed, or nothing")
    return word == "mixed"


def folder_of(path: Path, example: str) -> Path:
    """Return the folder; raises DataError where it is none."""
    if not path.is_dir():
        raise DataError(str(path), "is no folder", mend=f"write {example}")
    return path
