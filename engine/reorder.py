"""Order: poses by their counter, each once, without holding up those that come as they should."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from .buffers import BufferStats
from .clock import NS_PER_MS
from .pose import Pose

COUNTER: Final = 2**32  # seq wraps here
_HISTORY: Final = 128  # places back in which a duplicate is told from a pose that comes too late
_HISTORY_MASK: Final = (1 << _HISTORY) - 1
_FAR_RESTART: Final = 3  # poses in a row, far behind and counting up: the source counts anew
_NEAR_RESTART: Final = 16  # the same just behind, where it could be a burst of duplicates as well
_STRIDE_SEEN: Final = 8  # equal steps in a row until a source is believed to count by them
_IN_VAIN: Final = 8  # waits in a row for what never came, after which there is no more waiting


def seq_distance(later: int, earlier: int) -> int:
    """Return how many places `later` is ahead of `earlier` on the wrapping counter, in -2**31..2**31 - 1."""
    return (later - earlier + COUNTER // 2) % COUNTER - COUNTER // 2


@dataclass(frozen=True, slots=True)
class _Held:
    pose: Pose
    since_ns: int


class Reorder:
    """Put poses in the order of their counter and drop the second of two alike.

    A pose that follows its predecessor passes at once. One that comes before its predecessor is held, with at most
    `depth` in all and for at most `hold_ns`: eight poses are what datagrams overtake each other by on real networks,
    50 ms what an emotion may be late (engine.streams). Then the missing ones are counted as lost. A link that loses but
    never shuffles is not waited for: after eight waits in vain poses pass at once, until one comes late.

    A source that restarts its counter is followed at once after a pause, otherwise within 3 poses (16 when it restarts
    from just behind). A source that counts by 2, 4, ... (a sample counter beside a reduced rate) is recognised as such.
    """

    def __init__(self, *, depth: int = 8, hold_ns: int = 50 * NS_PER_MS, pause_ns: int = 100 * NS_PER_MS) -> None:
        self._depth = depth
        self._hold_ns = hold_ns
        self._pause_ns = pause_ns
        self.reset()

    def reset(self) -> None:
        """Forget the source and the counters."""
        self._last: Pose | None = None
        self._held: list[_Held] = []
        self._seen = 0  # bit k: the pose k places before the last has come
        self._span = 0  # places back to where the count began
        self._behind_run = 0
        self._behind_seq = 0
        self._stride = 1
        self._odd_step = 0
        self._odd_run = 0
        self._in_vain = 0
        self.dropped = {"duplicate": 0, "late": 0}
        self._missing = 0  # counts passed over
        self._uncounted = 0  # of these, what the source is believed never to have counted

    @property
    def lost(self) -> int:
        """Return how many poses were given up and have not come since."""
        return self._missing - self._uncounted

    def push(self, pose: Pose, now_ns: int) -> list[Pose]:
        """Take the next pose, come at about now_ns; return those whose turn it is, in order."""
        last = self._last
        if last is None:
            return self._accept(pose, 1)
        step = seq_distance(pose.seq, last.seq)
        if step == self._stride and not self._held:
            return self._follow(pose, step)
        if step <= 0:
            return self._behind(pose, last, -step)
        return self._ahead(pose, step, now_ns)

    def poll(self, now_ns: int) -> list[Pose]:
        """Return the poses held for hold_ns or longer, and those that follow them."""
        out: list[Pose] = []
        while self._held and now_ns - min(each.since_ns for each in self._held) >= self._hold_ns:
            out += self._give_up()
        return _in_time(out)

    def flush(self) -> list[Pose]:
        """Return every pose held, in order."""
        out: list[Pose] = []
        while self._held:
            out += self._give_up()
        return _in_time(out)

    def held(self) -> BufferStats:
        """Return how many poses wait; none ever falls out of here, those too many are passed on."""
        return BufferStats(len(self._held), self._depth, 0)

    def _accept(self, pose: Pose, step: int) -> list[Pose]:
        self._last = pose
        self._missing += step - 1
        self._uncounted += step - step // self._stride if self._stride > 1 else 0
        self._seen = (self._seen << min(step, _HISTORY) | 1) & _HISTORY_MASK
        self._span = min(self._span + step, _HISTORY)
        self._behind_run = 0
        return [pose]

    def _follow(self, pose: Pose, step: int) -> list[Pose]:
        self._odd_run = 0
        return self._accept(pose, step)

    def _restart(self, pose: Pose) -> list[Pose]:
        """Go on from another count; what was held belongs to the old one and goes first."""
        out = self.flush()
        self._seen, self._span, self._stride, self._odd_run = 0, 0, 1, 0
        self._missing, self._uncounted = self.lost, 0
        return out + self._accept(pose, 1)

    def _behind(self, pose: Pose, last: Pose, back: int) -> list[Pose]:
        """Drop a pose whose turn is over, unless the source counts anew."""
        if pose.t_ns > last.t_ns + self._pause_ns or self._counts_anew(pose, last, back):
            return self._restart(pose)
        if back < _HISTORY and self._seen >> back & 1:
            self.dropped["duplicate"] += 1
            return []
        self.dropped["late"] += 1
        self._in_vain = 0
        if back < self._span:
            self._seen |= 1 << back
            self._missing -= 1
        return []

    def _counts_anew(self, pose: Pose, last: Pose, back: int) -> bool:
        follows = self._behind_run and seq_distance(pose.seq, self._behind_seq) == self._stride
        self._behind_run = self._behind_run + 1 if follows else 1
        self._behind_seq = pose.seq
        if back >= _HISTORY:
            return self._behind_run > _FAR_RESTART
        return self._behind_run > _NEAR_RESTART and pose.t_ns > last.t_ns

    def _ahead(self, pose: Pose, step: int, now_ns: int) -> list[Pose]:
        """Hold a pose until its predecessors have come or are given up."""
        if any(each.pose.seq == pose.seq for each in self._held):
            self.dropped["duplicate"] += 1
            return []
        if step % self._stride:
            self._stride, self._uncounted = 1, 0
        if self._held and seq_distance(pose.seq, self._held[-1].pose.seq) < 0:
            self._in_vain = 0
        now_ns = max(now_ns, pose.t_ns)
        self._held.append(_Held(pose, now_ns))
        self._sort()
        out = self._drain()
        while len(self._held) > (self._depth if self._in_vain < _IN_VAIN else 0):
            out += self._give_up()
        return _in_time(out + self.poll(now_ns))

    def _sort(self) -> None:
        assert self._last is not None  # noqa: S101 - poses are held only behind a last one
        base = self._last.seq
        self._held.sort(key=lambda each: seq_distance(each.pose.seq, base))

    def _drain(self) -> list[Pose]:
        """Take out the poses whose predecessor has passed."""
        out: list[Pose] = []
        while self._held and self._last is not None:
            pose = self._held[0].pose
            if seq_distance(pose.seq, self._last.seq) != self._stride:
                break
            del self._held[0]
            out += self._follow(pose, self._stride)
        return out

    def _give_up(self) -> list[Pose]:
        """Pass the first held pose though some before it are missing; a pose older than the last was miscounted."""
        pose = self._held.pop(0).pose
        last = self._last
        if last is None or pose.t_ns <= last.t_ns:
            self.dropped["late"] += 1
            return []
        step = seq_distance(pose.seq, last.seq)
        self._in_vain += 1
        out = self._accept(pose, step)
        self._learn_stride(step)
        return out + self._drain()

    def _learn_stride(self, step: int) -> None:
        """Believe that a source counts by a step that comes again and again, with nothing in between."""
        self._odd_run = self._odd_run + 1 if step == self._odd_step else 1
        self._odd_step = step
        if self._odd_run >= _STRIDE_SEEN and self._stride == 1:
            self._uncounted += (step - 1) * self._odd_run
            self._stride, self._odd_run = step, 0


def _in_time(poses: list[Pose]) -> list[Pose]:
    """Return poses with rising times: stamped on arrival, those that overtook each other carry each other's time."""
    if len(poses) < 2:
        return poses
    times = sorted(pose.t_ns for pose in poses)
    return [pose if pose.t_ns == t else replace(pose, t_ns=t) for pose, t in zip(poses, times, strict=True)]
