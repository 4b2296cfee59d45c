"""Many performers asked about together are told what each would be told alone."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from support.movers import style
from support.performers import CountingRecogniser, walker

from emotus.bridges.wire import to_json
from emotus.engine.clock import ManualClock
from emotus.engine.events import EmotionEvent, Event, StatusEvent
from emotus.engine.network import load
from emotus.engine.performer import Performer
from emotus.engine.pipeline import Engine
from emotus.engine.pose import Pose
from emotus.engine.recognise import Evidence, Reading
from emotus.engine.skeleton import Float32

EMOTIONS = ("happy", "sad", "angry", "proud", "walk", "tour")


def never(stream: str, error: Exception) -> None:
    raise AssertionError(stream) from error


class Together(CountingRecogniser):
    """Remember how many were asked about at once."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    def step_many(self, frames: Float32, evidences: Sequence[Evidence]) -> list[tuple[Reading, Evidence]]:
        self.asked.append(len(frames))
        return [self.step(frame, evidence) for frame, evidence in zip(frames, evidences, strict=True)]


def rounds(performers: int, seconds: float) -> list[list[Pose]]:
    """Return what arrives at each of many moments: a pose of each performer, some late, some twice, some at 60 Hz."""
    takes = []
    for i in range(performers):
        rate_hz = 60.0 if i % 3 == 2 else 30.0
        takes.append(list(style(EMOTIONS[i % 4], seconds, seed=i, rate_hz=rate_hz, stream=f"p{i}")))
    rng = np.random.default_rng(0)
    arrived = []
    while any(takes):
        arrived.append([take.pop(0) for take in takes for _ in range(int(rng.integers(0, 3))) if take])
    return arrived


def told(events: Sequence[Event], stream: str) -> list[dict[str, object]]:
    """Return what is said of a stream as the wire says it, but for how long it took."""
    said = [json.loads(to_json(event)) for event in events if event.stream == stream]
    return [{name: value for name, value in each.items() if name != "latency_ms"} for each in said]


def test_together_each_is_told_what_she_would_be_told_alone():
    """Poses that come in bunches, at two rates, several of one performer in a bunch: the same events, in order."""
    arrived = rounds(5, 3.0)
    alone, together = Engine(load("bandai-stgcn"), ManualClock()), Engine(load("bandai-stgcn"), ManualClock())
    one_by_one = [event for poses in arrived for pose in poses for event in alone.step(pose)]
    in_bunches = [event for poses in arrived if poses for event in together.step_many(poses, never)]
    for i in range(5):
        theirs, ours = told(one_by_one, f"p{i}"), told(in_bunches, f"p{i}")
        assert len(ours) == len(theirs) > 150
        for a, b in zip(ours, theirs, strict=True):
            assert a.keys() == b.keys()
            probs = (a.pop("probs", {}), b.pop("probs", {}))
            for name, value in a.items():
                exact = not isinstance(value, float)
                assert value == b[name] if exact else value == pytest.approx(b[name], abs=2e-5)
            assert probs[0] == pytest.approx(probs[1], abs=2e-5)


def test_all_who_move_at_once_are_asked_about_at_once():
    """Eight performers at one rate are one question of eight, frame after frame; nobody is asked about twice in one."""
    recogniser = Together()
    engine = Engine(recogniser, ManualClock())
    takes = [list(walker(30, stream=f"p{i}")) for i in range(8)]
    for poses in zip(*takes, strict=True):
        engine.step_many(poses, never)
    assert set(recogniser.asked) == {8}


def test_several_poses_of_one_performer_stay_in_order():
    """Her second is looked at when all is known of her first; the times of her answers rise."""
    engine = Engine(CountingRecogniser(), ManualClock())
    poses = [*walker(10, stream="a"), *walker(10, stream="b")]
    events = [event for event in engine.step_many(poses, never) if isinstance(event, EmotionEvent)]
    for stream in ("a", "b"):
        times = [event.t_ns for event in events if event.stream == stream]
        assert len(times) == 10
        assert times == sorted(times)


def test_whoever_finds_no_room_is_refused_and_the_others_are_read():
    """A full engine says so once and counts."""
    engine = Engine(CountingRecogniser(), ManualClock(), max_performers=2)
    events = engine.step_many([pose for name in "abc" for pose in walker(2, stream=name)], never)
    assert engine.refused == 2
    assert {event.stream for event in events if isinstance(event, EmotionEvent)} == {"a", "b"}
    assert [event.code for event in events if isinstance(event, StatusEvent)].count("too-many-performers") == 1


def test_without_a_recogniser_nothing_is_asked():
    """Movement is told of all the same."""
    events = Engine(None, ManualClock()).step_many([*walker(3, stream="a"), *walker(3, stream="b")], never)
    assert events
    assert not [event for event in events if isinstance(event, EmotionEvent)]


def test_one_performers_trouble_is_not_the_others(monkeypatch):
    """Whoever cannot be gone through is told of, with her reason; the others are read to the end."""
    engine = Engine(CountingRecogniser(), ManualClock())
    step = Performer.step

    def stumble(self: Performer, pose: Pose):
        if pose.stream == "b" and pose.seq == 1:
            raise ArithmeticError("stumbled")
        yield from step(self, pose)

    monkeypatch.setattr(Performer, "step", stumble)
    failed: list[tuple[str, str]] = []
    poses = [pose for name in "abc" for pose in walker(3, stream=name)]
    events = engine.step_many(poses, lambda stream, error: failed.append((stream, str(error))))
    assert failed == [("b", "stumbled")]
    read = [event.stream for event in events if isinstance(event, EmotionEvent)]
    assert [read.count(name) for name in "abc"] == [3, 1, 3]
