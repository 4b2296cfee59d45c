"""Read a recording as far as it is sound: message by message, every chunk's checksum checked, never beyond a tear.

MCAP's seeking reader needs the index at the end, which a crash takes along; this one goes from the front. Pure: it
reads from whatever file it is given.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

from .errors import InputError, MissingPackageError

MAX_RECORD: Final = 64 << 20  # bytes; no chunk of ours is a tenth of it
MAX_CHUNK: Final = 64 << 20  # uncompressed
MAX_CHANNELS: Final = 4096
MAGIC: Final = b"\x89MCAP0\r\n"


class RecordingError(InputError):
    """Report a file that is no recording, with the mend."""


@dataclass(frozen=True, slots=True)
class Message:
    """Hold one recorded message: topic `/STREAM/TYPE`, the schema's name and text, wall time in ns, number, JSON."""

    topic: str
    schema: str
    schema_text: bytes
    wall_ns: int
    seq: int
    data: bytes


class RecordingReader:
    """Give the messages of a recording in order, and know afterwards how it ended.

    torn: why reading ended before the end of the file was proper, "" where all was sound. chunks, damaged: chunks read,
    and those passed over because their checksum was wrong. about: the file's own description. Raises RecordingError
    for a file that is no MCAP at all.
    """

    def __init__(self, file: IO[bytes], place: str) -> None:
        self._file, self._place = file, place
        self.torn = ""
        self.chunks = self.damaged = self.count = 0
        self.about: dict[str, str] = {}
        self._schemas: dict[int, tuple[str, bytes]] = {}
        self._channels: dict[int, tuple[str, int]] = {}

    def __iter__(self) -> Iterator[Message]:
        """Yield every sound message; return at the end, at a tear, or at the first thing that makes no sense."""
        if self._file.read(len(MAGIC)) != MAGIC:
            raise RecordingError(self._place, "is no MCAP recording", mend="record with emotus run --record FILE.mcap")
        self._file.seek(0)
        try:
            yield from self._messages()
        except MissingPackageError:
            raise
        except Exception as error:  # noqa: BLE001 - the library raises whatever its bytes lead it to
            self.torn = self.torn or f"{type(error).__name__.lower()} after {self.count} messages"

    def _messages(self) -> Iterator[Message]:
        ended = False
        for record in self._records():
            kind = type(record).__name__
            if kind == "Chunk":
                yield from self._chunk(record)
            elif kind == "Metadata" and record.name == "emotus":
                self.about = {str(k): str(v) for k, v in record.metadata.items()}
            elif kind == "DataEnd":
                ended = record.data_section_crc != 0
            elif kind == "Footer":
                self.torn = self.torn or ("" if ended and self._index_is_sound(record) else "a damaged index")
        if not self._is_over():
            self.torn = self.torn or "no end of the file"

    def _is_over(self) -> bool:
        """Tell whether the file ends as one does: the library stops at the footer, whatever stands behind it."""
        self._file.seek(-len(MAGIC), os.SEEK_END)
        return self._file.read() == MAGIC

    def _index_is_sound(self, footer: Any) -> bool:
        """Check the index's own checksum: from its start to the last field of the footer before it."""
        here = self._file.tell()
        self._file.seek(0, os.SEEK_END)
        end = self._file.tell() - len(MAGIC) - 4
        if not 0 < footer.summary_start < end or end - footer.summary_start > MAX_RECORD:
            return False
        self._file.seek(footer.summary_start)
        sound = zlib.crc32(self._file.read(end - footer.summary_start)) == footer.summary_crc
        self._file.seek(here)
        return sound

    def _records(self) -> Iterator[Any]:
        try:
            from mcap.stream_reader import StreamReader
        except ImportError:
            raise MissingPackageError("mcap", "record") from None
        reader = StreamReader(self._file, emit_chunks=True, validate_crcs=True, record_size_limit=MAX_RECORD)
        return iter(reader.records)

    def _chunk(self, chunk: Any) -> Iterator[Message]:
        from mcap.stream_reader import breakup_chunk

        self.chunks += 1
        try:
            if chunk.uncompressed_size > MAX_CHUNK:
                raise ValueError("too large")
            records = breakup_chunk(chunk, validate_crc=True)
        except Exception as error:  # noqa: BLE001 - as above
            self.damaged += 1
            self.torn = self.torn or f"a damaged chunk ({type(error).__name__}) after {self.count} messages"
            return
        for record in records:
            message = self._note(record)
            if message is not None:
                self.count += 1
                yield message

    def _note(self, record: Any) -> Message | None:
        """Keep schemas and channels in mind; return a message with what they say of it."""
        kind = type(record).__name__
        if kind == "Schema" and len(self._schemas) < MAX_CHANNELS:
            self._schemas[record.id] = (record.name, bytes(record.data))
        elif kind == "Channel" and len(self._channels) < MAX_CHANNELS:
            self._channels[record.id] = (record.topic, record.schema_id)
        elif kind == "Message" and record.channel_id in self._channels:
            topic, schema_id = self._channels[record.channel_id]
            name, text = self._schemas.get(schema_id, ("", b""))
            return Message(topic, name, text, record.log_time, record.sequence, bytes(record.data))
        return None
