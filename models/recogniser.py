"""The recogniser: streaming features and a causal graph network, each with its own answer, added up at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .base import State
from .baseline import LIMIT, STRIDE, RunningBaseline, Usual, contexts_of
from .features import MotionFeatures
from .foreign import ForeignBody
from .graph import JOINTS
from .readout import Readout
from .stgcn import Stgcn

_J = len(JOINTS)
GATE_LIMIT = 10.0  # deviations
WARM_FRAMES = 30  # a second: the features are those of this movement only then
SEEN = 0.6  # share of the joints


class _Seen(NamedTuple):
    """Hold what a frame was seen to be, before anything is learnt from it; branches: their next states."""

    features: Tensor
    answer: Tensor
    both: Tensor
    usual: Usual
    branches: State


@dataclass(frozen=True, slots=True)
class Shape:
    """Hold what the network is built from; it stands beside the weights.

    labels: K. rate_hz: frames a second. memories_s: of the features. prior_frames: what their prior weighs. squash:
    deviations beyond about this many are all alike. channels, memory_frames: of the graph network.
    baseline_s: time constant of what is usual for the performer. settle_s: seconds until an observation of her counts.
    """

    labels: int = 6
    rate_hz: float = 30.0
    memories_s: tuple[float, ...] = (1.0, 3.0)
    prior_frames: float = 5.0
    squash: float = 3.0
    channels: tuple[int, ...] = (16, 32, 32)
    memory_frames: float = 60.0
    baseline_s: float = 240.0
    settle_s: float = 20.0


class FusedRecogniser(nn.Module):
    """Map frames (N, T, 90) to K logits and a strangeness (N, T, K + 1), causally.

    The logits are those read from the features plus `mix` times those read from the graph network; on a body unlike
    those learnt from, those read from its speeds (`foreign`). As something becomes known of the performer, `relative`,
    which reads the same features as deviations from what is usual for her, takes over; with nothing known it has no
    say. The strangeness, read from the whole body's speed, acceleration and jerk and their squares, is the logit of
    the movement being none of a person: noise, a freeze, a T-pose.
    """

    mix: Tensor
    groups: Tensor
    one_frame: Tensor
    receptive_field = 0
    delay = 0

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.features = MotionFeatures(shape.rate_hz, shape.memories_s, shape.prior_frames)
        self.graph = Stgcn(shape.channels, shape.memory_frames, shape.prior_frames)
        self.feature_readout = Readout(self.features.feature_count, shape.labels, shape.squash)
        self.graph_readout = Readout(self.graph.feature_count, shape.labels, shape.squash)
        self.foreign = ForeignBody(self.features, shape.labels)
        self.gate = nn.Linear(2 * len(self.features.whole), 1, dtype=torch.float64)
        self.register_buffer("mix", torch.zeros(1, dtype=torch.float64))
        size = self.features.feature_count + self.graph.feature_count
        self.usual = RunningBaseline(size, shape.rate_hz, shape.baseline_s, shape.settle_s)
        self.relative = Readout(size, shape.labels, shape.squash)
        self.register_buffer("groups", torch.tensor(self.features.context_columns), persistent=False)
        one_frame = torch.tensor([0.0, 0.0, 1.0, 0.0], dtype=torch.float64)
        self.register_buffer("one_frame", one_frame, persistent=False)
        self._parts = 3, 3 + len(self.graph.start(1))  # where the graph's state ends

    def fuse(self, features: Tensor, graph: Tensor, offset: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Add the answers up: what the branches see (..., F), (..., G) -> answer (..., K + 1), deviations (..., D).

        offset: (..., D) what is usual for the performer. weight: (..., 1) of the answer relative to it.
        """
        standard = self.feature_readout.standard(features)
        other = self.graph_readout.standard(graph)
        raw = self.raw(standard, other)
        both = torch.cat((standard, other), dim=-1).clamp(-LIMIT, LIMIT)
        relative = self.relative.forward(both - offset)
        kinetic = standard.index_select(-1, self.features.whole).clamp(-GATE_LIMIT, GATE_LIMIT)
        strange = self.gate.forward(torch.cat((kinetic, kinetic * kinetic), dim=-1))
        return torch.cat((torch.lerp(raw, relative, weight), strange), dim=-1), both

    def raw(self, standard: Tensor, other: Tensor, foreign: Tensor | None = None) -> Tensor:
        """Return the logits (..., K) of deviations (..., F), (..., G), whatever is usual for the performer.

        foreign: (..., 1) how foreign the body is, where that is known already.
        """
        flat = self.feature_readout.flat(standard)
        known = self.feature_readout.head.forward(flat) + self.mix * self.graph_readout.read(other)
        return torch.lerp(known, self.foreign.forward(flat), self.foreign.share(flat) if foreign is None else foreign)

    def forward(self, x: Tensor) -> Tensor:
        """Map sequences (N, T, 90) to (N, T, K + 1)."""
        features, graph = self.features.forward(x), self.graph.forward(x)
        usual = Usual(*self.usual.start(len(x)))
        answers: list[Tensor] = []
        for first in range(0, x.shape[1], STRIDE):
            part = slice(first, first + STRIDE)
            offset, weight = usual.offset[:, None], usual.known[:, None, 3:]
            answer, both = self.fuse(features[:, part], graph[:, part], offset, weight)
            answers.append(answer.float())
            frames = usual.known.new_full((len(x), 1), first + answer.shape[1])
            usual = usual._replace(known=torch.cat((usual.known[:, :2], frames, usual.known[:, 3:]), dim=1))
            if answer.shape[1] == STRIDE:
                usual = self.learn(
                    x[:, first + STRIDE - 1], features[:, part][:, -1], answer[:, -1], both[:, -1], usual
                )
        return torch.cat(answers, dim=1)

    def start(self, n: int, usual: Usual | None = None) -> State:
        """Return the states of both, then what is usual for each performer: by default, nothing."""
        return *self.features.start(n), *self.graph.start(n), *(usual or self.usual.start(n))

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Map one frame (N, 90) to (N, K + 1) and the next state."""
        if torch.compiler.is_exporting():
            return self.step_in_one(x, state)
        seen = self._see(x, state)
        due = seen.usual.known[:, 2] % STRIDE == 0
        usual = seen.usual
        if bool(due.any()):
            learned = self.learn(x, seen.features, seen.answer, seen.both, usual)
            usual = learned if bool(due.all()) else _where(due, learned, usual)
        return seen.answer.float(), (*seen.branches, *usual)

    def step_in_one(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Do what `step` does with one path, whatever the frame: for other runtimes, and for a graph on a GPU."""
        seen = self._see(x, state)
        due = seen.usual.known[:, 2] % STRIDE == 0
        learned = self.learn(x, seen.features, seen.answer, seen.both, seen.usual)
        return seen.answer.float(), (*seen.branches, *_where(due, learned, seen.usual))

    def _see(self, x: Tensor, state: State) -> _Seen:
        usual = self.usual_of(state)
        features, next_features = self.features.step(x, state[: self._parts[0]])
        graph, next_graph = self.graph.step(x, state[self._parts[0] : self._parts[1]])
        answer, both = self.fuse(features, graph, usual.offset, usual.known[:, 3:])
        usual = usual._replace(known=usual.known + self.one_frame, latest=both)
        return _Seen(features, answer, both, usual, (*next_features, *next_graph))

    def usual_of(self, state: State) -> Usual:
        """Return what is usual for the performers, out of a state."""
        return Usual(*state[self._parts[1] :])

    def frozen(self, state: State, *, frozen: bool) -> State:
        """Return the state with every performer's baseline to be left as it is, or to be followed again."""
        usual = self.usual_of(state)
        known = usual.known.clone()
        known[:, 1] = float(frozen)
        return *state[: self._parts[1]], *usual._replace(known=known)

    def learn(self, x: Tensor, features: Tensor, answer: Tensor, both: Tensor, usual: Usual) -> Usual:
        """Take one frame (N, 90) in, whose answer is (N, K + 1): only a whole body's, moving as people do."""
        seen = x[:, _J * 3 : _J * 4].double().mean(dim=1) >= SEEN
        warm = usual.known[:, 2] >= WARM_FRAMES
        valid = (seen & warm & (answer[:, -1] < 0)).double()
        return self.usual.learn(usual, both, self.contexts(features), valid)

    def contexts(self, features: Tensor) -> Tensor:
        """Return the shares (..., C) of still, walking, gesturing and jumping in features (..., F)."""
        return contexts_of(*features.index_select(-1, self.groups).unbind(-1))

    def describe(self, state: State) -> Tensor:
        """Return the last frame (N, 2 D + 1) for another reader: deviations, the same relative to her, the weight."""
        usual, squash = self.usual_of(state), self.shape.squash
        both = torch.cat((usual.latest, usual.latest - usual.offset), dim=-1)
        return torch.cat((torch.tanh(both / squash) * squash, usual.known[:, 3:]), dim=-1).float()


def _where(due: Tensor, learned: Usual, usual: Usual) -> Usual:
    pairs = zip(learned, usual, strict=True)
    return Usual(*(torch.where(due.view(-1, *[1] * (a.dim() - 1)), a, b) for a, b in pairs))
