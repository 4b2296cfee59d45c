"""What moves as one piece is told from what lives, however it is thrown and turned."""

from __future__ import annotations

import numpy as np
import pytest
from support.movers import no_joint, poses_of, style, waver
from support.performers import FULL, REST

from emotus.engine.clock import ManualClock
from emotus.engine.events import UNKNOWN, EmotionEvent
from emotus.engine.network import load
from emotus.engine.pipeline import Engine
from emotus.engine.rigid import WARM_FRAMES, Rigid


def rigid(movement, confidence=FULL) -> list[bool]:
    """Return of each frame whether it belongs to something rigid."""
    follower, found = Rigid(), []
    for positions in movement:
        follower.step(np.asarray(positions, dtype=np.float32), confidence)
        found.append(follower.is_rigid)
    return found


def thrown(frames: int = 120, noise_m: float = 0.001) -> np.ndarray:
    """Return a body that turns about two axes while it falls."""
    rng = np.random.default_rng(0)
    out = []
    for k in range(frames):
        a, b = 0.2 * k, 0.13 * k
        turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
        turn = turn @ np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
        out.append(REST @ turn.T + [0.02 * k, max(0.0, 2 - 0.05 * k), 0] + rng.normal(0, noise_m, REST.shape))
    return np.array(out)


def test_a_thing_that_tumbles_is_rigid_once_it_was_looked_at() -> None:
    """However it turns and falls, with a sensor's noise: told from a second and a half on."""
    found = rigid(thrown())
    assert not any(found[: WARM_FRAMES - 1])
    assert all(found[WARM_FRAMES:])


@pytest.mark.parametrize("mood", ["happy", "sad", "unsure", "neutral"])
def test_who_walks_is_not(mood: str) -> None:
    """A performer who moves is never taken for a thing."""
    assert not any(rigid([pose.positions for pose in style(mood, 8)]))


def test_one_limb_that_moves_is_enough() -> None:
    """A hand that goes up and down by fifteen centimetres is alive, and the rest may stand still."""
    assert not any(rigid(waver(150, 1.0, 0.15))[60:])


def test_where_joints_lack_nothing_is_rigid() -> None:
    """A source without the head, or with a place that is no number, is let through; so is what follows, for a while."""
    assert not any(rigid(thrown(), no_joint("Head")))
    broken = thrown()
    broken[60, 3] = np.nan
    found = rigid(broken)
    assert found[59]
    assert not any(found[60 : 60 + WARM_FRAMES - 1])


def test_a_thing_that_tumbles_is_answered_unknown() -> None:
    """Through the whole engine, with the weights that ship: unknown, no confidence, and no label any more."""
    engine = Engine(load("bandai-stgcn"), ManualClock(), live=False)
    events = [event for pose in poses_of(thrown()) for event in engine.step(pose) if isinstance(event, EmotionEvent)]
    late = events[WARM_FRAMES:]
    assert len(late) > 60
    assert {event.label for event in late} == {UNKNOWN}
    assert {event.confidence for event in late} == {0.0}
