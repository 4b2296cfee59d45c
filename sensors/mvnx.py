"""Read MVNX, Xsens' recording format, versions 3 and 4: positions and orientations of every frame (PROTOCOLS.md 2.8).

A file of hours is read piece by piece: what is held beside the numbers is a few megabytes, however long it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import RawIOBase
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import BvhError
from ..engine.skeleton import Float32, Float64
from .bvh_numbers import parse_lines
from .mvnx_frames import FrameCutter
from .mvnx_head import Head, MvnxError, read_head
from .mvnx_leaps import Batch

__all__ = ["Mvnx", "MvnxError", "MvnxReader", "read_mvnx"]

_MARK: Final = 987654321.25  # stands between the frames of a block, so that a number too many is seen
_BETWEEN: Final = b"\n987654321.25\n"
_STILL: Final = frozenset((b"identity", b"npose", b"tpose", b"tpose-isb"))


class Block(NamedTuple):
    """Hold some frames: times (T,) in ms, positions (T, S, 3), orientations (T, S, 4) wxyz, z up, in metres.

    still: whether they are the poses that MVN writes before the movement.
    """

    times_ms: NDArray[np.int64]
    positions: Float32
    rotations: Float32
    still: bool


@dataclass(frozen=True)
class Mvnx:
    """Hold a recording.

    version: of the format. name: the actor's. segments: which of the 23, 0 for the pelvis. times_ms: (T,) int64.
    positions: (T, S, 3) float32 metres, z up, x forward. rotations: (T, S, 4) float32 wxyz global. still: the first
    identity, N- or T-pose, positions (S, 3) and rotations (S, 4), None where there is none. dropped: frames that could
    not be read. cut_short: whether the file ends before its frames do.
    """

    version: str
    name: str
    rate_hz: float
    segments: tuple[int, ...]
    times_ms: NDArray[np.int64]
    positions: Float32
    rotations: Float32
    still: tuple[Float32, Float32] | None
    dropped: int
    cut_short: bool


class MvnxReader:
    """Read one file piece by piece; raises MvnxError from the start where it is none.

    dropped: frames without positions and orientations of every segment. After the last block cut_short tells whether
    the file ended before its frames did.
    """

    def __init__(self, file: RawIOBase, place: str) -> None:
        self._place = place
        file.seek(0)
        self.head: Head = read_head(file, place)
        self.segments, columns = self.head.columns
        if 0 not in self.segments:
            named = ", ".join(self.head.labels[:4])
            raise MvnxError(place, f"no Pelvis among its segments ({named} ...)", mend="export the whole body from MVN")
        self._columns = np.array(columns)
        self._all = columns == list(range(self.head.segment_count))
        self._cutter = FrameCutter(file, place, self.head.frames_at, plain=self.head.plain)
        self._misfits = 0

    @property
    def dropped(self) -> int:
        """Return the frames that could not be read."""
        return self._misfits + self._cutter.incomplete

    @property
    def cut_short(self) -> bool:
        """Tell whether the file ended before its frames did."""
        return self._cutter.cut_short

    def blocks(self) -> Iterator[Block]:
        """Yield the frames in order, poses at rest apart from the movement; raises MvnxError for broken XML."""
        for batch in self._cutter.batches():
            if _STILL.isdisjoint(batch.kinds):
                parts = (Batch(), batch)
            else:
                still = [kind in _STILL for kind in batch.kinds]
                parts = tuple(batch.chosen([i for i, is_it in enumerate(still) if is_it is s]) for s in (True, False))
            for part, is_still in zip(parts, (True, False), strict=True):
                if part.count:
                    yield self._block(part, still=is_still)

    def _block(self, batch: Batch, *, still: bool) -> Block:
        """Read the numbers of frames at once, and one by one where some frame has others than it should."""
        count = self.head.segment_count
        table = _numbers(batch, count, self._place)
        if table is None:
            rows = [_numbers(batch.chosen([i]), count, self._place) for i in range(batch.count)]
            good = [row for row in rows if row is not None]
            self._misfits += len(rows) - len(good)
            batch = batch.chosen([i for i, row in enumerate(rows) if row is not None])
            table = np.concatenate(good) if good else np.empty((0, 7 * count + 2))
        single = table.astype(np.float32)
        turned = single[:, : 4 * count].reshape(-1, count, 4)  # (T, S, 4)
        placed = single[:, 4 * count + 1 : -1].reshape(-1, count, 3)  # (T, S, 3)
        times = np.array(_milliseconds(batch.times), dtype=np.int64)
        return Block(times, self._of_body(placed), self._of_body(turned), still)

    def _of_body(self, values: Float32) -> Float32:
        """Return the columns of a body's segments, in their order."""
        return values if self._all else values[:, self._columns]


def _numbers(batch: Batch, count: int, place: str) -> Float64 | None:
    """Return a row of 4 * count orientations, a mark, 3 * count positions and a mark for each frame.

    None where a frame has other than so many finite numbers.
    """
    texts = chain.from_iterable(zip(batch.orientations, batch.positions, strict=True))
    text = _BETWEEN.join(texts) + _BETWEEN
    try:
        values = parse_lines(text, place)
    except BvhError:
        return None
    width = 7 * count + 2
    if values.size != width * batch.count:
        return None
    table = values.reshape(batch.count, width)
    marked = (table[:, 4 * count] == _MARK).all() and (table[:, -1] == _MARK).all()
    return table if marked and np.isfinite(table.sum()) else None


def _milliseconds(texts: Sequence[bytes]) -> list[int]:
    """Return the frames' times, -1 where one tells none."""
    if max(map(len, texts), default=0) < 12 and b"".join(texts).isdigit() and b"" not in texts:
        return list(map(int, texts))
    return [int(text) if text.isdigit() and len(text) < 12 else -1 for text in texts]


def read_mvnx(path: str | Path) -> Mvnx:
    """Read a whole file; raises MvnxError, one line with the place and the mend, for a file that cannot be read."""
    place = str(path)
    blocks: list[Block] = []
    still: tuple[Float32, Float32] | None = None
    try:
        with Path(path).open("rb", buffering=0) as file:
            reader = MvnxReader(file, place)
            for block in reader.blocks():
                if not block.still:
                    blocks.append(block)
                elif still is None and len(block.positions):
                    still = (block.positions[0], block.rotations[0])
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise MvnxError(place, f"cannot be read: {reason}", mend="check the name") from None
    if not sum(len(block.times_ms) for block in blocks):
        raise MvnxError(
            place, f"holds no frames of movement ({reader.dropped} broken)", mend="export it again from MVN"
        )
    return Mvnx(
        reader.head.version,
        reader.head.name,
        reader.head.rate_hz,
        tuple(reader.segments),
        np.concatenate([block.times_ms for block in blocks]),
        np.concatenate([block.positions for block in blocks]),
        np.concatenate([block.rotations for block in blocks]),
        still,
        reader.dropped,
        reader.cut_short,
    )
