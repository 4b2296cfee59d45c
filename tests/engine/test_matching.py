"""Matching: which joint is which, in skeletons known and unknown, and what is said about it."""

from __future__ import annotations

import numpy as np
import pytest

from emotus.engine.body import BODY, JOINT_INDEX, JOINT_NAMES
from emotus.engine.errors import SkeletonError
from emotus.engine.matching import Match, match_skeleton
from emotus.engine.skeleton import Skeleton


def renamed(names: dict[str, str], offsets: np.ndarray = BODY.offsets) -> Skeleton:
    """Return the body with other names."""
    return Skeleton(tuple(names.get(name, name) for name in BODY.names), BODY.parents, offsets)


def joined(*parts: Skeleton) -> Skeleton:
    """Return a forest of several skeletons."""
    names: list[str] = []
    parents: list[int] = []
    for part in parts:
        parents += [parent + len(names) if parent >= 0 else -1 for parent in part.parents]
        names += part.names
    return Skeleton(tuple(names), tuple(parents), np.concatenate([part.offsets for part in parts]))


def without(*lost: str) -> Skeleton:
    """Return the body without some joints; what hung from them hangs from their parents."""
    keep = [i for i, name in enumerate(BODY.names) if name not in lost]
    parents = []
    for i in keep:
        parent = BODY.parents[i]
        while parent >= 0 and parent not in keep:
            parent = BODY.parents[parent]
        parents.append(keep.index(parent) if parent >= 0 else -1)
    points = BODY.rest_positions
    offsets = np.array(
        [points[i] - points[keep[p]] if p >= 0 else points[i] for i, p in zip(keep, parents, strict=True)]
    )
    return Skeleton(tuple(BODY.names[i] for i in keep), tuple(parents), offsets)


def sources(match: Match) -> dict[str, str]:
    """Return body joint -> name of its one source joint."""
    pairs = zip(JOINT_NAMES, match.blends, strict=True)
    return {name: match.skeleton.names[blend[0][0]] for name, blend in pairs if len(blend) == 1}


def test_the_body_matches_itself() -> None:
    """Every joint of the body is its own source, fully known."""
    match = match_skeleton(BODY, place="body")
    assert sources(match) == {name: name for name in JOINT_NAMES}
    assert match.confidence.tolist() == [1.0] * 21
    assert (match.table, match.lacking, match.unused) == ("vrm", (), ())


@pytest.mark.parametrize("make", ["Bip01 {}", "Character1_{}", "ns:rig:{}", "{}.001", "MyActor_{}", "{} (2)"])
def test_prefixes_and_numbers_do_not_matter(make: str) -> None:
    """Namespaces, a shared prefix and a copy's number are seen through."""
    match = match_skeleton(renamed({name: make.format(name) for name in JOINT_NAMES}), place="test")
    assert sources(match) == {name: make.format(name) for name in JOINT_NAMES}


def test_an_unknown_make_is_matched_by_its_words() -> None:
    """thigh.L, shin.L and the like are read without a table."""
    words = {"UpperLeg": "thigh", "LowerLeg": "shin", "Foot": "foot", "Toes": "toe", "Shoulder": "clavicle"}
    words |= {"UpperArm": "upper_arm", "LowerArm": "forearm", "Hand": "hand"}
    names = {side + part: f"{word}.{side[0]}" for side in ("Left", "Right") for part, word in words.items()}
    names |= {"Hips": "pelvis", "Chest": "torso"}
    match = match_skeleton(renamed(names), place="test")
    assert match.table == "names and hierarchy"
    assert sources(match) == {name: names.get(name, name) for name in JOINT_NAMES}


def test_a_nameless_body_is_matched_by_its_branches() -> None:
    """Where the names say nothing the hierarchy does."""
    match = match_skeleton(renamed({name: f"b{i}" for i, name in enumerate(JOINT_NAMES)}), place="test")
    assert sources(match) == {name: f"b{i}" for i, name in enumerate(JOINT_NAMES)}


def test_names_and_branches_complete_each_other() -> None:
    """Legs that are named keep their names; arms that are not are found by the branches."""
    unnamed = {name: f"b{i}" for i, name in enumerate(JOINT_NAMES) if "Arm" in name or "Hand" in name}
    match = match_skeleton(renamed(unnamed), place="test")
    assert sources(match)["LeftLowerArm"] == unnamed["LeftLowerArm"]
    assert sources(match)["LeftLowerLeg"] == "LeftLowerLeg"


def test_of_two_actors_the_first_is_taken() -> None:
    """A second actor and a prop are left alone, and listed as not used."""
    second = renamed({name: f"{name}_2" for name in JOINT_NAMES})
    prop = Skeleton(("Sword", "Hilt", "Blade", "Tip"), (-1, 0, 1, 2), np.ones((4, 3)))
    match = match_skeleton(joined(prop, BODY, second), place="test")
    assert sources(match) == {name: name for name in JOINT_NAMES}
    assert len(match.unused) == 25


def test_a_dummy_root_is_no_part_of_the_body() -> None:
    """A reference joint above the hips is passed over."""
    root = Skeleton(
        ("reference", *BODY.names),
        (-1, *(parent + 1 for parent in BODY.parents)),
        np.vstack((np.zeros(3), BODY.offsets)),
    )
    match = match_skeleton(root, place="test")
    assert sources(match)["Hips"] == "Hips"
    assert match.unused == ("reference",)


