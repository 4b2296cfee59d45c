"""The live signature beside POT, and the map of many takes beside a loop of POT and scikit-learn.

One update is what a new frame costs: its samples enter a window of 5 parts x 960 samples and as many old ones leave,
the quantiles are read, and the distance to each of 10 references is known. POT gets sorted nothing: one call of
`wasserstein_1d` a part and a reference, as PEERS.md 1.6 measured it, on the same samples. Both take turns.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import ot
from sklearn.cluster import KMeans
from sklearn.manifold import smacof as their_smacof

from emotus.engine.clusters import kmeans
from emotus.engine.plane import classical_plane, smacof
from emotus.engine.signature import signature_of
from emotus.engine.signature_definition import Definition
from emotus.engine.signature_references import References, distance_matrix, make_references
from emotus.engine.signature_tracker import SignatureTracker
from emotus.engine.signature_windows import Windows
from emotus.engine.skeleton import Float64
from emotus.sensors.uri import open_sensor
from emotus.training.signature_compare import raw_distances

PARTS, SAMPLES, REFERENCES = 5, 960, 10
COLUMNS, RATE_HZ = 20, 30
FRAMES = PARTS * SAMPLES // COLUMNS  # 240 frames of four joints a part
TURNS, UPDATES, PEER_UPDATES = 12, 200, 6
TAKES, SOME = 500, 40  # takes of the map, and of them those whose pairs POT is timed on


def samples(count: int, seed: int) -> Float64:
    """Return rows (count, 20) of samples as gradients are spread: log-normal, each part and take at its own scale."""
    rng = np.random.default_rng(seed)
    scale = np.repeat(rng.normal(0.5, 0.4, PARTS), COLUMNS // PARTS)
    return rng.lognormal(scale, rng.uniform(0.6, 1.0), (count, COLUMNS))


def by_part(rows: Float64) -> list[Float64]:
    """Return the samples of each part."""
    groups = np.array(Definition().columns()[1])
    return [np.ascontiguousarray(rows[:, groups == part].reshape(-1)) for part in range(PARTS)]


def references() -> tuple[References, list[list[Float64]]]:
    """Return ten references, and the same samples as POT takes them."""
    rows = [samples(FRAMES, seed) for seed in range(REFERENCES)]
    made = [signature_of(f"r{i}", Definition(), each) for i, each in enumerate(rows)]
    return make_references(made), [by_part(each) for each in rows]


def update() -> list[dict[str, Any]]:
    """Return the rows of one update, and how far the numbers are apart."""
    held, theirs = references()
    live = samples(FRAMES + TURNS * UPDATES, 99)
    windows = Windows(Definition(), (FRAMES / RATE_HZ,))
    for row in live[:FRAMES]:
        windows.push(row)
    at = FRAMES
    ours_ns: list[list[int]] = []
    peer_ns: list[list[int]] = []
    apart: list[float] = []
    for turn in range(TURNS):
        spent: list[int] = []
        for row in live[at : at + UPDATES]:
            start = time.perf_counter_ns()
            windows.push(row)
            told = held.distances(windows.quantiles(0)[0])
            spent.append(time.perf_counter_ns() - start)
        at += UPDATES
        waited: list[int] = []
        mine = by_part(live[at - FRAMES : at])
        for _ in range(PEER_UPDATES):
            start = time.perf_counter_ns()
            known = [np.mean([ot.wasserstein_1d(a, b) for a, b in zip(mine, each, strict=True)]) for each in theirs]
            waited.append(time.perf_counter_ns() - start)
        apart.append(float(np.max(np.abs(told - known) / known)))
        if turn:  # the first turn warms up
            ours_ns.append(spent)
            peer_ns.append(waited)
    ours, peer = percentiles_ms(ours_ns), percentiles_ms(peer_ns)
    ratio = peer[0] / ours[0]
    name = f"one update: 10 references, 5 parts, 960 samples (at most {max(apart):.1e} apart)"
    return [compared(name, ours, "POT wasserstein_1d", peer, "<= 0.06 ms and >= 80x", ours[0] <= 0.06 and ratio >= 80)]


def whole_step() -> list[dict[str, Any]]:
    """Return the row of the whole tracker: derivatives, three windows, place, drift; and of its memory."""
    held, _ = references()
    poses = []
    sensor = open_sensor(f"synthetic:happy?rate={RATE_HZ}&speed=0&seconds=90", _clock())
    sensor.open()
    while sensor.health().state != "ended":
        pose = sensor.read()
        if pose is not None:
            poses.append(pose)
    tracker = SignatureTracker(held)
    spent: list[int] = []
    for pose in poses:
        start = time.perf_counter_ns()
        tracker.step(pose)
        spent.append(time.perf_counter_ns() - start)
    figures = percentiles_ms([spent[600:]])
    kib = tracker.nbytes / 1000
    goal = f"memory {kib:.0f} of 256 KB"
    return [compared("the whole step: pose in, three windows, place, drift", figures, None, None, goal, kib <= 256)]


def _clock() -> Any:
    from emotus.engine.clock import ManualClock

    return ManualClock()


def map_of_takes() -> list[dict[str, Any]]:
    """Return the rows of a map: all distances, the plane, clusters; exactly by all samples, and by quantiles.

    POT is timed on the pairs of some takes and reckoned up to all: the same call, 124,750 x 5 times, takes minutes.
    """
    rows = [samples(FRAMES, seed) for seed in range(TAKES)]
    parts = [by_part(each) for each in rows]
    start = time.perf_counter()
    sort = [[np.sort(part) for part in each] for each in parts]
    exact = np.mean([raw_distances([each[part] for each in sort]) for part in range(PARTS)], axis=0)
    points, stress = smacof(exact, classical_plane(exact))
    _, error = kmeans(points, 4)
    exact_s = time.perf_counter() - start

    start = time.perf_counter()
    made = [signature_of(str(i), Definition(), each) for i, each in enumerate(rows)]
    quick = distance_matrix(made)
    quick_points, _ = smacof(quick, classical_plane(quick))
    kmeans(quick_points, 4)
    quick_s = time.perf_counter() - start

    start = time.perf_counter()
    theirs = np.array(
        [[np.mean([ot.wasserstein_1d(a, b) for a, b in zip(parts[i], parts[j], strict=True)]) for j in range(i)]
         + [0.0] * (SOME - i) for i in range(SOME)]
    )  # fmt: skip
    loop_s = (time.perf_counter() - start) * (TAKES * (TAKES - 1)) / (SOME * (SOME - 1))
    start = time.perf_counter()
    found, raw = their_smacof(
        exact, n_components=2, init=classical_plane(exact), n_init=1, metric=True, normalized_stress=False
    )
    means = KMeans(4, n_init=10, random_state=0).fit(found)
    peer_s = loop_s + time.perf_counter() - start

    lower = np.tril_indices(SOME, -1)
    off = float(np.abs(theirs[lower] - exact[:SOME, :SOME][lower]).max())
    off_quick = float((np.abs(quick - exact) / (exact + np.eye(TAKES))).max())
    their_stress = float(np.sqrt(2 * raw / np.square(exact).sum()))
    told = f"off by {off:.0e}; stress {stress:.4f} / {their_stress:.4f}, k-means {error:.4g} / {means.inertia_:.4g}"
    peer = f"POT loop ({SOME} takes, reckoned up) + scikit-learn"
    goal = ">= 20x, the same numbers"
    same = off < 1e-9 and stress <= their_stress + 1e-3 and error <= means.inertia_ * 1.02
    ratio, quick_ratio = peer_s / exact_s, peer_s / quick_s
    return [
        compared(f"map of {TAKES} takes, all samples: {told}", (exact_s * 1e3, None), peer, (peer_s * 1e3, None), goal,
            same and ratio >= 20),
        compared(f"the same from quantiles (at most {off_quick:.1e} apart)", (quick_s * 1e3, None), peer,
            (peer_s * 1e3, None), ">= 20x", quick_ratio >= 20),
    ]  # fmt: skip


def percentiles_ms(turns: list[list[int]]) -> tuple[float, float]:
    """Return p50 and p99 in milliseconds: each turn's own, and their medians, lest another process spoil one turn."""
    p50, p99 = np.median(np.percentile(turns, (50, 99), axis=1), axis=1) / 1e6
    return float(p50), float(p99)


def compared(
    name: str, ours: tuple[float, float | None], peer: str | None, theirs: tuple[float, float | None] | None,
    goal: str, met: bool,
) -> dict[str, Any]:  # fmt: skip
    """Return one comparison."""
    return {
        "name": name, "ours_ms": ours[0], "ours_p99_ms": ours[1], "peer": peer,
        "peer_ms": theirs[0] if theirs else None, "peer_p99_ms": theirs[1] if theirs else None,
        "ratio": theirs[0] / ours[0] if theirs else None, "goal": goal, "met": met,
    }  # fmt: skip


def run() -> list[dict[str, Any]]:
    """Return the rows of the signature."""
    return [*update(), *whole_step(), *map_of_takes()]
