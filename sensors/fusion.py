"""Fuse what several sensors tell of one performer: by time, in one room, each joint from whoever knows it best.

Pure: poses in, poses out, state that is bounded and forgotten by reset. The frames are those of the reference, the
first sensor that tells of a moment within 0.1 s; the others' are interpolated to its moments. A bone is taken from the
sensor that is surest of its end and hung where the body so far ends, so that bones stay whole. Where the surest sensor
changes, the body goes on from where it was and the difference fades (Bollo, Inertialization, GDC 2018).
"""

from __future__ import annotations

import math
from bisect import insort
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine import quaternion
from ..engine.body import BODY, JOINT_COUNT
from ..engine.clock import NS_PER_MS, NS_PER_S
from ..engine.pose import Pose
from ..engine.quaternion import Floats
from ..engine.skeleton import Float32
from .fusion_align import Alignment

BRIDGED_NS: Final = 100 * NS_PER_MS  # between two poses of a sensor at most, to interpolate; so long a frame waits too
SILENT_NS: Final = 200 * NS_PER_MS  # a sensor that is silent so long is out
FADE_S: Final = 0.25  # in which a difference shrinks to a third where another sensor takes over
MARGIN: Final = 0.1  # of confidence by which another sensor must be surer to take a joint over
_HELD: Final = 256  # poses of one sensor: a second at 240 Hz
_NEVER: Final = -(1 << 62)
_JOINTS: Final = np.arange(JOINT_COUNT)


@dataclass(frozen=True, slots=True)
class _Moment:
    """Hold what one sensor tells of one moment, in the first sensor's room; confidence (21,) is 0 for the unknown."""

    positions: Floats
    confidence: Float32
    rotations: Floats | None


class _Source:
    """Hold the last poses of one sensor and how its world lies in the reference's."""

    def __init__(self) -> None:
        self.poses: deque[Pose] = deque(maxlen=_HELD)
        self.alignment = Alignment()

    @property
    def last_ns(self) -> int:
        return self.poses[-1].t_ns if self.poses else _NEVER

    def at(self, t_ns: int) -> Pose | None:
        """Return the sensor's pose at a moment: interpolated, or the nearest where that is within 0.1 s; None."""
        before = after = None
        for pose in reversed(self.poses):
            if pose.t_ns <= t_ns:
                before = pose
                break
            after = pose
        if before is not None and before.t_ns == t_ns:
            return before
        if before is not None and after is not None and after.t_ns - before.t_ns <= BRIDGED_NS:
            return _between(before, after, t_ns)
        near = [pose for pose in (before, after) if pose is not None and abs(pose.t_ns - t_ns) <= BRIDGED_NS]
        return min(near, key=lambda pose: abs(pose.t_ns - t_ns), default=None)


def _between(a: Pose, b: Pose, t_ns: int) -> Pose:
    """Interpolate two poses; a joint is as sure as the less sure of both."""
    share = (t_ns - a.t_ns) / (b.t_ns - a.t_ns)
    positions = (a.positions + np.float32(share) * (b.positions - a.positions)).astype(np.float32)
    rotations = None
    if a.rotations is not None and b.rotations is not None:
        rotations = quaternion.slerp(a.rotations, b.rotations, np.full(JOINT_COUNT, share, np.float32)).astype(
            np.float32
        )
    return Pose(a.stream, a.seq, t_ns, positions, np.minimum(a.confidence, b.confidence), rotations, travels=a.travels)


