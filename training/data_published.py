"""Two published sets whose file names tell what they show: Kinematic Dataset of Actors, and EMOKINE."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Final

import numpy as np

from ..engine.errors import DataError
from ..sensors.points import points_of
from ..sensors.table_file import read_table
from .data_motion import Motion, of_points, read_motion
from .data_set import DataSet
from .data_takes import Said, Survey, folder_of, is_mixed, place_and_options, survey_files

_ACTORS: Final = {
    "A": "angry", "D": "disgust", "F": "fearful", "H": "happy", "N": "neutral", "SA": "sad", "SU": "surprise",
}  # fmt: skip
_ACTORS_NAME: Final = re.compile(r"([FM]\d\d)(SA|SU|[ADFHN])(\d+)V(\d+)", re.IGNORECASE)
_EMOKINE: Final = ("angry", "content", "fearful", "joy", "neutral", "sad")
_EMOKINE_NAME: Final = re.compile(rf"seq(\d+)_({'|'.join(_EMOKINE)})(?![a-z])", re.IGNORECASE)
_EMOKINE_HZ: Final = 240.0
_OPTIONS: Final = ("rates",)


def load_kinematic_actors(path: Path, _folds: str) -> DataSet:
    """Return `kinematic-actors:DIR` (PhysioNet, kinematic-actors-emotions 2.1.0) as a data set of 7 emotions.

    DIR or any folder below it holds F01A0V1.bvh: performer F01, emotion A, scenario 0, version 1; the letters are A D
    F H N SA SU. A table of metadata in it (a CSV with the columns filename and emotion, as Zhang et al., Scientific
    Data 2020, and seed 2 describe) is held against the names: a file that it calls otherwise is skipped and listed.
    Assumed: what it calls an emotion begins with the word's first three letters. Scenario numbers are content; beside
    0 they are each emotion's own, so a split by content is one by number alone. Raises DataError.
    """
    place, options = place_and_options("kinematic-actors", path, _OPTIONS)
    return survey_kinematic_actors(path).data_set(mixed=is_mixed(str(place), options))


def survey_kinematic_actors(path: Path) -> Survey:
    """Read every BVH file whose name tells performer, emotion, scenario and version."""
    place, _ = place_and_options("kinematic-actors", path, _OPTIONS)
    folder = folder_of(place, "kinematic-actors:DIR")
    told = _metadata(folder)
    files: list[tuple[Path, Said]] = []
    skipped: list[str] = []
    found = sorted(file for file in folder.rglob("*") if file.suffix.lower() == ".bvh")
    for file in found:
        match = _ACTORS_NAME.fullmatch(file.stem)
        if match is None:
            skipped.append(f"{file.name}: its name is not performer, emotion, scenario, version, as F01A0V1 is")
            continue
        who, letters, scenario, _ = match.groups()
        label = _ACTORS[letters.upper()]
        other = told.get(file.stem.casefold(), label)
        if other.casefold()[:3] != label[:3]:
            skipped.append(f"{file.name}: its name says {label}, the table of metadata says {other}")
            continue
        content = f"scenario {int(scenario)}"
        files.append((file, Said(file.name, label, who.upper(), content, content)))
    there = {file.stem.casefold() for file in found}
    skipped += [f"{stem}: in the table of metadata, and there is no such file" for stem in told if stem not in there]
    return survey_files("kinematic-actors", str(folder), tuple(_ACTORS.values()), files, skipped)


def _metadata(folder: Path) -> dict[str, str]:
    """Return stem -> emotion of the first table with both columns, empty where there is none."""
    for file in sorted(folder.rglob("*.csv")):
        try:
            with file.open(encoding="utf-8-sig", newline="") as opened:
                rows = csv.DictReader(opened)
                columns = {name.strip().casefold(): name for name in rows.fieldnames or () if name}
                if {"filename", "emotion"} <= set(columns):
                    pairs = [(row[columns["filename"]], row[columns["emotion"]]) for row in rows]
                    return {Path(a.strip()).stem.casefold(): b.strip() for a, b in pairs if a and b}
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(str(file), f"cannot be read: {error}", mend="mend it, or take it out") from None
    return {}


def load_emokine(path: Path, _folds: str) -> DataSet:
    """Return `emokine:DIR` (Zenodo 7821844) as a data set of 6 emotions by one dancer, nine choreographies.

    DIR is EmokineDataset, its Data, or Data/MVNX or Data/CSV: MVNX_seq1_angry.mvnx where there are any, else a folder
    CSV_seq1_angry with position.csv in it (frame_idx, ms, Pelvis_x, Pelvis_y, ...: 23 segments, metres, z up), as the
    set's README and its converter describe; the name of the CSV folders is assumed from that of the other kinds. The
    takes called explanation carry no emotion: skipped and listed. Raises DataError.
    """
    place, options = place_and_options("emokine", path, _OPTIONS)
    return survey_emokine(path).data_set(mixed=is_mixed(str(place), options))


def survey_emokine(path: Path) -> Survey:
    """Read every take, from MVNX where there is any, else from CSV."""
    place, _ = place_and_options("emokine", path, _OPTIONS)
    folder = folder_of(place, "emokine:DIR")
    suits = sorted(file for file in folder.rglob("*") if file.suffix.lower() == ".mvnx")
    tables = [] if suits else sorted(folder.rglob("position*.csv"))
    files: list[tuple[Path, Said]] = []
    skipped: list[str] = []
    for file in suits or tables:
        name = file.stem if suits else file.parent.name
        match = _EMOKINE_NAME.search(name)
        if match is None:
            skipped.append(f"{name}: its name tells no emotion, as seq1_angry does")
            continue
        content = f"seq{int(match[1])}"
        files.append((file, Said(name, match[2].lower(), "dancer", content, content)))
    read = read_motion if suits else _segments
    return survey_files("emokine", str(folder), _EMOKINE, files, skipped, read)


def _segments(path: Path) -> Motion:
    """Read position.csv; its ms count the rate where they are there, else it is the set's 240 Hz."""
    table = read_table(path)
    names, places = points_of(table)
    ms = table.column("ms")
    rate_hz = _EMOKINE_HZ
    if ms is not None and len(ms) > 1 and np.isfinite(ms).all() and ms[-1] > ms[0]:
        counted = 1000.0 * (len(ms) - 1) / float(ms[-1] - ms[0])
        rate_hz = counted if abs(counted - _EMOKINE_HZ) > 2.0 else _EMOKINE_HZ  # whole milliseconds count a little off
    return of_points(places.astype(np.float32), names, rate_hz, str(path), "xsens")
