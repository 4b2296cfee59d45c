"""`emotus train teach-prior`: how activities and styles move the features, learnt from styles that nobody is taught.

Two covariances in the manner of speaker recognition (Hatch, Kajarekar and Stolcke, 2006; Prince and Elder, 2007): from
clip to clip of one style, and from style to style of one performer, averaged over both sets, each style within its own
session. Shrinkage and calibration are chosen by playing teaching through on whole sessions that are left out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import DataError
from ..engine.taught import TaughtHead, softmax
from ..models.store import feature_set, load_recogniser
from ..models.teach_prior import NAME, TeachPrior, save_teach_prior
from . import calibrate
from .clips import Progress
from .covariances import between_of, mean_of, together, within_of
from .episodes import SHOTS, Episode, episodes, learn
from .shown import EARLY, Shown, activities, show_sets
from .train import ATTRIBUTION, LICENCE

Floats = NDArray[np.float64]
_RIDGE = 1e-3
_LEAST_ACTIVITIES = 8  # that all styles of a session show, to play teaching through on it
_LEAST_STYLES = 3
_PLAIN = 1.0
_OPTIONS = tuple(np.geomspace(1.0, 100.0, 40).tolist())
_LATER = (30, 60, 120)  # frames
_PASSED = 0.1  # share of movements of taught styles that may be called strange


@dataclass(frozen=True)
class PriorRecipe:
    """Hold what the makers decided, and the lists that are chosen from.

    shrinkages: of the covariance from clip to clip, of the features and of the graph network's. least: variances from
    style to style, of that from clip to clip, where the known styles show none. draws: games played for each choice.
    """

    shrinkages: tuple[tuple[float, float], ...] = ((0.1, 0.3), (0.1, 0.6), (0.3, 0.6))
    least: tuple[float, ...] = (0.2, 0.3, 0.5)
    styles: int = 24
    axes: int = 10
    width: float = 10.0
    share: float = 0.6
    draws: int = 8


@dataclass(frozen=True)
class Picked:
    """Hold one choice out of the recipe's lists."""

    shrinkages: tuple[float, float]
    least: float


@dataclass(frozen=True, eq=False)
class Material:
    """Hold clips of both sets to learn from; cut: features before the graph network's among the D numbers."""

    set1: list[Shown]
    set2: list[Shown]
    cut: int
    features: str

    def without(self, gone: Sequence[Shown]) -> Material:
        """Return the material without some clips."""
        names = {each.clip.name for each in gone}
        first, second = ([each for each in some if each.clip.name not in names] for some in (self.set1, self.set2))
        return replace(self, set1=first, set2=second)

    @property
    def sessions(self) -> list[list[Shown]]:
        """List the clips of each session on which teaching can be played through, styles that fit in only."""
        found: list[list[Shown]] = []
        for some in (self.set1, self.set2):
            for session in sorted({each.clip.session for each in some}):
                clips = _alike([each for each in some if each.clip.session == session])
                if len({each.clip.style for each in clips}) >= _LEAST_STYLES:
                    found.append(clips)
        return found


def _alike(clips: Sequence[Shown]) -> list[Shown]:
    """Return the clips of those styles that show most activities, all the same ones."""
    shows = {
        style: {c.clip.activity for c in clips if c.clip.style == style} for style in {c.clip.style for c in clips}
    }
    kept = {style for style, shown in shows.items() if len(shown) >= _LEAST_ACTIVITIES}
    some = [each for each in clips if each.clip.style in kept]
    shared = set(activities(some))
    if len(shared) < _LEAST_ACTIVITIES:
        return []
    first = {(each.clip.style, each.clip.activity): each for each in reversed(some)}  # once each: set 2 has dozens
    return [
        each for each in some if each.clip.activity in shared and first[each.clip.style, each.clip.activity] is each
    ]


def train_teach_prior(data_dir: Path, out_dir: Path, *, progress: Progress, model: str = "bandai-stgcn") -> Path:
    """Learn the prior from every style of both sets for a shipped model and write it; return the path of its tensors.

    Takes about a minute. Raises DataError naming what is missing.
    """
    material = gather(data_dir, progress, model)
    prior = learn_prior(material, PriorRecipe(), progress)
    return save_teach_prior(out_dir / f"{NAME}.safetensors", prior)


