"""Read the numbers of a BVH motion block: decimal text -> float64, correctly rounded, at some 700 MB a second a core.

The fast way hands simdjson one JSON array at a time: a motion block is one as soon as its blanks are commas.
pysimdjson is chosen because it is the one maintained package that gives parsed numbers back as a plain buffer of
doubles: orjson and msgspec are slower by the Python float they make of each number, pyarrow and polars weigh 40 MB
and want columns. JSON's grammar refuses what BVH files hold now and then (".5", "5.", "+1", "007", "0.0-7.5", "nan"):
such a block, and every block where pysimdjson is missing, is read by numpy after a check of its own, with the same
result to the last bit.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import BvhError
from ..engine.roomy import roomy_size
from ..engine.skeleton import Float64
from .bvh_blocks import BLANKS, BLOCK_BYTES, Block, RawFile, blocks_in, blocks_of
from .bvh_place import SHOWN, line_at, shown

try:
    import simdjson
except (ImportError, RuntimeError):  # RuntimeError: the wheel is there, but not for this machine
    simdjson = None

Bytes = NDArray[np.uint8]

LIMIT: Final = 1e9  # no unit makes this a position or an angle; float32 arithmetic stays finite far beyond it

_COMMA, _SPACE, _NINE, _DOT, _MINUS, _ZERO = b", 9.-0"
_COMMAS: Final = np.full(4096, _COMMA, dtype=np.uint8)
# Blanks to commas, what numbers are made of to itself, all else to a sign that no JSON holds.
_TABLE: Final = bytes(_COMMA if c in BLANKS else c if c in b"0123456789+-.eE" else ord("!") for c in range(256))

_CONTROL: Final = bytes(_SPACE if c in BLANKS and c not in b"\r\n" else c for c in range(256))

_GLUED: Final = re.compile(rb"(?<=[0-9.])-")  # "0.0-7.5": two numbers
_NOT_A_NUMBER: Final = re.compile(rb"(?i)(?<!\S)[+-]?(?:nan(?:\([\w+-]*\))?|inf(?:inity)?|\d+\.?#[a-z]+\d*)(?!\S)")
_NUMBERS: Final = re.compile(
    rb"(?:\s*+(?:[+-]?(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+|nan)(?!\S))*+\s*+"
)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Hold the numbers of a motion block.

    values: (N,) float64, NaN for a word such as nan, -inf or 1.#QNAN. regular: True where each line of the first block
    holds one row and each later block holds whole rows, so that rows need no closer look. gaps: whether there is a NaN.
    """

    values: Float64
    regular: bool
    gaps: bool


def parse_numbers(data: bytes, start: int, width: int, place: str) -> Numbers:
    """Return the numbers of data from start on, width of them a row.

    Raises BvhError, naming the line, for a word that is no number and for a number beyond LIMIT.
    """

    def tolerantly(block: Block) -> Float64:
        return parse_checked(data[block.begin : block.end], place, data, block.begin)

    numbers = _gather(_reader(), blocks_of(data, start), width, len(data) - start, tolerantly)
    if numbers is None:  # out of range, and JSON cannot tell where
        numbers = _gather(None, blocks_of(data, start), width, len(data) - start, tolerantly)
    if numbers is None:
        raise BvhError(place, "a number is out of range", mend=f"positions and angles lie within {LIMIT:g}")
    return numbers


def stream_numbers(file: RawFile, size: int, width: int) -> Numbers | None:
    """Return the numbers of the size bytes left in a file; None where only `parse_numbers` can tell what they mean."""
    reader = _reader()
    if reader is None:
        return None
    try:
        return _gather(reader, blocks_in(file), width, size, _refuse)
    except _NotPlainError:
        return None


def parse_lines(text: bytes, place: str) -> Float64:
    """Return the numbers of some lines, NaN for words such as nan; raises BvhError, which names no line."""
    reader = _reader()
    found = [_block_numbers(reader, block, place) for block in blocks_of(text, 0)]
    return np.concatenate(found) if found else np.empty(0)


def _block_numbers(reader: _JsonReader | None, block: Block, place: str) -> Float64:
    values = reader.read(block) if reader else None
    if values is None or _beyond(values):
        return parse_checked(bytes(block.data[block.begin : block.end]), place)
    return values


