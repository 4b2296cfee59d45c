"""A step that was exported to ONNX, run by onnxruntime: the state goes in and comes out, as everywhere here."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from .store import WeightsProblem

Array = NDArray[Any]
OnnxState = tuple[Array, ...]
FRAME, ANSWER, STATE, NEXT = "frame", "answer", "state_", "next_"  # names in the file; states are numbered from 0
_TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64}


class OnnxStep:
    """Map one frame (N, ...) of N streams to answers (N, K) and the next state; N is that of the file.

    about: what the exporter wrote into the file: labels, rate, licence, hash of the weights it came from.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        inputs = session.get_inputs()
        if [i.name for i in inputs] != [FRAME, *(f"{STATE}{k}" for k in range(len(inputs) - 1))]:
            raise ValueError(f"inputs {', '.join(i.name for i in inputs[:3])}, ...; not a step that emotus exported")
        self._shapes = [(tuple(int(n) for n in i.shape), _TYPES[i.type]) for i in inputs]
        self.about: Mapping[str, Any] = _about(session)

    @property
    def streams(self) -> int:
        """Return how many streams one step takes."""
        return self._shapes[0][0][0]

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Return the shape of one frame of all streams."""
        return self._shapes[0][0]

    def start(self) -> OnnxState:
        """Return the state of having seen nothing."""
        return tuple(np.zeros(shape, dtype) for shape, dtype in self._shapes[1:])

    def step(self, frame: Array, state: OnnxState) -> tuple[Array, OnnxState]:
        """Map one frame to answers and the next state; the given state is not altered."""
        named = {FRAME: np.ascontiguousarray(frame, np.float32)}
        named |= {f"{STATE}{k}": each for k, each in enumerate(state)}
        answer, *after = self._session.run(None, named)
        return answer, tuple(after)


def open_onnx(path: Path, *, threads: int = 1) -> OnnxStep:
    """Open an exported step on the CPU; raises WeightsProblem naming the file, and where onnxruntime is missing."""
    try:
        onnxruntime: Any = importlib.import_module("onnxruntime")
    except ImportError:
        raise WeightsProblem(str(path), "needs onnxruntime", "pip install onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if not path.is_file():
        raise WeightsProblem(str(path), "no such file")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return OnnxStep(session)
    except Exception as error:  # noqa: BLE001 - onnxruntime raises a dozen kinds of its own
        raise WeightsProblem(str(path), f"cannot be run: {' '.join(str(error).split())[:160]}") from None


def _about(session: Any) -> Mapping[str, Any]:
    written = session.get_modelmeta().custom_metadata_map.get("emotus")
    said: Any = json.loads(written) if written else {}
    return cast("dict[str, Any]", said) if isinstance(said, dict) else {}
