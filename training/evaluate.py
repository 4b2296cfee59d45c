"""`emotus evaluate`: what the recogniser reaches on activities it has never seen, and how far it may be believed.

Every fold is trained anew, everything chosen on inner folds of its training clips. A clip's answer is the mean of the
calibrated probabilities of all its frames, as `emotus recognize` gives it; a window's answer is the causal answer at
every sixteenth frame from half a second on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..engine.errors import DataError
from . import metrics
from .bank import Bank
from .calibrate import Floats
from .clips import LABELS, Progress
from .head import gather, solve
from .library import Library, build_library
from .looks import Look
from .recipe import Choice, Fitted, Kind, Recipe, choose, excludes, fit, group_of, inner_folds
from .train import NAME, STRANGE_THRESHOLD, UNKNOWN_THRESHOLD, far_choice

PROTOCOLS = ("content", "family", "gaits", "strange", "leaky")
EVIDENCE_S = (0.5, 1.0, 2.0, 4.0)
_RATE_HZ = 30
_HOP = 16
_WINDOW = 64
_GAIT_LABELS = (0, 1, 2, 5)  # the names both data sets share; proud and unsure are left out and the rest renormalised


@dataclass(frozen=True)
class EvaluationReport:
    """Hold the figures of each protocol as plain values, and how they came about."""

    model: str
    command: str
    seeds: tuple[int, ...]
    minutes: float
    protocols: dict[str, Any] = field(default_factory=dict[str, Any])

    def to_dict(self) -> dict[str, Any]:
        """Return everything as values that JSON knows."""
        return {
            "model": self.model,
            "command": self.command,
            "seeds": list(self.seeds),
            "minutes": self.minutes,
            "protocols": self.protocols,
        }


@dataclass(frozen=True)
class Tested:
    """Hold the answers of one left-out clip: probabilities (T, K), strangeness (T,), and its label."""

    look: Look
    probs: Floats
    strange: Floats

    @property
    def label(self) -> int:
        """Return the index of the clip's label."""
        return self.look.clip.label


def evaluate(
    model: str,
    data_dir: Path,
    *,
    protocols: Sequence[str] = PROTOCOLS,
    seeds: Sequence[int] = (0, 1, 2),
    progress: Progress,
    recipe: Recipe | None = None,
) -> EvaluationReport:
    """Retrain every fold for every seed and return the figures; raises DataError naming what is missing."""
    import time

    if model != NAME:
        raise DataError(model, "has no protocol", mend=f"emotus evaluate {NAME}")
    unknown = set(protocols) - set(PROTOCOLS)
    if unknown:
        raise DataError(", ".join(sorted(unknown)), "no such protocol", mend=f"one of {', '.join(PROTOCOLS)}")
    torch.set_num_threads(1)
    start = time.monotonic()
    recipe = recipe or Recipe()
    library = build_library(data_dir, recipe.shape, progress)
    bank = Bank(library, recipe.shape, recipe.network, progress)
    found: dict[str, Any] = {}
    for kind in ("content", "family"):
        if kind in protocols:
            found[kind] = _left_out(library, bank, recipe, kind, seeds, progress)
    if {"gaits", "strange"} & set(protocols):
        found.update(_whole(library, bank, recipe, seeds, protocols))
    if "leaky" in protocols:
        found["leaky"] = leaky_twin(library, recipe)
    minutes = round((time.monotonic() - start) / 60.0, 1)
    return EvaluationReport(model, f"emotus evaluate {model}", tuple(seeds), minutes, found)


def _left_out(
    library: Library, bank: Bank, recipe: Recipe, kind: Kind, seeds: Sequence[int], progress: Progress
) -> dict[str, Any]:
    """Leave each fold out in turn; inner folds choose once for each fold, with the first seed."""
    fold_of = getattr(library.folds, kind)
    runs: list[list[Tested]] = [[] for _ in seeds]
    for fold in sorted(set(fold_of.values())):
        progress(f"{kind} left out: fold {fold + 1} of {len(set(fold_of.values()))}")
        tests = [look for look in library.labelled if fold_of[look.clip.name] == fold]
        groups = {group_of(look.clip, kind) for look in tests}
        choice = _choice(library, bank, recipe, groups, kind, seeds[0])
        foreign = None
        for seed, run in zip(seeds, runs, strict=True):
            fitted, seen = fit(library, bank, recipe, groups, choice, kind, seed, foreign=foreign)
            foreign = fitted.foreign
            others = {look.clip.name: look for look in seen.labelled}
            run.extend(_test(fitted, look, others[look.clip.name]) for look in tests)
    return summary(runs, range(len(LABELS)))


