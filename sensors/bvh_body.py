"""Bring rows of a BVH file to the body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..engine.retarget import BodyMotion, Match, Retargeter, match_skeleton
from ..engine.skeleton import Float64, Skeleton
from .bvh_file import EndSite
from .bvh_pose import Rig

FRAMES_SHOWN: Final = 600  # first frames that help to understand a skeleton


@dataclass(frozen=True, slots=True)
class Reading:
    """Overrule what would be guessed of a skeleton: its up axis ("z", "-y"), its unit in metres, its table."""

    up: str | None = None
    unit_m: float | None = None
    table: str | None = None


class BvhBody:
    """Place and retarget rows of one skeleton, which is matched once, by its names, its rest pose and its first rows.

    Raises SkeletonError when no body can be found in it.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        channels: tuple[tuple[str, ...], ...],
        end_sites: Sequence[EndSite],
        first: Float64,
        place: str,
        reading: Reading,
    ) -> None:
        self._rig = Rig(skeleton, channels)
        positions, rotations = self._rig.place(first[:FRAMES_SHOWN])
        self.match: Match = match_skeleton(
            skeleton,
            place=place,
            positions=positions,
            rotations=rotations,
            ends=[(end.parent, end.offset) for end in end_sites],
            up=reading.up,
            unit_m=reading.unit_m,
            table=reading.table,
        )
        self._retargeter = Retargeter(self.match)
        self.travels = any(word.endswith("position") for words in channels for word in words)

    def apply(self, rows: Float64) -> BodyMotion:
        """Return the body in T rows (T, C)."""
        return self._retargeter.apply(*self._rig.place(rows))
