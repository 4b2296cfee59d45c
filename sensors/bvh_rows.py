"""Fit numbers to rows: how many there are, whether they keep to their lines, and what stands in for no number."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import BvhError
from ..engine.skeleton import Float64
from .bvh_header import Hierarchy
from .bvh_numbers import tidy
from .bvh_place import line_at

_LINE: Final = re.compile(rb"[^\r\n]+")
MEND: Final = "its CHANNELS and its rows must agree"


def whole_rows(data: bytes, start: int, width: int, place: str) -> tuple[int, int]:
    """Return how many whole rows the lines of data[start:] hold, and how many numbers a last, partial one has.

    A row may be wrapped over lines and a line may hold several rows, but no line may hold the end of one row and the
    beginning of the next: then a number is missing or one too many. Raises BvhError naming that line.
    """
    rows = filled = 0
    first = start
    for line in _LINE.finditer(data, start):
        count = len(tidy(line[0]).split())
        if not filled and count:
            first = line.start()
        filled += count
        if filled % width == 0 or (filled > width and filled == count):
            more, filled = divmod(filled, width)
            rows += more
            if filled:
                raise _misfit(data, first, count, width, place)
        elif filled > width:
            raise _misfit(data, first, len(tidy(_line(data, first)).split()), width, place)
    if filled and not rows:
        raise _misfit(data, first, filled, width, place)
    return rows, filled


def _line(data: bytes, at: int) -> bytes:
    match = _LINE.match(data, at)
    return match[0] if match else b""


def _misfit(data: bytes, at: int, count: int, width: int, place: str) -> BvhError:
    problem = f"{count} numbers in a row where the hierarchy has {width} channels"
    return BvhError(place, problem, line=line_at(data, at), mend=MEND)


def rest_row(hierarchy: Hierarchy) -> Float64:
    """Return the row (C,) of the rest pose: offsets for position channels, 1 for scale, 0 for rotations."""
    row: list[float] = []
    for offset, words in zip(hierarchy.skeleton.offsets.tolist(), hierarchy.channels, strict=True):
        row += [_at_rest(word, offset) for word in words]
    return np.array(row)


def _at_rest(word: str, offset: list[float]) -> float:
    if word.endswith("position"):
        return offset["XYZ".index(word[0])]
    return 1.0 if word.endswith("scale") else 0.0


def hold_last(motion: Float64, before: Float64) -> NDArray[np.intp]:
    """Put the last number before it in the place of each NaN of motion (T, C), in place; return their rows, unsorted.

    before: (C,) what holds before the first row.
    """
    rows, columns = np.nonzero(np.isnan(motion))
    for column in np.unique(columns):
        source = np.arange(len(motion))
        source[rows[columns == column]] = -1
        np.maximum.accumulate(source, out=source)
        motion[:, column] = np.where(source < 0, before[column], motion[source, column])
    return rows
