"""Retargeting: positions, rotations and confidence of the body from any source."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from emotus.engine import kinematics, quaternion
from emotus.engine.axes import AXES, positions_from_house, rotations_from_house
from emotus.engine.body import BODY, JOINT_COUNT, JOINT_INDEX, MIRROR
from emotus.engine.kinematics import BONE_CHILD
from emotus.engine.retarget import (
    BodyMotion,
    Match,
    Retargeter,
    knees_bend_forward,
    match_skeleton,
    mend_mirror,
    retarget,
    rotations_from_positions,
)
from emotus.engine.skeleton import Skeleton

ARMS_DOWN = {"LeftUpperArm": (0, 0, -1.2), "RightUpperArm": (0, 0, 1.2), "LeftFoot": (0, 0.2, 0), "Chest": (0.1, 0, 0)}


def turns(n: int, most_rad: float = 0.7, seed: int = 0) -> np.ndarray:
    """Return (n, 21, 4) random local rotations."""
    vectors = np.random.default_rng(seed).uniform(-most_rad, most_rad, (n * JOINT_COUNT, 3))
    return Rotation.from_rotvec(vectors).as_quat(scalar_first=True).reshape(n, JOINT_COUNT, 4)


def resting(pose: dict[str, tuple[float, float, float]]) -> Skeleton:
    """Return the body with another rest pose: some joints turned by rotation vectors before it counts as rest."""
    local = np.tile(quaternion.IDENTITY, (JOINT_COUNT, 1))
    for joint, vector in pose.items():
        local[JOINT_INDEX[joint]] = Rotation.from_rotvec(vector).as_quat(scalar_first=True)
    points = kinematics.forward_kinematics(BODY, local, BODY.offsets[0])
    offsets = points.copy()
    offsets[1:] -= points[list(BODY.parents[1:])]
    return Skeleton(BODY.names, BODY.parents, offsets)


def moving(skeleton: Skeleton, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Return positions and global rotations of a skeleton that moves at random about the room."""
    local = turns(n)
    root = np.random.default_rng(1).uniform(-2, 2, (n, 3)) + BODY.offsets[0]
    return kinematics.forward_kinematics(skeleton, local, root), kinematics.globals_from_locals(BODY.parents, local)


def bone_angles(motion: BodyMotion, bones: dict[int, int] = BONE_CHILD) -> dict[str, float]:
    """Return for each bone the largest angle in radians between FK of the body and the positions."""
    assert motion.rotations is not None
    turned = kinematics.globals_from_locals(BODY.parents, motion.rotations.astype(np.float64))
    angles = {}
    for joint, child in bones.items():
        made = quaternion.rotate(turned[:, joint], BODY.offsets[child])
        seen = (motion.positions[:, child] - motion.positions[:, joint]).astype(np.float64)
        cross = np.linalg.norm(np.cross(made, seen), axis=-1)
        angles[BODY.names[joint]] = float(np.arctan2(cross, np.sum(made * seen, axis=-1)).max())
    return angles


@pytest.mark.parametrize("name", AXES)
def test_a_t_pose_source_gives_back_what_it_was_made_of(name: str) -> None:
    """Whatever its axes, handedness and unit, a source at rest in the T-pose comes out as the motion put into it."""
    axes = AXES[name]
    positions, rotations = moving(BODY)
    source = Skeleton(BODY.names, BODY.parents, positions_from_house(BODY.offsets, axes))
    match = match_skeleton(source, place="test")
    motion = retarget(match, positions_from_house(positions, axes), rotations_from_house(rotations, axes))
    assert np.abs(motion.positions - positions).max() < 1e-5
    assert motion.rotations is not None
    local = kinematics.locals_from_globals(BODY.parents, rotations)
    assert quaternion.angle_between(motion.rotations.astype(np.float64), local).max() < 1e-5


@pytest.mark.parametrize("name", ["house", "unity", "blender"])
def test_another_rest_pose_points_every_bone_as_the_source(name: str) -> None:
    """With arms that hang at rest the body's bones still point where the source's do, in every frame."""
    axes = AXES[name]
    source = resting(ARMS_DOWN)
    positions, rotations = moving(source)
    match = match_skeleton(
        Skeleton(source.names, source.parents, positions_from_house(source.offsets, axes)), place="test"
    )
    motion = retarget(match, positions_from_house(positions, axes), rotations_from_house(rotations, axes))
    assert max(bone_angles(motion).values()) < 1e-3


