"""One frame through the shipped recogniser and through a full-size ST-GCN, beside their peers: one thread.

The full-size network is the published one: ten blocks, 25 joints, 3 M parameters, random weights, the same in ours and
in the peers. Ours says what the windowed network says, on every frame; how far off the peer is, is checked first.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from published_networks import PlainStgcn

from emotus.engine.network import NetworkRecogniser

GOAL_MS = 0.4
_ROUNDS = 40
_FRAMES = 50
_LONG = 300  # frames of the window
_POOL = 75
Step = Callable[[], object]


def run() -> list[dict[str, object]]:
    """Return the rows of the table; ours and the peers take turns in one run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            return [*_shipped(), *_full_size(), *_many_streams()]
    finally:
        torch.set_num_threads(threads)


def _shipped() -> list[dict[str, object]]:
    """Return the rows of the recogniser as a show uses it, calibrated reading included, and as torch alone runs it."""
    from emotus.engine.network import load

    lean, eager = _reading(load("bandai-stgcn", "lean")), _reading(load("bandai-stgcn", "eager"))
    ours, plain, peer = _taking_turns((lean, eager, _lstm()), (_FRAMES, _FRAMES, _FRAMES), _ROUNDS)
    p50 = float(np.median(ours))
    row = _row("shipped recogniser, whole step, 1 performer", ours, "LSTM 2x128 step (torch)", peer)
    return [
        row | {"goal": f"<= {GOAL_MS:g} ms", "met": p50 <= GOAL_MS},
        _row("the same step, in place against torch eager", ours, "its own network (torch eager)", plain),
    ]


def _reading(recogniser: NetworkRecogniser) -> Step:
    frame = np.zeros(90, np.float32)
    frame[63:84] = 1.0
    evidence = recogniser.start()

    def step() -> None:
        nonlocal evidence
        _, evidence = recogniser.step(frame, evidence)

    return step


def _lstm() -> Step:
    lstm = torch.nn.LSTM(90, 128, num_layers=2).eval()
    x = torch.randn(1, 1, 90)
    state = (torch.zeros(2, 1, 128), torch.zeros(2, 1, 128))

    def step() -> None:
        nonlocal state
        _, state = lstm(x, state)

    return step


def _full_size() -> list[dict[str, object]]:
    plain = PlainStgcn("continual-skeletons", strides=(1,) * 10)
    window, frame = torch.randn(1, _LONG, 25, 3), torch.randn(1, 25, 3)
    single, half = _rings(plain, 1), _rings(plain, 1, half=True)
    steps: list[Step] = [lambda: single.step(frame), lambda: half.step(frame), lambda: plain(window)]
    exported_window = _in_onnxruntime(plain, window)  # first, since the peer alters torch's own modules
    name = "CoST-GCN* step (continual-inference 1.2.4)"
    try:
        steps.append(_continual(plain, frame))
    except ImportError as error:
        name = f"CoST-GCN*: {error}"
    if len(steps) == 4:
        steps += exported_window
    times = _taking_turns(steps, (24, 24, 1, 6, 1), 16)
    ours, bf16, windowed = times[:3]
    peer = times[3] if len(times) > 3 else None
    longest = f"ST-GCN on the last {_LONG} frames (torch)"
    other = f"ST-GCN on the last {_LONG} frames (onnxruntime)"
    exported = None if len(times) < 5 else times[4]
    return [
        _row("exact ST-GCN step, 10 blocks, 25 joints, fp32", ours, name, peer, 8.0),
        _row("the same in bfloat16", bf16, name, peer, 14.0),
        _row("exact ST-GCN step, fp32, against the window", ours, longest, windowed, 55.0),
        _row("the same in bfloat16", bf16, longest, windowed, 100.0),
        _row("exact ST-GCN step, fp32, against the window", ours, other, exported),
    ]


def _rings(plain: PlainStgcn, n: int, *, half: bool = False):
    from emotus.models.published import fold
    from emotus.models.rings import StepRings

    model = fold(plain.state_dict(), strides=(1,) * 10, pool=_POOL)
    if half:
        model = model.to(torch.bfloat16)
        model.pack(n)
    return StepRings(model, n)


