"""What may happen to a movement without making it another."""

from __future__ import annotations

import numpy as np

from emotus.engine.body import BODY, JOINT_COUNT, MIRROR
from emotus.engine.features import FRAME_SIZE, normalise
from emotus.training import augment, strange

SEEN = np.ones((60, JOINT_COUNT), dtype=np.float32)


def _frames() -> np.ndarray:
    positions = np.repeat(BODY.rest_positions[None], 60, axis=0)
    positions = positions + 0.05 * np.sin(np.arange(60)[:, None, None] * 0.3 + np.arange(63).reshape(21, 3))
    positions[..., 2] += 0.04 * np.arange(60)[:, None]
    return normalise(positions.astype(np.float32), SEEN, 30.0)


def test_a_mirror_twice_is_none() -> None:
    """Left and right exchanged twice is as before."""
    frames = _frames()
    assert np.allclose(augment.mirror(augment.mirror(frames)), frames)


def test_the_mirror_is_that_of_the_points() -> None:
    """Mirroring frames is normalising mirrored points."""
    positions = np.repeat(BODY.rest_positions[None], 60, axis=0)
    positions[:, 8, 2] += 0.2 * np.sin(np.arange(60) * 0.3)
    positions = positions.astype(np.float32)
    mirrored = positions[:, list(MIRROR)] * np.array([-1, 1, 1], dtype=np.float32)
    found = augment.mirror(normalise(positions, SEEN, 30.0))
    assert np.allclose(found, normalise(mirrored, SEEN, 30.0), atol=1e-5)


def test_twice_the_tempo_is_half_the_frames_at_twice_the_speed() -> None:
    """Root speeds double, and each frame is one of the original."""
    frames = _frames()
    fast = augment.retime(frames, 2.0)
    assert len(fast) == 30
    assert np.allclose(fast[:, : JOINT_COUNT * 3], frames[:60:2, : JOINT_COUNT * 3])
    assert np.allclose(fast[5, -4], 2 * frames[10, -4])


def test_every_stretch_of_strangeness_is_finite_and_three_seconds() -> None:
    """What is learnt to be rejected, and what it is tested on, is of the frames' own kind."""
    rng = np.random.default_rng(0)
    stretches = strange.learnt([_frames()], 10, rng)
    for kind in strange.unseen(rng, [_frames()], count=3).values():
        stretches += kind
    for stretch in stretches:
        assert stretch.shape == (90, FRAME_SIZE)
        assert stretch.dtype == np.float32
        assert np.isfinite(stretch).all()


def test_hidden_joints_are_flagged() -> None:
    """A hidden joint has its flag at zero throughout; the others are as they were."""
    frames = _frames()
    hidden = augment.hide_joints(frames, np.random.default_rng(3))
    flags = hidden[:, JOINT_COUNT * 3 : JOINT_COUNT * 4]
    assert 1 <= int((flags[0] == 0).sum()) <= 4
    assert (flags == flags[0]).all()


def test_the_gate_learns_what_is_too_still_and_what_is_too_wild() -> None:
    """Strangers on both sides of people are told from them, and few people are called strange."""
    rng = np.random.default_rng(0)
    people = rng.normal(0, 1, (2000, 3))
    odd = np.concatenate((rng.normal(-5, 0.5, (100, 3)), rng.normal(5, 0.5, (100, 3))))
    weight, bias = strange.fit_gate(people, odd)
    assert np.mean(strange.gate_inputs(people) @ weight + bias > 0) <= strange.ALARM + 0.002
    assert np.mean(strange.gate_inputs(odd) @ weight + bias > 0) > 0.95
