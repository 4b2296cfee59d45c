"""What following a performer's usual costs a frame: one update every tenth frame, shared out over the ten."""

from __future__ import annotations

import time

import numpy as np
import torch

GOAL_MS = 0.03
_ROUNDS = 400


def run() -> list[dict[str, object]]:
    """Return the row of the table; nobody else offers such a baseline, so there is no peer."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            times = _updates()
    finally:
        torch.set_num_threads(threads)
    p50, p99 = (float(np.quantile(times, q)) for q in (0.5, 0.99))
    return [
        {
            "name": "baseline update, a frame",
            "ours_ms": p50,
            "ours_p99_ms": p99,
            "peer": None,
            "peer_ms": None,
            "peer_p99_ms": None,
            "ratio": None,
            "goal": f"<= {GOAL_MS:g} ms",
            "met": p50 <= GOAL_MS,
        }
    ]


def _updates() -> np.ndarray:
    """Return milliseconds a frame of the updates of one stream."""
    from emotus.models.baseline import STRIDE, Usual
    from emotus.models.store import load_recogniser

    model, _ = load_recogniser()
    follower = model.usual
    usual = Usual(*follower.start(1))
    rows = torch.randn(_ROUNDS, 1, follower.size, dtype=torch.float64)
    where = torch.tensor([[0.1, 0.7, 0.1, 0.1]], dtype=torch.float64)
    valid = torch.ones(1, dtype=torch.float64)
    times: list[float] = []
    for row in rows:
        start = time.perf_counter_ns()
        usual = follower.learn(usual, row, where, valid)
        times.append((time.perf_counter_ns() - start) / 1e6 / STRIDE)
    return np.array(times[_ROUNDS // 10 :])


if __name__ == "__main__":
    for row in run():
        print(row)
