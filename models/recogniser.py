"""The recogniser: streaming features and a causal graph network, each with its own answer, added up at the end."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .base import State
from .features import MotionFeatures
from .graph import JOINTS
from .readout import Readout
from .stgcn import Stgcn

_J = len(JOINTS)
GATE_LIMIT = 10.0  # deviations


@dataclass(frozen=True, slots=True)
class Shape:
    """Hold what the network is built from; it stands beside the weights.

    labels: K. rate_hz: frames a second. memories_s: of the features. prior_frames: what their prior weighs. squash:
    deviations beyond about this many are all alike. channels, memory_frames: of the graph network.
    """

    labels: int = 6
    rate_hz: float = 30.0
    memories_s: tuple[float, ...] = (1.0, 3.0)
    prior_frames: float = 5.0
    squash: float = 3.0
    channels: tuple[int, ...] = (16, 32, 32)
    memory_frames: float = 60.0


class FusedRecogniser(nn.Module):
    """Map frames (N, T, 90) to K logits and a strangeness (N, T, K + 1), causally.

    The logits are those read from the features plus `mix` times those read from the graph network. The strangeness,
    read from the whole body's speed, acceleration and jerk and their squares, is the logit of the movement being none
    of a person: noise, a freeze, a T-pose.
    """

    mix: Tensor
    receptive_field = 0
    delay = 0

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.features = MotionFeatures(shape.rate_hz, shape.memories_s, shape.prior_frames)
        self.graph = Stgcn(shape.channels, shape.memory_frames, shape.prior_frames)
        self.feature_readout = Readout(self.features.feature_count, shape.labels, shape.squash)
        self.graph_readout = Readout(self.graph.feature_count, shape.labels, shape.squash)
        self.gate = nn.Linear(2 * len(self.features.whole), 1, dtype=torch.float64)
        self.register_buffer("mix", torch.zeros(1, dtype=torch.float64))

    def fuse(self, features: Tensor, graph: Tensor) -> Tensor:
        """Add both answers up: what the branches see (..., F), (..., G) -> (..., K + 1)."""
        standard = self.feature_readout.standard(features)
        added = self.feature_readout.read(standard) + self.mix * self.graph_readout.forward(graph)
        kinetic = standard.index_select(-1, self.features.whole).clamp(-GATE_LIMIT, GATE_LIMIT)
        strange = self.gate.forward(torch.cat((kinetic, kinetic * kinetic), dim=-1))
        return torch.cat((added, strange), dim=-1).float()

    def forward(self, x: Tensor) -> Tensor:
        """Map sequences (N, T, 90) to (N, T, K + 1)."""
        return self.fuse(self.features.forward(x), self.graph.forward(x))

    def start(self, n: int) -> State:
        """Return the states of both, one after the other: three tensors of the features, then the graph's."""
        return *self.features.start(n), *self.graph.start(n)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Map one frame (N, 90) to (N, K + 1) and the next state."""
        features, next_features = self.features.step(x, state[:3])
        graph, next_graph = self.graph.step(x, state[3:])
        return self.fuse(features, graph), (*next_features, *next_graph)


def explain(model: FusedRecogniser, frames: Tensor) -> Tensor:
    """Return each joint's share (21,), summing to one, in the last answer to the frames (T, 90).

    Gradient times input (Shrikumar et al., 2016): how the lead of the best label over the others would change if the
    joint moved to its place in the mean pose of the training data.
    """
    x = frames[None].clone().requires_grad_()  # (1, T, 90)
    with torch.enable_grad():
        logits = model.forward(x)[0, -1, :-1]
        lead = logits.max() - logits.mean()
        (gradient,) = torch.autograd.grad(lead, x)
    offset = x.detach()[0, :, : _J * 3].reshape(-1, _J, 3) - model.graph.mean[:, :3]
    pulled = (gradient[0, :, : _J * 3].reshape(-1, _J, 3) * offset).sum(dim=(0, 2)).abs()  # (21,)
    known = frames[:, _J * 3 : _J * 4].amax(dim=0)
    shares = torch.nan_to_num(pulled * known, nan=0.0, posinf=0.0)
    total = shares.sum()
    return shares / total if total > 0 else known / known.sum().clamp(min=1.0)
