"""Network frames: the same motion gives the same frame, whoever makes it, wherever she stands and looks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotus.engine.body import BODY, JOINT_COUNT, JOINT_INDEX
from emotus.engine.features import FRAME_SIZE, Normaliser, normalise
from emotus.engine.pose import Pose

SEEN = np.ones((50, JOINT_COUNT), dtype=np.float32)
XYZ = slice(0, JOINT_COUNT * 3)
KNOWN = slice(JOINT_COUNT * 3, JOINT_COUNT * 4)


def _motion(t: int = 50) -> np.ndarray:
    """Return a body whose hands swing, walking along +Z at 1.5 m/s and 30 Hz, (t, 21, 3)."""
    positions = np.repeat(BODY.rest_positions[None], t, axis=0)
    phase = np.arange(t) / 30.0 * 6.0
    positions[:, JOINT_INDEX["LeftHand"], 2] += 0.3 * np.sin(phase)
    positions[:, JOINT_INDEX["RightHand"], 2] -= 0.3 * np.sin(phase)
    positions[..., 2] += 0.05 * np.arange(t)[:, None]
    return positions.astype(np.float32)


def _turn(positions: np.ndarray, angle_rad: float) -> np.ndarray:
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return positions @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])


@settings(max_examples=25, deadline=None)
@given(
    angle_rad=st.floats(-3.1, 3.1),
    scale=st.floats(0.5, 1.5),
    x=st.floats(-50, 50),
    y=st.floats(-3, 3),
    z=st.floats(-50, 50),
)
def test_place_heading_and_size_do_not_show(angle_rad: float, scale: float, x: float, y: float, z: float) -> None:
    """Another place, heading and body size give the same frames."""
    plain = normalise(_motion(), SEEN, 30.0)
    moved = (_turn(_motion(), angle_rad) * scale + np.array([x, y, z])).astype(np.float32)
    assert np.allclose(normalise(moved, SEEN, 30.0), plain, atol=5e-3)


def test_one_by_one_equals_all_at_once() -> None:
    """Stepping gives exactly the rows of the batch."""
    motion = _motion()
    normaliser = Normaliser(30.0)
    stepped = [normaliser.step(Pose("a", i, i, p, c)) for i, (p, c) in enumerate(zip(motion, SEEN, strict=True))]
    assert np.array_equal(np.stack(stepped), normalise(motion, SEEN, 30.0))
    normaliser.reset()
    assert np.array_equal(normaliser.step(Pose("a", 0, 0, motion[0], SEEN[0])), stepped[0])


def test_she_faces_forward_and_walks_there() -> None:
    """Left is +x, forward is +z: hips and feet lie there, and 1.5 m/s is so many body lengths a second forward."""
    frames = normalise(_turn(_motion(), 2.0).astype(np.float32), SEEN, 30.0)
    points = frames[:, XYZ].reshape(-1, JOINT_COUNT, 3)
    assert (points[:, JOINT_INDEX["LeftUpperLeg"], 0] > 0).all()
    assert (points[:, JOINT_INDEX["LeftToes"], 2] > points[:, JOINT_INDEX["LeftFoot"], 2]).all()
    length_m = 0.51 + 0.82  # trunk and leg of the body
    assert frames[-1, -6:-2] == pytest.approx([0.0, 0.0, 1.5 / length_m, 0.0], abs=1e-3)
    assert frames[-1, -1] == 1.0


def test_turning_shows_as_a_rate() -> None:
    """A body turning to its left by one radian a second has a heading rate of one."""
    motion = np.stack([_turn(p, i / 30.0) for i, p in enumerate(np.repeat(BODY.rest_positions[None], 50, axis=0))])
    frames = normalise(motion.astype(np.float32), SEEN, 30.0)
    assert frames[5:, -3] == pytest.approx(1.0, abs=1e-3)


def test_a_source_without_travel_says_so() -> None:
    """Where root motion is not known it reads zero, with its flag at zero."""
    frames = normalise(_motion(), SEEN, 30.0, travels=False)
    assert not frames[:, -6:-2].any()
    assert not frames[:, -1].any()


def test_an_unsure_joint_is_masked_and_held() -> None:
    """Below a confidence of 0.3 a joint is flagged and keeps its last place, wherever the source puts it."""
    motion, seen = _motion(), SEEN.copy()
    hand = JOINT_INDEX["LeftHand"]
    seen[20:, hand] = 0.29
    motion[20:, hand] = 1e6
    frames = normalise(motion, seen, 30.0)
    points = frames[:, XYZ].reshape(-1, JOINT_COUNT, 3)
    assert not frames[20:, KNOWN][:, hand].any()
    assert (points[20:, hand] == points[19, hand]).all()
    others = [j for j in range(JOINT_COUNT) if j != hand]
    assert np.allclose(
        points[:, others], normalise(_motion(), SEEN, 30.0)[:, XYZ].reshape(-1, JOINT_COUNT, 3)[:, others]
    )


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_never_passes(poison: float) -> None:
    """A poisoned joint is masked; the frames after it are those of a run that was never poisoned."""
    motion = _motion()
    motion[10, JOINT_INDEX["RightFoot"], 1] = poison
    motion[11] = poison
    frames, clean = normalise(motion, SEEN, 30.0), normalise(_motion(), SEEN, 30.0)
    assert np.isfinite(frames).all()
    assert np.allclose(frames[13:], clean[13:], atol=1e-4)


@pytest.mark.parametrize("fill", [0.0, 1e30, -1e30])
def test_degenerate_bodies_give_finite_frames(fill: float) -> None:
    """All joints in one point, or nowhere known, is still a frame."""
    motion = np.full((5, JOINT_COUNT, 3), fill, dtype=np.float32)
    for seen in (SEEN[:5], SEEN[:5] * 0):
        frames = normalise(motion, seen, 30.0)
        assert frames.shape == (5, FRAME_SIZE)
        assert np.isfinite(frames).all()


def test_a_jump_of_the_tracker_is_bounded() -> None:
    """A root that jumps across the hall moves at ten body lengths a second at most."""
    motion = _motion()
    motion[30:] += np.array([100.0, 0, 0], dtype=np.float32)
    assert np.abs(normalise(motion, SEEN, 30.0)[:, -6:-3]).max() <= 10.0


def test_no_frames_make_no_frames() -> None:
    """An empty recording is an empty array of the right width."""
    assert normalise(_motion()[:0], SEEN[:0], 30.0).shape == (0, FRAME_SIZE)
