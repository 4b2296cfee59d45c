"""A worker: what it says comes in order, in bounds and never a picture; what it cannot do is told in one line."""

from __future__ import annotations

import io
import threading
import time

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sayings import wait_for

from emotus.engine.errors import InputError, PacketError
from emotus.sensors.worker import Patience, Worker
from emotus.sensors.worker_message import MOST_BYTES, Message, pack, pack_facts, read_message

USUAL = Patience()
KINDS = ("ready", "beat", "data", "told", "failed", "ended")


def worker(target: str, *, lossless: bool = False, patience: Patience = USUAL, **settings: object) -> Worker:
    """Return a worker that is not yet started."""
    target = f"support.fake_worker:{target}"
    return Worker(target, settings, place="here", patience=patience, lossless=lossless)


def read_all(it: Worker, pause_s: float = 0.0) -> list[int]:
    """Return all numbers until the worker has ended."""
    numbers: list[int] = []
    deadline = time.monotonic() + 60.0
    while (data := it.receive(0.1)) is not None or it.state not in ("ended", "failed"):
        assert time.monotonic() < deadline
        if data is not None:
            numbers.append(int.from_bytes(data, "little"))
            time.sleep(pause_s)
    return numbers


def test_every_result_comes_where_none_may_be_lost():
    """A slow reader makes the process wait: nothing is dropped, everything is in order."""
    it = worker("count", lossless=True, numbers=300)
    assert it.start() == {"of": 300}
    assert read_all(it, pause_s=0.0005) == list(range(300))
    assert it.dropped == 0
    assert it.state == "ended"
    it.close()


def test_the_newest_results_come_where_the_newest_count():
    """A reader that comes late finds the last few, and what was dropped is counted."""
    it = worker("count", numbers=300)
    it.start()
    deadline = time.monotonic() + 60.0
    while it.state != "ended":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    numbers = read_all(it)
    assert numbers == list(range(300))[-len(numbers) :]
    assert len(numbers) + it.dropped == 300
    assert 1 <= len(numbers) <= 4
    it.close()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("input", r"here: there is no such thing \(look again\)"),
        ("stuck", "here: it does not answer"),
        ("bug", "here: KeyError: 'left'"),
        ("segfault", "here: the worker was killed by SIGSEGV"),
    ],
)
def test_a_start_that_fails_says_why(how, said):
    """One line with our place; the process is gone."""
    it = worker("refuse", how=how)
    with pytest.raises(InputError, match=said) as told:
        it.start()
    assert "\n" not in str(told.value)
    assert it.state == "closed"
    assert it.pid is None


def test_a_start_that_never_comes_ends_after_its_time():
    """A process that hangs before it is ready is killed, and that is told."""
    it = worker("never_ready", patience=Patience(start_s=0.4))
    with pytest.raises(InputError, match="the worker gave no sign of life for"):
        it.start()


def test_a_target_that_is_not_there_is_told():
    """A name that leads nowhere fails at once."""
    with pytest.raises(InputError, match="AttributeError"):
        worker("nothing_of_the_kind").start()


def test_what_libraries_print_does_not_garble_the_results():
    """Standard output of the process is not the pipe; nonsense in the pipe itself ends the process."""
    it = worker("babble", patience=Patience(restarts=0))
    it.start()
    assert it.receive(60.0) == b"sense"
    assert it.receive(60.0) is None
    assert it.state == "failed"
    assert "could not be understood: no message is of kind 255" in it.message
    it.close()


def test_no_picture_fits_through():
    """Even a thumbnail is refused in the process itself; the limit holds on both sides."""
    it = worker("show", patience=Patience(restarts=0))
    it.start()
    assert it.receive(60.0) is None
    assert "a message of 12288 bytes, the most is 4096" in it.message
    it.close()


def test_closing_is_quick_leaves_nothing_and_can_be_repeated():
    """The process is gone, its thread too, and what it held."""
    threads = set(threading.enumerate())
    it = worker("count", numbers=10**9, pause_s=0.001)
    it.start()
    process = psutil.Process(it.pid)
    it.close()
    it.close()
    assert not process.is_running()
    assert it.receive(0.0) is None
    assert set(threading.enumerate()) <= threads


def test_it_can_be_closed_while_another_thread_reads():
    """The reader comes back with nothing."""
    it = worker("never_ready", patience=Patience(start_s=30.0))
    problems: list[object] = []

    def start() -> None:
        try:
            it.start()
        except InputError as error:
            problems.append(error)

    starter = threading.Thread(target=start)
    starter.start()
    assert wait_for(lambda: it.pid is not None, seconds=60.0)
    it.close()
    starter.join(60.0)
    assert not starter.is_alive()
    assert [str(problem) for problem in problems] == ["here: closed before it was ready"]


@given(st.sampled_from(KINDS), st.binary(max_size=200), st.binary(max_size=50))
def test_messages_are_read_as_they_were_written(kind, body, rest):
    """One message comes out of its bytes, and what follows is left in the pipe."""
    pipe = io.BytesIO(pack(kind, body) + rest)
    assert read_message(pipe) == Message(kind, body)
    assert pipe.read() == rest


@given(st.binary(max_size=400))
def test_any_bytes_are_messages_or_refused(data):
    """Whatever a broken process writes, reading ends with messages, the end of the pipe or the documented error."""
    pipe = io.BytesIO(data)
    try:
        while (message := read_message(pipe)) is not None:
            assert len(message.body) <= MOST_BYTES
            message.facts()
    except PacketError:
        return


@pytest.mark.parametrize("cut", range(len(pack_facts("told", {"state": "live"}))))
def test_a_message_cut_short_is_refused(cut):
    """At every byte: nothing, or the error."""
    pipe = io.BytesIO(pack_facts("told", {"state": "live"})[:cut])
    if cut == 0:
        assert read_message(pipe) is None
        return
    with pytest.raises(PacketError, match="the worker stopped after"):
        read_message(pipe)
