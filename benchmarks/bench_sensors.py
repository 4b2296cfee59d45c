"""Sensors: what a live packet costs until it is a pose, whether eight suits get through, and recordings beside lxml.

Each maker below returns one row and stands in MAKERS; a sensor's rows are its own functions.
"""

from __future__ import annotations

import gc
import importlib.metadata
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import network_rows
import numpy as np

from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.pose import Pose
from emotus.sensors.mvnx import read_mvnx
from emotus.sensors.synthetic import SyntheticSensor
from emotus.sensors.uri import open_sensor
from emotus.sensors.xsens_decoder import XsensDecoder
from emotus.sensors.xsens_writer import XsensWriter, segments_of

Row = dict[str, Any]

SUITS, RATE_HZ, SECONDS = 8, 240, 5
FRAMES = 60 * 240
NUMBERS_BESIDE = 640  # of velocities, accelerations, sensors and joint angles in each frame of a real export
MVNX_RUNS = 5

# Plays datagrams of a file, one suit's after another, at 240 Hz; a process of its own, as MVN is.
PLAYER = """
import socket, struct, sys, time
port, rate, seconds = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
data, at, ticks = open(sys.argv[4], "rb").read(), 0, []
while at < len(data):
    (count,) = struct.unpack_from(">I", data, at); at += 4; tick = []
    for _ in range(count):
        (size,) = struct.unpack_from(">I", data, at); tick.append(data[at + 4 : at + 4 + size]); at += 4 + size
    ticks.append(tick)
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
start = time.monotonic()
for i, tick in enumerate(ticks):
    wait = start + i / rate - time.monotonic()
    if wait > 0: time.sleep(wait)
    for datagram in tick: out.sendto(datagram, ("127.0.0.1", port))
"""


def row(name: str, took_ms: Sequence[float], goal: str, met: bool | None, **peer: Any) -> Row:
    """Return a row of the harness; peer: peer, peer_ms, peer_p99_ms and ratio, where there is one."""
    p50, p99 = np.percentile(took_ms, [50, 99])
    nobody: Row = {"peer": None, "peer_ms": None, "peer_p99_ms": None, "ratio": None}
    return {"name": name, "ours_ms": float(p50), "ours_p99_ms": float(p99), "goal": goal, "met": met, **nobody, **peer}


def performance(frames: int, rate_hz: float = RATE_HZ) -> list[Pose]:
    """Return what a synthetic performer does."""
    sensor = SyntheticSensor("tour", clock=ManualClock(), rate_hz=rate_hz, seconds=frames / rate_hz, speed=0)
    sensor.open()
    return [pose for _ in range(frames) if (pose := sensor.read()) is not None]


def timed(works: Sequence[Callable[[], object]]) -> list[float]:
    """Return the milliseconds of each work, without the garbage collector's."""
    took: list[float] = []
    gc.collect()
    gc.disable()
    try:
        for work in works:
            start_ns = time.perf_counter_ns()
            work()
            took.append((time.perf_counter_ns() - start_ns) / 1e6)
    finally:
        gc.enable()
    return took


