"""Tell when each row of a table was captured, however its clock stumbles."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.clock import NS_PER_S
from ..engine.errors import TableError
from ..engine.skeleton import Float64
from .table_file import NumberTable

_NAMES: Final = ("time", "time (s)", "time_s", "t", "timestamp", "seconds")
_RATES: Final = ("FREQUENCY", "FRAME_RATE", "RATE", "rate_hz", "fps")
RATES_HZ: Final = (1.0, 2000.0)  # what a motion sensor can have


def times_of(table: NumberTable, column: str | None, rate_hz: float | None) -> tuple[NDArray[np.int64], float, str]:
    """Return capture times (T,) in ns from the first row, the rate in Hz, and a note where times had to be mended.

    column: the column with seconds, one of the customary names unless told. rate_hz: overrules all: rows are evenly
    spaced. A clock that goes back or jumps by more than ten rows is not believed: the rows are then spaced by the
    file's own rate. Raises TableError where neither clock nor rate is known.
    """
    told = rate_hz or _told_rate(table)
    seconds = None if rate_hz else _seconds(table, column)
    if seconds is None:
        if told is None:
            raise TableError(table.place, "neither a time column nor a rate", mend="add rate=100 or time=COLUMN")
        return _even(len(table.rows), told), told, ""
    steps = np.diff(seconds)
    step = float(np.median(steps[np.isfinite(steps)])) if np.isfinite(steps).any() else 0.0
    if not RATES_HZ[0] <= 1.0 / max(step, 1e-9) <= RATES_HZ[1] and told is None:
        raise TableError(table.place, f"rows {step:g} s apart", mend="a time column in seconds, or rate=100")
    rate = told or 1.0 / step
    odd = int(np.sum(~(steps > 0) | (steps > 10.0 / rate)))
    if odd:
        note = f"the clock goes back or jumps {odd} times: rows taken as {rate:g} a second"
        return _even(len(seconds), rate), rate, note
    measured = 1.0 / step if RATES_HZ[0] <= 1.0 / step <= RATES_HZ[1] else rate
    return np.round((seconds - seconds[0]) * NS_PER_S).astype(np.int64), measured, ""


def _told_rate(table: NumberTable) -> float | None:
    """Return the rate that stands above the columns, None for none that makes sense."""
    for name in _RATES:
        for text in table.facts.get(name, ())[:1]:
            try:
                rate = float(text)
            except ValueError:
                continue
            if RATES_HZ[0] <= rate <= RATES_HZ[1]:
                return rate
    return None


def _seconds(table: NumberTable, column: str | None) -> Float64 | None:
    """Return the time column (T,), None where there is none and none was named."""
    if column is not None:
        found = table.column(column)
        if found is None:
            raise TableError(table.place, f"no column {column!r} for the time", mend=f"one of {_some(table.columns)}")
        return found
    return next((found for name in _NAMES if (found := table.column(name)) is not None), None)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")


def _even(rows: int, rate_hz: float) -> NDArray[np.int64]:
    return np.round(np.arange(rows) * (NS_PER_S / rate_hz)).astype(np.int64)
