"""Backstage: what a run is governed by beside its sensors and bridges: profiles, consent, commands, the stop key."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..engine.clock import Clock
from ..engine.consent import Consent, read_grant
from ..engine.control import ControlInbox
from ..engine.errors import InputError
from ..engine.recognise import Recogniser
from ..engine.signature_definition import Definition
from ..engine.signature_references import References
from ..sensors.base import Sensor
from ..sensors.uri import shows_a_person
from .audit_file import AuditFile
from .console import note
from .fitting import BackgroundFitter
from .roster import Entry, Roster, enter
from .signature_files import read_references

if TYPE_CHECKING:
    from ..engine.partner import Partner


@dataclass(frozen=True)
class Backstage:
    """Hold the inbox of every bridge's commands, the consent asked, and what is known of whom."""

    inbox: ControlInbox
    consent: Consent
    roster: Roster | None
    fitter: BackgroundFitter
    learn: bool = False
    references: References | None = None
    persons: list[Sensor] = field(default_factory=list[Sensor])
    trail: AuditFile | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Return every label that somebody may be answered with."""
        return () if self.roster is None else self.roster.labels

    def admit(self, uris: Sequence[str], sensors: Sequence[Sensor]) -> None:
        """Guard the sensors that show somebody live, and say which stay closed until she consents."""
        for uri, sensor in zip(uris, sensors, strict=True):
            if shows_a_person(uri):
                self.persons.append(sensor)
                if not self.consent.grants():
                    note(f"{uri}: closed until she consents (--consent NAME, the page, or /emotus/control/consent)")

    def finish(self) -> None:
        """Keep what was learnt, where that was asked for, and end the day's page of the audit trail."""
        self.fitter.close()
        if self.trail is not None:
            self.trail.write("end", {})
        if self.learn and self.roster is not None:
            for line in self.roster.save():
                note(line)


def prepare(
    recogniser: Recogniser | None,
    clock: Clock,
    *,
    profiles: Sequence[str] = (),
    consents: Sequence[str] = (),
    learn: bool = False,
    signature: Sequence[str] = (),
    audit: str | None = None,
    told: Mapping[str, str] | None = None,
) -> Backstage:
    """Open profiles and references, and grant what the command line consents to; raises the EmotusError of any.

    audit: the file of the audit trail, to which the model, the number of profiles and every consent are appended.
    told: what else its first line says, such as the context; nothing by which somebody could be known.
    """
    trail = None if audit is None else AuditFile(audit)
    if trail is not None:
        model = {"model": "none: no emotion is inferred"}
        if recogniser is not None:
            model = {"model": recogniser.disclosure.model, "sha256": recogniser.disclosure.sha256}
        trail.write("start", {"profiles": str(len(profiles)), "learn": str(learn)} | model | dict(told or {}))
    consent = Consent(clock, on_change=None if trail is None else trail.write)
    for text in consents:
        consent.grant(read_grant(text))
    if learn and not profiles:
        raise InputError("--learn", "nothing is named to keep it in", mend="-p anna.emotus")
    references = read_references(signature, Definition(), note) if signature else None
    fitter = BackgroundFitter()
    if recogniser is None:
        if profiles:
            raise InputError(f"-p {profiles[0]}", "no emotion is inferred in this context", mend="leave out -p")
        return Backstage(ControlInbox(), consent, None, fitter, references=references, trail=trail)
    entries: dict[str | None, Entry] = {}
    for asked in profiles:
        stream, entry = enter(asked, recogniser, may_be_new=learn)
        if stream in entries:
            raise InputError(f"-p {asked}", "a second profile for the same performer", mend="-p STREAM=FILE for each")
        entries[stream] = entry
    roster = Roster(recogniser, fitter, entries)
    return Backstage(ControlInbox(), consent, roster, fitter, learn, references, trail=trail)


def make_partner(asked: str | None, recogniser: Recogniser | None, *, seed: int = 0) -> Partner | None:
    """Return the generated performer that `--generate EMOTION|mirror[:MODE]` asks for, None where nothing is asked.

    Raises InputError for an emotion the generator does not know, and for a mirror where no emotion is read.
    """
    if asked is None:
        return None
    from ..engine.generator import load_generator
    from ..engine.partner import Partner, read_generate
    from ..engine.wish import Wish

    emotion, mirror = read_generate(asked)
    if mirror is not None and recogniser is None:
        mend = f"--generate {emotion}"
        raise InputError(f"--generate {asked}", "there is nothing to mirror: no emotion is read here", mend=mend)
    model = load_generator()
    partner = Partner(model, wish=Wish(emotion), mirror=mirror, seed=seed)
    what = f"shows {emotion}" if mirror is None else f"mirrors the first performer who is read: {mirror}"
    note(f"a generated partner {what}; every frame says synthetic, seed {seed}, {model.info.name}")
    return partner


@contextlib.contextmanager
def stop_key(stop: Callable[[], None]) -> Iterator[None]:
    """Let the space bar stop everything while a show runs on a terminal; elsewhere nothing changes."""
    if sys.platform == "win32" or not (sys.stdin.isatty() and sys.stderr.isatty()):
        yield
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    over = threading.Event()
    thread = threading.Thread(target=_wait_for_key, args=(terminal, stop, over), name="stop-key", daemon=True)
    try:
        tty.setcbreak(terminal)  # single keys, and Ctrl-C as ever
        note("the space bar stops everything at once")
        thread.start()
        yield
    finally:
        over.set()
        thread.join(1.0)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _wait_for_key(terminal: int, stop: Callable[[], None], over: threading.Event) -> None:
    import os
    import select

    while not over.is_set():
        ready, _, _ = select.select([terminal], [], [], 0.05)
        if ready and b" " in os.read(terminal, 64):
            stop()
            return