class Fuser:
    """Fuse the poses of `count` sensors of one performer into a stream; reset forgets."""

    def __init__(self, count: int, stream: str) -> None:
        self._count = count
        self._stream = stream
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._sources = [_Source() for _ in range(self._count)]
        self._waiting: list[tuple[int, Pose, int]] = []  # (sensor, pose, when it came) by their moments, at most _HELD
        self._ended = [False] * self._count
        self._last: _Moment | None = None
        self._last_ns = -1
        self._owner: NDArray[np.intp] | None = None  # (21,) whose joint it was
        self._hung = np.ones(JOINT_COUNT, dtype=np.bool_)  # which bones hang from the body so far
        self._off = np.zeros((JOINT_COUNT, 3))
        self._turned_off = np.tile(quaternion.IDENTITY, (JOINT_COUNT, 1))
        self._seq = 0
        self._counts: Counter[str] = Counter()

    @property
    def counters(self) -> Mapping[str, int]:
        """Return how many joints changed their sensor, and how many poses told nothing new."""
        return dict(self._counts)

    @property
    def headings_deg(self) -> Sequence[float | None]:
        """Return by how much each sensor's world is turned against the reference's; None where nobody knows."""
        return [each.alignment.heading_deg if each.alignment.known else None for each in self._sources]

    def push(self, sensor: int, pose: Pose, now_ns: int) -> list[Pose]:
        """Take in a pose of one sensor that came at now_ns; return the frames that can be fused."""
        source = self._sources[sensor]
        if pose.t_ns <= source.last_ns:
            self._counts["dropped_late"] += 1
            return []
        source.poses.append(pose)
        insort(self._waiting, (sensor, pose, now_ns), key=lambda each: (each[1].t_ns, each[0]))
        if len(self._waiting) > _HELD:
            self._waiting.pop(0)
            self._counts["dropped_backlog"] += 1
        return self.settle(now_ns)

    def end(self, sensor: int) -> None:
        """Note that a sensor will say no more: nobody waits for it."""
        self._ended[sensor] = True

    def settle(self, now_ns: int) -> list[Pose]:
        """Return the frames that can be fused now, as every other sensor has told of them or has had 0.1 s to."""
        return list(self._settled(now_ns))

    def _settled(self, now_ns: int) -> Iterator[Pose]:
        while self._waiting:
            sensor, pose, came_ns = self._waiting[0]
            if pose.t_ns <= self._last_ns or self._is_told(sensor, pose.t_ns):
                self._waiting.pop(0)
            elif self._complete(sensor, pose.t_ns) or now_ns - came_ns >= BRIDGED_NS:
                self._waiting.pop(0)
                yield self._fuse(sensor, pose)
            else:
                return

    def _alive(self, sensor: int, t_ns: int) -> bool:
        """Tell whether a sensor has told something within 0.2 s before a moment, or after it."""
        return t_ns - self._sources[sensor].last_ns <= SILENT_NS

    def _is_told(self, sensor: int, t_ns: int) -> bool:
        """Tell whether an earlier sensor, while it is alive, makes a frame of this one's needless or unplaceable."""
        before = range(sensor)
        if any(self._sources[i].last_ns >= t_ns for i in before):
            return True
        return not self._sources[sensor].alignment.known and any(self._alive(i, t_ns) for i in before)

    def _complete(self, sensor: int, t_ns: int) -> bool:
        """Tell whether every other sensor that is alive has told what follows a moment."""
        others = (i for i in range(self._count) if i != sensor and not self._ended[i] and self._alive(i, t_ns))
        return all(self._sources[i].last_ns >= t_ns for i in others)

    def _fuse(self, sensor: int, pose: Pose) -> Pose:
        t_ns = pose.t_ns
        moments = self._moments(sensor, pose)
        owner = self._owners(moments)
        target, hung = _join(moments, owner)
        fused = self._eased(target, owner, hung, t_ns)
        self._owner, self._hung, self._last, self._last_ns = owner, hung, fused, t_ns
        seq, self._seq = self._seq, (self._seq + 1) % 2**32
        rotations = None if fused.rotations is None else fused.rotations.astype(np.float32)
        positions = fused.positions.astype(np.float32)
        travels = any(self._travels(i) for i in moments)
        return Pose(self._stream, seq, t_ns, positions, fused.confidence, rotations, travels=travels)

    def _travels(self, sensor: int) -> bool:
        return bool(self._sources[sensor].poses) and self._sources[sensor].poses[-1].travels

    def _moments(self, sensor: int, pose: Pose) -> dict[int, _Moment]:
        """Return what each sensor tells of the reference's moment, in the first sensor's room."""
        moments: dict[int, _Moment] = {}
        own = self._sources[sensor].alignment
        for i, source in enumerate(self._sources):
            told = pose if i == sensor else source.at(pose.t_ns)
            if told is None:
                continue
            if i != sensor:
                self._align(sensor, own, pose, i, told)
            if i == 0 or i == sensor or source.alignment.known:
                moments[i] = _placed(told, source.alignment, still=i == 0)
        return moments

    def _align(self, sensor: int, own: Alignment, pose: Pose, other: int, told: Pose) -> None:
        """Learn how another sensor lies to the reference, which itself may lie somehow to the first."""
        if other == 0:
            return
        ours = pose.positions if sensor == 0 else own.apply(pose.positions).astype(np.float32)
        if sensor != 0 and not own.known:
            return
        weights = np.minimum(pose.confidence, told.confidence)
        both = pose.travels and told.travels
        self._sources[other].alignment.learn(ours, told.positions, weights, pose.t_ns, travels=both)

    def _owners(self, moments: Mapping[int, _Moment]) -> NDArray[np.intp]:
        """Return for each joint (21,) the sensor that tells it, who keeps it until another is surer by MARGIN."""
        sure = np.zeros((self._count, JOINT_COUNT))
        for i, moment in moments.items():
            sure[i] = moment.confidence
        best = sure.argmax(axis=0)
        if self._owner is None:
            return best
        keeps = (sure[self._owner, _JOINTS] > 0) & (sure[best, _JOINTS] <= sure[self._owner, _JOINTS] + MARGIN)
        owner = np.where(keeps, self._owner, best)
        unknown = sure.max(axis=0) == 0
        owner = np.where(unknown, self._owner, owner)
        self._counts["handed_over"] += int((owner != self._owner).sum())
        return owner

    def _eased(self, target: _Moment, owner: NDArray[np.intp], hung: NDArray[np.bool_], t_ns: int) -> _Moment:
        """Return the target, moved on from where the body was where joints changed hands; the difference fades."""
        last = self._last
        passed_s = (t_ns - self._last_ns) / NS_PER_S
        if last is None or self._owner is None or passed_s > SILENT_NS / NS_PER_S:
            self._off[:] = 0.0
            self._turned_off[:] = quaternion.IDENTITY
            return target
        fade = math.exp(-passed_s / FADE_S)
        self._off *= fade
        self._turned_off = quaternion.slerp(
            np.broadcast_to(quaternion.IDENTITY, (JOINT_COUNT, 4)), self._turned_off, np.full(JOINT_COUNT, fade)
        ).astype(np.float64)
        changed = (owner != self._owner) | (hung != self._hung)
        if changed.any():  # all that hangs from a joint that changed hands moves with it
            self._off = np.where(_below(changed)[:, None], last.positions - target.positions, self._off)
        rotations = target.rotations
        if rotations is not None:
            if last.rotations is not None and changed.any():
                jump = quaternion.multiply(last.rotations, quaternion.conjugate(rotations))
                self._turned_off = np.where(changed[:, None], jump, self._turned_off).astype(np.float64)
            rotations = quaternion.normalise(quaternion.multiply(self._turned_off, rotations))
        return _Moment(target.positions + self._off, target.confidence, rotations)


