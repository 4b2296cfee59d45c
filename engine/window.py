"""Poses between poses: interpolated at a moment, or averaged over a window of time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .pose import Pose
from .skeleton import Float32


def align(pose: Pose, last: Pose) -> Pose:
    """Return the pose with the sign of each rotation chosen nearest to that of the last: q and -q turn alike."""
    rotations, before = pose.rotations, last.rotations
    if rotations is None or before is None:
        return pose
    alike = np.einsum("ij,ij->i", rotations, before)  # (21,)
    if alike.min() >= 0:
        return pose
    return replace(pose, rotations=np.where(alike[:, None] < 0, -rotations, rotations))


def between(a: Pose, b: Pose, t_ns: int, seq: int, *, interpolated: bool) -> Pose:
    """Return the pose at t_ns on the way from a to b; outside, the nearer of the two."""
    b = align(b, a)
    share = min(max((t_ns - a.t_ns) / (b.t_ns - a.t_ns), 0.0), 1.0)
    rotations = None
    if a.rotations is not None and b.rotations is not None:
        rotations = _unit(_on_the_way(a.rotations, b.rotations, share))
    return Pose(
        b.stream,
        seq,
        t_ns,
        _on_the_way(a.positions, b.positions, share),
        _least(a.confidence, b.confidence),
        rotations,
        b.travels,
        interpolated or b.interpolated,
    )


class BoxAverage:
    """Average what lies in a window of time of a motion known at its poses and straight between them.

    Exact whatever the times of the poses: the integral of the straight lines over the window, by its length. Rotations
    must be aligned from pose to pose; their average is the chordal one (Markley et al., Averaging quaternions, 2007) to
    second order in the angles between them.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Start a new window."""
        self._pose: Pose | None = None  # the pose whose weight is still growing
        self._pose_weight = 0.0
        self._weight = 0.0
        self._positions: Float32 | None = None
        self._rotations: Float32 | None = None
        self._confidence: Float32 | None = None
        self._interpolated = False

    def add(self, a: Pose, b: Pose, from_ns: int, to_ns: int, *, missing: bool) -> None:
        """Take in the part of the way from a to b that lies in the window."""
        low_ns, high_ns = max(a.t_ns, from_ns), min(b.t_ns, to_ns)
        weight = float(high_ns - low_ns)
        if weight <= 0:
            return
        share = ((low_ns + high_ns) / 2 - a.t_ns) / (b.t_ns - a.t_ns)  # how far the middle of the part is on the way
        self._weigh(a, weight * (1 - share))
        self._weigh(b, weight * share)
        self._confidence = _least(b.confidence, a.confidence if self._confidence is None else self._confidence)
        self._weight += weight
        self._interpolated |= missing or b.interpolated

    def _weigh(self, pose: Pose, weight: float) -> None:
        """Let a pose count by so much more."""
        if self._pose is not pose:
            self._sum_up()
            self._pose, self._pose_weight = pose, 0.0
        self._pose_weight += weight

    def _sum_up(self) -> None:
        pose = self._pose
        if pose is not None:
            self._positions = _plus(self._positions, pose.positions, self._pose_weight)
            if pose.rotations is not None:
                self._rotations = _plus(self._rotations, pose.rotations, self._pose_weight)

    def take(self, pose: Pose, t_ns: int, seq: int) -> Pose:
        """Return the average as a pose at t_ns, otherwise like `pose`, and start a new window."""
        self._sum_up()
        if self._positions is None or self._confidence is None:
            return replace(pose, t_ns=t_ns, seq=seq)
        self._positions /= self._weight
        rotations = None if self._rotations is None else _unit(self._rotations)
        made = Pose(
            pose.stream,
            seq,
            t_ns,
            self._positions,
            self._confidence,
            rotations,
            pose.travels,
            self._interpolated,
        )
        self.clear()
        return made


def _on_the_way(a: Float32, b: Float32, share: float) -> Float32:
    """Return what lies at a share of the way from a to b."""
    way = b - a
    way *= share
    way += a
    return way


def _plus(total: Float32 | None, part: Float32, weight: float) -> Float32:
    """Return total + part * weight; total is altered."""
    weighed: Float32 = np.multiply(part, np.float32(weight))
    if total is None:
        return weighed
    total += weighed
    return total


def _least(a: Float32, b: Float32) -> Float32:
    return a if a is b else np.minimum(a, b)


def _unit(rotations: Float32) -> Float32:
    """Return rotations (21, 4) made unit; opposite ones that cancelled out are the identity."""
    norms = np.sqrt(np.einsum("ij,ij->i", rotations, rotations))[:, None]  # (21, 1)
    if norms.min() > 1e-6:
        return rotations / norms
    identity = np.array([1, 0, 0, 0], dtype=np.float32)
    return np.where(norms > 1e-6, rotations / np.maximum(norms, 1e-6), identity)
