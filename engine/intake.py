"""Intake: what a sensor sends, in order, once, finite and believable, with the holes marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from .body import JOINT_COUNT
from .buffers import BufferStats
from .clock import NS_PER_MS, NS_PER_S
from .mask import Mask
from .pose import Arrival, Hole, Pose
from .rate import SourceRate
from .reorder import Reorder

_CLOCK_RESTART: Final = 16  # poses in a row that lie before the last: the source's clock itself went back
_LONGEST_PERIOD_NS: Final = 100 * NS_PER_MS  # of a source slower than 10 Hz every pose stands alone
_SAME_PERFORMER_NS: Final = NS_PER_S  # after a longer hole somebody else may stand there


@dataclass(frozen=True, slots=True)
class IntakeStats:
    """Count the poses of one stream: received == processed + the sum of dropped + held.used, at any time.

    dropped: by reason. lost: sequence numbers that never came. masked_joints: joints whose confidence was set to 0 or
    whose rotation was replaced. interpolated: poses missing in gaps short enough to be bridged. holes: holes reported.
    """

    received: int = 0
    processed: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])
    held: BufferStats = field(default_factory=lambda: BufferStats(0, 0, 0))
    lost: int = 0
    masked_joints: int = 0
    interpolated: int = 0
    holes: int = 0


class Intake:
    """Bring the poses of one stream into order and mark what is missing.

    A pose that comes in its turn passes at once. `reorder` says how long others wait. Poses up to gap_ns (and one
    period of the source) apart are left for the resampler to bridge; between poses farther apart stands a Hole. `poll`
    reports a Hole when nothing has come for silence_ns: late enough for a stall of the network, early enough to be
    told within 200 ms when polled every 50 ms. A pose that jumps in time (more than gap_ns, and ahead of the clock as
    well) or in place (hips faster than root_speed_m_s, above any sprinter's 12.4) is believed only when the next one
    agrees with it. A Hole's reason is "gap", "silence", "teleport" (in place) or "clock" (the source's own went back).

    Poses are dropped, and counted by reason, that are: "malformed" (shapes), "duplicate", "late" (their turn is over),
    "backwards" (no later than the last), "implausible" (a jump that the next pose denied), "unusable" (hips or most
    joints not finite or out of place). At most 9 poses are held.
    """

    def __init__(
        self,
        stream: str,
        *,
        gap_ns: int = 100 * NS_PER_MS,
        silence_ns: int = 150 * NS_PER_MS,
        root_speed_m_s: float = 15.0,
        reorder: Reorder | None = None,
        mask: Mask | None = None,
    ) -> None:
        self.stream = stream
        self._gap_ns = gap_ns
        self._silence_ns = silence_ns
        self._root_speed_m_s = root_speed_m_s
        self._reorder = reorder or Reorder()
        self._mask = mask or Mask()
        self._rate = SourceRate()
        self.reset()

    def reset(self) -> None:
        """Forget the stream and start anew, the counters at 0."""
        self._reorder.reset()
        self._mask.reset()
        self._rate.reset()
        self._last: Pose | None = None
        self._suspect: Pose | None = None
        self._told = False  # the present silence has been reported
        self._polled_ns = 0
        self._heard_ns = 0
        self._backwards_run = 0
        self._backwards_ns = 0
        self._offset_ns = 0
        self._received = self._processed = self._interpolated = self._holes = 0
        self._dropped: dict[str, int] = dict.fromkeys(("malformed", "backwards", "implausible", "unusable"), 0)

    def push(self, pose: Pose) -> tuple[Arrival, ...]:
        """Take a pose as it came and return what can be passed on now, in order."""
        self._received += 1
        if not _well_formed(pose):
            return self._drop("malformed")
        return self._admit_all(self._reorder.push(_single(pose), self._polled_ns))

    def poll(self, now_ns: int) -> tuple[Arrival, ...]:
        """Return what was held too long by now_ns, and one Hole when the stream has fallen silent."""
        self._polled_ns = now_ns
        out = self._admit_all(self._reorder.poll(now_ns))
        suspect = self._suspect
        if suspect is not None and suspect.t_ns <= now_ns and self._near_in_place(suspect):
            out += self._believe(suspect)
        last = self._last
        if last is None or self._told or now_ns - self._heard_ns < self._patience_ns():
            return out
        self._told = True
        return (*out, self._hole(last.t_ns, now_ns, "silence"))

    def flush(self) -> tuple[Arrival, ...]:
        """Return everything still held, in order: the stream has ended."""
        out = self._admit_all(self._reorder.flush())
        return out if self._suspect is None else out + self._believe(self._suspect)

    def stats(self) -> IntakeStats:
        """Return the counters as they are now."""
        held = self._reorder.held()
        waiting = held.used + (self._suspect is not None)
        return IntakeStats(
            received=self._received,
            processed=self._processed,
            dropped=self._dropped | self._reorder.dropped,
            held=BufferStats(waiting, held.capacity + 1, held.dropped),
            lost=self._reorder.lost,
            masked_joints=self._mask.joints,
            interpolated=self._interpolated,
            holes=self._holes,
        )

    def _admit_all(self, poses: Iterable[Pose]) -> tuple[Arrival, ...]:
        out: tuple[Arrival, ...] = ()
        for pose in poses:
            out += self._admit(pose)
        return out

    def _admit(self, pose: Pose) -> tuple[Arrival, ...]:
        """Judge a pose, in its turn, by time and place."""
        if self._offset_ns:
            pose = replace(pose, t_ns=pose.t_ns + self._offset_ns)
        if self._last is None:
            return self._pass(pose)
        if pose.t_ns <= self._last.t_ns:
            return self._backwards(pose)
        self._backwards_run = 0
        if self._suspect is not None:
            return self._confront(self._suspect, pose)
        if self._near_in_time(pose) and self._near_in_place(pose):
            return self._pass(pose)
        self._suspect = pose
        return ()

    def _confront(self, suspect: Pose, pose: Pose) -> tuple[Arrival, ...]:
        """Believe a suspect that the next pose agrees with; otherwise drop it and judge the next by the last."""
        if suspect.t_ns < pose.t_ns and self._close(suspect, pose):
            return self._believe(suspect) + self._admit(pose)
        self._suspect = None
        return self._drop("implausible") + self._admit(pose)

    def _believe(self, suspect: Pose) -> tuple[Arrival, ...]:
        self._suspect = None
        last = self._last
        if last is None or self._near_in_place(suspect):
            return self._pass(suspect)
        self._mask.restart(same_performer=True)
        return self._pass(suspect, why="teleport")

    def _near_in_time(self, pose: Pose) -> bool:
        """Tell whether a pose comes soon after the last, or no later than the clock shows."""
        last = self._last
        soon = last is None or pose.t_ns - last.t_ns <= self._bridge_ns()
        return soon or pose.t_ns <= self._polled_ns + self._gap_ns

    def _near_in_place(self, pose: Pose) -> bool:
        return self._last is None or self._told or self._close(self._last, pose)

    def _close(self, a: Pose, b: Pose) -> bool:
        """Tell whether hips can have moved from a to b in the time between; hips that are nowhere are judged later."""
        ax, ay, az = a.positions[0].tolist()
        bx, by, bz = b.positions[0].tolist()
        moved_m2 = (bx - ax) ** 2 + (by - ay) ** 2 + (bz - az) ** 2
        allowed_m = self._root_speed_m_s * (b.t_ns - a.t_ns) / NS_PER_S + 0.3  # webcams place the hips to 30 cm
        return not moved_m2 > allowed_m * allowed_m or moved_m2 == float("inf")

    def _pass(self, pose: Pose, *, why: str = "gap") -> tuple[Arrival, ...]:
        """Mend a pose and pass it on, after a Hole where too much is missing before it."""
        last = self._last
        gap = last is not None and pose.t_ns - last.t_ns > self._bridge_ns()
        if last is not None and (gap or self._told):
            self._mask.restart(same_performer=pose.t_ns - last.t_ns <= _SAME_PERFORMER_NS)
        clean = self._mask.clean(pose)
        if clean is None:
            return self._drop("unusable")
        apart = gap or why != "gap"
        holes = (self._hole(last.t_ns, pose.t_ns, why),) if last is not None and apart and not self._told else ()
        if last is not None:
            self._follow_rate(last, clean, bridged=not (apart or self._told))
        self._told = False
        self._last = clean
        self._heard_ns = max(clean.t_ns, self._polled_ns)
        self._processed += 1
        return (*holes, clean)

    def _follow_rate(self, last: Pose, pose: Pose, *, bridged: bool) -> None:
        elapsed_ns = pose.t_ns - last.t_ns
        period_ns = self._rate.period_ns
        if bridged and elapsed_ns > 1.5 * period_ns:
            self._interpolated += round(elapsed_ns / period_ns) - 1
        self._rate.update(elapsed_ns)

    def _backwards(self, pose: Pose) -> tuple[Arrival, ...]:
        """Drop a pose no later than the last; when the source's clock itself went back, follow it from here on."""
        self._backwards_run = self._backwards_run + 1 if pose.t_ns > self._backwards_ns else 1
        self._backwards_ns = pose.t_ns
        last = self._last
        if last is None or self._backwards_run <= _CLOCK_RESTART:
            return self._drop("backwards")
        self._backwards_run = 0
        t_ns = max(last.t_ns + 1, self._polled_ns)
        self._offset_ns += t_ns - pose.t_ns
        self._mask.restart(same_performer=True)
        return self._pass(replace(pose, t_ns=t_ns), why="clock")

    def _hole(self, from_ns: int, to_ns: int, reason: str) -> Hole:
        self._holes += 1
        return Hole(self.stream, from_ns, to_ns, reason)

    def _drop(self, reason: str) -> tuple[Arrival, ...]:
        self._dropped[reason] += 1
        return ()

    def _bridge_ns(self) -> float:
        """Return how far apart two poses may be: what may be missing, and a period with the jitter of clocks."""
        return self._gap_ns + min(1.25 * self._rate.period_ns, _LONGEST_PERIOD_NS)

    def _patience_ns(self) -> float:
        """Return for how long nothing may come before that is silence."""
        return max(self._silence_ns, self._bridge_ns())


def _well_formed(pose: Pose) -> bool:
    """Tell whether every array of a pose has the shape of the body."""
    return (
        pose.positions.shape == (JOINT_COUNT, 3)
        and pose.confidence.shape == (JOINT_COUNT,)
        and (pose.rotations is None or pose.rotations.shape == (JOINT_COUNT, 4))
    )


def _single(pose: Pose) -> Pose:
    """Return a pose whose arrays are all float32."""
    arrays = (pose.positions, pose.confidence, pose.rotations)
    if all(each is None or each.dtype == np.float32 for each in arrays):
        return pose
    with np.errstate(over="ignore", invalid="ignore"):
        positions, confidence, rotations = (None if a is None else a.astype(np.float32) for a in arrays)
    return replace(pose, positions=positions, confidence=confidence, rotations=rotations)
