"""Read a BVH text that is still being written: bytes in, in pieces of any size; rows out as soon as they are whole."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..engine.errors import BvhError
from ..engine.skeleton import Float64
from .bvh import MAX_HEADER, Header, has_motion, parse_bvh, parse_header
from .bvh_numbers import parse_lines
from .bvh_rows import MEND, hold_last, rest_row

MAX_LINE: Final = 1 << 20  # bytes without a line break; 100,000 numbers of ten digits
_BREAKS: Final = b"\r\n"
_MARK: Final = b"\xef\xbb\xbf"


class BvhFollower:
    """Turn pieces of one BVH text into rows.

    header: what stands before the numbers, None until the first line of numbers is there. dropped: lines left out
    because they hold a word that is no number, or end or begin a row in their midst. At most MAX_HEADER bytes of header
    and MAX_LINE bytes of one line are held.

    Wherever the text is cut, the rows are those that parse_bvh would find; only what a file tells by its end (that all
    its decimals are commas, that a line is broken) has to be told by the line itself here.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self.reset()

    def reset(self) -> None:
        """Begin another text."""
        self.header: Header | None = None
        self.dropped = 0
        self._rows = 0
        self._lines = 0  # line breaks passed
        self._begun = 0  # the line in which a row began that goes on in the next
        self._waiting = bytearray()  # read, not yet used
        self._looked = 0  # bytes of it that were searched for MOTION and for numbers behind it
        self._past_motion = False
        self._part = np.empty(0)  # of a row that goes on in the next line
        self._last = np.empty(0)  # the row before
        self._commas: bool | None = None  # whether decimals are commas, None before any decimal

    def feed(self, data: bytes) -> Float64:
        """Return the rows (n, C), n >= 0, that data completes; (0, 0) before the header is whole.

        Raises BvhError for a header that cannot be read, for a first row of another length than the header says, and
        for text that is none.
        """
        if b"\0" in data:
            raise BvhError(self.place, "a NUL byte: this is no text", mend="a BVH stream is plain text")
        self._waiting += data
        if self.header is None and not self._find_header():
            return np.empty((0, 0))
        end = 1 + max(self._waiting.rfind(b"\n"), self._waiting.rfind(b"\r"))
        if len(self._waiting) - end > MAX_LINE:
            raise BvhError(self.place, f"a line of more than {MAX_LINE} bytes", line=self._lines + 1, mend=MEND)
        return self._take(end)

    def finish(self) -> Float64:
        """Return the rows that were still waiting for a line break.

        Raises BvhError where no row came at all; a partial last row is counted as dropped.
        """
        self._waiting += b"\n"
        rows = self._take(len(self._waiting)) if self.header or self._find_header() else np.empty((0, 0))
        if self.header is None:
            parse_bvh(bytes(self._waiting), self.place)  # knows what is wrong
        if self._rows == 0:
            raise BvhError(self.place, "ended before its first frame", mend="was the recording cut off?")
        self.dropped += bool(self._part.size)
        return rows

    def _find_header(self) -> bool:
        """Read the header once it is there, with a whole line of numbers behind it."""
        end = 1 + max(self._waiting.rfind(b"\n"), self._waiting.rfind(b"\r"))
        if end <= self._looked + 1:
            return False
        if len(self._waiting) > MAX_HEADER:
            raise BvhError(self.place, "has no MOTION", mend="a BVH text has a HIERARCHY and a MOTION part")
        if not self._past_motion and not has_motion(self._waiting, self._looked, end):
            self._looked = end - 1  # the line break: MOTION may stand right behind it
            return False
        self._past_motion, self._looked = True, end - 1
        text = bytes(self._waiting[:end]).removeprefix(_MARK)
        header = parse_header(text, self.place)
        if header.start == len(text):
            return False
        self.header, self._last = header, rest_row(header.hierarchy)
        used = end - len(text) + header.start
        self._lines = _breaks(self._waiting[:used])
        del self._waiting[:used]
        return True

    def _take(self, end: int) -> Float64:
        """Use the waiting bytes up to end, which are whole lines."""
        text = bytes(self._waiting[:end])
        del self._waiting[:end]
        width = self._last.size
        if not text:
            return np.empty((0, width))
        rows = self._quickly(text) if not self._part.size else None
        if rows is None:
            rows = np.concatenate([np.empty((0, width)), *map(self._line, text.splitlines(keepends=True))])
        else:
            self._lines += _breaks(text)
            self._rows += len(rows)
        if len(rows):
            hold_last(rows, self._last)
            self._last = rows[-1]
        return rows

    def _quickly(self, text: bytes) -> Float64 | None:
        """Return the rows of lines that hold one row each; None where any does not."""
        try:
            values = self._numbers(text)
        except BvhError:
            return None
        lines = text.count(b"\n") or text.count(b"\r")
        return values.reshape(lines, -1) if values.size == lines * self._last.size else None

    def _numbers(self, text: bytes) -> Float64:
        """Return the numbers of a text."""
        if self._commas is None and (b"," in text or b"." in text):
            self._commas = b"." not in text
        return parse_lines(text.replace(b",", b".") if self._commas else text, self.place)

    def _line(self, line: bytes) -> Float64:
        """Return the rows (n, C) that one line completes; a part that it does not continue is dropped."""
        self._lines += _breaks(line)
        try:
            values = self._numbers(line)
        except BvhError as error:
            if self._rows == 0:
                raise BvhError(self.place, error.problem, line=self._lines, mend=error.mend) from None
            values = None
        if values is None or self._straddles(values.size):
            self.dropped += 1
            self._part = np.empty(0)
        if values is None or self._straddles(values.size):
            return np.empty((0, self._last.size))
        return self._rows_of(values)

    def _rows_of(self, values: Float64) -> Float64:
        """Return the rows (n, C) that the numbers of a line complete; keep the rest."""
        if not self._part.size:
            self._begun = self._lines
        self._part = np.concatenate((self._part, values))
        count = self._part.size // self._last.size
        whole, self._part = np.split(self._part, [count * self._last.size])
        self._rows += count
        return whole.reshape(count, -1) if count else np.empty((0, self._last.size))

    def _straddles(self, count: int) -> bool:
        """Tell whether a line of so many numbers ends a row in its midst; raise BvhError if it is the first row."""
        part, width = self._part.size, self._last.size
        if part + count <= width or (not part and count % width == 0):
            return False
        if self._rows == 0:
            text = f"{part or count} numbers in a row where the hierarchy has {width} channels"
            raise BvhError(self.place, text, line=self._begun if part else self._lines, mend=MEND)
        return True


def _breaks(text: bytes | bytearray) -> int:
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")
