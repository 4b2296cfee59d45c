"""Retarget tables: every maker's names find the joints of the body."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from emotus.engine.body import JOINT_NAMES
from emotus.engine.skeleton_tables import (
    EMOTION_GAIT_NAMES,
    MEDIAPIPE_NAMES,
    MOCOPI_NAMES,
    SMPL_NAMES,
    TABLES,
    XSENS_NAMES,
    XSENS_PARENTS,
)
from emotus.engine.tables import Table, common_prefix, key, keys, look_up, points_skeleton

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

FINGERS = "HandThumb1 HandThumb2 HandThumb3 InHandIndex HandIndex1 HandIndex2 HandIndex3 InHandMiddle HandMiddle1"
ARM = ["Shoulder", "Arm", "ForeArm", "Hand", *FINGERS.split()]
LEG = ["UpLeg", "Leg", "Foot"]
ANATOMY = ["Collar", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Toe"]
UNITY = ["Shoulder", "UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "Toes"]
BOTH = ("Left", "Right")


def sided(parts: list[str]) -> list[str]:
    return [side + part for side in BOTH for part in parts]


TRUNK = ["Hips", "Spine", "Chest", "Neck", "Head"]
CMU = ["Hips", "LHipJoint", "RHipJoint"]
BIPED = ["Clavicle", "UpperArm", "Forearm", "Hand", "Finger0", "Thigh", "Calf", "Foot", "Toe0"]
KINECT = ["Shoulder", "Elbow", "Wrist", "Hand", "HandTip", "Thumb", "Hip", "Knee", "Ankle", "Foot"]
MIXAMO = [
    "Hips",
    "Spine",
    "Spine1",
    "Spine2",
    "Neck",
    "Head",
    "HeadTop_End",
    *sided([*ARM, *LEG, "ToeBase", "Toe_End"]),
]
ROKOKO = ["Shoulder", "UpperArm", "LowerArm", "Hand", "UpLeg", "Leg", "Foot", "Toe", "ToeEnd"]
NAMES = {
    "mocapbank": ["Hips", "Chest", "Chest2", "Neck", "Head", *sided(ANATOMY[:-1])],
    "cmu-anatomical": [*CMU, "lowerback", "Chest", "Chest2", "lowerneck", "Neck", "Head", *sided(ANATOMY)],
    "cmu-motionbuilder": [
        *CMU,
        "LowerBack",
        "Spine",
        "Spine1",
        "Neck",
        "Neck1",
        "Head",
        *sided([*ARM, *LEG, "ToeBase"]),
    ],
    "bandai": ["joint_Root", *TRUNK, *(f"{part}_{side}" for side in "LR" for part in UNITY)],
    "axis-neuron": ["Hips", "Spine", "Spine1", "Spine2", "Spine3", "Neck", "Head", *sided([*ARM, *LEG])],
    "axis-studio": ["Hips", "Spine", "Spine1", "Spine2", "Neck", "Neck1", "Head", *sided([*ARM, *LEG])],
    "mixamo": [f"mixamorig:{name}" for name in MIXAMO],
    "xsens": list(XSENS_NAMES),
    "vrm": [*TRUNK, "UpperChest", *sided(UNITY)],
    "biped": [
        *("Bip01", "Bip01 Footsteps", "Bip01 Pelvis", "Bip01 Spine", "Bip01 Spine1", "Bip01 Neck", "Bip01 Head"),
        *(f"Bip01 {side} {part}" for side in "LR" for part in BIPED),
    ],
    "rokoko": [
        "hip",
        "spine",
        "chest",
        "neck",
        "head",
        *(side + part for side in ("left", "right") for part in ROKOKO),
    ],
    "mocopi": list(MOCOPI_NAMES),
    "smpl": list(SMPL_NAMES),
    "emotion-gait": list(EMOTION_GAIT_NAMES),
    "kinect": ["SpineBase", "SpineMid", "Neck", "Head", "SpineShoulder", *(p + side for side in BOTH for p in KINECT)],
}
# table -> how many joints it finds, and those for Spine, Chest, LeftUpperArm and RightFoot
EXPECTED = {
    "mocapbank": (19, "Chest", "Chest2", "LeftShoulder", "RightAnkle"),
    "cmu-anatomical": (21, "Chest", "Chest2", "LeftShoulder", "RightAnkle"),
    "cmu-motionbuilder": (21, "Spine", "Spine1", "LeftArm", "RightFoot"),
    "bandai": (21, "Spine", "Chest", "UpperArm_L", "Foot_R"),
    "axis-neuron": (19, "Spine", "Spine2", "LeftArm", "RightFoot"),
    "axis-studio": (19, "Spine", "Spine1", "LeftArm", "RightFoot"),
    "mixamo": (21, "mixamorig:Spine", "mixamorig:Spine1", "mixamorig:LeftArm", "mixamorig:RightFoot"),
    "xsens": (21, "L3", "T8", "LeftUpperArm", "RightFoot"),
    "vrm": (21, "Spine", "Chest", "LeftUpperArm", "RightFoot"),
    "biped": (21, "Bip01 Spine", "Bip01 Spine1", "Bip01 L UpperArm", "Bip01 R Foot"),
    "rokoko": (21, "spine", "chest", "leftUpperArm", "rightFoot"),
    "mocopi": (21, "torso_2", "torso_5", "l_up_arm", "r_foot"),
    "smpl": (21, "spine1", "spine2", "left_shoulder", "right_ankle"),
    "emotion-gait": (16, "spine", "", "l_shoulder", "r_foot"),
    "kinect": (18, "", "SpineMid", "ShoulderLeft", "AnkleRight"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_make_is_known_by_its_names(name: str) -> None:
    """Of all tables the make's own finds the most, and finds the right joints, and as many as that make has."""
    count, *sources = EXPECTED[name]
    found = {each: i for i, each in enumerate(keys(NAMES[name]))}
    hits = {table.name: look_up(table, found) for table in TABLES.values()}
    best = max(TABLES.values(), key=lambda table: (len(hits[table.name]), len(table.requires)))
    assert best.name == name
    assert len(hits[name]) == count
    for joint, source in zip(("Spine", "Chest", "LeftUpperArm", "RightFoot"), sources, strict=True):
        assert [NAMES[name][i] for i, _ in hits[name].get(joint, ())] == ([source] if source else []), joint


