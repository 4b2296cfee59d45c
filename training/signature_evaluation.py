"""`emotus evaluate signature`: what signatures tell apart, and what sensors and rates do to them.

Styles of Bandai-Namco's set 1 are compared inside one session only, since what differs between sessions is not the
style. Every pair is of two activities: each style has each activity once, so two recordings of one style always differ
in it, and pairs of one activity would make two styles look alike. Options are chosen in one session and reported in
the other.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..engine.body import MIRROR
from ..engine.pose import Arrival, Pose
from ..engine.signature import Signature, distance, signature_of
from ..engine.signature_definition import Definition
from ..engine.signature_references import distance_matrix
from ..engine.signature_tally import WIDTHS
from ..engine.skeleton import Float64
from .clips import Progress
from .evaluate import EvaluationReport
from .learned import load_other
from .learned_evaluation import evaluate_learned, load_sessions, to_lines
from .signature_commands import bandai_block
from .signature_files import at_rate, read_poses, rows_of
from .signature_sensors import smooth_and_not
from .signature_stats import ask, auc_of

REPORTED, CHOOSING = "-3", "-452.225"
PUBLISHED: Final = Definition(about="world", pool="body", smoothing="savgol")
CANDIDATES: Final = tuple(
    Definition(quantity=quantity, about="hips", scale=scale)  # type: ignore[arg-type]
    for quantity in ("gradient", "speed", "acceleration", "jerk", "angular", "velocity")
    for scale in ("linear", "log")
)
DRAWS: Final = 20

Clip = tuple[str, str, str, list[Arrival]]  # file, activity, style, frames


def evaluate(data: Path, *, progress: Progress, seeds: Sequence[int] = (0, 1, 2)) -> EvaluationReport:
    """Return the figures; raises DataError where the data is missing. seeds: of the networks that are trained."""
    start = time.monotonic()
    blocks = {block: _clips(data, block, progress) for block in (CHOOSING, REPORTED)}
    progress("choosing among definitions")
    chosen = max(CANDIDATES, key=lambda definition: _separation(blocks[CHOOSING], definition)["auc"])
    found: dict[str, Any] = {}
    for name, definition in (("published", PUBLISHED), ("default", Definition()), ("chosen", chosen)):
        progress(f"{name}: {definition.id}")
        found[name] = {
            "definition": definition.id,
            "two_recordings": _separation(blocks[REPORTED], definition),
            "two_halves": _halves(blocks[REPORTED], definition),
            "where_chosen": _separation(blocks[CHOOSING], definition)["auc"],
        }
    progress("sensors, rates, mirrors")
    changed = changes(data) | mirrored(blocks[REPORTED])
    protocols = {"styles": found, "changes": changed, "sensors": smooth_and_not(data)}
    sessions, other = load_sessions(data, progress), load_other(data, progress)
    protocols["learned"] = evaluate_learned(sessions, other, seeds=seeds, progress=progress)
    minutes = round((time.monotonic() - start) / 60.0, 1)
    return EvaluationReport("signature", "emotus evaluate signature", tuple(seeds), minutes, protocols)


def _clips(data: Path, block: str, progress: Progress) -> list[Clip]:
    clips: list[Clip] = []
    for i, file in enumerate(bandai_block(data, block)):
        if i % 25 == 0:
            progress(f"reading the session {block}: {i}")
        _, activity, style, _ = Path(file).name.split("_")
        clips.append((Path(file).name, activity, style, at_rate(read_poses(file), Definition().rate_hz)))
    return clips


def _separation(clips: Sequence[Clip], definition: Definition) -> dict[str, Any]:
    """Return whether two recordings of one style, of two activities, are nearer than two of two styles."""
    matrix = distance_matrix(
        [signature_of(name, definition, rows_of(frames, definition)) for name, _, _, frames in clips]
    )
    activity = np.array([clip[1] for clip in clips])
    answer = ask("style", matrix, [clip[2] for clip in clips], activity[:, None] != activity)
    if answer is None:
        raise ValueError("a session without styles")
    return {
        "auc": round(answer.auc, 4), "within": round(answer.within, 4), "between": round(answer.between, 4),
        "difference_95": [round(answer.low, 4), round(answer.high, 4)], "p_permutation": answer.p_permutation,
        "pairs": [answer.pairs_within, answer.pairs_between],
    }  # fmt: skip


def _halves(clips: Sequence[Clip], definition: Definition) -> dict[str, Any]:
    """Return the same for what a style shows over half of its activities against the other half, drawn anew.

    Of each style half the activities make one signature and the others another; a style whose session holds fewer than
    ten activities is left out. hits: how often the nearest of all other halves is that of the same style.
    """
    rng = np.random.default_rng(0)
    rows = {(style, activity): rows_of(frames, definition) for _, activity, style, frames in clips}
    styles = [s for s in sorted({s for s, _ in rows}) if sum(key[0] == s for key in rows) >= 10]
    activities = sorted({a for _, a in rows})
    aucs: list[float] = []
    hits: list[float] = []
    for _ in range(DRAWS):
        order = [activities[i] for i in rng.permutation(len(activities))]
        parts = (set(order[: len(order) // 2]), set(order[len(order) // 2 :]))
        made = [[_over(rows, style, part, definition) for style in styles] for part in parts]
        apart = distance_matrix([*made[0], *made[1]])[: len(styles), len(styles) :]
        same = np.eye(len(styles), dtype=bool)
        aucs.append(auc_of(apart[same], apart[~same]))
        hits.append(float((apart.argmin(axis=1) == np.arange(len(styles))).mean()))
    return {
        "styles": len(styles), "draws": DRAWS, "auc": round(float(np.mean(aucs)), 4),
        "auc_sd": round(float(np.std(aucs)), 4), "hits": round(float(np.mean(hits)), 4), "chance": 1 / len(styles),
    }  # fmt: skip


def _over(rows: Mapping[tuple[str, str], Float64], style: str, part: set[str], definition: Definition) -> Signature:
    """Return the signature of a style over some of its activities."""
    mine = [each for (name, activity), each in rows.items() if name == style and activity in part]
    return signature_of(style, definition, np.concatenate(mine))


def changes(data: Path) -> dict[str, Any]:
    """Return what a signature does when one recording is compared with itself, changed.

    The recording: a walk of CMU's at 120 Hz. by_chance: what chance alone would put between two takes of its length.
    """
    poses = read_poses(str(data / "bvh" / "131_01.bvh"))
    definition = Definition()
    plain = _made(poses, definition)
    slow = [replace(pose, t_ns=pose.t_ns * 2) for pose in poses]
    quarter = _made(slow, definition)
    return {
        "rate_hz": round(1e9 * (len(poses) - 1) / (poses[-1].t_ns - poses[0].t_ns), 1),
        "mean_gradient": round(_mean_of(plain), 4),
        "itself": distance(plain, plain).total,
        "mirrored": round(distance(plain, _made([_image(pose) for pose in poses], definition)).total, 4),
        "half_speed": round(distance(plain, quarter).total, 4),
        "half_speed_ratio": round(_mean_of(quarter) / _mean_of(plain), 4),
        "at_30_hz": round(distance(plain, _made(poses[::4], definition)).total, 4),
        "at_60_hz": round(distance(plain, _made(poses[::2], definition)).total, 4),
        "by_chance": round(distance(plain, plain).by_chance, 4),
    }


def mirrored(clips: Sequence[Clip]) -> dict[str, float]:
    """Return how far the clips are from their own mirror images in the mean, and from each other."""
    definition = Definition()
    plain = [signature_of(name, definition, rows_of(frames, definition)) for name, _, _, frames in clips]
    images = [
        signature_of(name, definition, rows_of([_image(frame) for frame in frames], definition))
        for name, _, _, frames in clips
    ]
    apart = [distance(one, image).total for one, image in zip(plain, images, strict=True)]
    between = distance_matrix(plain)[np.triu_indices(len(plain), 1)]
    return {"clips_mirrored": round(float(np.mean(apart)), 4), "clips_apart": round(float(between.mean()), 4)}


def _image(frame: Arrival) -> Arrival:
    if not isinstance(frame, Pose):
        return frame
    points = frame.positions[list(MIRROR)] * np.array([-1, 1, 1], dtype=np.float32)
    return replace(frame, positions=points, confidence=frame.confidence[list(MIRROR)])


def _mean_of(made: Signature) -> float:
    return float(np.nanmean(made.quantiles @ WIDTHS))


def _made(poses: Sequence[Arrival], definition: Definition) -> Signature:
    only = [pose for pose in poses if isinstance(pose, Pose)]
    return signature_of("recording", definition, rows_of(at_rate(only, definition.rate_hz), definition))


def to_text(report: EvaluationReport) -> str:
    """Return the figures for a person to read."""
    lines = [f"signatures, set 1, session z {REPORTED}; options chosen in the other session; {report.minutes} minutes"]
    for name, found in report.protocols["styles"].items():
        two, halves = found["two_recordings"], found["two_halves"]
        low, high = two["difference_95"]
        lines.append(f"{name}: {found['definition']}")
        text = f"AUC {two['auc']:.3f} (difference {low:+.3f} to {high:+.3f}, p {two['p_permutation']:.4f})"
        lines.append(f"  two recordings of one style against two styles: {text}")
        text = f"AUC {halves['auc']:.3f} +- {halves['auc_sd']:.3f}, nearest is the same style {halves['hits']:.2f}"
        lines.append(f"  half of a style's activities against the other half: {text} (chance {halves['chance']:.2f})")
    known = report.protocols["styles"]
    default, published = (float(known[name]["two_recordings"]["auc"]) for name in ("default", "published"))
    lines += to_lines(report.protocols["learned"], default, published)
    lines += [f"a walk at {report.protocols['changes']['rate_hz']:g} Hz against itself, changed:"]
    lines += [f"  {name}: {value}" for name, value in report.protocols["changes"].items()]
    lines += ["smooth and not smooth by three sensors: gradient of the not smooth over that of the smooth"]
    lines += [f"  {name}: {value}" for name, value in report.protocols["sensors"].items()]
    return "\n".join(lines)
