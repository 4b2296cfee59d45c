"""Landmarks become a body: upright, in metres, no surer than they deserve, and placed in the room."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fake_camera import person, standing

from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.clock import NS_PER_S
from emotus.sensors.sighting import Person
from emotus.sensors.webcam_body import Doubt, objections, to_body
from emotus.sensors.webcam_root import RootEstimator, weak_perspective

J = JOINT_INDEX
SIZE = (640, 480)
LIMBS = [J[f"{side}{part}"] for side in ("Left", "Right") for part in ("UpperArm", "LowerLeg", "Foot", "Hand")]


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    """Return landmarks (33, 4) of a picture that is turned by so many degrees."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    out = points.copy()
    out[:, 0], out[:, 1] = c * points[:, 0] - s * points[:, 1], s * points[:, 0] + c * points[:, 1]
    return out


def test_a_person_at_rest_stands_as_the_body_does():
    """y down and z away become y up and z ahead; the person's left stays her left; limbs are where they were."""
    positions, confidence = to_body(person())
    rest = BODY.rest_positions - BODY.rest_positions[0]
    hips = (rest[J["LeftUpperLeg"]] + rest[J["RightUpperLeg"]]) / 2
    assert positions[LIMBS] == pytest.approx((rest - hips)[LIMBS], abs=0.05)
    assert positions[J["LeftHand"], 0] > 0 > positions[J["RightHand"], 0]
    assert positions[J["Head"], 1] > 0 > positions[J["LeftFoot"], 1]
    assert confidence[LIMBS] == pytest.approx(1.0)


def test_what_is_hardly_visible_is_a_guess():
    """Below 0.5 a joint has confidence 0, and so have those that lie between it and others; above, its visibility."""
    points = standing()
    points[15, 3], points[16, 3], points[27, 3] = 0.49, 0.7, np.nan
    _, confidence = to_body(person(points))
    assert confidence[J["LeftHand"]] == 0
    assert confidence[J["RightHand"]] == pytest.approx(0.7)
    assert confidence[J["LeftFoot"]] == 0
    points[12, 3] = 0.1
    _, confidence = to_body(person(points))
    assert [confidence[J[name]] for name in ("RightUpperArm", "Neck", "Chest", "LeftShoulder")] == [0, 0, 0, 0]
    assert confidence[J["LeftUpperArm"]] == 1.0


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 32), st.integers(0, 3), st.sampled_from([np.nan, np.inf, -np.inf])), max_size=9)
)
def test_what_is_not_finite_never_comes_through(broken):
    """The joints made of it have confidence 0, everything is finite."""
    points = standing()
    for i, axis, value in broken:
        points[i, axis] = value
    positions, confidence = to_body(person(points))
    assert np.isfinite(positions).all()
    assert np.isfinite(confidence).all()
    assert ((confidence >= 0) & (confidence <= 1)).all()
    if any(i == 15 for i, _, _ in broken):
        assert confidence[J["LeftHand"]] == 0


def test_the_hips_say_that_their_place_is_an_estimate():
    """Known enough to be used, and no surer than an estimate."""
    _, confidence = to_body(person())
    assert 0.3 <= confidence[J["Hips"]] < 0.6


@pytest.mark.parametrize(
    ("degrees", "said"),
    [(180, "upside down"), (150, "upside down"), (0, ""), (45, ""), (90, "turned"), (-90, "turned")],
)
def test_a_picture_that_is_turned_is_doubted_from_the_first_frame(degrees, said):
    """Upside down and sideways are told and believed little; leaning is dancing."""
    positions, confidence = to_body(person(turned(standing(), degrees)))
    doubt = Doubt()
    lowered = doubt.step(positions, confidence, 0)
    assert said in doubt.why
    assert bool(doubt.why) == bool(said)
    assert lowered.max() == pytest.approx(0.25 if said else 1.0)


