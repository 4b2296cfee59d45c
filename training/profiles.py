"""Profiles as files: sealed, written whole or not at all, readable by their owner only, and forgotten for good."""

from __future__ import annotations

import contextlib
import getpass
import importlib
import importlib.util
import os
import secrets
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from ..engine import profile as profiles
from ..engine import vault
from ..engine.errors import ProfileError, VaultError
from ..engine.profile import Profile

SUFFIX: Final = ".emotus"
VARIABLE: Final = "EMOTUS_PASSPHRASE"
SERVICE: Final = "emotus"  # the name of our entries in the system's key ring
_TRIES: Final = 3


def profile_path(name: str | Path) -> Path:
    """Return the file of a name: the path itself, or NAME.emotus where it has no ending of its own."""
    path = Path(name)
    return path if path.suffix or path.exists() else path.with_name(path.name + SUFFIX)


def load(path: Path, passphrase: str | None = None) -> Profile:
    """Open a profile; asks for the passphrase unless it is given. Raises ProfileError and VaultError."""
    data = _read(path)
    if not vault.is_sealed(data):
        raise ProfileError(str(path), "is no profile", mend="name a file that `emotus calibrate` wrote")
    words = passphrase if passphrase is not None else ask(path, new=False)
    return profiles.from_bytes(vault.unseal(data, words, place=str(path)), str(path))


def save(profile: Profile, path: Path, passphrase: str) -> None:
    """Write a profile sealed: whole or not at all, for its owner's eyes, on the disk when this returns."""
    sealed = vault.seal(profiles.to_bytes(profile), passphrase, place=str(path))
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)  # mode 0600
    except OSError as error:
        raise ProfileError(
            str(path), f"cannot be written: {error.strerror}", mend="choose a folder you may write to"
        ) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise ProfileError(str(path), f"cannot be written: {error.strerror}", mend="is the disk full?") from None
    _sync_folder(path.parent)


def forget(path: Path) -> list[str]:
    """Remove a profile and whatever belongs to it: overwritten, unlinked, out of the key ring; return what was removed.

    Overwriting is best effort: a file system may keep older blocks, which hold nothing but sealed bytes.
    Raises ProfileError where there is nothing, or what is there is no profile of ours.
    """
    left_behind = [each for each in _siblings(path) if each.is_file()]
    if not path.exists() and not left_behind:
        raise ProfileError(str(path), "there is no such profile", mend="name the file, or run this in its folder")
    if path.exists() and not vault.is_sealed(_read(path)):
        raise ProfileError(str(path), "is no profile, so it is left alone", mend="remove it yourself if it should go")
    removed = []
    for each in ([path] if path.exists() else []) + left_behind:
        size = _shred(each)
        removed.append(f"{each}: {size} bytes overwritten and removed")
    if _forget_key(path):
        removed.append(f"{SERVICE} {_account(path)}: removed from the key ring")
    _sync_folder(path.parent)
    return removed


def ask(path: Path, *, new: bool) -> str:
    """Return the passphrase: EMOTUS_PASSPHRASE, else the system's key ring, else what is typed; twice where it is new.

    Raises VaultError where there is nobody to ask, or what is typed is too short or not the same twice.
    """
    given = os.environ.get(VARIABLE)
    if given:
        vault.check_passphrase(given, VARIABLE)
        return given
    stored = _stored_key(path)
    if stored:
        return stored
    if not sys.stdin.isatty():
        mend = f"set {VARIABLE}, or run this in a terminal"
        raise VaultError(str(path), "needs a passphrase, and nobody can be asked for it", mend=mend)
    return _ask_twice(path) if new else getpass.getpass(f"passphrase of {path.name}: ")


def _ask_twice(path: Path) -> str:
    for _ in range(_TRIES):
        words = getpass.getpass(f"a new passphrase for {path.name}, {vault.MIN_PASSPHRASE} characters or more: ")
        if len(words) < vault.MIN_PASSPHRASE:
            continue
        if getpass.getpass("once more: ") == words:
            return words
    raise VaultError(str(path), "no passphrase was given twice alike", mend="nothing was written; try again")


def new_path(path: Path) -> Path:
    """Return the path for a profile that is to be written; raises ProfileError where its folder is missing."""
    if not path.parent.is_dir():
        raise ProfileError(str(path), "its folder does not exist", mend="make the folder first")
    return path


def require_file(path: Path) -> None:
    """Raise ProfileError where there is no profile, before anybody is asked for a passphrase."""
    if not vault.is_sealed(_read(path)):
        raise ProfileError(str(path), "is no profile", mend="name a file that `emotus calibrate` wrote")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(vault.MAX_SEALED_BYTES + 1)
    except FileNotFoundError:
        raise ProfileError(
            str(path), "there is no such profile", mend=f"emotus calibrate -s SENSOR -o {path}"
        ) from None
    except OSError as error:
        raise ProfileError(str(path), f"cannot be read: {error.strerror}", mend="name a profile") from None


def _siblings(path: Path) -> list[Path]:
    """Return what a save that was cut off may have left beside a profile."""
    return sorted(path.parent.glob(f".{path.name}.*.tmp")) if path.parent.is_dir() else []


def _shred(path: Path) -> int:
    size = path.stat().st_size
    with contextlib.suppress(OSError), path.open("r+b") as file:
        file.write(secrets.token_bytes(size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    return size


def _sync_folder(folder: Path) -> None:
    """Have the folder's entries on the disk too, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _account(path: Path) -> str:
    return path.absolute().name


def _key_ring() -> Any | None:
    """Return the key ring's module where it is installed; a system without a key ring then answers nothing."""
    return importlib.import_module("keyring") if importlib.util.find_spec("keyring") is not None else None


def _stored_key(path: Path) -> str | None:
    ring = _key_ring()
    if ring is None:
        return None
    try:
        return ring.get_password(SERVICE, _account(path))
    except ring.errors.KeyringError:
        return None


def _forget_key(path: Path) -> bool:
    ring = _key_ring()
    if ring is None:
        return False
    try:
        ring.delete_password(SERVICE, _account(path))
    except ring.errors.KeyringError:
        return False
    return True
