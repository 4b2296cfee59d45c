"""A TensorRT whose engines are run by onnxruntime: the same calls, on memory at the same addresses."""

from __future__ import annotations

import ctypes
import enum
import math
import types
from typing import Any

import numpy as np
import onnxruntime

KINDS = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_}


def make(version: str = "10.16.1.11", *, typed: bool = True, refuses: str = "") -> Any:
    """Return a module as `import tensorrt` gives it. typed: whether it has the flag. refuses: the parser's words."""
    trt = types.SimpleNamespace(__version__=version, calls=[])
    flags = {"STRONGLY_TYPED": 1} if typed else {}
    trt.NetworkDefinitionCreationFlag = enum.IntEnum("NetworkDefinitionCreationFlag", flags) if flags else object
    trt.MemoryPoolType = enum.IntEnum("MemoryPoolType", {"WORKSPACE": 0})
    trt.DataType = enum.Enum("DataType", ["FLOAT", "INT64", "BOOL", "HALF"])
    trt.float32, trt.int64, trt.bool, trt.float16 = trt.DataType
    trt.Logger, trt.IExecutionContext = Logger, Context
    trt.Builder, trt.OnnxParser = _building(trt, refuses)
    trt.ICudaEngine, trt.Runtime = _running(trt)
    return trt


class Logger:
    WARNING = 2

    def __init__(self, level: int) -> None: ...


class Config:
    def set_memory_pool_limit(self, pool: Any, size: int) -> None:
        assert size > 0


class Context:
    """Run a step on the memory at the addresses it was told."""

    def __init__(self, session: Any) -> None:
        self._session, self._at = session, {}

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._at[name] = address
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        feeds = {each.name: self._array(each).copy() for each in self._session.get_inputs()}
        for each, value in zip(self._session.get_outputs(), self._session.run(None, feeds), strict=True):
            self._array(each)[...] = value
        return True

    def _array(self, each: Any) -> np.ndarray:
        kind = np.dtype(KINDS[each.type])
        size = math.prod(each.shape) * kind.itemsize
        memory = (ctypes.c_char * max(size, 1)).from_address(self._at[each.name])
        return np.frombuffer(memory, kind, math.prod(each.shape)).reshape(each.shape)


def _building(trt: Any, refuses: str) -> tuple[type, type]:
    class Builder:
        def __init__(self, logger: Any) -> None: ...

        def create_network(self, flags: int = 0) -> Any:
            trt.calls.append(("create_network", flags))
            return types.SimpleNamespace(onnx=b"")

        def create_builder_config(self) -> Config:
            return Config()

        def build_serialized_network(self, network: Any, config: Config) -> memoryview:
            trt.calls.append(("build", len(network.onnx)))
            return memoryview(b"ENGINE" + network.onnx)

    class OnnxParser:
        num_errors = 1

        def __init__(self, network: Any, logger: Any) -> None:
            self._network = network

        def parse(self, data: bytes) -> bool:
            self._network.onnx = data
            return not refuses

        def get_error(self, index: int) -> str:
            return refuses

    return Builder, OnnxParser


def _running(trt: Any) -> tuple[type, type]:
    class Engine:
        def __init__(self, onnx: bytes) -> None:
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
            self._all = {each.name: each for each in (*self._session.get_inputs(), *self._session.get_outputs())}

        @property
        def num_io_tensors(self) -> int:
            return len(self._all)

        def get_tensor_name(self, index: int) -> str:
            return list(self._all)[index]

        def get_tensor_shape(self, name: str) -> list[int]:
            return self._all[name].shape

        def get_tensor_dtype(self, name: str) -> Any:
            kinds = {"tensor(float)": trt.float32, "tensor(int64)": trt.int64, "tensor(bool)": trt.bool}
            return kinds.get(self._all[name].type)

        def create_execution_context(self) -> Context:
            return Context(self._session)

    class Runtime:
        def __init__(self, logger: Any) -> None: ...

        def deserialize_cuda_engine(self, data: bytes) -> Engine | None:
            return Engine(data[6:]) if data.startswith(b"ENGINE") else None

    return Engine, Runtime
