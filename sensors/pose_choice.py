"""Which pose back end this machine has, told without importing any of them (that takes a second and a gigabyte)."""

from __future__ import annotations

import importlib.metadata as metadata
import importlib.util
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..engine.errors import UriError

MODEL_VARIABLE: Final = "EMOTUS_POSE_MODEL"
METRICS_FROM: Final = (0, 10, 35)  # mediapipe that reports its use over the network by itself (PROTOCOLS 7.2)
_TASKS_ONLY_FROM: Final = (0, 10, 30)  # mediapipe without `solutions` and without a model inside
_MODEL_PLACES: Final = ("pose_landmarker.task", "pose_landmarker_full.task", "pose_landmarker_heavy.task", "pose")
_INSTALL: Final = "make webcam, or pip install 'emotus[webcam]' in an environment of its own (docs/sensors/webcam.md)"


@dataclass(frozen=True, slots=True)
class Backend:
    """Name a pose back end: what makes it (MODULE:NAME), its model's path ("" where it lies inside), most people.

    warning: what a person should know before it sees anybody, "" where there is nothing.
    """

    maker: str
    model: str
    people: int
    about: str
    warning: str = ""


def choose_backend(place: str, model: str, people: int) -> Backend:
    """Return the back end for so many people; model: a path, "" for the usual places; raises UriError with the mend."""
    if not _has("cv2"):
        raise UriError(place, "OpenCV is not installed, which reads cameras and videos", mend=_INSTALL)
    found = _of_model(place, model) if model else _usual()
    if found is None:
        raise UriError(place, _lacking(), mend=_mend())
    if people > found.people:
        mend = "leave out people, or give a .task file or a folder of ONNX networks with model="
        raise UriError(place, f"{found.about} follows {found.people} person, not {people}", mend=mend)
    return found


def describe() -> tuple[bool, str, str]:
    """Tell whether people can be found in pictures here, by what, and how to mend it where they cannot."""
    if not _has("cv2"):
        return False, "OpenCV is not installed", _INSTALL
    found = _usual()
    return (True, found.about, "") if found else (False, _lacking(), _mend())


def _usual() -> Backend | None:
    """Return the model inside mediapipe, else whatever model lies where one is looked for."""
    told = os.environ.get(MODEL_VARIABLE, "")
    if told:
        return _of_model(MODEL_VARIABLE, told)
    version = _mediapipe()
    if version is not None and version < _TASKS_ONLY_FROM:
        return Backend("emotus.sensors.pose_mediapipe:Solutions", "", 1, f"mediapipe {_dotted(version)}")
    for name in _MODEL_PLACES:
        path = data_folder() / name
        if path.exists():
            return _of_model(str(path), str(path))
    return None


def _of_model(place: str, model: str) -> Backend:
    """Return the back end that a model file or folder needs; raises UriError where it is missing."""
    path = Path(model).expanduser()
    if not path.exists():
        raise UriError(place, f"no pose model {path}", mend="give model=FILE.task, or a folder with the two networks")
    networks = Backend("emotus.sensors.pose_networks:Networks", str(path), 4, f"the networks of {path}")
    if path.is_dir():
        return networks
    if path.suffix != ".task":
        raise UriError(place, f"{path.name} is no .task file", mend="give model=FILE.task, or a folder of networks")
    version = _mediapipe()
    if version is None and _has("ai_edge_litert"):
        return networks
    if version is None:
        mend = f"pip install ai-edge-litert, or {_INSTALL}"
        raise UriError(place, "neither mediapipe nor ai-edge-litert is installed, which read .task files", mend=mend)
    told = f"mediapipe {_dotted(version)} reports its use over the network (pip install 'mediapipe<0.10.35' does not)"
    warning = told if version >= METRICS_FROM else ""
    about = f"mediapipe {_dotted(version)}, {path.name}"
    return Backend("emotus.sensors.pose_mediapipe:Tasks", str(path), 4, about, warning)


def _lacking() -> str:
    version = _mediapipe()
    if version is None:
        return "no pose back end is installed"
    return f"mediapipe {_dotted(version)} has no pose model inside, and none lies in {data_folder()}"


def _mend() -> str:
    if _mediapipe() is None and sys.version_info < (3, 13):
        return _INSTALL
    return f"put pose_landmarker.task into {data_folder()}, or name it with {MODEL_VARIABLE} (docs/sensors/webcam.md)"


def data_folder() -> Path:
    """Return the folder of this user where models are looked for."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "emotus"


def _mediapipe() -> tuple[int, ...] | None:
    """Return mediapipe's version, None where it is not installed."""
    try:
        version = metadata.version("mediapipe")
    except metadata.PackageNotFoundError:
        return None
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
