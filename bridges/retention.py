"""Recordings that go by themselves: each says until when it is to be kept, and what is past that is removed.

`mcap:PATH?keep=DAYS` writes the day into the file. Whoever records into the same folder later, or `emotus tidy`,
removes the files whose day has come. What says nothing is kept until somebody removes it. Files are unlinked, not
overwritten.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..engine.errors import InputError

DAY_S: Final = 86_400
KEY: Final = "keep_until_s"  # wall-clock seconds since 1970, in the recording's metadata
SUFFIX: Final = ".mcap"


def kept_until(path: Path) -> float | None:
    """Return when a recording is to go, in seconds since 1970; None where it does not say, or is none of ours."""
    from ..engine.recording_reader import RecordingReader

    try:
        with path.open("rb") as file:
            reader = RecordingReader(file, str(path))
            next(iter(reader), None)
            said = reader.about.get(KEY, "")
    except (OSError, InputError):
        return None
    return float(said) if said.isascii() and said.isdigit() else None


def tidy(folder: Path, now_s: float) -> list[Path]:
    """Remove the recordings of a folder whose day has come; return them. What cannot be removed stays."""
    gone: list[Path] = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        until_s = kept_until(path) if path.is_file() else None
        if until_s is not None and until_s <= now_s:
            try:
                path.unlink()
            except OSError:
                continue
            gone.append(path)
    return gone
