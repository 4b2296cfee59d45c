"""Rows of bench_bridges: emotion and 21 joints as OSC and as VMC beside python-osc; Xsens in to OSC out; jitter.

The last two go over real sockets, with the other side in a process of its own. EMOTUS_BENCH_SECONDS says how long they
watch (5 each unless told). For the ten minutes of the goal: `python benchmarks/bridge_rows.py 600`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from emotus.bridges.osc import OscBridge
from emotus.bridges.osc_frame import FrameEncoder, pack
from emotus.bridges.osc_link import Target
from emotus.bridges.vmc import VmcBridge
from emotus.engine.body import BODY, JOINT_COUNT
from emotus.engine.clock import NS_PER_S, ManualClock, MonotonicClock
from emotus.engine.events import Disclosure, EmotionEvent, Event, MotionEvent, PoseEvent
from emotus.engine.osc_codec import decode
from emotus.engine.pipeline import Engine
from emotus.engine.runner import Runner
from emotus.sensors.uri import open_sensor

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.network_senders import performance

Row = dict[str, Any]
FRAMES, TURNS = 200, 15
LABELS = ("angry", "happy", "neutral", "proud", "sad", "unsure")
GOAL_MS, GOAL_RATIO = 0.05, 5.0
XSENS_HZ, XSENS_P99_MS = 240.0, 4.0
MOTION_HZ, JITTER_P99_MS = 60.0, 2.0
WARM = 240  # frames at the start that are not counted: connections, caches
WATCH = Path(__file__).with_name("osc_watch.py")


def seconds_to_watch() -> float:
    """Return how long the rows over sockets last."""
    return float(os.environ.get("EMOTUS_BENCH_SECONDS", "5"))


def rows() -> list[Row]:
    """Return all rows of this file."""
    return [*encoding_rows(), xsens_row(seconds_to_watch()), jitter_row(seconds_to_watch())]


def frames() -> list[tuple[PoseEvent, EmotionEvent]]:
    """Return a dance and what it appears to express."""
    positions, rotations = performance(FRAMES)
    told = Disclosure("bench", "0" * 64)
    out = []
    for i in range(FRAMES):
        probs = dict(zip(LABELS, np.roll((0.3, 0.3, 0.1, 0.1, 0.1, 0.1), i).tolist(), strict=True))
        place, full = positions[i].astype(np.float32), np.ones(JOINT_COUNT, np.float32)
        pose = PoseEvent("p1", i, i * 16_666_667, place, full, rotations[i].astype(np.float32))
        emotion = EmotionEvent("p1", i, pose.t_ns, "happy", probs, 0.1, -0.2, 0.5, False, 3.2, told)  # noqa: FBT003
        out.append((pose, emotion))
    return out


def encoding_rows() -> list[Row]:
    """Return the rows of encoding: ours from events, rotations down the tree included; theirs from ready numbers."""
    encoder = FrameEncoder()
    vmc = VmcBridge([Target("udp", "127.0.0.1", 9)], labels=LABELS, clock=ManualClock())

    def as_osc(events: Sequence[Event]) -> Sequence[bytes]:
        return pack(encoder.frame(events[0]), [each for event in events for each in encoder.elements(event)])

    def as_vmc(events: Sequence[Event]) -> Sequence[bytes]:
        return vmc.encode(events).datagrams

    found = []
    for name, ours in (("OSC", as_osc), ("VMC", as_vmc)):
        found.append(_against_python_osc(name, ours, frames()))
    return found


def _against_python_osc(name: str, ours: Any, dance: Sequence[Sequence[Event]]) -> Row:
    """Return the row of one encoder; ours and the builder take turns, in processor time, the best turn of each counts.

    The best, because whatever else runs on the machine only ever adds.
    """
    contents = [[decode(datagram) for datagram in ours(frame)] for frame in dance]
    mine: list[np.ndarray] = []
    theirs: list[np.ndarray] = []
    for _ in range(TURNS):
        mine.append(_spent_ms(ours, dance))
        theirs.append(_spent_ms(build, contents))
    (p50, p99), (peer_p50, peer_p99) = (
        np.min(np.percentile(each, (50, 99), axis=1), axis=1) for each in (np.array(mine), np.array(theirs))
    )
    ratio = peer_p50 / p50
    return {
        "name": f"emotion + 21 joints as {name}",
        "ours_ms": p50,
        "ours_p99_ms": p99,
        "peer": "python-osc builder",
        "peer_ms": peer_p50,
        "peer_p99_ms": peer_p99,
        "ratio": ratio,
        "goal": f"<= {GOAL_MS:g} ms, >= {GOAL_RATIO:g}x",
        "met": bool(p50 <= GOAL_MS and ratio >= GOAL_RATIO),
    }


def build(bundles: Sequence[Sequence[Any]]) -> list[bytes]:
    """Build the same bundles with python-osc."""
    built = []
    for messages in bundles:
        bundle = OscBundleBuilder(IMMEDIATELY)
        for message in messages:
            builder = OscMessageBuilder(message.address)
            for arg in message.args:
                builder.add_arg(arg)
            bundle.add_content(builder.build())
        built.append(bundle.build().dgram)
    return built


def _spent_ms(work: Any, inputs: Sequence[Any]) -> np.ndarray:
    """Return the milliseconds (N,) that each input took."""
    spent = np.empty(len(inputs))
    for i, each in enumerate(inputs):
        start_ns = time.perf_counter_ns()
        work(each)
        spent[i] = (time.perf_counter_ns() - start_ns) / 1e6
    return spent


@contextmanager
def watcher(*words: str) -> Iterator[tuple[int, Any, Any]]:
    """Offer the other side, a process: its OSC port, its standard input and its standard output."""
    command = [sys.executable, str(WATCH), *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        out: Any = process.stdout
        try:
            yield int(out.readline()), process.stdin, process.stdout
        finally:
            process.kill()


def xsens_row(seconds: float) -> Row:
    """Return the row of a live show: datagrams of a suit through sensor, engine and bridge, and back as OSC."""
    clock = MonotonicClock()
    with watcher("xsens", str(seconds), str(XSENS_HZ)) as (osc_port, tell, hear):
        sensor = open_sensor("xsens:udp://127.0.0.1:0", clock)
        engine = Engine(None, clock, rate_hz=XSENS_HZ)  # every pose of the suit, and the qualities of its movement
        runner = Runner([sensor], engine, [OscBridge("127.0.0.1", osc_port, clock=clock)], clock)
        show = threading.Thread(target=runner.run, daemon=True)
        show.start()
        tell.write(f"{_port_of(sensor)}\n")
        tell.flush()
        told = json.loads(hear.readline())
        runner.stop()
        show.join(5.0)
    p50, p99 = np.percentile(told["ms"][WARM:], (50, 99))
    lost = told["lost"]
    return _row(
        f"Xsens in -> OSC out at {XSENS_HZ:g} Hz, {seconds:g} s: {lost} of {told['sent']} lost", float(p50), float(p99),
        f"p99 <= {XSENS_P99_MS:g} ms, 0 lost", met=bool(p99 <= XSENS_P99_MS and lost == 0),
    )  # fmt: skip


def _port_of(sensor: Any) -> int:
    """Return where a sensor listens, once it does."""
    for _ in range(500):
        port = getattr(sensor, "port", 0)
        if port:
            return int(port)
        time.sleep(0.01)
    raise TimeoutError("the sensor does not listen")


def jitter_row(seconds: float) -> Row:
    """Return the row of an even stream: frames given at exactly 60 Hz, and how unevenly they arrive."""
    clock = MonotonicClock()
    with watcher("listen", str(seconds)) as (osc_port, _, hear):
        bridge = OscBridge("127.0.0.1", osc_port, clock=clock)
        bridge.start()
        over = threading.Event()
        thread = threading.Thread(target=_generate, args=(bridge, clock, over), daemon=True)
        thread.start()
        came_ms = np.array(json.loads(hear.readline())["came_ms"])
        over.set()
        thread.join(2.0)
        bridge.close()
    off_ms = np.abs(np.diff(came_ms)[10:] - 1000.0 / MOTION_HZ)
    p50, p99 = np.percentile(off_ms, (50, 99))
    return _row(
        f"jitter of a {MOTION_HZ:g} Hz OSC stream, {seconds:g} s", float(p50), float(p99),
        f"p99 <= {JITTER_P99_MS:g} ms", met=bool(p99 <= JITTER_P99_MS),
    )  # fmt: skip


def _generate(bridge: OscBridge, clock: MonotonicClock, over: threading.Event) -> None:
    """Give a generated frame at every sixtieth of a second."""
    rest = BODY.rest_positions.astype(np.float32)
    still = np.tile(np.array([1, 0, 0, 0], np.float32), (JOINT_COUNT, 1))
    motion = MotionEvent("g", 0, 0, rest, still, rest[0], "happy", 1.0, 0.5, 0.5, 1, "bench", "0" * 64)
    start_ns = clock.now_ns()
    seq = 0
    while not over.is_set():
        due_ns = start_ns + round(seq * NS_PER_S / MOTION_HZ)
        clock.sleep_until_ns(due_ns)
        bridge.send(replace(motion, seq=seq, t_ns=due_ns))
        seq += 1


def _row(name: str, p50: float, p99: float, goal: str, *, met: bool) -> Row:
    nobody = {"peer": None, "peer_ms": None, "peer_p99_ms": None, "ratio": None}
    return {"name": name, "ours_ms": p50, "ours_p99_ms": p99, **nobody, "goal": goal, "met": met}


if __name__ == "__main__":
    for each in (xsens_row(float(sys.argv[1])), jitter_row(float(sys.argv[1]))):
        print(json.dumps(each))
