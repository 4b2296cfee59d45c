"""Open a published ST-GCN checkpoint: safetensors only, since a pickle runs whatever its maker wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

import safetensors
import safetensors.torch

from .folded import FoldedStgcn
from .published import LayoutProblem, fold
from .store import WeightsProblem

MAX_BYTES: Final = 256 << 20
_PICKLES: Final = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_MEND: Final = (
    "where you trust it: safetensors.torch.save_file(torch.load(FILE, weights_only=True), 'FILE.safetensors')"
)


def open_checkpoint(path: Path, *, strides: tuple[int, ...] | None = None, pool: int = 75) -> FoldedStgcn:
    """Return the network of a checkpoint file, ready to step; strides and pool as in `fold`.

    Raises WeightsProblem naming the file, what is wrong and the mend: a pickle is refused before anything of it runs.
    """
    place = str(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            first = file.read(4)
    except OSError as error:
        raise WeightsProblem(place, (error.strerror or "cannot be read").lower()) from None
    if first.startswith(_PICKLES):
        raise WeightsProblem(place, "is a pickle, which could run anything; nothing of it was read", _MEND)
    if size > MAX_BYTES:
        raise WeightsProblem(place, f"has {size} bytes; at most {MAX_BYTES} are read")
    try:
        model = fold(cast("Any", safetensors.torch).load_file(path), strides=strides, pool=pool)
    except (LayoutProblem, RuntimeError, ValueError) as error:
        raise WeightsProblem(place, " ".join(str(error).split())[:200]) from None
    except safetensors.SafetensorError as error:
        raise WeightsProblem(place, f"is no safetensors file: {str(error)[:100]}", _MEND) from None
    if not all(bool(tensor.isfinite().all()) for tensor in model.buffers()):
        raise WeightsProblem(place, "holds numbers that are not finite")
    return model.eval()
