"""The retarget tables: which joints of the skeletons met in the world make up the body.

Where a maker has more spine joints than the body, those nearest to the body's own shares of the way from hips to neck
(0.2 and 0.5) are taken.
"""

from __future__ import annotations

from typing import Final

from .axes import AXES, Axes
from .tables import Table

_CMU_UNIT_M: Final = 0.0254 / 0.45  # the CMU asf files count in 0.45ths of an inch, and the conversions kept it

_UP_LEG: Final = {"UpperLeg": "*UpLeg", "LowerLeg": "*Leg", "Foot": "*Foot", "Toes": "*ToeBase|*Toe|*Toes"}
_FORE_ARM: Final = {"Shoulder": "*Shoulder", "UpperArm": "*Arm", "LowerArm": "*ForeArm", "Hand": "*Hand"}
_MOTION_BUILDER: Final = _FORE_ARM | _UP_LEG
_ANATOMY: Final = {
    "Shoulder": "*Collar",
    "UpperArm": "*Shoulder",
    "LowerArm": "*Elbow",
    "Hand": "*Wrist",
    "UpperLeg": "*Hip",
    "LowerLeg": "*Knee",
    "Foot": "*Ankle",
    "Toes": "*Toe",
}
_UNITY: Final = {
    part: f"*{part}"
    for part in ("Shoulder", "UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "Toes")
}  # fmt: skip
_PLAIN: Final = {"Hips": "Hips", "Spine": "Spine", "Chest": "Chest", "Neck": "Neck", "Head": "Head"}

MEDIAPIPE_NAMES: Final = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index",
    "left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    "left_heel", "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip

EMOTION_GAIT_NAMES: Final = (
    "root", "spine", "neck", "head", "l_shoulder", "l_elbow", "l_hand", "r_shoulder", "r_elbow", "r_hand",
    "l_hip", "l_knee", "l_foot", "r_hip", "r_knee", "r_foot",
)  # fmt: skip

XSENS_NAMES: Final = (
    "Pelvis", "L5", "L3", "T12", "T8", "Neck", "Head", "RightShoulder", "RightUpperArm", "RightForeArm", "RightHand",
    "LeftShoulder", "LeftUpperArm", "LeftForeArm", "LeftHand", "RightUpperLeg", "RightLowerLeg", "RightFoot",
    "RightToe", "LeftUpperLeg", "LeftLowerLeg", "LeftFoot", "LeftToe",
)  # fmt: skip
XSENS_PARENTS: Final = (-1, 0, 1, 2, 3, 4, 5, 4, 7, 8, 9, 4, 11, 12, 13, 0, 15, 16, 17, 0, 19, 20, 21)

MOCOPI_NAMES: Final = (
    "root", "torso_1", "torso_2", "torso_3", "torso_4", "torso_5", "torso_6", "torso_7", "neck_1", "neck_2", "head",
    "l_shoulder", "l_up_arm", "l_low_arm", "l_hand", "r_shoulder", "r_up_arm", "r_low_arm", "r_hand",
    "l_up_leg", "l_low_leg", "l_foot", "l_toes", "r_up_leg", "r_low_leg", "r_foot", "r_toes",
)  # fmt: skip

SMPL_NAMES: Final = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hand", "right_hand",
)  # fmt: skip

# Bandai-Namco draws every bone along its joint's own x, on the right along -x. Seen in their motion: knees and elbows
# turn about y alone, and straight limbs have local rotations that are whole quarter turns.
_BANDAI_POSE: Final = (
    {"Hips": Axes("-y", "x", "z")}
    | dict.fromkeys(("Spine", "Chest", "Neck", "Head"), Axes("z", "x", "y"))
    | {f"Left{part}": Axes("x", "y", "z") for part in ("Shoulder", "UpperArm", "LowerArm", "Hand")}
    | {f"Right{part}": Axes("x", "-y", "-z") for part in ("Shoulder", "UpperArm", "LowerArm", "Hand")}
    | {f"Left{part}": Axes("y", "-x", "z") for part in ("UpperLeg", "LowerLeg")}
    | {f"Right{part}": Axes("y", "x", "-z") for part in ("UpperLeg", "LowerLeg")}
    | {f"Left{part}": Axes("y", "z", "x") for part in ("Foot", "Toes")}
    | {f"Right{part}": Axes("y", "-z", "-x") for part in ("Foot", "Toes")}
)

