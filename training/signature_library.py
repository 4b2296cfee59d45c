"""The library of references: signatures kept for later shows, sealed, under pseudonyms, forgotten at will.

A signature can identify a person (PRIVACY.md 8): a library exists only where somebody makes one, holds distributions
and never motion, and is sealed with a passphrase. Its names are pseudonyms, since they go out with every event.
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ..engine import vault
from ..engine.cancelable import SECRET_BYTES, quantiles_of, template_of
from ..engine.errors import InputError
from ..engine.signature import Signature, signature_from
from ..engine.signature_references import MAX_REFERENCES
from . import profiles

SUFFIX: Final = ".signatures"
VERSION: Final = 1
MAX_NAME: Final = 64


@dataclass(frozen=True)
class Entry:
    """Hold one reference: a signature whose name is its pseudonym, how often it was made anew, and when."""

    signature: Signature
    version: int
    made: str

    @property
    def name(self) -> str:
        """Return the pseudonym."""
        return self.signature.name


@dataclass(frozen=True)
class Library:
    """Hold the references of one house. secret: under which their templates are kept; a new one cancels the old."""

    entries: tuple[Entry, ...] = ()
    secret: bytes = dataclasses.field(default_factory=lambda: secrets.token_bytes(SECRET_BYTES), repr=False)

    def signatures(self) -> list[Signature]:
        """Return the references, in the order in which they came."""
        return [entry.signature for entry in self.entries]


def add(library: Library, signature: Signature, name: str = "") -> tuple[Library, Entry]:
    """Return the library with a reference more, or with a newer version of the one of that name.

    name: a pseudonym; drawn by lot where none is said. Raises InputError for a name that no bridge can carry, a full
    library, and a signature of another definition than the others have.
    """
    name = name or f"ref-{secrets.token_hex(3)}"
    if not 0 < len(name) <= MAX_NAME or not name.replace("-", "").replace("_", "").isalnum():
        raise InputError(f"--name {name}", "cannot go on every wire", mend=f"1 to {MAX_NAME} letters, digits, - or _")
    before = next((entry for entry in library.entries if entry.name == name), None)
    others = [entry for entry in library.entries if entry.name != name]
    if before is None and len(others) >= MAX_REFERENCES:
        raise InputError("library", f"is full: {MAX_REFERENCES} references", mend="remove one first")
    if others and others[0].signature.definition != signature.definition:
        kept, given = others[0].signature.definition.id, signature.definition.id
        raise InputError(name, f"its definition is {given}, and the library's is {kept}", mend="use the library's own")
    version = 1 if before is None else before.version + 1
    entry = Entry(dataclasses.replace(signature, name=name), version, datetime.now(UTC).date().isoformat())
    return dataclasses.replace(library, entries=(*others, entry)), entry


def remove(library: Library, name: str) -> Library:
    """Return the library without a reference; raises InputError where it has none of that name."""
    left = tuple(entry for entry in library.entries if entry.name != name)
    if len(left) == len(library.entries):
        known = ", ".join(entry.name for entry in library.entries) or "none"
        raise InputError(name, "is not in the library", mend=f"there are: {known}")
    return dataclasses.replace(library, entries=left)


def rotate(library: Library) -> Library:
    """Return the library under a new secret: templates that were taken from it before match nothing any more."""
    return dataclasses.replace(library, secret=secrets.token_bytes(SECRET_BYTES))


def template(library: Library, name: str) -> dict[str, Any]:
    """Return a reference as it may be given to others: its template, which only this library's secret can read."""
    entry = next((entry for entry in library.entries if entry.name == name), None)
    if entry is None:
        raise InputError(name, "is not in the library", mend="emotus signature library list")
    return _entry_to(entry, library.secret)


def to_bytes(library: Library) -> bytes:
    """Return the library as bytes to be sealed."""
    entries = [_entry_to(entry, library.secret) for entry in library.entries]
    return json.dumps({"version": VERSION, "secret": library.secret.hex(), "entries": entries}).encode()


def from_bytes(data: bytes, place: str) -> Library:
    """Return the library of unsealed bytes; raises InputError naming the place."""
    try:
        said: Any = json.loads(data)
        if said["version"] != VERSION:
            raise InputError(place, f"is of version {said['version']}, and {VERSION} is read", mend="update emotus")
        secret = bytes.fromhex(said["secret"])
        entries = tuple(_entry_from(each, secret, place) for each in said["entries"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            place, "is no library of signatures", mend="name one made by emotus signature library"
        ) from None
    return Library(entries, secret)


def load(path: Path, passphrase: str | None = None) -> Library:
    """Open a library; asks for the passphrase unless it is given. Raises InputError and VaultError."""
    try:
        data = path.read_bytes() if path.stat().st_size <= vault.MAX_SEALED_BYTES else b""
    except OSError as error:
        raise InputError(
            str(path), (error.strerror or str(error)).lower(), mend="emotus signature library add"
        ) from None
    words = passphrase if passphrase is not None else profiles.ask(path, new=False)
    return from_bytes(vault.unseal(data, words, place=str(path)), str(path))


def save(library: Library, path: Path, passphrase: str) -> None:
    """Write a library sealed: whole or not at all, for its owner's eyes; raises InputError."""
    sealed = vault.seal(to_bytes(library), passphrase, place=str(path))
    part = path.with_name(f".{path.name}.tmp")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(str(path), f"cannot be written: {error.strerror}", mend="choose another place") from None


def is_library(path: Path) -> bool:
    """Tell whether a file is a library by its name and its first bytes."""
    try:
        with path.open("rb") as file:
            return path.suffix == SUFFIX and vault.is_sealed(file.read(16))
    except OSError:
        return False


def _entry_to(entry: Entry, secret: bytes) -> dict[str, Any]:
    hidden = dataclasses.replace(entry.signature, quantiles=template_of(entry.signature.quantiles, secret))
    return {"made": entry.made, "version": entry.version, "template": hidden.to_dict()}


def _entry_from(said: Mapping[str, Any], secret: bytes, place: str) -> Entry:
    plain = dict(said["template"])
    rows = [
        row if row is None else _shown(row, k, len(plain["quantiles"]), secret)
        for k, row in enumerate(plain["quantiles"])
    ]
    return Entry(signature_from({**plain, "quantiles": rows}, place), int(said["version"]), str(said["made"]))


def _shown(row: list[float], place: int, count: int, secret: bytes) -> list[float]:
    """Return one pool's quantiles, made to rise again where the last bits of the shifts were lost."""
    import numpy as np

    whole = np.zeros((count, len(row)))
    whole[place] = row
    return np.maximum.accumulate(quantiles_of(whole, secret)[place]).tolist()