def gather(data_dir: Path, progress: Progress, model: str = "bandai-stgcn") -> Material:
    """Read both sets through a shipped model."""
    network, info = load_recogniser(model)
    set1, set2 = show_sets(network, data_dir, progress)
    return Material(set1, set2, network.features.feature_count, f"{info.name} {feature_set(network)}")


def learn_prior(material: Material, recipe: PriorRecipe, progress: Progress) -> TeachPrior:
    """Choose, calibrate and measure; raises DataError where no session is left to play teaching through on."""
    sessions = material.sessions
    if not sessions:
        raise DataError("teach-prior", "no session shows enough styles in the same activities")
    picked = _choose(material, sessions, recipe, progress)
    progress(f"chosen: shrinkage {picked.shrinkages}, least variance of styles {picked.least}")
    priors = [(measure(material.without(clips), picked, recipe), clips) for clips in sessions]
    games = [(prior, game) for prior, clips in priors for game in _games(clips, recipe, seed=1)]
    settle = _settle(games)
    games = [(replace(prior, settle=settle), game) for prior, game in games]
    divisors = ((_PLAIN, _divisor(games)),)
    strange = _strange([(replace(prior, settle=settle), clips) for prior, clips in priors], recipe)
    about: dict[str, Any] = {
        "licence": LICENCE,
        "attribution": ATTRIBUTION,
        "command": "emotus train teach-prior",
        "shrinkages": picked.shrinkages,
        "least": picked.least,
        "clips": [len(material.set1), len(material.set2)],
        "chosen_on": [sorted({each.clip.style for each in clips}) for clips in sessions],
    }
    return replace(measure(material, picked, recipe), settle=settle, divisors=divisors, strange=strange, about=about)


def remeasure(material: Material, like: TeachPrior, recipe: PriorRecipe) -> TeachPrior:
    """Return a prior of other material with the choices and the calibration of one that there is."""
    first, second = like.about["shrinkages"]
    prior = measure(material, Picked((first, second), like.about["least"]), recipe)
    return replace(prior, settle=like.settle, divisors=like.divisors, strange=like.strange, about=like.about)


def _games(clips: Sequence[Shown], recipe: PriorRecipe, *, seed: int) -> Iterator[Episode]:
    for shots in SHOTS:
        yield from episodes(clips, shots, recipe.draws, seed)


def _choose(material: Material, sessions: Sequence[list[Shown]], recipe: PriorRecipe, progress: Progress) -> Picked:
    """Return what knows most again in sessions that are left out of the prior, every session weighing the same."""
    scores: dict[Picked, float] = {}
    for shrinkages, least in itertools.product(recipe.shrinkages, recipe.least):
        picked = Picked(shrinkages, least)
        progress(f"playing teaching through, shrinkage {shrinkages}, least variance {least}")
        scores[picked] = float(np.mean([_score(material, clips, picked, recipe) for clips in sessions]))
    return max(scores, key=scores.__getitem__)


def _score(material: Material, clips: Sequence[Shown], picked: Picked, recipe: PriorRecipe) -> float:
    prior = measure(material.without(clips), picked, recipe)
    right: list[float] = []
    for game in _games(clips, recipe, seed=0):
        head = learn(game, prior)
        means = np.stack([test.mean for test in game.tests])
        right.append(float(np.mean(head.logits(means).argmax(axis=1) == game.labels)))
    return float(np.mean(right))


def measure(material: Material, picked: Picked, recipe: PriorRecipe) -> TeachPrior:
    """Return the prior of the material, as yet uncalibrated."""
    sets = [some for some in (material.set1, material.set2) if some]
    means = [np.stack([each.mean for each in some]) for some in sets]
    size = means[0].shape[1]
    centre = np.mean([each.mean(axis=0) for each in means], axis=0)
    basis = np.zeros((size, size))
    between = np.zeros(size)
    for part, shrinkage in zip((slice(0, material.cut), slice(material.cut, size)), picked.shrinkages, strict=True):
        own = [each[:, part] for each in means]
        within = mean_of([within_of(m, some) for m, some in zip(own, sets, strict=True)], own[0].shape[1])
        diagonal = np.diag(np.diag(within))
        within = (1.0 - shrinkage) * within + shrinkage * diagonal + _RIDGE * np.eye(len(within))
        styles = mean_of([between_of(m, some) for m, some in zip(own, sets, strict=True)], len(within))
        basis[part, part], between[part] = together(styles, within)
    order = np.argsort(-between, kind="stable")
    everything = np.concatenate(means) - centre
    axes = np.linalg.svd(everything, full_matrices=False)[2][: recipe.axes].T  # (D, Q)
    return TeachPrior(
        features=material.features,
        mean=centre,
        basis=basis[:, order],
        between=np.maximum(between[order], 0.0) + picked.least,
        styles=recipe.styles,
        activity=axes,
        width=recipe.width,
        share=recipe.share,
        divisors=((_PLAIN, _PLAIN),),
        settle=((_PLAIN, _PLAIN),),
        strange=(0.0, 1.0),
    )


