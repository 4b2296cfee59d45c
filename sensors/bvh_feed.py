"""Where the bytes of a BVH stream come from: a file that is still being written, or standard input."""

from __future__ import annotations

import contextlib
import queue
import stat
import sys
import threading
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from ..engine.clock import NS_PER_S, Clock
from ..engine.errors import BvhError

CHUNK_BYTES: Final = 1 << 18  # handed on at once
PIPE_CHUNKS: Final = 4  # read ahead of the reader; then the writer has to wait


class Feed(Protocol):
    """Give bytes as they come."""

    def open(self) -> None:
        """Start; raise BvhError when that is impossible."""
        ...

    def poll(self) -> bytes | None:
        """Return what has come, b"" when nothing has, None when nothing will any more; never wait."""
        ...

    def close(self) -> None:
        """Stop; harmless when repeated."""
        ...


class FileFeed:
    """Read a file as it grows, until it has not grown for timeout_s."""

    def __init__(self, path: str | Path, clock: Clock, timeout_s: float) -> None:
        self._path = Path(path)
        self._clock = clock
        self._patience_ns = round(timeout_s * NS_PER_S)
        self._grown_ns = 0
        self._file: FileIO | None = None

    def open(self) -> None:
        """Open the file; it may still be empty."""
        place = str(self._path)
        try:
            if not stat.S_ISREG(self._path.stat().st_mode):
                raise BvhError(place, "is not a regular file", mend="for a stream use bvh:-")
            self._file = FileIO(self._path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise BvhError(place, reason.lower(), mend="check the path and its permissions") from None
        self._grown_ns = self._clock.now_ns()

    def poll(self) -> bytes | None:
        """Return what the file has grown by."""
        data = self._file.read(CHUNK_BYTES) if self._file else None
        if data:
            self._grown_ns = self._clock.now_ns()
            return data
        if self._file and self._clock.now_ns() - self._grown_ns < self._patience_ns:
            return b""
        self.close()
        return None

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
        self._file = None


class PipeFeed:
    """Read standard input, or another byte stream, on a thread of its own, since such a read cannot be given up.

    Holds at most PIPE_CHUNKS chunks; a writer that is faster waits, as pipes make it.
    """

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream
        self._chunks: queue.Queue[bytes | None] = queue.Queue(PIPE_CHUNKS)
        self._stop = threading.Event()
        self._over = False

    def open(self) -> None:
        """Start the thread."""
        stream = self._stream or getattr(sys.stdin, "buffer", None)
        if stream is None:
            raise BvhError("bvh:-", "there is no standard input", mend="pipe a BVH text into the command")
        self._stop.clear()
        self._over = False
        threading.Thread(target=self._read, args=(stream,), name="bvh-pipe", daemon=True).start()

    def _read(self, stream: BinaryIO) -> None:
        """Move chunks from the stream to the queue until it ends."""
        read = getattr(stream, "read1", stream.read)
        with contextlib.suppress(OSError, ValueError):  # the stream was closed while reading
            while not self._stop.is_set() and (chunk := read(CHUNK_BYTES)):
                self._put(chunk)
        self._put(None)

    def _put(self, chunk: bytes | None) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(queue.Full):
                self._chunks.put(chunk, timeout=0.1)
                return

    def poll(self) -> bytes | None:
        """Return the next chunk that has come."""
        if self._over:
            return None
        try:
            chunk = self._chunks.get_nowait()
        except queue.Empty:
            return b""
        self._over = chunk is None
        return chunk

    def close(self) -> None:
        """Let the thread end with its next read."""
        self._stop.set()
        self._over = True
        with contextlib.suppress(queue.Empty):
            while True:
                self._chunks.get_nowait()
