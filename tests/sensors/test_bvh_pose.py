"""Placing the joints of BVH files: as scipy and pybvh place them."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from support.bvh_texts import REAL, rows_text, text

from emotus.engine.forward import BLOCK, FEW
from emotus.engine.skeleton import Skeleton
from emotus.sensors.bvh import forward, parse_bvh, read_bvh
from emotus.sensors.bvh_file import POSITIONS, ROTATIONS, SCALES, EndSite
from emotus.sensors.bvh_pose import Rig


def scipy_place(rig: Rig, motion: np.ndarray):
    """Place joints and end sites one by one in float64: matrices in the order of the channels, positions replacing."""
    turned, positions = [], []
    starts = np.cumsum([0, *map(len, rig.channels)])
    offsets = [*rig.skeleton.offsets, *(np.array(end.offset) for end in rig.end_sites)]
    for node, parent in enumerate(rig.parents):
        offset, own = np.tile(offsets[node], (len(motion), 1)).astype(float), Rotation.identity(len(motion))
        for i, word in enumerate(rig.channels[node] if node < len(rig.channels) else ()):
            column = motion[:, starts[node] + i]
            if word.endswith("position"):
                offset[:, "XYZ".index(word[0])] = column
            elif word.endswith("rotation"):
                own = own * Rotation.from_euler(word[0].lower(), column[:, None], degrees=True)
        positions.append(positions[parent] + turned[parent].apply(offset) if parent >= 0 else offset)
        turned.append(turned[parent] * own if parent >= 0 else own)
    return np.stack(positions, axis=1), np.stack([r.as_quat(scalar_first=True) for r in turned], axis=1)


def assert_close(found, expected) -> None:
    """Check positions to 1e-5 of their size and rotations up to their sign."""
    assert np.abs(found[0] - expected[0]).max() <= 1e-5 * max(1.0, np.abs(expected[0]).max())
    assert np.abs(np.abs(np.sum(found[1] * expected[1], axis=-1)) - 1).max() < 1e-5


@st.composite
def rigs(draw: st.DrawFn) -> Rig:
    """Make any forest with any channels in any order, and end sites anywhere."""
    joints = draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parents = tuple(draw(st.integers(-1, j - 1)) if j else -1 for j in range(joints))
    words = st.lists(st.sampled_from(POSITIONS + ROTATIONS + SCALES), unique=True, max_size=9).map(tuple)
    channels = (ROTATIONS, *(draw(words) for _ in range(joints - 1)))
    ends = tuple(
        EndSite(draw(st.integers(0, joints - 1)), (1.0, 2.0, float(i))) for i in range(draw(st.integers(0, 3)))
    )
    return Rig(Skeleton(tuple(map(str, range(joints))), parents, rng.normal(size=(joints, 3)) * 10), channels, ends)


@settings(max_examples=60)
@given(rigs(), st.sampled_from([1, 3, FEW, FEW + 1, 50]), st.sampled_from([180.0, 3000.0, 1e7]))
def test_any_rig_is_placed_as_scipy_places_it(rig, frames, largest):
    """Any channels in any order, few frames or many, angles of many turns: within 1e-5 of the float64 result."""
    rng = np.random.default_rng(0)
    motion = rng.uniform(-1, 1, (frames, sum(map(len, rig.channels)))) * 50
    turning = [word.endswith("rotation") for words in rig.channels for word in words]
    motion[:, turning] *= largest / 50
    assert_close(rig.place(motion), scipy_place(rig, motion))


@pytest.mark.parametrize("order", ["".join(o) for o in itertools.permutations("XYZ")] + ["ZXZ", "Y", "XYZX"])
def test_rotations_multiply_in_the_order_of_their_channels(order):
    """R = R1 R2 R3 for every order of axes, axes that come twice included."""
    words = tuple(f"{axis}rotation" for axis in order)
    skeleton = Skeleton(("a", "b"), (-1, 0), np.array([[0.0, 0, 0], [1.0, 2.0, 3.0]]))
    rig = Rig(skeleton, (words, ()))
    motion = np.random.default_rng(0).uniform(-180, 180, (60, len(order)))
    assert_close(rig.place(motion), scipy_place(rig, motion))
    assert_close(rig.place(motion[:5]), scipy_place(rig, motion[:5]))


def test_position_channels_replace_the_offset_axis_by_axis():
    """A joint with one position channel keeps the other two numbers of its offset; a root's offset is not added."""
    hierarchy = (
        "HIERARCHY\nROOT a { OFFSET 7 8 9 CHANNELS 3 Xposition Yposition Zposition\n"
        "JOINT b { OFFSET 1 2 3 CHANNELS 1 Yposition } }\n"
    )
    positions, _ = forward(parse_bvh(text(hierarchy, rows_text([[1, 1, 1, 50], [2, 2, 2, 60]])).encode(), "x"))
    assert positions[:, 0].tolist() == [[1, 1, 1], [2, 2, 2]]
    assert positions[:, 1].tolist() == [[2, 51, 4], [3, 62, 5]]


def test_scale_channels_do_nothing():
    """Scale is read and left alone."""
    scaled = "HIERARCHY\nROOT a { OFFSET 0 0 0 CHANNELS 2 Yscale Yrotation\nJOINT b { OFFSET 1 0 0 CHANNELS 0 } }\n"
    positions, _ = forward(parse_bvh(text(scaled, "5 90\n7 90\n").encode(), "x"))
    assert np.abs(positions[:, 1] - [0, 0, -1]).max() < 1e-6


def test_end_sites_follow_behind_the_joints():
    """Asked for, end sites are placed like joints; the joints themselves do not change."""
    bvh = parse_bvh(text().encode(), "x")
    joints, _ = forward(bvh)
    nodes, _ = forward(bvh, end_sites=True)
    assert nodes.shape == (2, 3, 3)
    assert np.array_equal(nodes[:, :2], joints)
    assert np.linalg.norm(nodes[:, 2] - nodes[:, 1], axis=-1) == pytest.approx(5.0)


def test_long_takes_are_placed_in_blocks():
    """Frames around the border of a block are what they are on their own."""
    motion = np.random.default_rng(0).uniform(-90, 90, (BLOCK + 50, 9))
    bvh = parse_bvh(text(motion=rows_text(motion)).encode(), "x")
    whole, part = forward(bvh), forward(bvh, frames=slice(BLOCK - 40, BLOCK + 40))
    assert np.array_equal(whole[0][BLOCK - 40 : BLOCK + 40], part[0])
    assert np.array_equal(whole[1][BLOCK - 40 : BLOCK + 40], part[1])


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_files_are_placed_as_pybvh_places_them(path):
    """Joints and end sites of real recordings stand where another reader puts them, to 1e-5 of their size."""
    pybvh = pytest.importorskip("pybvh")
    from pybvh.spatial_coord import frames_to_node_positions

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pybvh.read_bvh_file(path)
        nodes = frames_to_node_positions(theirs)
    ends = [node.is_end_site() for node in theirs.nodes]
    bvh = read_bvh(path)
    positions, _ = forward(bvh, end_sites=True)
    joints = len(bvh.skeleton.names)
    size = np.abs(nodes).max()
    assert np.abs(positions[:, :joints] - nodes[:, ~np.array(ends)]).max() < 1e-5 * size
    mine = sorted(np.round(positions[0, joints:], 2).tolist())
    assert np.allclose(mine, sorted(np.round(nodes[0, ends], 2).tolist()), atol=0.03)
