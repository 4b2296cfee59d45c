"""The answer relative to the performer: learnt from invented performers, each read relative to her own usual.

An invented performer is every labelled clip on one other body, at one tempo, in one layout of joints. A clip is read as
deviations from the mean of all her clips of the same activity, which leaves what the style does to it. Nothing but the
data set that ships is learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ..engine.body import JOINT_COUNT, JOINT_INDEX
from ..engine.skeleton import Float32
from ..models.baseline import LIMIT, STRIDE
from ..models.features import MotionFeatures
from ..models.recogniser import FusedRecogniser
from ..models.stgcn import Stgcn
from . import augment, calibrate
from .clips import LABELS, Clip
from .head import Head
from .looks import look_at

Floats = NDArray[np.float64]
PERSONS = 6
DECAY = 10.0  # strong: what carries over to strangers is little more than which way each feature goes
HALFWAY = 0.55  # how far from everybody a performer is read half relative to herself
GAIN = 1.25  # above 1, so that far out nothing is left of the answer that knows only others
_LEAST_CLIPS = 2  # of an activity: one shows no usual
_SPARSE = tuple(JOINT_INDEX[name] for name in ("LeftShoulder", "RightShoulder", "LeftToes", "RightToes"))
_XYZ = JOINT_COUNT * 3


@dataclass(frozen=True)
class Person:
    """Hold what an invented performer's clips look like: their mean deviations (S, D), and the clips."""

    clips: list[Clip]
    means: Floats

    def without(self, activity: str) -> Person:
        """Return her without one activity."""
        kept = [i for i, clip in enumerate(self.clips) if clip.activity != activity]
        return Person([self.clips[i] for i in kept], self.means[kept])

    def activities(self) -> dict[str, list[int]]:
        """Return which clips show each activity, those of several clips only."""
        found: dict[str, list[int]] = {}
        for i, clip in enumerate(self.clips):
            found.setdefault(clip.activity, []).append(i)
        return {activity: rows for activity, rows in sorted(found.items()) if len(rows) >= _LEAST_CLIPS}


@dataclass(frozen=True)
class Relative:
    """Hold the answer relative to a performer: weight (K, D) of squashed deviations times scale (D,), and bias (K,).

    own, moods: (D,) variance of each deviation between performers and activities, and between the moods of one.
    """

    weight: Floats
    bias: Floats
    scale: Floats
    own: Floats
    moods: Floats
    squash: float

    def logits(self, relative: NDArray[np.floating]) -> Floats:
        """Return logits (..., K) of deviations (..., D) relative to a performer."""
        return np.tanh(relative * self.scale / self.squash) * self.squash @ self.weight.T + self.bias


def sparse(frames: Float32) -> Float32:
    """Return the frames as a source of sixteen joints gives them, that knows no root motion."""
    out = augment.stay(frames)
    for joint in _SPARSE:
        out[:, 3 * joint : 3 * joint + 3] = 0.0
        out[:, _XYZ + joint] = 0.0
    return out


def deviations(heads: tuple[Head, Head], features: NDArray[np.floating], graph: NDArray[np.floating]) -> Floats:
    """Return what the network calls deviations (..., D) of both branches' features."""
    both = np.concatenate((heads[0].standard(features), heads[1].standard(graph)), axis=-1)
    return np.clip(both, -LIMIT, LIMIT)


def invent(
    clips: Sequence[Clip],
    heads: tuple[Head, Head],
    extractors: tuple[MotionFeatures, Stgcn],
    seed: int,
    count: int = PERSONS,
) -> list[Person]:
    """Return invented performers of the clips; the first is who really moved."""
    persons: list[Person] = []
    for number in range(count):
        warped = [replace(clip, frames=_warp(clip.frames, number, seed)) for clip in clips]
        looks, graph_looks = (look_at(extractor, warped) for extractor in extractors)
        pairs = zip(looks, graph_looks, strict=True)
        persons.append(
            Person(list(clips), np.array([deviations(heads, a.rows, b.rows).mean(axis=0) for a, b in pairs]))
        )
    return persons


