"""Carrying joints down the tree: as scipy does it in float64, for many frames and for one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from emotus.engine.body import BODY
from emotus.engine.forward import BLOCK, FEW, place_frame, place_frames
from emotus.engine.roomy import roomy, roomy_size
from emotus.engine.skeleton import Skeleton


def scipy_forward(skeleton, root, local):
    """Place joints one by one with scipy's rotations in float64."""
    turned: list[Rotation] = []
    positions = np.zeros((len(root), len(skeleton.names), 3))
    for joint, parent in enumerate(skeleton.parents):
        own = Rotation.from_quat(local[:, joint], scalar_first=True)
        turned.append(turned[parent] * own if parent >= 0 else own)
        if parent >= 0:
            positions[:, joint] = positions[:, parent] + turned[parent].apply(skeleton.offsets[joint])
        else:
            positions[:, joint] = root if joint == 0 else skeleton.offsets[joint]
    return positions, np.stack([r.as_quat(scalar_first=True) for r in turned], axis=1)


def random_motion(frames: int, joints: int, seed: int):
    rng = np.random.default_rng(seed)
    local = rng.normal(size=(frames, joints, 4))
    local /= np.linalg.norm(local, axis=-1, keepdims=True)
    return rng.normal(size=(frames, 3)).astype(np.float32), local.astype(np.float32)


def random_tree(joints: int, seed: int) -> Skeleton:
    rng = np.random.default_rng(seed)
    parents = tuple(int(rng.integers(-1, j)) if j else -1 for j in range(joints))
    return Skeleton(tuple(map(str, range(joints))), parents, rng.normal(size=(joints, 3)))


@settings(max_examples=40)
@given(st.integers(1, 30), st.integers(0, 2**32 - 1), st.sampled_from([1, 2, FEW, FEW + 1, 60]))
def test_any_forest_is_placed_as_scipy_places_it(joints, seed, frames):
    """Positions within 1e-5 of the tree's size and the same rotations, whatever the forest and the number of frames."""
    skeleton = random_tree(joints, seed)
    root, local = random_motion(frames, joints, seed)
    positions, rotations = place_frames(skeleton, root, local)
    expected, turned = scipy_forward(skeleton, root, local)
    assert positions.dtype == rotations.dtype == np.float32
    assert np.abs(positions - expected).max() <= 1e-5 * max(1.0, np.abs(expected).max())
    assert np.abs(np.abs(np.sum(rotations * turned, axis=-1)) - 1).max() < 1e-5


def test_many_frames_are_placed_in_blocks():
    """A take longer than a block is the same as its parts."""
    root, local = random_motion(BLOCK + 40, 21, 0)
    positions, rotations = place_frames(BODY, root, local)
    part = slice(BLOCK - 30, BLOCK + 30)
    again = place_frames(BODY, root[part], local[part])
    assert np.array_equal(positions[part], again[0])
    assert np.array_equal(rotations[part], again[1])


def test_one_frame_is_placed_like_many():
    """The quick form for one frame gives what a take gives."""
    root, local = random_motion(100, 21, 1)
    positions, rotations = place_frames(BODY, root, local)
    one = place_frame(BODY, root[50], local[50])
    assert one[0].shape == (21, 3)
    assert np.abs(one[0] - positions[50]).max() < 1e-5
    assert np.abs(one[1] - rotations[50]).max() < 1e-5


def test_no_rotation_gives_the_rest_pose():
    """Identity rotations leave the body in its T-pose, at the root given."""
    local = np.zeros((30, 21, 4), dtype=np.float32)
    local[..., 0] = 1.0
    root = np.tile(BODY.offsets[0].astype(np.float32), (30, 1))
    positions, rotations = place_frames(BODY, root, local)
    assert np.abs(positions - BODY.rest_positions).max() < 1e-6
    assert np.array_equal(rotations, local)


@pytest.mark.parametrize(("root", "local"), [((3, 2), (3, 21, 4)), ((3, 3), (2, 21, 4)), ((3, 3), (3, 20, 4))])
def test_shapes_that_disagree_are_refused(root, local):
    """Arrays of another shape raise ValueError instead of being broadcast."""
    with pytest.raises(ValueError, match="for 21 joints"):
        place_frames(BODY, np.zeros(root, dtype=np.float32), np.zeros(local, dtype=np.float32))


def test_roomy_arrays_have_the_shape_that_was_asked_for():
    """Room for huge pages is added behind large arrays only, at most 4 MiB, and is not seen."""
    assert roomy_size(1000, 8) == 1000
    for count in (131_072, 500_000, 600_000, 10_000_000):
        assert count <= roomy_size(count, 8) <= count + (4 << 20) // 8
        assert roomy_size(count, 8) * 8 % (2 << 20) == 0
    assert roomy((1000, 59, 7)).shape == (1000, 59, 7)
    assert roomy((2, 3)).flags.c_contiguous
