"""Joints that come and go are noise; what is lacking, hidden or lost and found again is not."""

from __future__ import annotations

import numpy as np
import pytest

from emotus.engine.flicker import Flicker

FULL = np.ones(21, dtype=np.float32)


def wild(frames) -> list[bool]:
    """Return, for each frame, whether it was too wild to be read."""
    flicker, found = Flicker(), []
    for confidence in frames:
        flicker.step(np.asarray(confidence, dtype=np.float32))
        found.append(flicker.is_wild)
    return found


def limbs(hidden) -> list[np.ndarray]:
    """Return frames in each of which these joints are unknown."""
    return [np.where(np.isin(np.arange(21), list(each)), 0.0, FULL) for each in hidden]


@pytest.mark.parametrize(
    "frames",
    [
        limbs([()] * 90),
        limbs([(3, 4, 5)] * 90),  # a source that lacks them
        limbs([() if k // 15 % 2 else (6, 7, 8) for k in range(180)]),  # an arm hidden twice in two seconds
        limbs([range(21) if 30 <= k < 40 else () for k in range(90)]),  # a body lost and found
    ],
)
def test_what_bodies_do_is_read(frames) -> None:
    """Whole, lacking joints, hiding a limb, lost as a whole: never too wild."""
    assert not any(wild(frames))


def test_noise_is_too_wild_within_a_second_and_forgotten_within_another() -> None:
    """Each joint unknown by chance in a fifth of the frames; then a body again."""
    rng = np.random.default_rng(0)
    found = wild([*(rng.random((60, 21)) > 0.2), *limbs([()] * 60)])
    assert all(found[30:60])
    assert not any(found[90:])


def test_a_reset_forgets_it() -> None:
    """Somebody else begins as nobody in particular."""
    flicker = Flicker()
    for k in range(30):
        flicker.step(FULL if k % 2 else np.zeros(21, dtype=np.float32))
    assert flicker.is_wild
    flicker.reset()
    assert not flicker.is_wild
