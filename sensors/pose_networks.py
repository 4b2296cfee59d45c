"""The two pose networks without MediaPipe, by ONNX Runtime or LiteRT. Runs in the worker's process only.

For where MediaPipe cannot be installed: the user brings the networks, as a folder with a detector and a landmark
network (.onnx or .tflite), or as the official .task file, which is a zip of both. Nothing is downloaded.
"""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..engine.errors import InputError
from ..engine.skeleton import Float32
from .pose_decode import DETECTOR_SIDE, LANDMARK_SIDE, POINTS, Region, detections, landmarks, region_of
from .sighting import Person, Pixels

_LOOK_EVERY: Final = 10  # pictures between two looks for further people while some are followed
_SURE: Final = 0.5
Network = Callable[[Float32], list[Float32]]  # (1, H, W, 3) float32 -> the outputs


class Networks:
    """Follow up to settings["people"] people with the networks of settings["model"].

    Each person's region follows from her last landmarks; the detector looks for people only while some are missing.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._cv2 = importlib.import_module("cv2")
        self._most = int(settings.get("people", 1))
        self._detector, self._landmarks, self.name = load_networks(settings["place"], Path(settings["model"]))
        self.bystanders = 0
        self.reset()

    def reset(self) -> None:
        """Forget everyone."""
        self._regions: list[Region] = []
        self._waited = 0
        self.bystanders = 0

    def see(self, pixels: Pixels, _t_ns: int, /) -> list[Person]:
        """Return the people in a picture."""
        self._waited += 1
        self.bystanders = 0
        if len(self._regions) < self._most and (not self._regions or self._waited >= _LOOK_EVERY):
            self._waited = 0
            new = [one for one in self._look(pixels) if not any(_same(one, known) for known in self._regions)]
            self.bystanders = max(0, len(new) - (self._most - len(self._regions)))
            self._regions += new[: self._most - len(self._regions)]
        people: list[Person] = []
        regions: list[Region] = []
        for region in self._regions:
            found = self._inspect(pixels, region)
            if found is not None and not any(_same(found[1], other) for other in regions):
                people.append(found[0])
                regions.append(found[1])
        self._regions = regions
        return people

    def _look(self, pixels: Pixels) -> list[Region]:
        """Return the regions of the people that the detector finds."""
        height, width = pixels.shape[:2]
        side = max(height, width)
        region = Region(width / 2, height / 2, side, 0.0)  # the whole picture, with room above and below or aside
        outputs = self._detector(self._cut(pixels, region, DETECTOR_SIDE) * np.float32(2) - np.float32(1))
        boxes = next(out for out in outputs if out.shape[-1] == 12)
        scores = next(out for out in outputs if out.shape[-1] == 1)
        found, _ = detections(boxes.reshape(-1, 12), scores)
        corner = np.array([(width - side) / 2, (height - side) / 2], dtype=np.float32)
        return [region_of(one[2] * side + corner, one[3] * side + corner) for one in found]

    def _inspect(self, pixels: Pixels, region: Region) -> tuple[Person, Region] | None:
        """Return the person in a region and her next region; None where the network sees nobody."""
        if not 1.0 < region.side < 1e5:
            return None
        outputs = {out.size: out for out in self._landmarks(self._cut(pixels, region, LANDMARK_SIDE))}
        if float(outputs[1].reshape(())) < _SURE:
            return None
        heat = outputs.get(64 * 64 * POINTS)
        heat = None if heat is None else heat.reshape(64, 64, POINTS)
        return landmarks(outputs[5 * POINTS], heat, outputs[3 * POINTS], region)

    def _cut(self, pixels: Pixels, region: Region, side: int) -> Float32:
        """Return a region as (1, side, side, 3) float32 red green blue in 0..1; black where it leaves the picture."""
        matrix = region.to_picture() / (side, side, 1.0)  # from pixels of the cut to pixels of the picture
        matrix[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5  # pixels are squares: their middles count
        flags = self._cv2.INTER_LINEAR | self._cv2.WARP_INVERSE_MAP
        cut = self._cv2.warpAffine(pixels, matrix, (side, side), flags=flags)
        return np.ascontiguousarray(cut[None, :, :, ::-1]).astype(np.float32) / np.float32(255)


def _same(one: Region, other: Region) -> bool:
    """Tell whether two regions are of one person: their middles are nearer than a quarter of the larger side."""
    return np.hypot(one.x - other.x, one.y - other.y) < 0.25 * max(one.side, other.side)


def load_networks(place: str, path: Path) -> tuple[Network, Network, str]:
    """Return detector, landmark network and a name for both; raises InputError where they are not there."""
    files = _task(path) if path.suffix == ".task" else _folder(path)
    known = {role: _pick(files, role) for role in ("detector", "landmarks")}
    if None in known.values():
        mend = "one file name with detect in it, one with landmark or pose_estimation, .onnx or .tflite"
        raise InputError(place, f"{path} does not hold the two pose networks", mend=mend)
    chosen = [known[role] or "" for role in ("detector", "landmarks")]
    first, second = (_open(place, name, files[name]) for name in chosen)
    return first, second, "LiteRT" if chosen[0].endswith(".tflite") else "ONNX Runtime"


def _task(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.endswith(".tflite")}


def _folder(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in sorted(path.iterdir()) if each.suffix in (".onnx", ".tflite")}


def _pick(files: Mapping[str, bytes], role: str) -> str | None:
    """Return the file that plays a role, by its name."""
    for name in files:
        is_landmarks = "landmark" in name.lower() or "pose_estimation" in name.lower()
        if is_landmarks if role == "landmarks" else ("detect" in name.lower() and not is_landmarks):
            return name
    return None


def _open(place: str, name: str, content: bytes) -> Network:
    """Return a network of a file's bytes, on one thread; raises InputError where its runtime is not installed."""
    package = "onnxruntime" if name.endswith(".onnx") else "ai_edge_litert.interpreter"
    try:
        runtime = importlib.import_module(package)
    except ImportError as error:
        wanted = "onnxruntime" if name.endswith(".onnx") else "ai-edge-litert"
        raise InputError(
            place, f"{wanted} is not installed, which runs {name}", mend=f"pip install {wanted}"
        ) from error
    return _by_onnx(runtime, content) if name.endswith(".onnx") else _by_litert(runtime, content)


def _by_onnx(runtime: Any, content: bytes) -> Network:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    first = session.get_inputs()[0]

    def run(picture: Float32) -> list[Float32]:
        planes = first.shape[1] == 3  # some conversions want (1, 3, H, W)
        return session.run(None, {first.name: picture.transpose(0, 3, 1, 2) if planes else picture})

    return run


def _by_litert(runtime: Any, content: bytes) -> Network:
    interpreter = runtime.Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    first = interpreter.get_input_details()[0]["index"]
    last = [each["index"] for each in interpreter.get_output_details()]

    def run(picture: Float32) -> list[Float32]:
        interpreter.set_tensor(first, picture)
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in last]

    return run
