"""What the camera's path gives and costs: smoothing, landmarks against published ones, poses a second, their age.

The networks need an environment of their own: `make webcam`, then `.venv-webcam/bin/emotus bench webcam`. A video file
stands for the camera, its pictures coming at 30 a second whether or not anybody takes them. EMOTUS_BENCH_SECONDS=600
watches that path for ten minutes instead of fifteen seconds.

The golden landmarks are those published with the video. Compared are, picture by picture, world landmarks about the
middle of the hips: the 21 joints that both make up, and all 33 landmarks as they are. Without the library's smoothing,
which takes the video of 5 pictures a second for one of 30.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from emotus.engine.body import BODY
from emotus.engine.clock import MonotonicClock
from emotus.engine.one_euro import SMOOTHINGS, OneEuro, Smoothing
from emotus.engine.retarget import match_skeleton, retarget
from emotus.engine.skeleton_tables import MEDIAPIPE_NAMES
from emotus.engine.tables import points_skeleton
from emotus.sensors.eyes import Eyes, Sight
from emotus.sensors.pose_choice import describe
from emotus.sensors.webcam import WebcamSensor

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "webcam"
SQUATS = DATA / "pose_squats.mp4"
SECONDS = float(os.environ.get("EMOTUS_BENCH_SECONDS", "15"))
RATE_HZ, NOISE_M, SWAY_M = 60, 0.01, 0.2
FRAME_MS = 1e3 / 30
MB = 2**20


def row(name: str, ours: tuple[float | None, float | None], goal: str, met: bool | None, peer: str | None = None):
    """Return one row of the table."""
    figures = {"ours_ms": ours[0], "ours_p99_ms": ours[1], "peer": peer, "peer_ms": None, "peer_p99_ms": None}
    return {"name": name, **figures, "ratio": None, "goal": goal, "met": met}


def smoothing_row(name: str, smoothing: Smoothing) -> dict[str, Any]:
    """Return what a smoothing does to a body that sways at 1 Hz by 20 cm: jitter left, lag in milliseconds."""
    rng = np.random.default_rng(3)
    t_s = np.arange(20 * RATE_HZ) / RATE_HZ
    sway = np.zeros((len(t_s), 1, 3))
    sway[:, 0, 0] = SWAY_M * np.sin(math.tau * t_s)
    clean = (BODY.rest_positions + sway).astype(np.float32)  # (T, 21, 3)
    noisy = (clean + rng.normal(scale=NOISE_M, size=clean.shape)).astype(np.float32)
    ours, still = OneEuro(smoothing), OneEuro(smoothing)
    start = time.perf_counter()
    made = np.array([ours.step(points, round(i * 1e9 / RATE_HZ)) for i, points in enumerate(noisy)])
    cost_us = 1e6 * (time.perf_counter() - start) / len(noisy)
    smooth = np.array([still.step(points, round(i * 1e9 / RATE_HZ)) for i, points in enumerate(clean)])
    jitter = float(np.sqrt(np.mean((made - smooth)[120:] ** 2))) / NOISE_M
    wave = np.exp(-1j * math.tau * t_s[120:])
    lags = np.angle((clean[120:, :, 0].mean(axis=1) * wave).sum()) - np.angle(
        (made[120:, :, 0].mean(axis=1) * wave).sum()
    )
    lag_ms = float(1e3 * lags / math.tau)
    told = f"One-Euro {name}, 60 Hz, 10 mm noise: jitter {jitter:.2f} of it at a lag of ({cost_us:.0f} us a body)"
    wanted = name == "light"
    goal = "<= 0.5 at <= 30 ms" if wanted else "-"
    return row(told, (lag_ms, None), goal, jitter <= 0.5 and lag_ms <= 30 if wanted else None)


def squats_row() -> dict[str, Any]:
    """Return how far the landmarks of the squats lie from the published ones, and milliseconds a picture."""
    points = np.array(json.loads((DATA / "pose_squats_3d.full.json").read_text()), dtype=np.float32)  # (65, 33, 3)
    settings = {"source": str(SQUATS), "capture": "emotus.sensors.capture:open_file"}
    eyes = Eyes("bench", Sight("bench"), "emotus.sensors.webcam_worker:play", settings, lossless=True)
    eyes.open()
    start, seen, people = time.perf_counter(), 0, []
    while eyes.state != "ended" or len(people) < seen:
        sighting = eyes.look(0.2)
        if sighting is not None:
            seen += 1
            people += [one.world[:, :3] for one in sighting.people]
        elif eyes.state in ("ended", "failed"):
            break
    picture_ms = 1e3 * (time.perf_counter() - start) / max(seen, 1)
    eyes.close()
    if len(people) != len(points):
        return row(
            f"squats: {len(people)} poses in {seen} pictures", (picture_ms, None), "every picture a pose", met=False
        )
    match = match_skeleton(points_skeleton(MEDIAPIPE_NAMES), place="bench")
    ours, golden = (retarget(match, each).positions for each in (np.array(people), points))
    body_cm = 100 * np.linalg.norm((ours - ours[:, :1]) - (golden - golden[:, :1]), axis=-1)
    all_cm = 100 * np.linalg.norm(np.array(people) - points, axis=-1)
    name = f"squats, {seen} of {seen}: joints {body_cm.mean():.1f} cm off (33 landmarks {all_cm.mean():.1f}), a picture"
    return row(name, (picture_ms, None), "joints < 5 cm, every picture a pose", bool(body_cm.mean() < 5))


def camera_rows() -> list[dict[str, Any]]:
    """Return poses a second, their age when they are taken, and how memory grows, while a film stands for a camera."""
    sensor = WebcamSensor(
        str(SQUATS), clock=MonotonicClock(), settings={"capture": "support.film_as_camera:FilmAsCamera"}
    )
    sensor.open()
    processes = [psutil.Process(), psutil.Process(sensor.pid)]
    ages_ms: list[float] = []
    times_ns: list[int] = []
    memory: list[tuple[float, float]] = []
    busy_s, start = sum(sum(each.cpu_times()[:2]) for each in processes), time.monotonic()
    while (now := time.monotonic()) - start < SECONDS:
        pose = sensor.read()
        if pose is not None:
            ages_ms.append((time.monotonic_ns() - pose.t_ns) / 1e6)
            times_ns.append(pose.t_ns)
        if not memory or now - memory[-1][0] > SECONDS / 50:
            memory.append((now, sum(each.memory_info().rss for each in processes) / MB))
    busy_ms = 1e3 * (sum(sum(each.cpu_times()[:2]) for each in processes) - busy_s) / len(ages_ms)
    sensor.close()
    rate_hz = (len(times_ns) - 1) * 1e9 / (times_ns[-1] - times_ns[0])
    settled = np.array(memory[len(memory) // 4 :])
    slope_mb = float(np.polyfit(settled[:, 0] - start, settled[:, 1], 1)[0] * 60) if len(settled) > 4 else 0.0
    p50, p99 = np.percentile(ages_ms, [50, 99])
    name = f"webcam path, 640x480, {SECONDS:.0f} s: {rate_hz:.1f} poses a second, each {busy_ms:.0f} ms of a core; age"
    grown = f"webcam path: memory {settled[-1, 1]:.0f} MB, {slope_mb:+.1f} MB a minute over the last three quarters"
    return [
        row(
            name,
            (float(p50), float(p99)),
            f">= 15 a second, age <= {2 * FRAME_MS:.0f} ms",
            rate_hz >= 15 and p50 <= 2 * FRAME_MS,
        ),
        row(grown, (None, None), "flat", bool(slope_mb < 1.0) if SECONDS >= 120 else None),
    ]


def run() -> list[dict[str, Any]]:
    """Return the rows: both smoothings, then what needs the networks, or the reason why it could not be measured."""
    rows = [smoothing_row(name, each) for name, each in SMOOTHINGS.items() if each is not None]
    ready, found, mend = describe()
    missing = f"{found}: {mend}" if not ready else "" if SQUATS.exists() else f"{SQUATS} is missing"
    if missing:
        names = ("squats against the golden landmarks", "webcam path, 640x480")
        goals = ("joints < 5 cm, every picture a pose", ">= 15 a second, age <= 67 ms")
        return rows + [row(name, (None, None), goal, None, missing) for name, goal in zip(names, goals, strict=True)]
    sys.path.insert(0, str(ROOT / "tests"))  # the film that stands for a camera
    return [*rows, squats_row(), *camera_rows()]
