"""What a BVH file says, as values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine import quaternion
from ..engine.skeleton import Float64, Skeleton
from .bvh_rate import snap_frame_time

POSITIONS: Final = ("Xposition", "Yposition", "Zposition")
ROTATIONS: Final = ("Xrotation", "Yrotation", "Zrotation")
SCALES: Final = ("Xscale", "Yscale", "Zscale")


@dataclass(frozen=True, slots=True)
class BvhWarning:
    """Say what was odd in a file that was read all the same: where, what, and how to mend it."""

    place: str
    line: int | None
    text: str
    mend: str

    def __str__(self) -> str:
        """Return it in one line, as errors are."""
        where = self.place if self.line is None else f"{self.place}:{self.line}"
        return f"{where}: {self.text} ({self.mend})"


@dataclass(frozen=True, slots=True)
class EndSite:
    """Hold the end of a bone that carries no joint: its parent joint, its offset from it and its name, mostly ''."""

    parent: int
    offset: tuple[float, float, float]
    name: str = ""


@dataclass(frozen=True)
class Bvh:
    """Hold one BVH file of J joints, T frames and C channels, in the file's own units and axes.

    place: where it came from. skeleton: joints in the order of the file, their names made unique. channels: the
    channel words of each joint, in their order ("Zrotation"). end_sites: sorted by their parents. motion: (T, C)
    float64, angles in degrees. frame_time_s: seconds a frame. warnings: what was odd.
    """

    place: str
    skeleton: Skeleton
    channels: tuple[tuple[str, ...], ...]
    end_sites: tuple[EndSite, ...]
    motion: Float64
    frame_time_s: float
    warnings: tuple[BvhWarning, ...] = ()

    @property
    def rate_hz(self) -> float:
        """Return the frames a second."""
        return 1.0 / self.frame_time_s

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Return the column at which the channels of each joint start, and at the end the number of columns."""
        starts = [0]
        for words in self.channels:
            starts.append(starts[-1] + len(words))
        return tuple(starts)

    @classmethod
    def from_rotations(
        cls,
        skeleton: Skeleton,
        root_positions: NDArray[np.floating],
        local_rotations: NDArray[np.floating],
        *,
        frame_time_s: float,
        order: str = "ZXY",
        end_sites: tuple[EndSite, ...] = (),
        place: str = "generated",
    ) -> Bvh:
        """Make a file of a skeleton that moves.

        root_positions: (T, 3) of the first joint, in the skeleton's unit. local_rotations: (T, J, 4) unit quaternions
        (w, x, y, z). order: the axes in which each joint's rotation is written, R = R1 R2 R3. The first joint gets
        six channels, the others three. frame_time_s is snapped to the film and capture rates, as reading does.
        """
        words = tuple(f"{axis}rotation" for axis in order)
        channels = (POSITIONS + words,) + (words,) * (len(skeleton.names) - 1)
        angles = np.degrees(quaternion.to_euler(np.asarray(local_rotations, dtype=np.float64), order))  # (T, J, 3)
        flat = angles.reshape(len(angles), -1)  # (T, 3J)
        motion = np.concatenate((np.asarray(root_positions, dtype=np.float64), flat), axis=1)  # (T, 3 + 3J)
        ends = tuple(sorted(end_sites, key=lambda end: end.parent))
        return cls(place, skeleton, channels, ends, motion, snap_frame_time(frame_time_s))