def test_every_table_is_tested_here() -> None:
    """A table that is added needs a skeleton of its make."""
    assert set(EXPECTED) == set(NAMES) == set(TABLES) - {"mediapipe"}


def test_vrm_names_may_begin_small() -> None:
    """VRM 1 writes leftUpperArm where Unity writes LeftUpperArm."""
    names = [name[0].lower() + name[1:] for name in JOINT_NAMES]
    hit = look_up(TABLES["vrm"], {each: i for i, each in enumerate(keys(names))})
    assert [hit[joint][0][0] for joint in JOINT_NAMES] == list(range(21))


def test_mediapipe_points_blend_to_a_whole_body() -> None:
    """All 21 joints come of the 33 landmarks, and the weights of each sum to one."""
    hit = look_up(TABLES["mediapipe"], {each: i for i, each in enumerate(keys(MEDIAPIPE_NAMES))})
    assert set(hit) == set(JOINT_NAMES)
    assert all(np.isclose(sum(weight for _, weight in blend), 1.0) for blend in hit.values())
    assert hit["LeftUpperArm"] == ((11, 1.0),)
    assert hit["RightToes"] == ((32, 1.0),)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_tables_speak_of_the_body_only(table: Table) -> None:
    """Every table names joints of the body, hips and all four limbs among them."""
    assert set(table.joints) <= set(JOINT_NAMES)
    assert {"Hips", "LeftUpperLeg", "RightLowerLeg", "LeftUpperArm", "RightLowerArm"} <= set(table.joints)


def test_a_table_that_requires_a_name_finds_nothing_without_it() -> None:
    """What sets a make apart must be there."""
    names = [name for name in XSENS_NAMES if name != "T8"]
    assert look_up(TABLES["xsens"], {key(name): i for i, name in enumerate(names)}) == {}


def test_names_are_reduced_to_what_tells_them_apart() -> None:
    """Namespaces, case and separators go; letters and digits of any script stay."""
    assert key("mixamorig:LeftArm") == key("a|b:left_arm") == key("Left.Arm") == "leftarm"
    assert key("左腕") == "左腕"


def test_a_prefix_is_dropped_only_when_shared() -> None:
    """What most names begin with is no part of them."""
    assert common_prefix(["Bip01 Pelvis", "Bip01 Spine", "Bip01 L Thigh", "Bip01 R Thigh"]) == "Bip01 "
    assert common_prefix(["left_hip", "left_knee", "right_hip", "right_knee"]) == ""
    assert common_prefix([]) == ""


def test_copies_are_known_by_what_they_are_copies_of() -> None:
    """A second actor's joints, made unique by numbers, have the keys of the first's."""
    assert keys(["Hips_2", "LeftUpLeg_2", "Spine1_2"]) == ["hips", "leftupleg", "spine1"]
    assert keys(["Hips (2)", "Spine (2)"]) == ["hips", "spine"]
    assert keys(["spine_01", "spine_02", "head", "hips"])[:2] == ["spine01", "spine02"]


def test_points_have_no_bones() -> None:
    """A skeleton of points has as many roots as joints."""
    points = points_skeleton(MEDIAPIPE_NAMES)
    assert set(points.parents) == {-1}
    assert len(points.names) == 33


def test_xsens_parents_precede_and_mirror() -> None:
    """The 23 segments hang together as published: both arms from T8, both legs from the pelvis."""
    parent = {name: XSENS_NAMES[p] if p >= 0 else "" for name, p in zip(XSENS_NAMES, XSENS_PARENTS, strict=True)}
    assert parent["RightShoulder"] == parent["LeftShoulder"] == "T8"
    assert parent["RightUpperLeg"] == parent["LeftUpperLeg"] == "Pelvis"
    assert all(parent[name.replace("Right", "Left")] == up.replace("Right", "Left") for name, up in parent.items())


def test_emotion_gait_names_are_those_of_the_set() -> None:
    """The 16 names are the data set's own, in its order."""
    path = DATA / "emotion_gait.npz"
    if not path.exists():
        pytest.skip(f"{path} is missing")
    with np.load(path) as data:
        assert tuple(map(str, data["joints"])) == EMOTION_GAIT_NAMES


def test_mediapipe_has_as_many_names_as_landmarks() -> None:
    """The golden results hold one point for each name."""
    path = DATA / "webcam" / "pose_squats_3d.full.json"
    if not path.exists():
        pytest.skip(f"{path} is missing")
    assert np.shape(json.loads(path.read_text()))[1:] == (len(MEDIAPIPE_NAMES), 3)
