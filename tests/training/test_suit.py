"""`emotus suit` plays any performance as an Xsens suit would send it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from support.sayings import wait_for

from emotus.__main__ import main
from emotus.engine.clock import MonotonicClock
from emotus.sensors.uri import open_sensor


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Put the signal handlers back that the command sets."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def suit(*words: str) -> int:
    """Run the command to its end; return its exit code."""
    with pytest.raises(SystemExit) as done:
        main(["suit", *words])
    return done.value.code


def test_a_performance_is_heard_as_a_suit(capsys):
    """Every pose of a performance that ends reaches a listening sensor, and the command says how many it sent."""
    sensor = open_sensor("xsens:udp://127.0.0.1:0", MonotonicClock())
    sensor.open()
    assert suit("synthetic:happy?seconds=0.5&rate=60&speed=0", "--to", f"127.0.0.1:{sensor.port}") == 0
    assert "sent 30 poses" in capsys.readouterr().err
    poses = []
    assert wait_for(lambda: (poses.append(sensor.read()), len([p for p in poses if p]) >= 30)[1])
    assert {pose.stream for pose in poses if pose} == {"xsens"}
    assert "emotus synthetic-happy" in sensor.health().message
    sensor.close()


def test_a_listener_that_is_not_there_breaks_nothing():
    """Nobody listens: the performance is played to its end all the same, or for as long as is asked."""
    assert suit("synthetic:sad", "--to", "127.0.0.1:9", "--seconds", "0.3") == 0


def test_what_cannot_be_played_is_told_in_one_line(capsys):
    """A missing file or an odd address: exit 2 and one line."""
    for words in (("bvh:/nowhere.bvh",), ("synthetic:happy", "--to", "127.0.0.1:port")):
        assert suit(*words) == 2
        told = capsys.readouterr()
        assert len(told.err.strip().splitlines()) == 1
        assert told.out == ""
