"""People of different build for tests, and a recogniser that remembers whom it has seen."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import numpy as np

from emotus.engine.baseline import CONTEXTS, Baseline
from emotus.engine.body import BODY, JOINT_COUNT
from emotus.engine.clock import NS_PER_S
from emotus.engine.errors import TeachError
from emotus.engine.events import Disclosure
from emotus.engine.lesson import Lesson
from emotus.engine.pose import Pose
from emotus.engine.recognise import Evidence, Reading
from emotus.engine.taught import TaughtTake

FULL = np.ones(JOINT_COUNT, dtype=np.float32)
_MIRROR = {name: name.replace("Right", "Left") for name in BODY.names}


def build_of(seed: int, spread: float = 0.1) -> np.ndarray:
    """Return the (21, 3) offsets of somebody's bones, both sides alike, in proportions as different as people's are.

    In the walkers of shared/data/emotion_gait.npz the logarithms of bones' lengths deviate by .05 to .3.
    """
    rng = np.random.default_rng(seed)
    factors = {name: float(np.exp(rng.normal(0, spread))) for name in sorted(set(_MIRROR.values()))}
    return np.array([BODY.offsets[i] * factors[_MIRROR[name]] for i, name in enumerate(BODY.names)])


def mover(
    build: np.ndarray,
    seconds: float,
    *,
    stream: str = "anna",
    start_s: float = 0.0,
    noise_m: float = 0.0,
    seed: int = 0,
) -> Iterator[Pose]:
    """Yield poses at 30 Hz of a body of that build that swings its limbs and walks."""
    times_s = start_s + np.arange(round(seconds * 30)) / 30
    bodies = _posed(build, times_s)
    bodies += np.random.default_rng(seed).normal(0, noise_m, bodies.shape)
    for t_s, positions in zip(times_s.tolist(), bodies.astype(np.float32), strict=True):
        yield Pose(stream, round(t_s * 30) % 2**32, round(t_s * NS_PER_S), positions, FULL)


def _posed(build: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """Return positions (T, 21, 3): each limb turned about the sideways axis, swinging."""
    swing = np.sin(2 * np.pi * 0.9 * times_s)
    turns = {"LeftUpperArm": 0.5, "RightUpperArm": -0.5, "LeftUpperLeg": -0.4, "RightUpperLeg": 0.4}
    angles = np.zeros((JOINT_COUNT, len(times_s)))
    positions = np.zeros((JOINT_COUNT, len(times_s), 3))
    positions[0] = build[0] + np.outer(1.1 * times_s, [0.0, 0.0, 1.0])
    for i, parent in enumerate(BODY.parents[1:], 1):
        c, s = np.cos(angles[parent]), np.sin(angles[parent])
        x, y, z = build[i]
        bone = np.stack([np.full_like(c, x), c * y - s * z, s * y + c * z], axis=1)  # (T, 3)
        positions[i] = positions[parent] + bone
        angles[i] = angles[parent] + turns.get(BODY.names[i], 0.0) * swing
    return positions.swapaxes(0, 1)


class Witness:
    """Recognise nobody's mood; the baseline's mean[0] is how many frames were seen of her, and of others."""

    labels = ("calm", "lively")
    disclosure = Disclosure("witness", "0" * 64)
    feature_set = "witness 1"

    sees_her = True  # set by the test: the truth, which the engine has to find out

    def start(self, baseline: Baseline | None = None, *, freeze: bool = False) -> Evidence:
        """Return the evidence of having seen whom the baseline has seen."""
        counts = (0.0, 0.0) if baseline is None else tuple(baseline.mean[0])
        return Evidence((*counts, freeze), 0)  # type: ignore[arg-type]

    def step(self, frame: np.ndarray, evidence: Evidence) -> tuple[Reading, Evidence]:
        """Count one more frame of whoever this is, unless frozen."""
        hers, others, frozen = evidence.state
        if not frozen:
            hers, others = hers + self.sees_her, others + (not self.sees_her)
        reading = Reading("calm", {"calm": 0.75, "lively": 0.25}, 0.0, 0.0, 0.75, abstain=False)
        return reading, Evidence((hers, others, frozen), evidence.frames + 1)  # type: ignore[arg-type]

    def baseline(self, evidence: Evidence) -> Baseline:
        """Return whom it has seen."""
        mean = np.zeros((len(CONTEXTS), 2))
        mean[0] = evidence.state[:2]
        return Baseline(self.feature_set, mean, np.zeros_like(mean), mean.sum(axis=1) / 30)

    def frozen(self, evidence: Evidence, *, freeze: bool = True) -> Evidence:
        """Return the evidence frozen or not."""
        return Evidence((*evidence.state[:2], freeze), evidence.frames)  # type: ignore[arg-type]

    def describe(self, evidence: Evidence) -> np.ndarray:
        """Return a description that moves with every frame, two features and what is relative to them."""
        t = float(evidence.frames)
        return np.array([np.sin(t), np.cos(t), 0.0, 0.0, 1.0], dtype=np.float32)

    def explain(self, frames: np.ndarray) -> np.ndarray:
        """Share the decision evenly."""
        return np.full(JOINT_COUNT, 1 / JOINT_COUNT, dtype=np.float32)


class PatientFitter:
    """Fit when it is told to: a head that answers the last label taught, or the error it is given."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[TaughtTake, ...], Future[Lesson]]] = []

    def __call__(self, takes: tuple[TaughtTake, ...]) -> Future[Lesson]:
        """Remember what is asked."""
        self.asked.append((takes, Future()))
        return self.asked[-1][1]

    def answer(self, problem: str = "") -> None:
        """Answer the last request."""
        takes, future = self.asked[-1]
        if problem:
            future.set_exception(TeachError("takes", problem))
        else:
            future.set_result(lesson_of(takes))


class SureHead:
    """Know every movement, and be sure of one label: what a fitted head is to whoever blends it in."""

    accuracy = 1.0

    def __init__(self, labels: tuple[str, ...], sure_of: str) -> None:
        self.labels = labels
        self._probs = np.array([0.9 if label == sure_of else 0.1 / (len(labels) - 1) for label in labels])

    def probabilities(self, features: np.ndarray, frames: float) -> np.ndarray:
        """Return the same for whatever movement."""
        return self._probs

    def familiarity(self, features: np.ndarray) -> float:
        """Return that the movement is of the kind of some take."""
        return 0.95


def lesson_of(takes: tuple[TaughtTake, ...]) -> Lesson:
    """Return a lesson whose head is sure of the last label taught."""
    labels = tuple(sorted({take.label for take in takes}))
    counts = {label: sum(take.label == label for take in takes) for label in labels}
    head: Any = SureHead(labels, takes[-1].label)
    return Lesson(head, np.eye(len(labels), dtype=np.intp), counts, 0.1, "All is well.", ())
