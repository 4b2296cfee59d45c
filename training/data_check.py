"""What `emotus data check` finds in a set: what is in it, and what would make a figure measured on it untrue."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ..engine.errors import DataError
from ..engine.retarget import knees_bend_forward
from ..engine.streams import MODEL_RATE_HZ
from . import clips
from .data_folder import recordings_in, survey_diem_a, survey_folder
from .data_hdf5 import SUFFIXES, load_published
from .data_matlab import survey_xem
from .data_motion import Motion
from .data_published import survey_emokine, survey_kinematic_actors
from .data_set import is_data_uri
from .data_takes import Said, Survey, Take, survey_files
from .data_twins import twins_in
from .windows import WINDOW

_OFTEN: Final = 3  # recordings of a label from which it is no chance that one session has them all
_TIED: Final = 1 / 3  # share of the labels that lie in one session each
_LISTED: Final = 5


def surveys_of(text: str) -> list[Survey]:
    """Read the set of an address NAME:PATH, or every set that lies in a folder; raises DataError."""
    if is_data_uri(text):
        name, _, path = text.partition(":")
        if name not in _SURVEYS:
            raise DataError(text, f"unknown data set '{name}'", mend=f"one of {', '.join(_SURVEYS)}, then :PATH")
        return [_SURVEYS[name](Path(path).expanduser())]
    folder = Path(text).expanduser()
    if not folder.is_dir():
        raise DataError(text, "is no folder", mend="name a folder, or a set as NAME:PATH")
    found = [_SURVEYS[name](folder) for name, mark in _MARKS if (folder / mark).is_file()]
    return found or [_unlabelled(folder)]


def report(survey: Survey) -> list[str]:
    """Return the lines that tell of a set: its content first, then what is skipped, then every trap."""
    takes = survey.takes
    return [
        f"{survey.name} at {survey.place}",
        f"  {len(takes)} recordings read, {len(survey.skipped)} skipped",
        _counts("classes", Counter(take.said.label or "(none)" for take in takes)),
        _counts("performers", Counter(take.said.performer or "(nobody said)" for take in takes)),
        _counts("contents", Counter(take.said.content or "(nobody said)" for take in takes)),
        _counts("rates", Counter(_rate(take) for take in takes)),
        _lengths(takes),
        *(f"  skipped: {line}" for line in survey.skipped),
        *(f"  trap: {line}" for line in traps(survey)),
    ]


def traps(survey: Survey) -> list[str]:
    """Return one line for each thing that would make a figure untrue, with what to do about it."""
    takes = survey.takes
    found = (_few_classes, _mixed_rates, _sessions, _alone, _loyal, _kin, _twins, _mirrored, _short)
    return [line for find in found for line in find(takes, survey)]


def _counts(what: str, counts: Counter[str]) -> str:
    most = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    shown = ", ".join(f"{name} {count}" for name, count in most[:24])
    more = f", and {len(most) - 24} more" if len(most) > 24 else ""
    return f"  {what} {len(most)}: {shown}{more}"


def _rate(take: Take) -> str:
    return f"{take.motion.rate_hz:.4g} Hz" if take.motion.rate_hz else "unknown (taken for 30 Hz)"


def _lengths(takes: Sequence[Take]) -> str:
    seconds = np.array([take.motion.seconds for take in takes])
    low, middle, high = np.percentile(seconds, (0, 50, 100))
    return (
        f"  lengths: {low:.2f} to {high:.2f} s, half of them under {middle:.2f} s, {seconds.sum() / 60:.1f} min in all"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")


def _few_classes(takes: Sequence[Take], _: Survey) -> Iterable[str]:
    counts = Counter(take.said.label for take in takes if take.said.label)
    if len(counts) == 1:
        yield f"one class only, '{next(iter(counts))}': nothing can be told apart"
    rare = sorted(label for label, count in counts.items() if count < 2)
    if rare and len(counts) > 1:
        yield f"one recording only of {_listed(rare)}: it cannot be learnt from and tested on"


def _mixed_rates(_: Sequence[Take], survey: Survey) -> Iterable[str]:
    odd = survey.odd_rates()
    if odd:
        names = _listed([f"{take.said.name} ({take.motion.rate_hz:.4g} Hz)" for take in odd])
        yield f"mixed rates: {names}; a rate can give a label away: use one, or ?rates=mixed"


def _sessions(takes: Sequence[Take], _: Survey) -> Iterable[str]:
    """Tell whether offsets that stay the same over a session give the label away: whole labels lie in one session."""
    known = [take for take in takes if take.said.label and take.motion.session]
    sessions = {take.motion.session for take in known}
    if not 2 <= len(sessions) <= len(known) / 2:
        return
    where = defaultdict[str, list[str]](list)
    for take in known:
        where[take.said.label].append(take.motion.session)
    often = {label: found for label, found in where.items() if len(found) >= _OFTEN}
    tied = sorted(label for label, found in often.items() if len(set(found)) == 1)
    if len({where[label][0] for label in tied}) >= 2 and len(tied) >= _TIED * len(often):
        yield (
            f"sessions readable from offsets: {len(tied)} of {len(where)} labels lie in one of {len(sessions)} "
            f"sessions ({_listed(sorted(sessions))}): emotus strips offsets; compare labels of one session only"
        )


def _alone(takes: Sequence[Take], _: Survey) -> Iterable[str]:
    """Tell of labels whose activities no other label has: the activity then gives the label away."""
    who = defaultdict[str, set[str]](set)
    for take in takes:
        if take.said.label and take.said.content:
            who[take.said.content].add(take.said.label)
    if len(who) < 2:
        return
    for label in sorted({take.said.label for take in takes if take.said.label}):
        own = [take.said.content for take in takes if take.said.label == label and take.said.content]
        only = [content for content in own if who[content] == {label}]
        if len(only) >= 0.3 * len(own) > 0:
            names = _listed(sorted(set(only)))
            told = f"{len(only)} of {len(own)} recordings of '{label}' are {names}"
            yield f"{told}, which no other label has: report without them too"


def _loyal(takes: Sequence[Take], _: Survey) -> Iterable[str]:
    """Tell of performers who show one label only: knowing the person is then knowing the label."""
    shows = defaultdict[str, list[str]](list)
    for take in takes:
        if take.said.performer and take.said.label:
            shows[take.said.performer].append(take.said.label)
    loyal = sorted(who for who, labels in shows.items() if len(labels) > 1 and len(set(labels)) == 1)
    if loyal and len(shows) > 1:
        told = f"{len(loyal)} of {len(shows)} performers show one label only ({_listed(loyal)})"
        yield f"{told}: leave out whole performers"


def _kin(takes: Sequence[Take], _: Survey) -> Iterable[str]:
    """Tell of activities that are near twins by their names, as walk and walk-left are."""
    kin = defaultdict[str, set[str]](set)
    for content in {take.said.content for take in takes if take.said.content}:
        kin[content.partition("-")[0].partition("_")[0]].add(content)
    near = [sorted(names) for _, names in sorted(kin.items()) if len(names) > 1]
    if near:
        told = "; ".join(_listed(names) for names in near)
        yield f"activities that are kin: {told}: leave out a whole family too (--folds family)"


def _twins(takes: Sequence[Take], _: Survey) -> Iterable[str]:
    pairs = twins_in([take.motion.frames for take in takes])
    if pairs:
        named = [f"{takes[a].said.name} and {takes[b].said.name}" for a, b in pairs]
        apart = sum(takes[a].said.performer != takes[b].said.performer for a, b in pairs)
        far = f", {apart} of them of two performers" if apart else ""
        yield f"{len(pairs)} pairs of near-twins{far}: {_listed(named)}: keep both of a pair in one fold"


def _mirrored(takes: Sequence[Take], _: Survey) -> Iterable[str]:
    names = [take.said.name for take in takes if take.motion.mirrored]
    if names:
        yield f"{len(names)} mirrored bodies, knees or feet back to front: {_listed(names)}: emotus mends them"


def _short(takes: Sequence[Take], _: Survey) -> Iterable[str]:
    half = [take.said.name for take in takes if len(take.motion.frames) < WINDOW // 2]
    under = [take.said.name for take in takes if WINDOW // 2 <= len(take.motion.frames) < WINDOW]
    if half:
        yield f"{len(half)} shorter than half a window of {WINDOW} frames at 30 Hz, refused by train: {_listed(half)}"
    if under:
        yield f"{len(under)} shorter than a window of {WINDOW} frames, continued backwards: {_listed(under)}"


def _gaits(path: Path) -> Survey:
    """Survey Emotion-Gait by its perceived labels."""
    if path.suffix.lower() in SUFFIXES:
        return _of_samples(path)
    file = path / "emotion_gait.npz" if path.is_dir() else path
    everybody = clips.load_every_gait(file.parent, file.name)
    with np.load(file, allow_pickle=False) as said:
        labels, names = said["perceived"].astype(int), [str(name) for name in said["label_names"]]
        back = [not knees_bend_forward(points) for points in clips.gait_points(said["positions"])]
    takes = tuple(
        Take(
            Said(clip.name, names[label] if label >= 0 else "", clip.session, "gait", "gait"),
            Motion(clip.frames, 0.0, len(clip.frames) / MODEL_RATE_HZ, "", mirrored),
        )
        for clip, label, mirrored in zip(everybody, labels, back, strict=True)
    )
    return Survey("emotion-gait", str(file), tuple(names), takes)


def _of_samples(file: Path) -> Survey:
    data = load_published(file)
    takes = tuple(
        Take(
            Said(sample.name, sample.label, sample.performer, sample.content, sample.family),
            Motion(sample.frames, 0.0, len(sample.frames) / MODEL_RATE_HZ),
        )
        for sample in data.samples
    )
    return Survey(data.name, data.place, data.labels, takes, data.skipped)


def _bandai(path: Path) -> Survey:
    """Survey set 1 by its fifteen styles, all sessions together: that is where its traps are."""
    folder = path if path.is_dir() else path.parent
    found = clips.load_bandai(folder, 1, clips.load_folds(folder), lambda _: None)
    takes = tuple(
        Take(
            Said(clip.name, clip.style, "", clip.activity, str(clip.family)),
            Motion(clip.frames, MODEL_RATE_HZ, len(clip.frames) / MODEL_RATE_HZ, f"z {clip.session}"),
        )
        for clip in found
    )
    return Survey("bandai-1", str(folder), tuple(sorted({clip.style for clip in found})), takes)


def _unlabelled(folder: Path) -> Survey:
    """Survey a folder without a table of labels: what can be read, at which rates, and what is broken."""
    files = [(file, Said(file.relative_to(folder).as_posix(), "")) for file in recordings_in(folder)]
    if not files:
        raise DataError(str(folder), "holds no recording", mend="BVH, MVNX, tables of points or films")
    return survey_files("recordings without labels", str(folder), (), files)


_SURVEYS: Final[dict[str, Callable[[Path], Survey]]] = {
    "emotion-gait": _gaits, "bandai-1": _bandai, "kinematic-actors": survey_kinematic_actors,
    "emokine": survey_emokine, "diem-a": survey_diem_a, "xem": survey_xem, "folder": survey_folder,
}  # fmt: skip
_MARKS: Final = (
    ("bandai-1", "bandai-1.tar.xz"), ("emotion-gait", "emotion_gait.npz"), ("diem-a", "train_data.csv"),
    ("folder", "labels.csv"),
)  # fmt: skip
