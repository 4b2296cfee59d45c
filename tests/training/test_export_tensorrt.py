"""TensorRT is spoken to as its interface is: the real one where it imports, else a stand-in run by onnxruntime."""

from __future__ import annotations

import importlib
import sys

import pytest
import torch
from published_networks import PlainStgcn
from support.fake_tensorrt import make

from emotus.engine.errors import InputError
from emotus.models.published import fold
from emotus.models.store import WeightsProblem
from emotus.models.tensorrt_step import TensorRtStep, build, engine_key, kept_engine, open_tensorrt
from emotus.training.export import Exportable, _to_onnx, difference, export
from emotus.training.export_tensorrt import EngineStep, narrow, require

USED = {
    "Builder": ("create_network", "create_builder_config", "build_serialized_network"),
    "OnnxParser": ("parse", "num_errors", "get_error"),
    "Runtime": ("deserialize_cuda_engine",),
    "ICudaEngine": (
        "num_io_tensors",
        "get_tensor_name",
        "get_tensor_shape",
        "get_tensor_dtype",
        "create_execution_context",
    ),
    "IExecutionContext": ("set_tensor_address", "execute_async_v3"),
}
PLAIN = ("Logger", "NetworkDefinitionCreationFlag", "MemoryPoolType", "float32", "float16", "int64", "bool")


def real():
    """Return TensorRT's real interface, or skip."""
    for name in ("tensorrt", "tensorrt_bindings"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    pytest.skip("TensorRT's interface cannot be imported here (make test-tensorrt)")


@pytest.fixture(scope="module")
def small():
    """Return a small network that steps, and its step as ONNX."""
    pytest.importorskip("onnxscript")
    torch.manual_seed(0)
    plain = PlainStgcn("pyskl", strides=(1, 2), joints=6, channels=(8, 12), classes=5)
    model = fold(plain.state_dict(), strides=(1, 2), pool=3)
    source = Exportable(model, tuple(model.scale.shape), {"source": "test"})
    state = model.start(2)
    return source, _to_onnx(source, torch.zeros(2, *source.frame_shape), state)


@pytest.mark.parametrize("interface", [make, real], ids=["stand-in", "real"])
def test_every_name_that_is_used_exists(interface):
    """On the real interface of every version that `make test-tensorrt` brings, and so on the stand-in."""
    trt = interface()
    assert [name for name in (*PLAIN, *USED) if not hasattr(trt, name)] == []
    members = [(kind, name) for kind, names in USED.items() for name in names]
    assert [(kind, name) for kind, name in members if not hasattr(getattr(trt, kind), name)] == []


@pytest.mark.parametrize(("version", "typed"), [("10.16.1.11", True), ("11.4.0.106", False)])
def test_a_built_step_answers_as_the_network_with_its_state_going_in_and_out(small, version, typed):
    """Single precision throughout; two streams, sixty frames."""
    source, onnx = small
    trt = make(version, typed=typed)
    engine = build(trt, narrow(onnx), "small")
    assert trt.calls[0] == ("create_network", 2 if typed else 0)
    step = EngineStep(TensorRtStep(trt, engine, device="cpu", stream=lambda: 0))
    assert difference(source, step, 2) <= 1e-4


def test_an_engine_is_kept_by_gpu_version_and_network_and_not_built_twice(small, tmp_path):
    """Another GPU, version or network is another file."""
    _, onnx = small
    trt, folder = make(), tmp_path / "engines"
    first = kept_engine(trt, narrow(onnx), "small", folder, "NVIDIA H200")
    assert kept_engine(trt, narrow(onnx), "small", folder, "NVIDIA H200") == first
    assert [call[0] for call in trt.calls] == ["create_network", "build"]
    keys = {engine_key(t, data, gpu) for t in (make(), make("11.4.0")) for data in (b"a", b"b") for gpu in ("X", "Y")}
    assert len(keys) == 8
    assert engine_key(trt, b"a", "NVIDIA H200").startswith("nvidia-h200-10.16.1.11-")
    assert [file.stat().st_mode & 0o077 for file in (folder, *folder.iterdir())] == [0, 0]


def test_an_engine_that_others_may_have_written_is_not_opened(small, tmp_path):
    """It is a program: the message says how to mend it."""
    _, onnx = small
    folder = tmp_path / "engines"
    kept_engine(make(), onnx, "small", folder, "X")
    (file,) = folder.iterdir()
    file.chmod(0o666)
    with pytest.raises(WeightsProblem, match="others may write"):
        kept_engine(make(), onnx, "small", folder, "X")


def test_what_goes_wrong_is_one_clear_problem(small, monkeypatch):
    """A network it cannot read, an engine of another GPU, one that is no step, no TensorRT, an old one, no GPU."""
    _, onnx = small
    with pytest.raises(WeightsProblem, match="no importer for Foo"):
        build(make(refuses="no importer for Foo"), onnx, "small")
    with pytest.raises(WeightsProblem, match="another GPU or version"):
        TensorRtStep(make(), b"??", device="cpu")
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(WeightsProblem, match="cannot be imported"):
        open_tensorrt()
    monkeypatch.setitem(sys.modules, "tensorrt", make("8.6.1"))
    with pytest.raises(WeightsProblem, match=r"8\.6\.1 is older than 10\.0"):
        open_tensorrt()
    monkeypatch.setitem(sys.modules, "tensorrt", make())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="no GPU here"):
        require()


def test_nothing_is_written_where_no_engine_can_be_built(small, tmp_path):
    """The file that was there stays."""
    source, _ = small
    out = tmp_path / "small.engine"
    out.write_bytes(b"old")
    with pytest.raises(Exception, match=r"tensorrt|GPU"):
        export(source, "tensorrt", out, progress=lambda _: None)
    assert out.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]
