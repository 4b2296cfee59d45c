"""The roster: which profile belongs to which stream, and what is known of each performer during one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..engine.acquaintance import Acquaintance
from ..engine.errors import EmotusError, InputError
from ..engine.lesson import Lesson
from ..engine.profile import Profile, new_profile
from ..engine.recognise import Recogniser
from ..engine.taught import TaughtHead, labels_of
from ..engine.teaching import Fitter
from . import profiles

MOST_MET: Final = 64  # performers remembered in one run, on stage or not


@dataclass(slots=True)
class Entry:
    """Hold one profile of the command line: its file, what is in it and what opens it."""

    path: Path
    profile: Profile
    passphrase: str
    head: TaughtHead | None


class Roster:
    """Introduce performers to the engine: those with a profile by it, the others as somebody new.

    entries: by stream; the one under None is for the first stream that no other names.
    """

    def __init__(self, recogniser: Recogniser, fitter: Fitter, entries: dict[str | None, Entry] | None = None) -> None:
        self._recogniser = recogniser
        self._fitter = fitter
        self._entries = dict(entries or {})
        self._met: dict[str, Acquaintance] = {}

    @property
    def labels(self) -> tuple[str, ...]:
        """Return every label that somebody may be answered with: the shipped ones first."""
        labels = self._recogniser.labels
        for entry in self._entries.values():
            labels = labels_of(labels, entry.head)
        return labels

    def meet(self, stream: str) -> Acquaintance:
        """Return what is known of a performer who enters."""
        if stream not in self._met:
            if len(self._met) >= MOST_MET:
                self._drop_somebody_new()
            self._met[stream] = self._introduce(stream)
        return self._met[stream]

    def forget(self, stream: str) -> None:
        """Drop whatever is known of her; her file stays as it is."""
        self._met.pop(stream, None)
        self._entries.pop(stream, None)

    def save(self) -> list[str]:
        """Write what was learnt of everybody who has a profile; return a line for each, failed or not."""
        lines: list[str] = []
        for stream, entry in self._entries.items():
            known = self._met.get(stream) if stream is not None else None
            if known is None:
                continue
            kept = known.to_profile(entry.profile, time.time())
            try:
                profiles.save(kept, entry.path, entry.passphrase)
            except EmotusError as error:
                lines.append(str(error))
            else:
                lines.append(f"{entry.path}: kept what was learnt of {stream}")
        return lines

    def _introduce(self, stream: str) -> Acquaintance:
        entry = self._entries.get(stream)
        if entry is None and None in self._entries:
            entry = self._entries[stream] = self._entries.pop(None)
        if entry is None:
            return Acquaintance(stream, self._recogniser, self._fitter)
        return Acquaintance(stream, self._recogniser, self._fitter, profile=entry.profile, head=entry.head)

    def _drop_somebody_new(self) -> None:
        for stream in self._met:
            if stream not in self._entries:
                del self._met[stream]
                return


def enter(asked: str, recogniser: Recogniser, *, may_be_new: bool = False) -> tuple[str | None, Entry]:
    """Open the profile that `[STREAM=]FILE` names; return the stream and what is in it.

    may_be_new: a file that does not exist begins an empty one. Raises InputError, ProfileError and VaultError.
    """
    stream, _, name = asked.rpartition("=")
    if not name:
        raise InputError(f"-p {asked}", "names no profile", mend="-p anna.emotus, or -p STREAM=anna.emotus")
    path = profiles.profile_path(name)
    return stream or None, open_entry(path, recogniser, may_be_new=may_be_new)


def known_by(name: str | None, recogniser: Recogniser | None) -> Callable[[], Roster | None]:
    """Return what makes, for each recording, a roster with the one in it known by this profile; None without one."""
    if name is None or recogniser is None:
        return lambda: None
    from .fitting import fit_at_once

    entry = open_entry(profiles.profile_path(name), recogniser)
    return lambda: Roster(recogniser, fit_at_once, {None: entry})


def open_entry(path: Path, recogniser: Recogniser, *, may_be_new: bool = False) -> Entry:
    """Open the profile of a file, or begin one where there is none and there may be none."""
    is_new = may_be_new and not path.exists()
    told = recogniser.disclosure
    if is_new:
        words = profiles.ask(profiles.new_path(path), new=True)
        return Entry(path, new_profile(told.model, told.sha256, time.time()), words, None)
    profiles.require_file(path)
    words = profiles.ask(path, new=False)
    profile = profiles.load(path, words)
    profile.require_model(told.model, told.sha256, str(path))
    lesson = lesson_of(profile)
    return Entry(path, profile, words, None if lesson is None else lesson.head)


def lesson_of(profile: Profile) -> Lesson | None:
    """Fit the head of a profile's takes, None where they are of fewer than two labels; raises TeachError."""
    from .fitting import fit_now

    return fit_now(profile.takes) if len(profile.labels) >= 2 else None
