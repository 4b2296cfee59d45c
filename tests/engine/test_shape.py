"""Skeletons whose names say nothing: the body is found by how the tree branches."""

from __future__ import annotations

import numpy as np
import pytest

from emotus.engine.axes import AXES
from emotus.engine.body import BODY, JOINT_INDEX, JOINT_NAMES
from emotus.engine.shape import by_shape, path_lengths
from emotus.engine.skeleton import Skeleton


def nameless(extra: list[tuple[str, tuple[float, float, float]]] | None = None) -> Skeleton:
    """Return the body without its names, with more joints (parent's body name, offset) behind."""
    more = extra or []
    parents = [*BODY.parents, *(JOINT_INDEX[parent] for parent, _ in more)]
    offsets = [*BODY.offsets, *(np.array(offset) for _, offset in more)]
    return Skeleton(tuple(f"j{i}" for i in range(len(parents))), tuple(parents), np.array(offsets))


EVERY = {name: i for i, name in enumerate(JOINT_NAMES)}


@pytest.mark.parametrize("name", ["house", "blender", "xsens", "ros", "godot"])
def test_the_body_is_found_without_names(name: str) -> None:
    """All 21 joints, and which side is left, come from the branching and from where the toes point, in any axes."""
    still = nameless()
    turned = Skeleton(still.names, still.parents, still.offsets @ AXES[name].matrix)
    assert by_shape(turned, turned.rest_positions) == EVERY


def test_fingers_and_ends_are_no_limbs() -> None:
    """Small branches at hands, head and feet change nothing."""
    fingers = [(f"{side}Hand", (sign * 0.08, 0.0, z)) for side, sign in (("Left", 1), ("Right", -1)) for z in (0, 0.03)]
    busy = nameless([*fingers, ("Head", (0.0, 0.12, 0.0)), ("Head", (0.03, 0.05, 0.08)), ("Head", (-0.03, 0.05, 0.08))])
    assert by_shape(busy, busy.rest_positions) == EVERY


def test_dummies_above_and_between_are_passed_over() -> None:
    """A root above the hips and joints of no length are not taken for parts of the body."""
    names, parents, offsets = ["root", "hips"], [-1, 0], [np.zeros(3), BODY.offsets[0]]
    new = {0: 1}
    for joint in range(1, 21):
        parent = new[BODY.parents[joint]]
        if JOINT_NAMES[joint].endswith("UpperLeg"):
            names.append(f"dummy{joint}")
            parents.append(parent)
            offsets.append(np.zeros(3))
            parent = len(names) - 1
        new[joint] = len(names)
        names.append(f"j{joint}")
        parents.append(parent)
        offsets.append(BODY.offsets[joint])
    skeleton = Skeleton(tuple(names), tuple(parents), np.array(offsets))
    assert by_shape(skeleton, skeleton.rest_positions) == {name: new[i] for name, i in EVERY.items()}


def test_sides_follow_the_names_where_they_say_so() -> None:
    """A side in a name counts for more than geometry."""
    names = tuple(
        name.replace("Left", "a_l_").replace("Right", "a_r_") if i > 4 else f"t{i}"
        for i, name in enumerate(JOINT_NAMES)
    )
    mirrored = Skeleton(names, BODY.parents, BODY.offsets * [-1.0, 1.0, 1.0])
    found = by_shape(mirrored, mirrored.rest_positions)
    assert found["LeftUpperLeg"] == JOINT_INDEX["LeftUpperLeg"]
    assert found["RightHand"] == JOINT_INDEX["RightHand"]


def test_a_frame_tells_sides_where_rest_cannot() -> None:
    """Where all bones lie along their own x at rest, points of a frame tell left from right."""
    lengths = np.linalg.norm(BODY.offsets, axis=1)
    scrambled = Skeleton(nameless().names, BODY.parents, np.stack((lengths, 0 * lengths, 0 * lengths), axis=1))
    assert by_shape(scrambled, BODY.rest_positions) == EVERY


@pytest.mark.parametrize("count", [1, 2, 50])
def test_a_chain_is_no_body(count: int) -> None:
    """What never branches has neither legs nor arms."""
    chain = Skeleton(tuple(f"j{i}" for i in range(count)), tuple(range(-1, count - 1)), np.ones((count, 3)))
    assert by_shape(chain, chain.rest_positions) == {}


def test_a_tree_ten_thousand_deep_is_read() -> None:
    """Depth costs no recursion."""
    n = 10_000
    chain = Skeleton(tuple(f"j{i}" for i in range(n)), tuple(range(-1, n - 1)), np.ones((n, 3)))
    assert by_shape(chain, chain.rest_positions) == {}
    assert path_lengths(chain)[-1] == pytest.approx((n - 1) * 3**0.5)
