"""Streaming generation beside an ACTOR-like decoder (a clip of 60 frames) and one of an MVAE's size: one thread.

Ours is the whole way from a wish to a frame at 60 Hz: network, footing, foot lock, interpolation, joints. The peers are
their decoders alone, with random weights and their published sizes, and give network frames at 30 Hz.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

Row = dict[str, object]
PIECE = 8  # frames at 60 Hz of a piece: what is amortised over
GOAL_MS, WORST_MS, FIRST_MS, PERFORMERS = 0.2, 4.0, 15.0, 80
CLIP = 60  # frames of an ACTOR clip
DRIFT_S = 240.0  # of this machine's time that an hour of streaming may take


class ActorDecoder(nn.Module):
    """Decode a clip at once as ACTOR does (Petrovich et al., ICCV 2021): 8 layers of 256, 4 heads, rotations in 6-D."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerDecoderLayer(256, 4, 1024, activation="gelu")
        self.layers = nn.TransformerDecoder(layer, 8)
        self.out = nn.Linear(256, 25 * 6)
        self.register_buffer("time", torch.randn(CLIP, 1, 256))

    def forward(self, latent: Tensor) -> Tensor:
        """Return a clip (60, 1, 150) of a latent (1, 1, 256)."""
        return self.out(self.layers(self.time, latent))


class MvaeDecoder(nn.Module):
    """Decode a frame as a motion VAE does (Ling et al., SIGGRAPH 2020): six experts, 256 wide, 32 latent, mixed."""

    def __init__(self, frame: int = 267, latent: int = 32, width: int = 256, experts: int = 6) -> None:
        super().__init__()
        sizes = ((frame + latent, width), (width + latent, width), (width + latent, frame))
        self.weights = nn.ParameterList([nn.Parameter(0.05 * torch.randn(experts, a, b)) for a, b in sizes])
        self.biases = nn.ParameterList([nn.Parameter(torch.zeros(experts, 1, b)) for _, b in sizes])
        self.gate = nn.Sequential(
            nn.Linear(frame + latent, 64), nn.ELU(), nn.Linear(64, 64), nn.ELU(), nn.Linear(64, experts)
        )

    def forward(self, past: Tensor, latent: Tensor) -> Tensor:
        """Return the next frame (1, 267) of the last one and a latent (1, 32)."""
        share = torch.softmax(self.gate(torch.cat((latent, past), dim=1)), dim=1)  # (1, experts)
        hidden = past
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            mixed = torch.einsum("ne,eab->nab", share, weight)
            hidden = torch.cat((latent, hidden), dim=1)
            hidden = torch.bmm(hidden[:, None], mixed)[:, 0] + torch.einsum("ne,eab->nb", share, bias)
            hidden = nn.functional.elu(hidden) if i < len(self.weights) - 1 else hidden
        return hidden


def run() -> list[Row]:
    """Return the rows of the table; ours and the peers take turns in one run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            return [*_frames(), _first(), _many(), _hour()]
    finally:
        torch.set_num_threads(threads)


def _frames() -> list[Row]:
    """Compare a frame's time, amortised over a piece, and tell the worst single frame."""
    from emotus.engine.generator import Generator, load_generator
    from emotus.engine.wish import Wish

    generator = Generator(load_generator())
    generator.ask(Wish("happy", travels=True))
    actor, mvae = ActorDecoder().eval(), MvaeDecoder().eval()
    latent, small, past = torch.randn(1, 1, 256), torch.randn(1, 32), torch.randn(1, 267)
    singles: list[float] = []

    def piece() -> None:
        for _ in range(PIECE):
            start = time.perf_counter_ns()
            generator.step()
            singles.append((time.perf_counter_ns() - start) / 1e6)

    ours, clip, frame = _in_turns((piece, lambda: actor(latent), lambda: mvae(past, small)), rounds=60)
    ours, clip, worst = ours / PIECE, clip / CLIP, np.array(singles[PIECE * 20 :])
    least = float(np.quantile(ours, 0.1))
    named = f"a frame at 60 Hz, N = 1, amortised (a tenth of the pieces below {least:.3f} ms)"
    rows = [_row(named, ours, "MVAE-size decoder, a frame at 30 Hz, network alone", frame, GOAL_MS)]
    rows.append(_row("the same", ours, "ACTOR-like decoder, a 60th of its clip, network alone", clip, None))
    p99 = float(np.quantile(worst, 0.99))
    single = _row(f"a single frame (worst {worst.max():.2f} ms)", worst, "", None, None)
    return [*rows, single | {"ours_p99_ms": p99, "goal": f"worst <= {WORST_MS:g} ms", "met": worst.max() <= WORST_MS}]


