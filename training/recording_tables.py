"""A recorded show as tables: a row a frame, and beside it a row a value of every other event; CSV or Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from ..engine.body import JOINT_NAMES
from ..engine.errors import MissingPackageError
from .recording_frames import Frame, Value

HEAD: Final = ("t_ns", "stream", "type", "seq", "interpolated")
COLUMNS: Final = (
    *HEAD,
    *(f"{joint}_{axis}" for joint in JOINT_NAMES for axis in "xyz"),
    *(f"{joint}_confidence" for joint in JOINT_NAMES),
    *(f"{joint}_q{part}" for joint in JOINT_NAMES for part in "wxyz"),
)
VALUE_COLUMNS: Final = ("t_ns", "stream", "type", "seq", "name", "value", "text")
_BATCH: Final = 2048  # rows of Parquet written at once


class Table(Protocol):
    """Take rows until it is closed."""

    def write(self, row: list[Any]) -> None:
        """Add one row."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


def write_tables(show: Iterable[Frame | list[Value]], frames: Table, values: Table) -> tuple[int, int]:
    """Write a show into two tables; return how many frames and values there were."""
    counts = [0, 0]
    for each in show:
        if isinstance(each, Frame):
            frames.write(frame_row(each))
            counts[0] += 1
        else:
            for value in each:
                values.write(value_row(value))
            counts[1] += len(each)
    return counts[0], counts[1]


def frame_row(frame: Frame) -> list[Any]:
    """Return a frame as COLUMNS; None where nothing is known."""
    head = [frame.t_ns, frame.stream, frame.kind, frame.seq, frame.interpolated]
    known = [None] * len(JOINT_NAMES) if frame.confidence is None else frame.confidence.tolist()
    turned = [None] * 4 * len(JOINT_NAMES) if frame.rotations is None else frame.rotations.ravel().tolist()
    return [*head, *frame.positions.ravel().tolist(), *known, *turned]


def value_row(value: Value) -> list[Any]:
    """Return a value as VALUE_COLUMNS: a number, or a text where it is none."""
    is_text = isinstance(value.value, str)
    number, text = (None, value.value) if is_text else (float(value.value), None)
    return [value.t_ns, value.stream, value.kind, value.seq, value.name, number, text]


class CsvTable:
    """Write rows of shortest exact decimals, comma separated, with a line of names above them."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self._file = path.open("x", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._writer.writerow(columns)

    def write(self, row: list[Any]) -> None:
        """Add one row."""
        self._writer.writerow([_shortest(each) for each in row])

    def close(self) -> None:
        """End the file."""
        self._file.close()


def _shortest(value: Any) -> Any:
    """Return a number in as few digits as give it back; those that were float32 need fewer."""
    if not isinstance(value, float):
        return value
    single = np.float32(value)
    return str(single) if single == value else repr(value)


class ParquetTable:
    """Write rows in batches; needs pyarrow. Raises MissingPackageError."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise MissingPackageError("pyarrow", "parquet") from None
        kinds = {"t_ns": pa.int64(), "seq": pa.int64(), "interpolated": pa.bool_(), "value": pa.float64()}
        kinds |= dict.fromkeys(("stream", "type", "name", "text"), pa.string())
        self._pa = pa
        self._schema = pa.schema([(name, kinds.get(name, pa.float32())) for name in columns])
        self._file = path.open("xb")
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd")
        self._rows: list[list[Any]] = []

    def write(self, row: list[Any]) -> None:
        """Add one row."""
        self._rows.append(row)
        if len(self._rows) >= _BATCH:
            self._flush()

    def close(self) -> None:
        """Write what is left and end the file."""
        self._flush()
        self._writer.close()
        self._file.close()

    def _flush(self) -> None:
        columns = list(_turned(self._rows, len(self._schema)))
        arrays = [self._pa.array(column, type=field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_batch(self._pa.record_batch(arrays, schema=self._schema))
        self._rows.clear()


def _turned(rows: list[list[Any]], width: int) -> Iterator[list[Any]]:
    return ([row[k] for row in rows] for k in range(width))
