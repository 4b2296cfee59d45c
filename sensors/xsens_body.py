"""Bring Xsens segments to the body: live frames and MVNX files alike.

In MVN's T-pose every segment's frame is the world's, so that a segment's orientation is how far it has turned from the
T-pose, and an offset between segments, turned back by the upper one, is what it is in the T-pose (PROTOCOLS.md 1.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ..engine import quaternion
from ..engine.body import HEIGHT_M, JOINT_COUNT
from ..engine.errors import SkeletonError
from ..engine.quaternion import Floats
from ..engine.retarget import BodyMotion, Match, Retargeter, match_skeleton
from ..engine.skeleton import Float32, Float64, Skeleton
from ..engine.skeleton_tables import XSENS_NAMES, XSENS_PARENTS
from ..engine.tables import points_skeleton

PELVIS: Final = 0
HEAD: Final = 6
_CENTIMETRES_FROM: Final = 5.0  # from pelvis to head: nobody is so tall in metres, nor so short in centimetres
_UNIT_LENGTH: Final = (0.99, 1.01)  # of an orientation that is one
_SAME: Final = 0.04  # share of the stature by which a bone may differ from the one that was matched


def unit_of(segments: Sequence[int], positions: Float64) -> float | None:
    """Return metres per unit by the way from pelvis to head (S, 3); None where one is lacking or they are in one place.

    MVN's own documents say centimetres, most installations send metres.
    """
    if PELVIS not in segments or HEAD not in segments:
        return None
    length = float(np.linalg.norm(positions[segments.index(HEAD)] - positions[segments.index(PELVIS)]))
    return None if not 0.05 < length < 500.0 else 0.01 if length > _CENTIMETRES_FROM else 1.0


def parents_of(segments: Sequence[int]) -> tuple[int, ...]:
    """Return the place among these segments of each one's nearest ancestor, -1 for none."""
    places = {segment: i for i, segment in enumerate(segments)}
    parents: list[int] = []
    for segment in segments:
        above = XSENS_PARENTS[segment]
        while above >= 0 and above not in places:
            above = XSENS_PARENTS[above]
        parents.append(places.get(above, -1))
    return tuple(parents)


def offsets_of(parents: Sequence[int], positions: Floats, rotations: Floats) -> Float64:
    """Return the offsets (S, 3) of segments from their parents in the T-pose; a root's is its position."""
    above = np.array(parents)
    hangs = above >= 0
    offsets = positions.astype(np.float64)
    bones = positions[hangs] - positions[above[hangs]]
    offsets[hangs] = quaternion.rotate(quaternion.conjugate(rotations[above[hangs]]), bones)
    return offsets


