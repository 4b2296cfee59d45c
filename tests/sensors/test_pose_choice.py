"""Which pose back end is taken, and what is said where there is none."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from types import SimpleNamespace

import pytest

from emotus.engine.errors import UriError
from emotus.sensors import pose_choice


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Offer a way to say what this machine has: modules by name, and mediapipe's version."""

    def have(*modules: str, mediapipe: str | None = None) -> None:
        def version(package: str) -> str:
            if package != "mediapipe" or mediapipe is None:
                raise importlib.metadata.PackageNotFoundError(package)
            return mediapipe

        monkeypatch.setattr(pose_choice.importlib.util, "find_spec", lambda name: name if name in modules else None)
        monkeypatch.setattr(pose_choice, "metadata", SimpleNamespace(
            version=version, PackageNotFoundError=importlib.metadata.PackageNotFoundError
        ))  # fmt: skip

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.delenv(pose_choice.MODEL_VARIABLE, raising=False)
    return have


def test_the_model_inside_mediapipe_is_taken(machine):
    """Up to 0.10.21 nothing else is needed; it follows one person."""
    machine("cv2", mediapipe="0.10.14")
    found = pose_choice.choose_backend("webcam:0", "", 1)
    assert found.maker.endswith(":Solutions")
    assert found.model == ""
    assert pose_choice.describe() == (True, "mediapipe 0.10.14", "")
    with pytest.raises(UriError, match=r"webcam:0: mediapipe 0.10.14 follows 1 person, not 3 \(.*\.task"):
        pose_choice.choose_backend("webcam:0", "", 3)


def test_a_newer_mediapipe_wants_a_model_and_says_where(machine, tmp_path):
    """Without one it is told where it is looked for; with one it is taken."""
    machine("cv2", mediapipe="0.10.31")
    with pytest.raises(UriError, match=r"mediapipe 0.10.31 has no pose model inside.*pose_landmarker.task"):
        pose_choice.choose_backend("webcam:0", "", 1)
    ready, _, mend = pose_choice.describe()
    assert not ready
    assert "EMOTUS_POSE_MODEL" in mend
    model = pose_choice.data_folder() / "pose_landmarker.task"
    model.parent.mkdir(parents=True)
    model.touch()
    found = pose_choice.choose_backend("webcam:0", "", 4)
    assert found.maker.endswith(":Tasks")
    assert found.model == str(model)


@pytest.mark.parametrize(("version", "warned"), [("0.10.33", False), ("0.10.35", True), ("1.2.2", True)])
def test_a_mediapipe_that_calls_home_is_told_before_it_sees_anybody(machine, tmp_path, version, warned):
    """It works, and the sensor's message says what it does and what does not."""
    machine("cv2", mediapipe=version)
    task = tmp_path / "mine.task"
    task.touch()
    warning = pose_choice.choose_backend("webcam:0", str(task), 1).warning
    assert ("reports its use over the network" in warning) is warned


def test_what_is_told_comes_first(machine, tmp_path, monkeypatch):
    """model= and EMOTUS_POSE_MODEL overrule what is inside."""
    machine("cv2", "onnxruntime", mediapipe="0.10.14")
    task, networks = tmp_path / "mine.task", tmp_path / "networks"
    task.touch()
    networks.mkdir()
    assert pose_choice.choose_backend("webcam:0", str(task), 2).maker.endswith(":Tasks")
    assert pose_choice.choose_backend("webcam:0", str(networks), 4).maker.endswith(":Networks")
    monkeypatch.setenv(pose_choice.MODEL_VARIABLE, str(networks))
    assert pose_choice.choose_backend("webcam:0", "", 1).maker.endswith(":Networks")


@pytest.mark.parametrize(
    ("modules", "model", "said"),
    [
        ((), "", "OpenCV is not installed"),
        (("cv2",), "", "no pose back end is installed"),
        (("cv2",), "missing.task", "no pose model missing.task"),
        (("cv2",), "here.onnx", "here.onnx is no .task file"),
        (("cv2",), "here.task", "neither mediapipe nor ai-edge-litert is installed"),
    ],
)
def test_what_is_missing_is_told_with_its_mend(machine, tmp_path, monkeypatch, modules, model, said):
    """One line with the address, what is missing and what to do."""
    monkeypatch.chdir(tmp_path)
    for name in ("here.onnx", "here.task"):
        (tmp_path / name).touch()
    machine(*modules)
    with pytest.raises(UriError, match=said) as told:
        pose_choice.choose_backend("webcam:0", model, 1)
    assert "(" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_task_file_is_read_without_mediapipe(machine, tmp_path):
    """Where only LiteRT is installed, as on Python 3.14 or ARM, the same file serves."""
    machine("cv2", "ai_edge_litert")
    task = tmp_path / "mine.task"
    task.touch()
    assert pose_choice.choose_backend("webcam:0", str(task), 4).maker.endswith(":Networks")


def test_nothing_heavy_is_imported_to_tell():
    """The choice is made from what is installed, without a gigabyte of imports."""
    before = set(sys.modules)
    pose_choice.describe()
    assert not {"mediapipe", "cv2", "onnxruntime", "jax"} & (set(sys.modules) - before)