def test_rest_in_the_source_is_the_same_pose_of_the_body() -> None:
    """Arms that hang at rest are, on the body, arms turned down from the T-pose."""
    source = resting({"LeftUpperArm": (0, 0, -1.2), "RightUpperArm": (0, 0, 1.2)})
    still = np.tile(quaternion.IDENTITY, (1, JOINT_COUNT, 1))
    motion = retarget(match_skeleton(source, place="test"), source.rest_positions[None], still)
    assert motion.rotations is not None
    expected = Rotation.from_rotvec([0, 0, -1.2]).as_quat(scalar_first=True)
    got = kinematics.globals_from_locals(BODY.parents, motion.rotations)[0, JOINT_INDEX["LeftUpperArm"]]
    assert quaternion.angle_between(got.astype(np.float64), expected) < 1e-5


def test_a_rest_pose_that_is_none_is_replaced_by_a_frame() -> None:
    """With bones drawn along their own x at rest, frames with rotations stand in: every bone points as the source's."""
    positions, rotations = moving(BODY)
    own = Rotation.random(JOINT_COUNT, random_state=5).as_quat(scalar_first=True)  # each joint's private axes
    turned = quaternion.multiply(rotations, own)
    offsets = BODY.offsets.copy()
    offsets[1:] = quaternion.rotate(quaternion.conjugate(own[list(BODY.parents[1:])]), BODY.offsets[1:])
    source = Skeleton(BODY.names, BODY.parents, offsets)
    upright = np.tile(quaternion.IDENTITY, (1, JOINT_COUNT, 1))
    first_p, first_q = BODY.rest_positions[None], quaternion.multiply(upright, own)
    match = match_skeleton(source, place="test", positions=first_p, rotations=first_q)
    motion = retarget(match, positions, turned)
    assert match.rest.upright is None
    assert max(bone_angles(motion).values()) < 1e-3
    assert quaternion.angle_between(motion.rotations[:, 0].astype(np.float64), rotations[:, 0]).max() < 1e-5  # type: ignore[index]


def test_without_rest_pose_and_frames_rotations_come_from_positions() -> None:
    """Where nothing tells how rotations are to be read they are read off the positions."""
    lengths = np.linalg.norm(BODY.offsets, axis=1)
    scrambled = Skeleton(BODY.names, BODY.parents, np.stack((lengths, 0 * lengths, 0 * lengths), axis=1))
    positions, rotations = moving(BODY)
    match = match_skeleton(scrambled, place="test")
    motion = retarget(match, positions, rotations)
    assert match.turns is None
    assert np.allclose(motion.rotations, rotations_from_positions(positions), atol=1e-5)


def test_more_spine_joints_than_the_body_has() -> None:
    """The chest turns with what carries the shoulders, so that arms and collar bones point exactly."""
    names, parents, offsets = list(BODY.names), list(BODY.parents), list(BODY.offsets)
    names += ["UpperChest"]
    parents += [JOINT_INDEX["Chest"]]
    offsets += [np.array([0.0, 0.1, 0.0])]
    order = [0, 1, 2, 21, *range(3, 21)]
    new = {old: i for i, old in enumerate(order)}
    raised = {JOINT_INDEX[name] for name in ("Neck", "LeftShoulder", "RightShoulder")}
    source = Skeleton(
        tuple(names[i] for i in order),
        tuple(new[21] if i in raised else new[parents[i]] if parents[i] >= 0 else -1 for i in order),
        np.array([offsets[i] - (offsets[21] if i in raised else 0) for i in order]),
    )
    match = match_skeleton(source, place="test")
    assert match.drivers[JOINT_INDEX["Chest"]] == source.index["UpperChest"]
    vectors = np.random.default_rng(3).uniform(-0.5, 0.5, (20 * 22, 3))
    local = Rotation.from_rotvec(vectors).as_quat(scalar_first=True).reshape(20, 22, 4)
    positions = kinematics.forward_kinematics(source, local, np.zeros((20, 3)))
    motion = retarget(match, positions, kinematics.globals_from_locals(source.parents, local))
    exact = {joint: child for joint, child in BONE_CHILD.items() if BODY.names[joint] not in {"Spine", "Chest"}}
    assert max(bone_angles(motion, exact).values()) < 1e-3