class XsensBody:
    """Place and retarget frames of one performer, whose bones are taken from one frame and its orientations.

    segments: which of the 23 the frames hold, 0 for the pelvis. positions (S, 3), rotations (S, 4) wxyz: that frame.
    null_pose: (23, 3) origins in the T-pose, z up, as MVN tells them, NaN for a segment that it does not tell of; they
    count where their bones are as long as the frame's. unit_m, up: what is told and need not be guessed. Raises
    SkeletonError where it is no frame of a body.
    """

    def __init__(
        self,
        segments: Sequence[int],
        positions: Floats,
        rotations: Floats,
        place: str,
        *,
        null_pose: Float64 | None = None,
        unit_m: float | None = None,
        up: str | None = None,
    ) -> None:
        points, turned = positions.astype(np.float64), rotations.astype(np.float64)
        _check(points, turned, place)
        self._order = sorted(range(len(segments)), key=lambda i: segments[i])  # parents first
        ordered = [segments[i] for i in self._order]
        self._parents = parents_of(ordered)
        points, turned = points[self._order], turned[self._order]
        self.unit_m = unit_m or unit_of(ordered, points)
        self._lengths = _lengths(self._parents, points)
        self._tolerance = _SAME * HEIGHT_M / (self.unit_m or 1.0)
        offsets = offsets_of(self._parents, points, turned)
        if null_pose is not None and up is None:
            offsets = self._told(null_pose[ordered], offsets)
        skeleton = Skeleton(tuple(XSENS_NAMES[i] for i in ordered), self._parents, offsets)
        self.match = match_skeleton(
            skeleton,
            place=place,
            positions=points[None],
            rotations=turned[None],
            up=up,
            unit_m=self.unit_m,
            table="xsens",
        )
        self._retargeter = Retargeter(self.match)
        self._in_order = self._order == list(range(len(segments)))

    def apply(self, positions: Float32, rotations: Float32 | None) -> BodyMotion:
        """Return the body in T frames: positions (T, S, 3) and global rotations (T, S, 4) wxyz as they were sent."""
        if not self._in_order:
            positions = positions[:, self._order]
            rotations = None if rotations is None else rotations[:, self._order]
        return self._retargeter.apply(positions, rotations)

    def _told(self, origins: Float64, offsets: Float64) -> Float64:
        """Return the offsets between origins of a null pose (S, 3), or those given where it is not of this person."""
        told_m = unit_of(range(len(origins)), origins) or 1.0
        told = offsets_of(self._parents, origins * (told_m / (self.unit_m or 1.0)), _still(len(origins)))
        odd = np.abs(np.linalg.norm(told, axis=1) - np.linalg.norm(offsets, axis=1)) > self._tolerance
        upright = abs(told[:, 2]).sum() > abs(told[:, 1]).sum()
        return told if upright and np.isfinite(told).all() and not odd[1:].any() else offsets

    def fits(self, positions: Float32) -> bool:
        """Tell whether the bones of a frame (S, 3) are as long as those matched, and not somebody else's."""
        lengths = _lengths(self._parents, positions[self._order])
        return not (np.abs(lengths - self._lengths) > self._tolerance).any()  # what is no number tells nothing

    def note(self) -> str:
        """Say what was matched, in one line."""
        stature = self.match.rest.stature_m
        return f"{_known(self.match)}, positions in {_unit(self.match)}, a person of {stature:.2f} m"


class XsensPoints:
    """Place and retarget frames without usable orientations: MXTP01, whose axes are the house's, in centimetres."""

    def __init__(self, segments: Sequence[int], positions: Floats, place: str, *, unit_m: float | None = None) -> None:
        points = positions.astype(np.float64)
        names = tuple(XSENS_NAMES[i] for i in segments)
        self.unit_m = unit_m or unit_of(segments, points)
        match = match_skeleton(
            points_skeleton(names), place=place, positions=points[None], up="y", unit_m=self.unit_m, table="xsens"
        )
        self.match = replace(match, rest=replace(match.rest, to_house=np.eye(3)))
        self._retargeter = Retargeter(self.match)

    def apply(self, positions: Float32, _rotations: Float32 | None = None) -> BodyMotion:
        """Return the body, without rotations, in T frames (T, S, 3)."""
        return self._retargeter.apply(positions)

    def fits(self, _positions: Float32) -> bool:
        """Return True: without orientations nobody knows the bones."""
        return True

    def note(self) -> str:
        """Say what was matched, in one line."""
        return f"{_known(self.match)} without orientations, positions in {_unit(self.match)}"


def _known(match: Match) -> str:
    return f"{JOINT_COUNT - len(match.lacking)} of {JOINT_COUNT} joints"


def _unit(match: Match) -> str:
    unit_m = match.rest.unit_m
    return {1.0: "metres", 0.01: "centimetres"}.get(unit_m, f"units of {unit_m:g} m")


def _lengths(parents: Sequence[int], points: Floats) -> Floats:
    """Return the lengths (S,) of the bones to segments (S, 3), 0 where one has no parent."""
    above = np.array(parents)
    return np.where(above < 0, 0.0, np.linalg.norm(points - points[above], axis=1))


def _still(count: int) -> Float64:
    return np.tile(quaternion.IDENTITY, (count, 1))


def _check(points: Float64, turned: Float64, place: str) -> None:
    """Raise SkeletonError for a frame that cannot show anybody's bones."""
    lengths = np.linalg.norm(turned, axis=1)
    low, high = _UNIT_LENGTH
    if not np.isfinite(points).all() or not ((lengths > low) & (lengths < high)).all():
        raise SkeletonError(place, "positions or orientations that are none", mend="calibrate the suit in MVN")
