"""Quaternions, with scipy as the oracle."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation, Slerp

from emotus.engine import quaternion

ORDERS = ["".join(order) for order in permutations("XYZ")]
DIRECTIONS = arrays(np.float64, 3, elements=st.floats(-1e3, 1e3)).filter(lambda v: np.linalg.norm(v) > 1e-3)


def some(n: int, seed: int = 0) -> tuple[Rotation, np.ndarray]:
    rotations = Rotation.random(n, random_state=seed)
    return rotations, rotations.as_quat(scalar_first=True)


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest difference of two sets of rotations, q and -q being the same."""
    return float(np.minimum(np.abs(a - b).max(axis=-1), np.abs(a + b).max(axis=-1)).max())


def test_products_are_those_of_scipy() -> None:
    """multiply turns by the second first, as scipy's product does, and both matrices do the same."""
    (r, q), (s, p) = some(200, 0), some(200, 1)
    expected = (r * s).as_quat(scalar_first=True)
    assert apart(quaternion.multiply(q, p), expected) < 1e-14
    assert apart((quaternion.left_matrix(q) @ p[..., None])[..., 0], expected) < 1e-14
    assert apart((quaternion.right_matrix(p) @ q[..., None])[..., 0], expected) < 1e-14


def test_products_broadcast() -> None:
    """One rotation multiplies and turns many."""
    _, q = some(6)
    many = q.reshape(2, 3, 4)
    assert np.allclose(quaternion.multiply(q[0], many)[1, 2], quaternion.multiply(q[0], many[1, 2]))
    assert quaternion.rotate(many, np.ones(3)).shape == (2, 3, 3)


def test_vectors_and_matrices_are_those_of_scipy() -> None:
    """rotate, to_matrix and from_matrix agree with scipy."""
    r, q = some(500)
    v = np.random.default_rng(0).normal(size=(500, 3))
    assert np.abs(quaternion.rotate(q, v) - r.apply(v)).max() < 1e-13
    assert np.abs(quaternion.to_matrix(q) - r.as_matrix()).max() < 1e-14
    assert apart(quaternion.from_matrix(r.as_matrix()), q) < 1e-14


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_half_turns_come_back_from_matrices(axis: tuple[int, int, int]) -> None:
    """A half turn, whose w is zero, is found all the same."""
    q = np.array([0.0, *axis])
    assert apart(quaternion.from_matrix(quaternion.to_matrix(q)), q) < 1e-15


@pytest.mark.parametrize("order", ORDERS)
def test_euler_angles_multiply_left_to_right(order: str) -> None:
    """from_euler is scipy's intrinsic composition, and to_euler finds angles of the same rotation."""
    angles = np.random.default_rng(1).uniform(-np.pi, np.pi, (300, 3))
    q = quaternion.from_euler(angles, order)
    assert apart(q, Rotation.from_euler(order, angles).as_quat(scalar_first=True)) < 1e-14
    assert apart(quaternion.from_euler(quaternion.to_euler(q, order), order), q) < 1e-12


@pytest.mark.parametrize("order", ORDERS)
def test_euler_angles_at_the_pole(order: str) -> None:
    """Where the middle angle is a right one the other two still give the same rotation."""
    angles = np.array([[0.3, np.pi / 2, -1.1], [2.0, -np.pi / 2, 0.4]])
    q = quaternion.from_euler(angles, order)
    assert apart(quaternion.from_euler(quaternion.to_euler(q, order), order), q) < 1e-7


def test_one_axis_is_an_order_too() -> None:
    """A joint with a single rotation channel turns about that axis alone."""
    q = quaternion.from_euler(np.array([[0.5]]), "Y")
    assert np.allclose(q, [[np.cos(0.25), 0, np.sin(0.25), 0]])


