"""What is known of a performer while she is there: used, kept over holes, frozen, taught, and dropped on demand."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from support.people import PatientFitter, Witness, build_of, lesson_of, mover

from emotus.engine.acquaintance import Acquaintance
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.control import (
    BaselineFreeze,
    BaselineResume,
    Calibrate,
    Command,
    ControlInbox,
    TeachStart,
    TeachStop,
    TeachUndo,
)
from emotus.engine.events import EmotionEvent, StatusEvent
from emotus.engine.pipeline import Engine
from emotus.engine.profile import new_profile
from emotus.engine.runner import Runner

HER = build_of(1)


class Meeting:
    """Know performers for as long as they are not forgotten."""

    def __init__(self) -> None:
        self.fitter = PatientFitter()
        self.known: dict[str, Acquaintance] = {}

    def meet(self, stream: str) -> Acquaintance:
        if stream not in self.known:
            self.known[stream] = Acquaintance(stream, Witness(), self.fitter)
        return self.known[stream]

    def forget(self, stream: str) -> None:
        self.known.pop(stream, None)


class Show:
    """Step an engine through a performer's movement."""

    def __init__(self) -> None:
        self.meeting = Meeting()
        self.engine = Engine(Witness(), ManualClock(), live=False, acquaintances=self.meeting)
        self.t_s = 0.0
        self.said: list[str] = []
        self.emotions: list[EmotionEvent] = []

    def move(self, seconds: float, stream: str = "anna") -> None:
        for pose in mover(HER, seconds, start_s=self.t_s, stream=stream):
            self._take(self.engine.step(pose))
        self.t_s += seconds

    def tell(self, command: Command) -> None:
        self._take(self.engine.obey(command))

    def _take(self, events) -> None:
        self.emotions += [event for event in events if isinstance(event, EmotionEvent)]
        self.said += [e.message for e in events if isinstance(e, StatusEvent) and e.code not in ("intake", "stale")]

    def teach(self, label: str) -> None:
        self.tell(TeachStart(label))
        self.move(6)
        self.tell(TeachStop())

    def baseline(self, stream: str = "anna"):
        return self.meeting.known[stream].to_profile(new_profile("m", "0" * 64, 0.0), 0.0).baseline


def test_taught_labels_are_answered_beside_the_shipped_ones_and_never_instead():
    """After two labels are taught the answer holds all of them, sums to one, and the show never stopped."""
    show = Show()
    show.move(2)
    show.teach("joy")
    show.teach("storm")
    before = len(show.emotions)
    assert set(show.emotions[-1].probs) == {"calm", "lively"}
    show.meeting.fitter.answer()
    show.move(1)
    last = show.emotions[-1]
    assert last.label == "storm"
    assert list(last.probs) == ["calm", "lively", "joy", "storm"]
    assert sum(last.probs.values()) == pytest.approx(1)
    assert len(show.emotions) == before + 30
    assert any(each.startswith("learnt 'joy' and 'storm'") for each in show.said)


def test_a_running_show_is_never_interrupted_by_a_failed_fit():
    """While a fit fails each frame is answered, by the head that was there, and one sentence says why."""
    show = Show()
    show.move(1)
    for label in ("joy", "storm"):
        show.teach(label)
    show.meeting.fitter.answer()
    show.move(0.5)
    show.teach("storm")
    frames = len(show.emotions)
    show.meeting.fitter.answer("cannot be told apart")
    show.move(1)
    assert len(show.emotions) == frames + 30
    assert show.emotions[-1].label == "storm"
    assert (
        "takes: cannot be told apart; the take of 'storm' is not kept, and what was learnt before holds on" in show.said
    )


def test_the_baseline_outlives_a_hole_and_stands_still_when_told_to():
    """What was gathered before a silence is there after it; frozen, it stays as it is; resumed, it grows again."""
    show = Show()
    show.move(5)
    gathered = show.baseline().mean[0, 0]
    assert gathered > 100
    show.t_s += 3
    show.move(3)
    assert show.baseline().mean[0, 0] > gathered + 50
    show.tell(BaselineFreeze())
    show.move(2)
    frozen = show.baseline().mean[0, 0]
    show.move(3)
    assert show.baseline().mean[0, 0] == frozen
    show.tell(BaselineResume())
    show.move(3)
    assert show.baseline().mean[0, 0] > frozen + 50
    assert "the baseline is frozen" in show.said


