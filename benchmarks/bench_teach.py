"""Teaching: a head from twenty takes of twenty seconds, its answer to one frame, and the peers at the same work.

Takes of five labels are drawn about places that the shipped prior finds likely. Ours fits, leaves every take out in
turn, calibrates and advises; the peers only fit, once, to the same rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from emotus.engine.recognise import Reading
from emotus.engine.taught import MOST_ROWS, TaughtTake, blend
from emotus.engine.teach import fit, open_prior

FIT_GOAL_MS = 2000.0
FRAME_GOAL_MS = 0.1
_LABELS, _TAKES = 5, 4
_ROUNDS = 5
_FRAMES = 500


def run() -> list[dict[str, object]]:
    """Return the rows of the table."""
    prior = open_prior()
    rng = np.random.default_rng(0)
    back = np.linalg.pinv(prior.basis)  # (E, D): from the prior's coordinates to features
    places = rng.normal(size=(_LABELS, prior.size)) * np.sqrt(prior.between)
    takes: list[TaughtTake] = []
    for i in range(_LABELS * _TAKES):
        at = places[i % _LABELS] + rng.normal(size=prior.size)
        rows = at + 0.5 * rng.normal(size=(MOST_ROWS, prior.size))
        features = (prior.mean + rows @ back).astype(np.float32)
        takes.append(TaughtTake(f"label {i % _LABELS}", features, prior.features, f"{i:03d}", f"take {i}", 20.0))
    x = np.concatenate([take.rows for take in takes])
    y = np.repeat([take.label for take in takes], MOST_ROWS)
    name = f"teach: fit, check, advise; {len(takes)} takes of 20 s, {_LABELS} labels"
    ours, peer = _times(lambda: fit(takes, prior), _ROUNDS), _forest(x, y)
    table = [_row(name, peer, "random forest, 200 trees, fit only", ours, FIT_GOAL_MS)]
    head = fit(takes, prior).head
    shipped = Reading("sad", {"sad": 0.6, "happy": 0.4}, 0.0, 0.0, 0.6, abstain=False)
    frame = np.concatenate((takes[0].rows[0], np.zeros(prior.size + 1, dtype=np.float32)))
    ours = _times(lambda: blend(shipped, head, frame, 90), _FRAMES)
    return [*table, _row("teach: one frame's taught answer, blended", None, None, ours, FRAME_GOAL_MS)]


def _forest(x: np.ndarray, y: np.ndarray) -> list[float] | None:
    """Return the milliseconds of the peer, None where scikit-learn is missing."""
    try:
        from sklearn.ensemble import RandomForestClassifier
    except ImportError:
        return None
    return _times(lambda: RandomForestClassifier(200, random_state=0).fit(x, y), _ROUNDS)


def _times(work: Callable[[], object], rounds: int) -> list[float]:
    work()
    found: list[float] = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        found.append((time.perf_counter() - start) * 1e3)
    return found


def _row(
    name: str, peer: list[float] | None, peer_name: str | None, ours: list[float], goal_ms: float
) -> dict[str, object]:
    p50, p99 = (float(np.quantile(ours, q)) for q in (0.5, 0.99))
    theirs = (None, None) if peer is None else tuple(float(np.quantile(peer, q)) for q in (0.5, 0.99))
    return {
        "name": name,
        "ours_ms": p50,
        "ours_p99_ms": p99,
        "peer": peer_name if peer is not None or peer_name is None else f"{peer_name} (scikit-learn is missing)",
        "peer_ms": theirs[0],
        "peer_p99_ms": theirs[1],
        "ratio": None if theirs[0] is None else theirs[0] / p50,
        "goal": f"<= {goal_ms:g} ms",
        "met": p50 <= goal_ms,
    }
