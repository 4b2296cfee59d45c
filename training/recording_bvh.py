"""A recorded performer as a BVH file: one skeleton for the whole show, her bones of the length they had on average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..engine import quaternion
from ..engine.body import BODY
from ..engine.clock import NS_PER_S
from ..engine.kinematics import forward_kinematics, globals_from_locals
from ..engine.quaternion import Floats
from ..engine.retarget import rotations_from_positions
from ..engine.skeleton import Float64, Skeleton
from ..engine.streams import MODEL_RATE_HZ
from ..sensors.bvh_file import Bvh, EndSite
from .recording_frames import Frame

CM: Final = 100.0  # what programs that read BVH expect
_PARENTS: Final = np.array([max(parent, 0) for parent in BODY.parents], dtype=np.intp)
_TIP: Final = 0.5  # of its bone is how far a hand, the head or the toes go on


@dataclass(frozen=True)
class Converted:
    """Hold the file, how far its joints are from those recorded, and the frames that were missing and are held."""

    bvh: Bvh
    worst_m: float
    mean_m: float
    held: int


def to_bvh(frames: Sequence[Frame], place: str) -> Converted:
    """Return the BVH of one performer's frames, at least one, in the order of their times, at the recording's rate.

    Where nothing was known the last pose that was is repeated.
    """
    picked = _even(frames)
    positions = np.stack([frames[i].positions for i in picked]).astype(np.float64)  # (T, 21, 3)
    local = _locals([frames[i] for i in picked], positions)  # (T, 21, 4)
    offsets = _offsets(positions, local)
    skeleton = Skeleton(BODY.names, BODY.parents, offsets)
    shown = forward_kinematics(skeleton, local, positions[:, 0])  # (T, 21, 3)
    away = np.linalg.norm(shown - positions, axis=-1)  # (T, 21)
    bvh = Bvh.from_rotations(
        Skeleton(BODY.names, BODY.parents, offsets * CM),
        positions[:, 0] * CM,
        local,
        frame_time_s=1 / MODEL_RATE_HZ,
        end_sites=_ends(offsets * CM),
        place=place,
    )
    return Converted(bvh, float(away.max()), float(away.mean()), len(picked) - len(frames))


def _even(frames: Sequence[Frame]) -> list[int]:
    """Return for every tick of the model's rate the last frame known by then."""
    t_ns = np.array([frame.t_ns for frame in frames], dtype=np.int64)
    ticks = np.rint((t_ns - t_ns[0]) * MODEL_RATE_HZ / NS_PER_S).astype(np.int64)
    every = np.arange(int(ticks[-1]) + 1)
    return (np.searchsorted(ticks, every, side="right") - 1).tolist()


def _locals(frames: Sequence[Frame], positions: Floats) -> Floats:
    """Return local rotations (T, 21, 4): those recorded, or where the sensor knew none those the bones point by."""
    local = np.array(rotations_from_positions(positions), dtype=np.float64)
    for i, frame in enumerate(frames):
        if frame.rotations is not None:
            local[i] = frame.rotations
    return quaternion.normalise(local)


def _offsets(positions: Floats, local: Floats) -> Float64:
    """Return the bones (21, 3) as their parents see them, the median over all frames; the root stands at its place."""
    turned = globals_from_locals(BODY.parents, local)[:, _PARENTS]  # (T, 21, 4)
    bones = positions - positions[:, _PARENTS]  # (T, 21, 3)
    hung = quaternion.rotate(quaternion.conjugate(turned), bones)  # (T, 21, 3)
    offsets: Float64 = np.median(hung.astype(np.float64), axis=0)  # (21, 3)
    offsets[0] = 0.0
    return offsets


def _ends(offsets: Float64) -> tuple[EndSite, ...]:
    leaves = [joint for joint in range(len(offsets)) if joint not in BODY.parents]
    return tuple(EndSite(joint, tuple(float(x) for x in _TIP * offsets[joint])) for joint in leaves)  # type: ignore[arg-type]
