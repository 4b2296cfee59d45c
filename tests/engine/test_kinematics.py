"""Forward kinematics, and rotations read off positions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from emotus.engine import kinematics, quaternion
from emotus.engine.body import BODY, JOINT_COUNT, JOINT_INDEX
from emotus.engine.skeleton import Skeleton


def bent(n: int, most_rad: float = 0.6, seed: int = 0) -> np.ndarray:
    """Return (n, 21, 4) local rotations of bodies bent a little at every joint."""
    vectors = np.random.default_rng(seed).uniform(-most_rad, most_rad, (n * JOINT_COUNT, 3))
    return Rotation.from_rotvec(vectors).as_quat(scalar_first=True).reshape(n, JOINT_COUNT, 4)


def test_globals_and_locals_undo_each_other() -> None:
    """Local rotations multiplied down the tree come back from the global ones."""
    local = bent(5)
    turned = kinematics.globals_from_locals(BODY.parents, local)
    assert np.allclose(kinematics.locals_from_globals(BODY.parents, turned), quaternion.positive(local))


def test_globals_multiply_down_the_tree() -> None:
    """A hand's global rotation is the product of all from the hips on, by scipy."""
    local = bent(1)[0]
    joint, chain = JOINT_INDEX["LeftHand"], []
    while joint >= 0:
        chain.append(joint)
        joint = BODY.parents[joint]
    expected = Rotation.identity()
    for joint in reversed(chain):
        expected *= Rotation.from_quat(local[joint], scalar_first=True)
    turned = kinematics.globals_from_locals(BODY.parents, local)[JOINT_INDEX["LeftHand"]]
    assert np.allclose(quaternion.to_matrix(turned), expected.as_matrix())


def test_forward_kinematics_of_no_rotation_is_the_rest_pose() -> None:
    """With every rotation the identity the body stands in its T-pose, wherever its root is."""
    still = np.tile(quaternion.IDENTITY, (2, JOINT_COUNT, 1))
    placed = kinematics.forward_kinematics(BODY, still, np.array([[0.0, 0.92, 0.0], [1.0, 0.92, 0.0]]))
    assert np.allclose(placed[0], BODY.rest_positions)
    assert np.allclose(placed[1] - placed[0], [1, 0, 0])


def test_forward_kinematics_keeps_every_bone_as_long_as_it_is() -> None:
    """Turning changes no length."""
    placed = kinematics.forward_kinematics(BODY, bent(10), np.zeros((10, 3)))
    for parent, joint in BODY.edges:
        length = np.linalg.norm(placed[:, joint] - placed[:, parent], axis=-1)
        assert np.allclose(length, np.linalg.norm(BODY.offsets[joint]))


def test_levels_hold_each_joint_once_and_parents_first() -> None:
    """Every joint but the roots stands in one level, its parent in the one before."""
    parents = (-1, 0, 1, -1, 3, 0)
    seen = {0: 0, 3: 0}
    for depth, (joints, above) in enumerate(kinematics.levels(parents), start=1):
        for joint, parent in zip(joints, above, strict=True):
            assert parents[joint] == parent
            assert seen[parent] == depth - 1
            seen[joint] = depth
    assert sorted(seen) == list(range(6))


def test_levels_of_nothing_are_none() -> None:
    """A skeleton without joints has no levels."""
    assert kinematics.levels(()) == []


def test_rotations_from_a_t_pose_are_the_identity() -> None:
    """The rest pose is what no rotation gives."""
    local = kinematics.rotations_from_positions(BODY.rest_positions[None])
    assert np.allclose(local, quaternion.IDENTITY, atol=1e-12)


def test_rotations_from_positions_point_the_bones_as_seen() -> None:
    """Every bone of the body, turned by the rotations read off a pose, points as in that pose."""
    positions = kinematics.forward_kinematics(BODY, bent(50), np.zeros((50, 3)))
    turned = kinematics.globals_from_locals(BODY.parents, kinematics.rotations_from_positions(positions))
    for joint, child in kinematics.BONE_CHILD.items():
        made = quaternion.rotate(turned[:, joint], BODY.offsets[child])
        seen = positions[:, child] - positions[:, joint]
        angle = np.linalg.norm(np.cross(made, seen), axis=-1) / np.linalg.norm(seen, axis=-1) ** 2
        assert angle.max() < 1e-3, joint


def test_rotations_from_positions_turn_hips_and_chest_whole() -> None:
    """A body turned as a whole has that turn in its hips and no other anywhere."""
    turn = Rotation.from_euler("YXZ", [2.0, 0.3, -0.2]).as_quat(scalar_first=True)
    local = kinematics.rotations_from_positions(quaternion.rotate(turn, BODY.rest_positions)[None])[0]
    assert quaternion.angle_between(local[0], turn) < 1e-6
    assert np.allclose(np.abs(local[1:, 0]), 1, atol=1e-9)


def test_rotations_of_arms_raised_do_not_twist() -> None:
    """A straight arm that hangs down was turned about the axis the person faces, and about no other."""
    positions = BODY.rest_positions.copy()
    for joint, parent in (("LeftLowerArm", "LeftUpperArm"), ("LeftHand", "LeftLowerArm")):
        length = np.linalg.norm(BODY.offsets[JOINT_INDEX[joint]])
        positions[JOINT_INDEX[joint]] = positions[JOINT_INDEX[parent]] - [0, length, 0]
    local = kinematics.rotations_from_positions(positions[None])[0]
    expected = Rotation.from_euler("Z", -np.pi / 2).as_quat(scalar_first=True)
    assert quaternion.angle_between(local[JOINT_INDEX["LeftUpperArm"]], expected) < 1e-6
    assert quaternion.angle_between(local[JOINT_INDEX["LeftLowerArm"]], quaternion.IDENTITY) < 1e-6


def test_rotations_need_the_joints_of_the_body() -> None:
    """Positions of another number of joints are refused with both numbers."""
    with pytest.raises(ValueError, match=r"\(1, 20, 3\), wanted \(\.\.\., 21, 3\)"):
        kinematics.rotations_from_positions(np.zeros((1, 20, 3)))


@pytest.mark.parametrize(("bend_rad", "sign"), [(0.8, 1), (-0.8, -1), (0.0, 0)])
def test_knees_tell_front_from_back(bend_rad: float, sign: int) -> None:
    """A knee that bends as people's do stands out in front; bent the other way it stands out behind."""
    local = np.tile(quaternion.IDENTITY, (JOINT_COUNT, 1))
    local[JOINT_INDEX["LeftLowerLeg"]] = Rotation.from_euler("X", bend_rad).as_quat(scalar_first=True)
    placed = kinematics.forward_kinematics(BODY, local, np.zeros(3))
    assert np.sign(np.round(kinematics.knee_bend(placed), 6)) == sign


def test_forward_kinematics_of_any_skeleton() -> None:
    """A skeleton that is not the body is placed by its own offsets."""
    rod = Skeleton(("a", "b", "c"), (-1, 0, 1), np.array([[9.0, 9, 9], [1, 0, 0], [1, 0, 0]]))
    local = np.tile(quaternion.IDENTITY, (3, 1))
    local[1] = Rotation.from_euler("Z", np.pi / 2).as_quat(scalar_first=True)
    assert np.allclose(kinematics.forward_kinematics(rod, local, np.zeros(3)), [[0, 0, 0], [1, 0, 0], [1, 1, 0]])
