"""What the viewer draws and writes: bodies as ellipsoids, and words that claim no more than they may."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emotus.bridges.page import page_lines
from emotus.bridges.viewer_body import BONE_COUNT, INSTANCES, body_colors, body_shape, unit_sphere
from emotus.bridges.viewer_colors import css, emotion_color
from emotus.bridges.viewer_plot import plot_svg
from emotus.bridges.viewer_stage import caption, places, viewpoint
from emotus.bridges.viewer_state import HISTORY_S, PerformerState, stage_order
from emotus.bridges.viewer_text import details_html, headline, reading_html
from emotus.engine import quaternion
from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.clock import NS_PER_S
from emotus.engine.events import Disclosure, EmotionEvent, PoseEvent, QualitiesEvent, StatusEvent

REST = BODY.rest_positions.astype(np.float32)
FULL = np.ones(21, dtype=np.float32)
DISCLOSURE = Disclosure("bandai-stgcn", "abcdef0123456789")


def emotion(label: str = "sad", p: float = 0.82, *, t_ns: int = 0, abstain: bool = False) -> EmotionEvent:
    probs = {label: p, "other": 1 - p}
    shown = "unknown" if abstain else label
    return EmotionEvent("anna", 0, t_ns, shown, probs, -0.4, 0.3, p, abstain, 4.2, DISCLOSURE)


def status(counters: dict[str, int], t_ns: int, *, level: str = "info", message: str = "") -> StatusEvent:
    return StatusEvent("anna", 0, t_ns, level, "intake", message, counters)  # type: ignore[arg-type]


def told(*events: object, now_ns: int = 0) -> PerformerState:
    state = PerformerState("anna", now_ns)
    for event in events:
        state.take(event, now_ns)  # type: ignore[arg-type]
    return state


def words(html: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", html).split())


def test_the_headline_speaks_of_apparent_expression_with_its_confidence() -> None:
    """The label is never said to be what somebody is or feels."""
    assert headline(emotion()) == "apparent expression: sad 0.82"
    assert headline(emotion(abstain=True)) == "apparent expression: unknown"
    assert headline(None) == "movement only: no emotion is inferred"
    assert "apparent expression: sad 0.82" in words(reading_html(told(emotion()), 0))


def test_a_reading_shows_every_probability_and_its_source() -> None:
    """Each label has a bar as long as its probability; model and hash stand beneath."""
    html = reading_html(told(emotion(p=0.7)), 0)
    assert "width:70.0%" in html
    assert "width:30.0%" in html
    assert "inferred from movement by bandai-stgcn (abcdef01)" in words(html)


def test_whatever_comes_from_outside_is_escaped() -> None:
    """A label, a quality, a counter or a message with markup in it shows as text."""
    evil = "<img src=x onerror=alert(1)>"
    state = told(
        emotion(evil),
        QualitiesEvent("anna", 0, 0, {evil: 0.5}),
        status({f"dropped_{evil}": 2}, 0, level="warning", message=evil),
    )
    html = reading_html(state, 0) + details_html(state, 0)
    assert "<img" not in html
    assert html.count("&lt;img") == 5


def test_details_tell_qualities_counters_rate_latency_and_the_last_warning() -> None:
    """Everything that the intake counts is in the panel."""
    state = told(
        emotion(),
        QualitiesEvent("anna", 0, 0, {"energy": 0.25}),
        status({"received": 10, "dropped_late": 2, "dropped_duplicate": 1, "holes": 3, "masked_joints": 4}, 0),
        status(
            {"received": 70, "dropped_late": 2, "dropped_duplicate": 1, "holes": 3, "masked_joints": 4, "late": 5},
            NS_PER_S,
        ),
        status({}, 0, level="warning", message="nothing usable"),
        PoseEvent("anna", 0, 0, REST, FULL),
    )
    text = words(details_html(state, 0))
    assert "energy 0.25" in text
    assert "live, unread, too late 5 · 60.0 poses/s · latency 4.2 ms" in text
    assert "received 70 dropped 3 (late 2, duplicate 1) holes 3 masked joints 4 frames unread, too late 5" in text
    assert "nothing usable" in text
    assert "nothing usable" not in words(details_html(state, 7 * NS_PER_S))


def test_a_performer_who_falls_silent_is_called_silent() -> None:
    """Without poses for half a second the lamp turns and the body's caption says so."""
    state = told(PoseEvent("anna", 0, 0, REST, FULL), emotion())
    assert "live" in words(details_html(state, NS_PER_S // 4))
    assert "silent for 3 s" in words(details_html(state, 3 * NS_PER_S))
    assert caption("anna", emotion(), silent=True) == "anna: silent"
    assert caption("anna", emotion(), silent=False) == "anna: sad 0.82"
    assert caption("anna", emotion(abstain=True), silent=False) == "anna: unknown"
    assert caption("anna", None, silent=False) == "anna"
    assert caption("anna", emotion(), silent=False, brief=True) == "anna: sad"


def test_history_holds_twenty_seconds_and_no_more() -> None:
    """However long it runs and however fast events come, ten moments a second of the last twenty seconds stay."""
    state = told(*(emotion(t_ns=round(i * NS_PER_S / 30)) for i in range(30 * 60)))
    ages, valence, arousal = state.history()
    assert len(ages) == 200
    assert ages[0] == pytest.approx(-19.9, abs=0.2)
    assert ages[-1] == 0
    assert set(valence) == {-0.4}
    assert set(arousal) == {0.3}
    state.take(emotion(t_ns=0), 0)
    assert len(state.history()[0]) == 1


def test_a_plot_draws_both_lines_to_now_and_names_their_values() -> None:
    """The newest moment is at the right end; what is not known is left out."""
    ages = np.array([-HISTORY_S - 5, -HISTORY_S, -1.0, 0.0])
    svg = plot_svg(ages, np.array([0.1, np.nan, 0.0, 1.0]), np.array([0.0, 0.0, 0.0, -1.0]))
    lines = dict(re.findall(r'data-name="(\w+)" points="([^"]*)"', svg))
    assert len(lines["valence"].split()) == 2
    assert len(lines["arousal"].split()) == 3
    x, y = map(float, lines["valence"].split()[-1].split(","))
    assert (x, y) == (232.0, 6.0)
    assert "valence +1.0" in svg
    assert "arousal -1.0" in svg
    assert "points" in plot_svg(np.zeros(0), np.zeros(0), np.zeros(0))


def test_bones_join_their_joints_and_joints_stand_where_they_are() -> None:
    """Each bone's ellipsoid lies half way, points along the bone and reaches from end to end."""
    shape = body_shape(REST, FULL)
    assert np.allclose(shape.positions[BONE_COUNT : BONE_COUNT + 21], REST)
    for i, (parent, child) in enumerate(BODY.edges):
        bone = REST[child] - REST[parent]
        assert np.allclose(shape.positions[i], (REST[child] + REST[parent]) / 2, atol=1e-6)
        along = quaternion.rotate(shape.wxyzs[i], np.float32([0, 1, 0]))
        assert abs(float(along @ bone)) == pytest.approx(float(np.linalg.norm(bone)), rel=1e-5)
        assert shape.scales[i, 1] >= 0.5 * np.linalg.norm(bone)


def test_a_joint_that_is_not_known_is_thin_and_faint() -> None:
    """What has no confidence is hardly seen; what has it shows the emotion."""
    confidence = FULL.copy()
    hand = JOINT_INDEX["LeftHand"]
    confidence[hand] = 0
    shape = body_shape(REST, confidence)
    assert shape.scales[BONE_COUNT + hand, 0] < 0.5 * shape.scales[BONE_COUNT + JOINT_INDEX["RightHand"], 0]
    colors = body_colors(confidence, emotion_color("angry"), 1.0)
    red, green, blue = colors[BONE_COUNT + JOINT_INDEX["RightHand"]].astype(int)
    assert red > 2 * max(green, blue)
    assert colors[BONE_COUNT + hand].max() < 60


def test_the_joints_that_carried_the_decision_shine() -> None:
    """With shares given, the largest share has the emotion's colour and the rest hold back."""
    shares = np.full(21, 0.01, dtype=np.float32)
    shares[JOINT_INDEX["Head"]] = 0.8
    colors = body_colors(FULL, emotion_color("angry"), 1.0, shares).astype(int)
    head, foot = colors[BONE_COUNT + JOINT_INDEX["Head"]], colors[BONE_COUNT + JOINT_INDEX["LeftFoot"]]
    assert head[0] - head[1] > 2 * (foot[0] - foot[1])


@given(arrays(np.float32, (21, 3), elements=st.floats(-50, 50, width=32)))
def test_any_body_is_drawn_with_finite_numbers_and_unit_turns(joints: np.ndarray) -> None:
    """However strange a body is, the page gets only what it can draw."""
    shape = body_shape(joints, FULL)
    assert shape.positions.shape == (INSTANCES, 3)
    assert np.isfinite(shape.positions).all()
    assert np.isfinite(shape.scales).all()
    assert np.allclose(np.linalg.norm(shape.wxyzs, axis=1), 1.0, atol=1e-3)


def test_the_sphere_is_closed_and_faces_outwards() -> None:
    """Every triangle of the unit sphere that has an area looks away from the middle."""
    vertices, faces = unit_sphere()
    assert np.allclose(np.linalg.norm(vertices, axis=1), 1, atol=1e-6)
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    outward = (normal * (a + b + c)).sum(axis=1)
    flat = np.linalg.norm(normal, axis=1) < 1e-6
    assert flat.sum() == 2 * 16
    assert (outward[~flat] > 0).all()


@pytest.mark.parametrize("aspect", [0.46, 0.8, 1.3, 2.4])
@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_the_camera_sees_every_performer(count: int, aspect: float) -> None:
    """Both ends of the row lie within the picture, whatever its shape."""
    position, look_at = (np.array(each) for each in viewpoint(count, aspect))
    ahead = (look_at - position) / np.linalg.norm(look_at - position)
    right = np.cross(ahead, [0, 1, 0])
    right /= np.linalg.norm(right)
    for x, z in (min(places(count)), max(places(count))):
        end = np.array([x, 0.9, z]) - position
        assert abs(end @ right) / (end @ ahead) < aspect * np.tan(np.radians(28)) * 1.05


def test_performers_keep_their_places() -> None:
    """Whoever comes first, performers stand in the order of their names."""
    assert [state.stream for state in stage_order([PerformerState("b", 0), PerformerState("a", 0)])] == ["a", "b"]


def test_colours_are_steady_and_apart() -> None:
    """Each known emotion has its own colour, and an unknown label always the same."""
    known = [emotion_color(name) for name in ("happy", "sad", "angry", "proud", "unsure", "neutral")]
    assert len(set(known)) == 6
    assert emotion_color("awe") == emotion_color("AWE")
    assert css((255, 0, 10)) == "#ff000a"


def test_the_address_told_is_one_a_browser_can_open():
    """A page for all networks is told by this machine's name, and that others may look; one for itself is not."""
    (own,) = page_lines("127.0.0.1:8080")
    assert "http://127.0.0.1:8080" in own
    everywhere, warning = page_lines("0.0.0.0:8080")
    assert "0.0.0.0" not in everywhere
    assert ":8080" in everywhere
    assert "may look" in warning
