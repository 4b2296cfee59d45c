"""What is held for one client: the newest of each stream and type, every status, and nothing without bound."""

from __future__ import annotations

import pytest
from support.sayings import emotion, pose, qualities, status

from emotus.bridges import websocket_client, wire
from emotus.bridges.outbox import Outbox
from emotus.bridges.websocket_client import ANSWER_NS, MAX_KEPT, MAX_SLOTS, STALL_NS, Client, Parcel
from emotus.bridges.websocket_lag import LATE_NS
from emotus.engine.clock import NS_PER_S, ManualClock


class Connection:
    """Stand for a connection whose kernel takes everything, or nothing."""

    def __init__(self) -> None:
        self.is_full = False
        self.size = 0
        self.written: list[bytes] = []
        self.transport = self

    def write(self, frame: bytes) -> None:
        """Remember a frame."""
        self.written.append(frame)

    def get_write_buffer_size(self) -> int:
        """Return the bytes that wait."""
        return self.size


def said(*events, form: str = "json") -> list[bytes]:
    """Return the frames that events become."""
    return [Parcel(event, None).frame(form) for event in events]


def client(asked: str = '{"type": "subscribe"}') -> Client:
    """Return a client that has asked for something."""
    one = Client(Connection(), 0)
    one.subscribe(wire.decode_control(asked))
    return one


def opened() -> Outbox:
    """Return an open outbox."""
    outbox = Outbox(ManualClock())
    outbox.open()
    return outbox


def parcel(event, outbox: Outbox | None = None) -> Parcel:
    """Return a parcel that was received."""
    if outbox is not None:
        outbox.put(event)
        outbox.take()
    return Parcel(event, outbox)


def test_a_client_gets_the_streams_and_types_it_asked_for():
    """Anything else is not for it; before it asked, nothing is."""
    one = client('{"type": "subscribe", "streams": ["p1"], "types": ["pose", "emotion"]}')
    wanted = [pose(), emotion(), qualities(), pose(stream="p2"), status(stream="p1")]
    assert [one.wants(parcel(event), 0) for event in wanted] == [True, True, False, False, False]
    assert not Client(Connection(), 0).wants(parcel(pose()), 0)