def _first() -> Row:
    """Tell how long the first frame takes after a start, the weights being loaded."""
    from emotus.engine.generator import Generator, load_generator

    model, actor, latent = load_generator(), ActorDecoder().eval(), torch.randn(1, 1, 256)
    Generator(model).step()
    ours, clip = _in_turns((lambda: Generator(model).step(), lambda: actor(latent)), rounds=20)
    row = _row("first frame after the start", ours, "ACTOR-like decoder: its whole clip", clip, None)
    return row | {"goal": f"<= {FIRST_MS:g} ms", "met": float(np.median(ours)) <= FIRST_MS}


def _many() -> Row:
    """Tell how many performers one core keeps at 60 Hz, in one batch of as many as asked for."""
    from emotus.engine.generator import Generator, load_generator

    generator = Generator(load_generator(), performers=PERFORMERS)

    def piece() -> None:
        for _ in range(PIECE):
            generator.step()

    (ours,) = _in_turns((piece,), rounds=20)
    kept = PERFORMERS * PIECE / 60.0 / (float(np.median(ours)) / 1000.0)
    row = _row(
        f"{PERFORMERS} performers, a frame of all; a core keeps {kept:.0f} at 60 Hz", ours / PIECE, "", None, None
    )
    return row | {"goal": f">= {PERFORMERS} a core", "met": kept >= PERFORMERS}


def _hour() -> Row:
    """Stream an hour, or what of it fits into DRIFT_S, and compare its last minutes with its first."""
    from emotus.engine.body import BODY
    from emotus.engine.generator import Generator, load_generator
    from emotus.engine.wish import Wish

    rate, minute = 30.0, 1800
    generator = Generator(load_generator(), seed=1, rate_hz=rate)
    generator.ask(Wish("happy"))
    toes = [BODY.index["LeftToes"], BODY.index["RightToes"]]
    begun, speeds, far, low, minutes = time.monotonic(), [], 0.0, 1.0, 0
    while minutes < 60 and time.monotonic() - begun < DRIFT_S:
        joints, _, root = (each[0] for each in generator.take(minute))
        moved = np.linalg.norm(np.diff(joints - root[:, None], axis=0), axis=-1)
        speeds.append(float(moved.mean()) * rate)
        far, low = max(far, float(np.hypot(root[:, 0], root[:, 2]).max())), min(low, float(joints[:, toes, 1].min()))
        minutes += 1
    part = max(1, minutes // 6)
    ratio = float(np.mean(speeds[-part:]) / np.mean(speeds[:part]))
    told = f"{minutes} min streamed: speed of the last {part} min {ratio:.2f} of the first, {far:.2f} m from its place"
    took = np.array([1000.0 * (time.monotonic() - begun) / (minutes * minute)])
    sound = 0.67 < ratio < 1.5 and far < 0.5 and low > -0.01 and bool(np.isfinite(speeds).all())
    row = _row(f"{told}, lowest toe {100 * low:.1f} cm", took, "", None, None)
    return row | {"goal": "an hour without drift", "met": sound if minutes == 60 else None}


def _in_turns(works: Sequence[Callable[[], object]], rounds: int) -> list[np.ndarray]:
    """Return the times of each in ms, in alternating stretches of five, the first two rounds left away."""
    found: list[list[float]] = [[] for _ in works]
    for turn in range(rounds):
        for work, times in zip(works, found, strict=True):
            for _ in range(5):
                start = time.perf_counter_ns()
                work()
                if turn > 1:
                    times.append((time.perf_counter_ns() - start) / 1e6)
    return [np.array(times) for times in found]


def _row(name: str, ours: np.ndarray, peer: str, theirs: np.ndarray | None, goal_ms: float | None) -> Row:
    p50 = float(np.median(ours))
    peer_p50 = None if theirs is None else float(np.median(theirs))
    return {
        "name": name,
        "ours_ms": p50,
        "ours_p99_ms": float(np.quantile(ours, 0.99)),
        "peer": peer,
        "peer_ms": peer_p50,
        "peer_p99_ms": None if theirs is None else float(np.quantile(theirs, 0.99)),
        "ratio": None if peer_p50 is None else peer_p50 / p50,
        "goal": "-" if goal_ms is None else f"<= {goal_ms:g} ms",
        "met": None if goal_ms is None else p50 <= goal_ms,
    }
