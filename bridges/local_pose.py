"""A pose as avatars want it: the local rotation of each bone, and where it hangs on its parent."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine import quaternion
from ..engine.body import BODY, JOINT_COUNT
from ..engine.errors import OscError
from ..engine.events import MotionEvent, PoseEvent
from ..engine.kinematics import body_globals, locals_from_globals
from ..engine.quaternion import Floats
from ..engine.skeleton import Float32

_UNIT: Final = 1e-5  # how far a squared length may be from one
_PARENTS: Final = np.array([max(parent, 0) for parent in BODY.parents], dtype=np.intp)


_LEFT: Final = quaternion.left_matrix(np.eye(4, dtype=np.float32)).reshape(4, 16)  # every product is linear in both
_NOBODY: Final = JOINT_COUNT  # a row behind the joints, at rest: what is above the hips


def _multiply(a: Floats, b: Floats) -> Floats:
    """Return the products (N, 4) of finite quaternions; for a body's worth twice as fast as `quaternion.multiply`."""
    return np.matmul((a @ _LEFT).reshape(-1, 4, 4), b[:, :, None])[:, :, 0]


def _leaps() -> list[NDArray[np.intp]]:
    """Plan the way down the tree in leaps of 1, 2, 4 bones: for each joint (22,) what is so many bones above it."""
    above = [parent if parent >= 0 else _NOBODY for parent in BODY.parents] + [_NOBODY]
    plan: list[NDArray[np.intp]] = []
    while any(joint != _NOBODY for joint in above):
        plan.append(np.array(above, dtype=np.intp))
        above = [above[joint] for joint in above]
    return plan


_LEAPS: Final = _leaps()


def globals_of(local: Floats) -> Floats:
    """Return the global rotations (21, 4) of local ones, all joints at once in three leaps (Hillis & Steele, 1986)."""
    turned = np.empty((JOINT_COUNT + 1, 4), dtype=local.dtype)
    turned[:JOINT_COUNT] = local
    turned[_NOBODY] = quaternion.IDENTITY
    for above in _LEAPS:
        turned = _multiply(turned.take(above, axis=0), turned)
    return turned[:JOINT_COUNT]


def turns_of(event: PoseEvent | MotionEvent) -> tuple[Floats, Floats]:
    """Return local and global rotations (21, 4), computed from the positions where the source knows none.

    Raises OscError where a number is not finite.
    """
    if not np.isfinite(event.joints).all():
        raise OscError("a joint is not finite: only finite numbers go on the wire")
    if event.rotations is None:
        turned = body_globals(event.joints)
        return locals_from_globals(BODY.parents, turned), turned
    local = event.rotations
    if not (np.abs(np.einsum("ji,ji->j", local, local) - 1.0) < _UNIT).all():  # NaN is not below it either
        if not np.isfinite(local).all():
            raise OscError("a rotation is not finite: only finite numbers go on the wire")
        local = quaternion.normalise(local)
    return local, globals_of(local)


def hangings(joints: Float32, turned: Floats) -> Floats:
    """Return where each joint hangs (21, 3) as its parent sees it; of the hips, their place in the world."""
    parents = turned.take(_PARENTS, axis=0)
    away = np.zeros((JOINT_COUNT, 4), dtype=parents.dtype)
    away[:, 1:] = joints - joints.take(_PARENTS, axis=0)
    # q* v q: two products of quaternions take a quarter of the time that `quaternion.rotate` needs for so few
    hung = _multiply(_multiply(quaternion.conjugate(parents), away), parents)[:, 1:]
    hung[0] = joints[0]
    return hung