def _settle(games: Sequence[tuple[TeachPrior, Episode]]) -> tuple[tuple[float, float], ...]:
    """Return by how much more than at the end the logits are to be divided early on."""
    answers: dict[int, list[tuple[Floats, int]]] = {frames: [] for frames in (*EARLY, *_LATER)}
    for prior, game in games:
        head = learn(game, prior)
        for test, label in zip(game.tests, game.labels.tolist(), strict=True):
            early = head.logits(test.early)
            for row, frames in zip(early, EARLY, strict=True):
                answers[frames].append((row[None], label))
            for frames in _LATER:
                near = np.abs(np.log(test.seen / frames)) < math.log(1.42)
                if near.any():
                    answers[frames].append((head.logits(test.rows[near]), label))
    found = [calibrate.divisor(each, slice(None)) for each in answers.values() if each]
    found = [max(found[i:]) for i in range(len(found))]  # more evidence never makes less sure
    return tuple((float(frames), value / found[-1]) for frames, value in zip(answers, found, strict=False))


def _divisor(games: Sequence[tuple[TeachPrior, Episode]]) -> float:
    """Return the divisor whose answers on whole clips are the truest, however many takes there are.

    One for all: measured apart, those of one, two, three and five takes scatter more than they differ.
    """
    losses = [_brier(learn(game, prior), game) for prior, game in games]
    return _OPTIONS[int(np.mean(losses, axis=0).argmin())]


def _brier(head: TaughtHead, game: Episode) -> Floats:
    """Return the Brier score (options,) of the answers to whole clips, for each divisor that may be chosen."""
    divisors = np.array(_OPTIONS)[:, None, None]
    scores: list[Floats] = []
    for test, label in zip(game.tests, game.labels.tolist(), strict=True):
        factors = np.array([head.divisor_after(float(seen)) for seen in test.seen])[:, None] / head.divisor
        probs = softmax(head.logits(test.rows) / factors / divisors).mean(axis=1)  # (options, S, K) -> (options, K)
        scores.append(np.square(probs - np.eye(probs.shape[1])[label]).sum(axis=1))
    return np.mean(scores, axis=0)


def _strange(priors: Sequence[tuple[TeachPrior, list[Shown]]], recipe: PriorRecipe) -> tuple[float, float]:
    """Return threshold and slope of the lead: half of the styles taught, the others not."""
    leads: list[Floats] = []
    known: list[NDArray[np.bool_]] = []
    for prior, clips in priors:
        count = max(2, len({each.clip.style for each in clips}) // 2)
        for shots in SHOTS:
            for game in episodes(clips, shots, recipe.draws, 2, styles=count):
                head = learn(game, prior)
                leads.append(np.array([head.lead(test.rows).mean() for test in game.tests]))
                known.append(game.labels >= 0)
    lead, is_known = np.concatenate(leads), np.concatenate(known)
    threshold = float(np.quantile(lead[is_known], _PASSED))
    return threshold, _slope(lead, is_known)


def _slope(lead: Floats, known: NDArray[np.bool_]) -> float:
    """Return the slope of the logistic curve that tells the known from the others, both weighing the same."""
    weight = np.where(known, 0.5 / known.sum(), 0.5 / (~known).sum())
    best, least = 1.0, math.inf
    for slope in np.geomspace(0.02, 2.0, 25).tolist():
        for middle in np.quantile(lead, np.linspace(0.1, 0.9, 17)).tolist():
            p = 1.0 / (1.0 + np.exp(np.clip((middle - lead) * slope, -50, 50)))
            loss = float((weight * np.square(p - known)).sum())
            if loss < least:
                best, least = slope, loss
    return best
