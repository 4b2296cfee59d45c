"""One frame through the shipped recogniser, beside a plain two-layer LSTM: one stream, one thread."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

GOAL_MS = 1.0
_ROUNDS = 40
_FRAMES = 50


def run() -> list[dict[str, object]]:
    """Return the rows of the table; ours and the peer take turns in one run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            ours, peer = _taking_turns(_ours(), _peer())
    finally:
        torch.set_num_threads(threads)
    return [_row("network step, shipped model, 1 stream", ours, peer)]


def _ours() -> Callable[[], None]:
    from emotus.models.store import load_recogniser

    model, _ = load_recogniser()
    x = torch.randn(1, 90).clamp(-1, 1)
    state = model.start(1)

    def step() -> None:
        nonlocal state
        _, state = model.step(x, state)

    return step


def _peer() -> Callable[[], None]:
    lstm = torch.nn.LSTM(90, 128, num_layers=2).eval()
    x = torch.randn(1, 1, 90)
    state = (torch.zeros(2, 1, 128), torch.zeros(2, 1, 128))

    def step() -> None:
        nonlocal state
        _, state = lstm(x, state)

    return step


def _taking_turns(ours: Callable[[], None], peer: Callable[[], None]) -> tuple[np.ndarray, np.ndarray]:
    """Return the times of each in ms, in alternating stretches, so that a busy machine hits both."""
    found: tuple[list[float], list[float]] = ([], [])
    for turn in range(_ROUNDS):
        for step, times in zip((ours, peer), found, strict=True):
            for _ in range(_FRAMES):
                start = time.perf_counter_ns()
                step()
                if turn > 0:  # the first round warms up
                    times.append((time.perf_counter_ns() - start) / 1e6)
    return np.array(found[0]), np.array(found[1])


def _row(name: str, ours: np.ndarray, peer: np.ndarray) -> dict[str, object]:
    p50, peer_p50 = float(np.median(ours)), float(np.median(peer))
    return {
        "name": name,
        "ours_ms": p50,
        "ours_p99_ms": float(np.quantile(ours, 0.99)),
        "peer": "LSTM 2x128 step (torch)",
        "peer_ms": peer_p50,
        "peer_p99_ms": float(np.quantile(peer, 0.99)),
        "ratio": peer_p50 / p50,
        "goal": f"<= {GOAL_MS:g} ms",
        "met": p50 <= GOAL_MS,
    }


if __name__ == "__main__":
    for row in run():
        print(row)
