"""`emotus evaluate unknown`: what is no performance, played to the live engine, and how often it says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..engine.body import BODY, JOINT_INDEX
from ..engine.clock import NS_PER_S
from ..engine.events import UNKNOWN
from ..engine.network import load
from ..engine.recognise import Recogniser
from .clips import Progress
from .evaluate import EvaluationReport
from .shows import labelled_movements, played

GOAL: Final = 0.95
FROM_S: Final = 3.0
_FRAMES: Final = 180  # six seconds
_NOISE_M: Final = 0.001  # of markers or a suit
Points = NDArray[np.float64]


def evaluate(data: Path, *, progress: Progress, count: int = 40) -> EvaluationReport:
    """Return the share of `unknown` after three seconds; raises DataError where the data is missing."""
    start = time.monotonic()
    recogniser = load("bandai-stgcn")
    bodies = [points.astype(np.float64) for points in labelled_movements(data).values()]
    rng = np.random.default_rng(0)
    found: dict[str, Any] = {}
    for kind, stretches in kinds(bodies, count, rng):
        progress(kind)
        found[kind] = answered(recogniser, stretches)
    progress("people who perform, for comparison")
    found["the 63 clips themselves"] = answered(recogniser, [body for body in bodies if len(body) > 30 * FROM_S])
    minutes = round((time.monotonic() - start) / 60.0, 1)
    return EvaluationReport("unknown", "emotus evaluate unknown", (0,), minutes, found)


def answered(recogniser: Recogniser, stretches: list[Points]) -> dict[str, float]:
    """Return over all stretches (T, 21, 3) the share of `unknown` among the answers from 3 s on, and just there."""
    late_ns = round(FROM_S * NS_PER_S)
    labels = [[e.label for e in played(recogniser, points) if e.t_ns >= late_ns] for points in stretches]
    heard = [[label == UNKNOWN for label in each] for each in labels if each]  # what is refused whole says nothing
    silent = len(labels) - len(heard)
    after = [float(np.mean(each)) for each in heard] + [1.0] * silent
    there = [each[0] for each in heard] + [True] * silent
    return {"stretches": len(labels), "after": round(float(np.mean(after)), 4), "at": round(float(np.mean(there)), 4)}


def kinds(bodies: list[Points], count: int, rng: np.random.Generator) -> Iterator[tuple[str, list[Points]]]:
    """Yield each kind of what is no performance, as stretches of positions (180, 21, 3) in metres."""
    shape = (_FRAMES, *BODY.rest_positions.shape)
    rest = np.repeat(BODY.rest_positions[None], _FRAMES, axis=0)

    def body() -> Points:
        clip = bodies[int(rng.integers(len(bodies)))]
        return clip[int(rng.integers(len(clip)))]

    yield "uniform noise", [rng.uniform(-1, 1, shape) + np.array([0, 1, 0]) for _ in range(count)]
    yield "noisy T-pose", [rest + rng.normal(0, s, shape) for s in np.geomspace(0.02, 0.3, count)]
    yield "T-pose", [rest + rng.normal(0, s, shape) for s in np.linspace(0, 0.002, count)]
    yield "stillness", [body() + rng.normal(0, 0.004 * rng.random(), shape) for _ in range(count)]
    yield "a chair falling", [tumble(body(), rng) for _ in range(count)]
    yield "a hand waving alone", [wave(bodies[i % len(bodies)][0], rng) for i in range(count)]


def tumble(body: Points, rng: np.random.Generator) -> Points:
    """Return a rigid body thrown, turning at 1 to 8 rad/s until it lies on the floor, half a second to two later."""
    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    t = np.minimum(np.arange(_FRAMES) / 30.0, rng.uniform(0.5, 2.0))
    angles = (rng.uniform(1, 8) * t)[:, None, None]
    turns = np.eye(3) + np.sin(angles) * cross + (1 - np.cos(angles)) * (cross @ cross)  # Rodrigues
    centre = np.stack([0.5 * t, np.maximum(0.3, 2.0 - 0.5 * 9.81 * t * t), 0 * t], axis=1)
    points = (body - body.mean(axis=0)) @ turns.transpose(0, 2, 1) + centre[:, None]
    return points + rng.normal(0, _NOISE_M, points.shape)


def wave(body: Points, rng: np.random.Generator) -> Points:
    """Return somebody who stands as still as a statue but for the left forearm, raised and waved."""
    elbow, hand = JOINT_INDEX["LeftLowerArm"], JOINT_INDEX["LeftHand"]
    points = np.repeat(body[None], _FRAMES, axis=0)
    angles = rng.uniform(0.4, 1.2) * np.sin(2 * np.pi * rng.uniform(0.7, 3.0) * np.arange(_FRAMES) / 30.0)
    length = np.linalg.norm(body[hand] - body[elbow])
    points[:, hand] = body[elbow] + length * np.stack([np.sin(angles), np.cos(angles), 0 * angles], axis=1)
    return points + rng.normal(0, _NOISE_M, points.shape)


def to_text(report: EvaluationReport) -> str:
    """Return the figures for a person to read."""
    lines = [f"answered `unknown` from {FROM_S:g} s on, live engine (goal {GOAL:.2f}); {report.minutes} minutes"]
    for kind, found in report.protocols.items():
        performs = kind.startswith("the 63")
        verdict = "should be low" if performs else "met" if found["after"] >= GOAL else "MISSED"
        share = f"{found['after']:.3f} of the answers, {found['at']:.3f} of the stretches at {FROM_S:g} s"
        lines.append(f"  {kind}: {share} ({found['stretches']}), {verdict}")
    return "\n".join(lines)
