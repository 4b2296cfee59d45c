"""The commands of one performer: warm up, teach, look into her profile, forget. `__main__` hangs them in."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from ..engine.acquaintance import Acquaintance
from ..engine.baseline import CONTEXTS, Baseline, vouch
from ..engine.clock import NS_PER_S
from ..engine.errors import EmotusError, InputError, ProfileError, TeachError
from ..engine.events import StatusEvent
from ..engine.profile import Profile, describe
from ..engine.recognise import Recogniser
from ..engine.taught import TaughtTake
from . import profiles
from .commands import DEFAULT_MODEL
from .console import complain, note, say
from .contexts import Context, required_recogniser
from .fitting import fit_at_once
from .gather import gather, open_place
from .roster import Entry, lesson_of, open_entry

LEAST_S: Final = 3.0  # of evidence: less says nothing that will hold tomorrow
GOOD_S: Final = 30.0
ProfileFile = Annotated[str, typer.Option("-p", "--profile", help="Her profile, such as anna.emotus.")]
Sensor = Annotated[str | None, typer.Option("-s", "--sensor", help="A sensor as SCHEME:PATH, such as webcam:0.")]
Model = Annotated[str, typer.Option("--model", help="A shipped model's name or a .safetensors file.")]
Agreed = Annotated[str | None, typer.Option("--consent", help="Who consents to being recorded, live sensors only.")]


def calibrate(
    out: Annotated[str, typer.Option("-o", "--out", help="The profile to write, such as anna.emotus.")],
    sensor: Annotated[str, typer.Option("-s", "--sensor", help="A sensor as SCHEME:PATH, or a recording.")],
    seconds: Annotated[float, typer.Option("--seconds", min=LEAST_S, help="How long to watch.")] = 45.0,
    neutral: Annotated[bool, typer.Option("--neutral", help="She moves neutrally, which says most of her.")] = False,
    model: Model = DEFAULT_MODEL,
    consent: Agreed = None,
    context: Context = "art",
) -> None:
    """Watch one performer warm up and keep what is usual for her; no labels are needed."""
    recogniser = required_recogniser(context, model, "calibrate")
    _ask_consent(sensor, consent)
    entry = open_entry(profiles.profile_path(out), recogniser, may_be_new=True)
    known = Acquaintance("performer", recogniser, fit_at_once)
    note(f"watching for {seconds:.0f} s: walk, stand, gesture, in the moods that come; variety counts more than time")
    seen_s = gather(sensor, recogniser, known, seconds=seconds, on_second=_hint_every(5, seconds))
    baseline = known.baseline
    if baseline is None or baseline.evidence_s < LEAST_S:
        found = 0.0 if baseline is None else baseline.evidence_s
        problem = f"only {found:.1f} s of {seen_s:.0f} s were movement of a whole body"
        raise InputError(sensor, problem, mend=f"{LEAST_S:.0f} s at least; {GOOD_S:.0f} s and more are good")
    kept = known.to_profile(entry.profile, time.time())
    made = vouch(baseline, neutral=neutral)
    profiles.save(replace(kept, baseline=made, takes=entry.profile.takes), entry.path, entry.passphrase)
    say(f"{entry.path}: {evidence_text(made)}")
    for line in hints(made):
        note(line)


def teach(
    files: Annotated[list[str] | None, typer.Argument(help="Recordings of the label, each one take.")] = None,
    profile: ProfileFile = "",
    label: Annotated[str | None, typer.Option("--as", help="The label: any word or words.")] = None,
    sensor: Sensor = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1.5, help="How long to record from a sensor.")] = 20.0,
    shown: Annotated[bool, typer.Option("--list", help="Only show the takes there are.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last take back.")] = False,
    remove: Annotated[int | None, typer.Option("--remove", help="Take this take back, counted from 1.")] = None,
    model: Model = DEFAULT_MODEL,
    consent: Agreed = None,
    context: Context = "art",
) -> None:
    """Teach a label of your own from recordings or a sensor, and see at once what it is confused with."""
    if not profile:
        raise InputError("emotus teach", "for whom is not said", mend="-p anna.emotus")
    is_look = shown or undo or remove is not None
    if not is_look and (label is None or bool(files) == (sensor is not None)):
        mend = "--as LABEL and either FILE... or -s SENSOR; or --list, --undo, --remove N"
        raise InputError("emotus teach", "what to learn is not said", mend=mend)
    recogniser = required_recogniser(context, model, "teach")
    if sensor is not None:
        _ask_consent(sensor, consent)
    entry = open_entry(profiles.profile_path(profile), recogniser, may_be_new=not is_look)
    if is_look:
        _take_back(entry, len(entry.profile.takes) if undo else remove)
        return
    places = files or [sensor or ""]
    taken, failed = _takes(entry, recogniser, places, label or "", None if files else seconds)
    if taken:
        _learn(entry, taken)
    if failed:
        raise typer.Exit(2)


def show(profile: Annotated[str, typer.Argument(help="The profile, such as anna.emotus.")]) -> None:
    """Tell what is inside a profile: labels, takes, seconds of evidence, model; nothing that tells of a body."""
    path = profiles.profile_path(profile)
    profiles.require_file(path)
    for line in describe(profiles.load(path)):
        say(line)


def profile() -> None:
    """Look into a performer's profile."""


