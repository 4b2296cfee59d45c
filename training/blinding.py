"""`emotus evaluate blinding`: whether walkers can be told again by what is streamed, with and without blinding.

The attacker has one gait of everybody and meets another: the nearest by what she measures is whom she names. She
measures the bones of the body, or the height of the hips, or how the body is held and moves, or all of these. Gaits are
compared within one source only, since what differs between sources is not the walker. The loss: how a recogniser's
answers change that reads blinded poses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from ..engine.blind import Blinder
from ..engine.body import BODY
from ..engine.features import normalise
from ..engine.network import NetworkRecogniser, load
from ..engine.pose import Pose
from ..engine.recognise import Reading
from ..engine.skeleton import Float32, Float64
from ..engine.streams import MODEL_RATE_HZ
from ..models.motion_encoder import PLACES
from .clips import Progress, load_gait_bodies
from .evaluate import EvaluationReport

_STEP_NS: Final = round(1e9 / MODEL_RATE_HZ)
_PARENT: Final = np.array([parent for parent, _ in BODY.edges])
_CHILD: Final = np.array([child for _, child in BODY.edges])
_NOTHING: Final = 1e-5  # a measure that varies less, in metres, is the same in everybody

Body = tuple[str, str, Float32, Float32]  # walker, source, positions (T, 21, 3), confidence (T, 21)
Measure = Callable[[Body], Float64]


def evaluate(data: Path, *, progress: Progress) -> EvaluationReport:
    """Return the figures; raises DataError where the data is missing."""
    torch.set_num_threads(1)
    start = time.monotonic()
    plain = load_gait_bodies(data)
    progress(f"blinding {len(plain)} gaits")
    blinded = [blind(body) for body in plain]
    told: dict[str, Any] = {}
    for name, measure in MEASURES.items():
        progress(f"telling walkers again by {name}")
        told[name] = {"plain": again(plain, measure), "blinded": again(blinded, measure)}
    progress("reading the gaits")
    protocols = {"told_again": told, "chance": chance(plain), "gaits": len(plain), "utility": utility(plain, blinded)}
    protocols["walkers"] = len({walker for walker, *_ in plain})
    minutes = round((time.monotonic() - start) / 60.0, 1)
    return EvaluationReport("blinding", "emotus evaluate blinding", (0,), minutes, protocols)


def blind(body: Body) -> Body:
    """Return a body as it is streamed with blinding on."""
    walker, source, positions, confidence = body
    blinder = Blinder()
    poses = (Pose("", i, i * _STEP_NS, p, c) for i, (p, c) in enumerate(zip(positions, confidence, strict=True)))
    return walker, source, np.stack([blinder.step(pose).positions for pose in poses]), confidence


def bones(body: Body) -> Float64:
    """Return the mean length of each bone that is known, in metres."""
    _, _, positions, confidence = body
    known = (confidence[0, _PARENT] > 0) & (confidence[0, _CHILD] > 0)
    lengths = np.linalg.norm(positions[:, _CHILD[known]] - positions[:, _PARENT[known]], axis=2)
    return lengths.mean(axis=0).astype(np.float64)


def height(body: Body) -> Float64:
    """Return the mean height of the hips above the lowest joint, in metres: bent knees are low."""
    _, _, positions, confidence = body
    lowest = positions[:, confidence[0] > 0, 1].min(axis=1)
    return np.array([(positions[:, 0, 1] - lowest).mean()], dtype=np.float64)


def movement(body: Body) -> Float64:
    """Return mean and spread of each joint's place as seen from the hips, facing forward, over body size."""
    places = frames_of(body)[:, :PLACES].astype(np.float64)
    return np.concatenate((places.mean(axis=0), places.std(axis=0)))


def everything(body: Body) -> Float64:
    """Return all of these."""
    return np.concatenate((bones(body), height(body), movement(body)))


MEASURES: Final[dict[str, Measure]] = {
    "bones": bones,
    "height of the hips": height,
    "posture and movement": movement,
    "all of these": everything,
}


def frames_of(body: Body) -> Float32:
    """Return the network frames (T, 90) of a body that does not travel."""
    return normalise(body[2], body[3], MODEL_RATE_HZ, travels=False)


def again(bodies: Sequence[Body], measure: Measure) -> float:
    """Return how often the nearest other gait of the same source is of the same walker; ties share.

    Asked of gaits whose walker has another one in that source, and is not the only one there. Measures are taken in
    their own spreads.
    """
    walkers, sources = (np.array([body[i] for body in bodies]) for i in (0, 1))
    values = np.stack([measure(body) for body in bodies])
    spread = values.std(axis=0)
    values = values[:, spread > _NOTHING] / spread[spread > _NOTHING]
    hits: list[float] = []
    for i, (walker, source) in enumerate(zip(walkers, sources, strict=True)):
        others = (sources == source) & (np.arange(len(walkers)) != i)
        if len(set((walkers[others] == walker).tolist())) < 2:
            continue
        far = np.linalg.norm(values[others] - values[i], axis=1)
        nearest = far <= far.min() + 1e-9
        hits.append(float((walkers[others][nearest] == walker).mean()))
    return round(float(np.mean(hits)), 4)


def chance(bodies: Sequence[Body]) -> float:
    """Return how often a walker is named again by one who draws among the gaits of the same source."""
    return again(bodies, lambda _: np.zeros(1))


def utility(plain: Sequence[Body], blinded: Sequence[Body]) -> dict[str, float]:
    """Return how the shipped recogniser's answers at the end of each gait change."""
    recogniser = load("bandai-stgcn")
    before, after = ([_read(recogniser, body) for body in bodies] for bodies in (plain, blinded))
    pairs = list(zip(before, after, strict=True))
    moved = [sum(abs(a.probs[name] - b.probs[name]) for name in a.probs) / 2 for a, b in pairs]
    same = [max(a.probs, key=lambda n: a.probs[n]) == max(b.probs, key=lambda n: b.probs[n]) for a, b in pairs]
    return {
        "same_best_label": round(float(np.mean(same)), 4),
        "probability_moved": round(float(np.mean(moved)), 4),
        "abstains_plain": round(float(np.mean([a.abstain for a in before])), 4),
        "abstains_blinded": round(float(np.mean([b.abstain for b in after])), 4),
    }


def _read(recogniser: NetworkRecogniser, body: Body) -> Reading:
    frames = torch.from_numpy(frames_of(body))[None]
    with torch.inference_mode():
        logits = recogniser.network.forward(frames)[0, -1]  # (K + 1,)
    return recogniser.read(logits.numpy(), frames.shape[1])


def to_text(report: EvaluationReport) -> str:
    """Return the figures for a person to read."""
    found, by = report.protocols, report.protocols["told_again"]
    lines = [f"{found['gaits']} gaits of {found['walkers']} walkers; named again, chance {found['chance']:.3f}:"]
    lines += [
        f"  by {name}: {told['plain']:.3f} without blinding, {told['blinded']:.3f} with it "
        f"({told['blinded'] / found['chance']:.1f} x chance)"
        for name, told in by.items()
    ]
    use = found["utility"]
    lines.append(
        f"read blinded instead of plain: the same best label in {use['same_best_label']:.2f}, probabilities moved by "
        f"{use['probability_moved']:.3f}, abstains {use['abstains_plain']:.2f} -> {use['abstains_blinded']:.2f}"
    )
    return "\n".join(lines)
