"""Footing: from coordinates of motion to a body that stands on the floor, goes where it is led and stays on stage.

The feet lead: while a foot stands, the root moves as that foot demands, so that it hardly slides; only in flight the
root goes as the network says. What is left is seen to by the foot lock. All arrays are (N, K, ...): N performers,
K frames at 30 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from . import quaternion
from .foot_lock import STANCE_M, Locks, bend, hold, legs_of, no_locks
from .quaternion import Floats
from .skeleton import Float32

RATE_HZ: Final = 30.0
_ANKLE_M: Final = 0.05  # the least height of an ankle
_FREE: Final = (0.05, 0.5)  # what the network's own velocity weighs beside a foot that stands, in place, under way
_TURNS: Final = (0.6, 1.4)  # rad/s it is led round at most, in place and under way
_EAGER: Final = 1.5  # rad/s of turning a rad that it faces wrong
_COURSE: Final = 0.08  # share of the facing that the course takes over in a frame: hips sway, the course does not
_HOME_M: Final = 0.15  # how far it may sway from its place
_HOMING_M_S: Final = 0.02


@dataclass(frozen=True)
class Standing:
    """Hold where N performers stand: all that the next frames' places depend on.

    yaw, course: (N,) rad whither the hips face, and that without their sway. root: (N, 3) world metres. toes: (N, 2, 3)
    from the root, in the world's axes. stands: (N, 2) how much each foot stands, 0..1. home: (N, 2) x and z of the
    place it keeps to in place. locks: of the feet.
    """

    yaw: Floats
    course: Floats
    root: Floats
    toes: Floats
    stands: Floats
    home: Floats
    locks: Locks


@dataclass(frozen=True)
class Leading:
    """Say whither N performers are led: facing (N,) rad, travels (N,), and the stage's radius in metres, 0 for none."""

    facing: Floats
    travels: NDArray[np.bool_]
    stage_m: float = 0.0


def standing_at(n: int) -> Standing:
    """Return N performers at the origin who have not moved yet."""
    none, feet = np.zeros(n), np.zeros((n, 2))
    return Standing(none, none, np.zeros((n, 3)), np.zeros((n, 2, 3)), feet, feet, no_locks(n))


def place(
    local: Float32, features: Floats, before: Standing, leading: Leading, *, first: bool = False
) -> tuple[Float32, Floats, Standing]:
    """Return local rotations (N, K, 21, 4), root (N, K, 3) and where they stand then.

    local: rotation matrices (N, K, 21, 3, 3), the hips seen from where they face. features: (N, K, 6) height in m,
    velocity to the left and ahead in m/s, turning in rad/s, how the left and the right toes stand.
    """
    frames = local.shape[1]
    legs = legs_of(local)
    _, _, ankles, toes = legs.at  # (N, K, 2, 3) from the root, in the axes of the heading
    yaw, course = _faced(features[..., 3], before, _led(before, leading))
    sine, cosine = np.sin(yaw), np.cos(yaw)  # (N, K)
    world = _about(toes, sine[..., None], cosine[..., None])
    stands = np.clip(2.0 * features[..., 4:6] - 0.6, 0.0, 1.0)  # (N, K, 2)
    last_toes = np.concatenate((before.toes[:, None], world[:, :-1]), axis=1)
    last_stands = np.concatenate((before.stands[:, None], stands[:, :-1]), axis=1)
    demanded = -(world - last_toes)[..., ::2]  # (N, K, 2 feet, 2): how the root moves if a foot does not
    own = (
        np.stack(
            (
                features[..., 1] * cosine + features[..., 2] * sine,
                features[..., 2] * cosine - features[..., 1] * sine,
            ),
            axis=-1,
        )
        / RATE_HZ
    )  # (N, K, 2)
    grip = stands * last_stands * (0.0 if first else 1.0)
    free = np.where(leading.travels, _FREE[1], _FREE[0])[:, None, None]
    moved = ((grip[..., None] * demanded).sum(axis=-2) + free * own) / (grip.sum(axis=-1, keepdims=True) + free)
    ground = before.root[:, None, ::2] + np.cumsum(moved, axis=1)
    home = np.where(leading.travels[:, None], ground[:, -1], before.home)
    ground = ground + _homeward(ground[:, -1] - home, frames)
    height = _on_the_floor(features[..., 0], toes[..., 1], ankles[..., 1], stands)
    root = np.stack((ground[..., 0], height, ground[..., 1]), axis=-1)
    shifts, locks = hold(world + root[:, :, None], stands, before.locks)
    bend(local, legs, _about(shifts, -sine[..., None], cosine[..., None]))
    rotations = quaternion.from_matrix(local)
    none = np.zeros_like(yaw)
    about = np.stack((np.cos(yaw / 2), none, np.sin(yaw / 2), none), axis=-1).astype(np.float32)
    rotations[:, :, 0] = quaternion.multiply(about, rotations[:, :, 0])
    return rotations, root, Standing(yaw[:, -1], course, root[:, -1], world[:, -1], stands[:, -1], home, locks)


def _about(v: Floats, sine: Floats, cosine: Floats) -> Floats:
    """Turn vectors (..., 3) about the vertical."""
    return np.stack((v[..., 0] * cosine + v[..., 2] * sine, v[..., 1], v[..., 2] * cosine - v[..., 0] * sine), axis=-1)


def _led(before: Standing, leading: Leading) -> Floats:
    """Return how fast each performer is led round (N,), in rad/s: to where it is asked, or back to the stage."""
    facing = leading.facing
    if leading.stage_m > 0:
        x, z = before.root[:, 0], before.root[:, 2]
        back = np.arctan2(-x, -z)
        gone = np.hypot(x, z) / leading.stage_m
        away = np.cos(before.course - back) < 0.6
        facing = np.where(leading.travels & (gone > 1.0) & away, back, facing)
        facing = np.where(leading.travels & (gone > 1.0) & ~away, before.course, facing)
    wrong = np.mod(facing - before.course + np.pi, 2 * np.pi) - np.pi
    most = np.where(leading.travels, _TURNS[1], _TURNS[0])
    return np.clip(_EAGER * wrong, -most, most)


def _faced(turning: Floats, before: Standing, led: Floats) -> tuple[Floats, Floats]:
    """Return yaw (N, K) frame by frame and the course (N,) after them."""
    yaw = before.yaw[:, None] + np.cumsum((turning + led[:, None]) / RATE_HZ, axis=1)
    course = before.course
    for k in range(yaw.shape[1]):
        course = course + led / RATE_HZ
        course = course + _COURSE * (yaw[:, k] - course)
    return yaw, course


def _homeward(away: Floats, frames: int) -> Floats:
    """Return the small way back (N, K, 2) of those who have swayed away (N, 2) from their place."""
    far = np.linalg.norm(away, axis=-1, keepdims=True)  # (N, 1)
    speed = np.where(far > _HOME_M, np.minimum(_HOMING_M_S, far - _HOME_M), 0.0)
    step = -away / np.maximum(far, 1e-9) * speed / RATE_HZ  # (N, 2)
    return step[:, None] * np.arange(1, frames + 1)[:, None]


def _on_the_floor(height: Floats, toes: Floats, ankles: Floats, stands: Floats) -> Floats:
    """Return the root's height (N, K): a foot that stands is on the floor, and none is below it."""
    low = np.minimum(toes - STANCE_M, ankles - _ANKLE_M).min(axis=-1)  # (N, K): of the lowest sole, from the root
    over: Floats = height + low
    down: Floats = stands.max(axis=-1)
    return height - np.where(over < 0, over, over * down)
