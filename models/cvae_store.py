"""The offline generator on disk: tensors in half precision as safetensors, all else as JSON beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, cast

import safetensors
import safetensors.torch
import torch

from .cvae import CvaeShape
from .cvae_generator import About, MovementGenerator
from .store import FOLDER, WeightsProblem
from .weight_files import read_pair

NAME: Final = "bandai-motion-cvae"
_MAX_BYTES: Final = 32 << 20
_MOST: Final = 1024  # of any size
_MEND: Final = "install emotus again, or emotus train movements"


def save_generator(folder: Path, model: MovementGenerator, about: About, *, name: str = NAME) -> Path:
    """Write name.safetensors and name.json into the folder, the hash worked out anew; return the first."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {key: value.half().contiguous() for key, value in model.state_dict().items()}
    data = safetensors.torch.save(state)
    said = {
        "name": name,
        "shape": asdict(model.cvae.shape),
        "emotions": model.emotions,
        "prior_width": model.prior.into.out_features,
        "style": model.manifold.style,
        **asdict(about),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    path = folder / f"{name}.safetensors"
    path.write_bytes(data)
    path.with_suffix(".json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return path


def load_generator(path: Path = FOLDER / f"{NAME}.safetensors") -> tuple[MovementGenerator, About]:
    """Return the offline generator, the shipped one unless another is named; raises WeightsProblem.

    A file whose hash is not the one that the JSON beside it states is refused before it is read.
    """
    said, data = read_pair(path, _MAX_BYTES, _MEND)
    try:
        model, about = _model(said), _about(said)
        tensors = {key: value.float() for key, value in safetensors.torch.load(data).items()}
        model.load_state_dict(tensors, strict=True)
    except (KeyError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        beside = path.with_suffix(".json")
        raise WeightsProblem(str(beside), f"does not fit this version: {' '.join(str(error).split())[:200]}") from None
    if not all(bool(torch.isfinite(tensor).all()) for tensor in model.state_dict().values()):
        raise WeightsProblem(str(path), "holds numbers that are not finite")
    return model.eval().requires_grad_(requires_grad=False), about


def _model(said: Mapping[str, Any]) -> MovementGenerator:
    """Return an empty model, refusing sizes that none of ours has."""
    given = cast("Mapping[str, Any]", said["shape"])
    conditions = tuple(str(each) for each in given["conditions"])
    sizes = {name: int(given[name]) for name in ("latent", "width", "heads", "layers")}
    prior, style, emotions = int(said["prior_width"]), int(said["style"]), tuple(str(e) for e in said["emotions"])
    if not all(0 < size <= _MOST for size in (*sizes.values(), prior, style, len(conditions), len(emotions))):
        raise ValueError(f"sizes {sizes}, {prior}, {style}")
    if sizes["layers"] > 16 or sizes["width"] % sizes["heads"] or not set(emotions) <= set(conditions):
        raise ValueError(f"sizes {sizes}, emotions {emotions}")
    return MovementGenerator(CvaeShape(conditions, **sizes), emotions, prior, style)


def _about(said: Mapping[str, Any]) -> About:
    return About(
        sha256=str(said["sha256"]),
        licence=str(said["licence"]),
        attribution=str(said["attribution"]),
        training=dict(said["training"]),
        valence={str(k): float(v) for k, v in said["valence"].items()},
        arousal={str(k): float(v) for k, v in said["arousal"].items()},
    )
