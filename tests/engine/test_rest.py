"""Axes, handedness and unit, read from the rest pose, from frames, and as told."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from emotus.engine import kinematics, quaternion
from emotus.engine.axes import AXES, positions_from_house, rotations_from_house
from emotus.engine.body import BODY, JOINT_COUNT, JOINT_INDEX
from emotus.engine.matching import match_skeleton
from emotus.engine.rest import CUSTOMARY, is_mirrored, is_standing
from emotus.engine.skeleton import Skeleton
from emotus.engine.skeleton_tables import EMOTION_GAIT_NAMES
from emotus.engine.tables import points_skeleton

KNEES_BENT = np.tile(quaternion.IDENTITY, (JOINT_COUNT, 1))
for _side in ("Left", "Right"):
    KNEES_BENT[JOINT_INDEX[f"{_side}UpperLeg"]] = Rotation.from_euler("X", -0.5).as_quat(scalar_first=True)
    KNEES_BENT[JOINT_INDEX[f"{_side}LowerLeg"]] = Rotation.from_euler("X", 0.9).as_quat(scalar_first=True)
CROUCH = kinematics.forward_kinematics(BODY, KNEES_BENT, BODY.offsets[0])


def told(offsets: np.ndarray, **more: object) -> object:
    return match_skeleton(Skeleton(BODY.names, BODY.parents, offsets), place="test", **more).rest  # type: ignore[arg-type]


@pytest.mark.parametrize("name", AXES)
def test_every_convention_is_read_from_its_rest_pose(name: str) -> None:
    """A standing rest pose tells up, facing, handedness and unit, whoever drew it."""
    rest = told(positions_from_house(BODY.offsets, AXES[name]))
    assert np.allclose(rest.to_house, AXES[name].matrix)
    assert rest.unit_m == pytest.approx(AXES[name].unit_m)


@pytest.mark.parametrize("unit_m", [1.0, 0.01, 0.001, 0.0254])
def test_common_units_are_told_by_stature(unit_m: float) -> None:
    """Metres, centimetres, millimetres and inches are recognised and nothing is rescaled."""
    rest = told(BODY.offsets / unit_m)
    assert rest.unit_m == unit_m
    assert rest.stature_m == pytest.approx(1.70, abs=0.01)


def test_an_odd_scale_is_normalised() -> None:
    """Where no unit makes a person of it the body becomes 1.70 m tall, and the note says so."""
    rest = told(BODY.offsets * 7.3)
    assert rest.unit_m == pytest.approx(1 / 7.3)
    assert "scaled to a person of 1.70 m" in rest.notes[-1]


def test_what_is_told_counts_more_than_what_is_guessed() -> None:
    """up and unit_m override."""
    rest = told(BODY.offsets * 100, up="z", unit_m=0.5)
    assert rest.unit_m == 0.5
    assert np.allclose(rest.to_house[1], [0, 0, 1])


def test_a_rest_pose_a_little_askew_is_snapped() -> None:
    """A hip that stands a few degrees ahead of the other does not turn the world."""
    askew = Rotation.from_euler("Y", 8, degrees=True).apply(BODY.offsets)
    assert np.allclose(told(askew).to_house, np.eye(3))


def test_a_rest_pose_turned_half_way_is_turned_back() -> None:
    """A rest pose that faces between two axes is brought to face +z."""
    turn = Rotation.from_euler("Y", 40, degrees=True)
    assert np.allclose(told(turn.apply(BODY.offsets)).to_house, turn.inv().as_matrix())


def test_up_may_differ_between_rest_pose_and_frames() -> None:
    """A rest pose drawn with y up whose root turns it to z up is understood by its frames."""
    q = np.zeros((1, JOINT_COUNT, 4))
    q[...] = Rotation.from_euler("X", np.pi / 2).as_quat(scalar_first=True)
    frames = positions_from_house(BODY.rest_positions, AXES["blender"])[None]
    match = match_skeleton(BODY, place="test", positions=frames, rotations=q)
    assert np.allclose(match.rest.to_house, AXES["blender"].matrix)
    assert np.allclose(match.rest.upright, np.eye(3))
    assert "up is z in the frames though y in the rest pose" in match.rest.notes


def test_lying_down_turns_no_axes() -> None:
    """Someone who lies on the floor from the first frame on still lies."""
    lying = Rotation.from_euler("X", -np.pi / 2).apply(BODY.rest_positions) + np.array((0, 0.1, 3.0))
    match = match_skeleton(BODY, place="test", positions=lying[None])
    assert np.allclose(match.rest.to_house, np.eye(3))
    assert "do not stand upright" in " ".join(match.rest.notes)


@pytest.mark.parametrize("up", ["y", "z", "x", "-y", "-z", "-x"])
def test_frames_tell_up_where_rest_is_no_pose(up: str) -> None:
    """With all bones along x at rest the frames tell up; what is not told stays customary and right-handed."""
    lengths = np.linalg.norm(BODY.offsets, axis=1)
    scrambled = Skeleton(BODY.names, BODY.parents, np.stack((lengths, 0 * lengths, 0 * lengths), axis=1))
    frames = positions_from_house(CROUCH, CUSTOMARY[up])[None]
    rest = match_skeleton(scrambled, place="test", positions=frames).rest
    assert np.allclose(rest.to_house, CUSTOMARY[up].matrix)
    assert np.linalg.det(rest.to_house) == pytest.approx(1)


def test_a_mirrored_source_is_found_by_its_knees() -> None:
    """Without toes the knees tell that the source is left-handed."""
    toeless = [i for i, name in enumerate(BODY.names) if not name.endswith("Toes")]
    skeleton = Skeleton(
        tuple(BODY.names[i] for i in toeless),
        tuple(toeless.index(BODY.parents[i]) if i else -1 for i in toeless),
        BODY.offsets[toeless] * [-1, 1, 1],
    )
    match = match_skeleton(skeleton, place="test", positions=(CROUCH * [-1, 1, 1])[None, toeless])
    assert np.linalg.det(match.rest.to_house) == pytest.approx(-1)
    assert any("left-handed" in note for note in match.rest.notes)


def test_standing_is_told_from_everything_else() -> None:
    """The T-pose and one with hanging arms stand; a heap, a line and a ball do not."""
    assert is_standing(BODY.rest_positions)
    assert not is_standing(np.zeros((JOINT_COUNT, 3)))
    assert not is_standing(np.full((JOINT_COUNT, 3), np.nan))
    assert not is_standing(np.cumsum(np.ones((JOINT_COUNT, 3)), axis=0))


def test_mirrored_bodies_are_told_from_others() -> None:
    """Toes that point backward, seen from hips and sides, mean a mirror."""
    assert not is_mirrored(CROUCH[None])
    assert is_mirrored(CROUCH[None] * [-1.0, 1, 1])


def test_a_source_without_bones_or_frames_says_what_it_assumed() -> None:
    """Points alone, before any frame, have the table's axes and metres."""
    rest = match_skeleton(points_skeleton(EMOTION_GAIT_NAMES), place="test").rest
    assert np.allclose(rest.to_house, np.eye(3))
    assert rest.notes == ("axes are those of emotion-gait", "unit is 1 m; no bone tells otherwise")


def test_rotations_of_the_customary_axes_are_right_handed() -> None:
    """Choosing among the customary axes never mirrors anything."""
    for axes in CUSTOMARY.values():
        assert axes.determinant == 1
        q = Rotation.random(random_state=1).as_quat(scalar_first=True)
        assert np.allclose(np.linalg.norm(rotations_from_house(q, axes)), 1)
