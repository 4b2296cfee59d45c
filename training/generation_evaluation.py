"""`emotus evaluate generation`: how good generated motion is, and how far to trust it.

Generators learn from some contents (activities) of the sets, the judge from the others. Takes of two seconds (64
frames) are compared throughout, real ones cut to the same length. Every figure stands beside that of real takes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from .generation_judge import FRAMES, Judge, augmentation, cut, judged
from .generation_metrics import FeatureSpaces, Novelty, diversity, frechet, multimodality, physics
from .generation_sources import make_source
from .generation_stream import learnt_all
from .motion_data import EMOTIONS, FPS, GeneratedTake, MotionTake, Progress, TakeSource, load_motion, resampled, split

CAUTION: Final = (
    "these weights learnt from the held-out contents too, which the judge learns from: its figure is no independent one"
)
SECONDS: Final = FRAMES / FPS + 1e-6
INTENSITIES: Final = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
RISE: Final = 0.05  # what a probability must gain in all to count as rising
SLACK: Final = 0.02  # by which a probability may fall back and still count as rising: less than its standard error


@dataclass(frozen=True)
class GenerationReport:
    """Hold the figures of one model, and how they came about. figures: by name, as they go to metrics.json."""

    model: str
    command: str
    minutes: float
    figures: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Ground:
    """Hold what generated takes are compared with.

    learnt, kept: labelled recordings of contents that generators learn from, and of those held out. real, other: the
    same as takes of two seconds. judge: taught by `other` alone. spaces: of features.
    """

    learnt: list[MotionTake]
    kept: list[MotionTake]
    real: list[GeneratedTake]
    other: list[GeneratedTake]
    judge: Judge
    spaces: FeatureSpaces
    novelty: Novelty


def ground(data: Path, progress: Progress) -> Ground:
    """Read the real takes and teach the judge; raises DataError."""
    learnt, kept = split(load_motion(data, progress, sets=(1,)))
    learnt, kept = ([take for take in takes if take.label >= 0] for takes in (learnt, kept))
    real, other = cut(learnt), cut(kept)
    progress(f"teaching the judge with {len(other)} windows of {len(kept)} held-out recordings")
    whole = [each for take in learnt for each in cut([take], hop=10**6, frames=len(take.root))]
    return Ground(learnt, kept, real, other, Judge(other), FeatureSpaces([*real, *other]), Novelty(whole, FRAMES))


def drawn(source: TakeSource, count: int, intensity: float = 1.0, first: int = 0) -> list[GeneratedTake]:
    """Return so many takes of each emotion, at the rate at which all are judged."""
    takes = [source(emotion, intensity, SECONDS, first + i) for emotion in EMOTIONS for i in range(count)]
    return [resampled(take) for take in takes]


def figures_of(takes: Sequence[GeneratedTake], given: Ground) -> dict[str, Any]:
    """Return every figure that takes alone have, generated or real."""
    words = [take.emotion for take in takes]
    ours, independent = given.spaces.ours(takes), given.spaces.independent(takes)
    real_ours, real_independent = given.spaces.ours(given.real), given.spaces.independent(given.real)
    novelty = [given.novelty.of(take) for take in takes]
    return {
        "takes": len(takes),
        "judged": judged(given.judge.probabilities(takes), words),
        "fid": {"ours": frechet(ours, real_ours), "independent": frechet(independent, real_independent)},
        "diversity": diversity(independent),
        "multimodality": multimodality(independent, words),
        "novelty_cm": {"median": float(np.median(novelty)), "least": float(np.min(novelty))},
        **physics(takes),
    }


def rising(source: TakeSource, given: Ground, count: int, progress: Progress) -> dict[str, Any]:
    """Return the judge's probability of each emotion over intensity, and whether it rises from 0 to 1."""
    found: dict[str, list[float]] = {}
    for emotion in EMOTIONS:
        progress(f"intensity: {emotion}")
        column = EMOTIONS.index(emotion)
        found[emotion] = [
            float(given.judge.probabilities(
                [resampled(source(emotion, intensity, SECONDS, seed)) for seed in range(count)]
            )[:, column].mean())
            for intensity in INTENSITIES
        ]  # fmt: skip
    return {
        "intensities": list(INTENSITIES),
        "probability": found,
        "rises": {emotion: is_rising(values) for emotion, values in found.items() if emotion != "neutral"},
    }


