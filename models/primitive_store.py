"""The streaming generator's weights on disk: tensors as safetensors, all else as JSON beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors.torch
import torch

from .primitive import Basis, Primitive, PrimitiveShape
from .store import FOLDER, WeightsProblem
from .weight_files import read_pair

NAME: Final = "bandai-partner"
_MAX_BYTES: Final = 64 << 20
_MAX_WIDTH: Final = 4096
_MEND: Final = "install emotus again, or emotus train generator"
_BASIS: Final = "basis."


@dataclass(frozen=True)
class PrimitiveInfo:
    """Hold what is known of a streaming generator beside its tensors.

    emotions: in the order of the command. valence, arousal: place of each on the plane, -1..1, an assumption. pace:
    metres a second at which each walks. sha256: of the tensors' file. training: how it was made.
    """

    name: str
    emotions: tuple[str, ...]
    valence: Mapping[str, float]
    arousal: Mapping[str, float]
    pace: Mapping[str, float]
    sha256: str
    licence: str
    attribution: str
    training: Mapping[str, Any] = field(default_factory=dict[str, Any])


def save_primitive(folder: Path, model: Primitive, basis: Basis, info: PrimitiveInfo) -> Path:
    """Write name.safetensors and name.json into the folder, the hash worked out anew; return the first."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if not _learns(name)}
    tensors |= {_BASIS + name: torch.as_tensor(np.ascontiguousarray(each)) for name, each in vars(basis).items()}
    data = safetensors.torch.save(tensors)
    said = {**asdict(info), "sha256": hashlib.sha256(data).hexdigest(), "shape": asdict(model.shape)}
    path = folder / f"{info.name}.safetensors"
    path.write_bytes(data)
    path.with_suffix(".json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return path


def load_primitive(name: str | Path = NAME) -> tuple[Primitive, Basis, PrimitiveInfo]:
    """Open the shipped generator by name, or one of your own by the path of its .safetensors; raises WeightsProblem."""
    path = Path(name) if str(name).endswith(".safetensors") else FOLDER / f"{Path(str(name)).name}.safetensors"
    said, data = read_pair(path, _MAX_BYTES, _MEND)
    try:
        return _build(data, said)
    except (KeyError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        about = path.with_suffix(".json")
        raise WeightsProblem(str(about), f"does not fit this version: {' '.join(str(error).split())[:200]}") from None


def _learns(name: str) -> bool:
    """Tell whether a tensor serves training alone."""
    return name.startswith("encoder.")


def _build(data: bytes, said: Mapping[str, Any]) -> tuple[Primitive, Basis, PrimitiveInfo]:
    shape = PrimitiveShape(**{name: int(value) for name, value in dict(said["shape"]).items()})
    if not all(0 < each <= _MAX_WIDTH for each in asdict(shape).values()):
        raise ValueError(f"shape {shape}")
    tensors = safetensors.torch.load(data)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise ValueError("numbers that are not finite")
    basis = Basis(**{name[len(_BASIS) :]: each.numpy() for name, each in tensors.items() if name.startswith(_BASIS)})
    if basis.axes.shape[1] + 6 != shape.size or len(basis.mean) != len(basis.axes) or len(basis.scale) != shape.size:
        raise ValueError("a basis of another size")
    model = Primitive(shape)
    own = {name: each for name, each in tensors.items() if not name.startswith(_BASIS)}
    untrained = {name: each for name, each in model.state_dict().items() if _learns(name)}
    model.load_state_dict({**untrained, **own}, strict=True)
    emotions = tuple(str(each) for each in said["emotions"])
    if len(emotions) != shape.labels:
        raise ValueError(f"{len(emotions)} emotions for a network of {shape.labels}")
    info = PrimitiveInfo(
        str(said["name"]),
        emotions,
        {each: float(said["valence"][each]) for each in emotions},
        {each: float(said["arousal"][each]) for each in emotions},
        {each: float(said["pace"][each]) for each in emotions},
        str(said["sha256"]),
        str(said["licence"]),
        str(said["attribution"]),
        dict(said["training"]),
    )
    return model.eval().requires_grad_(requires_grad=False), basis, info