def test_a_warm_up_makes_the_baseline_anew_and_vouches_for_it(monkeypatch):
    """Told to calibrate, it forgets what was usual, counts the seconds, and vouches for what they gave."""
    begun = []
    start = Witness.start
    monkeypatch.setattr(
        Witness, "start", lambda self, *known, **told: begun.append(known) or start(self, *known, **told)
    )
    show = Show()
    show.move(5)
    show.tell(Calibrate(4.0))
    show.move(2)
    assert 20 < show.baseline().mean[0, 0] <= 60  # of the five seconds before nothing is left
    assert begun[-1] == ()
    show.t_s += 3  # a silence takes nothing of the warm-up away
    show.move(4)
    assert begun[-1][0].vouched >= 1
    assert show.baseline().mean[0, 0] >= 120
    told = [each for each in show.said if "calibrat" in each]
    assert told[0] == "calibrating for 4 s: move as you usually do"
    assert told[-1].startswith("calibrated: the baseline is made of 4 s")


def test_with_several_performers_a_command_says_for_whom():
    """Without a name the only one is meant; with two there it is told so, and a name that is not there too."""
    show = Show()
    show.tell(TeachUndo())
    show.move(0.5)
    show.t_s = 0
    show.move(0.5, stream="ben")
    show.tell(TeachStop("carla"))
    assert show.said[0] == "TeachUndo: nobody is there"
    engine = Engine(Witness(), ManualClock(), acquaintances=Meeting())
    for stream in ("anna", "ben"):
        for pose in mover(HER, 0.5, stream=stream):
            engine.step(pose)
    (told,) = engine.obey(TeachStop())
    assert "say for whom, of anna, ben" in told.message
    (told,) = engine.obey(TeachStop("ben"))
    assert told.message == "nothing is being recorded"


def test_without_acquaintances_nothing_is_learnt_and_that_is_said():
    """An engine that knows nobody answers commands with one sentence."""
    engine = Engine(Witness(), ManualClock())
    for pose in mover(HER, 0.5):
        engine.step(pose)
    (told,) = engine.obey(TeachStart("joy"))
    assert told.message == "TeachStart: nothing is learnt of this performer"


def test_whoever_is_forgotten_comes_back_as_somebody_new():
    """forget drops what was learnt; a performer who only left the stage finds it again."""
    show = Show()
    show.move(4)
    show.engine.send_off("anna")
    show.move(1)
    assert show.baseline().mean[0, 0] > 90
    show.engine.forget("anna")
    assert show.meeting.known == {}
    show.move(1.2)
    assert show.baseline().mean[0, 0] < 60


def test_commands_are_carried_out_while_a_show_runs():
    """Given from another thread, a command is obeyed on the engine's own within a tick, and its statuses leave."""
    clock, inbox, meeting = MonotonicClock(), ControlInbox(), Meeting()

    class Endless:
        live = True
        closed = False

        def open(self):
            self._poses, self._start_ns = mover(HER, 60), clock.now_ns()

        def read(self):
            pose = next(self._poses)
            clock.sleep_until_ns(self._start_ns + pose.t_ns)
            return type(pose)(pose.stream, pose.seq, self._start_ns + pose.t_ns, pose.positions, pose.confidence)

        def close(self):
            self.closed = True

        def health(self):
            return type("Health", (), {"state": "ended" if self.closed else "live", "message": ""})()

    engine = Engine(Witness(), clock, acquaintances=meeting)
    runner = Runner([Endless()], engine, [], clock, control=inbox)
    thread = threading.Thread(target=runner.run)
    thread.start()
    try:
        until(lambda: "anna" in meeting.known)
        inbox.put(TeachStart("joy"))
        until(lambda: meeting.known["anna"].teaching.is_recording)
        inbox.put(TeachUndo())
        until(lambda: not meeting.known["anna"].teaching.is_recording)
    finally:
        runner.stop()
        thread.join(20)
    assert not thread.is_alive()
    assert not meeting.known["anna"].teaching.is_recording


def until(condition) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_profile_is_used_from_the_first_frame():
    """With a profile the first answer already knows the taught labels and the baseline."""
    known = Acquaintance("anna", Witness(), PatientFitter())
    show = Show()
    show.meeting.known["anna"] = known
    show.move(6)
    profile = known.to_profile(new_profile("m", "0" * 64, 0.0), 0.0)
    show.teach("joy")
    show.teach("storm")
    takes = known.teaching.takes
    again = Show()
    head = lesson_of(takes).head
    again.meeting.known["anna"] = Acquaintance("anna", Witness(), PatientFitter(), profile=profile, head=head)
    again.move(1)
    assert again.emotions[0].label == "storm"
    assert np.array_equal(profile.baseline.mean, again.baseline().mean) or again.baseline().mean[0, 0] > 150
