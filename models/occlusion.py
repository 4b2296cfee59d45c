"""Which joints carried an answer: how far it falls where each of them is lost, worked out without asking 21 times.

Occlusion (Zeiler and Fergus, 2014), by the joint. A lost joint takes whole features with it, which go back to what
stands in where nothing is known; so the feature branch needs one pass, whoever is lost. The graph network runs on all
21 bodies at once, on every second frame, where it is nearly the same function.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from .graph import JOINTS
from .recogniser import FusedRecogniser
from .stgcn import STRIDE

_J: Final = len(JOINTS)
_KNOWN: Final = slice(_J * 3, _J * 4)


def explain(model: FusedRecogniser, frames: Tensor, divisor: float = 1.0) -> Tensor:
    """Return each joint's share (21,), summing to one, in the last answer to the frames (T, 90).

    A share is by how much the probability of the best label falls where a sensor loses that joint, as a part of all
    such falls; joints without which the answer rises have none. divisor: of the logits, the temperature. What is usual
    for the performer is left out.
    """
    with torch.inference_mode():
        probs = torch.softmax(_answers(model, frames) / divisor, dim=-1)  # (22, K)
        best = probs[0].argmax()
        known = frames[:, _KNOWN].amax(dim=0)
        falls = torch.nan_to_num((probs[0, best] - probs[1:, best]).clamp(min=0.0).float() * known)
        total = falls.sum()
        return falls / total if total > 0 else known / known.sum().clamp(min=1.0)


def _answers(model: FusedRecogniser, frames: Tensor) -> Tensor:
    """Return the logits (22, K) of the last frame: of the whole body, then of the body without each joint."""
    standard = model.feature_readout.standard(_features(model, frames))
    graph = model.graph_readout.standard(_graph(model, frames))
    foreign = model.foreign.share(model.feature_readout.flat(standard[:1]))  # a lost joint makes no other body
    return model.raw(standard, graph, foreign)


def _features(model: FusedRecogniser, frames: Tensor) -> Tensor:
    """Return the features (22, F) of the last frame; exactly those of 22 bodies."""
    branch = model.features
    whole = branch.forward(frames[None])[0, -1:]  # (1, F)
    memories = len(branch.moments.keep)
    nothing = branch.finish(branch.moments.prior.expand(memories, -1))  # (F,)
    return torch.where(_untouched(model), whole, nothing)


def _untouched(model: FusedRecogniser) -> Tensor:
    """Return which features (22, F) are left where nothing, or one joint, is lost."""
    branch = model.features
    bodies = torch.zeros(_J + 1, _J * 4 + 6, dtype=torch.float64)
    bodies[:, _KNOWN] = 1.0 - torch.cat((torch.zeros(1, _J), torch.eye(_J)))
    bodies[:, -1] = 1.0
    _, valid = branch.observe(bodies, [bodies[:, : _J * 4]] * 4)  # (22, U)
    s, k = branch.static_count, branch.kinetic_count
    static, kinetic = valid[:, :s], valid[:, 2 * s : 2 * s + k]
    row = torch.cat((static, static, kinetic, kinetic, kinetic), dim=-1)  # as MotionFeatures.finish lays them out
    return row.repeat(1, len(branch.moments.keep)) > 0


def _graph(model: FusedRecogniser, frames: Tensor) -> Tensor:
    """Return what the graph network makes (22, G) of the last frame."""
    thinned = frames[(len(frames) - 1) % STRIDE :: STRIDE]
    bodies = thinned.repeat(_J + 1, 1, 1)  # (22, T / STRIDE, 90)
    lost = torch.eye(_J)[:, None]
    bodies[1:, :, _KNOWN] *= 1.0 - lost
    branch = model.graph
    seen = branch.observe(branch.embed(bodies, STRIDE)).repeat_interleave(STRIDE, dim=1)[:, -len(frames) :]
    return branch.finish(branch.moments.forward(seen, torch.ones_like(seen))[:, -1])
