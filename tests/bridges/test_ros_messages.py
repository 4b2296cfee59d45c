"""Events become standard ROS messages with the names of ROS4HRI, in REP-103's frame."""

from __future__ import annotations

import dataclasses
import json
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.rosbridge_server import definitions, problem
from support.sayings import JOINTS, emotion, motion, pose, qualities, signature, status

from emotus.bridges.ros_messages import (
    EXPRESSIONS,
    FRAMES,
    GONE_NS,
    MAX_BODIES,
    Dialect,
    Translator,
    expression,
    heading,
    identifier,
    to_ros,
)
from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.clock import NS_PER_S
from emotus.engine.errors import WireError

WALL_NS = 1_700_000_000 * NS_PER_S
ALL = (pose(1), emotion(1), qualities(1), signature(1), motion(1), status(1))


def translator(version: int = 2, **more) -> Translator:
    """Return a translator whose wall clock is WALL_NS ahead."""
    return Translator(Dialect(version), wall_ns=lambda t_ns: WALL_NS + t_ns, **more)


def rest() -> np.ndarray:
    """Return the rest pose (21, 3) of the house."""
    points = np.zeros((21, 3))
    for i, parent in enumerate(BODY.parents):
        points[i] = BODY.offsets[i] + (points[parent] if parent >= 0 else 0)
    return points.astype(np.float32)


def turned(points: np.ndarray, about_y: float) -> np.ndarray:
    """Return points turned about the vertical of the house."""
    c, s = math.cos(about_y), math.sin(about_y)
    return (points @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T).astype(np.float32)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("event", ALL, ids=lambda event: event.type)
def test_every_message_has_the_fields_of_its_type(event, version):
    """Names and types of fields as in the .msg files, in ROS 1 and ROS 2, and valid JSON."""
    for said in translator(version).say(event, 0):
        assert problem(said.message, definitions(version)[said.type]) is None
        assert re.fullmatch(r"(/[a-z_][a-zA-Z0-9_]*)+", said.topic)
        json.dumps(said.message, allow_nan=False)


def test_an_emotion_is_an_expression_and_a_string():
    """Valence, arousal and confidence; all of it as JSON beside."""
    said = {each.topic: each for each in translator().say(emotion(3), 0)}
    assert set(said) == {"/humans/bodies/tracked", "/humans/bodies/p1/expression", "/emotus/p1/emotion"}
    told = said["/humans/bodies/p1/expression"]
    assert told.type == "hri_msgs/msg/Expression"
    assert told.message["expression"] == "happy"
    assert (told.message["valence"], told.message["arousal"], told.message["confidence"]) == (0.12346, -0.25, 0.5)
    assert told.message["header"]["frame_id"] == "body_p1"
    assert told.message["header"]["stamp"] == {"sec": 1_700_000_000, "nanosec": 99_999_999}
    whole = json.loads(said["/emotus/p1/emotion"].message["data"])
    assert (whole["label"], whole["disclosure"]["inferred"]) == ("happy", True)


def test_only_words_that_the_message_allows_are_said():
    """Ours are translated where they mean the same; when nothing can be said nothing is."""
    assert expression("Fear") == "scared"
    assert expression("neutral") == "neutral"
    assert expression("proud") == ""
    unsure = dataclasses.replace(emotion(), label="unknown", abstain=True)
    told = {each.topic: each for each in translator().say(unsure, 0)}["/humans/bodies/p1/expression"]
    assert told.message["expression"] == ""
    assert all(expression(word) == word for word in EXPRESSIONS)


def test_positions_are_in_the_frame_of_rep_103():
    """x forward, y left, z up: the head is up, the left hand to the left, the toes in front."""
    points = to_ros(rest())
    assert points[JOINT_INDEX["Head"]][2] == pytest.approx(1.53)
    assert points[JOINT_INDEX["LeftHand"]][1] > 0.5
    assert points[JOINT_INDEX["LeftToes"]][0] > 0.1
    poses = next(each for each in translator().say(pose(1), 0) if each.topic == "/humans/bodies/p1/poses")
    told = np.array([[each["position"][axis] for axis in "xyz"] for each in poses.message["poses"]])
    assert np.abs(told - JOINTS[:, [2, 0, 1]]).max() <= 0.51e-4  # (21, 3)


