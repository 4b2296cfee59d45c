"""From 33 landmarks to the body: joints about the hips, how far each can be trusted, and what speaks against it all."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from ..engine.body import BODY, HEIGHT_M, JOINT_INDEX
from ..engine.clock import NS_PER_S
from ..engine.retarget import Retargeter, match_skeleton
from ..engine.skeleton import Float32
from ..engine.skeleton_tables import MEDIAPIPE_NAMES
from ..engine.tables import points_skeleton
from .sighting import Person

SEEN_FROM: Final = 0.5  # visibility below which a landmark is a guess (PROTOCOLS 7.5): legs out of the picture and such
ROOT_SHARE: Final = 0.6  # the hips' place in the room is estimated, never measured: their confidence says so
DOUBT_SHARE: Final = 0.25  # what is left of every confidence where the body as a whole cannot be right
_DOUBT_S: Final = 1.0  # doubt comes and goes over about so long
_FLAT: Final = 0.04  # depth of a body, as a share of its height, below which it is a picture of a picture
_STATURES_M: Final = (0.8, 2.6)
_STOOD_S: Final = 0.5  # who has been upright for so long may lie down afterwards

_RETARGETER: Final = Retargeter(match_skeleton(points_skeleton(MEDIAPIPE_NAMES), place="webcam"))
_HIPS, _NECK = JOINT_INDEX["Hips"], JOINT_INDEX["Neck"]
_PARENT: Final = np.array([parent for parent, _ in BODY.edges])
_CHILD: Final = np.array([child for _, child in BODY.edges])
_REST_M: Final = np.linalg.norm(BODY.rest_positions[_CHILD] - BODY.rest_positions[_PARENT], axis=1)


def to_body(person: Person) -> tuple[Float32, Float32]:
    """Return positions (21, 3) in house metres about the hips, and confidence (21,).

    A joint made of landmarks of which one is hardly visible (below 0.5) has confidence 0: its place is a guess.
    """
    world = np.nan_to_num(person.world[:, :3], posinf=0.0, neginf=0.0)
    visible = np.nan_to_num(person.world[:, 3], posinf=0.0, neginf=0.0)
    visible = np.where(np.isfinite(person.world).all(axis=1), visible, 0.0)
    positions = _RETARGETER.apply(world[None]).positions[0]  # (21, 3)
    confidence = _RETARGETER.confidence(np.where(visible >= SEEN_FROM, np.clip(visible, 0, 1), 0)[None])[0]
    confidence[_HIPS] *= ROOT_SHARE
    return positions - positions[_HIPS], confidence


class Doubt:
    """Weigh what speaks against a body as a whole, over about a second.

    A picture that stands on its head or lies on its side, a flat figure and a size that no person has all give
    landmarks, and a body that is wrong with every appearance of being right. Then all its confidence is lowered, and a
    person is told why. Lying down counts against it only until she has been seen upright.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the performer."""
        self.why = ""
        self._weights = dict.fromkeys(_REASONS, 0.0)
        self._stood_s = 0.0
        self._t_ns: int | None = None

    def step(self, positions: Float32, confidence: Float32, t_ns: int) -> Float32:
        """Return the confidence (21,) that a body (21, 3) deserves; `why` then tells what speaks against it, or ""."""
        seen = objections(positions, confidence)
        gone_s = _DOUBT_S if self._t_ns is None else max(t_ns - self._t_ns, 0) / NS_PER_S
        share = 1.0 if self._t_ns is None else 1.0 - math.exp(-gone_s / _DOUBT_S)
        self._stood_s += 0.0 if self._t_ns is None or seen & _NOT_UPRIGHT else gone_s
        seen -= {"sideways"} if self._stood_s >= _STOOD_S else set()
        self._t_ns = t_ns
        for reason in _REASONS:
            self._weights[reason] += share * ((reason in seen) - self._weights[reason])
        self.why = "; ".join(text for reason, text in _REASONS.items() if self._weights[reason] > 0.5)
        return confidence * np.float32(DOUBT_SHARE) if self.why else confidence


_REASONS: Final = {
    "upside-down": "the head is below the hips: is the picture upside down? (rotate=180)",
    "sideways": "nobody has stood upright yet: is the picture turned? (rotate=90 or rotate=270)",
    "flat": "the body has no depth: a drawing, a screen or a poster?",
    "size": "the body has a size that no person has",
}
_NOT_UPRIGHT: Final = frozenset(("upside-down", "sideways"))


def objections(positions: Float32, confidence: Float32) -> set[str]:
    """Return what speaks against one body (21, 3), by name; joints of confidence 0 have no say."""
    known = confidence > 0
    if known.sum() < 6:
        return set()
    found: set[str] = set()
    if known[_NECK] and known[_HIPS]:
        trunk = positions[_NECK] - positions[_HIPS]
        if float(trunk[1]) < 0.5 * float(np.linalg.norm(trunk)):  # farther from upright than 60 degrees
            found.add("upside-down" if float(trunk[1]) < -0.5 * float(np.linalg.norm(trunk)) else "sideways")
    extent = np.ptp(positions[known], axis=0)
    if extent[2] < _FLAT * max(float(extent[1]), 0.1):
        found.add("flat")
    both = known[_PARENT] & known[_CHILD]
    if both.sum() >= 6:
        lengths = np.linalg.norm(positions[_CHILD] - positions[_PARENT], axis=1)
        stature_m = HEIGHT_M * float(lengths[both].sum() / _REST_M[both].sum())
        if not _STATURES_M[0] <= stature_m <= _STATURES_M[1]:
            found.add("size")
    return found
