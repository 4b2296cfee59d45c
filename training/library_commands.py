"""`emotus signature library`: references kept for later shows; hung into `emotus signature`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..engine import vault
from ..engine.errors import InputError
from .commands import Json
from .console import note, say

app = typer.Typer(
    help="Keep signatures for later shows: sealed, under pseudonyms.", no_args_is_help=True, rich_markup_mode=None
)

File = Annotated[Path, typer.Argument(help="The library: NAME.signatures.")]
Name = Annotated[str, typer.Argument(help="The pseudonym of a reference.")]


@app.command()
def add(
    library: File,
    recordings: Annotated[list[str], typer.Argument(help="Recordings, or SCHEME:PATH of what ends.")],
    name: Annotated[str, typer.Option("--name", help="Its pseudonym, which goes out with every event.")] = "",
    label: Annotated[str, typer.Option("--label", help="What it is a signature of: a style, a mood.")] = "",
) -> None:
    """Add the signature of each recording; the library is made where there is none yet."""
    from ..engine.signature_definition import Definition
    from . import profiles, signature_files
    from . import signature_library as libraries

    path = _path(library)
    if name and len(recordings) > 1:
        raise InputError(
            f"--name {name}", f"names one reference, and {len(recordings)} are given", mend="one at a time"
        )
    takes = signature_files.read_takes(recordings, Definition())
    signatures = [take.signature(label) for take in takes]
    words = profiles.ask(path, new=not path.exists())
    kept = libraries.load(path, words) if path.exists() else libraries.Library()
    for take, signature in zip(takes, signatures, strict=True):
        kept, entry = libraries.add(kept, signature, name)
        note(f"{take.place}: {entry.name}, version {entry.version}, {signature.seconds:.0f} s of motion")
    libraries.save(kept, path, words)
    say(f"{path}: {len(kept.entries)} references")


@app.command("list")
def show(library: File, as_json: Json = False) -> None:
    """Tell what is in a library: pseudonyms, labels, dates; no biometrics."""
    from . import signature_library as libraries

    for entry in libraries.load(_path(library)).entries:
        told = {"name": entry.name, "label": entry.signature.label, "version": entry.version, "made": entry.made}
        told |= {"seconds": round(entry.signature.seconds, 1), "definition": entry.signature.definition.id}
        say(json.dumps(told) if as_json else "  ".join(str(value) for value in told.values()))


@app.command()
def remove(library: File, name: Name) -> None:
    """Forget a reference."""
    _change(library, lambda libraries, kept: libraries.remove(kept, name))


@app.command()
def rotate(library: File) -> None:
    """Draw a new secret: templates that left the library before match nothing any more."""
    _change(library, lambda libraries, kept: libraries.rotate(kept))


@app.command()
def template(library: File, name: Name) -> None:
    """Print the template of a reference, which only this library can read, until its secret is drawn anew."""
    from . import signature_library as libraries

    say(json.dumps(libraries.template(libraries.load(_path(library)), name)))


@app.command()
def forget(library: File) -> None:
    """Remove the whole library for good: overwritten, unlinked, out of the key ring."""
    from . import profiles

    for line in profiles.forget(_path(library)):
        say(line)


def _change(library: Path, change) -> None:  # type: ignore[no-untyped-def]
    from . import profiles
    from . import signature_library as libraries

    path = _path(library)
    if not path.exists():
        raise InputError(str(path), "there is no such library", mend="emotus signature library add")
    words = profiles.ask(path, new=False)
    kept = change(libraries, libraries.load(path, words))
    libraries.save(kept, path, words)
    say(f"{path}: {len(kept.entries)} references")


def _path(library: Path) -> Path:
    """Return the library's file, NAME.signatures where no ending is said; raises InputError for another ending."""
    path = library if library.suffix else library.with_name(library.name + ".signatures")
    if path.suffix != ".signatures":
        raise InputError(str(path), "is no library's name", mend="NAME.signatures")
    if path.exists() and not vault.is_sealed(path.read_bytes()[:16]):
        raise InputError(str(path), "is no library", mend="name another file")
    return path
