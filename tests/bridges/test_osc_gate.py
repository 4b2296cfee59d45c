"""The gate keeps rates and tells changes, address by address, and never holds one back for ever."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sayings import emotion, pose

from emotus.bridges.osc_frame import FrameEncoder
from emotus.bridges.osc_gate import MAX_ADDRESSES, OscGate, read_rules, split
from emotus.engine.errors import UriError
from emotus.engine.osc_codec import decode, encode_message

S = 1_000_000_000


def element(address: str, *args) -> bytes:
    """Return an element of a bundle."""
    message = encode_message(address, *args)
    return len(message).to_bytes(4, "big") + message


def passed(gate: OscGate, times: list[int], value=float) -> int:
    """Return how many of the messages of one address passed."""
    return sum(len(gate.admit([element("/a", value(i))], t_ns)) for i, t_ns in enumerate(times))


@pytest.mark.parametrize(("source_hz", "rate"), [(30, 10), (60, 30), (240, 10), (60, 25), (30, 30), (240, 240)])
def test_the_mean_rate_is_kept_though_frames_come_unevenly(source_hz, rate):
    """Ten seconds of frames that come up to a fifth early or late: the rate within two percent."""
    step = S / source_hz
    times = [round(i * step + 0.2 * step * ((i * 7919 % 11) / 5.5 - 1)) for i in range(10 * source_hz)]
    assert passed(OscGate([("*", rate)]), times) == pytest.approx(10 * min(rate, source_hz), rel=0.02)


@settings(max_examples=60)
@given(st.lists(st.integers(0, S // 10), min_size=2, max_size=200), st.sampled_from([1, 5, 10, 50]))
def test_never_more_than_the_rate_and_a_quarter(gaps, rate):
    """Whatever the times: in no second more messages than the rate, two beyond it for its slack."""
    times = [sum(gaps[: i + 1]) for i in range(len(gaps))]
    gate = OscGate([("*", rate)])
    said = [t_ns for t_ns in times if gate.admit([element("/a", 1.0)], t_ns)]
    assert all(sum(start <= t_ns < start + S for t_ns in said) <= rate + 2 for start in said)


def test_only_what_changes_is_said_and_everything_once_a_second():
    """A float that moves by less than asked is silent until a second has passed; a text speaks when it is another."""
    gate = OscGate(changes=[("*", 0.01)])
    assert passed(gate, [i * S // 30 for i in range(90)], lambda i: 0.5 + 0.0001 * (i % 3)) == 3
    gate.reset()
    assert passed(gate, [i * S // 30 for i in range(20)], lambda i: 0.5 + 0.02 * i) == 20
    gate.reset()
    assert passed(gate, [i * S // 30 for i in range(20)], lambda i: "happy" if i < 10 else "sad") == 2


def test_slow_drift_is_told_in_the_end():
    """What counts is the change since the last message, not since the last frame."""
    assert passed(OscGate(changes=[("*", 0.1)]), [i * S // 100 for i in range(50)], lambda i: 0.01 * i) >= 4


def test_rules_are_by_address_and_the_last_that_fits_counts():
    """Joints ten times a second, the hands as often as they come."""
    gate = OscGate(
        read_rules("osc:x", "rate", "joint:10,/emotus/*/joint/*Hand:0", {"joint": "/emotus/*/joint/*"}, 1000)
    )
    encoder = FrameEncoder()
    heard: list[str] = []
    for i in range(30):
        elements = gate.admit(encoder.elements(pose(i)) + encoder.elements(emotion(i)), i * S // 30)
        heard += [decode(each[4:])[0].address for each in elements]
    assert heard.count("/emotus/p1/joint/LeftHand") == 30
    assert heard.count("/emotus/p1/joint/Head") == 10
    assert heard.count("/emotus/p1/valence") == 30


def test_a_recording_that_begins_again_is_heard_at_once():
    """Time that goes back holds nothing up."""
    gate = OscGate([("*", 1)])
    assert passed(gate, [100 * S, 101 * S, 3 * S, 4 * S]) == 4


def test_it_remembers_within_bounds():
    """Ever new addresses do not grow it."""
    gate = OscGate([("*", 1)])
    for i in range(MAX_ADDRESSES + 10):
        gate.admit([element(f"/a{i}", 1.0)], 0)
    assert len(gate._lines) <= MAX_ADDRESSES


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=30), st.integers(0, 5))
def test_an_element_is_taken_apart_where_its_parts_are(name, count):
    """Address, tags and arguments, for any length of them."""
    address, tags, payload = split(element(f"/{name}", *[1.5] * count))
    assert (address, tags, len(payload)) == (f"/{name}".encode(), b"," + b"f" * count, 4 * count)


@pytest.mark.parametrize(
    "text", ["", "x", "10,", "joint", "joint:", "joint:x", "nobody:3", "-1", "1e9", "nan", "/a/*:inf", "1," * 40]
)
def test_a_rule_that_cannot_be_is_told_with_its_mend(text):
    """One line with the option in it."""
    with pytest.raises(UriError, match="rate") as told:
        read_rules("osc:x", "rate", text, {"joint": "/j/*"}, 1000)
    assert "\n" not in str(told.value)
