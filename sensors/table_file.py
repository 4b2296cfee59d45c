"""Read a table of numbers with named columns: CSV or TSV, plain or packed (.xz, .gz), as laboratories export them."""

from __future__ import annotations

import gzip
import lzma
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import numpy as np

from ..engine.errors import TableError
from ..engine.skeleton import Float64
from .bvh_place import shown

LONGEST_LINE: Final = 1 << 20  # characters: more is no table
MOST_CELLS: Final = 40_000_000  # numbers held: 320 MB, an hour of 40 markers at 100 Hz
MOST_HEADER_LINES: Final = 200  # before the first row of numbers
_SEPARATORS: Final = "\t;,"
_MISSING: Final = frozenset(("", "nan", "null", "none", "na", "-"))


@dataclass(frozen=True, eq=False)
class NumberTable:
    """Hold a table: columns (C,) by name, rows (T, C) float64 with NaN where a cell is empty, and what stood above.

    facts: the lines above the columns, as Qualisys and others write them: first cell -> the others. first_line: the
    line of the first row, for messages.
    """

    place: str
    columns: tuple[str, ...]
    rows: Float64
    facts: Mapping[str, tuple[str, ...]]
    first_line: int

    def column(self, name: str) -> Float64 | None:
        """Return a column (T,) by its name in any case, None where there is none."""
        wanted = name.strip().casefold()
        found = [i for i, column in enumerate(self.columns) if column.casefold() == wanted]
        return self.rows[:, found[0]] if found else None


def read_table(path: str | Path) -> NumberTable:
    """Read a whole table; raise TableError, naming the line, for anything that is none."""
    place = str(path)
    try:
        with _opened(Path(path)) as file:
            return _parse(_lines(file, place), place)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise TableError(place, _reason(error), mend="check the path, and that the file is whole") from error
    except UnicodeDecodeError as error:
        raise TableError(place, "no text in UTF-8", mend="export it as CSV or TSV") from error


def _opened(path: Path) -> IO[str]:
    """Open a file for reading as text, unpacked where its name says it is packed."""
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8-sig")
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig")


def _reason(error: Exception) -> str:
    return f"cannot be read: {getattr(error, 'strerror', None) or error or type(error).__name__}"


def _lines(file: IO[str], place: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, with their numbers."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) >= LONGEST_LINE:
            raise TableError(place, f"a line of {LONGEST_LINE} characters or more", line=number, mend="is it a table?")
        text = line.strip(" \r\n")
        if text.strip():
            yield number, text


def _parse(lines: Iterator[tuple[int, str]], place: str) -> NumberTable:
    above: list[str] = []
    for number, text in lines:
        separator = next((each for each in _SEPARATORS if each in text), ",")
        first = _numbers(text.split(separator))
        if first is not None and (above or len(first) > 1):
            columns, facts = _heading(above, separator, len(first), place, number)
            rows = _rows(first, lines, separator, columns, place)
            return NumberTable(place, columns, rows, facts, number)
        if len(above) == MOST_HEADER_LINES:
            break
        above.append(text)
    raise TableError(place, "no row of numbers in it", mend="a line of column names, then rows of numbers")


def _numbers(cells: list[str]) -> list[float] | None:
    """Return a row's numbers, NaN for empty cells and for what is not finite; None where a cell is no number."""
    out: list[float] = []
    for cell in cells:
        try:
            value = float(cell)
        except ValueError:
            if cell.strip().casefold() not in _MISSING:
                return None
            value = math.nan
        out.append(value if math.isfinite(value) else math.nan)
    return None if all(map(math.isnan, out)) else out


def _heading(
    above: list[str], separator: str, width: int, place: str, line: int
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return the columns, which the last line above the rows names or MARKER_NAMES does, and the other lines."""
    split = [tuple(cell.strip().strip('"') for cell in text.split(separator)) for text in above]
    facts = {cells[0]: cells[1:] for cells in split if len(cells) > 1}
    named: tuple[str, ...] = split[-1] if split else ()
    while len(named) > width and not named[len(named) - 1]:  # a separator at the end of the line
        named = named[:-1]
    markers = [f"{name} {axis}" for name in facts.get("MARKER_NAMES", ()) for axis in "XYZ"]
    if len(named) != width and markers and width - len(markers) in (0, 1, 2):
        named = (*("Frame", "Time")[: width - len(markers)], *markers)
    if len(named) != width:
        told = f"{len(named)} column names above {width} columns" if named else "no column names above the numbers"
        raise TableError(place, told, line=line, mend="name every column in the line above the first row")
    doubled = next((name for i, name in enumerate(named) if name and name in named[:i]), None)
    if doubled is not None:
        raise TableError(place, f"two columns are named {shown(doubled)}", line=line - 1, mend="rename one of them")
    return tuple(named), facts


def _rows(
    first: list[float], lines: Iterator[tuple[int, str]], separator: str, columns: tuple[str, ...], place: str
) -> Float64:
    """Return all rows (T, C)."""
    width = len(columns)
    blocks: list[Float64] = []
    block = [first]
    for number, text in lines:
        block.append(_row(text.split(separator), columns, place, number))
        if len(block) == 1000:
            blocks.append(np.array(block))
            block = []
            if len(blocks) * 1000 * width > MOST_CELLS:
                raise TableError(place, f"more than {MOST_CELLS} numbers", line=number, mend="cut it into parts")
    return np.concatenate([*blocks, np.array(block, dtype=np.float64).reshape(len(block), width)])


def _row(cells: list[str], columns: tuple[str, ...], place: str, line: int) -> list[float]:
    """Return one row; a separator at its end and cells that are missing at it are forgiven as empty."""
    width = len(columns)
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    if len(cells) != width:
        raise TableError(place, f"{len(cells)} cells under {width} columns", line=line, mend="is the row cut off?")
    out: list[float] = []
    for column, cell in zip(columns, cells, strict=True):
        try:
            value = float(cell)
        except ValueError:
            if cell.strip().casefold() not in _MISSING:
                raise TableError(place, f"{shown(cell)} in column {column!r} is no number", line=line) from None
            value = math.nan
        out.append(value if math.isfinite(value) else math.nan)
    return out
