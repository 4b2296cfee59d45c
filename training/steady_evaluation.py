"""`emotus evaluate steady`: how often the label changes while a performer stays the same, and what holding it costs.

Every labelled clip is played over and over, and the synthetic performer walks in each mood, through the live engine.
The same answers are counted as the recogniser gives them and as they are said. Changes of mood are played too.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..engine import reader as readers
from ..engine.clock import ManualClock
from ..engine.events import UNKNOWN
from ..engine.network import load
from ..engine.recognise import Reading, Recogniser
from ..engine.streams import MODEL_RATE_HZ
from ..sensors.uri import open_sensor
from .clips import LABELS, Progress
from .evaluate import EvaluationReport
from .shows import Points, joined, label_of, labelled_movements, looped, played

WINDOW: Final = round(5 * MODEL_RATE_HZ)
SECONDS: Final = 30
_SEEDS: Final = (0, 1, 2)
_PAIRS: Final = 80
_BEFORE: Final = round(10 * MODEL_RATE_HZ)  # frames of the first mood


class _Plain:
    """Say what the recogniser says: in the place of `Steadiness`, to count without it."""

    def __init__(self, rate_hz: float) -> None:
        del rate_hz

    def reset(self) -> None:
        """Have nothing to forget."""

    def step(self, reading: Reading) -> Reading:
        """Return the reading."""
        return reading


@contextmanager
def as_recognised() -> Iterator[None]:
    """Make readers that hold no label, as long as this lasts."""
    held = readers.Steadiness
    readers.Steadiness = _Plain  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        readers.Steadiness = held  # type: ignore[misc]


def evaluate(data: Path, *, progress: Progress, seconds: int = SECONDS, pairs: int = _PAIRS) -> EvaluationReport:
    """Return the figures; raises DataError where the data is missing."""
    start = time.monotonic()
    recogniser = load("bandai-stgcn")
    clips = labelled_movements(data)
    frames = round(seconds * MODEL_RATE_HZ)
    shows: dict[str, Mapping[str, Points]] = {
        "63 clips, each looped": {name: looped(points, frames) for name, points in clips.items()},
        "synthetic moods": {f"{mood} {seed}": synthetic(mood, seconds, seed) for mood in LABELS for seed in _SEEDS},
    }
    changing = changes_of_mood(clips, pairs)
    found: dict[str, Any] = {}
    for name, movements in shows.items():
        progress(name)
        with as_recognised():
            plain = {key: _labels(recogniser, points) for key, points in movements.items()}
        said = {key: _labels(recogniser, points) for key, points in movements.items()}
        found[name] = {"recognised": counted(list(plain.values())), "said": counted(list(said.values()))}
        found[name]["restless"] = [key for key, labels in said.items() if per_window(labels).max(initial=0) > 1]
        if name.startswith("63"):
            for key, each in (("recognised", plain), ("said", said)):
                right = [np.mean([label == label_of(clip) for label in labels]) for clip, labels in each.items()]
                found[name][key]["right"] = round(float(np.mean(right)), 4)
    progress(f"{len(changing)} changes of mood")
    with as_recognised():
        before = [_delay(_labels(recogniser, points), label) for label, points in changing]
    after = [_delay(_labels(recogniser, points), label) for label, points in changing]
    found["a new mood is said after"] = {"recognised": _delays(before), "said": _delays(after)}
    minutes = round((time.monotonic() - start) / 60.0, 1)
    return EvaluationReport("steady", "emotus evaluate steady", (0,), minutes, found)


def per_window(labels: Sequence[str]) -> np.ndarray:
    """Return how often the label changes in each five seconds (W,); the first label said changes nothing."""
    first = next((i for i, label in enumerate(labels) if label != UNKNOWN), len(labels))
    known = labels[first:]
    changed = np.array([0] + [int(a != b) for a, b in itertools.pairwise(known)])
    total = np.concatenate(([0], changed.cumsum()))
    width = min(WINDOW, len(known))
    return total[width:] - total[:-width] if width else np.zeros(0, dtype=int)


def counted(shows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return the changes in five seconds: mean, most, and where (windows, shows) there is at most one."""
    windows = [per_window(labels) for labels in shows]
    every = np.concatenate(windows)
    return {
        "shows": len(shows),
        "mean": round(float(every.mean()), 4),
        "most": int(every.max()),
        "windows_at_most_one": round(float((every <= 1).mean()), 4),
        "shows_at_most_one": sum(int(each.max(initial=0) <= 1) for each in windows),
    }


def synthetic(mood: str, seconds: int, seed: int) -> Points:
    """Return the positions (T, 21, 3) of the performer made by rule."""
    sensor = open_sensor(f"synthetic:{mood}?rate=30&speed=0&seconds={seconds}&seed={seed}", ManualClock())
    sensor.open()
    found: list[Points] = []
    while sensor.health().state != "ended":
        pose = sensor.read()
        if pose is not None:
            found.append(pose.positions)
    sensor.close()
    return np.stack(found)


def changes_of_mood(clips: Mapping[str, Points], count: int) -> list[tuple[str, Points]]:
    """Return shows of ten seconds of one style and twenty of another, in one activity; and the second's label."""
    kind = {name: name.split("_")[1:3] for name in clips}
    every = [(a, b) for a in clips for b in clips if kind[a][0] == kind[b][0] and kind[a][1] != kind[b][1]]
    chosen = [every[i] for i in np.random.default_rng(0).permutation(len(every))[:count]]
    return [(label_of(b), joined(looped(clips[a], _BEFORE), looped(clips[b], 2 * _BEFORE))) for a, b in chosen]


def _labels(recogniser: Recogniser, points: Points) -> list[str]:
    return [event.label for event in played(recogniser, points)]


def _delay(labels: Sequence[str], label: str) -> float | None:
    """Return the seconds after which the new label is said, None where it never is."""
    later = labels[_BEFORE:]
    return later.index(label) / MODEL_RATE_HZ if label in later else None


def _delays(delays: Sequence[float | None]) -> dict[str, float]:
    known = [each for each in delays if each is not None]
    return {
        "median_s": round(float(np.median(known)), 2),
        "p90_s": round(float(np.quantile(known, 0.9)), 2),
        "never": len(delays) - len(known),
    }


def to_text(report: EvaluationReport) -> str:
    """Return the figures for a person to read."""
    lines = [f"changes of the label in 5 s of a steady performer (goal: at most one); {report.minutes} minutes"]
    for name, found in report.protocols.items():
        for key in ("recognised", "said"):
            each = found[key]
            if "median_s" in each:
                text = f"{each['median_s']:.2f} s (median), {each['p90_s']:.2f} s (90 %), never {each['never']}"
            else:
                share, shows = each["windows_at_most_one"], f"{each['shows_at_most_one']} of {each['shows']} shows"
                text = f"mean {each['mean']:.3f}, most {each['most']}; at most one in {share:.3f} of windows, {shows}"
                text += f"; right {each['right']:.3f}" if "right" in each else ""
            lines.append(f"  {name}, as {key}: {text}")
        lines += [f"    more than one in some 5 s: {', '.join(found['restless'])}"] if found.get("restless") else []
    return "\n".join(lines)