def forget(name: Annotated[str, typer.Argument(help="The profile: its file, or its name without .emotus.")]) -> None:
    """Remove a profile for good: overwritten, unlinked, and out of the key ring."""
    for line in profiles.forget(profiles.profile_path(name)):
        say(line)


def evidence_text(baseline: Baseline) -> str:
    """Return how much is known, and of which kinds of movement."""
    kinds = [f"{name} {seconds:.0f} s" for name, seconds in _kinds(baseline) if seconds >= 0.5]
    return f"{baseline.evidence_s:.0f} s of evidence ({', '.join(kinds) or 'of no kind in particular'})"


def hints(baseline: Baseline) -> list[str]:
    """Return what would make a baseline better, nothing where it is good."""
    total = baseline.evidence_s
    found = [variety(baseline)] if variety(baseline) else []
    return [*found, f"{total:.0f} s are little: {GOOD_S:.0f} s and more are good"] if total < GOOD_S else found


def variety(baseline: Baseline) -> str:
    """Return what kind of movement is missing, "" where there is some of several."""
    kinds = dict(_kinds(baseline))
    if kinds["still"] > 0.6 * baseline.evidence_s:
        return "mostly standing still: walk and gesture too"
    most = max(kinds, key=kinds.__getitem__)
    if kinds[most] > 0.9 * baseline.evidence_s:
        return f"mostly {most}: move in other ways too, and as different moods have it"
    return ""


def _kinds(baseline: Baseline) -> list[tuple[str, float]]:
    return list(zip(CONTEXTS, baseline.seconds.tolist(), strict=True))


def _hint_every(beat_s: int, seconds: float):
    def on_second(second: int, known: Acquaintance) -> None:
        if second % beat_s == 0 and known.baseline is not None:
            note(f"{second} of {seconds:.0f} s: {variety(known.baseline) or 'good'}")

    return on_second


def _takes(
    entry: Entry, recogniser: Recogniser, places: list[str], label: str, seconds: float | None
) -> tuple[list[TaughtTake], bool]:
    """Return a take of each place, and whether any failed; one that fails is told of and leaves the others alone."""
    taken: list[TaughtTake] = []
    failed = False
    for place in places:
        try:
            taken.append(_take(entry.profile, recogniser, place, label, seconds))
        except EmotusError as error:
            complain(error)
            failed = True
        else:
            note(f"{place}: {taken[-1].seconds:.1f} s of {label!r}")
    return taken, failed


def _take(profile: Profile, recogniser: Recogniser, place: str, label: str, seconds: float | None) -> TaughtTake:
    """Record one take; raises TeachError where nothing can be learnt from it."""
    known = Acquaintance("performer", recogniser, fit_at_once, profile=replace(profile, takes=()))
    _count_in(seconds)
    for _ in known.teaching.start(label, 0, count_in_s=0):
        pass
    gather(place, recogniser, known, seconds=seconds, on_status=_tell)
    refused = [event.message for event in known.teaching.stop(0) if event.level == "warning"]
    if not known.teaching.takes:
        raise TeachError(place, refused[-1].removeprefix("not kept: ") if refused else "nothing was recorded")
    return replace(known.teaching.takes[-1], name=Path(place).name if seconds is None else place)


def _count_in(seconds: float | None) -> None:
    """Count three seconds down where somebody is about to move."""
    if seconds is None or not sys.stderr.isatty():
        return
    for left in (3, 2, 1):
        note(f"in {left}")
        time.sleep(1.0)
    note(f"now, for {seconds:.0f} s")


def _tell(event: StatusEvent) -> None:
    if event.level != "info":
        note(event.message)


def _learn(entry: Entry, taken: list[TaughtTake]) -> None:
    """Learn from the takes there are and the new ones; where that fails nothing is written, and what was stays."""
    profile = replace(entry.profile, updated_s=time.time())
    for take in taken:
        profile = profile.with_take(take)
    _keep(entry, profile)


def _keep(entry: Entry, profile: Profile) -> None:
    started_ns = time.monotonic_ns()
    lesson = lesson_of(profile)
    took_s = (time.monotonic_ns() - started_ns) / NS_PER_S
    profiles.save(profile, entry.path, entry.passphrase)
    say(f"{entry.path}: {len(profile.takes)} takes of {len(profile.labels)} labels")
    if lesson is None:
        say("  one label alone cannot be told from anything: teach a second one")
        return
    say(lesson.to_text())
    note(f"learnt in {took_s:.2f} s")


def _take_back(entry: Entry, number: int | None) -> None:
    """Show the takes, or take one back and learn again."""
    if number is None:
        for line in describe(entry.profile):
            say(line)
        return
    if not entry.profile.takes:
        raise ProfileError(str(entry.path), "has no takes", mend="emotus teach records some")
    gone = entry.profile.without_take(number)
    note(f"take {number} of {entry.profile.takes[number - 1].label!r} is taken back")
    _keep(entry, replace(gone, updated_s=time.time()))


def _ask_consent(place: str, consent: str | None) -> None:
    """See to it that a person who is to be recorded live has consented; raises InputError where nobody says so."""
    sensor, is_person = open_place(place)
    sensor.close()
    if not is_person or consent:
        return
    if sys.stdin.isatty() and typer.confirm(f"{place} shows somebody live: does she consent to being learnt from?"):
        return
    raise InputError(place, "shows somebody live, and nobody said that she consents", mend="--consent NAME")
