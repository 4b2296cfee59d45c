"""Profile files: sealed, whole or not there, their owner's alone, and gone for good when forgotten."""

from __future__ import annotations

import os
import stat
import sys
import types

import pytest

from emotus.engine import vault
from emotus.engine.errors import ProfileError, VaultError
from emotus.engine.profile import new_profile
from emotus.training import profiles

MARKER = "planted-marker-5e1d"
WORDS = "correct horse"


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Let a guess cost little in tests, and let no key ring or environment of this machine answer."""
    monkeypatch.setattr(vault.seal, "__kwdefaults__", vault.seal.__kwdefaults__ | {"cost": vault.Cost(10, 1)})
    monkeypatch.delenv(profiles.VARIABLE, raising=False)
    monkeypatch.setattr(profiles, "_key_ring", lambda: None)


def marked():
    """Return a profile with a marker in it."""
    return new_profile(MARKER, "0" * 64, 0.0)


def test_a_profile_is_written_whole_for_its_owner_alone(tmp_path):
    """The file opens with its passphrase, nobody else may read it, nothing of it is in the clear or left beside it."""
    path = tmp_path / "anna.emotus"
    for _ in range(2):
        profiles.save(marked(), path, WORDS)
    assert profiles.load(path, WORDS).model == MARKER
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["anna.emotus"]
    assert MARKER.encode() not in path.read_bytes()


def test_a_save_that_fails_leaves_the_old_profile(tmp_path, monkeypatch):
    """When the disk is full in the middle of it, the profile that was there is there, and nothing else."""
    path = tmp_path / "anna.emotus"
    profiles.save(marked(), path, WORDS)
    before = path.read_bytes()

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ProfileError, match=r"cannot be written: No space left on device \(is the disk full\?\)"):
        profiles.save(new_profile("other", "0" * 64, 0.0), path, WORDS)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["anna.emotus"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda _: None, "there is no such profile"),
        (lambda path: path.write_bytes(b"HIERARCHY"), "is no profile"),
        (lambda path: path.mkdir(), "cannot be read"),
        (lambda path: profiles.save(marked(), path, "another passphrase"), "the passphrase is wrong"),
    ],
)
def test_what_cannot_be_opened_says_why(tmp_path, make, said):
    """Each kind of wrong file is one sentence that names it."""
    path = tmp_path / "anna.emotus"
    make(path)
    with pytest.raises((ProfileError, VaultError), match=said) as caught:
        profiles.load(path, WORDS)
    assert str(path) in str(caught.value)


def test_a_forgotten_profile_leaves_no_trace(tmp_path):
    """The file and what a cut-off save left are gone, overwritten before; other files are left alone."""
    path, other = tmp_path / "anna.emotus", tmp_path / "ben.emotus"
    profiles.save(marked(), path, WORDS)
    profiles.save(marked(), other, WORDS)
    left = tmp_path / ".anna.emotus.x1.tmp"
    left.write_text(MARKER)
    twin = tmp_path / "hard-link"
    os.link(left, twin)  # shows what was written to the blocks before they were let go
    removed = profiles.forget(path)
    assert len(removed) == 2
    assert sorted(each.name for each in tmp_path.iterdir()) == ["ben.emotus", "hard-link"]
    assert MARKER.encode() not in twin.read_bytes()
    assert profiles.load(other, WORDS).model == MARKER
    with pytest.raises(ProfileError, match="there is no such profile"):
        profiles.forget(path)


def test_forget_leaves_alone_what_is_no_profile(tmp_path):
    """A recording that is named by mistake is not destroyed."""
    path = tmp_path / "anna.bvh"
    path.write_text("HIERARCHY")
    with pytest.raises(ProfileError, match="so it is left alone"):
        profiles.forget(path)
    assert path.read_text() == "HIERARCHY"


def test_the_passphrase_comes_from_the_environment_the_key_ring_or_a_terminal(tmp_path, monkeypatch):
    """In this order; where there is none of them, one sentence says what to do."""
    path = tmp_path / "anna.emotus"
    with pytest.raises(VaultError, match="nobody can be asked for it \\(set EMOTUS_PASSPHRASE, or"):
        profiles.ask(path, new=True)
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(isatty=lambda: True))
    typed = iter(["short", "typed words", "typed wrods", "typed words", "typed words"])
    monkeypatch.setattr(profiles.getpass, "getpass", lambda _: next(typed))
    assert profiles.ask(path, new=True) == "typed words"
    ring = types.SimpleNamespace(
        get_password=lambda _, name: f"of {name}", errors=types.SimpleNamespace(KeyringError=OSError)
    )
    monkeypatch.setattr(profiles, "_key_ring", lambda: ring)
    assert profiles.ask(path, new=False) == "of anna.emotus"
    monkeypatch.setenv(profiles.VARIABLE, "from outside")
    assert profiles.ask(path, new=False) == "from outside"
    monkeypatch.setenv(profiles.VARIABLE, "short")
    with pytest.raises(VaultError, match="EMOTUS_PASSPHRASE: the passphrase is too short"):
        profiles.ask(path, new=False)


def test_a_name_is_enough(tmp_path, monkeypatch):
    """`anna` means anna.emotus, a file with an ending means itself."""
    monkeypatch.chdir(tmp_path)
    assert profiles.profile_path("anna").name == "anna.emotus"
    assert profiles.profile_path("sub/anna.emotus").as_posix() == "sub/anna.emotus"
    (tmp_path / "plain").touch()
    assert profiles.profile_path("plain").name == "plain"