def _choice(library: Library, bank: Bank, recipe: Recipe, groups: set[str], kind: Kind, seed: int) -> Choice:
    """Choose on inner folds; where families are left out, in the manner of the weights that ship."""
    if kind == "family":
        return far_choice(library, bank, recipe, groups, seed)
    return choose(inner_folds(library, bank, recipe, excludes(groups, kind), kind, seed), recipe)


def _test(fitted: Fitted, look: Look, graph_look: Look) -> Tested:
    return Tested(look, fitted.probabilities(look, graph_look), fitted.strangeness(look.every))


def _whole(
    library: Library, bank: Bank, recipe: Recipe, seeds: Sequence[int], protocols: Sequence[str]
) -> dict[str, Any]:
    """Train on every clip, as the shipped weights are, and meet other people's gaits and what is no performance."""
    choice = far_choice(library, bank, recipe, set(), seeds[0])
    models = [fit(library, bank, recipe, set(), choice, "family", seeds[0])]
    foreign = models[0][0].foreign
    models += [fit(library, bank, recipe, set(), choice, "family", seed, foreign=foreign) for seed in seeds[1:]]
    found: dict[str, Any] = {}
    if "gaits" in protocols:
        runs = [[_test(m, *pair) for pair in zip(library.gaits, seen.gaits, strict=True)] for m, seen in models]
        found["gaits"] = summary(runs, _GAIT_LABELS)
    if "strange" in protocols:
        found["strange"] = {kind: rejected(models[0][0], rows) for kind, rows in library.unseen.items()}
    return found


def rejected(fitted: Fitted, rows: NDArray[np.floating]) -> float:
    """Return the share of stretches (S, T, F) answered `unknown` as strange at their end."""
    return round(float(np.mean(fitted.strangeness(rows[:, -1]) > STRANGE_THRESHOLD)), 4)


def summary(runs: Sequence[Sequence[Tested]], kept: Sequence[int]) -> dict[str, Any]:
    """Return the figures of one protocol: mean and deviation over the seeds, the rest of all seeds together."""
    kept = list(kept)
    scores = [_scores(run, kept) for run in runs]
    pooled = [tested for run in runs for tested in run]
    labels = np.array([kept.index(tested.label) for tested in runs[0]])
    return {
        "clips": len(labels),
        "chance": round(1 / len(kept), 4),
        "best_constant": round(metrics.best_constant(labels), 4),
        **{name: _mean_and_deviation([score[name] for score in scores]) for name in scores[0]},
        "recalls": _recalls(pooled, kept),
        "evidence": _sharpening(pooled, kept),
        "answered": _answered(pooled, kept),
    }


def _mean_and_deviation(values: Sequence[float]) -> list[float]:
    return [round(float(np.mean(values)), 4), round(float(np.std(values)), 4)]


def _clips(run: Sequence[Tested], kept: list[int]) -> tuple[Floats, NDArray[np.intp]]:
    """Return the probabilities (N, K) of whole clips and their labels."""
    probs = np.array([_renormalised(tested.probs, kept).mean(axis=0) for tested in run])
    return probs, np.array([kept.index(tested.label) for tested in run])


def _windows(run: Sequence[Tested], kept: list[int]) -> tuple[Floats, NDArray[np.intp]]:
    """Return the probabilities of every window, and its clip's label."""
    parts = [_renormalised(tested.probs, kept)[_HOP - 2 :: _HOP] for tested in run]
    labels = np.repeat([kept.index(tested.label) for tested in run], [len(part) for part in parts])
    return np.concatenate(parts), labels


def _renormalised(probs: Floats, kept: list[int]) -> Floats:
    return probs[:, kept] / probs[:, kept].sum(axis=1, keepdims=True)


