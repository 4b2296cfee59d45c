"""Read the names of an unknown skeleton's joints: which part of the body, which side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from .tables import common_prefix

_TOKEN: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SIDES: Final = {"left": "Left", "l": "Left", "lft": "Left", "right": "Right", "r": "Right", "rgt": "Right"}

_WORDS: Final = {
    "hips": "hips pelvis hipcenter hipscenter midhip spinebase pelvisbase",
    "root": "root cog centre center body",
    "trunk": "spine chest upperchest torso abdomen waist back lowerback upperback thorax lumbar stomach belly trunk"
    " upperspine midspine lowerspine spinemid spineupper spinelower sternum ribs ribcage",
    "neck": "neck lowerneck neckbase neckshoulder shouldercenter",
    "head": "head skull",
    "clavicle": "clavicle collar clav collarbone scapula shoulderblade",
    "shoulder": "shoulder shldr",
    "arm": "arm",
    "upperarm": "upperarm uparm armupper humerus bicep biceps",
    "lowerarm": "forearm lowerarm lowarm armlower elbow foream ulna radius",
    "wrist": "wrist",
    "hand": "hand palm",
    "hip": "hip",
    "upperleg": "thigh upleg upperleg legupper femur upperthigh",
    "leg": "leg",
    "lowerleg": "lowerleg lowleg leglower knee shin calf tibia crus",
    "ankle": "ankle",
    "foot": "foot",
    "toes": "toe toes toebase toesbase ball football",
}
_PART: Final[dict[str, str]] = {word: part for part, words in _WORDS.items() for word in words.split()}
_NOISE: Final = frozenset(
    ("joint", "jnt", "jt", "bone", "bip", "def", "rig", "sk", "bn", "b", "j", "c", "skel", "skeleton", "biped", "human")
)
_APART: Final = frozenset(
    ("twist", "roll", "end", "nub", "ik", "pole", "target", "helper", "tip", "site", "thumb", "index", "middle", "ring",
     "little", "pinky", "finger", "fingers", "eye", "jaw", "hair", "skirt", "prop", "weapon", "ctrl", "control", "tail",
     "offset", "marker", "wing", "ear")
)  # fmt: skip


def read_name(name: str) -> tuple[str, str]:
    """Return the part ("upperleg", ...) and the side ("Left", "Right" or "") that a name speaks of; "" if none."""
    bare = re.split(r"[:|]", name)[-1]
    tokens = [token.casefold() for token in _TOKEN.findall(bare) if not token.isdigit()]
    tokens = [token for token in tokens if token not in _NOISE]
    if _APART & set(tokens):
        return "", ""
    side = next((_SIDES[token] for token in tokens if token in _SIDES), "")
    word = "".join(token for token in tokens if token not in _SIDES)
    if word in _PART:
        return _settle(_PART[word], side)
    return _read_glued(word) if not side else ("", side)


def _read_glued(word: str) -> tuple[str, str]:
    """Read a word whose side was written without any break: "lefthip", "rhand", "thighl"."""
    for mark, side in _SIDES.items():
        for rest in (word.removeprefix(mark), word.removesuffix(mark)):
            if rest != word and rest in _PART:
                return _settle(_PART[rest], side)
    return "", ""


def _settle(part: str, side: str) -> tuple[str, str]:
    """Tell the pelvis ("hip" without a side) from a hip joint."""
    return ("hips", "") if part == "hip" and not side else (part, side)


def by_names(names: Sequence[str], lengths: Sequence[float]) -> dict[str, int]:
    """Return body joint -> joint for the names of one tree, parents first.

    lengths: the way along the bones from the root to each joint, which tells the leg that hangs from a hip from the
    shank, and the spine joints apart.
    """
    prefix = common_prefix([re.split(r"[:|]", name)[-1] for name in names])
    parts: dict[tuple[str, str], list[int]] = {}
    for joint, name in enumerate(names):
        bare = re.split(r"[:|]", name)[-1]
        parts.setdefault(read_name(bare.removeprefix(prefix)), []).append(joint)
    found = _trunk(parts, lengths)
    for side in ("Left", "Right"):
        mine = {part: joints[0] for (part, at), joints in parts.items() if at == side}
        limbs = _arm(mine) | _leg(mine, found.get("Hips"), lengths)
        found |= {side + part: joint for part, joint in limbs.items()}
    return found


def _trunk(parts: Mapping[tuple[str, str], list[int]], lengths: Sequence[float]) -> dict[str, int]:
    """Return hips, spine, chest, neck and head."""
    found: dict[str, int] = {}
    for joint, wanted in (("Hips", ("hips", "root")), ("Neck", ("neck",)), ("Head", ("head",))):
        hits = [hit for part in wanted for hit in parts.get((part, ""), [])]
        if hits:
            found[joint] = hits[0]
    return found | pick_spine(parts.get(("trunk", ""), []), found, lengths)


def pick_spine(trunk: Sequence[int], found: Mapping[str, int], lengths: Sequence[float]) -> dict[str, int]:
    """Choose Spine and Chest among the joints between hips and neck: the first, and the one nearest to half-way."""
    if len(trunk) < 2:
        return dict(zip(("Spine",), trunk, strict=False))
    start = lengths[found["Hips"]] if "Hips" in found else lengths[trunk[0]]
    top = lengths[found["Neck"]] if "Neck" in found else lengths[trunk[-1]] * 1.3
    rising = [joint for joint in trunk if lengths[joint] > start] or list(trunk)
    spine, *others = rising
    if not others:
        return {"Spine": spine}
    return {"Spine": spine, "Chest": min(others, key=lambda joint: abs(lengths[joint] - (start + top) / 2))}


def _first(mine: Mapping[str, int], words: Iterable[str]) -> int | None:
    """Return the joint of the first of these words that occurs."""
    return next((mine[word] for word in words if word in mine), None)


def _arm(mine: Mapping[str, int]) -> dict[str, int]:
    """Return one side's arm; a shoulder is the collar bone where an arm follows it, the upper arm where none does."""
    upper = _first(mine, ("upperarm", "arm", "shoulder"))
    collar = _first(mine, ("clavicle", "shoulder"))
    found = {
        "Shoulder": collar if collar != upper else None,
        "UpperArm": upper,
        "LowerArm": _first(mine, ("lowerarm",)),
        "Hand": _first(mine, ("wrist", "hand")),
    }
    return {part: joint for part, joint in found.items() if joint is not None}


