"""The engine as a whole: poses in, events out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from support.performers import CountingRecogniser, walker

from emotus.engine.clock import NS_PER_S, ManualClock
from emotus.engine.events import EmotionEvent, PoseEvent, QualitiesEvent, StatusEvent
from emotus.engine.pipeline import IDLE_NS, Engine


def drive(engine, clock, poses):
    events = []
    for pose in poses:
        clock.sleep_until_ns(pose.t_ns)
        events += engine.step(pose)
    return events


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def test_every_frame_is_answered_from_the_first():
    """A source at the model's rate gets a pose, qualities and an emotion for every frame, the first one included."""
    clock = ManualClock()
    events = drive(Engine(CountingRecogniser(), clock), clock, walker(30))
    assert [len(of(kind, events)) for kind in (PoseEvent, QualitiesEvent, EmotionEvent)] == [30, 30, 30]
    confidences = [event.confidence for event in of(EmotionEvent, events)]
    assert confidences == sorted(confidences)
    assert events[0].t_ns == 0


@pytest.mark.parametrize("rate_hz", [25.0, 60.0, 120.0, 240.0])
def test_any_source_rate_leaves_at_the_models_rate(rate_hz):
    """Whatever rate poses arrive at, answers leave thirty times a second, at strictly rising times."""
    clock = ManualClock()
    events = drive(Engine(CountingRecogniser(), clock), clock, walker(round(rate_hz * 4), rate_hz=rate_hz))
    times = [event.t_ns for event in of(EmotionEvent, events)]
    assert len(times) == pytest.approx(120, abs=3)
    assert all(a < b for a, b in zip(times, times[1:], strict=False))


def test_without_a_recogniser_no_emotion_is_inferred():
    """An engine for workplaces tells of movement qualities and never of emotions."""
    clock = ManualClock()
    events = drive(Engine(None, clock), clock, walker(30))
    assert of(EmotionEvent, events) == []
    assert len(of(QualitiesEvent, events)) == 30


def test_a_body_that_is_hardly_known_is_not_read():
    """With fewer than four joints believed the emotion is unknown with confidence 0; with them it is read again."""
    clock = ManualClock()
    poses = list(walker(30))
    doubted = np.full_like(poses[0].confidence, 0.25)
    poses[10:20] = [replace(pose, confidence=doubted) for pose in poses[10:20]]
    answers = of(EmotionEvent, drive(Engine(CountingRecogniser(), clock), clock, poses))
    assert [event.confidence == 0.0 and event.abstain for event in answers] == [10 <= i < 20 for i in range(30)]
    assert {event.label for event in answers[10:20]} == {"unknown"}


def test_a_hole_ends_all_evidence():
    """After a second of silence the emotion is unknown with confidence 0, and evidence starts from one frame again."""
    clock = ManualClock()
    engine = Engine(CountingRecogniser(), clock)
    drive(engine, clock, walker(30))
    silence = [event for t in range(1, 21) for event in engine.tick(NS_PER_S + t * 50_000_000)]
    emotions = of(EmotionEvent, silence)
    assert [(event.label, event.confidence) for event in emotions] == [("unknown", 0.0)]
    assert [event.code for event in of(StatusEvent, silence)] == ["stale"]
    after = of(EmotionEvent, drive(engine, clock, walker(3, start_ns=3 * NS_PER_S, start_seq=30)))
    assert after[-3].confidence == 0.5


def test_performers_do_not_share_anything():
    """Two performers interleaved get exactly the answers that each gets alone."""
    clock = ManualClock()
    alone = of(EmotionEvent, drive(Engine(CountingRecogniser(), clock), clock, walker(20, stream="bea")))
    clock = ManualClock()
    pairs = zip(walker(20, stream="anna"), walker(20, stream="bea"), strict=True)
    both = drive(Engine(CountingRecogniser(), clock), clock, [pose for pair in pairs for pose in pair])
    bea = [event for event in of(EmotionEvent, both) if event.stream == "bea"]
    assert [(e.t_ns, e.confidence) for e in bea] == [(e.t_ns, e.confidence) for e in alone]