def decoder_row(
    name: str, feed: Callable[[bytes, int], object], packets: Sequence[tuple[int, bytes]], goal_ms: float
) -> Row:
    """Return the row of feeding packets (time, bytes) to a decoder one by one; the first fifth warms up."""
    works = [lambda data=data, t_ns=t_ns: tuple(feed(data, t_ns)) for t_ns, data in packets]  # type: ignore[misc]
    took = timed(works)[len(works) // 5 :]
    return row(name, took, f"<= {goal_ms:g} ms p50", bool(np.median(took) <= goal_ms))


def xsens_datagram() -> Row:
    """Time an MXTP02 datagram until it is a pose on the body."""
    writer = XsensWriter()
    packets = [(pose.t_ns, datagram) for pose in performance(4000) for datagram in writer.write(pose)[-1:]]
    return decoder_row("Xsens MXTP02 datagram -> Pose", XsensDecoder().feed, packets, 0.15)


def xsens_suits() -> Row:
    """Let eight suits at 240 Hz play over UDP from another process, and count what is lost; time: CPU a pose."""
    poses, writer = performance(RATE_HZ * SECONDS), XsensWriter()
    ticks = [[d for suit in range(SUITS) for d in writer.write(_renamed(pose, suit))] for pose in poses]
    sensor = open_sensor("xsens:udp://127.0.0.1:0?timeout=4", MonotonicClock())
    sensor.open()
    given: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ticks"
        file.write_bytes(b"".join(_packed(tick) for tick in ticks))
        command = [sys.executable, "-c", PLAYER, str(sensor.port), str(RATE_HZ), str(SECONDS), str(file)]  # type: ignore[attr-defined]
        with subprocess.Popen(command):
            start_s = time.thread_time()
            while sensor.health().state not in ("ended", "lost"):
                pose = sensor.read()
                if pose is not None:
                    given[pose.stream] = given.get(pose.stream, 0) + 1
            took_ms = 1000 * (time.thread_time() - start_s) / max(sum(given.values()), 1)
    lost = SUITS * len(poses) - sum(given.values())
    sensor.close()
    name = f"Xsens {SUITS} suits x {RATE_HZ} Hz, UDP, {SECONDS} s: {lost} of {SUITS * len(poses)} lost; CPU a pose"
    return row(name, [took_ms], "no loss", lost == 0)


def _renamed(pose: Pose, suit: int) -> Pose:
    return Pose(f"suit-{suit}", pose.seq, pose.t_ns, pose.positions, pose.confidence, pose.rotations)


def _packed(tick: Sequence[bytes]) -> bytes:
    """Return a tick's datagrams with their count and their sizes."""
    return len(tick).to_bytes(4, "big") + b"".join(len(d).to_bytes(4, "big") + d for d in tick)


def mvnx_text(frames: int) -> str:
    """Return an MVNX file of version 4 as MVN exports it, with everything beside what is read."""
    poses = performance(240)
    spelled = [[_spelled(values) for values in segments_of(pose)] for pose in poses]
    beside = f"<velocity>{_spelled(np.random.default_rng(0).normal(0, 2, NUMBERS_BESIDE))}</velocity>\n"
    labels = "".join(f'<segment label="{name}" id="{i + 1}"/>\n' for i, name in enumerate(_names()))
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<mvnx xmlns="http://www.xsens.com/mvn/mvnx" version="4">\n'
        f'<subject label="A" frameRate="240" segmentCount="23">\n<segments>\n{labels}</segments>\n'
        '<frames segmentCount="23" sensorCount="17" jointCount="22">\n'
    )
    body = "".join(
        f'<frame time="{i * 1000 // 240}" index="{i}" tc="15:59:46:065" ms="{i}" type="normal">\n'
        f"<orientation>{spelled[i % 240][1]}</orientation>\n<position>{spelled[i % 240][0]}</position>\n"
        f"{beside}</frame>\n"
        for i in range(frames)
    )
    return f"{head}{body}</frames>\n</subject>\n</mvnx>\n"


def _names() -> Sequence[str]:
    from emotus.engine.skeleton_tables import XSENS_NAMES

    return XSENS_NAMES


def _spelled(values: np.ndarray) -> str:
    return " ".join(f"{value:.6f}" for value in values.ravel().tolist())


def by_lxml(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read positions and orientations by way of lxml's tree."""
    from lxml import etree

    space = "{http://www.xsens.com/mvn/mvnx}"
    frames = etree.parse(str(path)).findall(f".//{space}frame")
    texts = [[f.findtext(space + tag).split() for f in frames] for tag in ("position", "orientation")]
    positions, rotations = (np.array(each, dtype=np.float32) for each in texts)
    return positions, rotations


def mvnx_parse() -> Row:
    """Time positions and orientations of a minute at 240 Hz, ours and by lxml's tree, taking turns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "minute.mvnx"
        path.write_text(mvnx_text(FRAMES))
        size = f"{path.stat().st_size / 1e6:.0f} MB"
        name = f"MVNX parse, {size}, {FRAMES:,} frames"
        try:
            peer = f"lxml {importlib.metadata.version('lxml')} DOM"
        except importlib.metadata.PackageNotFoundError:
            return row(name, timed([lambda: read_mvnx(path)] * MVNX_RUNS), ">= 5x", None, peer="lxml is not installed")
        took = timed([lambda: read_mvnx(path), lambda: by_lxml(path)] * (MVNX_RUNS + 1))[2:]
    theirs = np.percentile(took[1::2], [50, 99])
    ratio = float(theirs[0] / np.median(took[::2]))
    told = {"peer": peer, "peer_ms": float(theirs[0]), "peer_p99_ms": float(theirs[1]), "ratio": ratio}
    return row(name, took[::2], ">= 5x", ratio >= 5, **told)


MAKERS: tuple[Callable[[], Row], ...] = (xsens_datagram, xsens_suits, mvnx_parse, *network_rows.MAKERS)


def run() -> list[Row]:
    """Return the rows of every maker."""
    return [maker() for maker in MAKERS]


if __name__ == "__main__":
    for each in run():
        print(each)
