"""What the streaming generator learns from: clips of set 1 as coordinates on principal axes, and their commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ..engine.body import BODY, MIRROR
from ..engine.skeleton import Float32
from ..models.primitive import Basis
from .motion_data import EMOTIONS, FPS, MotionTake, Progress, contacts_of, heading_of, load_motion

TOES: Final = [1, 3]  # of the feet whose standing is told
LEFT_OUT: Final = ("kick", "punch", "slash", "call", "dance-short", "dash")  # no idle mood, and no walk
_TRAVELS: Final = ("walk", "run", "dash")
_AHEAD: Final = 15  # frames of which a command tells the mean velocity
# How much of the body each joint's turn moves, in metres and about: an error of a turn counts as it is seen.
LEVER_M: Final[dict[str, float]] = {
    "Hips": 1.0, "Spine": 0.8, "Chest": 0.7, "Neck": 0.25, "Head": 0.2, "Shoulder": 0.6, "UpperArm": 0.55,
    "LowerArm": 0.3, "Hand": 0.1, "UpperLeg": 0.9, "LowerLeg": 0.5, "Foot": 0.2, "Toes": 0.1,
}  # fmt: skip


@dataclass(frozen=True)
class Footage:
    """Hold one clip on the body: turns (T, 126), root features (T, 6), label, activity and whether it goes somewhere.

    The root's features are height in m, velocity to the left and ahead in m/s, turning in rad/s, and whether the
    left and the right toes stand.
    """

    name: str
    label: int
    activity: str
    travels: bool
    turns: Float32
    root: Float32


def load_footage(data: Path, progress: Progress, *, held_out: bool = True) -> list[Footage]:
    """Return the clips of set 1 that show an emotion, and their mirror images; raises DataError.

    held_out: those too that the judge of generated takes learns from.
    """
    footage: list[Footage] = []
    for take in load_motion(data, progress, sets=(1,)):
        if take.emotion and take.content not in LEFT_OUT and (held_out or not take.held_out):
            label, travels = EMOTIONS.index(take.emotion), take.content.startswith(_TRAVELS)
            footage += [
                Footage(take.name, label, take.content, travels, *features(each)) for each in (take, mirrored(take))
            ]
    progress(f"{len(footage)} clips, half of them mirrored: {sum(len(each.root) for each in footage) / FPS:.0f} s")
    return footage


def mirrored(take: MotionTake) -> MotionTake:
    """Return the take as in a mirror: left and right change places."""
    rotations = take.rotations[:, list(MIRROR)] * np.array([1, 1, -1, -1], dtype=np.float32)
    root = take.root * np.array([-1, 1, 1], dtype=np.float32)
    told = (take.name, take.content, take.style, take.session, take.label)
    return MotionTake(*told, rotations, root, heading_of(rotations))


def features(take: MotionTake) -> tuple[Float32, Float32]:
    """Return turns (T, 126) and root features (T, 6) of a take."""
    stands = contacts_of(take.positions)[:, TOES]
    padded = np.pad(stands, ((1, 1), (0, 0)), mode="edge")
    stands = np.sort(np.stack((padded[:-2], padded[1:-1], padded[2:])), axis=0)[1]  # the median of three frames
    left, ahead, turning, height = take.travel.T
    root = np.column_stack((height, left, ahead, turning, stands)).astype(np.float32)
    return take.rotations_6d.reshape(len(root), -1), root


def way_of(root: Float32) -> Float32:
    """Return the mean velocity (T, 2) in m/s, to the left and ahead, over the next half second."""
    sums = np.cumsum(np.concatenate((np.zeros((1, 2)), root[:, 1:3])), axis=0)
    ends = np.minimum(np.arange(len(root)) + _AHEAD, len(root))
    starts = np.minimum(np.arange(len(root)), len(root) - 6)
    return ((sums[ends] - sums[starts]) / (ends - starts)[:, None]).astype(np.float32)


def levers() -> Float32:
    """Return the weight of each joint's turn, (21,)."""
    bare = [name.removeprefix("Left").removeprefix("Right") for name in BODY.names]
    return np.array([LEVER_M[name] for name in bare], dtype=np.float32)


def make_basis(footage: Sequence[Footage], size: int) -> Basis:
    """Find the `size` principal axes of the footage's weighted turns, and the scales of its root features."""
    turns = np.concatenate([each.turns for each in footage]).astype(np.float64)
    root = np.concatenate([each.root for each in footage]).astype(np.float64)
    weights = np.repeat(levers(), 6)  # (126,)
    mean = turns.mean(axis=0)
    _, _, rows = np.linalg.svd((turns - mean) * weights, full_matrices=False)
    axes = rows[:size].T  # (126, M)
    spread = float(np.sqrt((((turns - mean) * weights @ axes) ** 2).sum(axis=1).mean() / 8))
    centre = np.concatenate((np.zeros(size), root.mean(axis=0)))
    scale = np.concatenate((np.full(size, spread), root.std(axis=0) * np.array([1, 1, 1, 1.5, 1, 1])))
    return Basis(*(each.astype(np.float32) for each in (mean, axes, weights, centre, scale)))