def test_who_has_stood_may_lie_down():
    """After half a second upright the floor is the performer's own choice, and it stays so."""
    doubt = Doubt()
    upright, confidence = to_body(person())
    lying, _ = to_body(person(turned(standing(), 90)))
    for i in range(120):
        doubt.step(upright if i < 20 else lying, confidence, i * NS_PER_S // 30)
        assert doubt.why == ""


def test_a_drawing_and_a_giant_are_doubted():
    """A body without depth, or ten metres high, is told."""
    flat, giant = standing(), standing()
    flat[:, 2] = 0.0
    giant[:, :3] *= 6.0
    assert objections(*to_body(person(flat))) == {"flat"}
    assert objections(*to_body(person(giant))) == {"size"}


def test_doubt_goes_when_the_picture_is_right_again():
    """A handstand of a moment is forgiven, and one of seconds is doubted until a second after it."""
    doubt = Doubt()
    upright, confidence = to_body(person())
    inverted, _ = to_body(person(turned(standing(), 180)))
    told = []
    for i in range(180):  # at 30 a second: 1 s upright, 2 s not, 3 s upright
        body = inverted if 30 <= i < 90 else upright
        doubt.step(body, confidence, i * NS_PER_S // 30)
        told.append(bool(doubt.why))
    assert not any(told[:45])
    assert all(told[60:90])
    assert not any(told[120:])


def test_too_little_of_a_body_is_not_judged():
    """A head and shoulders alone say nothing of what stands on what."""
    points = turned(standing(), 180)
    points[13:, 3] = 0.0
    assert objections(*to_body(person(points))) == set()


@settings(max_examples=60, deadline=None)
@given(st.floats(20, 600), st.floats(-300, 900), st.floats(-300, 900), st.integers(0, 2**32 - 1))
def test_scale_and_place_are_found_again(scale, x, y, seed):
    """Whatever was drawn at a scale and a place is found there, with landmarks that are not seen left out."""
    rng = np.random.default_rng(seed)
    drawn = person(at=(x, y), scale=scale)
    hidden = rng.choice(33, 8, replace=False)
    drawn.world[hidden, 3] = 0.2
    drawn.image[hidden] += 500.0
    found = weak_perspective(drawn)
    assert found is not None
    assert found[0] == pytest.approx(scale, rel=1e-3)
    assert found[1] == pytest.approx((x, y), abs=0.05 + 1e-3 * scale)


def test_nothing_seen_has_no_place():
    """Fewer than four landmarks, or all in one point, give None, and the root stays where it was."""
    points = standing()
    points[11:, 3] = 0.0
    assert weak_perspective(person(points)) is None
    assert weak_perspective(Person(np.ones((33, 4), np.float32), np.ones((33, 2), np.float32))) is None


def walk(steps: int, path) -> np.ndarray:
    """Return the roots (T, 3) estimated of a person who is drawn where path(k) says: pixel and scale."""
    root = RootEstimator(fov_deg=60.0)
    out = []
    for k in range(steps):
        x, y, scale = path(k)
        one = person(at=(x, y), scale=scale)
        positions, confidence = to_body(one)
        out.append(root.step(one, positions, confidence, SIZE, k * NS_PER_S // 30))
    return np.array(out)


def test_a_step_to_the_side_is_a_step_to_the_side():
    """100 pixels at 100 pixels a metre are a metre, to the person's left where the picture goes right."""
    roots = walk(150, lambda k: (220 + min(k, 100), 240, 100.0))
    assert roots[0] == pytest.approx((0, roots[0, 1], 0), abs=1e-5)
    assert roots[-1, 0] == pytest.approx(1.0, abs=0.03)
    assert roots[-1, 2] == pytest.approx(0.0, abs=0.03)


def test_a_step_towards_the_camera_goes_ahead():
    """A person who grows from 100 to 200 pixels a metre has come nearer by half of her distance."""
    roots = walk(200, lambda k: (320, 240, 100.0 + min(k, 100)))
    focal = 640 / 2 / np.tan(np.radians(30))
    assert roots[-1, 2] == pytest.approx(focal / 100 - focal / 200, rel=0.02)
    assert roots[-1, 0] == pytest.approx(0.0, abs=0.05)


def test_the_lowest_foot_stands_on_the_floor():
    """Whatever the picture's place, and also in a squat."""
    root = RootEstimator(fov_deg=60.0)
    for k in range(90):
        points = standing()
        points[:25, 1] += 0.4 * min(k / 40, 1.0)  # the trunk comes down, knees and feet stay
        points[:, :3] -= (points[23, :3] + points[24, :3]) / 2
        one = person(points, at=(320, 100 + k))
        positions, confidence = to_body(one)
        place = root.step(one, positions, confidence, SIZE, k * NS_PER_S // 30)
    toes = positions[J["LeftToes"], 1] + place[1]
    assert toes == pytest.approx(BODY.rest_positions[J["LeftToes"], 1], abs=0.02)


def test_feet_out_of_the_picture_leave_the_hips_at_their_height():
    """Nobody sinks into the floor because her feet are hidden."""
    root = RootEstimator(fov_deg=60.0)
    points = standing()
    points[25:, 3] = 0.0
    positions, confidence = to_body(person(points))
    place = root.step(person(points), positions, confidence, SIZE, 0)
    assert place[1] == pytest.approx(BODY.rest_positions[0, 1])
