"""Axis conventions: every row of the conversion table, in both directions, checked by numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from emotus.engine import quaternion
from emotus.engine.axes import (
    AXES,
    UNITS_M,
    Axes,
    axis_name,
    axis_vector,
    guess_unit,
    positions_from_house,
    positions_to_house,
    rotations_from_house,
    rotations_to_house,
)

# convention -> what (x, y, z) and the quaternion (w, x, y, z) become in the house, as published tables put it
X, Y, Z, W = 2.0, 3.0, 5.0, 7.0
TO_HOUSE = {
    "xsens": ((Y, Z, X), (W, Y, Z, X)),
    "ros": ((Y, Z, X), (W, Y, Z, X)),
    "mxtp01": ((X / 100, Y / 100, Z / 100), (W, X, Y, Z)),
    "unity": ((-X, Y, Z), (W, X, -Y, -Z)),
    "vmc": ((-X, Y, Z), (W, X, -Y, -Z)),
    "vrchat": ((-X, Y, Z), (W, X, -Y, -Z)),
    "rokoko": ((-X, Y, Z), (W, X, -Y, -Z)),
    "mocopi": ((X, Y, Z), (W, X, Y, Z)),
    "gltf": ((X, Y, Z), (W, X, Y, Z)),
    "mediapipe": ((X, -Y, -Z), (W, X, -Y, -Z)),
    "blender": ((X, Z, -Y), (W, X, Z, -Y)),
    "xsens-y-up": ((-Z, Y, X), (W, -Z, Y, X)),
}
FROM_HOUSE = {
    "unity": ((-X, Y, Z), (W, X, -Y, -Z)),
    "unreal": ((100 * Z, -100 * X, 100 * Y), (W, -Z, X, -Y)),
    "godot": ((-X, Y, -Z), (W, -X, Y, -Z)),
    "ros": ((Z, X, Y), (W, Z, X, Y)),
}


@pytest.mark.parametrize("name", TO_HOUSE)
def test_positions_and_rotations_come_to_the_house(name: str) -> None:
    """Each convention's published row holds."""
    position, rotation = TO_HOUSE[name]
    assert np.allclose(positions_to_house(np.array([X, Y, Z]), AXES[name]), position)
    assert np.allclose(rotations_to_house(np.array([W, X, Y, Z]), AXES[name]), rotation)


@pytest.mark.parametrize("name", FROM_HOUSE)
def test_positions_and_rotations_leave_the_house(name: str) -> None:
    """Each engine's published row holds."""
    position, rotation = FROM_HOUSE[name]
    assert np.allclose(positions_from_house(np.array([X, Y, Z]), AXES[name]), position)
    assert np.allclose(rotations_from_house(np.array([W, X, Y, Z]), AXES[name]), rotation)


@pytest.mark.parametrize("name", AXES)
def test_rotations_become_those_of_the_turned_axes(name: str) -> None:
    """The quaternion rule is R' = M R MT, and turning then converting equals converting then turning."""
    axes = AXES[name]
    r = Rotation.random(50, random_state=0)
    v = np.random.default_rng(0).normal(size=(50, 3))
    q = rotations_to_house(r.as_quat(scalar_first=True), axes)
    assert np.allclose(quaternion.to_matrix(q), axes.matrix @ r.as_matrix() @ axes.matrix.T)
    assert np.allclose(quaternion.rotate(q, positions_to_house(v, axes)), positions_to_house(r.apply(v), axes))


@pytest.mark.parametrize("name", AXES)
def test_there_and_back_changes_nothing(name: str) -> None:
    """From the house and to it are each other's inverse."""
    axes = AXES[name]
    v, q = np.array([[X, Y, Z]]), np.array([[W, X, Y, Z]])
    assert np.allclose(positions_to_house(positions_from_house(v, axes), axes), v)
    assert np.allclose(rotations_from_house(rotations_to_house(q, axes), axes), q)


def test_only_unity_and_unreal_are_left_handed() -> None:
    """The determinant tells the handedness."""
    left_handed = {name for name, axes in AXES.items() if axes.determinant < 0}
    assert left_handed == {"unity", "vmc", "vrchat", "rokoko", "unreal"}


def test_a_convention_needs_three_axes() -> None:
    """Two axes that are the same one are refused."""
    with pytest.raises(ValueError, match="three different axes"):
        Axes("x", "-x", "z")


@pytest.mark.parametrize("word", ["x", "-x", "y", "-y", "z", "-z"])
def test_axes_are_named_and_read(word: str) -> None:
    """A name and its vector belong together."""
    assert axis_name(axis_vector(word)) == word


@pytest.mark.parametrize("word", ["", "w", "+-x", "up", "xy"])
def test_other_words_are_no_axes(word: str) -> None:
    """Anything but a signed letter is refused by name."""
    with pytest.raises(ValueError, match="is no axis"):
        axis_vector(word)


@given(st.floats(1.31, 2.19), st.sampled_from(list(UNITS_M)))
def test_a_stature_tells_its_unit(height_m: float, unit: str) -> None:
    """A person's height is plausible in one unit only."""
    assert guess_unit(height_m / UNITS_M[unit]) == (unit, UNITS_M[unit])


@pytest.mark.parametrize("stature", [0.0, 0.4, 25.3, 300.0, 1e6])
def test_no_unit_is_guessed_where_none_fits(stature: float) -> None:
    """A stature of no person's gives no unit."""
    assert guess_unit(stature) is None
