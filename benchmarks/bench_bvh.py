"""Reading BVH, and placing every joint and end site of it, beside pybvh, the fastest of its peers (PEERS.md 1.5).

The file is synthetic, 4.8 MB: 59 joints, 180 channels, 2,600 frames of smooth motion with six decimals, as exporters
write them. Ours and the peer take turns, each run from the path to the arrays; the garbage collector runs between the
runs and not in them, as timeit does it.
"""

from __future__ import annotations

import gc
import importlib.metadata
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from emotus.sensors.bvh import forward, read_bvh
from emotus.sensors.bvh_writer import write_bvh

GOAL = 3.0
RUNS = 60
JOINTS, FRAMES, CHAIN = 59, 2600, 6
RECORDING = Path(__file__).parents[2] / "shared" / "data" / "bvh" / "131_01.bvh"

Work = Callable[[Path], object]


def hierarchy(rng: np.random.Generator) -> str:
    """Write a root from which chains of six joints hang, each with an End Site."""
    lines = ["HIERARCHY", "ROOT Hips", "{", "\tOFFSET 0.000000 92.000000 0.000000"]
    lines.append("\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation")
    for first in range(1, JOINTS, CHAIN):
        chain = range(first, min(first + CHAIN, JOINTS))
        for depth, joint in enumerate(chain, start=1):
            tabs = "\t" * depth
            lines += [f"{tabs}JOINT Joint{joint}", f"{tabs}{{"]
            lines.append(f"{tabs}\tOFFSET " + " ".join(f"{x:.6f}" for x in rng.normal(0, 10, 3)))
            lines.append(f"{tabs}\tCHANNELS 3 Zrotation Xrotation Yrotation")
        tabs = "\t" * (len(chain) + 1)
        lines += [f"{tabs}End Site", f"{tabs}{{", f"{tabs}\tOFFSET 0.000000 5.000000 0.000000", f"{tabs}}}"]
        lines += ["\t" * depth + "}" for depth in range(len(chain), 0, -1)]
    return "\n".join([*lines, "}", ""])


def synthetic() -> str:
    """Write the whole file: every channel swings about a middle of its own at a pace of its own."""
    rng = np.random.default_rng(0)
    head = hierarchy(rng)
    t_s = np.arange(FRAMES)[:, None] / 30.0
    channels = 3 + 3 * JOINTS
    swing, pace, phase = rng.uniform(2, 40, channels), rng.uniform(0.2, 2, channels), rng.uniform(0, 6.28, channels)
    rows = rng.uniform(-60, 60, channels) + swing * np.sin(2 * np.pi * pace * t_s + phase)  # (T, C)
    motion = "".join(" ".join(f"{x:.6f}" for x in row) + "\n" for row in rows.tolist())
    return f"{head}MOTION\nFrames: {FRAMES}\nFrame Time: 0.033333\n{motion}"


def turns(path: Path, works: list[Work], runs: int) -> list[list[float]]:
    """Let the works take turns; return the milliseconds of each run of each."""
    took: list[list[float]] = [[] for _ in works]
    gc.disable()
    try:
        for run in range(runs + 3):
            for times, work in zip(took, works, strict=True):
                start_ns = time.perf_counter_ns()
                result = work(path)
                elapsed = (time.perf_counter_ns() - start_ns) / 1e6
                del result
                if run >= 3:  # the first ones warm up
                    times.append(elapsed)
            gc.collect()
    finally:
        gc.enable()
    return took


def peer_works() -> tuple[str, Work, Work] | None:
    """Return the peer's name and how it reads and places; None where it is not installed."""
    try:
        import pybvh
        from pybvh.spatial_coord import frames_to_node_positions
    except ImportError:
        return None
    return (
        f"pybvh {importlib.metadata.version('pybvh')}",
        pybvh.read_bvh_file,
        lambda path: frames_to_node_positions(pybvh.read_bvh_file(path)),
    )


def compare(name: str, path: Path, ours: Work, peer: tuple[str, Work] | None, runs: int, goal: str) -> dict[str, Any]:
    """Return the row of one comparison; met where the medians are GOAL times apart, if there is a goal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        took = turns(path, [ours, peer[1]] if peer else [ours], runs)
    mine = np.percentile(took[0], [50, 99])
    theirs = np.percentile(took[1], [50, 99]) if peer else None
    ratio = None if theirs is None else float(theirs[0] / mine[0])
    return {
        "name": name,
        "ours_ms": float(mine[0]),
        "ours_p99_ms": float(mine[1]),
        "peer": peer[0] if peer else "pybvh is not installed",
        "peer_ms": None if theirs is None else float(theirs[0]),
        "peer_p99_ms": None if theirs is None else float(theirs[1]),
        "ratio": ratio,
        "goal": goal,
        "met": None if ratio is None or not goal else ratio >= GOAL,
    }


def run() -> list[dict[str, Any]]:
    """Return the rows of parsing, parsing with kinematics, a real recording, and writing."""
    peer = peer_works()
    read, place = ((peer[0], peer[1]), (peer[0], peer[2])) if peer else (None, None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "synthetic.bvh"
        path.write_text(synthetic())
        size = f"{path.stat().st_size / 1e6:.1f} MB, {JOINTS} joints x {FRAMES:,} frames"
        goal = f">= {GOAL:g}x"
        rows = [
            compare(f"BVH parse, {size}", path, read_bvh, read, RUNS, goal),
            compare(
                f"BVH parse + FK, {size}", path, lambda p: forward(read_bvh(p), end_sites=True), place, RUNS // 2, goal
            ),
        ]
    if RECORDING.exists():
        rows.append(compare(f"BVH parse, {RECORDING.name}", RECORDING, read_bvh, read, RUNS, ""))
        bvh = read_bvh(RECORDING)
        rows.append(
            {**compare(f"BVH write, {RECORDING.name}", RECORDING, lambda _: write_bvh(bvh), None, 10, ""), "peer": None}
        )
    return rows


if __name__ == "__main__":
    for row in run():
        print(row)
