"""From an exported ONNX step to one that TensorRT takes: single precision throughout, since it knows no double."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ..engine.errors import InputError, WeightsError
from ..models.base import State
from ..models.store import WeightsProblem
from ..models.tensorrt_step import TensorRtStep, kept_engine, open_tensorrt

ENGINES: Final = Path("~/.cache/emotus/engines")


def narrow(data: bytes) -> bytes:
    """Return an ONNX model whose doubles are all single precision: constants, casts, inputs, outputs.

    The moments of the features fade within seconds, so that what rounding there is does not add up.
    """
    import onnx

    double, single = onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT
    model = onnx.load_from_string(data)
    graph = model.graph
    for tensor in graph.initializer:
        if tensor.data_type == double:
            tensor.CopyFrom(_single(tensor))
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type == double:
            value.type.tensor_type.elem_type = single
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in ("to", "dtype") and attribute.i == double:
                attribute.i = single
            if attribute.HasField("t") and attribute.t.data_type == double:
                attribute.t.CopyFrom(_single(attribute.t))
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _single(tensor: Any) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name)


def require() -> Any:
    """Return TensorRT; raises WeightsError where it is not there or too old, InputError where there is no GPU."""
    try:
        trt = open_tensorrt()
    except WeightsProblem as problem:
        raise WeightsError(problem.place, problem.problem, mend=problem.mend) from None
    if not torch.cuda.is_available():
        raise InputError(
            "--to tensorrt", "there is no GPU here", mend="run it on the machine that is to use the engine"
        )
    return trt


def build_engine(trt: Any, data: bytes, name: str, folder: Path = ENGINES) -> bytes:
    """Return the engine of an ONNX step for the GPU here, from the user's own folder where it is there.

    Raises WeightsError where it cannot be built.
    """
    try:
        return kept_engine(trt, narrow(data), name, folder.expanduser(), torch.cuda.get_device_name(0))
    except WeightsProblem as problem:
        raise WeightsError(problem.place, problem.problem, mend=problem.mend) from None


class EngineStep:
    """Step an engine with tensors as the network has them: doubles on the host."""

    def __init__(self, step: TensorRtStep) -> None:
        self._step = step

    def __call__(self, frame: Tensor, state: State) -> tuple[Tensor, State]:
        """Map one frame to answers and the next state."""
        answer, after = self._step.step(frame, state)
        return answer.cpu().float(), tuple(given.cpu().to(held.dtype) for given, held in zip(after, state, strict=True))
