"""What a frame of inertial sensors and a fused frame cost: datagram -> pose, and two sensors -> one performer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from emotus.engine.body import JOINT_NAMES
from emotus.engine.clock import NS_PER_S, ManualClock
from emotus.engine.pose import Pose
from emotus.sensors.fusion import Fuser
from emotus.sensors.imu_decoder import ImuDecoder
from emotus.sensors.imu_mapping import plain_mapping
from emotus.sensors.imu_performer import ImuPerformer
from emotus.sensors.synthetic import SyntheticSensor

SEGMENTS = [name for name in JOINT_NAMES if not name.endswith(("Toes", "Shoulder"))]  # seventeen, as in a whole suit
FRAMES = 600
SUIT_GOAL_MS, FUSED_GOAL_MS = 2.0, 2.0  # a tenth of a core at 60 Hz


def run() -> list[dict[str, Any]]:
    """Measure both on this machine; one row each."""
    poses = performed(FRAMES)
    decoder = ImuDecoder(ImuPerformer(plain_mapping(), "anna", pose="none"), "udp")  # it needs no calibration
    suit = timed([partial(decoder.feed, data, t_ns) for t_ns, data in datagrams(poses)])
    fuser = Fuser(2, "anna")
    fused = timed([partial(fuser.push, index, pose, pose.t_ns) for pose in poses for index in (1, 0)])[1::2]
    return [
        row(f"{len(SEGMENTS)} inertial sensors, one JSON datagram -> Pose", suit, SUIT_GOAL_MS),
        row("two sensors with 21 joints -> one fused Pose", fused, FUSED_GOAL_MS),
    ]


def performed(frames: int) -> list[Pose]:
    """Return a synthetic performer's first frames."""
    sensor = SyntheticSensor("happy", clock=ManualClock(), rate_hz=60.0, speed=0)
    sensor.open()
    poses = [sensor.read() for _ in range(frames)]
    return [pose for pose in poses if pose is not None]


def datagrams(poses: Iterable[Pose]) -> Iterable[tuple[int, bytes]]:
    """Yield times and datagrams, one line a sensor."""
    for pose in poses:
        assert pose.rotations is not None  # noqa: S101 - the synthetic performer has them
        turned = dict(zip(JOINT_NAMES, pose.rotations.tolist(), strict=True))
        lines = (json.dumps({"sensor": s, "t": pose.t_ns / NS_PER_S, "q": turned[s]}) for s in SEGMENTS)
        yield pose.t_ns, "\n".join(lines).encode()


def timed(steps: Iterable[Callable[[], Any]]) -> list[float]:
    """Return the milliseconds of each step."""
    out: list[float] = []
    for step in steps:
        start_ns = time.perf_counter_ns()
        step()
        out.append((time.perf_counter_ns() - start_ns) / 1e6)
    return out[20:]


def row(name: str, times_ms: list[float], goal_ms: float) -> dict[str, Any]:
    """Return a row of times against a goal."""
    p50, p99 = np.percentile(times_ms, [50, 99])
    peer = dict.fromkeys(("peer", "peer_ms", "peer_p99_ms", "ratio"))
    return {
        "name": name,
        "ours_ms": p50,
        "ours_p99_ms": p99,
        **peer,
        "goal": f"<= {goal_ms:g} ms",
        "met": bool(p50 <= goal_ms),
    }