def footless() -> tuple[Skeleton, np.ndarray]:
    """Return the body without toes, and the joints of the body that it keeps."""
    keep = np.array([i for i, name in enumerate(BODY.names) if not name.endswith("Toes")])
    parents = tuple(list(keep).index(BODY.parents[i]) if i else -1 for i in keep)
    return Skeleton(tuple(BODY.names[i] for i in keep), parents, BODY.offsets[keep]), keep


def test_lacking_joints_are_placed_but_not_trusted() -> None:
    """Toes that the source lacks are finite, at the end of a foot of the body's size, and have confidence 0."""
    source, keep = footless()
    positions, rotations = moving(BODY)
    for turned in (rotations[:, keep], None):
        motion = retarget(match_skeleton(source, place="test"), positions[:, keep], turned)
        toes, foot = JOINT_INDEX["LeftToes"], JOINT_INDEX["LeftFoot"]
        length = np.linalg.norm(motion.positions[:, toes] - motion.positions[:, foot], axis=-1)
        assert np.allclose(length, np.linalg.norm(BODY.offsets[toes]), rtol=0.02)
        assert motion.confidence[toes] == 0
    assert np.abs(retarget(match_skeleton(source, place="test"), positions[:, keep], rotations[:, keep]).positions
                  - positions).max() < 2e-3  # fmt: skip


def test_bone_ends_move_with_their_bones() -> None:
    """Toes told by the ends of the feet are where the source's are, and count; without rotations they do not."""
    source, keep = footless()
    positions, rotations = moving(BODY)
    ends = [(source.index[f"{side}Foot"], 1.5 * BODY.offsets[JOINT_INDEX["LeftToes"]]) for side in ("Left", "Right")]
    match = match_skeleton(source, place="test", ends=ends)
    motion = retarget(match, positions[:, keep], rotations[:, keep])
    foot, toes = JOINT_INDEX["RightFoot"], JOINT_INDEX["RightToes"]
    expected = positions[:, foot] + 1.5 * (positions[:, toes] - positions[:, foot])
    assert np.abs(motion.positions[:, toes] - expected).max() < 1e-5
    assert motion.confidence[toes] == pytest.approx(0.8)
    assert retarget(match, positions[:, keep]).confidence[toes] == 0


def test_what_is_not_finite_stays_where_it_is() -> None:
    """A joint that is not a number, or too large for one, spoils no other joint and raises nothing."""
    positions, rotations = moving(BODY)
    positions[:, JOINT_INDEX["LeftHand"]] = np.nan
    positions[:, JOINT_INDEX["Head"]] = 1e300
    motion = retarget(match_skeleton(BODY, place="test"), positions, rotations)
    bad = ~np.isfinite(motion.positions).all(axis=(0, 2))
    assert np.flatnonzero(bad).tolist() == sorted((JOINT_INDEX["LeftHand"], JOINT_INDEX["Head"]))


def test_one_frame_at_a_time_equals_all_at_once() -> None:
    """A live source gets what a file gets."""
    positions, rotations = moving(BODY)
    retargeter = Retargeter(match_skeleton(BODY, place="test"))
    whole = retargeter.apply(positions, rotations)
    for t in range(len(positions)):
        one = retargeter.apply(positions[t : t + 1], rotations[t : t + 1])
        assert np.allclose(one.positions[0], whole.positions[t], atol=1e-6)
        assert np.allclose(one.rotations[0], whole.rotations[t], atol=1e-6)  # type: ignore[index]


def test_long_motions_need_little_room() -> None:
    """Beside its output a long motion needs a small part of its input, and comes out as short ones do."""
    positions, rotations = moving(BODY, 100)
    positions, rotations = np.tile(positions, (120, 1, 1)), np.tile(rotations, (120, 1, 1))
    retargeter = Retargeter(match_skeleton(BODY, place="test"))
    tracemalloc.start()
    motion = retargeter.apply(positions, rotations)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * (positions.nbytes + rotations.nbytes)
    assert np.allclose(motion.positions[-100:], retargeter.apply(positions[:100]).positions, atol=1e-6)