@pytest.mark.parametrize(("max_hz", "expected"), [(30, 30), (20, 20), (15, 15), (10, 10), (1, 1), (1000, 30)])
def test_max_hz_lets_so_many_a_second_through(max_hz, expected):
    """Evenly, of a stream that comes at 30 Hz, each stream and type by itself; statuses always."""
    one = client(f'{{"type": "subscribe", "max_hz": {max_hz}}}')
    times = [i * NS_PER_S // 30 for i in range(300)]
    assert sum(one.wants(parcel(pose()), t_ns) for t_ns in times) == pytest.approx(10 * expected, abs=2)
    assert sum(one.wants(parcel(emotion()), t_ns) for t_ns in times) == pytest.approx(10 * expected, abs=2)
    assert all(one.wants(parcel(status()), t_ns) for t_ns in times)


def test_after_silence_max_hz_does_not_let_a_burst_through():
    """A late event begins the rhythm anew."""
    one = client('{"type": "subscribe", "max_hz": 10}')
    assert one.wants(parcel(pose()), 0)
    assert [one.wants(parcel(pose()), 60 * NS_PER_S + i * 10**7) for i in range(11)].count(True) == 2


def test_of_each_stream_and_type_the_newest_waits():
    """Older ones are let go of; when the client takes things in again it gets the newest, each once."""
    one, outbox = client(), opened()
    for seq in range(5):
        for event in (pose(seq), emotion(seq), pose(seq, stream="p2")):
            one.hold(each := parcel(event, outbox))
            each.let_go()
    assert outbox.stats().dropped == 12
    assert one.flush(0)
    assert not one.is_behind
    assert one.connection.written == said(pose(4), emotion(4), pose(4, stream="p2"))
    stats = outbox.stats()
    assert (stats.sent, stats.dropped, stats.waiting) == (3, 12, 0)


def test_nothing_is_written_while_the_kernel_holds_bytes():
    """What waits with us can still be replaced by something newer."""
    one = client()
    one.connection.is_full = True
    one.hold(parcel(pose()))
    assert not one.flush(0)
    assert not one.is_free(0)
    assert one.connection.written == []


def test_nothing_is_sent_while_a_pong_is_overdue():
    """What the client has not taken in yet is not piled upon; the newest goes out when the pong is there."""
    one = client()
    one.lag.asked(0)
    one.hold(parcel(pose(1)))
    one.hold(parcel(pose(2)))
    assert not one.flush(LATE_NS + 1)
    one.lag.answered(LATE_NS + 2, 1)
    assert one.flush(LATE_NS + 3)
    assert one.connection.written == said(pose(2))


def test_statuses_all_wait_and_go_first_but_not_without_end():
    """None is replaced; a client that lets too many wait is told apart."""
    one = client()
    one.hold(parcel(pose()))
    assert all(one.hold(parcel(status(seq))) for seq in range(MAX_KEPT))
    assert not one.hold(parcel(status(99)))
    one.flush(0)
    assert one.connection.written[:2] == said(status(0), status(1))
    assert one.connection.written[-1:] == said(pose())


def test_ten_thousand_streams_do_not_grow_a_client():
    """The slots are bounded; the longest held falls out."""
    one, outbox = client(), opened()
    for i in range(10_000):
        one.hold(each := parcel(pose(stream=f"s{i}"), outbox))
        each.let_go()
    assert outbox.stats().waiting == MAX_SLOTS
    one.forget()
    assert outbox.stats().waiting == 0


def test_an_event_counts_as_sent_when_the_first_client_gets_it():
    """Two clients hold it, one gets it, the other leaves: sent once, dropped never."""
    one, two, outbox = client(), client('{"type": "subscribe", "format": "msgpack"}'), opened()
    each = parcel(pose(), outbox)
    one.hold(each)
    two.hold(each)
    each.let_go()
    one.flush(0)
    two.flush(0)
    assert one.connection.written == said(pose())
    assert two.connection.written == said(pose(), form="msgpack")
    assert (outbox.stats().sent, outbox.stats().dropped) == (1, 0)


def test_a_client_that_takes_nothing_in_is_stalled_after_five_seconds():
    """Bytes that only wait; pings and pongs that add to them do not count as life."""
    one = client()
    for second in range(5):
        one.connection.transport.size = 1000 + second
        assert not one.is_stalled(second * NS_PER_S)
    one.connection.transport.size = 1005
    assert one.is_stalled(STALL_NS + NS_PER_S)


def test_a_slow_client_is_not_stalled():
    """Whoever takes something in now and then lives on."""
    one = client()
    for second in range(60):
        one.connection.transport.size = 1000 + (second % 4)
        assert not one.is_stalled(second * NS_PER_S)


def test_a_client_that_does_not_answer_a_ping_is_stalled():
    """Though little was sent to it and its buffer is empty: it has not read what came before the ping."""
    one = client()
    one.lag.asked(0)
    assert not one.is_stalled(ANSWER_NS - 1)
    assert one.is_stalled(ANSWER_NS)


def test_a_client_whose_buffer_grows_too_large_is_stalled_at_once():
    """A flood of pings that are answered and never read fills our memory, not theirs."""
    one = client()
    one.connection.transport.size = websocket_client.MAX_BUFFER_BYTES + 1
    assert one.is_stalled(0)


def test_twenty_control_messages_a_second_are_enough():
    """More is a flood; a second later it may speak again."""
    one = client()
    assert [one.ask(0) for _ in range(21)] == [True] * 20 + [False]
    assert one.ask(NS_PER_S)
