"""A thousand WebSocket clients at 30 Hz, some of which never read: our bridge beside the library's own broadcast().

`python benchmarks/bench_websocket.py [--clients 1000] [--stalled 50] [--seconds 60]` prints every figure of FAULTS.md
rows 9 and 10; `emotus bench websocket` runs a thousand clients, fifty of which never read, and what a pose weighs. The
clients are one process more on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from websockets.asyncio.server import ServerConnection, broadcast, serve

from emotus.bridges import wire, wire_small
from emotus.bridges.websocket import WebSocketBridge
from emotus.bridges.websocket_server import Limits
from emotus.engine.clock import MonotonicClock
from emotus.engine.events import Disclosure, EmotionEvent, PoseEvent
from emotus.sensors.uri import open_sensor

SWARM = Path(__file__).parent / "websocket_swarm.py"
RATE_HZ = 30
LABELS = [f"label number {i:02d}" for i in range(44)]  # so many that a message has 1.5 KB
GOAL_P50_MS, GOAL_P99_MS = 15.0, 50.0
GOAL_CUT_S, GOAL_CLIENT_KB, GOAL_BYTES = 10.0, 20.0, 0.35
CLIENTS, STALLED, SECONDS = 1000, 50, 20.0
POSES = 90

Send = Callable[[EmotionEvent], None]
Connected = Callable[[], int]


def message(seq: int) -> EmotionEvent:
    """Return an event of 1.5 KB that tells when it was made."""
    probs = dict.fromkeys(LABELS, 1 / len(LABELS))
    told = Disclosure("bench", "0" * 64)
    return EmotionEvent(
        "p1", seq, time.monotonic_ns(), "happy", probs, 0.1, 0.2, 0.5, abstain=False, latency_ms=1.0, disclosure=told
    )


@contextmanager
def ours(figures: dict[str, Any]) -> Iterator[tuple[int, Send, Connected]]:
    """Offer our bridge; note its counts and its fullest buffer."""
    bridge = WebSocketBridge("127.0.0.1", 0, clock=MonotonicClock(), limits=Limits(max_clients=2000))
    bridge.start()
    try:
        yield int(bridge.address.rpartition(":")[2].strip("/")), bridge.send, lambda: bridge.stats().clients
        figures["stats"] = bridge.stats()
    finally:
        bridge.close()


@contextmanager
def plain_broadcast(figures: dict[str, Any]) -> Iterator[tuple[int, Send, Connected]]:  # noqa: ARG001 - as ours
    """Offer a server that hands every message to websockets.broadcast()."""
    clients: set[ServerConnection] = set()
    ready: list[tuple[asyncio.AbstractEventLoop, int, asyncio.Event]] = []
    is_ready = threading.Event()

    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        clients.add(connection)
        await connection.wait_closed()
        clients.discard(connection)

    async def work() -> None:
        over = asyncio.Event()
        async with serve(talk, "127.0.0.1", 0, compression=None, close_timeout=1) as server:
            ready.append((asyncio.get_running_loop(), server.sockets[0].getsockname()[1], over))
            is_ready.set()
            await over.wait()

    def send(event: EmotionEvent) -> None:
        loop.call_soon_threadsafe(broadcast, tuple(clients), wire.to_json(event).decode())

    thread = threading.Thread(target=lambda: asyncio.run(work()), daemon=True)
    thread.start()
    is_ready.wait()
    loop, port, over = ready[0]
    try:
        yield port, send, lambda: len(clients)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)


def measure(server: Callable[..., Any], clients: int, stalled: int, seconds: float) -> dict[str, Any]:
    """Run one server with its swarm; return its figures."""
    me = psutil.Process()
    figures: dict[str, Any] = {}
    with server(figures) as (port, send, connected):
        rss = me.memory_info().rss
        command = [sys.executable, str(SWARM), *map(str, (port, clients, stalled, seconds))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as swarm:
            swarm.stdout.readline()
            cpu = sum(me.cpu_times()[:2])
            figures |= pump(send, connected, clients, seconds - 0.5)
            figures["server_cpu"] = (sum(me.cpu_times()[:2]) - cpu) / seconds
            figures["client_kb"] = (me.memory_info().rss - rss) / (clients + stalled) / 1e3
            heard = json.loads(swarm.stdout.readline())
    return figures | heard


def pump(send: Send, connected: Connected, healthy: int, seconds: float) -> dict[str, Any]:
    """Send at 30 Hz; return how many were sent, and how many of the stalled clients were cut, and when the last was."""
    start = time.monotonic()
    there = connected()
    left, last_s = there, 0.0
    for seq in range(round(seconds * RATE_HZ)):
        time.sleep(max(0.0, start + seq / RATE_HZ - time.monotonic()))
        send(message(seq))
        if left > healthy and connected() < left:
            left, last_s = connected(), time.monotonic() - start
    return {"sent": round(seconds * RATE_HZ), "cut": there - left, "cut_s": last_s}


def row(name: str, mine: dict[str, Any], peer: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the harness from two measurements."""
    p50, p99 = np.percentile(mine["ages_ms"], (50, 99))
    peer_p50, peer_p99 = np.percentile(peer["ages_ms"], (50, 99))
    whole = mine["heard"][0] >= mine["sent"] and not mine["lost"]
    cut = mine["cut"] == STALLED and mine["cut_s"] <= GOAL_CUT_S
    told = f"{mine['cut']} of {STALLED} stalled cut in {mine['cut_s']:.1f} s, {mine['client_kb']:.0f} KB a client"
    return {
        "name": f"{name}: {told}",
        "ours_ms": p50,
        "ours_p99_ms": p99,
        "peer": f"websockets broadcast() ({peer['cut']} cut)",
        "peer_ms": peer_p50,
        "peer_p99_ms": peer_p99,
        "ratio": peer_p50 / p50,
        "goal": f"<= {GOAL_P50_MS:g} / {GOAL_P99_MS:g} ms, every frame, {STALLED} cut in {GOAL_CUT_S:g} s, "
        f"<= {GOAL_CLIENT_KB:g} KB",
        "met": bool(
            p50 <= GOAL_P50_MS and p99 <= GOAL_P99_MS and whole and cut and mine["client_kb"] <= GOAL_CLIENT_KB
        ),
    }


