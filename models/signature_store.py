"""The learned signature on disk: the encoder's tensors as safetensors, all else as JSON beside them, the hash in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, cast, get_args

import safetensors
import safetensors.torch
import torch

from .motion_encoder import EncoderShape, Kind, MotionEncoder
from .store import FOLDER, WeightsProblem
from .weight_files import read_pair

NAME: Final = "bandai-signature"
_MAX_BYTES: Final = 2 << 20
_MOST: Final = 512  # channels and numbers
_MEND: Final = "emotus train signature"


@dataclass(frozen=True)
class LearnedSignature:
    """Hold an encoder and what is known of it; sha256: of the tensors' file. training: how it was made."""

    encoder: MotionEncoder
    licence: str
    attribution: str
    sha256: str = ""
    training: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def id(self) -> str:
        """Return what two signatures must share to be compared."""
        return f"learned {self.encoder.shape.kind} {self.sha256[:8]}"


def save_signature(folder: Path, learned: LearnedSignature) -> Path:
    """Write NAME.safetensors and NAME.json into the folder, the hash worked out anew; return the first."""
    folder.mkdir(parents=True, exist_ok=True)
    state = learned.encoder.state_dict()
    data = safetensors.torch.save({name: tensor.contiguous() for name, tensor in state.items()})
    said = {
        "name": NAME,
        "shape": asdict(learned.encoder.shape),
        "sha256": hashlib.sha256(data).hexdigest(),
        "licence": learned.licence,
        "attribution": learned.attribution,
        "training": dict(learned.training),
    }
    path = folder / f"{NAME}.safetensors"
    path.write_bytes(data)
    path.with_suffix(".json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return path


def load_signature(path: Path = FOLDER / f"{NAME}.safetensors") -> LearnedSignature:
    """Return the learned signature, the shipped one unless another is named; raises WeightsProblem, having run nothing.

    A file whose hash is not the one that the JSON beside it states is refused before it is read.
    """
    said, data = read_pair(path, _MAX_BYTES, _MEND)
    try:
        encoder = MotionEncoder(_shape(cast("Mapping[str, Any]", said["shape"])))
        encoder.load_state_dict(safetensors.torch.load(data), strict=True)
        known = {name: str(said[name]) for name in ("licence", "attribution", "sha256")}
        training = dict(cast("Mapping[str, Any]", said["training"]))
    except (KeyError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        about = path.with_suffix(".json")
        raise WeightsProblem(str(about), f"does not fit this version: {' '.join(str(error).split())[:200]}") from None
    if not all(bool(torch.isfinite(tensor).all()) for tensor in encoder.state_dict().values()):
        raise WeightsProblem(str(path), "holds numbers that are not finite")
    return LearnedSignature(encoder.eval().requires_grad_(requires_grad=False), training=training, **known)


def _shape(said: Mapping[str, Any]) -> EncoderShape:
    shape = EncoderShape(str(said["kind"]), int(said["channels"]), int(said["latent"]))  # type: ignore[arg-type]
    if shape.kind not in get_args(Kind) or not all(0 < n <= _MOST for n in (shape.channels, shape.latent)):
        raise ValueError(f"shape {dict(said)}")
    return shape
