"""Weights on disk: tensors as safetensors, all else as JSON beside them; nothing is run to read either.

The JSON states the hash of the tensors; a file that has another is refused before it is read.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import safetensors.torch
import torch

from .recogniser import FusedRecogniser, Shape

FOLDER: Final = Path(__file__).parent / "weights"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MAX_BYTES: Final = 64 << 20
_MAX_WIDTH: Final = 1024
# weights that are no recogniser's
_OTHERS: Final = frozenset({"teach-prior", "bandai-signature", "bandai-partner", "bandai-motion-cvae"})


class WeightsProblem(ValueError):  # noqa: N818 - says what it is; the engine has its own error for it
    """Report weights that are missing, altered or of another shape; nothing of them has been run.

    place: the file. problem, mend: one line each.
    """

    def __init__(self, place: str, problem: str, mend: str = "") -> None:
        self.place, self.problem, self.mend = place, problem, mend
        super().__init__(f"{place}: {problem}" + (f" ({mend})" if mend else ""))


@dataclass(frozen=True)
class Info:
    """Hold what is known of a recogniser beside its tensors.

    labels: in the order of the logits. valence, arousal: place of each label, -1..1, an assumption. temperatures:
    (frames seen, divisor of the logits) with rising frames. unknown_threshold: probability of the best label below
    which the answer is unknown. strange_threshold: the same for the probability of no performance. sha256: of the
    tensors' file. training: how it was made.
    """

    name: str
    labels: tuple[str, ...]
    valence: Mapping[str, float]
    arousal: Mapping[str, float]
    temperatures: tuple[tuple[float, float], ...]
    unknown_threshold: float
    strange_threshold: float
    sha256: str
    licence: str
    attribution: str
    training: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def temperature(self, frames: float) -> float:
        """Return the divisor of the logits after so many frames, interpolated over their logarithm."""
        seen = [math.log(frames_seen) for frames_seen, _ in self.temperatures]
        return float(np.interp(math.log(max(frames, 1.0)), seen, [divisor for _, divisor in self.temperatures]))


def load_recogniser(name: str | Path = "bandai-stgcn") -> tuple[FusedRecogniser, Info]:
    """Open a shipped recogniser by name, or one of your own by the path of its .safetensors; raises WeightsProblem."""
    tensors, about = _files(name)
    said = _read_json(about)
    data = _read(tensors)
    found = hashlib.sha256(data).hexdigest()
    if found != said.get("sha256"):
        mend = "install emotus again, or train it again"
        raise WeightsProblem(str(tensors), f"hash {found}, but {about.name} says {said.get('sha256')}", mend)
    try:
        model, info = FusedRecogniser(_shape(said)), _info(said)
        model.load_state_dict(_with_later(model, safetensors.torch.load(data)), strict=True)
    except (KeyError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise WeightsProblem(str(about), f"does not fit this version: {' '.join(str(error).split())[:200]}") from None
    if not all(bool(torch.isfinite(tensor).all()) for tensor in model.state_dict().values()):
        raise WeightsProblem(str(tensors), "holds numbers that are not finite")
    return model.eval().requires_grad_(requires_grad=False), info


def _with_later(model: FusedRecogniser, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Fill in what weights lack that were made before it was there: then it has no say."""
    for own in (("usual.", "relative."), ("foreign.",)):
        if not any(name.startswith(own) for name in tensors):
            tensors = {**tensors, **{name: value for name, value in model.state_dict().items() if name.startswith(own)}}
    return tensors


