"""How one recogniser is made: two branches, their sum, its temperatures, and a gate for what is no performance.

Whatever is chosen (shrinkage, how much the network counts, temperatures) is chosen on activities that are left out
inside the training clips, in the manner in which the protocol leaves out the test clips.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ..models.readout import Readout
from ..models.recogniser import FusedRecogniser, Shape
from ..models.stgcn import Stgcn
from . import calibrate, relative, strange
from .bank import Bank, Seen, families_of
from .calibrate import Answers, Floats
from .clips import Clip
from .foreign import Foreign, fit_foreign
from .head import Head, allowed, gather, solve
from .library import Library
from .looks import Look
from .network import NetworkRecipe
from .relative import Relative

Kind = Literal["content", "family"]
LeftOut = Callable[[Clip], bool]
SETTLED = 60  # frames of evidence at which an answer is neither early nor late
_WARM = slice(2, None)  # of every eighth frame: from half a second on


@dataclass(frozen=True)
class Recipe:
    """Hold what the makers decided, and the lists that inner folds choose from."""

    shape: Shape = field(default_factory=Shape)
    network: NetworkRecipe = field(default_factory=NetworkRecipe)
    shrinkages: tuple[float, ...] = (0.05, 0.1, 0.2, 0.3)
    graph_shrinkages: tuple[float, ...] = (0.1, 0.3)
    mixes: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Choice:
    """Hold what inner folds chose; table: temperature for each amount of evidence."""

    shrinkage: float
    graph_shrinkage: float
    mix: float
    table: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Fitted:
    """Hold a trained recogniser in parts; gate: weight (2 W,) and bias of the strangeness; whole: (W,) its features.

    foreign: the answer on bodies unlike those learnt from.
    """

    head: Head
    graph_head: Head
    network: Stgcn
    choice: Choice
    gate: tuple[Floats, float]
    whole: NDArray[np.intp]
    foreign: Foreign

    def probabilities(self, look: Look, graph_look: Look) -> Floats:
        """Return the calibrated probabilities (T, K) of every frame of a clip, as both branches see it."""
        flat = self.head.flat(look.every)
        known = flat @ self.head.weight.T + self.head.bias + self.choice.mix * self.graph_head.logits(graph_look.every)
        return calibrate.probabilities(self.foreign.correct(known, flat), self.choice.table)

    def strangeness(self, features: NDArray[np.floating]) -> Floats:
        """Return the probability (...,) that features (..., F) are no performance."""
        weight, bias = self.gate
        logit = strange.gate_inputs(self.head.standard(features)[..., self.whole]) @ weight + bias
        return 1.0 / (1.0 + np.exp(-np.clip(logit, -50, 50)))


def group_of(clip: Clip, kind: Kind) -> str:
    """Return what is left out together with a clip: its activity, or the family of it."""
    return clip.activity if kind == "content" else str(clip.family)


def excludes(groups: set[str], kind: Kind) -> LeftOut:
    """Return the test whether a clip of any set shows what is left out; kin in set 2 (walk, walk-turn) is as well."""
    kin = {group.partition("-")[0] for group in groups}

    def left_out(clip: Clip) -> bool:
        if kind == "family":
            return str(clip.family) in groups
        return clip.activity in groups or (clip.name.startswith("dataset-2") and clip.activity.partition("-")[0] in kin)

    return left_out


def fit_heads(library: Library, recipe: Recipe, left_out: LeftOut, shrinkages: Sequence[float]) -> list[Head]:
    """Return a head on the features for each shrinkage, none of them having seen what is left out."""
    others = [allowed(library.set1, left_out), allowed(library.set2, left_out)]
    labelled, warped = allowed(library.labelled, left_out), allowed(library.warped, left_out)
    scatter = gather(labelled, others, warped, recipe.shape.squash)
    return [solve(scatter, shrinkage) for shrinkage in shrinkages]


def fit_graph_heads(seen: Seen, recipe: Recipe, left_out: LeftOut, shrinkages: Sequence[float]) -> list[Head]:
    """Return the same on what a graph network sees."""
    others = [allowed(seen.set1, left_out), allowed(seen.set2, left_out)]
    scatter = gather(allowed(seen.labelled, left_out), others, [], recipe.shape.squash)
    return [solve(scatter, shrinkage) for shrinkage in shrinkages]


@dataclass(frozen=True)
class Inner:
    """Hold the logits (T, K) of one clip that was left out inside, for each shrinkage of both branches."""

    label: int
    features: list[Floats]
    graph: list[Floats]


def inner_folds(library: Library, bank: Bank, recipe: Recipe, outer: LeftOut, kind: Kind, seed: int) -> list[Inner]:
    """Leave each further group out in turn, beside what is out already; return what is said of its clips."""
    looks = allowed(library.labelled, outer)
    gone = families_of([look for look in library.labelled if outer(look.clip)])
    found: list[Inner] = []
    for group in sorted({group_of(look.clip, kind) for look in looks}):
        tests = [look for look in looks if group_of(look.clip, kind) == group]
        seen = bank.without(gone | families_of(tests), seed)
        graph_look = {look.clip.name: look for look in seen.labelled}
        out = either(outer, excludes({group}, kind))
        heads = fit_heads(library, recipe, out, recipe.shrinkages)
        graph_heads = fit_graph_heads(seen, recipe, out, recipe.graph_shrinkages)
        for look in tests:
            other = graph_look[look.clip.name].every
            said = [head.logits(look.every) for head in heads]
            found.append(Inner(look.clip.label, said, [head.logits(other) for head in graph_heads]))
    return found


def either(first: LeftOut, second: LeftOut) -> LeftOut:
    """Return the test whether a clip is left out by one of two."""
    return lambda clip: first(clip) or second(clip)


def choose(inner: Sequence[Inner], recipe: Recipe) -> Choice:
    """Choose what reads the clips that were left out inside best."""

    def fused(s: int, g: int, mix: float, stride: int = 1) -> Answers:
        return [(each.features[s][::stride] + mix * each.graph[g][::stride], each.label) for each in inner]

    def score(option: tuple[int, int, float]) -> float:
        found = fused(*option, stride=8)
        return calibrate.loss(found, calibrate.divisor(found, _WARM), _WARM)

    shrinkages, graph_shrinkages = range(len(recipe.shrinkages)), range(len(recipe.graph_shrinkages))
    s, g, mix = min(itertools.product(shrinkages, graph_shrinkages, recipe.mixes), key=score)
    return Choice(recipe.shrinkages[s], recipe.graph_shrinkages[g], mix, calibrate.divisors(fused(s, g, mix)))


def fit(
    library: Library,
    bank: Bank,
    recipe: Recipe,
    groups: set[str],
    choice: Choice,
    kind: Kind,
    seed: int,
    *,
    foreign: Foreign | None = None,
) -> tuple[Fitted, Seen]:
    """Train with what is chosen; groups are left out of everything. Return what the graph network sees as well.

    foreign: what another seed learnt of foreign bodies, which no seed changes.
    """
    left_out = excludes(groups, kind)
    seen = bank.without(families_of([look for look in library.labelled if left_out(look.clip)]), seed)
    (head,) = fit_heads(library, recipe, left_out, [choice.shrinkage])
    (graph_head,) = fit_graph_heads(seen, recipe, left_out, [choice.graph_shrinkage])
    gate = fit_gate(library, head, left_out)
    if foreign is None:
        foreign = fit_foreign(library, head, left_out, float(calibrate.temperatures(choice.table, SETTLED)[-1]))
    return Fitted(head, graph_head, seen.network, choice, gate, library.extractor.whole.numpy(), foreign), seen


def fit_gate(library: Library, head: Head, left_out: LeftOut) -> tuple[Floats, float]:
    """Return the gate: people of both sets against what is no performance."""
    kept = np.array([not left_out(clip) for clip in library.person_clips])
    moving = [look.rows for look in allowed(library.set2, left_out)[::4]]
    people = np.concatenate((library.persons[kept], *moving))
    whole = library.extractor.whole.numpy()
    return strange.fit_gate(head.standard(people)[:, whole], head.standard(library.strangers)[:, whole])


def fit_relative(library: Library, recipe: Recipe, fitted: Fitted, seed: int) -> Relative:
    """Return the answer relative to a performer, stretched to the temperature of the other."""
    clips = [look.clip for look in library.labelled]
    persons = relative.invent(clips, (fitted.head, fitted.graph_head), (library.extractor, fitted.network), seed)
    found = relative.fit(persons, recipe.shape.squash)
    return relative.calibrated(persons, found, fitted.choice.table[-1][1])


def assemble(library: Library, recipe: Recipe, fitted: Fitted, relation: Relative) -> FusedRecogniser:
    """Put the parts into the network that ships."""
    model = FusedRecogniser(recipe.shape)
    model.graph.load_state_dict(fitted.network.state_dict())
    model.features.moments.prior.copy_(library.extractor.moments.prior)
    weight, bias = fitted.gate
    with torch.no_grad():
        model.gate.weight.copy_(torch.from_numpy(weight[None]))
        model.gate.bias.fill_(bias)
    _write(model.feature_readout, fitted.head)
    _write(model.graph_readout, fitted.graph_head)
    model.mix.fill_(fitted.choice.mix)
    receive_foreign(model, fitted.foreign)
    _relate(model, relation)
    return model.eval()


def receive_foreign(model: FusedRecogniser, foreign: Foreign) -> None:
    """Put the answer on foreign bodies into a network."""
    with torch.no_grad():
        model.foreign.centre.copy_(torch.from_numpy(foreign.centre))
        model.foreign.axes.copy_(torch.from_numpy(foreign.axes))
        model.foreign.bounds.copy_(torch.tensor(foreign.bounds))
        model.foreign.head.weight.copy_(torch.from_numpy(foreign.weight))
        model.foreign.head.bias.copy_(torch.from_numpy(foreign.bias))


def _relate(model: FusedRecogniser, relation: Relative) -> None:
    model.usual.own.copy_(torch.from_numpy(relation.own))
    model.usual.moods.copy_(torch.from_numpy(relation.moods))
    model.usual.gain.fill_(relative.GAIN)
    model.usual.halfway.fill_(relative.HALFWAY)
    centre = np.zeros(len(relation.own))
    _write(model.relative, Head(centre, relation.scale, relation.weight, relation.bias, relation.squash))


def _write(readout: Readout, head: Head) -> None:
    with torch.no_grad():
        readout.mean.copy_(torch.from_numpy(head.mean))
        readout.scale.copy_(torch.from_numpy(head.scale))
        readout.head.weight.copy_(torch.from_numpy(head.weight))
        readout.head.bias.copy_(torch.from_numpy(head.bias))
