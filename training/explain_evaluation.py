"""`emotus evaluate explain`: does the answer fall more without the joints that are named than without others?

The answer to the last two seconds of a stretch is asked again with k joints lost, as a sensor loses them: those that
the explanation names, and k drawn by lot, often. The clip is the unit: intervals by bootstrap over clips, a sign test.
Gradient times input (Shrikumar et al., 2016), which was used before, is measured on the same stretches. As a check by
another removal, the joints are also held at their place in the mean pose.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..engine.reader import EXPLAIN_FRAMES
from ..models.graph import JOINTS
from ..models.occlusion import explain
from ..models.recogniser import FusedRecogniser
from ..models.store import Info, load_recogniser
from .clips import Clip, Progress, load_bandai, load_folds, load_gaits
from .evaluate import EvaluationReport

COUNTS: Final = (1, 3, 5)
DRAWS: Final = 10
_BOOTSTRAP: Final = 2000
_EVERY: Final = 60  # frames from one stretch of a clip to the next
_J: Final = len(JOINTS)
_KNOWN: Final = slice(_J * 3, _J * 4)
Floats = NDArray[np.float64]


def evaluate(data: Path, *, progress: Progress) -> EvaluationReport:
    """Return the figures; raises DataError where the data is missing."""
    torch.set_num_threads(1)
    start = time.monotonic()
    model, info = load_recogniser()
    labelled = [clip for clip in load_bandai(data, 1, load_folds(data), progress) if clip.label >= 0]
    sets = {"63 clips, learnt from": labelled, "120 gaits of strangers, never learnt from": load_gaits(data)}
    ways: dict[str, Callable[[Tensor], Tensor]] = {
        "lost joints": lambda frames: explain(model, frames, info.temperature(len(frames))),
        "gradient times input": lambda frames: gradient_times_input(model, frames),
    }
    found: dict[str, Any] = {}
    for name, clips in sets.items():
        progress(name)
        found[name] = compared(model, info, clips, ways)
    minutes = round((time.monotonic() - start) / 60.0, 1)
    return EvaluationReport("explain", "emotus evaluate explain", (0,), minutes, found)


def compared(
    model: FusedRecogniser, info: Info, clips: Sequence[Clip], ways: dict[str, Callable[[Tensor], Tensor]]
) -> dict[str, Any]:
    """Return, by removal, explanation and k, the falls of the probability without named joints and without others."""
    rng = np.random.default_rng(0)
    falls: dict[tuple[str, str, int], list[tuple[float, float]]] = {}
    for clip in clips:
        parts = [_falls(model, info, part, ways, rng) for part in stretches(clip)]
        for key in parts[0]:
            named, other = np.mean([part[key] for part in parts], axis=0)
            falls.setdefault(key, []).append((float(named), float(other)))
    table: dict[str, Any] = {}
    for (removal, way, count), pairs in falls.items():
        table.setdefault(removal, {}).setdefault(way, {})[str(count)] = paired(np.array(pairs))
    return table


def stretches(clip: Clip) -> list[Tensor]:
    """Return the last two seconds of a clip, and those before them as long as there are whole ones."""
    ends = range(len(clip.frames), min(EXPLAIN_FRAMES, len(clip.frames)) - 1, -_EVERY)
    return [torch.from_numpy(clip.frames[max(0, end - EXPLAIN_FRAMES) : end].copy()) for end in ends]


def _falls(
    model: FusedRecogniser,
    info: Info,
    frames: Tensor,
    ways: dict[str, Callable[[Tensor], Tensor]],
    rng: np.random.Generator,
) -> dict[tuple[str, str, int], tuple[float, float]]:
    """Return the falls of one answer without the named joints, and without as many others in the mean."""
    known = np.flatnonzero(frames[:, _KNOWN].amax(dim=0).numpy() > 0)
    orders = {way: np.argsort(-asked(frames).numpy(), kind="stable") for way, asked in ways.items()}
    found: dict[tuple[str, str, int], tuple[float, float]] = {}
    for count in COUNTS:
        named = [order[:count] for order in orders.values()]
        drawn = [rng.choice(known, count, replace=False) for _ in range(DRAWS)]
        for removal in ("lost", "held"):
            fallen = fall(model, info, frames, [*named, *drawn], held=removal == "held")
            for i, way in enumerate(orders):
                found[removal, way, count] = float(fallen[i]), float(fallen[len(named) :].mean())
    return found


def fall(
    model: FusedRecogniser, info: Info, frames: Tensor, removed: Sequence[NDArray[np.intp]], *, held: bool
) -> Floats:
    """Return by how much the probability of the answer to frames (T, 90) falls without each set of joints (R,).

    held: the joints stay at their place in the mean pose, rather than being lost.
    """
    bodies = frames.repeat(len(removed) + 1, 1, 1)
    for body, joints in zip(bodies[1:], removed, strict=True):
        if held:
            for joint in joints:
                body[:, 3 * joint : 3 * joint + 3] = model.graph.mean[joint, :3]
        else:
            body[:, _J * 3 + joints] = 0.0
    with torch.inference_mode():
        logits = model.forward(bodies)[:, -1, :-1].double()
    probs = torch.softmax(logits / info.temperature(len(frames)), dim=-1).numpy()
    best = int(probs[0].argmax())
    return probs[0, best] - probs[1:, best]


def paired(pairs: Floats) -> dict[str, float | list[float]]:
    """Return of falls (N, 2), named and others, the means, the difference with its interval, and the sign test."""
    gaps = pairs[:, 0] - pairs[:, 1]
    rng = np.random.default_rng(0)
    drawn = gaps[rng.integers(len(gaps), size=(_BOOTSTRAP, len(gaps)))].mean(axis=1)
    more, less = int((gaps > 0).sum()), int((gaps < 0).sum())
    return {
        "named": round(float(pairs[:, 0].mean()), 4),
        "others": round(float(pairs[:, 1].mean()), 4),
        "difference_95": [round(float(each), 4) for each in np.quantile(drawn, (0.025, 0.975))],
        "more": round(more / len(gaps), 4),
        "p_sign": sign_test(more, less),
    }


def sign_test(more: int, less: int) -> float:
    """Return the two-sided probability of so uneven signs by chance; ties are left out."""
    n = more + less
    tail = sum(math.comb(n, i) for i in range(min(more, less) + 1))
    return min(1.0, 2 * tail / 2**n)


def gradient_times_input(model: FusedRecogniser, frames: Tensor) -> Tensor:
    """Return each joint's share (21,): how the lead of the best label would change were it at its place in the mean."""
    x = frames[None].clone().requires_grad_()  # (1, T, 90)
    with torch.enable_grad():
        logits = model.forward(x)[0, -1, :-1]
        (gradient,) = torch.autograd.grad(logits.max() - logits.mean(), x)
    offset = x.detach()[0, :, : _J * 3].reshape(-1, _J, 3) - model.graph.mean[:, :3]  # (T, 21, 3)
    pulled = (gradient[0, :, : _J * 3].reshape(-1, _J, 3) * offset).sum(dim=(0, 2)).abs()  # (21,)
    shares = torch.nan_to_num(pulled * frames[:, _KNOWN].amax(dim=0), nan=0.0, posinf=0.0)
    return shares / shares.sum().clamp(min=1e-12)


def to_text(report: EvaluationReport) -> str:
    """Return the figures for a person to read."""
    lines = [f"fall of the answer's probability without k joints, named or drawn by lot; {report.minutes} minutes"]
    for name, removals in report.protocols.items():
        lines.append(f"{name}")
        for removal, ways in removals.items():
            for way, counts in ways.items():
                for count, each in counts.items():
                    low, high = each["difference_95"]
                    gap = f"{each['named']:.3f} against {each['others']:.3f} (difference {low:+.3f} to {high:+.3f})"
                    sign = f"more in {each['more']:.2f} of clips, p {each['p_sign']:.1e}"
                    lines.append(f"  {removal}, named by {way}, k = {count}: {gap}, {sign}")
    return "\n".join(lines)
