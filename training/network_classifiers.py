"""Networks on windows under the common face: MotionLSTM, ST-GCN plain and with attention, and the judge."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn

from ..engine.body import BODY, JOINT_NAMES
from ..engine.features import FRAME_SIZE
from ..engine.skeleton import Float32
from ..models.attention_stgcn import WindowStgcn
from ..models.motion_lstm import JudgeLstm, MotionLstm
from .classifier import About, Arrays, Classifier, Settings, refuse_one_class, tempered
from .kinematic import AT, JOINTS
from .network_fit import (
    STRIDE,
    FitRecipe,
    answer,
    fit_network,
    inputs_of,
    mirrored,
    seed_everything,
    standardise,
    weights_of,
    with_weights,
)
from .plain_classifiers import about_of
from .windows import Examples, Floats


def parents_of_sixteen() -> tuple[int, ...]:
    """Return the parent of each of the sixteen joints: the nearest of them on the way to the hips, -1 for these."""
    found: list[int] = []
    for name in JOINTS:
        at = BODY.parents[JOINT_NAMES.index(name)]
        while at >= 0 and JOINT_NAMES[at] not in AT:
            at = BODY.parents[at]
        found.append(AT[JOINT_NAMES[at]] if at >= 0 else -1)
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Network(Classifier):
    """Answer windows by a network."""

    network: nn.Module

    inner: ClassVar[int] = 3
    held_out: ClassVar[bool] = True
    recipe: ClassVar[FitRecipe] = FitRecipe()
    acceleration: ClassVar[bool] = False
    causal: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def build(cls, classes: int) -> nn.Module:
        """Return a network that has learnt nothing."""

    @classmethod
    def fit(cls, data: Examples, seed: int, settings: Settings) -> Self:
        """Train on the windows and their mirror images."""
        known = refuse_one_class(data)
        seed_everything(seed, cls.kind)
        windows = np.concatenate((known.frames, mirrored(known.frames)))
        x = inputs_of(windows, acceleration=cls.acceleration, causal=cls.causal)
        shares = torch.from_numpy(np.tile(known.soft[known.clips], (2, 1)).astype(np.float32))
        network = cls.build(len(data.names))
        standardise(network, x)
        recipe = FitRecipe(**{**vars(cls.recipe), **settings})
        return cls(about_of(cls, data, seed, settings), fit_network(network, x, shares, recipe))

    def log_probs(self, data: Examples) -> Floats:
        """Ask the network."""
        return answer(self.network, inputs_of(data.frames, acceleration=self.acceleration, causal=self.causal))

    def arrays(self) -> Arrays:
        """Return the weights."""
        return weights_of(self.network)

    @classmethod
    def of(cls, about: About, arrays: Arrays) -> Self:
        """Put the weights into a network."""
        return cls(about, with_weights(cls.build(len(about.names)), arrays))


@dataclass(frozen=True, eq=False)
class Lstm(Network):
    """MotionLSTM: places, velocities and accelerations, attention, mixup."""

    kind: ClassVar[str] = "lstm"
    acceleration: ClassVar[bool] = True

    @classmethod
    def build(cls, classes: int) -> nn.Module:
        """Return a MotionLSTM."""
        return MotionLstm(len(JOINTS) * 9, classes)


@dataclass(frozen=True, eq=False)
class AttentionStgcn(Network):
    """The ST-GCN of the document: attention to joints, moments and channels in every block."""

    kind: ClassVar[str] = "stgcn"
    attends: ClassVar[bool] = True
    recipe: ClassVar[FitRecipe] = FitRecipe(mixup=0.0, steps=240, batch=16)

    @classmethod
    def build(cls, classes: int) -> nn.Module:
        """Return four blocks on sixteen joints."""
        return WindowStgcn(parents_of_sixteen(), 6, classes, attends=cls.attends)


@dataclass(frozen=True, eq=False)
class PlainStgcn(AttentionStgcn):
    """The same without attention: the anchor of ACCURACY."""

    kind: ClassVar[str] = "stgcn-plain"
    attends: ClassVar[bool] = False


@dataclass(frozen=True, eq=False)
class Judge(Network):
    """The one-directional LSTM that judges generated motion; it steps exactly, without a window."""

    kind: ClassVar[str] = "judge"
    causal: ClassVar[bool] = True
    recipe: ClassVar[FitRecipe] = FitRecipe(mixup=0.0)

    @classmethod
    def build(cls, classes: int) -> nn.Module:
        """Return a judge of this many labels: thirteen for DIEM-A, as many as the set has otherwise."""
        return JudgeLstm(len(JOINTS) * 6, classes)

    def start(self, n: int) -> Any:
        """Return the state of n streams: the network's, the last frame, the last answer, how many frames were seen."""
        judge: Any = self.network
        classes = len(self.about.names)
        blank = np.zeros((n, FRAME_SIZE), dtype=np.float32)
        return judge.start(n), blank, np.full((n, classes), 1.0 / classes), 0

    def step(self, frame: Float32, state: Any) -> tuple[Floats, Any]:
        """Answer the next frame (N, 90): the network reads every second one, as it learnt to, and keeps its answer."""
        judge: Any = self.network
        inner, last, said, seen = state
        if seen % STRIDE == 0:
            pair = np.stack((last if seen else frame, frame), axis=1)
            x = inputs_of(pair, causal=True, stride=1)[:, 1]  # (N, 2, 96) -> (N, 96)
            with torch.inference_mode():
                logits, inner = judge.step(x, inner)
            said = tempered(torch.log_softmax(logits.double(), dim=1).numpy(), self.about.temperature)
        return said, (inner, frame, said, seen + 1)