class _NotPlainError(Exception):
    """Say that a block needs the tolerant way."""


def _refuse(_: Block) -> Float64:
    raise _NotPlainError


def _gather(
    reader: _JsonReader | None,
    blocks: Iterator[Block],
    width: int,
    size: int,
    tolerantly: Callable[[Block], Float64],
) -> Numbers | None:
    """Put the numbers of all blocks, size bytes in all, into one array; None where one is beyond LIMIT."""
    values = np.empty(0)
    n, done, regular, gaps, beyond = 0, 0, True, False, False
    for block in blocks:
        found = reader.read(block) if reader else None
        if found is None:
            found = tolerantly(block)
            gaps = gaps or bool(np.isnan(found).any())
        beyond = beyond or _beyond(found)
        regular = regular and found.size % width == 0 and (n > 0 or _lines(block) * width == found.size)
        done += block.end - block.begin + 1
        if values.size < n + found.size:
            values = _room(values, n, found.size, size / done)
        values[n : n + found.size] = found
        n += found.size
    return None if beyond else Numbers(values[:n], regular, gaps)


def _lines(block: Block) -> int:
    return block.data.count(b"\n", block.begin, block.end) + 1


def _reader() -> _JsonReader | None:
    """Return the reader of this thread, whose workspace is kept: a megabyte, and fresh memory costs time."""
    if simdjson is None:
        return None
    if not hasattr(_own, "reader"):
        _own.reader = _JsonReader()
    _own.reader.reset()
    return _own.reader


_own: Final = threading.local()


def _room(values: Float64, n: int, more: int, times: float) -> Float64:
    """Return a longer array with the same n numbers: as many times what is known as the text promises."""
    longer = np.empty(roomy_size(max(n + more, int((n + more) * times * 1.02) + 64), 8))
    longer[:n] = values[:n]
    return longer


class _JsonReader:
    """Read blocks as JSON arrays, in one workspace for all of them.

    A block is first taken for what nearly all are: numbers with one blank between them. Whole-array operations turn
    its blanks to commas, each at a fiftieth of what parsing costs, and what JSON let pass is counted afterwards.
    """

    def __init__(self) -> None:
        self._parser: Any = simdjson.Parser()  # pyright: ignore[reportOptionalMemberAccess]
        self._text = np.empty(BLOCK_BYTES + 2, dtype=np.uint8)
        self.reset()

    def reset(self) -> None:
        """Begin another text: its blocks are taken for plain until one is not."""
        self._ways = [self._plainly, self._with_runs, self._by_table]

    def read(self, block: Block) -> Float64 | None:
        """Return the numbers of a block; None where they need the tolerant way."""
        raw = np.frombuffer(block.data, dtype=np.uint8, count=block.end - block.begin, offset=block.begin)
        if raw.size > BLOCK_BYTES:
            return None
        for tried, way in enumerate(self._ways):
            values = way(raw)
            if values is not None:
                del self._ways[:tried]  # what one block needed, the next ones are likely to need
                return None if self._lost_sign(raw, values) else values
        return None

    def _plainly(self, raw: Bytes) -> Float64 | None:
        """Read a block of digits, dots, minus signs and single blanks, and no other."""
        inner = self._text[1 : raw.size + 1]
        if not _is_plain(raw, inner):
            return None
        _to_commas(raw, inner)
        return self._parse(raw.size)

    def _with_runs(self, raw: Bytes) -> Float64 | None:
        """Read a block with runs of blanks, such as CRLF or a blank before each line break."""
        inner = self._text[1 : raw.size + 1]
        if not _is_plain(raw, inner):
            return None
        _to_commas(raw, inner)
        _thin_out(inner)
        return self._parse(raw.size)

    def _by_table(self, raw: Bytes) -> Float64 | None:
        """Read a block with exponents."""
        inner = self._text[1 : raw.size + 1]
        inner[:] = np.frombuffer(raw.tobytes().translate(_TABLE), dtype=np.uint8)
        _thin_out(inner)
        return self._parse(raw.size)

    def _parse(self, size: int) -> Float64 | None:
        """Return the numbers of the array whose `size` bytes stand in the workspace; None where JSON knows better."""
        self._text[0], self._text[size + 1] = b"[]"
        try:
            array = self._parser.parse(self._text.data[: size + 2])
            return np.frombuffer(array.as_buffer(of_type="d"), dtype=np.float64)
        except (ValueError, RuntimeError, TypeError):  # no number, a whole one beyond 64 bits, no plain array
            return None

    def _lost_sign(self, raw: Bytes, values: Float64) -> bool:
        """Tell whether the sign of a whole "-0" may be lost: JSON reads an integer there, and has only one zero."""
        if values.all() or np.count_nonzero(raw == _DOT) == values.size:
            return False
        behind = np.flatnonzero((raw[:-1] == _MINUS) & (raw[1:] == _ZERO)) + 2
        return bool(np.any(raw[np.minimum(behind, raw.size - 1)] <= _SPACE) or np.any(behind == raw.size))


