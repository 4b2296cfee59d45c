"""The commands that privacy asks for: read what is held, check the trail, let recordings go, print the sign."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from ..bridges.retention import tidy as tidy_folder
from ..engine.audit import verify
from ..engine.errors import InputError
from . import profiles
from .console import note, say
from .held import held_of
from .notice import LANGUAGES, Sign, as_html
from .notice_pdf import write_pdf

_OURS_ALONE: Final = 0o600


def export_held(
    name: Annotated[str, typer.Argument(help="The profile: its file, or its name without .emotus.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The JSON file to write.")],
) -> None:
    """Write everything that is held of a performer as JSON, for her to read or to take elsewhere."""
    path = profiles.profile_path(name)
    profiles.require_file(path)
    text = json.dumps(held_of(profiles.load(path)), ensure_ascii=False, indent=1, allow_nan=False)
    _write_new(out, text.encode() + b"\n")
    say(f"{out}: {len(text)} bytes, all that is held of her; not sealed, so give it to her and remove it")


def audit(
    file: Annotated[Path, typer.Argument(help="An audit trail, as `emotus run --audit FILE` writes it.")],
) -> None:
    """Check that no line of an audit trail was altered, left out or slipped in; print the digest of its last line."""
    try:
        lines = file.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise InputError(str(file), f"cannot be read: {error.strerror}", mend="name an audit trail") from None
    count, last = verify(lines, str(file))
    say(f"{file}: {count} lines, whole; the last is {last}")
    note("whoever can rewrite the whole file can make a whole new chain: keep that number elsewhere")


def tidy(
    folders: Annotated[list[Path] | None, typer.Argument(help="Folders with recordings; this one by default.")] = None,
) -> None:
    """Remove the recordings whose `keep=DAYS` are over; those that do not say stay."""
    for folder in folders or [Path()]:
        if not folder.is_dir():
            raise InputError(str(folder), "is no folder", mend="name the folder of the recordings")
        gone = tidy_folder(folder, time.time())
        for path in gone:
            say(f"{path}: removed, its days are over")
        if not gone:
            note(f"{folder}: nothing is due")


def notice(
    out: Annotated[Path, typer.Option("-o", "--out", help="The sign to write: .html, or .pdf for the printer.")],
    languages: Annotated[str, typer.Option("--languages", help=f"Which of {', '.join(LANGUAGES)}.")] = "en",
    event: Annotated[str, typer.Option("--event", help="What is going on: the name of the piece.")] = "",
    contact: Annotated[str, typer.Option("--contact", help="Whom to ask: a name, an address.")] = "",
    url: Annotated[str, typer.Option("--url", help="Where more is said; the square code leads there.")] = "",
    purposes: Annotated[str, typer.Option("--purposes", help="recognise, signature, record, stream.")] = "",
) -> None:
    """Write the sign that tells people, before they come into view, what is read of them and how to say no."""
    wanted = tuple(word.strip() for word in languages.split(",") if word.strip())
    asked = tuple(word.strip() for word in purposes.split(",") if word.strip())
    sign = Sign(wanted, event, contact, url, asked)
    if out.suffix.lower() == ".pdf":
        write_pdf(sign, out)
    elif out.suffix.lower() in (".html", ".htm"):
        _write(out, as_html(sign).encode())
    else:
        raise InputError(str(out), "is neither .html nor .pdf", mend="-o sign.html")
    say(f"{out}: the sign in {', '.join(wanted)}; put it where people see it before they are seen")


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise InputError(str(path), problem, mend="choose a place you may write to") from None


def _write_new(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, and that was not there before."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), _OURS_ALONE)
    except FileExistsError:
        raise InputError(str(path), "is there already", mend="name another file") from None
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise InputError(str(path), problem, mend="choose a place you may write to") from None
    with os.fdopen(handle, "wb") as file:
        file.write(data)