def _below(changed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the joints (21,) that hang from a changed one, themselves among them."""
    out = changed.copy()
    for joint, parent in enumerate(BODY.parents):
        if parent >= 0 and out[parent]:
            out[joint] = True
    return out


def _placed(pose: Pose, alignment: Alignment, *, still: bool) -> _Moment:
    """Return a pose in the first sensor's room; the hips' rotation, which is the only global one, is turned too."""
    if still or not alignment.known:
        rotations = None if pose.rotations is None else pose.rotations.astype(np.float64)
        return _Moment(pose.positions.astype(np.float64), pose.confidence, rotations)
    rotations = None
    if pose.rotations is not None:
        rotations = pose.rotations.astype(np.float64)
        rotations[0] = quaternion.multiply(alignment.heading, rotations[0])
    return _Moment(alignment.apply(pose.positions.astype(np.float64)), pose.confidence, rotations)


def _join(moments: Mapping[int, _Moment], owner: NDArray[np.intp]) -> tuple[_Moment, NDArray[np.bool_]]:
    """Build the body: each bone from its joint's owner, hung where the body so far ends; return which (21,) are hung.

    Where the owner does not know where the bone begins, its end alone is taken, at its own place.
    """
    fallback = next(iter(moments.values()))
    positions, confidence = np.zeros((JOINT_COUNT, 3)), np.zeros(JOINT_COUNT, dtype=np.float32)
    hung = np.ones(JOINT_COUNT, dtype=np.bool_)
    whole = all(moment.rotations is not None for moment in moments.values())
    rotations = np.tile(quaternion.IDENTITY, (JOINT_COUNT, 1)) if whole else None
    for joint, parent in enumerate(BODY.parents):
        moment = moments.get(int(owner[joint]), fallback)
        confidence[joint] = moment.confidence[joint]
        hung[joint] = parent >= 0 and (moment.confidence[parent] > 0 or confidence[joint] == 0)
        base = positions[parent] - moment.positions[parent] if hung[joint] else 0.0
        positions[joint] = moment.positions[joint] + base
        if rotations is not None and moment.rotations is not None:
            rotations[joint] = moment.rotations[joint]
    return _Moment(positions, confidence, rotations), hung
