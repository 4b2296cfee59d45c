"""What changes with the sensors is told once, in its words, and no figure that moves is news."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from emotus.engine.clock import NS_PER_S
from emotus.engine.source_news import SourceNews

STEP_NS = NS_PER_S // 10


@dataclass
class Told:
    state: str = "live"
    message: str = "camera 0: 30 pictures a second"


class Sensor:
    """A sensor whose health is what a test says it is."""

    live = True

    def __init__(self):
        self.told = Told()

    def health(self):
        return self.told


def looks(news, sensor, *healths, step_ns=NS_PER_S):
    """Return what is said after each change of health, the first look being the opening."""
    news.look(0)
    out = []
    for k, (state, message) in enumerate(healths):
        sensor.told = Told(state, message)
        out.append([(event.level, event.code, event.message) for event in news.look((k + 1) * step_ns)])
    return out


def test_silence_and_return_are_told_with_the_reason():
    """A camera that freezes and comes back is two events: a warning, then that it is live again."""
    sensor = Sensor()
    said = looks(
        SourceNews([sensor]),
        sensor,
        ("stale", "camera 0: the same picture comes again\nmore"),
        ("stale", "camera 0: the same picture comes again\nmore"),
        ("live", "camera 0: 30 pictures a second"),
    )
    assert said == [
        [("warning", "sensor-stale", "camera 0: the same picture comes again")],
        [],
        [("info", "sensor-live", "camera 0: 30 pictures a second")],
    ]


def test_figures_that_move_are_no_news():
    """Only words count: a delay that changes from picture to picture says nothing."""
    sensor = Sensor()
    said = looks(
        SourceNews([sensor]),
        sensor,
        ("live", "camera 0: 29.7 pictures a second"),
        ("live", "is it upside down?\ncamera 0: 29.7 pictures a second"),
        ("live", "is it upside down?\ncamera 0: 31 pictures a second"),
    )
    assert said == [[], [("info", "sensor-live", "is it upside down?")], []]


@pytest.mark.parametrize("health", [("ended", "all read"), ("stale", "")])
def test_an_end_and_silence_without_words_are_no_news(health):
    """A recording that ends has said all; a sensor without a message has none to pass on."""
    sensor = Sensor()
    assert looks(SourceNews([sensor]), sensor, health) == [[]]


def test_news_never_flood_and_the_last_is_never_lost():
    """A sensor that flickers ten times a second is told of twice a second, and what it is in the end is said."""
    sensor = Sensor()
    healths = [("stale" if k % 2 else "live", f"flicker {'on' if k % 2 else 'off'}") for k in range(100)]
    news = SourceNews([sensor])
    said = looks(news, sensor, *healths, step_ns=STEP_NS)
    assert 10 <= sum(map(len, said)) <= 22
    sensor.told = Told("stale", "the cable is out")
    assert [event.message for event in news.look(101 * STEP_NS) + news.look(106 * STEP_NS)] == ["the cable is out"]


def test_each_sensor_has_news_of_its_own():
    """One that falls silent does not speak for another, nor hold the other's news back."""
    one, other = Sensor(), Sensor()
    news = SourceNews([one, other])
    news.look(0)
    one.told, other.told = Told("stale", "one is gone"), Told("stale", "other is gone")
    assert [event.message for event in news.look(NS_PER_S)] == ["one is gone", "other is gone"]