def _scores(run: Sequence[Tested], kept: list[int]) -> dict[str, float]:
    probs, labels = _clips(run, kept)
    windows, window_labels = _windows(run, kept)
    scores = {
        "accuracy": metrics.accuracy(probs, labels),
        "macro_f1": metrics.macro_f1(probs, labels),
        "window_accuracy": metrics.accuracy(windows, window_labels),
        "window_macro_f1": metrics.macro_f1(windows, window_labels),
        "ece_clips": metrics.calibration_error(probs, labels),
        "ece_clips_floor": metrics.calibration_floor(probs),
        "ece_windows": metrics.calibration_error(windows, window_labels),
        "ece_windows_floor": metrics.calibration_floor(windows),
    }
    if len(kept) == len(LABELS):
        five = [tested for tested in run if LABELS[tested.label] != "neutral"]
        scores["five_classes"] = metrics.accuracy(*_clips(five, kept[:-1]))
    return scores


def _recalls(run: Sequence[Tested], kept: list[int]) -> dict[str, float]:
    found = metrics.recalls(*_clips(run, kept))
    return {LABELS[k]: round(recall, 4) for k, recall in zip(kept, found, strict=True)}


def _sharpening(run: Sequence[Tested], kept: list[int]) -> dict[str, dict[str, float]]:
    """Return how good the answer is after each amount of evidence that some clip reaches."""
    longest = max(len(tested.probs) for tested in run)
    frames = {seconds: round(seconds * _RATE_HZ) for seconds in EVIDENCE_S}
    return {str(seconds): _after(run, kept, count) for seconds, count in frames.items() if count <= longest}


def _after(run: Sequence[Tested], kept: list[int], frames: int) -> dict[str, float]:
    """Return how good the answer is after so many frames, over the clips that are so long."""
    long = [tested for tested in run if len(tested.probs) >= frames]
    probs = np.array([_renormalised(tested.probs, kept)[frames - 1] for tested in long])
    labels = np.array([kept.index(tested.label) for tested in long])
    return {
        "clips": len({tested.look.clip.name for tested in long}),
        "accuracy": round(metrics.accuracy(probs, labels), 4),
        "ece": round(metrics.calibration_error(probs, labels), 4),
        "ece_floor": round(metrics.calibration_floor(probs), 4),
    }


def _answered(run: Sequence[Tested], kept: list[int]) -> dict[str, float]:
    """Return how many windows get an answer at all, and how many of those answers are right."""
    windows, labels = _windows(run, kept)
    best = np.concatenate([tested.probs.max(axis=1)[_HOP - 2 :: _HOP] for tested in run])
    strange = np.concatenate([tested.strange[_HOP - 2 :: _HOP] for tested in run]) > STRANGE_THRESHOLD
    said = (best >= UNKNOWN_THRESHOLD) & ~strange
    right = windows.argmax(axis=1) == labels
    return {
        "share": round(float(said.mean()), 4),
        "accuracy": round(float(right[said].mean()), 4) if said.any() else 0.0,
        "rejected_as_strange": round(float(strange.mean()), 4),
    }


def leaky_twin(library: Library, recipe: Recipe) -> dict[str, float]:
    """Return what a random split of overlapping windows pretends: every clip is on both sides. Never quote it."""
    rng = np.random.default_rng(0)
    parts = [
        Look(look.clip, rows, rows)
        for look in library.labelled
        for rows in [
            look.every[end : end + 1] for end in range(min(_WINDOW, len(look.every)) - 1, len(look.every), _HOP)
        ]
    ]
    fold = rng.integers(5, size=len(parts))
    right: list[bool] = []
    for k in range(5):
        learnt = [part for part, f in zip(parts, fold, strict=True) if f != k]
        head = solve(gather(learnt, [library.set1], library.warped, recipe.shape.squash), 0.05)
        right += [
            bool(head.logits(part.rows)[0].argmax() == part.clip.label)
            for part, f in zip(parts, fold, strict=True)
            if f == k
        ]
    return {"windows": len(parts), "window_accuracy": round(float(np.mean(right)), 4)}