@pytest.mark.parametrize(("dtype", "worst"), [(np.float64, 1e-7), (np.float32, 2e-3)])
@pytest.mark.parametrize("off", [0.0, 1e-9, 1e-7, 1e-6, 1e-4, 1e-2])
def test_between_bears_nearly_opposite_directions(dtype: type, worst: float, off: float) -> None:
    """However close to opposite two directions are and however short, one still turns into the other."""
    random = np.random.default_rng(0)
    a = random.normal(size=(2000, 3)) * 10 ** random.uniform(-3, 2, (2000, 1))
    b = -a + off * np.linalg.norm(a, axis=1, keepdims=True) * random.normal(size=a.shape)
    a, b = a.astype(dtype), b.astype(dtype)
    turned = quaternion.rotate(quaternion.between(a, b), a / np.linalg.norm(a, axis=1, keepdims=True))
    assert np.abs(turned - b / np.linalg.norm(b, axis=1, keepdims=True)).max() < worst


@given(DIRECTIONS, DIRECTIONS)
def test_between_turns_one_direction_to_the_other(a: np.ndarray, b: np.ndarray) -> None:
    """The shortest rotation takes a to the direction of b and turns by the angle between them."""
    q = quaternion.between(a, b)
    turned = quaternion.rotate(q, a / np.linalg.norm(a))
    assert np.allclose(turned, b / np.linalg.norm(b), atol=2e-6)
    cosine = np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)
    assert quaternion.angle_between(q, quaternion.IDENTITY) <= np.arccos(cosine) + 1e-3


@given(DIRECTIONS)
def test_between_opposite_directions_is_a_half_turn(a: np.ndarray) -> None:
    """Opposite directions have no shortest way: some half turn is taken, and it is one."""
    q = quaternion.between(a, -a)
    assert np.allclose(quaternion.rotate(q, a), -a, atol=1e-6 * np.linalg.norm(a))


def test_between_nothing_is_the_identity() -> None:
    """A direction of no length turns nothing."""
    assert np.array_equal(quaternion.between(np.zeros(3), np.ones(3)), quaternion.IDENTITY)


def test_slerp_is_that_of_scipy() -> None:
    """slerp goes at constant speed along the shorter way."""
    for seed in range(20):
        r, q = some(2, seed)
        t = np.linspace(0, 1, 7)
        expected = Slerp([0, 1], r)(t).as_quat(scalar_first=True)
        assert apart(quaternion.slerp(q[0], q[1], t), expected) < 1e-12


def test_slerp_between_equals_stays_there() -> None:
    """Between a rotation and itself, or its negative, nothing happens and nothing divides by zero."""
    _, q = some(1)
    for other in (q[0], -q[0]):
        assert apart(quaternion.slerp(q[0], other, np.array([0.0, 0.5, 1.0])), q) < 1e-12


def test_normalise_keeps_directions_and_mends_nothing() -> None:
    """Length becomes one; no rotation at all becomes the identity; not a number stays so."""
    q = np.array([[2.0, 0, 0, 0], [0, 0, 0, 0], [np.nan, 0, 0, 0]])
    unit = quaternion.normalise(q)
    assert np.array_equal(unit[:2], [quaternion.IDENTITY, quaternion.IDENTITY])
    assert np.isnan(unit[2]).any()


def test_of_two_signs_the_positive_is_taken() -> None:
    """positive changes numbers and no rotation."""
    _, q = some(50)
    assert np.array_equal(quaternion.positive(q), quaternion.positive(-q))
    assert quaternion.positive(q)[:, 0].min() >= 0


def test_angle_between_is_that_of_scipy() -> None:
    """The angle between rotations is the length of scipy's rotation vector."""
    (r, q), (s, p) = some(100, 2), some(100, 3)
    assert np.allclose(quaternion.angle_between(q, p), (r.inv() * s).magnitude())


def test_single_precision_stays_single() -> None:
    """float32 comes back as float32 from everything that a live stream passes through."""
    q = some(3)[1].astype(np.float32)
    v = np.ones((3, 3), dtype=np.float32)
    made = (
        quaternion.multiply(q, q),
        quaternion.conjugate(q),
        quaternion.normalise(q),
        quaternion.rotate(q, v),
        quaternion.between(v, -v),
        quaternion.from_matrix(quaternion.to_matrix(q)),
        quaternion.to_euler(q, "ZXY"),
        quaternion.slerp(q, q[::-1], np.float32(0.5)),
    )
    assert {each.dtype for each in made} == {np.dtype(np.float32)}
