"""FAULTS.md 3, row 1: a sensor falls silent for 0.1, 1 and 10 s."""

from __future__ import annotations

import dataclasses

import pytest
from faults.checker import check_counters, check_events, check_once, of, same_output
from faults.figures import figure
from faults.link import as_sent, deliver, deliver_timed
from faults.stand_in import WindowReader, performance

from emotus.engine.clock import NS_PER_MS, NS_PER_S, ManualClock
from emotus.engine.events import EmotionEvent, PoseEvent, StatusEvent
from emotus.engine.intake import Intake
from emotus.engine.pipeline import Engine
from emotus.engine.pose import Pose
from emotus.engine.resample import Resampler

STRIDE_NS = round(NS_PER_S / 30)


def silenced(seconds, *, at_s=4.0, total_s=8.0):
    """Return the poses before and after a silence that starts at_s; whatever the sensor saw meanwhile is lost."""
    poses = performance(total_s + seconds)
    start_ns = poses[0].t_ns + round(at_s * NS_PER_S)
    end_ns = start_ns + round(seconds * NS_PER_S)
    before = [pose for pose in poses if pose.t_ns < start_ns]
    after = [dataclasses.replace(pose, seq=0) for pose in poses if pose.t_ns >= end_ns]
    return before, [dataclasses.replace(pose, seq=len(before) + i) for i, pose in enumerate(after)]


def test_a_tenth_of_a_second_is_bridged():
    """After 0.1 s without poses no frame is missing, the bridge is counted, and nobody hears of it."""
    before, after = silenced(0.1)
    clock = ManualClock()
    engine = Engine(WindowReader(), clock)
    events = deliver(engine, clock, as_sent([*before, *after]))
    check_events(events)
    counts = check_counters(engine, len(before) + len(after))["anna"]
    assert counts["holes"] == 0
    assert "stale" not in [event.code for event in of(StatusEvent, events)]
    times = [event.t_ns for event in of(EmotionEvent, events)]
    longest_ms = max(b - a for a, b in zip(times, times[1:], strict=False)) / 1e6
    print(f"row 1: 0.1 s bridged by {counts['interpolated']} poses, longest step {longest_ms:.1f} ms")
    figure(1, "longest step over 0.1 s of silence", longest_ms, 34, "ms")
    assert counts["interpolated"] == 6
    assert longest_ms < 34


def test_the_bridge_is_flagged():
    """Exactly the frames over the missing stretch are marked interpolated."""
    before, after = silenced(0.1)
    intake, resampler = Intake("anna"), Resampler()
    arrivals = [arrival for pose in [*before, *after] for arrival in intake.push(pose)]
    frames = [frame for arrival in arrivals for frame in resampler.push(arrival) if isinstance(frame, Pose)]
    marked = [frame.t_ns for frame in frames if frame.interpolated]
    assert 3 <= len(marked) <= 5
    assert before[-1].t_ns - STRIDE_NS <= marked[0]
    assert marked[-1] <= after[0].t_ns + STRIDE_NS


@pytest.mark.parametrize("seconds", [1.0, 10.0])
def test_longer_silence_ends_all_knowledge(seconds):
    """Silence is told within 200 ms, the emotion falls to confidence 0, and the return is as if she had just come."""
    before, after = silenced(seconds)
    clock = ManualClock()
    engine = Engine(WindowReader(), clock)
    timed = list(deliver_timed(engine, clock, as_sent([*before, *after])))
    events = [event for _, event in timed]
    check_events(events)
    assert check_counters(engine, len(before) + len(after))["anna"]["holes"] == 1

    stale = [left_ns for left_ns, event in timed if isinstance(event, StatusEvent) and event.code == "stale"]
    told_ms = (stale[0] - before[-1].t_ns) / 1e6
    unknown = [left_ns for left_ns, event in timed if isinstance(event, EmotionEvent) and event.confidence == 0]
    back = [left_ns for left_ns, e in timed if isinstance(e, EmotionEvent) and e.t_ns >= after[0].t_ns]
    first_ms = (back[0] - after[0].t_ns) / 1e6
    print(f"row 1: {seconds:g} s silent, told after {told_ms:.0f} ms, first answer {first_ms:.0f} ms after the return")
    check_once(events, "stale")
    assert len(unknown) == 1
    assert told_ms <= 200
    across = len([e for e in of(EmotionEvent, events) if e.confidence > 0 and before[-1].t_ns < e.t_ns < after[0].t_ns])
    figure(1, f"{seconds:g} s silent: told after", told_ms, 200, "ms")
    figure(1, f"{seconds:g} s silent: first answer after the return", first_ms, 34, "ms")
    assert figure(1, f"{seconds:g} s silent: answers across the hole", across, 0, better="==")
    assert unknown == stale
    assert first_ms <= 34
    assert not [e for e in of(PoseEvent, events) if before[-1].t_ns < e.t_ns < after[0].t_ns]

    fresh_clock = ManualClock(after[0].t_ns)
    fresh = deliver(Engine(WindowReader(), fresh_clock), fresh_clock, as_sent(after))
    since = [dataclasses.replace(e, seq=0) for e in events if e.t_ns >= after[0].t_ns]
    assert same_output(since, [dataclasses.replace(e, seq=0) for e in fresh])


def test_nothing_is_told_of_a_stall_shorter_than_100_ms():
    """A link that stalls for 100 ms and then delivers everything loses nothing and says nothing."""
    poses = performance(4.0)
    packets = as_sent(poses)
    start_ns = poses[120].t_ns
    stalled = [
        dataclasses.replace(p, arrival_ns=max(p.arrival_ns, start_ns + 100 * NS_PER_MS)) if i >= 120 else p
        for i, p in enumerate(packets)
    ]
    clock, smooth_clock = ManualClock(), ManualClock()
    engine = Engine(WindowReader(), clock)
    events = deliver(engine, clock, stalled)
    smooth = deliver(Engine(WindowReader(), smooth_clock), smooth_clock, packets)
    check_counters(engine, len(poses))
    assert [e.t_ns for e in of(PoseEvent, events)] == [e.t_ns for e in of(PoseEvent, smooth)]
    assert "stale" not in [event.code for event in of(StatusEvent, events)]
