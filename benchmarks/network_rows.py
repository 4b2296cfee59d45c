"""What a frame of each network source costs until it is a pose: rows of bench_sensors.

The packets are those of the tests' senders, byte for byte as the programs send them.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emotus.engine.body import BODY
from emotus.sensors.axis import AxisDecoder
from emotus.sensors.mocopi import MocopiDecoder
from emotus.sensors.packets import PacketDecoder
from emotus.sensors.rokoko import RokokoDecoder
from emotus.sensors.vmc import VmcDecoder

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support import network_senders, vmc_bytes

FRAMES = 600
REPEATS = 4
STEP_NS = 16_666_667
VMC_GOAL_MS = 0.20

Row = dict[str, Any]
Pack = Callable[[int, np.ndarray, np.ndarray, float], list[bytes]]


def fifty_five_bones(_: int, positions: np.ndarray, local: np.ndarray, t_s: float) -> list[bytes]:
    """Return a frame of VMC with every bone there is, in bundles."""
    upper = vmc_bytes.placed("/VMC/Ext/Bone/Pos", "UpperChest", (0.0, 0.1, 0.0), (0.0, 0.0, 0.0, 1.0))
    bones = [*vmc_bytes.bones(local, positions[0], BODY.offsets), *vmc_bytes.fingers_and_eyes(), upper]
    return vmc_bytes.bundles([*vmc_bytes.tick(t_s), vmc_bytes.root(), *bones])


def frame_row(name: str, decoder: PacketDecoder, pack: Pack, goal_ms: float | None = None) -> Row:
    """Return the row of feeding all packets of a frame, one thread, the collector at rest; the first frames warm up."""
    positions, rotations = network_senders.performance(FRAMES)
    frames = [pack(i, positions[i], rotations[i], i / 60) for i in range(FRAMES)]
    took: list[float] = []
    given = 0
    gc.collect()
    gc.disable()
    try:
        for repeat in range(REPEATS):
            decoder.reset()
            for i, packets in enumerate(frames):
                t_ns = 10**9 + (repeat * FRAMES + i) * STEP_NS
                start_ns = time.perf_counter_ns()
                for packet in packets:
                    given += len(list(decoder.feed(packet, t_ns)))
                took.append((time.perf_counter_ns() - start_ns) / 1e6)
    finally:
        gc.enable()
    if given != len(took):
        raise RuntimeError(f"{name}: {given} poses of {len(took)} frames")
    p50, p99 = np.percentile(took, [50, 99])
    size = sum(map(len, frames[1]))
    return {
        "name": f"{name}, {size:,} bytes",
        "ours_ms": float(p50),
        "ours_p99_ms": float(p99),
        "peer": None,
        "peer_ms": None,
        "peer_p99_ms": None,
        "ratio": None,
        "goal": "-" if goal_ms is None else f"<= {goal_ms:.2f} ms p50",
        "met": None if goal_ms is None else bool(p50 <= goal_ms),
    }


def vmc_frame() -> Row:
    """Time a VMC frame of 55 bones until it is a pose."""
    return frame_row("VMC frame (55 bones) -> Pose", VmcDecoder(), fifty_five_bones, VMC_GOAL_MS)


def rokoko_frame() -> Row:
    """Time a frame of Rokoko's JSON v3."""
    return frame_row("Rokoko JSON v3 -> Pose", RokokoDecoder(), network_senders.as_rokoko)


def axis_text_frame() -> Row:
    """Time a frame of Axis Studio as text with displacement."""
    return frame_row("Axis BVH text (354 numbers) -> Pose", AxisDecoder(), network_senders.as_axis_text)


def mocopi_frame() -> Row:
    """Time a frame of the mocopi app."""
    return frame_row("mocopi frame -> Pose", MocopiDecoder(), network_senders.as_mocopi)


MAKERS: Sequence[Callable[[], Row]] = (vmc_frame, rokoko_frame, axis_text_frame, mocopi_frame)


if __name__ == "__main__":
    for maker in MAKERS:
        print(maker())
