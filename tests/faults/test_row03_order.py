"""FAULTS.md 3, row 3: packets out of order, duplicated, with the counter wrapping and restarting."""

from __future__ import annotations

import dataclasses

import pytest
from faults.checker import check_counters, check_events, of, same_output
from faults.figures import figure
from faults.link import as_sent, deliver_timed, doubled, shuffled
from faults.stand_in import WindowReader, performance

from emotus.engine.clock import NS_PER_MS, ManualClock
from emotus.engine.events import EmotionEvent, PoseEvent
from emotus.engine.pipeline import Engine


def run(packets):
    clock = ManualClock()
    engine = Engine(WindowReader(), clock)
    timed = list(deliver_timed(engine, clock, packets))
    check_events(event for _, event in timed)
    counts = check_counters(engine, len(packets))["anna"]
    return counts, timed


def left_at(timed):
    return {event.t_ns: left_ns for left_ns, event in timed if isinstance(event, PoseEvent)}


@pytest.mark.parametrize(("rate_hz", "depth"), [(240.0, 8), (120.0, 6), (60.0, 3)])
def test_disorder_leaves_no_trace(rate_hz, depth):
    """Packets shuffled within what 50 ms allow, a fifth of them doubled, give the very bits of the ordered run."""
    packets = as_sent(performance(10.0, rate_hz=rate_hz))
    mixed = doubled(shuffled(packets, depth), 0.2, later_ns=7 * NS_PER_MS)
    _, ordered = run(packets)
    counts, disordered = run(mixed)
    ordered_left, late_left = left_at(ordered), left_at(disordered)
    added_ms = max(late_left[t_ns] - ordered_left[t_ns] for t_ns in late_left) / 1e6
    print(f"row 3: shuffled within {depth} at {rate_hz:g} Hz: identical, at most {added_ms:.1f} ms later")
    assert same_output([event for _, event in disordered], [event for _, event in ordered])
    assert counts["processed"] == len(packets)
    assert counts["dropped_duplicate"] == len(mixed) - len(packets)
    assert counts["lost"] == 0
    assert added_ms <= 50
    figure(3, f"added latency, shuffled within {depth} at {rate_hz:g} Hz", added_ms, 50, "ms")


def test_the_counter_may_wrap():
    """Shuffled and doubled across 2**32 - 1 -> 0, the output is that of the ordered run."""
    poses = performance(4.0, rate_hz=240.0)
    wrapped = as_sent(dataclasses.replace(pose, seq=(2**32 - 480 + i) % 2**32) for i, pose in enumerate(poses))
    _, ordered = run(wrapped)
    counts, disordered = run(doubled(shuffled(wrapped, 8), 0.2, later_ns=7 * NS_PER_MS))
    assert same_output([event for _, event in disordered], [event for _, event in ordered])
    assert counts["processed"] == len(poses)


@pytest.mark.parametrize("restart_at", [0, 7, 2**31 + 5, 2**32 - 3])
def test_a_restart_is_followed(restart_at):
    """A counter that starts again without a pause costs at most 16 packets."""
    poses = performance(8.0)
    half = len(poses) // 2
    again = [dataclasses.replace(pose, seq=(restart_at + i) % 2**32) for i, pose in enumerate(poses[half:])]
    counts, timed = run(as_sent([*poses[:half], *again]))
    costs = counts["dropped_late"] + counts["dropped_duplicate"]
    print(f"row 3: restart at {restart_at}: followed after {costs} packets")
    assert figure(3, f"packets a restart at {restart_at} costs", costs, 16)
    assert counts["processed"] >= len(poses) - 16
    answers = of(EmotionEvent, [event for _, event in timed])
    assert answers[-1].t_ns >= poses[-1].t_ns - 40 * NS_PER_MS


def test_beyond_the_window_packets_are_dropped_not_waited_for():
    """Packets 200 ms late are dropped and counted, nothing waits long for them, and time never goes back."""
    packets = as_sent(performance(10.0))
    late = sorted(
        [
            dataclasses.replace(p, arrival_ns=p.arrival_ns + (200 * NS_PER_MS if i % 10 == 5 else 0))
            for i, p in enumerate(packets)
        ],
        key=lambda packet: packet.arrival_ns,
    )
    _, ordered = run(packets)
    counts, timed = run(late)
    assert counts["dropped_late"] == len(packets) // 10
    assert counts["lost"] == 0
    left = left_at(timed)
    added_ms = max(left[t_ns] - t for t_ns, t in left_at(ordered).items() if t_ns in left) / 1e6
    print(f"row 3: a tenth 200 ms late: dropped {counts['dropped_late']}, others at most {added_ms:.1f} ms later")
    assert added_ms <= 50 + 20
