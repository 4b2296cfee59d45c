"""What is said does not stutter, never waits to say that nothing is known, and follows a real change soon."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from emotus.engine.events import UNKNOWN
from emotus.engine.recognise import Reading
from emotus.engine.steadiness import BACK_S, ENOUGH_S, SLACK, Steadiness

RATE_HZ = 30.0


def reading(happy: float, *, known: bool = True) -> Reading:
    """Return an answer of two labels."""
    best = "happy" if happy >= 0.5 else "sad"
    probs = {"happy": happy, "sad": 1.0 - happy}
    return Reading(best if known else UNKNOWN, probs, 0.1, 0.2, max(happy, 1 - happy), abstain=not known)


def said(readings: list[Reading]) -> list[str]:
    """Return the labels said."""
    steady = Steadiness(RATE_HZ)
    return [steady.step(each).label for each in readings]


def test_the_first_label_is_said_at_once() -> None:
    """Nothing is held back where nothing was said before, whatever was unknown until then."""
    assert said([reading(0.5, known=False)] * 7 + [reading(0.6)]) == [UNKNOWN] * 7 + ["happy"]


def test_two_labels_nearly_alike_are_not_stuttered() -> None:
    """Answers that swap the lead every few frames change nothing that is said, nor its probabilities."""
    wavering = [reading(0.6 if k // 3 % 2 == 0 else 0.4) for k in range(300)]
    assert len(set(said(wavering)[30:])) == 1  # in the first second nothing is held
    steady = Steadiness(RATE_HZ)
    for each in wavering:
        held = steady.step(each)
        assert held.probs is each.probs
        assert held.confidence == each.probs[held.label]
        assert (held.valence, held.arousal, held.abstain) == (each.valence, each.arousal, False)


def test_a_great_lead_is_believed_sooner_than_a_narrow_one() -> None:
    """The wait is what the lead takes to add up: a tenth of a second for a sure answer, seconds for a narrow one."""
    waits = []
    for happy in (0.05, 0.2, 0.4):
        labels = said([reading(0.9)] * 30 + [reading(happy)] * 300)
        waits.append(labels.index("sad") - 30 + 1)
        lead = 1.0 - 2.0 * happy - SLACK
        assert abs(waits[-1] - RATE_HZ * ENOUGH_S / lead) <= 1.0
    assert waits == sorted(waits)
    assert waits[0] <= 4


def test_unknown_never_waits_and_what_follows_it_does() -> None:
    """One strange frame is told at once; a label comes back a second after the last of them."""
    labels = said([reading(0.9)] * 10 + [reading(0.9, known=False)] + [reading(0.9)] * 60)
    assert labels[9:11] == ["happy", UNKNOWN]
    back = labels.index("happy", 11)
    assert abs((back - 10) / RATE_HZ - BACK_S) < 0.05
    assert set(labels[back:]) == {"happy"}


def test_a_label_that_is_gone_is_not_said() -> None:
    """After what was taught is taken back, its label is dropped at once."""
    steady = Steadiness(RATE_HZ)
    taught = Reading("storm", {"happy": 0.2, "sad": 0.1, "storm": 0.7}, 0.0, 0.0, 0.7, abstain=False)
    assert steady.step(taught).label == "storm"
    assert steady.step(reading(0.9)).label == "happy"


def test_a_reset_forgets_what_was_said() -> None:
    """After a hole the first label is said at once again."""
    steady = Steadiness(RATE_HZ)
    steady.step(reading(0.9))
    steady.step(reading(0.9, known=False))
    steady.reset()
    assert steady.step(reading(0.1)).label == "sad"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=200))
def test_label_and_abstention_always_agree(answers: list[tuple[float, bool]]) -> None:
    """Whatever comes, `unknown` is said exactly where it abstains, always where the recogniser does; twice the same."""
    readings = [reading(happy, known=known) for happy, known in answers]
    first, second = Steadiness(RATE_HZ), Steadiness(RATE_HZ)
    for each in readings:
        held = first.step(each)
        assert held == second.step(each)
        assert held.abstain == (held.label == UNKNOWN)
        assert held.abstain or not each.abstain