@given(st.floats(-3.1, 3.1), st.tuples(st.floats(-5, 5), st.floats(-5, 5)))
def test_tf_leads_back_to_every_joint_whichever_way_she_faces(about_y, place):
    """map -> body_<id> -> joint gives the joint's own place; the body's x axis is where the hips face."""
    points = turned(rest(), about_y) + np.array([place[0], 0, place[1]], np.float32)
    said = translator().say(dataclasses.replace(pose(1), joints=points), 0)
    transforms = next(each for each in said if each.topic == "/tf").message["transforms"]
    root = transforms[0]
    assert (root["header"]["frame_id"], root["child_frame_id"]) == ("map", "body_p1")
    turn, at = root["transform"]["rotation"], root["transform"]["translation"]
    yaw = 2 * math.atan2(turn["z"], turn["w"])
    assert math.isclose(math.cos(yaw - about_y), 1.0, abs_tol=1e-3)
    assert {each["child_frame_id"] for each in transforms[1:]} == {f"{name}_p1" for name in FRAMES.values()}
    for name, each in zip(FRAMES, transforms[1:], strict=True):
        local = each["transform"]["translation"]
        x = at["x"] + math.cos(yaw) * local["x"] - math.sin(yaw) * local["y"]
        y = at["y"] + math.sin(yaw) * local["x"] + math.cos(yaw) * local["y"]
        wanted = to_ros(points)[JOINT_INDEX[name]]
        assert np.abs(np.array([x, y, at["z"] + local["z"]]) - wanted).max() < 1e-3


def test_who_faces_forward_has_no_heading():
    """The rest pose faces +Z of the house, x of ROS."""
    assert heading(to_ros(rest())) == pytest.approx(0.0)


def test_a_generated_body_is_no_human():
    """It is told on a topic of its own and is not tracked."""
    spoken = translator()
    assert [each.topic for each in spoken.say(motion(1), 0)] == [
        "/emotus/p1_partner_" + identifier("p1.partner")[-5:] + "/motion"
    ]
    assert [each.message["ids"] for each in spoken.tracked(0)] == []


def test_bodies_are_tracked_while_they_are_heard_of():
    """The list is told when it changes and once a second; who is silent for two seconds is gone."""
    spoken = translator()
    assert [each.message["ids"] for each in spoken.say(pose(1), 0) if each.topic.endswith("tracked")] == [["p1"]]
    assert spoken.tracked(NS_PER_S // 2) == []
    assert spoken.tracked(NS_PER_S)[0].message["ids"] == ["p1"]
    assert spoken.tracked(GONE_NS + 1)[0].message["ids"] == []
    spoken.say(pose(1, stream="p2"), GONE_NS + 2)
    spoken.forget("p2")
    assert spoken.tracked(GONE_NS + 3)[0].message["ids"] == []


def test_events_are_thinned_to_what_robots_take():
    """Ten emotions and thirty poses a second of 120."""
    spoken = translator()
    times = [i * NS_PER_S // 120 for i in range(240)]
    assert sum(bool(spoken.say(emotion(i), t_ns)) for i, t_ns in enumerate(times)) == pytest.approx(20, abs=1)
    assert sum(bool(spoken.say(pose(i), t_ns)) for i, t_ns in enumerate(times)) == pytest.approx(60, abs=2)
    assert all(spoken.say(status(i), t_ns) for i, t_ns in enumerate(times))


def test_what_is_not_finite_is_refused():
    """NaN is no JSON, and no place."""
    bad = JOINTS.copy()
    bad[2, 1] = np.nan
    for event in (dataclasses.replace(pose(), joints=bad), dataclasses.replace(emotion(), valence=math.inf)):
        with pytest.raises(WireError):
            translator().say(event, 0)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_name_becomes_one_that_ros_allows_and_two_names_stay_two(one, two):
    """Letters, digits, underscores; begins with a letter."""
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,49}", identifier(one))
    assert one == two or identifier(one) != identifier(two)


def test_the_memory_for_bodies_is_bounded():
    """A thousand names do not fill it."""
    spoken = translator()
    for i in range(1000):
        spoken.say(pose(1, stream=f"s{i}"), 0)
    assert len(spoken._bodies) == MAX_BODIES
    assert len(spoken._due_ns) <= 5 * MAX_BODIES
