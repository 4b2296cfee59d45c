"""The command that mends recordings; `__main__` hangs it into the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..bridges.mcap_copy import Copied, copy_sound
from ..engine.errors import InputError
from .console import note, say

LOSSY = 3


def recover(
    file: Annotated[Path, typer.Argument(help="A recording that was not ended properly.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; FILE-recovered.mcap by default.")
    ] = None,
) -> None:
    """Save what is sound of a torn recording; exit 0 where nothing was lost, 3 with counts where something was."""
    target = out or file.with_name(f"{file.stem}-recovered{file.suffix}")
    if not file.is_file():
        raise InputError(str(file), "no such file", mend="check the name")
    if target.exists():
        raise InputError(str(target), "is there already", mend="name another file with -o")
    try:
        copied = copy_sound(file, target)
    except OSError as error:
        raise InputError(str(target), (error.strerror or str(error)).lower(), mend="name another with -o") from None
    if not copied.torn and not copied.damaged:
        target.unlink()
        say(f"{file}: sound, {copied.messages} messages in {copied.chunks} chunks; nothing to recover")
        return
    say(f"{target}: {_told(copied)}")
    note(f"{file} was {copied.torn}")
    raise typer.Exit(LOSSY)


def _told(copied: Copied) -> str:
    damaged = f", {copied.damaged} damaged chunks left out" if copied.damaged else ""
    return f"{copied.messages} messages of {copied.chunks - copied.damaged} sound chunks{damaged}"
