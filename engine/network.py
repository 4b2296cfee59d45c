"""A trained network as a recogniser: logits in, calibrated readings out."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch

from ..models.occlusion import explain
from ..models.recogniser import FusedRecogniser
from ..models.steppers import EagerStepper, Stepper, choose
from ..models.store import Info, WeightsProblem, feature_set, load_recogniser
from . import baseline as baselines
from .baseline import Baseline
from .errors import WeightsError
from .events import UNKNOWN, Disclosure
from .features import FRAME_SIZE
from .recognise import Evidence, Reading
from .skeleton import Float32

STEPPER: Final = "EMOTUS_STEP"  # environment: eager or lean, for whoever does not want it measured


class NetworkRecogniser:
    """Read emotions with a network of `models`, calibrated by what was measured beside it.

    Probabilities are the softmax of the logits over the temperature for the evidence at hand (Guo et al., On
    Calibration of Modern Neural Networks, 2017). The answer is unknown where the best label is less probable than
    info.unknown_threshold, or where the movement is stranger than info.strange_threshold: noise, a freeze, a T-pose.
    """

    def __init__(self, network: FusedRecogniser, info: Info, stepper: Stepper | None = None) -> None:
        self._network = network
        self._stepper = stepper or EagerStepper(network)
        self._info = info
        self._valence = [info.valence[label] for label in info.labels]
        self._arousal = [info.arousal[label] for label in info.labels]
        last = math.ceil(info.temperatures[-1][0])  # frames; from there on the temperature stays
        self._temperatures = [info.temperature(frames) for frames in range(1, last + 1)]
        self.labels = info.labels
        self.disclosure = Disclosure(info.name, info.sha256)
        self.feature_set = f"{info.name} {feature_set(network)}"

    @property
    def network(self) -> FusedRecogniser:
        """Return the network itself, for those who measure it."""
        return self._network

    def start(self, baseline: Baseline | None = None, *, freeze: bool = False) -> Evidence:
        """Return the evidence of having seen nothing yet of a performer, of whom a baseline may be known.

        freeze: leave the baseline as it is. Raises ProfileError where it belongs to another feature set.
        """
        known = baselines.empty(self.feature_set, self._network.usual.size) if baseline is None else baseline
        baselines.require(known, self.feature_set, self._network.usual.size)
        usual = baselines.to_usual(baselines.freeze(known, frozen=freeze or known.frozen), self._network.usual)
        return Evidence(self._stepper.enter(usual), 0)

    def baseline(self, evidence: Evidence) -> Baseline:
        """Return what has been gathered of what is usual for the performer, to be kept."""
        return baselines.from_usual(self._stepper.usual_of(evidence.state), self.feature_set)

    def frozen(self, evidence: Evidence, *, freeze: bool = True) -> Evidence:
        """Return the evidence with the baseline to be left as it is from here on, or to be followed again."""
        return Evidence(self._stepper.frozen(evidence.state, frozen=freeze), evidence.frames)

    def describe(self, evidence: Evidence) -> Float32:
        """Return the last frame (2 D + 1,): deviations, the same relative to the performer, the weight of evidence."""
        return self._stepper.describe(evidence.state)

    def step(self, frame: Float32, evidence: Evidence) -> tuple[Reading, Evidence]:
        """Read one network frame (90,); return the answer and the evidence that now includes it."""
        ((reading, after),) = self.step_many(frame[None], [evidence])
        return reading, after

    def step_many(self, frames: Float32, evidences: Sequence[Evidence]) -> list[tuple[Reading, Evidence]]:
        """Read one network frame each (n, 90) of n performers together, as `step` reads one."""
        logits, states = self._stepper.step(frames, [each.state for each in evidences])  # (n, K + 1)
        after = [Evidence(state, each.frames + 1) for state, each in zip(states, evidences, strict=True)]
        return [(self.read(row, each.frames), each) for row, each in zip(logits, after, strict=True)]

    def read(self, logits: Float32, frames: int) -> Reading:
        """Turn the K logits and the strangeness (K + 1,) after so many frames into a reading."""
        *scores, odd = logits.tolist()  # plain numbers: on six of them numpy's overhead is all there is
        divisor = self._temperatures[min(frames, len(self._temperatures)) - 1]
        highest = max(scores)
        weights = [math.exp((score - highest) / divisor) for score in scores]
        total = sum(weights)
        probs = [weight / total for weight in weights]
        strange = 1.0 / (1.0 + math.exp(-min(max(odd, -50.0), 50.0)))
        best = probs.index(max(probs))
        is_strange = strange > self._info.strange_threshold
        abstain = is_strange or probs[best] < self._info.unknown_threshold
        return Reading(
            label=UNKNOWN if abstain else self.labels[best],
            probs=dict(zip(self.labels, probs, strict=True)),
            valence=sum(map(operator.mul, probs, self._valence)),
            arousal=sum(map(operator.mul, probs, self._arousal)),
            confidence=probs[best] * (1.0 - strange if is_strange else 1.0),
            abstain=abstain,
        )

    def explain(self, frames: Float32) -> Float32:
        """Return the (21,) share of each joint in the answer to the frames (T, 90), summing to one."""
        divisor = self._temperatures[min(len(frames), len(self._temperatures)) - 1]
        return explain(self._network, torch.as_tensor(frames.copy()), divisor).numpy()


def load(name: str, prefer: str | None = None, *, performers: int = 1) -> NetworkRecogniser:
    """Open a shipped model by name or weights by path, and answer once so that the first live frame is not slow.

    prefer: how the step is to be run, by default as is quickest here for so many performers at once. Raises
    WeightsError naming the file and both hashes where they differ; nothing of the file has been run then.
    """
    try:
        network, info = load_recogniser(name)
    except WeightsProblem as problem:
        raise WeightsError(problem.place, problem.problem, mend=problem.mend) from None
    wish = prefer or os.environ.get(STEPPER)
    try:
        stepper, _ = choose(network, wish, streams=performers)
    except ValueError as problem:
        raise WeightsError(f"{STEPPER}={wish}", str(problem), mend="leave it out, and the quickest is taken") from None
    recogniser = NetworkRecogniser(network, info, stepper)
    recogniser.step(np.zeros(FRAME_SIZE, dtype=np.float32), recogniser.start())
    return recogniser