def save_recogniser(folder: Path, model: FusedRecogniser, info: Info) -> Path:
    """Write name.safetensors and name.json into the folder, the hash worked out anew; return the first."""
    folder.mkdir(parents=True, exist_ok=True)
    data = safetensors.torch.save({name: tensor.contiguous() for name, tensor in model.state_dict().items()})
    said = {**asdict(info), "sha256": hashlib.sha256(data).hexdigest(), "shape": asdict(model.shape)}
    path = folder / f"{info.name}.safetensors"
    path.write_bytes(data)
    path.with_suffix(".json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return path


def feature_set(model: FusedRecogniser) -> str:
    """Return a short hash of all that says what each deviation means: what is kept of a performer fits no other."""
    marks = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if name.startswith(("features.", "graph.")) or name.endswith(("readout.mean", "readout.scale")):
            marks.update(tensor.contiguous().numpy().tobytes())
    return marks.hexdigest()[:16]


def _files(name: str | Path) -> tuple[Path, Path]:
    """Return the paths of tensors and JSON; a bare name is one of the shipped."""
    text = str(name)
    if text.endswith(".safetensors"):
        return Path(text), Path(text).with_suffix(".json")
    if _NAME.fullmatch(text) is None:
        raise WeightsProblem(text, "is no name of weights", "a shipped name, or a path ending in .safetensors")
    path = FOLDER / f"{text}.safetensors"
    if not path.is_file():
        stems = {each.stem for each in FOLDER.glob("*.safetensors")} - _OTHERS
        shipped = ", ".join(sorted(stems)) or "none"
        raise WeightsProblem(text, "no such weights", f"shipped: {shipped}")
    return path, FOLDER / f"{text}.json"


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise WeightsProblem(str(path), f"larger than {_MAX_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise WeightsProblem(str(path), (error.strerror or "cannot be read").lower()) from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        said: Any = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, WeightsProblem):
            raise
        raise WeightsProblem(str(path), "is no JSON", "train it again") from None
    if not isinstance(said, dict):
        raise WeightsProblem(str(path), "is no JSON object", "train it again")
    return cast("dict[str, Any]", said)


def _shape(said: Mapping[str, Any]) -> Shape:
    """Return the shape, refusing sizes that no recogniser of ours has."""
    given = dict(said["shape"])
    shape = Shape(
        labels=int(given["labels"]),
        rate_hz=float(given["rate_hz"]),
        memories_s=tuple(float(each) for each in given["memories_s"]),
        prior_frames=float(given["prior_frames"]),
        squash=float(given["squash"]),
        channels=tuple(int(each) for each in given["channels"]),
        memory_frames=float(given["memory_frames"]),
        **{name: float(given[name]) for name in ("baseline_s", "settle_s") if name in given},
    )
    if not all(0 < each < math.inf for each in (shape.baseline_s, shape.settle_s)):
        raise ValueError(f"shape {given}")
    widths = (shape.labels, len(shape.memories_s), len(shape.channels), *shape.channels)
    if not all(0 < width <= _MAX_WIDTH for width in widths) or len(shape.channels) > 12 or len(shape.memories_s) > 8:
        raise ValueError(f"shape {given}")
    return shape


def _info(said: Mapping[str, Any]) -> Info:
    labels = tuple(str(label) for label in said["labels"])
    info = Info(
        name=str(said["name"]),
        labels=labels,
        valence={label: float(said["valence"][label]) for label in labels},
        arousal={label: float(said["arousal"][label]) for label in labels},
        temperatures=tuple((float(frames), float(divisor)) for frames, divisor in said["temperatures"]),
        unknown_threshold=float(said["unknown_threshold"]),
        strange_threshold=float(said["strange_threshold"]),
        sha256=str(said["sha256"]),
        licence=str(said["licence"]),
        attribution=str(said["attribution"]),
        training=dict(said["training"]),
    )
    seen = [frames for frames, _ in info.temperatures]
    if not seen or seen != sorted(set(seen)) or seen[0] <= 0 or min(divisor for _, divisor in info.temperatures) <= 0:
        raise ValueError(f"temperatures {info.temperatures}")
    if len(labels) != int(said["shape"]["labels"]):
        raise ValueError(f"{len(labels)} labels for {said['shape']['labels']} logits")
    return info
