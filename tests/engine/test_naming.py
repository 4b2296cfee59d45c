"""Names of unknown skeletons: parts and sides in every spelling."""

from __future__ import annotations

import pytest

from emotus.engine.naming import by_names, pick_spine, read_name

SPELLINGS = {
    ("upperleg", "Left"): "LeftThigh thigh.L thigh_l l_thigh L_UpLeg leftupleg LThigh UpperLeg_Left DEF-thigh.L lthigh",
    ("lowerleg", "Right"): "RightKnee calf_r shin.R r_shin RightLowerLeg rightcalf lowerleg_right",
    ("foot", "Left"): "LeftFoot foot_l foot.L lfoot J_Bip_L_Foot",
    ("toes", "Right"): "RightToeBase ball_r toe.R RightToes",
    ("clavicle", "Left"): "LeftCollar clavicle_l LClavicle left_collar",
    ("upperarm", "Right"): "RightUpperArm upperarm_r upper_arm.R RUpperArm Arm_Upper_R",
    ("lowerarm", "Left"): "LeftForeArm lowerarm_l forearm.L LElbow left_elbow",
    ("hand", "Right"): "RightHand hand_r palm.R rhand",
    ("hips", ""): "Hips hip pelvis mixamorig:Hips Character1_Hips",
    ("head", ""): "Head head_01",
}


@pytest.mark.parametrize(("meaning", "names"), SPELLINGS.items())
def test_a_part_is_read_in_every_spelling(meaning: tuple[str, str], names: str) -> None:
    """Case, separators, prefixes and the place of the side do not matter."""
    read = {name: read_name(name.removeprefix("Character1_").removeprefix("J_Bip_")) for name in names.split()}
    assert read == dict.fromkeys(names.split(), meaning)


@pytest.mark.parametrize(
    "name", ["LeftHandThumb1", "thigh_twist_01_l", "LeftToe_End", "HeadNub", "LeftFootIK", "eye.L", "weapon_r", "x", ""]
)
def test_what_is_no_joint_of_the_body_is_left_alone(name: str) -> None:
    """Fingers, twist joints, ends and props are none of the parts."""
    assert read_name(name)[0] == ""


def test_a_hip_with_a_side_is_a_leg_and_without_one_the_pelvis() -> None:
    """The same word means two joints."""
    assert read_name("hip") == ("hips", "")
    assert read_name("LeftHip") == ("hip", "Left")


def test_a_shoulder_is_a_collar_bone_only_before_an_arm() -> None:
    """Shoulder, elbow, wrist: the shoulder is the upper arm; shoulder, arm, forearm: it is the collar bone."""
    joints = by_names(["Hips", "LeftShoulder", "LeftElbow", "LeftWrist"], [0, 1, 2, 3])
    assert joints["LeftUpperArm"] == 1
    assert "LeftShoulder" not in joints
    joints = by_names(["Hips", "LeftShoulder", "LeftArm", "LeftForeArm"], [0, 1, 2, 3])
    assert (joints["LeftShoulder"], joints["LeftUpperArm"]) == (1, 2)


def test_a_leg_is_a_shank_beside_a_thigh_and_a_thigh_beside_a_knee() -> None:
    """The same word means two joints."""
    assert by_names(["Hips", "LeftUpLeg", "LeftLeg"], [0, 1, 5])["LeftLowerLeg"] == 2
    assert by_names(["Hips", "LeftLeg", "LeftKnee"], [0, 1, 5])["LeftUpperLeg"] == 1


def test_a_leg_alone_is_told_by_where_it_begins() -> None:
    """Near the hips it is the thigh, as far down as a thigh is long it is the shank."""
    assert by_names(["Hips", "LeftLeg", "LeftFoot"], [0, 1, 9])["LeftUpperLeg"] == 1
    assert by_names(["Hips", "LeftLeg", "LeftFoot"], [0, 5, 9])["LeftLowerLeg"] == 1


def test_a_wrist_is_the_hand_where_both_are() -> None:
    """The body's hand begins at the wrist."""
    assert by_names(["Hips", "l_hand", "l_wrist", "r_hand"], [0, 2, 1, 2])["LeftHand"] == 2
    assert by_names(["Hips", "l_hand", "l_wrist", "r_hand"], [0, 2, 1, 2])["RightHand"] == 3


def test_an_ankle_makes_the_foot_the_toes() -> None:
    """A skeleton with ankles calls the end of the foot its foot."""
    joints = by_names(["Hips", "LeftAnkle", "LeftFoot"], [0, 8, 9])
    assert (joints["LeftFoot"], joints["LeftToes"]) == (1, 2)


def test_the_spine_is_shared_out_by_length() -> None:
    """Spine is the first joint above the hips, Chest the one nearest to half-way to the neck."""
    lengths = [0.0, 1.0, 2.0, 3.0, 4.0, 6.0]
    assert pick_spine([1, 2, 3, 4], {"Hips": 0, "Neck": 5}, lengths) == {"Spine": 1, "Chest": 3}
    assert pick_spine([1], {"Hips": 0}, lengths) == {"Spine": 1}
    assert pick_spine([], {}, lengths) == {}


def test_a_game_skeleton_is_read_whole() -> None:
    """The mannequin of a game engine, of which there is no table, gives all 21 joints."""
    names = ["root", "pelvis", "spine_01", "spine_02", "spine_03", "neck_01", "head"]
    for side in "lr":
        names += [
            f"{part}_{side}" for part in ("clavicle", "upperarm", "upperarm_twist_01", "lowerarm", "hand", "thumb_01")
        ]
        names += [f"{part}_{side}" for part in ("thigh", "thigh_twist_01", "calf", "foot", "ball")]
    joints = by_names(names, [float(i) for i in range(len(names))])
    assert len(joints) == 21
    assert names[joints["Hips"]] == "pelvis"
    assert names[joints["RightToes"]] == "ball_r"