def test_no_frames_give_no_frames() -> None:
    """Nothing in, nothing out, of the right shape."""
    motion = Retargeter(match_skeleton(BODY, place="test")).apply(np.zeros((0, 21, 3)), np.zeros((0, 21, 4)))
    assert motion.positions.shape == (0, 21, 3)
    assert motion.rotations is not None
    assert motion.rotations.shape == (0, 21, 4)


def test_everything_comes_in_single_precision() -> None:
    """Positions, rotations and confidence are float32."""
    positions, rotations = moving(BODY)
    motion = retarget(match_skeleton(BODY, place="test"), positions, rotations)
    assert motion.positions.dtype == motion.rotations.dtype == motion.confidence.dtype == np.float32  # type: ignore[union-attr]


def test_frames_of_another_skeleton_are_refused() -> None:
    """Both shapes are named."""
    retargeter = Retargeter(match_skeleton(BODY, place="test"))
    with pytest.raises(ValueError, match=r"\(1, 20, 3\), wanted \(T, 21, 3\)"):
        retargeter.apply(np.zeros((1, 20, 3)))
    with pytest.raises(ValueError, match=r"\(2, 21, 4\), wanted \(1, 21, 4\)"):
        retargeter.apply(np.zeros((1, 21, 3)), np.zeros((2, 21, 4)))


def test_the_unit_can_be_told_at_the_last_moment() -> None:
    """unit_m scales positions and nothing else."""
    positions, _ = moving(BODY)
    match = match_skeleton(BODY, place="test")
    assert np.allclose(retarget(match, positions, unit_m=0.5).positions, positions / 2, atol=1e-6)


def test_a_joint_is_as_sure_as_the_least_sure_it_is_made_of() -> None:
    """Confidences of the source's joints become those of the body's."""
    keep = [i for i, name in enumerate(BODY.names) if name not in {"Chest", "LeftToes"}]
    match = _matched(keep)
    given = np.ones((2, len(keep)), dtype=np.float32)
    given[1, match.skeleton.index["Neck"]] = 0.5
    confidence = Retargeter(match).confidence(given)
    chest, neck, toes = (JOINT_INDEX[name] for name in ("Chest", "Neck", "LeftToes"))
    assert confidence[:, [chest, neck, toes]] == pytest.approx(np.array([[0.8, 1.0, 0.0], [0.4, 0.5, 0.0]]))


def _matched(keep: list[int]) -> Match:
    parents = []
    for i in keep:
        parent = BODY.parents[i]
        parents.append(keep.index(parent if parent in keep else BODY.parents[parent]) if i else -1)
    return match_skeleton(Skeleton(tuple(BODY.names[i] for i in keep), tuple(parents), BODY.offsets[keep]), place="x")


def crouching() -> np.ndarray:
    """Return one frame of the body with its knees bent."""
    local = np.tile(quaternion.IDENTITY, (1, JOINT_COUNT, 1))
    for side in ("Left", "Right"):
        local[:, JOINT_INDEX[f"{side}LowerLeg"]] = Rotation.from_euler("X", 0.9).as_quat(scalar_first=True)
    return kinematics.forward_kinematics(BODY, local, BODY.offsets[:1])


def test_knees_that_bend_backward_are_mended_by_exchanging_sides() -> None:
    """A mirrored body becomes one whose knees bend forward; a right one is left as it is."""
    right = crouching()
    mirrored = right * [1, 1, -1]
    assert knees_bend_forward(right)
    assert not knees_bend_forward(mirrored)
    assert np.array_equal(mend_mirror(right), right.astype(np.float32))
    mended = mend_mirror(mirrored)
    assert knees_bend_forward(mended)
    assert np.allclose(mended, mirrored[:, list(MIRROR)])


def test_straight_or_unknown_knees_are_no_mirror() -> None:
    """Without evidence nothing is exchanged."""
    assert knees_bend_forward(BODY.rest_positions[None])
    assert knees_bend_forward(np.full((1, JOINT_COUNT, 3), np.nan))