_LIST: Final = (
    Table("vrm", _PLAIN, _UNITY),
    Table(
        "bandai",
        _PLAIN,
        {part: f"{part}*" for part in _UNITY},
        sides=("_L", "_R"),
        axes=AXES["house"],
        pose=_BANDAI_POSE,
    ),
    Table("mocapbank", _PLAIN | {"Spine": "Chest", "Chest": "Chest2"}, _ANATOMY),
    Table(
        "cmu-anatomical",
        _PLAIN | {"Spine": "Chest", "Chest": "Chest2"},
        _ANATOMY,
        requires=("LHipJoint", "LeftKnee"),
        unit_m=_CMU_UNIT_M,
    ),
    Table(
        "cmu-motionbuilder",
        _PLAIN | {"Chest": "Spine1", "Neck": "Neck1"},
        _MOTION_BUILDER,
        requires=("LHipJoint", "LowerBack"),
        unit_m=_CMU_UNIT_M,
    ),
    Table("axis-neuron", _PLAIN | {"Chest": "Spine2"}, _MOTION_BUILDER, requires=("Spine2", "Spine3")),
    Table("axis-studio", _PLAIN | {"Chest": "Spine1"}, _MOTION_BUILDER, requires=("Spine2", "Neck1")),
    Table("mixamo", _PLAIN | {"Chest": "Spine1"}, _MOTION_BUILDER),
    Table(
        "xsens",
        {"Hips": "Pelvis", "Spine": "L3", "Chest": "T8", "Neck": "Neck", "Head": "Head"},
        _UNITY | {"LowerArm": "*ForeArm", "Toes": "*Toe|*Toes"},
        requires=("T8",),
    ),
    Table(
        "biped",
        {"Hips": "Pelvis", "Spine": "Spine", "Chest": "Spine1", "Neck": "Neck", "Head": "Head"},
        {
            "Shoulder": "*Clavicle",
            "UpperArm": "*UpperArm",
            "LowerArm": "*Forearm",
            "Hand": "*Hand",
            "UpperLeg": "*Thigh",
            "LowerLeg": "*Calf",
            "Foot": "*Foot",
            "Toes": "*Toe0",
        },
        sides=("L", "R"),
    ),
    Table(
        "rokoko",
        {"Hips": "hip", "Spine": "spine", "Chest": "chest", "Neck": "neck", "Head": "head"},
        _UNITY | {"UpperLeg": "*UpLeg", "LowerLeg": "*Leg", "Toes": "*Toe"},
    ),
    Table(
        "mocopi",
        {"Hips": "root", "Spine": "torso_2", "Chest": "torso_5", "Neck": "neck_1", "Head": "head"},
        {
            "Shoulder": "*_shoulder",
            "UpperArm": "*_up_arm",
            "LowerArm": "*_low_arm",
            "Hand": "*_hand",
            "UpperLeg": "*_up_leg",
            "LowerLeg": "*_low_leg",
            "Foot": "*_foot",
            "Toes": "*_toes",
        },
        sides=("l", "r"),
    ),
    Table(
        "smpl",
        {"Hips": "pelvis", "Spine": "spine1", "Chest": "spine2", "Neck": "neck", "Head": "head"},
        _ANATOMY | {"Toes": "*_foot"},
        requires=("spine3",),
    ),
    Table(
        "kinect",
        {"Hips": "SpineBase", "Chest": "SpineMid", "Neck": "SpineShoulder", "Head": "Head"},
        {
            "UpperArm": "Shoulder*",
            "LowerArm": "Elbow*",
            "Hand": "Wrist*",
            "UpperLeg": "Hip*",
            "LowerLeg": "Knee*",
            "Foot": "Ankle*",
            "Toes": "Foot*",
        },
        requires=("SpineBase",),
    ),
    Table(
        "emotion-gait",
        {"Hips": "root", "Spine": "spine", "Neck": "neck", "Head": "head"},
        {
            "UpperArm": "*_shoulder",
            "LowerArm": "*_elbow",
            "Hand": "*_hand",
            "UpperLeg": "*_hip",
            "LowerLeg": "*_knee",
            "Foot": "*_foot",
        },
        sides=("l", "r"),
        axes=AXES["house"],
    ),
    Table(
        "mediapipe",
        {
            "Hips": "0.5 left_hip + 0.5 right_hip",
            "Spine": "0.4 left_hip + 0.4 right_hip + 0.1 left_shoulder + 0.1 right_shoulder",
            "Chest": "0.24 left_hip + 0.24 right_hip + 0.26 left_shoulder + 0.26 right_shoulder",
            "Neck": "0.42 left_shoulder + 0.42 right_shoulder + 0.08 left_ear + 0.08 right_ear",
            "Head": "0.5 left_ear + 0.5 right_ear",
            "LeftShoulder": "0.64 left_shoulder + 0.36 right_shoulder",
            "RightShoulder": "0.64 right_shoulder + 0.36 left_shoulder",
        },
        {
            "UpperArm": "*_shoulder",
            "LowerArm": "*_elbow",
            "Hand": "*_wrist",
            "UpperLeg": "*_hip",
            "LowerLeg": "*_knee",
            "Foot": "*_ankle",
            "Toes": "*_foot_index",
        },
        sides=("left", "right"),
        requires=("nose", "left_ear"),
        axes=AXES["mediapipe"],
        unit_m=1.0,
    ),
)

TABLES: Final[dict[str, Table]] = {table.name: table for table in _LIST}
