"""The command that makes files for other programs of a recording; `__main__` hangs it into the command line."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from ..engine.errors import InputError
from ..engine.recording_reader import RecordingError
from .console import note, say
from .recording_frames import Frame, Show

LOSSY = 3
OWNER_ONLY = 0o600  # as the recording itself: by how somebody moves she can be known
KINDS = (".bvh", ".csv", ".parquet")


def convert(
    file: Annotated[Path, typer.Argument(help="A recording, FILE.mcap.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write: .bvh, .csv or .parquet.")],
    stream: Annotated[str | None, typer.Option("--stream", help="Only the performer of this name.")] = None,
) -> None:
    """Make BVH, CSV or Parquet of a recording; exit 3 where part of it could not be read.

    BVH: a file a performer. CSV and Parquet: a table of frames, and OUT-events with every value of every other event.
    """
    kind = out.suffix.lower()
    if kind not in KINDS:
        raise InputError(str(out), f"'{out.suffix}' is no kind that can be written", mend=f"one of {', '.join(KINDS)}")
    show = Show(file, only=stream)
    written = _bvhs(show, out) if kind == ".bvh" else _tables(show, out, kind)
    if not written:
        whose = "" if stream is None else f" of {stream}"
        raise RecordingError(str(file), f"holds no frame{whose}", mend="check --stream, or try emotus recover")
    for line in written:
        say(line)
    if show.torn or show.damaged or show.unread:
        told = [show.torn] if show.torn else []
        told += [f"{show.damaged} damaged chunks"] if show.damaged else []
        told += [f"{show.unread} messages that made no sense"] if show.unread else []
        note(f"{file} is not sound: {', '.join(told)}; what could be read was converted")
        raise typer.Exit(LOSSY)


def _bvhs(show: Show, out: Path) -> list[str]:
    """Write a BVH file for each performer; return a line each."""
    from ..sensors.bvh_writer import save_bvh
    from .recording_bvh import to_bvh

    performers: dict[str, list[Frame]] = {}
    for frame in show.frames():
        performers.setdefault(frame.stream, []).append(frame)
    paths = {
        name: out if len(performers) == 1 else out.with_name(f"{out.stem}-{name}{out.suffix}") for name in performers
    }
    for path in paths.values():
        _must_be_new(path)
    lines: list[str] = []
    for name, frames in performers.items():
        made = to_bvh(sorted(frames, key=lambda frame: frame.t_ns), str(paths[name]))
        save_bvh(made.bvh, paths[name])
        paths[name].chmod(OWNER_ONLY)
        held = f", {made.held} of them held where nothing was known" if made.held else ""
        away = f"joints {1000 * made.mean_m:.1f} mm from those recorded, at most {1000 * made.worst_m:.0f} mm"
        lines.append(f"{paths[name]}: {len(made.bvh.motion)} frames of {name}{held}; {away}")
    return lines


def _tables(show: Show, out: Path, kind: str) -> list[str]:
    """Write the tables of frames and of events; return a line each."""
    from .recording_tables import COLUMNS, VALUE_COLUMNS, CsvTable, ParquetTable, write_tables

    make = CsvTable if kind == ".csv" else ParquetTable
    beside = out.with_name(f"{out.stem}-events{out.suffix}")
    for path in (out, beside):
        _must_be_new(path)
    try:
        with contextlib.ExitStack() as opened:
            frames = make(out, COLUMNS)
            opened.callback(frames.close)
            values = make(beside, VALUE_COLUMNS)
            opened.callback(values.close)
            counts = write_tables(show, frames, values)
    except OSError as error:
        raise InputError(str(out), (error.strerror or str(error)).lower(), mend="name another with -o") from None
    except BaseException:
        out.unlink(missing_ok=True)
        beside.unlink(missing_ok=True)
        raise
    if not any(counts):
        out.unlink()
        beside.unlink()
        return []
    for path in (out, beside):
        path.chmod(OWNER_ONLY)
    return [f"{out}: {counts[0]} frames", f"{beside}: {counts[1]} values"]


def _must_be_new(path: Path) -> None:
    if path.exists():
        raise InputError(str(path), "is there already", mend="name another file with -o")
