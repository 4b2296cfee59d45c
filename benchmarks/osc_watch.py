"""The other side of a measurement over real sockets, in a process of its own: it sends what is asked for and listens.

    osc_watch.py xsens SECONDS RATE    says its OSC port, reads the port of the sensor, sends Xsens at RATE, and tells
                                       how many milliseconds each frame needed until all its joints were back as OSC
    osc_watch.py listen SECONDS        says its OSC port and tells when each frame came, in milliseconds

One thread waits for whichever comes first, the next moment to send or a datagram, so that neither holds up the other.
"""

from __future__ import annotations

import gc
import json
import select
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from emotus.engine.osc_codec import decode
from emotus.engine.pose import Pose
from emotus.sensors.xsens_writer import XsensWriter

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.network_senders import performance

STREAM = "xsens"
LAST_JOINT = "/joint/RightToes"
QUIET_S = 1.0
NS_PER_S = 1_000_000_000


def main(mode: str, seconds: float, rate_hz: float) -> None:
    """Open the port, do what is asked, print what was seen."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        ears.bind(("127.0.0.1", 0))
        ears.settimeout(0.0)
        print(ears.getsockname()[1], flush=True)
        gc.disable()  # of this side, which is not measured
        told = watch_xsens(ears, seconds, rate_hz) if mode == "xsens" else watch_frames(ears, seconds)
        print(json.dumps(told), flush=True)


def watch_xsens(ears: socket.socket, seconds: float, rate_hz: float) -> dict[str, list[float] | int]:
    """Send a performance by the port that standard input names; return the milliseconds of each frame, and the lost."""
    port = int(sys.stdin.readline())
    packets = list(_packets(round(seconds * rate_hz), rate_hz))
    sent_ns: dict[int, int] = {}
    came_ns: dict[int, int] = {}
    first_ns = time.monotonic_ns() + NS_PER_S // 2
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        mouth.connect(("127.0.0.1", port))
        for i, (seq, datagrams) in enumerate(packets):
            due_ns = first_ns + round(i * NS_PER_S / rate_hz)
            _listen(ears, due_ns, lambda data: _note(data, came_ns))
            sent_ns[seq] = time.monotonic_ns()
            for datagram in datagrams:
                mouth.send(datagram)
        _listen(ears, time.monotonic_ns() + round(QUIET_S * NS_PER_S), lambda data: _note(data, came_ns))
    waited = [(came_ns[seq] - sent_ns[seq]) / 1e6 for seq in sent_ns if seq in came_ns]
    return {"ms": waited, "lost": len(sent_ns) - len(waited), "sent": len(sent_ns)}


def _packets(frames: int, rate_hz: float) -> Iterator[tuple[int, list[bytes]]]:
    """Yield counter and datagrams of each frame; a performance of ten seconds comes again and again."""
    positions, rotations = performance(600)
    writer = XsensWriter(name=STREAM)
    for i in range(frames):
        at, t_ns = i % len(positions), round(i * NS_PER_S / rate_hz)
        full = np.ones(21, np.float32)
        yield i, writer.write(Pose(STREAM, i, t_ns, positions[at].astype(np.float32), full, rotations[at]))


def watch_frames(ears: socket.socket, seconds: float) -> dict[str, list[float]]:
    """Return when the last joint of each frame came, for so long from the first."""
    came_ns: dict[int, int] = {}
    select.select((ears,), (), (), 30.0)
    _listen(ears, time.monotonic_ns() + round(seconds * NS_PER_S), lambda data: _note(data, came_ns))
    return {"came_ms": [at_ns / 1e6 for _, at_ns in sorted(came_ns.items())]}


def _listen(ears: socket.socket, until_ns: int, hear: Callable[[bytes], None]) -> None:
    """Hear datagrams until a moment."""
    while (left_ns := until_ns - time.monotonic_ns()) > 0:
        ready, _, _ = select.select((ears,), (), (), left_ns / NS_PER_S)
        if ready:
            hear(ears.recv(65536))


def _note(data: bytes, came_ns: dict[int, int]) -> None:
    """Note when the last joint of a frame came; what it says is read afterwards, as far as it matters."""
    now_ns = time.monotonic_ns()
    if LAST_JOINT.encode() in data:
        (seq,) = [message.args[0] for message in decode(data) if message.address.endswith("/frame")]
        came_ns[int(str(seq))] = now_ns


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.0)
