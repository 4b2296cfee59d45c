"""Any folder of recordings with a table of labels, and DIEM-A, which is published as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..engine.errors import DataError
from .data_labels import COLUMNS, Row, read_labels
from .data_motion import KINDS
from .data_set import DataSet
from .data_takes import Said, Survey, folder_of, is_mixed, place_and_options, survey_files

_OPTIONS: Final = ("labels", "rates", *(column for column in COLUMNS if column != "file"), "file")
_DIEM_A_TABLES: Final = ("train_data.csv", "labels.csv")
_DIEM_A: Final = (
    "joy", "sadness", "anger", "surprise", "fear", "disgust", "contempt", "gratitude", "guilt", "jealousy", "shame",
    "pride", "neutral",
)  # fmt: skip


def load_folder(path: Path, _folds: str) -> DataSet:
    """Return `folder:DIR?labels=labels.csv&label=COLUMN&performer=COLUMN&rates=mixed` as a data set.

    Files are named from the folder or from the table; BVH, MVNX, tables of points and, where MediaPipe is, films.
    Files that no row names are skipped and listed. Raises DataError.
    """
    place, options = place_and_options("folder", path, _OPTIONS)
    return survey_folder(path).data_set(mixed=is_mixed(str(place), options))


def survey_folder(path: Path) -> Survey:
    """Read every recording that the table of a folder names."""
    folder, options = place_and_options("folder", path, _OPTIONS)
    table = folder_of(folder, "folder:DIR?labels=labels.csv") / options.get("labels", "labels.csv")
    rows = read_labels(table, {column: options[column] for column in COLUMNS if column in options})
    labels = tuple(sorted({row.label for row in rows if row.label}))
    return _survey("folder", folder, table, rows, labels)


def load_diem_a(path: Path, _folds: str) -> DataSet:
    """Return `diem-a:DIR?labels=train_data.csv` as a data set of 13 labels.

    Assumed, for the set is given to applicants only: BVH files of 24 joints below DIR and a table beside them that
    names file, emotion and performer, as the cards of DIEM-A and of its challenge of 2026 (Hugging Face, RIEC/DIEM-A
    and VictorS-67/diema-challenge) describe; the 13 words and the 3 intensities are those of Cheng et al., ACII 2025.
    What the table calls its columns is not published: the customary words are tried (`data_labels.COLUMNS`), others
    are named with ?file=, ?label=, ?performer=, ?content=. Sequences in SMPL's parameters, as seed 3 made them of it,
    are not read: their joints need SMPL's own model. Raises DataError.
    """
    place, options = place_and_options("diem-a", path, _OPTIONS)
    return survey_diem_a(path).data_set(mixed=is_mixed(str(place), options))


def survey_diem_a(path: Path) -> Survey:
    """Read every recording that DIEM-A's table names; raises DataError for an emotion that is none of its 13."""
    folder, options = place_and_options("diem-a", path, _OPTIONS)
    folder_of(folder, "diem-a:DIR")
    tables = [options["labels"]] if "labels" in options else list(_DIEM_A_TABLES)
    table = next((folder / name for name in tables if (folder / name).is_file()), folder / tables[0])
    rows = read_labels(table, {column: options[column] for column in COLUMNS if column in options})
    for row in rows:
        if row.label and row.label.casefold() not in _DIEM_A:
            mend = f"one of {', '.join(_DIEM_A)}; name the column with ?label="
            raise DataError(str(table), f"unknown emotion '{row.label}'", line=row.line, mend=mend)
    return _survey("diem-a", folder, table, rows, _DIEM_A)


def recordings_in(folder: Path, table: Path | None = None) -> list[Path]:
    """List every file of motion below a folder, in the order of their names; the table of labels is none."""
    return [
        file for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in KINDS and file.is_file() and file != table
    ]  # fmt: skip


def _survey(name: str, folder: Path, table: Path, rows: Sequence[Row], labels: tuple[str, ...]) -> Survey:
    there = recordings_in(folder, table)
    files: list[tuple[Path, Said]] = []
    skipped: list[str] = []
    for row in rows:
        found = _file_of(row, folder, there, table)
        if found is None:
            skipped.append(f"{row.file}: in line {row.line} of {table.name}, and there is no such file")
            continue
        name_of = found.relative_to(folder).as_posix()
        label = row.label.casefold() if name == "diem-a" else row.label
        said = Said(name_of, label, row.performer, row.content, row.family, row.valence, row.arousal)
        files.append((found, said))
    named = {file for file, _ in files}
    skipped += [f"{file.relative_to(folder).as_posix()}: no row of {table.name}" for file in there if file not in named]
    return survey_files(name, str(folder), labels, files, skipped)


def _file_of(row: Row, folder: Path, there: Sequence[Path], table: Path) -> Path | None:
    """Return the file that a row means: a path from the folder, or a name with or without its ending."""
    told = row.file.replace("\\", "/").removeprefix("./")
    if told.startswith("/") or ".." in told.split("/"):
        raise DataError(str(table), f"{row.file} lies outside the folder", line=row.line, mend="a path from the folder")
    exact = [file for file in there if file.relative_to(folder).as_posix() == told]
    found = exact or [file for file in there if told in (file.name, file.stem)]
    if len(found) > 1:
        both = " and ".join(file.relative_to(folder).as_posix() for file in found[:2])
        problem = f"two files have the name {row.file}: {both}"
        raise DataError(str(table), problem, line=row.line, mend="write the path from the folder")
    return found[0] if found else None
