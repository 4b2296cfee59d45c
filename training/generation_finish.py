"""The last hand on movements that are made whole: what trembles is smoothed, and feet that stand stay where they are.

Unlike the streaming generator's footing this knows the future: a foot that stands is held at the median of where it
was while it stood, and goes over to that and from it in a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine import quaternion
from ..engine.body import BODY, JOINT_INDEX
from ..engine.foot_lock import SOLE_M, bend, legs_of
from ..engine.kinematics import forward_kinematics
from ..engine.skeleton import Float32
from ..models.cvae_kinematics import ROTATIONS
from .motion_data import FPS, GeneratedTake, quaternions

_SMOOTH: Final = np.array([1, 4, 6, 4, 1]) / 16
_RESTS_M_S, _HURRIES_M_S = 0.15, 0.5  # mean speeds of the joints about the hips
_TOES: Final = (JOINT_INDEX["LeftToes"], JOINT_INDEX["RightToes"])
_LOW_M, _SLOW_M_S = 0.07, 0.8  # what a decoded foot that stands may still do
_GRIP_M, _FASTEST_M_S = 0.033, 2.0  # the height, and the speed, at which a foot no longer leads the root
_LEAST: Final = 3  # frames
_FADE: Final = 4
_FARTHEST_M: Final = 0.12


def smoothed(poses: Float32) -> Float32:
    """Return poses (T, 130) without tremor: averaged over five frames where the body rests, as they are in a hurry.

    Averaging everything took the anger out of strokes and kicks: quick movements hide a tremor, and need their edges.
    """
    still = _averaged(poses)
    if len(poses) < 2:
        return still
    local = quaternions(still[:, :ROTATIONS].reshape(len(still), -1, 6))
    joints = forward_kinematics(BODY, local, np.zeros((len(local), 3), dtype=np.float32))
    speed = np.linalg.norm(np.gradient(joints, axis=0), axis=-1).mean(axis=1) * FPS  # (T,)
    share = np.clip((_averaged(speed[:, None]) - _RESTS_M_S) / (_HURRIES_M_S - _RESTS_M_S), 0.0, 1.0)
    return (share * poses + (1.0 - share) * still).astype(np.float32)


def _averaged(rows: Float32) -> Float32:
    """Return rows (T, D) averaged with binomial weights; the ends go on as they went."""
    wide = len(_SMOOTH) // 2
    if len(rows) <= wide:
        return rows
    before, after = 2 * rows[:1] - rows[wide:0:-1], 2 * rows[-1:] - rows[-2 : -wide - 2 : -1]
    padded = np.concatenate((before, rows, after))
    shifted = np.stack([padded[i : i + len(rows)] for i in range(len(_SMOOTH))])  # (5, T, D)
    return np.tensordot(_SMOOTH, shifted, axes=1).astype(np.float32)


def footed(take: GeneratedTake) -> GeneratedTake:
    """Return a take whose standing feet stay: first the root goes as they demand, then the legs bend for the rest."""
    take = _led(take)
    toes = take.positions[:, _TOES].astype(np.float64)  # (T, 2, 3)
    shifts = np.zeros_like(toes)
    for foot in range(2):
        shifts[:, foot][:, (0, 2)] = _held(toes[:, foot])
    shifts[..., 1] = np.maximum(SOLE_M - toes[..., 1], 0.0)
    local = quaternion.to_matrix(take.rotations[None].astype(np.float64))  # (1, T, 21, 3, 3)
    bend(local, legs_of(local), shifts[None])  # type: ignore[arg-type]
    rotations = quaternion.from_matrix(local)[0].astype(np.float32)
    positions = forward_kinematics(BODY, rotations, take.root).astype(np.float32)
    return replace(take, positions=positions, rotations=rotations)


def _led(take: GeneratedTake) -> GeneratedTake:
    """Return the take with its root moved over the floor so that low, slow toes hardly glide."""
    toes = take.positions[:, _TOES].astype(np.float64)  # (T, 2, 3)
    moved = np.diff(toes[..., (0, 2)], axis=0)  # (T - 1, 2, 2)
    height = np.maximum(toes[1:, :, 1], toes[:-1, :, 1])
    grip = np.clip(2.0 - 2.0 ** (np.clip(height - SOLE_M, 0.0, None) / _GRIP_M), 0.0, 1.0)
    grip *= np.clip(2.0 - 2.0 * np.linalg.norm(moved, axis=-1) * FPS / _FASTEST_M_S, 0.0, 1.0)  # (T - 1, 2)
    glide = (grip[..., None] * moved).sum(axis=1) / np.maximum(grip.sum(axis=1, keepdims=True), 1.0)
    shift = np.zeros((len(toes), 3))
    shift[1:, (0, 2)] = -np.cumsum(glide, axis=0)
    root, positions = take.root + shift, take.positions + shift[:, None]
    return replace(take, root=root.astype(np.float32), positions=positions.astype(np.float32))


def _held(toes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far (T, 2) toes (T, 3) are to be shifted on the floor, so that they stay while they stand."""
    ground = toes[:, (0, 2)]
    speed = np.linalg.norm(np.gradient(ground, axis=0), axis=-1) * FPS if len(ground) > 1 else np.zeros(len(ground))
    stands = (toes[:, 1] < _LOW_M) & (speed < _SLOW_M_S)
    wanted = np.full((len(toes), 2), np.nan)
    for first, last in _spans(stands):
        away = np.median(ground[first:last], axis=0) - ground[first:last]
        if np.linalg.norm(away, axis=1).max() < _FARTHEST_M:
            wanted[first:last] = away
    known = np.flatnonzero(np.isfinite(wanted[:, 0]))
    if not len(known):
        return np.zeros((len(toes), 2))
    frames = np.arange(len(toes))
    nearest = known[np.abs(frames[:, None] - known).argmin(axis=1)]
    share = np.clip(1.0 - np.abs(frames - nearest) / _FADE, 0.0, 1.0)
    share = share * share * (3 - 2 * share)
    return wanted[nearest] * share[:, None]


def _spans(stands: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield first and one past the last frame of each stretch that is long enough."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], stands.astype(int), [0]))))
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if last - first >= _LEAST:
            yield first, last