def _in_onnxruntime(plain: PlainStgcn, window: torch.Tensor) -> list[Step]:
    """Return the window read by onnxruntime on one thread; nothing where it cannot be exported here."""
    try:
        import onnxruntime

        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.getLogger("torch.onnx").setLevel(logging.ERROR)
            program = torch.onnx.export(plain.eval(), (window,), input_names=["window"], dynamo=True, verbose=False)
    except ImportError:
        return []
    assert program is not None  # noqa: S101 - with dynamo it always is
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = 1, 1, 3
    data = program.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    fed = {"window": window.numpy()}
    wanted = plain(window).numpy()
    far = np.abs(session.run(None, fed)[0] - wanted).max() / np.abs(wanted).max()
    if far > 1e-3:
        raise RuntimeError(f"onnxruntime answers {far:.1e} of the answer away from the network")
    return [lambda: session.run(None, fed)]


def _continual(plain: PlainStgcn, frame: torch.Tensor) -> Step:
    from peer_costgcn import build, check

    far = check()
    if far > 1e-5:
        raise ImportError(f"its step is {far:.1e} away from the network on the same window")
    net, x = build(plain, _POOL), frame.transpose(1, 2)
    for _ in range(81 + _POOL):
        net.forward_step(x)
    return lambda: net.forward_step(x)


def _many_streams() -> list[dict[str, object]]:
    """Return how much of the core's own matrix-product rate a step of many streams reaches, fp32."""
    plain = PlainStgcn("continual-skeletons", strides=(1,) * 10)
    square = torch.randn(768, 768)
    rows: list[dict[str, object]] = []
    for n in (4, 16):
        rings, frame = _rings(plain, n), torch.randn(n, 25, 3)
        ours, product = _taking_turns((lambda r=rings, f=frame: r.step(f), lambda: square @ square), (8, 8), 12)
        ideal = _flops(rings) / (2 * 768**3 / float(np.median(product)))  # ms
        each = ours / n
        share = ideal / float(np.median(each))
        row = _row(f"exact step, fp32, a stream of {n}", each, "the core's matrix products alone", None)
        rows.append(row | {"peer_ms": ideal, "ratio": share, "goal": ">= 0.8x of that rate", "met": share >= 0.8})
    return rows


def _flops(rings) -> float:
    """Return the floating-point operations of one stream's step: two for each product."""
    blocks = rings.model.chain
    return 2.0 * sum(
        b.joints * (b.taps.numel() + b.mix.numel() + (0 if b.past_mix is None else b.past_mix.numel()))
        + b.gather.numel() * b.channels_in
        for b in blocks
    )


def _taking_turns(steps: Sequence[Step], repeats: Sequence[int], rounds: int) -> list[np.ndarray]:
    """Return the times of each in ms, in alternating stretches, so that a busy machine hits all alike."""
    found: list[list[float]] = [[] for _ in steps]
    for turn in range(rounds):
        for step, times, count in zip(steps, found, repeats, strict=False):
            for _ in range(count):
                start = time.perf_counter_ns()
                step()
                if turn > 0:  # the first round warms up
                    times.append((time.perf_counter_ns() - start) / 1e6)
    return [np.array(times) for times in found]


def _row(
    name: str, ours: np.ndarray, peer: str, theirs: np.ndarray | None, goal: float | None = None
) -> dict[str, object]:
    p50 = float(np.median(ours))
    peer_p50 = None if theirs is None else float(np.median(theirs))
    ratio = None if peer_p50 is None else peer_p50 / p50
    return {
        "name": name,
        "ours_ms": p50,
        "ours_p99_ms": float(np.quantile(ours, 0.99)),
        "peer": peer,
        "peer_ms": peer_p50,
        "peer_p99_ms": None if theirs is None else float(np.quantile(theirs, 0.99)),
        "ratio": ratio,
        "goal": "-" if goal is None else f">= {goal:g}x",
        "met": None if goal is None or ratio is None else ratio >= goal,
    }


if __name__ == "__main__":
    for row in run():
        print(row)
