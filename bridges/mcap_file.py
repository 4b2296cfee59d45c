"""One MCAP file as it grows: chunks closed by time, bytes handed over whole, and room kept for a proper end.

MCAP (https://mcap.dev/spec) is what Foxglove and others open: every channel carries its schema, every chunk its CRC.
The library closes a chunk when it is full; on a stage a chunk of a megabyte is seventeen seconds that a crash would
take along, so ours are closed every 200 ms (FAULTS.md 2.6).
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

FLUSH_S: Final = 0.2
SYNC_S: Final = 0.8
RESERVE_BYTES: Final = 1 << 20  # for the index at the end, when the disk is full
CHUNK_BYTES: Final = 1 << 20
PROFILE, LIBRARY = "", "emotus"


class McapFile:
    """Write messages to a new file; raises OSError where that fails, with every message of earlier chunks intact.

    Times are monotonic seconds, given with each call. The file is only ever longer by whole chunks.
    """

    def __init__(self, path: Path, about: Mapping[str, str], now_s: float) -> None:
        from mcap.writer import CompressionType, Writer

        self.path = path
        self._reserve = path.with_name(path.name + ".reserve")
        self._out = _Whole(path)
        try:
            _reserve(self._reserve)
            self._writer = Writer(cast("Any", self._out), CHUNK_BYTES, CompressionType.ZSTD, enable_data_crcs=True)
            self._writer.start(profile=PROFILE, library=LIBRARY)
            self._writer.add_metadata("emotus", dict(about))
            self._out.hand_over()
            self._sound = _Mark.of(self._writer)
        except OSError:
            self._out.abandon()
            with contextlib.suppress(OSError):  # a full disk is tried once a second: it would fill with empty files
                path.unlink()
                self._reserve.unlink(missing_ok=True)
            raise
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}
        self._flushed_s = self._synced_s = now_s
        self._pending = 0
        self.messages = 0

    @property
    def size(self) -> int:
        """Return the bytes that are in the file."""
        return self._out.written

    @property
    def pending(self) -> int:
        """Return the messages that no chunk holds yet: what a crash would take along."""
        return self._pending

    def channel(self, topic: str, name: str, schema: Mapping[str, Any]) -> int:
        """Return the channel of a topic, which is opened with its schema the first time."""
        if topic not in self._channels:
            if name not in self._schemas:
                data = json.dumps(schema).encode()
                self._schemas[name] = self._writer.register_schema(name, "jsonschema", data)
            self._channels[topic] = self._writer.register_channel(topic, "json", self._schemas[name])
        return self._channels[topic]

    def add(self, channel: int, data: bytes, wall_ns: int, seq: int) -> None:
        """Add a message to the chunk that is open."""
        self._writer.add_message(channel, log_time=wall_ns, data=data, publish_time=wall_ns, sequence=seq)
        self._pending += 1
        self.messages += 1

    def flush(self, now_s: float, *, force: bool = False, sync: bool = True) -> int:
        """Close the chunk where it is time, and see it to the disk where it is time for that; force: now.

        Return how many messages are safe with it. Raises OSError; then what was pending is lost, and nothing else.
        """
        if not self._pending or not (force or now_s - self._flushed_s >= FLUSH_S):
            return 0
        safe, self._pending = self._pending, 0
        _end_chunk(self._writer)
        self._flushed_s = now_s
        try:
            self._out.hand_over()
        except OSError:
            self._sound.restore(self._writer)
            raise
        self._sound = _Mark.of(self._writer)
        if sync and (force or now_s - self._synced_s >= SYNC_S):
            self._synced_s = now_s
            self._out.sync()
        return safe

    def close(self) -> None:
        """Write the index and the end; where the disk is full, into the room that was kept for it."""
        self._reserve.unlink(missing_ok=True)
        try:
            self._writer.finish()
            self._out.hand_over()
            self._out.sync()
        finally:
            self._out.abandon()

    def give_up(self) -> None:
        """Leave the file as its last whole chunk left it, with no end: `emotus recover` makes one."""
        self._reserve.unlink(missing_ok=True)
        self._out.abandon()


class _Whole:
    """A file that takes what is written to it only as a whole, when told to: a chunk is there or it is not."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        self._waiting = bytearray()
        self.written = 0

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def tell(self) -> int:
        return self.written + len(self._waiting)

    def flush(self) -> None:
        """Nothing: `hand_over` is what counts."""

    def hand_over(self) -> None:
        view = memoryview(bytes(self._waiting))
        self._waiting.clear()
        whole = self.written + len(view)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self.written)
                os.lseek(self._fd, self.written, os.SEEK_SET)
            raise
        self.written = whole

    def sync(self) -> None:
        os.fsync(self._fd)

    def abandon(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


@dataclass(frozen=True)
class _Mark:
    """What the library keeps in mind of the chunks that are in the file: checksum, index and counts."""

    crc: int
    chunks: int
    statistics: Any

    @classmethod
    def of(cls, writer: Any) -> _Mark:
        statistics = copy.deepcopy(writer._Writer__statistics)
        return cls(writer._Writer__data_section_crc, len(writer._Writer__chunk_indices), statistics)

    def restore(self, writer: Any) -> None:
        """Let the library forget the chunk that never came to be, so that the file can be ended properly."""
        writer._Writer__data_section_crc = self.crc
        del writer._Writer__chunk_indices[self.chunks :]
        writer._Writer__statistics = copy.deepcopy(self.statistics)


def _end_chunk(writer: Any) -> None:
    """Close the library's chunk: it offers that only when the chunk is full, and time is what counts here."""
    writer._Writer__finalize_chunk()


def _reserve(path: Path) -> None:
    """Take room on the disk for the end of the file."""
    with path.open("wb") as file:
        file.write(bytes(RESERVE_BYTES))
