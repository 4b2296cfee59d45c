"""Read the table that says what a folder of recordings shows: file, label, performer, and what else is known."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..engine.errors import DataError

# What tables call these columns; the first that is there counts. Any case, blanks and hyphens as underscores.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "file": ("file", "filename", "file_name", "name", "path", "clip", "motion", "sequence", "id"),
    "label": ("label", "emotion", "class"),
    "performer": ("performer", "performer_id", "actor", "actor_id", "participant", "subject", "walker"),
    "content": ("content", "scenario", "scenario_id", "activity", "action"),
    "family": ("family",),
    "valence": ("valence",),
    "arousal": ("arousal",),
}
NOBODY: Final = ("-", "?")  # stand for a performer who is not known
MOST_ROWS: Final = 1_000_000
_REQUIRED: Final = ("file", "label", "performer")


@dataclass(frozen=True)
class Row:
    """Hold one row: line of the table, the file, and what is said of it; "" and None where nobody said."""

    line: int
    file: str
    label: str
    performer: str
    content: str
    family: str
    valence: float | None
    arousal: float | None


def read_labels(path: Path, named: Mapping[str, str] | None = None) -> list[Row]:
    """Read a CSV (comma, semicolon or tab) with a line of column names; named: column -> what this table calls it.

    Raises DataError, naming the line, for a column that is not there, a row without performer or with a number that is
    none, and a file that stands there twice. A row without label is of a recording that nobody labelled.
    """
    place = str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        mend = "a CSV with the columns file, label, performer; name it with ?labels=FILE.csv"
        raise DataError(place, (error.strerror or str(error)).lower(), mend=mend) from None
    except UnicodeDecodeError:
        raise DataError(place, "is no text in UTF-8", mend="save it as CSV UTF-8") from None
    lines = text.splitlines()
    if not lines:
        raise DataError(place, "is empty", mend="a line of column names: file, label, performer")
    separator = max(",;\t", key=lines[0].count)
    try:
        rows = list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error as error:
        raise DataError(place, f"is no CSV: {error}", mend="check its quotation marks") from None
    at = _columns(rows[0], dict(named or {}), place)
    out: list[Row] = []
    seen: dict[str, int] = {}
    for line, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        row = _row(cells, at, line, place)
        if row.file in seen:
            problem = f"{row.file} stands in line {seen[row.file]} already"
            raise DataError(place, problem, line=line, mend="keep one of the two rows")
        seen[row.file] = line
        out.append(row)
    if not out:
        raise DataError(place, "has no row below its column names", mend="one row for each file")
    return out


def _columns(head: Sequence[str], named: dict[str, str], place: str) -> dict[str, int]:
    keys = [_key(cell) for cell in head]
    there = ", ".join(cell.strip() for cell in head)
    at: dict[str, int] = {}
    for column, names in COLUMNS.items():
        told = named.get(column)
        if told is not None and _key(told) not in keys:
            mend = f"its columns: {there}"
            raise DataError(place, f"unknown {column} column '{told}'", line=1, mend=mend)
        found = next((keys.index(name) for name in ((_key(told),) if told else names) if name in keys), None)
        if found is not None:
            at[column] = found
        elif column in _REQUIRED:
            mend = f"its columns: {there}; name one with ?{column}=COLUMN"
            raise DataError(place, f"no column '{column}'", line=1, mend=mend)
    return at


def _key(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def _row(cells: Sequence[str], at: Mapping[str, int], line: int, place: str) -> Row:
    told = {column: cells[i].strip() if i < len(cells) else "" for column, i in at.items()}
    if not told["file"]:
        raise DataError(place, "a row without a file", line=line, mend="name the file, or take the row out")
    if not told["performer"]:
        mend = "name who moves in it; - where nobody knows"
        raise DataError(place, f"no performer of {told['file']}", line=line, mend=mend)
    performer = "" if told["performer"] in NOBODY else told["performer"]
    content = told.get("content", "")
    return Row(
        line, told["file"], told["label"], performer, content, told.get("family", "") or content,
        _degree(told, "valence", line, place), _degree(told, "arousal", line, place),
    )  # fmt: skip


def _degree(told: Mapping[str, str], column: str, line: int, place: str) -> float | None:
    """Return valence or arousal, -1 to 1, None for an empty cell."""
    text = told.get(column, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = 2.0
    if not -1.0 <= value <= 1.0:  # not a number fails this too
        raise DataError(place, f"{column} '{text}' of {told['file']}", line=line, mend="a number from -1 to 1")
    return value