def test_too_many_performers_are_refused_and_said_once_a_second():
    """The seventeenth stream is counted and reported, and none of its poses is kept."""
    clock = ManualClock()
    engine = Engine(CountingRecogniser(), clock, max_performers=2)
    poses = [pose for name in ("a", "b", "c") for pose in walker(3, stream=name)]
    events = [event for pose in poses for event in engine.step(pose)]
    assert engine.refused == 3
    assert [event.code for event in of(StatusEvent, events)].count("too-many-performers") == 1
    assert set(engine.counters()) == {"a", "b"}


def test_a_performer_who_left_frees_her_place():
    """A minute of silence makes room for another performer."""
    clock = ManualClock()
    engine = Engine(CountingRecogniser(), clock, max_performers=1)
    drive(engine, clock, walker(3, stream="a"))
    engine.tick(clock.now_ns() + IDLE_NS + 1)
    drive(engine, clock, walker(3, stream="b", start_ns=clock.now_ns() + IDLE_NS))
    assert set(engine.performers()) == {"b"}


def test_late_frames_are_counted_not_answered():
    """A frame older than two strides is passed on as a pose but not recognised, and the status says so."""
    clock = ManualClock()
    engine = Engine(CountingRecogniser(), clock)
    poses = list(walker(10))
    events = []
    for pose in poses:
        clock.sleep_until_ns(pose.t_ns + (200_000_000 if pose.seq >= 5 else 0))
        events += engine.step(pose)
    assert len(of(EmotionEvent, events)) == 5
    assert engine.counters()["anna"]["late"] == 5
    assert "late" in [event.code for event in of(StatusEvent, events)]


def test_nothing_is_late_in_a_recording():
    """A recording read as fast as possible is answered on every frame, whatever the clock shows."""
    clock = ManualClock(10**15)
    engine = Engine(CountingRecogniser(), clock, live=False)
    assert len(of(EmotionEvent, drive(engine, clock, walker(30)))) == 30


def test_poisoned_joints_never_reach_an_event():
    """Non-finite joints are masked on the way in: every number that leaves is finite."""
    clock = ManualClock()
    rng = np.random.default_rng(1)
    poses = []
    for pose in walker(200):
        positions = pose.positions.copy()
        joint = int(rng.integers(1, 21))
        positions[joint] = rng.choice([np.nan, np.inf, 1e38])
        poses.append(replace(pose, positions=positions))
    recogniser = CountingRecogniser()
    events = drive(Engine(recogniser, clock), clock, poses)
    assert all(np.isfinite(event.joints).all() for event in of(PoseEvent, events))
    assert all(math.isfinite(v) for event in of(QualitiesEvent, events) for v in event.values.values())
    assert np.isfinite(np.array(recogniser.frames)).all()
    assert len(recogniser.frames) > 150


def test_explanations_name_all_joints():
    """An engine asked to explain gives each joint's share, summing to one."""
    clock = ManualClock()
    events = drive(Engine(CountingRecogniser(), clock, explain=True), clock, walker(5))
    assert of(EmotionEvent, events)[-1].joints.sum() == pytest.approx(1.0)


def test_counters_account_for_every_pose():
    """received == processed + held + dropped, whatever the order of arrival."""
    clock = ManualClock()
    engine = Engine(CountingRecogniser(), clock)
    poses = list(walker(60))
    order = np.random.default_rng(2).permutation(60)
    for i in sorted(range(60), key=lambda k: poses[k].t_ns + int(order[k]) * 2_000_000):
        engine.step(poses[i])
    counts = engine.counters()["anna"]
    dropped = sum(n for name, n in counts.items() if name.startswith("dropped_"))
    assert counts["received"] == 60 == counts["processed"] + counts["held"] + dropped