def _is_plain(raw: Bytes, spare: Bytes) -> bool:
    """Tell whether there are only blanks and bytes from '-' to '9': any other low byte would become a comma."""
    np.subtract(raw, _SPACE + 1, out=spare)  # blanks wrap round to 224 and more
    return bool(
        np.minimum.reduce(spare) > _COMMA - _SPACE - 1
        and np.maximum.reduce(raw) <= _NINE
        and np.minimum.reduce(raw) > 0
    )


def _to_commas(raw: Bytes, text: Bytes) -> None:
    """Write raw to text, each blank as a comma; with a scalar in the place of the row numpy takes ten times as long."""
    whole = raw.size // _COMMAS.size * _COMMAS.size
    rows = (-1, _COMMAS.size)
    np.maximum(raw[:whole].reshape(rows), _COMMAS, out=text[:whole].reshape(rows))
    np.maximum(raw[whole:], _COMMAS[: raw.size - whole], out=text[whole:])


def _thin_out(text: Bytes) -> None:
    """Leave one comma of each run of them, and blanks for the others."""
    commas = text == _COMMA
    runs = commas[1:] & commas[:-1]
    text[1:] -= runs.view(np.uint8) * np.uint8(_COMMA - _SPACE)


def _beyond(values: Float64) -> bool:
    """Tell whether a number is beyond LIMIT; NaN is not."""
    return values.size > 0 and bool(np.maximum.reduce(values) > LIMIT or np.minimum.reduce(values) < -LIMIT)


def parse_checked(block: bytes, place: str, data: bytes | None = None, begin: int = 0) -> Float64:
    """Return the numbers of a block, NaN for words such as nan, by the tolerant way.

    data and begin tell where the block stands, for the line in the message. Raises BvhError for a word that is no
    number and for a number beyond LIMIT.
    """
    text = tidy(block)
    match = _NUMBERS.match(text)
    read = match.end() if match else 0
    if read < len(text):
        word = text[read:].split(None, 1)[0]
        raise _error(f"{shown(word)} is no number", "correct or remove it", word, block, place, data, begin)
    values = np.fromstring(text, dtype=np.float64, sep=" ") if text.strip() else np.empty(0)
    if not np.all(np.isnan(values) | (np.abs(values) <= LIMIT)):
        word = text.split()[int(np.argmax(~(np.isnan(values) | (np.abs(values) <= LIMIT))))]
        problem = f"{shown(word)} is out of range"
        raise _error(problem, f"positions and angles lie within {LIMIT:g}", word, block, place, data, begin)
    return values


def tidy(text: bytes) -> bytes:
    """Part numbers that are glued together by a minus sign, and write every word for no number as nan."""
    text = text.translate(_CONTROL)
    if b"-" in text:
        text = _GLUED.sub(b" -", text)
    return _NOT_A_NUMBER.sub(b"nan", text)


def _error(problem: str, mend: str, word: bytes, block: bytes, place: str, data: bytes | None, begin: int) -> BvhError:
    """Name the line of a word of a block; the block's first where tidying has changed the word."""
    if data is None:
        return BvhError(place, problem, mend=mend)
    inside = re.search(rb"(?<!\S)" + re.escape(word[:SHOWN]) + (rb"(?!\S)" if len(word) <= SHOWN else b""), block)
    return BvhError(place, problem, line=line_at(data, begin + (inside.start() if inside else 0)), mend=mend)