def is_rising(probabilities: Sequence[float]) -> bool:
    """Tell whether probabilities at INTENSITIES rise from 0 to 1: never back by more than SLACK, in all by RISE."""
    steps = np.diff(probabilities[: INTENSITIES.index(1.0) + 1])
    return bool((steps > -SLACK).all() and steps.sum() > RISE)


def real_figures(given: Ground) -> dict[str, Any]:
    """Return the figures of real takes: of learnt contents (what generators are like at best) and of held-out ones."""
    chosen = np.random.default_rng(0)
    some = [given.real[i] for i in sorted(chosen.permutation(len(given.real))[:300])]
    half, rest = given.real[::2], given.real[1::2]
    found = {"learnt contents": figures_of(some, given), "held-out contents": figures_of(given.other, given)}
    # what it has learnt from says nothing of a judge, nor a take's distance to itself of novelty
    found["held-out contents"].pop("judged")
    found["learnt contents"].pop("novelty_cm")
    whole = judged(given.judge.probabilities(given.real), [take.emotion for take in given.real])
    found["learnt contents"]["judged"] = whole
    same = {"ours": given.spaces.ours, "independent": given.spaces.independent}
    found["learnt contents"]["fid"] = {name: frechet(of(half), of(rest)) for name, of in same.items()}
    return found


def evaluate(
    model: str,
    data: Path,
    *,
    progress: Progress,
    weights: Path | None = None,
    count: int = 50,
    peer: Path | None = None,
    given: Ground | None = None,
) -> tuple[GenerationReport, list[GeneratedTake]]:
    """Return the report on a model, and the takes it is about; count: takes of each emotion.

    peer: weights of the peer (`emotus train actor`), whose figures then stand beside. Raises DataError,
    InputError.
    """
    start = time.monotonic()
    given = given or ground(data, progress)
    source = make_source(model, weights)
    progress(f"drawing {count} takes of each emotion")
    takes = drawn(source, count)
    found: dict[str, Any] = {"real": real_figures(given), model: figures_of(takes, given)}
    found["intensity"] = rising(source, given, max(count // 3, 2), progress)
    progress("augmentation")
    found["augmentation"] = augmentation(given.real, takes, given.other, (0, 1, 2))
    if model == "stream" and learnt_all():
        found["caution"] = CAUTION
        progress(CAUTION)
    if model != "stream":
        found |= _of_the_offline(weights, given, count, progress)
    if peer is not None:
        from .generation_peer import load_actor

        progress("the peer")
        actor, said = load_actor(peer)
        found["ACTOR"] = figures_of(drawn(actor, count), given) | {"training": said}
    minutes = round((time.monotonic() - start) / 60.0, 1)
    command = f"emotus evaluate generation --model {model} --takes {count}"
    return GenerationReport(model, command, minutes, found), takes


def _of_the_offline(weights: Path | None, given: Ground, count: int, progress: Progress) -> dict[str, Any]:
    """Return reconstruction, plane, and what one normal an emotion would have drawn."""
    from ..models.cvae_store import load_generator
    from .generation_plane import plane_figures
    from .generation_reconstruction import reconstruction
    from .generation_sources import normal_source

    network = (load_generator() if weights is None else load_generator(weights))[0]
    progress("reconstruction")
    found: dict[str, Any] = {"reconstruction": reconstruction(network, given.kept)}
    progress("valence and arousal")
    found["plane"] = plane_figures(network, given.learnt, given.kept)
    found["one normal an emotion"] = figures_of(drawn(normal_source(network), count), given)
    return found
