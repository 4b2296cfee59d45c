"""Export: a step in another runtime says what the network says, and nothing is kept of one that does not."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from published_networks import PlainStgcn

from emotus.__main__ import main
from emotus.engine.errors import InputError, WeightsError
from emotus.models.onnx_step import open_onnx
from emotus.models.published import fold
from emotus.models.store import WeightsProblem
from emotus.training import export as exporting

SMALL = {"joints": 6, "channels": (8, 8, 12, 12), "classes": 5}
STRIDES = (1, 2, 1, 1)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("published") / "net.safetensors"
    plain = PlainStgcn("pyskl", strides=STRIDES, **SMALL)
    safetensors.torch.save_file({f"backbone.{k}": v.contiguous() for k, v in plain.state_dict().items()}, path)
    return path


def test_an_exported_checkpoint_equals_the_folded_network(checkpoint, tmp_path):
    """onnxruntime, handed its own state back each frame, stays within 1e-4 over more than a receptive field."""
    pytest.importorskip("onnxscript")
    out = tmp_path / "net.onnx"
    source = exporting.open_exportable(str(checkpoint), STRIDES, pool=3)
    assert exporting.export(source, "onnx", out, streams=2, progress=lambda _: None) <= 1e-5
    step, plain = open_onnx(out), PlainStgcn("pyskl", strides=STRIDES, **SMALL)
    model = fold(plain.state_dict(), strides=STRIDES, pool=3)
    x = torch.randn(2, model.receptive_field + 3, 6, 3)
    state = step.start()
    for t in range(x.shape[1]):
        said, state = step.step(x[:, t].numpy(), state)
    with torch.inference_mode():
        assert np.allclose(said, plain(x[:, 3:]).numpy(), atol=1e-4)
    assert step.streams == 2
    assert step.about["source"] == "net.safetensors"


@pytest.mark.slow
def test_the_shipped_recogniser_is_exported_by_one_command(tmp_path, capsys):
    """`emotus export` writes a file that says which weights it is of, under which licence."""
    pytest.importorskip("onnxscript")
    out = tmp_path / "ours.onnx"
    with pytest.raises(SystemExit) as ended:
        main(["export", "--to", "onnx", "-o", str(out)])
    assert ended.value.code == 0
    assert "within" in capsys.readouterr().out
    about = open_onnx(out).about
    assert about["licence"].startswith("CC BY-NC")
    assert "neutral" in about["labels"]


def test_the_torch_format_equals_too(checkpoint, tmp_path):
    """torch.export keeps the same step."""
    out = tmp_path / "net.pt2"
    source = exporting.open_exportable(str(checkpoint), STRIDES, pool=3)
    assert exporting.export(source, "torch", out, progress=lambda _: None) <= 1e-6
    assert out.stat().st_size > 1000


def test_a_step_that_differs_is_not_kept(checkpoint, tmp_path, monkeypatch):
    """Where the other runtime answers otherwise, the old file stays and nothing new is left behind."""
    out = tmp_path / "net.pt2"
    out.write_bytes(b"the old one")
    monkeypatch.setattr(exporting, "difference", lambda *_: float("nan"))
    with pytest.raises(WeightsError, match="differs"):
        exporting.export(exporting.open_exportable(str(checkpoint)), "torch", out, progress=lambda _: None)
    assert out.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [out]


def test_a_pickle_is_refused_before_any_of_it_runs(tmp_path):
    """A checkpoint that is a pickle is named as one, with the way to make it safe."""
    path, marker = tmp_path / "net.pt", tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return (Path.touch, (marker,))

    torch.save({"a": Bomb()}, path)
    for name in (path, path.rename(tmp_path / "net.safetensors")):
        with pytest.raises(WeightsError, match="is a pickle"):
            exporting.open_exportable(str(name if name.exists() else tmp_path / "net.safetensors"))
    assert not marker.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "tflite"], "no such format"),
        (["--streams", "0"], "at least one stream"),
        (["--strides", "1,x"], "not a list of strides"),
        (["nobody"], "no such weights"),
        (["missing.safetensors"], "no such file"),
    ],
)
def test_wrong_words_are_told_in_one_line(words, said, capsys, tmp_path, monkeypatch):
    """Exit 2, one line, no file."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["export", *words])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert said in err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_step_of_ours_is_refused(tmp_path):
    """Bytes that are no ONNX, and a missing file, are named."""
    path = tmp_path / "x.onnx"
    with pytest.raises(WeightsProblem, match="no such file"):
        open_onnx(path)
    path.write_bytes(b"nothing of the kind")
    with warnings.catch_warnings(), pytest.raises(WeightsProblem, match="cannot be run"):
        open_onnx(path)


def test_too_few_streams_are_refused_before_anything_is_opened():
    """The number of streams is at least one."""
    with pytest.raises(InputError, match="at least one"):
        exporting.export(exporting.open_exportable("bandai-stgcn"), "torch", Path("x"), streams=0, progress=print)
