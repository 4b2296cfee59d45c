"""A blinded pose has the standard body: the same bones for everybody, the same directions as before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.movers import style

from emotus.engine.blind import Blinder, standard_body
from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.clock import ManualClock
from emotus.engine.events import PoseEvent, QualitiesEvent
from emotus.engine.pipeline import Engine
from emotus.engine.pose import Pose

STANDARD = np.linalg.norm(BODY.offsets[1:], axis=1)
PARENT = np.array([parent for parent, _ in BODY.edges])
CHILD = np.array([child for _, child in BODY.edges])
KNOWN = np.ones(21, dtype=np.float32)


def bones(points: np.ndarray) -> np.ndarray:
    return points[CHILD].astype(float) - points[PARENT]


def poses(seconds: float = 2.0) -> list[Pose]:
    return [frame for frame in style("happy", seconds) if isinstance(frame, Pose)]


def test_every_body_has_the_same_bones_and_keeps_its_directions() -> None:
    """Whatever her measures, lengths are the standard's and each bone points where it did."""
    blinder = Blinder()
    for pose in poses():
        odd = pose.positions * np.array([1.3, 0.8, 1.1], dtype=np.float32)
        shown = bones(blinder.step(replace(pose, positions=odd)).positions)
        length = np.linalg.norm(shown, axis=1)
        assert length == pytest.approx(STANDARD, abs=1e-5)
        was = bones(odd)
        assert shown / length[:, None] == pytest.approx(was / np.linalg.norm(was, axis=1, keepdims=True), abs=1e-4)


def test_two_bodies_that_move_alike_are_shown_alike() -> None:
    """The same movement by somebody a quarter taller cannot be told from it, wherever each stands on the floor."""
    small, tall = Blinder(), Blinder()
    for pose in poses():
        larger = replace(pose, positions=pose.positions * np.float32(1.25))
        assert small.step(pose).positions == pytest.approx(tall.step(larger).positions, abs=1e-4)


def test_the_standard_body_stays_as_it_is() -> None:
    """A body that has the standard's measures already is not changed, and neither is anything but positions."""
    rest = Pose("p", 3, 4, BODY.rest_positions.astype(np.float32), KNOWN)
    shown = Blinder().step(rest)
    assert shown.positions == pytest.approx(rest.positions, abs=1e-6)
    assert (shown.seq, shown.t_ns, shown.stream) == (3, 4, "p")
    assert shown.confidence is rest.confidence


def test_joints_that_are_not_known_do_not_bend_those_that_are() -> None:
    """With the feet unseen the arms are as they were, and the feet are where a body at rest has them."""
    pose = poses(1.0)[-1]
    plain, blinder = Blinder(), Blinder()
    whole = plain.step(pose)
    confidence = KNOWN.copy()
    feet = [JOINT_INDEX[name] for name in ("LeftToes", "RightToes")]
    confidence[feet] = 0.0
    lost = pose.positions.copy()
    lost[feet] = np.nan
    blinder.step(pose)
    shown = blinder.step(replace(pose, positions=lost, confidence=confidence))
    others = [i for i in range(21) if i not in feet]
    assert shown.positions[others] == pytest.approx(whole.positions[others], abs=1e-5)
    assert np.isfinite(shown.positions).all()


@given(
    arrays(np.float32, (21, 3), elements=st.floats(-100, 100, width=32)),
    arrays(np.float32, (21,), elements=st.sampled_from([0.0, 1.0])),
)
def test_any_pose_comes_out_finite_and_standard(points: np.ndarray, confidence: np.ndarray) -> None:
    """However strange or incomplete it is."""
    shown = Blinder().step(Pose("p", 0, 0, points, confidence))
    assert np.isfinite(shown.positions).all()
    middle = shown.positions - shown.positions[0]
    again = standard_body(shown.positions.astype(float), np.zeros(3))
    assert np.linalg.norm(bones(again), axis=1) == pytest.approx(STANDARD, abs=1e-4)
    assert np.abs(middle).max() < 2.0


def test_the_engine_shows_the_standard_body_and_reads_the_own() -> None:
    """With blind on, pose events have standard bones; what is told of the movement is the same as without."""

    def told(*, blind: bool) -> tuple[list[PoseEvent], list[QualitiesEvent]]:
        engine = Engine(None, ManualClock(), live=False, blind=blind)
        events = [event for pose in poses() for event in engine.step(pose)] + list(engine.flush())
        shown = [event for event in events if isinstance(event, PoseEvent)]
        return shown, [event for event in events if isinstance(event, QualitiesEvent)]

    blinded, plain = told(blind=True), told(blind=False)
    assert blinded[1] == plain[1]
    assert len(blinded[0]) == len(plain[0]) > 30
    for event in blinded[0]:
        assert np.linalg.norm(bones(event.joints), axis=1) == pytest.approx(STANDARD, abs=1e-4)