@pytest.mark.parametrize("lost", ["Chest", "Spine", "Neck", "LeftShoulder"])
def test_a_joint_that_lies_between_others_is_derived(lost: str) -> None:
    """It has a lower confidence, weights that sum to one, and lies near where the body has it."""
    match = match_skeleton(without(lost), place="test")
    blend = match.blends[JOINT_INDEX[lost]]
    placed = sum(weight * match.skeleton.rest_positions[i] for i, weight in blend)
    assert sum(weight for _, weight in blend) == pytest.approx(1)
    assert match.confidence[JOINT_INDEX[lost]] == pytest.approx(0.8)
    assert np.linalg.norm(placed - BODY.rest_positions[JOINT_INDEX[lost]]) < 0.08


@pytest.mark.parametrize("lost", ["LeftToes", "RightHand", "Head"])
def test_a_joint_that_nothing_tells_of_is_lacking(lost: str) -> None:
    """It has no source and no confidence, and is named."""
    match = match_skeleton(without(lost), place="test")
    assert match.lacking == (lost,)
    assert match.confidence[JOINT_INDEX[lost]] == 0


def test_an_end_stands_for_toes_that_are_no_joint() -> None:
    """The end of the foot's bone becomes the toes."""
    toeless = without("LeftToes", "RightToes")
    foot = toeless.index["LeftFoot"]
    match = match_skeleton(
        toeless, place="test", ends=[(foot, (0.0, -0.05, 0.2)), (toeless.index["Head"], (0, 0.1, 0))]
    )
    assert match.lacking == ("RightToes",)
    assert match.confidence[JOINT_INDEX["LeftToes"]] == pytest.approx(0.8)
    assert "LeftToes <- the end of LeftFoot (derived)" in match.describe()


def test_half_a_body_is_enough() -> None:
    """Hips, spine, head and one leg are matched; the rest is lacking."""
    names = ("Hips", "Spine", "Head", "LeftLeg")
    part = Skeleton(names, (-1, 0, 1, 0), np.array([[0, 0, 0], [0, 10, 0], [0, 8, 0], [2, -8, 0.0]]))
    match = match_skeleton(part, place="test")
    assert {"Hips", "Spine", "Chest", "Neck", "Head", "LeftLowerLeg"} == set(JOINT_NAMES) - set(match.lacking)


@pytest.mark.parametrize(
    ("names", "parents", "missing"),
    [
        ((), (), "no hips, no trunk or head, no legs or arms"),
        (("Sword", "Hilt"), (-1, 0), "no hips, no trunk or head, no legs or arms"),
        (("Hips", "Spine", "Head"), (-1, 0, 1), "no legs or arms"),
        (("Hips", "LeftUpLeg", "LeftKnee"), (-1, 0, 1), "no trunk or head"),
    ],
)
def test_what_is_no_body_is_refused_in_one_line(names: tuple[str, ...], parents: tuple[int, ...], missing: str) -> None:
    """The error names the place, what was found and what is missing."""
    skeleton = Skeleton(names, parents, np.ones((len(names), 3)))
    with pytest.raises(SkeletonError) as caught:
        match_skeleton(skeleton, place="toy.bvh")
    assert str(caught.value).startswith(f"toy.bvh: no human body among its {len(names)} joints")
    assert f"found {missing}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_that_no_terminal_can_show_are_made_harmless() -> None:
    """Control characters and names of a megabyte do not reach the message."""
    with pytest.raises(SkeletonError) as caught:
        match_skeleton(Skeleton(("a\x1b[31m\n", "b" * 1_000_000), (-1, 0), np.ones((2, 3))), place="x")
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_unknown_tables_axes_and_impossible_offsets_are_refused() -> None:
    """Each says what would do instead."""
    with pytest.raises(SkeletonError, match=r"no retarget table 'nope' \(one of vrm, "):
        match_skeleton(BODY, place="x", table="nope")
    with pytest.raises(SkeletonError, match=r"'up' is no axis .* \(give up= as x"):
        match_skeleton(BODY, place="x", up="up")
    with pytest.raises(SkeletonError, match="an offset beyond 1e\\+07"):
        match_skeleton(renamed({}, BODY.offsets * 1e300), place="x")


def test_a_table_can_be_asked_for() -> None:
    """Of makes with the same names the user may choose."""
    names = {"Chest": "Spine1"} | {
        f"{side}{ours}": f"{side}{theirs}"
        for side in ("Left", "Right")
        for ours, theirs in (("UpperArm", "Arm"), ("LowerArm", "ForeArm"), ("UpperLeg", "UpLeg"), ("LowerLeg", "Leg"))
    }
    skeleton = renamed(names)
    assert match_skeleton(skeleton, place="x").table == "mixamo"
    assert match_skeleton(skeleton, place="x", table="mixamo").table == "mixamo"
    assert match_skeleton(skeleton, place="x", table="xsens").table == "names and hierarchy"


def test_frames_that_are_not_finite_are_left_out() -> None:
    """A first frame of nonsense does not spoil what the others tell."""
    frames = np.stack((np.full((21, 3), np.nan), BODY.rest_positions, np.full((21, 3), 1e30)))
    match = match_skeleton(BODY, place="x", positions=frames)
    assert np.allclose(match.rest.to_house, np.eye(3))
    assert match_skeleton(BODY, place="x", positions=frames[:1]).rest.unit_m == 1.0


def test_describe_tells_everything() -> None:
    """Each joint with its source, the guesses, and what was not used."""
    text = match_skeleton(
        joined(without("Chest", "LeftToes"), renamed({n: f"x{n}" for n in JOINT_NAMES})), place="x"
    ).describe()
    lines = text.splitlines()
    assert lines[0] == "matched 20 of 21 joints by vrm"
    assert "  Hips <- Hips" in lines
    assert "  Chest <- 0.58 Spine + 0.42 Neck (derived)" in lines
    assert "  LeftToes <- nothing (placed by the body's proportions, confidence 0)" in lines
    assert any("unit is metres: a person of 1.70 m" in line for line in lines)
    assert lines[-1].startswith("  not used: 21 joints (xHips, ")
