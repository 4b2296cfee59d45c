"""A file, pipe or terminal that takes whole lines: half lines are taken back where possible, no reader can hold us."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import stat
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import msgspec

from ..engine.errors import UriError

STANDARD_OUTPUT = "-"
POLL_MS = 50
# What a pipe takes in one piece without blocking once poll() calls it writable (POSIX: PIPE_BUF).
PIPE_BYTES: int = getattr(select, "PIPE_BUF", 512)

_MENDS = {
    errno.ENOENT: "make the folder first",
    errno.EISDIR: "name a file in it",
    errno.ENXIO: "start the reader of this pipe first",
    errno.EACCES: "choose a place you may write to",
    errno.EROFS: "choose a place you may write to",
}


class _Whose(msgspec.Struct):
    stream: str = ""


class LineFile:
    """Append blocks of whole lines to a path, or to standard output where the path is "-".

    Raises UriError where it cannot be opened; what was in the file before stays.
    """

    def __init__(self, uri: str, path: str) -> None:
        self._path = Path(path)
        self._is_new = False
        self._fd = _standard_output(uri) if path == STANDARD_OUTPUT else self._open(uri)
        self._is_regular = stat.S_ISREG(os.fstat(self._fd).st_mode)
        self._deadline_s: float | None = None
        if self._is_regular:
            self._end_torn_line()
        self._begun_at = os.fstat(self._fd).st_size if self._is_regular else 0

    def blocks(self, lines: Sequence[bytes]) -> Iterator[list[bytes]]:
        """Group lines into what is written in one piece: everything, or what a pipe takes without blocking."""
        limit = sys.maxsize if self._is_regular else PIPE_BYTES
        block: list[bytes] = []
        size = 0
        for line in lines:
            if block and size + len(line) > limit:
                yield block
                block, size = [], 0
            block.append(line)
            size += len(line)
        if block:
            yield block

    def write(self, block: Sequence[bytes]) -> None:
        """Write the lines of a block; raise OSError where that fails, leaving none of it in a regular file."""
        data = b"".join(block)
        if not self._is_regular:
            self._write_when_ready(data)
            return
        before = os.fstat(self._fd).st_size
        try:
            _write_all(self._fd, data)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, before)
            raise

    def erase(self, streams: Collection[str]) -> None:
        """Take the lines of these streams out of what was written here; raises OSError.

        Nothing is done where the lines went on into other hands: a pipe, a terminal, a shell's redirection. What was
        in the file before it was opened stays. The file stays the same one, so that who follows it keeps it.
        """
        if not self._is_regular or str(self._path) == STANDARD_OUTPUT:
            return
        with self._path.open("rb") as old, self._path.open("r+b") as new:
            old.seek(self._begun_at)
            new.seek(self._begun_at)
            for line in old:  # what is written never overtakes what is read
                if _whose(line) not in streams:
                    new.write(line)
            new.truncate()
            new.flush()
            os.fsync(new.fileno())

    def finish_within(self, seconds: float) -> None:
        """Wait no longer than so many seconds from now for a reader; callable from any thread."""
        self._deadline_s = time.monotonic() + seconds

    def close(self) -> None:
        """Close; remove the file if it is ours and nothing was ever written to it."""
        is_empty = self._is_regular and os.fstat(self._fd).st_size == 0
        os.close(self._fd)
        if self._is_new and is_empty:
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _open(self, uri: str) -> int:
        flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            if self._path.is_fifo():
                return os.open(self._path, flags | os.O_NONBLOCK)  # waiting for a reader could take for ever
            with contextlib.suppress(FileExistsError):
                fd = os.open(self._path, flags | os.O_CREAT | os.O_EXCL, 0o666)
                self._is_new = True
                return fd
            return os.open(self._path, flags)
        except (OSError, ValueError) as error:
            code = error.errno if isinstance(error, OSError) else None
            problem = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise UriError(uri, problem, mend=_MENDS.get(code or 0, "name a file that can be written")) from error

    def _end_torn_line(self) -> None:
        """End the last line where an earlier writer was stopped in the middle of it."""
        with contextlib.suppress(OSError), self._path.open("rb") as before:
            if before.seek(0, os.SEEK_END) > 0:
                before.seek(-1, os.SEEK_END)
                if before.read(1) != b"\n":
                    _write_all(self._fd, b"\n")

    def _write_when_ready(self, data: bytes) -> None:
        for start in range(0, len(data), PIPE_BYTES):
            self._wait_until_ready()
            _write_all(self._fd, data[start : start + PIPE_BYTES])

    def _wait_until_ready(self) -> None:
        if not hasattr(select, "poll"):  # Windows cannot ask a pipe: there the write itself waits
            return
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        while not poll.poll(POLL_MS):
            if self._deadline_s is not None and time.monotonic() > self._deadline_s:
                raise BlockingIOError(errno.EAGAIN, "the reader does not read")


def _whose(line: bytes) -> str:
    """Return the stream that a line is of, "" where it is of none."""
    try:
        return msgspec.json.decode(line, type=_Whose).stream
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _standard_output(uri: str) -> int:
    """Return a descriptor of our own for standard output: Python's buffer would complain at exit if it broke."""
    try:
        sys.stdout.flush()
        return os.dup(sys.stdout.fileno())
    except (AttributeError, OSError, ValueError, io.UnsupportedOperation) as error:
        raise UriError(uri, "there is no standard output", mend="name a file") from error
