"""Masking: joints that cannot be where they are said to be get confidence 0 and a believable place instead."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .body import BODY, JOINT_COUNT
from .clock import NS_PER_S
from .pose import Pose
from .skeleton import Float32

Bools = NDArray[np.bool_]

_PARENT: Final = np.array([parent for parent, _ in BODY.edges])
_CHILD: Final = np.array([child for _, child in BODY.edges])
_REST: Final = (BODY.rest_positions - BODY.rest_positions[0]).astype(np.float32)  # (21, 3) about the hips
_IDENTITY: Final = np.array([1, 0, 0, 0], dtype=np.float32)
_EVERY: Final = 8  # frames between two looks at the bone lengths: they change with the performer, not with the frame
_LITTLE_M: Final = 0.05  # a step along each axis that by itself takes no joint off its bones
_DIAGONAL: Final = math.sqrt(3)
_DRIFT: Final = np.float32(0.02)  # step of the running median of a bone length


def _incidence() -> tuple[Float32, Float32]:
    """Return (20, 21) matrices: bone vectors from joint positions, and which joints a bone ends in."""
    vectors = np.zeros((len(_CHILD), JOINT_COUNT), dtype=np.float32)
    rows = np.arange(len(_CHILD))
    vectors[rows, _CHILD], vectors[rows, _PARENT] = 1.0, -1.0
    return vectors, np.abs(vectors)


_BONES, _ENDS = _incidence()
_DEGREE: Final = _ENDS.sum(axis=0)
_REST_LENGTHS: Final = np.linalg.norm(_BONES @ _REST, axis=1).astype(np.float32)


class Mask:
    """Make the poses of one performer finite and believable; nothing given is written to.

    reach_m: 1000, as beyond it float32 is too coarse for a finger. speed_m_s: 30, as the fastest hands that throw a
    ball reach 25, and margin_m on top, as times stamped on arrival bunch up. A bone may be off its running median by
    `slack`, or by slack_m where it is short: webcam skeletons breathe by a third.

    A joint whose place is not finite, too far, too fast or at the wrong end of a bone keeps its last good place
    relative to the hips, with confidence 0; a rotation that is not finite or zero keeps its last good value, and others
    are made unit.

    A pose whose hips or most known joints are bad cannot be mended.
    """

    def __init__(
        self,
        *,
        reach_m: float = 1000.0,
        speed_m_s: float = 30.0,
        margin_m: float = 0.25,
        slack: float = 0.5,
        slack_m: float = 0.1,
    ) -> None:
        self._reach_m = reach_m
        self._speed_m_s = speed_m_s
        self._margin_m = margin_m
        self._slack = np.float32(slack)
        self._slack_m = np.float32(slack_m)
        self.reset()

    def reset(self) -> None:
        """Forget the performer and the count."""
        self.joints = 0
        self._frames = 0
        self.restart(same_performer=False)

    def restart(self, *, same_performer: bool) -> None:
        """Forget where the joints were, and how long the bones are where it may be someone else."""
        if not same_performer:
            self._lengths: Float32 | None = None
            self._longest = _REST_LENGTHS
        self._last: Float32 | None = None
        self._last_ns = 0
        self._good_ns: NDArray[np.int64] | None = None  # per joint, where that differs from _last_ns
        self._rotations: Float32 | None = None
        self._known_bytes = b""

    def clean(self, pose: Pose) -> Pose | None:
        """Return the pose itself where nothing is wrong, a mended copy where something is, None where it is useless."""
        if not self._fine(pose):
            with np.errstate(all="ignore"):
                return self._mend(pose)
        self._note(pose.positions, pose.t_ns)
        self._good_ns = None
        return self._turn(pose)

    def _fine(self, pose: Pose) -> bool:
        """Tell whether every joint is finite, near, no faster than a body and at the end of its bones.

        Where no joint moved far the bones are looked at now and then only: a joint off its bones has jumped there.
        """
        last = self._last
        if last is None or self._lengths is None or not self._confidence_known(pose.confidence):
            return False
        positions = pose.positions
        moved = positions - last
        farthest_m = max(moved.max(), -moved.min())  # along one axis; NaN where anything is
        allowed_m = self._speed_m_s * (pose.t_ns - self._last_ns) / NS_PER_S + self._margin_m
        if not farthest_m * _DIAGONAL <= allowed_m:
            return False
        look = self._frames % _EVERY == 0
        if farthest_m <= _LITTLE_M and not look and self._good_ns is None:
            return True
        off = _lengths(positions) - self._lengths
        off *= self._per_slack
        if not (off.dot(off) < 1.0 or (off.max() < 1.0 and off.min() > -1.0)):
            return False
        return not look or bool(max(positions.max(), -positions.min()) < self._reach_m)

    def _confidence_known(self, confidence: Float32) -> bool:
        """Tell whether confidence is sound; take in which bones have two known ends, where that has changed."""
        as_bytes = confidence.tobytes()
        if as_bytes == self._known_bytes:
            return True
        if not (confidence.min() >= 0.0 and confidence.max() <= 1.0):
            return False
        self._known_bytes = as_bytes
        self._known = confidence > 0
        self._weigh()
        return True

    def _weigh(self) -> None:
        """Set by how much a bone may be off; bones with an unknown end may be off by anything."""
        if self._lengths is not None:
            both = self._known[_PARENT] & self._known[_CHILD]
            self._per_slack = both / np.maximum(self._lengths * self._slack, self._slack_m)  # (20,)

    def _note(self, positions: Float32, t_ns: int) -> None:
        """Remember where the joints are, and now and then how long the bones."""
        self._last = positions
        self._last_ns = t_ns
        self._frames += 1
        if self._frames % _EVERY == 0:
            self._learn(_lengths(positions))

    def _learn(self, lengths: Float32) -> None:
        """Move the running median of each bone by one step towards its length now."""
        if self._lengths is None:
            return
        drifted = self._lengths * (1 + _DRIFT * np.sign(lengths - self._lengths))
        self._lengths = np.minimum(drifted, self._longest)
        self._weigh()

    # What follows runs only where something looks wrong, at the very first pose and after confidence turned bad.

    def _mend(self, pose: Pose) -> Pose | None:
        sound = np.isfinite(pose.confidence)  # (21,)
        confidence = np.where(sound, np.clip(pose.confidence, 0, 1), 0).astype(np.float32)
        self._confidence_known(confidence)
        near: Bools = sound & np.all(np.abs(pose.positions) < self._reach_m, axis=1)
        if not near[0]:
            return None
        positions = np.where(near[:, None], pose.positions, self._expected(pose.positions[0]))
        bad = ~near | self._too_fast(positions, pose.t_ns) | self._misplaced(positions, near & self._known)
        given = self._known | ~sound
        bad_given = int((bad & given).sum())
        if bad[0] or 2 * bad_given > int(given.sum()):
            return None
        self.joints += bad_given
        good_ns = np.full(JOINT_COUNT, self._last_ns) if self._good_ns is None else self._good_ns
        self._good_ns = np.where(bad, good_ns, pose.t_ns)
        if bad.any():
            positions = np.where(bad[:, None], self._expected(pose.positions[0]), pose.positions).astype(np.float32)
            confidence = np.where(bad, np.float32(0), confidence)
            pose = replace(pose, positions=positions, confidence=confidence)
        elif confidence.tobytes() != pose.confidence.tobytes():
            pose = replace(pose, confidence=confidence)
        self._note(pose.positions, pose.t_ns)
        return self._turn(pose)

    def _expected(self, root: Float32) -> Float32:
        """Return where the joints (21, 3) were about the hips when last seen, or are at rest, now about `root`."""
        return root + (_REST if self._last is None else self._last - self._last[0])

    def _too_fast(self, positions: Float32, t_ns: int) -> Bools:
        """Tell which joints moved faster than a body since they were last good."""
        if self._last is None:
            return np.zeros(JOINT_COUNT, dtype=np.bool_)
        since_ns = self._last_ns if self._good_ns is None else self._good_ns
        allowed_m = self._speed_m_s * np.asarray(t_ns - since_ns) / NS_PER_S + self._margin_m
        return np.linalg.norm(positions - self._last, axis=1) > allowed_m

    def _misplaced(self, positions: Float32, known: Bools) -> Bools:
        """Tell which joints have to move, as few as possible, for every bone to have its length."""
        lengths = _lengths(positions)
        both = known[_PARENT] & known[_CHILD]
        if self._lengths is None:
            self._lengths, self._longest = _first_lengths(lengths, both)
            self._weigh()
        else:
            self._learn(np.where(both, lengths, self._lengths).astype(np.float32))
        off = both & (np.abs(lengths - self._lengths) > np.maximum(self._lengths * self._slack, self._slack_m))
        return _blame(off) if off.any() else np.zeros(JOINT_COUNT, dtype=np.bool_)

    def _turn(self, pose: Pose) -> Pose:
        """Return the pose with every rotation finite and of unit length."""
        rotations = pose.rotations
        if rotations is None:
            return pose
        off = np.einsum("ij,ij->i", rotations, rotations)
        off -= 1.0
        if off.dot(off) < 1e-6:  # false for NaN
            self._rotations = rotations
            return pose
        with np.errstate(all="ignore"):
            self._rotations, bad = _unit(rotations, self._rotations)
        self.joints += bad
        return replace(pose, rotations=self._rotations)


def _lengths(positions: Float32) -> Float32:
    """Return the lengths (20,) of the bones of positions (21, 3), in metres."""
    bones = _BONES.dot(positions)  # (20, 3)
    return np.sqrt(np.einsum("ij,ij->i", bones, bones))


def _first_lengths(lengths: Float32, both: Bools) -> tuple[Float32, Float32]:
    """Return bone lengths (20,) to start from and how long they may ever become.

    Where a bone is far too long beside the others, its length is what the proportions of bodies say.
    """
    seen = both & (_REST_LENGTHS > 0)
    scale = float(np.median(lengths[seen] / _REST_LENGTHS[seen])) if seen.any() else 1.0
    usual = _REST_LENGTHS * np.float32(scale)
    longest = 3 * usual + np.float32(0.3)  # skeletons share a trunk out between its bones in many ways
    return np.where(~both | (lengths > longest), usual, lengths).astype(np.float32), longest


def _blame(off: Bools) -> Bools:
    """Return a small set of joints (21,) that touches every bone that is off: most bones first, then leaves first."""
    bad = np.zeros(JOINT_COUNT, dtype=np.bool_)
    left = off.astype(np.float32)  # (20,)
    while left.any():
        count = left @ _ENDS  # (21,)
        joint = JOINT_COUNT - 1 - int(np.argmax((count + 0.5 * count / _DEGREE)[::-1]))
        bad[joint] = True
        left *= 1 - _ENDS[:, joint]
    return bad


def _unit(rotations: Float32, last: Float32 | None) -> tuple[Float32, int]:
    """Return rotations (21, 4) of unit length, those that are none replaced by the last ones, and how many were."""
    norms = np.linalg.norm(rotations.astype(np.float64), axis=1, keepdims=True)  # (21, 1)
    good = np.isfinite(norms) & (norms > 1e-6)
    fallback = np.broadcast_to(_IDENTITY, rotations.shape) if last is None else last
    return np.where(good, rotations / norms, fallback).astype(np.float32), int((~good).sum())