def pose_rows() -> list[dict[str, Any]]:
    """Return what a pose of the synthetic performer weighs as MessagePack, beside JSON, in both precisions."""
    sensor = open_sensor("synthetic:tour", MonotonicClock())
    sensor.open()
    poses = [pose for pose in (sensor.read() for _ in range(4 * POSES)) if pose is not None][:POSES]
    sensor.close()
    # A seq and a time as after an hour of a show, and a name as performers have.
    events = [
        PoseEvent("anna", 10**5 + i, 10**13 + pose.t_ns, pose.positions, pose.confidence)
        for i, pose in enumerate(poses)
    ]
    as_json = sum(len(wire.to_json(event)) for event in events)
    ways = {"float32": (wire.to_msgpack, "-"), "mm": (wire_small.to_small_msgpack, f"<= {GOAL_BYTES} of JSON's bytes")}
    return [
        weight_row(name, sum(len(encode(event)) for event in events) / len(events), as_json / len(events), goal)
        for name, (encode, goal) in ways.items()
    ]


def weight_row(precision: str, mine: float, as_json: float, goal: str) -> dict[str, Any]:
    """Return the row of one precision; bytes stand in its name, as the columns are of milliseconds."""
    share = mine / as_json
    return {
        "name": f"MessagePack pose, precision {precision}: {mine:.0f} bytes, {share:.2f} of JSON's {as_json:.0f}",
        "ours_ms": None,
        "ours_p99_ms": None,
        "peer": "our JSON (0.1 mm)",
        "peer_ms": None,
        "peer_p99_ms": None,
        "ratio": 1 / share,
        "goal": goal,
        "met": None if goal == "-" else share <= GOAL_BYTES,
    }


def run() -> list[dict[str, Any]]:
    """Return the rows: a thousand clients beside the library's broadcast(), and the bytes of a pose."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # the peer writes to the dead, a line each
    mine = measure(ours, CLIENTS, STALLED, SECONDS)
    peer = measure(plain_broadcast, CLIENTS, STALLED, SECONDS)
    return [row(f"{CLIENTS:,} WebSocket clients x 30 Hz x 1.5 KB", mine, peer), *pose_rows()]


def main() -> None:
    """Print every figure of one run of ours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--stalled", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--peer", action="store_true")
    asked = parser.parse_args()
    figures = measure(plain_broadcast if asked.peer else ours, asked.clients, asked.stalled, asked.seconds)
    ages, heard = figures.pop("ages_ms"), figures.pop("heard")
    p50, p95, p99 = np.percentile(ages, (50, 95, 99))
    print(f"{asked.clients} clients + {asked.stalled} stalled, {asked.seconds:g} s, load {os.getloadavg()[0]:.1f}")
    print(f"age ms: p50 {p50:.1f}  p95 {p95:.1f}  p99 {p99:.1f}  max {max(ages):.1f}")
    print(f"frames heard of {figures.pop('sent')}: fewest {heard[0]}, most {heard[-1]}")
    print(figures)


if __name__ == "__main__":
    main()
