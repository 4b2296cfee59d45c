"""Many WebSocket clients in one process, written without emotus: raw frames, so that they cost little themselves.

`python websocket_swarm.py PORT CLIENTS STALLED SECONDS` connects, says "ready", hears for so many seconds and prints
one JSON object: messages heard by each client and the age of every hundredth in milliseconds.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import socket
import struct
import sys
import time

T_NS = re.compile(rb'"t_ns":(\d+)')
SAMPLE = 7  # the age of every so-manieth message is taken
SUBSCRIBE = b'{"type":"subscribe"}'
CONNECT_S = 60.0
AT_ONCE = 50


def handshake(port: int) -> bytes:
    """Return a request to become a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """Return one short masked frame from a client; the mask is zero."""
    return struct.pack(">BB4x", 0x80 | opcode, 0x80 | len(payload)) + payload


class Listener(asyncio.Protocol):
    """Count messages, answer pings, sample ages."""

    def __init__(self, port: int, swarm: Swarm) -> None:
        self.port = port
        self.swarm = swarm
        self.heard = 0
        self.rest = b""
        self.is_open = False
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport = transport
        transport.write(handshake(self.port))

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember that it is over."""
        self.is_lost = True

    def data_received(self, data: bytes) -> None:
        """Take frames apart."""
        data = self.rest + data
        if not self.is_open:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self.rest = head
                return
            self.is_open = True
            self.swarm.opened += 1
            if self.swarm.opened == self.swarm.expected:
                self.swarm.all_open.set()
            self.transport.write(frame(SUBSCRIBE))
        at = 0
        while len(data) - at >= 4:
            size, start = data[at + 1], at + 2
            if size == 126:
                (size,), start = struct.unpack_from(">H", data, start), start + 2
            if len(data) < start + size:
                break
            self.take(data[at] & 15, data[start : start + size])
            at = start + size
        self.rest = data[at:]

    def take(self, opcode: int, payload: bytes) -> None:
        """Count an event, answer a ping."""
        if opcode == 9:
            self.transport.write(frame(payload, 10))
        elif opcode in (1, 2) and self.swarm.is_counting:
            if payload.startswith((b'{"v":1,"type":"hello"', b'{"type":"subscribed"')):
                return
            self.heard += 1
            self.swarm.seen += 1
            if self.swarm.seen % SAMPLE == 0 and (found := T_NS.search(payload)):
                self.swarm.ages_ms.append((time.monotonic_ns() - int(found[1])) / 1e6)


class Swarm:
    """Hold what all listeners share."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.all_open = asyncio.Event()
        self.ages_ms: list[float] = []
        self.opened = self.seen = 0
        self.is_counting = False


def stall(port: int) -> socket.socket:
    """Connect, subscribe and never read again."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", port))
    sock.sendall(handshake(port))
    sock.recv(512)
    sock.sendall(frame(SUBSCRIBE))
    return sock


async def hear(port: int, clients: int, stalled: int, seconds: float) -> dict:
    """Connect all, hear, and return what was heard."""
    loop = asyncio.get_running_loop()
    swarm = Swarm(clients)
    listeners: list[Listener] = []
    for start in range(0, clients, AT_ONCE):
        made = [
            loop.create_connection(lambda: Listener(port, swarm), "127.0.0.1", port)
            for _ in range(min(AT_ONCE, clients - start))
        ]
        listeners += [listener for _, listener in await asyncio.gather(*made)]
    await asyncio.wait_for(swarm.all_open.wait(), CONNECT_S)
    silent = [await loop.run_in_executor(None, stall, port) for _ in range(stalled)]
    await asyncio.sleep(0.5)
    print("ready", flush=True)
    swarm.is_counting = True
    await asyncio.sleep(seconds)
    swarm.is_counting = False
    heard = sorted(listener.heard for listener in listeners)
    lost = sum(listener.is_lost for listener in listeners)
    for sock in silent:
        sock.close()
    for listener in listeners:
        listener.transport.abort()
    await asyncio.sleep(0.1)
    return {"heard": heard, "ages_ms": swarm.ages_ms, "lost": lost}


if __name__ == "__main__":
    port, clients, stalled = map(int, sys.argv[1:4])
    print(json.dumps(asyncio.run(hear(port, clients, stalled, float(sys.argv[4])))))
