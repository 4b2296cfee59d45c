"""Commands from outside: the same words everywhere, one error for what is none, a queue that never grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotus.engine import control
from emotus.engine.control import (
    BaselineFreeze,
    Calibrate,
    ConsentGrant,
    ConsentRevoke,
    ControlInbox,
    RecordStart,
    RecordStop,
    StopEverything,
    TeachStart,
    TeachStop,
    parse,
)
from emotus.engine.errors import ControlError


def test_every_word_makes_its_command():
    """A word and its arguments become one frozen value; what is left out has its default."""
    assert parse("teach", {"label": " my  grandmother "}) == TeachStart("my grandmother")
    assert parse("teach", {"label": "joy", "stream": "anna"}) == TeachStart("joy", "anna")
    assert parse("teach/stop", {}) == TeachStop()
    assert parse("baseline/freeze", {"stream": None}) == BaselineFreeze()
    assert parse("stop", {}) == StopEverything()
    assert (parse("record", {}), parse("record/stop", {})) == (RecordStart(), RecordStop())
    assert parse("calibrate", {}) == Calibrate(45.0)
    assert parse("calibrate", {"seconds": 20, "stream": "anna"}) == Calibrate(20.0, "anna")
    asked = {"subject": "s1", "purposes": ["stream", "recognise"], "seconds": 60}
    assert parse("consent/grant", asked) == ConsentGrant("s1", None, ("recognise", "stream"), 60.0)
    assert parse("consent/revoke", {"stream": "anna"}) == ConsentRevoke("anna")


@pytest.mark.parametrize(
    ("word", "arguments", "said"),
    [
        ("dance", {}, "no such command: 'dance'"),
        ("teach", {}, "a label has 1 to 48 characters"),
        ("teach", {"label": 7}, "a label has 1 to 48 characters"),
        ("teach", {"label": "a\x00b"}, "that can be printed"),
        ("teach", {"label": "x" * 49}, "a label has 1 to 48 characters"),
        ("teach", {"label": "Unknown"}, "and no label"),
        ("teach", {"label": "joy", "speed": 1}, "teach knows no 'speed'"),
        ("stop", {"stream": "anna"}, "it takes nothing"),
        ("teach/stop", {"stream": "a b"}, "a stream is 1 to 64 letters"),
        ("consent/grant", {"purposes": []}, "no such purpose: 'none'"),
        ("consent/grant", {"purposes": ["sell"]}, "no such purpose: 'sell'"),
        ("consent/grant", {"seconds": float("nan")}, "seconds are a number"),
        ("consent/grant", {"seconds": -1}, "more than 0"),
    ],
)
def test_what_is_no_command_says_what_is_wrong(word, arguments, said):
    """Each mistake has one sentence that names it."""
    with pytest.raises(ControlError) as caught:
        parse(word, arguments)
    assert said in str(caught.value)


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from(["label", "stream", "subject", "purposes", "seconds", "x"])


@given(st.sampled_from([*control.WORDS, "x", ""]), st.dictionaries(names, anything, max_size=4))
def test_anything_is_a_command_or_a_control_error(word, arguments):
    """Whatever the arguments are, no other exception comes out."""
    try:
        command = parse(word, arguments)
    except ControlError:
        return
    assert isinstance(command, control.Command)


def test_the_queue_is_bounded_and_a_stop_always_finds_room():
    """The sixty-fifth command is refused and counted; a revocation and a stop go first even then."""
    inbox = ControlInbox()
    accepted = [inbox.put(TeachStart(f"label {i}")) for i in range(70)]
    assert sum(accepted) == 64
    assert inbox.put(ConsentRevoke("anna"))
    assert inbox.put(StopEverything())
    assert inbox.put(StopEverything())
    assert inbox.stats().used == 64
    taken = inbox.take()
    assert set(taken[:2]) == {StopEverything(), ConsentRevoke("anna")}
    assert taken[2] == TeachStart("label 0")
    assert inbox.stats().dropped == 8
    assert inbox.take() == ()


def test_what_was_no_command_is_counted_with_its_reason():
    """The inbox remembers how many messages were refused and why the last one was."""
    inbox = ControlInbox()
    inbox.refuse("first")
    inbox.refuse("second")
    assert inbox.problems() == (2, "second")
