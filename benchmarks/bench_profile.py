"""What it costs to know a performer: the guard against swaps and the taught labels on every frame, a profile's seal."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from emotus.engine.body import BODY
from emotus.engine.lesson import Lesson
from emotus.engine.pose import Pose
from emotus.engine.recognise import Reading
from emotus.engine.swap import EVERY, SwapGuard
from emotus.engine.taught import TaughtTake, blend
from emotus.engine.teach import fit, open_prior
from emotus.engine.vault import seal, unseal

GUARD_GOAL_MS = 0.1
BLEND_GOAL_MS = 0.3
FIT_GOAL_MS = 2000.0
SEAL_GOAL_MS = 1000.0
TAKES, ROWS = 20, 32


def run() -> list[dict[str, object]]:
    """Return the rows of the table; the peers that do any of it live are none."""
    rng = np.random.default_rng(0)
    prior = open_prior()
    takes = [_take(rng, prior.mean, prior.features, i) for i in range(TAKES)]
    lesson = fit(takes, prior)
    secret = rng.bytes(1_000_000)
    sealed = seal(secret, "correct horse")
    return [
        _row(f"swap guard, {EVERY} frames with one look", _times(_guard(rng), 3000), GUARD_GOAL_MS),
        _row(f"taught head of {TAKES} takes, a frame", _times(_blend(rng, lesson), 2000), BLEND_GOAL_MS),
        _row(f"head fitted to {TAKES} takes", _times(lambda: fit(takes, prior), 5), FIT_GOAL_MS),
        _row("profile of 1 MB sealed", _times(lambda: seal(secret, "correct horse"), 5), SEAL_GOAL_MS),
        _row("profile of 1 MB opened", _times(lambda: unseal(sealed, "correct horse"), 5), SEAL_GOAL_MS),
    ]


def _take(rng: np.random.Generator, mean: np.ndarray, features: str, i: int) -> TaughtTake:
    rows = (mean + (i % 4) + rng.normal(size=(ROWS, len(mean)))).astype(np.float32)
    return TaughtTake(f"label {i % 4}", rows, features, f"id {i}", f"take {i}", 20.0)


def _guard(rng: np.random.Generator) -> Callable[[], object]:
    guard, confidence, at = SwapGuard(), np.ones(21, dtype=np.float32), [0]

    def step() -> None:
        positions = (BODY.rest_positions + rng.normal(0, 0.003, (21, 3))).astype(np.float32)
        for _ in range(EVERY):
            at[0] += 1
            guard.step(Pose("a", at[0], at[0], positions, confidence))

    return step


def _blend(rng: np.random.Generator, lesson: Lesson) -> Callable[[], object]:
    size = lesson.head.weight.shape[1]
    described = rng.normal(size=2 * size + 1).astype(np.float32)
    reading = Reading("a", dict.fromkeys("abcdef", 1 / 6), 0.0, 0.0, 1 / 6, abstain=False)
    return lambda: blend(reading, lesson.head, described, 60)


def _times(work: Callable[[], object], count: int) -> np.ndarray:
    """Return milliseconds (count,), after one that warms up."""
    work()
    times = []
    for _ in range(count):
        started = time.perf_counter_ns()
        work()
        times.append((time.perf_counter_ns() - started) / 1e6)
    return np.array(times)


def _row(name: str, times: np.ndarray, goal_ms: float) -> dict[str, object]:
    p50, p99 = (float(each) for each in np.percentile(times, (50, 99)))
    return {
        "name": name,
        "ours_ms": p50,
        "ours_p99_ms": p99,
        "peer": None,
        "peer_ms": None,
        "peer_p99_ms": None,
        "ratio": None,
        "goal": f"<= {goal_ms:g} ms",
        "met": p50 <= goal_ms,
    }
