"""The shell around every live decoder: who may speak, what is bounded, what is told."""

from __future__ import annotations

import socket
import threading

import pytest
from support.mvnx_texts import performed
from support.plain_packets import PlainDecoder, packet
from support.sayings import wait_for
from support.xsens_suit import sample_of

from emotus.engine.clock import NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.errors import UriError
from emotus.sensors.datagram import DatagramSensor, hear_datagrams
from emotus.sensors.door import Door, plain_address
from emotus.sensors.endpoint import Endpoint, parse_endpoint
from emotus.sensors.packets import POSES_HELD, PacketPump
from emotus.sensors.xsens_decoder import XsensDecoder

CLOCK = MonotonicClock()


def say(sensor: DatagramSensor, *datagrams: bytes, host: str = "127.0.0.1") -> None:
    """Send datagrams to a sensor."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for data in datagrams:
            out.sendto(data, (host, sensor.port))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", Endpoint("udp", "127.0.0.1", 9763)),
        ("udp://", Endpoint("udp", "127.0.0.1", 9763)),
        ("udp://0.0.0.0", Endpoint("udp", "0.0.0.0", 9763)),
        ("10.0.0.2:99", Endpoint("udp", "10.0.0.2", 99)),
        (":99", Endpoint("udp", "127.0.0.1", 99)),
        ("tcp://mvn-pc:1", Endpoint("tcp", "mvn-pc", 1)),
        ("udp://[::1]:7", Endpoint("udp", "::1", 7)),
        ("[::1]", Endpoint("udp", "::1", 9763)),
    ],
)
def test_addresses_are_read(path, expected):
    """Transport, host and port may each be left out, and what is read is spelled as it was."""
    read = parse_endpoint("xsens:", path, default_port=9763, transports=("udp", "tcp"))
    assert read == expected
    assert parse_endpoint("xsens:", str(read), default_port=1, transports=("udp", "tcp")) == read


def test_an_address_of_many_colons_needs_brackets():
    """An IPv6 host without brackets is refused with the way to write it."""
    with pytest.raises(UriError, match="brackets"):
        parse_endpoint("xsens:", "::1:5", default_port=1)


def test_malformed_packets_are_counted_and_the_last_is_told():
    """They cost nothing but their count; the good ones between them are given."""
    sensor = DatagramSensor("plain:", "127.0.0.1", 0, PlainDecoder(), CLOCK)
    sensor.open()
    say(sensor, b"", b"short", packet(1, 1), b"\xff" * 2000)
    poses = []
    assert wait_for(lambda: (poses.append(sensor.read()), sensor.health().counters["dropped_malformed"] == 3)[1])
    assert [pose.seq for pose in poses if pose] == [1]
    health = sensor.health()
    assert "last malformed packet" in health.message
    assert health.counters["datagrams"] == 4
    sensor.close()


def test_only_the_hosts_that_are_named_are_heard():
    """`from=` refuses this machine where another is named, and says who was refused."""
    sensor = hear_datagrams("plain:", "127.0.0.1:0", {"from": "192.0.2.7"}, PlainDecoder(), CLOCK, default_port=1)
    sensor.open()
    say(sensor, packet(1, 1))
    assert wait_for(lambda: sensor.read() is None and sensor.health().counters["dropped_foreign"] == 1)
    assert "127.0.0.1" in sensor.health().message
    sensor.close()
    sensor = hear_datagrams("plain:", "127.0.0.1:0", {"from": "localhost"}, PlainDecoder(), CLOCK, default_port=1)
    sensor.open()
    say(sensor, packet(1, 1))
    assert wait_for(lambda: sensor.read() is not None)
    sensor.close()


def test_the_first_host_that_makes_sense_is_the_performers():
    """Beyond loopback garbage claims nothing; the first well-formed host does; it is forgotten with reset."""
    door = Door(loopback=False)
    assert door.admits("10.0.0.9", 0)  # it was garbage: nothing is understood
    assert door.admits("10.0.0.5", 1)
    door.understood("10.0.0.5")
    door.understood("10.0.0.9")
    assert not door.admits("10.0.0.9", 2)
    assert door.admits("10.0.0.5", 3)
    assert door.notes[0] == "listening to 10.0.0.5"
    door.reset()
    assert door.admits("10.0.0.9", 4)


def test_an_open_port_hears_the_first_host_only(monkeypatch):
    """Bound to every network, the sensor takes the first well-formed sender and refuses all others undecoded."""
    sensor = DatagramSensor("plain:", "0.0.0.0", 0, PlainDecoder(), CLOCK)
    sensor.open()
    say(sensor, packet(1, 1))
    assert wait_for(lambda: sensor.read() is not None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.2", 0))
        other.sendto(packet(2, 2), ("127.0.0.1", sensor.port))
    assert wait_for(lambda: sensor.read() is None and sensor.health().counters["dropped_foreign"] == 1)
    sensor.close()


def test_addresses_are_compared_in_one_spelling():
    """A mapped IPv4 address and one with a zone are the same host."""
    assert plain_address("::ffff:10.0.0.5") == "10.0.0.5"
    assert plain_address("fe80::1%eth0") == "fe80::1"
    assert plain_address("10.0.0.5") == "10.0.0.5"


def test_what_a_reader_does_not_take_falls_out_at_the_old_end():
    """The pump holds so many poses and no more; the newest stay, the others are counted."""
    pump = PacketPump(PlainDecoder(), ManualClock())
    pump.open()
    for i in range(POSES_HELD + 44):
        pump.take(packet(i, i), i)
    assert pump.waiting == POSES_HELD
    assert pump.next().seq == 44
    assert pump.health("there", "", ()).counters["dropped_backlog"] == 44


def test_stale_within_200_ms_and_live_again():
    """By the injected clock: live at 199 ms of silence, stale after 200, live with the next pose."""
    clock = ManualClock(NS_PER_S)
    pump = PacketPump(PlainDecoder(), clock)
    pump.open()
    pump.take(packet(0, 0), clock.now_ns())
    clock.advance_ns(199_000_000)
    assert pump.health("x", "", ()).state == "live"
    clock.advance_ns(2_000_000)
    assert pump.health("x", "", ()).state == "stale"
    assert "silent for 0.2 s" in pump.health("x", "", ()).message
    pump.take(packet(1, 1), clock.now_ns())
    assert pump.health("x", "", ()).state == "live"


def test_health_may_be_asked_while_packets_come():
    """From another thread, at any time: never an error, and counters that only grow."""
    pump = PacketPump(XsensDecoder(), CLOCK)
    pump.open()
    poses = performed(20)
    datagrams = [sample_of(pose, 2, character=k)[0] for pose in poses for k in range(16)]
    thread = threading.Thread(target=lambda: [pump.take(datagram, 0) for datagram in datagrams * 3])
    thread.start()
    seen = [0]
    while thread.is_alive():
        seen.append(pump.health("there", "", ()).counters["received"])
    thread.join()
    assert seen == sorted(seen)
    assert pump.health("there", "", ()).counters["received"] == 3 * len(datagrams)


def test_silence_counts_only_while_it_listens():
    """A process that was held up for longer than end_after_s has not listened in vain: it listens first."""
    clock = ManualClock()
    pump = PacketPump(PlainDecoder(), clock, end_after_s=1.0)
    pump.open()
    clock.advance_ns(5 * NS_PER_S)
    assert [pump.last(), pump.state] == [None, "live"]
    assert [pump.last() for _ in range(3)] == [None] * 3
    assert pump.state == "ended"


def test_it_can_be_opened_again():
    """Closed and opened, the same sensor listens anew, with its counters at 0."""
    sensor = DatagramSensor("plain:", "127.0.0.1", 0, PlainDecoder(), CLOCK)
    for seq in (1, 2):
        sensor.open()
        say(sensor, packet(seq, seq))
        assert wait_for(lambda: sensor.read() is not None)
        assert sensor.health().counters["received"] == 1
        sensor.close()
        sensor.close()
