"""FAULTS.md 3, row 7: a flood of datagrams, from the performer's own machine and from others."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from faults.figures import figure
from faults.stand_in import WindowReader, performance
from support.plain_packets import PlainDecoder, packet
from support.xsens_suit import sample_of

from emotus.engine.clock import NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.pipeline import Engine
from emotus.sensors.datagram import DatagramSensor
from emotus.sensors.door import Door

SECONDS = 1.5


@contextlib.contextmanager
def flooding(port: int, data: bytes) -> Iterator[list[int]]:
    """Send as many datagrams as the machine can until the block ends; yields the count, in a list."""
    sent, stop = [0], threading.Event()

    def flood() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    for _ in range(50):
                        out.sendto(data, ("127.0.0.1", port))
                        sent[0] += 1

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def sensor() -> Iterator[DatagramSensor]:
    """Offer a sensor that decodes 500 datagrams a second and no more."""
    made = DatagramSensor("plain:", "127.0.0.1", 0, PlainDecoder(), MonotonicClock(), most_per_s=500)
    made.open()
    yield made
    made.close()


def test_what_is_beyond_the_budget_is_dropped_before_it_is_decoded(sensor):
    """A flood of good datagrams: decoded at the budget's rate, all others counted, and nothing queues up."""
    longest_s = 0.0
    with flooding(sensor.port, packet(1, 1)) as sent:
        start = time.monotonic()
        given = 0
        while time.monotonic() < start + SECONDS:
            before = time.thread_time()
            given += sensor.read() is not None
            longest_s = max(longest_s, time.thread_time() - before)
        took_s = time.monotonic() - start
    counters = sensor.health().counters
    dropped = counters["dropped_flood"]
    print(
        f"row 7: {sent[0] / took_s:.0f} datagrams/s sent, {counters['datagrams'] / took_s:.0f} heard, "
        f"{given / took_s:.0f} poses/s given, {dropped} dropped undecoded, longest read {1000 * longest_s:.1f} ms"
    )
    figure(7, "datagrams a second of a flood", sent[0] / took_s, None, "1/s")
    figure(7, "of those decoded beyond the budget", max(0, counters["received"] - 500 * took_s - 101), 0, better="==")
    assert counters["received"] <= 500 * took_s + 100 + 1
    assert dropped >= counters["datagrams"] - counters["received"] - 1
    assert counters["datagrams"] == counters["received"] + dropped
    assert "beyond the budget" in sensor.health().message


def test_garbage_never_reaches_a_pose_and_the_good_is_heard_afterwards(sensor):
    """A flood of garbage is counted; once it ends the next good datagram gives its pose."""
    with flooding(sensor.port, b"\xff" * 64):
        end = time.monotonic() + SECONDS / 2
        while time.monotonic() < end:
            assert sensor.read() is None
    assert sensor.health().counters["dropped_malformed"] > 0
    pose = None
    deadline = time.monotonic() + 10
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        while pose is None and time.monotonic() < deadline:
            out.sendto(packet(7, 7), ("127.0.0.1", sensor.port))
            pose = sensor.read()
    assert pose is not None
    assert pose.seq == 7


def test_strangers_are_refused_to_the_last_one():
    """Once the performer's host is known, 100 000 datagrams of another are refused, counted and told."""
    door = Door(loopback=False, most_per_s=1000)
    assert door.admits("10.0.0.5", 0)
    door.understood("10.0.0.5")
    start = time.thread_time()
    assert not any(door.admits("10.0.0.66", i) for i in range(100_000))
    took_us = (time.thread_time() - start) * 10
    assert door.admits("10.0.0.5", NS_PER_S)
    print(f"row 7: 100000 of 100000 strangers refused, {took_us:.2f} us each")
    figure(7, "strangers refused, of 100 000", door.counters["dropped_foreign"], 100_000, better="==")
    assert door.counters == {"dropped_foreign": 100_000, "dropped_flood": 0}
    assert any("10.0.0.66" in note and "from=HOST" in note for note in door.notes)


def test_the_budget_is_a_budget():
    """Ten times the rate for ten seconds: the budget's worth passes, the rest is dropped, with any spacing."""
    door = Door(loopback=True, most_per_s=240)
    passed = sum(door.admits("127.0.0.1", round(i * NS_PER_S / 2400)) for i in range(24_000))
    assert 2400 <= passed <= 2400 + 48 + 1
    assert door.counters["dropped_flood"] == 24_000 - passed


def test_ten_times_the_rate_costs_a_step_nothing():
    """A performer sent ten times over reaches the engine once: its steps and answers are those of the plain run."""
    poses = performance(4.0)

    def run(times: int) -> tuple[list[float], dict[str, int]]:
        clock = ManualClock()
        engine, took = Engine(WindowReader(), clock), []
        for pose in poses:
            clock.sleep_until_ns(pose.t_ns)
            start = time.thread_time_ns()
            list(engine.step(pose))
            took.append((time.thread_time_ns() - start) / 1e6)
            for _ in range(times - 1):
                list(engine.step(pose))
        return took, engine.counters()["anna"]

    plain, counts = run(1)
    flooded, more = run(10)
    p99 = [float(np.percentile(each, 99)) for each in (plain, flooded)]
    print(f"row 7: step p99 {p99[0]:.2f} ms plain, {p99[1]:.2f} ms at ten times the rate ({p99[1] / p99[0] - 1:+.0%})")
    figure(7, "step p99 at ten times the rate, to the plain one", p99[1] / p99[0], 1.2)
    assert more["frames"] == counts["frames"]
    assert more["processed"] == counts["processed"]
    assert more["dropped_duplicate"] == 9 * counts["processed"]


def test_a_datagram_of_the_greatest_size_is_taken():
    """The longest datagram there is does no harm: it is heard whole and refused."""
    sensor = DatagramSensor("plain:", "127.0.0.1", 0, PlainDecoder(), MonotonicClock())
    sensor.open()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(sample_of(performance(1.0)[0], 2)[0] + bytes(60_000), ("127.0.0.1", sensor.port))
        deadline = time.monotonic() + 10
        while not sensor.health().counters["dropped_malformed"] and time.monotonic() < deadline:
            assert sensor.read() is None
    assert sensor.health().counters["dropped_malformed"] == 1
    sensor.close()