def _warp(frames: Float32, number: int, seed: int) -> Float32:
    if number == 0:
        return frames
    rng = np.random.default_rng([seed, number])  # the same body for all her clips
    body = augment.other_body(augment.retime(frames, float(np.exp(rng.normal(0, 0.1)))), rng)
    return sparse(body) if number % 2 else body


def stream(model: FusedRecogniser, frames: Float32) -> tuple[Floats, Floats]:
    """Return the deviations (S, D) of frames (T, 90) and their contexts (S, C), wherever a baseline looks."""
    with torch.inference_mode():
        x = torch.from_numpy(frames)[None]
        features, graph = model.features.forward(x)[0, STRIDE - 1 :: STRIDE], model.graph.forward(x)
        parts = (model.feature_readout.standard(features), model.graph_readout.standard(graph[0, STRIDE - 1 :: STRIDE]))
        return torch.cat(parts, dim=-1).clamp(-LIMIT, LIMIT).numpy(), model.contexts(features).numpy()


def variances(persons: Sequence[Person]) -> tuple[Floats, Floats]:
    """Return the variances (D,) of deviations between performers and activities, and between the moods of one."""
    labels = np.array([clip.label for clip in persons[0].clips])
    moods = [np.var([person.means[labels == k].mean(axis=0) for k in sorted(set(labels))], axis=0, ddof=1)
             for person in persons]  # fmt: skip
    own = [person.means[rows].mean(axis=0) for person in persons for rows in person.activities().values()]
    return np.var(own, axis=0) + 1e-3, np.mean(moods, axis=0) + 1e-3


def fit(persons: Sequence[Person], squash: float, decay: float = DECAY) -> Relative:
    """Return the relative answer: multinomial logistic regression, every label weighing the same."""
    rows: list[Floats] = []
    labels: list[int] = []
    for person in persons:
        for own in person.activities().values():
            rows.extend(person.means[own] - person.means[own].mean(axis=0))
            labels.extend(person.clips[i].label for i in own)
    own, moods = variances(persons)
    deviating = np.array(rows)
    scale = 1.0 / (np.sqrt(np.square(deviating).mean(axis=0)) + 0.05)
    flat = np.tanh(deviating * scale / squash) * squash
    return Relative(*regress(flat, np.array(labels), len(LABELS), decay), scale, own, moods, squash)


def calibrated(persons: Sequence[Person], relative: Relative, divisor: float) -> Relative:
    """Return the answer with its logits stretched so that a divisor makes them probabilities of new activities."""
    answers: list[tuple[Floats, int]] = []
    for activity, rows in persons[0].activities().items():
        found = fit([person.without(activity) for person in persons], relative.squash)
        for person in persons:
            logits = found.logits(person.means[rows] - person.means[rows].mean(axis=0))
            answers.extend((logit[None], person.clips[i].label) for logit, i in zip(logits, rows, strict=True))
    divisors = np.geomspace(0.02, 5.0, 60)
    best = min(divisors, key=lambda d: calibrate.loss(answers, float(d), slice(None)))
    return replace(relative, weight=relative.weight * divisor / best, bias=relative.bias * divisor / best)


def regress(rows: Floats, labels: NDArray[np.intp], count: int, decay: float) -> tuple[Floats, Floats]:
    """Return weight (K, D) and bias (K,) of a logistic regression in which every label weighs the same."""
    x, y = torch.from_numpy(rows), torch.from_numpy(labels)
    share = 1.0 / torch.bincount(y, minlength=count).clamp(min=1)[y].double()
    share = share / share.sum()
    weight = torch.zeros(count, rows.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        logits = x @ weight[:, :-1].T + weight[:, -1]
        entropy = torch.nn.functional.cross_entropy(logits, y, reduction="none")
        total = (entropy * share).sum() + decay * weight[:, :-1].square().sum()
        total.backward()
        return total

    optimiser.step(closure)
    found = weight.detach().numpy()
    return found[:, :-1].copy(), found[:, -1] - found[:, -1].mean()
