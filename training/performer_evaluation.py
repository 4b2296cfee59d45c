"""`emotus evaluate performer`: what knowing the performer is worth, on the fixed folds of ACCURACY.md.

Ours reads every gait raw and relative to what is known of the walker: whole-gait features, the streaming features and
the graph network's, each by a regularised linear reader, and the mean of their answers. The peers are a random forest
and a logistic regression on whole-gait features, trained in the same run on the same rows. What learns from gaits is
thrown away afterwards; the weights that ship have seen none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from ..engine.errors import DataError
from . import metrics, performer_protocols, performer_readers
from .clips import Progress
from .evaluate import EvaluationReport
from .gait_features import one_sided, whole
from .looks import WARM_FRAMES
from .performer_live import live_figures
from .performer_protocols import KNOWN, NAMES, Gaits, Rows

Floats = NDArray[np.float64]
# anchors of ACCURACY.md and the goals, for (labels, what is known)
ANCHORS: Final[dict[tuple[str, str], tuple[float, float]]] = {
    ("intended", "nothing"): (0.600, 0.68), ("intended", "one"): (0.70, 0.75), ("intended", "two"): (0.80, 0.85),
    ("intended", "all"): (0.875, 0.92), ("intended", "neutral"): (0.778, 0.86), ("perceived", "nothing"): (0.651, 0.70),
}  # fmt: skip
WORDS: Final = {
    "nothing": "nothing known", "one": "one other gait", "two": "two other gaits", "all": "all her own gaits",
    "neutral": "her neutral gait, three classes",
}  # fmt: skip
_RESAMPLES = 2000
PARTS: Final = ("intended", "perceived", "live")


@dataclass(frozen=True)
class Blocks:
    """Hold what is looked at: our blocks of features (N, F) by name, and what the peers look at."""

    ours: Mapping[str, Floats]
    peers: Floats


def evaluate(
    data_dir: Path, *, seeds: Sequence[int], progress: Progress, parts: Sequence[str] = PARTS
) -> EvaluationReport:
    """Run every protocol, or some parts, and return the figures; raises DataError naming what is missing."""
    unknown = set(parts) - set(PARTS)
    if unknown:
        raise DataError(", ".join(sorted(unknown)), "no such protocol", mend=f"one of {', '.join(PARTS)}")
    torch.set_num_threads(1)
    start = time.monotonic()
    found: dict[str, Any] = {}
    for kind in [each for each in PARTS if each in parts and each != "live"]:
        gaits = performer_protocols.load(data_dir, kind, progress)
        blocks = look(gaits, progress)
        known = KNOWN if kind == "intended" else KNOWN[:-1]
        found[kind] = {each: protocol(gaits, blocks, each, kind, seeds, progress) for each in known}
    if "live" in parts:
        found["live"] = live_figures(data_dir, performer_protocols.load(data_dir, "intended", progress), progress)
    minutes = round((time.monotonic() - start) / 60.0, 1)
    return EvaluationReport("performer", "emotus evaluate performer", tuple(seeds), minutes, found)


def look(gaits: Gaits, progress: Progress) -> Blocks:
    """Return what is seen of each gait: whole, by the streaming features, by the shipped graph network."""
    from ..models.store import load_recogniser

    progress(f"looking at {len(gaits.clips)} gaits")
    model, _ = load_recogniser()
    frames = torch.from_numpy(np.stack([clip.frames for clip in gaits.clips]))  # (N, T, 90)
    with torch.inference_mode():
        streaming = model.features.forward(frames)[:, WARM_FRAMES:].mean(dim=1).numpy()
        graph = model.graph.forward(frames)[:, 2 * WARM_FRAMES :].mean(dim=1).numpy()
    ours = {"whole": np.stack([whole(clip.frames) for clip in gaits.clips]), "streaming": streaming, "graph": graph}
    ours["all"] = np.concatenate(list(ours.values()), axis=1)
    return Blocks(ours, np.stack([one_sided(clip.frames) for clip in gaits.clips]))


def protocol(
    gaits: Gaits, blocks: Blocks, known: str, kind: str, seeds: Sequence[int], progress: Progress
) -> dict[str, Any]:
    """Return the figures of one protocol: ours, both peers, chance, and how ours and the better peer differ."""
    progress(f"{kind} labels, {WORDS[known]}")
    rows = performer_protocols.rows_of(gaits, known)
    labels = gaits.labels[rows.gaits]
    ours = ours_on(gaits, blocks, rows, known)
    peer_rows = rows.relative(blocks.peers, divided=known == "all")
    regression = out_of_fold(performer_readers.plain_regression(), gaits, rows, peer_rows)
    forests = [out_of_fold(performer_readers.forest(seed), gaits, rows, peer_rows) for seed in seeds]
    forest = [metrics.accuracy(probs, labels) for probs in forests]
    anchor, goal = ANCHORS.get((kind, known), (None, None))
    progress(f"ours {metrics.accuracy(ours, labels):.3f}, regression {metrics.accuracy(regression, labels):.3f}")
    best = regression if metrics.accuracy(regression, labels) >= np.mean(forest) else forests[0]
    return {
        "readings": len(labels),
        "walkers": len({str(gaits.walkers[i]) for i in rows.gaits}),
        "accuracy": round(metrics.accuracy(ours, labels), 4),
        "interval": interval(ours, labels, gaits.walkers[rows.gaits]),
        "macro_f1": round(metrics.macro_f1(ours, labels), 4),
        "ece": round(metrics.calibration_error(ours, labels), 4),
        "ece_floor": round(metrics.calibration_floor(ours), 4),
        "recalls": [round(each, 4) for each in metrics.recalls(ours, labels)],
        "regression": round(metrics.accuracy(regression, labels), 4),
        "forest": [round(float(np.mean(forest)), 4), round(float(np.std(forest)), 4)],
        "best_constant": round(metrics.best_constant(labels), 4),
        "mcnemar": mcnemar(ours, best, labels, rows.gaits),
        "anchor": anchor,
        "goal": goal,
    }


def ours_on(gaits: Gaits, blocks: Blocks, rows: Rows, known: str) -> Floats:
    """Return our probabilities (R, K): every block read relative, and raw beside relative."""
    reader = performer_readers.linear()
    answers: list[Floats] = []
    for features in blocks.ours.values():
        relative = rows.relative(features, divided=known == "all")
        answers.append(out_of_fold(reader, gaits, rows, relative))
        if known != "nothing":
            both = np.concatenate((relative, features[rows.gaits]), axis=1)
            answers.append(out_of_fold(reader, gaits, rows, both))
    return np.mean(answers, axis=0)


def out_of_fold(reader: Callable[..., Floats], gaits: Gaits, rows: Rows, features: Floats) -> Floats:
    """Return the probabilities (R, K) of rows (R, F), each read by who never saw its walker."""
    folds, labels = gaits.folds[rows.gaits], gaits.labels[rows.gaits]
    classes = np.unique(labels)
    probs = np.zeros((len(labels), len(classes)))
    for fold in np.unique(folds):
        tests = folds == fold
        seen = np.searchsorted(classes, np.unique(labels[~tests]))
        probs[np.ix_(tests, seen)] = reader(features[~tests], labels[~tests], features[tests])
    return probs


def interval(probs: Floats, labels: NDArray[np.intp], walkers: NDArray[np.str_]) -> list[float]:
    """Return the 95 % interval of the accuracy, walkers drawn anew (Efron, 1979)."""
    rng = np.random.default_rng(0)
    right = probs.argmax(axis=1) == labels
    hits = np.array([[right[walkers == who].sum(), (walkers == who).sum()] for who in np.unique(walkers)])
    drawn = hits[rng.integers(len(hits), size=(_RESAMPLES, len(hits)))].sum(axis=1)  # (B, 2)
    return [round(float(q), 3) for q in np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))]


def mcnemar(ours: Floats, peer: Floats, labels: NDArray[np.intp], gaits: NDArray[np.intp]) -> list[float]:
    """Return how many gaits ours alone and the peer alone read, and the exact p-value; the first draw of each gait."""
    from scipy.stats import binomtest

    first = np.unique(gaits, return_index=True)[1]
    a, b = (each.argmax(axis=1)[first] == labels[first] for each in (ours, peer))
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    chance = float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0
    return [only_a, only_b, round(chance, 4)]


def to_text(report: EvaluationReport) -> str:
    """Return the tables for a terminal."""
    seeds = ", ".join(map(str, report.seeds))
    lines = [f"`{report.command}`, seeds {seeds}, {report.minutes:g} minutes.", ""]
    for kind in ("intended", "perceived"):
        lines += _table(kind, report.protocols[kind]) if kind in report.protocols else []
    live = report.protocols.get("live", {})
    lines += ["Live: weights that never saw a gait"] if live else []
    lines += [f"  {name:<66}{value}" for name, value in live.items()]
    return "\n".join(lines)


def _table(kind: str, found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    head = f"{'known of the walker':<34}{'ours':<7}{'95 %':<15}{'F1':<7}{'ECE':<7}{'regr.':<7}{'forest':<15}"
    lines = [f"Gaits, {kind} labels ({', '.join(NAMES)}), walkers left out", head + "McNemar        anchor goal"]
    for known, row in found.items():
        low, high = row["interval"]
        mine, theirs, chance = row["mcnemar"]
        forest = f"{row['forest'][0]:.3f} +- {row['forest'][1]:.3f}"
        reached = row["goal"] is not None and row["accuracy"] >= row["goal"]
        verdict = "-" if row["goal"] is None else f"{row['goal']:.2f} {'met' if reached else 'missed'}"
        anchor = "-" if row["anchor"] is None else f"{row['anchor']:.3f}"
        lines.append(
            f"{WORDS[known]:<34}{row['accuracy']:<7.3f}{f'{low:.3f}-{high:.3f}':<15}{row['macro_f1']:<7.3f}"
            f"{row['ece']:<7.3f}{row['regression']:<7.3f}{forest:<15}"
            f"{f'{mine}:{theirs} p={chance:.2f}':<15}{anchor:<7}{verdict}"
        )
    return [*lines, ""]