def _leg(mine: Mapping[str, int], hips: int | None, lengths: Sequence[float]) -> dict[str, int]:
    """Return one side's leg; "leg" is the shank beside a thigh or a hip, and the thigh beside a knee."""
    upper, lower = _first(mine, ("upperleg",)), _first(mine, ("lowerleg",))
    if upper is None:
        upper = mine.get("hip")
    if "leg" in mine:
        if lower is None and (upper is not None or _hangs_low(mine, hips, lengths)):
            lower = mine["leg"]
        elif upper is None:
            upper = mine["leg"]
    toes = _first(mine, ("toes", "foot") if "ankle" in mine else ("toes",))
    found = {"UpperLeg": upper, "LowerLeg": lower, "Foot": _first(mine, ("ankle", "foot")), "Toes": toes}
    return {part: joint for part, joint in found.items() if joint is not None}


def _hangs_low(mine: Mapping[str, int], hips: int | None, lengths: Sequence[float]) -> bool:
    """Tell whether a "leg" with neither thigh nor knee begins so far from the hips that it must be the shank."""
    if hips is None:
        return False
    drop = lengths[mine["leg"]] - lengths[hips]
    below = lengths[mine["foot"]] - lengths[mine["leg"]] if "foot" in mine else 0.0
    return drop > 0.5 * below
