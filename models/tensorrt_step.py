"""A step exported to ONNX, built and run by NVIDIA TensorRT 10 or 11; state goes in and out, as everywhere here.

TensorRT builds for one GPU and one version, so an engine is built where it runs, and kept in a folder of the user's own
by GPU, version and hash of the network. An engine file is a program: one that others may have written is not opened.
Networks are strongly typed, as 11 wants them and 10.12 prefers; what a precision is stands in the ONNX file.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from .base import State
from .onnx_step import ANSWER, FRAME, NEXT, STATE
from .store import WeightsProblem

WORKSPACE_BYTES: Final = 1 << 30
OLDEST: Final = (10, 0)
MEND: Final = "pip install 'emotus[tensorrt]' (the libraries come from NVIDIA's own package index)"


def open_tensorrt() -> Any:
    """Import TensorRT; raises WeightsProblem saying what is missing, or that what there is is too old."""
    try:
        trt: Any = importlib.import_module("tensorrt")
    except ImportError as error:
        raise WeightsProblem("tensorrt", f"cannot be imported: {str(error)[:120]}", MEND) from None
    found = tuple(int(part) for part in re.findall(r"\d+", str(trt.__version__))[:2])
    if found < OLDEST:
        raise WeightsProblem("tensorrt", f"{trt.__version__} is older than {'.'.join(map(str, OLDEST))}", MEND)
    return trt


def build(trt: Any, onnx: bytes, name: str) -> bytes:
    """Return the engine of an exported step for the GPU at hand; raises WeightsProblem with the parser's words."""
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    network = builder.create_network(0 if typed is None else 1 << int(typed))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(onnx):
        said = "; ".join(str(parser.get_error(i)) for i in range(min(parser.num_errors, 3)))
        raise WeightsProblem(name, f"TensorRT cannot read it: {said[:200]}", "export it again")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise WeightsProblem(name, "TensorRT built nothing", "look at what it printed above")
    return bytes(engine)


def engine_key(trt: Any, onnx: bytes, gpu: str) -> str:
    """Return the name under which an engine is kept: GPU, version and hash of the network."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", gpu).strip("-").lower()
    return f"{plain}-{trt.__version__}-{hashlib.sha256(onnx).hexdigest()[:32]}.engine"


def kept_engine(trt: Any, onnx: bytes, name: str, folder: Path, gpu: str) -> bytes:
    """Return the engine of a step out of the folder, built and put there where it is not; raises WeightsProblem.

    folder: made for the user alone; one that others may write to, or an engine in it, is refused.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / engine_key(trt, onnx, gpu)
    for place in (folder, file):
        if place.exists() and not _is_ours(place):
            raise WeightsProblem(
                str(place), "others may write to it, and an engine is a program", f"chmod go-w {place}"
            )
    if file.exists():
        return file.read_bytes()
    engine = build(trt, onnx, name)
    part = file.with_suffix(f".{os.getpid()}.part")
    part.touch(mode=0o600)
    part.write_bytes(engine)
    part.replace(file)
    return engine


def _is_ours(place: Path) -> bool:
    found = place.lstat()
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return mine and not stat.S_ISLNK(found.st_mode) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


class TensorRtStep:
    """Map one frame (N, ...) of N streams to answers (N, K) and the next state; N is that of the file.

    Raises WeightsProblem where the engine is of another GPU or version, or no step that emotus exported. device: where
    the tensors lie, the GPU unless a test says otherwise. stream: the handle of the CUDA stream to run in.
    """

    def __init__(
        self, trt: Any, engine: bytes, *, device: str = "cuda", stream: Callable[[], int] | None = None
    ) -> None:
        self._runtime = trt.Runtime(trt.Logger(trt.Logger.WARNING))
        self._engine = self._runtime.deserialize_cuda_engine(engine)
        if self._engine is None:
            raise WeightsProblem("engine", "was built for another GPU or version of TensorRT", "remove it")
        self._context = self._engine.create_execution_context()
        self._device = torch.device(device)
        self._stream = stream or (lambda: torch.cuda.current_stream(self._device).cuda_stream)
        kinds = {trt.float32: torch.float32, trt.int64: torch.int64, trt.bool: torch.bool, trt.float16: torch.float16}
        self._held = {name: self._tensor(name, kinds) for name in map(self._engine.get_tensor_name, self._numbers())}
        states = sum(name.startswith(STATE) for name in self._held)
        wanted = {FRAME, ANSWER, *(f"{word}{k}" for word in (STATE, NEXT) for k in range(states))}
        if set(self._held) != wanted:
            raise WeightsProblem("engine", f"has tensors {', '.join(sorted(self._held)[:4])}, ...", "export it again")
        self._states = states
        for name, tensor in self._held.items():
            self._context.set_tensor_address(name, tensor.data_ptr())

    def _numbers(self) -> range:
        return range(self._engine.num_io_tensors)

    def _tensor(self, name: str, kinds: Mapping[Any, torch.dtype]) -> Tensor:
        shape, kind = tuple(self._engine.get_tensor_shape(name)), kinds.get(self._engine.get_tensor_dtype(name))
        if kind is None or min(shape, default=1) < 0:
            raise WeightsProblem("engine", f"{name} has shape {shape} and a kind we do not use", "export it again")
        return torch.zeros(shape, dtype=kind, device=self._device)

    def start(self) -> State:
        """Return the state of having seen nothing."""
        return tuple(torch.zeros_like(self._held[f"{STATE}{k}"]) for k in range(self._states))

    def step(self, frame: Tensor, state: State) -> tuple[Tensor, State]:
        """Map one frame to answers and the next state; the given state is not altered."""
        self._held[FRAME].copy_(frame, non_blocking=True)
        for k, each in enumerate(state):
            self._held[f"{STATE}{k}"].copy_(each, non_blocking=True)
        if not self._context.execute_async_v3(self._stream()):
            raise RuntimeError("TensorRT did not run the step")
        after = tuple(self._held[f"{NEXT}{k}"].clone() for k in range(self._states))
        return self._held[ANSWER].clone(), after
