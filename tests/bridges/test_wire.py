"""The wire is DESIGN.md 5 to the letter: names, order, rounding, and nothing that is not finite."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sayings import CONFIDENCE, JOINTS, LABELS, ROTATIONS, emotion, motion, pose, qualities, signature, status

from emotus.bridges import wire
from emotus.engine.errors import WireError
from emotus.engine.events import EVENT_TYPES

HEAD = ["v", "type", "stream", "seq", "t_ns"]
ALL = [emotion(7), qualities(7), signature(7), pose(7), motion(7), status(7)]


def parsed(event) -> dict:
    """Return an event as a JSON reader sees it; NaN and Infinity are refused."""

    def refuse(word):
        raise AssertionError(f"{word} on the wire")

    return json.loads(wire.to_json(event), parse_constant=refuse)


def test_every_type_of_event_has_its_encoder():
    """No event exists that the wire cannot say."""
    assert set(wire.FIELDS) == set(EVENT_TYPES)


@pytest.mark.parametrize("event", ALL, ids=lambda event: event.type)
def test_every_event_begins_with_version_type_stream_seq_and_time(event):
    """The five common fields stand first, in order."""
    told = parsed(event)
    assert list(told)[:5] == HEAD
    assert [told[name] for name in HEAD] == [1, event.type, event.stream, 7, event.t_ns]


def test_an_emotion_says_exactly_what_the_design_says():
    """Fields, their order, rounding and the disclosure."""
    told = parsed(emotion())
    assert list(told)[5:] == [
        "label", "probs", "valence", "arousal", "confidence", "abstain", "latency_ms", "disclosure",
    ]  # fmt: skip
    assert told["probs"] == dict(zip(LABELS, (0.1, 0.5, 0.05, 0.15, 0.12346, 0.07654), strict=True))
    assert (told["valence"], told["latency_ms"], told["abstain"]) == (0.12346, 3.142, False)
    disclosure = {
        "inferred": True,
        "kind": "apparent expression",
        "model": "bandai-stgcn",
        "sha256": "a1" * 32,
        "notice": "the movement resembles acted expression; what anyone feels is not known",
        "schema": "emotus.wire/1",
    }
    assert told["disclosure"] == disclosure


def test_a_motion_is_a_pose_with_rotations_that_says_it_is_synthetic():
    """What was asked for, by which seed and which weights, stands in every frame."""
    told = parsed(motion(7))
    asked = ["emotion", "intensity", "valence", "arousal"]
    assert list(told)[5:] == [
        "joints",
        "confidence",
        "rotations",
        "root",
        *asked,
        "synthetic",
        "seed",
        "model",
        "sha256",
    ]
    assert np.shape(told["rotations"]) == (21, 4)
    assert told["confidence"] == [1.0] * 21
    assert (told["synthetic"], told["seed"], told["sha256"]) == (True, 1, "b2" * 32)


def test_a_signature_says_where_the_movement_lies_and_how_sure_that_is():
    """Fields, their order and rounding; the windows that are not told in full have their distances."""
    told = parsed(signature())
    assert list(told)[5:] == [
        "distances", "nearest", "label", "cluster", "xy", "drift", "confidence", "effective", "window_s", "windows",
    ]  # fmt: skip
    assert told["distances"] == {"anna": 0.12346, "bo b": 1.5}
    assert (told["nearest"], told["label"], told["cluster"]) == ("anna", "dancer", 1)
    assert (told["xy"], told["drift"], told["effective"]) == ([0.25, -0.12346], 1.1, 20.0)
    assert told["windows"] == {"2": {"anna": 0.2, "bo b": 1.25}}


def test_an_emotion_tells_its_joints_only_when_asked():
    """The share of each joint is there when the event has it."""
    shares = np.full(21, 1 / 21, np.float32)
    assert parsed(dataclasses.replace(emotion(), joints=shares))["joints"] == [0.04762] * 21


def test_qualities_stand_beside_the_common_fields():
    """Each quality is a field of its own."""
    assert parsed(qualities(7)) == {
        "v": 1, "type": "qualities", "stream": "p1", "seq": 7, "t_ns": 7 * 33_333_333,
        "energy": 0.33333, "smoothness": 1.0,
    }  # fmt: skip


def test_a_quality_cannot_take_the_place_of_a_common_field():
    """A quality called seq does not change seq."""
    told = parsed(dataclasses.replace(qualities(7), values={"seq": 0.5, "energy": 0.5}))
    assert (told["seq"], told["energy"]) == (7, 0.5)


def test_a_pose_is_metres_to_a_tenth_of_a_millimetre():
    """21 triples and 21 confidences, no longer than they need be."""
    told = parsed(pose())
    assert list(told)[5:] == ["joints", "confidence"]
    assert np.abs(np.array(told["joints"]) - JOINTS).max() <= 0.5e-4 + 1e-9
    assert np.abs(np.array(told["confidence"]) - CONFIDENCE).max() <= 0.5e-5 + 1e-9
    assert len(wire.to_json(pose())) < 900


def test_a_status_says_level_code_message_and_counters():
    """Exactly these."""
    told = parsed(status())
    assert list(told.items())[5:] == [
        ("level", "warning"),
        ("code", "stale"),
        ("message", "no frame for 0.2 s"),
        ("counters", {"lost": 3}),
    ]


@pytest.mark.parametrize("event", ALL, ids=lambda event: event.type)
def test_messagepack_says_the_same_with_arrays_as_raw_float32(event):
    """The msgpack package reads the same map; arrays are little-endian float32 and lose nothing."""
    told = msgpack.unpackb(wire.to_msgpack(event))
    if event.type == "pose":
        assert np.array_equal(np.frombuffer(told.pop("joints"), "<f4").reshape(21, 3), JOINTS)  # (63,) -> (21, 3)
        assert np.array_equal(np.frombuffer(told.pop("confidence"), "<f4"), CONFIDENCE)
        assert list(told) == HEAD
    elif event.type == "motion":
        arrays = {"joints": JOINTS, "confidence": np.ones(21), "rotations": ROTATIONS, "root": JOINTS[0]}
        for name, array in arrays.items():
            assert np.array_equal(np.frombuffer(told.pop(name), "<f4"), array.ravel())  # (J, k) -> (J * k,)
        assert told == {name: value for name, value in parsed(event).items() if name not in arrays}
    else:
        assert told == parsed(event)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("encode", [wire.to_json, wire.to_msgpack])
def test_nothing_that_is_not_finite_goes_on_the_wire(bad, encode):
    """NaN and infinities are refused wherever they hide."""
    joints = JOINTS.copy()
    joints[3, 1] = bad
    poisoned = [
        dataclasses.replace(emotion(), valence=bad),
        dataclasses.replace(emotion(), probs={"happy": bad}),
        dataclasses.replace(emotion(), latency_ms=bad),
        dataclasses.replace(qualities(), values={"energy": bad}),
        dataclasses.replace(pose(), joints=joints),
        dataclasses.replace(pose(), confidence=np.full(21, bad, np.float32)),
    ]
    for event in poisoned:
        with pytest.raises(WireError, match="finite"):
            encode(event)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_every_finite_number_comes_back_within_the_rounding(value):
    """However large or small, a number on the wire is the number rounded."""
    told = parsed(dataclasses.replace(qualities(), values={"energy": value}))["energy"]
    assert abs(told - value) <= 0.5e-5 + abs(value) * 1e-15


def test_text_of_any_language_survives():
    """A stream may be named in any script; JSON stays valid UTF-8."""
    assert parsed(status(stream="花子 \N{MAN DANCING} \"'\\\n"))["stream"] == "花子 \N{MAN DANCING} \"'\\\n"


def test_subscribe_has_sensible_defaults():
    """A bare subscribe asks for everything in JSON."""
    asked = wire.decode_control('{"type": "subscribe"}')
    assert (asked.streams, asked.types, asked.format, asked.max_hz) == (None, None, "json", None)


def test_subscribe_is_understood_in_both_formats():
    """Text is JSON, bytes are MessagePack."""
    asked = {"v": 1, "type": "subscribe", "streams": ["p1"], "types": ["pose"], "format": "msgpack", "max_hz": 10}
    assert wire.decode_control(json.dumps(asked)) == wire.decode_control(msgpack.packb(asked))


BAD_CONTROLS = [
    "", "null", "[]", "{}", "subscribe", '{"type": "unsubscribe"}', '{"type": "subscribe", "v": 2}',
    '{"type": "subscribe", "stream": ["p1"]}', '{"type": "subscribe", "streams": "p1"}',
    '{"type": "subscribe", "streams": [""]}', '{"type": "subscribe", "types": ["smell"]}',
    '{"type": "subscribe", "format": "xml"}', '{"type": "subscribe", "max_hz": 0}',
    '{"type": "subscribe", "max_hz": -1}', '{"type": "subscribe", "max_hz": NaN}',
    '{"type": "subscribe", "max_hz": 1e400}', '{"type": "subscribe", "max_hz": 1e300}',
    '{"type": "subscribe", "streams": ["\\ud800"]}', "\ud800", "[" * 4000, '{"type":' * 400,
    '{"type": "subscribe", "streams": [' + '"p",' * 70 + '"p"]}',
    '{"type": "subscribe", "streams": ["' + "p" * 200 + '"]}',
    " " * 5000 + '{"type": "subscribe"}',
    b"", b"\xc1", b"\x91" * 4000, b'{"type": "subscribe"}', msgpack.packb({"type": "subscribe", "max_hz": math.nan}),
    msgpack.packb({"type": "subscribe", "streams": [b"\xff"]}), b"\x81\xa4type\xa9sub",
]  # fmt: skip


@pytest.mark.parametrize("data", BAD_CONTROLS, ids=lambda data: repr(data)[:40])
def test_a_bad_control_message_is_a_wire_error(data):
    """Whatever is wrong with it, there is one exception and one line."""
    with pytest.raises(WireError) as told:
        wire.decode_control(data)
    assert "\n" not in str(told.value)


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_any_control_message_is_accepted_or_a_wire_error(data):
    """Random text and bytes raise nothing else."""
    with contextlib.suppress(WireError):
        wire.decode_control(data)
