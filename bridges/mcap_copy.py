"""Copy a recording: as far as it is sound, and without those who do not want to be in it."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..engine.recording_reader import Message, RecordingReader
from .mcap_file import McapFile

_FLUSH_MESSAGES = 500


@dataclass(frozen=True, slots=True)
class Copied:
    """Count what was copied: messages, chunks read, chunks damaged; torn: why the old file ended early, or ""."""

    messages: int
    chunks: int
    damaged: int
    torn: str


def copy_sound(path: Path, out: Path, *, without: Collection[str] = ()) -> Copied:
    """Write what is sound of a recording to a new file, proper in all its parts; streams in `without` are left out.

    Raises RecordingError where there is no recording, OSError where out cannot be written or is there already; then
    nothing is left of it.
    """
    with path.open("rb") as file:
        reader = RecordingReader(file, str(path))
        messages = iter(reader)
        first = next(messages, None)
        copy = McapFile(out, reader.about, 0.0)
        try:
            count = 0 if first is None else _copy(copy, first, without)
            for message in messages:
                count += _copy(copy, message, without)
            copy.flush(0.0, force=True)
            copy.close()
        except BaseException:
            copy.give_up()
            out.unlink(missing_ok=True)
            raise
    return Copied(count, reader.chunks, reader.damaged, reader.torn)


def copy_without(path: Path, streams: Collection[str]) -> None:
    """Replace a recording by one without these streams; raises as `copy_sound` does, the old file staying then."""
    if not path.exists():
        return
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    copy_sound(path, part, without=streams)
    os.replace(part, path)  # noqa: PTH105 - atomic


def _copy(copy: McapFile, message: Message, without: Collection[str]) -> int:
    """Copy one message; return 1, or 0 for one of a stream that is left out."""
    stream = message.topic.strip("/").partition("/")[0]
    if stream in without:
        return 0
    channel = copy.channel(message.topic, message.schema, json.loads(message.schema_text or b"{}"))
    copy.add(channel, message.data, message.wall_ns, message.seq)
    if copy.pending >= _FLUSH_MESSAGES:
        copy.flush(0.0, force=True, sync=False)
    return 1
