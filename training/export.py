"""`emotus export`: one step of a network as a file for another runtime, checked against the network before it is kept.

The step takes a frame of N streams and their state and gives answers and the next state, all named; N is chosen at
export. Nothing is kept of a file that does not answer as the network does.
"""

from __future__ import annotations

import io
import json
import logging
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from torch import Tensor, nn

from ..engine.errors import InputError, WeightsError
from ..models.base import State, StepModel
from ..models.checkpoint import open_checkpoint
from ..models.onnx_step import ANSWER, FRAME, NEXT, STATE, open_onnx
from ..models.store import WeightsProblem, load_recogniser
from ..models.tensorrt_step import TensorRtStep
from .clips import Progress
from .export_tensorrt import EngineStep, build_engine, require

FORMATS: Final = {"onnx": ".onnx", "torch": ".pt2", "tensorrt": ".engine"}
TOLERANCE: Final = 1e-4  # of the largest answer
CHECK_FRAMES: Final = 60


@dataclass(frozen=True)
class Exportable:
    """Hold a network whose step can be exported: frame_shape of one stream, about: what goes into the file."""

    model: StepModel
    frame_shape: tuple[int, ...]
    about: Mapping[str, Any]


def open_exportable(name: str, strides: tuple[int, ...] | None = None, pool: int = 75) -> Exportable:
    """Open a shipped recogniser by name, our own weights with their JSON, or a published ST-GCN checkpoint.

    Raises WeightsError naming the file and the mend.
    """
    path = Path(name)
    try:
        if path.suffix == ".safetensors" and not path.with_suffix(".json").exists():
            folded = open_checkpoint(path, strides=strides, pool=pool)
            return Exportable(folded, tuple(folded.scale.shape), {"source": path.name, "what": "logits"})
        if path.suffix in (".pt", ".pth", ".bin", ".ckpt"):
            open_checkpoint(path)
        model, info = load_recogniser(name)
    except WeightsProblem as problem:
        raise WeightsError(problem.place, problem.problem, mend=problem.mend) from None
    about = {
        "source": info.name,
        "sha256": info.sha256,
        "licence": info.licence,
        "attribution": info.attribution,
        "labels": list(info.labels),
        "temperatures": [list(pair) for pair in info.temperatures],
        "unknown_threshold": info.unknown_threshold,
        "strange_threshold": info.strange_threshold,
        "what": "logits of the labels, then the logit of strangeness",
    }
    return Exportable(model, (90,), about)


def parse_strides(text: str | None) -> tuple[int, ...] | None:
    """Return the strides of 1,1,2,...; raises InputError for anything but ones and twos."""
    if text is None:
        return None
    parts = text.split(",")
    if not all(part in ("1", "2") for part in parts):
        raise InputError(
            f"--strides {text}", "not a list of strides", mend="1 or 2 for each block: 1,1,1,1,2,1,1,2,1,1"
        )
    return tuple(int(part) for part in parts)


class _Step(nn.Module):
    """The step as a module of plain tensors, as exporters want it."""

    def __init__(self, model: StepModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, frame: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        answer, after = self.model.step(frame, state)
        return (answer, *after)


def export(source: Exportable, to: str, out: Path, *, streams: int = 1, progress: Progress) -> float:
    """Write the step to out; return the largest difference of its answers, as a share of the largest answer.

    to: "onnx", "torch" (torch.export) or "tensorrt" (an engine for the GPU here). Raises InputError for another format,
    a missing library or no GPU, WeightsError where the exported step does not agree with the network; out is untouched
    then.
    """
    if to not in FORMATS:
        raise InputError(f"--to {to}", "no such format", mend=f"one of {', '.join(FORMATS)}")
    if streams < 1:
        raise InputError(f"--streams {streams}", "a step takes at least one stream", mend="--streams 1")
    progress(f"exporting a step of {streams} stream{'s' if streams > 1 else ''} to {to}")
    state = source.model.start(streams)
    frame = torch.zeros(streams, *source.frame_shape)
    part = out.with_name(out.name + ".part")
    try:
        if to == "onnx":
            part.write_bytes(_to_onnx(source, frame, state))
            step = _onnx_step(part)
        elif to == "tensorrt":
            trt = require()
            engine = build_engine(trt, _to_onnx(source, frame, state), out.name)
            part.write_bytes(engine)
            step = EngineStep(TensorRtStep(trt, engine))
        else:
            part.write_bytes(_to_torch(source, frame, state))
            step = _torch_step(part)
        far = difference(source, step, streams)
        if not far <= TOLERANCE:
            raise WeightsError(str(out), f"the exported step differs by {far:.1e} of the answer", mend="report this")
        os.replace(part, out)  # noqa: PTH105 - Path.replace is the same; this one is said to be atomic
    finally:
        part.unlink(missing_ok=True)
    return far


def _to_onnx(source: Exportable, frame: Tensor, state: State) -> bytes:
    try:
        import onnx
        import onnxscript  # noqa: F401 - the exporter needs it
    except ImportError as error:
        raise InputError("--to onnx", f"{error.name} is not installed", mend="pip install 'emotus[export]'") from None
    names = [FRAME, *(f"{STATE}{k}" for k in range(len(state)))], [ANSWER, *(f"{NEXT}{k}" for k in range(len(state)))]
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Step(source.model).eval(),
            (frame, *state),
            input_names=names[0],
            output_names=names[1],
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # noqa: S101 - with dynamo it always is
    proto: Any = program.model_proto
    entry = proto.metadata_props.add()
    entry.key, entry.value = "emotus", json.dumps(dict(source.about))
    cast("Any", onnx).checker.check_model(proto)
    return cast("bytes", proto.SerializeToString())


def _to_torch(source: Exportable, frame: Tensor, state: State) -> bytes:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.export.export(_Step(source.model).eval(), (frame, *state))
        buffer = io.BytesIO()
        torch.export.save(program, buffer, extra_files={"emotus.json": json.dumps(dict(source.about))})
    return buffer.getvalue()


StepFunction = Callable[[Tensor, State], tuple[Tensor, State]]


def _onnx_step(path: Path) -> StepFunction:
    session = open_onnx(path)

    def step(frame: Tensor, state: State) -> tuple[Tensor, State]:
        answer, after = session.step(frame.numpy(), tuple(each.numpy() for each in state))
        return torch.from_numpy(answer), tuple(torch.from_numpy(np.asarray(each)) for each in after)

    return step


def _torch_step(path: Path) -> StepFunction:
    program = torch.export.load(io.BytesIO(path.read_bytes()))
    module = program.module()

    def step(frame: Tensor, state: State) -> tuple[Tensor, State]:
        answer, *after = module(frame, *state)
        return answer, tuple(after)

    return step


def difference(source: Exportable, step: StepFunction, streams: int) -> float:
    """Return how far the exported answers lie from the network's over some random frames; state is handed on."""
    draw = torch.Generator().manual_seed(0)
    ours, theirs = source.model.start(streams), source.model.start(streams)
    far, most = 0.0, 1e-9
    with torch.no_grad():
        for _ in range(CHECK_FRAMES):
            frame = torch.randn(streams, *source.frame_shape, generator=draw).clamp(-1, 1)
            wanted, ours = source.model.step(frame, ours)
            said, theirs = step(frame, theirs)
            far = max(far, float((said - wanted).abs().max()))
            most = max(most, float(wanted.abs().max()))
    return far / most
