"""What intake, resampling and movement qualities cost a frame, each alone and together; PyEyesWeb beside the last.

The frame is one at the model's rate, 30 a second: at 60 Hz it is made of two poses, at 240 Hz of eight. The peer
computes five qualities (kinetic energy, log dimensionless jerk, contraction, symmetry, impulsivity) of the same body
over a window of one second; ours are eight.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from emotus.engine.body import JOINT_COUNT, JOINT_INDEX
from emotus.engine.clock import ManualClock
from emotus.engine.intake import Intake
from emotus.engine.pose import Pose
from emotus.engine.qualities import Qualities
from emotus.engine.resample import Resampler
from emotus.sensors.synthetic import SyntheticSensor

SECONDS = 40.0
WARM_FRAMES = 60
GOAL_TOGETHER_MS = 0.06
PEER = "PyEyesWeb 1.1.1"
PEER_WINDOW = 30


def performance(rate_hz: float) -> list[Pose]:
    """Return what a synthetic performer does in SECONDS, rotations included."""
    sensor = SyntheticSensor("tour", clock=ManualClock(), rate_hz=rate_hz, seconds=SECONDS, speed=0)
    sensor.open()
    poses = []
    while (pose := sensor.read()) is not None:
        poses.append(pose)
    return poses


def time_stages(poses: list[Pose]) -> dict[str, list[int]]:
    """Return nanoseconds a model frame of each stage and of all, from one frame given out to the next."""
    intake, resampler, qualities = Intake("bench"), Resampler(), Qualities()
    spent: dict[str, list[int]] = {"intake": [], "resample": [], "qualities": [], "together": []}
    at_intake = at_resample = 0
    for pose in poses:
        start = time.perf_counter_ns()
        arrivals = intake.push(pose)
        middle = time.perf_counter_ns()
        frames = [frame for arrival in arrivals for frame in resampler.push(arrival)]
        at_intake += middle - start
        at_resample += time.perf_counter_ns() - middle
        for frame in frames:
            start = time.perf_counter_ns()
            qualities.step(frame)
            at_qualities = time.perf_counter_ns() - start
            for name, each in (("intake", at_intake), ("resample", at_resample), ("qualities", at_qualities)):
                spent[name].append(each)
            spent["together"].append(at_intake + at_resample + at_qualities)
            at_intake = at_resample = 0
    return {name: each[WARM_FRAMES:] for name, each in spent.items()}


def time_peer(poses: Iterable[Pose]) -> list[int]:
    """Return nanoseconds a frame of the peer's five qualities, window included."""
    compute = _peer()
    spent = []
    for pose in poses:
        start = time.perf_counter_ns()
        compute(pose.positions)
        spent.append(time.perf_counter_ns() - start)
    return spent[WARM_FRAMES:]


def _peer() -> Callable[[np.ndarray], object]:
    from pyeyesweb.data_models.sliding_window import SlidingWindow
    from pyeyesweb.low_level.contraction_expansion import BoundingBoxFilledArea
    from pyeyesweb.low_level.geometric_symmetry import GeometricSymmetry
    from pyeyesweb.low_level.kinetic_energy import KineticEnergy
    from pyeyesweb.low_level.smoothness import Smoothness
    from pyeyesweb.mid_level.impulsivity import Impulsivity

    names = ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "Toes")
    pairs = [(JOINT_INDEX[f"Left{name}"], JOINT_INDEX[f"Right{name}"]) for name in names]
    energy, box = KineticEnergy(), BoundingBoxFilledArea()
    symmetry = GeometricSymmetry(pairs, center_of_symmetry=0)
    smooth, impulse = Smoothness(rate_hz=30.0, metrics=["ldlj_v"]), Impulsivity()
    window, speeds = SlidingWindow(PEER_WINDOW, JOINT_COUNT, 3), SlidingWindow(PEER_WINDOW, 1, 1)
    last = np.zeros((JOINT_COUNT, 3))

    def compute(positions: np.ndarray) -> object:
        nonlocal last
        velocity = (positions - last) * 30.0
        last = positions
        window.append(positions)
        speeds.append([float(np.linalg.norm(velocity[JOINT_INDEX["LeftHand"]]))])
        return (
            energy.compute(velocity),
            box.compute(positions),
            symmetry.compute(positions),
            smooth.compute(speeds.to_tensor()[0]),
            impulse.compute(window.to_tensor()[0]),
        )

    return compute


def percentiles_ms(spent: list[int]) -> tuple[float, float]:
    """Return the median and the 99th percentile in milliseconds."""
    p50, p99 = np.percentile(spent, [50, 99]) / 1e6
    return float(p50), float(p99)


def row(name: str, spent: list[int], goal: str, met: bool | None, peer: list[int] | None = None) -> dict[str, Any]:
    """Return one row of the table."""
    ours, ours_p99 = percentiles_ms(spent)
    peer_ms, peer_p99 = (None, None) if peer is None else percentiles_ms(peer)
    return {
        "name": name,
        "ours_ms": ours,
        "ours_p99_ms": ours_p99,
        "peer": None if peer is None else PEER,
        "peer_ms": peer_ms,
        "peer_p99_ms": peer_p99,
        "ratio": None if peer_ms is None else peer_ms / ours,
        "goal": goal,
        "met": met,
    }


def run() -> list[dict[str, Any]]:
    """Return the rows: stages at 60 Hz, all together at 30, 60 and 240 Hz, qualities beside the peer."""
    rows = []
    for rate_hz in (30.0, 60.0, 240.0):
        poses = performance(rate_hz)
        spent = time_stages(poses)
        together = percentiles_ms(spent["together"])[0]
        met = together <= GOAL_TOGETHER_MS if rate_hz == 30 else None
        goal = f"<= {GOAL_TOGETHER_MS} ms p50" if rate_hz == 30 else "-"
        rows.append(row(f"intake to qualities a frame, from {rate_hz:g} Hz", spent["together"], goal, met))
        if rate_hz == 60.0:
            rows += [row(f"  of it {stage}", spent[stage], "-", None) for stage in ("intake", "resample")]
            have_peer = importlib.util.find_spec("pyeyesweb") is not None
            peer = time_peer(poses[::2]) if have_peer else None
            qualities = row("  of it qualities (8)", spent["qualities"], "faster than the peer", None, peer)
            qualities["met"] = None if qualities["ratio"] is None else qualities["ratio"] > 1
            qualities["peer"] = PEER if have_peer else f"{PEER} not installed: pip install pyeyesweb==1.1.1"
            rows.append(qualities)
    return rows
