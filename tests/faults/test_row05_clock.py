"""FAULTS.md 3, row 5: the wall clock jumps, daylight saving begins, the machine sleeps for a minute."""

from __future__ import annotations

import ast
import dataclasses
import time
from pathlib import Path

import pytest
from faults.checker import check_counters, check_events, of, same_output
from faults.figures import figure
from faults.link import as_sent, deliver, deliver_timed
from faults.stand_in import WindowReader, performance

import emotus.engine
from emotus.engine.clock import NS_PER_MS, NS_PER_S, ManualClock
from emotus.engine.events import EmotionEvent, StatusEvent
from emotus.engine.pipeline import Engine

WALL = {"time", "time_ns", "localtime", "gmtime", "ctime", "now", "today", "utcnow"}
STRIDE_NS = NS_PER_S / 30


def run(poses):
    clock = ManualClock()
    engine = Engine(WindowReader(), clock)
    events = deliver(engine, clock, as_sent(poses))
    check_events(events)
    check_counters(engine, len(poses))
    return events


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0, 0.25, -86400.0])
def test_the_wall_clock_is_never_looked_at(jump_s, monkeypatch):
    """Steps of the wall clock, by NTP, by hand or by daylight saving, change no bit of the output."""
    poses = performance(4.0)
    calm = run(poses)
    started, real = time.monotonic(), time.time

    def jumping():
        return real() + (jump_s if int((time.monotonic() - started) * 200) % 2 else 0.0)

    monkeypatch.setattr(time, "time", jumping)
    monkeypatch.setattr(time, "time_ns", lambda: int(jumping() * 1e9))
    monkeypatch.setenv("TZ", "Europe/Berlin" if jump_s > 0 else "UTC")
    assert same_output(run(poses), calm)
    figure(5, f"changes after a step of the wall clock by {jump_s:+g} s", 0, 0, better="==")
    print(f"row 5: wall clock {jump_s:+g} s: 0 changes in {len(calm)} events")


def test_no_file_of_the_engine_reads_wall_time():
    """Nothing in engine/ asks what time it is on the wall."""
    asked = []
    for path in sorted(Path(emotus.engine.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in WALL:
                asked += [(path.name, node.lineno)] if node.value.id in ("time", "datetime", "date") else []
    assert asked == []


@pytest.mark.parametrize("backlog", [0, 90])
def test_a_minute_asleep_is_a_dropout(backlog):
    """After 60 s without a tick the stream starts afresh, and what piled up meanwhile is not caught up on."""
    poses = performance(70.0)
    asleep_ns, awake_ns = poses[240].t_ns, poses[240].t_ns + 60 * NS_PER_S
    before = as_sent(poses[:240])
    piled = [dataclasses.replace(p, arrival_ns=awake_ns) for p in as_sent(poses[240 : 240 + backlog])]
    after = [
        dataclasses.replace(p, pose=dataclasses.replace(p.pose, seq=240 + backlog + i))
        for i, p in enumerate(p for p in as_sent(poses) if p.pose.t_ns >= awake_ns)
    ]
    clock = ManualClock()
    engine = Engine(WindowReader(), clock)
    timed = list(deliver_timed(engine, clock, before))
    clock.sleep_until_ns(awake_ns)  # no ticks: the whole machine slept
    timed += deliver_timed(engine, clock, piled + after)
    events = [event for _, event in timed]
    check_events(events)
    check_counters(engine, len(before) + len(piled) + len(after))

    answers = [(left_ns, e) for left_ns, e in timed if isinstance(e, EmotionEvent) and left_ns >= awake_ns]
    sure = [left_ns for left_ns, e in answers if e.confidence > 0]
    burst = max(sum(1 for other in sure if left_ns <= other < left_ns + STRIDE_NS - NS_PER_MS) for left_ns in sure)
    first_ms = (min(left for left, e in answers if e.t_ns >= awake_ns) - after[0].arrival_ns) / 1e6
    print(f"row 5: asleep 60 s, {backlog} piled up: at most {burst} answers a stride, first after {first_ms:.0f} ms")
    assert "stale" in [event.code for event in of(StatusEvent, events)]
    assert not [
        e for e in of(EmotionEvent, events) if e.confidence > 0 and asleep_ns + 2 * NS_PER_S < e.t_ns < awake_ns
    ]
    assert figure(5, f"answers a stride after 60 s asleep, {backlog} piled up", burst, 1, better="==")
    assert first_ms <= 34


def test_a_sensor_whose_clock_jumps_is_followed():
    """A source that jumps an hour ahead or back is followed within 17 poses, with rising times on the way out."""
    poses = performance(8.0)
    for jump_ns in (3600 * NS_PER_S, -3600 * NS_PER_S):
        start_ns = 7200 * NS_PER_S
        shifted = [
            dataclasses.replace(p, t_ns=p.t_ns + start_ns + (jump_ns if i >= 240 else 0)) for i, p in enumerate(poses)
        ]
        clock = ManualClock(start_ns)
        engine = Engine(WindowReader(), clock)
        packets = [dataclasses.replace(p, arrival_ns=poses[i].t_ns + start_ns) for i, p in enumerate(as_sent(shifted))]
        events = deliver(engine, clock, packets)
        check_events(events)
        counts = check_counters(engine, len(poses))["anna"]
        print(f"row 5: source clock {jump_ns / 3.6e12:+g} h: {len(poses) - counts['processed']} poses dropped")
        lost = len(poses) - counts["processed"]
        assert figure(5, f"poses lost when the source's clock leaps {jump_ns / 3.6e12:+g} h", lost, 17)
        assert len(of(EmotionEvent, events)) >= 220
