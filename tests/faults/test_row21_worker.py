"""FAULTS.md 3, row 21: a worker that hangs, dies or falls over is started again, not for ever; others go on."""

from __future__ import annotations

import threading
import time

import pytest
from faults.figures import figure

from emotus.sensors.worker import Patience, Worker

QUICK = Patience(hang_s=2.0, pause_s=0.02)  # a machine that is busy may keep a process from running for a while
PLENTY_S = 60.0


def worker(target: str, *, patience: Patience = QUICK, **settings: object) -> Worker:
    """Return a worker that is not yet started."""
    return Worker(f"support.fake_worker:{target}", settings, place="test", patience=patience)


def wait_for(it: Worker, wanted: bytes | None, seconds: float = PLENTY_S) -> float:
    """Read until a result comes, or until there will be none where None is wanted; return the seconds it took."""
    start = time.monotonic()
    while it.receive(0.05) != wanted or (wanted is None and it.state not in ("ended", "failed")):
        assert time.monotonic() - start < seconds, f"{it.state}: {it.message}"
    return time.monotonic() - start


@pytest.mark.parametrize(
    ("trouble", "said"),
    [("hang", "gave no sign of life for "), ("kill", "was killed by SIGKILL"), ("segfault", "was killed by SIGSEGV")],
)
def test_what_dies_or_hangs_is_started_again_while_others_go_on(trouble, said):
    """A new process works within five seconds, the reason is told, and another worker misses nothing."""
    other = worker("count", numbers=10_000, pause_s=0.01)
    other.start()
    heard: list[bytes | None] = []
    stop = threading.Event()

    def listen() -> None:
        while not stop.is_set():
            heard.append(other.receive(30.0))

    reader = threading.Thread(target=listen)
    reader.start()
    it = worker("stumble", trouble=trouble)
    it.start()
    first = it.pid
    wait_for(it, b"first")
    seen: list[str] = []
    start = time.monotonic()
    while it.receive(0.02) != b"again":
        seen.append(it.message)
        assert time.monotonic() - start < PLENTY_S, it.message
    again_s = time.monotonic() - start
    wait_for(it, b"well")
    stop.set()
    reader.join(40.0)
    print(f"row 21: {trouble}: at work again after {again_s:.2f} s; the other gave {len(heard)} results meanwhile")
    figure(21, f"{trouble}: at work again after", again_s, 5, "s")
    assert it.restarted >= 1
    assert it.pid != first
    assert any(said in message for message in seen)
    assert heard
    assert None not in heard
    it.close()
    other.close()


def test_what_dies_again_and_again_is_given_up():
    """Five restarts within the minute, then failed for good: no loop, and the reason stays."""
    it = worker("stumble", trouble="kill", always=True)
    it.start()
    took_s = wait_for(it, None)
    print(f"row 21: given up after {it.restarted} restarts, {took_s:.1f} s")
    figure(21, "restarts before it is given up", it.restarted, 5, better="==")
    assert (it.state, it.restarted) == ("failed", 5)
    assert it.message == "the worker was killed by SIGKILL; started 5 times again within 60 s, now given up"
    pid = it.pid
    assert it.receive(0.2) is None
    assert (it.state, it.restarted, it.pid) == ("failed", 5, pid)
    it.close()


def test_restarts_long_ago_do_not_count():
    """With a window that is over at once, it is started again for ever."""
    it = worker("stumble", patience=Patience(pause_s=0.01, restarts=2, window_s=0.01), trouble="kill", always=True)
    it.start()
    start = time.monotonic()
    while it.restarted < 4:
        it.receive(0.02)
        assert time.monotonic() - start < PLENTY_S
    assert it.state in ("stale", "live")
    it.close()
