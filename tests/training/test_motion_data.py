"""Motion to generate from: what goes to six numbers and travel comes back, and the split keeps kin apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from support.bvh_texts import DATA

from emotus.engine import quaternion
from emotus.engine.body import BODY
from emotus.engine.kinematics import forward_kinematics
from emotus.training.clips import cache_folder
from emotus.training.motion_data import (
    FEET,
    HELD_OUT,
    GeneratedTake,
    assembled,
    contacts_of,
    heading_of,
    in_heading,
    in_world,
    load_motion,
    quaternions,
    resampled,
    sixes,
    split,
    travel_of,
    travelled,
)

NEEDS_DATA = pytest.mark.skipif(not (DATA / "bandai-1.tar.xz").is_file(), reason="needs ../shared/data")


def turned(seed: int, frames: int = 12) -> np.ndarray:
    return Rotation.random(frames * 21, random_state=seed).as_quat()[:, [3, 0, 1, 2]].reshape(frames, 21, 4)


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_six_numbers_hold_a_rotation(seed: int) -> None:
    """The first two columns are those of scipy's matrix, and the quaternion comes back whatever their length."""
    q = turned(seed).astype(np.float32)
    matrix = Rotation.from_quat(q[..., [1, 2, 3, 0]].reshape(-1, 4)).as_matrix().reshape(12, 21, 3, 3)
    six = sixes(q)
    np.testing.assert_allclose(six, np.concatenate((matrix[..., 0], matrix[..., 1]), -1), atol=1e-5)
    np.testing.assert_allclose(quaternions(3 * six), quaternion.positive(q), atol=2e-3)


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_travel_adds_up_to_the_way_it_came_from(seed: int) -> None:
    """Any walk, told as speeds in its own heading frame, ends where it ended, seen from its start."""
    rng = np.random.default_rng(seed)
    heading = np.cumsum(rng.normal(0, 0.2, 40)).astype(np.float32)
    root = np.cumsum(rng.normal(0, 0.05, (40, 3)), axis=0).astype(np.float32)
    back, turned_back = travelled(travel_of(root, heading))
    first = quaternion.from_axis("Y", -heading[:1])
    wanted = quaternion.rotate(np.repeat(first, 40, 0), (root - root[0]) * [1, 0, 1]) + root * [0, 1, 0]
    np.testing.assert_allclose(back, wanted, atol=1e-4)
    np.testing.assert_allclose(turned_back, heading - heading[0], atol=1e-4)


def test_hips_in_the_heading_frame_face_ahead_and_come_back() -> None:
    """Turned back by its heading the body faces +z; turned again it is what it was."""
    q = quaternion.normalise(turned(3) * [6, 1, 1, 1]).astype(np.float32)  # the hips upright
    heading = heading_of(q)
    ahead = in_heading(q, heading)
    np.testing.assert_allclose(heading_of(ahead), 0, atol=1e-4)
    np.testing.assert_allclose(np.abs((in_world(ahead, heading) * q).sum(-1)), 1, atol=1e-4)


def test_contacts_are_low_and_slow() -> None:
    """A body that stands has four feet on the floor; gliding or lifted it has none."""
    still = np.repeat(BODY.rest_positions[None], 10, 0).astype(np.float32)
    assert contacts_of(still).all()
    assert not contacts_of(still + np.arange(10)[:, None, None] * np.array([0.05, 0, 0], dtype=np.float32)).any()
    assert not contacts_of(still + np.array([0, 0.3, 0], dtype=np.float32)).any()


def test_a_take_at_twice_the_rate_passes_the_same_places() -> None:
    """Brought from 60 to 30 Hz a take is every other frame of itself."""
    q = np.tile(BODY.offsets[None, :, :1] * 0, (9, 1, 4)).astype(np.float32)
    q[..., 0] = 1
    root = np.linspace(0, 1, 9)[:, None].repeat(3, 1).astype(np.float32)
    take = GeneratedTake("sad", 1.0, 0, forward_kinematics(BODY, q, root).astype(np.float32), q, root, 60.0)
    np.testing.assert_allclose(resampled(take).positions, take.positions[::2], atol=1e-6)


def test_what_makes_no_take_is_refused() -> None:
    """Rotations and travel of different lengths are an error of the caller."""
    with pytest.raises(ValueError, match="make no take"):
        assembled(np.zeros((3, 21, 6)), np.zeros((2, 4)), emotion="sad", intensity=1, seed=0, model="")


@NEEDS_DATA
@pytest.mark.skipif(not (cache_folder() / "motion-1-v1.npz").is_file(), reason="set 1 was never brought to the body")
def test_set_1_stands_on_the_floor_and_is_split_by_content() -> None:
    """Of 174 takes 63 have a label; no content is on both sides; put together again a take is itself."""
    takes = load_motion(Path(DATA), lambda _: None, sets=(1,))
    learnt, kept = split(takes)
    assert len(takes) == 174
    assert sum(take.label >= 0 for take in takes) == 63
    assert {take.content for take in kept} == HELD_OUT
    assert not HELD_OUT & {take.content for take in learnt}
    take = learnt[0]
    assert abs(np.quantile(take.positions[:, FEET, 1].min(1), 0.02) - 0.02) < 0.005
    again = assembled(take.rotations_6d, take.travel, emotion="", intensity=1, seed=0, model="")
    apart = np.linalg.norm(np.diff(again.positions, axis=0), axis=-1) - np.linalg.norm(
        np.diff(take.positions, axis=0), axis=-1
    )
    assert np.abs(apart).max() < 2e-3
