"""Dancers in one room: who moves like whom, and how much they move together. Only where it was asked for.

How alike two performers move is the distance of their motor signatures over the last ten seconds. How much they move
together is windowed cross-correlation (Boker, Rotondo, Xu and King, Psychological Methods 7, 2002) of how vigorously
each moves, at the best lag within half a second, beyond what the same two show out of time (pseudo-synchrony: Ramseyer
and Tschacher, Journal of Consulting and Clinical Psychology 79, 2011). Nobody is ranked, and nothing is kept.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import Final

import numpy as np

from .clock import NS_PER_S
from .events import PoseEvent, QualitiesEvent
from .pose import Pose
from .signature_definition import Definition
from .signature_samples import Sampler
from .signature_tally import WIDTHS
from .signature_windows import Windows
from .skeleton import Float64

STREAM: Final = "group"  # under which the room itself speaks
MOST: Final = 8  # performers compared with one another; each pair costs
LIKE_S: Final = 10.0
TOGETHER_S: Final = 4.0
MEMORY_S: Final = 16.0  # of vigour, for what the same two show out of time
LAG_S: Final = 0.5
LEAST_ROOM: Final = (
    0.05  # between chance and certainty; two who keep one beat for ever leave less, and nothing can be told
)
TELL_NS: Final = NS_PER_S
_GAP_NS: Final = NS_PER_S // 2  # a longer silence, and her vigour begins anew


class Member:
    """Keep of one performer the distribution of her samples and how vigorously she moved, for as long as is told."""

    def __init__(self, definition: Definition) -> None:
        self.sampler = Sampler(definition)
        self.windows = Windows(definition, (LIKE_S,))
        self.frames = round(MEMORY_S * definition.rate_hz)
        self.reset()

    def reset(self) -> None:
        """Forget her."""
        self.sampler.reset()
        self.windows.reset()
        self.vigour: deque[float] = deque(maxlen=self.frames)
        self.last_ns: int | None = None

    def step(self, event: PoseEvent) -> None:
        """Take her next frame."""
        if self.last_ns is not None and event.t_ns - self.last_ns > _GAP_NS:
            self.reset()
        self.last_ns = event.t_ns
        pose = Pose(
            event.stream,
            event.seq,
            event.t_ns,
            event.joints,
            event.confidence,
            event.rotations,
            event.travels,
            event.interpolated,
        )
        row = self.sampler.step(pose)
        self.windows.push(row)
        known = row[~np.isnan(row)]
        before = self.vigour[-1] if self.vigour else 0.0
        self.vigour.append(float(np.log1p(np.abs(known).mean())) if known.size else before)


class Group:
    """Compare the performers of a room once a second; members who are silent are not compared.

    definition: of the signatures. At most MOST members; further ones are not compared and counted in `left_out`.
    """

    def __init__(self, definition: Definition | None = None) -> None:
        self.definition = definition or Definition()
        self.reset()

    def reset(self) -> None:
        """Forget everybody."""
        self._members: dict[str, Member] = {}
        self._next_ns: int | None = None
        self._seq = 0
        self.left_out = 0

    def forget(self, stream: str) -> None:
        """Forget one performer."""
        self._members.pop(stream, None)

    def step(self, event: PoseEvent) -> QualitiesEvent | None:
        """Take a frame of one performer; return once a second how the room moves, None while fewer than two do."""
        member = self._members.get(event.stream)
        if member is None:
            if len(self._members) >= MOST:
                self.left_out += 1
                return None
            member = self._members[event.stream] = Member(self.definition)
        member.step(event)
        if self._next_ns is not None and event.t_ns < self._next_ns:
            return None
        self._next_ns = event.t_ns + TELL_NS
        return self._tell(event.t_ns)

    def _tell(self, t_ns: int) -> QualitiesEvent | None:
        here = {
            stream: member
            for stream, member in sorted(self._members.items())
            if member.last_ns is not None and t_ns - member.last_ns < TELL_NS
        }
        if len(here) < 2:
            return None
        values: dict[str, float] = {"performers": float(len(here))}
        together: list[float] = []
        for (one, a), (other, b) in itertools.combinations(here.items(), 2):
            apart = _apart(a, b)
            if apart is not None:
                values[f"distance_{one}_{other}"] = apart
            shared = synchrony(np.array(a.vigour), np.array(b.vigour), self.definition.rate_hz)
            if shared is not None:
                values[f"synchrony_{one}_{other}"] = shared
                together.append(shared)
        if together:
            values["synchrony"] = float(np.mean(together))
        self._seq += 1
        return QualitiesEvent(STREAM, self._seq - 1, t_ns, values)


def _apart(one: Member, other: Member) -> float | None:
    """Return the distance of two signatures, None where they have nothing known in common."""
    pools = np.abs(one.windows.quantiles(0)[0] - other.windows.quantiles(0)[0]) @ WIDTHS
    pools = pools[~np.isnan(pools)]
    return float(pools.mean()) if pools.size else None


def synchrony(one: Float64, other: Float64, rate_hz: float) -> float | None:
    """Return how much two signals (T,) go together now, 0..1, beyond what they do out of time; None if too short.

    0: no more than by chance. 1: one follows the other exactly, within half a second either way.
    """
    window, lag = round(TOGETHER_S * rate_hz), round(LAG_S * rate_hz)
    count = min(len(one), len(other))
    if count < 3 * window:  # less tells nothing of what chance does
        return None
    one, other = one[-count:], other[-count:]
    now = _best(one[-window - lag : -lag], other[-window - 2 * lag :], lag)
    # Her last seconds against his earlier ones, and the other way round: the same movements, out of time.
    starts = range(0, count - 2 * window - 2 * lag + 1, max(window // 2, 1))
    out_of_time = [_best(one[-window:], other[s : s + window + 2 * lag], lag) for s in starts]
    out_of_time += [_best(other[-window:], one[s : s + window + 2 * lag], lag) for s in starts]
    chance = float(np.mean(out_of_time)) if out_of_time else 0.0
    return float(np.clip((now - chance) / max(1.0 - chance, LEAST_ROOM), 0.0, 1.0))


def _best(part: Float64, around: Float64, lag: int) -> float:
    """Return the greatest correlation of part (W,) with any stretch of around (W + 2 lag,)."""
    views = np.lib.stride_tricks.sliding_window_view(around, len(part))[: 2 * lag + 1]  # (L, W)
    a = part - part.mean()
    b = views - views.mean(axis=1, keepdims=True)
    scale = np.sqrt((a @ a) * (b * b).sum(axis=1))
    found = np.divide(b @ a, scale, out=np.zeros(len(b)), where=scale > 1e-12)
    return float(found.max())
