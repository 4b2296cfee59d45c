"""Cut the text of a motion block into pieces that end between two numbers, best between two lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

BLOCK_BYTES: Final = 128 << 10  # a piece, its commas and its numbers stay in the second-level cache
BLANKS: Final = bytes(range(1, 33))  # every control character but NUL parts numbers
_BLANK: Final = re.compile(rb"[\x01-\x20]")


class Block(NamedTuple):
    """Name a piece of text, data[begin:end], that has no blank at either end; data may be overwritten once it is read.

    It is never empty.
    """

    data: bytes | bytearray
    begin: int
    end: int


class RawFile(Protocol):
    """Read bytes into a buffer; an unbuffered binary file does."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill the buffer as far as bytes are there; return how many came, 0 at the end."""
        ...


def blocks_of(data: bytes, start: int) -> Iterator[Block]:
    """Cut data[start:] into blocks of at most BLOCK_BYTES, longer only where one word is."""
    while start < len(data):
        end = start + BLOCK_BYTES
        end = len(data) if end >= len(data) else _cut(data, start, end)
        yield from _trimmed(data, start, end)
        start = end + 1


def blocks_in(file: RawFile) -> Iterator[Block]:
    """Cut what is left of a file into blocks of whole lines, all in one buffer; stop at a line too long for it.

    The text is never held as a whole: fresh memory for 5 MB costs as much as a tenth of the numbers in it.
    """
    buffer = bytearray(BLOCK_BYTES)
    view = memoryview(buffer)
    kept = 0
    while got := file.readinto(view[kept:]):
        kept += got
        cut = buffer.rfind(b"\n", 0, kept)
        if cut < 0:
            continue
        yield from _trimmed(buffer, 0, cut)
        buffer[: kept - cut - 1] = buffer[cut + 1 : kept]
        kept -= cut + 1
    yield from _trimmed(buffer, 0, kept)


def _trimmed(data: bytes | bytearray, begin: int, end: int) -> Iterator[Block]:
    """Yield data[begin:end] without the blanks at its ends, unless there is nothing else."""
    while end > begin and data[end - 1] in BLANKS:
        end -= 1
    while begin < end and data[begin] in BLANKS:
        begin += 1
    if begin < end:
        yield Block(data, begin, end)


def _cut(data: bytes, start: int, end: int) -> int:
    """Return the place of the blank to cut at before end; behind it when one word fills the block."""
    for blank in (b"\n", b" ", b"\t", b"\r"):
        cut = data.rfind(blank, start, end)
        if cut >= 0:
            return cut
    match = _BLANK.search(data, end)
    return match.start() if match else len(data)
