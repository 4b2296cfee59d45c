"""Teaching while a show runs: count-in, takes, undo, and heads that take over only when they have passed."""

from __future__ import annotations

import numpy as np
import pytest
from support.people import PatientFitter

from emotus.engine.clock import NS_PER_S
from emotus.engine.errors import TeachError
from emotus.engine.teaching import MOST_S, Teaching


class Lessons:
    """Drive a Teaching by frames at 30 Hz and collect what it says."""

    def __init__(self) -> None:
        self.fitter = PatientFitter()
        self.teaching = Teaching("anna", "witness 1", self.fitter)
        self.t_s = 0.0
        self.said: list[tuple[str, str]] = []
        self._rng = np.random.default_rng(0)

    def tell(self, events) -> None:
        for event in events:
            assert (event.type, event.code, event.stream) == ("status", "teach", "anna")
            self.said.append((event.level, event.message))

    @property
    def t_ns(self) -> int:
        return round(self.t_s * NS_PER_S)

    def move(self, seconds: float, *, still: bool = False) -> None:
        for _ in range(round(seconds * 30)):
            self.t_s += 1 / 30
            frame = np.zeros(90, dtype=np.float32)
            frame[63:84] = 1
            frame[:63] = 0 if still else self._rng.normal(size=63)
            self.tell(self.teaching.hear(frame, self._rng.normal(size=5).astype(np.float32), 100, self.t_ns))
            self.tell(self.teaching.poll(self.t_ns))

    def take(self, label: str, seconds: float = 3.0) -> None:
        self.tell(self.teaching.start(label, self.t_ns))
        self.move(3 + seconds)
        self.tell(self.teaching.stop(self.t_ns))

    def messages(self) -> list[str]:
        said, self.said = [message for _, message in self.said], []
        return said


@pytest.fixture
def lessons() -> Lessons:
    """Return a Teaching of nobody's takes yet."""
    return Lessons()


def test_a_take_is_counted_in_and_its_seconds_are_counted(lessons):
    """Three, two, one, then each second of the take, each said once; what comes before the go is not in it."""
    lessons.take("joy", 2.5)
    said = lessons.messages()
    assert said[:6] == ["'joy' in 3", "'joy' in 2", "'joy' in 1", "'joy': 0 s", "'joy': 1 s", "'joy': 2 s"]
    assert said[6].startswith("'joy': 2.5 s recorded, take 1")
    assert "only label" in said[7]
    assert len(said) == 8


def test_a_head_takes_over_when_it_is_ready_and_not_before(lessons):
    """While a head is fitted the old one answers; when it is ready the new labels are there."""
    lessons.take("joy")
    assert lessons.teaching.head is None
    lessons.take("storm")
    assert lessons.teaching.is_fitting
    lessons.move(1)
    assert lessons.teaching.head is None
    lessons.fitter.answer()
    lessons.move(0.1)
    assert lessons.teaching.head.labels == ("joy", "storm")
    assert "learnt 'joy' and 'storm'. All is well." in lessons.messages()


def test_a_failed_fit_costs_its_take_and_nothing_else(lessons):
    """The old head and the takes before stay, one sentence says why, and teaching goes on."""
    for label in ("joy", "storm"):
        lessons.take(label)
    lessons.fitter.answer()
    lessons.move(0.1)
    head = lessons.teaching.head
    lessons.take("storm")
    lessons.fitter.answer("take 2 and take 3 are the same movement")
    lessons.messages()
    lessons.move(0.1)
    assert lessons.teaching.head is head
    assert len(lessons.teaching.takes) == 2
    (told,) = lessons.messages()
    assert told.startswith("takes: take 2 and take 3 are the same movement; the take of 'storm' is not kept")
    lessons.take("calm")
    lessons.fitter.answer()
    lessons.move(0.1)
    assert lessons.teaching.head.labels == ("calm", "joy", "storm")


def test_undo_throws_away_what_is_recorded_then_the_last_take_then_nothing(lessons):
    """Each undo goes one step back, learns again, and says so; with one label left no head answers."""
    for label in ("joy", "storm"):
        lessons.take(label)
    lessons.fitter.answer()
    lessons.move(0.1)
    lessons.tell(lessons.teaching.start("calm", lessons.t_ns))
    lessons.messages()
    for _ in range(4):
        lessons.tell(lessons.teaching.undo(lessons.t_ns))
    assert lessons.messages() == [
        "'calm': thrown away",
        "'storm': take 2 thrown away",
        "'joy' is the only label; teach a second one to tell it from",
        "'joy': take 1 thrown away",
        "there is no take to undo",
    ]
    assert lessons.teaching.head is None


def test_takes_that_come_during_a_fit_are_learnt_from_too(lessons):
    """A fit that is out of date when it is ready is followed by another one."""
    for label in ("joy", "storm"):
        lessons.take(label)
    lessons.take("calm")
    assert len(lessons.fitter.asked) == 1
    lessons.fitter.answer()
    lessons.move(0.1)
    assert len(lessons.fitter.asked) == 2
    lessons.fitter.answer()
    lessons.move(0.1)
    assert lessons.teaching.head.labels == ("calm", "joy", "storm")


@pytest.mark.parametrize(("seconds", "still", "said"), [(0.5, False, "lasts 0.5 s"), (5.0, True, "shows no movement")])
def test_a_take_that_says_nothing_is_let_go(lessons, seconds, still, said):
    """Half a second, or five of standing still, is no take; one sentence says so."""
    lessons.tell(lessons.teaching.start("joy", lessons.t_ns, count_in_s=0))
    lessons.move(seconds, still=still)
    lessons.tell(lessons.teaching.stop(lessons.t_ns))
    last = lessons.messages()[-1]
    assert last.startswith("not kept: ")
    assert said in last
    assert lessons.teaching.takes == ()


def test_a_take_ends_by_itself(lessons):
    """Nobody who forgets to press stop fills the memory."""
    lessons.tell(lessons.teaching.start("joy", lessons.t_ns, count_in_s=0))
    lessons.move(MOST_S + 2)
    assert not lessons.teaching.is_recording
    assert lessons.teaching.takes[0].seconds == pytest.approx(MOST_S, abs=0.1)


def test_what_makes_no_sense_is_told_and_changes_nothing(lessons):
    """A second start, a stop of nothing and a label that is none are one sentence each."""
    lessons.tell(lessons.teaching.stop(0))
    lessons.tell(lessons.teaching.start("joy", 0))
    lessons.tell(lessons.teaching.start("storm", 0))
    assert lessons.messages() == ["nothing is being recorded", "'joy' in 3", "already recording 'joy'; stop it first"]
    with pytest.raises(TeachError):
        list(Teaching("anna", "x", lessons.fitter).start("unknown", 0))
