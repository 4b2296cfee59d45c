"""FAULTS.md 3, row 11, at a size for every machine: clients come and go in crowds, politely or not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import psutil
from faults.figures import figure
from support.raw_websocket import RawClient
from support.sayings import emotion, status, wait_for

from emotus.bridges.websocket import WebSocketBridge
from emotus.engine.clock import MonotonicClock

THREADS, SECONDS, CROWD = 4, 1.5, 100


def visit(port: int, how: int) -> None:
    """Come and go: after a while, in the midst of the handshake, without a word, or with a farewell."""
    with RawClient(port) as client:
        if how % 4 == 0:
            client.subscribe()
        elif how % 4 == 1:
            client.socket.sendall(b"GET / HTTP/1.1\r\nHost: local")
        elif how % 4 == 2:
            client.ask()
        else:
            client.subscribe()
            client.send(b"\x03\xe8", 8)
            client.closed_with()


def keep_visiting(port: int) -> int:
    """Come and go for SECONDS; return how often."""
    end, visits = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        visit(port, visits)
        visits += 1
    return visits


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Do some work in several threads and wait for all."""
    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_clients_that_come_and_go_leave_nothing_behind():
    """No connection, task or file is leaked, and who stayed heard every event soon."""
    bridge = WebSocketBridge("127.0.0.1", 0, clock=MonotonicClock())
    bridge.start()
    port = int(bridge.address.rpartition(":")[2].strip("/"))
    me, over, ages_ms = psutil.Process(), threading.Event(), []
    try:
        visit(port, 0)
        assert wait_for(lambda: len(bridge._server._sockets) == 0)
        files = me.num_fds()
        with RawClient(port) as faithful:
            faithful.subscribe()

            def listen() -> None:
                while (told := faithful.hear())["type"] != "status":
                    ages_ms.append((time.monotonic_ns() - told["t_ns"]) / 1e6)

            def talk() -> None:
                seq = 0
                while not over.wait(1 / 30):
                    bridge.send(emotion(seq, t_ns=time.monotonic_ns()))
                    seq += 1

            beside = [threading.Thread(target=listen, daemon=True), threading.Thread(target=talk)]
            for thread in beside:
                thread.start()
            visits: list[int] = []
            in_threads(THREADS, lambda _: visits.append(keep_visiting(port)))
            in_threads(CROWD, lambda _: visit(port, 0))
            over.set()
            beside[1].join()
            bridge.send(status())
            beside[0].join(5)
            assert not beside[0].is_alive()
            assert wait_for(lambda: len(bridge._server._sockets) == 1)
            assert wait_for(lambda: bridge.stats().clients == 1)
            assert len(bridge._server._tasks) <= 1
        assert wait_for(lambda: me.num_fds() <= files)
        p99 = np.percentile(ages_ms, 99)
        print(
            f"row 11: {sum(visits) / SECONDS:.0f} visits/s, a crowd of {CROWD}, p99 beside {p99:.1f} ms, nothing left"
        )
        assert len(ages_ms) > 10
        figure(11, "visits a second", sum(visits) / SECONDS, None, "1/s")
        figure(11, "p99 of who stayed", p99, 100, "ms")
        figure(11, "files and tasks left behind", max(0, me.num_fds() - files), 0, better="==")
        assert p99 < 1000
    finally:
        over.set()
        bridge.close()
