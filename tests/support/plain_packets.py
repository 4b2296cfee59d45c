"""A protocol of our own for tests of the sockets: a packet is a number, a time and 63 coordinates, all big-endian."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterable

import numpy as np

from emotus.engine.body import BODY, JOINT_COUNT
from emotus.engine.errors import PacketError
from emotus.engine.pose import Pose
from emotus.sensors.datagram import DatagramSensor
from emotus.sensors.tcp_feed import TcpSensor

FORMAT = struct.Struct(">IQ63f")
CONFIDENCE = np.ones(JOINT_COUNT, dtype=np.float32)


def packet(seq: int, t_ns: int) -> bytes:
    """Return the packet of a person who walks a centimetre a frame."""
    positions = BODY.rest_positions + np.array((0.0, 0.0, 0.01 * seq))
    return FORMAT.pack(seq, t_ns, *positions.ravel())


class PlainDecoder:
    """Read them; the time is the sender's."""

    def __init__(self, rate_hz: float = 30.0) -> None:
        self.rate_hz = rate_hz
        self.counters: dict[str, int] = {}
        self.notes: list[str] = []

    def feed(self, data: bytes, t_ns: int) -> Iterable[Pose]:
        """Return the one pose of a packet."""
        if len(data) != FORMAT.size:
            raise PacketError(f"{len(data)} bytes, wanted {FORMAT.size}")
        seq, made_ns, *numbers = FORMAT.unpack(data)
        yield Pose("plain", seq, made_ns, np.array(numbers, dtype=np.float32).reshape(-1, 3), CONFIDENCE)

    def reset(self) -> None:
        """Forget nothing: there is no state."""


class PlainFramer:
    """Cut a stream of them."""

    def __init__(self) -> None:
        self.skipped = 0
        self.reset()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the whole packets so far."""
        self._held += data
        whole = len(self._held) // FORMAT.size * FORMAT.size
        packets = [self._held[at : at + FORMAT.size] for at in range(0, whole, FORMAT.size)]
        self._held = self._held[whole:]
        return packets

    def reset(self) -> None:
        """Forget what has begun."""
        self._held = b""


class Playing:
    """Play `frames` packets at rate_hz from a thread while a sensor is open."""

    def play(self, send, frames: int, rate_hz: float) -> None:
        """Begin; send takes one packet."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, args=(send, frames, rate_hz), daemon=True)
        self._thread.start()

    def _play(self, send, frames, rate_hz) -> None:
        start_ns = time.monotonic_ns()
        for seq in range(frames):
            due_ns = start_ns + round(seq * 1e9 / rate_hz)
            if self._stop.wait(max(0.0, (due_ns - time.monotonic_ns()) / 1e9)):
                return
            try:
                send(packet(seq, due_ns))
            except OSError:
                return

    def stop(self) -> None:
        """End, and wait for it."""
        if hasattr(self, "_thread"):
            self._stop.set()
            self._thread.join()


class PlayedDatagrams(DatagramSensor, Playing):
    """Hear a performance that it plays to itself."""

    def __init__(self, clock, rate_hz: float, frames: int = 40) -> None:
        super().__init__("plain:", "127.0.0.1", 0, PlainDecoder(rate_hz), clock, end_after_s=0.5)
        self._frames = frames

    def open(self) -> None:
        """Listen, and play."""
        self.stop()
        super().open()
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        to = ("127.0.0.1", self.port)
        self.play(lambda data: self._out.sendto(data, to), self._frames, self.rate_hz)

    def close(self) -> None:
        """End the performance."""
        self.stop()
        super().close()
        if hasattr(self, "_out"):
            self._out.close()


class PlayedTcp(TcpSensor, Playing):
    """Hear a stream that it plays to itself."""

    def __init__(self, clock, rate_hz: float, frames: int = 40) -> None:
        self._server = None
        self._clients: list[socket.socket] = []
        super().__init__("plain:", "127.0.0.1", 0, PlainDecoder(rate_hz), PlainFramer(), clock, end_after_s=0.5)
        self._frames = frames

    def open(self) -> None:
        """Offer the stream, and connect to it."""
        self._hang_up()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0.05)
        self._port = self._server.getsockname()[1]
        super().open()
        self.play(self._send, self._frames, self.rate_hz)

    def _send(self, data: bytes) -> None:
        if not self._clients:
            self._clients.append(self._accept())
        self._clients[0].sendall(data)

    def _accept(self) -> socket.socket:
        """Wait for the sensor in small steps, so that stopping is heard."""
        while not self._stop.is_set():
            try:
                return self._server.accept()[0]
            except TimeoutError:
                continue
        raise OSError("stopped")

    def _hang_up(self) -> None:
        self.stop()
        if self._server is not None:
            self._server.close()
        while self._clients:
            self._clients.pop().close()
        self._server = None

    def close(self) -> None:
        """End the performance."""
        self._hang_up()
        super().close()
