"""Say which named points of a laboratory's table make up the joints of the body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..engine.body import JOINT_NAMES
from ..engine.errors import MappingError
from ..engine.tables import Blend, Table, key, look_up
from .mapping_file import Section, read_mapping

UNITS_M: Final = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
AXES_UP: Final = ("x", "y", "z", "-x", "-y", "-z")
HANDED: Final = ("right", "left")
_FILE_KEYS: Final = ("unit", "up", "handed", "time", "rate")

# The Plug-in-Gait-like 41 markers of the movement-quality recordings: joint centres lie between the markers of a joint;
# where only one side of a joint is marked (hips, shoulders, ankles), the shares follow the body's proportions.
_FORTY_ONE: Final[dict[str, str]] = {
    "Hips": "0.2 WaistL + 0.2 WaistR + 0.2 WaistBack + 0.1 WaistLFront + 0.1 WaistRFront"
    " + 0.1 LThighFrontLow + 0.1 RThighFrontLow",
    "Chest": "0.3 Chest + 0.4 SpineThoracic12 + 0.3 SpineThoracic2",
    "Neck": "0.5 SpineThoracic2 + 0.25 LShoulderTop + 0.25 RShoulderTop",
    "Head": "0.5 HeadL + 0.5 HeadR",
    **{
        f"{side}{joint}": points.replace("*", side[0])
        for side in ("Left", "Right")
        for joint, points in (
            ("UpperArm", "0.8 *ShoulderTop + 0.1 *ElbowOut + 0.1 *ElbowIn"),
            ("LowerArm", "0.5 *ElbowOut + 0.5 *ElbowIn"),
            ("Hand", "0.5 *WristIn + 0.5 *WristOut"),
            ("UpperLeg", "0.25 *ThighFrontLow + 0.3 Waist* + 0.25 Waist*Front + 0.2 WaistBack"),
            ("LowerLeg", "0.5 *KneeOut + 0.5 *KneeIn"),
            ("Foot", "0.7 *AnkleOut + 0.15 *HeelBack + 0.15 *Forefoot2"),
            ("Toes", "0.5 *Forefoot2 + 0.5 *Forefoot5"),
        )
    },
}
_KINECT: Final[dict[str, str]] = {
    "Hips": "spine_base|SpineBase|pelvis",
    "Chest": "spine|SpineMid|spine_chest",
    "Neck": "spine_shoulder|SpineShoulder|neck",
    "Head": "head",
    **{
        f"{side}{joint}": f"{side.lower()}_{point}|{point}_{side.lower()}"
        for side in ("Left", "Right")
        for joint, point in (
            ("UpperArm", "shoulder"), ("LowerArm", "elbow"), ("Hand", "wrist"),
            ("UpperLeg", "hip"), ("LowerLeg", "knee"), ("Foot", "ankle"), ("Toes", "foot"),
        )
    },
}  # fmt: skip


@dataclass(frozen=True)
class PointsMap:
    """Hold how a table of points is read.

    name: for messages. joints: body joint -> points, as in `engine.tables` ("0.5 LWristIn + 0.5 LWristOut", "a|b").
    What else is None is found from the file. section: where it stands in the user's mapping file, None for a preset.
    """

    name: str
    joints: Mapping[str, str]
    unit_m: float | None = None
    up: str | None = None
    time: str | None = None
    rate_hz: float | None = None
    left_handed: bool = False
    section: Section | None = field(default=None, compare=False)

    def blends(self, names: tuple[str, ...]) -> dict[str, Blend]:
        """Return body joint -> (point, weight) pairs of a file with these points.

        Raises MappingError for a joint whose points the file lacks, where a mapping file of the user's asks for it.
        """
        found = {key(name): i for i, name in reversed(list(enumerate(names)))}
        hits = look_up(Table(self.name, self.joints, {}), found)
        for joint in self.joints:
            if self.section is not None and joint not in hits:
                raise self.section.wrong(
                    joint, f"no such point: {self.joints[joint]}", mend=f"there are {_some(names)}"
                )
        return hits


PRESETS: Final[dict[str, PointsMap]] = {
    "kinect": PointsMap("kinect", _KINECT, up="y"),
    "markers41": PointsMap("markers41", _FORTY_ONE),
}


def points_map(name: str) -> PointsMap:
    """Return a mapping by the name of a preset, or from a file; raise MappingError where it is neither."""
    if name in PRESETS:
        return PRESETS[name]
    if not Path(name).suffix and not Path(name).exists():
        raise MappingError(f"map={name}", "no such mapping", mend=f"one of {', '.join(PRESETS)}, or a TOML file")
    return map_from(read_mapping(name))


def map_from(root: Section) -> PointsMap:
    """Understand a mapping file: [points] with body joint = "points", and [file] with unit, up, handed, time, rate."""
    root.check_keys(("points", "file"))
    points, file = root.section("points"), root.section("file")
    points.check_keys(JOINT_NAMES)
    file.check_keys(_FILE_KEYS)
    joints = {joint: points.text_of(joint) or "" for joint in points.values}
    if "Hips" not in joints:
        raise points.wrong("Hips", "is not mapped", mend='Hips = "name of a point, or 0.5 A + 0.5 B"')
    unit = file.choice("unit", tuple(UNITS_M), "m") if "unit" in file.values else None
    return PointsMap(
        root.place,
        joints,
        UNITS_M[unit] if unit else None,
        file.choice("up", AXES_UP, "y") if "up" in file.values else None,
        file.text_of("time"),
        file.number("rate", None, 1.0, 2000.0),
        file.choice("handed", HANDED, "right") == "left",
        points,
    )


def fitting(names: tuple[str, ...]) -> PointsMap | None:
    """Return the preset that finds hips, head and most of the rest among these points, None where none does."""
    best = max(PRESETS.values(), key=lambda each: len(each.blends(names)))
    found = best.blends(names)
    return best if {"Hips", "Head"} <= set(found) and len(found) >= 12 else None


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
