"""The partner: frames in time, steered by words and by what is read of a performer, gone when she revokes."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from support.performers import CountingRecogniser, walker

from emotus.engine.clock import NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.control import ControlInbox, parse
from emotus.engine.errors import ControlError, InputError
from emotus.engine.events import Disclosure, EmotionEvent, MotionEvent, StatusEvent
from emotus.engine.generator import load_generator
from emotus.engine.partner import Partner, read_generate
from emotus.engine.pipeline import Engine
from emotus.engine.runner import Runner
from emotus.engine.wish import Wish

PERIOD_NS = round(NS_PER_S / 60)


@pytest.fixture(scope="module")
def model():
    return load_generator()


def _read(i: int, label: str, stream: str = "anna") -> EmotionEvent:
    probs = {each: 0.9 if each == label else 0.02 for each in ("angry", "happy", "sad", "proud", "unsure", "neutral")}
    t_ns = i * NS_PER_S // 30
    return EmotionEvent(stream, i, t_ns, label, probs, 0.0, 0.0, 0.9, abstain=False, latency_ms=1.0, disclosure=_TOLD)


_TOLD = Disclosure("test", "0" * 64)


def test_every_frame_says_what_it_is(model) -> None:
    """Synthetic, with seed, model and hash; counted and timed without a gap."""
    partner = Partner(model, wish=Wish("sad", 0.5), seed=9)
    frames = [event for i in range(60) for event in partner.tick(1000 + i * PERIOD_NS)]
    assert len(frames) == 60
    assert all(frame.synthetic for frame in frames)
    told = {(f.stream, f.emotion, f.intensity, f.seed, f.model, f.sha256) for f in frames}
    assert told == {("generated", "sad", 0.5, 9, model.info.name, model.info.sha256)}
    assert (frames[0].valence, frames[0].arousal) == (-0.35, -0.25)
    assert [f.seq for f in frames] == list(range(1, 61))
    assert {b.t_ns - a.t_ns for a, b in zip(frames, frames[1:], strict=False)} == {PERIOD_NS}


def test_a_piece_is_made_before_its_first_frame_is_due(model) -> None:
    """It is asked for half a frame early then, gives nothing yet, and is quick and in time when the frame is due."""
    partner = Partner(model, seed=9)
    partner.tick(0)
    early = 0
    for i in range(1, 40):
        due = partner.due_ns
        assert due is not None
        if due < i * PERIOD_NS:
            early += 1
            assert i * PERIOD_NS - due == PERIOD_NS // 2
            assert partner.tick(due) == ()
            assert partner.due_ns == i * PERIOD_NS
        assert [frame.t_ns for frame in partner.tick(i * PERIOD_NS)] == [i * PERIOD_NS]
    assert 3 <= early <= 10  # once for each piece of eight frames


def test_frames_that_nobody_came_for_are_dropped(model) -> None:
    """After a second of silence four frames come at once at most; the others are counted, not made up for."""
    partner = Partner(model)
    partner.tick(0)
    late = partner.tick(NS_PER_S)
    assert len(late) <= 4
    assert partner.dropped >= 50
    assert NS_PER_S - late[0].t_ns < NS_PER_S // 10


def test_a_mirror_waits_for_somebody_and_follows_her(model) -> None:
    """Nothing is shown before she is read; then her partner shows what she does, and nobody else's readings count."""
    partner = Partner(model, mirror="same")
    assert partner.tick(0) == ()
    list(partner.listen(_read(i, "happy") for i in range(90)))
    list(partner.listen(_read(i, "angry", "bert") for i in range(90, 180)))
    frame = partner.tick(180 * NS_PER_S // 30)[0]
    assert (frame.stream, frame.emotion) == ("anna.partner", "happy")


def test_who_revokes_loses_her_partner(model) -> None:
    """Her answer leaves the stage at once, and the next to be read may have it."""
    partner = Partner(model, mirror="same")
    list(partner.listen(_read(i, "happy") for i in range(90)))
    partner.tick(0)
    assert partner.forget("bert") is None
    assert partner.forget("anna") == "anna.partner"
    assert partner.tick(NS_PER_S) == ()
    list(partner.listen([_read(200, "sad", "bert")]))
    assert partner.tick(2 * NS_PER_S)[0].stream == "bert.partner"


def test_words_steer_it(model) -> None:
    """Each word does what it says; an emotion it does not know is told with those it does."""
    partner = Partner(model)
    asked = [("generate", {"emotion": "Sad"}), ("intensity", {"value": 7}), ("direction", {"value": 450})]
    for i, (word, arguments) in enumerate([*asked, ("speed", {"value": -1.0})]):
        command = parse(word, arguments)
        partner.obey(command, i * 2 * NS_PER_S)
    wish = partner.wish
    assert (wish.emotion, wish.intensity, wish.direction_deg, wish.speed_m_s, wish.travels) == (
        "sad", 1.5, 90.0, -1.0, True,
    )  # fmt: skip
    (said,) = partner.obey(parse("generate", {"emotion": "bored"}), 20 * NS_PER_S)
    assert isinstance(said, StatusEvent)
    assert (said.level, "it knows angry, happy" in said.message) == ("warning", True)
    partner.obey(parse("generate", {"emotion": "off"}), 30 * NS_PER_S)
    assert partner.tick(30 * NS_PER_S) == ()
    partner.obey(parse("mirror", {"mode": "opposite"}), 40 * NS_PER_S)
    list(partner.listen(_read(i, "sad") for i in range(1200, 1290)))
    assert partner.tick(43 * NS_PER_S)[0].emotion == "happy"


@pytest.mark.parametrize(
    ("word", "arguments"),
    [
        ("generate", {}),
        ("generate", {"emotion": 3}),
        ("mirror", {"mode": "upside down"}),
        ("intensity", {"value": float("nan")}),
        ("speed", {"value": True}),
        ("direction", {}),
    ],
)
def test_what_is_no_word_is_refused(word, arguments) -> None:
    """One error, as for every command."""
    with pytest.raises(ControlError):
        parse(word, arguments)


def test_the_command_line_says_what_to_generate() -> None:
    """An emotion, or a mirror with its mode."""
    assert read_generate("Happy") == ("happy", None)
    assert read_generate("mirror") == ("neutral", "same")
    assert read_generate("mirror:delayed") == ("neutral", "delayed")
    with pytest.raises(InputError, match=r"mirror:same\|opposite"):
        read_generate("mirror:sideways")


class _Walk:
    """Show a walk as it was recorded."""

    live = False

    def __init__(self, seconds: float) -> None:
        self._poses = walker(round(seconds * 30), rate_hz=30.0, stream="anna")

    def open(self) -> None:
        self._left = iter(list(self._poses))
        self._state = "live"

    def read(self):
        pose = next(self._left, None)
        self._state = "live" if pose is not None else "ended"
        return pose

    def close(self) -> None:
        pass

    def health(self):
        from types import SimpleNamespace

        return SimpleNamespace(state=self._state, message="")


class _LiveWalk(_Walk):
    live = True

    def read(self):
        time.sleep(1 / 30)
        return super().read()


class _Sink:
    def __init__(self) -> None:
        self.events = []
        self.times = []

    def start(self) -> None:
        pass

    def send(self, event) -> None:
        self.events.append(event)
        self.times.append(time.monotonic())

    def close(self) -> None:
        pass

    def stats(self):
        from types import SimpleNamespace

        return SimpleNamespace(waiting=0, gone=False)


def test_a_runner_plays_it_beside_a_recording(model) -> None:
    """Its frames leave through the same outlet as the performer's, at 60 Hz of the recording's time."""
    sink, clock = _Sink(), ManualClock()
    engine = Engine(CountingRecogniser(), clock, live=False)
    Runner([_Walk(3.0)], engine, [sink], clock, partner=Partner(model, wish=Wish("sad"))).run()
    motions = [event for event in sink.events if isinstance(event, MotionEvent)]
    assert 160 <= len(motions) <= 184
    assert any(isinstance(event, EmotionEvent) for event in sink.events)
    assert all(np.isfinite(event.joints).all() for event in motions)


def test_a_live_show_hears_words_and_stops_at_once(model) -> None:
    """Live, frames come at about 60 Hz; a word from outside changes them; nothing leaves after the stop."""
    sink, clock, inbox = _Sink(), MonotonicClock(), ControlInbox()
    runner = Runner(
        [_LiveWalk(60.0)], Engine(None, clock), [sink], clock, control=inbox, partner=Partner(model, wish=Wish("sad"))
    )
    thread = threading.Thread(target=runner.run)
    thread.start()
    try:
        _wait(lambda: len([e for e in sink.events if isinstance(e, MotionEvent)]) > 60)
        inbox.put(parse("generate", {"emotion": "happy"}))
        _wait(lambda: any(isinstance(e, MotionEvent) and e.emotion == "happy" for e in sink.events))
    finally:
        runner.halt()
        told = len(sink.events)
        thread.join(20)
    assert not thread.is_alive()
    assert len(sink.events) <= told + 1


def _wait(condition, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
